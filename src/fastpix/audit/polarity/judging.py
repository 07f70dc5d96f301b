"""`judge`: pieces of evidence, their points, and the verdict.

A piece of evidence taken from values is measured in every image, divided by the number that leaves
no doubt, held to -1 to 1, averaged over the images, and multiplied by its weight. Pieces of
evidence that oppose each other cancel out, and the verdict is *cannot tell*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from fastpix.audit.polarity import anatomy, border
from fastpix.audit.polarity.declared import intensity_sign, presentation_lut_shape
from fastpix.audit.polarity.facts import (
    Evidence,
    Observed,
    Polarity,
    PolarityVerdict,
    Profile,
    Sampled,
    Says,
    modality_of,
    shown,
)
from fastpix.audit.polarity.grids import Grid, reduced
from fastpix.audit.polarity.others import other_sources, profile_of_grids

DECIDES = 1.0  # points, on either side
SPEAKS = (
    0.15  # of the weight: a piece of evidence below says nothing (its points count nevertheless)
)
RADIOGRAPHS = ("CR", "DX", "IO", "PX", "RG")
FLUOROSCOPY = ("XA", "RF")
COUNTS = ("MR", "PT", "NM", "US")  # no signal outside of the body or the beam: nothing below it


@dataclass(frozen=True, slots=True)
class Cue:
    """One measurement of an image.

    Attributes
    ----------
    name : str
    measure : callable
        Grid of an image with low values black -> number, or None.
    full : float
        The number that leaves no doubt.
    weight : float
        Points at that number; 0: shown to people, counted for nothing.
    text : str
        With one place for the mean number.
    """

    name: str
    measure: Callable[[Grid], float | None]
    full: float
    weight: float
    text: str


_MIDDLE = (
    "The middle of the exposed field against both sides of it (spine against lungs, bone against "
    "soft tissue) differs by {:+.2f} of all ranks: positive where the middle is whiter."
)
_THIN = (
    "Thin bright structures against thin dark ones (ribs, cortical bone, lead letters, wires): "
    "{:+.2f}, positive where bright ones prevail."
)
_AIR = (
    "Border without structure (air, direct exposure) against the rest: {:+.2f}, positive where the "
    "border is darker."
)
_NO_CONVENTION = " Angiography and fluoroscopy are shown either way, so it counts for nothing."


def cues_of(modality: str, body_part: str = "") -> tuple[Cue, ...]:
    """Return what is measured in images of a modality.

    Parameters
    ----------
    modality : str
    body_part : str
        Body Part Examined, in capitals; empty where it is not known.
    """
    saturated = partial(border.air, constant=True)
    varying = partial(border.air, constant=False)
    if modality in RADIOGRAPHS:
        chest = not body_part or "CHEST" in body_part or "THORAX" in body_part
        # The measures were made for chests; other bodies have less of a middle.
        return (
            Cue("middle", anatomy.middle, 0.3, 2.0 if chest else 1.25, _MIDDLE),
            Cue("thin_structures", anatomy.thin_structures, 0.4, 1.5 if chest else 1.0, _THIN),
            # Shutters and arms lie at the border of a chest.
            Cue("air_at_border", varying, 0.4, 0.0 if chest else 0.5, _AIR),
        )
    if modality == "MG":
        return (
            Cue("air_at_border", saturated, 0.4, 2.0, _AIR),
            Cue("thin_structures", anatomy.thin_structures, 0.4, 0.75, _THIN),
        )
    if modality in FLUOROSCOPY:
        return (
            Cue("middle", anatomy.middle, 0.3, 0.0, _MIDDLE + _NO_CONVENTION),
            Cue("thin_structures", anatomy.thin_structures, 0.4, 0.0, _THIN + _NO_CONVENTION),
            Cue("air_at_border", varying, 0.4, 0.0, _AIR + _NO_CONVENTION),
        )
    if modality == "CT":
        return (
            Cue(
                "border_hu", border.border_air, 1.0, 2.0,
                "The edge of the image is air (-800 HU or less) in the share {:+.2f} of the "
                "images; negative: its sign is the opposite.",
            ),
            Cue(
                "border_below_middle", border.below_middle, 0.4, 1.25,
                "The chance that a pixel of the edge is darker than one of the middle, less 50 %: "
                "{:+.0%}.",
            ),
        )  # fmt: skip
    if modality in COUNTS:
        return (
            Cue(
                "background", border.background, 0.5, 1.5,
                "Share of the edge near the minimum less the share near the maximum: {:+.2f}; "
                "where there is no signal, values are lowest.",
            ),
            Cue(
                "border_below_middle", border.below_middle, 0.4, 1.0,
                "The chance that a pixel of the edge is darker than one of the middle, less 50 %: "
                "{:+.0%}.",
            ),
        )  # fmt: skip
    return ()


def judge(images: Sequence[Sampled], others: Sequence[Profile] = ()) -> Polarity:
    """Judge whether the Photometric Interpretation of a source fits what its images show.

    Parameters
    ----------
    images : sequence of Sampled
        Of one source: one modality, one Photometric Interpretation. More images judge better;
        twelve are enough.
    others : sequence of Profile
        Of the other sources (`profile_of`); those of another modality are passed over.

    Returns
    -------
    Polarity
        Turned-over images give opposite numbers and points of all evidence that comes from values.
    """
    return judge_observed(observe(images), others)


def observe(images: Sequence[Sampled]) -> Observed:
    """Look at the images of a source: what `judge_observed` then holds against other sources.

    Parameters
    ----------
    images : sequence of Sampled
        Of one source; none of them is needed afterwards.
    """
    planes = [plane for image in images if (plane := shown(image)) is not None]
    grids = [reduced(plane) for plane in planes]
    modality = modality_of(images)
    parts = {image.body_part.strip().upper() for image in images}
    cues = cues_of(modality, parts.pop() if len(parts) == 1 else "")
    measured = [found for cue in cues if (found := _measured(cue, grids)) is not None]
    grey = [image for image in images if shown(image) is not None]
    declared = (presentation_lut_shape(grey), intensity_sign(grey))
    return Observed(
        profile_of_grids(modality, grids),
        tuple(found for found in declared if found is not None),
        tuple(measured),
    )


def judge_observed(own: Observed, others: Sequence[Profile] = ()) -> Polarity:
    """Judge a source by what was observed of it: see `judge`.

    Parameters
    ----------
    own : Observed
    others : sequence of Profile
    """
    beside = other_sources(own.profile, others)
    evidence = (*own.declared, *(() if beside is None else (beside,)), *own.measured)
    if own.profile is None:
        return Polarity("cannot tell", None, evidence)
    score = sum(found.points for found in evidence)
    return Polarity(_verdict(score), score, evidence)


def _verdict(score: float) -> PolarityVerdict:
    if score >= DECIDES:
        return "agrees"
    return "contradicts" if score <= -DECIDES else "cannot tell"


def _measured(cue: Cue, grids: Sequence[Grid]) -> Evidence | None:
    """Return a piece of evidence; an image in which nothing can be measured counts as 0."""
    numbers = [number for grid in grids if (number := cue.measure(grid)) is not None]
    if not numbers:
        return None
    sure = float(np.clip(np.array(numbers) / cue.full, -1.0, 1.0).sum()) / len(grids)
    says: Says = "nothing"
    if cue.weight and abs(sure) >= SPEAKS:
        says = "for" if sure > 0 else "against"
    number = float(np.mean(numbers))
    text = f"{cue.text.format(number)} ({len(numbers)} of {len(grids)} images)"
    return Evidence(cue.name, says, number, text, cue.weight * sure)
