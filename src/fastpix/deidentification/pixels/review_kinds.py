"""Which images wait for a person, who looks for text in them, before a copy is let out."""

from __future__ import annotations

from fastpix.redaction import ImageDescription

_CLASSES = "1.2.840.10008.5.1.4.1.1."
# Behind the prefix: SOP Classes whose images often carry text. Others of theirs begin so, too.
_OF_TEXT = {
    "3": "ultrasound", "3.1": "ultrasound", "6": "ultrasound", "6.1": "ultrasound",
    "6.2": "ultrasound", "7": "secondary captures", "7.1": "secondary captures",
    "7.2": "secondary captures", "7.3": "secondary captures", "7.4": "secondary captures",
    "12.1": "angiography", "12.1.1": "angiography", "12.3": "angiography",
    "12.2": "fluoroscopy", "12.2.1": "fluoroscopy",
    "14.1": "intravascular images", "14.2": "intravascular images",
}  # fmt: skip
_VISIBLE_LIGHT = "77.1."
_SLIDES = "77.1.6"
_RADIOGRAPHS = {"1", "1.1", "1.1.1"}
_MODALITIES = {
    "US": "ultrasound", "IVUS": "ultrasound", "BDUS": "ultrasound", "XA": "angiography",
    "RF": "fluoroscopy", "ES": "endoscopy", "SC": "secondary captures", "OT": "other images",
    "XC": "photographs", "GM": "microscopy", "OP": "ophthalmic photography", "DOC": "documents",
    "HD": "waveforms", "ECG": "waveforms", "IO": "scanned film", "RG": "scanned film",
    "DG": "scanned film", "BI": "other images", "SR": "documents",
}  # fmt: skip
_OF_RADIOGRAPHS = {"CR", "DX"}
_IN_COLOR = {"SM", "OPT", "OPV", "OAM", "DMS", "SEG", "IVOCT", "OCT", "PA", "TG"}
_WORDS = ("SCREEN", "CAPTURE", "REPORT", "DOSE", "LABEL", "OVERVIEW", "SCANNED")


def reason_to_wait(description: ImageDescription, has_rule: bool) -> str:
    """Return why a person has to look at an image; empty where nobody has to.

    Burned In Annotation NO is no evidence: there are images covered in text that say so.

    Parameters
    ----------
    description : ImageDescription
    has_rule : bool
        A rule says what is blanked in it. Radiographs wait without one alone; what is ultrasound,
        a capture, angiography, fluoroscopy, endoscopy or a photograph always does.

    Returns
    -------
    str
        In words that hold no text of the file.
    """
    modality = _first(description.modality)
    sop_class = _first(description.sop_class)
    number = sop_class.removeprefix(_CLASSES) if sop_class.startswith(_CLASSES) else ""
    kind = _MODALITIES.get(modality) or _OF_TEXT.get(number)
    if kind is None and number.startswith(_VISIBLE_LIGHT) and number != _SLIDES:
        kind = "photographs"
    if kind is not None:
        return f"text is common in {kind}"
    if _first(description.burned_in_annotation) == "YES":
        return "Burned In Annotation (0028,0301) is YES"
    if any(word in value.upper() for value in description.image_type for word in _WORDS):
        return "Image Type (0008,0008) names a screen, a report or a label"
    is_radiograph = modality in _OF_RADIOGRAPHS or number in _RADIOGRAPHS
    if is_radiograph and not has_rule:
        return "no rule says what is blanked in radiographs like this one"
    photometric = _first(description.photometric)
    if not photometric.startswith("MONOCHROME") and modality not in _IN_COLOR:
        return "colour, which may be a picture of a screen"
    if not modality and not number:
        return "the kind of image is unknown"
    return ""


def _first(texts: tuple[str, ...]) -> str:
    return texts[0].strip(" \0").upper() if texts else ""
