"""The audit of a copy: read again from disk, and held against the rules and the original.

It stands neither on the engine nor on the corrections: a fault of theirs is found here.
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from collections.abc import Mapping

from fastpix.deidentification.charsets import Charset, charset_of
from fastpix.deidentification.copy_elements import CopyElements, CopyUnreadableError, Element
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copy_rules import (
    Violation,
    check_declarations,
    check_element,
    check_kept,
)
from fastpix.deidentification.expected_copy import Expected
from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.pictures_besides import pictures_besides
from fastpix.deidentification.value_kinds import DATES, NUMERIC_TEXTS, TEXTS, is_well_known
from fastpix.deidentification.writing import PixelElement
from fastpix.header.dcmread import dcmread
from fastpix.header.file_meta import META, transfer_syntax_of
from fastpix.standard.confidentiality_profile import actions
from fastpix.standard.required_attributes import level_of
from fastpix.standard.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

_META_TAGS = frozenset(
    {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}
)
_SOP_CLASS, _SOP_INSTANCE, _CHARSET = 0x00080016, 0x00080018, 0x00080005
_PIXEL_DATA = 0x7FE00010
_SEARCHED = TEXTS | NUMERIC_TEXTS | DATES
_NEW_UID = re.compile(r"2\.25\.[0-9]{1,39}")


def audit_copy(
    path: str | os.PathLike[str], settings: Deidentification, expected: Expected | None
) -> list[Violation]:
    """Read a copy again, and return what is wrong with it: tags and rules, never a value.

    Parameters
    ----------
    path : path
    settings : Deidentification
    expected : Expected or None
        None: what can be said without the original.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return [*_audit(data, settings, expected), *_check_pydicom(path)]
        except (CopyUnreadableError, zlib.error, ValueError, IndexError):
            return [Violation((), 0, "readable", "its bytes are no DICOM elements")]


def _audit(
    data: mmap.mmap, settings: Deidentification, expected: Expected | None
) -> list[Violation]:
    found: list[Violation] = []
    if bytes(data[:META]) != b"\0" * 128 + b"DICM":
        found.append(Violation((), 0, "preamble", "it is not empty, or no DICM follows"))
    group_length = int.from_bytes(data[META + 8 : META + 12], "little")
    begin = META + 12 + group_length
    head = bytes(data[:begin])
    meta = CopyElements(head, META, False, True)
    found += [
        Violation((), element.tag, "file meta", "more than is needed")
        for element in meta.elements
        if element.tag not in _META_TAGS
    ]
    syntax = transfer_syntax_of(head)
    body: bytes | mmap.mmap = data
    at = begin
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        body, at = zlib.decompress(data[begin:], -zlib.MAX_WBITS), 0
    implicit = syntax == IMPLICIT_VR_LITTLE_ENDIAN
    little = syntax != EXPLICIT_VR_BIG_ENDIAN
    copy = CopyElements(body, at, implicit, little)
    values = {(e.path, e.tag): bytes(body[e.start : e.end]) for e in copy.elements}
    sop_class = values.get(((), _SOP_CLASS), b"").decode("latin-1").strip("\0 ")
    rules = actions(settings.options)
    required = level_of(sop_class)
    for element in copy.elements:
        value = values[element.path, element.tag]
        found += check_element(element, value, rules, required, settings, copy.items)
    decided = None if expected is None else expected.is_decided
    found += check_declarations(values, copy.items, settings, decided)
    if expected is not None:
        found += check_kept(values, copy.items, rules, expected)
        header = bytes(body[at : copy.end])
        keeps_uids = "uids" in settings.keep
        found += _search(
            copy.elements, values, rules, expected.identifiers, header, at, head, keeps_uids
        )
        found += _check_pixels(body, copy.pixels, expected.pixels)
        if copy.pixels >= 0 and not (expected.is_image and _is_native(body, copy.pixels, implicit)):
            with memoryview(body)[copy.pixels :] as coded:
                if expected.identifiers.in_coded(coded):
                    found.append(Violation((), _PIXEL_DATA, "identifier", "an original value, raw"))
    elif copy.pixels < 0 and copy.end != len(body):
        found.append(Violation((), 0, "readable", "bytes behind the last element"))
    return found


