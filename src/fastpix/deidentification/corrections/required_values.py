"""Actions that depend on the IOD, and attributes that the engine has taken and the IOD demands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastpix.deidentification.dummy_values import dummy_element, empty_element
from fastpix.deidentification.original_levels import Listed, OriginalLevel
from fastpix.deidentification.value_kinds import WELL_KNOWN, is_well_known
from fastpix.standard.confidentiality_profile import actions
from fastpix.standard.required_attributes import level_below, type_of

NET = "X/Z/D"
"""What is done with dates, names and addresses that the table does not list."""


def repair(
    levels: list[OriginalLevel], options: frozenset[str], new_uid: Callable[[str], str]
) -> None:
    """Give every listed element of every level the form that its rule and its IOD demand."""
    rules = actions(options)
    for level in levels:
        for tag, listed in level.listed.items():
            _repair_element(level, tag, listed, rules, new_uid)


def _repair_element(
    level: OriginalLevel,
    tag: int,
    listed: Listed,
    rules: Mapping[int, str],
    new_uid: Callable[[str], str],
) -> None:
    dataset, action = level.dataset, rules.get(tag, NET)
    kind = kind_of(level, tag, action)
    if listed.vr == "SQ" and action in ("K", "U", "X/Z/U*", NET) and tag not in rules:
        return
    if action == "K":
        if listed.vr != "SQ" and listed.element is not None:
            dataset[tag] = listed.element
        return
    if action == "X/Z/U*":
        return
    if action == "U":
        _repair_uid(level, tag, listed, kind, new_uid)
        return
    if action == "C":
        if tag not in dataset or (dataset[tag].value in (None, "") and kind == "1"):
            _set(level, tag, listed, kind, new_uid)
        return
    form = form_of(action, kind, listed.empty)
    if form == "absent":
        if tag in dataset:
            del dataset[tag]
    elif form == "empty":
        dataset[tag] = empty_element(tag, listed.vr)
    else:  # also where the engine has cleaned a text
        _set(level, tag, listed, "1", new_uid)


def kind_of(level: OriginalLevel, tag: int, action: str) -> str:
    """Return the type of an attribute; where the IOD is unknown, the one that keeps more."""
    if level.required is not None:
        return type_of(level.required, tag)
    return "1" if "D" in action.split("/") else "2" if "Z" in action.split("/") else "3"


def form_of(action: str, kind: str, was_empty: bool) -> str:
    """Return ``"absent"``, ``"empty"`` or ``"dummy"``.

    Parameters
    ----------
    action : str
        Of X, Z, D, X/Z, X/D, Z/D, X/Z/D.
    kind : str
        ``"1"``, ``"2"`` or ``"3"``.
    was_empty : bool
        What was empty is not filled where it may be empty.
    """
    if action == "D":
        return "dummy"
    if kind == "1" and not was_empty:
        return "dummy"
    if kind in ("1", "2"):
        return "dummy" if action == "X/D" and not was_empty else "empty"
    return "empty" if action in ("Z", "Z/D") else "absent"


def _set(
    level: OriginalLevel, tag: int, listed: Listed, kind: str, new_uid: Callable[[str], str]
) -> None:
    if kind == "1":
        below = () if level.required is None else level_below(level.required, tag)
        level.dataset[tag] = dummy_element(tag, listed.vr, below, new_uid("dummy"))
    elif kind == "2":
        level.dataset[tag] = empty_element(tag, listed.vr)


def _repair_uid(
    level: OriginalLevel, tag: int, listed: Listed, kind: str, new_uid: Callable[[str], str]
) -> None:
    """Replace a UID that the engine leaves.

    It has another VR than UI, cannot be read, or is below the root of the standard and none of it.
    """
    from pydicom.dataelem import DataElement

    texts = (listed.value or b"").decode("latin-1").split("\\")
    uids = [text.strip(" \0") for text in texts]
    if listed.vr == "UI" and tag in level.dataset and not any(map(_is_made_up, uids)):
        return
    if listed.element is None or listed.empty:
        if kind in ("1", "2"):
            _set(level, tag, listed, kind, new_uid)
        elif tag in level.dataset:
            del level.dataset[tag]
        return
    new = [uid if not uid or is_well_known(uid) else new_uid(uid) for uid in uids]
    level.dataset[tag] = DataElement(tag, "UI", new if len(new) > 1 else new[0])


def _is_made_up(uid: str) -> bool:
    return uid.startswith(WELL_KNOWN) and not is_well_known(uid)
