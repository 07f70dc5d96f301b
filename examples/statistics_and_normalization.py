"""Choose `normalize` by statistics of the training split, one interval for each kind of scanner.

    python examples/statistics_and_normalization.py
    python examples/statistics_and_normalization.py --out FOLDER   keep the histograms

Needs ``pip install 'fastpix[job,torch]' pillow``. Takes some seconds.

CT has Hounsfield units; the numbers of MR mean nothing, and each maker has its own scale. One
interval for all leaves some images nearly black. The steps: ``fastpix stats`` on the patients of
the training split alone; a picture of the histograms; ``normalize="group"``, beside one interval;
splits of other shares, whose statistics are counted anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from made_data import chest_slices, make_patients, mr_slices, write, write_known_key
from PIL import Image
from running import fastpix_command, run_example

import fastpix
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
    picture = out / "histograms.png"
    fastpix_command("stats", cache.destination, "--split", "train", "--png", picture)
    with Image.open(picture) as image:
        print(f"histograms.png: {image.width} x {image.height} pixels")

    stats = json.loads(Path(cache.destination, "stats-train.json").read_text())
    (ct,) = (group for group in stats["groups"] if group["modality"] == "CT")
    train = CacheDataset(cache, filter="modality = CT").split()["train"]
    pixels = torch.cat([item["image"].ravel() for item in train]).double()
    print(f"CT, training split: mean {ct['mean']:.1f} HU, --normalize {ct['normalize']}")
    assert ct["images"] == len(train)
    assert np.isclose(ct["mean"], pixels.mean().item(), rtol=1e-12, atol=0)


def count_other_shares(cache: fastpix.Cache) -> None:
    """Count by other shares and another seed, which then have to be named when training."""
    shares = ",".join(f"{name}={share}" for name, share in SHARES.items())
    how = ["--split", "train", "--fractions", shares, "--seed", SEED]
    fastpix_command("stats", cache.destination, *how)
    own = fastpix.GroupNormalization.of(cache, "train", fractions=SHARES, seed=SEED)
    parts = CacheDataset(cache, normalize=own).split(SHARES, seed=SEED)
    images = {name: len(part) for name, part in parts.items()}
    print(f"{images} images; statistics are of {own.counted.images}")
    assert own.counted.images == images["train"]


def spread_by_scanner(dataset: CacheDataset) -> dict[str, float]:
    """Return the standard deviation of the normalized pixels of each kind of scanner."""
    found: dict[str, list[Any]] = {}
    for batch in Loader(dataset, batch_size=32):
        for number, image in zip(batch["index"].tolist(), batch["image"], strict=True):
            row = dataset.cache.row(number)
            assert image.min() >= 0
            assert image.max() <= 1
            found.setdefault(f"{row['modality']} {row['manufacturer']}", []).append(image.numpy())
    return {scanner: float(np.std(images)) for scanner, images in sorted(found.items())}


def compare(cache: fastpix.Cache) -> None:
    """Normalize by one interval for all, then by the interval of each group."""
    train = CacheDataset(cache).split()["train"]
    pixels = torch.cat([item["image"].ravel() for item in train]).numpy()
    lo, hi = np.percentile(pixels, (0.5, 99.5)).tolist()
    one = spread_by_scanner(CacheDataset(cache, normalize=(lo, hi)))
    own = spread_by_scanner(CacheDataset(cache, normalize="group"))
    print(f"standard deviation of pixels    one interval {lo:.0f}..{hi:.0f}   one for each group")
    for scanner in one:
        print(f"  {scanner:28} {one[scanner]:20.3f} {own[scanner]:20.3f}")
    assert max(one.values()) > 5 * min(one.values())  # some images are nearly black
    assert max(own.values()) < 2 * min(own.values())


def main(out: Path) -> None:
    """Make files of three kinds of scanner, count the training split, and normalize."""
    dicom = make_study(out)
    folder = out / "cache"
    write_known_key(folder)
    fastpix_command("convert", dicom, folder)
    cache = fastpix.open_cache(folder)
    count_training_split(cache, out)
    compare(cache)
    count_other_shares(cache)


if __name__ == "__main__":
    run_example(main, __doc__)
