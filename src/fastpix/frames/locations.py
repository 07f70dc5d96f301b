"""Where the fragments of each frame are in encapsulated Pixel Data (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastpix._fragments import ItemWalk, joined_items
from fastpix.errors import PixelDataError
from fastpix.frames.offset_tables import (
    ITEM_HEAD,
    NONE,
    OffsetTable,
    Places,
    cut_off,
    offset_tables,
    only_fragment,
)
from fastpix.header.header import Header
from fastpix.notes import Note, count_of
from fastpix.source.stored import File, Pixels
from fastpix.standard.syntaxes import RLE

_WINDOW = 2**20  # bytes that are looked at together
# What a walk ends with: see `ItemWalk.on`.
_MORE, _DELIMITED, _NO_ITEM, _CUT_OFF, _STOPPED, _MISFIT, _UNREADABLE = 0, 1, 3, 4, 5, 6, 7


class _Found(NamedTuple):
    """Where the frames are.

    Attributes
    ----------
    bounds : ndarray of int64
        Where the first item of each frame begins, and where the last frame ends; -1: at the
        delimiter, which has not been looked for.
    lengths : ndarray of int64
        As in `OffsetTable`.
    """

    bounds: Places
    lengths: Places


class FrameLocations:
    """Where the fragments of each frame of encapsulated Pixel Data are.

    The Extended Offset Table is preferred to the Basic one, and a table that does not fit the
    fragments is not used. Without a table, each frame is one fragment, or begins where a codestream
    begins.

    Pixel Data in memory is walked over at once. So is Pixel Data in a file that has no table, or
    one with another number of frames than the header says. With any other table, no more than the
    items of the frames that are asked for are held against it, until all frames are asked for, or
    one does not fit.

    Parameters
    ----------
    header : Header
    pixels : Pixels
        May end behind the delimiter of Pixel Data, for example where the file ends. It has been
        opened.

    Attributes
    ----------
    notes : list of Note
        Tables that were wrong, fragments without a byte, and frames beyond those that the header
        promises, as far as the fragments have been walked over.

    Raises
    ------
    PixelDataError
        The items are damaged, or hold fewer frames than the header promises.
    """

    def __init__(self, header: Header, pixels: Pixels) -> None:
        self._header = header
        self._length = min(pixels.length, pixels.stored.size - pixels.start)
        self.notes: list[Note] = []
        only = only_fragment(pixels, self._length) if header.frames == 1 else None
        if only is not None:  # most files: nothing to walk over
            self._found, self._is_walked = (
                _Found(np.array([only, self._length], np.int64), NONE),
                True,
            )
            return
        self._first, self._tables = offset_tables(pixels, self._length)
        for table in self._tables[:1]:
            if (
                isinstance(pixels.stored, File)
                and 1 < table.starts.size == header.frames
                and table.is_ordered(self._first, self._length)
            ):
                self._is_walked = False
                self._found = _Found(np.append(table.starts, -1), table.lengths)
                return
        self._is_walked = True
        self._found, self.notes = self._walked(pixels)

    def find(self, pixels: Pixels, frames: Sequence[int]) -> list[Note]:
        """Make sure of where frames are, before they are asked for.

        Parameters
        ----------
        pixels : Pixels
        frames : sequence of int
            Where all frames are among them, all fragments are walked over.

        Returns
        -------
        list of Note
            Those that are new.

        Raises
        ------
        PixelDataError
            As for the class.
        """
        if self._is_walked:
            return []
        if len(frames) < self._header.frames and all(self._walk_of(pixels, k) for k in frames):
            return []
        found, notes = self._walked(pixels)
        self._found, self._is_walked = found, True
        new = [note for note in notes if note not in self.notes]
        self.notes += new
        return new

    def encoded(self, pixels: Pixels, frame: int) -> memoryview:
        """Return the bytes of a frame: its fragment, or all of them as one.

        Parameters
        ----------
        pixels : Pixels
        frame : int
            One that `find` was asked for, unless all fragments have been walked over.

        Raises
        ------
        PixelDataError
            The items are not what they were.
        """
        bounds, lengths = self._found
        first, stop = int(bounds[frame]), int(bounds[frame + 1])
        if stop < 0:
            walk = self._walk_of(pixels, frame)
            stop = first if walk is None else walk.at
        items = pixels.view(first, stop)
        data: memoryview | bytes | None
        if (
            len(items) > ITEM_HEAD
            and int.from_bytes(items[4:8], "little") == len(items) - ITEM_HEAD
        ):
            data = items[ITEM_HEAD:]
        else:
            data = joined_items(items)
        if not data:
            raise PixelDataError(reason=f"the fragments of frame {frame} are not what they were")
        whole = memoryview(data)
        return whole[: int(lengths[frame])] if lengths.size else whole

    def _walk_of(self, pixels: Pixels, frame: int) -> ItemWalk | None:
        """Walk over the items of one frame; None where they do not fit the table.

        Several fragments are taken for one frame only if the first begins a codestream, and no
        other does.
        """
        bounds, lengths = self._found
        first, stop = int(bounds[frame]), int(bounds[frame + 1])
        own = slice(frame, frame + 1)
        walk = ItemWalk(first, self._length, stop, 0, bounds[own], lengths[own])
        ending = _go(walk, pixels)
        is_whole = ending in (_STOPPED, _DELIMITED) or walk.at == self._length
        is_one = walk.fragments == 1 or walk.beginnings == walk.streams == 1
        return walk if is_whole and is_one and walk.fits_table else None

    def _walked(self, pixels: Pixels) -> tuple[_Found, list[Note]]:
        """Walk over all fragments, by the first table that fits them."""
        frames = self._header.frames
        notes: list[Note] = []
        for table in self._tables:
            if table.starts.size >= frames and table.is_ordered(self._first, self._length):
                walk, ending = self._walk(pixels, table)
                if ending != _MISFIT and walk.fits_table:
                    starts, count, lengths = table.starts, table.starts.size, table.lengths
                    break
            notes.append(
                Note(
                    f"{table.name} does not fit the fragments: it is not used",
                    oddity=True,
                    code="PIX_OFFSET_TABLE_WRONG",
                )
            )
        else:
            walk, ending = self._walk(pixels, None)
            starts, count, lengths = *self._without_table(walk, notes), NONE
        if walk.empty:
            what = f"{count_of(walk.empty, 'fragment')} of Pixel Data (7FE0,0010) without a byte"
            text = f"{what}: left out, which is right only if nothing was lost"
            notes.insert(0, Note(text, oddity=True, code="PIX_EMPTY_FRAGMENTS"))
        if count < frames:
            raise PixelDataError(
                expected=frames,
                found=count,
                reason=f"{count_of(walk.fragments, 'fragment')} of Pixel Data (7FE0,0010) hold "
                f"{count_of(count, 'frame')}, NumberOfFrames (0028,0008) says {frames}",
            )
        if count > frames:
            notes.append(
                Note(
                    f"Pixel Data (7FE0,0010) holds {count_of(count, 'frame')}, NumberOfFrames "
                    f"(0028,0008) says {frames}: those beyond are not read",
                    oddity=True,
                    code="PIX_FRAMES_BEYOND",
                )
            )
        if ending != _DELIMITED and (rest := self._length - walk.at):
            text = f"Pixel Data (7FE0,0010) ends with {count_of(rest, 'byte')} in place of its "
            notes.append(Note(f"{text}delimiter", oddity=True, code="FILE_NO_DELIMITER"))
        elif isinstance(pixels.stored, File) and pixels.start + walk.at == pixels.stored.size:
            notes.append(
                Note(
                    "Pixel Data (7FE0,0010) ends without its delimiter",
                    oddity=True,
                    code="FILE_NO_DELIMITER",
                )
            )
        bounds = np.append(starts[: frames + 1], walk.at)[: frames + 1]
        return _Found(bounds, lengths), notes

    def _walk(self, pixels: Pixels, table: OffsetTable | None) -> tuple[ItemWalk, int]:
        """Walk over all fragments; return the walk, and what it ends with.

        Raises
        ------
        PixelDataError
            There is no fragment, or one is damaged.
        """
        most = self._header.frames + 1 if table is None else 0
        starts, lengths = (NONE, NONE) if table is None else table[1:]
        walk = ItemWalk(self._first, self._length, -1, most, starts, lengths)
        ending = _go(walk, pixels)
        if ending == _CUT_OFF:
            raise cut_off(pixels, walk.at, self._length)
        if ending == _NO_ITEM and not _is_zero(pixels, walk.at, self._length):
            raise PixelDataError(reason=f"encapsulated Pixel Data has no item at byte {walk.at}")
        if ending != _MISFIT and not walk.fragments:
            raise PixelDataError(
                expected=1, found=0, reason="encapsulated Pixel Data has no fragment"
            )
        return walk, ending

    def _without_table(self, walk: ItemWalk, notes: list[Note]) -> tuple[Places, int]:
        """Return where frames begin, and how many there are: one a fragment, or by codestreams."""
        frames, fragments = self._header.frames, walk.fragments
        by_fragment = fragments == frames
        if self._header.transfer_syntax == RLE:
            # A frame of RLE is one fragment (PS3.5 A.4.2). Only the one frame of an image leaves no
            # doubt about where other fragments belong, if none of them begins as a frame does.
            by_fragment = not (frames == 1 and walk.streams == 1)
            if not by_fragment and fragments > 1:
                notes.append(
                    Note(
                        f"the one frame of Pixel Data (7FE0,0010) is in {fragments} fragments, "
                        "where RLE has one: they are joined",
                        oddity=True,
                        code="PIX_RLE_FRAGMENTS",
                    )
                )
        if by_fragment:
            return np.frombuffer(walk.fragment_starts(), np.int64), fragments
        return np.frombuffer(walk.stream_starts(), np.int64), walk.streams


def _go(walk: ItemWalk, pixels: Pixels) -> int:
    """Take a walk through Pixel Data, in memory or in a file, to where it ends."""
    stored = pixels.stored
    ending = _UNREADABLE
    if isinstance(stored, File) and stored.descriptor >= 0:
        ending = walk.through(stored.descriptor, pixels.start)
    if ending == _UNREADABLE:
        ending = _MORE
    while ending == _MORE:
        size = walk.wanted if isinstance(stored, File) else pixels.length
        ending = walk.on(pixels.view(walk.at, walk.at + size), walk.at)
    return ending


def _is_zero(pixels: Pixels, start: int, end: int) -> bool:
    """Whether there is nothing but zeros, as some software writes them in place of a delimiter."""
    for at in range(start, end, _WINDOW):
        if np.frombuffer(pixels.view(at, at + _WINDOW), np.uint8).any():
            return False
    return True
