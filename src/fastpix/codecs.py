"""One frame's encoded bytes to cells, through the decoders that pydicom finds installed."""

from __future__ import annotations

import contextlib
import logging
import struct
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import UID

from fastpix.codestream import Codestream, read_codestream
from fastpix.errors import DecodeError, PixelDataError, UnsupportedTransferSyntaxError
from fastpix.header import Header
from fastpix.syntaxes import DEFLATED_FRAMES, JPEG_2000, LOSSY, RLE, syntax_name

# The most bytes that one encoded byte can stand for: a PackBits run of 128 takes 2 (PS3.5 G.3.1), a
# deflate match of 258 at least 2 bits.
_EXPANSION = {RLE: 64, DEFLATED_FRAMES: 1032}
# What a plugin of pydicom decodes with: by syntax, or whatever the syntax.
_PACKAGES = {
    ("gdcm", ""): "python-gdcm",
    ("pylibjpeg", ""): "pylibjpeg-libjpeg",
    ("pylibjpeg", RLE): "pylibjpeg-rle",
    **{("pylibjpeg", syntax): "pylibjpeg-openjpeg" for syntax in JPEG_2000},
}
_OTHER_SYNTAX = "convert the file to an uncompressed syntax first"


class Decoded(NamedTuple):
    """One decoded frame.

    Attributes
    ----------
    cells : ndarray of uint8
        The bytes of the cells in the machine's byte order, samples interleaved.
    is_rgb : bool
        The decoder has made RGB of what the header calls YBR.
    decoder : str
        What decoded it, with its version.
    """

    cells: NDArray[np.uint8]
    is_rgb: bool
    decoder: str


def find_decoder(syntax: str) -> Decoder:
    """Return pydicom's decoder for a transfer syntax, if a plugin for it is installed.

    Raises
    ------
    UnsupportedTransferSyntaxError
        None is, with what to install.
    """
    name = syntax_name(syntax)
    try:
        decoder = get_decoder(UID(syntax))
    except NotImplementedError as error:
        raise UnsupportedTransferSyntaxError(syntax, name, _OTHER_SYNTAX) from error
    if not decoder.is_available:
        wanted = "; or ".join(decoder.missing_dependencies) or "a decoder for it"
        raise UnsupportedTransferSyntaxError(
            syntax, name, f"install one of pydicom's plugins ({wanted}), or {_OTHER_SYNTAX}"
        )
    return decoder


def decoders_for(syntax: str) -> list[str]:
    """Return what decodes a transfer syntax here, in the order that it is tried.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Nothing does.
    """
    if syntax == DEFLATED_FRAMES:
        return ["zlib"]
    return [_package(plugin, syntax) for plugin in _plugins(find_decoder(syntax))]


def _plugins(decoder: Decoder) -> list[str]:
    # pydicom's own decoder is the slow one: the last resort.
    return sorted(decoder.available_plugins, key=lambda name: name == "pydicom")


def _package(plugin: str, syntax: str) -> str:
    """Return the package that a plugin of pydicom decodes a syntax with."""
    return _PACKAGES.get((plugin, syntax), _PACKAGES.get((plugin, ""), plugin))


def check_frame(head: bytes, size: int, header: Header, frame: int) -> None:
    """Compare a frame's own header with the file's, before memory is asked for.

    Parameters
    ----------
    head : bytes
        The frame's first fragment.
    size : int
        Bytes of all its fragments.
    header : Header
    frame : int
        For the error.

    Raises
    ------
    PixelDataError
        Rows, columns or samples differ, or the bytes cannot hold the frame.
    """
    wanted = _frame_bytes(header)
    if header.transfer_syntax == RLE:
        _check_rle(head, header, frame)
    if header.transfer_syntax in _EXPANSION:
        most = size * _EXPANSION[header.transfer_syntax]
        if most < wanted:
            raise PixelDataError(
                expected=wanted,
                found=most,
                reason=f"frame {frame} has {size} encoded bytes, which cannot decode to the "
                f"{wanted} bytes of a frame",
            )
        return
    stream = read_codestream(head)
    if stream is None:
        return
    found = (stream.rows, stream.columns, stream.samples)
    expected = (header.rows, header.columns, header.samples)
    if found != expected:
        raise PixelDataError(
            reason=f"frame {frame} is encoded as {found[0]} rows x {found[1]} columns x "
            f"{found[2]} samples, the header says {expected[0]} x {expected[1]} x {expected[2]}"
        )
    if not stream.uniform:
        raise PixelDataError(
            reason=f"frame {frame} is encoded with samples that differ in size or depth"
        )
    if stream.precision > max(header.bits_allocated, 8):
        raise PixelDataError(
            expected=header.bits_allocated,
            found=stream.precision,
            reason=f"frame {frame} is encoded with {stream.precision} bits a sample, "
            f"BitsAllocated (0028,0100) says {header.bits_allocated}",
        )


