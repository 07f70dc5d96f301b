"""Choose `normalize` by statistics of the training split, one interval for each kind of scanner.

    python examples/statistics_and_normalization.py
    python examples/statistics_and_normalization.py --out FOLDER   keep the histograms

Needs ``pip install 'fastpix[job,torch]' pillow``. In seconds.

CT has Hounsfield units; the numbers of MR mean nothing, and each maker has its own scale. One
interval for all leaves some images nearly black. The steps: ``fastpix stats`` on the patients of
the training split alone; a picture of the histograms; ``normalize="group"``, beside one interval.
"""

from __future__ import annotations

import json
from pathlib import Path

import fastpix
import numpy as np
from made_data import chest_slices, make_patients, write, write_known_key
from PIL import Image
from running import fastpix_command, run_example

from fastpix.torch import CacheDataset, Loader

PATIENTS = 60
DEPTHS = (-45.0, -15.0, 15.0, 45.0)
SHARES = {"train": 0.7, "test": 0.3}
SEED = 3


def make_study(out: Path) -> Path:
    """Write CT, and MR of two makers, one of whom has numbers eight times as large."""
    for patient in make_patients(PATIENTS):
        if patient.number % 3 == 0:
            slices = chest_slices(patient, DEPTHS, size=96)
        elif patient.number % 3 == 1:
            slices = mr_slices(patient, DEPTHS, size=96, maker="SIEMENS", scale=0.5)
        else:
            slices = mr_slices(patient, DEPTHS, size=96, maker="Philips", scale=4)
        write(out / "dicom" / patient.patient_id, slices)
    return out / "dicom"


def count_training_split(cache: fastpix.Cache, out: Path) -> None:
    """Run ``fastpix stats`` on the training split, and check what it says of the CT images."""
    shares = ",".join(f"{name}={share}" for name, share in SHARES.items())
    how = ["--split", "train", "--fractions", shares, "--seed", SEED]
    fastpix_command("stats", cache.destination, *how, "--png", out / "histograms.png")
    with Image.open(out / "histograms.png") as picture:
        print(f"histograms.png: {picture.width} x {picture.height} pixels")
        assert picture.width > 400

    (path,) = Path(cache.destination).glob("stats-train-*.json")
    (ct,) = (group for group in json.loads(path.read_text())["groups"] if group["modality"] == "CT")
    train = cache.subset(fastpix_split(cache)["train"])
    pixels = np.concatenate([
        train[k].ravel() for k in range(len(train)) if train.row(k)["modality"] == "CT"
    ])  # fmt: skip
    assert ct["pixels"] == pixels.size
    assert np.isclose(ct["mean"], pixels.mean(dtype=np.float64), rtol=1e-12, atol=0)
    lo, hi = ct["normalize"]
    print(f"CT, training split: mean {ct['mean']:.1f} HU; normalize=({lo:g}, {hi:g})")


