"""Rules of a single element of a copy, of what must be kept, and of what must be declared."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from fastpix.deidentification.copy_elements import Element
from fastpix.deidentification.copy_options import CLEAN_PIXELS, Deidentification
from fastpix.deidentification.expected_copy import Expected
from fastpix.deidentification.original_levels import is_out_of_place
from fastpix.deidentification.value_kinds import (
    BYTES,
    CLASS_UIDS,
    DATES,
    DUMMIES,
    PIXEL_DATA,
    is_well_known,
)
from fastpix.standard.required_attributes import Level, level_below, type_of

Path: TypeAlias = tuple[int, ...]
Values: TypeAlias = Mapping[tuple[Path, int], bytes]
Items: TypeAlias = Mapping[tuple[Path, int], int]

_PATIENT = (0x00100010, 0x00100020)
_ANY_DATE = frozenset({"DA", "DT", "TM", "PN", "UR"})
_URN_CODE = 0x00080120
_DATES_DECLARED = {"remove": "REMOVED", "shift": "MODIFIED"}


class Violation(NamedTuple):
    """What is wrong with a copy, without a value.

    Attributes
    ----------
    path : tuple of int
        Tag and number of the item, by turns, of the sequences around it.
    tag : int
        0: the file as a whole.
    rule : str
        The action of the table, or what else was checked.
    why : str
    """

    path: tuple[int, ...]
    tag: int
    rule: str
    why: str

    def __str__(self) -> str:
        steps = [
            f"{name(tag)}[{number}]"
            for tag, number in zip(self.path[::2], self.path[1::2], strict=True)
        ]
        place = "/".join((*steps, name(self.tag))) if self.tag else "the file"
        return f"{place}: {self.rule}: {self.why}"


def name(tag: int) -> str:
    """Return a tag as the standard writes it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def level_at(required: Level | None, path: Path) -> Level | None:
    """Return what the IOD demands at a place."""
    for tag in path[::2]:
        if required is None:
            return None
        required = level_below(required, tag)
    return required


def check_element(
    element: Element,
    value: bytes,
    rules: Mapping[int, str],
    required: Level | None,
    settings: Deidentification,
    items: Items,
) -> list[Violation]:
    """Check what a copy has, without the original."""
    path, tag, vr = element.path, element.tag, element.vr

    def wrong(rule: str, why: str) -> list[Violation]:
        return [Violation(path, tag, rule, why)]

    if is_out_of_place(tag):
        return wrong("X", "private, unknown, a group length, a curve or an overlay")
    if vr == "UN":
        return wrong("X", "of unknown VR")
    if tag in PIXEL_DATA:  # those of the image stand behind all elements
        return wrong("X", "pixels in an item, which nobody has looked at")
    if vr == "SQ":
        empty = not items.get((path, tag))
    else:
        empty = not (value if vr in BYTES else value.strip(b" \0"))
    if tag in _PATIENT and not path:
        return [] if not empty else wrong("D", "no pseudonym")
    replaced = vr == "UI" and tag not in CLASS_UIDS and rules.get(tag) not in ("X", "K")
    if replaced and "uids" not in settings.keep and not _new_uids(value):
        return wrong("U", "a UID that was not replaced")
    action = rules.get(tag)
    if action is None and vr in _ANY_DATE and tag != _URN_CODE:
        action = "X/Z/D"
    if action in (None, "K", "U", "X/Z/U*"):
        return []
    if action == "C":
        return []
    level = level_at(required, path)
    kind = "?" if level is None else type_of(level, tag)
    if action == "X" and kind not in ("1", "2"):
        return wrong("X", "it is there")
    if empty:
        must = action == "D" and kind in ("1", "?")
        return wrong("D", "it is empty") if must else []
    if action == "X" and kind == "2":
        return wrong("X", "it has a value")
    if vr == "SQ":
        return [] if "D" in str(action).split("/") or kind == "1" else wrong(action, "it has items")
    return [] if is_dummy(vr, value) else wrong(str(action), "its value is no dummy")


def is_dummy(vr: str, value: bytes) -> bool:
    """Whether a value is one of our dummies."""
    if vr == "UI":
        return _new_uids(value)
    if vr in DUMMIES:
        texts = value.decode("latin-1").rstrip(" \0").split("\\")
        return all(text == DUMMIES[vr] for text in texts)
    return not value.strip(b"\0")


def _new_uids(value: bytes) -> bool:
    uids = value.decode("latin-1").replace("\0", "").split("\\")
    uids = [uid.strip() for uid in uids]
    return all(uid == "" or uid.startswith("2.25.") or is_well_known(uid) for uid in uids)


