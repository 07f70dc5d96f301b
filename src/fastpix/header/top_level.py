"""What the bytes of a data set say that pydicom's Dataset does not: repeated elements, a cut."""

from __future__ import annotations

from typing import NamedTuple

from fastpix._index import meta_elements
from fastpix._top_level import top_level
from fastpix.header.file_meta import META, has_prefix
from fastpix.standard.tags import Tag

# The elements that decide about pixels: two of one tag that differ are two images.
_DECIDING = frozenset(
    {
        Tag.SOPClassUID,
        Tag.Modality,
        Tag.SamplesPerPixel,
        Tag.PhotometricInterpretation,
        Tag.PlanarConfiguration,
        Tag.NumberOfFrames,
        Tag.Rows,
        Tag.Columns,
        Tag.BitsAllocated,
        Tag.BitsStored,
        Tag.HighBit,
        Tag.PixelRepresentation,
        Tag.PixelPaddingValue,
        Tag.PixelPaddingRangeLimit,
        Tag.FloatPixelPaddingValue,
        Tag.FloatPixelPaddingRangeLimit,
        Tag.DoubleFloatPixelPaddingValue,
        Tag.DoubleFloatPixelPaddingRangeLimit,
        Tag.RescaleIntercept,
        Tag.RescaleSlope,
        Tag.RescaleType,
        Tag.RedPaletteColorLookupTableDescriptor,
        Tag.GreenPaletteColorLookupTableDescriptor,
        Tag.BluePaletteColorLookupTableDescriptor,
        Tag.RedPaletteColorLookupTableData,
        Tag.GreenPaletteColorLookupTableData,
        Tag.BluePaletteColorLookupTableData,
        Tag.SegmentedRedPaletteColorLookupTableData,
        Tag.SegmentedGreenPaletteColorLookupTableData,
        Tag.SegmentedBluePaletteColorLookupTableData,
        Tag.ModalityLUTSequence,
        Tag.Units,
        Tag.SegmentationType,
        Tag.DoseUnits,
        Tag.DoseGridScaling,
        Tag.SharedFunctionalGroupsSequence,
        Tag.PerFrameFunctionalGroupsSequence,
        Tag.ExtendedOffsetTable,
        Tag.ExtendedOffsetTableLengths,
        Tag.FloatPixelData,
        Tag.DoubleFloatPixelData,
        Tag.PixelData,
    }
)
_WANTED = frozenset(map(int, _DECIDING))
_PADDING = b"\0 "


class TopLevel(NamedTuple):
    """What a walk over the top level of a data set found.

    Attributes
    ----------
    repeated : frozenset of int
        Tags of elements that decide about pixels, and occur more than once with one value.
    contradictory : frozenset of int
        Those of elements that occur more than once with different values.
    end : int
        Where the last whole element ends.
    """

    repeated: frozenset[int]
    contradictory: frozenset[int]
    end: int

    def is_cut_off(self, stream: bytes) -> bool:
        """Whether more follows on the last whole element than zeros, which are padding."""
        return bool(stream[self.end :].strip(b"\0"))


def look_over(stream: bytes, implicit: bool, little: bool) -> TopLevel:
    """Walk over the top level of a data set.

    Parameters
    ----------
    stream : bytes
        A file, or a data set without File Meta.
    implicit, little : bool
        How the data set is encoded.
    """
    start = data_set_start(stream)
    elements, end = top_level(stream, start, implicit, not little, _WANTED)
    repeated, contradictory = set[int](), set[int]()
    seen: dict[int, tuple[int, int]] = {}
    for tag, _, first, last in elements:
        place = seen.setdefault(tag, (first, last))
        if place != (first, last):
            same = _value(stream, *place) == _value(stream, first, last)
            (repeated if same else contradictory).add(tag)
    return TopLevel(frozenset(repeated - contradictory), frozenset(contradictory), end)


def find_element(stream: bytes, tag: int, vr: str, implicit: bool, little: bool) -> int | None:
    """Return where the value of the first element of a tag begins, if it has this VR."""
    start = data_set_start(stream)
    elements, _ = top_level(stream, start, implicit, not little, frozenset({tag}))
    return elements[0][2] if elements and elements[0][1] == vr else None


def data_set_start(stream: bytes) -> int:
    """Return where the data set begins: behind File Meta, if there is one."""
    at = META if has_prefix(stream) else 0
    for _, _, value, length in meta_elements(stream, at):
        at = value + length
    return at


def _value(stream: bytes, first: int, last: int) -> bytes:
    return stream[first:last].rstrip(_PADDING)
