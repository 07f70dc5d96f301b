"""A small folder of files that are copied without identity, and what a test asks of the copies."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import fastpix
from fastpix.deidentification.run.deidentifying import CopySummary
from fastpix.pseudonyms import Names, load_key
from support.planted_files import UID, planted, write

CT, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"


@dataclasses.dataclass(frozen=True)
class Copied:
    """Where a small job reads and writes."""

    src: Path
    dst: Path

    @property
    def work(self) -> Path:
        return self.dst.with_name(f"{self.dst.name}.work")

    def add(
        self, name: str, sop_class: str = CT, patient: str = "MRN-8273645", **values: Any
    ) -> Path:
        """Write a file with markers in every place, that has not been touched for a while."""
        dataset = planted(sop_class)
        dataset.SOPInstanceUID = f"{UID}.{sum(name.encode())}"
        dataset.PatientID = patient
        if sop_class == US:
            dataset.Modality = "US"
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        path = self.src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return settled(write(dataset, path))

    def copy(self, **options: Any) -> CopySummary:
        return fastpix.deidentify(self.src, self.dst, **{"workers": 1, **options})

    def name(self, path: Path) -> str:
        key = load_key(self.dst.with_name(f"{self.dst.name}.key"), self.dst)
        return Names(key).of_path(path.relative_to(self.src).as_posix())

    def of(self, path: Path) -> Path:
        name = self.name(path)
        return self.dst / "copies" / name[:2] / f"{name}.dcm"

    def copies(self) -> list[Path]:
        return sorted((self.dst / "copies").rglob("*.dcm"))

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in fastpix.read_manifest(self.dst).to_pylist()}

    def row(self, path: Path) -> dict[str, Any]:
        return self.rows()[self.name(path)]


def settled(path: Path) -> Path:
    then = time.time() - 1000
    os.utime(path, (then, then))
    return path