def check_declarations(
    values: Values, items: Items, settings: Deidentification, is_decided: bool | None
) -> list[Violation]:
    """Check what a copy declares of itself; None: whether its pixels were cleaned is not known."""

    def text(tag: int, path: Path = ()) -> str:
        return values.get((path, tag), b"").decode("latin-1").strip(" \0")

    found = []
    if text(0x00120062) != "YES":
        found.append(Violation((), 0x00120062, "declared", "not YES"))
    if not text(0x00120063):
        found.append(Violation((), 0x00120063, "declared", "empty"))
    sequence = 0x00120064
    codes = {text(0x00080100, (sequence, number)) for number in range(items.get(((), sequence), 0))}
    if is_decided is None:
        is_decided = CLEAN_PIXELS[0] in codes
    if is_decided and text(0x00280301) != "NO":
        found.append(Violation((), 0x00280301, "declared", "not NO, though pixels were cleaned"))
    if codes != {code for code, _ in settings.methods_of(is_decided)}:
        found.append(Violation((), sequence, "declared", "not the methods that were asked for"))
    if text(0x00280303) != _DATES_DECLARED[settings.dates]:
        found.append(Violation((), 0x00280303, "declared", "not what was done with dates"))
    return found


def check_kept(
    values: Values,
    items: Items,
    rules: Mapping[int, str],
    expected: Expected,
) -> list[Violation]:
    """Check what a copy must have because the original had it."""
    found = [
        Violation((), tag, "D", "not the pseudonym of the patient")
        for tag in _PATIENT
        if values.get(((), tag), b"").decode("latin-1").strip(" \0") != expected.patient
    ]
    for level in expected.levels:
        path = level.path
        for tag, listed in level.listed.items():
            if tag in _PATIENT and not path:
                continue
            action = rules.get(tag, "X/Z/D")
            value = values.get((path, tag))
            why = ""
            kind = "3" if level.required is None else type_of(level.required, tag)
            if listed.vr != "SQ" and listed.element is not None and listed.value is not None:
                why = _differs(action, listed.vr, listed.value, value, expected)
            elif listed.vr == "SQ" and action in ("K", "U", "X/Z/U*") and tag in rules:
                why = "" if value is not None else "it is not there"
            if why:
                found.append(Violation(path, tag, action, why))
                continue
            if listed.empty or action in ("K", "U"):
                continue
            if kind == "1" and (not value) and not items.get((path, tag)):
                found.append(Violation(path, tag, action, "the IOD demands a value"))
            elif kind == "2" and value is None:
                found.append(Violation(path, tag, action, "the IOD demands the attribute"))
            elif kind == "3" and action in ("Z", "Z/D", "D") and value is None:
                found.append(Violation(path, tag, action, "it is not there"))
            elif (
                kind == "3"
                and level.required is not None
                and value is not None
                and action in ("X/Z", "X/D", "X/Z/D")
            ):
                found.append(Violation(path, tag, action, "the IOD does not demand it"))
    return found


def _differs(action: str, vr: str, original: bytes, value: bytes | None, expected: Expected) -> str:
    """Return why a value is not what its original makes it, or nothing."""
    old = original.rstrip(b" \0")
    if action == "K":
        return "" if value is not None and value.rstrip(b" \0") == old else "it was not kept"
    if not old:
        return ""
    if action == "U":
        uids = [uid.strip(" \0") for uid in original.decode("latin-1").split("\\")]
        new = "\\".join(
            uid if not uid or is_well_known(uid) else expected.new_uid(uid) for uid in uids
        )
        found = (value or b"").decode("latin-1").rstrip("\0 ")
        return "" if found == new else "not the new UID of the original"
    if action == "C":
        shifted = "\\".join(
            _shifted(text.strip(), vr, expected.days) or "?"
            for text in old.decode("latin-1").split("\\")
        )
        if "?" in shifted:  # no date: emptied, or a dummy
            ok = value is None or not value.strip(b" \0") or is_dummy(vr, value)
        else:
            texts = (value or b"").decode("latin-1").rstrip(" \0").split("\\")
            ok = "\\".join(text.strip() for text in texts) == shifted
        return "" if ok else "not the date of the original, moved back"
    return ""


def _shifted(text: str, vr: str, days: int) -> str:
    """Return a date moved back; nothing where it is no date."""
    if vr == "TM" or vr not in DATES:
        return text
    zone = min((text.find(sign) for sign in "+-" if sign in text), default=len(text))
    if text[zone:] and not re.fullmatch(r"[+-]\d{4}", text[zone:]):
        return ""  # a range
    date, rest = text[:zone][:8], text[:zone][8:]
    if vr == "DA" and (len(text) != 8 or rest):
        return ""
    digits = len(date)
    if digits not in (4, 6, 8) or not date.isdecimal():
        return ""
    try:
        padded = datetime.datetime.strptime(
            (date + "0101")[:8] if digits == 4 else (date + "01")[:8], "%Y%m%d"
        ).date()
        return (padded - datetime.timedelta(days=days)).strftime("%Y%m%d")[:digits] + rest
    except (ValueError, OverflowError):
        return ""
