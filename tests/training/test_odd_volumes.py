"""VolumeDataset where it goes wrong easily: threads and seeds, one slice, numbers from the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.libraries import library
from support.series_files import slice_dataset, write_slices
from support.training import epoch_of, write_volumes

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe  # noqa: E402
from fastpix.errors import ArgumentError  # noqa: E402
from fastpix.torch import Loader, VolumeDataset  # noqa: E402

PATCH = (3, 6, 5)

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_threads_draw_what_one_draws(tmp_path: Path) -> None:
    write_volumes(tmp_path, [7, 9])

    def starts(threads: int) -> list[Any]:
        dataset = VolumeDataset(tmp_path, patch=PATCH, patches_per_volume=24, threads=threads)
        batches = list(Loader(dataset, 48, num_workers=1, seed=3))
        return [batch["start"].tolist() for batch in batches]

    found = starts(1)
    assert len({tuple(start) for start in found[0]}) > 20
    for threads in (2, 4):
        assert starts(threads) == found


def test_all_positions_are_drawn(tmp_path: Path) -> None:
    write_volumes(tmp_path, [4])
    dataset = VolumeDataset(tmp_path, patch=(3, 13, 11), patches_per_volume=400)
    torch.manual_seed(1)
    starts = [tuple(item["start"].tolist()) for item in dataset.__getitems__(range(400))]
    counts = {start: starts.count(start) for start in starts}
    assert sorted(counts) == [(a, b, 0) for a in (0, 1) for b in (0, 1)]
    assert all(60 < count < 140 for count in counts.values())  # 100, and a deviation of 9


def test_patches_of_one_slice_have_a_place(tmp_path: Path) -> None:
    write_slices(
        tmp_path, [slice_dataset(0, SliceThickness=None, SpacingBetweenSlices=None)]
    )  # fmt: skip
    with pytest.warns(UserWarning, match="slice column of the affine is NaN"):
        dataset = VolumeDataset(tmp_path, patch=(1, 2, 2), sampling="grid")
    with pytest.warns(UserWarning, match="slice column of the affine is NaN"):
        whole = fastpix.read_series(tmp_path).affine
    assert whole is not None
    for k in range(len(dataset)):
        item = dataset[k]
        _, row, column = item["start"].tolist()
        corner = whole[:3, 3] + row * whole[:3, 1] + column * whole[:3, 2]
        assert np.allclose(item["affine"][:3, 3], corner, atol=1e-9, rtol=0)
        assert torch.isnan(item["affine"][:3, 0]).all()


def test_numbers_from_the_end_of_a_grid(tmp_path: Path) -> None:
    write_volumes(tmp_path, [5, 7])
    dataset = VolumeDataset(tmp_path, patch=PATCH, sampling="grid")
    last = len(dataset) - 1
    for item in (dataset[-1], dataset.__getitems__([-1])[0]):
        assert item["name"] == dataset[last]["name"]
        assert torch.equal(item["start"], dataset[last]["start"])
    with pytest.raises(IndexError):
        dataset.__getitems__([last + 1])


def test_holes_of_a_grid(tmp_path: Path) -> None:
    write_volumes(tmp_path, [7])
    dataset = VolumeDataset(tmp_path, patch=(2, 14, 11), sampling="grid", stride=(3, 1, 1))
    assert [int(item["start"][0]) for item in epoch_of(Loader(dataset, 3))] == [0, 3, 5]


@pytest.mark.filterwarnings("error")
def test_a_fill_that_the_dtype_cannot_hold(tmp_path: Path) -> None:
    write_volumes(tmp_path, [2])
    for fill in (-1, np.nan, 0.5, 2**16):
        dataset = VolumeDataset(
            tmp_path, patch=(3, 6, 5), fill=fill, recipe=Recipe(dtype="uint16", rescale=False)
        )
        with pytest.raises(ArgumentError, match="cannot hold"):
            dataset[0]
