"""``sources.toml``: what a person has decided about each source, edited by hand or by a command."""

from __future__ import annotations

import datetime
import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from fastpix.errors import ArgumentError, FastpixError

Status: TypeAlias = Literal["unseen", "accept", "invert", "exclude"]

VERSION = 1
STATUSES: tuple[str, ...] = get_args(Status)
_ID = re.compile(r"[0-9a-f]{16}")
_TABLE = re.compile(r"\s*\[\s*sources\s*\.\s*\"?([0-9a-f]{16})\"?\s*\]\s*(#.*)?")
_ANY_TABLE = re.compile(r"\s*\[")
_KEYS = ("status", "by", "when", "note")
_HEAD = """\
# What a person has decided about each source of images: unseen, accept, invert or exclude.
# fastpix convert --sources sources.toml acts on it, and refuses sources that nobody has looked at.
version = 1
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a source.

    Attributes
    ----------
    status : {"unseen", "accept", "invert", "exclude"}
    by : str
        Who decided.
    when : date or None
    note : str
    what : mapping of str to str
        What the source is, for who reads the file: maker, model, modality.
    """

    status: Status = "unseen"
    by: str = ""
    when: datetime.date | None = None
    note: str = ""
    what: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All verdicts of a file.

    Attributes
    ----------
    by : tuple of str
        The attributes that tell sources apart.
    verdicts : mapping of str to Verdict
        By the ids of sources.
    """

    by: tuple[str, ...]
    verdicts: Mapping[str, Verdict]

    def status_of(self, source: str) -> Status:
        """Return what was decided about a source: ``unseen`` where nothing was.

        Parameters
        ----------
        source : str
            Its id.
        """
        found = self.verdicts.get(source)
        return "unseen" if found is None else found.status
