"""The levels of an instance, before the engine: what may stay is set aside, what has a rule stays.

Private, unknown and out-of-place elements go here at every level, before anything converts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from fastpix.deidentification.identifiers import Harvest
from fastpix.deidentification.value_kinds import (
    BYTES,
    CLASS_UIDS,
    DATES,
    NUMBERS,
    NUMERIC_TEXTS,
    STRUCTURAL_BYTES,
    TEXTS,
    is_well_known,
)
from fastpix.standard.confidentiality_profile import actions, profile
from fastpix.standard.required_attributes import Level, level_below

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NUMERIC = re.compile(rb"[0-9+\-.,eE \\\0]*")
# From the year 100 on: what is moved back stays a year.
_DATE_PATTERNS = {
    "DA": re.compile(r"(?!00)\d{8}"),
    "DT": re.compile(r"(?!00)\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?"),
}
_NET = frozenset({"DA", "DT", "TM", "PN", "UR"})  # removed where the table does not list them
_URN_CODE = 0x00080120
_DEEPEST = 60  # levels of sequences


class TooDeepError(Exception):
    """Sequences are nested deeper than any IOD nests them."""


class Listed(NamedTuple):
    """An element of the original that has a rule.

    Attributes
    ----------
    vr : str
    element : RawDataElement or DataElement
        As it was read.
    value : bytes or None
        Its bytes in the file; None where they are not at hand.
    empty : bool
    """

    vr: str
    element: Any
    value: bytes | None
    empty: bool


class OriginalLevel:
    """A data set or an item that stays: the engine changes `dataset` in place.

    Attributes
    ----------
    path : tuple of int
        Tag and number of the item, by turns, of each sequence around it.
    dataset : Dataset
    required : Level or None
        None: the IOD is unknown.
    listed : dict
        Elements that have a rule, by tag; sequences too, with what they held.
    aside : dict
        Elements without a rule that stay: raw, by tag.
    """

    __slots__ = ("aside", "dataset", "listed", "path", "required")

    def __init__(self, path: tuple[int, ...], dataset: Dataset, required: Level | None) -> None:
        self.path = path
        self.dataset = dataset
        self.required = required
        self.listed: dict[int, Listed] = {}
        self.aside: dict[int, Any] = {}


@lru_cache(maxsize=1)
def dictionary() -> Mapping[int, tuple[str, ...]]:
    """Return pydicom's dictionary of single tags: VR first."""
    from pydicom._dicom_dict import DicomDictionary

    return DicomDictionary


def is_out_of_place(tag: int) -> bool:
    """Whether an element is private, a group length, unknown, or belongs in no copy."""
    group = tag >> 16
    return (
        bool(group & 1)
        or not tag & 0xFFFF
        or group <= 4
        or 0x5000 <= group <= 0x50FF
        or 0x6000 <= group <= 0x60FF
        or group > 0x7FE0
        or tag in (0x04000500, 0x04000510, 0x04000520, 0x04000550)
        or (tag not in dictionary() and tag not in profile().rules)
    )


def take_levels(
    dataset: Dataset,
    required: Level | None,
    options: frozenset[str],
    harvest: Harvest,
    new_uid: Callable[[str], str] | None,
) -> list[OriginalLevel]:
    """Take a data set apart, in place: what is left in it is for the engine.

    Parameters
    ----------
    dataset : Dataset
        As it was read: raw elements stay raw.
    required : Level or None
        What its IOD demands.
    options : frozenset of str
    harvest : Harvest
        Is given what identifies.
    new_uid : callable or None
        For UIDs without a rule; None: they are kept.

    Returns
    -------
    list of OriginalLevel
        The outermost first; `restore` puts aside elements back.

    Raises
    ------
    TooDeepError
    """
    taking = _Taking(actions(options), harvest, new_uid)
    taking.take((), dataset, required)
    return taking.levels


