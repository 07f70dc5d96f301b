"""What is done to the pixels of an instance, and whether a person has to look at them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.beside_the_image import carries_more
from fastpix.deidentification.pixels.detected_text import detected_regions
from fastpix.deidentification.pixels.pictures_besides import has_overlay_in_cells
from fastpix.deidentification.pixels.redacting import RedactedPixels, redacted_pixels
from fastpix.deidentification.pixels.review_kinds import reason_to_wait
from fastpix.deidentification.refused import RefusedError
from fastpix.errors import FastpixError
from fastpix.header.instance import Instance, read_instance
from fastpix.plan.black import covered_regions
from fastpix.redaction import Region, description_of, ultrasound_regions
from fastpix.source.stored import File, Memory

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DETECTED = "a detector finds what may be text"
_UNSEARCHED = "text cannot be searched for: the pixels cannot be read"


class PixelPlan(NamedTuple):
    """What is done to the pixels of an instance.

    Attributes
    ----------
    instance : Instance or None
        None: it has no pixels, or its header does not say how they are read.
    waits : str
        Why a person has to look; empty: nobody has to.
    regions : tuple of Region
        What is blanked, in all frames.
    detected : tuple of Region
        What may be text.
    is_decided : bool
        A person's rules, boxes or regions decide about this image.
    has_overlay : bool
        An overlay is kept in bits of the cells.
    """

    instance: Instance | None = None
    waits: str = ""
    regions: tuple[Region, ...] = ()
    detected: tuple[Region, ...] = ()
    is_decided: bool = False
    has_overlay: bool = False


def pixel_plan(
    dataset: Dataset, stored: Memory | File, options: Deidentification, max_bytes: int
) -> PixelPlan:
    """Decide about the pixels of an instance that has some.

    Parameters
    ----------
    dataset : Dataset
        As it was read.
    stored : Memory or File
        The whole file.
    options : Deidentification
    max_bytes : int
        What the image may decode to.

    Raises
    ------
    RefusedError
        Something is to be blanked, and it cannot be said where, or not be done.
    """
    redaction = options.redaction
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            instance = read_instance(stored, max_bytes)
    except FastpixError as error:
        if redaction or options.blank_detected:
            raise RefusedError(f"it cannot be blanked: {error.storable}") from error
        waits = ""
        if not options.accept_pixels:
            unsearched = _UNSEARCHED if options.detect_text else ""
            waits = reason_to_wait(description_of(dataset, 0, 0), False) or unsearched
        return PixelPlan(None, waits)
    header = instance.header
    description = description_of(dataset, header.rows, header.columns)
    regions: tuple[Region, ...] = ()
    is_decided = False
    try:
        if redaction:
            size = header.rows, header.columns
            kept = ultrasound_regions(dataset, *size) if redaction.ultrasound_regions else None
            regions = covered_regions(header, redaction.blanked(description, kept))
            rules = redaction.rules.matching(description)
            is_decided = bool(rules or redaction.boxes or redaction.ultrasound_regions)
        detected: tuple[Region, ...] = ()
        if options.detect_text:
            detected = detected_regions(instance, regions, max_bytes)
            if options.blank_detected:
                regions = covered_regions(header, (*regions, *detected))
    except FastpixError as error:
        raise RefusedError(f"it cannot be blanked: {error.storable}") from error
    waits = ""
    if not options.accept_pixels:
        waits = reason_to_wait(description, is_decided) or (_DETECTED if detected else "")
    has_overlay = has_overlay_in_cells(dataset) and not header.is_float
    return PixelPlan(instance, waits, regions, detected, is_decided, has_overlay)


def new_pixels(plan: PixelPlan, identifiers: Identifiers) -> RedactedPixels | None:
    """Return what takes the place of the pixels; None: they stay byte for byte.

    Besides what is blanked, these go: overlays in the bits of cells, what is outside of the frames,
    and what codestreams carry besides their image, where it identifies.

    Parameters
    ----------
    plan : PixelPlan
    identifiers : Identifiers
        Of the original.

    Raises
    ------
    RefusedError
        It cannot be done.
    """
    instance = plan.instance
    if instance is None:
        return None
    try:
        if plan.regions or plan.has_overlay or carries_more(instance, identifiers):
            return redacted_pixels(
                instance, plan.regions, clear_unused_bits=plan.has_overlay,
                is_identifying=identifiers.in_remark, is_hidden=identifiers.in_raw,
            )  # fmt: skip
    except FastpixError as error:
        raise RefusedError(f"it cannot be blanked: {error.storable}") from error
    return None
