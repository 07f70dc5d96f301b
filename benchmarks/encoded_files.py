"""DICOM files in every compressed syntax that installed encoders can write, for the benchmarks.

Two made-up images of 12 bits: an axial CT slice of 512 x 512 (a body, organs and the noise of a
thin slice) under a header as large as scanners write, and a radiograph of 2048 x 2048. Syntaxes
that hold 8 bits have the same images in 8 bits. Encoding is done in memory and is not timed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import Any

import headers
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import FileMetaDataset, validate_file_meta
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    RLELossless,
)

Pixels = NDArray[np.unsignedinteger[Any]]

NATIVE = str(ExplicitVRLittleEndian)
RLE = str(RLELossless)
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_FAMILY = "1.2.840.10008.1.2.4."  # all other compressed syntaxes begin with it
LOSSY = frozenset({"50", "51", "81", "91", "203", "111", "112"})  # 111 keeps a lossy JPEG
QUALITY = 90  # of lossy JPEG
DECIBELS = 60  # of lossy JPEG 2000
ERROR = 2  # what near-lossless JPEG-LS may be off by
STEP = 0.002  # of the quantizer of lossy HTJ2K
DISTANCE = 0.1  # of lossy JPEG XL


@dataclass(frozen=True, slots=True)
class Syntax:
    """A transfer syntax, and how one frame is encoded in it.

    Attributes
    ----------
    name : str
    uid : str
    encode : callable
        From an array of ``(rows, columns)``, uint8 or uint16, to a frame's bytes.
    bits : int
        Bits Stored of the files in this syntax.
    """

    name: str
    uid: str
    encode: Callable[[Pixels], bytes]
    bits: int = 12

    @property
    def lossless(self) -> bool:
        """Whether the values that come out are those that went in."""
        return self.uid.removeprefix(JPEG_FAMILY) not in LOSSY


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A DICOM file of the benchmark's making.

    Attributes
    ----------
    name : str
        Of the image.
    syntax : Syntax
    path : Path
    pixels : ndarray
        The stored values that were encoded: ``(frames, rows, columns)``.
    intercept : int
        Rescale Intercept; the slope is 1.
    frames : tuple of bytes
        As encoded.
    offsets : tuple of int
        Where each of them is in the file.
    """

    name: str
    syntax: Syntax
    path: Path
    pixels: Pixels
    intercept: int
    frames: tuple[bytes, ...]
    offsets: tuple[int, ...]


def _twelve_bits(codec: str) -> dict[str, Any]:
    """Return the keyword for a codestream of 12 bits; older releases write 16 in two codecs."""
    encode = getattr(imagecodecs, f"{codec}_encode")
    return {"bitspersample": 12} if "bitspersample" in signature(encode).parameters else {}


def _jpeg(pixels: Pixels) -> bytes:
    bits = 8 if pixels.dtype == np.uint8 else 12
    return bytes(imagecodecs.jpeg8_encode(pixels, QUALITY, bitspersample=bits))


def _jpeg_lossless(pixels: Pixels, predictor: int) -> bytes:
    return bytes(
        imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=12)
    )


def _jpeg_ls(pixels: Pixels, error: int) -> bytes:
    return bytes(imagecodecs.jpegls_encode(pixels, error, **_twelve_bits("jpegls")))


def _jpeg_2000(pixels: Pixels, decibels: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(
            pixels, decibels, codecformat="J2K", reversible=decibels == 0, bitspersample=12
        )
    )


def _htj2k(pixels: Pixels, step: float | None) -> bytes:
    return bytes(
        imagecodecs.htj2k_encode(pixels, step, reversible=step is None, **_twelve_bits("htj2k"))
    )


def _jpeg_xl(pixels: Pixels, distance: float) -> bytes:
    return bytes(
        imagecodecs.jpegxl_encode(
            pixels, distance=distance, lossless=distance == 0, bitspersample=12
        )
    )


