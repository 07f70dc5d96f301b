"""Look-up tables of the header: Modality LUT and palettes, plain or segmented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.header.attributes import Attributes, header_error
from fastpix.standard.tags import Tag

_MAX_ENTRIES = 65536


class Lut(NamedTuple):
    """A table from stored values to output values (PS3.3 C.11.1.1, C.7.6.3.1.5).

    Attributes
    ----------
    first : int
        The stored value that the first entry belongs to.
    bits : int
        Of an entry; the output lies in 0..2**bits - 1.
    entries : bytes
        float64, native byte order: what `memoryview.cast("d")` reads.
    """

    first: int
    bits: int
    entries: bytes


def read_lut(
    attributes: Attributes, descriptor_tag: int, data_tag: int, signed: bool, segmented_tag: int = 0
) -> Lut | None:
    """Read one table; None where its descriptor is missing or empty.

    Parameters
    ----------
    attributes : Attributes
        What holds descriptor and data.
    descriptor_tag, data_tag, segmented_tag : int
        Where; `segmented_tag` is 0 for tables that have no segmented form.
    signed : bool
        Pixel Representation, which decides the sign of the first stored value mapped.

    Raises
    ------
    PixelHeaderError
        The data does not fit the descriptor.
    """
    descriptor = attributes.words(descriptor_tag).tolist()
    if not descriptor:
        return None
    if len(descriptor) != 3:
        raise header_error(descriptor_tag, descriptor, "a LUT descriptor has 3 values")
    count, first, bits = descriptor[0] or _MAX_ENTRIES, descriptor[1], descriptor[2]
    if signed and first >= 0x8000:
        first -= 0x10000
    if not 8 <= bits <= 16:
        raise header_error(descriptor_tag, bits, "LUT entries have 8 to 16 bits")
    entries = np.empty(0, np.uint16)
    words = attributes.words(data_tag)
    if words.size:
        entries = _entries(words, count, bits)
    elif segmented_tag and (words := attributes.words(segmented_tag)).size:
        data_tag = segmented_tag
        units = words if bits > 8 else _bytes_of(words)
        entries = expand_segments(units.tolist(), bits > 8, segmented_tag)
    found = len(entries)
    if found < count:
        raise header_error(
            data_tag, f"{found} entries", f"the descriptor promises {count}",
            "a table cannot be guessed: correct it, or leave the file out",
        )  # fmt: skip
    if found > count + 1:  # one word of padding is fine
        attributes.remark(
            f"a look-up table holds {found} entries where its descriptor says {count}: "
            f"the first {count} are used",
            code="HDR_LUT_TOO_LONG",
        )
    entries = entries[:count]
    if int(entries.max()) >> bits:
        attributes.remark(
            f"a look-up table of {bits} bits holds larger entries: 16 bits assumed",
            code="HDR_LUT_BITS",
        )
        bits = 16
    return Lut(first, bits, entries.astype(np.float64).tobytes())


def read_modality_lut(attributes: Attributes, signed: bool, is_float: bool) -> Lut | None:
    """Read the Modality LUT (PS3.3 C.11.1); None where there is none.

    Raises
    ------
    PixelHeaderError
        The table is broken, or something else scales the same pixels.
    """
    items = attributes.items(Tag.ModalityLUTSequence)
    if not items:
        return None
    if len(items) > 1:
        raise header_error(Tag.ModalityLUTSequence, f"{len(items)} items", "it has one")
    lut = read_lut(items[0], Tag.LUTDescriptor, Tag.LUTData, signed)
    if lut is None:
        attributes.remark(
            "ModalityLUTSequence (0028,3000) has no LUT Descriptor: read as absent",
            code="HDR_MODALITY_LUT_EMPTY",
        )
    elif is_float:
        raise header_error(Tag.ModalityLUTSequence, "present", "a table cannot map float data")
    elif Tag.DoseGridScaling in attributes:
        raise header_error(Tag.ModalityLUTSequence, "present", "DoseGridScaling scales as well")
    elif Tag.RescaleSlope in attributes or Tag.RescaleIntercept in attributes:
        attributes.remark(
            "ModalityLUTSequence (0028,3000) takes the place of Rescale Slope and Intercept",
            code="HDR_MODALITY_LUT_AND_RESCALE",
        )
    return lut


def read_palette(attributes: Attributes, signed: bool) -> tuple[Lut, Lut, Lut]:
    """Read the tables of PALETTE COLOR (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6).

    Raises
    ------
    PixelHeaderError
        One is missing or broken, or they do not go together.
    """
    luts = []
    for color in range(3):
        descriptor = Tag(Tag.RedPaletteColorLookupTableDescriptor + color)
        data = Tag(Tag.RedPaletteColorLookupTableData + color)
        segmented = Tag(Tag.SegmentedRedPaletteColorLookupTableData + color)
        lut = read_lut(attributes, descriptor, data, signed, segmented)
        if lut is None:
            raise header_error(descriptor, None, "PALETTE COLOR needs its three tables")
        luts.append(lut)
    red, green, blue = luts
    for lut, descriptor in (
        (green, Tag.GreenPaletteColorLookupTableDescriptor),
        (blue, Tag.BluePaletteColorLookupTableDescriptor),
    ):
        if (lut.first, len(lut.entries)) != (red.first, len(red.entries)):
            raise header_error(descriptor, lut[:2], "the three descriptors differ")
    return red, green, blue


def _entries(words: NDArray[np.uint16], count: int, bits: int) -> NDArray[np.uint16]:
    """Entries from 16-bit words: one to a word, or two 8-bit ones, as the length tells."""
    if bits == 8 and len(words) == (count + 1) // 2 and len(words) < count:
        return _bytes_of(words)[:count]
    return words


def _bytes_of(words: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the low and the high byte of each word."""
    return words.astype("<u2").view(np.uint8).astype(np.uint16)


