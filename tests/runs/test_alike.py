"""Files one after the other in one process: each is read as it would be alone.

`imread` and `imread_many` recognise files that are like the ones before, and read them without the
interpreter. Whatever came before, with whatever arguments, must not show in values, errors or
warnings.
"""

from __future__ import annotations

import os
import struct
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
)
from support.builders import encode, make_dataset, make_group, make_item
from support.file_structures import EXPLICIT, IMPLICIT, PIXEL_DATA, Element
from support.many_files import without_source
from support.regular_files import FRAGMENTS, JPEG, image, sequence, text, us
from support.sizes import cases, is_quick

import fastpix
from fastpix.kernel.registry import kernel_name
from fastpix.runs import alike
from fastpix.runs.alike import AlikeReader
from fastpix.runs.array_memory import ArrayMemory

SLOPE, INTERCEPT, DOSE, MODALITY = 0x00281053, 0x00281052, 0x3004000E, 0x00080060
PHOTOMETRIC, PADDING = 0x00280004, 0x00280120
NUMBERS = [
    b"1", b"2", b"0.5", b"-1", b"1.0", b" 1", b"1.00000000000001", b"0.3333333333333",
    b"1e300", b"1e38", b"-0", b"0", b"", b"nan", b"inf", b"1,5", b"1\\1", b"1_0", b"x", b"1e400",
]  # fmt: skip
KINDS: dict[str, list[Element]] = {
    "CT": [text(MODALITY, b"CS", b"CT")],
    "PT": [text(MODALITY, b"CS", b"PT")],
    "dose": [text(MODALITY, b"CS", b"RTDOSE"), text(DOSE, b"DS", b"0.25")],
    "dose of another scale": [text(MODALITY, b"CS", b"RTDOSE"), text(DOSE, b"DS", b"0.5")],
    "dose without a scale": [text(MODALITY, b"CS", b"RTDOSE")],
    "MONOCHROME1": [text(PHOTOMETRIC, b"CS", b"MONOCHROME1")],
    "two frames of MONOCHROME1": [
        text(PHOTOMETRIC, b"CS", b"MONOCHROME1"), text(0x00280008, b"IS", b"2"),
        us(0x00280103, 1),
    ],
    "padding": [us(PADDING, 5)],
    "MONOCHROME1 with padding": [text(PHOTOMETRIC, b"CS", b"MONOCHROME1"), us(PADDING, 5)],
    "signed": [us(0x00280103, 1)],
    "fewer bits": [us(0x00280101, 8), us(0x00280102, 7)],
    "High Bit in doubt": [us(0x00280102, 40)],
    "bytes": [us(0x00280100, 8), us(0x00280101, 8), us(0x00280102, 7)],
    "RGB": [
        text(PHOTOMETRIC, b"CS", b"RGB"), us(0x00280002, 3), us(0x00280006, 0),
        us(0x00280100, 8), us(0x00280101, 8), us(0x00280102, 7),
    ],
    "planes of colour": [
        text(PHOTOMETRIC, b"CS", b"RGB"), us(0x00280002, 3), us(0x00280006, 1),
        us(0x00280100, 8), us(0x00280101, 8), us(0x00280102, 7),
    ],
    "YBR_FULL": [
        text(PHOTOMETRIC, b"CS", b"YBR_FULL"), us(0x00280002, 3), us(0x00280006, 0),
        us(0x00280100, 8), us(0x00280101, 8), us(0x00280102, 7),
    ],
    "two frames": [text(0x00280008, b"IS", b"2")],
    "bits": [us(0x00280100, 1), us(0x00280101, 1), us(0x00280102, 0)],
    "real world values": [sequence(tag=0x00409096)],
    "elements behind": [Element(0xFFFCFFFC, b"OB", bytes(20))],
    "a charset": [text(0x00080005, b"CS", b"ISO_IR 100")],
    "an unknown charset": [text(0x00080005, b"CS", b"ISO_IR 999")],
}  # fmt: skip
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"dtype": "int16"},
    {"dtype": np.dtype("float64")},
    {"dtype": np.uint8},
    {"dtype": "auto"},
    {"rescale": False},
    {"rescale": False, "dtype": "uint16"},
    {"invert": "range"},
    {"invert": "none"},
    {"normalize": (0.0, 20.0)},
    {"normalize": (0.0, 20.0), "invert": "range"},
    {"padding": -1.0},
    {"padding": float("nan")},
    {"padding": 0.0, "invert": "range"},
    {"recipe": fastpix.Recipe(dtype="int32")},
    {"recipe": fastpix.Recipe(invert="none", padding=-2.5)},
    {"decoder": "zlib"},
    {"threads": 2},
    {"max_bytes": 20},
    {"frames": 0},
    {"frames": [0]},
    {"frames": -1},
    {"frames": (1, 0, 1)},
    {"frames": slice(None), "dtype": "float64"},
    {"frames": slice(1, None), "invert": "range"},
    {"frames": [1], "padding": -1.0},
    {"frames": range(2)},
    {"frames": []},
    {"frames": True},
]

