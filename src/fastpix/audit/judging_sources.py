"""The polarity of a source: its sampled images as the judge takes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from fastpix.audit.extra_values import (
    BODY_PART,
    INTENSITY_RELATIONSHIP,
    INTENSITY_SIGN,
    LUT_SHAPE,
    ExtraValues,
)
from fastpix.audit.polarity import Observed, Sampled, observe
from fastpix.audit.sampled_pixels import Look, values_of
from fastpix.standard.tags import Tag


def observed_of(looks: Iterable[Look]) -> Observed:
    """Return what the sampled images of a source say about its polarity.

    Parameters
    ----------
    looks : iterable of Look
        Those in colour are passed over.
    """
    return observe([_sampled(look) for look in looks if look.header.is_gray])


def _sampled(look: Look) -> Sampled:
    extra = look.extra
    return Sampled(
        values_of(look),
        look.header.modality,
        look.header.photometric,
        presentation_lut_shape=extra.text(LUT_SHAPE),
        intensity_relationship=extra.text(INTENSITY_RELATIONSHIP),
        intensity_sign=_intensity_sign(extra),
        presentation=extra.text(Tag.PresentationIntentType),
        body_part=extra.text(BODY_PART),
    )


def _intensity_sign(extra: ExtraValues) -> int | None:
    """Return Pixel Intensity Relationship Sign (SS), None where it is absent or of another size."""
    raw = extra.values.get(INTENSITY_SIGN, b"")
    return int(struct.unpack("<h", raw)[0]) if len(raw) == 2 else None