def expand_segments(data: Sequence[int], wide: bool, tag: int) -> NDArray[np.uint16]:
    """Expand segmented palette data (PS3.3 C.7.9.2).

    Parameters
    ----------
    data : sequence of int
        The segments' units: 16-bit words (`wide`) or bytes.
    wide : bool
    tag : int
        For the error.

    Raises
    ------
    PixelHeaderError
        A segment that cannot be expanded, or more entries than a table can have.
    """
    entries: list[int] = []
    walked = 0

    def expand(at: int, segments: int | None) -> None:
        nonlocal walked
        done = 0
        # Data of odd length is padded: one unit is no segment.
        while at + 1 < len(data) and (segments is None or done < segments):
            opcode, length = data[at], data[at + 1]
            at += 2
            if opcode == 0:
                entries.extend(_taken(data, at, length, tag))
                at += length
            elif opcode == 1:
                if not entries:
                    raise header_error(tag, "a linear segment", "a palette cannot begin with it")
                (end,) = _taken(data, at, 1, tag)
                entries.extend(_line(entries[-1], end, length))
                at += 1
            elif opcode == 2 and segments is None:
                size = 2 if wide else 4
                units = _taken(data, at, size, tag)
                offset = sum(unit << (16 if wide else 8) * k for k, unit in enumerate(units))
                at += size
                if wide and offset % 2:
                    raise header_error(tag, offset, "an indirect segment's offset is odd")
                expand(offset // 2 if wide else offset, length)
            else:
                raise header_error(tag, opcode, "no such palette segment may stand here")
            walked += 1
            if len(entries) > _MAX_ENTRIES or walked > len(data) + _MAX_ENTRIES:
                raise header_error(tag, len(entries), "more entries than a palette can have")
            done += 1

    expand(0, None)
    return np.array(entries, np.uint16)


def _line(start: int, end: int, length: int) -> list[int]:
    """Return the entries of a linear segment behind `start`, halves rounded to even."""
    steps = (end - start) * np.arange(1, length + 1, dtype=np.int64)
    whole, rest = np.divmod(steps, max(length, 1))
    whole += start
    whole += (2 * rest > length) | ((2 * rest == length) & (whole % 2 == 1))
    line: list[int] = whole.tolist()
    return line


def _taken(data: Sequence[int], at: int, count: int, tag: int) -> list[int]:
    taken = list(data[at : at + count])
    if len(taken) < count:
        raise header_error(tag, len(data), "a palette segment runs past the data")
    return taken
