"""What a judgement of polarity takes and gives: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Says: TypeAlias = Literal["for", "against", "nothing"]
PolarityVerdict: TypeAlias = Literal["agrees", "contradicts", "cannot tell"]


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """One image of a source, and what its header says about its polarity.

    Attributes
    ----------
    values : ndarray
        Modality values as ``imread(…, invert="none")`` gives them, of any real dtype, shape
        ``(rows, columns)`` or ``(frames, rows, columns)``, of which the middle frame is looked at.
        `judge` turns MONOCHROME1 over itself, so that the answer does not depend on which way of
        inversion a recipe asks for. NaN and infinities are left out of every number; give padding
        as NaN (``padding=float("nan")``).
    modality : str
        PS3.3 C.7.3.1.1.1.
    photometric : str
        Photometric Interpretation. Images other than MONOCHROME1 and MONOCHROME2 say nothing.
    presentation_lut_shape : str
        ``IDENTITY``, ``INVERSE``, or empty where absent.
    intensity_relationship : str
        Pixel Intensity Relationship: ``LIN``, ``LOG``, or empty.
    intensity_sign : int or None
        Pixel Intensity Relationship Sign: 1 or -1.
    presentation : str
        Presentation Intent Type: ``FOR PROCESSING``, ``FOR PRESENTATION``, or empty.
    body_part : str
        Body Part Examined, or empty.
    """

    values: NDArray[Any]
    modality: str
    photometric: str = "MONOCHROME2"
    presentation_lut_shape: str = ""
    intensity_relationship: str = ""
    intensity_sign: int | None = None
    presentation: str = ""
    body_part: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence.

    Attributes
    ----------
    name : str
        Stable: ``presentation_lut_shape``, ``intensity_sign``, ``middle``, ``thin_structures``,
        ``air_at_border``, ``border_hu``, ``border_below_middle``, ``background``,
        ``other_sources``.
    says : {"for", "against", "nothing"}
        For or against the Photometric Interpretation of the files.
    number : float or None
        What was measured, None where nothing could be. A number taken from values changes its sign
        when the images are turned over.
    text : str
        A sentence for people, without any text of a header.
    points : float
        What the evidence adds to the score.
    """

    name: str
    says: Says
    number: float | None
    text: str
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Polarity:
    """The verdict on a source.

    Attributes
    ----------
    verdict : {"agrees", "contradicts", "cannot tell"}
        *contradicts*: MONOCHROME1 and MONOCHROME2 are probably exchanged. A person decides.
    score : float or None
        Sum of the points, positive for *agrees*; None where no image could be looked at.
    evidence : tuple of Evidence
    """

    verdict: PolarityVerdict = "cannot tell"
    score: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """The shape of the histogram of a source, to hold other sources against.

    Values are taken as the Photometric Interpretation says that they are shown: low is black.

    Attributes
    ----------
    modality : str
    skewness : float
        Mean over the images.
    near_low, near_high : float
        Shares of pixels in the lowest and highest tenth of the range, 0 to 1.
    """

    modality: str
    skewness: float
    near_low: float
    near_high: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What the images and headers of one source say, before it is held against other sources.

    Attributes
    ----------
    profile : Profile or None
        None where no image has two different values.
    declared, measured : tuple of Evidence
        From attributes of headers; from values.
    """

    profile: Profile | None
    declared: tuple[Evidence, ...] = ()
    measured: tuple[Evidence, ...] = ()


def modality_of(images: Sequence[Sampled]) -> str:
    """Return the modality of a source, in capitals: that of its first image."""
    return images[0].modality.strip().upper() if images else ""


def is_grey(image: Sampled) -> bool:
    """Whether an image has a polarity that could be wrong."""
    return image.photometric.strip().upper() in ("MONOCHROME1", "MONOCHROME2")


def shown(image: Sampled) -> NDArray[np.float64] | None:
    """Return an image with low values black, as its Photometric Interpretation has it.

    Parameters
    ----------
    image : Sampled

    Returns
    -------
    ndarray of float64 or None
        Shape ``(rows, columns)``; NaN where there is no finite value. None for an image without a
        polarity, and for an array that is no image.
    """
    values = np.asarray(image.values)
    if not is_grey(image) or values.ndim not in (2, 3) or not values.size:
        return None
    plane = values if values.ndim == 2 else values[len(values) // 2]
    plane = plane.astype(np.float64)
    plane[~np.isfinite(plane)] = np.nan
    return -plane if image.photometric.strip().upper() == "MONOCHROME1" else plane