Outcome: TypeAlias = tuple[str, Any, Any, tuple[str, ...]]


class Kept(NamedTuple):
    """A file's content, and a name for it."""

    name: str
    content: bytes


def scaled(kind: str, slope: bytes | None, intercept: bytes | None, **settings: Any) -> Kept:
    extra = list(KINDS[kind])
    if slope is not None:
        extra.append(text(SLOPE, b"DS", slope))
    if intercept is not None:
        extra.append(text(INTERCEPT, b"DS", intercept))
    name = f"{kind}, {slope!r}, {intercept!r}, {settings}"
    return Kept(name, image(*extra, **settings))


def pixels(random: Random, size: int) -> Element:
    words = [random.choice([0, 1, 5, 7, 255, 256, 4095, 0x8000, 0xFFFF]) for _ in range(size // 2)]
    return Element(PIXEL_DATA, b"OW", struct.pack(f"<{size // 2}H", *words))


def files(random: Random) -> dict[str, list[Kept]]:
    """Some files of each kind, of one series each but for what may differ."""
    found: dict[str, list[Kept]] = {}
    for kind in KINDS:
        sizes = {"two frames": 24, "two frames of MONOCHROME1": 24}
        size = sizes.get(kind, 18 if kind in ("planes of colour", "RGB", "YBR_FULL") else 12)
        size = 6 if kind == "bytes" else 2 if kind == "bits" else size
        series = [
            scaled(kind, slope, intercept, syntax=syntax, pixels=pixels(random, size + extra))
            for syntax in (EXPLICIT, IMPLICIT)
            for slope, intercept, extra in [
                (None, None, 0), (b"1", None, 0), (None, b"-5", 0), (b"1", b"0", -2),
                (b"1", b"0", 2), (b"1", b"0", 2),
                *((random.choice(NUMBERS[:6]), random.choice(NUMBERS[:6]), 0) for _ in range(12)),
                *((slope, b"1", 0) for slope in NUMBERS),
                *((b"2", intercept, 0) for intercept in NUMBERS),
            ]
        ]  # fmt: skip
        found[kind] = series
    found["others"] = [
        Kept("encapsulated", image(syntax=JPEG, pixels=FRAGMENTS)),
        Kept("no pixels", image(pixels=None)),
        Kept("no DICOM", b"not a DICOM file"),
        Kept("empty", b""),
        Kept("cut off", image()[:-4]),
        Kept("bytes behind", image() + b"\0\0"),
        Kept("larger than the buffer", image(Element(0xFFFCFFFC, b"OB", bytes(2**20)))),
    ]
    return found


def shown(found: NDArray[Any] | Exception) -> tuple[str, Any, Any]:
    if isinstance(found, Exception):
        return type(found).__name__, None, str(found)
    return found.dtype.name, found.shape, found.tobytes()


def outcome(read: Callable[[], NDArray[Any]]) -> Outcome:
    """What a call has to show: an array or an error, and its warnings."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            found = shown(read())
        except (fastpix.FastpixError, OSError) as error:
            found = shown(error)
    return (*found, tuple(f"{each.category.__name__}: {each.message}" for each in given))


def alone(path: Path, arguments: dict[str, Any]) -> Outcome:
    """What comes of a file by itself."""
    opening = {key: arguments[key] for key in ("max_bytes", "decoder") if key in arguments}
    reading = {key: value for key, value in arguments.items() if key not in opening}
    return outcome(lambda: fastpix.open(path, **opening).read(**reading))


class Alone:
    """`alone`, remembered by a file's content."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str], Outcome] = {}

    def __call__(self, path: Path, kept: Kept, number: int) -> Outcome:
        key = (id(kept), number, kernel_name())
        if key not in self._known:
            self._known[key] = alone(path, ARGUMENTS[number])
        return self._known[key]


@pytest.fixture
def shortcuts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each call of the shortcut has read."""
    taken: list[int] = []
    read = AlikeReader.read

    def counted(self: AlikeReader, *arguments: Any) -> list[NDArray[Any]]:
        found = read(self, *arguments)
        taken.append(len(found))
        return found

    monkeypatch.setattr(AlikeReader, "read", counted)
    return taken


def steps(random: Random, kept: dict[str, list[Kept]]) -> Iterator[tuple[Kept, int]]:
    """Yield files and arguments: kind and arguments stay for a while, so that files are alike."""
    kind, number = "CT", 0
    while True:
        if random.random() < 0.06:
            kind = random.choice(list(kept))
        if random.random() < 0.06:
            number = random.randrange(len(ARGUMENTS))
        file = random.choice(kept[kind])
        for _ in range(random.choice([1, 1, 2, 3])):
            yield file, number


@pytest.mark.parametrize("seed", range(3))
def test_imread_in_any_order(tmp_path: Path, seed: int, shortcuts: list[int]) -> None:
    random = Random(seed)
    expected = Alone()
    paths = [tmp_path / f"{k}.dcm" for k in range(3)]
    held: dict[Path, Kept] = {}
    for file, number in islice(steps(random, files(random)), cases(2000)):
        kernel = kernel_name()
        if random.random() < 0.05:
            kernel = random.choice(fastpix.kernels())
        path = random.choice(paths)
        if held.get(path) is not file:
            path.write_bytes(file.content)  # in place of what was read last
            held[path] = file
        with fastpix.use_kernel(kernel):
            wanted = expected(path, file, number)
            arguments = dict(ARGUMENTS[number])
            if wanted[1] is not None and random.random() < 0.1:
                arguments["out"] = np.full(wanted[1], 99, wanted[0])
            found = outcome(partial(fastpix.imread, path, **arguments))
        assert found == wanted, (file.name, arguments)
    assert sum(shortcuts) > cases(2000) / 20


@pytest.mark.parametrize("threads", [1, 3])
def test_imread_many_in_any_order(tmp_path: Path, threads: int, shortcuts: list[int]) -> None:
    length = 50 if is_quick() else 150
    random = Random(threads)
    expected = Alone()
    kept = files(random)
    paths: dict[int, Path] = {}
    for k, file in enumerate(chain.from_iterable(kept.values())):
        paths[id(file)] = tmp_path / f"{k}.dcm"
        paths[id(file)].write_bytes(file.content)
    for number, arguments in enumerate(ARGUMENTS):
        chosen = [file for file, _ in islice(steps(random, kept), length)]
        sources = [paths[id(file)] for file in chosen]
        wanted = [expected(paths[id(file)], file, number) for file in chosen]
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            reading = fastpix.imread_many(
                sources, on_error="yield", **{**arguments, "threads": threads}
            )
            found = [shown(each) for each in reading]
        for file, one, other in zip(chosen, found, wanted, strict=True):
            assert one == other[:3], (file.name, arguments)
        texts = Counter(f"{each.category.__name__}: {without_source(each)}" for each in given)
        assert texts == Counter(chain.from_iterable(each[3] for each in wanted)), arguments
    assert sum(shortcuts) > 250 * length / 150


# --- arguments that change, interrupts ------------------------------------------------------------


@pytest.mark.parametrize("changed", ["normalize as a list", "normalize as an array", "padding"])
def test_an_argument_that_changes_between_calls(tmp_path: Path, changed: str) -> None:
    """The same object need not say the same, as a list that a notebook's slider moves."""
    path = tmp_path / "a.dcm"
    path.write_bytes(image(us(PADDING, 256), text(MODALITY, b"CS", b"CT")))
    values: Any = [0.0, 4000.0]
    if changed != "normalize as a list":
        values = np.array(values if changed.startswith("normalize") else 3.0)
    name = changed.split()[0]
    for _ in range(3):
        first = fastpix.imread(path, **{name: values})
    if changed == "padding":
        values[...] = 7.0
    else:
        values[1] = 100.0
    second = fastpix.imread(path, **{name: values})
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, fastpix.open(path).read(**{name: values}))


@pytest.mark.parametrize("where", ["read_rescales", "elements_of", "Attributes"])
def test_an_interrupt_between_two_slopes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, shortcuts: list[int]
) -> None:
    """Interrupted where a new slope is recognised, but not yet applied."""
    paths: list[Path] = []
    for slope in (b"2", b"2", b"3"):
        paths.append(tmp_path / f"{len(paths)}.dcm")
        paths[-1].write_bytes(image(*KINDS["PT"], text(SLOPE, b"DS", slope)))
    fastpix.imread(paths[0])
    fastpix.imread(paths[1])

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(alike, where, interrupt)
        with pytest.raises(KeyboardInterrupt):
            fastpix.imread(paths[2])
    np.testing.assert_array_equal(fastpix.imread(paths[2]), fastpix.open(paths[2]).read())
    fastpix.imread(paths[2])
    fastpix.imread(paths[2])
    assert sum(shortcuts) > 0


