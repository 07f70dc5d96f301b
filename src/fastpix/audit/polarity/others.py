"""A source beside the other sources of its modality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fastpix.audit.polarity.border import TENTH
from fastpix.audit.polarity.facts import Evidence, Profile, Says
from fastpix.audit.polarity.grids import Grid, spread

POINTS = 0.75  # other sources alone decide nothing: they may all be wrong, or of other anatomy
FEWEST = 3  # other sources
SAME = 0.8  # share of the other sources that must look alike
LEAST = 0.25  # of the number: less says nothing


def profile_of_grids(modality: str, grids: Iterable[Grid]) -> Profile | None:
    """Return the shape of the histogram of a source from the grids of its images.

    Parameters
    ----------
    modality : str
    grids : iterable of ndarray
        With low values black.
    """
    found = [shape for grid in grids if (shape := _shape(grid)) is not None]
    if not found:
        return None
    skewness, low, high = (float(value) for value in np.mean(found, axis=0))
    return Profile(modality, skewness, low, high)


def _shape(grid: Grid) -> tuple[float, float, float] | None:
    limits = spread(grid)
    if limits is None:
        return None
    scaled = (np.clip(grid[np.isfinite(grid)], *limits) - limits[0]) / (limits[1] - limits[0])
    centred = scaled - scaled.mean()
    deviation = float(centred.std())
    if not deviation > 0.0:
        return None
    skewness = float(np.mean((centred / deviation) ** 3))
    return skewness, float(np.mean(scaled <= TENTH)), float(np.mean(scaled >= 1.0 - TENTH))


def other_sources(own: Profile | None, others: Sequence[Profile]) -> Evidence | None:
    """Return whether a source looks like the others of its modality as it is, or turned over.

    Parameters
    ----------
    own : Profile or None
    others : sequence of Profile
        Those of other modalities are passed over.

    Returns
    -------
    Evidence or None
        None where there is nothing to compare.
    """
    if own is None:
        return None
    table = np.array([_signed(other) for other in others if other.modality == own.modality])
    if len(table) < FEWEST:
        return None
    usual = np.median(table, axis=0)
    near = np.linalg.norm(table - usual, axis=1) < np.linalg.norm(table + usual, axis=1)
    mine = np.array(_signed(own))
    as_it_is = float(np.linalg.norm(mine - usual))
    turned = float(np.linalg.norm(mine + usual))
    rank = float(np.mean(table[:, 0] < mine[0]))
    number = (turned - as_it_is) / (turned + as_it_is) if turned + as_it_is else 0.0
    points = POINTS * number if np.mean(near) >= SAME and abs(number) >= LEAST else 0.0
    says: Says = "for" if points > 0 else "against" if points < 0 else "nothing"
    told = {
        "for": "as it is than turned over",
        "against": "turned over than as it is",
        "nothing": "neither as it is nor turned over, or these differ among themselves",
    }[says]
    text = (
        f"The histogram (skewness {own.skewness:.2f}, above {rank:.0%} of {len(table)} other "
        f"sources of the modality) is more like theirs {told} ({number:+.2f})."
    )
    return Evidence("other_sources", says, number, text, points)


def _signed(profile: Profile) -> tuple[float, float]:
    """Two numbers that change their sign when images are turned over."""
    return profile.skewness / 2.0, profile.near_low - profile.near_high
