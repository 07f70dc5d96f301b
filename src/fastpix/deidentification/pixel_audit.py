"""The audit of the pixels of a copy: read again, and held against those of the original.

It knows what was to be blanked, and nothing of how.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.deidentification.copy_rules import Violation
from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.beside_the_image import carries_more
from fastpix.errors import FastpixError
from fastpix.header.header import Header
from fastpix.header.instance import Instance, read_instance
from fastpix.header.plain_values import values_at_top
from fastpix.image.image import Image
from fastpix.redaction import Region
from fastpix.source.opening import read_source
from fastpix.source.stored import File
from fastpix.standard.tags import Tag

_PIXEL_DATA = 0x7FE00010
# What another encoding of the same pixels may change.
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
        Which pixels must not carry besides the image.
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
                if carries_more(copy, identifiers.in_remark, identifiers.in_raw):
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
    left_out = {"notes"} if exactly else _ENCODED
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
        old, new = old_image.stored(frame), new_image.stored(frame)
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
    """Check the bits of native cells that no value uses, which `stored` does not show."""
    header, other = original.header, copy.header
    cells = _cells(original)
    new = _cells(copy)
    if header.encapsulated or other.encapsulated or cells is None or new is None:
        return []
    if not cleared and not _same(cells[:, ~inside], new[:, ~inside]):
        return [_wrong("bits outside of what was to be blanked differ from the original")]
    looked_at = new if cleared else new[:, inside]
    size = header.bits_allocated // 8
    order = ">" if header.big_endian else "<"
    kind = "i" if header.signed else "u"
    numbers = np.ascontiguousarray(looked_at).reshape(-1, size).copy().view(f"{order}{kind}{size}")
    below = header.high_bit + 1 - header.bits_stored
    above = header.bits_allocated - 1 - header.high_bit
    native = numbers.astype(f"{kind}{size}")
    kept = ((native >> below) << (above + below)) >> above
    if not (kept == native).all():
        return [_wrong("bits that no value uses hold something")]
    return []


def _cells(instance: Instance) -> NDArray[np.uint8] | None:
    """Return the bytes of native cells: (frames, rows, columns, samples * bytes)."""
    header = instance.header
    is_plain = not header.planar and "422" not in header.photometric and not header.is_float
    if header.encapsulated or header.bits_allocated % 8 or not is_plain:
        return None
    if header.big_endian and header.bits_allocated == 8 and header.word_ow:
        return None
    shape = header.frames, header.rows, header.columns, header.samples * header.bits_allocated // 8
    size = int(np.prod(shape))
    return np.frombuffer(instance.pixels.view(0, size), np.uint8).reshape(shape)
