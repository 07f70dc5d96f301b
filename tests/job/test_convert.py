"""The main job: values, the commit, re-runs, workers that die, names and keys, the API."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import (
    element,
    encode,
    file_of,
    image_elements,
    make_dataset,
    make_item,
    set_raw,
)
from support.real_files import WHEEL, files_under
from support.sizes import rounds

import fastpix
from fastpix import ArgumentError, FastpixError, Recipe, Summary
from fastpix.job.files import SourceFile, find_files
from fastpix.job.names import Names, load_key
from fastpix.job.one_file import Job, Outcome, convert_file
from fastpix.job.store import Store
from fastpix.kernel.registry import kernel_name
from fastpix.standard.tags import Tag

KEY = bytes(range(32))
COMMAND = [sys.executable, "-c", "from fastpix.cli import main; main()"]
pytestmark = pytest.mark.usefixtures("quick_processes")
on_linux = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="process groups are read from /proc"
)


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where a small job reads and writes."""

    src: Path
    dst: Path
    key_file: Path

    def add(self, name: str, data: bytes | None = None) -> Path:
        path = self.src / name
        path.write_bytes(encode(make_dataset()) if data is None else data)
        return path

    def names(self) -> Names:
        return Names(load_key(self.key_file, self.dst))

    def convert(self, **options: Any) -> Summary:
        return fastpix.convert(self.src, self.dst, key_file=self.key_file, workers=1, **options)

    def one(self, path: Path, **job: Any) -> Outcome:
        """Convert a file in this process, as a worker does."""
        found = find_files([path], self.dst)[0]
        values: dict[str, Any] = {
            "output": self.dst,
            "recipe": Recipe(),
            "key": load_key(self.key_file, self.dst),
            "root": None,
            "max_bytes": 2**32,
            "kernel": kernel_name(),
        }
        return convert_file(found, Job(**(values | job)))

    def output(self, path: Path, suffix: str = ".npz") -> Path:
        return self.dst / (self.names().of_path(str(path)) + suffix)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "src", tmp_path / "dst", tmp_path / "the.key")
    made.src.mkdir()
    made.dst.mkdir()
    return made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 200 small images, no two alike."""
    folder = tmp_path_factory.mktemp("many")
    head = encode(make_dataset(np.zeros((8, 8), np.uint16)))[:-128]
    for index in range(200):
        cells = np.full(64, index, "<u2")
        (folder / f"{index:03}").write_bytes(head + cells.tobytes())
    return folder


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def strict_json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text("utf-8"), parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def pixels_in(path: Path) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        assert list(arrays) == ["pixels"]
        array: NDArray[Any] = arrays["pixels"]
    return array


def quiet_imread(path: Path, recipe: Recipe) -> NDArray[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real files are odd; tests/header tests the warnings
        return fastpix.imread(path, recipe=recipe)


def check_whole(folder: Path) -> set[str]:
    """Check that every sidecar has its whole array; return the names that are committed."""
    names = set()
    for sidecar in folder.glob("*.json"):
        kept = strict_json(sidecar)["array"]
        array = pixels_in(sidecar.with_suffix(".npz"))
        assert kept["file"] == sidecar.with_suffix(".npz").name
        assert kept["bytes"] == sidecar.with_suffix(".npz").stat().st_size
        assert kept["shape"] == list(array.shape)
        assert kept["dtype"] == array.dtype.name
        assert (kept["min"], kept["max"]) == (array.min(), array.max())
        names.add(sidecar.stem)
    return names


def times(folder: Path, names: set[str]) -> dict[str, int]:
    return {
        name + suffix: (folder / (name + suffix)).stat().st_mtime_ns
        for name in names
        for suffix in (".npz", ".json")
    }


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Values


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(dtype="auto", rescale=False, invert="range"),
        Recipe(dtype="float64", normalize=(-100.0, 200.0), invert="none", padding=float("nan")),
    ],
    ids=["default", "auto", "normalize"],
)
def test_values_are_imreads(recipe: Recipe, tmp_path: Path) -> None:
    """Every file that can be read is there, byte for byte, and no other."""
    dst, key_file = tmp_path / "dst", tmp_path / "key"
    outcomes: dict[str, Outcome] = {}
    summary = fastpix.convert(
        WHEEL,
        dst,
        recipe=recipe,
        key_file=key_file,
        on_outcome=lambda file, outcome: outcomes.update({file.path: outcome}),
    )
    names = Names(load_key(key_file, dst))
    converted = set()
    for path in files_under(WHEEL):
        outcome = outcomes.pop(str(path))
        assert outcome.name == names.of_path(str(path))
        if outcome.status != "converted":
            with pytest.raises(FastpixError) as caught:
                quiet_imread(path, recipe)
            if outcome.status == "failed":
                assert outcome.kind == type(caught.value).__name__
                assert outcome.reason == caught.value.storable
            else:
                assert outcome.status == "not an image"
            continue
        wanted = quiet_imread(path, recipe)
        converted.add(outcome.name)
        found = pixels_in(dst / f"{outcome.name}.npz")
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        assert found.tobytes() == wanted.tobytes()
        check_statistics(strict_json(dst / f"{outcome.name}.json")["array"], wanted)
    assert outcomes == {}
    assert len(converted) > 50
    assert summary.converted == len(converted)
    assert summary.done == len(files_under(WHEEL))
    wanted_files = {f"{name}{suffix}" for name in converted for suffix in (".npz", ".json")}
    assert listing(dst) == wanted_files | {"failures.jsonl"}


def check_statistics(kept: dict[str, Any], values: NDArray[Any]) -> None:
    assert kept["shape"] == list(values.shape)
    assert kept["dtype"] == values.dtype.name
    exact = values[~np.isnan(values)].astype(np.float64)
    assert (kept["min"], kept["max"]) == (exact.min(), exact.max())
    assert kept["mean"] == pytest.approx(exact.mean(), rel=1e-12, abs=1e-9)
    assert kept["std"] == pytest.approx(exact.std(), rel=1e-9, abs=1e-9)


def test_statistics_of_nothing_and_of_the_largest_are_strict_json(folders: Folders) -> None:
    padded = folders.add("padded", encode(make_dataset(
        np.full((2, 2), 7, np.uint16), PixelPaddingValue=7)))  # fmt: skip
    assert folders.one(padded, recipe=Recipe(padding=float("nan"))).status == "converted"
    kept = strict_json(folders.output(padded, ".json"))
    assert [kept["array"][key] for key in ("min", "max", "mean", "std")] == [None] * 4
    assert kept["recipe"]["padding"] == "nan"
    assert Recipe.from_dict(kept["recipe"]) == Recipe(padding=float("nan"))

    cells = np.array([[1.0, np.inf], [-np.inf, np.nan]], np.float32)
    infinite = folders.add("infinite", encode(make_dataset(cells)))
    assert folders.one(infinite).status == "converted"
    kept = strict_json(folders.output(infinite, ".json"))["array"]
    assert [kept[key] for key in ("min", "max", "mean", "std")] == [None] * 4
    assert pixels_in(folders.output(infinite)).tobytes() == cells.tobytes()


def test_sidecar_says_what_was_done(folders: Folders) -> None:
    dataset = make_dataset(
        np.array([[0, 1], [4094, 4095]], np.uint16),
        BitsStored=12,
        Modality="CT",
        Manufacturer="SIEMENS",
        ManufacturerModelName="SOMATOM Definition Flash",
        RescaleSlope="2",
        RescaleIntercept="-1024",
        PixelSpacing=[0.5, 0.75],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
        HighBit=None,
    )
    path = folders.add("ct", encode(dataset))
    assert folders.one(path).status == "converted"
    kept = strict_json(folders.output(path, ".json"))
    names = folders.names()
    assert kept["versions"]["fastpix"] == fastpix.__version__
    assert set(kept["versions"]) == {"fastpix", "pydicom", "numpy", "kernel"}
    assert kept["decoders"] == []
    assert kept["recipe"] == Recipe().to_dict()
    assert kept["plan"]["slope_intercept"] == [[2.0, -1024.0]]
    assert kept["plan"]["transfer_syntax"] == "Explicit VR Little Endian"
    assert any("HighBit (0028,0102) is missing" in note for note in kept["plan"]["notes"])
    assert kept["array"]["unit"] == "HU"
    assert (kept["array"]["min"], kept["array"]["max"]) == (-1024, 7166)
    assert kept["bits"] == {"allocated": 16, "stored": 12, "high_bit": 11, "signed": False}
    assert kept["geometry"] == {
        "pixel_spacing": [0.5, 0.75],
        "image_orientation": [1, 0, 0, 0, 1, 0],
    }
    assert kept["instance"]["sop_class"] == "Secondary Capture Image Storage"
    assert kept["instance"]["modality"] == "CT"
    assert kept["instance"]["manufacturer"] == "Siemens"
    assert kept["instance"]["model"] == "SOMATOM Definition Flash"
    assert kept["instance"]["uids"] == {
        "sop_instance": names.of_uid(dataset.SOPInstanceUID),
        "study": names.of_uid("1.2.3"),
        "series": names.of_uid("1.2.4"),
        "frame_of_reference": None,
    }
    assert kept["source"]["path"] == folders.output(path).stem


def test_sidecar_names_decoders_with_versions(folders: Folders) -> None:
    path = WHEEL / "SC_rgb_rle_2frame.dcm"
    assert folders.one(path).status == "converted"
    decoders = strict_json(folders.output(path, ".json"))["decoders"]
    assert decoders == [f"fastpix {fastpix.__version__}"]


def test_geometry_of_functional_groups(folders: Folders) -> None:
    shared = make_item(PixelMeasuresSequence=[make_item(PixelSpacing=[2, 3])])
    frame = make_item(
        PlaneOrientationSequence=[make_item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])]
    )
    dataset = make_dataset(
        SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=[frame]
    )
    path = folders.add("enhanced", encode(dataset))
    assert folders.one(path).status == "converted"
    assert strict_json(folders.output(path, ".json"))["geometry"] == {
        "pixel_spacing": [2, 3],
        "image_orientation": [0, 1, 0, 0, 0, -1],
    }


# The sidecar is the commit

# Does what Store.write does in children, each killed one step later than the one before; a step is
# what the system is asked to do. Prints the steps of the one that came through.
KILLED_AT_EACH_STEP = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from fastpix.job.store import Store

folder = Path(sys.argv[1])
small, large = np.zeros((2, 2)), np.ones((3, 3))

def sidecar(array):
    return {"array": {"shape": list(array.shape), "min": array.min(), "max": array.max(),
                      "dtype": array.dtype.name}}

def child(store, limit, pipe):
    steps = []
    def step(event, detail):
        steps.append([event, detail])
        os.write(pipe, json.dumps([event, detail]).encode() + b"\\n")
        if len(steps) == limit:
            os.kill(os.getpid(), signal.SIGKILL)
    def hook(event, arguments):
        if event in ("open", "os.rename", "os.remove"):
            paths = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))]
            if any(str(store.folder) in path for path in paths):
                step(event, [os.path.basename(path) for path in paths])
    fsync, write = os.fsync, os.write
    def noted_fsync(handle):
        step("fsync", [os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))])
        fsync(handle)
        step("fsynced", [])
    os.fsync = noted_fsync
    sys.addaudithook(hook)
    store.write("name", large, sidecar(large))

for limit in range(1, 100):
    store = Store(folder / str(limit))
    store.folder.mkdir()
    store.write("name", small, sidecar(small))
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(store, limit, theirs)
        os._exit(0)
    os.close(theirs)
    with open(ours) as pipe:
        steps = pipe.read()
    if os.waitpid(pid, 0)[1] == 0:
        print(steps)
        break
"""


