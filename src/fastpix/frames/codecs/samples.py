"""A codec's samples to cells: sign, precision, range (docs/exactness.md, step 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codecs.predictions import within_precision
from fastpix.frames.codestreams import Codestream


def to_cells(
    samples: NDArray[Any],
    stream: Codestream | None,
    wanted: FrameFormat,
    remark: Callable[[str], None],
) -> NDArray[np.uint8]:
    """Return samples as the bytes of cells of Bits Allocated, in the machine's byte order.

    Parameters
    ----------
    samples : ndarray of integers
        Right-aligned, of the codestream's own sign as far as their dtype tells.
    stream : Codestream or None
        None for codecs of bytes, whose samples are cells already.
    wanted : FrameFormat
    remark : callable
        Told if the mask, or the clip, to Bits Stored changes a sample.

    Raises
    ------
    ValueError
        A lossless sample is wider than the codestream says samples are: it is damaged.
    """
    if stream is not None:
        samples = _stored_values(samples, stream, wanted, remark)
    cells = np.ascontiguousarray(samples, dtype=f"u{wanted.cell_bytes}")
    return cells.reshape(-1).view(np.uint8)


class SampleCase(NamedTuple):
    """What is to be done with the samples of a frame.

    Attributes
    ----------
    sign : {"codestream", "header"}
        Whose sign the samples have. The header's sign is that of the codestream's precision.
    kept : bool
        The samples can be left as they are, if their dtype is wide enough: the mask and the sign
        of steps 2 and 3 make stored values of them.
    """

    sign: Literal["codestream", "header"]
    kept: bool = False


def sample_case(lossy: bool, stream_signed: bool, signed: bool, extra_bits: int) -> SampleCase:
    """Return which case of the table in docs/exactness.md ("Samples of a codec") a frame is.

    Parameters
    ----------
    lossy : bool
        Lossy values are clipped to the range of Bits Stored, in every case.
    stream_signed, signed : bool
        The sign of the codestream, and that of the header.
    extra_bits : int
        Precision of the codestream minus Bits Stored.
    """
    match (lossy, stream_signed == signed):
        case (False, True):
            return SampleCase("codestream", kept=True)
        case (False, False):
            return SampleCase("header", kept=extra_bits >= 0)
        case (True, True):
            return SampleCase("codestream", kept=extra_bits <= 0)
        case _ if stream_signed and extra_bits > 0:
            return SampleCase("codestream")  # values below 0 are ringing of the codec
        case _:
            return SampleCase("header")


def _stored_values(
    samples: NDArray[Any], stream: Codestream, wanted: FrameFormat, remark: Callable[[str], None]
) -> NDArray[Any]:
    """Return what becomes stored values by the mask and the sign of steps 2 and 3."""
    container = 8 * samples.dtype.itemsize
    precision = min(stream.precision, container)
    if stream.coding == "lossless" and precision < container:
        samples = within_precision(samples, precision, stream.predictor)
    case = sample_case(stream.lossy, stream.signed, wanted.signed, precision - wanted.bits_stored)
    has_sign = samples.dtype.kind == "i"
    low = -(1 << (wanted.bits_stored - 1)) if wanted.signed else 0
    high = low + (1 << wanted.bits_stored) - 1
    if precision > wanted.bits_stored:
        values = _as_integers(samples, precision, case, stream.signed, wanted.signed)
        too_low = values.dtype.kind == "i" and int(values.min(initial=0)) < low
        if too_low or int(values.max(initial=0)) > high:
            remark(_beyond(precision, wanted.bits_stored, stream.lossy))
    # Negative samples in an unsigned dtype, as some decoders return them, need to be extended.
    wide_enough = container >= wanted.bits_allocated or not stream.signed or has_sign
    if case.kept and wide_enough:
        return samples
    if stream.lossy and has_sign == stream.signed == wanted.signed and high >> precision == 0:
        clipped: NDArray[Any] = np.clip(samples, low, high)  # the dtype holds the limits
        return clipped
    if case.sign == "codestream":
        values = _extended(samples, container, stream.signed)
    else:
        values = _extended(samples, precision, wanted.signed)
    if stream.lossy:
        np.clip(values, low, high, out=values)
    return values


def _beyond(precision: int, bits_stored: int, lossy: bool) -> str:
    return (
        f"BitsStored (0028,0101) is {bits_stored}, but the codestream has {precision} bits a "
        f"sample, and samples beyond {bits_stored} bits: "
        + ("they are clipped" if lossy else "their upper bits are masked")
    )


def _as_integers(
    samples: NDArray[Any], precision: int, case: SampleCase, stream_signed: bool, signed: bool
) -> NDArray[Any]:
    """Return samples as the integers that they are read as, without a copy where there is a way."""
    container = 8 * samples.dtype.itemsize
    bits = precision
    if case.sign == "codestream":
        bits, signed = container, stream_signed
    if bits == container:
        return samples.view(f"{'i' if signed else 'u'}{samples.dtype.itemsize}")
    return _extended(samples, bits, signed)


def _extended(samples: NDArray[Any], bits: int, signed: bool) -> NDArray[np.int64]:
    """Return the lowest bits of samples as integers, with or without a sign."""
    values = samples.astype(np.int64)
    values &= (1 << bits) - 1
    if signed:
        sign = 1 << (bits - 1)
        values = (values ^ sign) - sign
    return values
