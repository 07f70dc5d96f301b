"""A header read with MONOCHROME1 and MONOCHROME2 exchanged: a person has found that it lies."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from fastpix.header.header import Header
from fastpix.notes import Note

_OTHER = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}
_KNOWN_HEADERS = 256  # those of the files of a device are nearly all the same


@lru_cache(_KNOWN_HEADERS)
def exchanged(header: Header) -> Header:
    """Return a header that says MONOCHROME1 for MONOCHROME2, and the other way round.

    It differs from the header of the file by its photometric interpretation and by a note, so that
    plans which are kept by header are never taken for those of the file as it is.

    Parameters
    ----------
    header : Header

    Returns
    -------
    Header
        Of a colour image: the same but for a note, since there is nothing to exchange.
    """
    other = _OTHER.get(header.photometric)
    if other is None:
        note = Note("the verdict on its source is invert, which means nothing for colours")
        return replace(header, notes=(*header.notes, note))
    note = Note(
        f"PhotometricInterpretation (0028,0004) is {header.photometric}, and read as {other}: "
        f"the verdict on its source is invert"
    )
    return replace(header, photometric=other, notes=(*header.notes, note))
