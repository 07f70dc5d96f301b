"""What no live row needs any more, removed; shards that hold some of it, written again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastpix.errors import FastpixError
from fastpix.job.cache import Cache
from fastpix.job.dataset_file import no_cache, read_settings
from fastpix.job.formats import format_named
from fastpix.job.items import Batch, Item
from fastpix.job.maintenance import (
    finish_publishing,
    folder_of,
    is_run_alive,
    remove_leftovers,
)
from fastpix.job.manifest import commit, read_parts
from fastpix.job.manifest_table import live_table
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage import storage_at
from fastpix.job.storage.storage_protocol import Storage

if TYPE_CHECKING:
    import pyarrow


class Collected(NamedTuple):
    """What `collect` did.

    Attributes
    ----------
    removed : int
        Files.
    rewritten : int
        Shards, without their dead samples.
    freed : int
        Bytes.
    lost : int
        Live samples whose file is missing.
    """

    removed: int
    rewritten: int
    freed: int
    lost: int


def collect(dst: str | os.PathLike[str], force: bool = False) -> Collected:
    """Remove what no live row needs, and what runs that died have left.

    Data of batches that are committed alone are touched; other data only if they are a day old.

    Parameters
    ----------
    dst : path or URL
    force : bool
        Remove data that no run has committed, however new.

    Raises
    ------
    FastpixError
        It is no cache, or a run is writing to it.
    """
    destination = os.fspath(dst)
    storage = storage_at(destination)
    settings = read_settings(storage)
    if settings is None:
        raise no_cache(destination)
    if is_run_alive(storage):
        raise FastpixError(
            "a run is writing to this cache, or died within the last ten minutes: try again later"
        )
    finish_publishing(storage, folder_of(settings.format))
    attempts: set[str] = set()
    dead_files: set[str] = set()
    generation = 0
    for facts, table in read_parts(storage, ["file"]):
        attempts.add(facts.attempt)
        generation = max(generation, facts.generation)
        dead_files.update(file for file in table.column("file").to_pylist() if file)
    removed, freed = remove_leftovers(storage, attempts, force)
    table = live_table(storage, settings.id, ("image", "volume"), ("done",))
    live_files = set(table.column("file").to_pylist())
    sizes = {entry.key: entry.size for entry in storage.list()}
    for file in sorted(dead_files - live_files):
        for key in (file, *_beside(file)):
            if key in sizes:
                storage.remove(key)
                removed, freed = removed + 1, freed + sizes[key]
    # The format `index` keeps no files.
    lost = sum(bool(file) and file not in sizes for file in table.column("file").to_pylist())
    if lost:
        _forget(storage, settings, table, sizes, generation + 1)
        generation += 1
    if settings.format != "tar" or settings.unit != "file" or lost:
        return Collected(removed, 0, freed, lost)
    cache = Cache(destination, settings, table)
    rewritten = 0
    files = np.array(table.column("file").to_pylist(), dtype=np.str_)
    totals: dict[str, int] = {}
    for _, part in read_parts(storage, ["file"]):
        for file in part.column("file").to_pylist():
            if file:
                totals[file] = totals.get(file, 0) + 1
    for file in sorted(live_files & set(sizes)):
        places = np.flatnonzero(files == file).tolist()
        if len(places) == totals[file]:
            continue
        generation += 1
        size = _rewrite(cache, places, generation)
        storage.remove(file)
        rewritten, freed = rewritten + 1, freed + sizes[file] - size
    return Collected(removed, rewritten, freed, lost)


def _forget(
    storage: Storage,
    settings: Settings,
    table: pyarrow.Table,
    sizes: Mapping[str, int],
    generation: int,
) -> None:
    """Write that items whose arrays are missing are gone, so that the next run does them again."""
    columns = (table.column(name).to_pylist() for name in ("item", "file"))
    lost = sorted({item for item, file in zip(*columns, strict=True) if file and file not in sizes})
    kind = "image" if settings.unit == "file" else "series"
    rows = [
        {"item": name, "name": name, "kind": kind, "status": "gone", "state": "0" * 16}
        for name in lost
    ]
    items = tuple(Item(name, "0" * 16, ()) for name in lost)
    commit(storage, Batch(generation, settings.id, items), "gc", rows, b"")


def _beside(file: str) -> tuple[str, ...]:
    """Return what belongs to the file of one sample: its sidecar, or what says what Zarr it is."""
    folder, slash, name = file.rpartition("/")
    if folder.endswith(".zarr") or ".zarr/" in file:
        return (f"{file.partition('.zarr/')[0]}.zarr/zarr.json",)
    return (f"{folder}{slash}{name.partition('.')[0]}.json",) if not slash else ()


def _rewrite(cache: Cache, places: list[int], generation: int) -> int:
    """Copy live samples of a shard to a new one, and commit it; return how many bytes it has."""
    storage, settings = storage_at(cache.destination), cache.settings
    rows = [cache.row(place) for place in places]
    items = tuple(Item(row["item"], row["state"], ()) for row in rows)
    batch = Batch(generation, settings.id, items)
    attempt = secrets.token_hex(6)
    writer = format_named(settings.format).writer(storage, batch.id, attempt, settings)
    try:
        size = 0
        for place, row in zip(places, rows, strict=True):
            cache.verify(place)
            sample = Sample(row["name"], cache.stored(place), cache.remaining(place),
                            cache.affine(place), row)  # fmt: skip
            placed = writer.add(sample)
            row |= placed._asdict()
            size = placed.offset + placed.length
        writer.flush()
        if commit(storage, batch, attempt, rows, b""):
            writer.publish()
        else:
            writer.discard()
    except BaseException:
        writer.discard()
        raise
    return size
