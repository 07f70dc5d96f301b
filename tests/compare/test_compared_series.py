"""Readers of series beside each other: volumes turned alike, and what differs between them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from support import fake_volume_readers as fakes
from support.libraries import library
from support.series_files import affine_of, cells_of, enhanced, slice_dataset, write_slices

from fastpix.compare import SERIES, Measurement, Reader, find_series, listing, part_record
from fastpix.compare.differences import Difference
from fastpix.compare.readers import FASTPIX
from fastpix.compare.volume_differences import find_volume_difference, turned_like
from fastpix.compare.volume_readers import VOLUME_READERS, GivenVolume

pytestmark = pytest.mark.usefixtures("quick_processes")
OURS = VOLUME_READERS[FASTPIX]
AFFINE = affine_of()
VALUES = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def slices(count: int = 4, **attributes: Any) -> list[Dataset]:
    return [slice_dataset(place, **attributes) for place in range(count)]


def write(folder: Path, datasets: list[Dataset]) -> list[str]:
    return sorted(map(str, write_slices(folder, datasets)))


def measured(folder: Path, paths: list[str], *readers: Reader, **options: Any) -> Measurement:
    found = find_series(paths, folder, None, lambda files: files)
    measurement = Measurement(
        SERIES, found.items, [OURS, *readers], remarks=found.remarks, **options
    )
    assert [*measurement.steps()]
    return measurement


def kinds(measurement: Measurement) -> dict[str, dict[str, int]]:
    return {each.reader: dict(each.kinds) for each in part_record(measurement).readers}


# --- volumes ----------------------------------------------------------------------------------


def turn(order: tuple[int, ...], signs: tuple[int, ...]) -> GivenVolume:
    """Return VALUES with its axes in another order, some of them reversed."""
    array = VALUES.transpose(order)
    affine = AFFINE[:, [*order, 3]].copy()
    for axis, sign in enumerate(signs):
        if sign < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return GivenVolume(np.ascontiguousarray(array), affine)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_a_turn_of_axes_is_no_difference(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    ours = GivenVolume(VALUES, AFFINE)
    theirs = turn(order, signs)
    assert turned_like(theirs, ours).array.tobytes() == VALUES.tobytes()
    assert find_volume_difference([ours], [theirs]) is None


def difference(
    array: NDArray[np.float32], affine: NDArray[np.float64] | None = AFFINE
) -> Difference | None:
    return find_volume_difference([GivenVolume(VALUES, AFFINE)], [GivenVolume(array, affine)])


def test_differences_of_a_volume() -> None:
    other = VALUES.copy()
    other[0, 0, 1] = 7
    assert difference(other) == Difference("other values", 1, (0, 0, 1), 1.0, 7.0)
    assert difference(VALUES[1:]) == Difference("other shape")
    assert difference(VALUES[0]) == Difference("other shape")
    slightly, far = AFFINE.copy(), AFFINE.copy()
    slightly[0, 3] += 0.04
    far[1, 3] -= 0.06
    assert difference(VALUES, slightly) is None
    found = difference(VALUES, far)
    assert found is not None
    assert (found.kind, round(found.millimetres, 6)) == ("other affine", 0.06)
    found = difference(other, far)
    assert found is not None
    assert (found.kind, found.count) == ("other affine and values", 1)
    assert difference(VALUES, None) == Difference("other affine", millimetres=float("inf"))
    assert difference(VALUES, np.full((4, 4), np.nan)) is not None


def test_a_wider_step_is_another_affine() -> None:
    wider = AFFINE.copy()
    wider[:3, 0] *= 1.1
    found = difference(VALUES, wider)
    assert found is not None
    assert (found.kind, round(found.millimetres, 6)) == ("other affine", 0.5)  # 2 gaps of 0.25


def test_differences_of_several_volumes() -> None:
    ours = [GivenVolume(VALUES + k, AFFINE) for k in range(3)]
    assert find_volume_difference(ours, ours) is None
    assert find_volume_difference(ours, ours[:2]) == Difference("other shape")
    assert find_volume_difference(ours, ours[::-1]) == Difference("other order of volumes")
    other_place = AFFINE.copy()
    other_place[0, 3] += 30
    apart = [GivenVolume(VALUES, AFFINE), GivenVolume(VALUES + 1, other_place)]
    assert find_volume_difference(apart, apart[::-1]) is None  # their places tell which is which
    swapped = [GivenVolume(VALUES + 1, AFFINE), GivenVolume(VALUES, other_place)]
    found = find_volume_difference(apart, swapped)
    assert found is not None
    assert found.kind == "other values"


def test_colour_is_turned_alike() -> None:
    colour = np.arange(180, dtype=np.float32).reshape(3, 4, 5, 3)
    affine = AFFINE[:, [2, 1, 0, 3]]
    theirs = GivenVolume(colour.transpose(2, 1, 0, 3), affine, is_color=True)
    ours = GivenVolume(colour, AFFINE, is_color=True)
    assert find_volume_difference([ours], [theirs]) is None


# --- readers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in VOLUME_READERS if name != FASTPIX])
def test_readers_agree_on_a_plain_series(name: str, tmp_path: Path) -> None:
    reader = VOLUME_READERS[name]
    if not reader.is_present():
        library(reader.module)
        pytest.skip(f"needs {reader.package}")
    # An image of at least 8 x 8 pixels, along the axes of the patient: as all of them take it.
    plain: dict[str, Any] = {
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "Manufacturer": "made", "SeriesNumber": 1, "PatientPosition": "HFS",
        "RescaleSlope": "2",
    }  # fmt: skip
    datasets = [
        slice_dataset(
            k, cells=cells_of(k, 9, 8), ImagePositionPatient=["-10", "5", f"{2.5 * k}"], **plain
        )
        for k in range(4)
    ]
    measurement = measured(tmp_path / "links", write(tmp_path / "files", datasets), reader)
    assert list(listing(measurement)) == []
    record = part_record(measurement)
    assert [each.read for each in record.readers] == [1, 1]
    assert [group.group for group in record.groups] == ["CT"]
    assert [*record.groups[0].ratios] == [name]


def test_every_way_to_be_wrong(tmp_path: Path) -> None:
    paths = write(tmp_path / "files", slices())
    wrong = (fakes.turned, fakes.moved, fakes.placeless, fakes.off_by_one, fakes.moved_and_off,
             fakes.shorter, fakes.aborting)  # fmt: skip
    measurement = measured(tmp_path / "links", paths, *map(fakes.reader, wrong), rounds=2)
    name, *lines = listing(measurement)
    assert name == f"4 files, the first is {paths[0]}"
    told = dict(line.split(maxsplit=1) for line in lines)
    first = cells_of(0)[0, 0] - 1024
    plus_one = f"120, the first at [0, 0, 0]: {first + 1}, fastpix {first}"
    assert told == {
        "fastpix": "4 x 6 x 5 float32",
        "turned": "6 x 5 x 4 float32",
        "moved": "4 x 6 x 5 float32, other affine: a corner is 1 mm off",
        "placeless": "4 x 6 x 5 float32, other affine: it gives no affine",
        "off_by_one": f"4 x 6 x 5 float32, other values: {plus_one}",
        "moved_and_off": "4 x 6 x 5 float32, other affine and values: a corner is 1 mm off: "
        + plus_one,
        "shorter": "3 x 6 x 5 float32, other shape",
        "aborting": "failed: SIGABRT: its process was killed by SIGABRT",
    }
    assert kinds(measurement)["turned"] == {}
    assert kinds(measurement)["moved_and_off"] == {"other affine and values": 1}
    [one] = measurement.compared
    timed = {name for name, reading in one.readings.items() if len(reading.nanoseconds) == 2}
    assert timed == {
        "fastpix", "turned", "moved", "placeless", "off_by_one", "moved_and_off",
    }  # fmt: skip


def test_a_program_that_hangs_ends_with_its_reader(tmp_path: Path) -> None:
    paths = write(tmp_path / "files", slices())
    stuck = fakes.reader(fakes.stuck_program)
    measurement = measured(tmp_path / "links", paths, stuck, timeout=3)
    assert kinds(measurement)["stuck_program"] == {"failed: timeout": 1}
    number = int((tmp_path / "files.held").read_text())
    status = Path(f"/proc/{number}/status")
    if status.parent.parent.exists():
        is_gone = not status.exists() or "State:\tZ" in status.read_text()
        assert is_gone
    else:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_volumes_along_an_axis_are_compared_one_by_one(tmp_path: Path) -> None:
    echoes = [
        slice_dataset(k % 3, number=k, Modality="MR", EchoTime=str(10 + k // 3), EchoNumbers=1)
        for k in range(6)
    ]
    paths = write(tmp_path / "files", echoes)
    measurement = measured(tmp_path / "links", paths, VOLUME_READERS["pydicom"], rounds=0)
    lines = [line.split(maxsplit=1) for line in list(listing(measurement))[1:]]
    assert lines == [
        ["fastpix", "2 of 3 x 6 x 5 float32"],
        ["pydicom", "6 x 6 x 5 float32, other shape"],
    ]


def test_what_fastpix_refuses(tmp_path: Path) -> None:
    """A missing slice: a script that sees none gives values, and they are fastpix's failure."""
    paths = write(tmp_path / "files", [slice_dataset(k) for k in (0, 1, 3, 4)])
    measurement = measured(tmp_path / "links", paths, VOLUME_READERS["pydicom"], rounds=1)
    assert kinds(measurement)[FASTPIX] == {"failed: SeriesError": 1}
    record = part_record(measurement)
    assert (record.items, record.passes) == (1, 0)
    assert record.readers[1].milliseconds is None


