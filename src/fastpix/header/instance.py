"""One DICOM instance, its header read: by the index where the file is regular, else by pydicom."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fastpix.errors import FastpixError, warn_caller
from fastpix.header.attributes import Attributes
from fastpix.header.functional_groups import FrameEntries
from fastpix.header.header import PIXEL_NAMES, Header, PixelElement, header_of
from fastpix.header.index import Index, elements_of, find_elements
from fastpix.notes import Notes
from fastpix.source.pydicom_types import is_dataset
from fastpix.source.stored import File, Memory, Pixels
from fastpix.standard.syntaxes import NATIVE, syntax_name
from fastpix.standard.tags import Tag
from fastpix.standard.uids import EXPLICIT_VR_BIG_ENDIAN

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SMALL_ENTRIES = 8192  # bytes of entries up to which a header is kept
_KNOWN_HEADERS = 256  # headers of regular files: those of a series are nearly all the same


class Instance:
    """One DICOM instance: its header, where its pixels are, and all else when it is asked for.

    Attributes
    ----------
    header : Header
    pixels : Pixels
    index : Index or None
        What was found in a regular file. Other files may have the very same `header` then.
    """

    __slots__ = ("_dataset", "_max_bytes", "_stored", "header", "index", "pixels")

    def __init__(
        self,
        header: Header,
        pixels: Pixels,
        stored: Memory | File | None,
        max_bytes: int,
        index: Index | None = None,
        dataset: Dataset | None = None,
    ) -> None:
        self.header = header
        self.pixels = pixels
        self.index = index
        self._stored = stored
        self._max_bytes = max_bytes
        self._dataset = dataset

    def released(self) -> Instance:
        """Return the instance with its file closed; each read of its pixels opens it again."""
        stored = self._stored
        if not isinstance(stored, File):
            return self
        closed = stored.released(keep_head=False)
        pixels = self.pixels
        if pixels.stored is stored:
            pixels = pixels._replace(stored=closed)
        return Instance(self.header, pixels, closed, self._max_bytes, self.index, self._dataset)

    def read_as(self, header: Header) -> Instance:
        """Return the instance with another header in place of the one that its file has."""
        return Instance(
            header, self.pixels, self._stored, self._max_bytes, self.index, self._dataset
        )

    def before_pixels(self) -> bytes | None:
        """Read the bytes of a regular file before its pixels; None of other files.

        Those of a deflated file are inflated, and begin with the data set.
        """
        index = self.index
        if index is None:
            return None
        stored = index.inflated or self._stored
        if stored is None:
            return None
        end, head = index.start, stored.head()  # the head of a file has been read
        return bytes(head[:end] if end <= len(head) else stored.view(0, end))

    @property
    def source(self) -> bytes | Dataset:
        """All there is to read it again."""
        if self._stored is not None:
            return self._stored.whole()
        assert self._dataset is not None
        return self._dataset

    @property
    def dataset(self) -> Dataset:
        """The data set as pydicom parses it."""
        if self._dataset is None:
            from fastpix.header.dataset import parse_dataset

            assert self._stored is not None
            self._dataset, _, _ = parse_dataset(self._stored.whole(), self._max_bytes)
        return self._dataset

    @property
    def attributes(self) -> Attributes:
        """The attributes of pixels, identity and geometry, read without a word of oddities."""
        found = None
        index = self.index
        if index is not None and index.is_complete:
            entries = index.pixel_entries + index.scale_entries + index.identity_entries
            frames = index.frame_pixels.joined(index.frame_identity)
            found = elements_of(entries, index.implicit, index.is_little_endian, frames)
        little = self.header.transfer_syntax != EXPLICIT_VR_BIG_ENDIAN
        return Attributes(self.dataset if found is None else found, Notes(), little)


def read_instance(
    source: Memory | File | Dataset, max_bytes: int, only_pixels: bool = False
) -> Instance:
    """Read the pixel header of one instance, and warn of its oddities.

    Parameters
    ----------
    source : Memory, File or pydicom.Dataset
    max_bytes : int
        What a deflated data set may inflate to.
    only_pixels : bool
        No one will ask for `Instance.attributes`: identity and geometry are not kept.

    Returns
    -------
    Instance

    Raises
    ------
    FastpixError
        Its subclasses say what is wrong, and with which attribute.
    """
    instance = None
    if not is_dataset(source):
        instance = _read_regular(source, max_bytes, only_pixels)
    if instance is None:
        instance = _read_by_pydicom(source, max_bytes)
    for note in instance.header.notes:
        if note.oddity:
            warn_caller(note.text)
    return instance


def _read_regular(
    stored: Memory | File, max_bytes: int, only_pixels: bool = False
) -> Instance | None:
    """Read a file by the index; None where it is not regular, or has no header to be settled."""
    # The fragments of a large file are walked over by who reads frames, as far as these are read.
    index = find_elements(stored, max_bytes, isinstance(stored, File), only_pixels)
    if index is None:
        return None
    entries = index.pixel_entries + index.scale_entries
    frames = index.frame_pixels
    size = len(entries) + len(frames.entries) + len(frames.ends)
    known = _known_header if size <= _SMALL_ENTRIES else _known_header.__wrapped__
    header = known(entries, index.implicit, index.is_little_endian, frames)
    if header is None:
        return None
    offsets = index.offset_tables(stored)
    if offsets is not None and not all(offsets):
        offsets = None
    pixels = Pixels(index.inflated or stored, index.start, index.length, offsets)
    return Instance(header, pixels, stored, max_bytes, index)


@lru_cache(_KNOWN_HEADERS)
def _known_header(
    entries: bytes, implicit: bool, is_little_endian: bool, frames: FrameEntries
) -> Header | None:
    """Return the header that these elements make; None where they make an error of pydicom's."""
    elements = elements_of(entries, implicit, is_little_endian, frames)
    if elements is None:
        return None
    attributes = Attributes(elements, Notes(), is_little_endian)
    syntax = attributes.text(Tag.TransferSyntaxUID) or ""
    tag = next(tag for tag in PIXEL_NAMES if tag in elements)
    pixels = elements[tag]
    encapsulated = pixels.length == 0xFFFFFFFF
    if not syntax_name(syntax) or encapsulated == (syntax in NATIVE):
        return None
    element = PixelElement(tag, pixels.VR or "", encapsulated, pixels.length)
    try:
        return header_of(attributes, syntax, element)
    except FastpixError:  # pydicom's route finds the same, and reports it
        return None


def _read_by_pydicom(source: Memory | File | Dataset, max_bytes: int) -> Instance:
    from fastpix.header.by_pydicom import read_by_pydicom

    read = read_by_pydicom(source, max_bytes)
    return Instance(read.header, read.pixels, read.stored, max_bytes, dataset=read.dataset)
