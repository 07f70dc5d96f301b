"""What the IOD of each SOP class demands: attributes of Type 1, 1C, 2 and 2C, at every level."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple, TypeAlias

Level: TypeAlias = tuple[int, ...]
"""A data set or the items of a sequence: the tables that count there, one of each module."""

NOWHERE: Level = ()
"""A level that no IOD knows."""


class _Tables(NamedTuple):
    levels: Sequence[Mapping[int, tuple[str, int]]]  # tag -> its type, and the table of its items
    iods: Sequence[tuple[str, Level]]
    sop_classes: Mapping[str, int]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    packed = files("fastpix.standard").joinpath("required_attributes.json.gz").read_bytes()
    data = json.loads(gzip.decompress(packed))
    levels = [
        {int(tag, 16): (kind, below[0] if below else 0) for tag, (kind, *below) in level.items()}
        for level in data["levels"]
    ]
    iods = [(name, tuple(numbers)) for name, numbers in data["iods"]]
    return _Tables(levels, iods, data["sop_classes"])


def level_of(sop_class: str) -> Level | None:
    """Return the outermost level of a SOP class, or None where it is unknown."""
    tables = _tables()
    number = tables.sop_classes.get(sop_class)
    return None if number is None else tables.iods[number][1]


def known_sop_classes() -> Mapping[str, str]:
    """Return the name of the IOD of each SOP class that is known."""
    tables = _tables()
    return {uid: tables.iods[number][0] for uid, number in tables.sop_classes.items()}


@lru_cache(maxsize=4096)
def types_at(level: Level) -> Mapping[int, str]:
    """Return the strictest type (``"1"``, ``"1C"``, ``"2"``, ``"2C"``) of each tag at a level."""
    result: dict[int, str] = {}
    for number in level:
        for tag, (kind, _) in _tables().levels[number].items():
            if kind != "3" and kind < result.get(tag, "3"):
                result[tag] = kind
    return result


@lru_cache(maxsize=4096)
def level_below(level: Level, tag: int) -> Level:
    """Return the level of the items of a sequence."""
    tables = _tables()
    below = {tables.levels[number][tag][1] for number in level if tag in tables.levels[number]}
    return tuple(sorted(below - {0}))


def type_of(level: Level, tag: int) -> str:
    """Return ``"1"``, ``"2"`` or ``"3"``: conditions count as met, where an original has it."""
    return types_at(level).get(tag, "3")[:1]
