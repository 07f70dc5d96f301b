"""Fragments of frames in memory and in a file: what is looked at, when, and with what result."""

from __future__ import annotations

import struct
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from support.builders import element, encapsulated_element, file_of, image_elements
from support.codestream_cases import RLE_LOSSLESS, rle
from support.sizes import cases, first_case

import fastpix
from fastpix.errors import FastpixError, HeaderWarning, PixelDataError
from fastpix.frames.cells import Cells
from fastpix.frames.locations import FrameLocations
from fastpix.header.header import Header
from fastpix.source import opening
from fastpix.source.opening import read_source
from fastpix.source.stored import File, Memory, Pixels

JPEG = "1.2.840.10008.1.2.4.50"
ITEM, END = 0xE000FFFE, 0xE0DDFFFE
CELLS = np.random.default_rng(3).integers(0, 2**16, (5, 4, 4)).astype(np.uint16)
FRAMES = [rle(frame) for frame in CELLS]


def item(value: bytes, tag: int = ITEM) -> bytes:
    return struct.pack("<II", tag, len(value)) + value


def starts_of(fragments: list[bytes]) -> list[int]:
    sizes = [8 + len(fragment) for fragment in fragments]
    return [sum(sizes[:k]) for k in range(len(sizes))]


def table_of(starts: list[int]) -> bytes:
    return struct.pack(f"<{len(starts)}I", *starts)


def extended_of(starts: list[int], lengths: list[int]) -> list[bytes]:
    return [
        element(tag, "OV", struct.pack(f"<{len(numbers)}Q", *numbers))
        for tag, numbers in ((0x7FE00001, starts), (0x7FE00002, lengths))
    ]


def header_of(frames: int, syntax: str) -> Header:
    """A header of frames of 4 x 4 words."""
    head = image_elements(
        rows=4, columns=4, extra=[element(0x00280008, "IS", str(frames).encode())]
    )
    pixels = encapsulated_element(*[b"\xff\xd8\xff\0"] * frames)
    return fastpix.open(file_of(*head, pixels, syntax=syntax)).header