def _rle(pixels: Pixels) -> bytes:
    rows, columns = pixels.shape
    return RLELosslessEncoder.encode(
        pixels,
        encoding_plugin="pydicom",  # not whichever is installed: they write different runs
        rows=rows,
        columns=columns,
        number_of_frames=1,
        samples_per_pixel=1,
        bits_allocated=8 * pixels.dtype.itemsize,
        bits_stored=12,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
    )


def _deflate(pixels: Pixels) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(pixels.tobytes()) + deflater.flush()


# No installed encoder writes the retired progressive syntaxes, or 12 bits progressively in 51.
SYNTAXES = (
    Syntax("native", NATIVE, lambda pixels: pixels.tobytes()),
    Syntax("JPEG baseline", f"{JPEG_FAMILY}50", _jpeg, bits=8),
    Syntax("JPEG extended", f"{JPEG_FAMILY}51", _jpeg),
    Syntax("JPEG lossless, predictor 6", f"{JPEG_FAMILY}57", lambda p: _jpeg_lossless(p, 6)),
    Syntax("JPEG lossless SV1", f"{JPEG_FAMILY}70", lambda p: _jpeg_lossless(p, 1)),
    Syntax("JPEG-LS lossless", f"{JPEG_FAMILY}80", lambda p: _jpeg_ls(p, 0)),
    Syntax("JPEG-LS near-lossless", f"{JPEG_FAMILY}81", lambda p: _jpeg_ls(p, ERROR)),
    Syntax("JPEG 2000 lossless", f"{JPEG_FAMILY}90", lambda p: _jpeg_2000(p, 0)),
    Syntax("JPEG 2000 lossy", f"{JPEG_FAMILY}91", lambda p: _jpeg_2000(p, DECIBELS)),
    Syntax("HTJ2K lossless", f"{JPEG_FAMILY}201", lambda p: _htj2k(p, None)),
    Syntax("HTJ2K lossy", f"{JPEG_FAMILY}203", lambda p: _htj2k(p, STEP)),
    Syntax("JPEG XL lossless", f"{JPEG_FAMILY}110", lambda p: _jpeg_xl(p, 0)),
    Syntax(
        "JPEG XL of a JPEG",
        f"{JPEG_FAMILY}111",
        lambda p: bytes(imagecodecs.jpegxl_encode_jpeg(_jpeg(p))),
        bits=8,
    ),
    Syntax("JPEG XL lossy", f"{JPEG_FAMILY}112", lambda p: _jpeg_xl(p, DISTANCE)),
    Syntax("RLE", RLE, _rle),
    Syntax("deflated frames", DEFLATED_FRAMES, _deflate),
)
BY_NAME = {syntax.name: syntax for syntax in SYNTAXES}
CT, CR, VOLUME = "CT, 512 x 512", "CR, 2048 x 2048", "CT, 60 x 512 x 512"
NAMES = (CT, CR)


