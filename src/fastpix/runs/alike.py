"""Files one after the other: those that are like the one before go past the interpreter.

The slices of a series have the same pixel header. Once two files in a row had one, the next are
read, recognised and scaled in compiled code alone, up to the first that is not like them; that one
is read as any file is.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix._index import AlikeFiles
from fastpix.header.attributes import Attributes
from fastpix.header.header import Header
from fastpix.header.index import Index, elements_of
from fastpix.header.instance import read_instance
from fastpix.header.pydicom_settings import is_pydicom_as_it_comes
from fastpix.header.rescale import RescaleError, read_rescales
from fastpix.image.frame_selection import Frames
from fastpix.image.image import Image
from fastpix.image.values import takes_pieces
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.source.lent_buffers import Buffer
from fastpix.source.opening import SourceLike, read_source
from fastpix.source.stored import File

Outcome: TypeAlias = "NDArray[Any] | BaseException"
ScaleFiles: TypeAlias = Callable[[object, list[NDArray[Any]], Steps], int]
Allocate: TypeAlias = Callable[[tuple[int, ...], str], NDArray[Any]]

FILES, BYTES = 32, 2 * 2**20
"""Files that are read in one call, at the most, and bytes of arrays from which on it reads no more.

Several files where they are small, so that handing them over costs little beside reading them, but
not many bytes: memory that is used again at once is much cheaper than new memory.
"""


class Known:
    """What files that are like one that has been read become, and how to read them.

    Parameters
    ----------
    index : Index
        Of that file.
    header : Header
    plan : Plan
        By which it was read whole, with the notes of its Image.
    recipe : Recipe
    shape : tuple of int
        Of its values.
    buffer : ndarray
        To read into.

    Attributes
    ----------
    buffer : ndarray
    nbytes : int
        Of an array.
    """

    def __init__(
        self,
        index: Index,
        header: Header,
        plan: Plan,
        recipe: Recipe,
        shape: tuple[int, ...],
        buffer: Buffer,
    ) -> None:
        self.buffer = buffer
        self._alike = AlikeFiles(buffer.data, index.header, index.scale)
        self._implicit = index.implicit
        self._modality = header.modality
        self._steps = plan.frame_steps(0) if plan.color is None else plan.color.samples
        self._rescales = recipe.rescale and plan.color is None
        self._may_differ = _may_scales_differ(header, recipe)
        self._shape = shape
        self._dtype = plan.dtype
        self.nbytes = max(1, math.prod(shape) * np.dtype(plan.dtype).itemsize)
        self._kernel = current_kernel()

    def read(self, sources: Sequence[SourceLike], empty: Allocate) -> list[NDArray[Any]]:
        """Read files as far as they are like that one, but for slope and intercept.

        Parameters
        ----------
        sources : sequence
        empty : callable
            Shape and dtype to a new array.

        Returns
        -------
        list of ndarray
            Of the first so many; none where pydicom or the kernel is another than before.
        """
        paths = []
        for source in sources:
            if not isinstance(source, (str, os.PathLike)):
                break
            try:
                name = os.fsencode(source)
                sys.audit("open", source, "rb", os.O_RDONLY)  # as Python's own open does
            except Exception:  # comes again, in its place
                break
            if b"\0" in name:
                break
            paths.append(name)
        if not paths or current_kernel() is not self._kernel or not is_pydicom_as_it_comes():
            return []
        outs = [empty(self._shape, self._dtype) for _ in paths]
        scale_files: ScaleFiles = self._kernel.scale_files  # type: ignore[attr-defined]
        done = scale_files(self._alike.cells_of(paths), outs, self._steps)
        while done < len(paths) and self._take_scale():
            cells = self._alike.cells_of(paths[done:], held=True)
            more = scale_files(cells, outs[done:], self._steps)
            if not more:
                break
            done += more
        return outs[:done]

    def _take_scale(self) -> bool:
        """Go on with slope and intercept of the last file; False if it differs in more, or worse.

        They are taken as they are read everywhere, where nothing is to be said of them.
        """
        scale = self._alike.other_scale() if self._may_differ else None
        if scale is None:
            return False
        elements = elements_of(scale, self._implicit)
        assert elements is not None
        oddities: list[str] = []
        try:
            (rescale,) = read_rescales(
                Attributes(elements, oddities.append, True), 1, self._modality, oddities.append
            )
        except RescaleError:
            # It is an error for those alone who ask for rescaled values.
            return not self._rescales and not oddities
        if self._rescales:
            self._steps = self._steps._replace(slope=rescale.slope, intercept=rescale.intercept)
        return not oddities


def _may_scales_differ(header: Header, recipe: Recipe) -> bool:
    """Whether files whose slopes or intercepts differ are still read alike."""
    if not recipe.rescale or header.samples == 3:
        return True
    # A dose has a scale of its own, and "auto" a dtype that depends on it.
    return header.modality != "RTDOSE" and recipe.dtype != "auto"


def known_of(
    last: Index | None,
    index: Index | None,
    image: Image,
    recipe: Recipe,
    values: NDArray[Any],
    buffer: Buffer,
) -> Known | None:
    """Get ready to read files like two in a row; None where they differ, or need more than that.

    Parameters
    ----------
    last, index : Index or None
        Of the two files.
    image : Image
        Of the second.
    recipe : Recipe
    values : ndarray
        What it has become, all frames of it.
    buffer : ndarray
        To read into.
    """
    if last is None or index is None or last.header != index.header or index.is_encapsulated:
        return None
    if last.scale != index.scale and not _may_scales_differ(image.header, recipe):
        return None
    plan = image.plan(recipe)
    if (
        not hasattr(current_kernel(), "scale_files")  # the reference has none
        or image.header.bits_allocated < 8
        or not takes_pieces(plan)
        or any(note.oddity for note in plan.notes)  # each file is to be warned of
    ):
        return None
    return Known(index, image.header, plan, recipe, values.shape, buffer)


class SeriesReader:
    """Reads files for one thread.

    Parameters
    ----------
    recipe : Recipe
    frames : int, slice, sequence of int or None
    max_bytes : int
    threads : int or None
        What a single file may use.
    buffer : ndarray
        To read into.
    empty : callable
        Shape and dtype to a new array.
    """

    def __init__(
        self,
        recipe: Recipe,
        frames: Frames,
        max_bytes: int,
        threads: int | None,
        buffer: Buffer,
        empty: Allocate,
    ) -> None:
        self._recipe = recipe
        self._frames = frames
        self._max_bytes = max_bytes
        self._threads = threads
        self._buffer = buffer
        self._last: Index | None = None  # of the file before
        self._known: Known | None = None
        self._empty = empty

    def read(self, sources: Sequence[SourceLike]) -> list[Outcome]:
        """Read files, at least one of them, as far as they go into one call.

        Returns
        -------
        list of ndarray or BaseException
            One for each file that was read; an exception stands for one that cannot be read.
        """
        outcomes: list[Outcome] = []
        size = 0
        while len(outcomes) < len(sources) and size < BYTES:
            rest = sources[len(outcomes) :]
            some = self._read_alike(rest) or [self._outcome(rest[0])]
            size += sum(outcome.nbytes for outcome in some if isinstance(outcome, np.ndarray))
            outcomes += some
            del some  # errors hold this frame
        return outcomes

    def _read_alike(self, sources: Sequence[SourceLike]) -> list[Outcome]:
        """Read files as far as they are like the ones before."""
        if self._known is None:
            return []
        some = sources[: max(1, min(FILES, BYTES // self._known.nbytes))]
        try:
            values = self._known.read(some, self._empty)
        except BaseException:  # comes again, in its place
            values = []
        if len(values) < len(some):
            self._known = None
        return list(values)

    def _outcome(self, source: SourceLike) -> Outcome:
        """Read a file as any is read; what it raises keeps no other file's array alive."""
        try:
            return self._read_one(source)
        except BaseException as error:
            self._last = self._known = None
            return error

    def _read_one(self, source: SourceLike) -> NDArray[Any]:
        stored = read_source(source, lent=self._buffer)
        try:
            instance = read_instance(stored, self._max_bytes)
            image = Image(instance, self._max_bytes, empty=self._empty)
            values = image.read(self._recipe, frames=self._frames, threads=self._threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        last, self._last = self._last, instance.index
        if self._frames is None:
            self._known = known_of(last, self._last, image, self._recipe, values, self._buffer)
        return values
