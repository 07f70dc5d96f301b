"""Regions of compressed frames blanked: in the same syntax where it is lossless, else in RLE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fastpix.deidentification.pixels.blanking import cell_of, clear_unused
from fastpix.deidentification.pixels.decoded_colors import decoded_photometric
from fastpix.deidentification.pixels.lossless_encoding import Kind, encode_cells
from fastpix.errors import FastpixError, PixelHeaderError
from fastpix.frames.codecs import (
    CheckedFrame,
    FrameFormat,
    check_frame,
    decode_frame,
    format_of,
)
from fastpix.frames.codestreams import Codestream
from fastpix.frames.color_evidence import colors_of
from fastpix.frames.jpeg_xl import holds_jpeg
from fastpix.frames.locations import FrameLocations
from fastpix.header.header import Header
from fastpix.plan.black import black_of
from fastpix.redaction import Region
from fastpix.source.stored import Pixels
from fastpix.standard import decoder_names
from fastpix.standard.syntaxes import RLE, keeps_high_bit
from fastpix.standard.tags import Tag

_IN_RLE = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"})


class Reencoded(NamedTuple):
    """Compressed frames with regions blanked.

    Attributes
    ----------
    transfer_syntax : str
    frames : list of bytes
        All of them.
    photometric : str
        Of the frames as they are encoded now.
    was_lossy : bool
        The original was; False where nobody had to know.
    """

    transfer_syntax: str
    frames: list[bytes | memoryview]
    photometric: str
    was_lossy: bool = False


class _NotEncoded(Exception):  # noqa: N818 (the frames are written in another syntax then)
    """A frame cannot be encoded in the syntax that it has."""


class EncodedFrames(NamedTuple):
    """The codestreams of an image, each as one.

    Attributes
    ----------
    frames : list of bytes
        As many as the header promises.
    has_more : bool
        There are frames beyond those.
    """

    frames: list[bytes | memoryview]
    has_more: bool


def encoded_frames(header: Header, pixels: Pixels) -> EncodedFrames:
    """Return the codestreams of all frames.

    Parameters
    ----------
    header : Header
    pixels : Pixels

    Raises
    ------
    PixelDataError
        Fragments are damaged, or there are fewer frames than the header promises.
    """
    opened = pixels.opened()
    try:
        locations = FrameLocations(header, opened)
        locations.find(opened, range(header.frames))
        frames: list[bytes | memoryview] = [
            locations.encoded(opened, frame) for frame in range(header.frames)
        ]
        return EncodedFrames(frames, any(n.code == "PIX_FRAMES_BEYOND" for n in locations.notes))
    finally:
        if opened is not pixels:
            opened.stored.close()


def reencoded(
    header: Header,
    encoded: Sequence[bytes | memoryview],
    regions: Sequence[Region],
    frames: Sequence[int],
    clear_unused_bits: bool = False,
    again: Sequence[int] = (),
) -> Reencoded:
    """Blank regions of compressed frames.

    Where the frames are lossless, those to be blanked are encoded again in their own syntax, and
    the others stay as they are, byte for byte. Where they are not, or where what was encoded does
    not decode to the very cells again, all frames are decoded and written in RLE.

    Parameters
    ----------
    header : Header
    encoded : sequence of bytes
        Those of `encoded_frames`.
    regions : sequence of Region
        Disjoint, inside the image.
    frames : sequence of int
        Those to blank.
    clear_unused_bits : bool
        Bits that no value uses become 0 (of signed samples: those of the sign) in all frames.
    again : sequence of int
        Frames that are encoded again even if nothing is blanked in them.

    Raises
    ------
    UnsupportedTransferSyntaxError, PixelDataError, DecodeError, PixelHeaderError
        A frame cannot be decoded, or it is not known what black is.
    """
    wanted = format_of(header)
    checked = [check_frame(memoryview(data), wanted, k) for k, data in enumerate(encoded)]
    touched = {*again, *(range(header.frames) if clear_unused_bits else frames if regions else ())}
    blanking = _Blanking(header, wanted, regions, frozenset(frames), clear_unused_bits)
    was_lossy = any(map(_is_lossy, checked))
    if not was_lossy:
        result = list(encoded)
        try:
            for frame in sorted(touched):
                result[frame] = blanking.encoded_again(checked[frame], frame)
        except _NotEncoded:
            pass
        else:
            return Reencoded(header.transfer_syntax, result, header.photometric)
    return blanking.in_rle(checked, was_lossy)


def _is_lossy(frame: CheckedFrame) -> bool:
    stream = frame.stream
    if stream is None:
        return False
    return stream.lossy or (stream.coding == "JPEG XL" and holds_jpeg(frame.data))


class _Blanking:
    """What is done to each frame of an image."""

    def __init__(
        self,
        header: Header,
        wanted: FrameFormat,
        regions: Sequence[Region],
        frames: frozenset[int],
        clear_unused_bits: bool,
    ) -> None:
        self._header = header
        self._wanted = wanted
        self._regions = regions
        self._frames = frames
        self._clears = clear_unused_bits
        self._as_cells = keeps_high_bit(header.transfer_syntax)

    def encoded_again(self, checked: CheckedFrame, frame: int) -> bytes:
        """Blank a frame, and encode it as it was encoded before."""
        cells, stream = self._decoded(checked, frame)
        if self._clears:
            self._clear(cells, stream)
        if frame in self._frames and self._regions:
            black = black_of(self._header, decoded_photometric(self._header, stream))
            self._blank(cells, [self._cell(value, stream) for value in black])
        kind = Kind(self._wanted.transfer_syntax, stream, self._wanted.planar)
        try:
            encoded = encode_cells(cells, kind)
            encoded += b"\0" * (len(encoded) % 2)
            again = check_frame(memoryview(encoded), self._wanted, frame)
            found, new = self._decoded(again, frame)
        except Exception as error:  # the library's own, or ours of what it has made
            raise _NotEncoded from error
        # Samples may have no room for the cell of black: of 12 bits where Bits Stored is 16, say.
        if not np.array_equal(found, cells) or not self._says_the_same(stream, new):
            raise _NotEncoded
        return encoded

    def in_rle(self, checked: Sequence[CheckedFrame], was_lossy: bool) -> Reencoded:
        """Decode all frames, blank them, and write them in RLE."""
        header = self._header
        result: list[bytes | memoryview] = []
        kinds = set()
        for number, each in enumerate(checked):
            cells, stream = self._decoded(each, number)
            photometric = decoded_photometric(header, stream)
            kinds.add(photometric)
            if photometric not in _IN_RLE or len(kinds) > 1:
                raise _no_rle(header, kinds)
            if self._clears:
                self._clear(cells, None)
            if number in self._frames and self._regions:
                black = black_of(header, photometric)
                self._blank(cells, [self._cell(value, None) for value in black])
            result.append(_rle_frame(cells, self._wanted, number))
        return Reencoded(RLE, result, kinds.pop(), was_lossy)

    def _decoded(self, checked: CheckedFrame, frame: int) -> tuple[NDArray[Any], Codestream | None]:
        """Return the cells of a frame that may be written to, and the header of its codestream."""
        return _cells_of(checked, self._wanted, frame)

    def _cell(self, value: int, stream: Codestream | None) -> int:
        """Return the cell of a stored value: as a decoder would give it."""
        if self._as_cells:
            return cell_of(self._header, value)
        bits = self._wanted.bits_allocated
        if self._gives_unsigned(stream):
            bits = stream.precision
        return value & ((1 << bits) - 1)

    def _gives_unsigned(self, stream: Codestream | None) -> TypeGuard[Codestream]:
        """Whether samples have no sign until they are masked, whatever the header says."""
        return (
            stream is not None
            and not stream.signed
            and stream.precision >= self._header.bits_stored
        )

    def _clear(self, cells: NDArray[Any], stream: Codestream | None) -> None:
        """Set the bits that no value uses to 0, or to the sign where it is what a codec gives."""
        header = self._header
        if cells.ndim == 1:
            return  # packed: there are none
        if self._as_cells:
            clear_unused(cells, header)
            return
        values = cells.astype(np.int64) & ((1 << header.bits_stored) - 1)
        if header.signed:
            sign = 1 << (header.bits_stored - 1)
            values = (values ^ sign) - sign
        if self._gives_unsigned(stream):
            values &= (1 << stream.precision) - 1
        cells[...] = values.astype(cells.dtype)

    def _blank(self, cells: NDArray[Any], black: Sequence[int]) -> None:
        if cells.ndim == 1:
            header = self._header
            bits = np.unpackbits(cells, bitorder="little")
            image = bits[: header.rows * header.columns].reshape(header.rows, header.columns)
            for part in self._regions:
                image[part.rows, part.columns] = black[0]
            cells[:] = np.packbits(bits, bitorder="little")
            return
        for part in self._regions:
            cells[part.rows, part.columns] = black if cells.ndim == 3 else black[0]

    def _says_the_same(self, old: Codestream | None, new: Codestream | None) -> bool:
        """Whether a reader takes the samples of the new codestream for what the old ones were."""
        if old is None or new is None:
            return old is new
        return (
            not new.lossy
            and (old.coding, old.signed, old.transformed)
            == (new.coding, new.signed, new.transformed)
            and colors_of(old, self._header)[:2] == colors_of(new, self._header)[:2]
        )


def _cells_of(
    checked: CheckedFrame, wanted: FrameFormat, frame: int
) -> tuple[NDArray[Any], Codestream | None]:
    """Decode a frame to cells of the machine: one-dimensional where they are packed bits."""
    # The kernel expands RLE by itself and masks it: here all bits of a cell are wanted.
    pinned = decoder_names.IMAGECODECS if wanted.transfer_syntax == RLE else None
    decoded = decode_frame(checked, wanted, frame, pinned=pinned)
    cells = decoded.cells.view(f"u{wanted.cell_bytes}")
    is_packed = decoded.stream is None and wanted.bits_allocated == 1
    cells = cells.copy() if is_packed else cells.reshape(wanted.shape).copy()
    return cells, decoded.stream


def _rle_frame(cells: NDArray[Any], wanted: FrameFormat, frame: int) -> bytes:
    """Encode a frame in RLE, and decode it again.

    Raises
    ------
    FastpixError
        It does not decode to the same cells.
    """
    if wanted.bits_allocated == 1 and cells.ndim == 2:  # a byte a pixel, by a codec of samples
        cells = np.packbits(cells.reshape(-1).astype(bool), bitorder="little")
    target = wanted._replace(transfer_syntax=RLE)
    encoded = encode_cells(cells, Kind(RLE, None))
    found, _ = _cells_of(check_frame(memoryview(encoded), target, frame), target, frame)
    if not np.array_equal(found, cells):
        raise FastpixError(
            f"frame {frame} written in RLE does not decode to the same cells: report this, and "
            "leave the file out"
        )
    return encoded


def _no_rle(header: Header, found: set[str]) -> PixelHeaderError:
    words = " and ".join(sorted(found))
    return PixelHeaderError(
        tag=Tag.PhotometricInterpretation,
        keyword="PhotometricInterpretation",
        value=header.photometric,
        reason=f"its frames are {words}, which cannot be written without a loss as one image",
        remedy="leave the file out, or have it sent uncompressed",
    )
