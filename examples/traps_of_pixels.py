"""Traps in how the pixels of one image are stored and scaled."""

from __future__ import annotations

import warnings

import numpy as np
from made_data import dicom_slice
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage
from trap import Trap, naive, one_slice, patient, stored_of

import fastpix


def garbage_in_unused_bits() -> Trap:
    """12 bits are stored in 16: the other four may hold anything, here an old overlay.

    pydicom's own pixel_array is right here, and in the next trap.
    """
    slice_, truth = one_slice()
    overlay = np.zeros(truth.shape, np.uint16)
    overlay[20:108:8, 10:118] = 0x1000  # lines, in bit 12
    stored = np.frombuffer(slice_.PixelData, np.uint16).reshape(truth.shape)
    slice_.PixelData = (stored | overlay).tobytes()
    cells = np.frombuffer(slice_.PixelData, np.uint16).reshape(truth.shape)
    wrong = cells + float(slice_.RescaleIntercept)
    right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    assert wrong.max() > 3071  # more than 12 bits can hold
    return Trap(
        "Garbage in the unused bits",
        "`np.frombuffer(PixelData, np.uint16)` takes the whole cell",
        f"values up to {wrong.max():.0f} HU",
        "always masks them",
        "exactness.md#garbage-in-the-unused-bits",
        wrong,
        right,
    )


def high_bit() -> Trap:
    """The stored bits may end at the top of the cell; what is below them is no part of them."""
    slice_, truth = one_slice()
    slice_.PixelData = (stored_of(slice_) << 4).tobytes()
    slice_.HighBit = 15
    wrong = stored_of(slice_) + float(slice_.RescaleIntercept)
    right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    return Trap(
        "High Bit other than Bits Stored - 1",
        "High Bit is not looked at",
        f"values up to {wrong.max():.0f} HU: each stored value is 16 times too large",
        "shifts the bits",
        "exactness.md#high-bit-other-than-bits-stored---1",
        wrong,
        right,
    )


def lost_sign() -> Trap:
    """The sign bit is bit 11, the highest stored one, not bit 15 of the cell."""
    _, truth = one_slice()
    stored = np.rint(truth).astype(np.int16) & np.int16(0x0FFF)  # 12 bits of two's complement
    slice_ = dicom_slice(stored, patient())
    cells = np.frombuffer(slice_.PixelData, np.int16).reshape(truth.shape)
    right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    assert cells.min() >= 0 > right.min()
    air = cells[0, 0]
    return Trap(
        "The sign is lost",
        "`np.frombuffer(PixelData, np.int16)` knows no sign of 12 bits",
        f"air of {right[0, 0]:.0f} HU becomes {air:.0f}: white",
        "extends the sign from the highest stored bit",
        "exactness.md#3-sign",
        cells,
        right,
    )


def skipped_rescale() -> Trap:
    """The slope and intercept make Hounsfield units of what is stored."""
    slice_, truth = one_slice()
    wrong = slice_.pixel_array
    right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    assert np.array_equal(wrong - 1024.0, right)
    return Trap(
        "Rescale is skipped",
        "`pixel_array` is what is stored, not Hounsfield units",
        "all is 1024 HU too bright for the model and its window",
        "applies slope and intercept, in float64",
        "exactness.md#slope-and-intercept",
        wrong,
        right,
    )


def intercept_alone() -> Trap:
    """Some writers leave the slope out where it is 1."""
    slice_, truth = one_slice()
    del slice_.RescaleSlope
    wrong = naive(slice_) if "RescaleSlope" in slice_ else slice_.pixel_array
    right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    return Trap(
        "Intercept without slope",
        '`if "RescaleSlope" in ds: values = values * slope + intercept`',
        "both are ignored: all is 1024 HU too bright",
        "applies the intercept",
        "exactness.md#intercept-without-slope",
        wrong,
        right,
    )


def slope_0() -> Trap:
    """A slope of 0 is some vendors' way to say that there is none."""
    slice_, truth = one_slice()
    slice_.RescaleSlope = "0"
    wrong = naive(slice_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastpix.HeaderWarning)
        right = fastpix.imread(slice_)
    assert np.array_equal(right, truth)
    assert wrong.min() == wrong.max() == -1024
    return Trap(
        "Slope 0",
        "`values * float(ds.RescaleSlope)`",
        "every pixel is -1024 HU",
        "reads it as 1, with a warning; refuses it for PET",
        "exactness.md#slope-0",
        wrong,
        right,
    )


