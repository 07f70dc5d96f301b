"""Single values of planes, from bytes. Each different value is parsed once."""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache

from fastpix.header.geometry import Fault, Vector, decimals
from fastpix.series.vendors import as_vector
from fastpix.standard.tags import Tag

_WORDS = {"MAGNITUDE": "M", "PHASE": "P", "REAL": "R", "IMAGINARY": "I"}
_COMPONENTS = {
    **_WORDS,
    **{letter: letter for letter in "MPRI"},
    "MAG": "M", "MAGNITUDE IMAGE": "M", "PHASE MAP": "P", "PHASE_MAP": "P", "PHASE IMAGE": "P",
    # Philips': component and kind of sequence.
    **{f"{letter}_{kind}": letter for letter in "MPRI"
       for kind in ("FFE", "SE", "IR", "TSE", "TFE", "FE", "EPI", "GRASE", "PCA", "MDIXON")},
}  # fmt: skip
_DATE = re.compile(r"([0-9]{4})[.]?([0-9]{2})[.]?([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):?(?:([0-9]{2}):?(?:([0-9]{2})(?:\.([0-9]{1,6}))?)?)?")
_NO_DATE = "0" * 8


@lru_cache(4096)
def text(value: bytes | None) -> str:
    """Return text without padding."""
    return "" if value is None else value.decode("latin-1").strip(" \0")


@lru_cache(4096)
def uid(value: bytes | None) -> str:
    """Return a UID, trimmed of all white space as pydicom does."""
    return "" if value is None else value.decode("latin-1").strip(" \0").strip()


@lru_cache(4096)
def decimal(value: bytes | None) -> float | None:
    """Return the first of Decimal or Integer Strings; None where it is none."""
    if value is None:
        return None
    found = decimals(Tag.InstanceNumber, value)
    return None if isinstance(found, Fault) or not found else found[0]


@lru_cache(4096)
def integer(value: bytes | None) -> int | None:
    """Return the first of Integer Strings; None where it is no whole number."""
    found = decimal(value)
    return int(found) if found is not None and found.is_integer() else None


@lru_cache(4096)
def double(value: bytes | None) -> float | None:
    """Return the first of FD values; None where it is not finite."""
    if value is None or len(value) < 8:
        return None
    (found,) = struct.unpack_from("<d", value)
    return found + 0.0 if math.isfinite(found) else None


@lru_cache(4096)
def direction(value: bytes | None) -> Vector | None:
    """Return three FD values; None for zeros."""
    if value is None or len(value) != 24:
        return None
    return as_vector(struct.unpack("<3d", value))


@lru_cache(4096)
def word(value: bytes | None) -> int | None:
    """Return the first of US values."""
    return None if value is None or len(value) < 2 else int.from_bytes(value[:2], "little")


@lru_cache(4096)
def long(value: bytes | None) -> int | None:
    """Return the first of UL values."""
    return None if value is None or len(value) < 4 else int.from_bytes(value[:4], "little")


def words(value: bytes | None) -> tuple[int, ...]:
    """Return US values."""
    value = value or b""
    return struct.unpack(f"<{len(value) // 2}H", value[: len(value) // 2 * 2])


def tags(value: bytes | None) -> tuple[int, ...]:
    """Return AT values."""
    pairs = words(value)
    return tuple(pairs[k] << 16 | pairs[k + 1] for k in range(0, len(pairs) - 1, 2))


@lru_cache(4096)
def image_type(value: bytes | None) -> tuple[str, ...]:
    """Return all values of Image Type or Frame Type."""
    if not value:
        return ()
    return tuple([each.strip(" \0").upper() for each in value.decode("latin-1").split("\\")])


@lru_cache(4096)
def component(complex_component: bytes | None, kinds: tuple[str, ...], by_vendor: str) -> str:
    """Return M, P, R or I, or an empty string: by Complex Image Component, GE, or Image Type."""
    named = _WORDS.get(text(complex_component).upper(), "")
    if named or by_vendor:
        return named or by_vendor
    for kind in kinds[2:]:
        if kind in _COMPONENTS:
            return _COMPONENTS[kind]
    return ""


@lru_cache(4096)
def moment(whole: bytes | None, date: bytes | None = None, time: bytes | None = None) -> str:
    """Return 20 digits of date and time, down to microseconds; empty where there is no time.

    Parameters
    ----------
    whole : bytes or None
        A DT, without which `date` and `time` count.
    date, time : bytes or None
        A DA and a TM; zeros where there is no date.
    """
    both = text(whole)
    if both:
        found = _DATE.match(both)
        clock = _digits(both[found.end() :]) if found else ""
        if found and clock:
            return "".join(found.groups()) + clock
    clock = _digits(text(time))
    if not clock:
        return ""
    found = _DATE.fullmatch(text(date))
    return ("".join(found.groups()) if found else _NO_DATE) + clock


def _digits(time: str) -> str:
    """Return hours to microseconds; empty where there are none."""
    found = _TIME.match(time)
    if not found:
        return ""
    hours, minutes, seconds, fraction = found.groups()
    return f"{hours}{minutes or '00'}{seconds or '00'}{(fraction or '').ljust(6, '0')}"


def snake_case(keyword: str) -> str:
    """Return a keyword in snake case: ``TemporalPositionIndex``, ``temporal_position_index``."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", keyword)
    return parts.lower()
