"""`ImageDescription`: what rules look at in the header of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Texts: TypeAlias = "tuple[str, ...]"


class ImageDescription(NamedTuple):
    """What rules look at in the header of an image.

    Texts are as the file has them; an attribute that is missing or empty has none, and one of
    several values has as many.

    Attributes
    ----------
    rows, columns : int
    manufacturer, model, modality, sop_class, photometric : tuple of str
        Manufacturer (0008,0070), Manufacturer's Model Name (0008,1090), Modality (0008,0060), SOP
        Class UID (0008,0016), Photometric Interpretation (0028,0004).
    burned_in_annotation : tuple of str
        Burned In Annotation (0028,0301).
    image_type : tuple of str
        Image Type (0008,0008).
    series_description, protocol : tuple of str
        Series Description (0008,103E), Protocol Name (0018,1030).
    implementation : tuple of str
        Implementation Version Name (0002,0013).
    """

    rows: int
    columns: int
    manufacturer: Texts = ()
    model: Texts = ()
    modality: Texts = ()
    sop_class: Texts = ()
    photometric: Texts = ()
    burned_in_annotation: Texts = ()
    image_type: Texts = ()
    series_description: Texts = ()
    protocol: Texts = ()
    implementation: Texts = ()


SIZES = ("rows", "columns")
"""Attributes that are numbers."""

TEXTS = tuple(name for name in ImageDescription._fields if name not in SIZES)
"""Attributes that are texts."""

_TAGS = {
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "modality": 0x00080060,
    "sop_class": 0x00080016,
    "photometric": 0x00280004,
    "burned_in_annotation": 0x00280301,
    "image_type": 0x00080008,
    "series_description": 0x0008103E,
    "protocol": 0x00181030,
    "implementation": 0x00020013,
}


def description_of(dataset: Dataset, rows: int, columns: int) -> ImageDescription:
    """Return what rules look at.

    Parameters
    ----------
    dataset : pydicom.Dataset
    rows, columns : int
        Of the image.
    """
    meta: Any = getattr(dataset, "file_meta", None)
    texts = {name: _texts(meta if tag >> 16 == 2 else dataset, tag) for name, tag in _TAGS.items()}
    return ImageDescription(rows, columns, **texts)


def _texts(dataset: Any, tag: int) -> Texts:
    if dataset is None or tag not in dataset:
        return ()
    try:
        value = dataset[tag].value
    except Exception:  # pydicom's, from bytes that are no text
        return ()
    if value is None or value == "":
        return ()
    values = [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else value
    return tuple(map(str, values))
