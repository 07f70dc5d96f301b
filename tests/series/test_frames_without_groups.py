"""Volumes of nuclear medicine, and frames that have no place: read from files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from support.builders import encode, make_item, set_raw
from support.series_files import affine_of, cells_of, position_of, slice_dataset

from fastpix import HeaderWarning, Volume, imread, read_series

SLICES = 5


def nuclear(spacing: str = "2.5") -> Dataset:
    """Reconstructed slices, whose first lies where the detector says (PS3.3 C.8.4.11)."""
    dataset = slice_dataset(
        cells=np.stack([cells_of(k) for k in range(SLICES)]), Modality="NM",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.20", RescaleSlope=None, RescaleIntercept=None,
        SpacingBetweenSlices=spacing, SliceVector=list(range(1, SLICES + 1)),
        FrameIncrementPointer=[0x00540080],
    )  # fmt: skip
    dataset.DetectorInformationSequence = [
        make_item(
            ImagePositionPatient=dataset.ImagePositionPatient,
            ImageOrientationPatient=dataset.ImageOrientationPatient,
        )
    ]
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    return dataset


def read(folder: Path, dataset: Dataset) -> Volume:
    path = folder / "frames.dcm"
    path.write_bytes(encode(dataset))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        volume = read_series(path)
    frames = imread(path)
    for plane, source in zip(volume.array, volume.sources, strict=True):
        assert source is not None
        assert np.array_equal(plane, frames[source.frame])
    return volume


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_sign_of_a_spacing_is_the_direction_of_slices(tmp_path: Path, sign: str) -> None:
    volume = read(tmp_path, nuclear(f"{sign}2.5"))
    order = [source.frame for source in volume.sources if source is not None]
    assert order == (list(range(SLICES))[::-1] if sign else list(range(SLICES)))
    first = position_of(1 - SLICES if sign else 0)
    assert volume.origin == pytest.approx(first, abs=1e-3)
    assert volume.affine is not None
    assert np.allclose(volume.affine[:3, :3], affine_of()[:3, :3], atol=1e-3)
    assert volume.notes == ()


@pytest.mark.parametrize("spacing", [None, b"0", b"abc "])
def test_slices_without_a_spacing_have_no_place(tmp_path: Path, spacing: Any) -> None:
    dataset = nuclear()
    del dataset.SpacingBetweenSlices
    if spacing is not None:
        set_raw(dataset, 0x00180088, "DS", spacing)
    volume = read(tmp_path, dataset)
    assert volume.kind == "no_geometry"
    assert volume.array.shape == (SLICES, 6, 5)
    assert any("SpacingBetweenSlices" in note.text for note in volume.notes)


def test_frames_without_a_place_keep_their_order(tmp_path: Path) -> None:
    dataset = slice_dataset(
        cells=np.stack([cells_of(k) for k in range(SLICES)]), Modality="MR",
        RescaleSlope=None, RescaleIntercept=None,
    )  # fmt: skip
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    del dataset.ImagePositionPatient
    dataset.SharedFunctionalGroupsSequence = [make_item()]
    dataset.PerFrameFunctionalGroupsSequence = [
        make_item(FrameContentSequence=[make_item(FrameAcquisitionNumber=SLICES - k)])
        for k in range(SLICES)
    ]
    volume = read(tmp_path, dataset)
    assert [source.frame for source in volume.sources if source is not None] == list(range(SLICES))
