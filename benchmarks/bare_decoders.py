"""What decodes one frame, by itself: the functions of every decoder that is installed.

No file, no header, no float32: from a frame's bytes to stored values, on one thread. imagecodecs
takes the bytes where they are; the others want a `bytes` of their own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from time import perf_counter_ns
from typing import Any, TypeAlias

import imagecodecs
import numpy as np
from encoded_files import DEFLATED_FRAMES, JPEG_FAMILY, NATIVE, RLE, File
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import RLELosslessDecoder

Frame: TypeAlias = Any
"""A view of bytes; releases of imagecodecs differ in what they say that they take."""

Decode = Callable[[Frame, File], NDArray[Any]]
"""From a frame's bytes to its stored values, in any shape."""

JPEG = ("50", "51", "57", "70")
JPEG_LOSSLESS = ("57", "70")
JPEG_LS = ("80", "81")
JPEG_2000 = ("90", "91")
HTJ2K = ("201", "203")
JPEG_XL = ("110", "111", "112")
_GDCM_THREADS = frozenset(f"{JPEG_FAMILY}{number}" for number in JPEG_2000)  # all processors
ENOUGH = 50_000_000  # nanoseconds, to see what is the fastest


def _cells(file: File) -> np.dtype[Any]:
    return file.pixels.dtype


def _view(frame: Frame, file: File) -> NDArray[Any]:
    return np.frombuffer(frame, _cells(file))


def _imagecodecs_rle(frame: Frame, file: File) -> NDArray[Any]:
    return np.frombuffer(imagecodecs.dicomrle_decode(frame, _cells(file)), _cells(file))


def _imagecodecs_deflate(frame: Frame, file: File) -> NDArray[Any]:
    data = imagecodecs.deflate_decode(frame, raw=True, out=file.pixels[0].nbytes)
    return np.frombuffer(data, _cells(file))


def _zlib(frame: Frame, file: File) -> NDArray[Any]:
    data = zlib.decompress(frame, -zlib.MAX_WBITS, file.pixels[0].nbytes)
    return np.frombuffer(data, _cells(file))


def _libjpeg(frame: Frame, file: File) -> NDArray[Any]:
    import libjpeg

    return np.frombuffer(libjpeg.decode_pixel_data(bytes(frame), version=2), _cells(file))


def _openjpeg(frame: Frame, file: File) -> NDArray[Any]:
    import openjpeg

    return np.frombuffer(openjpeg.decode_pixel_data(bytes(frame), version=2), _cells(file))


def _pylibjpeg_rle(frame: Frame, file: File) -> NDArray[Any]:
    import rle

    rows, columns = file.pixels.shape[1:]
    data = rle.decode_pixel_data(
        bytes(frame),
        version=2,
        rows=rows,
        columns=columns,
        bits_allocated=8 * _cells(file).itemsize,
    )
    return np.frombuffer(data, _cells(file))


def _pydicom_rle(frame: Frame, file: File) -> NDArray[Any]:
    rows, columns = file.pixels.shape[1:]
    data, _meta = RLELosslessDecoder.as_buffer(
        encapsulate([bytes(frame)], has_bot=False),
        index=0,
        decoding_plugin="pydicom",
        rows=rows,
        columns=columns,
        number_of_frames=1,
        samples_per_pixel=1,
        bits_allocated=8 * _cells(file).itemsize,
        bits_stored=file.syntax.bits,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        pixel_keyword="PixelData",
    )
    return np.frombuffer(data, _cells(file))


def _pyjpegls(frame: Frame, file: File) -> NDArray[Any]:
    import jpeg_ls

    return np.frombuffer(jpeg_ls.decode_pixel_data(bytes(frame))[0], _cells(file))


def _gdcm(frame: Frame, file: File) -> NDArray[Any]:
    import gdcm

    rows, columns = file.pixels.shape[1:]
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(bytes(frame))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    photometric = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(photometric))
    syntax = gdcm.TransferSyntax.GetTSType(file.syntax.uid)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    bits = file.syntax.bits
    image.SetPixelFormat(gdcm.PixelFormat(1, 8 * _cells(file).itemsize, bits, bits - 1, 0))
    text = image.GetBuffer()
    if text is None:
        raise RuntimeError("gdcm gives no pixels")
    return np.frombuffer(text.encode("utf-8", "surrogateescape"), _cells(file))


def _jpeg_family(numbers: tuple[str, ...], decode: Decode) -> dict[str, Decode]:
    return {f"{JPEG_FAMILY}{number}": decode for number in numbers}


