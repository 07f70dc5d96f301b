"""Siemens' CSA headers and protocol texts: what they say of the slices of a mosaic.

Both formats are read, as nibabel and dcm2niix describe them: ``SV10``, and the older one without
it. The parser is strict: the elements must fill the bytes as their counts and lengths say, else
nothing is returned. Each step of a loop takes bytes away, so damaged counts end it early.
"""

from __future__ import annotations

import math
import re
import struct
from typing import NamedTuple

from fastpix.series.plane import Vector

_SIGNATURE = b"SV10"
_MOST_TAGS = 1024  # real headers have about 100
_CHECKS = (77, 205)  # what follows the head of an element
_TAG = struct.Struct("<64si4siii")
_ITEM = struct.Struct("<4i")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BEGIN, _END = b"### ASCCONV BEGIN", b"### ASCCONV END"
_LINE = re.compile(rb"^[ \t]*([A-Za-z0-9_.\[\]]{1,128})[ \t]*=[ \t]*([^\s#]{1,64})", re.MULTILINE)
_SLICE = re.compile(r"sSliceArray\.asSlice\[([0-9]{1,4})\]\.sPosition\.d(Sag|Cor|Tra)")
_AXES = {"Sag": 0, "Cor": 1, "Tra": 2}


class CsaSlices(NamedTuple):
    """What a CSA image header says of a mosaic. What it does not say is None.

    Attributes
    ----------
    slices : int or None
        NumberOfImagesInMosaic.
    normal : (float, float, float) or None
        SliceNormalVector: from the first slice to the last.
    between : float or None
        SpacingBetweenSlices, in millimetres.
    """

    slices: int | None = None
    normal: Vector | None = None
    between: float | None = None


class ProtocolSlices(NamedTuple):
    """What the text of a protocol says of slices.

    Attributes
    ----------
    slices : int or None
        sSliceArray.lSize; of a single slab, sKSpace.lImagesPerSlab.
    positions : tuple of (float, float, float)
        Centres of the slices, or of the slab, in millimetres, LPS, in the order of the protocol.
        Empty unless the protocol has all of them.
    """

    slices: int | None = None
    positions: tuple[Vector, ...] = ()


def csa_slices(data: bytes) -> CsaSlices | None:
    """Return what a CSA image header says of a mosaic; None where it is damaged.

    Parameters
    ----------
    data : bytes
        The value of (0029,1010) of a block of SIEMENS CSA HEADER.
    """
    names = ("NumberOfImagesInMosaic", "SliceNormalVector", "SpacingBetweenSlices")
    found = read_csa(data, frozenset(names))
    if found is None:
        return None
    count, normal, between = (list(map(_number, found.get(name, ()))) for name in names)
    whole = count[0] if len(count) == 1 else None
    vector = None
    if len(normal) == 3:
        x, y, z = normal
        if x is not None and y is not None and z is not None:
            vector = x, y, z
    return CsaSlices(
        int(whole) if whole is not None and whole.is_integer() and whole > 0 else None,
        vector,
        between[0] if len(between) == 1 else None,
    )


def read_csa(data: bytes, wanted: frozenset[str]) -> dict[str, tuple[str, ...]] | None:
    """Return the values of elements of a CSA header; None where it is damaged.

    Parameters
    ----------
    data : bytes
    wanted : frozenset of str
        Names of elements.

    Returns
    -------
    dict of str to tuple of str, or None
        Values that are empty are left out.
    """
    is_new = data[:4] == _SIGNATURE
    at = 8 if is_new else 0
    if len(data) < at + 8:
        return None
    count, check = struct.unpack_from("<2i", data, at)
    at += 8
    if not 0 < count <= _MOST_TAGS or check != _CHECKS[0]:
        return None
    found: dict[str, tuple[str, ...]] = {}
    base = None  # the older format adds the first element's number of items to each length
    for _ in range(count):
        if at + _TAG.size > len(data):
            return None
        name, _, _, _, items, check = _TAG.unpack_from(data, at)
        at += _TAG.size
        if check not in _CHECKS or items < 0:
            return None
        if base is None:
            base = 0 if is_new else items
        key = name.partition(b"\0")[0].decode("latin-1")
        values = []
        for _ in range(items):
            if at + _ITEM.size > len(data):
                return None
            lengths = _ITEM.unpack_from(data, at)
            at += _ITEM.size
            size = lengths[1] if is_new else lengths[0] - base
            if not 0 <= size <= len(data) - at:
                return None
            if size and key in wanted:
                values.append(data[at : at + size])
            at += (size + 3) & ~3
        if values and key not in found:
            texts = (value.partition(b"\0")[0].decode("latin-1").strip() for value in values)
            found[key] = tuple(text for text in texts if text)
    return found


def protocol_slices(data: bytes) -> ProtocolSlices:
    """Return what the text of a protocol within a CSA series header says of slices.

    Parameters
    ----------
    data : bytes
        The value of (0029,1020) of a block of SIEMENS CSA HEADER.
    """
    begin = data.find(_BEGIN)
    end = data.find(_END, begin)
    if begin < 0 or end < 0:
        return ProtocolSlices()
    count = slab = None
    places: dict[int, list[float]] = {}
    for match in _LINE.finditer(data, begin, end):
        key, text = (part.decode("latin-1") for part in match.groups())
        if key == "sSliceArray.lSize":
            count = _integer(text)
        elif key == "sKSpace.lImagesPerSlab":
            slab = _integer(text)
        elif (place := _SLICE.fullmatch(key)) is not None:
            number = _number(text)
            if number is not None:
                # A coordinate of 0 is left out of the text.
                places.setdefault(int(place[1]), [0.0, 0.0, 0.0])[_AXES[place[2]]] = number
    positions: tuple[Vector, ...] = ()
    if count is not None and 0 < count <= _MOST_TAGS and places and max(places) < count:
        middle = [0.0, 0.0, 0.0]
        listed = [places.get(k, middle) for k in range(count)]
        # A slice at the very origin has no coordinate at all: there is one such place at most.
        if listed.count(middle) <= 1:
            positions = tuple((x, y, z) for x, y, z in listed)
    return ProtocolSlices(slab if count == 1 and slab is not None else count, positions)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    """Return a whole number above 0, decimal or hexadecimal."""
    if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text):
        number = int(text, 16)
    elif re.fullmatch(r"[0-9]{1,8}", text):
        number = int(text)
    else:
        return None
    return number or None