def test_monochrome1_is_a_convention(tmp_path: Path) -> None:
    """A reader that mirrors or negates is held to fastpix's values, mirrored or negated."""
    from fastpix.compare.volume_readers import (
        read_volumes_fastpix_mirrored,
        read_volumes_fastpix_negated,
    )

    inverted = slices(3, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    paths = write(tmp_path / "files", inverted)
    readers = [
        Reader(read.__name__, "fastpix", "fastpix", read, reference)
        for read, reference in (
            (read_volumes_fastpix_mirrored, read_volumes_fastpix_mirrored),
            (read_volumes_fastpix_negated, read_volumes_fastpix_negated),
        )
    ]
    measurement = measured(tmp_path / "links", paths, *readers, rounds=0)
    assert list(listing(measurement)) == []
    apart = [fakes.reader(read) for read in (read_volumes_fastpix_mirrored,)]
    measurement = measured(tmp_path / "others", paths, *apart, rounds=0)
    assert kinds(measurement)["read_volumes_fastpix_mirrored"] == {"other values": 1}


# --- what is compared -------------------------------------------------------------------------


def test_series_are_found_among_other_files(tmp_path: Path) -> None:
    write(tmp_path / "files" / "one", slices(3))
    other = slices(2, SeriesInstanceUID="1.2.3", Modality="MR")
    write(tmp_path / "files" / "other", other)
    write(tmp_path / "files" / "single", slices(1, SeriesInstanceUID="1.2.4"))
    write(tmp_path / "files" / "frames", [enhanced(SeriesInstanceUID="1.2.5")])
    broken = slice_dataset(0, SeriesInstanceUID="1.2.6", Rows=None)
    write(tmp_path / "files" / "broken", [broken])
    (tmp_path / "files" / "text").write_text("no image")
    paths = sorted(str(path) for path in (tmp_path / "files").rglob("*") if path.is_file())
    seen: list[str] = []

    def watched(files: Any) -> Any:
        seen.extend(files)
        return files

    found = find_series(paths, tmp_path / "links", None, watched)
    assert seen == paths
    assert sorted((len(item.given.paths), item.group) for item in found.items) == [
        (1, "CT"), (2, "MR"), (3, "CT"),
    ]  # fmt: skip
    assert found.remarks == (
        "1 series without a volume of several slices", "1 file that cannot be read",
    )  # fmt: skip
    for item in found.items:
        assert sorted(os.listdir(item.given.folder)) == [Path(p).name for p in item.given.paths]
    limited = find_series(paths, tmp_path / "again", 2, watched)
    assert len(limited.items) == len(os.listdir(tmp_path / "again")) == 2


def test_files_are_copied_where_links_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: str) -> None:
        raise OSError("a privilege is missing")

    paths = write(tmp_path / "files", slices(2))
    monkeypatch.setattr(Path, "symlink_to", refuse)
    [item] = find_series(paths, tmp_path / "copies", None, lambda files: files).items
    assert [Path(p).read_bytes() for p in item.given.paths] == [Path(p).read_bytes() for p in paths]