def test_an_interrupt_while_a_path_is_looked_at(tmp_path: Path, shortcuts: list[int]) -> None:
    """It is not taken for something about the file."""

    class Interrupted(os.PathLike[str]):
        def __fspath__(self) -> str:
            given.append(self)
            if len(given) == 1:
                raise KeyboardInterrupt
            return str(path)

    given: list[object] = []
    path = tmp_path / "a.dcm"
    path.write_bytes(image())
    for _ in range(3):
        fastpix.imread(path)
    assert shortcuts[-1] == 1
    with pytest.raises(KeyboardInterrupt):
        fastpix.imread(Interrupted())
    assert len(given) == 1


# --- memory that is used again --------------------------------------------------------------------


def test_memory_of_images_of_every_size_is_not_kept() -> None:
    """Radiographs hardly ever have the size of the one before."""
    blocks = ArrayMemory()
    tracemalloc.start()
    try:
        for rows in range(1000, 1200):
            blocks.array((rows, 1000), "float32")
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 3 * 2**24


def test_memory_of_many_that_were_held_at_once_is_not_kept() -> None:
    blocks = ArrayMemory()
    tracemalloc.start()
    try:
        held = [blocks.array((1000, 1000), "float32") for _ in range(200)]
        del held
        left, _ = tracemalloc.get_traced_memory()
        assert left <= 2**28 + 2**20
        for _ in range(100):
            blocks.array((500, 1000), "float32")
        left, _ = tracemalloc.get_traced_memory()
        assert left < 2 * 2**24
        blocks.trim()
        left, _ = tracemalloc.get_traced_memory()
        assert left <= 2**24 + 2**20
    finally:
        tracemalloc.stop()