@pytest.fixture(params=["memory", "file", "file without descriptor"])
def stored_in(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Return what puts bytes into memory or a file, as a source of any size is kept."""
    opened: list[File] = []

    def store(data: bytes) -> Memory | File:
        if request.param == "memory":
            return Memory(data)
        for before in opened:
            before.close()
        opened.clear()
        path = tmp_path / "pixels"
        path.write_bytes(data)
        file = read_source(path)
        assert isinstance(file, File)
        opened.append(file.opened())
        return opened[-1]

    monkeypatch.setattr(opening, "RESIDENT", 0)
    if request.param == "file without descriptor":  # as where there is no `pread`
        monkeypatch.setattr(File, "descriptor", property(lambda _: -1))
    yield store
    for file in opened:
        file.close()


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what writes a file, which is read as a large one is: bit by bit."""
    monkeypatch.setattr(opening, "RESIDENT", 0)

    def write(data: bytes) -> Path:
        path = tmp_path / "large.dcm"
        path.write_bytes(data)
        return path

    return write


def file_of_items(items: bytes, *tables: bytes, frames: int = 5, syntax: str = RLE_LOSSLESS) -> Any:
    extra = [element(0x00280008, "IS", str(frames).encode())]
    head = image_elements(rows=4, columns=4, extra=extra)
    start = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    return file_of(*head, *tables, start + items, syntax=syntax)


# What the frames are, whatever holds them, by a plain reading of the same rules.


def plain_reading(
    data: bytes, frames: int, syntax: str, extended: tuple[list[int], list[int]] | None
) -> list[bytes]:
    """Return the bytes of each frame; an AssertionError where there is none to return."""
    at, items, ended = 0, [], False
    while len(data) - at >= 8 and not ended:
        tag, length = struct.unpack_from("<II", data, at)
        ended = tag == END or (tag != ITEM and not any(data[at:]))
        if not ended:
            assert tag == ITEM
            assert length <= len(data) - at - 8
            items.append((at, data[at + 8 : at + 8 + length]))
            at += 8 + length
    assert items
    (_, table), *items = items
    full = [k for k, (_, value) in enumerate(items) if value]
    assert full
    places = {start: k for k, (start, _) in enumerate(items)}
    base = items[0][0]
    basic = [base + n for n in struct.unpack_from(f"<{len(table) // 4}I", table)]
    found = None
    if extended is not None and len(extended[0]) == len(extended[1]):
        found = _by_table(items, places, [base + n for n in extended[0]], extended[1], frames)
    if found is None:
        found = _by_table(items, places, basic, None, frames)
    if found is None:
        fragments = [items[k][1] for k in full]
        begins = [k == 0 or _begins(value) for k, value in enumerate(fragments)]
        if len(fragments) == frames or (
            syntax == RLE_LOSSLESS and not (frames == 1 and sum(begins) == 1)
        ):
            begins = [True] * len(fragments)
        found = []
        for value, begin in zip(fragments, begins, strict=True):
            found = [*found, value] if begin else [*found[:-1], found[-1] + value]
    assert len(found) >= frames
    return found[:frames]


def _begins(value: bytes) -> bool:
    if value.startswith((b"\xff\xd8\xff", b"\xff\x4f\xff\x51")):
        return True
    if len(value) < 12:
        return False
    count, first, second = struct.unpack_from("<3I", value)
    is_rle = 1 <= count <= 15 and first == 64 and (second > 64 if count > 1 else second == 0)
    return value.startswith(b"\0\0\0\x0cjP  ") or is_rle


def _by_table(
    items: list[tuple[int, bytes]], places: dict[int, int], starts: list[int],
    lengths: list[int] | None, frames: int,
) -> list[bytes] | None:  # fmt: skip
    firsts = [places.get(start, -1) for start in starts]
    if len(firsts) < frames or not firsts or firsts[0] != 0 or firsts != sorted(set(firsts)):
        return None
    found = []
    for k, (first, last) in enumerate(zip(firsts, [*firsts[1:], len(items)], strict=True)):
        parts = [value for _, value in items[first:last] if value]
        if not parts or (lengths and len(parts) != 1):
            return None
        whole = b"".join(parts)
        if lengths:
            if not 0 <= len(whole) - lengths[k] <= 1:
                return None
            whole = whole[: lengths[k]]
        found.append(whole)
    return found


def random_items(random: Random) -> tuple[bytes, tuple[list[int], list[int]] | None]:
    """Return items of all kinds, most of them sound, and an Extended Offset Table or none."""
    beginnings = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b"\0\0")
    values = []
    for _ in range(random.choice([1, 2, 3, 4, 5, 8])):
        size = random.choice([0, 2, 4, 12, 80, 5000])
        begin = random.choice([*beginnings, struct.pack("<3I", 1, 64, 0)])
        values.append((begin + random.randbytes(size))[:size])
    starts = starts_of(values)
    kept = sorted({0, *random.sample(range(len(values)), random.randrange(len(values)))})
    table = [starts[k] for k in kept]
    if random.random() < 0.2:
        table[random.randrange(len(table))] += random.choice([-8, 2, 8, 2**31])
    sound = [number & 0xFFFFFFFF for number in table]
    extended = None
    if random.random() < 0.4:
        lengths = [len(values[k]) - random.choice([0, 0, 0, 1, 3]) for k in kept]
        extended = sound, [max(length, 0) for length in lengths]
    basic = table_of(sound) if random.random() < 0.5 else b""
    data = bytearray(item(basic) + b"".join(map(item, values)))
    ending = random.random()
    if ending < 0.6:
        data += item(b"", END) + random.choice([b"", b"\xfc\xff\xfc\xffOB\0\0\2\0\0\0ab"])
    elif ending < 0.8:
        data += bytes(random.choice([1, 8, 20, 3000]))
    if random.random() < 0.15:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    if random.random() < 0.1:
        del data[random.randrange(len(data)) :]
    return bytes(data), extended


def test_any_items_are_read_by_the_rules(stored_in: Any) -> None:
    """In memory, in a file, all frames and one: the frames of a plain reading, or an error."""
    headers = {
        (frames, syntax): header_of(frames, syntax)
        for frames in (1, 2, 3, 5) for syntax in (JPEG, RLE_LOSSLESS)
    }  # fmt: skip
    outcomes = set()
    for case in range(first_case(), first_case() + cases(2400)):
        random = Random(case)
        data, extended = random_items(random)
        frames, syntax = random.choice(list(headers))
        offsets = None
        if extended is not None:
            first, second = (struct.pack(f"<{len(n)}Q", *n) for n in extended)
            offsets = first, second
        try:
            expected = plain_reading(data, frames, syntax, extended)
        except AssertionError:
            expected = []
        pixels = Pixels(stored_in(b"before" + data), 6, len(data), offsets)
        found, notes = [], ""
        try:
            locations = FrameLocations(headers[frames, syntax], pixels)
            locations.find(pixels, range(frames))
            notes = str(locations.notes)
            found = [bytes(locations.encoded(pixels, k)) for k in range(frames)]
        except PixelDataError:
            pass
        assert found == expected, case
        outcomes.add(len(found))
        # One frame: what is not asked for may be damaged, or not fit the table.
        one = random.randrange(frames)
        try:
            locations = FrameLocations(headers[frames, syntax], pixels)
            locations.find(pixels, [one])
            only = bytes(locations.encoded(pixels, one))
        except PixelDataError:
            assert not expected
        else:
            assert not expected or "not used" in notes or only == expected[one], case
    assert outcomes == {0, 1, 2, 3, 5}


