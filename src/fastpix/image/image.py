"""The public face: open an instance, look at its plan, read its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import FastpixError, SourceName, add_source, warn_caller
from fastpix.frames.cells import Cells
from fastpix.header.attributes import Attributes
from fastpix.header.header import Header
from fastpix.header.image_affine import ImageGeometry, image_geometry
from fastpix.header.instance import Instance, read_instance
from fastpix.image.frame_reader import FrameReader
from fastpix.image.frame_selection import Frames, checked_out, frame_indices
from fastpix.image.frame_threads import thread_count
from fastpix.image.limits import check_size
from fastpix.image.reading import Reading, decoder_notes, reading_of, stored_reading
from fastpix.image.values import fill_frame
from fastpix.image.waiting_cells import may_wait, read_waiting
from fastpix.in_notebooks import InNotebooks
from fastpix.notes import Note
from fastpix.plan.making import make_plan
from fastpix.plan.plan import Plan
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.source.naming import ErrorsNamed
from fastpix.source.stored import Memory

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class Image(InNotebooks):
    """One DICOM instance, opened: its header is read, its pixels are not.

    Made by `fastpix.open`. What it gives never changes: it may be shared by threads, kept across
    a fork, and pickled (it takes its bytes along).

    Attributes
    ----------
    header : Header
        The pixel attributes, every one settled.
    """

    header: Header

    def __init__(
        self,
        instance: Instance,
        max_bytes: int,
        decoder: str | None = None,
        empty: Callable[[tuple[int, ...], str], NDArray[Any]] = np.empty,
        source: SourceName | None = None,
    ) -> None:
        self._errors = ErrorsNamed(source)
        self._max_bytes = max_bytes
        self._decoder = decoder
        self._empty = empty
        self.header = instance.header
        self._instance: Instance | None = instance
        self._cells: Cells | None = Cells(self.header, instance.pixels)
        self._notes = self._cells.notes
        for note in self._notes:
            warn_caller(note.text)
        self._peaks: dict[tuple[bool, bool, str | None], float | None] = {}
        self._decoders: dict[str, None] = {}
        # Of the last call: a call with the same arguments settles nothing again.
        self._reading: Reading | None = None
        self._stored_reading: Reading | None = None
        self._geometry: ImageGeometry | None = None

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.header.frames

    def __repr__(self) -> str:
        h = self.header
        return f"<fastpix.Image: {h.frames} x {h.rows} x {h.columns}, {h.photometric}>"

    def __enter__(self) -> Image:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        held = self._open().source
        return _reopen, (held, self._max_bytes, self._decoder, self._errors.name)

    @property
    def dataset(self) -> Dataset:
        """The data set as pydicom parsed it."""
        with self._errors:
            return self._open().dataset

    @property
    def attributes(self) -> Attributes:
        """The attributes of pixels, identity and geometry: what sidecars are made of."""
        return self._open().attributes

    @property
    def route(self) -> Literal["index", "pydicom"]:
        """What read the header: fastpix's own index, or pydicom (see docs/performance.md)."""
        return "pydicom" if self._open().index is None else "index"

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """``(4, 4)``: (frame, row, column, 1) to mm, LPS; None without an even grid of frames."""
        return self._located().affine

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Between frames (or slices; NaN if unknown), rows and columns, in millimetres."""
        return self._located().spacing

    @property
    def slope_intercept(self) -> tuple[tuple[float, float], ...]:
        """Slope and intercept of the file, one pair or one a frame: those of `plan()`.

        ``(1, 0)`` if a Modality LUT takes their place, none for colour; the slope of an RTDOSE is
        its Dose Grid Scaling.

        Raises
        ------
        PixelHeaderError
            What the file says is no slope or intercept.
        """
        with self._errors:
            return make_plan(self.header, Recipe()).slope_intercept

    @property
    def decoders(self) -> tuple[str, ...]:
        """What has decoded the frames read so far, with versions; empty for native data."""
        return tuple(self._decoders)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was odd about where the frames are, and about those read so far."""
        return tuple(self._notes)

    def close(self) -> None:
        """Let go of the bytes. The header stays; reading is an error from here on."""
        self._instance = self._cells = None

    def plan(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
    ) -> Plan:
        """Return every decision that `read` with these arguments would act on; print it.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the keywords.
        dtype, rescale, invert, normalize, padding, color_range
            As in `read`.

        Returns
        -------
        Plan
            Its notes name what has decoded the frames read so far, or what is going to be tried.

        Raises
        ------
        FastpixError
            The header cannot give what is asked.
        """
        with self._errors:
            asked = one_recipe(
                recipe, dtype, rescale, invert, normalize, padding, self._decoder, color_range
            )
            plan = make_plan(self.header, asked)
        decoders = decoder_notes(self.header, self._decoders, asked.decoder)
        return replace(plan, notes=(*plan.notes, *self._notes, *decoders))

    def read(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
        frames: Frames = None,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the values of all frames, or of some.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the six keywords that follow.
        dtype : str or numpy dtype
            float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
        rescale : bool
            Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
        invert : {"max", "range", "none"}
            MONOCHROME1: subtract from the image's maximum, mirror in the possible range, or leave.
        normalize : (float, float), optional
            Clip to this interval, in output units, and map it to 0..1.
        padding : float, optional
            What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
        color_range : (float, float), optional
            Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
        frames : int, slice, sequence of int or None
            Which frames; negative ones count from the end. An int drops the frame axis, a slice or
            sequence keeps it; None reads all, with an axis only where there are several.
        out : ndarray, optional
            Filled and returned. C-contiguous, writable, of the right shape and dtype.
        threads : int, optional
            How many decode and scale frames at a time, or work on a single one where its codec
            can; as many as help, up to all cores, if not given.

        Returns
        -------
        ndarray
            ``(rows, columns)``, ``(frames, rows, columns)``, and with a last axis of 3 for colour.
            C-contiguous, native byte order, writable.

        Raises
        ------
        FastpixError
            Its subclasses say what is wrong. `out` is then partly filled.
        """
        try:  # free, where `with self._errors` costs as much as a tenth of a small frame
            reading = self._reading
            if reading is None or not reading.serves(
                recipe, dtype, rescale, invert, normalize, padding, color_range
            ):
                arguments = (recipe, dtype, rescale, invert, normalize, padding, color_range)
                asked = one_recipe(*arguments[:6], self._decoder, color_range)
                is_shared = self._open().index is not None
                reading = self._reading = reading_of(self.header, asked, arguments, is_shared)
            for note in reading.warnings:
                warn_caller(note.text)
            return self._read(reading, frames, out, threads)
        except Exception as error:
            add_source(error, self._errors.name)
            raise

    def stored(
        self,
        frames: Frames = None,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the stored values: masked, with their sign, before any rescale (steps 1 to 3).

        Parameters
        ----------
        frames, out, threads
            As in `read`.

        Returns
        -------
        ndarray
            Integers as wide as Bits Allocated, signed as Pixel Representation says (float data: as
            stored). Indices for PALETTE COLOR; the file's own samples for other colour, RGB or
            YCbCr as they were coded (JPEG 2000 and JPEG XL undo their own transform).
        """
        with self._errors:
            if self._stored_reading is None:
                self._stored_reading = stored_reading(self.header, self._decoder)
            return self._read(self._stored_reading, frames, out, threads)

    def iter_frames(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
    ) -> Iterator[NDArray[Any]]:
        """Yield the values of one frame after the other, each a new array without frame axis.

        Parameters
        ----------
        recipe, dtype, rescale, invert, normalize, padding, color_range
            As in `read`.
        """
        asked = one_recipe(
            recipe, dtype, rescale, invert, normalize, padding, color_range=color_range
        )
        for frame in range(len(self)):
            yield self.read(asked, frames=frame)

    def _open(self) -> Instance:
        if self._instance is None:
            raise _closed()
        return self._instance

    def _located(self) -> ImageGeometry:
        if self._geometry is None:
            with self._errors:
                self._geometry = image_geometry(self._open())
        return self._geometry

    def _read(
        self,
        reading: Reading,
        frames: Frames,
        out: NDArray[Any] | None,
        threads: int | None,
    ) -> NDArray[Any]:
        cells, plan = self._cells, reading.plan
        if cells is None:
            raise _closed()
        if out is not None and threads is None:
            frame = 0 if frames is None and self.header.frames == 1 else frames
            if type(frame) is int and (not plan.needs_peak or reading.peak_key in self._peaks):
                held = reading.held_frame(cells, frame, self._max_bytes)
                if held is not None:
                    checked_out(out, reading.frame_shape, reading.dtype)
                    fill_frame(frame, held, out, plan, self._peaks.get(reading.peak_key))
                    return out
        indices, keep_axis = frame_indices(frames, len(self))
        shape = (len(indices), *reading.frame_shape)
        check_size(len(indices) * reading.frame_bytes, self._max_bytes)
        is_searched = plan.needs_peak and reading.peak_key not in self._peaks
        count = len(self) if is_searched else len(indices)
        workers = thread_count(threads, plan, count, self.header.encapsulated)
        pixels = cells.opened()
        try:
            for note in cells.find(pixels, range(count) if is_searched else indices):
                warn_caller(note.text)
            checked = cells.check(pixels, indices, reading.decoder)  # before memory is asked for
            result = self._empty(shape, plan.dtype) if out is None else checked_out(
                out, shape if keep_axis else shape[1:], reading.dtype).reshape(shape)  # fmt: skip
            if is_searched and may_wait(cells, plan):
                found = read_waiting(cells, pixels, plan, indices, result, workers)
                self._peaks[reading.peak_key] = found
            else:
                how = workers, reading.decoder, reading.as_stored, checked
                reader = FrameReader(cells, pixels, plan, *how)
                try:
                    peak = self._peak(reader, reading, indices) if plan.needs_peak else None
                    reader.fill(indices, result, peak)
                finally:
                    self._decoders |= reader.decoders
                self._report(reader.odd)
            pixels.stored.check()
        except FastpixError:
            pixels.stored.check()  # if the file has changed, that is the reason
            raise
        finally:
            cells.release(pixels)
        if out is not None:
            return out
        return result if keep_axis else result[0]

    def _peak(self, reader: FrameReader, reading: Reading, wanted: Sequence[int]) -> float | None:
        """Return the maximum of all frames, which is found once."""
        key = reading.peak_key
        if key not in self._peaks:
            self._peaks[key] = reader.peak(len(self), wanted)
        return self._peaks[key]

    def _report(self, odd: Iterable[Note]) -> None:
        """Keep what was odd about frames; warn of what is new."""
        for note in sorted(odd):
            if note not in self._notes:
                self._notes.append(note)
                warn_caller(note.text)


def _reopen(
    source: bytes | Dataset, max_bytes: int, decoder: str | None, name: SourceName | None
) -> Image:
    held = Memory(source) if isinstance(source, bytes) else source
    with catch_warnings():
        simplefilter("ignore")  # given when it was first opened
        return Image(read_instance(held, max_bytes), max_bytes, decoder, source=name)


def _closed() -> FastpixError:
    return FastpixError("this Image is closed: open its source again")
