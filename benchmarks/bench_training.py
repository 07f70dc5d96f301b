"""What a training loop waits for: batches and patches, beside the loaders that people use today.

    python benchmarks/bench_training.py                # all figures, about four minutes
    python benchmarks/bench_training.py --rounds 1 --slices 128 --volumes 2

Needs the extras ``torch`` and ``job``, MONAI, TorchIO and nibabel. Every loader has two workers,
which live on from epoch to epoch, and takes turns with the others: an epoch each, the first of them
untimed. All read the same made CT slices or volumes, which lie in the page cache, and every loader
is held against the values that these were made from before it is timed.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import bench_read
import numpy as np
import pytest
from encoded_files import ct_slice
from figure_table import Figure, table_of
from numpy.typing import NDArray
from rich.console import Console

import fastpix

pytest.importorskip("torch", reason="needs torch: pip install 'fastpix[torch]'")

import torch
from torch.utils.data import DataLoader
from training_loaders import (
    monai_patches,
    monai_slices,
    nifti_patches,
    pydicom_slices,
    torchio_patches,
)

import fastpix.torch

BATCH, WORKERS, EPOCHS = 32, 2, 10
PATCH, PATCHES, PATCH_BATCH = (96, 96, 96), 4, 4
DEPTH = 160  # slices of a volume
DISTINCT = 64  # slices that differ

Epoch = Callable[[], int]


def epoch_of(loader: Iterable[Any]) -> Epoch:
    """Return what runs an epoch, and returns how many images it had."""

    def run() -> int:
        images = 0
        for batch in loader:
            image = batch["image"] if isinstance(batch, dict) else batch
            image = image["data"] if isinstance(image, dict) else image  # TorchIO
            images += len(image)
        return images

    return run


def turns_of(epochs: dict[str, Epoch], rounds: int) -> list[dict[str, float]]:
    """Return seconds an image of each loader, round by round."""
    for run in epochs.values():
        run()
    names = list(epochs)
    turns = []
    for k in range(rounds):
        taken = {}
        for name in names[k % len(names) :] + names[: k % len(names)]:
            start = time.perf_counter()
            images = epochs[name]()
            taken[name] = (time.perf_counter() - start) / images
        turns.append(taken)
    return turns


def ratio(turns: Sequence[dict[str, float]], one: str, other: str) -> float:
    """Return how many times as long one loader takes as another."""
    return median(turn[one] / turn[other] for turn in turns)


def loader_of(dataset: Any, batch: int | None, **options: Any) -> DataLoader[Any]:
    """Return the loader that users of fastpix have."""
    return fastpix.torch.Loader(
        dataset, batch, num_workers=WORKERS, persistent_workers=True, **options
    )


def trunk(number: int) -> NDArray[np.uint16]:
    """Return a made-up slice, which compresses as real ones do."""
    return ct_slice(number % DISTINCT)


def shifted_trunk(by: int, number: int) -> NDArray[np.uint16]:
    """Return the slices of another volume."""
    return trunk(by + number)


def batch_figures(files: Sequence[bench_read.File], rounds: int) -> list[Figure]:
    """Measure `imread_batch` of 64 slices into an array that is kept."""
    files = files[:64]
    paths = [str(file.path) for file in files]
    shape = files[0].expected.shape
    size = files[0].expected.size
    out = np.empty((len(files), *shape), np.float32)
    buffer = np.empty(2 * size + bench_read.LARGEST_HEADER, np.uint8)

    def floor() -> int:
        for k, path in enumerate(paths):
            with open(path, "rb", buffering=0) as binary:
                end = binary.readinto(buffer.data)
            cells = np.frombuffer(buffer, files[0].cells, size, end - 2 * size)
            np.copyto(out[k], cells.reshape(shape))
        return len(paths)

    def batch(threads: int) -> Epoch:
        def run() -> int:
            return len(fastpix.imread_batch(paths, out=out, threads=threads))

        return run

    assert batch(2)() == 64
    assert all((out[k] == file.expected).all() for k, file in enumerate(files))
    members = {"floor": floor, "one": batch(1), "two": batch(2)}
    known = np.ones_like(out)

    def copy(parts: int) -> Epoch:
        """Return what copies as many bytes as the batch has, in threads: the limit of memory."""

        def run() -> int:
            share = len(out) // parts
            threads = [
                threading.Thread(target=np.copyto, args=(out[a : a + share], known[a : a + share]))
                for a in range(share, len(out), share)
            ]
            for thread in threads:
                thread.start()
            np.copyto(out[:share], known[:share])
            for thread in threads:
                thread.join()
            return len(out)

        return run

    members |= {"copy": copy(1), "copies": copy(2)}
    turns = turns_of(members, 10 * rounds)
    what = f"imread_batch of {len(files)} CT slices"
    return [
        Figure(f"{what}, one thread / floor", ratio(turns, "one", "floor"), 1.1),
        Figure(f"{what}, one thread / two", ratio(turns, "one", "two"), 1.7, more=True),
        Figure(
            "plain copies of that size, one / two", ratio(turns, "copy", "copies"), 0, more=True
        ),
    ]


def check_slices(loader: Iterable[Any], files: Sequence[bench_read.File]) -> None:
    """Hold every image of an epoch against the values that it was made from."""
    known = sorted(float(file.expected.sum(dtype=np.float64)) for file in files)
    found: list[float] = []
    for batch in loader:
        image = torch.as_tensor(batch["image"] if isinstance(batch, dict) else batch)
        found += image.to(torch.float64).sum(dim=(1, 2, 3)).tolist()
    assert sorted(found) == known


def slice_turns(
    files: Sequence[bench_read.File], rounds: int, place: Path
) -> tuple[list[dict[str, float]], Any]:
    """Return seconds an image of epochs over CT slices, and the dataset of native files."""
    paths = [file.path for file in files]
    source = paths[0].parent
    caches = {}
    for compress in ("none", "lz4", "zstd"):
        caches[compress] = place / f"cache-{compress}"
        fastpix.convert(source, caches[compress], compress=compress, workers=1)
    datasets = {
        "native": fastpix.torch.DicomDataset(paths),
        "tar": fastpix.torch.CacheDataset(caches["none"]),
        "lz4": fastpix.torch.CacheDataset(caches["lz4"]),
        "zstd": fastpix.torch.CacheDataset(caches["zstd"]),
    }
    loaders: dict[str, Iterable[Any]] = {
        name: loader_of(dataset, BATCH, shuffle=True) for name, dataset in datasets.items()
    }
    loaders["shards"] = loader_of(
        fastpix.torch.ShardDataset(caches["none"], batch_size=BATCH, buffer=64), None
    )
    loaders["pydicom"] = pydicom_slices(paths, BATCH, WORKERS)
    loaders["monai"] = monai_slices(paths, BATCH, WORKERS)
    for loader in loaders.values():
        check_slices(loader, files)
    turns = turns_of({name: epoch_of(loader) for name, loader in loaders.items()}, rounds)
    return turns, datasets["native"]


def slice_figures(files: Sequence[bench_read.File], rounds: int, place: Path) -> list[Figure]:
    """Measure epochs over CT slices."""
    turns, dataset = slice_turns(files, rounds, place)
    what = f"DataLoader, batch {BATCH}, {WORKERS} workers"
    native = median(turn["native"] for turn in turns)
    return [
        Figure(f"{what}, native CT slices, images a second", 1 / native, 0, "", more=True),
        Figure(f"{what}, pydicom / DicomDataset", ratio(turns, "pydicom", "native"), 3, more=True),
        Figure(f"{what}, MONAI / DicomDataset", ratio(turns, "monai", "native"), 1.5, more=True),
        Figure(f"{what}, CacheDataset of tar / DicomDataset", ratio(turns, "tar", "native"), 1.05),
        Figure(
            f"{what}, DicomDataset / blosc2 (lz4)", ratio(turns, "native", "lz4"), 0.6, more=True
        ),
        Figure(
            f"{what}, DicomDataset / blosc2 (zstd)", ratio(turns, "native", "zstd"), 0, more=True
        ),
        Figure(f"{what}, ShardDataset / DicomDataset", ratio(turns, "shards", "native"), 2),
        memory_figure(dataset),
    ]


def memory_figure(dataset: Any) -> Figure:
    """Measure how a worker grows from its second epoch to its last."""
    loader = loader_of(dataset, BATCH, shuffle=True)
    sizes = []
    for _ in range(EPOCHS):
        iterator = iter(loader)
        for _ in iterator:
            pass
        workers = loader._iterator._workers
        sizes.append(max(_own_memory(worker.pid) for worker in workers))
    what = f"memory of a worker, epoch {EPOCHS} / epoch 2"
    return Figure(what, sizes[-1] / sizes[1], 1.02)


def _own_memory(pid: int) -> int:
    """Return the memory of a process that is no file's and nobody else's, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def write_volumes(folder: Path, count: int) -> list[NDArray[np.float32]]:
    """Write CT series as bench_read.py does it; return their values."""
    volumes = []
    for k in range(count):
        place = folder / f"series-{k}"
        place.mkdir(parents=True)
        files = bench_read.write_series(
            "CT, 512 x 512", place, DEPTH, series=k, stored_of=partial(shifted_trunk, 7 * k)
        )
        volumes.append(np.stack([file.expected for file in files]))
    return volumes