def test_memory_of_mixed_sizes_is_never_shared() -> None:
    random = Random(0)
    blocks = ArrayMemory()
    held: list[tuple[NDArray[Any], int]] = []
    seen: set[int] = set()
    for k in range(4000):
        array = blocks.array((random.choice([8, 16, 24]), 1000), "float32")
        array[:] = k
        seen.add(array.ctypes.data)
        held.append((array, k))
        del array
        while len(held) > random.randrange(1, 40):
            kept, number = held.pop(random.randrange(len(held)))
            assert (kept == number).all()
            del kept
    assert len(seen) < 1000


@pytest.mark.parametrize(("setting", "is_on"), [("0", False), ("1", True), (None, True)])
def test_the_route_can_be_switched_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shortcuts: list[int],
    setting: str | None,
    is_on: bool,
) -> None:
    monkeypatch.delenv("FASTPIX_ALIKE", raising=False)
    if setting is not None:
        monkeypatch.setenv("FASTPIX_ALIKE", setting)
    path = tmp_path / "slice.dcm"
    path.write_bytes(encode(make_dataset(np.arange(6, dtype=np.uint16).reshape(2, 3))))
    arrays = [fastpix.imread(path) for _ in range(5)]
    arrays += list(fastpix.imread_many([path] * 5, threads=1))
    assert all(array.tolist() == [[0, 1, 2], [3, 4, 5]] for array in arrays)
    assert (sum(shortcuts) > 0) == is_on


# --- what the route takes -------------------------------------------------------------------------

MONOCHROME1 = [text(PHOTOMETRIC, b"CS", b"MONOCHROME1")]
TWO_FRAMES = [text(0x00280008, b"IS", b"2")]


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        (MONOCHROME1, {}),
        (MONOCHROME1, {"invert": "range"}),
        ([*MONOCHROME1, *TWO_FRAMES], {}),
        ([*MONOCHROME1, *TWO_FRAMES], {"frames": 1}),
        (TWO_FRAMES, {"frames": 0}),
        (TWO_FRAMES, {"frames": [1, 0]}),
        (TWO_FRAMES, {"frames": slice(-1, None)}),
        ([], {"frames": slice(None)}),
    ],
)
@pytest.mark.parametrize("into", ["a new array", "out"])
def test_what_is_read_without_the_interpreter(
    tmp_path: Path,
    extra: list[Element],
    arguments: dict[str, Any],
    into: str,
    shortcuts: list[int],
) -> None:
    random = Random(4)
    size = 24 if TWO_FRAMES[0] in extra else 12
    paths = [tmp_path / f"{k}.dcm" for k in range(6)]
    for k, path in enumerate(paths):
        slope = text(SLOPE, b"DS", (b"2", b"2", b"0.5", b"-1")[k % 4])
        path.write_bytes(image(*extra, slope, pixels=pixels(random, size)))
    other = tmp_path / "other.dcm"
    other.write_bytes(image(us(PADDING, 5)))
    fastpix.imread(other)
    shortcuts.clear()
    for path in paths:
        wanted = fastpix.open(path).read(**arguments)
        given: dict[str, Any] = {
            key: list(v) if isinstance(v, list) else v for key, v in arguments.items()
        }
        if into == "out":
            out = np.full_like(wanted, 99)
            assert fastpix.imread(path, out=out, **given) is out
            np.testing.assert_array_equal(out, wanted)
        else:
            np.testing.assert_array_equal(fastpix.imread(path, **given), wanted)
    assert shortcuts == [1, 1, 1, 1]


