"""The header of JPEG XL, bit by bit: what it says, and whether samples are exact."""

from __future__ import annotations

import pytest

from fastpix.frames.codestreams import Codestream
from fastpix.frames.jpeg_xl import read_jpeg_xl

# Each field is a number and the bits that it takes (ISO/IEC 18181-1, annex D); least bit first.
Fields = list[tuple[int, int]]

SIZE: Fields = [(1, 1), (2, 5), (2, 3)]  # 24 rows, 12:10, so 28 columns
DEPTH_16: Fields = [(0, 1), (3, 2), (15, 6)]  # integers of 1 + 15 bits
GREY: Fields = [(0, 1), (0, 1), (1, 2)]  # a colour encoding without a profile
TAIL: Fields = [(1, 2), (0, 1), (2, 2), (11, 4), (1, 2)]  # white point, no gamma, transfer, intent
MODULAR: Fields = [(0, 2), (1, 1)]  # no extensions, no upsampling of its own
FRAME: Fields = [(0, 1), (0, 2), (1, 1)]  # not all default, a regular frame, modular


def stream(*parts: Fields, frame: Fields = FRAME) -> bytes:
    """A codestream of these fields, and of a frame header that begins at a byte."""
    data = b"\xff\x0a"
    for fields in ([f for part in parts for f in part], frame):
        number = length = 0
        for value, bits in fields:
            number |= value << length
            length += bits
        data += number.to_bytes((length + 7) // 8, "little")
    return data + bytes(8)


def metadata(
    extra: Fields | None = None,
    depth: Fields = DEPTH_16,
    channels: Fields | None = None,
    xyb: int = 0,
    color: Fields | None = None,
    rest: Fields = MODULAR,
) -> Fields:
    return [
        (0, 1), *([(0, 1)] if extra is None else [(1, 1), *extra]), *depth, (1, 1),
        *([(0, 2)] if channels is None else channels), (xyb, 1),
        *([*GREY, *TAIL] if color is None else color), *rest,
    ]  # fmt: skip


def read(fields: Fields, frame: Fields = FRAME) -> Codestream | None:
    return read_jpeg_xl(stream(SIZE, fields, frame=frame))


def test_what_it_says() -> None:
    found = read(metadata())
    assert found == Codestream("JPEG XL", 24, 28, 1, 16, lossy=False)
    found = read([(1, 1)])  # all default
    assert found == Codestream("JPEG XL", 24, 28, 3, 8, lossy=True)


NO_TONES: Fields = [(1, 1)]  # tone mapping by default
PLAIN_EXTRA: Fields = [(0, 3), (0, 1), (0, 1), (0, 1)]


@pytest.mark.parametrize("orientation", range(8))
def test_orientation(orientation: int) -> None:
    extra: Fields = [(orientation, 3), *PLAIN_EXTRA[1:]]
    found = read(metadata(extra, rest=[*NO_TONES, *MODULAR]))
    assert found is not None
    assert (found.rows, found.columns) == ((24, 28) if orientation < 4 else (28, 24))
    assert not found.lossy


def test_fields_that_change_nothing() -> None:
    for extra, rest in (
        ([(0, 3), (1, 1), *SIZE, (0, 1), (0, 1)], [*NO_TONES, *MODULAR]),  # an intrinsic size
        (PLAIN_EXTRA, [(0, 1), (7, 16), (7, 16), (1, 1), (7, 16), *MODULAR]),  # tone mapping
    ):
        found = read(metadata(extra, rest=rest))
        assert found == Codestream("JPEG XL", 24, 28, 1, 16, lossy=False)
    custom_white: Fields = [*GREY, (2, 2), (0, 4), (0, 2), (5, 19), (2, 2), (9, 20), *TAIL[1:]]
    gamma: Fields = [*GREY, (1, 2), (1, 1), (12345, 24), (1, 2)]
    for color in (custom_white, gamma):
        found = read(metadata(color=color))
        assert found == Codestream("JPEG XL", 24, 28, 1, 16, lossy=False)
    rgb: Fields = [(0, 1), (0, 1), (0, 2), (1, 2)]
    srgb: Fields = [*rgb, (1, 2), *TAIL[1:]]
    primaries: Fields = [*rgb, (2, 2), (0, 4), *[(3, 2), (1, 21)] * 6, *TAIL[1:]]
    for color in (srgb, primaries, [(1, 1)]):
        found = read(metadata(color=color))
        assert found == Codestream("JPEG XL", 24, 28, 3, 16, lossy=False)


@pytest.mark.parametrize(
    "fields",
    [
        metadata(xyb=1),
        metadata(rest=[(1, 2), (3, 4), (1, 1)]),  # extensions
        metadata(rest=[(0, 2), (0, 1)]),  # upsampling of its own
        metadata(color=[(0, 1), (1, 1), (1, 2)]),  # a profile
    ],
)
def test_what_counts_as_approximate(fields: Fields) -> None:
    found = read(fields)
    assert found == Codestream("JPEG XL", 24, 28, 1, 16, lossy=True)


def test_frames_that_count_as_approximate() -> None:
    for frame in ([(1, 1)], [(0, 1), (0, 2), (0, 1)]):
        found = read(metadata(), frame)
        assert found is not None
        assert found.lossy


@pytest.mark.parametrize(
    "fields",
    [
        metadata([(0, 3), (0, 1), (1, 1)]),  # a preview
        metadata([(0, 3), (0, 1), (0, 1), (1, 1)]),  # an animation
        metadata(depth=[(1, 1)]),  # floats
        metadata(channels=[(1, 2)]),  # an extra channel
    ],
)
def test_what_is_no_image_of_dicom(fields: Fields) -> None:
    assert read(fields) is None


def test_a_header_that_is_cut() -> None:
    assert read_jpeg_xl(stream(SIZE, metadata())[:5]) is None
    assert read_jpeg_xl(b"\xff\x0b" + bytes(40)) is None
