"""What a user wants of de-identified copies: options of PS3.15 Annex E, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastpix.errors import ArgumentError
from fastpix.redaction import Redaction

Kept: TypeAlias = Literal["device", "institution", "patient-characteristics", "uids"]

KEPT = ("device", "institution", "patient-characteristics", "uids")
# CID 7050 (PS3.16): De-identification Method.
_BASIC = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")
_MODIFIED_DATES = (
    "113107",
    "Retain Longitudinal Temporal Information Modified Dates Option",
)
_KEEP_CODES = {
    "patient-characteristics": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "institution": ("113112", "Retain Institution Identity Option"),
}


@dataclass(frozen=True, slots=True)
class Deidentification:
    """Options of de-identified copies.

    Parameters
    ----------
    dates : {"remove", "shift"}
        Shift: by whole days, as many for all instances of a patient.
    keep : frozenset of str
        Of ``"device"``, ``"institution"``, ``"patient-characteristics"``, ``"uids"``.
    any_sop : bool
        Take SOP classes whose IOD is unknown: what it demands cannot be repaired then.
    redaction : Redaction or None
        What is blanked in pixels.
    detect_text : bool
        Search pixels for text: what may be some is drawn for the person who looks.
    blank_detected : bool
        Blank what was detected, too; needs `detect_text`.
    accept_pixels : bool
        No image waits for a person.

    Raises
    ------
    ArgumentError
    """

    dates: Literal["remove", "shift"] = "remove"
    keep: frozenset[Kept] = frozenset()
    any_sop: bool = False
    redaction: Redaction | None = None
    detect_text: bool = False
    blank_detected: bool = False
    accept_pixels: bool = False

    def __post_init__(self) -> None:
        if self.dates not in ("remove", "shift"):
            raise ArgumentError("dates", f"remove or shift, not {self.dates!r}")
        unknown = set(self.keep) - set(KEPT)
        if unknown:
            raise ArgumentError("keep", f"{' '.join(sorted(unknown))}: one of {', '.join(KEPT)}")
        if self.blank_detected and not self.detect_text:
            raise ArgumentError("blank_detected", "nothing is detected: pass detect_text, too")

    @property
    def options(self) -> frozenset[str]:
        """Columns of `fastpix.standard.confidentiality_profile` that count."""
        dates = {"modified-dates"} if self.dates == "shift" else set()
        return frozenset(dates | set(self.keep))

    def methods_of(self, is_decided: bool) -> tuple[tuple[str, str], ...]:
        """Return code and meaning of each method of CID 7050.

        Parameters
        ----------
        is_decided : bool
            A person's rules, boxes or regions have decided what is blanked in the pixels (PS3.15
            E.3.1). What a detector finds decides nothing.
        """
        pixels = [CLEAN_PIXELS] if is_decided else []
        dates = [_MODIFIED_DATES] if self.dates == "shift" else []
        kept = [code for name, code in _KEEP_CODES.items() if name in self.keep]
        return (_BASIC, *pixels, *dates, *kept)
