"""`RedactionRules`: which regions are blanked in which images."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fastpix.redaction.image_description import SIZES, ImageDescription
from fastpix.redaction.region import Region, disjoint, outside


@dataclass(frozen=True, slots=True)
class RedactionRule:
    """What is blanked in images that meet all conditions.

    Attributes
    ----------
    name : str
        For people.
    conditions : mapping of str to tuple
        By the attributes of `ImageDescription`: numbers of rows or columns, or patterns of texts.
        One of them must be met for each attribute.
    boxes : tuple of Region
        What is blanked; may reach beyond the image. Empty where images need no blanking.
    keep : tuple of Region or None
        All pixels outside of these are blanked, too; None: no others are.
    """

    name: str
    conditions: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict, hash=False)
    boxes: tuple[Region, ...] = ()
    keep: tuple[Region, ...] | None = None

    def matches(self, description: ImageDescription) -> bool:
        """Whether an image meets all conditions.

        Parameters
        ----------
        description : ImageDescription
        """
        return all(_is_met(description, name, any_of) for name, any_of in self.conditions.items())

    def blanked(self, rows: int, columns: int) -> tuple[Region, ...]:
        """Return what the rule blanks in an image of a size: disjoint regions inside it."""
        around = () if self.keep is None else outside(self.keep, rows, columns)
        return disjoint((*self.boxes, *around), rows, columns)


@dataclass(frozen=True, slots=True)
class RedactionRules:
    """Rules, each of which is used in all images that meet its conditions.

    Attributes
    ----------
    rules : tuple of RedactionRule
    """

    rules: tuple[RedactionRule, ...] = ()

    def matching(self, description: ImageDescription) -> tuple[RedactionRule, ...]:
        """Return the rules that an image meets the conditions of.

        Parameters
        ----------
        description : ImageDescription
        """
        return tuple(rule for rule in self.rules if rule.matches(description))

    @property
    def id(self) -> str:
        """16 hex digits that differ where the rules do; the names of rules are no part of it."""
        kept = [{key: rule[key] for key in rule if key != "name"} for rule in self.to_list()]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]

    def to_list(self) -> list[dict[str, Any]]:
        """Return the rules as JSON and TOML can hold them; `from_list` is the way back."""
        return [
            {
                "name": rule.name,
                **{name: list(any_of) for name, any_of in rule.conditions.items()},
                "boxes": list(map(list, rule.boxes)),
                **({} if rule.keep is None else {"keep": list(map(list, rule.keep))}),
            }
            for rule in self.rules
        ]

    @classmethod
    def from_list(cls, kept: list[dict[str, Any]]) -> RedactionRules:
        """Return the rules that `to_list` has written."""
        return cls(tuple(map(_rule_of, kept)))


def regions_of(rules: RedactionRules, description: ImageDescription) -> tuple[Region, ...]:
    """Return what rules blank in an image: what any of those blanks that it meets.

    Parameters
    ----------
    rules : RedactionRules
    description : ImageDescription

    Returns
    -------
    tuple of Region
        Disjoint, inside the image.
    """
    rows, columns = description.rows, description.columns
    blanked = (rule.blanked(rows, columns) for rule in rules.matching(description))
    return disjoint((region for regions in blanked for region in regions), rows, columns)


def _rule_of(kept: Mapping[str, Any]) -> RedactionRule:
    places = {"boxes", "keep"}
    return RedactionRule(
        kept["name"],
        {key: tuple(kept[key]) for key in kept if key not in {"name", *places}},
        tuple(Region(*box) for box in kept["boxes"]),
        tuple(Region(*box) for box in kept["keep"]) if "keep" in kept else None,
    )


def _is_met(description: ImageDescription, name: str, any_of: tuple[int | str, ...]) -> bool:
    found = getattr(description, name)
    if name in SIZES:
        return found in any_of
    # What is missing or empty is the empty text, which "" and "*" match.
    texts = [text.strip(" \0").casefold() for text in found] or [""]
    return any(_pattern(str(each)).fullmatch(text) for each in any_of for text in texts)


@lru_cache(4096)
def _pattern(text: str) -> re.Pattern[str]:
    """Return what a pattern matches: ``*`` any characters, ``?`` one of them."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text.casefold())
    return re.compile("".join(parts), re.DOTALL)
