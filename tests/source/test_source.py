"""Where bytes come from: files read at once or by pieces, or changed under the reader's hands."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from support.builders import element, encode, encode_frames, file_of, image_elements, make_dataset
from support.codestream_cases import rle
from support.scripts import run_script
from support.sizes import some

import fastpix
from fastpix._files import read_file
from fastpix.errors import ArgumentError, FastpixError, PixelDataError
from fastpix.frames.cells import PIECE
from fastpix.source.lent_buffers import Buffer, borrow, give_back
from fastpix.source.opening import read_source
from fastpix.source.stored import RESIDENT, File, Memory

RNG = np.random.default_rng(11)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
COLOR = RNG.integers(0, 256, (3, 601, 700, 3)).astype(np.uint8)
FRAMES = RNG.integers(0, 4096, (7, 301, 403)).astype(np.uint16)
WIDE = RNG.integers(0, 4096, (3, 1201, 1003)).astype(np.uint16)  # frames of several pieces
BITS = RNG.integers(0, 256, (2 * 3001 * 3003 + 7) // 8).astype(np.uint8)

LARGE: dict[str, bytes] = {
    "frames": encode(make_dataset(FRAMES, BitsStored=12, HighBit=11, RescaleSlope="0.1",
                                  RescaleIntercept="-5")),
    "frames of several pieces": encode(make_dataset(WIDE, BitsStored=12, HighBit=11)),
    "MONOCHROME1": encode(make_dataset(WIDE, PhotometricInterpretation="MONOCHROME1")),
    "one frame": encode(make_dataset(WIDE[0].astype(np.int16))),
    "implicit": encode(make_dataset(WIDE), ImplicitVRLittleEndian),
    "big endian": encode(make_dataset(WIDE), ExplicitVRBigEndian),
    "8 bits": encode(make_dataset(WIDE.astype(np.uint8))),
    "32 bits": encode(make_dataset(RNG.integers(0, 2**32, (2, 701, 503), np.uint32))),
    "float": encode(make_dataset(RNG.normal(size=(2, 701, 503)).astype(np.float32))),
    "double": encode(make_dataset(RNG.normal(size=(701, 503)))),
    "RGB": encode(make_dataset(COLOR, SamplesPerPixel=3)),
    "RGB, planar": encode(make_dataset(COLOR, SamplesPerPixel=3, PlanarConfiguration=1)),
    "YBR": encode(make_dataset(COLOR, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL")),
    "1 bit": encode(make_dataset(np.zeros((2, 1, 1), np.uint8), Rows=3001, Columns=3003,
                                 BitsAllocated=1, BitsStored=1, HighBit=0,
                                 PixelData=BITS.tobytes() + b"\0" * (BITS.size % 2))),
    "RLE": encode_frames(make_dataset(FRAMES), RLELossless, [rle(frame) for frame in FRAMES]),
    "a header that is large": file_of(
        *image_elements(rows=2, columns=3), element(0x00420011, "OB", bytes(2 * RESIDENT)),
        element(0x7FE00010, "OW", bytes(range(12)))),
    "elements behind": encode(make_dataset(FRAMES)) + element(0x7FE10010, "LO", b"x"),
}  # fmt: skip


@pytest.fixture(params=["preadv", "no preadv"])
def preadv(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With os.preadv, and on a system that has none."""
    if request.param == "no preadv":
        monkeypatch.delattr(os, "preadv", raising=False)


@pytest.mark.usefixtures("preadv")
@pytest.mark.parametrize("kind", some(list(LARGE)))
def test_a_large_file_is_read_as_its_bytes_are(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE[kind])
    assert path.stat().st_size > RESIDENT
    known = fastpix.open(LARGE[kind])
    image = fastpix.open(path)
    frames = list(range(len(image)))
    recipes: list[dict[str, Any]] = [{}, {"dtype": "float64", "invert": "none"}, {"rescale": False}]
    if image.header.samples == 1:
        recipes.append({"invert": "none", "normalize": (0, 255)})
    for arguments in some(recipes):
        wanted = known.read(**arguments)
        for threads in (1, 3, None):
            found = image.read(threads=threads, **arguments)
            assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
            assert found.tobytes() == wanted.tobytes()
        out = np.empty_like(wanted)
        assert fastpix.imread(path, out=out, threads=2, **arguments) is out
        assert out.tobytes() == wanted.tobytes()
        assert fastpix.imread(str(path), **arguments).tobytes() == wanted.tobytes()
        last = known.read(frames=[-1, 0], **arguments)
        assert image.read(frames=[-1, 0], **arguments).tobytes() == last.tobytes()
        many = fastpix.imread_many([path] * 3, threads=2, **arguments)
        assert [array.tobytes() for array in many] == [wanted.tobytes()] * 3
    assert image.stored().tobytes() == known.stored().tobytes()
    singly = [array.tobytes() for array in image.iter_frames()]
    assert singly == [known.read(frames=k).tobytes() for k in frames]
    array, dataset = fastpix.dicom_to_array(path)
    assert array.tobytes() == known.read().tobytes()
    assert dataset == known.dataset == image.dataset
    assert image.plan() == known.plan()


