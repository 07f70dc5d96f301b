"""Uncompressed pixels to arrays as pydicom gives them: stored values, masked, with their sign."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.common import PhotometricInterpretation

from fastpix.interop.pydicom_pixels.loops import current_loops
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps

_KNOWN = {str(known) for known in PhotometricInterpretation} | {"PALETTE COLOR"}
_SUBSAMPLED = "YBR_FULL_422"
_YBR = ("YBR_FULL", _SUBSAMPLED)
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_BLOCK = 1 << 20  # bytes of cells between a file and an array; a multiple of every cell
_LITTLE = np.little_endian


class PixelBytes(Protocol):
    """The value of a pixel data element."""

    def read(self, start: int, out: NDArray[np.uint8]) -> None:
        """Fill `out` with the bytes from `start` on."""

    def view(self, start: int, count: int) -> NDArray[np.uint8]:
        """Return `count` bytes, which may be the data set's own."""


class BytesOfDataset:
    """Bytes that a data set holds."""

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        self._data = np.frombuffer(value, np.uint8)

    def read(self, start: int, out: NDArray[np.uint8]) -> None:
        """Fill `out` with the bytes from `start` on."""
        np.copyto(out, self._data[start : start + out.size])

    def view(self, start: int, count: int) -> NDArray[np.uint8]:
        """Return the data set's own bytes."""
        return self._data[start : start + count]


class BytesOfFile:
    """Bytes that are read when they are asked for."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start

    @property
    def size(self) -> int:
        """Bytes from the beginning of the value to the end of the file."""
        self._file.seek(0, os.SEEK_END)
        return max(self._file.tell() - self._start, 0)

    def read(self, start: int, out: NDArray[np.uint8]) -> None:
        """Fill `out` with the bytes from `start` on."""
        self._file.seek(self._start + start)
        rest = out.data
        into = getattr(self._file, "readinto", None)
        while rest:
            if into is not None:
                count = into(rest)
            else:
                part = self._file.read(len(rest))
                count = len(part)
                rest[:count] = part
            if not count:
                raise ValueError("the file has become shorter while it was read")
            rest = rest[count:]

    def view(self, start: int, count: int) -> NDArray[np.uint8]:
        """Return a copy of the file's bytes."""
        out = np.empty(count, np.uint8)
        self.read(start, out)
        return out


class BytesInWordOrder:
    """Bytes of an element of big-endian 16-bit words, with the two of each word exchanged.

    The element has an even number of bytes (PS3.5 A.3). Only the words asked for are read.
    """

    def __init__(self, source: PixelBytes) -> None:
        self._source = source

    def read(self, start: int, out: NDArray[np.uint8]) -> None:
        """Fill `out` with the bytes from `start` on."""
        np.copyto(out, self.view(start, out.size))

    def view(self, start: int, count: int) -> NDArray[np.uint8]:
        """Return a copy of `count` bytes, exchanged."""
        before = start % 2
        size = before + count
        words = self._source.view(start - before, size + size % 2)
        return words.view(np.uint16).byteswap().view(np.uint8)[before:size]


