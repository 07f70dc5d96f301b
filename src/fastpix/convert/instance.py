"""One file of a job: read, written, and its outcome put in words that hold nothing of a patient."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from fastpix.convert.files import SourceFile
from fastpix.convert.names import Names
from fastpix.convert.sidecar import make_sidecar
from fastpix.convert.store import Store
from fastpix.errors import FastpixError, NoPixelDataError, NotDicomError
from fastpix.image import open as open_image
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the notes are in the sidecar
            image = open_image(file.path, max_bytes=job.max_bytes)
            plan = image.plan(job.recipe)
            array = image.read(job.recipe)
            sidecar = make_sidecar(image, plan, job.recipe, array, names)
        sidecar["source"] = {"path": name, "state": state}
        store.write(name, array, sidecar)
    except NotDicomError:
        return Outcome(name, "not an image")
    except FastpixError as error:
        if isinstance(error, NoPixelDataError) and not error.describes_image:
            return Outcome(name, "not an image")
        return Outcome(name, "failed", type(error).__name__, error.storable)
    except OSError as error:
        return Outcome(name, "failed", type(error).__name__, error.strerror or "input or output")
    except MemoryError:
        return Outcome(name, "failed", "MemoryError", "there is not enough memory for this image")
    except Exception as error:  # ours to mend; the job goes on
        return Outcome(name, "failed", type(error).__name__, "unexpected error inside fastpix")
    return Outcome(name, "converted")