# What is looked at in a large file.


@pytest.mark.parametrize("kind", ["Basic", "Extended"])
def test_only_the_frames_that_are_asked_for_are_held_against_the_table(
    kind: str, large: Any
) -> None:
    starts, lengths = starts_of(FRAMES), [len(frame) for frame in FRAMES]
    basic = table_of(starts) if kind == "Basic" else b""
    tables = [] if basic else extended_of(starts, lengths)
    data = file_of_items(item(basic) + b"".join(map(item, FRAMES)) + item(b"", END), *tables)
    source = fastpix.open(large(data))._open()
    damaged = bytearray(data)
    place = source.pixels.start + 8 + len(basic) + starts[3]
    damaged[place : place + 4] = b"\0\1\2\3"  # the tag of the item of frame 3
    stored = read_source(large(bytes(damaged)))
    assert isinstance(stored, File)
    pixels = source.pixels._replace(stored=stored, length=stored.size - source.pixels.start)
    cells = Cells(source.header, pixels)
    opened = cells.opened()
    try:
        for frame in (0, 2, 4):
            assert cells.find(opened, [frame]) == []
            assert cells.frame(opened, frame).cells.tobytes() == FRAMES[frame]
        for frames in ([3], [0, 3], range(5)):
            with pytest.raises(PixelDataError, match="no item"):
                cells.find(opened, frames)
    finally:
        cells.release(opened)


def test_a_table_that_does_not_fit_is_told_of_when_that_is_found(large: Any) -> None:
    """Once, and the frames are right all the same."""
    starts = starts_of(FRAMES)
    starts[3] += 2
    data = file_of_items(item(table_of(starts)) + b"".join(map(item, FRAMES)) + item(b"", END))
    image = fastpix.open(large(data))  # without a warning
    assert np.array_equal(image.stored(frames=1), CELLS[1])
    with pytest.warns(HeaderWarning, match="Basic Offset Table.*not used"):
        assert np.array_equal(image.stored(frames=3), CELLS[3])
    assert np.array_equal(image.stored(), CELLS)
    assert [note.text for note in image.plan().notes if "not used" in note.text] != []


def test_all_frames_are_all_fragments(large: Any) -> None:
    """What is odd about any of them is told of then, also where the maximum of all is needed."""
    fragments = [*FRAMES[:2], b"", *FRAMES[2:]]
    starts = starts_of(fragments)
    del starts[2]
    items = item(table_of(starts)) + b"".join(map(item, fragments)) + item(b"", END)
    data = file_of_items(items)
    image = fastpix.open(large(data))
    assert np.array_equal(image.stored(frames=[0, 4]), CELLS[[0, 4]])
    with pytest.warns(HeaderWarning, match="1 fragment.*without a byte"):
        assert np.array_equal(image.stored(), CELLS)
    inverted = fastpix.open(large(data.replace(b"MONOCHROME2", b"MONOCHROME1")))
    with pytest.warns(HeaderWarning, match="1 fragment.*without a byte"):
        values = inverted.read(frames=0)
    assert np.array_equal(values, CELLS.max() - CELLS[0].astype(np.float32))
    assert np.array_equal(inverted.read(frames=[1]), CELLS.max() - CELLS[[1]].astype(np.float32))


