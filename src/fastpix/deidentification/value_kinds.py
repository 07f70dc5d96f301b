"""Kinds of value representations, well-known UIDs, and the dummies that stand for values."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"})
NUMERIC_TEXTS = frozenset({"IS", "DS"})
DATES = frozenset({"DA", "DT", "TM"})
TEXTS = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
BYTES = frozenset({"OB", "OW", "OD", "OF", "OL", "OV"})

DUMMY_TEXT = "DEIDENTIFIED"
DUMMIES: dict[str, str] = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "PN", "CS", "UR"), DUMMY_TEXT),
    "AE": "DEID",
    "AS": "000D",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "IS": "0",
    "DS": "0",
}
"""What stands for a value of each text VR that must not be empty."""

WELL_KNOWN = "1.2.840.10008."
"""What UIDs of the standard begin with: they identify nothing (PS3.15 E.3.9)."""

# UIDs of classes, syntaxes and code systems, whoever has made them.
CLASS_UIDS = frozenset(
    {
        0x00080016, 0x0008001A, 0x0008001B, 0x00080062, 0x0008010C, 0x0008010D, 0x00080117,
        0x00080118, 0x0008040E, 0x00081150, 0x0008115A, 0x00083002, 0x00340003, 0x04000010,
        0x0040DB00, 0x30100052, 0x30100053,
    }
)  # fmt: skip

# Bytes that are numbers of an image, a spectrum or a surface, and not listed in Table E.1-1.
STRUCTURAL_BYTES = frozenset(
    {
        0x00221531, 0x00281201, 0x00281202, 0x00281203, 0x00281204, 0x00281211, 0x00281212,
        0x00281213, 0x00281221, 0x00281222, 0x00281223, 0x00281224, 0x00281408, 0x00282000,
        0x00283006, 0x00640009, 0x00660016, 0x00660021, 0x00660022, 0x00660023, 0x00660024,
        0x00660025, 0x00660029, 0x00660040, 0x00660041, 0x00660042, 0x00660043, 0x00660125,
        0x00660129, 0x006A0011, 0x00700256, 0x0070150D, 0x00701A07, 0x7FE00001, 0x7FE00002,
        0x300A0664, 0x300A0665, 0x300A066B, 0x00281407, 0x00189445, 0x00181638, 0x00660103,
        0x00800010, 0x00800011, 0x56000010, 0x56000020,
    }
)  # fmt: skip

PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


def is_well_known(uid: str) -> bool:
    """Whether a UID is one of the standard's own (PS3.6 annex A).

    Devices are found that make UIDs of instances below the root of the standard.
    """
    return uid.startswith(WELL_KNOWN) and uid in _standard_uids()


@lru_cache(maxsize=1)
def _standard_uids() -> Container[str]:
    from pydicom._uid_dict import UID_dictionary

    return UID_dictionary
