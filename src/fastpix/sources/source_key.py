"""`SourceKey`: the attributes of one header that tell one source of images from another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fastpix.errors import ArgumentError
from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.header.plain_values import Values, values_at_top
from fastpix.pseudonyms import Names
from fastpix.standard.tags import Tag

BY = ("manufacturer", "model", "modality", "photometric", "presentation")
"""What tells sources apart unless others are asked for."""

_TAGS = {
    "manufacturer": Tag.Manufacturer,
    "model": Tag.ManufacturerModelName,
    "presentation": Tag.PresentationIntentType,
    "software": Tag.SoftwareVersions,
}
LONGEST = 64
"""Characters of a text that names a device: as many as its attribute may have (PS3.5 6.2, LO)."""

_MOST_MARKS = 2  # on one letter
_PSEUDONYM = re.compile(r"version-([0-9a-f]{12})")
_BETWEEN = "\x1f"  # no text of a header has it


class SourceKey(NamedTuple):
    r"""What a header says of the device and the kind of its images; empty where it says nothing.

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
        Software Versions, several of them parted by ``\``.
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
        As its file has it: one with an exchanged header is of another source.
    """
    return source_key_of(values_at_top(instance), instance.header)


def source_key_of(values: Values, header: Header) -> SourceKey:
    """Return the source that values of a data set and its pixel header name.

    Parameters
    ----------
    values : dict of int to bytes
        By tags: those of `values_at_top`.
    header : Header
    """
    texts = {name: _text(values.get(tag)) for name, tag in _TAGS.items()}
    return SourceKey(modality=header.modality, photometric=header.photometric, **texts)


@lru_cache(1024)
def _text(value: bytes | None) -> str:
    if not value:
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return "\\".join(" ".join(part.split()) for part in text.replace("\0", " ").split("\\"))


def printable(text: str) -> str:
    """Return a text with spaces in the place of control characters.

    Parameters
    ----------
    text : str
    """
    return "".join(c if c.isprintable() else " " for c in text)


def legible(text: str, most: int = LONGEST) -> str:
    """Return a text for people: one that is too long is cut, whatever a file has in it.

    Characters that nobody sees, or that turn text round, are spaces, and no more than two marks
    stand on a letter, so that no text covers what is beside it.

    Parameters
    ----------
    text : str
    most : int
        Characters.
    """
    kept, marks = [], 0
    for character in unicodedata.normalize("NFC", printable(text)).strip():
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept) if len(kept) <= most else f"{''.join(kept[: most - 1])}…"


def software_token(text: str, names: Names) -> str:
    """Return the keyed name of Software Versions: it tells an update from what was looked at.

    Parameters
    ----------
    text : str
        `SourceKey.software`, or what an audit calls it under ``--pseudonymous``, which holds the
        name already.
    names : Names

    Returns
    -------
    str
        12 hexadecimal digits; empty where the file says nothing.
    """
    if not text:
        return ""
    pseudonym = _PSEUDONYM.fullmatch(text)
    return pseudonym[1] if pseudonym else names.of_text(printable(text))[:12]


def software_pseudonym(text: str, names: Names) -> str:
    """Return Software Versions as ``--pseudonymous`` has them.

    Parameters
    ----------
    text : str
    names : Names
    """
    return f"version-{software_token(text, names)}" if text else ""


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
    wrong = [name for name in names if name not in SourceKey._fields]
    if wrong or not names:
        known = ", ".join(SourceKey._fields)
        raise ArgumentError("by", f"{', '.join(wrong) or 'nothing'}: it takes {known}")
    return tuple(name for name in SourceKey._fields if name in names)


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
