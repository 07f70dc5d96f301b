"""The elements that pixels and geometry need, taken out of a regular file without parsing the rest.

pydicom remains the authority: `find_elements` gives what pydicom would, or nothing. It serves files
that are regular in every respect (`src/_index.pyx` says in which), as long as pydicom is configured
as it comes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fastpix._index import Walk, entries_of, items_of
from fastpix.errors import PixelDataError
from fastpix.header.functional_groups import NO_FRAMES, FrameEntries
from fastpix.header.pydicom_settings import is_pydicom_as_it_comes
from fastpix.source.inflate import inflate
from fastpix.source.stored import HEAD, File, Memory
from fastpix.standard.dictionary import CHARACTER_SETS, vr_of
from fastpix.standard.indexed import INDEXED, Form
from fastpix.standard.tags import Tag

_WHOLE, _MORE, _DEFLATED = 0, 1, 3
_FRAGMENT = 4096  # bytes read at a time where the walk goes from fragment to fragment
_CHARACTER_SET = Tag.SpecificCharacterSet
# Charsets that pydicom takes without a word: one of any kind, or several with code extensions.
_CHARSET = re.compile(r"[A-Z0-9 _]{0,16}")
_EXTENSION = "ISO 2022 IR "
# Whose items are taken out; the items of the other sequences are not, nor those of frames.
_SEQUENCES = frozenset(row.first for row in INDEXED if row.form is Form.SEQUENCE)


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
    frame_pixels, frame_identity : FrameEntries
        What the functional groups of frames say of pixels, and of geometry and grouping.
    is_complete : bool
        False: identity, geometry and grouping were not asked for, or one of them is odd, and left
        out. pydicom knows them.
    implicit, is_little_endian : bool
        How the elements of the data set are encoded.
    is_encapsulated : bool
    start, length : int
        Of the value of Pixel Data in the file, or in `inflated`.
    tables : ((int, int), (int, int)) or None
        Start and length of Extended Offset Table and Extended Offset Table Lengths.
    inflated : Memory or None
        The data set of a deflated file (PS3.5 A.5).
    """

    pixel_entries: bytes
    scale_entries: bytes
    identity_entries: bytes
    frame_pixels: FrameEntries
    frame_identity: FrameEntries
    is_complete: bool
    implicit: bool
    is_little_endian: bool
    is_encapsulated: bool
    start: int
    length: int
    tables: tuple[tuple[int, int], tuple[int, int]] | None
    inflated: Memory | None

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
    """Elements by tag, before any is converted.

    Attributes
    ----------
    sequences : dict of int to list of Elements
        The items of the sequences whose items were taken out.
    frames : FrameEntries
        What the functional groups of frames say.
    implicit, is_little_endian : bool
        How they are encoded.
    """

    __slots__ = ("frames", "implicit", "is_little_endian", "sequences")

    def __init__(
        self, implicit: bool, is_little_endian: bool, frames: FrameEntries = NO_FRAMES
    ) -> None:
        super().__init__()
        self.sequences: dict[int, list[Elements]] = {}
        self.frames = frames
        self.implicit = implicit
        self.is_little_endian = is_little_endian

    def frame_runs(self) -> list[tuple[Elements, int]]:
        """Return the elements of functional groups, and how many frames in a row have them."""
        return [(self._like(entries), count) for entries, count in self.frames.runs()]

    def _like(self, entries: bytes) -> Elements:
        found = Elements(self.implicit, self.is_little_endian)
        for tag, letters, length, value in entries_of(entries):
            found.add(tag, letters, length, value)
        return found

    def add(self, tag: int, letters: bytes, length: int, value: bytes) -> None:
        """Add what `entries_of` gives of an element."""
        has_vr = not self.implicit or tag == Tag.TransferSyntaxUID
        vr = letters.decode("ascii") if has_vr else None
        if tag in _SEQUENCES:
            items = list(map(self._like, items_of(value)))
            for item, other in zip(items, self.sequences.get(tag, ()), strict=False):
                item.update(other)
                item.sequences.update(other.sequences)
            self.sequences[tag] = items
            value = b""
        self[tag] = IndexElement(vr, length, value, self.is_little_endian)


def find_elements(
    stored: Memory | File,
    max_bytes: int = 0,
    stops_at_fragments: bool = False,
    only_pixels: bool = False,
) -> Index | None:
    """Walk over a file; None where it is to be left to pydicom.

    Parameters
    ----------
    stored : Memory or File
    max_bytes : int
        What a deflated data set may inflate to.
    stops_at_fragments : bool
        Encapsulated Pixel Data is not walked over: its `length` ends with the file.
    only_pixels : bool
        Identity, geometry and grouping are left out, which can take as much memory as the header.
    """
    if not is_pydicom_as_it_comes():
        return None
    walk = Walk(stored.size, stops_at_fragments, only_pixels)
    result = walk.on(stored.head(), 0)
    if result == _MORE:
        opened = stored.opened()
        try:
            while result == _MORE:
                size = max(_FRAGMENT if walk.in_fragments else HEAD, walk.wanted)
                result = walk.on(opened.view(walk.at, walk.at + size), walk.at)
        finally:
            if opened is not stored:
                opened.close()
    data = None
    if result == _DEFLATED:
        try:
            data = inflate(stored.view(walk.data_set, stored.size), max_bytes)
        except PixelDataError:  # pydicom's route finds the same, and reports it
            return None
        result = walk.on_inflated(data)
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
        FrameEntries(*walk.frame_pixel_entries()),
        FrameEntries(*walk.frame_identity_entries()),
        walk.is_complete and not only_pixels,
        walk.implicit,
        not walk.big_endian,
        walk.encapsulated,
        walk.start,
        walk.length,
        tables,
        None if data is None else Memory(data),
    )


def elements_of(
    entries: bytes,
    implicit: bool,
    is_little_endian: bool = True,
    frames: FrameEntries = NO_FRAMES,
) -> Elements | None:
    """Return the elements of an `Index`; None where they are not as regular as they look.

    Parameters
    ----------
    entries : bytes
    implicit, is_little_endian : bool
        How the elements of the data set are encoded.
    frames : FrameEntries
    """
    elements = Elements(implicit, is_little_endian, frames)
    for tag, letters, length, value in entries_of(entries):
        if letters[:1] != b"?":
            elements.add(tag, letters, length, value)
        elif not _is_sequence(tag, letters == b"?I"):
            return None
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
