"""Options that say what is blanked: ``--redact``, ``--redact-boxes``, ``--redact-regions``."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer

from fastpix.cli.help_pages import CommandWithPage
from fastpix.redaction import SHIPPED, Redaction, RedactionRules, read_rules
from fastpix.redaction.region import checked_region

Redact = Annotated[
    str | None,
    typer.Option(
        metavar="RULES",
        help="Blank what rules say: a TOML file, or deid for those of pydicom/deid.",
    ),
]
RedactBoxes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X Y W H",
        help="Blank a box of pixels, from 0, in every image; may be repeated.",
    ),
]
RedactRegions = Annotated[
    bool,
    typer.Option(
        "--redact-regions",
        help="Blank all but the regions (0018,6011) of ultrasound.",
    ),
]

_BOXES = "--redact-boxes"
_NUMBERS = 4


class CommandWithBoxes(CommandWithPage):
    """A command whose ``--redact-boxes`` takes four numbers, or four for each of several boxes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, of which those of boxes are made one each before."""
        return super().parse_args(ctx, joined_boxes(args))


def joined_boxes(args: list[str]) -> list[str]:
    """Return arguments with the four numbers of each box in one: ``X,Y,W,H``.

    Numbers that are left over make a box that is none, which is an error: as arguments by
    themselves they would be taken for a source, or for the destination.
    """
    joined: list[str] = []
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if word != _BOXES:
            joined.append(word)
            continue
        begin = at
        while box := list(takewhile(_is_number, args[at : at + _NUMBERS])):
            joined += [_BOXES, ",".join(box)]
            at += len(box)
        if at == begin:
            joined.append(word)
    return joined


def redaction_of_options(
    redact: str | None, boxes: list[str] | None, is_by_regions: bool
) -> Redaction | None:
    """Return what the options say is blanked; None where nothing is.

    Parameters
    ----------
    redact : str or None
        A path, or the name of rules that come with fastpix.
    boxes : list of str or None
        Each ``X,Y,W,H``.
    is_by_regions : bool
        Keep the regions of ultrasound alone.

    Raises
    ------
    FastpixError
        A file of rules, or a box, cannot be understood.
    """
    rules = RedactionRules()
    if redact is not None:
        rules = read_rules(redact if redact in SHIPPED else Path(redact))
    found = Redaction(rules, tuple(map(_box, boxes or ())), is_by_regions)
    return found or None


def _box(text: str) -> Any:
    words = text.replace(",", " ").split()
    numbers = [int(word) if _is_number(word) else word for word in words]
    return checked_region(numbers, "redact_boxes")


def _is_number(word: str) -> bool:
    return word.removeprefix("-").isdecimal()
