"""Whether pictures of a source may show names: by what headers say, and by the kind of image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastpix.audit.record import BurnedIn

_RISKY = {
    "US": "ultrasound", "IVUS": "ultrasound", "BDUS": "ultrasound", "XA": "angiography",
    "RF": "fluoroscopy", "ES": "endoscopy", "SC": "secondary capture", "OT": "other images",
    "XC": "photographs", "GM": "microscopy", "OP": "ophthalmic photography",
    "DOC": "documents", "HD": "waveforms", "ECG": "waveforms", "IO": "scanned film",
    "RG": "scanned film", "DG": "scanned film",
}  # fmt: skip
_CAPTURES = ("Secondary Capture", "Visible Light", "VL ", "Video", "Digitized", "Ultrasound")


def burned_in_of(
    annotation: Mapping[str, int], kinds: Mapping[str, int], modality: str, color: int
) -> BurnedIn:
    """Return whether a person has to look for text in the pixels.

    Parameters
    ----------
    annotation : mapping of str to int
        What Burned In Annotation (0028,0301) says, in how many files.
    kinds : mapping of str to int
        SOP Classes by name.
    modality : str
    color : int
        Files in colour.
    """
    reasons = []
    if annotation.get("YES"):
        reasons.append("Burned In Annotation (0028,0301) is YES")
    if modality in _RISKY:
        reasons.append(f"{_RISKY[modality]} often have text in the pixels")
    captures = [kind for kind in kinds if any(word in kind for word in _CAPTURES)]
    if captures:
        reasons.append("screens, scans and photographs are among the SOP Classes")
    elif color:
        reasons.append("colour, which may be a picture of a screen")
    files = sum(annotation.values())
    if not modality and annotation.get("NO", 0) < files:
        reasons.append("the kind of image is unknown")
    return BurnedIn("look" if reasons else "unlikely", tuple(reasons), dict(annotation))


def with_detection(burned_in: BurnedIn, looked_at: int, detected: int) -> BurnedIn:
    """Return a verdict to which a search for text is added; it can only make it stricter.

    Parameters
    ----------
    burned_in : BurnedIn
    looked_at : int
        Samples that were searched.
    detected : int
        Those in which text may be.
    """
    if detected:
        reason = f"text may be in {detected} of {looked_at} samples"
        burned_in = replace(burned_in, verdict="look", reasons=(*burned_in.reasons, reason))
    return replace(burned_in, looked_at=looked_at, detected=detected)
