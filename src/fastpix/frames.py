"""Where each frame is: a bit offset in native data, fragments in encapsulated data (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from fastpix.attributes import Note, count_of
from fastpix.errors import PixelDataError
from fastpix.header import Header

Span: TypeAlias = tuple[int, int]  # start and end in Header.pixels

_ITEM = 0xE000FFFE
_DELIMITER = 0xE0DDFFFE
# What a codestream begins with, where it can be told: JPEG and JPEG-LS SOI, JPEG 2000 SOC, JP2.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")


class NativeFrames(NamedTuple):
    """Frames of native data, one behind the other without padding.

    Attributes
    ----------
    bits : int
        Of one frame.
    """

    bits: int


def native_frames(header: Header, samples: int) -> tuple[NativeFrames, list[Note]]:
    """Check that native pixel data covers its frames (PS3.5 8.1.1).

    Parameters
    ----------
    header : Header
    samples : int
        Stored samples a pixel: 2 for subsampled chrominance.

    Returns
    -------
    frames : NativeFrames
    notes : list of Note
        What was found beyond them.

    Raises
    ------
    PixelDataError
        There are fewer bytes than the frames need.
    """
    bits = header.rows * header.columns * samples * header.bits_allocated
    expected = (bits * header.frames + 7) // 8
    found = len(header.pixels)
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
    return NativeFrames(bits), notes


def encapsulated_frames(header: Header) -> list[tuple[Span, ...]]:
    """Return the fragments of each frame.

    The Extended Offset Table is preferred to the Basic one; without a table a frame is one
    fragment, or begins where a codestream does.

    Parameters
    ----------
    header : Header

    Raises
    ------
    PixelDataError
        The items are damaged, or cannot be told apart into the frames that the header promises.
    """
    table, fragments = _items(header.pixels)
    starts = [start - 8 for start, _ in fragments]  # offsets count to the item's tag
    origin = starts[0] if starts else 0
    if header.offsets is not None:
        frames = _by_extended_table(header, origin)
        if frames is not None:
            return frames
    if table and len(table) >= header.frames:
        grouped = _by_offsets([origin + offset for offset in table], starts, fragments)
        if grouped is not None:
            return grouped[: header.frames]
    if header.frames == 1:
        return [tuple(fragments)]
    if len(fragments) == header.frames:
        return [(fragment,) for fragment in fragments]
    grouped = _by_codestream(header.pixels, fragments)
    if len(grouped) < header.frames:
        raise PixelDataError(
            expected=header.frames,
            found=len(grouped),
            reason=f"{len(fragments)} fragments make {len(grouped)} frames, "
            f"NumberOfFrames (0028,0008) says {header.frames}",
        )
    return grouped[: header.frames]


def _items(pixels: memoryview) -> tuple[list[int], list[Span]]:
    """Return the Basic Offset Table and the fragments."""
    spans: list[Span] = []
    at = 0
    while at + 8 <= len(pixels):
        tag, length = struct.unpack_from("<II", pixels, at)
        if tag == _DELIMITER:
            break
        if tag != _ITEM:
            raise PixelDataError(reason=f"encapsulated Pixel Data has no item at byte {at}")
        at += 8
        if length > len(pixels) - at:
            raise PixelDataError(
                expected=length,
                found=len(pixels) - at,
                reason=f"a fragment of {length} bytes is cut off after {len(pixels) - at}",
            )
        spans.append((at, at + length))
        at += length
    if len(spans) < 2:
        raise PixelDataError(expected=1, found=0, reason="encapsulated Pixel Data has no fragment")
    (start, end), *fragments = spans
    count = (end - start) // 4
    return list(struct.unpack_from(f"<{count}I", pixels, start)), fragments


def _by_extended_table(header: Header, origin: int) -> list[tuple[Span, ...]] | None:
    assert header.offsets is not None
    offsets, lengths = (
        struct.unpack(f"<{len(t) // 8}Q", t[: len(t) // 8 * 8]) for t in header.offsets
    )
    frames: list[tuple[Span, ...]] = []
    for offset, length in zip(offsets, lengths, strict=False):
        start = origin + offset + 8
        if start + length > len(header.pixels):
            return None
        frames.append(((start, start + length),))
    return frames[: header.frames] if len(frames) >= header.frames else None


def _by_offsets(
    offsets: Sequence[int], starts: Sequence[int], fragments: Sequence[Span]
) -> list[tuple[Span, ...]] | None:
    """Group fragments by a table; None where it does not point at items in ascending order."""
    places = {start: k for k, start in enumerate(starts)}
    firsts = [places.get(offset, -1) for offset in offsets]
    if firsts[0] != 0 or any(b <= a for a, b in pairwise(firsts)):
        return None
    return [
        tuple(fragments[a:b]) for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True)
    ]


def _by_codestream(pixels: memoryview, fragments: Sequence[Span]) -> list[tuple[Span, ...]]:
    frames: list[list[Span]] = []
    for start, end in fragments:
        head = bytes(pixels[start : min(end, start + 12)])
        if head.startswith(_STARTS) or not frames:
            frames.append([])
        frames[-1].append((start, end))
    return [tuple(frame) for frame in frames]
