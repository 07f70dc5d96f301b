"""One file of a job: read, written, and its outcome put in words that hold nothing of a patient."""

from __future__ import annotations

import os
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from fastpix.errors import FastpixError, is_no_image, is_ours
from fastpix.image.open_image import open as open_image
from fastpix.job.files import SourceFile
from fastpix.pseudonyms import Names
from fastpix.job.sidecar import make_sidecar
from fastpix.job.store import Store
from fastpix.kernel.registry import use_kernel
from fastpix.recipe import Recipe

Status = Literal["converted", "present", "not an image", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """What every file of a job has in common; goes to each worker once."""

    output: Path
    recipe: Recipe
    key: bytes
    root: str | None
    max_bytes: int
    kernel: str
    threads: int = 1  # of each worker


class Outcome(NamedTuple):
    """What became of one file.

    Attributes
    ----------
    name : str
        The keyed hash of its path.
    status : str
    kind, reason : str
        For failures: the class of the error, and what it says, without the file's text.
    """

    name: str
    status: Status
    kind: str = ""
    reason: str = ""


def convert_file(file: SourceFile, job: Job) -> Outcome:
    """Convert one file, unless its output is there already."""
    names = Names(job.key, job.root)
    name = names.of_path(file.path)
    store = Store(job.output)
    state = names.of_state(file.size, file.modified_ns)
    if store.is_current(name, state, job.recipe.to_dict()):
        return Outcome(name, "present")
    try:
        store.discard(name)  # the source or the recipe has changed
        with warnings.catch_warnings(), use_kernel(job.kernel):
            warnings.simplefilter("ignore")  # the notes are in the sidecar
            image = open_image(file.path, max_bytes=job.max_bytes)
            array = image.read(job.recipe, threads=job.threads)
            plan = image.plan(job.recipe)  # names what has decoded it
            sidecar = make_sidecar(image, plan, job.recipe, array, names)
        sidecar["source"] = {"path": name, "state": state}
        store.write(name, array, sidecar)
    except FastpixError as error:
        if is_no_image(error):
            return Outcome(name, "not an image")
        return Outcome(name, "failed", type(error).__name__, error.storable)
    except OSError as error:
        return Outcome(name, "failed", type(error).__name__, error.strerror or "input or output")
    except MemoryError:
        return Outcome(name, "failed", "MemoryError", "there is not enough memory for this image")
    except Exception as error:  # ours to mend; the job goes on
        return Outcome(name, "failed", type(error).__name__, f"unexpected, at {_place(error)}")
    return Outcome(name, "converted")


def _place(error: Exception) -> str:
    """Return the innermost line of ours that an error passed through: enough to report it by."""
    place = "an unknown line"
    for frame in traceback.extract_tb(error.__traceback__):
        if is_ours(frame.filename):
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return place
