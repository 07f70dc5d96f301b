"""A codec's samples to cells: sign, precision, range (docs/exactness.md, step 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codestreams import Codestream
from fastpix.standard.syntaxes import LOSSY


def to_cells(
    samples: NDArray[Any], stream: Codestream | None, wanted: FrameFormat
) -> NDArray[np.uint8]:
    """Return samples as the bytes of cells of Bits Allocated, in the machine's byte order.

    Parameters
    ----------
    samples : ndarray of integers
        Right-aligned, of the codestream's own sign as far as their dtype tells.
    stream : Codestream or None
        None for codecs of bytes, whose samples are cells already.
    wanted : FrameFormat

    Raises
    ------
    ValueError
        A lossless sample is wider than the codestream says samples are: it is damaged.
    """
    if stream is not None:
        samples = _settle(samples, stream, wanted)
    cells = np.ascontiguousarray(samples, dtype=f"u{wanted.cell_bytes}")
    return cells.reshape(-1).view(np.uint8)


def _settle(samples: NDArray[Any], stream: Codestream, wanted: FrameFormat) -> NDArray[Any]:
    """Widen by the codestream's own sign, or by the header's where they differ; clip if lossy."""
    container = 8 * samples.dtype.itemsize
    precision = min(stream.precision, container)
    # A lossless process under a lossy syntax has the bits that the header says.
    lossy = stream.lossy or (wanted.transfer_syntax in LOSSY and stream.coding != "lossless")
    if stream.coding == "lossless" and precision < container:
        # JPEG's predictors work modulo 2**16: damage shows as samples that are too large.
        highest = int(samples.max(initial=0))
        if highest >> precision:
            raise ValueError(f"a sample of {highest} where samples have {precision} bits")
    signed = stream.signed
    same_sign = signed == wanted.signed
    # A dtype without sign, of a decoder that leaves it to the caller, cannot be widened as it is.
    wide_enough = container >= wanted.bits_allocated or not signed or samples.dtype.kind == "i"
    if lossy:
        as_it_is = same_sign and precision <= wanted.bits_stored
    else:
        as_it_is = same_sign or precision >= wanted.bits_stored
    if as_it_is and wide_enough:
        return samples  # the kernel masks and extends
    low = -(1 << (wanted.bits_stored - 1)) if wanted.signed else 0
    high = low + (1 << wanted.bits_stored) - 1
    if lossy and same_sign and signed == (samples.dtype.kind == "i") and high >> precision == 0:
        clipped: NDArray[Any] = np.clip(samples, low, high)
        return clipped
    wide = samples.astype(np.int64)
    # A lossy stream's own sign stands where an unsigned header leaves room for it: what is below 0
    # is ringing, and clipped. Elsewhere the bits mean what the header says, at the stream's width.
    rings = lossy and signed and not wanted.signed and precision > wanted.bits_stored
    bits = container
    if signed != wanted.signed and not rings:
        signed = wanted.signed
        bits = precision
    wide &= (1 << bits) - 1
    if signed:
        sign = 1 << (bits - 1)
        wide = (wide ^ sign) - sign
    if lossy:
        np.clip(wide, low, high, out=wide)
    return wide
