"""`read_comparisons`: records that ``fastpix bench --json`` has written, read back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastpix.compare.comparison import (
    VERSION,
    Comparison,
    GroupRecord,
    Machine,
    Options,
    PartRecord,
    ReaderRecord,
)
from fastpix.compare.report.history_charts import time_of
from fastpix.errors import FastpixError


def read_comparisons(paths: Iterable[str | Path]) -> list[Comparison]:
    """Return the records of files, in the order of the files.

    Parameters
    ----------
    paths : iterable of path
        Written by ``fastpix bench --json``.

    Raises
    ------
    FastpixError
        A file is no record of a comparison; the message names it.
    OSError
    """
    return [_read(Path(path)) for path in paths]


def _read(path: Path) -> Comparison:
    try:
        value = json.loads(path.read_text("utf-8"))
        found = value.pop("fastpix_comparison")
        made = comparison_of(value) if found == VERSION else None
        if made is not None:
            _check(made)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FastpixError(
            f"{path} is no record of a comparison: name a file that fastpix bench --json has "
            f"written"
        ) from error
    if made is None:
        raise FastpixError(
            f"{path} is a comparison of version {found}, and this fastpix reads version "
            f"{VERSION}: upgrade fastpix, or run fastpix bench --json again"
        )
    return made


def _check(record: Comparison) -> None:
    """Raise ValueError or TypeError where the page of a history could not be drawn."""
    if time_of(record).tzinfo is None:
        raise ValueError("the time has no zone")
    for part in record.parts:
        names = [
            part.part,
            *(name for each in part.readers for name in (each.reader, each.version)),
        ]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a name is no text")
        for each in part.readers:
            if each.ratio is not None and not 0 < each.ratio < math.inf:
                raise ValueError("a ratio is not positive and finite")


def comparison_of(value: dict[str, Any]) -> Comparison:
    """Return a record from the objects of JSON, without their version.

    Parameters
    ----------
    value : dict

    Raises
    ------
    KeyError, TypeError, ValueError
        These are not the objects of a record.
    """
    return Comparison(
        **{
            **value,
            "machine": Machine(**value["machine"]),
            "options": Options(**value["options"]),
            "parts": tuple(map(_part, value["parts"])),
        }
    )


def _part(value: dict[str, Any]) -> PartRecord:
    groups = tuple(GroupRecord(**group) for group in value["groups"])
    return PartRecord(
        **{**value, "readers": tuple(map(_reader, value["readers"])), "groups": groups}
    )


def _reader(value: dict[str, Any]) -> ReaderRecord:
    quartiles = value["ratio_quartiles"]
    changed = {
        "ratio_quartiles": None if quartiles is None else tuple(quartiles),
        "pass_seconds": tuple(value["pass_seconds"]),
    }
    return ReaderRecord(**{**value, **changed})
