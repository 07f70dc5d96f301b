"""Traps in how slices become a volume."""

from __future__ import annotations

import math

import numpy as np
from made_data import chest, chest_slices, dicom_slice, mr_slices
from pydicom.dataset import Dataset
from trap import Trap, Values, naive, patient

import fastpix


def series() -> list[Dataset]:
    """Return 96 slices, from the feet upwards."""
    return chest_slices(patient(), [2.5 * k - 118.75 for k in range(96)], size=128)


def coronal(volume: Values) -> Values:
    """Return a cut through a volume as a doctor sees it: the head is up."""
    cut: Values = volume[::-1, volume.shape[1] // 2]
    return cut


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
        "`np.stack` of `sorted(glob('*.dcm'))`: by the names of files",
        f"{moved} of {len(wrong)} slices are not where they belong",
        "orders slices by their positions along the normal",
        "volumes.md#what-a-volume-is",
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
        "`np.stack` of the slices by position, and the spacing of the first two",
        f"the patient is {20 * 2.5:.0f} mm shorter",
        "refuses the series, or puts planes of NaN (blue) where the slices belong",
        "volumes.md#what-is-refused-unless-you-ask-for-it",
        coronal(wrong),
        coronal(volume.array),
    )


def echoes_in_one_series() -> Trap:
    """Two echoes of each place are in one series; the second is darker."""
    depths = [5.0 * k - 117.5 for k in range(48)]
    echoes: list[Dataset] = []
    for number, scale in enumerate((1.0, 0.45)):
        for slice_ in mr_slices(patient(), depths, size=128, maker="SIEMENS", scale=scale):
            slice_.EchoTime = str(10 + 70 * number)
            slice_.SOPInstanceUID = patient().uid("echo", number, slice_.InstanceNumber)
            slice_.InstanceNumber += len(depths) * number
            echoes.append(slice_)
    by_number = sorted(echoes, key=lambda slice_: int(slice_.InstanceNumber))
    wrong = np.stack([slice_.pixel_array for slice_ in by_number])
    stacks = fastpix.open_series(echoes)
    assert len(stacks) == 2
    right = stacks[0].read().array
    assert np.array_equal(right, wrong[:48])
    return Trap(
        "Echoes in one series",
        "`np.stack` of all slices of the series, by Instance Number",
        "one patient becomes two, one above the other",
        "makes a stack of each echo; other series get an axis that says what differs",
        "volumes.md#several-volumes-in-one-series",
        np.repeat(coronal(wrong), 2, axis=0),
        np.repeat(coronal(right), 2, axis=0),
        shown=(0, 1100),
    )


def tilted_gantry() -> Trap:
    """The planes lean by 20 degrees; each begins where the couch was, 5 mm further."""
    lean = math.radians(20)
    line = np.linspace(-160, 160, 128)
    slices = []
    for number, depth in enumerate(np.arange(-120, 121, 5.0)):
        down = line[:, None]
        values = chest(
            patient(), depth + down * math.sin(lean), down * math.cos(lean), line[None, :]
        )
        place = ["-160", str(-160 * math.cos(lean)), str(depth - 160 * math.sin(lean))]
        made = dicom_slice((values + 1024).astype(np.uint16), patient(), number)
        made.RescaleIntercept, made.PixelSpacing = "-1024", ["2.519685", "2.519685"]
        made.ImagePositionPatient = [text[:16] for text in place]
        cosines = ["1", "0", "0", "0", str(math.cos(lean))[:16], str(math.sin(lean))[:16]]
        made.ImageOrientationPatient = cosines
        slices.append(made)
    volume = fastpix.read_series(slices)
    wrong = np.stack([naive(slice_) for slice_ in slices])
    assert np.array_equal(volume.array, wrong)
    assert volume.affine is not None
    across, along = volume.affine[1:3, 0], volume.affine[1:3, 1]
    assert abs(float(across @ along)) > 1  # the axes are not at right angles
    sagittal = wrong[::-1, :, 64]
    return Trap(
        "A tilted gantry",
        "`np.stack`, and an affine of three spacings at right angles",
        "the patient leans: a sphere becomes an ellipsoid",
        "gives the sheared affine, which is true; here the planes lie where it says",
        "volumes.md#what-a-volume-is",
        np.repeat(sagittal, 2, axis=0),
        placed(volume),
    )


def placed(volume: fastpix.Volume) -> Values:
    """Return the sagittal plane in the middle, each voxel where the affine says that it lies."""
    affine = volume.affine
    assert affine is not None
    down, along = np.meshgrid(np.arange(-200, 200, 2.5), np.arange(-170, 170, 2.5), indexing="ij")
    points = np.stack([np.full(down.size, 1.0), along.ravel(), -down.ravel(), np.ones(down.size)])
    index = np.rint(np.linalg.inv(affine) @ points).astype(int)[:3]
    inside = np.all((index >= 0) & (index < np.array(volume.array.shape)[:, None]), axis=0)
    picture = np.full(down.size, -1000.0)
    picture[inside] = volume.array[tuple(index[:, inside])]
    return picture.reshape(down.shape)