def test_colour_is_looked_up_in_the_first_frame_alone(large: Any) -> None:
    """A large file of colour opens by its table."""
    from support.codestream_cases import jpeg

    colors = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), np.uint8)
    streams = [jpeg(each) + b"\0" * (len(jpeg(each)) % 2) for each in colors]
    head = image_elements(rows=8, columns=8, bits=8, extra=[
        element(0x00280002, "US", b"\3\0"), element(0x00280006, "US", b"\0\0"),
        element(0x00280004, "CS", b"YBR_FULL"), element(0x00280008, "IS", b"3 "),
    ])  # fmt: skip
    pixels = encapsulated_element(*streams, table=table_of(starts_of(streams)))
    data = file_of(*head, pixels, syntax=JPEG)
    image = fastpix.open(large(data))
    assert np.array_equal(image.read(frames=2), fastpix.imread(data, frames=2))
    assert np.array_equal(image.read(), fastpix.imread(data))


# What takes the place of the delimiter, and RLE frames in several fragments.


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("zeros", [2, 8, 20, 70000])
def test_zeros_in_place_of_the_delimiter(zeros: int, kind: str, large: Any) -> None:
    for table in (b"", table_of(starts_of(FRAMES))):
        data = file_of_items(item(table) + b"".join(map(item, FRAMES)) + bytes(zeros))
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            found = fastpix.imread(large(data) if kind == "file" else data, dtype="uint16")
        assert np.array_equal(found, CELLS)
        said = [str(each.message) for each in heard if each.category is HeaderWarning]
        assert any(f"ends with {zeros} bytes in place of its delimiter" in text for text in said)


def test_what_is_neither_an_item_nor_zero_is_an_error() -> None:
    for rest in (bytes(8) + b"\1", b"\0\0\0\0\0\0\0\1" + bytes(9), bytes(2**20 + 8) + b"\1"):
        data = file_of_items(item(b"") + b"".join(map(item, FRAMES)) + rest)
        with warnings.catch_warnings(action="ignore"), pytest.raises(PixelDataError, match="item"):
            fastpix.open(data)


def test_one_frame_of_rle_in_fragments() -> None:
    stream = FRAMES[0]
    data = file_of_items(
        b"".join(map(item, (b"", stream[:40], stream[40:70], stream[70:]))) + item(b"", END),
        frames=1,
    )
    with pytest.warns(HeaderWarning, match="one frame .* is in 3 fragments.*joined"):
        image = fastpix.open(data)
    assert np.array_equal(image.stored(), CELLS[0])
    # A second fragment that begins as a frame does is a second frame.
    data = file_of_items(b"".join(map(item, (b"", *FRAMES[:2]))) + item(b"", END), frames=1)
    with pytest.warns(HeaderWarning, match="holds 2 frames"):
        assert np.array_equal(fastpix.open(data).stored(), CELLS[0])


# How much memory it takes.


@pytest.fixture
def traced() -> Iterator[Any]:
    """Return what gives the bytes that were held at the most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_fragments_take_no_memory(traced: Any) -> None:
    """A frame of 50,000 fragments, and a million fragments without a byte."""
    header = header_of(1, JPEG)
    small = item(b"") + item(b"\xff\xd8\xff\0") + item(b"ab") * 50000 + item(b"", END)
    empty = item(b"") + item(b"") * 10**6 + item(b"\xff\xd8\xff\0") + item(b"", END)
    held = traced()
    for data, expected in ((small, b"\xff\xd8\xff\0" + b"ab" * 50000), (empty, b"\xff\xd8\xff\0")):
        pixels = Pixels(Memory(data), 0, len(data))
        locations = FrameLocations(header, pixels)
        assert bytes(locations.encoded(pixels, 0)) == expected
    assert traced() - held < 2**20


def test_a_frame_takes_few_bytes(traced: Any) -> None:
    """A hundred thousand frames: where each begins is eight bytes."""
    count = 10**5
    header = header_of(5, JPEG)
    many = Header(**{name: getattr(header, name) for name in header.__slots__} | {"frames": count})
    data = item(b"") + item(b"ab") * count + item(b"", END)
    pixels = Pixels(Memory(data), 0, len(data))
    held = traced()
    locations = FrameLocations(many, pixels)
    assert traced() - held < 40 * count  # while it is being found; 8 bytes a frame are kept
    assert bytes(locations.encoded(pixels, count - 1)) == b"ab"


def test_items_that_are_no_longer_what_they_were() -> None:
    """A file that is written to between two reads."""
    data = bytearray(item(b"") + item(b"\xff\xd8\xff\0") + item(b"ab") + item(b"", END))
    pixels = Pixels(Memory(memoryview(data)), 0, len(data))
    locations = FrameLocations(header_of(1, JPEG), pixels)
    data[8:12] = bytes(4)
    with pytest.raises(FastpixError, match="not what they were"):
        locations.encoded(pixels, 0)
