"""What tests of datasets share: items beside what they were made of, and epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from support.libraries import library
from support.series_files import slice_dataset, write_slices

torch = library("torch")


def assert_item(item: dict[str, Any], image: Any, **wanted: Any) -> None:
    """Hold an item against an image without channels, bit for bit, and its other keys."""
    found = item["image"].numpy()
    assert found.dtype == image.dtype
    assert found.shape == (1, *image.shape)
    assert found[0].tobytes() == image.tobytes()
    for key, value in wanted.items():
        assert item[key] == value


def epoch_of(loader: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of an epoch, taken out of their batches."""
    items: list[dict[str, Any]] = []
    for batch in loader:
        count = len(batch["image"])
        items += [{key: values[k] for key, values in batch.items()} for k in range(count)]
    return items


def indices_of(loader: Iterable[dict[str, Any]]) -> list[int]:
    """Return the numbers of the items of an epoch, in its order."""
    return [int(item["index"]) for item in epoch_of(loader)]


def patient_file(k: int, patient: int, **attributes: Any) -> Any:
    """Return a CT slice of one of several patients."""
    return slice_dataset(
        k, PatientID=f"P{patient}", StudyInstanceUID=f"1.2.{patient}",
        SeriesInstanceUID=f"1.2.{patient}.{k}", **attributes,
    )  # fmt: skip


def write_volumes(folder: Path, depths: Sequence[int], **attributes: Any) -> None:
    """Write a series of so many slices for each."""
    for k, depth in enumerate(depths):
        write_slices(
            folder / f"series-{k}",
            [
                slice_dataset(
                    place,
                    number=100 * k + place,
                    cells=np.random.default_rng(100 * k + place).integers(
                        0, 2**11, (14, 11), np.int16
                    ),
                    SeriesInstanceUID=f"1.2.3.{k}",
                    PatientID=f"P{k}",
                    **attributes,
                )
                for place in range(depth)
            ],
        )
