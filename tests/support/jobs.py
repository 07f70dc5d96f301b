"""Folders of a small job, and what a test asks of them."""

from __future__ import annotations

import dataclasses
import os
import time
import warnings
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import fastpix
from fastpix import Cache, Recipe, Summary
from fastpix.job.item_making import make_item
from fastpix.job.items import Item, SourceFile
from fastpix.job.settings import Job, Settings
from fastpix.kernel.registry import kernel_name
from fastpix.pseudonyms import Names, load_key
from support.builders import encode, make_dataset


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where a small job reads and writes."""

    src: Path
    dst: Path

    def add(self, name: str, data: bytes | None = None, old: bool = True) -> Path:
        """Write a source file; an old one has not been touched for a while."""
        path = self.src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(make_dataset()) if data is None else data)
        if old:
            then = time.time() - 1000
            os.utime(path, (then, then))
        return path

    def names(self) -> Names:
        return Names(load_key(self.dst.with_name(f"{self.dst.name}.key"), self.dst))

    def convert(self, **options: Any) -> Summary:
        return fastpix.convert(self.src, self.dst, **{"workers": 1, **options})

    def cache(self) -> Cache:
        return fastpix.open_cache(self.dst)

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the manifest by name, without empty columns."""
        table = fastpix.read_manifest(self.dst)
        return {
            row["name"]: {key: value for key, value in row.items() if value is not None}
            for row in table.to_pylist()
        }

    def row(self, path: Path) -> dict[str, Any]:
        return self.rows()[self.name(path)]

    def name(self, path: Path) -> str:
        return self.names().of_path(path.relative_to(self.src).as_posix())


def quiet_imread(path: Path | str, recipe: Recipe) -> NDArray[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real files are odd; tests/header tests the warnings
        return fastpix.imread(path, recipe=recipe)


def row_of(path: Path, recipe: Recipe | None = None) -> dict[str, Any]:
    """Return the row that a job makes of a file."""
    status = path.stat()
    file = SourceFile(str(path), path.name, status.st_size, status.st_mtime_ns)
    settings = Settings(recipe or Recipe())
    job = Job(settings, "", "", b"k" * 32, 2**30, kernel_name())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (row,) = make_item(Item("a" * 32, "b" * 16, (file,)), job).rows
    return row
