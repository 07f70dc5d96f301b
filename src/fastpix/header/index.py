"""The elements that pixels need, taken out of a regular file without parsing the rest.

pydicom remains the authority: `find_elements` gives what pydicom would, or nothing. It serves files
that are regular in every respect (`src/_index.pyx` says in which), as long as pydicom is configured
as it comes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fastpix._index import Walk, entries_of
from fastpix.header.pydicom_settings import is_pydicom_as_it_comes
from fastpix.source.stored import HEAD, File, Memory
from fastpix.standard.dictionary import CHARACTER_SETS, vr_of
from fastpix.standard.tags import Tag

_WHOLE, _MORE = 0, 1
_FRAGMENT = 4096  # bytes read at a time where the walk goes from fragment to fragment
_CHARACTER_SET = Tag.SpecificCharacterSet
# Charsets that pydicom takes without a word: one of any kind, or several with code extensions.
_CHARSET = re.compile(r"[A-Z0-9 _]{0,16}")
_EXTENSION = "ISO 2022 IR "


class Index(NamedTuple):
    """What was found in a regular file.

    Attributes
    ----------
    pixel_entries : bytes
        The elements that decide about pixels, as `elements_of` reads them; the same bytes for
        files that are alike.
    scale_entries : bytes
        Slope and intercept, which may differ nevertheless.
    identity_entries : bytes
        Those of identity, geometry and grouping.
    is_complete : bool
        False: one of identity is odd, and left out. pydicom knows it.
    implicit : bool
        The data set is in implicit VR.
    is_encapsulated : bool
    start, length : int
        Of the value of Pixel Data in the file.
    tables : ((int, int), (int, int)) or None
        Start and length of Extended Offset Table and Extended Offset Table Lengths.
    """

    pixel_entries: bytes
    scale_entries: bytes
    identity_entries: bytes
    is_complete: bool
    implicit: bool
    is_encapsulated: bool
    start: int
    length: int
    tables: tuple[tuple[int, int], tuple[int, int]] | None

    def offset_tables(self, stored: Memory | File) -> tuple[bytes, bytes] | None:
        """Read the values of Extended Offset Table and its lengths (PS3.3 C.7.6.3.1.8)."""
        if self.tables is None:
            return None
        first, second = (bytes(stored.view(at, at + size)) for at, size in self.tables)
        return first, second


class IndexElement(NamedTuple):
    """An element of a regular file: what `Attributes` uses of pydicom's RawDataElement.

    Attributes
    ----------
    VR : str or None
        None in implicit VR.
    length : int
        In the file; the value may have been left out.
    value : bytes
    is_little_endian : bool
    """

    VR: str | None
    length: int
    value: bytes
    is_little_endian: bool = True


class Elements(dict[int, IndexElement]):
    """Elements by tag, before any is converted."""


def find_elements(stored: Memory | File) -> Index | None:
    """Walk over a file; None where it is to be left to pydicom."""
    if not is_pydicom_as_it_comes():
        return None
    walk = Walk(stored.size)
    result = walk.on(stored.head(), 0)
    if result == _MORE:
        opened = stored.opened()
        try:
            while result == _MORE:
                size = _FRAGMENT if walk.in_fragments else HEAD
                result = walk.on(opened.view(walk.at, walk.at + size), walk.at)
        finally:
            if opened is not stored:
                opened.close()
    if result != _WHOLE:
        return None
    tables = None
    if walk.encapsulated:
        starts, lengths = walk.table_start, walk.table_length
        if min(starts) >= 0:
            tables = (starts[0], lengths[0]), (starts[1], lengths[1])
    return Index(
        walk.pixel_entries(),
        walk.scale_entries(),
        walk.identity_entries(),
        walk.is_complete,
        walk.implicit,
        walk.encapsulated,
        walk.start,
        walk.length,
        tables,
    )


def elements_of(entries: bytes, implicit: bool) -> Elements | None:
    """Return the elements of an `Index`; None where they are not as regular as they look."""
    elements = Elements()
    for tag, letters, length, value in entries_of(entries):
        if letters[:1] == b"?":
            if not _is_sequence(tag, letters == b"?I"):
                return None
            continue
        vr = None if implicit and tag != Tag.TransferSyntaxUID else letters.decode("ascii")
        elements[tag] = IndexElement(vr, length, value)
    charset = elements.pop(_CHARACTER_SET, None)
    if charset is not None and not _is_known_charset(charset.value):
        return None
    return elements


def _is_sequence(tag: int, has_item: bool) -> bool:
    """Whether pydicom takes an element of undefined length without VR for a sequence."""
    vr = vr_of(tag)
    return has_item if vr is None else vr == "SQ"


def _is_known_charset(value: bytes) -> bool:
    names = [name.removesuffix(" ") for name in value.decode("ascii").split("\\")]
    if not all(_CHARSET.fullmatch(name) and name in CHARACTER_SETS for name in names):
        return False
    return len(names) == 1 or all(
        name.startswith(_EXTENSION) or (not name and k == 0) for k, name in enumerate(names)
    )
