"""The cells of one frame to a codestream of the same kind as before, without a loss."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codestreams import Codestream
from fastpix.standard.syntaxes import DEFLATED_FRAMES, RLE

Cells: TypeAlias = NDArray[Any]

_HT_RPCL = "1.2.840.10008.1.2.4.202"
_HIGH_THROUGHPUT = frozenset({"1.2.840.10008.1.2.4.201", _HT_RPCL, "1.2.840.10008.1.2.4.203"})
_APP0, _APP14, _SOS = 0xE0, 0xEE, 0xDA
_LONGEST_SEGMENT = 15  # of RLE: its header has no room for more


class Kind(NamedTuple):
    """What a frame is encoded to.

    Attributes
    ----------
    transfer_syntax : str
        Its UID.
    stream : Codestream or None
        Of the frame before: precision, sign, predictor and transform are kept.
    planar : bool
        Of deflated frames.
    """

    transfer_syntax: str
    stream: Codestream | None
    planar: bool = False


def encode_cells(cells: Cells, kind: Kind) -> bytes:
    """Encode one frame.

    Parameters
    ----------
    cells : ndarray of unsigned integers
        ``(rows, columns)`` or ``(rows, columns, 3)``, or one-dimensional: the bytes of packed bits.
    kind : Kind

    Returns
    -------
    bytes
        To be decoded again before it is trusted: libraries differ in what they can encode.

    Raises
    ------
    Exception
        Whatever the library raises.
    """
    if kind.transfer_syntax == RLE:
        return rle_of(cells)
    if kind.transfer_syntax == DEFLATED_FRAMES:
        return _deflated(cells, kind.planar)
    stream = kind.stream
    if stream is None:
        raise ValueError("frames of this kind have no encoder")
    samples = _samples(cells, stream)
    return _ENCODERS[stream.coding](samples, stream, kind.transfer_syntax)


def rle_of(cells: Cells) -> bytes:
    """Return an RLE frame: a segment for each byte of a pixel (PS3.5 annex G)."""
    from rle.rle import encode_segment

    # Rows of packed bits do not begin at bytes: all bytes are one row.
    planes = cells.reshape(*(cells.shape[:2] if cells.ndim > 1 else (1, cells.size)), -1)
    rows, columns, samples = planes.shape
    width = cells.dtype.itemsize
    big = planes.astype(planes.dtype.newbyteorder(">"))
    parts = big.view(np.uint8).reshape(rows, columns, samples * width)
    if samples * width > _LONGEST_SEGMENT:
        raise ValueError("a frame of RLE has 15 segments at the most")
    segments = []
    for k in range(samples * width):
        segment = bytes(encode_segment(np.ascontiguousarray(parts[..., k]).tobytes(), columns))
        segments.append(segment + b"\0" * (len(segment) % 2))
    starts = [64 + sum(map(len, segments[:k])) for k in range(len(segments))]
    header = struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments)))
    return header + b"".join(segments)


def _deflated(cells: Cells, planar: bool) -> bytes:
    if planar and cells.ndim == 3:
        cells = cells.transpose(2, 0, 1)
    data = cells.astype(cells.dtype.newbyteorder("<")).tobytes()
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def _samples(cells: Cells, stream: Codestream) -> Cells:
    """Return cells as the samples that they were decoded from: of its precision and its sign."""
    values = cells & cells.dtype.type(min((1 << stream.precision) - 1, np.iinfo(cells.dtype).max))
    width = 1 if stream.precision <= 8 else 2 if stream.precision <= 16 else 4
    if not stream.signed:
        return np.ascontiguousarray(values, f"u{width}")
    wide = values.astype(np.int64)
    sign = 1 << (stream.precision - 1)
    return np.ascontiguousarray((wide ^ sign) - sign, f"i{width}")


def _jpeg_lossless(samples: Cells, stream: Codestream, _syntax: str) -> bytes:
    import imagecodecs

    color: dict[str, Any] = {}
    if samples.ndim == 3:  # no transform: whatever the samples are, they are coded as they are
        color = {"colorspace": "RGB", "outcolorspace": "RGB"}
    encoded = imagecodecs.jpeg8_encode(
        samples, lossless=True, predictor=stream.predictor, bitspersample=stream.precision, **color
    )
    return bytes(encoded) if samples.ndim == 2 or stream.rgb else _unmarked(bytes(encoded))


def _unmarked(encoded: bytes) -> bytes:
    """Take out of a lossless JPEG what says that its components are RGB."""
    kept = [encoded[:2]]
    at = 2
    names: dict[int, int] = {}
    while encoded[at + 1] != _SOS:
        length = 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
        segment = bytearray(encoded[at : at + length])
        if segment[1] == 0xC3:  # SOF3
            names = {name: k + 1 for k, name in enumerate(segment[10::3])}
            segment[10::3] = bytes(names.values())
        if segment[1] not in (_APP0, _APP14):
            kept.append(bytes(segment))
        at += length
    scan = bytearray(encoded[at:])
    for k in range(scan[4]):
        scan[5 + 2 * k] = names[scan[5 + 2 * k]]
    return b"".join(kept) + bytes(scan)


def _jpeg_ls(samples: Cells, stream: Codestream, _syntax: str) -> bytes:
    import imagecodecs

    if stream.precision == 8 * samples.dtype.itemsize:
        return bytes(imagecodecs.jpegls_encode(samples))
    try:  # imagecodecs codes as many bits as the dtype has, which is right, but takes more bytes
        import jpeg_ls
    except ImportError:
        return bytes(imagecodecs.jpegls_encode(samples))
    rows, columns = samples.shape[:2]
    count, interleaved = (1, 0) if samples.ndim == 2 else (samples.shape[2], 2)
    encoded = jpeg_ls.encode_buffer(
        samples.tobytes(), rows, columns, count, stream.precision, 0, interleaved
    )
    return bytes(encoded)


def _jpeg_2000(samples: Cells, stream: Codestream, syntax: str) -> bytes:
    import imagecodecs

    if syntax in _HIGH_THROUGHPUT:
        # OpenJPH goes by resolution (RPCL) unless it is told otherwise.
        return bytes(
            imagecodecs.htj2k_encode(
                samples, reversible=True, rgb=bool(stream.transformed), tlm=syntax == _HT_RPCL
            )
        )
    return bytes(
        imagecodecs.jpeg2k_encode(
            samples, level=0, codecformat="j2k", reversible=True, bitspersample=stream.precision,
            mct=bool(stream.transformed), numthreads=1,
        )
    )  # fmt: skip


def _jpeg_xl(samples: Cells, stream: Codestream, _syntax: str) -> bytes:
    import imagecodecs

    return bytes(
        imagecodecs.jpegxl_encode(
            samples, lossless=True, bitspersample=stream.precision, numthreads=1
        )
    )


_ENCODERS: dict[str, Callable[[Cells, Codestream, str], bytes]] = {
    "lossless": _jpeg_lossless,
    "JPEG-LS": _jpeg_ls,
    "JPEG 2000": _jpeg_2000,
    "JPEG XL": _jpeg_xl,
}
