"""The table: which decoders a transfer syntax has, in the order that they are tried.

Each takes a frame's encoded bytes and gives the samples as they were coded: integers of the
codestream's own sign and width, right-aligned, interleaved, with no change of colours but the one
that JPEG 2000 and JPEG XL make themselves. The order is by measured speed (docs/codecs.md).
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, UnsupportedTransferSyntaxError
from fastpix.frames.codecs.deflate import inflate
from fastpix.frames.codecs.format import FrameFormat, from_planes
from fastpix.frames.codecs.jpeg_turbo import decode_whole_jpeg
from fastpix.frames.codecs.refusals import NotSupportedError
from fastpix.frames.codecs.scans import check_whole
from fastpix.standard import decoder_names as names
from fastpix.standard.syntaxes import (
    DEFLATED_FRAMES,
    HIGH_THROUGHPUT,
    JPEG,
    JPEG_2000,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_XL,
    RECOMPRESSED_JPEG,
    RETIRED_JPEG,
    RLE,
    syntax_name,
    what_instead,
)

Samples: TypeAlias = NDArray[Any]
Encoded: TypeAlias = Any  # bytes or memoryview: imagecodecs takes both, but declares the first
Decode: TypeAlias = Callable[[Encoded, FrameFormat, int], Samples]


@dataclass(frozen=True, slots=True)
class Decoder:
    """One way to decode a transfer syntax.

    Attributes
    ----------
    name : str
        The package, as one installs it: what `fastpix.open` and `Recipe` pin.
    library : str
        The codec inside it.
    licence : str
        Of the codec.
    decode : callable
        ``(encoded, format, threads)`` to samples of ``format.shape``; `threads` is what the codec
        itself may use for the frame.
    module : str
        What must import.
    codec : str
        The part of imagecodecs that may have been left out when it was built.
    is_fallback : bool
        Whether it is asked for a frame whose kind those before it do not support; else only if it
        is pinned.
    distrusted : frozenset of str
        Codings of JPEG that it is asked for only if it is pinned.
    """

    name: str
    library: str
    licence: str
    decode: Decode
    module: str
    codec: str = ""
    is_fallback: bool = True
    distrusted: frozenset[str] = frozenset()

    def is_present(self) -> bool:
        """Whether it can be used here."""
        return _is_present(self.module, self.codec)

    def version(self) -> str:
        """Return the package and the codec with their versions."""
        return _version(self.name, self.library, self.codec)


@cache
def _is_present(module: str, codec: str) -> bool:
    try:
        found = import_module(module)
    except ImportError:
        return False
    return not codec or bool(getattr(found, codec).available)


@cache
def _version(name: str, library: str, codec: str) -> str:
    if name == "zlib":
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
    try:
        package = f"{name} {version(name)}"
    except PackageNotFoundError:  # gdcm under the name that its own installer gives it
        package = name
    if codec:
        inner = getattr(import_module("imagecodecs"), f"{codec.lower()}_version")()
        return f"{package} ({inner.replace('_', '-').partition('/')[0]})"
    return package if library == name else f"{package} ({library})"


# --- imagecodecs ------------------------------------------------------------------------------


def _jpeg(encoded: Encoded, wanted: FrameFormat, _threads: int) -> Samples:
    return decode_whole_jpeg(encoded, wanted.samples)


def _jpeg_ls(encoded: Encoded, _wanted: FrameFormat, _threads: int) -> Samples:
    import imagecodecs

    return imagecodecs.jpegls_decode(encoded)


def _jpeg_2000(encoded: Encoded, _wanted: FrameFormat, threads: int) -> Samples:
    import imagecodecs

    return imagecodecs.jpeg2k_decode(encoded, numthreads=threads)


def _jpeg_xl(encoded: Encoded, wanted: FrameFormat, threads: int) -> Samples:
    import imagecodecs

    if bytes(encoded[:2]) == b"\xff\xd8":  # the JPEG file that was in it
        return _jpeg(encoded, wanted, threads)
    if wanted.transfer_syntax == RECOMPRESSED_JPEG and wanted.samples > 1:
        raise NotSupportedError("without its JPEG file, its colours are not what the header says")
    return imagecodecs.jpegxl_decode(encoded, numthreads=threads)


def _rle_by_imagecodecs(encoded: Encoded, wanted: FrameFormat, _threads: int) -> Samples:
    import imagecodecs

    dtype = np.dtype(f"u{wanted.cell_bytes}")
    cells = np.frombuffer(imagecodecs.dicomrle_decode(encoded, dtype), dtype)
    return from_planes(cells, wanted)


# --- pylibjpeg and pyjpegls ---------------------------------------------------------------------


def _jpeg_2000_by_pylibjpeg(encoded: Encoded, _wanted: FrameFormat, _threads: int) -> Samples:
    from openjpeg.utils import decode

    with _quiet("openjpeg.utils"):
        samples: Samples = decode(bytes(encoded))
    return samples


def _jpeg_by_pylibjpeg(encoded: Encoded, _wanted: FrameFormat, _threads: int) -> Samples:
    from libjpeg.utils import decode

    check_whole(encoded)
    samples: Samples = decode(bytes(encoded), colour_transform=0)
    return samples


def _rle_by_pylibjpeg(encoded: Encoded, wanted: FrameFormat, _threads: int) -> Samples:
    from rle.rle import decode_frame

    cells = decode_frame(bytes(encoded), wanted.frame_bytes // wanted.cell_bytes // wanted.samples,
                         8 * wanted.cell_bytes, "<")  # fmt: skip
    return from_planes(np.frombuffer(cells, f"<u{wanted.cell_bytes}"), wanted)


def _jpeg_ls_by_pyjpegls(encoded: Encoded, wanted: FrameFormat, _threads: int) -> Samples:
    import jpeg_ls

    buffer, info = jpeg_ls.decode_pixel_data(bytes(encoded))
    samples = np.frombuffer(buffer, "u1" if info["bits_per_sample"] <= 8 else "u2")
    by_plane = wanted.samples > 1 and info["interleave_mode"] == 0
    return from_planes(samples, wanted) if by_plane else samples.reshape(wanted.shape)


# --- gdcm, through pydicom's plugin ---------------------------------------------------------------


def _by_gdcm(encoded: Encoded, wanted: FrameFormat, _threads: int) -> Samples:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    stream = check_whole(encoded)
    narrow = stream is not None and stream.coding == "lossless" and stream.precision < 8
    if narrow or wanted.bits_allocated > 16:
        raise NotSupportedError("gdcm would end the process: it asserts what it does not check")
    signed = stream is not None and stream.signed
    decoder = get_decoder(UID(wanted.transfer_syntax))
    with _quiet("pydicom.pixels.decoders.base"):
        buffer, meta = decoder.as_buffer(
            encapsulate([bytes(encoded)], has_bot=False),
            index=0,
            decoding_plugin="gdcm",
            rows=wanted.rows,
            columns=wanted.columns,
            number_of_frames=1,
            samples_per_pixel=wanted.samples,
            bits_allocated=8 * wanted.cell_bytes,
            bits_stored=min(
                wanted.bits_stored if stream is None else stream.precision, 8 * wanted.cell_bytes
            ),
            pixel_representation=int(signed),
            photometric_interpretation="MONOCHROME2" if wanted.samples == 1 else "RGB",
            planar_configuration=0,
            pixel_keyword="PixelData",
        )
    kind = "i" if signed else "u"
    samples = np.frombuffer(buffer, f"{kind}{int(meta['bits_allocated']) // 8}")
    if meta.get("planar_configuration") == 1:
        return from_planes(samples, wanted)
    return samples.reshape(wanted.shape)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a library from logging tracebacks: DecodeError says what happened."""
    logger = logging.getLogger(name)  # filters are not inherited

    def mute(_record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(mute)
    try:
        yield
    finally:
        logger.removeFilter(mute)


def _by_the_kernel(_encoded: Encoded, _wanted: FrameFormat, _threads: int) -> Samples:
    raise AssertionError("RLE goes to the kernel as it is")


OWN_RLE = Decoder(names.FASTPIX, "fastpix", "MIT", _by_the_kernel, "fastpix")
"""No decoder of its own: the kernel expands segments while it computes values."""

_TURBO = Decoder(names.IMAGECODECS, "libjpeg-turbo", "BSD", _jpeg, "imagecodecs", "JPEG8")
# It clamps samples of lossless JPEG that leave their precision, and says nothing of damage.
_LIBJPEG = Decoder(names.PYLIBJPEG_LIBJPEG, "libjpeg", "GPL", _jpeg_by_pylibjpeg, "libjpeg",
                   distrusted=frozenset({"lossless"}))  # fmt: skip
# What it did not expect of a frame ends the process, so nobody is given it who did not ask for it.
_GDCM = Decoder(names.PYTHON_GDCM, "gdcm", "BSD", _by_gdcm, "gdcm", is_fallback=False)
_OPENJPEG = Decoder(names.IMAGECODECS, "OpenJPEG", "BSD", _jpeg_2000, "imagecodecs", "JPEG2K")
_PYLIBJPEG = Decoder(
    names.PYLIBJPEG_OPENJPEG, "OpenJPEG", "MIT", _jpeg_2000_by_pylibjpeg, "openjpeg"
)

_JPEG_DECODERS = (_TURBO, _LIBJPEG, _GDCM)
_JPEG_LOSSLESS_DECODERS = (_TURBO, replace(_LIBJPEG, is_fallback=False), _GDCM)
_RETIRED_JPEG_DECODERS = (_TURBO, _LIBJPEG)
# libjpeg is not among them: it gives an image for JPEG-LS that is cut off.
_JPEG_LS_DECODERS = (
    Decoder(names.IMAGECODECS, "CharLS", "BSD", _jpeg_ls, "imagecodecs", "JPEGLS"),
    Decoder(names.PYJPEGLS, "CharLS", "MIT", _jpeg_ls_by_pyjpegls, "jpeg_ls"),
    _GDCM,
)
# Not OpenJPH for High-Throughput JPEG 2000, fast as it is: imagecodecs keeps its errors to itself
# and gives an image of zeros, and samples that overshoot their range wrap from white to black.
_JPEG_2000_DECODERS = (_OPENJPEG, _PYLIBJPEG, _GDCM)
_HIGH_THROUGHPUT_DECODERS = (_OPENJPEG, _PYLIBJPEG)
_JPEG_XL_DECODERS = (
    Decoder(names.IMAGECODECS, "libjxl", "BSD", _jpeg_xl, "imagecodecs", "JPEGXL"),
)  # fmt: skip
_RLE_DECODERS = (
    OWN_RLE,
    Decoder(names.IMAGECODECS, "imcd", "BSD", _rle_by_imagecodecs, "imagecodecs", "DICOMRLE",
            is_fallback=False),
    Decoder(names.PYLIBJPEG_RLE, "rle", "MIT", _rle_by_pylibjpeg, "rle", is_fallback=False),
)  # fmt: skip
# Not libdeflate of imagecodecs: it gives an image of damaged streams that zlib refuses.
_DEFLATE_DECODERS = (Decoder(names.ZLIB, "zlib", "zlib", inflate, "zlib"),)

_TABLE: dict[str, tuple[Decoder, ...]] = {
    RLE: _RLE_DECODERS,
    **dict.fromkeys(sorted(JPEG), _JPEG_DECODERS),
    **dict.fromkeys(sorted(RETIRED_JPEG), _RETIRED_JPEG_DECODERS),
    **dict.fromkeys(sorted(JPEG_LOSSLESS), _JPEG_LOSSLESS_DECODERS),
    **dict.fromkeys(sorted(JPEG_LS), _JPEG_LS_DECODERS),
    **dict.fromkeys(sorted(JPEG_2000), _JPEG_2000_DECODERS),
    **dict.fromkeys(sorted(HIGH_THROUGHPUT), _HIGH_THROUGHPUT_DECODERS),
    **dict.fromkeys(sorted(JPEG_XL), _JPEG_XL_DECODERS),
    DEFLATED_FRAMES: _DEFLATE_DECODERS,
}


def all_decoders() -> dict[str, tuple[Decoder, ...]]:
    """Return the whole table, by UID: decoders that are not installed here included."""
    return dict(_TABLE)


def check_pin_is_installed(name: str | None) -> None:
    """Check that a pinned decoder can be used here at all.

    Raises
    ------
    ArgumentError
        It is not installed.
    """
    if name is None:
        return
    known = [d for decoders in _TABLE.values() for d in decoders if d.name == name]
    if not any(decoder.is_present() for decoder in known):
        raise ArgumentError("decoder", f"{name} is not installed: pip install {name}, or pin none")


def usable_decoders(syntax: str, pinned: str | None = None) -> tuple[Decoder, ...]:
    """Return what decodes a transfer syntax here, in the order that it is tried.

    Parameters
    ----------
    syntax : str
        Its UID.
    pinned : str, optional
        A decoder's name: no other is asked.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Nothing does; says what to install.
    """
    found = tuple(d for d in decoders_for(syntax, pinned) if d.is_present())
    if found:
        return found
    wanted = " or ".join(f"pip install {d.name}" for d in decoders_for(syntax, pinned)[:2])
    if pinned is not None:
        wanted = f"{pinned} is pinned, and is not installed: {wanted}, or pin none"
    raise UnsupportedTransferSyntaxError(syntax, syntax_name(syntax), wanted)


def decoders_for(syntax: str, pinned: str | None = None) -> tuple[Decoder, ...]:
    """Return what could decode a transfer syntax, whether it is installed or not.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Nothing could, or the pinned one could not.
    """
    known = _TABLE.get(syntax, ())
    name = syntax_name(syntax)
    if not known:
        raise UnsupportedTransferSyntaxError(syntax, name, what_instead(syntax))
    if pinned is None:
        return tuple(decoder for decoder in known if decoder.is_fallback)
    found = tuple(decoder for decoder in known if decoder.name == pinned)
    if not found:
        others = ", ".join(dict.fromkeys(decoder.name for decoder in known))
        remedy = f"{pinned} does not decode it; pin one of {others}, or none"
        raise UnsupportedTransferSyntaxError(syntax, name, remedy)
    return found
