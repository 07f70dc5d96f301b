"""Rules from a file of TOML; what is wrong in it is an error that names line, key and remedy."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from fastpix.errors import ArgumentError, FastpixError
from fastpix.redaction.image_description import SIZES, TEXTS
from fastpix.redaction.redaction_rules import RedactionRule, RedactionRules
from fastpix.redaction.region import Region, checked_region

VERSION = 1
SHIPPED = ("deid",)
"""Rules that come with fastpix, by name: those of the recipe of `deid`."""

_TOP = ("version", "rule")
_RULE = ("name", *SIZES, *TEXTS, "boxes", "keep")
_TABLE = re.compile(r"^\s*\[\[\s*rule\s*\]\]")
_HEAD = re.compile(r"^\s*\[")


def read_rules(rules: str | os.PathLike[str]) -> RedactionRules:
    """Read rules.

    Parameters
    ----------
    rules : path
        Of a file of TOML, or ``"deid"`` for the rules that come with fastpix.

    Raises
    ------
    FastpixError
        It cannot be understood; the error names the line and the key, and says what to do.
    OSError
        It cannot be read.
    """
    if rules in SHIPPED:
        from importlib.resources import files

        name = f"{rules}_rules.toml"
        return rules_of_text(files("fastpix.redaction").joinpath(name).read_text("utf-8"), name)
    name = os.fspath(rules)
    try:
        text = Path(rules).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FastpixError(f"{name} is not in UTF-8: save it in UTF-8 and try again") from error
    return rules_of_text(text, name)


def rules_of_text(text: str, name: str = "rules") -> RedactionRules:
    """Return the rules that a text of TOML holds.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for errors.

    Raises
    ------
    FastpixError
    """
    try:
        kept = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FastpixError(f"{name} is no TOML: {error}; correct it there") from error
    return _Reader(text, name).rules(kept)


class _Reader:
    """Turns tables into rules, and knows the lines that they stand in.

    Parameters
    ----------
    text, name : str
        What the tables were parsed from, and what errors call it.
    """

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.splitlines()
        self._name = name
        self._starts = [k for k, line in enumerate(self._lines) if _TABLE.match(line)]

    def rules(self, kept: Mapping[str, Any]) -> RedactionRules:
        version = kept.get("version", VERSION)
        if type(version) is not int or not 1 <= version <= VERSION:
            self._refuse(None, "version", f"is {version!r}, and this fastpix knows {VERSION}: "
                         "use a later one")  # fmt: skip
        self._check_keys(None, kept, _TOP)
        tables = kept.get("rule", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._refuse(None, "rule", "is no array of tables: begin each rule with [[rule]]")
        if not tables:
            raise FastpixError(f"{self._name} holds no rule: begin each with [[rule]]")
        if len(tables) != len(self._starts):  # written in another way: lines cannot be told
            self._starts = []
        return RedactionRules(tuple(self._rule(k, table) for k, table in enumerate(tables)))

    def _rule(self, number: int, table: Mapping[str, Any]) -> RedactionRule:
        self._check_keys(number, table, _RULE)
        name = table.get("name", f"rule {number + 1}")
        if not isinstance(name, str):
            self._refuse(number, "name", f"is {name!r}: write a text in quotation marks")
        if "boxes" not in table and "keep" not in table:
            self._refuse(number, "boxes", "is missing: say what to blank, boxes = [[x, y, width, "
                         "height]], or what to keep; boxes = [] where nothing is to be "
                         "blanked")  # fmt: skip
        conditions = {
            key: self._any_of(number, key, table[key], int if key in SIZES else str)
            for key in (*SIZES, *TEXTS)
            if key in table
        }
        boxes = self._boxes(number, "boxes", table.get("boxes", []))
        keep = self._boxes(number, "keep", table["keep"]) if "keep" in table else None
        return RedactionRule(name, conditions, boxes, keep)

    def _any_of(
        self, number: int, key: str, value: object, kind: type[int] | type[str]
    ) -> tuple[int | str, ...]:
        values = value if isinstance(value, list) else [value]
        what = "number" if kind is int else "text in quotation marks"
        if not values or any(type(each) is not kind for each in values):
            self._refuse(number, key, f"is {value!r}: write a {what}, or a list of them")
        if kind is int and min(values) < 1:
            self._refuse(number, key, f"is {value!r}: an image has 1 or more")
        return tuple(values)

    def _boxes(self, number: int, key: str, value: object) -> tuple[Region, ...]:
        if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
            self._refuse(number, key, f"is {value!r}: write a list of boxes, each [x, y, width, "
                         "height]")  # fmt: skip
        try:
            return tuple(checked_region(each, key) for each in value)
        except ArgumentError as error:
            reason = str(error).removeprefix(f"{key}: ")
            self._refuse(number, key, f"is no list of boxes: {reason}")

    def _check_keys(
        self, number: int | None, table: Mapping[str, Any], known: tuple[str, ...]
    ) -> None:
        for key in table:
            if key not in known:
                from difflib import get_close_matches

                close = get_close_matches(key, known, 1)
                guess = f"did you mean {close[0]}? " if close else ""
                self._refuse(number, key, f"is not known: {guess}take it out, or write one of "
                             f"{', '.join(known)}")  # fmt: skip

    def _refuse(self, number: int | None, key: str, reason: str) -> NoReturn:
        raise FastpixError(f"{self._name}{self._place(number, key)}: {key} {reason}")

    def _place(self, number: int | None, key: str) -> str:
        """Return where a key stands, in words: its line, or that of its rule."""
        start, what = 0, ""
        if number is not None:
            what = f", rule {number + 1}"
            if not self._starts:
                return what
            start = self._starts[number] + 1
        wanted = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*[.=]""")
        for at in range(start, len(self._lines)):
            if wanted.match(self._lines[at]):
                return f", line {at + 1}{what}"
            if _HEAD.match(self._lines[at]) and not self._lines[at].strip().startswith("[["):
                break
            if _TABLE.match(self._lines[at]):
                break
        return what if number is None else f", line {start}{what}"
