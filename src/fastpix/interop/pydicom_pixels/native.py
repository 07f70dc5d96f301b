"""Uncompressed pixels to arrays as pydicom gives them: stored values, masked, with their sign.

What is here is what pydicom's results demand: which headers it takes, and dtype, byte order and
shape of its arrays. How cells become values is read off `Header` and `Plan`, as for any image.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.common import PhotometricInterpretation
from pydicom.uid import UID, ExplicitVRBigEndian

from fastpix.frames.cells import Cells
from fastpix.frames.word_order import in_byte_order
from fastpix.header.header import Header
from fastpix.header.rescale import SAME
from fastpix.image.frame_reader import FrameReader
from fastpix.plan.making import make_plan, stored_plan
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.source.stored import File, Pixels

_KNOWN = {str(known) for known in PhotometricInterpretation} | {"PALETTE COLOR"}
_SUBSAMPLED = "YBR_FULL_422"
_YBR = ("YBR_FULL", _SUBSAMPLED)
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_RGB = Recipe(dtype="uint8", rescale=False)


@dataclass(frozen=True, slots=True)
class NativeLayout:
    """How the uncompressed frames of an image become arrays.

    Attributes
    ----------
    header : Header
        It says that cells have the machine's byte order where they are moved and not changed, so
        that they keep the file's.
    tall : Header
        Of all frames as one, where they follow each other without a gap.
    stored, rgb : Plan
        Of the stored values, and of RGB; they differ for YBR alone.
    dtype : numpy.dtype
        Of the result, which has the file's byte order, as with pydicom.
    is_masked : bool
        Cells have unused bits.
    nbytes : int
        Bytes of all frames.
    """

    header: Header
    tall: Header
    stored: Plan
    rgb: Plan
    dtype: np.dtype[Any]
    is_masked: bool
    nbytes: int

    @property
    def frames(self) -> int:
        """Return how many there are."""
        return self.header.frames

    def array(self, pixels: Pixels, index: int | None, raw: bool) -> NDArray[Any]:
        """Return one frame, or all; `raw` leaves YBR as it is."""
        header = self.header
        indices: Sequence[int] = range(header.frames) if index is None else [index]
        shape: tuple[int, ...] = (header.rows, header.columns)
        if header.samples == 3:
            shape = (*shape, 3)
        if len(indices) > 1:
            shape = (len(indices), *shape)
            if not header.planar:
                header, indices = self.tall, [0]
        if header.bits_allocated == 1:
            return _unpacked(header, pixels, indices[0], shape)
        plan = self.stored if raw else self.rgb
        out = np.empty(shape, self.dtype)
        if not self.is_masked and plan.is_by_cell:
            flat = out.reshape(-1).view(np.uint8)
            _copy(in_byte_order(header, pixels), indices[0] * flat.size, flat)
            return out
        # The kernel's route of integers ends with int32; a mask of 31 bits leaves no other sign.
        wide = self.is_masked and self.dtype.itemsize == 4
        target = out.view(np.int32 if wide else self.dtype.newbyteorder("="))
        _fill(Cells(header, pixels), plan, indices, target.reshape(len(indices), -1))
        if self.is_masked and not self.dtype.isnative:
            target.byteswap(inplace=True)
        return out


def _copy(pixels: Pixels, start: int, out: NDArray[np.uint8]) -> None:
    if isinstance(pixels.stored, File):
        pixels.fill(start, out.data)
    else:
        np.copyto(out, np.frombuffer(pixels.view(start, start + out.size), np.uint8))


def _fill(cells: Cells, plan: Plan, indices: Sequence[int], target: NDArray[Any]) -> None:
    """Fill `target` as `Image.stored` and `Image.read` do, in this thread."""
    FrameReader(cells, cells.opened(), plan, 1).fill(indices, target, None)


def _unpacked(
    header: Header, pixels: Pixels, index: int, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Return bits as bytes: by NumPy, which needs a third of the kernel's time for it."""
    cells = Cells(header, pixels)
    packed, skip, *_ = cells.frame(cells.opened(), index)
    bits = np.unpackbits(packed, bitorder="little")
    return bits[skip : skip + math.prod(shape)].reshape(shape)


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
    kind = _cells(options, high_bit, size.allocated)
    if kind is None or not _is_known_color(size, kind, photometric, options):
        return None
    syntax: UID = options["transfer_syntax_uid"]
    in_words = (
        size.allocated <= 8 and not syntax.is_little_endian and options.get("pixel_vr") == "OW"
    )
    needed = _bytes_needed(size, photometric)
    if length not in (needed, needed + needed % 2) or (in_words and length % 2):
        return None
    planar = size.samples == 3 and options.get("planar_configuration") == 1
    return _layout(size, kind, str(photometric), planar, str(syntax), in_words, length)