@on_linux
def test_killed_at_every_step_of_a_write(tmp_path: Path) -> None:
    """An older array is written over: at no step does a sidecar stand beside another's array."""
    job = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, str(tmp_path)], capture_output=True, check=True
    )
    steps = [json.loads(line) for line in job.stdout.decode().splitlines() if line]
    folders = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(folders) == len(steps) + 1
    assert len(steps) >= 10
    committed = [check_whole(folder) for folder in folders]
    assert committed[0] == committed[-1] == {"name"}
    assert set() in committed
    assert any((folder / "name.npz").exists() for folder in folders[:-1])
    for folder in folders:
        Store(folder).clean()
        assert listing(folder) <= {"name.npz", "name.json"}
    # Each is flushed under another name before it gets its own; the sidecar comes last.
    events = [(event, names) for event, names in steps if event in ("fsync", "os.rename")]
    renames = [names for event, names in events if event == "os.rename"]
    assert [names[1] for names in renames] == ["name.npz", "name.json"]
    for temporary, name in renames:
        place = events.index(("os.rename", [temporary, name]))
        assert events[place - 1] == ("fsync", [temporary])
        assert temporary.startswith(".")
    opened = [names[0] for event, names in steps if event == "open"]
    assert "name.npz" not in opened
    assert "name.json" not in opened