class _Taking:
    def __init__(
        self,
        rules: Mapping[int, str],
        harvest: Harvest,
        new_uid: Callable[[str], str] | None,
    ) -> None:
        self.rules = rules
        self.harvest = harvest
        self.new_uid = new_uid
        self.levels: list[OriginalLevel] = []
        self.dictionary = dictionary()

    def take(self, path: tuple[int, ...], dataset: Dataset, required: Level | None) -> None:
        if len(path) > 2 * _DEEPEST:
            raise TooDeepError
        level = OriginalLevel(path, dataset, required)
        self.levels.append(level)
        for key in list(dataset.keys()):
            tag = int(key)
            if is_out_of_place(tag):
                del dataset[key]
            else:
                self._take_element(level, key, tag)

    def _take_element(self, level: OriginalLevel, key: Any, tag: int) -> None:
        dataset = level.dataset
        element = original = dataset.get_item(key)
        entry = self.dictionary.get(tag)
        known = entry[0] if entry else ""
        vr = element.VR or known
        if vr == "UN" or (known == "SQ" and vr != "SQ"):
            element = _converted(dataset, key)
            vr = "UN" if element is None else element.VR
        elif " or " in vr:  # of implicit VR: it follows from other attributes, which is not needed
            vr = "OW" if "OW" in vr else "US"
        rule = self.rules.get(tag)
        if vr == "SQ":
            if known not in ("SQ", ""):
                del dataset[key]
            else:
                self._take_sequence(level, key, tag, rule)
            return
        value = original.value if isinstance(original.value, bytes | type(None)) else None
        if vr == "UI" and value is None and original.value:  # it has been looked at before
            uids = original.value if original.VM > 1 else [original.value]
            value = "\\".join(map(str, uids)).encode("latin-1", "replace")
        if vr == "UN" or not _agree(vr, known):
            del dataset[key]
            if rule is None or known in ("", "UN"):
                return
            element, vr = None, known.partition(" or ")[0]
        if rule is not None:
            value = b"" if value is None and original.is_raw else value
            empty = not original.value if value is None else not value.strip(b" \0")
            level.listed[tag] = Listed(vr, element, value, empty)
            if not empty:
                self.harvest.add(dataset, key, tag, vr, value)
            if rule == "C" and not empty and not _is_date(vr, value) and key in dataset:
                del dataset[key]  # the engine would move a part of it, or fail
            return
        if vr in DATES or known in DATES or (vr in _NET and tag != _URN_CODE):
            empty = not original.value
            level.listed[tag] = Listed(vr, element, value, empty)
            if not empty and tag in dataset:
                self.harvest.add(dataset, key, tag, vr, value)
            if tag in dataset:
                del dataset[key]
            return
        self._set_aside(level, key, tag, vr, known, element, value)

    def _set_aside(
        self,
        level: OriginalLevel,
        key: Any,
        tag: int,
        vr: str,
        known: str,
        element: Any,
        value: bytes | None,
    ) -> None:
        """Set an element without a rule aside, if it may stay."""
        dataset = level.dataset
        keeps = vr in TEXTS or vr in NUMBERS or vr in NUMERIC_TEXTS or vr == "UI"
        if vr in BYTES or (vr not in NUMBERS and known in BYTES):
            keeps = tag in STRUCTURAL_BYTES
        elif (vr in NUMERIC_TEXTS or known in NUMERIC_TEXTS) and value:
            keeps = _NUMERIC.fullmatch(value) is not None
        elif vr == "UI" and tag not in CLASS_UIDS and self.new_uid is not None:
            element = self._mapped(dataset, key)
        if keeps:
            level.aside[tag] = element
        del dataset[key]

    def _mapped(self, dataset: Dataset, key: Any) -> Any:
        """Return a UI element with new UIDs, where it has others than those of the standard."""
        from pydicom.dataelem import DataElement

        assert self.new_uid is not None
        element = dataset[key]
        uids = [str(uid) for uid in element.value] if element.VM > 1 else [str(element.value or "")]
        if all(not uid or is_well_known(uid) for uid in uids):
            return element
        self.harvest.uids.update(uid for uid in uids if uid and not is_well_known(uid))
        new = [uid if not uid or is_well_known(uid) else self.new_uid(uid) for uid in uids]
        return DataElement(key, "UI", new if len(new) > 1 else new[0])

    def _take_sequence(self, level: OriginalLevel, key: Any, tag: int, rule: str | None) -> None:
        element = _converted(level.dataset, key)
        if element is None or element.VR != "SQ":
            del level.dataset[key]
            return
        items = element.value or []
        if rule is not None:
            level.listed[tag] = Listed("SQ", element, None, not items)
        if rule in (None, "K", "U", "X/Z/U*"):
            below = None if level.required is None else level_below(level.required, tag)
            for number, item in enumerate(items):
                self.take((*level.path, tag, number), item, below)
        else:
            for item in items:
                self._harvest_below(item, 1)

    def _harvest_below(self, item: Dataset, depth: int) -> None:
        """Harvest from items that the engine removes."""
        if depth > _DEEPEST:
            raise TooDeepError
        for key in list(item.keys()):
            tag = int(key)
            if tag >> 16 & 1:
                continue
            element = item.get_item(key)
            entry = self.dictionary.get(tag)
            vr = element.VR if element.VR not in (None, "UN") else (entry[0] if entry else "UN")
            if vr == "SQ":
                found = _converted(item, key)
                for inner in (found.value or []) if found is not None and found.VR == "SQ" else []:
                    self._harvest_below(inner, depth + 1)
            elif element.value:
                value = element.value if isinstance(element.value, bytes) else None
                self.harvest.add(item, key, tag, vr, value)


def _is_date(vr: str, value: bytes | None) -> bool:
    """Whether all values of a date can be moved back: no range, no year 1, none that is empty."""
    pattern = _DATE_PATTERNS.get(vr)
    if pattern is None or value is None:
        return True
    texts = value.decode("latin-1").replace("\0", " ").split("\\")
    return all(pattern.fullmatch(text.strip()) for text in texts)


def _converted(dataset: Dataset, key: Any) -> Any:
    """Return an element as pydicom converts it, or None where it cannot."""
    try:
        return dataset[key]
    except Exception:
        return None


def _agree(vr: str, known: str) -> bool:
    """Whether a file's VR of a tag is of the kind that the dictionary has."""
    if vr == known or not known:
        return True
    if vr in TEXTS or vr in DATES or vr in NUMERIC_TEXTS or vr == "UI":
        # numbers that are written as text are found in real files
        return known in TEXTS or known in DATES or known in NUMERIC_TEXTS or known == "UI"
    if vr in NUMBERS:
        return known in NUMBERS or known in NUMERIC_TEXTS or " or " in known
    return vr in BYTES and (known in BYTES or " or " in known)


def restore(levels: list[OriginalLevel]) -> None:
    """Put the elements that were set aside back, as they were read."""
    for level in levels:
        for tag, element in level.aside.items():
            level.dataset[tag] = element
