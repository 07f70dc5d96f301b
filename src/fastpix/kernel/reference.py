"""What the right answer is: docs/exactness.md in NumPy, one step a line.

Same names and signatures as the compiled kernel, which must return the same bits. Written to be
read beside the standard, not to be fast.
"""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.kernel.steps import ColorSteps, Steps

SHORT = -2
"""In place of an index: an RLE segment ends before the frame does."""


def scale(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: Steps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> int:
    """Turn stored cells into output values (steps 1 to 8).

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
        The bytes of the cells.
    out : ndarray, one-dimensional, C-contiguous
        One value a cell; its dtype is the output dtype.
    steps : Steps
    skip : int
        Cells to leave out at the beginning: frames of packed bits may begin within a byte.
    segments : tuple of int, optional
        `cells` is an RLE frame: where its segments begin, and where the last one ends (PS3.5 G).

    Returns
    -------
    int
        The index of the first value that the output dtype cannot hold, or -1; `SHORT` where a
        segment does not last. Where it is not -1, `out` holds nothing of use.
    """
    if segments is not None:
        joined = _join(cells, out.size, steps, segments)
        if joined is None:
            return SHORT
        cells = joined
    stored = _shifted(_stored(cells, out.size, steps, skip), steps)
    with np.errstate(all="ignore"):
        values = _modality(stored, steps)
        if steps.peak is not None:
            values = np.float64(steps.peak) - values
        if steps.normalize is not None:
            lo, hi = np.float64(steps.normalize[0]), np.float64(steps.normalize[1])
            values = np.where(values < lo, lo, values)
            values = np.where(values > hi, hi, values)
            values = (values - lo) / (hi - lo)
        if steps.padding is not None:
            values = np.where(_is_padding(stored, steps), np.float64(steps.padding[2]), values)
    return _store(values, out)


def scale_frames(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: Steps,
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    slopes: NDArray[np.float64],
    intercepts: NDArray[np.float64],
) -> int:
    """Turn stored cells of frames into output values, each by a rescale of its own.

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
        Bytes that hold the cells of all these frames.
    out : ndarray, C-contiguous
        ``(rows, values of a frame)``; its dtype is the output dtype.
    steps : Steps
        But for slope and intercept.
    starts, places : ndarray of int64
        Of each frame: the cell where it begins, and the row of `out` that it fills.
    slopes, intercepts : ndarray of float64
        One, or one a frame.

    Returns
    -------
    int
        The index in `out`, as if it were flat, of the first value that the output dtype cannot
        hold, in the order of the frames; or -1. Where it is not -1, `out` holds nothing of use.
    """
    width = 1 if steps.cell == "bit" else int(steps.cell[1])
    size = out.shape[1]
    rescales = zip(*np.broadcast_arrays(starts, places, slopes, intercepts), strict=True)
    for start, place, slope, intercept in rescales:
        own = steps._replace(slope=float(slope), intercept=float(intercept))
        if steps.cell == "bit":
            bad = scale(cells[start // 8 :], out[place], own, int(start % 8))
        else:
            bad = scale(cells[start * width :], out[place], own)
        if bad >= 0:
            return int(place) * int(size) + bad
    return -1


def peak(
    cells: NDArray[np.uint8],
    count: int,
    steps: Steps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> float | None:
    """Return the maximum of y (step 4) over `count` cells, NaN and padding left out.

    None where nothing is left; NaN where an RLE segment does not last. Parameters as in `scale`.
    """
    if segments is not None:
        joined = _join(cells, count, steps, segments)
        if joined is None:
            return math.nan
        cells = joined
    stored = _shifted(_stored(cells, count, steps, skip), steps)
    with np.errstate(all="ignore"):
        values = _modality(stored, steps)
    kept = ~np.isnan(values)
    if steps.padding is not None:
        kept &= ~_is_padding(stored, steps)
    return float(values[kept].max()) if kept.any() else None


def color(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: ColorSteps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> int:
    """Turn the cells of one colour frame into RGB, samples interleaved.

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
    out : ndarray, one-dimensional, C-contiguous
        Three values a pixel.
    steps : ColorSteps
    skip, segments
        As in `scale`.

    Returns
    -------
    int
        As in `scale`.
    """
    pixels = out.size // 3
    if segments is not None:
        count = pixels if steps.layout == "indexed" else 3 * pixels
        joined = _join(cells, count, steps.samples, segments)
        if joined is None:
            return SHORT
        cells = joined
    if steps.layout == "indexed":
        assert steps.samples.table is not None
        palette = np.frombuffer(steps.samples.table, dtype=np.float64).reshape(-1, 3)
        indices = _stored(cells, pixels, steps.samples, skip)
        samples = palette[np.clip(indices - int(steps.samples.first), 0, len(palette) - 1)]
    elif steps.layout == "planar":
        planes = _stored(cells, 3 * pixels, steps.samples, skip)
        samples = planes.reshape(3, pixels).T.astype(np.float64)
    elif steps.layout == "subsampled":
        pairs = _stored(cells, 2 * pixels, steps.samples, skip).reshape(-1, 4).astype(np.float64)
        samples = pairs[:, [0, 2, 3, 1, 2, 3]].reshape(pixels, 3)  # Y1 Cb Cr, Y2 Cb Cr
    else:
        interleaved = _stored(cells, 3 * pixels, steps.samples, skip)
        samples = interleaved.reshape(pixels, 3).astype(np.float64)
    if steps.ybr:
        samples = ybr_to_rgb(samples, steps.samples.bits)
    if steps.layout != "indexed":
        rgb = _shifted(samples.astype(np.int64), steps.samples)
        samples = _modality(rgb, steps.samples._replace(mirror=None))
    return _store(samples.reshape(-1), out)


def _join(
    cells: NDArray[np.uint8], count: int, steps: Steps, segments: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    """Expand RLE segments and join their bytes to `count` cells; None where one does not last."""
    width = 1 if steps.cell == "bit" else int(steps.cell[1:])
    samples = (len(segments) - 1) // width
    length = (count + 7) // 8 if steps.cell == "bit" else count // samples
    planes = [
        _expand(cells[start:end].tobytes(), length) for start, end in itertools.pairwise(segments)
    ]
    if any(len(plane) < length for plane in planes):
        return None
    joined = np.empty((length, samples, width), np.uint8)
    for k, plane in enumerate(planes):
        sample, place = divmod(k, width)  # the most significant byte comes first (PS3.5 G.2)
        if sys.byteorder == "little":
            place = width - 1 - place
        joined[:, sample, place] = np.frombuffer(plane, np.uint8)[:length]
    return joined.reshape(-1)


def _expand(segment: bytes, length: int) -> bytes:
    """Expand PackBits codes (PS3.5 G.3.2) until there are `length` bytes or the segment ends."""
    expanded = bytearray()
    at = 0
    while len(expanded) < length and at + 1 < len(segment):
        code = segment[at]
        at += 1
        if code < 128:
            if len(segment) - at < code + 1:
                break
            expanded += segment[at : at + code + 1]
            at += code + 1
        elif code > 128:
            expanded += segment[at : at + 1] * (257 - code)
            at += 1
    return bytes(expanded)


def _stored(cells: NDArray[np.uint8], count: int, steps: Steps, skip: int) -> NDArray[Any]:
    """Return what steps 1 to 3 make of cells: integers, masked, with sign. Floats stay."""
    if steps.cell == "bit":
        bits = np.unpackbits(cells, bitorder="little")[skip : skip + count]
        unsigned: NDArray[np.int64] = bits.astype(np.int64)
    else:
        dtype = np.dtype(steps.cell)
        if steps.swap:
            dtype = dtype.newbyteorder("S")
        raw = np.frombuffer(cells, dtype=dtype, count=count, offset=skip * dtype.itemsize)
        if dtype.kind == "f":
            with np.errstate(invalid="ignore"):  # a signalling NaN
                return np.asarray(raw, dtype=np.float64)
        unsigned = raw.astype(np.int64)
    unsigned = (unsigned >> (steps.high_bit + 1 - steps.bits)) & (2**steps.bits - 1)
    if not steps.signed:
        return unsigned
    sign = 2 ** (steps.bits - 1)
    signed: NDArray[np.int64] = (unsigned ^ sign) - sign
    return signed


def _shifted(stored: NDArray[Any], steps: Steps) -> NDArray[Any]:
    """Drop the lower bits, as bringing colour to 8 bits does."""
    return stored >> steps.shift if steps.shift else stored


def _modality(stored: NDArray[Any], steps: Steps) -> NDArray[np.float64]:
    """Step 4, and the mirroring of step 5 that comes before it."""
    if steps.table is not None:
        table = np.frombuffer(steps.table, dtype=np.float64)
        mapped: NDArray[np.float64] = table[np.clip(stored - int(steps.first), 0, len(table) - 1)]
        return mapped
    if steps.mirror is not None:
        stored = int(steps.mirror) - stored
    values: NDArray[np.float64] = stored.astype(np.float64)
    values = values * np.float64(steps.slope)
    return values + np.float64(steps.intercept)


def _is_padding(stored: NDArray[Any], steps: Steps) -> NDArray[np.bool_]:
    assert steps.padding is not None
    first, last, _ = steps.padding
    return (stored >= first) & (stored <= last)


def ybr_to_rgb(samples: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Convert YBR_FULL to RGB: the equations of PS3.3 C.7.6.3.1.2 solved for R, G and B.

    Luma is 0.299 R + 0.587 G + 0.114 B, so the solution is a ratio of integers, and what is rounded
    is the exact value; halves go upwards (ISO/IEC 10918-5, section 7).
    """
    top, half = 2**bits - 1, 2 ** (bits - 1)
    y = samples[:, 0].astype(np.int64)
    cb = samples[:, 1].astype(np.int64) - half
    cr = samples[:, 2].astype(np.int64) - half
    red = (1000 * y + 1402 * cr + 500) // 1000
    green = (587000 * y - 202008 * cb - 419198 * cr + 293500) // 587000
    blue = (1000 * y + 1772 * cb + 500) // 1000
    rgb: NDArray[np.int64] = np.clip(np.stack([red, green, blue], axis=1), 0, top)
    return rgb.astype(np.float64)


def _store(values: NDArray[np.float64], out: NDArray[Any]) -> int:
    """Step 8: one rounding to the output dtype, or the index of the first value it cannot hold."""
    if out.dtype.kind == "f":
        with np.errstate(all="ignore"):
            out[...] = values.astype(out.dtype)
        bad = np.isinf(out.astype(np.float64)) & ~np.isinf(values)
    else:
        info = np.iinfo(out.dtype)
        low, beyond = np.float64(info.min), np.float64(2.0 ** (info.bits - (info.min < 0)))
        bad = ~((values >= low) & (values < beyond) & (values == np.floor(values)))
        out[...] = np.where(bad, np.float64(0), values).astype(out.dtype)
    return int(np.argmax(bad)) if bad.any() else -1
