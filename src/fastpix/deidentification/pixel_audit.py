"""The audit of the pixels of a copy: read again, and held against those of the original.

It knows what was to be blanked, and nothing of how.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.deidentification.copy_rules import Violation
from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.beside_the_image import carries_more
from fastpix.deidentification.pixels.coded_strings import strings_of
from fastpix.deidentification.pixels.codestream_remarks import without_remarks
from fastpix.deidentification.pixels.reencoding import encoded_frames
from fastpix.errors import FastpixError
from fastpix.frames.codecs import all_decoders, check_frame, decode_frame, format_of
from fastpix.frames.codestreams import read_codestream
from fastpix.header.header import Header
from fastpix.header.instance import Instance, read_instance
from fastpix.header.plain_values import values_at_top
from fastpix.image.image import Image
from fastpix.redaction import Region
from fastpix.source.opening import read_source
from fastpix.source.stored import File
from fastpix.standard import decoder_names
from fastpix.standard.syntaxes import RLE, keeps_high_bit
from fastpix.standard.tags import Tag

_PIXEL_DATA, _LOSSY = 0x7FE00010, 0x00282110
# What other bytes of the same pixels may change, and what another encoding may.
_SIZED = frozenset({"pixel_bytes", "notes"})
_ENCODED = frozenset(
    {"transfer_syntax", "photometric", "planar", "high_bit", "encapsulated", "big_endian",
     "word_ow", "pixel_bytes", "notes"}
)  # fmt: skip
_PLACES = (
    Tag.ImagePositionPatient, Tag.ImageOrientationPatient, Tag.PixelSpacing, Tag.SliceThickness,
    Tag.SpacingBetweenSlices, Tag.ImagerPixelSpacing, Tag.NumberOfFrames,
)  # fmt: skip


def check_image(
    path: str | os.PathLike[str],
    original: Instance,
    regions: Sequence[Region],
    max_bytes: int,
    identifiers: Identifiers,
    *,
    has_same_bytes: bool,
    is_cleared: bool,
) -> list[Violation]:
    """Hold the image of a copy against that of its original.

    Parameters
    ----------
    path : path
        Of the copy.
    original : Instance
    regions : sequence of Region
        What was to be blanked in all frames; outside, all is what it was.
    max_bytes : int
    identifiers : Identifiers
        Looked for in what pixels carry besides the image.
    has_same_bytes : bool
        The bytes of the pixels were found to be those of the original: they are not decoded, unless
        they were to be others.
    is_cleared : bool
        Bits that no value uses were to be cleared.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored = read_source(path)
            try:
                copy = read_instance(stored, max_bytes)
                found = _check_header(copy, original, has_same_bytes)
                if not found and (regions or is_cleared or not has_same_bytes):
                    found += _check_pixels(copy, original, regions, max_bytes, is_cleared)
                if not found and not has_same_bytes:
                    is_changed = bool(regions) or is_cleared
                    found += _check_codestreams(copy, original, identifiers, is_changed)
                if carries_more(copy, identifiers):
                    found.append(_wrong("something is left beside the image"))
            finally:
                if isinstance(stored, File):
                    stored.close()
        except FastpixError:
            return [_wrong("they cannot be read any more")]
    return found


def _wrong(why: str) -> Violation:
    return Violation((), _PIXEL_DATA, "pixels", why)


def _check_header(copy: Instance, original: Instance, exactly: bool) -> list[Violation]:
    """Check that what says how pixels are read, and where they lie, is what it was."""
    found = []
    has_same_syntax = original.header.transfer_syntax == copy.header.transfer_syntax
    left_out = _SIZED if has_same_syntax else _ENCODED
    if copy.header.encapsulated:  # some originals have OW, against PS3.5 A.4
        left_out |= {"word_ow"}
    left_out = frozenset({"notes"}) if exactly else left_out
    for field in dataclasses.fields(Header):
        old, new = getattr(original.header, field.name), getattr(copy.header, field.name)
        if field.name.endswith("_error"):  # no two errors are equal
            old, new = old is None, new is None
        if field.name not in left_out and old != new:
            what = field.name.replace("_", " ")
            found.append(Violation((), 0, "image", f"its {what} is not what it was"))
    old_values, new_values = values_at_top(original), values_at_top(copy)
    found += [
        Violation((), int(tag), "image", "it is not what it was")
        for tag in _PLACES
        if _trimmed(old_values.get(tag)) != _trimmed(new_values.get(tag))
    ]
    return found


def _trimmed(value: bytes | None) -> bytes:
    return (value or b"").strip(b" \0")


def _check_pixels(
    copy: Instance, original: Instance, regions: Sequence[Region], max_bytes: int, cleared: bool
) -> list[Violation]:
    header = original.header
    inside = np.zeros((header.rows, header.columns), np.bool_)
    for part in regions:
        inside[part.rows, part.columns] = True
    old_image, new_image = Image(original, max_bytes), Image(copy, max_bytes)
    least = None
    for frame in range(header.frames):
        try:
            old = old_image.stored(frame)
        except FastpixError:
            if regions or cleared:
                raise
            return []  # what cannot be decoded stays what it was: its bytes are compared
        new = new_image.stored(frame)
        if old.shape != new.shape or old.dtype != new.dtype:
            return [_wrong("their shape is not what it was")]
        if not _same(old[~inside], new[~inside]):
            return [_wrong("outside of what was to be blanked, they differ from the original")]
        if regions and header.is_float:
            finite = old[np.isfinite(old)]
            if finite.size:
                least = finite.min() if least is None else min(least, finite.min())
        elif regions and not _is_black(new[inside], copy.header):
            return [_wrong("something that was to be blanked is not black")]
    if regions and header.is_float:
        blanked = {float(v) for f in range(header.frames) for v in new_image.stored(f)[inside]}
        if blanked != {0.0 if least is None else float(least)}:
            return [_wrong("something that was to be blanked is not black")]
    return _check_cells(copy, original, inside, cleared)