def test_an_out_that_does_not_fit_is_refused_as_ever(tmp_path: Path, shortcuts: list[int]) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(image())
    for _ in range(3):
        shape = fastpix.imread(path).shape
    wrong: Any
    for wrong in (np.empty(shape), np.empty(shape[::-1], np.float32), [0.0], shape):
        with pytest.raises(fastpix.ArgumentError, match="out"):
            fastpix.imread(path, out=wrong)
    with pytest.raises(FileNotFoundError):  # the file comes first, as without the shortcut
        fastpix.imread(tmp_path / "none.dcm", out=np.empty(shape))
    assert sum(shortcuts) == 1


def test_frames_that_change_between_calls(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(image(*TWO_FRAMES, pixels=pixels(Random(5), 24)))
    both = fastpix.open(path).read()
    frames: Any = [0]
    for _ in range(3):
        np.testing.assert_array_equal(fastpix.imread(path, frames=frames), both[:1])
    frames[0] = 1
    np.testing.assert_array_equal(fastpix.imread(path, frames=frames), both[1:])
    frames[0] = True  # no number of a frame, though it is equal to one
    with pytest.raises(fastpix.ArgumentError, match="frames"):
        fastpix.imread(path, frames=frames)
    frames[0] = 1
    for array in fastpix.imread_many([path] * 6, frames=frames, threads=1):
        np.testing.assert_array_equal(array, both[1:])
    array_of_frames = np.array([0])
    for _ in range(3):
        fastpix.imread(path, frames=array_of_frames)
    array_of_frames[0] = 1
    np.testing.assert_array_equal(fastpix.imread(path, frames=array_of_frames), both[1:])


def test_functional_groups_come_before_slopes_that_differ(tmp_path: Path) -> None:
    shared = [make_group(RescaleSlope="3", RescaleIntercept="1")]
    for k, slope in enumerate(["2", "2", "2", "5", "7"]):
        path = tmp_path / f"{k}.dcm"
        dataset = make_dataset(RescaleSlope=slope, SharedFunctionalGroupsSequence=shared)
        path.write_bytes(encode(dataset))
        np.testing.assert_array_equal(fastpix.imread(path), fastpix.open(path).read())
        assert fastpix.imread(path)[0, 1] == 4


@pytest.mark.parametrize("kind", ["frames", "Modality LUT", "floats", "deflated", "big endian"])
def test_kinds_that_the_index_serves(tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(6)
    for k in range(5):
        path = tmp_path / f"{k}.dcm"
        cells = random.integers(0, 4, (2, 3, 5)).astype(np.uint16)
        attributes: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1"}
        syntax = ExplicitVRLittleEndian
        if kind == "frames":
            groups = [make_group(RescaleSlope=s, RescaleIntercept="0") for s in ("2", f"{k + 3}")]
            attributes["PerFrameFunctionalGroupsSequence"] = groups
        elif kind == "Modality LUT":
            lut = make_item(LUTDescriptor=[4, 0, 16], LUTData=bytes([k, 0, 3, 0, 9, 1, 2, 0]))
            lut["LUTDescriptor"].VR, lut["LUTData"].VR = "US", "OW"
            attributes["ModalityLUTSequence"] = [lut]
        elif kind == "floats":
            cells = (cells - 3.0).astype(np.float32)
        elif kind == "deflated":
            syntax = DeflatedExplicitVRLittleEndian
        else:
            syntax = ExplicitVRBigEndian
        dataset = make_dataset(cells, **attributes)
        if kind == "big endian":
            dataset.PixelData = cells.astype(">u2").tobytes()
        path.write_bytes(encode(dataset, syntax))
        for frames in (None, 1):
            for _ in range(3):
                found = fastpix.imread(path, frames=frames)
                wanted = fastpix.open(path).read(frames=frames)
                assert found.tobytes() == wanted.tobytes()
