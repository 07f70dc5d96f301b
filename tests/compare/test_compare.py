"""Readers of images beside each other: those that agree, differ, fail, crash and hang."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian
from support import fake_readers
from support.builders import element, encode, file_of, make_dataset
from support.real_files import WHEEL
from support.sizes import in_the_gate, is_quick
from support.waiting import wait_until

from fastpix.compare import (
    IMAGES,
    READERS,
    ComparedItem,
    Measurement,
    Reader,
    find_images,
    listing,
    markdown,
    part_record,
    readers_named,
    tables_of,
)
from fastpix.compare.batch_readers import BATCH_READERS
from fastpix.compare.comparison import ReaderRecord
from fastpix.compare.differences import Difference, find_difference
from fastpix.compare.readers import FASTPIX
from fastpix.errors import ArgumentError

pytestmark = pytest.mark.usefixtures("quick_processes")
OURS = READERS[FASTPIX]
SMALL = np.arange(6, dtype=np.uint16).reshape(2, 3)
LARGE = np.arange(64, dtype=np.uint16).reshape(8, 8)


def write(folder: Path, name: str, cells: NDArray[Any] | None = None, **attributes: Any) -> str:
    path = folder / name
    path.write_bytes(encode(make_dataset(cells, **attributes)))
    return str(path)


def measured(paths: list[str], *readers: Reader, rounds: int = 0, **options: Any) -> Measurement:
    items = find_images(paths).items
    measurement = Measurement(IMAGES, items, [OURS, *readers], rounds=rounds, **options)
    assert [*measurement.steps()]
    return measurement


def compare_with(paths: list[str], *readers: Reader, **options: Any) -> list[ComparedItem]:
    return measured(paths, *readers, **options).compared


def record_of(name: str, measurement: Measurement) -> ReaderRecord:
    return {each.reader: each for each in part_record(measurement).readers}[name]


def rows(log: str) -> dict[str, list[str]]:
    """Read the rows of Markdown tables by their first cells; of several, the first."""
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (.*) \|$", log, re.MULTILINE):
        first, *others = line.split(" | ")
        found.setdefault(first, [cell.strip() for cell in others])
    return found


# --- values ---------------------------------------------------------------------------------


def test_same_values_are_no_difference() -> None:
    values = np.array([[0.0, np.nan], [np.inf, 1.5]], np.float32)
    theirs = np.array([[-0.0, np.nan], [np.inf, 1.5]], np.float32)
    assert find_difference(values, theirs) is None


def test_difference_of_shape() -> None:
    found = find_difference(np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32))
    assert found == Difference("other shape")


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        (np.nextafter(np.float32(4), np.float32(5)), "rounding"),
        (4 + 1000 * 2.0**-22, "rounding"),  # at most four last places of 1000, the largest
        (4 + 1002 * 2.0**-22, "other values"),
        (5, "other values"),
        (np.nan, "other values"),
        (np.inf, "other values"),
    ],
)
def test_kinds_of_other_values(theirs: float, kind: str) -> None:
    ours = np.array([[1000, 2], [3, 4]], np.float32)
    others = ours.copy()
    others[1, 1] = theirs
    found = find_difference(ours, others)
    assert found is not None
    assert (found.kind, found.count, found.index, found.ours) == (kind, 1, (1, 1), 4.0)
    np.testing.assert_equal(found.theirs, float(others[1, 1]))


# --- readers --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in READERS if name != FASTPIX])
def test_readers_agree_on_plain_files(name: str, tmp_path: Path) -> None:
    """What a reader does to MONOCHROME1 is no difference."""
    if not READERS[name].is_present():
        pytest.skip(f"{name} is not installed")
    cells = np.arange(12, dtype=np.uint16).reshape(3, 4)
    rescale = {"RescaleSlope": "2", "RescaleIntercept": "-1024", "BitsStored": 12}
    files = [
        write(tmp_path, "plain", cells, **rescale),
        write(tmp_path, "inverted", cells, PhotometricInterpretation="MONOCHROME1", **rescale),
        write(tmp_path, "signed", cells.astype(np.int16) - 5),
        write(tmp_path, "frames", np.stack([cells, cells + 1]), **rescale),
        write(tmp_path, "color", np.arange(24, dtype=np.uint8).reshape(2, 4, 3), SamplesPerPixel=3),
    ]
    assert list(listing(measured(files, READERS[name]))) == []


def test_high_bit_that_pydicom_ignores(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dcm", np.array([[0, 16, 32]], np.uint16), BitsStored=12, HighBit=15)
    measurement = measured([path], READERS["pydicom"])
    [file] = measurement.compared
    assert file.readings["pydicom"].difference == Difference("other values", 2, (0, 1), 1.0, 16.0)
    assert list(listing(measurement)) == [
        path,
        "  fastpix    1 x 3 float32",
        "  pydicom    1 x 3 uint16, other values: 2, the first at [0, 1]: 16, fastpix 1",
    ]


def test_what_readers_do_to_monochrome1(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.dcm", SMALL, PhotometricInterpretation="MONOCHROME1", BitsStored=12,
        RescaleSlope="2", RescaleIntercept="5",
    )  # fmt: skip
    plain = (fake_readers.right, fake_readers.mirrored, fake_readers.negated)
    team = (*map(fake_readers.reader, plain), fake_readers.MIRRORED, fake_readers.NEGATED)
    [file] = compare_with([path], *team)
    differing = [name for name, reading in file.readings.items() if reading.differs]
    assert differing == ["mirrored", "negated"]


def test_palette_of_pydicom() -> None:
    """Its indices alone would be another shape."""
    file = WHEEL / "examples_palette.dcm"
    [compared] = compare_with([str(file)], READERS["pydicom"])
    assert compared.readings["pydicom"].shapes == ((350, 800, 3),)
    assert not compared.readings["pydicom"].differs


# --- what goes wrong ------------------------------------------------------------------------


def test_every_way_to_be_wrong(tmp_path: Path) -> None:
    hung = 3 if is_quick() else 5
    path = write(tmp_path, "a.dcm", SMALL)
    wrong = ("off_by_one", "rounded", "other_shape")
    failing = ("empty", "nothing", "error", "abort", "leave", "hang")
    team = [fake_readers.reader(getattr(fake_readers, name)) for name in (*wrong, *failing)]
    measurement = measured([path], *team, timeout=hung)
    told = dict(line.split(maxsplit=1) for line in list(listing(measurement))[1:])
    assert told == {
        "fastpix": "2 x 3 float32",
        "off_by_one": "2 x 3 float32, other values: 5, the first at [0, 1]: 2, fastpix 1",
        "rounded": "2 x 3 float32, rounding: 6, the first at [0, 0]: 1.40129846e-45, fastpix 0",
        "other_shape": "1 x 3 float32, other shape",
        "empty": "failed: ValueError: it gives an array of no values",
        "nothing": "failed: AttributeError: 'NoneType' object has no attribute 'dtype'",
        "error": "failed: ValueError: what?[31m it says",
        "abort": "failed: SIGABRT: its process was killed by SIGABRT",
        "leave": "failed: exit code 3: its process ended with exit code 3",
        "hang": f"failed: timeout: still busy after {hung} seconds",
    }
    for name in wrong:
        record = record_of(name, measurement)
        assert (record.read, record.failed, record.differing) == (1, 0, 1)
    for name in failing:
        record = record_of(name, measurement)
        assert (record.read, record.failed, record.differing) == (0, 1, 0)


def test_a_crash_costs_one_file(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "1", SMALL),
        write(tmp_path, "2", LARGE),
        write(tmp_path, "3", SMALL),
    ]
    compared = compare_with(files, fake_readers.reader(fake_readers.abort_on_large), rounds=1)
    readings = [file.readings["abort_on_large"] for file in compared]
    assert [reading.failure is not None for reading in readings] == [False, True, False]
    assert [len(reading.nanoseconds) for reading in readings] == [1, 0, 1]


def test_a_crash_while_it_is_timed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dcm", SMALL)
    [file] = compare_with([path], fake_readers.reader(fake_readers.abort_later), rounds=2)
    reading = file.readings["abort_later"]
    assert reading.failure is not None
    assert reading.failure.kind == "SIGABRT"
    assert reading.nanoseconds == {}
    assert len(file.readings[FASTPIX].nanoseconds) == 2


def test_a_reader_that_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried once, not for each file."""
    tried = tmp_path / "tried"
    (tmp_path / "broken_reader.py").write_text(
        f"open({str(tried)!r}, 'a').write('x')\nraise ImportError('no libsomething.so')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    files = [write(tmp_path, name, SMALL) for name in ("1.dcm", "2.dcm")]
    broken = Reader("broken", "broken", "broken_reader", fake_readers.right)
    assert broken.version() == "unknown"
    compared = compare_with(files, broken)
    for file in compared:
        assert file.readings["broken"].failure == ("ImportError", "no libsomething.so", True)
    assert tried.read_text() == "x"


def test_what_fastpix_refuses(tmp_path: Path) -> None:
    """It counts as fastpix's failure where another reader gives values."""
    path = tmp_path / "cut.dcm"
    path.write_bytes(encode(make_dataset(SMALL))[:-2])
    others = fake_readers.reader(fake_readers.ones), fake_readers.reader(fake_readers.error)
    measurement = measured([str(path)], *others, rounds=1)
    [file] = measurement.compared
    assert (file.is_compared, file.is_refused) == (True, False)
    assert record_of(FASTPIX, measurement).kinds == {"failed: PixelDataError": 1}
    assert record_of("ones", measurement).read == 1
    assert file.readings["ones"].difference is None
    assert file.readings["ones"].nanoseconds == {}  # there is no time of fastpix to hold it to


def test_what_all_refuse_and_what_is_no_image(tmp_path: Path) -> None:
    whole = write(tmp_path, "1.dcm", SMALL)
    (tmp_path / "2.dcm").write_bytes(encode(make_dataset(SMALL))[:-2])
    (tmp_path / "3.txt").write_text("no image")
    (tmp_path / "4.dcm").write_bytes(
        file_of(element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.88.11"))  # a report
    )
    files = [whole, *(str(tmp_path / name) for name in ("2.dcm", "3.txt", "4.dcm"))]
    error = fake_readers.reader(fake_readers.error)
    measurement = measured(files, error)
    compared = measurement.compared
    assert [file.is_compared for file in compared] == [True, False, False, False]
    assert [file.is_refused for file in compared] == [False, True, False, False]
    assert [bool(file.readings) for file in compared] == [True, True, False, False]
    table = next(tables_of(measurement, part_record(measurement)))
    assert table.title == (
        "1 image compared; 1 image that no reader reads; 2 files without an image"
    )
    assert record_of("error", measurement).failed == 1  # of those that anyone reads


# --- times ----------------------------------------------------------------------------------


def test_times(tmp_path: Path) -> None:
    files = [write(tmp_path, name, SMALL) for name in ("1", "2")]
    others = (fake_readers.right, fake_readers.other_shape, fake_readers.off_by_one)
    measurement = measured(files, *map(fake_readers.reader, others), rounds=3)
    compared = measurement.compared
    for file in compared:
        counts = {name: len(reading.nanoseconds) for name, reading in file.readings.items()}
        assert counts == {"fastpix": 3, "right": 3, "other_shape": 0, "off_by_one": 3}
        assert min(file.readings["right"].nanoseconds.values()) > 0
    ours, theirs = record_of(FASTPIX, measurement), record_of("right", measurement)
    assert (ours.ratio, ours.ratio_quartiles) == (1.0, (1.0, 1.0))
    assert theirs.ratio is not None
    assert 0.01 < theirs.ratio < 100  # it is fastpix, and a cast
    assert theirs.ratio_quartiles is not None
    assert theirs.ratio_quartiles[0] <= theirs.ratio <= theirs.ratio_quartiles[1]
    assert len(theirs.pass_seconds) == 3
    assert ours.milliseconds is not None
    assert ours.megabytes_per_second is not None
    nanoseconds = sum(median(f.readings[FASTPIX].nanoseconds.values()) for f in compared)
    assert ours.megabytes_per_second == pytest.approx(2 * 24 / nanoseconds * 1e3)
    other = record_of("other_shape", measurement)
    assert (other.ratio, other.milliseconds, other.megabytes_per_second) == (None, None, None)
    assert (other.ratio_quartiles, other.pass_seconds) == (None, ())


def test_each_pass_goes_through_all_files(tmp_path: Path) -> None:
    """One order for all readers, another one in each pass; nobody reads a file twice in a row."""
    folder = tmp_path / "files"
    folder.mkdir()
    files = [write(folder, str(k), SMALL) for k in range(5)]
    team = [fake_readers.reader(read) for read in (fake_readers.logged, fake_readers.logged_too)]
    rounds = 4
    measurement = measured(files, *team, rounds=rounds)
    assert measurement.passes == rounds
    lines = (tmp_path / "files.log").read_text().splitlines()
    checks, passes = lines[: 2 * len(files)], lines[2 * len(files) :]
    assert checks == [f"{name} {k}" for k in range(5) for name in ("logged", "logged_too")]
    size = 2 * len(files)
    orders, first = [], []
    for number in range(rounds):
        reads = [line.split() for line in passes[number * size : (number + 1) * size]]
        one, other = reads[: len(files)], reads[len(files) :]
        assert [name for _, name in one] == [name for _, name in other]
        assert len({reader for reader, _ in one}) == len({reader for reader, _ in other}) == 1
        orders.append([name for _, name in one])
        first.append(one[0][0])
    assert all(sorted(order) == list("01234") for order in orders)
    assert len(set(map(tuple, orders))) == rounds
    every = ["4", *(name for order in orders for name in order)]
    assert all(one != next_one for one, next_one in pairwise(every))
    assert first == ["logged", "logged", "logged_too", "logged"]  # fastpix begins the first


def test_who_stops_has_what_was_measured(tmp_path: Path) -> None:
    files = [write(tmp_path, str(k), SMALL) for k in range(3)]
    right = fake_readers.reader(fake_readers.right)
    measurement = Measurement(IMAGES, find_images(files).items, [OURS, right], rounds=5)
    steps = measurement.steps()
    phases = []
    for step in steps:
        phases.append(step)
        if step == ("pass 2 of 5", 4, 6):
            break
    steps.close()
    assert phases[:5] == [*(("checking", k, 3) for k in range(4)), ("pass 1 of 5", 0, 6)]
    assert measurement.passes == 1
    counts = {
        name: sorted(len(one.readings[name].nanoseconds) for one in measurement.compared)
        for name in ("fastpix", "right")
    }
    assert counts == {"fastpix": [1, 1, 2], "right": [2, 2, 2]}  # right began the second pass
    theirs = record_of("right", measurement)
    assert theirs.ratio is not None
    assert len(theirs.pass_seconds) == 1


def test_groups_are_transfer_syntaxes(tmp_path: Path) -> None:
    deflated = tmp_path / "deflated.dcm"
    deflated.write_bytes(encode(make_dataset(SMALL), DeflatedExplicitVRLittleEndian))
    files = [write(tmp_path, "1", SMALL), write(tmp_path, "2", SMALL), str(deflated)]
    groups = part_record(measured(files, READERS["pydicom"], rounds=1)).groups
    assert [(group.group, group.items, [*group.ratios]) for group in groups] == [
        ("1.2.840.10008.1.2.1 (Explicit VR Little Endian)", 2, ["pydicom"]),
        ("1.2.840.10008.1.2.1.99 (Deflated Explicit VR Little Endian)", 1, ["pydicom"]),
    ]


def test_limit_is_a_steady_sample_of_images(tmp_path: Path) -> None:
    files = [write(tmp_path, f"{k}.dcm", SMALL) for k in range(8)]
    (tmp_path / "text").write_text("no image")
    files.append(str(tmp_path / "text"))
    first, again = compare_with(files, limit=3), compare_with(files, limit=3)
    chosen = [file.item.name for file in first if file.readings]
    assert len(chosen) == 3
    assert chosen == [file.item.name for file in again if file.readings]
    assert chosen != files[:3]
    everything = compare_with(files, limit=100)
    assert sum(bool(file.readings) for file in everything) == 8


@pytest.mark.parametrize(
    ("options", "argument"),
    [({"rounds": -1}, "rounds"), ({"limit": 0}, "limit"), ({"timeout": 0}, "timeout")],
)
def test_arguments_are_checked_at_once(options: dict[str, Any], argument: str) -> None:
    with pytest.raises(ArgumentError, match=argument):
        Measurement(IMAGES, [], [OURS], **options)


def test_fastpix_is_the_first() -> None:
    for readers in ([], [READERS["pydicom"]]):
        with pytest.raises(ArgumentError, match="must be the first"):
            Measurement(IMAGES, [], readers)


def test_readers_named() -> None:
    [every] = readers_named(None)
    assert [reader.name for reader in every] == list(READERS)
    chosen = readers_named("simpleitk, pydicom", [READERS, BATCH_READERS])
    assert [[reader.name for reader in team] for team in chosen] == [
        ["fastpix", "pydicom", "SimpleITK"],
        ["fastpix", "pydicom loop", "pydicom threads", "SimpleITK loop"],
    ]
    chosen = readers_named("pydicom threads", [READERS, BATCH_READERS])
    assert [len(team) for team in chosen] == [1, 2]


# --- the command ----------------------------------------------------------------------------


def test_wheel(call: Callable[..., str]) -> None:
    """Over real files, broken ones included: one peer is always here."""
    log = call("bench", WHEEL, "--readers", "pydicom", "--rounds", 1, "--list", "--markdown")
    ours, theirs = rows(log)["fastpix"], rows(log)["pydicom"]
    assert len(ours) == len(theirs) == 8
    assert int(ours[1]) + int(ours[2]) == int(theirs[1]) + int(theirs[2]) > 80
    assert (ours[3], ours[6]) == ("0", "1×")
    assert int(theirs[3]) >= 5
    assert float(theirs[6].rstrip("×")) > 0
    doses = re.search(r"^(.*rtdose\.dcm)\n  fastpix .*\n  pydicom .*$", log, re.MULTILINE)
    assert doses is not None
    assert "the first at [0, 0, 0]: 1249000, fastpix 1.24899995" in doses[0]
    assert "CT_small.dcm" not in log
    assert "MR_small.dcm" not in log


def test_table(tmp_path: Path, call: Callable[..., str]) -> None:
    write(tmp_path, "a.dcm", np.array([[0, 16, 32]], np.uint16), BitsStored=12, HighBit=15)
    log = call("bench", tmp_path, "--readers", "pydicom", "--rounds", 2)
    assert "1 image compared\n" in log
    assert "medians of 2 passes" in log
    assert re.search(r"│ pydicom *│ 3\.\S+ *│ +1 │ +0 │ +1 │", log)
    assert re.search(r"│ pydicom *│ other values *│ +1 │", log)
    assert "a.dcm" not in log  # it may name a patient: only where it is asked for
    assert list(tmp_path.iterdir()) == [tmp_path / "a.dcm"]


def test_stdin_and_paths_that_are_no_text(tmp_path: Path) -> None:
    whole = Path(write(tmp_path, "a.dcm", SMALL, BitsStored=12, HighBit=15))
    odd = os.path.join(os.fsencode(tmp_path), b"\xff.dcm")
    os.rename(whole, odd)
    ended = subprocess.run(
        [sys.executable, "-m", "fastpix", "bench", "-", "--readers", "pydicom", "--rounds", "0",
         "--list"],
        input=odd + b"\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    assert b"1 image compared\n" in ended.stdout
    assert odd + b"\n" in ended.stdout


def test_nothing_to_compare(tmp_path: Path, call: Callable[..., str]) -> None:
    (tmp_path / "readme.txt").write_text("no image")
    options = ("--readers", "pydicom")
    log = call("bench", tmp_path, *options, code=1)
    assert "0 images compared; 1 file without an image" in log
    assert f"fastpix: nothing to compare under {tmp_path}: 0 images" in log
    (tmp_path / "empty").mkdir()
    assert "0 images compared" in call("bench", tmp_path / "empty", *options, code=1)


def test_exit_codes(tmp_path: Path, call: Callable[..., str]) -> None:
    assert "No such file" in call("bench", tmp_path / "typo", code=1)
    log = call("bench", tmp_path, "--readers", "pydicom,itk", code=1)
    assert "readers: itk: not one of fastpix, pydicom, dicomsdl, SimpleITK, pydcm, gdcm" in log
    assert "rounds: -1 is less than 0" in call("bench", tmp_path, "--rounds", -1, code=1)
    assert "limit: 0 is less than 1" in call("bench", tmp_path, "--limit", 0, code=1)
    call("bench", code=2)


def test_a_reader_that_is_not_installed(
    tmp_path: Path, call: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(READERS, "absent", fake_readers.ABSENT)
    write(tmp_path, "a.dcm", SMALL)
    log = call("bench", tmp_path, "--readers", "absent", "--rounds", 0, "--markdown")
    assert rows(log)["absent"] == ["not installed: pip install no-such-package", *[""] * 7]
    assert rows(log)["fastpix"][1:] == ["1", "0", "0", "-", "-", "-", "-"]


def test_limit_on_the_command_line(tmp_path: Path, call: Callable[..., str]) -> None:
    for k in range(4):
        write(tmp_path, f"{k}.dcm", SMALL)
    log = call("bench", tmp_path, "--readers", "pydicom", "--rounds", 0, "--limit", 2)
    assert "2 images compared\n" in log


def test_markdown_is_a_table(tmp_path: Path) -> None:
    measurement = measured([write(tmp_path, "a.dcm", SMALL)], READERS["pydicom"])
    table = next(tables_of(measurement, part_record(measurement)))
    lines = markdown(table).strip().splitlines()
    assert lines[0].startswith("| reader | version | read | failed | differ |")
    assert lines[1] == f"| --- |{' --: |' * 8}"
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {10}


@in_the_gate
def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C prints what there is, and leaves no process behind."""
    for name in ("a.dcm", "b.dcm"):
        write(tmp_path, name, SMALL)
    held = tmp_path / "held"
    tests = str(Path(__file__).parents[1])
    command = (
        "from support import fake_readers; from fastpix.compare import READERS;"
        "from fastpix.cli import main;"
        "READERS['hang'] = fake_readers.reader(fake_readers.hang); main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, "bench", str(tmp_path), "--readers", "hang"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": tests, fake_readers.HELD: str(held)},
    ) as job:
        wait_until(lambda: held.exists() and held.read_text())
        os.killpg(job.pid, signal.SIGINT)
        out, _ = job.communicate(timeout=120)
    assert job.returncode == 130, out
    assert b"Traceback" not in out
    assert b"0 images compared" in out
    assert b"Interrupted" in out
    with pytest.raises(ProcessLookupError):
        os.kill(int(held.read_text()), 0)
