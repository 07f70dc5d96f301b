"""What is kept beside an array: an allow-list, free of patient data by construction.

Numbers, terms of the standard, entries of our own tables, and keyed hashes: no text of the file.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, all_equal
from fastpix.image.image import Image
from fastpix.pseudonyms import Names
from fastpix.job.vocabulary import maker, modality_term, model, unit_term
from fastpix.kernel.registry import kernel_name
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.standard.syntaxes import uid_name
from fastpix.standard.tags import Tag

FORMAT = 3
"""Raised whenever an older sidecar's array would be read differently today."""

_UIDS = {
    "sop_instance": Tag.SOPInstanceUID,
    "study": Tag.StudyInstanceUID,
    "series": Tag.SeriesInstanceUID,
    "frame_of_reference": Tag.FrameOfReferenceUID,
}


def make_sidecar(
    image: Image, plan: Plan, recipe: Recipe, array: NDArray[Any], names: Names
) -> dict[str, Any]:
    """Return what may be known of one converted instance, as strict JSON can hold it.

    Parameters
    ----------
    image : Image
        Still open.
    plan : Plan
    recipe : Recipe
    array : ndarray
        What was read.
    names : Names
        For the keyed hashes.
    """
    header = image.header
    attributes = image.attributes
    versions = {"fastpix": version("fastpix"), "pydicom": version("pydicom"),
                "numpy": np.__version__, "kernel": kernel_name()}  # fmt: skip
    return {
        "format": FORMAT,
        "versions": versions,
        "decoders": list(image.decoders),
        "recipe": recipe.to_dict(),
        "plan": plan.to_dict(),
        "array": {
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "unit": _unit(plan, image, recipe),
            **_statistics(array),
        },
        "instance": {
            "sop_class": uid_name(attributes.uid(Tag.SOPClassUID)) or None,
            "modality": modality_term(attributes.text(Tag.Modality)),
            "manufacturer": maker(attributes.text(Tag.Manufacturer), names),
            "model": model(attributes.text(Tag.ManufacturerModelName), names),
            "burned_in_annotation": _yes_or_no(attributes.text(Tag.BurnedInAnnotation)),
            "uids": {key: _uid(attributes, tag, names) for key, tag in _UIDS.items()},
        },
        "bits": {
            "allocated": header.bits_allocated,
            "stored": header.bits_stored,
            "high_bit": header.high_bit,
            "signed": header.signed,
        },
        "geometry": {
            "pixel_spacing": _grouped_numbers(
                attributes, Tag.PixelMeasuresSequence, Tag.PixelSpacing, 2
            ),
            "image_orientation": _grouped_numbers(
                attributes, Tag.PlaneOrientationSequence, Tag.ImageOrientationPatient, 6
            ),
        },
    }


def _unit(plan: Plan, image: Image, recipe: Recipe) -> str:
    if plan.color is not None:
        return "RGB"
    unit = unit_term(image.header.unit) if recipe.rescale else "stored values"
    if plan.invert != "none":
        unit = f"inverted {unit}"
    if recipe.normalize is not None:
        lo, hi = recipe.normalize
        return f"0..1, from {lo:g}..{hi:g} {unit}"
    return unit


def _uid(attributes: Attributes, tag: int, names: Names) -> str | None:
    uid = attributes.uid(tag)
    return names.of_uid(uid) if uid else None


def _yes_or_no(text: str | None) -> str | None:
    return text if text in ("YES", "NO") else None


def _grouped_numbers(
    attributes: Attributes, group: int, tag: int, count: int
) -> list[float] | None:
    """Return numbers from the top level or the functional groups; None where frames differ."""
    found = []
    try:
        groups = attributes.items(Tag.SharedFunctionalGroupsSequence)
        groups += attributes.items(Tag.PerFrameFunctionalGroupsSequence)
        for place in [attributes, *(item for items in groups for item in items.items(group))]:
            numbers = place.numbers(tag)
            if len(numbers) == count:
                found.append(numbers)
    except PixelHeaderError:
        return None
    return found[0] if found and all_equal(found) else None


def _statistics(array: NDArray[Any]) -> dict[str, float | int | None]:
    """Minimum, maximum, mean and standard deviation of the values, NaN left out."""
    values = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    if values.size == 0:
        return {"min": None, "max": None, "mean": None, "std": None}
    with np.errstate(all="ignore"):
        mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return {
        "min": _finite(values.min().item()),
        "max": _finite(values.max().item()),
        "mean": _finite(mean),
        "std": _finite(std),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