@pytest.mark.parametrize(
    ("kind", "kernel"),
    some(list(product(["frames of several pieces", "RGB", "1 bit", "32 bits"], fastpix.kernels()))),
)
def test_pieces_by_every_kernel(tmp_path: Path, kind: str, kernel: str) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE[kind])
    with fastpix.use_kernel(kernel):
        wanted = fastpix.open(LARGE[kind]).read(dtype="float64", rescale=False)
        found = fastpix.imread(path, dtype="float64", rescale=False, threads=2)
    assert found.tobytes() == wanted.tobytes()


def test_a_value_that_does_not_fit_is_named_wherever_its_piece_is(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    for place in (0, PIECE // 2 - 1, PIECE // 2, 1201 * 1003 - 1):
        cells = np.zeros((2, 1201, 1003), np.uint16)
        cells[1].reshape(-1)[place] = 256
        path.write_bytes(encode(make_dataset(cells)))
        with pytest.raises(fastpix.InexactError) as caught:
            fastpix.imread(path, dtype="uint8")
        assert caught.value.index == (1, *divmod(place, 1003))
        assert caught.value.value == 256


@pytest.mark.parametrize("cut", [1, 2, 1000, WIDE.nbytes // 2, WIDE.nbytes - 3])
def test_a_large_file_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    data = LARGE["frames of several pieces"][:-cut]
    path = tmp_path / "large.dcm"
    path.write_bytes(data)
    with pytest.raises(FastpixError) as wanted:
        fastpix.imread(data)
    for read in (fastpix.imread, lambda path: fastpix.open(path).read(),
                 lambda path: next(fastpix.imread_many([path]))):  # fmt: skip
        with pytest.raises(type(wanted.value)) as found:
            read(path)
        assert str(found.value) == str(wanted.value)


# --- what is read --------------------------------------------------------------------------------


def count_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counts: list[int] = []
    plain = os.preadv

    def preadv(file: int, targets: Any, start: int) -> int:
        counts.append(plain(file, targets, start))
        return counts[-1]

    monkeypatch.setattr(os, "preadv", preadv)
    return counts


def sparse_file(path: Path, frames: int, rows: int = 1024, columns: int = 1024) -> None:
    """A multi-frame file, all zeros but for the first cell of each frame, which is its number."""
    size = frames * rows * columns * 2
    data = encode(
        make_dataset(np.zeros((1, 2, 2), np.uint16), NumberOfFrames=frames, Rows=rows,
                     Columns=columns, PixelData=b"")
    )  # fmt: skip
    assert data.endswith(b"OW\0\0" + bytes(4))
    with open(path, "wb") as file:
        file.write(data[:-4] + size.to_bytes(4, "little"))
        start = file.tell()
        for k in range(frames):
            file.seek(start + k * rows * columns * 2)
            file.write(k.to_bytes(2, "little"))
        file.truncate(start + size)


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="counts its bytes")
def test_only_the_frames_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.dcm"
    sparse_file(path, 150)
    counts = count_bytes(monkeypatch)
    frame = 2 * 1024 * 1024
    image = fastpix.open(path)
    assert sum(counts) == 0  # the header is in what is read at first
    image.read(frames=7)
    assert sum(counts) == frame
    counts.clear()
    found = fastpix.imread(path, frames=[3, 149, 3])
    assert found[:, 0, 0].tolist() == [3, 149, 3]
    assert sum(counts) == 3 * frame
    counts.clear()
    assert next(fastpix.imread_many([path], frames=[5]))[0, 0, 0] == 5
    assert sum(counts) == frame


FRAME_BY_FRAME = """
import resource, sys, fastpix
image = fastpix.open(sys.argv[1])
image.read(frames=0), image.read(frames=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for k, array in enumerate(image.iter_frames()):
    assert array[0, 0] == k and not array[1:].any(), k
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@LINUX
def test_memory_stays_flat_frame_by_frame(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    sparse_file(path, 150)
    assert path.stat().st_size > 300 * 10**6
    assert int(run_script(FRAME_BY_FRAME, path)) < 16 * 1024  # kB: four arrays of a frame


MANY_OPEN = """
import os, resource, sys, fastpix
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
images = [fastpix.open(sys.argv[1]) for _ in range(2000)]
print(sum(float(image.read(frames=k % 3)[0, 0]) for k, image in enumerate(images)))
print(len(list(fastpix.imread_many([sys.argv[1]] * 300, frames=0, threads=3))))
print(len(os.listdir("/proc/self/fd")) < 20)
"""


@LINUX
def test_open_images_hold_no_files(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    sparse_file(path, 3, 640, 500)
    wanted = float(sum(k % 3 for k in range(2000)))
    assert run_script(MANY_OPEN, path).split() == [str(wanted), "300", "True"]


ERRORS = """
import gc, os, sys, warnings, fastpix
warnings.simplefilter("ignore", UserWarning)  # of pydicom, of files that end too early
folder = sys.argv[1]
def attempts():
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        for use in (fastpix.imread, fastpix.open, lambda p: list(fastpix.imread_many([p] * 3)),
                    lambda p: fastpix.imread(p, dtype="uint8"),
                    lambda p: fastpix.imread(p, frames=99),
                    lambda p: fastpix.open(p).read(frames=99),
                    lambda p: fastpix.dicom_to_array(p)):
            try:
                use(path)
            except (fastpix.FastpixError, OSError):
                pass
attempts()
before = len(os.listdir("/proc/self/fd"))
gc.disable()
attempts()
print(len(os.listdir("/proc/self/fd")) - before)
gc.enable()
gc.collect()
"""


@LINUX
def test_no_file_is_left_open(tmp_path: Path) -> None:
    """ResourceWarnings are errors in there."""
    large = LARGE["frames of several pieces"]
    contents = [large, large[:-5], large[:300], b"\xff" * (2 * RESIDENT), LARGE["RLE"][:-5000],
                LARGE["big endian"], b"", b"x", encode(make_dataset())]  # fmt: skip
    for k, data in enumerate(contents):
        (tmp_path / str(k)).write_bytes(data)
    (tmp_path / "folder").mkdir()
    assert run_script(ERRORS, tmp_path) == "0\n"


# --- files that change ---------------------------------------------------------------------------


def rewritten(path: Path) -> None:
    path.write_bytes(LARGE["one frame"])


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1000)


def appended(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"\0\0")


def replaced(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def one_byte(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\7")
    later = path.stat().st_mtime_ns + 10**7  # clocks of file systems are coarse
    os.utime(path, ns=(later, later))


def emptied(path: Path) -> None:
    os.truncate(path, 0)


CHANGES = [rewritten, truncated, appended, replaced, one_byte, emptied]


@pytest.mark.usefixtures("preadv")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["frames of several pieces", "RLE", "MONOCHROME1"])
def test_a_file_that_has_changed_since_it_was_opened(
    tmp_path: Path, kind: str, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE[kind])
    image = fastpix.open(path)
    image.read(frames=0)
    change(path)
    for use in (
        image.read, image.stored, lambda: image.read(frames=1), lambda: image.dataset,
        lambda: pickle.dumps(image), lambda: list(image.iter_frames()),
    ):  # fmt: skip
        with pytest.raises(PixelDataError, match="the file has changed since it was opened"):
            use()
    assert len(image) == image.header.frames
    image.close()
    with pytest.raises(FastpixError, match="closed"):
        image.read()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE["frames"])
    image = fastpix.open(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        image.read()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        image.read()


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="changes the file between its calls")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["frames of several pieces", "RLE", "MONOCHROME1", "frames"])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, kind: str, change: Callable[[Path], None], threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Values of two files never come out as one image."""
    path = tmp_path / "large.dcm"
    plain, calls = os.preadv, [0]
    last = 2 if kind == "frames" else 3  # frames that follow each other are read together

    def preadv(file: int, targets: Any, start: int) -> int:
        calls[0] += 1
        if calls[0] == last:
            change(path)
        return plain(file, targets, start)

    for read in (
        lambda: fastpix.imread(path, threads=threads),
        lambda: next(fastpix.imread_many([path], threads=threads)),
        lambda: fastpix.open(path).read(threads=threads),
    ):
        path.write_bytes(LARGE[kind])
        wanted = fastpix.open(LARGE[kind]).read().tobytes()
        calls[0] = 0
        with monkeypatch.context() as patched:
            patched.setattr(os, "preadv", preadv)
            try:
                found = read()
            except PixelDataError as error:
                assert "has changed" in str(error)  # noqa: PT017
            else:
                # What was opened before is read to its end, whatever has its name by now.
                assert change is replaced
                assert found.tobytes() == wanted
        assert calls[0] >= last


def test_a_file_that_grows_and_shrinks_all_the_time(tmp_path: Path) -> None:
    """Whole, or refused: never a crash, nor values of neither state."""
    path, small = tmp_path / "large.dcm", encode(make_dataset(FRAMES[0]))
    large = LARGE["frames"]
    expected = {fastpix.imread(data).tobytes() for data in (small, large)}
    path.write_bytes(large)
    end = threading.Event()

    def write() -> None:
        while not end.is_set():
            for data in (small, large):
                other = path.with_suffix(".other")
                other.write_bytes(data)
                os.replace(other, path)
                time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    good = 0
    try:
        for k in range(150):
            try:
                found = fastpix.open(path).read() if k % 2 else fastpix.imread(path)
            except PixelDataError as error:
                assert "has changed" in str(error)  # noqa: PT017
                continue
            assert found.tobytes() in expected
            good += 1
        for outcome in fastpix.imread_many([path] * 300, threads=3, on_error="yield"):
            if isinstance(outcome, Exception):
                assert "has changed" in str(outcome)
                continue
            assert outcome.tobytes() in expected
            good += 1
    finally:
        end.set()
        writer.join()
    assert good > 200


# --- images over files ---------------------------------------------------------------------------


def test_an_image_over_a_file_is_pickled_with_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE["frames"])
    image = fastpix.open(path)
    wanted = image.read().tobytes()
    pickled = pickle.dumps(image)
    path.unlink()
    assert pickle.loads(pickled).read().tobytes() == wanted


def test_an_image_over_a_file_shared_by_threads(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(LARGE["frames"])
    image = fastpix.open(path)
    wanted = [image.read(frames=k).tobytes() for k in range(7)]
    found: dict[int, bool] = {}

    def read(first: int) -> None:
        for k in range(28):
            same = image.read(frames=(first + k) % 7).tobytes() == wanted[(first + k) % 7]
            found[28 * first + k] = same

    readers = [threading.Thread(target=read, args=(k,)) for k in range(5)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(found) == 140
    assert all(found.values())


def test_a_relative_path_is_that_of_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Image reads its file again: also where the process has gone to another folder."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "large.dcm").write_bytes(LARGE["frames"])
    monkeypatch.chdir(tmp_path)
    image = fastpix.open("large.dcm")
    wanted = image.read().tobytes()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert image.read().tobytes() == wanted


# --- what else can be read from ------------------------------------------------------------------


@pytest.mark.parametrize("use", [fastpix.imread, fastpix.open, fastpix.dicom_to_array])
@pytest.mark.parametrize("path", ["a\0b", Path("a\0b"), "\ud800", "\udfff\ud800.dcm"], ids=ascii)
def test_text_that_is_no_path(use: Callable[[Any], Any], path: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        use(path)
    assert caught.value.argument == "source"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("kind", ["frames", "small"])
def test_a_pipe_is_read_by_one_reader(tmp_path: Path, kind: str) -> None:
    data = LARGE.get(kind) or encode(make_dataset())
    wanted = fastpix.imread(data).tobytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "file").write_bytes(data)
    script = (
        "import sys, shutil; shutil.copyfileobj(open(sys.argv[1], 'rb'), open(sys.argv[2], 'wb'))"
    )
    for use in (fastpix.imread, lambda path: fastpix.open(path).read()):
        with subprocess.Popen([sys.executable, "-c", script, tmp_path / "file", pipe]) as writer:
            assert use(pipe).tobytes() == wanted
        assert writer.returncode == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_opened_to_look_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    opened = threading.Event()

    def write() -> None:
        with open(pipe, "wb"):
            opened.set()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.05)
    assert read_file(os.fsencode(pipe), bytearray(100)) == -1
    assert not opened.wait(0.1)
    with open(pipe, "rb"):
        writer.join()
    assert opened.is_set()


def test_kinds_of_sources(tmp_path: Path) -> None:
    data = encode(make_dataset())
    path = tmp_path / "small.dcm"
    path.write_bytes(data)
    lent = np.empty(RESIDENT, np.uint8)
    for source in (path, str(path), data, bytearray(data), memoryview(data), BytesIO(data)):
        for given in (None, lent):
            stored = read_source(source, lent=given)
            assert isinstance(stored, Memory)
            assert stored.whole() == data
            assert bytes(stored.view(3, 10**9)) == data[3:]
            assert stored.opened() is stored
            stored.check()
            stored.close()
            assert stored.whole() == data
    large = tmp_path / "large.dcm"
    large.write_bytes(LARGE["frames"])
    stored = read_source(large)
    assert isinstance(stored, File)
    assert stored.size == len(LARGE["frames"])
    assert stored.whole() == LARGE["frames"]
    assert bytes(stored.view(stored.size - 5, stored.size + 5)) == LARGE["frames"][-5:]
    assert bytes(stored.view(stored.size + 5, stored.size + 9)) == b""
    held = read_source(large, lent=lent)
    assert isinstance(held, File)
    assert held.opened() is held
    held.close()
    assert isinstance(read_source(large, whole=True), Memory)


# --- the buffer that is lent ---------------------------------------------------------------------


def test_the_buffer_is_one_call_s() -> None:
    first = borrow()
    second = borrow()
    assert first is not second
    give_back(second)
    give_back(first)
    assert borrow() is first
    others: list[Buffer] = []
    thread = threading.Thread(target=lambda: others.append(borrow()))
    thread.start()
    thread.join()
    assert others[0] is not first
    give_back(first)


def test_imread_from_many_threads(tmp_path: Path) -> None:
    contents = [encode(make_dataset(RNG.integers(0, 4096, (64, 50)).astype(np.uint16)))
                for _ in range(24)]  # fmt: skip
    contents += [LARGE["frames"], LARGE["RLE"], b"no DICOM"] * 2
    paths = [tmp_path / str(k) for k in range(len(contents))]
    wanted = []
    for path, data in zip(paths, contents, strict=True):
        path.write_bytes(data)
        wanted.append(None if data == b"no DICOM" else fastpix.imread(data).tobytes())
    wrong: list[int] = []
    done: list[int] = []

    def read(first: int) -> None:
        for n in range(60):
            k = (7 * n + first) % len(paths)
            try:
                found = fastpix.imread(paths[k]).tobytes()
            except fastpix.NotDicomError:
                found = None
            if found != wanted[k]:
                wrong.append(k)
        done.append(first)

    threads = [threading.Thread(target=read, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(done) == list(range(8))


def test_what_imread_gives_is_not_in_the_buffer(tmp_path: Path) -> None:
    """Neither arrays nor what is left of errors change by the next call."""
    paths = [tmp_path / str(k) for k in range(30)]
    for path in paths:
        cells = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
        path.write_bytes(encode(make_dataset(cells)))
    arguments: list[dict[str, Any]] = [
        {}, {"dtype": "auto"}, {"dtype": "uint8", "rescale": False}, {"frames": 0}
    ]  # fmt: skip
    for given in arguments:
        arrays = [fastpix.imread(path, **given) for path in paths]
        wanted = [fastpix.imread(path.read_bytes(), **given) for path in paths]
        assert [a.tobytes() for a in arrays] == [a.tobytes() for a in wanted]


LIMITED = """
import os, resource, sys, fastpix
# Names are loaded when they are first used, which opens files.
fastpix.imread, fastpix.open, fastpix.imread_many
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
def first(path):
    return next(fastpix.imread_many([path], threads=2))
for use in (fastpix.imread, fastpix.open, first):
    try:
        use(sys.argv[1])
    except OSError as error:
        print(error.errno)
for file in held:
    os.close(file)
print(fastpix.imread(sys.argv[1]).shape)
"""


@LINUX
def test_no_file_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "small.dcm"
    path.write_bytes(encode(make_dataset()))
    assert run_script(LIMITED, path).splitlines() == ["24", "24", "24", "(2, 3)"]
