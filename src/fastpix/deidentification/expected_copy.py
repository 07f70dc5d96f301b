"""What a copy is held against: what its original had, and what stands for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.original_levels import OriginalLevel
from fastpix.deidentification.writing import PixelElement


class Expected(NamedTuple):
    """What the audit knows of an original.

    Attributes
    ----------
    levels : list of OriginalLevel
    identifiers : Identifiers
    new_uid : callable
    days : int
        By how many days its dates are moved back.
    patient : str
        What stands for the patient.
    pixels : PixelElement or None
        Those that the copy must have.
    is_decided : bool
        A person's rules, boxes or regions have decided what is blanked in them.
    is_image : bool
        It is known how they are read; else their bytes are searched.
    """

    levels: list[OriginalLevel]
    identifiers: Identifiers
    new_uid: Callable[[str], str]
    days: int
    patient: str
    pixels: PixelElement | None
    is_decided: bool = False
    is_image: bool = False