class _Size(NamedTuple):
    """What decides about the number of bytes of an image."""

    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int


class _Cells(NamedTuple):
    """What a cell holds: the letter that NumPy has for its kind, and where its bits are."""

    letter: str
    stored: int
    high_bit: int


def _size(options: dict[str, Any]) -> _Size | None:
    """Return the size of an image; None where a number is missing, or not one or three samples."""
    names = ("number_of_frames", "rows", "columns", "samples_per_pixel", "bits_allocated")
    numbers = [options.get(name) for name in names]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    size = _Size(*(int(number or 0) for number in numbers))
    return size if size.samples in (1, 3) else None


def _bytes_needed(size: _Size, photometric: str) -> int:
    """Return the bytes of all frames; two pixels of 4:2:2 have four samples."""
    samples = 2 if photometric == _SUBSAMPLED else size.samples
    return (size.frames * size.rows * size.columns * size.allocated * samples + 7) // 8


def _is_known_color(size: _Size, kind: _Cells, photometric: str, options: dict[str, Any]) -> bool:
    """Whether pydicom takes the colours, and reads them as a Plan does."""
    planar = options.get("planar_configuration")
    if size.samples == 1:
        return photometric not in _YBR
    if size.allocated == 1 or planar not in (0, 1):
        return False
    if photometric in _YBR and (size.allocated, *kind) != (8, "u", 8, 7):
        return False  # pydicom converts bytes alone
    return photometric != _SUBSAMPLED or (planar == 0 and size.columns % 2 == 0)


def _cells(options: dict[str, Any], high_bit: int | None, allocated: int) -> _Cells | None:
    """Return what cells hold; None where pydicom refuses it.

    `header.pixel_module` guesses what is missing, and pydicom does not.
    """
    keyword = options.get("pixel_keyword")
    if keyword in _FLOATS:
        known = allocated == _FLOATS[keyword] and options.get("samples_per_pixel") == 1
        return _Cells("f", allocated, allocated - 1) if known else None
    stored, signed = options.get("bits_stored"), options.get("pixel_representation")
    if allocated not in (1, 8, 16, 32) or signed not in (0, 1):
        return None
    if not isinstance(stored, int) or not 0 < stored <= allocated:
        return None
    if high_bit is None or not stored - 1 <= high_bit < allocated:
        high_bit = stored - 1
    return _Cells("u" if allocated == 1 else "ui"[signed], stored, high_bit)


@lru_cache(256)  # the headers of a series are the same
def _layout(
    size: _Size,
    kind: _Cells,
    photometric: str,
    planar: bool,
    syntax: str,
    in_words: bool,
    length: int,
) -> NativeLayout:
    """Return the layout of an image that pydicom takes."""
    little = syntax != ExplicitVRBigEndian
    is_masked = kind.stored < size.allocated
    is_moved = size.allocated > 8 and not is_masked
    header = Header(
        transfer_syntax=syntax,
        big_endian=sys.byteorder == "big" if is_moved else not little,
        encapsulated=False,
        pixel_bytes=length,
        pixel_keyword="Pixel Data",
        is_float=kind.letter == "f",
        word_ow=in_words,
        frames=size.frames,
        rows=size.rows,
        columns=size.columns,
        samples=size.samples,
        photometric=photometric,
        planar=planar,
        bits_allocated=size.allocated,
        bits_stored=kind.stored,
        high_bit=kind.high_bit,
        signed=kind.letter == "i",
        # Stored values alone are asked for: nothing below is looked at.
        rescales=SAME,
        rescale_error=None,
        modality_lut=None,
        palette=None,
        padding=None,
        padding_error=None,
        modality="",
        unit="",
        notes=(),
    )
    stored = stored_plan(header)
    return NativeLayout(
        header=header,
        tall=replace(header, frames=1, rows=header.frames * header.rows),
        stored=stored,
        rgb=make_plan(header, _RGB) if photometric in _YBR else stored,
        dtype=np.dtype(f"{'<' if little else '>'}{kind.letter}{max(size.allocated // 8, 1)}"),
        is_masked=is_masked,
        nbytes=_bytes_needed(size, photometric),
    )
