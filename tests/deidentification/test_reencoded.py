"""Regions of compressed frames: black inside, the very cells outside, other frames untouched."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.encaps import generate_frames, parse_basic_offsets
from pydicom.pixels.utils import pixel_array
from support import codestream_cases as c
from support.builders import encode, make_dataset
from support.redacted_files import file_of_redacted, instance_of, redact
from support.sizes import cases, first_case

import fastpix
from fastpix.deidentification.pixels import fragments, lossless_encoding, redacted_pixels
from fastpix.errors import PixelHeaderError
from fastpix.frames.codestreams import read_codestream
from fastpix.header.instance import read_instance
from fastpix.redaction import Region
from fastpix.source.opening import read_source

pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")

Cells = NDArray[Any]
RLE, YBR, RCT = c.RLE_LOSSLESS, "YBR_FULL", "YBR_RCT"


class Case(NamedTuple):
    """How the frames of a file are encoded."""

    syntax: str
    encode: Callable[[Cells], bytes]
    dtype: str = "u1"
    bits: int = 8
    photometric: str = "MONOCHROME2"
    header: dict[str, Any] = {}  # noqa: RUF012
    pydicom_reads: bool = True

    @property
    def samples(self) -> int:
        return 1 if self.photometric[:4] in ("MONO", "PALE") else 3


def deflated(cells: Cells) -> bytes:
    return c.deflated(cells.tobytes())


def deflated_planes(cells: Cells) -> bytes:
    return c.deflated(np.moveaxis(cells, -1, 0).tobytes())


def packed_rle(cells: Cells) -> bytes:
    return c.rle_of([c.packbits(c.packed(cells))])


def unmarked_jpeg(cells: Cells) -> bytes:
    return c.remarked(c.jpeg_lossless(cells, 8), names=b"\1\2\3")


LOSSLESS = {
    "RLE 8": Case(RLE, c.rle),
    "RLE 16, MONOCHROME1": Case(RLE, c.rle, "u2", 12, "MONOCHROME1"),
    "RLE 16, high bit": Case(RLE, c.rle, "u2", 12, "MONOCHROME2", {"HighBit": 14},
                             pydicom_reads=False),
    "RLE 16, signed": Case(RLE, c.rle, "i2", 13),
    "RLE 32": Case(RLE, c.rle, "u4", 32, "MONOCHROME1"),
    "RLE RGB": Case(RLE, c.rle, photometric="RGB"),
    "RLE YBR_FULL": Case(RLE, c.rle, photometric=YBR),
    "RLE bits": Case(RLE, packed_rle, "bits", 1, "MONOCHROME1", pydicom_reads=False),
    "deflated 16": Case(c.DEFLATED_FRAMES, deflated, "u2", 10, pydicom_reads=False),
    "deflated planes": Case(c.DEFLATED_FRAMES, deflated_planes, photometric="RGB",
                            header={"PlanarConfiguration": 1}, pydicom_reads=False),
    "deflated bits": Case(c.DEFLATED_FRAMES, lambda a: c.deflated(c.packed(a)), "bits", 1,
                          pydicom_reads=False),
    "JPEG 8": Case(c.LOSSLESS_70, lambda a: c.jpeg_lossless(a, 8)),
    "JPEG 12, predictor 6": Case(c.LOSSLESS_57, lambda a: c.jpeg_lossless(a, 12, 6), "u2", 12,
                                 "MONOCHROME1"),
    "JPEG 16": Case(c.LOSSLESS_70, lambda a: c.jpeg_lossless(a, 16), "u2", 16),
    "JPEG RGB": Case(c.LOSSLESS_70, lambda a: c.jpeg_lossless(a, 8), photometric="RGB"),
    "JPEG RGB, unmarked": Case(c.LOSSLESS_70, unmarked_jpeg, photometric="RGB"),
    "JPEG YBR_FULL": Case(c.LOSSLESS_70, unmarked_jpeg, photometric=YBR),
    "JPEG signed": Case(c.LOSSLESS_70, lambda a: c.jpeg_lossless(a.view("u2"), 16), "i2", 16),
    "JPEG-LS 8": Case(c.JPEG_LS_LOSSLESS, lambda a: c.jpeg_ls(a, 8)),
    "JPEG-LS 11": Case(c.JPEG_LS_LOSSLESS, lambda a: c.jpeg_ls(a, 11), "u2", 11),
    "JPEG-LS 16": Case(c.JPEG_LS_LOSSLESS, lambda a: c.jpeg_ls(a, 16), "u2", 16, "MONOCHROME1"),
    "JPEG-LS RGB": Case(c.JPEG_LS_LOSSLESS, lambda a: c.jpeg_ls(a, 8), photometric="RGB"),
    "JPEG-LS YBR_FULL": Case(c.JPEG_LS_LOSSLESS, lambda a: c.jpeg_ls(a, 8), photometric=YBR),
    "JPEG-LS may be lossy": Case(c.JPEG_LS_LOSSY, lambda a: c.jpeg_ls(a, 8)),
    "JPEG 2000 8": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 8)),
    "JPEG 2000 12": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 12), "u2", 12, "MONOCHROME1"),
    "JPEG 2000 signed": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 14), "i2", 14),
    "JPEG 2000 RGB": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 8, mct=False), photometric="RGB"),
    "JPEG 2000 RCT": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 8, mct=True), photometric=RCT),
    "JPEG 2000 YBR_FULL": Case(c.J2K_LOSSLESS, lambda a: c.j2k(a, 8, mct=False), photometric=YBR),
    "JPEG 2000 may be lossy": Case(c.J2K_LOSSY, lambda a: c.j2k(a, 8)),
    "HTJ2K 8": Case(c.HT_LOSSLESS, c.htj2k),
    "HTJ2K signed": Case(c.HT_RPCL, c.htj2k, "i2", 16),
    "HTJ2K RCT": Case(c.HT_RPCL, c.htj2k, photometric=RCT),
    "JPEG XL 8": Case(c.JXL_LOSSLESS, lambda a: c.jxl(a, 8), pydicom_reads=False),
    "JPEG XL 12": Case(c.JXL_LOSSLESS, lambda a: c.jxl(a, 12), "u2", 12, pydicom_reads=False),
}  # fmt: skip

LOSSY = {
    "JPEG 8": Case(c.BASELINE, c.jpeg),
    "JPEG 12": Case(c.EXTENDED, lambda a: c.jpeg(a, 12), "u2", 12, "MONOCHROME1"),
    "JPEG YBR_FULL_422": Case(c.BASELINE, lambda a: c.jpeg(a, subsampling="422"),
                              photometric="YBR_FULL_422"),
    "JPEG YBR_FULL": Case(c.BASELINE, c.jpeg, photometric=YBR),
    "JPEG RGB by its markers": Case(c.BASELINE, lambda a: c.remarked(c.jpeg(a), names=b"RGB"),
                                    photometric="RGB"),
    "JPEG YCbCr under RGB": Case(c.BASELINE, c.jpeg, photometric="RGB"),
    "JPEG-LS": Case(c.JPEG_LS_LOSSY, lambda a: c.jpeg_ls(a, 8, near=3)),
    "JPEG 2000": Case(c.J2K_LOSSY, lambda a: c.j2k(a, 12, lossless=False), "u2", 12),
    "JPEG 2000 signed": Case(c.J2K_LOSSY, lambda a: c.j2k(a, 16, lossless=False), "i2", 16),
    "JPEG 2000 ICT": Case(c.J2K_LOSSY, lambda a: c.j2k(a, 8, lossless=False, mct=True),
                          photometric="YBR_ICT"),
    "HTJ2K": Case(c.HT_LOSSY, lambda a: c.htj2k(a, lossless=False)),
    "JPEG XL": Case(c.JXL_LOSSY, lambda a: c.jxl(a, 8, lossless=False)),
    "JPEG XL of JPEG": Case(c.JXL_RECOMPRESSED, lambda a: c.jxl_of_jpeg(c.jpeg(a))),
}  # fmt: skip


def random_frames(case: Case, rng: np.random.Generator, frames: int) -> Cells:
    rows, columns = (int(n) for n in rng.integers(17, 30, 2))
    shape = (frames, rows, columns, 3)[: 3 + (case.samples == 3)]
    if case.dtype == "bits":
        return rng.integers(0, 2, shape).astype("u1")
    low = -(1 << (case.bits - 1)) if case.dtype[0] == "i" else 0
    noise = rng.integers(low, low + (1 << case.bits), shape)
    ramp = low + ((1 << case.bits) - 1) * np.arange(columns) // columns
    ramp = ramp[:, None] if case.samples == 3 else ramp
    return np.where(rng.random(shape) < 0.3, noise, ramp).astype(case.dtype)


def file_of_case(case: Case, cells: Cells) -> bytes:
    streams = [case.encode(np.ascontiguousarray(frame)) for frame in cells]
    header = {"PhotometricInterpretation": case.photometric, "BitsStored": case.bits,
              "NumberOfFrames": len(cells), **case.header}  # fmt: skip
    if case.dtype == "bits":
        header["BitsAllocated"] = 1
    if case.samples == 3:
        header["SamplesPerPixel"] = 3
    shown = cells if len(cells) > 1 else cells[0]
    return c.file_of_frames(streams, shown, case.syntax, **header)


def inside_of(regions: list[Region], rows: int, columns: int) -> NDArray[np.bool_]:
    inside = np.zeros((rows, columns), bool)
    for part in regions:
        inside[part.y : part.y + part.height, part.x : part.x + part.width] = True
    return inside


def black(photometric: str, bits: int, signed: bool) -> list[int]:
    low = -(2 ** (bits - 1)) if signed else 0
    return {
        "MONOCHROME1": [low + 2**bits - 1],
        "MONOCHROME2": [low],
        "YBR_FULL": [0, 2 ** (bits - 1), 2 ** (bits - 1)],
    }.get(photometric, [0, 0, 0])


def frames_of(data: bytes, count: int) -> list[bytes]:
    """The codestreams by pydicom."""
    dataset = dcmread(BytesIO(data))
    return list(generate_frames(dataset.PixelData, number_of_frames=count))


def regions_in(rng: np.random.Generator) -> list[Region]:
    return [
        Region(*(int(n) for n in rng.integers((0, 0, 1, 1), (16, 16, 12, 12)))) for _ in range(2)
    ]


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_frames_stay_in_their_syntax(name: str) -> None:
    case = LOSSLESS[name]
    for number in range(first_case(), first_case() + cases(24)):
        rng = np.random.default_rng([number, *name.encode()])
        cells = random_frames(case, rng, 3)
        data = file_of_case(case, cells)
        regions = regions_in(rng)
        made, written = redact(data, regions, frames=[0, 2])
        assert made.transfer_syntax == case.syntax
        before, after = fastpix.open(data).stored(), fastpix.open(written).stored()
        inside = inside_of(regions, *cells.shape[1:3])
        assert (after[:, ~inside] == before[:, ~inside]).all(), number
        assert (after[1] == before[1]).all(), number
        bits, signed = (1, False) if case.dtype == "bits" else (case.bits, case.dtype[0] == "i")
        expected = np.array(black(case.photometric, bits, signed), after.dtype)
        assert (after[[0, 2]][:, inside].reshape(-1, case.samples) == expected).all(), number
        old, new = frames_of(data, 3), frames_of(written, 3)
        assert new[1] == old[1]
        assert new[0] != old[0]
        streams = read_codestream(old[0]), read_codestream(new[0])
        if streams[0] is not None and streams[1] is not None:
            assert streams[0].predictor == streams[1].predictor
        if case.pydicom_reads:
            for frame in range(3):
                read = pixel_array(BytesIO(written), index=frame, raw=True)
                mask = (1 << case.bits) - 1
                assert ((read.astype(int) & mask) == (after[frame].astype(int) & mask)).all()


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_frames_are_written_in_rle(name: str) -> None:
    case = LOSSY[name]
    for number in range(first_case(), first_case() + cases(12)):
        rng = np.random.default_rng([number, *name.encode()])
        cells = random_frames(case, rng, 2)
        data = file_of_case(case, cells)
        regions = regions_in(rng)
        made, written = redact(data, regions, frames=[1])
        assert made.transfer_syntax == RLE
        assert made.changes["LossyImageCompression"] == "01"
        before, after = fastpix.open(data).stored(), fastpix.open(written).stored()
        inside = inside_of(regions, *cells.shape[1:3])
        assert (after[0] == before[0]).all()
        assert (after[:, ~inside] == before[:, ~inside]).all(), number
        photometric = dcmread(BytesIO(written)).PhotometricInterpretation
        shown = "RGB" if photometric == "YBR_ICT" else photometric
        expected = np.array(black(shown, case.bits, case.dtype[0] == "i"), after.dtype)
        assert (after[1][inside].reshape(-1, case.samples) == expected).all(), number
        # The same colours as before, by fastpix; the same cells, by pydicom.
        old, new = fastpix.open(data).read(frames=0), fastpix.open(written).read(frames=0)
        if case.photometric != "MONOCHROME1":  # its maximum has changed
            assert (old == new).all()
        read = pixel_array(BytesIO(written), raw=True)
        assert (read.reshape(after.shape) == after).all()


def test_jpeg_of_ycbcr_becomes_ybr_full() -> None:
    case = LOSSY["JPEG YBR_FULL_422"]
    data = file_of_case(case, random_frames(case, np.random.default_rng(1), 2))
    made, _ = redact(data, [Region(0, 0, 5, 5)])
    assert made.changes["PhotometricInterpretation"] == "YBR_FULL"
    assert made.changes["PlanarConfiguration"] == 1
    assert made.changes["LossyImageCompressionMethod"] == "ISO_10918_1"
    assert float(str(made.changes["LossyImageCompressionRatio"])) > 1


def test_what_the_file_says_of_its_loss_stays() -> None:
    case = LOSSY["JPEG 8"]._replace(
        header={
            "LossyImageCompression": "01",
            "LossyImageCompressionRatio": "7.5",
            "LossyImageCompressionMethod": "ISO_10918_1",
        }
    )
    data = file_of_case(case, random_frames(case, np.random.default_rng(1), 2))
    made, written = redact(data, [Region(0, 0, 5, 5)])
    assert not [name for name in made.changes if name.startswith("Lossy")]
    dataset = dcmread(BytesIO(written))
    assert (dataset.LossyImageCompression, dataset.LossyImageCompressionRatio) == ("01", 7.5)


def test_nothing_to_blank_leaves_all_frames() -> None:
    case = LOSSY["JPEG 8"]
    data = file_of_case(case, random_frames(case, np.random.default_rng(1), 3))
    made, written = redact(data, [])
    assert made.transfer_syntax == case.syntax
    assert frames_of(written, 3) == frames_of(data, 3)


def test_a_black_that_samples_have_no_room_for_is_written_in_rle() -> None:
    """MONOCHROME1 of 16 bits in a codestream of 12."""
    cells = np.arange(400, dtype=np.uint16).reshape(20, 20)
    data = c.file_of_frames([c.j2k(cells, 12)], cells, c.J2K_LOSSLESS, BitsStored=16,
                            PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    made, written = redact(data, [Region(0, 0, 2, 2)])
    assert made.transfer_syntax == RLE
    assert not [name for name in made.changes if name.startswith("Lossy")]
    after = fastpix.open(written).stored()
    assert (after[:2, :2] == 65535).all()
    assert (after[2:] == cells[2:]).all()


def test_samples_whose_sign_is_another_than_the_headers() -> None:
    """Signed values of 12 bits, coded as unsigned samples of as many, or of more."""
    values = np.arange(-200, 200, dtype=np.int16).reshape(20, 20)
    for precision, stored in ((12, 12), (16, 12), (12, 16)):
        coded = values.view(np.uint16) & np.uint16((1 << precision) - 1)
        data = c.file_of_frames([c.j2k(coded, precision)], values, c.J2K_LOSSLESS,
                                BitsStored=stored)  # fmt: skip
        made, written = redact(data, [Region(3, 0, 2, 2)])
        after = fastpix.open(written).stored()
        assert (after[:2, 3:5] == -(1 << (stored - 1))).all()
        assert (after[2:] == values[2:]).all()
        assert made.transfer_syntax == (RLE if stored > precision else c.J2K_LOSSLESS)


def test_unused_bits_of_a_codec_are_cleared() -> None:
    """An overlay above 12 bits in samples of 16."""
    for dtype in (np.uint16, np.int16):
        cells = (np.arange(400).reshape(20, 20) - 200 * (dtype is np.int16)).astype(dtype)
        dirty = (cells.view(np.uint16) & np.uint16(0x0FFF)) | np.uint16(0x5000)
        data = c.file_of_frames([c.j2k(dirty.view(dtype), 16)], cells, c.J2K_LOSSLESS,
                                BitsStored=12)  # fmt: skip
        made, written = redact(data, [], clear_unused_bits=True)
        assert made.transfer_syntax == c.J2K_LOSSLESS
        assert (fastpix.open(written).stored() == cells).all()
        assert (pixel_array(BytesIO(written), raw=True) == cells).all()


def test_an_encoder_that_errs_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it makes is decoded again, and not used where a cell differs."""

    def worse(samples: Cells, *more: Any) -> bytes:
        samples = samples.copy()
        samples[-1, -1] ^= 1
        return right(samples, *more)

    right = lossless_encoding._ENCODERS["JPEG 2000"]
    monkeypatch.setitem(lossless_encoding._ENCODERS, "JPEG 2000", worse)
    case = LOSSLESS["JPEG 2000 8"]
    cells = random_frames(case, np.random.default_rng(1), 2)
    made, written = redact(file_of_case(case, cells), [Region(0, 0, 3, 3)])
    assert made.transfer_syntax == RLE
    assert (fastpix.open(written).stored()[:, 3:] == cells[:, 3:]).all()


