"""What a call of `Image.read` asks for, settled: kept for the next call with the same arguments."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np

from fastpix.errors import UnsupportedTransferSyntaxError
from fastpix.frames.cells import Cells, FrameCells
from fastpix.frames.codecs import usable_decoders
from fastpix.header.header import Header
from fastpix.notes import Note
from fastpix.plan.making import make_plan, stored_plan
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe

_PLANS = 256
_IMMUTABLE = (str, bool, int, float, type(None), np.dtype, Recipe)

plan_of_alike = lru_cache(_PLANS)(make_plan)
"""`make_plan` for a header that many files share: it is made once."""


class Reading:
    """The plan of a call, and all that depends on its recipe alone.

    Parameters
    ----------
    plan : Plan
    decoder : str or None
        Pinned by the call.
    peak_key : (bool, bool, str or None)
        What the maximum of the instance depends on: whether values are rescaled, whether padding is
        set apart, and the decoder, which gives lossy frames their values.
    warnings : tuple of Note
        What each call warns of.
    arguments : tuple
        Those of the call, as they were passed.
    as_stored : bool
        Samples are wanted as the file has them, whatever their colours are.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the values.
    frame_shape : tuple of int
    frame_bytes : int
    """

    __slots__ = (
        "_arguments",
        "as_stored",
        "decoder",
        "dtype",
        "frame_bytes",
        "frame_shape",
        "peak_key",
        "plan",
        "warnings",
    )

    def __init__(
        self,
        plan: Plan,
        decoder: str | None,
        peak_key: tuple[bool, bool, str | None],
        warnings: tuple[Note, ...] = (),
        arguments: tuple[object, ...] = (),
        as_stored: bool = False,
    ) -> None:
        self.plan = plan
        self.as_stored = as_stored
        self.decoder = decoder
        self.peak_key = peak_key
        self.warnings = warnings
        self.dtype: np.dtype[Any] = np.dtype(plan.dtype)
        self.frame_shape = plan.shape[1:]
        self.frame_bytes = self.dtype.itemsize
        for size in self.frame_shape:
            self.frame_bytes *= size
        self._arguments = arguments if all(map(_never_changes, arguments)) else ()

    def serves(
        self,
        recipe: object,
        dtype: object,
        rescale: object,
        invert: object,
        normalize: object,
        padding: object,
        color_range: object,
    ) -> bool:
        """Whether these are the very objects that it was made from, and cannot have changed."""
        arguments = self._arguments
        return (
            len(arguments) == 7
            and recipe is arguments[0]
            and dtype is arguments[1]
            and rescale is arguments[2]
            and invert is arguments[3]
            and normalize is arguments[4]
            and padding is arguments[5]
            and color_range is arguments[6]
        )

    def held_frame(self, cells: Cells, frame: int, most: int) -> FrameCells | None:
        """Return the cells of a native frame held in memory; None where it takes more to read it.

        Parameters
        ----------
        cells : Cells
        frame : int
        most : int
            What its values may take.
        """
        if not 0 <= frame < self.plan.shape[0] or self.frame_bytes > most:
            return None
        return cells.frame_in_memory(frame)


def _never_changes(argument: object) -> bool:
    if type(argument) is tuple:
        return all(type(part) in (int, float) for part in argument)
    return isinstance(argument, _IMMUTABLE)


def reading_of(
    header: Header, recipe: Recipe, arguments: tuple[object, ...], is_shared: bool
) -> Reading:
    """Settle what a call asks for.

    Parameters
    ----------
    header : Header
    recipe : Recipe
    arguments : tuple
        The call's: recipe, dtype, rescale, invert, normalize, padding and color_range.
    is_shared : bool
        Other files may have the same header.

    Raises
    ------
    FastpixError
        The header cannot give what is asked.
    """
    plan = (plan_of_alike if is_shared else make_plan)(header, recipe)
    warnings = tuple(
        note for note in plan.notes if note.oddity and note not in header.notes
    )  # those of the header were given when the file was opened
    peak_key = (recipe.rescale, recipe.padding is not None, recipe.decoder)
    return Reading(plan, recipe.decoder, peak_key, warnings, arguments)


def stored_reading(header: Header, decoder: str | None) -> Reading:
    """Settle a call of `Image.stored`."""
    return Reading(stored_plan(header), decoder, (False, False, decoder), as_stored=True)


def decoder_notes(header: Header, used: Collection[str], pinned: str | None) -> list[Note]:
    """Return what has decoded the frames that were read, or what is going to be tried.

    Parameters
    ----------
    header : Header
    used : collection of str
        Decoders of the frames that were read, with versions.
    pinned : str or None
        The one decoder to use.
    """
    if not header.encapsulated:
        return []
    if used:
        return [Note(f"decoded by {' and '.join(used)}")]
    try:
        usable = usable_decoders(header.transfer_syntax, pinned)
    except UnsupportedTransferSyntaxError as error:
        return [Note(error.storable, oddity=True)]
    versions = dict.fromkeys(decoder.version() for decoder in usable)
    return [Note(f"to be decoded by {', else '.join(versions)}")]
