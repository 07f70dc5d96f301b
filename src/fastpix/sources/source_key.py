"""`SourceKey`: the attributes of one header that tell one source of images from another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastpix.errors import ArgumentError
from fastpix.header.instance import Instance
from fastpix.header.plain_values import Values, values_at_top
from fastpix.pseudonyms import Names
from fastpix.standard.tags import Tag

BY = ("manufacturer", "model", "modality", "photometric", "presentation")
"""What tells sources apart unless others are asked for."""

_TAGS = {
    "manufacturer": Tag.Manufacturer,
    "model": Tag.ManufacturerModelName,
    "modality": Tag.Modality,
    "photometric": Tag.PhotometricInterpretation,
    "presentation": Tag.PresentationIntentType,
    "software": Tag.SoftwareVersions,
}
_BETWEEN = "\x1f"  # no text of a header has it


class SourceKey(NamedTuple):
    """What a header says of the device and the kind of its images; empty where it says nothing.

    Attributes
    ----------
    manufacturer, model : str
        As the file has them.
    modality : str
        PS3.3 C.7.3.1.1.1.
    photometric : str
        Photometric Interpretation.
    presentation : str
        Presentation Intent Type (PS3.3 C.8.11.1): ``FOR PROCESSING``, ``FOR PRESENTATION``.
    software : str
        Software Versions, several of them parted by ``\\``.
    """

    manufacturer: str = ""
    model: str = ""
    modality: str = ""
    photometric: str = ""
    presentation: str = ""
    software: str = ""


def source_key(instance: Instance) -> SourceKey:
    """Return the source of an instance.

    Parameters
    ----------
    instance : Instance
    """
    return source_key_of(values_at_top(instance))


def source_key_of(values: Values) -> SourceKey:
    """Return the source that values of a header name.

    Parameters
    ----------
    values : mapping of int to bytes
        By tags.
    """
    return SourceKey(**{name: _text(values.get(tag)) for name, tag in _TAGS.items()})


def _text(value: bytes | None) -> str:
    if value is None:
        return ""
    text = value.decode("latin-1").replace("\0", " ")
    return "\\".join(" ".join(part.split()) for part in text.split("\\"))


def checked_by(by: Sequence[str]) -> tuple[str, ...]:
    """Return attributes that tell sources apart, if they are known.

    Parameters
    ----------
    by : sequence of str

    Raises
    ------
    ArgumentError
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    wrong = [name for name in names if name not in _TAGS]
    if wrong or not names:
        raise ArgumentError("by", f"{', '.join(wrong) or 'nothing'}: it takes {', '.join(_TAGS)}")
    return tuple(name for name in _TAGS if name in names)


def source_id(key: SourceKey, names: Names, by: Sequence[str] = BY) -> str:
    """Return the id of a source: the same in an audit, in ``sources.toml`` and in a manifest.

    Parameters
    ----------
    key : SourceKey
    names : Names
        The key of the job: another key gives other ids.
    by : sequence of str
        The attributes that count. Capitals do not: files of one device differ in them.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    parts = [f"{name}={getattr(key, name).casefold()}" for name in checked_by(by)]
    return names.of_text(_BETWEEN.join(("source", *parts)))[:16]