def _check_rle(head: bytes, header: Header, frame: int) -> None:
    """Check an RLE header (PS3.5 G.5): a segment for every byte of a pixel, in ascending order."""
    segments = header.samples * max(header.bits_allocated // 8, 1)
    numbers = struct.unpack("<16I", head[:64]) if len(head) >= 64 else (0,)
    offsets = [*numbers[1 : 1 + segments], len(head) + 1]
    if numbers[0] != segments or offsets[0] != 64 or any(b <= a for a, b in pairwise(offsets)):
        raise PixelDataError(
            expected=segments,
            found=numbers[0],
            reason=f"frame {frame} has no RLE header for {segments} segments (PS3.5 G.5)",
        )


def decode_frame(encoded: bytes, header: Header, frame: int) -> Decoded:
    """Decode one frame to cells of Bits Allocated.

    The plugins that pydicom finds installed are tried one after the other.

    Parameters
    ----------
    encoded : bytes
        The frame's fragments, joined.
    header : Header
    frame : int
        For the errors.

    Raises
    ------
    UnsupportedTransferSyntaxError, PixelDataError, DecodeError
    """
    check_frame(encoded, len(encoded), header, frame)
    if header.transfer_syntax == DEFLATED_FRAMES:
        return Decoded(_inflate(encoded, header, frame), False, f"zlib {zlib.ZLIB_RUNTIME_VERSION}")
    decoder = find_decoder(header.transfer_syntax)
    tried: dict[str, str] = {}
    for plugin in _plugins(decoder):
        try:
            with _quiet():
                return _decode_by(decoder, plugin, encoded, header)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # plugins in Rust panic with one that is no Exception
            said = str(error).strip().splitlines() or [""]
            tried[plugin] = f"{type(error).__name__}: {said[-1].strip()}"
            cause = error
    raise DecodeError(frame=frame, tried=tried) from cause


def _decode_by(decoder: Decoder, plugin: str, encoded: bytes, header: Header) -> Decoded:
    rows, columns = header.rows, header.columns
    allocated, stored = header.bits_allocated, header.bits_stored
    if allocated == 1:  # RLE packs bytes of 8 cells, codecs have a byte a cell
        allocated = stored = 8
        if header.transfer_syntax == RLE:
            rows, columns = 1, _frame_bytes(header)
    buffer, meta = decoder.as_buffer(
        encapsulate([encoded], has_bot=False),
        index=0,
        decoding_plugin=plugin,
        rows=rows,
        columns=columns,
        number_of_frames=1,
        samples_per_pixel=header.samples,
        bits_allocated=allocated,
        bits_stored=stored,
        pixel_representation=int(header.signed),
        photometric_interpretation=header.photometric,
        # It says nothing of a codec's output but RLE's (PS3.5 8.2), and 0 is what they give.
        planar_configuration=int(header.planar and header.transfer_syntax == RLE),
        pixel_keyword="PixelData",
        # Packed bits of RLE make one long row, longer than Columns could say.
        validate=header.bits_allocated != 1,
    )
    container = int(meta["bits_allocated"]) // 8
    shape = (rows * columns, header.samples)
    samples = np.frombuffer(buffer, dtype=f"u{container}")
    if header.samples > 1 and meta.get("planar_configuration") == 1:
        samples = samples.reshape(shape[::-1]).T
    is_rgb = header.photometric.startswith("YBR") and meta["photometric_interpretation"] == "RGB"
    if header.transfer_syntax != RLE:
        samples = _as_cells(samples, read_codestream(encoded), header)
    cells = np.ascontiguousarray(samples.reshape(shape), dtype=f"u{allocated // 8}")
    package = _package(plugin, header.transfer_syntax)
    return Decoded(cells.reshape(-1).view(np.uint8), is_rgb, f"{package} {version(package)}")


def _as_cells(samples: NDArray[np.unsignedinteger], stream: Codestream | None, header: Header
              ) -> NDArray[np.integer]:  # fmt: skip
    """Widen by the codestream's own sign, or by the header's where they differ; clip if lossy."""
    container = 8 * samples.dtype.itemsize
    signed = stream.signed if stream is not None else header.signed
    lossy = header.transfer_syntax in LOSSY
    if signed == header.signed and not lossy and container >= header.bits_allocated:
        return samples  # the kernel masks and extends
    wide = samples.astype(np.int64)
    precision = min(stream.precision if stream is not None else container, container)
    # A lossy stream's own sign stands where an unsigned header leaves room for it: what is below 0
    # is ringing, and clipped. Elsewhere the bits mean what the header says, at the stream's width.
    rings = lossy and signed and not header.signed and precision > header.bits_stored
    if signed != header.signed and not rings:
        signed = header.signed
        bits = precision
    else:
        bits = container
    wide &= (1 << bits) - 1
    if signed:
        sign = 1 << (bits - 1)
        wide = (wide ^ sign) - sign
    if lossy:
        low = -(1 << (header.bits_stored - 1)) if header.signed else 0
        np.clip(wide, low, low + (1 << header.bits_stored) - 1, out=wide)
    return wide


def _frame_bytes(header: Header) -> int:
    """Return the bytes of a decoded frame; frames of packed bits begin at a byte of their own."""
    return (header.rows * header.columns * header.samples * header.bits_allocated + 7) // 8


def _inflate(encoded: bytes, header: Header, frame: int) -> NDArray[np.uint8]:
    size = _frame_bytes(header)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(encoded, size)
    except zlib.error as error:
        raise DecodeError(frame=frame, tried={"zlib": "not deflate data"}) from error
    if len(data) < size:
        raise PixelDataError(
            expected=size, found=len(data),
            reason=f"frame {frame} inflates to {len(data)} bytes where {size} are needed",
        )  # fmt: skip
    cells = np.frombuffer(data, dtype=f"<u{max(header.bits_allocated // 8, 1)}")
    cells = cells.astype(cells.dtype.newbyteorder("="))
    if header.samples > 1 and header.planar:
        cells = np.ascontiguousarray(cells.reshape(header.samples, -1).T)
    return cells.reshape(-1).view(np.uint8)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep pydicom from logging the tracebacks of plugins: DecodeError says what happened."""
    logger = logging.getLogger("pydicom.pixels.decoders.base")  # filters are not inherited

    def mute(_record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(mute)
    try:
        yield
    finally:
        logger.removeFilter(mute)