@contextmanager
def running_job(
    *arguments: object, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command as the leader of a process group, of which nothing outlives the block."""
    with subprocess.Popen(
        [*COMMAND, "convert", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=os.environ | (env or {}),
    ) as job:
        try:
            yield job
        finally:
            for pid in living(job.pid):
                os.kill(pid, signal.SIGKILL)


def living(group: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(status[2]) == group and status[0] not in (b"Z", b"X"):
            found.append(int(entry.name))
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)


@on_linux
def test_killed_at_random_moments(many: Path, tmp_path: Path) -> None:
    chance = random.Random(20260101)
    dst = tmp_path / "dst"
    dst.mkdir()
    done: set[str] = set()
    for _ in range(rounds(6)):
        before = times(dst, done)
        enough = len(done) + chance.randrange(20)
        with running_job(many, dst, "--workers", 2) as job:
            wait_until(lambda wanted=enough: len(list(dst.glob("*.json"))) > wanted)  # type: ignore[misc]
            time.sleep(chance.random() * 0.004)
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
            wait_until(lambda pid=job.pid: not living(pid))  # type: ignore[misc]
        found = check_whole(dst)
        assert found > done
        assert times(dst, done) == before, "what was there has been written again"
        done = found
    assert len(done) < 200, "no run was killed while it had work"
    before = times(dst, done)

    seen: list[Outcome] = []
    summary = fastpix.convert(
        many, dst, workers=2, on_outcome=lambda _, outcome: seen.append(outcome)
    )
    assert (summary.present, summary.converted, summary.failed) == (len(done), 200 - len(done), 0)
    assert {outcome.name for outcome in seen if outcome.status == "present"} == done
    assert times(dst, done) == before
    names = Names(load_key(tmp_path / "dst.key", dst))
    every = {names.of_path(str(path)): path for path in many.iterdir()}
    assert check_whole(dst) == set(every)
    assert listing(dst) == {f"{n}{s}" for n in every for s in (".npz", ".json")}
    for name, path in every.items():
        assert pixels_in(dst / f"{name}.npz").tobytes() == fastpix.imread(path).tobytes()


def hooked(tmp_path: Path) -> dict[str, str]:
    """Environment in which a file's name says what becomes of the worker that opens it."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOKS)
    return {"PYTHONPATH": str(hooks)}


HOOKS = """
import os, resource, signal, sys, time
from pathlib import Path

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
NO_MORE = Path(__file__).with_name("no-more-workers")
if NO_MORE.exists() and "spawn_main" in "".join(sys.orig_argv):
    os._exit(1)
from fastpix.job import one_file as instance
read = instance.open_image

def open_image(path, **options):
    mark = os.path.basename(path)
    if mark == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mark == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if mark == "torn":  # it dies while it writes
        os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
    if mark == "realtime":
        os.kill(os.getpid(), 40)
    if mark == "exit":
        print("said by a library about", path, flush=True)
        sys.exit(f"{path} made me do it")
    if mark == "os-exit":
        os._exit(0)
    if mark == "last":
        NO_MORE.touch()
        os._exit(1)
    while mark == "sleep":
        NO_MORE.with_name("asleep").touch()
        time.sleep(1)
    if mark == "memory":
        raise MemoryError(path)
    if mark == "bug":
        raise RuntimeError(path)
    return read(path, **options)

instance.open_image = open_image
"""


@on_linux
def test_workers_end_with_their_parent(folders: Folders, many: Path, tmp_path: Path) -> None:
    """Both the one that is at work and the one that hangs, which nobody would time out."""
    folders.add("sleep")
    with running_job(folders.src, many, folders.dst, "--workers", 2, env=hooked(tmp_path)) as job:
        asleep = tmp_path / "hooks" / "asleep"
        wait_until(lambda: len(list(folders.dst.glob("*.json"))) > 3 and asleep.exists())
        assert len(living(job.pid)) >= 3
        job.kill()
        job.wait()
        wait_until(lambda: not living(job.pid), seconds=10)
    check_whole(folders.dst)


def test_temporary_files_of_the_dead_go_and_of_the_living_stay(folders: Folders) -> None:
    host = os.uname().nodename or "host"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    other = folders.dst / ".a.npz.writing-another-host-1"
    old = folders.dst / ".b.npz.writing-another-host-1"
    mine = folders.dst / f".c.npz.writing-{host}-{os.getpid()}"
    theirs = folders.dst / f".d.npz.writing-{host}-{dead.pid}"
    unlike = folders.dst / ".e.npz.writing-"
    for path in (other, old, mine, theirs, unlike):
        path.touch()
    long_ago = time.time() - 2 * 86400
    os.utime(old, (long_ago, long_ago))
    Store(folders.dst).clean()
    assert listing(folders.dst) == {other.name, mine.name, unlike.name}


@on_linux
def test_a_zombie_writes_no_more(folders: Folders) -> None:
    """Where nobody reaps orphans (many containers), a killed worker's id stays for good."""
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: b") Z " in Path(f"/proc/{zombie.pid}/stat").read_bytes())
    (folders.dst / f".a.npz.writing-{os.uname().nodename or 'host'}-{zombie.pid}").touch()
    Store(folders.dst).clean()
    assert listing(folders.dst) == set()
    zombie.wait()


