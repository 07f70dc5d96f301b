"""The loaders that people use today, as their documentation shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

Shape = tuple[int, int, int]


class _PydicomSlices(Dataset[Any]):
    """What a script with pydicom does for each item."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        import pydicom

        dataset = pydicom.dcmread(self.paths[number])
        values = dataset.pixel_array.astype(np.float32)
        values = values * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        return torch.from_numpy(values)[None]


def _loader(dataset: Any, batch: int, workers: int, **options: Any) -> DataLoader[Any]:
    return DataLoader(
        dataset, batch, shuffle=True, num_workers=workers, persistent_workers=True, **options
    )


def pydicom_slices(paths: Sequence[Path], batch: int, workers: int) -> Iterable[Any]:
    """Return the usual loop."""
    loader: Iterable[Any] = _loader(_PydicomSlices(paths), batch, workers)
    return loader


def monai_slices(paths: Sequence[Path], batch: int, workers: int) -> Iterable[Any]:
    """Return MONAI's dictionary loader."""
    import monai

    items = [{"image": str(path)} for path in paths]
    load = monai.transforms.LoadImaged("image", reader="PydicomReader", ensure_channel_first=True)
    return monai.data.DataLoader(  # type: ignore[no-any-return]
        monai.data.Dataset(items, load),
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
    )


class _NiftiPatches(Dataset[Any]):
    """Whole volumes are read by nibabel, and patches cut out of them."""

    def __init__(self, paths: Sequence[Path], patch: Shape, patches: int) -> None:
        self.paths = [path for path in paths for _ in range(patches)]
        self.patch = patch

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        import nibabel

        image: Any = nibabel.load(self.paths[number])
        volume = image.get_fdata(dtype=np.float32)
        start = [
            int(torch.randint(length - size + 1, ()))
            for length, size in zip(volume.shape, self.patch, strict=True)
        ]
        part = tuple(slice(a, a + size) for a, size in zip(start, self.patch, strict=True))
        return torch.from_numpy(np.ascontiguousarray(volume[part]))[None]


def nifti_patches(
    paths: Sequence[Path], patch: Shape, patches: int, batch: int, workers: int
) -> Iterable[Any]:
    """Return patches out of whole volumes."""
    loader: Iterable[Any] = _loader(_NiftiPatches(paths, patch, patches), batch, workers)
    return loader


def monai_patches(
    paths: Sequence[Path], patch: Shape, patches: int, batch: int, workers: int
) -> Iterable[Any]:
    """Return MONAI's patches: some of each volume that is read."""
    import monai

    items = [{"image": str(path)} for path in paths]
    steps = monai.transforms.Compose([
        monai.transforms.LoadImaged("image", reader="NibabelReader", ensure_channel_first=True),
        monai.transforms.RandSpatialCropSamplesd(
            "image", roi_size=patch, num_samples=patches, random_size=False
        ),
    ])  # fmt: skip
    return monai.data.DataLoader(  # type: ignore[no-any-return]
        monai.data.Dataset(items, steps),
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
    )


def torchio_patches(
    paths: Sequence[Path], patch: Shape, patches: int, batch: int, workers: int
) -> Iterable[Any]:
    """Return TorchIO's queue of patches."""
    import torchio

    subjects = torchio.SubjectsDataset(
        [torchio.Subject(image=torchio.ScalarImage(path)) for path in paths]
    )
    queue = torchio.Queue(
        subjects,
        max_length=4 * patches,
        samples_per_volume=patches,
        sampler=torchio.UniformSampler(patch),
        num_workers=workers,
    )
    return torchio.SubjectsLoader(queue, batch_size=batch)  # type: ignore[no-any-return]
