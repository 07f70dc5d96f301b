"""Texts without a rule that have an identifier of the patient all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastpix.deidentification.charsets import Charset, charset_of
from fastpix.deidentification.dummy_values import dummy_element, empty_element
from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.original_levels import OriginalLevel
from fastpix.deidentification.value_kinds import DUMMIES, NUMERIC_TEXTS, TEXTS
from fastpix.standard.required_attributes import type_of

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

_CHARSET = 0x00080005


def clear(
    levels: list[OriginalLevel], identifiers: Identifiers, new_uid: Callable[[str], str]
) -> int:
    """Empty or remove texts that have an identifier, or put a dummy there, as the IOD demands.

    Returns
    -------
    int
        How many there were.
    """
    cleared = 0
    charsets: dict[tuple[int, ...], Charset] = {}
    for level in levels:
        charset = charsets[level.path] = _charset(level, charsets.get(level.path[:-2], ()))
        for tag, element in list(level.aside.items()):
            vr, value = _vr_and_bytes(tag, element)
            if value is None or not _identifies(identifiers, vr, value, charset):
                continue
            cleared += 1
            kind = "1" if level.required is None else type_of(level.required, tag)
            if vr == "CS" and b"\\" in value:
                level.aside[tag] = _partly_cleared(identifiers, tag, value)
            elif kind == "1":
                level.aside[tag] = dummy_element(tag, vr, (), new_uid("dummy"))
            elif kind == "2":
                level.aside[tag] = empty_element(tag, vr)
            else:
                del level.aside[tag]
    return cleared


def _partly_cleared(identifiers: Identifiers, tag: int, value: bytes) -> DataElement:
    """Return coded strings of which those that identify are dummies: Image Type keeps its place."""
    from pydicom.dataelem import DataElement

    texts = [
        DUMMIES["CS"] if identifiers.in_bytes(text, "CS") else text.decode("latin-1").strip(" \0")
        for text in value.split(b"\\")
    ]
    return DataElement(tag, "CS", texts)


def _identifies(identifiers: Identifiers, vr: str, value: bytes, charset: Charset) -> bool:
    if vr in NUMERIC_TEXTS:
        return identifiers.in_number(value)
    return vr in TEXTS and identifiers.in_bytes(value, vr, charset)


def _charset(level: OriginalLevel, inherited: Charset) -> Charset:
    """Return Specific Character Set of a level: its own, or that of the one around it."""
    element = level.aside.get(_CHARSET)
    if element is None:
        return inherited
    value = element.value
    return charset_of(value if isinstance(value, bytes) else _vr_and_bytes(_CHARSET, element)[1])


def _vr_and_bytes(tag: int, element: Any) -> tuple[str, bytes | None]:
    from pydicom.datadict import dictionary_VR

    vr = element.VR or dictionary_VR(tag)
    value = element.value
    if isinstance(value, bytes):
        return vr, value
    if value is None or vr == "UI":
        return vr, None
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return vr, str(value).encode("utf-8")
    return vr, "\\".join(map(str, value)).encode("utf-8")
