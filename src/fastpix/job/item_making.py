"""An item to rows and samples: what is read of one file or one series, before it is stored."""

from __future__ import annotations

import os
import traceback

from fastpix.errors import FastpixError, is_no_image, is_ours
from fastpix.job.items import Item
from fastpix.job.made import Made, given_up
from fastpix.job.settings import Job
from fastpix.job.source_verdicts import kept_source


def make_item(item: Item, job: Job) -> Made:
    """Read an item, and return its rows and samples; what goes wrong with it is in its rows.

    Warnings of headers are not given: they are the notes of rows.

    Parameters
    ----------
    item : Item
    job : Job
    """
    kind = "image" if job.settings.unit == "file" else "series"
    try:
        if kind == "image":
            from fastpix.job.one_image import make_image

            return make_image(item, job)
        from fastpix.job.one_series import make_series

        return make_series(item, job)
    except Exception as error:
        made = _failure(item, job, kind, error)
        for row in made.rows:
            row |= kept_source(error)
        return made


def _failure(item: Item, job: Job, kind: str, error: Exception) -> Made:
    if isinstance(error, FastpixError):
        status = "not an image" if is_no_image(error) else "failed"
        return given_up(item, job, kind, status, type(error).__name__, error.storable)
    if isinstance(error, OSError):
        reason = error.strerror or "input or output"
        return given_up(item, job, kind, "failed", type(error).__name__, reason)
    if isinstance(error, MemoryError):
        reason = "there is not enough memory for this image"
        return given_up(item, job, kind, "failed", "MemoryError", reason)
    reason = f"unexpected, at {place_of(error)}"  # ours to mend; the job goes on
    return given_up(item, job, kind, "failed", type(error).__name__, reason)


def place_of(error: Exception) -> str:
    """Return the innermost line of ours that an error passed through: enough to report it by.

    Parameters
    ----------
    error : Exception
    """
    place = "an unknown line"
    for frame in traceback.extract_tb(error.__traceback__):
        if is_ours(frame.filename):
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return place
