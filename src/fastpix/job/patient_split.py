"""Which patients a model is trained on and which it is tested on: the same answer everywhere.

The keyed hash of a patient is a random number already, so it decides: no list has to be kept, all
images of a patient fall on the same side, and patients that come later move no other.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from fastpix.errors import ArgumentError

SPLITS: Mapping[str, float] = {"train": 0.8, "val": 0.1, "test": 0.1}
_DIGITS = 13  # hex digits: 52 bits, which a float holds


def split_of(patient: str, splits: Mapping[str, float] = SPLITS) -> str:
    """Return the split that a patient belongs to.

    Parameters
    ----------
    patient : str
        The keyed hash in the column ``patient`` of the manifest.
    splits : mapping of str to float
        The share of patients of each split; the shares sum to 1.

    Raises
    ------
    ArgumentError
        The shares do not sum to 1, or it is no keyed hash.
    """
    if abs(sum(splits.values()) - 1.0) > 1e-9 or min(splits.values()) < 0:
        raise ArgumentError("splits", "the shares of the splits do not sum to 1")
    try:
        place = int(patient[:_DIGITS], 16) / 16.0 ** len(patient[:_DIGITS])
    except ValueError as error:
        raise ArgumentError("patient", "it is no keyed hash") from error
    ends = itertools.accumulate(splits.values())
    within = (name for name, end in zip(splits, ends, strict=True) if place < end)
    return next(within, list(splits)[-1])
