"""Defined terms of the standard: what a text may be without being a person's words."""

from __future__ import annotations

_MODALITIES = """
    AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DMS DG DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD
    IO IOL IVOCT IVUS KER KO LEN LS MG MR M3D NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN
    POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV
    SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC
"""
MODALITIES = frozenset(_MODALITIES.split())
"""Modality (PS3.3 C.7.3.1.1.1), retired terms included."""

_UNITS = """
    HU OD US MGML Z_EFF ED EDW HU_MOD PCT MGML CM2ML GY RELATIVE CNTS NONE CM2 PCNT CPS BQML
    MGMINML UMOLMINML MLMING MLG 1CM UMOLML PROPCNTS PROPCPS MLMINML GML STDDEV SUV
"""
UNITS = frozenset(_UNITS.split())
"""Units of values (PS3.3 C.11.1.1.2, C.8.9.1.1.3, C.8.8.3)."""

PHOTOMETRIC = frozenset(
    (
        "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422",
        "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB", "HSV", "ARGB", "CMYK",
    )
)  # fmt: skip
"""Photometric Interpretation (PS3.3 C.7.6.3.1.2), retired terms included."""