# A decoder's name, the module it needs, and the syntaxes it is for.
_DECODERS: tuple[tuple[str, str, dict[str, Decode]], ...] = (
    ("np.frombuffer", "numpy", {NATIVE: _view}),
    (
        "imagecodecs",
        "imagecodecs",
        {
            **_jpeg_family(JPEG, lambda frame, _: imagecodecs.jpeg8_decode(frame)),
            **_jpeg_family(JPEG_LS, lambda frame, _: imagecodecs.jpegls_decode(frame)),
            **_jpeg_family(
                JPEG_2000, lambda frame, _: imagecodecs.jpeg2k_decode(frame, numthreads=1)
            ),
            **_jpeg_family(HTJ2K, lambda frame, _: imagecodecs.htj2k_decode(frame)),
            **_jpeg_family(
                JPEG_XL, lambda frame, _: imagecodecs.jpegxl_decode(frame, numthreads=1)
            ),
            RLE: _imagecodecs_rle,
            DEFLATED_FRAMES: _imagecodecs_deflate,
        },
    ),
    (
        "imagecodecs, the JPEG inside",
        "imagecodecs",
        _jpeg_family(
            ("111",),
            lambda frame, _: imagecodecs.jpeg8_decode(
                imagecodecs.jpegxl_decode_jpeg(frame, numthreads=1)
            ),
        ),
    ),
    (
        "imagecodecs, ljpeg",
        "imagecodecs",
        _jpeg_family(JPEG_LOSSLESS, lambda frame, _: imagecodecs.ljpeg_decode(frame)),
    ),
    (
        "imagecodecs, jpegsof3",
        "imagecodecs",
        _jpeg_family(JPEG_LOSSLESS, lambda frame, _: imagecodecs.jpegsof3_decode(frame)),
    ),
    (
        "imagecodecs, OpenJPEG",
        "imagecodecs",
        _jpeg_family(HTJ2K, lambda frame, _: imagecodecs.jpeg2k_decode(frame, numthreads=1)),
    ),
    ("pylibjpeg-libjpeg", "libjpeg", _jpeg_family(JPEG + JPEG_LS, _libjpeg)),
    ("pylibjpeg-openjpeg", "openjpeg", _jpeg_family(JPEG_2000 + HTJ2K, _openjpeg)),
    ("pylibjpeg-rle", "rle", {RLE: _pylibjpeg_rle}),
    ("pyjpegls", "jpeg_ls", _jpeg_family(JPEG_LS, _pyjpegls)),
    ("gdcm", "gdcm", {**_jpeg_family(JPEG + JPEG_LS + JPEG_2000, _gdcm), RLE: _gdcm}),
    ("pydicom", "pydicom", {RLE: _pydicom_rle}),
    ("zlib", "zlib", {DEFLATED_FRAMES: _zlib}),
)


def decoders_of(file: File) -> dict[str, Decode]:
    """Return the installed decoders that give an image of the file's first frame, by name.

    Of a lossless syntax only those that give the values that were encoded.
    """
    found = {}
    for name, module, decoders in _DECODERS:
        if find_spec(module) and (decode := decoders.get(file.syntax.uid)):
            with quiet():
                try:
                    values = decode(memoryview(file.frames[0]), file)
                except Exception:  # refused, by an error of the decoder's own
                    continue
            if values.size == file.pixels[0].size and (
                not file.syntax.lossless or np.array_equal(values.ravel(), file.pixels[0].ravel())
            ):
                found[name] = decode
    return found


def fastest_decoder(file: File) -> tuple[str, Decode]:
    """Return the decoder that takes the least time for the file's first frame, on one thread."""
    decoders = decoders_of(file)
    frame = memoryview(file.frames[0])
    name = fastest(
        {
            name: partial(decode, frame, file)
            for name, decode in decoders.items()
            if name != "gdcm" or file.syntax.uid not in _GDCM_THREADS
        }
    )
    return name, decoders[name]


def fastest(calls: Mapping[str, Callable[[], object]]) -> str:
    """Return which of some calls takes the least time at its best."""
    if len(calls) == 1:
        return next(iter(calls))
    best: dict[str, int] = {}
    for name, call in calls.items():
        spent, tries = 0, 0
        while tries < 3 or (spent < ENOUGH and tries < 50):
            start = perf_counter_ns()
            call()
            taken = perf_counter_ns() - start
            best[name] = min(taken, best.get(name, taken))
            spent, tries = spent + taken, tries + 1
    return min(best, key=best.__getitem__)


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    """Keep what decodes on threads of its own to one processor, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep libraries from writing to standard error by themselves."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
