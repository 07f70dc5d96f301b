"""Transfer syntaxes: which are native, which codecs do what to samples (PS3.5 annex A)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location

from fastpix.standard.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    GE_IMPLICIT_VR,
    IMPLICIT_VR_LITTLE_ENDIAN,
    PRIVATE_SYNTAXES,
    TRANSFER_SYNTAXES,
)

NATIVE = frozenset(
    {
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        GE_IMPLICIT_VR,
    }
)
BIG_ENDIAN_CELLS = frozenset({EXPLICIT_VR_BIG_ENDIAN, GE_IMPLICIT_VR})


def _compressed(*numbers: int) -> frozenset[str]:
    return frozenset(f"1.2.840.10008.1.2.4.{number}" for number in numbers)


RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
RETIRED_JPEG = _compressed(52, 53, 54, 55, 56)  # arithmetic codes, spectral and progressive scans
JPEG = _compressed(50, 51) | RETIRED_JPEG  # all that is coded by DCT
JPEG_LOSSLESS = _compressed(57, 70)
JPEG_LS = _compressed(80, 81)
HIGH_THROUGHPUT = _compressed(201, 202, 203)
JPEG_2000 = _compressed(90, 91) | HIGH_THROUGHPUT
RECOMPRESSED_JPEG = "1.2.840.10008.1.2.4.111"
JPEG_XL = _compressed(110, 111, 112)

_VIDEO = "it is a video: take the stream out of Pixel Data, and give it to a video library"
_REFERENCED = (
    "its pixels are on a server: ask the archive for the image itself, or use a JPIP client"
)
_LIVE = (
    "its pixels travel in a network stream of their own: receive it with software for SMPTE 2110"
)
_HIERARCHICAL = "no known decoder reads it: convert the file with its maker's software"
_MULTI_COMPONENT = "no decoder that Python can use reads it: have the archive send it uncompressed"
_INSTEAD = {
    **dict.fromkeys(_compressed(100, 101, 102, 103, 104, 105, 106, 107, 108), _VIDEO),
    **dict.fromkeys(_compressed(94, 95, 204, 205), _REFERENCED),
    **dict.fromkeys((f"1.2.840.10008.1.2.7.{n}" for n in (1, 2, 3)), _LIVE),
    **dict.fromkeys(_compressed(*range(58, 67)), _HIERARCHICAL),
    **dict.fromkeys(_compressed(92, 93), _MULTI_COMPONENT),
}


def what_instead(uid: str) -> str:
    """Return what to do with a transfer syntax that nothing here can decode."""
    if not syntax_name(uid):
        return "it is none of the standard's; convert the file with its maker's software"
    fragmentable = uid.removesuffix(".1")  # a video in several fragments
    return _INSTEAD.get(uid) or _INSTEAD.get(fragmentable) or "have it sent uncompressed"


def syntax_name(uid: str) -> str:
    """Return a transfer syntax's name, or an empty string where it is not known."""
    name = TRANSFER_SYNTAXES.get(uid) or PRIVATE_SYNTAXES.get(uid)
    if name is not None:
        return name
    name, kind = _entry_of(uid)  # a later release of pydicom may know more
    return name if kind == "Transfer Syntax" else ""


def uid_name(uid: str) -> str:
    """Return the name of a UID of the standard (PS3.6 annex A), or an empty string.

    Any other text has no name, also where it is a UID but for the white space around it.
    """
    return _entry_of(uid)[0]


def _entry_of(uid: str) -> tuple[str, str]:
    """Return name and kind of a UID in pydicom's dictionary, or two empty strings."""
    entry = _uid_dictionary().get(uid)
    return ("", "") if entry is None else (entry[0], entry[1])


def keeps_high_bit(uid: str) -> bool:
    """Whether cells come as they were stored, so that High Bit says where the value is.

    Other codecs give right-aligned samples.
    """
    return uid in NATIVE or uid in (RLE, DEFLATED_FRAMES)


@cache
def _uid_dictionary() -> Mapping[str, tuple[str, ...]]:
    """Return pydicom's dictionary of UIDs, which `pydicom.uid.UID` trims a text for.

    The file that holds it is loaded by itself: all of pydicom takes a fifth of a second.
    """
    if "pydicom" not in sys.modules:
        package = find_spec("pydicom")
        for folder in (package.submodule_search_locations or ()) if package else ():
            spec = spec_from_file_location("_uid_dict", os.path.join(folder, "_uid_dict.py"))
            if spec is not None and spec.loader is not None:
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                found: Mapping[str, tuple[str, ...]] = module.UID_dictionary
                return found
    from pydicom._uid_dict import UID_dictionary

    return UID_dictionary