def slope_of_each_frame() -> Trap:
    """Each frame of an enhanced file may have a slope of its own; here the second has 2."""
    slice_, truth = one_slice()
    stored = stored_of(slice_)
    groups = []
    for slope in ("1", "2"):
        group, rescale = Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = slope, "-1024", "HU"
        group.PixelValueTransformationSequence = Sequence([rescale])
        groups.append(group)
    slice_.SOPClassUID = EnhancedCTImageStorage
    slice_.NumberOfFrames = 2
    slice_.PerFrameFunctionalGroupsSequence = Sequence(groups)
    slice_.PixelData = stored.tobytes() + (stored // 2).tobytes()
    del slice_.RescaleSlope, slice_.RescaleIntercept
    wrong = slice_.pixel_array * 1.0 - 1024
    right = fastpix.imread(slice_)
    assert np.array_equal(right[0], truth)
    assert np.abs(right[1] - truth).max() <= 1
    return Trap(
        "A slope for each frame",
        "all frames are scaled by the slope of the first",
        f"the second frame, below, is up to {np.abs(wrong - right)[1].max():.0f} HU off",
        "gives each frame its own slope",
        "exactness.md#a-slope-for-each-frame",
        wrong.reshape(-1, wrong.shape[-1]),
        right.reshape(-1, right.shape[-1]),
    )


def monochrome1() -> Trap:
    """In MONOCHROME1, the smallest value is white."""
    _, truth = one_slice()
    bright = np.rint(truth) + 1024
    stored = (4095 - bright).astype(np.uint16)
    slice_ = dicom_slice(stored, patient(), PhotometricInterpretation="MONOCHROME1", Modality="DX")
    wrong = naive(slice_)
    right = fastpix.imread(slice_, invert="range")
    assert np.array_equal(right, bright)
    assert np.corrcoef(wrong.ravel(), right.ravel())[0, 1] < -0.999
    return Trap(
        "MONOCHROME1",
        "`pixel_array` is not inverted",
        "bone is black and air is white, in these files alone",
        "inverts it, by a rule that you choose",
        "exactness.md#5-monochrome1",
        wrong,
        right,
        shown=None,
    )


def padding() -> Trap:
    """Pixels outside the round field of view hold a value that is no measurement."""
    slice_, truth = one_slice()
    line = np.linspace(-1, 1, truth.shape[0])
    outside = np.hypot(line[:, None], line[None, :]) > 1
    stored = np.where(outside, -8192, np.rint(truth)).astype(np.int16)
    slice_ = dicom_slice(stored, patient(), BitsStored=16, HighBit=15, PixelPaddingValue=-8192)
    wrong = naive(slice_)
    right = fastpix.imread(slice_, padding=-1000)
    assert np.array_equal(right, np.where(outside, -1000, truth))
    assert wrong.mean() < right.mean() - 1000
    return Trap(
        "Padding is taken for pixels",
        "Pixel Padding Value is ignored; then `(x - min) / (max - min)`",
        f"mean {wrong.mean():.0f} in place of {right.mean():.0f} HU, and no contrast is left",
        "sets it apart on request, and warns until then",
        "exactness.md#7-padding",
        wrong,
        right,
        shown=None,
    )


def integers_made_of_fractions() -> Trap:
    """An integer dtype is for values that are integers."""
    slice_, _ = one_slice()
    slice_.RescaleSlope, slice_.RescaleIntercept = "0.002", "0"
    wrong = naive(slice_).astype(np.int16)
    right = fastpix.imread(slice_)
    try:
        fastpix.imread(slice_, dtype="int16")
    except fastpix.InexactError as error:
        first = error.value
    assert first != int(first)
    return Trap(
        "Fractions become integers",
        "`values.astype(np.int16)`, or the dtype of the first slice for all",
        f"{len(np.unique(wrong))} values are left of {len(np.unique(right))}",
        "returns exact integers, or an error that names the pixel",
        "exactness.md#integers-are-exact-or-refused",
        wrong,
        right,
        shown=(0, 4),
    )


def float32_at_every_step() -> Trap:
    """The pictures are differences from float64: black is none, white one in the last bit."""
    slice_, _ = one_slice()
    slice_.RescaleSlope, slice_.RescaleIntercept = "0.1", "0.3"
    exact = (slice_.pixel_array * np.float64(0.1) + np.float64(0.3)).astype(np.float32)
    wrong = slice_.pixel_array.astype(np.float32) * np.float32(0.1) + np.float32(0.3)
    right = fastpix.imread(slice_)
    assert np.array_equal(right, exact)
    return Trap(
        "float32 at every step",
        "`pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)`",
        f"{(wrong != exact).mean():.0%} of the values are not the nearest float32 (white)",
        "computes in float64 and rounds once: the same bits everywhere",
        "exactness.md#float32-rounds-once-at-the-end",
        wrong != exact,
        right != exact,
        shown=(0, 1),
    )


def numbers_in_text() -> Trap:
    """Python reads more than the standard allows."""
    slice_, _ = one_slice()
    slice_.add_new("RescaleSlope", "LO", "1_0")
    wrong = slice_.pixel_array * float("1_0") + float(slice_.RescaleIntercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastpix.HeaderWarning)  # of the VR
        try:
            fastpix.imread(slice_)
        except fastpix.PixelHeaderError as error:
            refused = error
    return Trap(
        "Numbers in text",
        "`float(slope)`: Python reads `1_0` as 10, and `nan` as a number",
        f"values up to {wrong.max():.0f} HU",
        "has one strict grammar; notes oddities and refuses guesses",
        "headers.md#slope-and-intercept",
        wrong,
        refused,
    )
