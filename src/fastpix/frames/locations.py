"""Where each frame is: a bit offset in native data, fragments in encapsulated data (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from fastpix.errors import PixelDataError
from fastpix.header.header import Header
from fastpix.notes import Note, count_of
from fastpix.source.stored import Pixels
from fastpix.standard.syntaxes import RLE

Span: TypeAlias = tuple[int, int]  # start and end in Pixels
Fragments: TypeAlias = tuple[Span, ...]  # of one frame

_ITEM = 0xE000FFFE
_DELIMITER = 0xE0DDFFFE
# What a codestream begins with, where it can be told: JPEG and JPEG-LS SOI, JPEG 2000 SOC, JP2.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")


def native_frame_bits(header: Header, samples: int) -> tuple[int, list[Note]]:
    """Check that native pixel data covers its frames (PS3.5 8.1.1).

    Parameters
    ----------
    header : Header
    samples : int
        Stored samples a pixel: 2 for subsampled chrominance.

    Returns
    -------
    bits : int
        Of a frame; they follow each other without padding.
    notes : list of Note
        What was found beyond them.

    Raises
    ------
    PixelDataError
        There are fewer bytes than the frames need.
    """
    bits = header.rows * header.columns * samples * header.bits_allocated
    expected = (bits * header.frames + 7) // 8
    found = header.pixel_bytes
    if found < expected:
        frames = count_of(header.frames, "frame")
        raise PixelDataError(
            expected=expected,
            found=found,
            layout=f"{frames} of {header.rows} x {header.columns} x "
            f"{samples * header.bits_allocated} bits",
            keyword=header.pixel_keyword,
        )
    notes = []
    if found > expected + 1:
        excess = found - expected
        whole = excess * 8 // bits
        notes.append(
            Note(
                f"{header.pixel_keyword} holds {excess} bytes beyond its "
                f"{count_of(header.frames, 'frame')}, enough for "
                f"{count_of(whole, 'whole frame')} more: they are not read",
                oddity=True,
            )
        )
    return bits, notes


def encapsulated_frames(header: Header, pixels: Pixels) -> tuple[list[Fragments], list[Note]]:
    """Find the fragments of each frame.

    The Extended Offset Table is preferred to the Basic one, and a table that does not fit the
    fragments is not used. Without a table, each frame is one fragment, or begins where a codestream
    begins.

    Parameters
    ----------
    header : Header
    pixels : Pixels

    Returns
    -------
    frames : list of tuple of (int, int)
        Of each frame, where its fragments start and end in `pixels`.
    notes : list of Note
        Tables that were wrong, and frames beyond those that the header promises.

    Raises
    ------
    PixelDataError
        The items are damaged, or hold fewer frames than the header promises.
    """
    table, items = _items(pixels)
    fragments, notes = _not_empty(items)
    frames = _by_tables(header, pixels.offsets, table, fragments, notes)
    if frames is None:
        frames = _without_table(header, pixels, fragments)
    if len(frames) < header.frames:
        raise PixelDataError(
            expected=header.frames,
            found=len(frames),
            reason=f"{count_of(len(fragments), 'fragment')} of Pixel Data (7FE0,0010) hold "
            f"{count_of(len(frames), 'frame')}, NumberOfFrames (0028,0008) says {header.frames}",
        )
    if len(frames) > header.frames:
        notes.append(
            Note(
                f"Pixel Data (7FE0,0010) holds {count_of(len(frames), 'frame')}, NumberOfFrames "
                f"(0028,0008) says {header.frames}: those beyond are not read",
                oddity=True,
            )
        )
    return frames[: header.frames], notes


def _not_empty(items: Sequence[Span]) -> tuple[list[Span], list[Note]]:
    """Return the fragments that hold a byte, and a note on the others."""
    fragments = [(start, end) for start, end in items if end > start]
    if not fragments:
        raise PixelDataError(expected=1, found=0, reason="encapsulated Pixel Data has no fragment")
    empty = len(items) - len(fragments)
    if not empty:
        return fragments, []
    what = f"{count_of(empty, 'fragment')} of Pixel Data (7FE0,0010) without a byte"
    text = f"{what}: left out, which is right only if nothing was lost"
    return fragments, [Note(text, oddity=True)]


def _by_tables(
    header: Header,
    extended: tuple[bytes, bytes] | None,
    basic: Sequence[int],
    fragments: Sequence[Span],
    notes: list[Note],
) -> list[Fragments] | None:
    """Group fragments by the first table that fits them; None if there is no such table.

    A table that does not fit, or has too few frames, is noted.
    """
    starts = [start - 8 for start, _ in fragments]  # offsets count to the item's tag
    if extended is not None:
        frames = _by_extended_table(extended, starts, fragments)
        if frames is not None and len(frames) >= header.frames:
            return frames
        notes.append(_not_used("Extended Offset Table (7FE0,0001)"))
    if basic:
        frames = _by_offsets([starts[0] + offset for offset in basic], starts, fragments)
        if frames is not None and len(frames) >= header.frames:
            return frames
        notes.append(_not_used("the Basic Offset Table of Pixel Data (7FE0,0010)"))
    return None


def _not_used(table: str) -> Note:
    return Note(f"{table} does not fit the fragments: it is not used", oddity=True)


def _without_table(header: Header, pixels: Pixels, fragments: Sequence[Span]) -> list[Fragments]:
    """Group fragments as one a frame, or else by where codestreams begin."""
    # A frame of RLE is always one fragment (PS3.5 A.4.2); other frames may be several.
    if header.transfer_syntax == RLE or len(fragments) == header.frames:
        return [(fragment,) for fragment in fragments]
    return _by_codestream(pixels, fragments)


def _items(pixels: Pixels) -> tuple[list[int], list[Span]]:
    """Return the Basic Offset Table and the fragments."""
    spans: list[Span] = []
    at = 0
    while at + 8 <= pixels.length:
        tag, length = struct.unpack("<II", pixels.view(at, at + 8))
        if tag == _DELIMITER:
            break
        if tag != _ITEM:
            raise PixelDataError(reason=f"encapsulated Pixel Data has no item at byte {at}")
        at += 8
        if length > pixels.length - at:
            raise PixelDataError(
                expected=length,
                found=pixels.length - at,
                reason=f"a fragment of {length} bytes is cut off after {pixels.length - at}",
            )
        spans.append((at, at + length))
        at += length
    if not spans:
        raise PixelDataError(expected=1, found=0, reason="encapsulated Pixel Data has no item")
    (start, end), *items = spans
    table = pixels.view(start, end)
    return list(struct.unpack_from(f"<{len(table) // 4}I", table)), items


def _by_extended_table(
    tables: tuple[bytes, bytes], starts: Sequence[int], fragments: Sequence[Span]
) -> list[Fragments] | None:
    """Return one fragment a frame; None if offsets or lengths are not those of the fragments."""
    offsets, lengths = (struct.unpack(f"<{len(t) // 8}Q", t[: len(t) // 8 * 8]) for t in tables)
    frames = _by_offsets([starts[0] + offset for offset in offsets], starts, fragments)
    if frames is None or len(lengths) != len(frames):
        return None
    spans: list[Fragments] = []
    for frame, length in zip(frames, lengths, strict=True):
        start, end = frame[0]
        if len(frame) != 1 or not 0 <= end - start - length <= 1:
            return None
        spans.append(((start, start + length),))
    return spans


def _by_offsets(
    offsets: Sequence[int], starts: Sequence[int], fragments: Sequence[Span]
) -> list[Fragments] | None:
    """Group fragments by a table; None if it does not point at items in ascending order."""
    places = {start: k for k, start in enumerate(starts)}
    firsts = [places.get(offset, -1) for offset in offsets]
    if not firsts or firsts[0] != 0 or any(b <= a for a, b in pairwise(firsts)):
        return None
    return [tuple(fragments[a:b]) for a, b in pairwise([*firsts, len(fragments)])]


def _by_codestream(pixels: Pixels, fragments: Sequence[Span]) -> list[Fragments]:
    """Group fragments by where codestreams begin."""
    frames: list[list[Span]] = []
    for start, end in fragments:
        head = bytes(pixels.view(start, min(end, start + 12)))
        if head.startswith(_STARTS) or not frames:
            frames.append([])
        frames[-1].append((start, end))
    return [tuple(frame) for frame in frames]
