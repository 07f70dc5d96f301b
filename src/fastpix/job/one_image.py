"""One file to one image: its stored integers, the steps that remain, its row."""

from __future__ import annotations

import math
import os
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.header.exchanged import exchanged
from fastpix.header.image_affine import image_geometry
from fastpix.header.instance import Instance, read_instance
from fastpix.image.image import Image
from fastpix.image.reading import plan_of_alike
from fastpix.job.items import Item
from fastpix.job.made import Made, group_of
from fastpix.job.redacted_image import blank, blanked_regions
from fastpix.job.remaining import Remaining, check_exactness, peak_of, remaining_of
from fastpix.job.rows import Row, failed_row, header_columns, unit_of
from fastpix.job.sample import Sample
from fastpix.job.scan.filters import filters_of
from fastpix.job.scan.source_locations import open_location
from fastpix.job.settings import Job
from fastpix.job.source_verdicts import describer_for, keep_source, obeyed, source_of
from fastpix.plan.making import make_plan
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.source.lent_buffers import borrow, give_back
from fastpix.source.opening import read_source
from fastpix.source.stored import File

_KEPT_BYTES = 2**26  # of the array that is used again for the next image


class _Kept(threading.local):
    """What a thread keeps of the image before: it has been stored when the next is read."""

    memory: NDArray[np.uint8] | None = None  # of its array
    plan: Plan | None = None
    dtype: Any = None
    remaining = Remaining("float32")  # of that plan, without a maximum
    columns: Row = {}  # noqa: RUF012 (replaced, never changed)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > _KEPT_BYTES:
            return np.empty(shape, dtype)
        if self.memory is None or len(self.memory) < size:
            self.memory = np.empty(size, np.uint8)
        return np.ndarray(shape, dtype, self.memory)

    def steps(self, plan: Plan, cells: NDArray[Any]) -> tuple[Remaining, Row]:
        """Return the steps that remain, and what a row says of them; files alike share a plan."""
        if plan is not self.plan or cells.dtype is not self.dtype:
            self.remaining = remaining_of(plan)
            self.columns = columns_of_values(cells.shape, cells.dtype.name, self.remaining)
            self.plan, self.dtype = plan, cells.dtype
        return self.remaining, self.columns


_kept = _Kept()


def make_image(item: Item, job: Job) -> Made:
    """Read the image of a file.

    The array of the sample is overwritten by the next image of this thread: it has to be stored
    before.

    Parameters
    ----------
    item : Item
        Of one file.
    job : Job

    Raises
    ------
    FastpixError, OSError
        The file cannot be read, or cannot give what the recipe asks for.
    """
    (file,) = item.files
    buffer = borrow()
    try:
        source = open_location(file.location)
        stored = read_source(source, lent=buffer)
        try:
            return _made(read_instance(stored, job.max_bytes), item, job)
        finally:
            if isinstance(stored, File):
                stored.close()
    finally:
        give_back(buffer)


def _made(instance: Instance, item: Item, job: Job) -> Made:
    row: Row = {
        "item": item.name, "name": item.name, "kind": "image", "status": "done",
        "state": item.state, "files": 1,
        **header_columns(instance.header), **describer_for(job).identity(instance),
    }  # fmt: skip
    if not filters_of(job.settings.only).matches(row):
        return Made([failed_row(item, "image", "left out")])
    try:
        verdict = obeyed(row, job)
        if verdict == "exclude":
            return Made([failed_row(item, "image", "left out") | source_of(row)])
        if verdict == "invert":
            instance = instance.read_as(exchanged(instance.header))
        return _read(instance, item, job, row)
    except Exception as error:
        keep_source(error, row)
        raise


def _read(instance: Instance, item: Item, job: Job, row: Row) -> Made:
    recipe, header = job.settings.recipe, instance.header
    is_shared = instance.index is not None
    plan = (plan_of_alike if is_shared else make_plan)(header, recipe)
    image = Image(instance, job.max_bytes, recipe.decoder, _kept.empty)
    redaction = job.settings.redaction
    regions = () if redaction is None else blanked_regions(instance, redaction)
    cells = image.read(stored_recipe(recipe), threads=job.threads)
    blanked = blank(cells, header, regions) if regions else None
    remaining, columns = _kept.steps(plan, cells)
    if plan.needs_peak:
        remaining = with_peak(remaining, cells)
        columns = columns_of_values(cells.shape, cells.dtype.name, remaining)
    check_exactness(cells, remaining)
    row |= columns
    row["unit"] = unit_of(header, plan, recipe)
    row["notes"] = notes_of(plan, image)
    if blanked:
        row["notes"] = [*(row["notes"] or ()), blanked]
    if image.decoders:
        row["decoders"] = " and ".join(image.decoders)
    if job.settings.format == "index":
        row["offset"] = _offset_of(instance, item)
    group = group_of(row, unit_of(header, plan, recipe, before_normalize=True))
    affine = image_geometry(instance).affine if job.settings.format == "nifti" else None
    return Made([row], [(Sample(item.name, cells, remaining, affine, row), group)])


def _offset_of(instance: Instance, item: Item) -> int | None:
    """Return where native pixels begin in a file; None where they do not lie in one as they are."""
    index, pixels = instance.index, instance.pixels
    if index is None or index.is_encapsulated or index.inflated is not None:
        return None
    return pixels.start if os.path.exists(item.files[0].location) else None


@lru_cache(16)
def stored_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe that gives the integers of step 3 in the smallest dtype, or RGB.

    RGB has 8 bits where the recipe of the job has a range for colour: its values come of these.

    Parameters
    ----------
    recipe : Recipe
    """
    return Recipe(
        "auto", rescale=False, invert="none", decoder=recipe.decoder,
        color_range=None if recipe.color_range is None else (0, 255),
    )  # fmt: skip


def with_peak(remaining: Remaining, cells: NDArray[Any]) -> Remaining:
    """Return the steps that remain, with the maximum by which a plan inverts.

    Parameters
    ----------
    remaining : Remaining
    cells : ndarray
        The stored integers of the whole image or volume.
    """
    found = peak_of(cells, replace(remaining, peak=None))
    return replace(remaining, peak=0.0 if found is None else found)


def columns_of_values(shape: tuple[int, ...], dtype: str, remaining: Remaining) -> Row:
    """Return what a row says of an array.

    Parameters
    ----------
    shape : tuple of int
    dtype : str
        Of what is stored.
    remaining : Remaining
    """
    return {
        "shape": list(shape),
        "dtype": dtype,
        "output": remaining.output,
        "steps": remaining.to_json(),
    }


def notes_of(plan: Plan, image: Image) -> list[str] | None:
    """Return what was odd, in words that hold no text of the file; None where nothing was.

    Parameters
    ----------
    plan : Plan
    image : Image
        Its frames were read.
    """
    notes = dict.fromkeys(note.text for note in (*plan.notes, *image.notes))
    return list(notes) or None
