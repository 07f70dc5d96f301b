"""The files of a series to its volumes: stored integers, the steps that remain, rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError, SeriesError
from fastpix.job.items import Item, SourceFile
from fastpix.job.made import Made, given_up, group_of, is_being_written
from fastpix.job.one_image import columns_of_values, stored_recipe, with_peak
from fastpix.job.remaining import Remaining, check_exactness, remaining_of
from fastpix.job.resampled_volume import resampled
from fastpix.job.rows import Row, failed_row, header_columns, unit_of
from fastpix.job.sample import Sample
from fastpix.job.scan.filters import filters_of
from fastpix.job.scan.source_locations import open_location
from fastpix.job.settings import Job
from fastpix.job.source_verdicts import describer_for
from fastpix.plan.plan import Plan
from fastpix.pseudonyms import Names
from fastpix.series.open_series import find_stacks
from fastpix.series.plane_reader import plans_of
from fastpix.series.stack import Stack
from fastpix.series.volume import PlaneSource, Volume

_TOLERANCE = 0.05  # of the even grid, in gaps: that of read_series
_VOLUME = 16  # times what an image may decode to


def make_series(item: Item, job: Job) -> Made:
    """Read the volumes of a series, each of which becomes a sample.

    A stack that makes no volume is a failure, and so is the series then; its other volumes are
    stored. If a file cannot be read, nothing is: it may belong to any of the volumes.

    Parameters
    ----------
    item : Item
    job : Job

    Raises
    ------
    FastpixError, OSError
        Nothing can be read.
    """
    sources = [open_location(file.location) for file in item.files]
    found = find_stacks(sources, _TOLERANCE, job.max_bytes, job.threads)
    if found.failures:
        _, error = found.failures[0]
        kind, words = type(error).__name__, _words(error)
        made = given_up(item, job, "series", "failed", kind, f"a file cannot be read: {words}")
        return _with_files(made, item, job, {}, "failed", kind, words)
    if not found.stacks:
        return given_up(item, job, "series", "not an image", "", "")
    described = describer_for(job)
    locations = {id(source): file for source, file in zip(sources, item.files, strict=True)}
    rows: list[Row] = []
    made = Made([failed_row(item, "series", "done")], [])
    volumes: dict[str, str] = {}
    files: dict[str, Row] = {}
    failure: tuple[str, str] | None = None
    for number, stack in enumerate(found.stacks):
        name = f"{item.name}-{number}"
        for each in stack.files:
            file = locations[id(each.source)]
            files[file.relative] = described.identity(each.instance())
            volumes[file.relative] = name
        first = stack.files[0]
        row: Row = {
            "item": item.name, "name": name, "kind": "volume", "state": item.state,
            "status": "done", "files": len(stack.files),
            **header_columns(first.header), **files[locations[id(first.source)].relative],
        }  # fmt: skip
        row |= {"instance_number": None, "sop_instance": None}
        own = [files[locations[id(file.source)].relative] for file in stack.files]
        if not filters_of(job.settings.only).matches(row):
            for told in (row, *own):
                told["source"] = None  # whatever its verdict is
            row["status"] = "left out"
            rows.append(row)
            continue
        try:
            verdict = _verdict(row, own, job)
            if verdict == "exclude":
                row["status"] = "left out"
                rows.append(row)
                continue
            read = stack.exchanged() if verdict == "invert" else stack
            sample, group = _sample(read, name, row, job)
        except FastpixError as error:
            failure = type(error).__name__, _words(error)
            row |= {"status": "failed", "error": failure[0], "reason": failure[1]}
        else:
            made.samples.append((sample, group))
        rows.append(row)
    if failure is not None and any(is_being_written(file, job) for file in item.files):
        return Made([])
    top = made.rows[0]
    if failure is not None:
        top |= {"status": "failed", "error": failure[0], "reason": failure[1]}
    elif all(row["status"] == "left out" for row in rows):
        top["status"] = "left out"
    made.rows.extend(rows)
    statuses = {row["name"]: row for row in rows}
    for file in item.files:
        identity = files.get(file.relative)
        made.rows.append(_file_row(file, item, job, identity, statuses.get(
            volumes.get(file.relative, ""))))  # fmt: skip
    return made


def _verdict(row: Row, files: Sequence[Row], job: Job) -> str | None:
    """Return the verdict on the source of a volume, which all its files have.

    Parameters
    ----------
    row : dict
        Of the volume; it takes the verdict.
    files : sequence of dict
        Rows of its files; they take theirs.
    job : Job
    """
    if job.verdicts is None:
        return None
    found: dict[str, Row] = {}
    for each in (*files, row):
        each["verdict"] = job.verdicts.status_of(each["source"], each["software"])
        found[each["verdict"]] = each
    if job.verdicts.is_refused("unseen") and "unseen" in found:
        raise job.verdicts.refusal(found["unseen"]["source"], found["unseen"]["software"])
    same = {"accept" if each == "unseen" else each for each in found}
    if len(same) > 1:
        raise SeriesError(
            f"the files of this volume are of sources with different verdicts "
            f"({', '.join(sorted(found))}): give these sources the same one, or leave files out"
        )
    return str(row["verdict"])


def _sample(
    stack: Stack, name: str, row: Row, job: Job
) -> tuple[Sample, tuple[str, str, str, str]]:
    settings, recipe = job.settings, job.settings.recipe
    files = stack.files
    plans = plans_of(files, range(len(files)), recipe)
    limit = _VOLUME * job.max_bytes
    how = {"partial": settings.partial, "threads": job.threads, "max_bytes": limit}
    remaining: Remaining | None
    try:
        volume = stack.read(stored_recipe(recipe), gaps="error", **how)  # type: ignore[arg-type]
        by_source = {id(each.source): plans[k] for k, each in enumerate(files)}
        remaining = _remaining(volume.sources, by_source)
    except SeriesError:
        if settings.gaps != "fill":
            raise
        remaining = None  # a missing slice is NaN, which no integer is
    if remaining is None:
        volume = stack.read(recipe, gaps=settings.gaps, **how)  # type: ignore[arg-type]
        remaining = Remaining(volume.array.dtype.name)
    elif plans[0].needs_peak:
        remaining = with_peak(remaining, volume.array)
    check_exactness(volume.array, remaining)
    if settings.spacing is not None:
        volume, remaining = resampled(volume, remaining, settings, job.threads, limit)
    plan, header = plans[0], files[0].header
    row |= columns_of_values(volume.array.shape, volume.array.dtype.name, remaining)
    row |= _geometry(volume)
    row["unit"] = unit_of(header, plan, recipe)
    row["notes"] = [note.text for note in volume.notes] or None
    group = group_of(row, unit_of(header, plan, recipe, before_normalize=True))
    affine = volume.affine
    return Sample(name, volume.array, remaining, affine, row), group


def _remaining(
    sources: Sequence[PlaneSource | None], plans: Mapping[int, Plan]
) -> Remaining | None:
    """Return the steps of all planes; None where they differ in more than slope and intercept."""
    shared: Remaining | None = None
    slopes, intercepts = [], []
    for plane in sources:
        if plane is None:
            return None
        plan = plans[id(plane.source)]
        own = remaining_of(plan)
        pair = len(own.slopes) > 1
        slopes.append(own.slopes[plane.frame if pair else 0])
        intercepts.append(own.intercepts[plane.frame if pair else 0])
        own = replace(own, slopes=(1.0,), intercepts=(0.0,))
        if shared is None:
            shared = own
        elif own != shared:
            return None
    assert shared is not None
    if len(set(slopes)) == len(set(intercepts)) == 1:
        slopes, intercepts = slopes[:1], intercepts[:1]
    return replace(shared, slopes=tuple(slopes), intercepts=tuple(intercepts))


def _geometry(volume: Volume) -> Row:
    affine: NDArray[np.float64] | None = volume.affine
    return {
        "affine": None if affine is None else affine.ravel().tolist(),
        "spacing": None if volume.spacing is None else list(volume.spacing),
        "position": None if affine is None else affine[:3, 3].tolist(),
        "grid": volume.kind,
        "axes": " ".join(volume.axes) or None,
        "coords": json.dumps(_coords(volume)) if volume.axes else None,
    }


def _coords(volume: Volume) -> dict[str, list[Any]]:
    """Return what differs between the volumes, but for dates and times, which a cache has none of.

    Numbers are kept, and vectors of them.
    """
    return {
        name: list(values) for name, values in volume.coords.items() if all(map(_is_plain, values))
    }


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, none, or several of them."""
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (int, float))


def _with_files(
    made: Made, item: Item, job: Job, identities: Mapping[str, Row],
    status: str, error: str, reason: str,
) -> Made:  # fmt: skip
    if made.rows:
        top = {"status": status, "error": error, "reason": reason}
        made.rows.extend(
            _file_row(file, item, job, identities.get(file.relative), top) for file in item.files
        )
    return made


def _file_row(
    file: SourceFile, item: Item, job: Job, identity: Row | None, volume: Row | None
) -> Row:
    names = Names(job.key)
    row: Row = {
        **(identity or {}), "item": item.name, "name": names.of_path(file.relative),
        "kind": "file", "state": names.of_state(file.size, file.stamp),
    }  # fmt: skip
    if volume is None:  # the copy of a plane, unless it is alone
        is_alone = item.name == row["name"]
        return row | {"status": "not an image" if is_alone else "done"}
    for column in ("status", "error", "reason"):
        row[column] = volume.get(column)
    if volume.get("kind") == "volume":
        row["volume"] = volume["name"]
    return row


def _words(error: Exception) -> str:
    if isinstance(error, FastpixError):
        return error.storable
    return getattr(error, "strerror", None) or "input or output"
