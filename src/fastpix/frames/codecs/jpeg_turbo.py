"""JPEG by libjpeg-turbo, which fills in what a scan lacks with grey, and does not tell."""

from __future__ import annotations

import struct
from math import ceil
from typing import Any

from numpy.typing import NDArray

from fastpix.frames.codecs.scans import check_scans, components_of
from fastpix.frames.codestreams import Buffer, Codestream, read_codestream

_SOS = 0xDA
_ODD = frozenset({0x00, 0x01, 0xDD, *range(0xD0, 0xDA)})  # no segment, or restart markers to come
_HIGHEST = 65500  # rows that libjpeg takes


def decode_whole_jpeg(encoded: Buffer, samples: int) -> NDArray[Any]:
    """Decode a JPEG, and make sure that its scans code the whole image.

    Parameters
    ----------
    encoded : buffer
        The frame.
    samples : int
        1 or 3 a pixel.

    Returns
    -------
    ndarray
        The samples as they were coded, interleaved.

    Raises
    ------
    CutScanError
        A scan ends too early.
    ValueError, RuntimeError
        The decoder refuses the frame.

    Notes
    -----
    A walk over all Huffman codes takes half as long as a decoder. So the decoder is asked for a row
    of blocks more than the image has. It decodes the first block of that row from the bits behind
    the end, which it takes for zeros. If the codes had ended before, it has skipped the block, and
    the block is grey. Then only the walk can tell a scan that is cut from one that is followed by
    grey.
    """
    stream = read_codestream(encoded)
    if stream is None:
        raise ValueError("it is no JPEG")
    rows = _rows_and_more(encoded, stream)
    if rows is None:
        check_scans(encoded, stream)
        return _decode(encoded, samples)
    height = stream.at + 5
    taller = b"".join((encoded[:height], struct.pack(">H", rows), encoded[height + 2 :]))
    decoded = _decode(taller, samples)
    if decoded.shape[0] != rows or decoded[rows - 1].flat[0] == 1 << (stream.precision - 1):
        check_scans(encoded, stream)
    return decoded[: stream.rows]


def _rows_and_more(encoded: Buffer, stream: Codestream) -> int | None:
    """Return the rows up to the first behind the last blocks; None: they would change the others.

    That is so where chrominance is coarser from row to row: it is interpolated between rows. And
    only one scan, without restart markers, can be judged by its end.
    """
    if stream.coding not in ("DCT", "lossless"):
        return None
    components = components_of(encoded, stream)
    first = components[0]
    if any(c.down != first.down or c.across > first.across for c in components):
        return None
    at = 2
    while (marker := encoded[at + 1]) != _SOS:
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if encoded[at] != 0xFF or marker in _ODD:
            return None
        at += 2 + (encoded[at + 2] << 8 | encoded[at + 3])
        if at + 5 > len(encoded):
            return None
    if encoded[at + 4] != stream.samples:
        return None
    unit = (1 if stream.coding == "lossless" else 8) * first.down
    rows = ceil(stream.rows / unit) * unit + 1 if unit else _HIGHEST + 1
    return rows if rows <= _HIGHEST else None


def _decode(encoded: Buffer, samples: int) -> NDArray[Any]:
    import imagecodecs

    # Releases of imagecodecs differ in the buffers that they say they take.
    take: Any = encoded
    if samples == 1:
        decoded: NDArray[Any] = imagecodecs.jpeg8_decode(take)
    else:  # from and to the same colours, whatever they are: the samples as they were coded
        decoded = imagecodecs.jpeg8_decode(take, colorspace="YCBCR", outcolorspace="YCBCR")
    return decoded