@dataclass(frozen=True, slots=True)
class NativeLayout:
    """How the uncompressed frames of an image become arrays.

    Attributes
    ----------
    frames, rows, columns, samples : int
    dtype : numpy.dtype
        Of the result, which has the file's byte order, as with pydicom.
    bits : int
        Bits of all cells of a frame.
    packed : bool
        Cells are single bits.
    steps : Steps or None
        Mask and sign, where there are unused bits.
    swapped : bool
        Pairs of 8-bit cells, or 16 packed bits, are the words of a big-endian file.
    planar, subsampled, ybr : bool
        Samples come plane by plane; chrominance is shared by pairs of pixels; colours are YBR.
    """

    frames: int
    rows: int
    columns: int
    samples: int
    dtype: np.dtype[Any]
    bits: int
    packed: bool
    steps: Steps | None
    swapped: bool
    planar: bool
    subsampled: bool
    ybr: bool

    @property
    def nbytes(self) -> int:
        """Bytes of all frames."""
        return (self.frames * self.bits + 7) // 8

    def array(self, source: PixelBytes, index: int | None, raw: bool) -> NDArray[Any]:
        """Return one frame, or all; `raw` leaves YBR as it is."""
        first, count = (0, self.frames) if index is None else (index, 1)
        shape: tuple[int, ...] = (self.rows, self.columns)
        if self.samples == 3:
            shape = (*shape, 3)
        if count > 1:
            shape = (count, *shape)
        if self.swapped:
            source = BytesInWordOrder(source)
        if self.packed:
            return self._unpacked(source, first, count).reshape(shape)
        start, size = first * self.bits // 8, count * self.bits // 8
        if not (self.planar or self.ybr):
            out = np.empty(shape, self.dtype)
            self._fill(source, start, size, out.reshape(-1))
            return out
        if self.steps is None:
            cells = source.view(start, size).view(self.dtype)
        else:
            cells = np.empty(size // self.dtype.itemsize, self.dtype)
            self._fill(source, start, size, cells)
        samples = self._interleaved(cells.reshape(count, -1))
        if self.ybr and not raw:
            out = np.empty(shape, self.dtype)
            current_loops().ybr_to_rgb(samples, out.reshape(-1))
            return out
        return samples.reshape(shape) if samples.flags.writeable else samples.reshape(shape).copy()

    def _fill(self, source: PixelBytes, start: int, size: int, out: NDArray[Any]) -> None:
        """Cells as they are, or masked in blocks that stay in the cache."""
        if self.steps is None:
            source.read(start, out.view(np.uint8))
            return
        width = self.dtype.itemsize
        # The kernel's route of integers ends with int32; a mask of 31 bits leaves no other sign.
        target = out.view(np.int32 if width == 4 else self.dtype.newbyteorder("="))
        kernel = current_kernel()
        for at in range(0, size, _BLOCK):
            cells = source.view(start + at, min(_BLOCK, size - at))
            kernel.scale(cells, target[at // width : (at + cells.size) // width], self.steps)
        if not self.dtype.isnative:
            target.byteswap(inplace=True)

    def _interleaved(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return all samples in one dimension, three a pixel; the frames' own where they are so."""
        if not (self.planar or self.subsampled):
            return frames.reshape(-1)
        out = np.empty((len(frames), 3 * self.rows * self.columns), frames.dtype)
        loops = current_loops()
        if self.subsampled:
            loops.expand_pairs(frames.reshape(-1), out.reshape(-1))
            return out.reshape(-1)
        for planes, pixels in zip(frames, out, strict=True):
            loops.interleave(planes.view(np.uint8), pixels.view(np.uint8), frames.dtype.itemsize)
        return out.reshape(-1)

    def _unpacked(self, source: PixelBytes, first: int, count: int) -> NDArray[np.uint8]:
        start, stop = first * self.bits, (first + count) * self.bits
        packed = source.view(start // 8, (stop + 7) // 8 - start // 8)
        bits = np.unpackbits(packed, bitorder="little")
        return bits[start % 8 : start % 8 + stop - start]


def native_pixels(
    options: dict[str, Any], high_bit: int | None, length: int
) -> NativeLayout | None:
    """Settle how pixels become arrays.

    Parameters
    ----------
    options : dict of str to object
        What pydicom's decoders would be told.
    high_bit : int or None
    length : int
        Bytes of the pixel data element.

    Returns
    -------
    NativeLayout or None
        None where anything is out of the ordinary: that is pydicom's to judge.
    """
    size = _size(options)
    photometric = options.get("photometric_interpretation")
    if size is None or photometric not in _KNOWN:
        return None
    little = options["transfer_syntax_uid"].is_little_endian
    dtype, steps = _cells(options, high_bit, size.allocated, little)
    if dtype is None:
        return None
    planar = size.samples == 3 and options.get("planar_configuration") == 1
    layout = NativeLayout(
        frames=size.frames,
        rows=size.rows,
        columns=size.columns,
        samples=size.samples,
        dtype=dtype,
        bits=_frame_bits(size, photometric),
        packed=size.allocated == 1,
        steps=steps,
        swapped=not little and size.allocated <= 8 and options.get("pixel_vr") == "OW",
        planar=planar,
        subsampled=photometric == _SUBSAMPLED,
        ybr=photometric in _YBR,
    )
    known = _is_known_color(layout, options) and _fits(layout, length)
    return layout if known else None


class _Size(NamedTuple):
    """What decides about the number of bytes of an image."""

    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int


def _size(options: dict[str, Any]) -> _Size | None:
    """Return the size of an image; None where a number is missing, or not one or three samples."""
    names = ("number_of_frames", "rows", "columns", "samples_per_pixel", "bits_allocated")
    numbers = [options.get(name) for name in names]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    size = _Size(*(int(number or 0) for number in numbers))
    return size if size.samples in (1, 3) else None


def _frame_bits(size: _Size, photometric: str) -> int:
    """Return the bits of a frame; two pixels of 4:2:2 have four samples."""
    samples = 2 if photometric == _SUBSAMPLED else size.samples
    return size.rows * size.columns * size.allocated * samples


def _is_known_color(layout: NativeLayout, options: dict[str, Any]) -> bool:
    """Whether samples are laid out in one of the ways that `NativeLayout.array` reads."""
    if layout.samples == 3:
        if layout.packed or options.get("planar_configuration") not in (0, 1):
            return False
    elif layout.ybr:
        return False
    if layout.ybr and (layout.dtype != np.uint8 or layout.steps is not None):
        return False
    return not layout.subsampled or not (layout.planar or layout.columns % 2)


def _fits(layout: NativeLayout, length: int) -> bool:
    """Whether an element of `length` bytes holds the frames, and no more than a byte of padding."""
    needed = layout.nbytes
    if layout.swapped and length % 2:
        return False
    return length in (needed, needed + needed % 2)


def _cells(
    options: dict[str, Any], high_bit: int | None, allocated: int, little: bool
) -> tuple[np.dtype[Any] | None, Steps | None]:
    """Return the dtype of cells, and mask and sign where they have unused bits."""
    order = "<" if little else ">"
    keyword = options.get("pixel_keyword")
    if keyword in _FLOATS:
        known = allocated == _FLOATS[keyword] and options.get("samples_per_pixel") == 1
        return (np.dtype(f"{order}f{allocated // 8}") if known else None), None
    stored, signed = options.get("bits_stored"), options.get("pixel_representation")
    if allocated not in (1, 8, 16, 32) or signed not in (0, 1):
        return None, None
    if not isinstance(stored, int) or not 0 < stored <= allocated:
        return None, None
    if allocated == 1:
        return np.dtype(np.uint8), None
    dtype = np.dtype(f"{order}{'ui'[signed]}{allocated // 8}")
    if stored == allocated:
        return dtype, None
    if high_bit is None or not stored - 1 <= high_bit < allocated:
        high_bit = stored - 1
    swap = allocated > 8 and little != _LITTLE
    return dtype, Steps(f"u{allocated // 8}", swap, high_bit, stored, bool(signed))
