"""Files read one after the other: a file like the two before is read in compiled code alone.

The slices of a scan usually have the same pixel header. Once two files in a row had the same one,
compiled code reads, recognises and scales the next files, up to the first that differs. That file
is read as any other.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix._index import AlikeFiles, tags_of
from fastpix.errors import ArgumentError, add_source, warnings_kept
from fastpix.header.attributes import Attributes
from fastpix.header.exchanged import exchanged
from fastpix.header.header import Header
from fastpix.header.index import Index, elements_of
from fastpix.header.instance import read_instance
from fastpix.header.pydicom_settings import is_pydicom_as_it_comes
from fastpix.header.rescale import RescaleError, read_rescales
from fastpix.image.frame_selection import Frames, checked_out, frame_indices, frozen_frames
from fastpix.image.frame_starts import starts_of
from fastpix.image.image import Image
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.notes import Notes
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.source.lent_buffers import Buffer
from fastpix.source.naming import name_of
from fastpix.source.opening import SourceLike, read_source
from fastpix.source.stored import File
from fastpix.standard.tags import Tag
from fastpix.standard.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN

Warned: TypeAlias = dict[int, list[str]]
ArrayOrError: TypeAlias = "NDArray[Any] | BaseException"
ScaleFiles: TypeAlias = Callable[[object, list[NDArray[Any]], Steps, NDArray[np.int64], int], int]
Allocate: TypeAlias = Callable[[int, tuple[int, ...], str], NDArray[Any]]
"""Makes the array of a source: from its place among the sources of a call, a shape and a dtype."""

RUN_FILES, RUN_BYTES = 32, 2 * 2**20
"""The most files that one call reads, and the bytes of arrays after which it reads no more.

