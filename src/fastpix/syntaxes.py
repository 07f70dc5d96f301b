"""Transfer syntaxes: which are native, which codecs do what to samples (PS3.5 annex A)."""

from __future__ import annotations

from pydicom import config
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

NATIVE = frozenset(
    str(uid)
    for uid in (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    )
)
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_2000 = frozenset(
    f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 201, 202, 203)
)  # High-Throughput JPEG 2000 included
LOSSY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 81, 91, 203, 112))
# Younger than some releases of pydicom.
_NAMES = {
    DEFLATED_FRAMES: "Deflated Image Frame Compression",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}


def syntax_name(uid: str) -> str:
    """Return a transfer syntax's name (PS3.6 annex A), or an empty string where there is none."""
    known = UID(uid, validation_mode=config.IGNORE)
    return known.name if known.type == "Transfer Syntax" else _NAMES.get(uid, "")


def uid_name(uid: str) -> str:
    """Return the name of a UID of the standard (PS3.6 annex A), or an empty string."""
    name = UID(uid, validation_mode=config.IGNORE).name
    return "" if name == uid else name


def keeps_high_bit(uid: str) -> bool:
    """Whether cells come as they were stored, so that High Bit says where the value is.

    Other codecs give right-aligned samples.
    """
    return uid in NATIVE or uid in (RLE, DEFLATED_FRAMES)
