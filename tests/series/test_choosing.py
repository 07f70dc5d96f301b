"""Which stack of a series is the volume: nothing that may be a slice of it is left out silently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from support.builders import set_raw
from support.series_files import cells_of, slice_dataset, write_slices

from fastpix import ArgumentError, SeriesError, open_series, read_series

SLICES = 6


def without_position(dataset: Dataset) -> None:
    del dataset.ImagePositionPatient


def with_a_wrong_position(dataset: Dataset) -> None:
    set_raw(dataset, 0x00200032, "DS", b"a\\b\\c ")


def without_frame_of_reference(dataset: Dataset) -> None:
    del dataset.FrameOfReferenceUID


def with_another_spacing(dataset: Dataset) -> None:
    dataset.PixelSpacing = ["0.9", "0.9"]


@pytest.mark.parametrize("kind", ["ORIGINAL", "DERIVED"])
@pytest.mark.parametrize(
    "spoil",
    [
        without_position,
        with_a_wrong_position,
        without_frame_of_reference,
        with_another_spacing,
    ],
)
def test_a_slice_that_looks_like_the_others_is_not_set_aside(
    tmp_path: Path, spoil: Callable[[Dataset], None], kind: str
) -> None:
    image_type = [kind, "PRIMARY", "AXIAL"]
    slices = [slice_dataset(k, ImageType=image_type) for k in range(SLICES)]
    spoil(slices[-1])
    write_slices(tmp_path, slices)
    with pytest.raises(SeriesError, match="several stacks") as caught:
        read_series(tmp_path)
    assert [row.shape[0] for row in caught.value.stacks] == [SLICES - 1, 1]
    assert read_series(tmp_path, stack=0).array.shape == (SLICES - 1, 6, 5)


def test_all_slices_without_a_position_are_one_stack(tmp_path: Path) -> None:
    slices = [slice_dataset(k) for k in range(SLICES)]
    for dataset in slices:
        without_position(dataset)
    write_slices(tmp_path, slices)
    volume = read_series(tmp_path)
    assert volume.kind == "no_geometry"
    assert volume.affine is None
    assert volume.array.shape == (SLICES, 6, 5)


def aside() -> Sequence[Dataset]:
    table = slice_dataset(
        number=90, cells=cells_of(1, 8, 8), ImageType=["DERIVED", "SECONDARY", "TABLE"]
    )
    screen = slice_dataset(number=91, SOPClassUID=SecondaryCaptureImageStorage)
    scout = slice_dataset(number=92, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    without = slice_dataset(number=93, ImageType=["DERIVED", "SECONDARY"])
    without_position(without)
    return table, screen, scout, without


@pytest.mark.parametrize("which", range(4))
def test_what_is_no_slice_is_set_aside_with_a_note(tmp_path: Path, which: int) -> None:
    write_slices(tmp_path, [*(slice_dataset(k) for k in range(SLICES)), aside()[which]])
    volume = read_series(tmp_path)
    assert volume.array.shape == (SLICES, 6, 5)
    (note,) = volume.notes
    assert note.text.startswith("set aside: stack")


def test_the_number_of_a_stack_may_come_from_numpy(tmp_path: Path) -> None:
    write_slices(tmp_path, [slice_dataset(k) for k in range(SLICES)])
    assert read_series(tmp_path, stack=np.int64(0)).array.shape == (SLICES, 6, 5)  # type: ignore[arg-type]
    assert len(open_series(tmp_path, tolerance=np.float32(0.05))) == 1  # type: ignore[arg-type]
    for wrong in (True, 0.0, "0"):
        with pytest.raises(ArgumentError, match="stack"):
            read_series(tmp_path, stack=wrong)  # type: ignore[arg-type]