Several small files share the cost of one call. Their arrays stay few bytes, because memory that is
used again at once is much cheaper than new memory.
"""


class AlikeReader:
    """Reads files that are like a file read before, without its header being read again.

    Parameters
    ----------
    index : Index
        Index of the file read before.
    header : Header
        Its header.
    plan : Plan
        The plan by which it was read, with the notes of its Image.
    recipe : Recipe
    indices : sequence of int
        The frames that were read, at least one.
    shape : tuple of int
        Shape of their values.
    buffer : ndarray
        Memory that files are read into.

    Attributes
    ----------
    buffer : ndarray
    is_color : bool
    nbytes : int
        Bytes of one array.
    """

    def __init__(
        self,
        index: Index,
        header: Header,
        plan: Plan,
        recipe: Recipe,
        indices: Sequence[int],
        shape: tuple[int, ...],
        buffer: Buffer,
    ) -> None:
        self.buffer = buffer
        self._made_of = index, header, plan, recipe, indices, shape
        self.is_color = not header.is_gray
        self._files = AlikeFiles(buffer.data, index.pixel_entries, index.scale_entries)
        self._implicit = index.implicit
        self._modality = header.modality
        self._steps = plan.steps
        self._rescales = recipe.rescale and plan.color is None
        self._may_differ = _may_scales_differ(index, header, recipe)
        size = math.prod(plan.shape[1:])
        self._starts = starts_of(indices, size)
        self._all_cells = plan.shape[0] * size if plan.needs_peak else 0  # has the maximum
        self._shape = shape
        self._dtype = np.dtype(plan.dtype)
        self.nbytes = max(1, math.prod(shape) * self._dtype.itemsize)
        self._kernel = current_kernel()

    def another(self, buffer: Buffer) -> AlikeReader:
        """Return a reader of the same files with another buffer, for another thread."""
        return AlikeReader(*self._made_of, buffer)

    def fits(self, out: object) -> bool:
        """Whether `out` can take the values of a file."""
        try:
            checked_out(out, self._shape, self._dtype)
        except ArgumentError:  # the usual way meets the same error, and reports it in order
            return False
        return True

    def read(self, sources: Sequence[SourceLike], allocate: Allocate) -> list[NDArray[Any]]:
        """Read files up to the first that differs in more than slope and intercept.

        Parameters
        ----------
        sources : sequence
        allocate : Allocate

        Returns
        -------
        list of ndarray
            One array for each file that was read. The list is empty if pydicom or the kernel is
            not the same as before.
        """
        paths = []
        for source in sources:
            if not isinstance(source, (str, os.PathLike)):
                break
            try:
                name = os.fsencode(source)
                sys.audit("open", source, "rb", os.O_RDONLY)  # as Python's own open does
            except Exception:  # the usual way meets the same error, and reports it in order
                break
            if b"\0" in name:
                break
            paths.append(name)
        if not paths or current_kernel() is not self._kernel or not is_pydicom_as_it_comes():
            return []
        outs = [allocate(k, self._shape, self._dtype.name) for k in range(len(paths))]
        scale_files: ScaleFiles = self._kernel.scale_files  # type: ignore[attr-defined]
        what = self._starts, self._all_cells
        done = scale_files(self._files.cells_of(paths), outs, self._steps, *what)
        while done < len(paths) and self._take_scale():
            cells = self._files.cells_of(paths[done:], held=True)
            more = scale_files(cells, outs[done:], self._steps, *what)
            if not more:
                break
            done += more
        return outs[:done]

    def _take_scale(self) -> bool:
        """Take slope and intercept from the file where the last call stopped.

        Returns False if that file differs in more than these, or if its slope or intercept causes
        an error or a note. Both are read by the rules that hold for any other file.
        """
        scale = self._files.other_scale() if self._may_differ else None
        if scale is None:
            return False
        elements = elements_of(scale, self._implicit)
        assert elements is not None
        notes = Notes()
        try:
            attributes = Attributes(elements, notes, True)
            (rescale,) = read_rescales(attributes, 1, self._modality)
        except RescaleError:
            # It is an error only for callers who ask for rescaled values.
            return not self._rescales and not notes
        if self._rescales:
            self._steps = self._steps._replace(slope=rescale.slope, intercept=rescale.intercept)
        return not notes


def _may_scales_differ(index: Index, header: Header, recipe: Recipe) -> bool:
    """Whether files are still read alike if their slopes or intercepts differ."""
    if Tag.SharedFunctionalGroupsSequence in tags_of(index.pixel_entries):
        return False  # what it says comes before them
    if not recipe.rescale or header.samples == 3:
        return True
    # A dose is scaled by another attribute, and the dtype of "auto" depends on the slope.
    return header.modality != "RTDOSE" and recipe.dtype != "auto"


def alike_reader(
    last: Index | None,
    index: Index | None,
    image: Image,
    recipe: Recipe,
    frames: Frames,
    buffer: Buffer,
) -> AlikeReader | None:
    """Return a reader of files like the last two; None if these differ, or need the usual way.

    Parameters
    ----------
    last, index : Index or None
        Indexes of the last two files.
    image : Image
        The second of them.
    recipe : Recipe
    frames : int, slice, sequence of int or None
        Which of its frames were read.
    buffer : ndarray
        Memory that files are read into.
    """
    if last is None or index is None or index.is_encapsulated:
        return None
    if last.pixel_entries != index.pixel_entries:
        return None
    may_differ = _may_scales_differ(index, image.header, recipe)
    if last.scale_entries != index.scale_entries and not may_differ:
        return None
    if os.environ.get("FASTPIX_ALIKE") == "0":  # to find out whether this route is at fault
        return None
    plan, header = image.plan(recipe), image.header
    indices, keep_axis = frame_indices(frames, header.frames)
    if (
        not hasattr(current_kernel(), "scale_files")  # the reference kernel has no such function
        or not indices
        or header.bits_allocated < 8
        or header.transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        or (header.big_endian and header.bits_allocated == 8)  # cells may be turned in pairs
        or not plan.is_by_cell
        or index.frame_pixels
        or (plan.rescales is not None and len(plan.rescales) > 1)
        or any(note.oddity for note in plan.notes)  # each file gives its own warnings
    ):
        return None
    shape = (len(indices), *plan.shape[1:]) if keep_axis else plan.shape[1:]
    return AlikeReader(index, header, plan, recipe, indices, shape, buffer)


class ReaderState(NamedTuple):
    """What a `RunReader` knows of the last files that it has read.

    Attributes
    ----------
    last : Index or None
        Of the last file.
    alike : AlikeReader or None
    frames : tuple or None
        Those that it reads.
    """

    last: Index | None = None
    alike: AlikeReader | None = None
    frames: tuple[object, ...] | None = None


class RunReader:
    """Reads files one after the other, for one thread.

    Parameters
    ----------
    recipe : Recipe
    frames : int, slice, sequence of int or None
    max_bytes : int
    threads : int or None
        How many threads a single file may use.
    buffer : ndarray
        Memory that files are read into.
    allocate : Allocate
    run_bytes : float
        Bytes of arrays after which a call reads no more.
    exchanges : bool
        Read all files with MONOCHROME1 and MONOCHROME2 exchanged.

    Attributes
    ----------
    colors : list of bool
        Whether each file that `read` has read is in colour; False for those with an error.
    """

    def __init__(
        self,
        recipe: Recipe,
        frames: Frames,
        max_bytes: int,
        threads: int | None,
        buffer: Buffer,
        allocate: Allocate,
        run_bytes: float = RUN_BYTES,
        exchanges: bool = False,
    ) -> None:
        self._exchanges = exchanges
        self._recipe = recipe
        self._frames = frames
        self._max_bytes = max_bytes
        self._threads = threads
        self._buffer = buffer
        self._last: Index | None = None  # index of the file before
        self._alike: AlikeReader | None = None
        self._alike_frames: tuple[object, ...] | None = None  # those that it reads
        self._allocate = allocate
        self._run_bytes = run_bytes
        self.colors: list[bool] = []

    @property
    def state(self) -> ReaderState:
        """What is known of the last files; it keeps no array alive."""
        return ReaderState(self._last, self._alike, self._alike_frames)

    def follow(self, state: ReaderState) -> None:
        """Go on as if this reader had read the last files of another one."""
        self._last, alike, self._alike_frames = state
        self._alike = None if alike is None else alike.another(self._buffer)

    def read(self, sources: Sequence[SourceLike], warned: Warned) -> list[ArrayOrError]:
        """Read at least one file, and at most as many as one call should.

        Parameters
        ----------
        sources : sequence
        warned : dict of int to list of str
            Takes the texts of warnings, by the place of their source. They are not issued here.

        Returns
        -------
        list of ndarray or BaseException
            One for each file that was read; an exception stands for a file that cannot be read.
        """
        results: list[ArrayOrError] = []
        self.colors = []
        size = 0
        while len(results) < len(sources) and size < self._run_bytes:
            rest = sources[len(results) :]
            some = self._read_alike(rest, len(results))
            if not some:
                with warnings_kept() as texts:
                    some = [self._array_or_error(rest[0], len(results))]
                if texts:
                    warned[len(results)] = texts
            size += sum(result.nbytes for result in some if isinstance(result, np.ndarray))
            results += some
            del some  # an error refers to this frame: its variables must not keep arrays alive
        return results

    def _read_alike(self, sources: Sequence[SourceLike], place: int) -> list[ArrayOrError]:
        """Read files up to the first that is not like those before."""
        if self._alike is None or frozen_frames(self._frames) != self._alike_frames:
            return []
        most = min(RUN_FILES, self._run_bytes // self._alike.nbytes)
        some = sources[: max(1, int(most))]

        def allocate(k: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
            return self._allocate(place + k, shape, dtype)

        try:
            values = self._alike.read(some, allocate)
            self.colors += [self._alike.is_color] * len(values)
        except BaseException:  # the usual way meets the same error, and reports it in order
            values = []
        if len(values) < len(some):
            self._alike = None
        return list(values)

    def _array_or_error(self, source: SourceLike, place: int) -> ArrayOrError:
        """Read a file the usual way; its error keeps no array of another file alive."""
        try:
            return self._read_one(source, place)
        except BaseException as error:
            self._last = self._alike = None
            self.colors.append(False)
            if isinstance(error, Exception):
                add_source(error, name_of(source))
            return error

    def _read_one(self, source: SourceLike, place: int) -> NDArray[Any]:
        stored = read_source(source, lent=self._buffer)
        try:
            instance = read_instance(stored, self._max_bytes, only_pixels=True)
            if self._exchanges:
                instance = instance.read_as(exchanged(instance.header))
            image = Image(instance, self._max_bytes, empty=partial(self._allocate, place))
            values = image.read(self._recipe, frames=self._frames, threads=self._threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        last, self._last = self._last, instance.index
        self._alike, self._alike_frames = None, frozen_frames(self._frames)
        if self._alike_frames is not None:
            self._alike = alike_reader(
                last, self._last, image, self._recipe, self._frames, self._buffer
            )
        self.colors.append(not image.header.is_gray)
        return values
