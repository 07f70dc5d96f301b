"""One file to one image: its stored integers, the steps that remain, its row."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.header.instance import Instance, read_instance
from fastpix.image.image import Image
from fastpix.image.reading import plan_of_alike
from fastpix.job.items import Item
from fastpix.job.making import Made, group_of
from fastpix.job.remaining import Remaining, check_exactness, peak_of, remaining_of
from fastpix.job.rows import Row, describer_of, failed_row, header_columns, unit_of
from fastpix.job.samples import Sample
from fastpix.job.scan.filters import filters_of
from fastpix.job.scan.locations import open_location
from fastpix.job.settings import Job
from fastpix.plan.making import make_plan
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.source.lent_buffers import borrow, give_back
from fastpix.source.opening import read_source
from fastpix.source.stored import File

_KEPT_BYTES = 2**26  # of the array that is used again for the next image


class _Arrays(threading.local):
    """The memory of one array a thread: the image before has been stored when the next is read."""

    memory: NDArray[np.uint8] | None = None

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > _KEPT_BYTES:
            return np.empty(shape, dtype)
        if self.memory is None or len(self.memory) < size:
            self.memory = np.empty(size, np.uint8)
        return np.ndarray(shape, dtype, self.memory)


_arrays = _Arrays()


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
    recipe, header = job.settings.recipe, instance.header
    row: Row = {
        "item": item.name, "name": item.name, "kind": "image", "status": "done",
        "state": item.state, "files": 1,
        **header_columns(header), **describer_of(job.key).identity(instance),
    }  # fmt: skip
    if not filters_of(job.settings.only).matches(row):
        return Made([failed_row(item, "image", "left out")])
    is_shared = instance.index is not None
    plan = (plan_of_alike if is_shared else make_plan)(header, recipe)
    image = Image(instance, job.max_bytes, recipe.decoder, _arrays.empty)
    cells = image.read(stored_recipe(recipe.decoder), threads=job.threads)
    remaining = remaining_with_peak(plan, cells)
    check_exactness(cells, remaining)
    row |= columns_of_values(cells, remaining)
    row["unit"] = unit_of(header, plan, recipe)
    row["notes"] = notes_of(plan, image)
    if image.decoders:
        row["decoders"] = " and ".join(image.decoders)
    group = group_of(row, unit_of(header, plan, recipe, before_normalize=True))
    return Made([row], [(Sample(item.name, cells, remaining, None, row), group)])


@lru_cache(16)
def stored_recipe(decoder: str | None) -> Recipe:
    """Return the recipe that gives the integers of step 3 in the smallest dtype, or RGB.

    Parameters
    ----------
    decoder : str or None
    """
    return Recipe("auto", rescale=False, invert="none", decoder=decoder)


def remaining_with_peak(plan: Plan, cells: NDArray[Any]) -> Remaining:
    """Return the steps that remain, with the maximum if the plan inverts by it.

    Parameters
    ----------
    plan : Plan
    cells : ndarray
        The stored integers of the whole instance.
    """
    remaining = remaining_of(plan)
    if not plan.needs_peak:
        return remaining
    found = peak_of(cells, replace(remaining, peak=None))
    return replace(remaining, peak=0.0 if found is None else found)


def columns_of_values(cells: NDArray[Any], remaining: Remaining) -> Row:
    """Return what a row says of the array.

    Parameters
    ----------
    cells : ndarray
    remaining : Remaining
    """
    return {
        "shape": list(cells.shape),
        "dtype": cells.dtype.name,
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
