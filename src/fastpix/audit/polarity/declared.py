"""What other attributes of the header say about the Photometric Interpretation."""

from __future__ import annotations

from collections.abc import Sequence

from fastpix.audit.polarity.facts import Evidence, Sampled, Says, modality_of

AGREED = (
    0.25  # a header that is wrong is mostly wrong in one piece, so that agreement is worth little
)
DENIED = -0.75  # two attributes that deny decide, one does not
NO_SIGN = ("XA", "RF")  # their modules have no Pixel Intensity Relationship Sign


def presentation_lut_shape(images: Sequence[Sampled]) -> Evidence | None:
    """Return whether Presentation LUT Shape fits (PS3.3 C.8.11.3.1.2), None where it is absent.

    IDENTITY belongs to MONOCHROME2, INVERSE to MONOCHROME1.

    Parameters
    ----------
    images : sequence of Sampled
    """
    expected = {"IDENTITY": "MONOCHROME2", "INVERSE": "MONOCHROME1"}
    fits = [
        expected[shape] == _photometric(image)
        for image in images
        if (shape := image.presentation_lut_shape.strip().upper()) in expected
    ]
    return _evidence(
        "presentation_lut_shape",
        fits,
        "Presentation LUT Shape {} Photometric Interpretation in {} of {} images: IDENTITY belongs "
        "to MONOCHROME2, INVERSE to MONOCHROME1 (PS3.3 C.8.11.3.1.2).",
    )


def intensity_sign(images: Sequence[Sampled]) -> Evidence | None:
    """Return whether bone is white by Pixel Intensity Relationship Sign, None where it is absent.

    -1: higher values are less X-ray intensity, so bone is high, white under MONOCHROME2. 1: bone is
    low, white under MONOCHROME1 (PS3.3 C.8.11.3.1.2).

    Parameters
    ----------
    images : sequence of Sampled
    """
    if modality_of(images) in NO_SIGN:
        return None
    fits = [
        (image.intensity_sign == -1) == (_photometric(image) == "MONOCHROME2")
        for image in images
        if image.intensity_sign in (-1, 1)
    ]
    raw = any(image.presentation.strip().upper() == "FOR PROCESSING" for image in images)
    more = " The standard allows that in images FOR PROCESSING: they read with bone black."
    return _evidence(
        "intensity_sign",
        fits,
        "Pixel Intensity Relationship Sign {} Photometric Interpretation in {} of {} images: bone "
        "is white under MONOCHROME2 with -1 and under MONOCHROME1 with 1 (PS3.3 C.8.11.3.1.2)."
        + (more if raw and fits and not all(fits) else ""),
    )


def _photometric(image: Sampled) -> str:
    return image.photometric.strip().upper()


def _evidence(name: str, fits: Sequence[bool], text: str) -> Evidence | None:
    if not fits:
        return None
    number = (2 * sum(fits) - len(fits)) / len(fits)
    says: Says = "for" if number > 0 else "against" if number < 0 else "nothing"
    points = number * AGREED if number > 0 else -number * DENIED
    count = sum(fits) if number >= 0 else len(fits) - sum(fits)
    word = "fits" if number >= 0 else "contradicts"
    return Evidence(name, says, number, text.format(word, count, len(fits)), points)