def test_a_failed_write_leaves_nothing(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, at the array or at the sidecar."""
    path = folders.add("a")
    for suffix in (".npz", ".json"):
        assert folders.one(path).status in ("converted", "present")
        os.utime(path, ns=(0, random.getrandbits(40)))
        with monkeypatch.context() as patch:
            replace = Path.replace

            def full(
                self: Path, target: Path, suffix: str = suffix, replace: Any = replace
            ) -> Path:
                if target.suffix == suffix:
                    raise OSError(28, "No space left on device", "/name/of/a/patient")
                result: Path = replace(self, target)
                return result

            patch.setattr(Path, "replace", full)
            outcome = folders.one(path)
        assert (outcome.status, outcome.reason) == ("failed", "No space left on device")
        assert list(folders.dst.glob("*.json")) == []
        assert list(folders.dst.glob(".*")) == []
    assert folders.one(path).status == "converted"


# Running again


def test_nothing_is_rewritten_when_nothing_changed(folders: Folders) -> None:
    paths = [folders.add(f"{n}", encode(make_dataset(RescaleSlope=str(n + 1)))) for n in range(4)]
    folders.add("broken", encode(make_dataset(RescaleSlope="1"))[:-4])
    folders.add("text", b"no image at all")
    first = folders.convert()
    assert (first.converted, first.present, first.not_images, first.failed) == (4, 0, 1, 1)
    before = times(folders.dst, {folders.output(path).stem for path in paths})
    second = folders.convert()
    assert (second.converted, second.present, second.not_images, second.failed) == (0, 4, 1, 1)
    assert times(folders.dst, {Path(name).stem for name in before}) == before
    assert len((folders.dst / "failures.jsonl").read_text().splitlines()) == 1


def touch(path: Path, output: Path) -> None:
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))


def grow(path: Path, output: Path) -> None:
    """Another size at the same time of change."""
    before = path.stat()
    path.write_bytes(path.read_bytes() + element(0xFFFCFFFC, "OB", bytes(4)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def other_values(path: Path, output: Path) -> None:
    before = path.stat()
    path.write_bytes(encode(make_dataset(np.full((2, 3), 9, np.uint16))))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert path.stat().st_size == before.st_size


def cut_array(path: Path, output: Path) -> None:
    output.write_bytes(output.read_bytes()[:-1])


def lose_array(path: Path, output: Path) -> None:
    output.unlink()


def lose_sidecar(path: Path, output: Path) -> None:
    output.with_suffix(".json").unlink()


def spoil(text: bytes) -> Callable[[Path, Path], None]:
    def write(path: Path, output: Path) -> None:
        output.with_suffix(".json").write_bytes(text)

    return write


def cut_sidecar(path: Path, output: Path) -> None:
    sidecar = output.with_suffix(".json")
    sidecar.write_bytes(sidecar.read_bytes()[:-40])


def older_format(path: Path, output: Path) -> None:
    sidecar = output.with_suffix(".json")
    sidecar.write_text(json.dumps(strict_json(sidecar) | {"format": 0}))


@pytest.mark.parametrize(
    "change",
    [touch, grow, other_values, cut_array, lose_array, lose_sidecar, cut_sidecar, older_format,
     spoil(b""), spoil(b"[]"), spoil(b"null"), spoil(b"\xff\xfe"), spoil(b'{"format": 2}')],
)  # fmt: skip
def test_what_changed_is_done_again(change: Callable[[Path, Path], None], folders: Folders) -> None:
    path = folders.add("a")
    assert folders.one(path).status == "converted"
    assert folders.one(path).status == "present"
    change(path, folders.output(path))
    assert folders.one(path).status == "converted"
    assert folders.one(path).status == "present"
    assert pixels_in(folders.output(path)).tobytes() == fastpix.imread(path).tobytes()
    check_whole(folders.dst)
    assert len(listing(folders.dst)) == 2


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(dtype="float64"),
        Recipe(rescale=False),
        Recipe(invert="none"),
        Recipe(normalize=(0, 1)),
        Recipe(padding=0),
        Recipe(padding=float("nan")),
    ],
)
def test_another_recipe_does_it_again(recipe: Recipe, folders: Folders) -> None:
    path = folders.add("a")
    assert folders.one(path).status == "converted"
    assert folders.one(path, recipe=recipe).status == "converted"
    assert folders.one(path, recipe=recipe).status == "present"
    assert strict_json(folders.output(path, ".json"))["recipe"] == recipe.to_dict()
    assert pixels_in(folders.output(path)).tobytes() == quiet_imread(path, recipe).tobytes()
    assert folders.one(path).status == "converted"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (encode(make_dataset())[:-4], "failed"),
        (encode(set_raw(make_dataset(), Tag.RescaleSlope, "DS", b"two ")), "failed"),
        (b"", "not an image"),
        (b"text", "not an image"),
        (file_of(*image_elements()), "failed"),
        (file_of(element(0x00100010, "PN", b"Doe")), "not an image"),
    ],
)
def test_a_source_that_breaks_leaves_no_stale_output(
    data: bytes, status: str, folders: Folders
) -> None:
    path = folders.add("a")
    assert folders.one(path).status == "converted"
    path.write_bytes(data)
    assert folders.one(path).status == status
    assert listing(folders.dst) == set()


def test_a_source_that_goes_away_while_the_job_runs(folders: Folders) -> None:
    path = folders.add("a")
    assert folders.one(path).status == "converted"
    found = find_files([path], folders.dst)[0]._replace(modified_ns=1)
    path.unlink()
    outcome = convert_file(found, Job(folders.dst, Recipe(), KEY, None, 2**32, kernel_name()))
    assert (outcome.kind, outcome.reason) == ("FileNotFoundError", "No such file or directory")


# A worker that dies costs one file


@on_linux
def test_a_worker_that_dies_costs_the_file_it_was_reading(folders: Folders, tmp_path: Path) -> None:
    hung = 3
    reasons = {
        "segv": ("WorkerDied", "the worker reading it was killed by SIGSEGV"),
        "kill": ("WorkerDied", "the worker reading it was killed by SIGKILL"),
        "torn": ("WorkerDied", "the worker reading it was killed by SIGKILL"),
        "realtime": ("WorkerDied", "the worker reading it was killed by signal 40"),
        "exit": ("WorkerDied", "the worker reading it ended with exit code 1"),
        "os-exit": ("WorkerDied", "the worker reading it ended with exit code 0"),
        "sleep": ("WorkerDied", f"the worker reading it was still busy after {hung} seconds"),
        "memory": ("MemoryError", "there is not enough memory for this image"),
        "bug": ("RuntimeError", "unexpected, at one_file.py:N"),
    }
    fatal = [folders.add(name) for name in reasons]
    sound = [folders.add(f"{letter}{n}") for letter in "aefklprst" for n in range(3)]
    with running_job(
        folders.src, folders.dst, "--workers", 2, "--timeout", hung, "--key-file", folders.key_file,
        env=hooked(tmp_path),
    ) as job:  # fmt: skip
        log = job.communicate(timeout=60)[0].decode()
        wait_until(lambda: not living(job.pid), seconds=10)
    assert job.returncode == 1
    names = folders.names()
    failures = (folders.dst / "failures.jsonl").read_text().splitlines()
    assert len(failures) == len(reasons)
    found = {
        line["name"]: (line["error"], re.sub(r"py:\d+", "py:N", line["reason"]))
        for line in map(json.loads, failures)
    }
    assert found == {names.of_path(str(path)): reasons[path.name] for path in fatal}
    assert check_whole(folders.dst) == {names.of_path(str(path)) for path in sound}
    assert list(folders.dst.glob(".*")) == []
    assert "made me do it" not in log
    assert "said by a library" not in log
    assert str(folders.src) not in log
    for kind, reason in reasons.values():
        assert f"{kind}: {reason}" in re.sub(r"py:[0-9]+", "py:N", log)


@on_linux
def test_workers_that_no_longer_start_end_the_job(folders: Folders, tmp_path: Path) -> None:
    folders.add("a")
    folders.add("last")
    folders.add("z")
    with running_job(folders.src, folders.dst, "--workers", 1, env=hooked(tmp_path)) as job:
        log = job.communicate(timeout=60)[0].decode()
    assert job.returncode == 1
    assert "worker processes no longer start" in log
    assert "Traceback" not in log
    assert len(check_whole(folders.dst)) == 1


# Names and the key


def test_names_are_keyed_hashes() -> None:
    names = Names(KEY)
    path = os.path.abspath("folder/file")
    wanted = hmac.new(KEY, f"path\0{path}".encode(), hashlib.sha256).hexdigest()[:32]
    assert names.of_path("folder/file") == names.of_path(path) == wanted
    uid = hmac.new(KEY, b"uid\x001.2.3", hashlib.sha256).hexdigest()[:32]
    assert names.of_uid("1.2.3") == uid
    other = Names(KEY[::-1])
    assert other.of_path(path) != wanted
    assert other.of_uid("1.2.3") != uid
    # One text in two roles cannot be told to be one.
    kinds = {names.of_path("/1"), names.of_uid("/1"), names.of_text("/1")}
    assert len(kinds) == 3
    assert len({names.of_state(1, 2), names.of_state(2, 1), names.of_state(12, 0)}) == 3


def test_names_relative_to_a_root_survive_a_move() -> None:
    here, there = Names(KEY, "/data/a"), Names(KEY, "/mnt/b")
    assert here.of_path("/data/a/x/1.dcm") == there.of_path("/mnt/b/x/1.dcm")
    assert here.of_path("/data/a/x/1.dcm") != here.of_path("/data/a/x/2.dcm")
    assert here.of_path("/data/a/x/1.dcm") != Names(KEY).of_path("/data/a/x/1.dcm")


def test_two_keys_give_two_sets_of_names(folders: Folders) -> None:
    for name in "ab":
        folders.add(name, encode(make_dataset(StudyInstanceUID="1.2.3")))
    uids, files = set(), set()
    for key in "xy":
        dst = folders.dst / key
        fastpix.convert(folders.src, dst, workers=1)
        assert len(check_whole(dst)) == 2
        files |= check_whole(dst)
        studies = {strict_json(p)["instance"]["uids"]["study"] for p in dst.glob("*.json")}
        assert len(studies) == 1, "one study stays one"
        uids |= studies
    assert (len(files), len(uids)) == (4, 2)
    assert "1.2.3" not in uids


def test_key_is_made_on_first_use_and_kept(folders: Folders) -> None:
    key = load_key(folders.key_file, folders.dst)
    assert len(key) == 32
    assert stat.S_IMODE(folders.key_file.stat().st_mode) == 0o600
    text = folders.key_file.read_bytes()
    assert load_key(folders.key_file, folders.dst) == key
    assert folders.key_file.read_bytes() == text
    assert load_key(folders.key_file.with_name("other"), folders.dst) != key
    assert listing(folders.dst) == set()
    assert listing(folders.key_file.parent) == {"src", "dst", "the.key", "other"}


def test_key_is_0600_whatever_the_umask(folders: Folders) -> None:
    before = os.umask(0)
    try:
        load_key(folders.key_file, folders.dst)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folders.key_file.stat().st_mode) == 0o600


def test_default_key_is_beside_the_output(folders: Folders) -> None:
    folders.add("a")
    fastpix.convert(folders.src, folders.dst, workers=1)
    assert folders.dst.with_name("dst.key").exists()
    assert len(listing(folders.dst)) == 2


def test_key_is_never_inside_the_output(folders: Folders) -> None:
    folders.add("a")
    inside = folders.dst / "sub" / "key"
    inside.parent.mkdir()
    (folders.src / "link").symlink_to(folders.dst)
    for place in (inside, folders.dst / "key", folders.src / ".." / "dst" / "key",
                  folders.src / "link" / "key"):  # fmt: skip
        with pytest.raises(ArgumentError, match="key_file"):
            fastpix.convert(folders.src, folders.dst, workers=1, key_file=place)
    with pytest.raises(ArgumentError, match="key_file"):
        fastpix.convert([], folders.src / "link", key_file=folders.dst / "key")
    assert files_under(folders.dst) == []


@pytest.mark.parametrize("text", [b"", b"not hex", b"abcd", b"00" * 15, "é".encode()])
def test_a_file_that_holds_no_key(text: bytes, folders: Folders) -> None:
    folders.key_file.write_bytes(text)
    with pytest.raises(ArgumentError, match="key_file"):
        load_key(folders.key_file, folders.dst)
    assert folders.key_file.read_bytes() == text


# Which files


def test_files_are_found_by_content_in_a_steady_order(folders: Folders) -> None:
    sub = folders.src / "sub"
    sub.mkdir()
    wanted = [folders.add(name) for name in ("a.txt", "b", "c d.dcm")] + [folders.add("sub/a")]
    os.mkfifo(folders.src / "fifo")
    (folders.src / "gone").symlink_to(folders.src / "nowhere")
    (sub / "loop").symlink_to(folders.src)
    link = folders.src / "link"
    link.symlink_to(wanted[0])
    found = find_files([folders.src], folders.dst)
    gone = folders.src / "gone"  # handed on, to fail by name
    assert [file.path for file in found] == [str(p) for p in [*wanted[:3], gone, link, wanted[3]]]
    sizes = {file.path: file.size for file in found}
    assert sizes.pop(str(gone)) == 0
    assert list(sizes.values()) == [p.stat().st_size for p in [*wanted[:3], link, sub / "a"]]
    assert found[0].modified_ns == wanted[0].stat().st_mtime_ns
    assert find_files([folders.src], folders.dst) == found


def test_files_named_twice_are_read_once(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folders.add("a")
    monkeypatch.chdir(folders.src)
    sources: list[str | Path] = [folders.src, path, "a", "./a", folders.src / "..", "."]
    assert len(find_files(sources, folders.dst)) == 1


def test_output_inside_a_source_is_left_out(folders: Folders, tmp_path: Path) -> None:
    folders.add("a")
    inside = folders.src / "out"
    (tmp_path / "link").symlink_to(folders.src)
    for source, output in ((folders.src, inside), (tmp_path / "link", inside),
                           (folders.src, tmp_path / "link" / "out")):  # fmt: skip
        summary = fastpix.convert(source, output, workers=1, key_file=folders.key_file)
        assert (summary.done, summary.not_images) == (1, 0)


def test_missing_source(folders: Folders) -> None:
    with pytest.raises(FileNotFoundError):
        fastpix.convert(folders.src / "none", folders.dst)
    assert listing(folders.dst) == set()


def test_a_folder_that_cannot_be_listed_fails_by_name(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folders.src / "closed"
    closed.mkdir()
    folders.add("a")
    scandir = os.scandir

    def refuse(path: Any = ".") -> Any:  # root may list any folder
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    summary = folders.convert()
    assert (summary.converted, summary.failed) == (1, 1)
    assert summary.failures[0].name == folders.names().of_path(str(closed))


@on_linux
def test_a_file_that_cannot_be_read_fails_by_name(folders: Folders) -> None:
    path = folders.src / "a"
    path.symlink_to("/proc/self/mem")
    outcome = folders.one(path)
    assert outcome == Outcome(folders.output(path).stem, "failed", "OSError", outcome.reason)
    assert "/" not in outcome.reason.replace("Input/output", "")


def test_odd_file_names(folders: Folders) -> None:
    names = [b"with space", b"new\nline", b"tab\t", "ünï\u2028".encode(), b"not \xff\xfe utf-8",
             b"'quotes\"", b"-", b"--help", b"*"]  # fmt: skip
    for name in names:
        with open(os.path.join(os.fsencode(folders.src), name), "wb") as file:
            file.write(encode(make_dataset()))
    summary = folders.convert()
    assert (summary.converted, summary.done) == (len(names), len(names))
    assert len(check_whole(folders.dst)) == len(names)
    assert folders.convert().present == len(names)


# fastpix.convert


def test_summary(folders: Folders) -> None:
    folders.add("a")
    broken = folders.add("b", encode(make_dataset())[:-2])
    folders.add("c", b"text")
    started: list[list[SourceFile]] = []
    seen: list[tuple[SourceFile, Outcome]] = []
    summary = folders.convert(
        on_start=started.append, on_outcome=lambda file, outcome: seen.append((file, outcome))
    )
    assert started == [find_files([folders.src], folders.dst)]
    assert sorted(file.path for file, _ in seen) == [file.path for file in started[0]]
    assert isinstance(summary, Summary)
    assert (summary.converted, summary.present, summary.not_images) == (1, 0, 1)
    assert (summary.failed, summary.done) == (1, 3)
    assert summary.bytes_read == sum(path.stat().st_size for path in folders.src.iterdir())
    assert summary.seconds > 0
    (failure,) = summary.failures
    reason = "Pixel Data (7FE0,0010) holds 10 bytes, 12 are needed for 1 frame of 2 x 3 x 16 bits"
    assert failure.name == folders.output(broken).stem
    assert (failure.status, failure.kind) == ("failed", "PixelDataError")
    assert failure.reason.startswith(reason)
    ((kind, count),) = summary.reasons()
    assert (kind.partition(" bytes")[0], count) == (
        "PixelDataError: Pixel Data (7FE0,0010) holds N",
        1,
    )
    line = {"name": failure.name, "error": "PixelDataError", "reason": failure.reason}
    log = (folders.dst / "failures.jsonl").read_text()
    assert [json.loads(text) for text in log.splitlines()] == [line]


def test_reasons_come_with_counts_the_most_frequent_first() -> None:
    summary = Summary()
    file = SourceFile("a", 1, 0)
    for reason in "xyyzzz":
        summary.add(file, Outcome("n", "failed", "Kind", reason))
    assert summary.reasons() == [("Kind: z", 3), ("Kind: y", 2), ("Kind: x", 1)]
    assert (summary.failed, summary.done, summary.bytes_read) == (6, 6, 6)


def test_failures_of_an_earlier_run_are_forgotten(folders: Folders) -> None:
    path = folders.add("a", encode(make_dataset())[:-2])
    assert folders.convert().failed == 1
    assert (folders.dst / "failures.jsonl").exists()
    path.write_bytes(encode(make_dataset()))
    assert folders.convert().converted == 1
    assert not (folders.dst / "failures.jsonl").exists()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("workers", 0),
        ("workers", -1),
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", float("nan")),
        ("max_bytes", 0),
        ("recipe", {}),
        ("recipe", "float32"),
    ],
)
def test_wrong_arguments(argument: str, value: Any, folders: Folders) -> None:
    folders.add("a")
    options: dict[str, Any] = {argument: value}
    with pytest.raises(ArgumentError, match=argument):
        fastpix.convert(folders.src, folders.dst, **options)
    assert listing(folders.dst) == set()
    assert listing(folders.dst.parent) == {"src", "dst"}


def test_max_bytes_bounds_each_image(folders: Folders) -> None:
    folders.add("small")
    folders.add("large", encode(make_dataset(np.zeros((40, 40), np.uint16))))
    summary = folders.convert(max_bytes=1000)
    assert (summary.converted, summary.failed) == (1, 1)
    assert "max_bytes=1000" in summary.failures[0].reason


def test_sources_of_every_kind(folders: Folders) -> None:
    first, second = folders.add("a"), folders.add("b")
    kinds: list[Any] = [str(folders.src), [first, str(second)], iter([folders.src]), (first,)]
    for sources in kinds:
        summary = fastpix.convert(sources, str(folders.dst), workers=1)
        assert summary.present + summary.converted == summary.done > 0
    assert fastpix.convert([], folders.dst).done == 0


def test_an_error_of_the_callers_ends_the_job(folders: Folders, many: Path) -> None:
    class StopError(Exception): ...

    def stop(file: SourceFile, outcome: Outcome) -> None:
        raise StopError

    with pytest.raises(StopError):
        fastpix.convert(many, folders.dst, workers=2, on_outcome=stop)
    assert list(folders.dst.glob(".*")) == []
    check_whole(folders.dst)


SCRIPT = """
import sys
import fastpix

def work():
    print(fastpix.convert(sys.argv[1], sys.argv[2], workers=2).converted)

"""


def run_script(text: str, folders: Folders) -> subprocess.CompletedProcess[bytes]:
    script = folders.src.parent / "script.py"
    script.write_text(SCRIPT + text)
    return subprocess.run(
        [sys.executable, str(script), str(folders.src), str(folders.dst)],
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_script_with_the_guard(folders: Folders) -> None:
    folders.add("a")
    ended = run_script("if __name__ == '__main__':\n    work()\n", folders)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"1\n", b"")


def test_a_script_without_the_guard_is_told(folders: Folders) -> None:
    folders.add("a")
    ended = run_script(
        "try:\n    work()\nexcept fastpix.FastpixError as error:\n    print(error)\n", folders
    )
    assert ended.returncode == 0
    assert b"if __name__ == '__main__':" in ended.stdout
    assert b"needs its main code under" in ended.stdout


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    """Nothing that this module starts outlives its test."""
    import multiprocessing

    yield
    assert multiprocessing.active_children() == []
