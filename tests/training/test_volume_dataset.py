"""VolumeDataset: patches are parts of the volume, from a cache or from DICOM, with their place."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode
from support.jobs import Folders
from support.libraries import library
from support.series_files import slice_dataset, write_slices
from support.training import epoch_of, write_volumes

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe, Volume  # noqa: E402
from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.torch import CacheDataset, Loader, VolumeDataset, collate  # noqa: E402

PATCH = (3, 6, 5)

pytestmark = pytest.mark.usefixtures("in_this_process")


def part_of(volume: Any, start: Any, patch: tuple[int, ...] = PATCH) -> Any:
    """Return the patch that begins somewhere in a volume."""
    return volume[tuple(slice(a, a + n) for a, n in zip(start, patch, strict=True))]


def read_all(folder: Path, **options: Any) -> dict[str, Volume]:
    """Read each series of a folder."""
    return {
        stack.series_uid: stack.read(**options)
        for stack in fastpix.open_series(folder)
    }  # fmt: skip


@pytest.mark.parametrize("form", ["dicom", "b2nd", "nifti", "tar", "npz"])
def test_patches_are_parts_of_volumes(folders: Folders, form: str) -> None:
    write_volumes(folders.src, [5, 7])
    volumes = read_all(folders.src)
    if form != "dicom":
        folders.convert(unit="series", format=form)
    source = folders.src if form == "dicom" else folders.dst
    dataset = VolumeDataset(source, patch=PATCH, patches_per_volume=6)
    assert len(dataset) == 12
    starts = set()
    wanted = {v.array.shape: v for v in volumes.values()}
    depths = sorted(wanted)
    for number in range(12):
        item = dataset[number]
        assert item["image"].shape == (1, *PATCH)
        start = item["start"].tolist()
        starts.add(tuple(start))
        fits = [
            v for v in map(wanted.__getitem__, depths)
            if np.array_equal(part_of(v.array, start), item["image"][0].numpy())
        ]  # fmt: skip
        assert len(fits) == 1
        known = fits[0].affine
        assert known is not None
        assert np.allclose(item["affine"].numpy()[:3, :3], known[:3, :3], atol=1e-12, rtol=0)
        corner = known @ np.array([*start, 1])
        assert np.allclose(item["affine"].numpy()[:3, 3], corner[:3], atol=1e-9, rtol=0)
        assert np.allclose(item["spacing"], (2.5, 0.75, 0.5), atol=1e-9, rtol=0)
        assert item["volume"] == 0
    assert len(starts) > 6
    assert len({dataset[k]["name"] for k in (0, 11)}) == 2


@pytest.mark.parametrize("form", ["dicom", "b2nd"])
@pytest.mark.parametrize("stride", [None, (2, 6, 3)])
def test_a_grid_covers_each_volume(
    folders: Folders, form: str, stride: tuple[int, int, int] | None
) -> None:
    write_volumes(folders.src, [5, 2, 9])
    volumes = read_all(folders.src)
    if form != "dicom":
        folders.convert(unit="series", format=form)
    source = folders.src if form == "dicom" else folders.dst
    dataset = VolumeDataset(source, patch=PATCH, sampling="grid", stride=stride, fill=-5)
    shapes: dict[str, list[int]] = {}
    arrays: dict[str, Any] = {}
    by_shape = {v.array.shape: v.array for v in volumes.values()}
    for item in epoch_of(Loader(dataset, 4, num_workers=1)):
        name = item["name"]
        start = item["start"].tolist()
        array = arrays.setdefault(name, {})
        for place in np.ndindex(PATCH):
            at = tuple(a + p for a, p in zip(start, place, strict=True))
            value = float(item["image"][(0, *place)])
            assert array.setdefault(at, value) == value  # where patches overlap, they agree
        shapes.setdefault(name, start)
    assert len(arrays) == 3
    for array in arrays.values():
        inside = {at: value for at, value in array.items() if min(at) >= 0}
        ends = tuple(max(at[k] for at in inside) + 1 for k in range(3))
        known = by_shape.get(ends)
        if known is None:  # the volume of two slices stands in the middle of its patches
            known = by_shape[(2, 14, 11)]
            beyond = {at: v for at, v in array.items() if not all(
                0 <= a < n for a, n in zip(at, known.shape, strict=True))}  # fmt: skip
            assert set(beyond.values()) == {-5}
        assert all(array[at] == known[at] for at in np.ndindex(known.shape))
    assert len(dataset.subset([0])) + len(dataset.subset([1, 2])) == len(dataset)


def test_whole_volumes(folders: Folders) -> None:
    write_volumes(folders.src, [4, 4, 6])
    folders.convert(unit="series", format="b2nd")
    for source in (folders.src, folders.dst):
        dataset = VolumeDataset(source)
        assert len(dataset) == 3
        depths = [dataset[k]["image"].shape[1] for k in range(3)]
        assert sorted(depths) == [4, 4, 6]
        same = [k for k in range(3) if depths[k] == 4]
        assert collate(dataset.__getitems__(same))["image"].shape == (2, 1, 4, 14, 11)
        with pytest.raises(FastpixError, match=r"give patch=, or batches of one volume"):
            dataset.__getitems__([0, 1, 2])
        left = VolumeDataset(source, on_error="skip")
        assert 1 <= len(left.__getitems__([0, 1, 2])) <= 2
        assert len(left.skipped) in (1, 2)


def test_series_with_several_volumes(folders: Folders) -> None:
    slices = [
        slice_dataset(
            place, number=10 * time + place, Modality="MR", TemporalPositionIdentifier=time + 1,
            NumberOfTemporalPositions=3, AcquisitionTime=f"1200{time:02}",
        )
        for time in range(3)
        for place in range(4)
    ]  # fmt: skip
    write_slices(folders.src, slices)
    volume = fastpix.read_series(folders.src)
    assert volume.array.shape == (3, 4, 6, 5)
    folders.convert(unit="series", format="b2nd")
    for source in (folders.src, folders.dst):
        dataset = VolumeDataset(source)
        assert len(dataset) == 3
        for k in range(3):
            item = dataset[k]
            assert item["volume"] == k
            assert np.array_equal(item["image"][0].numpy(), volume.array[k])
        patches = VolumeDataset(source, patch=(2, 3, 3), patches_per_volume=2)
        assert [patches[k]["volume"] for k in range(6)] == [0, 0, 1, 1, 2, 2]
        parts = dataset.split() if source == folders.dst else {}
        assert sorted(map(len, parts.values()), reverse=True) in ([3, 0, 0], [])


def test_inverted_volumes(folders: Folders) -> None:
    attributes = {"PhotometricInterpretation": "MONOCHROME1", "Modality": "MR"}
    write_volumes(folders.src, [4], **attributes)
    with pytest.raises(ArgumentError, match="manifest has the maximum"):
        VolumeDataset(folders.src)
    recipe = Recipe(invert="range")
    item = VolumeDataset(folders.src, recipe=recipe)[0]
    assert np.array_equal(item["image"][0], fastpix.read_series(folders.src, invert="range").array)
    folders.convert(unit="series", format="b2nd")
    dataset = VolumeDataset(folders.dst, patch=PATCH)
    whole = fastpix.read_series(folders.src).array
    for _ in range(5):
        item = dataset[0]
        assert np.array_equal(item["image"][0], part_of(whole, item["start"].tolist()))


def test_seeds(folders: Folders) -> None:
    write_volumes(folders.src, [5, 6])
    folders.convert(unit="series", format="b2nd")
    dataset = VolumeDataset(folders.dst, patch=PATCH, patches_per_volume=8)

    def starts(seed: int | None, workers: int) -> list[list[int]]:
        loader = Loader(dataset, 4, num_workers=workers, seed=seed)
        return [item["start"].tolist() for _ in range(2) for item in epoch_of(loader)]

    assert starts(1, 2) == starts(1, 2)
    found = starts(1, 2)
    assert found[:16] != found[16:]
    assert starts(2, 2) != found
    torch.manual_seed(5)
    first = [dataset[k]["start"].tolist() for k in range(16)]
    torch.manual_seed(5)
    assert [dataset[k]["start"].tolist() for k in range(16)] == first


def test_threads(folders: Folders) -> None:
    write_volumes(folders.src, [9, 9])
    folders.convert(unit="series", format="b2nd")
    found = []
    for threads in (1, 3):
        grid = VolumeDataset(folders.dst, patch=PATCH, sampling="grid", threads=threads)
        found.append(collate(grid.__getitems__(range(len(grid))))["image"])
    assert torch.equal(*found)


def test_colour(folders: Folders) -> None:
    cells = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3), np.uint8)
    slices = [
        slice_dataset(
            k, cells=cells[k], SamplesPerPixel=3, PhotometricInterpretation="RGB",
            PlanarConfiguration=0, RescaleSlope=None, RescaleIntercept=None,
        )
        for k in range(4)
    ]  # fmt: skip
    write_slices(folders.src, slices)
    item = VolumeDataset(folders.src, recipe=Recipe(dtype="uint8"))[0]
    assert np.array_equal(item["image"].numpy(), np.moveaxis(cells, -1, 0))
    patch = VolumeDataset(folders.src, recipe=Recipe(dtype="uint8"), patch=(2, 9, 3), fill=7)[0]
    assert patch["image"].shape == (3, 2, 9, 3)
    assert (patch["image"][:, :, 0] == 7).all()


def test_filters_and_labels(folders: Folders) -> None:
    write_volumes(folders.src, [3, 4, 5])
    by_depth = VolumeDataset(folders.src, filter=lambda stack: stack.shape[0] > 3)
    assert len(by_depth) == 2
    names = by_depth.names
    labelled = VolumeDataset(folders.src, patch=PATCH, patches_per_volume=2,
                             filter=lambda stack: stack.shape[0] > 3,
                             labels={names[0]: 0, names[1]: 1})  # fmt: skip
    assert [labelled[k]["label"] for k in range(4)] == [0, 0, 1, 1]
    with pytest.raises(ArgumentError, match="function of a Stack"):
        VolumeDataset(folders.src, filter="modality = CT")
    folders.convert(unit="series", format="b2nd")
    assert len(VolumeDataset(folders.dst, filter="modality = CT")) == 3
    assert VolumeDataset(folders.dst, labels="modality").labels == ["CT"] * 3
    normal = VolumeDataset(folders.dst, normalize=(-1000, 0))
    assert 0 <= float(normal[0]["image"].min()) < float(normal[0]["image"].max()) <= 1


def test_gaps(folders: Folders) -> None:
    write_slices(folders.src, [slice_dataset(place) for place in (0, 1, 2, 4, 5, 6)])
    with pytest.raises(FastpixError) as caught:
        VolumeDataset(folders.src)
    assert any("filter= leaves it out" in note for note in caught.value.__notes__)
    filled = VolumeDataset(folders.src, gaps="fill")[0]["image"]
    assert torch.isnan(filled[0, 3]).all()
    assert not torch.isnan(filled[0, 4]).any()


def test_bad_arguments(folders: Folders) -> None:
    write_volumes(folders.src, [3])
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"patch": (1, 2)}, "patch"),
        ({"patch": (1, 2, 0)}, "patch"),
        ({"patches_per_volume": 2}, "patch"),
        ({"patch": PATCH, "patches_per_volume": 0}, "patches_per_volume"),
        ({"patch": PATCH, "stride": PATCH}, "stride"),
        ({"patch": PATCH, "sampling": "grid", "patches_per_volume": 2}, "patches_per_volume"),
        ({"patch": PATCH, "sampling": "all"}, "sampling"),
        ({"sampling": "grid"}, "patch"),
        ({"normalize": (0, 1)}, "normalize"),
    ]
    for arguments, name in wrong:
        with pytest.raises(ArgumentError, match=name):
            VolumeDataset(folders.src, **arguments)
    (folders.src / "empty").mkdir()
    with pytest.raises(FastpixError):
        VolumeDataset(folders.src / "empty")
    folders.convert(unit="series", format="b2nd")
    with pytest.raises(ArgumentError, match="recipe"):
        VolumeDataset(folders.dst, recipe=Recipe())


def test_images_are_refused(folders: Folders) -> None:
    folders.add("a.dcm")
    folders.convert()
    with pytest.raises(ArgumentError, match="use CacheDataset"):
        VolumeDataset(folders.dst)
    assert len(CacheDataset(folders.dst)) == 1


def test_a_file_that_is_lost(folders: Folders) -> None:
    write_volumes(folders.src, [4, 4])
    dataset = VolumeDataset(folders.src, patch=PATCH, on_error="skip")
    for path in (folders.src / "series-1").iterdir():
        path.unlink()
    with pytest.warns(UserWarning, match="1 source could not be read"):
        items = epoch_of(Loader(dataset, 2))
    assert [item["name"] for item in items] == ["1.2.3.0"]
    with pytest.raises((FastpixError, OSError)):
        dataset[1]


def test_pickled_and_spawned(folders: Folders) -> None:
    write_volumes(folders.src, [4, 5])
    folders.convert(unit="series", format="b2nd")
    for source in (folders.src, folders.dst):
        dataset = VolumeDataset(source, patch=PATCH, sampling="grid")
        again = pickle.loads(pickle.dumps(dataset))
        assert len(again) == len(dataset)
        assert torch.equal(again[3]["image"], dataset[3]["image"])
        loader = Loader(dataset, 8, num_workers=1, multiprocessing_context="spawn")
        for k, item in enumerate(epoch_of(loader)):
            assert torch.equal(item["image"], dataset[k]["image"])


def test_a_multi_frame_file(tmp_path: Path) -> None:
    slices = [slice_dataset(place) for place in range(3)]
    paths = write_slices(tmp_path, slices, encoded=encode)
    dataset = VolumeDataset(paths)
    assert dataset[0]["image"].shape == (1, 3, 6, 5)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_resampled(folders: Folders, order: Any) -> None:
    library("scipy")
    write_volumes(folders.src, [6])
    spacing = (1.5, 1.0, 0.75)
    whole: Any = fastpix.read_series(folders.src).resample(spacing, order=order)
    folders.convert(unit="series", format="b2nd")
    for source in (folders.src, folders.dst):
        item = VolumeDataset(source, spacing=spacing, order=order)[0]
        assert np.array_equal(item["image"][0].numpy(), whole.array)
        assert np.allclose(item["affine"], whole.affine, atol=1e-9, rtol=0)
        dataset = VolumeDataset(source, patch=PATCH, patches_per_volume=9, spacing=spacing,
                                order=order)  # fmt: skip
        for k in range(9):
            item = dataset[k]
            start = item["start"].tolist()
            assert np.array_equal(item["image"][0].numpy(), part_of(whole.array, start))
            corner = whole.affine @ np.array([*start, 1])
            assert np.allclose(item["affine"][:3, 3], corner[:3], atol=1e-9, rtol=0)
            assert np.allclose(item["spacing"], spacing, atol=1e-9, rtol=0)
    with pytest.raises(ArgumentError, match="order"):
        VolumeDataset(folders.src, spacing=spacing, order=2)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="spacing"):
        VolumeDataset(folders.src, spacing=(1, 0, 1))
