"""Traps in compressed frames."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from made_data import dicom_slice
from PIL import Image, ImageFile
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit
from trap import Trap, Values, one_slice, patient

import fastpix


def jpeg(pixels: Values) -> bytes:
    """Return pixels of 8 bits, grey or RGB, as JPEG with a JFIF marker: RGB becomes YCbCr."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=90)
    return file.getvalue()


def cut_off() -> Trap:
    """Half of a frame has been lost, and an end marker closes what is left."""
    grey = np.clip((one_slice()[1] + 1000) / 6.3, 0, 255).astype(np.uint8)
    whole = jpeg(grey)
    part = whole[: len(whole) // 2] + b"\xff\xd9"
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # as other decoders do without being asked
    try:
        wrong = np.asarray(Image.open(BytesIO(part)))
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    slice_ = dicom_slice(grey, patient(), BitsAllocated=8, BitsStored=8, HighBit=7)
    slice_.PixelData = encapsulate([part])
    slice_.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    try:
        fastpix.imread(slice_)
    except fastpix.FastpixError as error:
        refused = error
    return Trap(
        "A compressed frame that is cut off",
        "a decoder returns what it has, and fills the rest",
        "the lower half is grey, without a warning",
        "refuses it, also if it is closed with an end marker",
        "codecs.md#damaged-and-hostile-files",
        wrong,
        refused,
        shown=(0, 255),
    )


def colours_of_jpeg() -> Trap:
    """The header says RGB, and the markers of the frame prove YCbCr."""
    grey = np.clip((one_slice()[1] + 1000) / 6.3, 0, 255)
    tint = np.array([1.0, 0.62, 0.55])
    rgb = (grey[..., None] * tint).astype(np.uint8)
    frame = jpeg(rgb)
    wrong = np.asarray(Image.open(BytesIO(frame)).convert("YCbCr"))
    slice_ = dicom_slice(rgb[..., 0], patient(), BitsAllocated=8, BitsStored=8, HighBit=7)
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 3, "RGB"
    slice_.PlanarConfiguration = 0
    slice_.PixelData = encapsulate([frame])
    slice_.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastpix.HeaderWarning)
        right = fastpix.imread(slice_, dtype="uint8")
    assert np.abs(right.astype(int) - rgb).mean() < 4  # JPEG is lossy
    assert np.abs(wrong.astype(int) - rgb).mean() > 40
    return Trap(
        "Colours of JPEG",
        "the samples are taken for RGB, because the header says so",
        "false colours",
        "settles colours by the evidence in each frame; converts with a warning, or refuses",
        "codecs.md#colours-of-jpeg",
        wrong,
        right,
        shown=(0, 255),
    )
