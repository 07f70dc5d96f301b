"""Train a 2-D classifier on DICOM files, with no copy of them: does a CT slice show a nodule?

    python examples/classify_slices.py               a plain training loop
    python examples/classify_slices.py --lightning   the same with Lightning

Needs ``pip install 'fastpix[job,torch]'``, and ``lightning`` for ``--lightning``. Takes some
seconds on CPU.

The steps: an index of a folder (a manifest, no pixels), labels of a CSV joined to it, a split by
patient, batches that are read by one call each, a small network.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch
from made_data import chest_slices, make_patients, write, write_known_key
from running import fastpix_command, run_example
from torch import nn

import fastpix
from fastpix.torch import DicomDataset, Loader

PATIENTS = 40
EPOCHS = 14
WINDOW = (-1000, 400)  # Hounsfield units that become 0..1
SHARES = {"train": 0.75, "test": 0.25}


def make_study(out: Path) -> tuple[Path, Path]:
    """Write six slices of each patient, three of them through the nodule, and a CSV of labels."""
    labels = out / "labels.csv"
    with labels.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["SOPInstanceUID", "has_nodule"])
        for patient in make_patients(PATIENTS):
            assert patient.nodule is not None
            depths = [patient.nodule.z + away for away in (-40, -30, -4, 0, 4, 35)]
            slices = chest_slices(patient, depths, size=80)
            write(out / "dicom" / patient.patient_id, slices)
            for slice_, depth in zip(slices, depths, strict=True):
                rows.writerow([slice_.SOPInstanceUID, int(abs(depth - patient.nodule.z) < 10)])
    return out / "dicom", labels


def open_splits(index: Path) -> dict[str, DicomDataset]:
    """Return the dataset of each split; no patient is in two of them."""
    dataset = DicomDataset(
        fastpix.open_cache(index),
        recipe=fastpix.Recipe(normalize=WINDOW),
        labels="has_nodule",  # the column of labels.csv
    )
    return dataset.split(SHARES, by="patient")


def make_network() -> nn.Module:
    """Return a network of three convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 2),
    )  # fmt: skip


def loss_of(network: nn.Module, batch: dict[str, Any]) -> torch.Tensor:
    """Return the loss of a batch, half of it mirrored: left and right lungs are alike."""
    images = batch["image"]  # float32, (batch, 1, rows, columns)
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    logits = network(torch.where(mirrored, images.flip(-1), images))
    return nn.functional.cross_entropy(logits, batch["label"])


def train_plainly(network: nn.Module, loader: Loader) -> None:
    """Train by a loop that knows nothing of fastpix but the keys of a batch."""
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for epoch in range(EPOCHS):
        losses = []
        for batch in loader:
            loss = loss_of(network, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}")


def train_with_lightning(network: nn.Module, loader: Loader, out: Path) -> None:
    """Train with Lightning, which takes the same loader."""
    import lightning

    class Classifier(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: dict[str, Any], _: int) -> torch.Tensor:
            return loss_of(self.network, batch)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=3e-3)

    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=out,
    )
    trainer.fit(Classifier(), loader)


def accuracy_of(network: nn.Module, dataset: DicomDataset) -> float:
    """Return the share of slices that are classified right."""
    network.eval()
    right = 0
    with torch.no_grad():
        for batch in Loader(dataset, 64):
            right += int((network(batch["image"]).argmax(1) == batch["label"]).sum())
    return right / len(dataset)


def main(out: Path, lightning: bool) -> None:
    """Make a study, train on it, and test on patients that the network has not seen."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the network is small; the cores are for the workers, too
    dicom, labels = make_study(out)
    index = out / "index"
    write_known_key(index)
    fastpix_command("convert", dicom, index, "--format", "index")
    fastpix_command("join", index, labels, "--on", "SOPInstanceUID")

    splits = open_splits(index)
    patients = {name: {item["patient"] for item in splits[name]} for name in splits}
    for name, dataset in splits.items():
        print(f"{name}: {len(dataset)} slices of {len(patients[name])} patients")
    assert not patients["train"] & patients["test"]
    assert len(patients["train"] | patients["test"]) == PATIENTS

    loader = Loader(
        splits["train"], 32, shuffle=True, seed=1, num_workers=2, persistent_workers=True
    )
    network = make_network()
    if lightning:
        train_with_lightning(network, loader, out)
    else:
        train_plainly(network, loader)

    labels_of_test = splits["test"].labels or []
    chance = max(labels_of_test.count(0), labels_of_test.count(1)) / len(labels_of_test)
    accuracy = accuracy_of(network, splits["test"])
    print(f"accuracy on other patients: {accuracy:.2f}; always the same answer: {chance:.2f}")
    assert accuracy > 0.8 > chance


if __name__ == "__main__":
    run_example(main, __doc__, "--lightning")
