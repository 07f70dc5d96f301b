"""What vendors say in private elements: b-value, gradient, complex component, kind of image.

A private element belongs to the block whose creator names the vendor (PS3.5 7.8.1). Files that were
de-identified have often lost their creators: where a group has none at all, and Manufacturer names
the vendor, block 0x10 is taken for the vendor's, which is where their scanners put it.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import NamedTuple

from fastpix.header.geometry import Fault, Vector, decimals
from fastpix.header.plain_values import PrivateValue
from fastpix.standard.private import Private

_CODES = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_LARGE_B_VALUE = 10**9  # GE adds it to some b-values, and more in steps of 100,000
_COMPONENTS = "MPRI"
_TO_ABSENT = ("", "UN", "OB")


class VendorValues(NamedTuple):
    """What private elements say. What they do not say is None, or empty.

    Attributes
    ----------
    component : str
        ``M``, ``P``, ``R``, ``I``.
    ge_image_type : int or None
        GE's (0043,1030).
    b_value : float or None
    gradient : (float, float, float) or None
        As the vendor has it: GE gives it along the axes of the image.
    """

    component: str = ""
    ge_image_type: int | None = None
    b_value: float | None = None
    gradient: Vector | None = None


NOTHING = VendorValues()


@lru_cache(1024)
def vendor_values(private: tuple[PrivateValue, ...], manufacturer: bytes) -> VendorValues:
    """Return what private elements say.

    Parameters
    ----------
    private : tuple of PrivateValue
        Private Creators and elements, in ascending order of their tags.
    manufacturer : bytes
    """
    creators = tuple([(each.tag, each.value) for each in private if each.tag & 0xFF00 == 0])
    known = _known_tags(creators, manufacturer.decode("latin-1").strip(" \0").upper())
    found: dict[Private, tuple[float, ...]] = {}
    for each in private:
        name = known.get(each.tag)
        if name is not None:
            numbers = _numbers(each, name.vr)
            if numbers:
                found[name] = numbers
    if not found:
        return NOTHING
    b_value = _b_value(found)
    return VendorValues(
        _component(found),
        _integer(found.get(Private.GE_IMAGE_TYPE)),
        b_value,
        _gradient(found) if b_value else None,
    )


@lru_cache(256)
def _known_tags(creators: tuple[tuple[int, bytes], ...], manufacturer: str) -> dict[int, Private]:
    """Return which private element stands under which tag."""
    known: dict[int, Private] = {}
    groups = {tag >> 16 for tag, _ in creators}
    for private in Private:
        if private.group in groups:
            for tag, value in creators:
                name = value.decode("latin-1").strip(" \0")
                if tag >> 16 == private.group and name == private.creator:
                    known.setdefault(private.tag(tag & 0xFF), private)
        elif manufacturer.startswith(private.manufacturer):
            known[private.tag(0x10)] = private
    return known


@lru_cache(4096)
def _numbers(element: PrivateValue, usual: str) -> tuple[float, ...]:
    """Return the numbers of a private element; none where they cannot be read."""
    vr = usual if element.vr in _TO_ABSENT else element.vr
    code = _CODES.get(vr)
    if code is None:
        found = decimals(element.tag, element.value)
        return () if isinstance(found, Fault) else found
    count, rest = divmod(len(element.value), struct.calcsize(code))
    if rest:
        return ()
    order = "<" if element.is_little_endian else ">"
    numbers = tuple(map(float, struct.unpack(f"{order}{count}{code}", element.value)))
    return numbers if all(map(math.isfinite, numbers)) else ()


def _integer(numbers: tuple[float, ...] | None) -> int | None:
    return int(numbers[0]) if numbers and numbers[0].is_integer() else None


def _component(found: dict[Private, tuple[float, ...]]) -> str:
    number = _integer(found.get(Private.GE_COMPONENT))
    return "" if number is None or not 0 <= number < len(_COMPONENTS) else _COMPONENTS[number]


def _b_value(found: dict[Private, tuple[float, ...]]) -> float | None:
    if Private.GE_B_VALUE in found:
        number = found[Private.GE_B_VALUE][0]
        return number % 100_000 if number >= _LARGE_B_VALUE else number
    for name in (Private.SIEMENS_B_VALUE, Private.PHILIPS_B_VALUE, Private.UIH_B_VALUE):
        if name in found:
            return found[name][0]
    return None


def _gradient(found: dict[Private, tuple[float, ...]]) -> Vector | None:
    for name in (Private.SIEMENS_GRADIENT, Private.UIH_GRADIENT):
        if name in found:
            return as_vector(found[name])
    for names in (
        (Private.GE_GRADIENT_X, Private.GE_GRADIENT_Y, Private.GE_GRADIENT_Z),
        (Private.PHILIPS_GRADIENT_X, Private.PHILIPS_GRADIENT_Y, Private.PHILIPS_GRADIENT_Z),
    ):
        if all(name in found for name in names):
            return as_vector(tuple(found[name][0] for name in names))
    return None


def as_vector(numbers: tuple[float, ...]) -> Vector | None:
    """Return a direction; None for zeros, which have none, and for another count of numbers."""
    if len(numbers) != 3 or not any(numbers) or not all(map(math.isfinite, numbers)):
        return None
    return numbers[0], numbers[1], numbers[2]