def _same(old: NDArray[Any], new: NDArray[Any]) -> bool:
    return old.tobytes() == new.tobytes()


def _is_black(values: NDArray[Any], header: Header) -> bool:
    """Whether stored values are black, whatever code has blanked them."""
    bits = header.bits_stored
    low = -(2 ** (bits - 1)) if header.signed else 0
    if header.photometric == "MONOCHROME1":
        return bool((values == low + 2**bits - 1).all())
    if header.photometric == "MONOCHROME2":
        return bool((values == low).all())
    if header.photometric.startswith("YBR_FULL"):
        return bool((values == (0, 2 ** (bits - 1), 2 ** (bits - 1))).all())
    if header.photometric == "RGB":
        return bool((values == 0).all())
    if values.size and (values != values.flat[0]).any():
        return False
    if header.palette is None or not values.size:
        return True
    reds, greens, blues = (np.frombuffer(lut.entries) for lut in header.palette)
    luminance = reds * 299 + greens * 587 + blues * 114
    place = np.clip(int(values.flat[0]) - header.palette[0].first, 0, len(luminance) - 1)
    reach = np.clip(np.arange(low, low + 2**bits) - header.palette[0].first, 0, len(luminance) - 1)
    return bool(luminance[place] == luminance[reach].min())


def _check_cells(
    copy: Instance, original: Instance, inside: NDArray[np.bool_], cleared: bool
) -> list[Violation]:
    """Check the bits of cells that no value uses, which `stored` does not show."""
    header = copy.header
    if not _has_cells(header):
        return []
    has_both = _has_cells(original.header)
    places = np.ones_like(inside) if cleared else inside
    old_cells, new_cells = _cells(original) if has_both else repeat(None), _cells(copy)
    for old, new in zip(old_cells, new_cells, strict=has_both):
        if old is not None and not cleared and not _same(old[~inside], new[~inside]):
            return [_wrong("bits outside of what was to be blanked differ from the original")]
        below = header.high_bit + 1 - header.bits_stored
        above = header.bits_allocated - 1 - header.high_bit
        numbers = new[places].view(f"{'i' if header.signed else 'u'}{header.bits_allocated // 8}")
        kept = ((numbers >> below) << (above + below)) >> above
        if not (kept == numbers).all():
            return [_wrong("bits that no value uses hold something")]
    return []


def _has_cells(header: Header) -> bool:
    """Whether the cells of an image have bits that no value uses, in a place that is known here."""
    if header.is_float or header.bits_allocated % 8 or "422" in header.photometric:
        return False
    is_swapped = header.big_endian and header.bits_allocated == 8 and header.word_ow
    return keeps_high_bit(header.transfer_syntax) and not is_swapped


def _cells(instance: Instance) -> Iterator[NDArray[Any]]:
    """Give the cells of each frame with all of their bits: unsigned, (rows, columns, samples)."""
    header, pixels = instance.header, instance.pixels
    shape = header.rows, header.columns, header.samples
    if header.encapsulated:
        wanted = format_of(header)
        for frame, encoded in enumerate(encoded_frames(header, pixels).frames):
            checked = check_frame(memoryview(encoded), wanted, frame)
            # The kernel expands RLE by itself and masks it: here all bits of a cell are wanted.
            pinned = decoder_names.IMAGECODECS if header.transfer_syntax == RLE else None
            decoded = decode_frame(checked, wanted, frame, pinned=pinned)
            yield decoded.cells.view(f"u{wanted.cell_bytes}").reshape(shape)
        return
    size = header.bits_allocated // 8
    length = size * header.rows * header.columns * header.samples
    for at in range(0, length * header.frames, length):
        order = ">" if header.big_endian else "<"
        cells = np.frombuffer(pixels.view(at, at + length), f"{order}u{size}").astype(f"u{size}")
        if header.planar:
            yield cells.reshape(shape[2], *shape[:2]).transpose(1, 2, 0)
        else:
            yield cells.reshape(shape)


def _check_codestreams(
    copy: Instance, original: Instance, identifiers: Identifiers, is_changed: bool
) -> list[Violation]:
    """Check that coded data are the same, where the image is; and that a loss is told.

    Frames that hide an identifier in their coded data had to be encoded again.
    """
    old, new = original.header, copy.header
    if not old.encapsulated or old.transfer_syntax not in all_decoders():
        return []
    before = encoded_frames(old, original.pixels).frames
    after = encoded_frames(new, copy.pixels).frames
    if not is_changed:
        coded = [_coded(frame, old) for frame in before]
        hiding = [identifiers.in_raw(strings_of(frame)) for frame in coded]
        is_new = old.transfer_syntax != new.transfer_syntax and any(hiding)
        for was, hides, frame in zip(coded, hiding, after, strict=True):
            if not is_new and not hides and was != _coded(frame, new):
                return [_wrong("their codestreams differ by more than remarks")]
    was_lossy = old.transfer_syntax != new.transfer_syntax and any(map(_is_lossy, before))
    is_told = was_lossy or original.dataset.get("LossyImageCompression") == "01"
    if is_told and copy.dataset.get("LossyImageCompression") != "01":
        return [Violation((), _LOSSY, "pixels", "a loss is not told")]
    return []


def _coded(frame: bytes | memoryview, header: Header) -> bytes:
    return without_remarks(frame, header.transfer_syntax).rstrip(b"\0\xff")


def _is_lossy(frame: bytes | memoryview) -> bool:
    stream = read_codestream(frame)
    return stream is not None and stream.lossy
