"""A compressed frame is checked before memory is asked for, and not read or checked again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.codestream_cases import JPEG_LS_LOSSLESS, file_of_frames, jpeg_ls

import fastpix
from fastpix._scans import find_scan
from fastpix.frames import cells as cells_module
from fastpix.frames.codecs import check_frame
from fastpix.frames.locations import FrameLocations
from fastpix.frames.offset_tables import offset_tables, only_fragment
from fastpix.source import opening
from fastpix.source.stored import File, Memory, Pixels

CELLS = np.random.default_rng(4).integers(0, 4096, (5, 40, 30)).astype(np.uint16)
STREAMS = [jpeg_ls(frame, 12) for frame in CELLS]
DATA = file_of_frames(STREAMS, CELLS, JPEG_LS_LOSSLESS, BitsStored=12)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that are checked."""
    frames: list[int] = []

    def counted(data: memoryview, wanted: Any, frame: int) -> Any:
        frames.append(frame)
        return check_frame(data, wanted, frame)

    monkeypatch.setattr(cells_module, "check_frame", counted)
    return frames


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("wanted", [None, 2, [4, 1], slice(None, None, -2)], ids=str)
def test_once(wanted: Any, threads: int, checked: list[int]) -> None:
    image = fastpix.open(DATA)
    found = image.stored(frames=wanted, threads=threads)
    assert np.array_equal(found, CELLS if wanted is None else CELLS[wanted])
    assert checked == np.arange(5)[slice(None) if wanted is None else wanted].reshape(-1).tolist()


def test_what_is_kept_is_bounded(checked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames beyond the bound are checked again when they are read."""
    room = len(STREAMS[0]) + len(STREAMS[1]) + 2 * 2**9 + 10
    monkeypatch.setattr(cells_module, "_CHECKED_BYTES", room)
    assert np.array_equal(fastpix.open(DATA).stored(threads=1), CELLS)
    assert checked == [0, 1, 2, 3, 4, 2, 3, 4]


def test_a_frame_in_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "RESIDENT", 0)
    path = tmp_path / "frames.dcm"
    path.write_bytes(DATA)
    image = fastpix.open(path)
    asked: list[int] = []
    fill = File.fill

    def counted(self: File, start: int, target: memoryview) -> None:
        asked.append(len(target))
        fill(self, start, target)

    monkeypatch.setattr(File, "fill", counted)
    image.stored()
    assert sum(asked) < len(DATA)


# --- where the only fragment is -----------------------------------------------------------------


def item(value: bytes, tag: int = 0xE000FFFE) -> bytes:
    return tag.to_bytes(4, "little") + len(value).to_bytes(4, "little") + value


END = item(b"", 0xE0DDFFFE)
ONE = item(b"\xff\xd8\xff\xe0 codes")


@pytest.mark.parametrize(
    ("items", "first"),
    [
        (item(b"") + ONE, 8),
        (item(bytes(4)) + ONE, 12),
        (item(b"\1\0\0\0") + ONE, None),  # a table that is wrong
        (item(bytes(8)) + ONE, None),
        (item(b"") + ONE + ONE, None),
        (item(b"") + ONE + item(b""), None),
        (item(b"") + ONE + END, None),  # bytes that belong to no item of the fragment
        (item(b"") + ONE[:-1], None),
        (item(b"") + item(b"") + bytes(12), None),
        (END + ONE, None),
        (item(b"") + END + bytes(20), None),
        (item(b""), None),
        (b"", None),
    ],
)
def test_the_only_fragment(items: bytes, first: int | None) -> None:
    pixels = Pixels(Memory(b"head" + items + b"tail"), 4, len(items))
    assert only_fragment(pixels, len(items)) == first
    assert only_fragment(pixels._replace(offsets=(bytes(8), bytes(8))), len(items)) is None
    if first is not None:
        header = fastpix.open(file_of_frames(STREAMS[:1], CELLS[:1], JPEG_LS_LOSSLESS)).header
        found = FrameLocations(header, pixels)
        several = FrameLocations.__new__(FrameLocations)
        several._header, several._length = header, len(items)
        several._first, several._tables = offset_tables(pixels, len(items))
        walked, notes = several._walked(pixels)
        assert found._found.bounds.tolist() == walked.bounds.tolist() == [first, len(items)]
        assert found.notes == notes == []
        assert bytes(found.encoded(pixels, 0)) == ONE[8:]


# --- where scans begin ----------------------------------------------------------------------------


def scans(data: bytes, at: int) -> list[int]:
    found = []
    while (at := find_scan(data, at)) >= 0:
        found.append(at)
        at += 1
    return found


def test_scans_are_found() -> None:
    rng = np.random.default_rng(9)
    for _ in range(300):
        data = rng.choice(np.array([0xFF, 0xDA, 0, 7], np.uint8), rng.integers(0, 60)).tobytes()
        for start in (0, 1, 5):
            wanted = [k for k in range(start, len(data) - 1) if data[k : k + 2] == b"\xff\xda"]
            assert scans(data, start) == wanted
    assert find_scan(b"\xff\xda", -1) == find_scan(b"\xff\xda", 1) == find_scan(b"", 0) == -1
    assert find_scan(memoryview(b"\0\xff\xff\xda"), 0) == 2