def test_what_is_not_installed() -> None:
    assert fakes.ABSENT.version() == "not installed: pip install no-such-package"
    assert fakes.NO_PROGRAM.version() == "not installed: pip install numpy"
    assert not fakes.NO_PROGRAM.is_present()


# --- the command ------------------------------------------------------------------------------


def test_command(tmp_path: Path, call: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VOLUME_READERS, "absent", fakes.ABSENT)
    write(tmp_path / "one", slices(3))
    write(tmp_path / "other", slices(3, SeriesInstanceUID="1.2.3", Modality="MR"))
    options = ("--what", "series", "--readers", "pydicom,absent", "--rounds", 1)
    log = call("bench", tmp_path, *options)
    assert "2 series compared\n" in log
    assert re.search(r"│ pydicom *│ 3\.\S+ *│ +2 │ +0 │ +0 │", log)
    assert re.search(r"│ absent *│ not installed: pip *│", log)
    assert re.search(r"│ MR *│ +1 │ +[\d.]+× │", log)
    assert str(tmp_path) not in log
    assert "| MR | 1 |" in call("bench", tmp_path, *options, "--markdown")
    log = call("bench", tmp_path / "one", *options, "--list", "--limit", 1)
    assert "1 series compared\n" in log


def test_command_without_a_series(tmp_path: Path, call: Callable[..., str]) -> None:
    write(tmp_path / "single", slices(1))
    log = call("bench", tmp_path, "--what", "series", "--readers", "pydicom", code=1)
    assert "0 series compared; 1 series without a volume of several slices" in log
    assert "fastpix: nothing to compare under " in log
