"""DicomDataset: the arrays of imread, whatever names the files, in batches and in workers."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.libraries import library
from support.many_files import slice_of, write_series
from support.training import assert_item, epoch_of, indices_of, patient_file

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe  # noqa: E402
from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.job.scan.scan_file import write_scan  # noqa: E402
from fastpix.job.scan.sources import open_sources  # noqa: E402
from fastpix.torch import DicomDataset, Loader, collate  # noqa: E402

MANY_WORKERS = "ignore:This DataLoader will create:UserWarning"
SCALED = Recipe(normalize=(-1000, 400))

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_items_are_what_imread_gives(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 5)
    dataset = DicomDataset(paths, recipe=SCALED)
    assert len(dataset) == 5
    assert dataset.names == [str(path) for path in paths]
    for k, path in enumerate(paths):
        image = fastpix.imread(path, recipe=SCALED)
        assert_item(dataset[k], image, name=str(path), index=k, patient="")
    assert dataset[-1]["index"] == 4
    assert torch.isnan(dataset[0]["spacing"]).all()
    assert "label" not in dataset[0]
    with pytest.raises(IndexError):
        dataset[5]


def test_a_batch_is_one_tensor_without_a_copy(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 6)
    dataset = DicomDataset(paths)
    items = dataset.__getitems__([4, 1, 1])
    batch = collate(items)
    assert batch["image"].data_ptr() == items[0]["image"].data_ptr()
    assert batch["image"].shape == (3, 1, 16, 12)
    assert batch["index"].tolist() == [4, 1, 1]
    assert batch["name"] == [str(paths[k]) for k in (4, 1, 1)]
    plain = torch.utils.data.default_collate(list(items))
    assert plain.keys() == batch.keys()
    assert torch.equal(plain["image"], batch["image"])


def test_kinds_of_sources(folders: Folders, tmp_path: Path) -> None:
    for k in range(4):
        folders.add(f"{k % 2}/{k}.dcm", slice_of(k))
    folders.add("0/notes.txt", b"no image")
    wanted = ["0/0.dcm", "0/2.dcm", "1/1.dcm", "1/3.dcm"]
    of_folder = DicomDataset(folders.src)
    assert of_folder.names == wanted
    packed = tmp_path / "PACKED.ZIP"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in wanted:
            archive.write(folders.src / name, name)
    listed = tmp_path / "files.parquet"
    write_scan(open_sources(folders.src), listed)
    folders.convert(format="index")
    of_cache = DicomDataset(folders.dst)
    for dataset in (DicomDataset(packed), DicomDataset(listed), DicomDataset(str(folders.src))):
        assert dataset.names == wanted
        for k, name in enumerate(wanted):
            assert_item(dataset[k], fastpix.imread(folders.src / name))
    by_name = {folders.name(folders.src / name): folders.src / name for name in wanted}
    assert sorted(of_cache.names) == sorted(by_name)
    for k, name in enumerate(of_cache.names):
        assert_item(of_cache[k], fastpix.imread(by_name[name]), patient=of_cache[0]["patient"])
    assert len(of_cache[0]["patient"]) == 32
    one = DicomDataset(folders.src / wanted[0])
    assert len(one) == 1
    assert len(DicomDataset(f"{folders.src}/1/*.dcm")) == 2


def test_spacing_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(encode(patient_file(0, 0)))
    assert DicomDataset(tmp_path)[0]["spacing"].tolist() == [0.75, 0.5]
    assert DicomDataset(tmp_path)[0]["spacing"].dtype == torch.float64


def test_filters(folders: Folders) -> None:
    for k, modality in enumerate(("CT", "MR", "CT", "CR")):
        folders.add(f"{k}.dcm", encode(patient_file(k, k, Modality=modality)))
    assert DicomDataset(folders.src, filter="modality in CT,MR").names == [
        "0.dcm", "1.dcm", "2.dcm",
    ]  # fmt: skip
    both = ("modality in CT,MR", "instance_number >= 2")
    assert DicomDataset(folders.src, filter=both).names == ["1.dcm", "2.dcm"]
    paths = sorted(folders.src.iterdir())
    of_list = DicomDataset(paths, filter=lambda row: row["modality"] == "CR")
    assert of_list.names == [str(paths[3])]
    folders.convert(format="index")
    assert len(DicomDataset(folders.dst, filter="modality = CT")) == 2
    for source in (folders.src, folders.dst):
        with pytest.raises(ArgumentError, match="leaves none"):
            DicomDataset(source, filter="modality = US")
    with pytest.raises(ArgumentError, match="no condition"):
        DicomDataset(folders.src, filter="modality")


def test_labels(folders: Folders) -> None:
    paths = [folders.add(f"{k}.dcm", slice_of(k)) for k in range(4)]
    by_place = DicomDataset(paths, labels=[3, 2, 1, 0])
    assert [by_place[k]["label"] for k in range(4)] == [3, 2, 1, 0]
    assert by_place.labels == [3, 2, 1, 0]
    by_name = DicomDataset(folders.src, labels={"0.dcm": "a", "1.dcm": "b", "2.dcm": "c",
                                                "3.dcm": "d"})  # fmt: skip
    assert by_name.labels == ["a", "b", "c", "d"]
    by_path = DicomDataset(paths, labels=dict(zip(paths, (0.5, 1.5, 2.5, 3.5), strict=True)))
    assert by_path[2]["label"] == 2.5
    batch = next(iter(Loader(by_place, 4)))
    assert batch["label"].tolist() == [3, 2, 1, 0]
    assert batch["label"].dtype == torch.int64
    with pytest.raises(ArgumentError, match="3 labels for 4"):
        DicomDataset(paths, labels=[1, 2, 3])
    with pytest.raises(ArgumentError, match=r"2 of 4 .* unlabelled='drop'"):
        DicomDataset(folders.src, labels={"0.dcm": 1, "2.dcm": 2})
    with pytest.warns(UserWarning, match="2 of 4 sources have no label"):
        some = DicomDataset(folders.src, labels={"0.dcm": 1, "2.dcm": 2}, unlabelled="drop")
    assert some.names == ["0.dcm", "2.dcm"]
    assert [some[k]["label"] for k in range(2)] == [1, 2]
    assert [some[k]["index"] for k in range(2)] == [0, 2]
    with pytest.raises(ArgumentError, match="files have no columns"):
        DicomDataset(paths, labels="diagnosis")


def test_other_sizes(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 2)
    odd = tmp_path / "odd.dcm"
    odd.write_bytes(slice_of(9, (7, 20)))
    dataset = DicomDataset([*paths, odd])
    with pytest.raises(FastpixError, match=r"1 of 3 images .*odd\.dcm is \(7, 20\)"):
        dataset.__getitems__([0, 1, 2])
    fitted = DicomDataset([*paths, odd], size=(8, 16), fill=-1)
    batch = collate(fitted.__getitems__([0, 1, 2]))
    wanted = fastpix.imread_batch([*paths, odd], size=(8, 16), fill=-1)
    assert batch["image"][:, 0].numpy().tobytes() == wanted.tobytes()
    left = DicomDataset([*paths, odd], on_error="skip")
    assert len(left.__getitems__([0, 1, 2])) == 2
    assert left.skipped == [str(odd)]


def test_colour_and_frames(tmp_path: Path) -> None:
    colour, frames = tmp_path / "colour.dcm", tmp_path / "frames.dcm"
    cells = np.random.default_rng(1).integers(0, 256, (5, 6, 3), np.uint8)
    colour.write_bytes(
        encode(make_dataset(cells, SamplesPerPixel=3, PhotometricInterpretation="RGB",
                            PlanarConfiguration=0))
    )  # fmt: skip
    frames.write_bytes(
        encode(make_dataset(np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5),
                            NumberOfFrames=3))
    )  # fmt: skip
    item = DicomDataset([colour], recipe=Recipe(dtype="uint8"))[0]
    assert item["image"].shape == (3, 5, 6)
    assert np.array_equal(item["image"].numpy(), np.moveaxis(cells, -1, 0))
    assert DicomDataset([frames])[0]["image"].shape == (1, 3, 4, 5)
    assert DicomDataset([frames], frames=1)[0]["image"].shape == (1, 4, 5)


def test_errors_name_the_file(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 3)
    paths[1].write_bytes(paths[1].read_bytes()[:-4])
    missing = tmp_path / "missing.dcm"
    dataset = DicomDataset([*paths, missing])
    with pytest.raises(FastpixError, match=r"0001\.dcm"):
        dataset[1]
    with pytest.raises(FileNotFoundError, match=r"missing\.dcm"):
        dataset[3]
    with pytest.raises(FastpixError, match=r"0001\.dcm"):
        epoch_of(Loader(dataset, 4))
    with pytest.raises(FastpixError, match=r"0001\.dcm"):  # from a worker
        epoch_of(Loader(dataset, 4, num_workers=1))


def test_bad_arguments(tmp_path: Path) -> None:
    paths: list[Any] = list(write_series(tmp_path, 1))
    for arguments, name in (
        ({"on_error": "mask"}, "on_error"),
        ({"unlabelled": "keep", "labels": [1]}, "unlabelled"),
        ({"size": (0, 3)}, "size"),
        ({"max_bytes": 0}, "max_bytes"),
    ):
        with pytest.raises(ArgumentError, match=name):
            DicomDataset(paths, **arguments)
    for source in ([], [3], [tmp_path]):
        with pytest.raises(ArgumentError, match="source"):
            DicomDataset(source)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        DicomDataset(tmp_path / "nothing")


def test_a_cache_of_arrays_is_refused(folders: Folders) -> None:
    folders.add("a.dcm")
    folders.convert()
    with pytest.raises(ArgumentError, match="use CacheDataset"):
        DicomDataset(folders.dst)


def test_skipped_images_are_counted_and_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 8)
    for k in (1, 2, 3, 6):
        paths[k].write_bytes(b"nothing of the kind")
    dataset = DicomDataset(paths, on_error="skip")
    with pytest.raises(FastpixError):  # there is no other item to give
        dataset[1]
    for workers in (0, 2):
        loader = Loader(dataset, 2, num_workers=workers)
        for _ in range(2):
            with pytest.warns(UserWarning, match=r"4 sources .*0001\.dcm") as told:
                assert indices_of(loader) == [0, 4, 5, 7]
            assert told[0].filename == __file__ or "training.py" in told[0].filename
    assert dataset.skipped == [str(paths[k]) for k in (1, 2, 3, 6)]
    dataset.clear_skipped()
    assert dataset.skipped == []
    with pytest.raises(FastpixError, match="no image of this batch"):
        list(torch.utils.data.DataLoader(dataset, 2, sampler=[1, 2], collate_fn=collate))


def test_transforms(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 4)
    dataset = DicomDataset(paths, transform=double)
    plain = DicomDataset(paths)
    assert torch.equal(dataset[1]["image"], 2 * plain[1]["image"])
    batch = next(iter(Loader(dataset, 4, num_workers=1)))
    assert torch.equal(batch["image"], 2 * next(iter(Loader(plain, 4)))["image"])


def double(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"image": 2 * item["image"]}


@pytest.mark.filterwarnings(MANY_WORKERS)
@pytest.mark.parametrize(
    ("method", "workers"), [("fork", 1), ("fork", 3), ("spawn", 1), ("forkserver", 2)]
)
def test_workers(tmp_path: Path, method: str, workers: int) -> None:
    paths = write_series(tmp_path, 9)
    dataset = DicomDataset(tmp_path, labels=list(range(9)))
    loader = Loader(dataset, 2, num_workers=workers, multiprocessing_context=method)
    items = epoch_of(loader)
    assert [int(item["label"]) for item in items] == list(range(9))
    for item, path in zip(items, paths, strict=True):
        assert_item(item, fastpix.imread(path))
        assert item["image"].is_shared()


@pytest.mark.filterwarnings(MANY_WORKERS)
def test_eight_workers(tmp_path: Path) -> None:
    write_series(tmp_path, 33)
    loader = Loader(DicomDataset(tmp_path), 3, num_workers=8, persistent_workers=True)
    for _ in range(2):
        assert indices_of(loader) == list(range(33))


def test_in_a_process_of_torch(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 4)
    dataset = DicomDataset(paths)
    queue = torch.multiprocessing.get_context("spawn").SimpleQueue()
    torch.multiprocessing.spawn(sum_of, (dataset, queue), nprocs=1)
    assert queue.get() == float(sum(fastpix.imread(path).sum(dtype=np.float64) for path in paths))


def sum_of(rank: int, dataset: Any, queue: Any) -> None:
    batch = collate(dataset.__getitems__(list(range(len(dataset)))))
    queue.put(float(batch["image"].to(torch.float64).sum()))


def test_pickled(tmp_path: Path) -> None:
    write_series(tmp_path, 3)
    dataset = DicomDataset(tmp_path, recipe=SCALED, labels=["a", "b", "c"])
    again = pickle.loads(pickle.dumps(dataset))
    assert again.names == dataset.names
    assert again.labels == dataset.labels
    assert torch.equal(again[2]["image"], dataset[2]["image"])


def test_split_needs_a_manifest(folders: Folders) -> None:
    for k in range(12):
        folders.add(f"{k}.dcm", encode(patient_file(k, k // 3)))
    with pytest.raises(ArgumentError, match="--format index"):
        DicomDataset(folders.src).split()
    folders.convert(format="index")
    parts = DicomDataset(folders.dst).split({"a": 0.5, "b": 0.5}, seed=3)
    patients = {name: {item["patient"] for item in part} for name, part in parts.items()}
    assert not patients["a"] & patients["b"]
    assert len(patients["a"]) + len(patients["b"]) == 4
    assert sum(map(len, parts.values())) == 12
