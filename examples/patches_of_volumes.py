"""Train on 3-D patches, and put a prediction together that lies where the volume lies.

    python examples/patches_of_volumes.py
    python examples/patches_of_volumes.py --out FOLDER   keep the NIfTI file, for a viewer

Needs ``pip install 'fastpix[job,torch,nifti,resample]'``. Takes some seconds on CPU.

The steps: DICOM series become a cache of volumes; a CSV says where nodules are, in millimetres of
patient space, as LUNA16 does; random patches of 6 mm are cut out of the cache, each with the affine
by which the CSV becomes its mask; a small network learns to find the nodules; patches side by side
cover a volume that it has not seen, and its answers are saved with the affine of that volume.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from made_data import Nodule, chest_slices, inside, make_patients, write, write_known_key
from numpy.typing import NDArray
from running import fastpix_command, run_example
from torch import nn

import fastpix
from fastpix.torch import Loader, VolumeDataset

PATIENTS = 10
SPACING = (6.0, 6.0, 6.0)  # millimetres along slice, row and column
PATCH = (16, 24, 24)
STRIDE = (8, 12, 12)  # so that patches overlap
EPOCHS = 7
WINDOW = (-1000, 400)  # Hounsfield units that become 0..1

Item = dict[str, Any]


def make_study(out: Path) -> tuple[Path, Path]:
    """Write a series of 36 slices of each patient, and where the nodules are."""
    annotations = out / "annotations.csv"
    with annotations.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["SeriesInstanceUID", "x", "y", "z", "radius"])
        for patient in make_patients(PATIENTS):
            depths = [5.0 * number - 87.5 for number in range(36)]
            slices = chest_slices(patient, depths, size=96)
            write(out / "dicom" / patient.patient_id, slices)
            found = patient.nodule
            assert found is not None
            uid = slices[0].SeriesInstanceUID
            rows.writerow([uid, found.x, found.y, found.z, found.radius])
    return out / "dicom", annotations


def nodules_of(cache: fastpix.Cache) -> list[Nodule]:
    """Return the nodule of each volume, as the CSV had it."""
    columns = cache.labels.select(["x", "y", "z", "radius"])
    return [Nodule(**row) for row in columns.to_pylist()]


def mask_of(nodule: Nodule, shape: Sequence[int], affine: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which voxels lie in a nodule, by the place of each in the patient."""
    slices, rows, columns = np.indices(shape)
    voxels = np.stack([slices, rows, columns, np.ones(shape)])
    x, y, z, _ = np.tensordot(affine, voxels, axes=1)  # millimetres, LPS
    return inside(nodule, z, y, x)


def with_mask(item: Item) -> Item:
    """Return an item with the mask of its nodule in place of the label."""
    mask = mask_of(item.pop("label"), item["image"].shape[1:], item["affine"].numpy())
    return item | {"mask": torch.from_numpy(mask[None]).float()}


def make_network() -> nn.Module:
    """Return a network that sees 6 voxels around each voxel."""
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(),
        nn.Conv3d(8, 8, 3, padding=2, dilation=2), nn.BatchNorm3d(8), nn.ReLU(),
        nn.Conv3d(8, 8, 3, padding=3, dilation=3), nn.BatchNorm3d(8), nn.ReLU(),
        nn.Conv3d(8, 1, 1),
    )  # fmt: skip


def dice_loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return 1 minus the overlap of prediction and mask: few voxels are nodule."""
    found = logits.sigmoid()
    return 1 - 2 * (found * mask).sum() / (found.sum() + mask.sum() + 1)


def train(cache: fastpix.Cache, volumes: Sequence[int]) -> nn.Module:
    """Return a network that was trained on random patches of some volumes, others in each epoch."""
    patches = VolumeDataset(
        cache,
        patch=PATCH,
        patches_per_volume=12,
        spacing=SPACING,
        normalize=WINDOW,
        labels=nodules_of(cache),
        transform=with_mask,
    ).subset(volumes)
    print(f"{len(patches)} patches of {len(volumes)} volumes in each epoch")
    loader = Loader(patches, 4, shuffle=True, seed=1, num_workers=2, persistent_workers=True)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for epoch in range(EPOCHS):
        losses = []
        for batch in loader:
            loss = dice_loss(network(batch["image"]), batch["mask"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}")
    return network


def predict(network: nn.Module, cache: fastpix.Cache, number: int) -> fastpix.Volume:
    """Return the probability of each voxel of a volume: the mean of the patches that hold it."""
    volume = cache.volume(number).resample(SPACING)
    patches = VolumeDataset(
        cache, patch=PATCH, sampling="grid", stride=STRIDE, spacing=SPACING, normalize=WINDOW
    ).subset([number])
    assert volume.affine is not None
    assert np.allclose(patches[0]["affine"].numpy(), volume.affine, rtol=0, atol=1e-9)
    print(f"{len(patches)} patches cover a volume of {volume.array.shape} voxels")
    network.eval()
    total, count = torch.zeros(volume.array.shape), torch.zeros(volume.array.shape)
    for batch in Loader(patches, batch_size=4):
        with torch.no_grad():
            answers = network(batch["image"]).sigmoid()[:, 0]
        for answer, start in zip(answers, batch["start"].tolist(), strict=True):
            place = tuple(slice(a, a + p) for a, p in zip(start, PATCH, strict=True))
            total[place] += answer
            count[place] += 1
    assert count.min() > 0  # the grid covers the volume
    return replace(volume, array=(total / count).numpy(), unit="")


def main(out: Path) -> None:
    """Make series, train on patches of all but one patient, and find the nodule of that one."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the network is small; the cores are for the workers, too
    dicom, annotations = make_study(out)
    folder = out / "volumes"
    write_known_key(folder)
    fastpix_command("convert", dicom, folder, "--unit", "series", "--format", "b2nd")
    fastpix_command("join", folder, annotations, "--on", "SeriesInstanceUID")

    cache = fastpix.open_cache(folder)
    unseen = 0
    network = train(cache, range(1, len(cache)))
    prediction = predict(network, cache, unseen)
    prediction.save(out / "prediction.nii.gz")
    check_geometry(out / "prediction.nii.gz", cache.volume(unseen).resample(SPACING))
    check_answer(prediction, nodules_of(cache)[unseen])


def check_geometry(saved: Path, volume: fastpix.Volume) -> None:
    """Check that the saved prediction lies where the volume lies."""
    image = nibabel.load(saved)
    affine = volume.affine_as("RAS", order="xyz")  # what NIfTI has
    assert image.shape == volume.array.shape[::-1]
    assert np.allclose(image.affine, affine, rtol=0, atol=1e-4)  # NIfTI has float32
    print(f"saved with the affine of the volume: origin {image.affine[:3, 3].round(2)} mm, RAS")


def check_answer(prediction: fastpix.Volume, nodule: Nodule) -> None:
    """Check that the prediction is the nodule, and that its centre is that of the CSV."""
    found = prediction.array > 0.5
    affine = prediction.affine
    assert affine is not None
    truth = mask_of(nodule, found.shape, affine)
    dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    centre = affine @ [*np.argwhere(found).mean(axis=0), 1]
    away = np.linalg.norm(centre[:3] - [nodule.x, nodule.y, nodule.z])
    print(f"Dice {dice:.2f}; centre of the prediction {away:.1f} mm from that of the CSV")
    assert dice > 0.5
    assert away < 6  # one voxel


if __name__ == "__main__":
    run_example(main, __doc__)