def _check_pydicom(path: str | os.PathLike[str]) -> list[Violation]:
    try:
        dataset = dcmread(path, stop_before_pixels=True)
        for element in dataset:
            _ = element.value
        besides = any(pictures_besides(dataset))
    except Exception:
        return [Violation((), 0, "readable", "pydicom cannot read it")]
    return [Violation((), 0, "pixels", "there are pictures besides them")] if besides else []


def _search(
    elements: list[Element],
    values: dict[tuple[tuple[int, ...], int], bytes],
    rules: Mapping[int, str],
    identifiers: Identifiers,
    header: bytes,
    at: int,
    head: bytes,
    keeps_uids: bool,
) -> list[Violation]:
    """Search texts for identifiers, then the bytes of the whole header."""
    kept = {tag for tag, action in rules.items() if action == "K"}
    found = []
    clean: list[Element] = []
    for element in elements:
        value = values[element.path, element.tag]
        if not value or element.vr == "SQ":
            continue
        exempt = element.tag in kept or any(tag in kept for tag in element.path[::2])
        is_exempt_uid = False
        if element.vr == "UI":
            uids = [uid.strip() for uid in value.decode("latin-1").replace("\0", "").split("\\")]
            wrong = not exempt and any(uid in identifiers.uids for uid in uids)
            is_exempt_uid = keeps_uids or all(
                _NEW_UID.fullmatch(uid) or is_well_known(uid) for uid in uids
            )
        elif element.vr in NUMERIC_TEXTS:
            wrong = identifiers.in_number(value)
        elif element.vr in TEXTS and not exempt:
            wrong = identifiers.in_bytes(value, element.vr, _charset(values, element.path))
        else:
            wrong = False
        if wrong:
            found.append(Violation(element.path, element.tag, "identifier", "an original value"))
        elif exempt or is_exempt_uid or element.vr in _SEARCHED:
            clean.append(element)
    # Raw: what is left once the texts that were searched are cut out.
    rest = bytearray(header)
    for element in clean:
        start = element.start - at
        rest[start : start + element.end - element.start] = b"\0" * (element.end - element.start)
    # The digits of a new UID are those of a hash, in which any short number may be found.
    uid = values.get(((), _SOP_INSTANCE), b"").strip(b" \0")
    if keeps_uids or _NEW_UID.fullmatch(uid.decode("latin-1")):
        head = head.replace(uid, b"")
    if identifiers.in_raw(bytes(rest) + head):
        found.append(Violation((), 0, "identifier", "an original value, raw in the header"))
    return found


def _charset(values: Mapping[tuple[tuple[int, ...], int], bytes], path: tuple[int, ...]) -> Charset:
    """Return Specific Character Set at a level: its own, or that of one around it."""
    for end in range(len(path), -1, -2):
        if (value := values.get((path[:end], _CHARSET))) is not None:
            return charset_of(value)
    return ()


def _is_native(data: bytes | mmap.mmap, at: int, implicit: bool) -> bool:
    length = at + (4 if implicit else 8)
    return bytes(data[length : length + 4]) != b"\xff\xff\xff\xff"


def _check_pixels(data: bytes | mmap.mmap, at: int, pixels: PixelElement | None) -> list[Violation]:
    wrong = Violation((), _PIXEL_DATA, "pixels", "they differ from those of the original")
    if pixels is None:
        return [] if at < 0 else [wrong]
    if at < 0:
        return [wrong]
    for chunk in pixels.chunks():
        if data[at : at + len(chunk)] != chunk:
            return [wrong]
        at += len(chunk)
    return [] if at == len(data) else [Violation((), 0, "readable", "bytes behind the pixels")]