def write_file(name: str, syntax: Syntax, folder: Path) -> File:
    """Encode one of the images and write it as a DICOM file."""
    dataset = headers.header()
    intercept = 0
    if name == CR:
        dataset.SOPClassUID = ComputedRadiographyImageStorage
        dataset.Modality = "CR"
        frames: tuple[Pixels, ...] = (radiograph(),)
    elif name == VOLUME:
        dataset.SOPClassUID = EnhancedCTImageStorage
        frames = tuple(ct_slice(k) for k in range(60))
        dataset.NumberOfFrames = len(frames)
        intercept = -1024
    else:
        frames = (ct_slice(0),)
        intercept = -1024
        headers.fill_to(dataset, headers.ELEMENTS - 10)  # those of the pixels are to come
    if syntax.bits == 8:
        frames = tuple((pixels >> 4).astype(np.uint8) for pixels in frames)
    dataset.Rows, dataset.Columns = frames[0].shape
    dataset.BitsAllocated = 8 * frames[0].dtype.itemsize
    dataset.BitsStored, dataset.HighBit = syntax.bits, syntax.bits - 1
    dataset.PixelRepresentation = 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, intercept
    dataset.LossyImageCompression = "00" if syntax.lossless else "01"
    encoded = tuple(syntax.encode(pixels) for pixels in frames)
    if syntax.uid == NATIVE:
        dataset.PixelData = b"".join(encoded)
    else:
        dataset.PixelData = encapsulate(list(encoded), has_bot=True)
        dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB" if syntax.uid != NATIVE or syntax.bits == 8 else "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax.uid)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if name == CT:
        assert len(dataset) == headers.ELEMENTS
    path = folder / f"{len(frames)}-{dataset.Rows}-{syntax.uid}.dcm"
    # By hand, since pydicom 3.0 writes no file in a syntax that is younger than itself.
    validate_file_meta(dataset.file_meta)
    dataset.file_meta.FileMetaInformationGroupLength = 0  # the writer counts
    dataset.preamble = bytes(128)
    dcmwrite(path, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return File(name, syntax, path, np.stack(frames), intercept, encoded, _places(path, encoded))


def _places(path: Path, frames: tuple[bytes, ...]) -> tuple[int, ...]:
    data = path.read_bytes()
    places: list[int] = []
    for frame in frames:
        places.append(data.index(frame, places[-1] + 1 if places else 0))
    assert all(b - a >= len(f) for (a, b), f in zip(pairwise(places), frames, strict=False))
    return tuple(places)


def _grid(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = np.linspace(-1.0, 1.0, side)
    return axis[:, np.newaxis], axis[np.newaxis, :]


def _disc(
    y: NDArray[np.float64], x: NDArray[np.float64], center: tuple[float, float],
    radii: tuple[float, float], edge: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Return 1 inside an ellipse, 0 outside, with an edge as soft as a scanner makes it."""
    distance = np.hypot((y - center[0]) / radii[0], (x - center[1]) / radii[1])
    return 1.0 / (1.0 + np.exp(np.clip((distance - 1.0) / edge, -50.0, 50.0)))


@cache
def ct_slice(frame: int) -> NDArray[np.uint16]:
    """Return a slice through a made-up trunk: 12 bits, 1024 is water."""
    random = np.random.default_rng(300 + frame)
    y, x = _grid(512)
    shift = 0.002 * frame
    body = _disc(y, x, (0.0, 0.0), (0.62, 0.88), 0.01)
    values = -1000.0 + 1050.0 * body
    for side in (-1, 1):  # lungs
        values -= 850.0 * _disc(y, x, (-0.1, side * 0.42), (0.42, 0.3 - shift), 0.02)
    values += 40.0 * _disc(y, x, (-0.1, 0.08 + shift), (0.28, 0.22), 0.02)  # heart
    values += 700.0 * _disc(y, x, (0.42, 0.0), (0.12, 0.11), 0.05)  # spine
    for angle in np.linspace(0.3, 2 * np.pi - 0.3, 14):  # ribs
        center = (0.55 * np.sin(angle + shift), 0.78 * np.cos(angle + shift))
        values += 600.0 * _disc(y, x, center, (0.03, 0.045), 0.1)
    noise = random.normal(0.0, 1.0, values.shape)
    values += noise * (4.0 + 16.0 * body)
    return np.clip(np.rint(values + 1024.0), 0, 4095).astype(np.uint16)


@cache
def radiograph() -> NDArray[np.uint16]:
    """Return a made-up chest in 12 bits, with the noise that counts of photons have."""
    random = np.random.default_rng(400)
    y, x = _grid(2048)
    values = 3300.0 - 2000.0 * _disc(y, x, (0.1, 0.0), (1.1, 0.9), 0.08)
    for side in (-1, 1):  # lungs, and the ribs across them
        lung = _disc(y, x, (-0.05, side * 0.4), (0.65, 0.3), 0.06)
        ribs = np.sin(22.0 * (y + 0.35 * np.abs(x))) > 0.4
        values += lung * (1200.0 - 250.0 * ribs)
    values -= 500.0 * _disc(y, x, (0.3, 0.12), (0.4, 0.3), 0.05)  # heart
    values += random.normal(0.0, 1.0, values.shape) * np.sqrt(np.maximum(values, 1.0)) * 0.3
    return np.clip(np.rint(values), 0, 4095).astype(np.uint16)
