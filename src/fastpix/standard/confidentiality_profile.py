"""What de-identification does with each attribute: Table E.1-1 of PS3.15, with all its options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

ACTIONS = ("X", "Z", "D", "K", "C", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*")
"""Remove, empty, dummy, keep, clean, new UID, and those that depend on what the IOD demands."""

# Of time, and not written as a date: a time zone, and time stamps in bytes or of unknown VR.
_NO_DATES = frozenset(
    {0x00080201, 0x00340007, 0x04000310, 0x0040A034, 0x0040A035, 0x0040B034, 0x0040B036}
)


class Rule(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    basic : str
        The action of the Basic Profile.
    options : mapping of str to str
        The action of each option that has one: ``"uids"``, ``"device"``, ``"institution"``,
        ``"patient-characteristics"``, ``"full-dates"``, ``"modified-dates"``, ``"descriptors"``,
        ``"structured-content"``, ``"graphics"``.
    """

    basic: str
    options: Mapping[str, str]


class Profile(NamedTuple):
    """The table: rules of single tags, and of repeating groups, as patterns with ``x``."""

    rules: Mapping[int, Rule]
    repeating: Mapping[str, Rule]


@lru_cache(maxsize=1)
def profile() -> Profile:
    """Return the table; its file says from where it is, and under which licences."""
    text = files("fastpix.standard").joinpath("confidentiality_profile.json").read_text("ascii")
    rows: dict[str, list[object]] = json.loads(text)["rules"]
    rules, repeating = {}, {}
    for pattern, (basic, *options) in rows.items():
        rule = Rule(str(basic), dict(options[0]) if options else {})  # type: ignore[call-overload]
        if "x" in pattern:
            repeating[pattern] = rule
        else:
            rules[int(pattern, 16)] = rule
    return Profile(rules, repeating)


@lru_cache(maxsize=32)
def actions(options: frozenset[str]) -> Mapping[int, str]:
    """Return the action of each tag under some options.

    An option's cleaning goes before another's keeping. Cleaning means the action of the Basic
    Profile, since texts are not understood here; ``"C"`` stands only where `options` has
    ``"modified-dates"``, and means that a date is shifted.
    """
    result = {}
    for tag, (basic, columns) in profile().rules.items():
        chosen = {columns[option] for option in options & columns.keys()}
        if "C" in chosen:
            shifted = "modified-dates" in options & columns.keys() and tag not in _NO_DATES
            result[tag] = "C" if shifted else basic
        else:
            result[tag] = "K" if "K" in chosen else basic
    return result