def patch_turns(count: int, rounds: int, place: Path) -> list[dict[str, float]]:
    """Return seconds a patch of epochs of random patches out of volumes."""
    volumes = write_volumes(place / "series", count)
    for form in ("b2nd", "nifti"):
        fastpix.convert(
            place / "series",
            place / form,
            unit="series",
            format=form,
            workers=1,
            recipe=fastpix.Recipe(dtype="auto" if form == "nifti" else "float32"),
        )
    plain = sorted((place / "nifti").rglob("*.nii"))
    packed = packed_niftis(plain, place / "packed")
    assert len(plain) == len(packed) == count
    dataset = fastpix.torch.VolumeDataset(place / "b2nd", patch=PATCH, patches_per_volume=PATCHES)
    native = fastpix.torch.VolumeDataset(place / "series", patch=PATCH, patches_per_volume=PATCHES)
    for each in (dataset, native):
        check_patches(each, volumes)
    loaders = {
        "b2nd": loader_of(dataset, PATCH_BATCH, shuffle=True),
        "native": loader_of(native, PATCH_BATCH, shuffle=True),
        "nifti": nifti_patches(plain, PATCH, PATCHES, PATCH_BATCH, WORKERS),
        "monai": monai_patches(packed, PATCH, PATCHES, PATCH_BATCH // PATCHES, WORKERS),
        "torchio": torchio_patches(packed, PATCH, PATCHES, PATCH_BATCH, WORKERS),
    }
    epochs = {name: epoch_of(loader) for name, loader in loaders.items()}
    for run in epochs.values():
        assert run() == count * PATCHES
    return turns_of(epochs, rounds)


def patch_figures(count: int, rounds: int, place: Path) -> list[Figure]:
    """Measure epochs of random patches out of volumes."""
    turns = patch_turns(count, rounds, place)
    best = "monai" if ratio(turns, "monai", "torchio") < 1 else "torchio"
    what = f"random patches {' x '.join(map(str, PATCH))}"
    return [
        Figure(f"{what}, whole NIfTI / b2nd", ratio(turns, "nifti", "b2nd"), 5, more=True),
        Figure(f"{what}, {best} on .nii.gz / b2nd", ratio(turns, best, "b2nd"), 2, more=True),
        Figure(f"{what}, whole NIfTI / DICOM", ratio(turns, "nifti", "native"), 1, more=True),
    ]  # fmt: skip


def packed_niftis(plain: Sequence[Path], folder: Path) -> list[Path]:
    """Write NIfTI files anew, compressed as most are kept."""
    import nibabel

    folder.mkdir()
    packed = [folder / f"{k}.nii.gz" for k in range(len(plain))]
    for path, target in zip(plain, packed, strict=True):
        nibabel.save(nibabel.load(path), target)
    return packed


def check_patches(dataset: Any, volumes: Sequence[NDArray[np.float32]]) -> None:
    """Hold patches against the volumes that they are of."""
    for number in range(len(dataset)):
        item = dataset[number]
        part = tuple(slice(a, a + n) for a, n in zip(item["start"].tolist(), PATCH, strict=True))
        patch = item["image"][0].numpy()
        assert any(np.array_equal(volume[part], patch) for volume in volumes)


def speeds(
    slices: int, volumes: int, rounds: int, place: Path
) -> tuple[float, dict[str, float], dict[str, float]]:
    """Return images a second of native files, and speeds in that and in that of volumes of b2nd.

    Of loaders of images by their names, and of loaders of patches.
    """
    (place / "slices").mkdir()
    files = bench_read.write_series("CT, 512 x 512", place / "slices", slices, stored_of=trunk)
    turns, _ = slice_turns(files, rounds, place)
    loaders = {
        "CacheDataset of tar": "tar", "CacheDataset of lz4": "lz4", "CacheDataset of zstd": "zstd",
        "ShardDataset": "shards", "pydicom": "pydicom", "MONAI": "monai",
    }  # fmt: skip
    found = patch_turns(volumes, rounds, place)
    patches = {"DICOM": "native", "NIfTI": "nifti", "TorchIO": "torchio"}
    return (
        1 / median(turn["native"] for turn in turns),
        {name: ratio(turns, "native", key) for name, key in loaders.items()},
        {name: ratio(found, "b2nd", key) for name, key in patches.items()},
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=512)
    parser.add_argument("--volumes", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=None, help="where files are written")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        place = Path(folder)
        (place / "slices").mkdir()
        files = bench_read.write_series(
            "CT, 512 x 512", place / "slices", asked.slices, stored_of=trunk
        )
        figures = batch_figures(files, asked.rounds)
        figures += slice_figures(files, asked.rounds, place)
        figures += patch_figures(asked.volumes, asked.rounds, place)
    Console(width=120).print(table_of("Training", figures), highlight=False)
    names = ("fastpix", "numpy", "torch", "pydicom", "monai", "torchio", "nibabel", "blosc2")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    date = datetime.date.today().isoformat()
    print(f"{date}; {os.cpu_count()} cores; Python {platform.python_version()}, {versions}; "
          f"medians of {asked.rounds} rounds")  # fmt: skip


if __name__ == "__main__":
    main()