def test_an_encoder_that_changes_more_than_it_should_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A component transform that the header says nothing of."""

    def transformed(samples: Cells, *_: Any) -> bytes:
        return c.j2k(samples, 8, mct=True)

    monkeypatch.setitem(lossless_encoding._ENCODERS, "JPEG 2000", transformed)
    case = LOSSLESS["JPEG 2000 RGB"]
    cells = random_frames(case, np.random.default_rng(1), 2)
    made, _ = redact(file_of_case(case, cells), [Region(0, 0, 3, 3)])
    assert made.transfer_syntax == RLE


def test_unused_bits_of_all_frames_are_cleared_and_some_are_blanked() -> None:
    cells = np.full((3, 6, 7), 0xA123, np.uint16)
    data = c.file_of_frames([c.rle(frame) for frame in cells], cells, RLE, BitsStored=12,
                            NumberOfFrames=3)  # fmt: skip
    _, written = redact(data, [Region(0, 0, 2, 1)], frames=[1], clear_unused_bits=True)
    expected = np.full((3, 6, 7), 0x0123)
    expected[1, 0, :2] = 0
    assert (pixel_array(BytesIO(written), raw=True) == expected).all()


def test_offset_tables_fit_the_new_frames() -> None:
    case = LOSSLESS["JPEG-LS 8"]
    cells = random_frames(case, np.random.default_rng(1), 3)
    dataset = dcmread(BytesIO(file_of_case(case, cells)))
    made, written = redact(file_of_case(case, cells), [Region(0, 0, 9, 9)], frames=[1])
    assert made.changes["ExtendedOffsetTable"] is None
    frames = frames_of(written, 3)
    offsets = parse_basic_offsets(made.value)
    assert offsets == [0, 8 + len(frames[0]), 16 + len(frames[0]) + len(frames[1])]
    # With an Extended Offset Table in place of the Basic one.
    streams = [frame.rstrip(b"\0") for frame in frames_of(written, 3)]
    table, lengths = [], []
    body = b""
    for stream in streams:
        table.append(len(body))
        lengths.append(len(stream))
        padded = stream + b"\0" * (len(stream) % 2)
        body += b"\xfe\xff\x00\xe0" + struct.pack("<I", len(padded)) + padded
    dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + body
    dataset["PixelData"].is_undefined_length = True
    dataset.ExtendedOffsetTable = struct.pack("<3Q", *table)
    dataset.ExtendedOffsetTableLengths = struct.pack("<3Q", *lengths)
    buffer = BytesIO()
    dataset.save_as(buffer)
    made, written = redact(buffer.getvalue(), [Region(5, 5, 9, 9)], frames=[0])
    assert parse_basic_offsets(made.value) == []
    found = struct.unpack("<3Q", bytes(made.changes["ExtendedOffsetTable"]))  # type: ignore[call-overload]
    sizes = struct.unpack("<3Q", bytes(made.changes["ExtendedOffsetTableLengths"]))  # type: ignore[call-overload]
    assert found[0] == 0
    for start, size in zip(found, sizes, strict=True):
        assert read_codestream(made.value[16 + start : 16 + start + size]) is not None
    image = fastpix.open(written)
    assert image.stored().shape == cells.shape
    assert not image.notes


def test_fragments_of_a_frame_are_joined_and_others_stay() -> None:
    case = LOSSLESS["JPEG-LS 8"]
    cells = random_frames(case, np.random.default_rng(2), 2)
    streams = [case.encode(frame) for frame in cells]
    dataset = dcmread(BytesIO(file_of_case(case, cells)))
    parts = [streams[0][:40], streams[0][40:], streams[1]]
    value = b"\xfe\xff\x00\xe0" + struct.pack(
        "<3I", 8, 0, 16 + len(streams[0]) + len(streams[0]) % 2
    )
    for part in parts:
        part += b"\0" * (len(part) % 2)
        value += b"\xfe\xff\x00\xe0" + struct.pack("<I", len(part)) + part
    dataset.PixelData = value
    dataset["PixelData"].is_undefined_length = True
    buffer = BytesIO()
    dataset.save_as(buffer)
    _, written = redact(buffer.getvalue(), [Region(0, 0, 3, 3)], frames=[1])
    new = frames_of(written, 2)
    assert new[0].rstrip(b"\0") == streams[0].rstrip(b"\0")
    assert (fastpix.open(written).stored()[1, 3:] == cells[1, 3:]).all()


def test_colours_that_nothing_tells_are_refused() -> None:
    case = LOSSLESS["JPEG-LS RGB"]._replace(photometric="YBR_FULL_422")
    data = file_of_case(case, random_frames(case, np.random.default_rng(1), 2))
    with pytest.raises(PixelHeaderError, match="nothing tells"):
        redacted_pixels(instance_of(data), [Region(0, 0, 3, 3)])


def test_frames_of_several_colours_are_refused() -> None:
    """JPEG under RGB, of which one frame is YCbCr by its markers."""
    cells = random_frames(LOSSY["JPEG YBR_FULL"], np.random.default_rng(1), 2)
    streams = [c.jpeg(cells[0]), c.remarked(c.jpeg(cells[1]), names=b"RGB")]
    data = c.file_of_frames(streams, cells, c.BASELINE, PhotometricInterpretation="RGB",
                            SamplesPerPixel=3, NumberOfFrames=2)  # fmt: skip
    with pytest.raises(PixelHeaderError, match="its frames are RGB and YBR_FULL"):
        redacted_pixels(instance_of(data), [Region(0, 0, 3, 3)])


def test_a_video_is_refused_where_something_is_to_be_blanked() -> None:
    """Else it is left as it is."""
    cells = np.zeros((8, 8), np.uint8)
    data = c.file_of_frames([b"\0\0\1\xb3"], cells, "1.2.840.10008.1.2.4.100", NumberOfFrames=9)
    with pytest.raises(fastpix.UnsupportedTransferSyntaxError, match="it is a video"):
        redacted_pixels(instance_of(data), [Region(0, 0, 3, 3)])
    made = redacted_pixels(instance_of(data), [])
    assert made.value == dcmread(BytesIO(data)).PixelData


def test_files_that_are_not_held_in_memory(tmp_path: Path) -> None:
    """Their pixels are read from the file, compressed or not."""
    cells = np.random.default_rng(1).integers(0, 4096, (4, 512, 512)).astype("u2")
    streams = [c.jpeg_ls(frame, 16) for frame in cells]
    for data in (
        encode(make_dataset(cells)),
        c.file_of_frames(streams, cells, c.JPEG_LS_LOSSLESS, NumberOfFrames=4),
    ):
        path = tmp_path / "image.dcm"
        path.write_bytes(data)
        instance = read_instance(read_source(path), 2**30)
        made = redacted_pixels(instance, [Region(9, 9, 5, 5)], frames=[3])
        after = fastpix.open(file_of_redacted(data, made)).stored()
        expected = cells.copy()
        expected[3, 9:14, 9:14] = 0
        assert (after == expected).all()


def test_frames_that_a_basic_table_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "_LARGEST", 20)
    value, extended = fragments.encapsulated([b"abc", b"defg", b"h"], is_extended=False)
    assert extended == (struct.pack("<3Q", 0, 12, 24), struct.pack("<3Q", 3, 4, 1))
    assert parse_basic_offsets(value) == []
    assert fragments.encapsulated([b"abc", b"defg"], is_extended=False).extended is None
