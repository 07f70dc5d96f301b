"""A tour of traps in DICOM pixels: what common code shows, beside what fastpix gives.

    python examples/tour_of_traps.py
    python examples/tour_of_traps.py --out FOLDER   keep the pictures: traps.png

Needs ``pip install fastpix pillow``. Takes some seconds.

Each trap is a file, or a series, made in memory, that the standard allows and that scanners and
archives write. The common code raises no error, and its values are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from made_data import Patient, chest_slices, dicom_slice, make_patients
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from running import run_example

import fastpix

Values = NDArray[Any]
Interval = tuple[float, float]

SIDE = 192  # pixels of a picture on the sheet
SOFT: Interval = (-1000, 600)  # Hounsfield units from black to white
WRONG, RIGHT = "#b3261e", "#1b6e3c"


@dataclass(frozen=True)
class Trap:
    """What common code makes of a file, and what fastpix does."""

    title: str
    code: str  # what common code does, or leaves out
    effect: str
    naive: Values
    fastpix: Values
    shown: Interval | None = SOFT  # black and white; None: the smallest and the largest value


def patient() -> Patient:
    """Return the patient of all traps."""
    return make_patients(3)[2]


def one_slice() -> tuple[Dataset, Values]:
    """Return a slice, and its Hounsfield units."""
    (slice_,) = chest_slices(patient(), [10.0], size=128)
    return slice_, fastpix.imread(slice_)


def series() -> list[Dataset]:
    """Return 96 slices, from the feet upwards."""
    return chest_slices(patient(), [2.5 * k - 118.75 for k in range(96)], size=128)


def naive(slice_: Dataset) -> Values:
    """Return what many scripts return: pixel_array, rescaled."""
    values: Values = slice_.pixel_array * float(slice_.RescaleSlope)
    return values + float(slice_.RescaleIntercept)


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
        "np.frombuffer(PixelData, np.uint16) takes the whole cell",
        f"values up to {wrong.max():.0f} HU",
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
        "np.frombuffer(PixelData, np.int16) knows no sign of 12 bits",
        f"air of {right[0, 0]:.0f} HU becomes {air:.0f}: white",
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
        "pixel_array is what is stored, not Hounsfield units",
        "all is 1024 HU too bright for the model and its window",
        wrong,
        right,
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
        "pixel_array is not inverted",
        "bone is black and air is white, in these files alone",
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
        "Pixel Padding Value is ignored; then (x - min) / (max - min)",
        f"mean {wrong.mean():.0f} in place of {right.mean():.0f} HU, and no contrast is left",
        wrong,
        right,
        shown=None,
    )


def wrong_order() -> Trap:
    """Names of files say nothing of places; the picture is a cut from head to feet."""
    slices = series()
    by_name = sorted(slices, key=lambda slice_: str(slice_.SOPInstanceUID))
    wrong = np.stack([naive(slice_) for slice_ in by_name])
    volume = fastpix.read_series(by_name)
    truth = np.stack([fastpix.imread(slice_) for slice_ in slices])
    assert np.array_equal(volume.array, truth)
    assert volume.spacing == (2.5, 2.5, 2.5)
    moved = sum(not np.array_equal(a, b) for a, b in zip(wrong, truth, strict=True))
    assert moved > 80
    return Trap(
        "Slices in the wrong order",
        "np.stack of sorted(glob('*.dcm')): by the names of files",
        f"{moved} of {len(wrong)} slices are not where they belong",
        coronal(wrong),
        coronal(volume.array),
    )


def squeezed_gap() -> Trap:
    """Slices are missing: what is stacked is shorter than the patient."""
    slices = series()
    left = slices[:36] + slices[56:]
    wrong = np.stack([naive(slice_) for slice_ in left])
    try:
        fastpix.read_series(left)
    except fastpix.SeriesError as error:
        codes = error.codes
    assert codes == ("missing_slices",)
    volume = fastpix.read_series(left, gaps="fill")
    assert len(volume.array) == len(slices) == len(wrong) + 20
    assert np.isnan(volume.array[36:56]).all()
    assert np.array_equal(np.delete(volume.array, slice(36, 56), axis=0), wrong)
    return Trap(
        "A gap is squeezed",
        "np.stack of the slices by position, and the spacing of the first two",
        f"the patient is {20 * 2.5:.0f} mm shorter. fastpix: an error, or NaN (blue) where asked",
        coronal(wrong),
        coronal(volume.array),
    )


TRAPS: Sequence[Callable[[], Trap]] = (
    garbage_in_unused_bits,
    lost_sign,
    skipped_rescale,
    monochrome1,
    padding,
    wrong_order,
    squeezed_gap,
)


def coronal(volume: Values) -> Values:
    """Return a cut through a volume as a doctor sees it: the head is up."""
    cut: Values = volume[::-1, volume.shape[1] // 2]
    return cut


def picture(values: Values, shown: Interval | None) -> Image.Image:
    """Return values as grey, and NaN as blue; pixels are square."""
    lo, hi = shown or (float(np.nanmin(values)), float(np.nanmax(values)))
    grey = np.clip((np.nan_to_num(values.astype(np.float64)) - lo) / (hi - lo), 0, 1) * 255
    rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    rgb[np.isnan(values)] = (60, 110, 200)
    rows, columns = values.shape
    size = (SIDE, round(SIDE * rows / columns))
    return Image.fromarray(rgb).resize(size, Image.Resampling.NEAREST)


def contact_sheet(traps: Sequence[Trap]) -> Image.Image:
    """Return one picture of all traps: wrong, right, and what happened."""
    gap, text = 12, 470
    row = SIDE + gap + 18
    sheet = Image.new("RGB", (2 * SIDE + 3 * gap + text, len(traps) * row + gap), "white")
    draw = ImageDraw.Draw(sheet)
    title, small = ImageFont.load_default(18), ImageFont.load_default(13)
    for k, trap in enumerate(traps):
        top = gap + k * row
        both = ((trap.naive, "common code", WRONG), (trap.fastpix, "fastpix", RIGHT))
        for column, (values, name, colour) in enumerate(both):
            left = gap + column * (SIDE + gap)
            draw.text((left, top), name, colour, small)
            sheet.paste(picture(values, trap.shown), (left, top + 18))
        left = 3 * gap + 2 * SIDE
        draw.text((left, top + 50), trap.title, "black", title)
        draw.text((left, top + 82), trap.code, WRONG, small)
        draw.text((left, top + 104), trap.effect, "black", small)
    return sheet


def main(out: Path) -> None:
    """Walk into each trap, and draw a contact sheet."""
    traps = [trap() for trap in TRAPS]
    for trap in traps:
        print(f"{trap.title}\n    {trap.code}\n    {trap.effect}")
        assert not np.array_equal(trap.naive, trap.fastpix)
    sheet = contact_sheet(traps)
    sheet.save(out / "traps.png")
    print(f"traps.png: {len(traps)} traps, {sheet.width} x {sheet.height} pixels")


if __name__ == "__main__":
    run_example(main, __doc__)
