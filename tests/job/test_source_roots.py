"""A second source folder is not taken for the first, though its files have the same names."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders

import fastpix
from fastpix import ArgumentError
from fastpix.job.scan import open_sources
from fastpix.job.scan.scan_file import read_scan, write_scan
from fastpix.job.source_paths import default_paths_folder
from fastpix.job.source_roots import OtherFiles, keep_roots, other_roots

pytestmark = pytest.mark.usefixtures("in_this_process")

OTHER = "files of another source"


def image(value: int) -> bytes:
    return encode(
        make_dataset(np.array([[value, 1], [2, 3]], np.uint16), SOPInstanceUID=f"1.{value}")
    )


@pytest.fixture
def twins(folders: Folders) -> tuple[Folders, Folders]:
    """Two sources, whose files have the same names, sizes and times, and one cache."""
    other = Folders(folders.src.with_name("other") / "src", folders.dst)
    for k, each in enumerate((folders, other)):
        for name in ("a/1", "a/2"):
            os.utime(each.add(name, image(10 * k + int(name[-1]))), (5, 5))
    return folders, other


def values(folders: Folders) -> list[int]:
    return sorted(int(array[0, 0]) for array in folders.cache())


@pytest.mark.parametrize("unit", ["file", "series"])
def test_a_source_whose_names_are_taken_is_refused(
    unit: str, twins: tuple[Folders, Folders]
) -> None:
    first, second = twins
    options = {"unit": unit, "format": "npz", "partial": True}
    first.convert(**options)
    before = [array.tobytes() for array in first.cache()]
    with pytest.raises(ArgumentError, match=OTHER) as refused:
        second.convert(**options)
    assert refused.value.argument == "dst"
    assert "--root" in str(refused.value)
    assert str(first.src) not in str(refused.value)
    assert [array.tobytes() for array in first.cache()] == before
    # The first one goes on as before, and so does the second once it is moved away.
    first.convert(**options)
    shutil.rmtree(first.src)
    assert second.convert(**options).failed == 0


def test_what_has_changed_is_refused_as_well(twins: tuple[Folders, Folders]) -> None:
    """Else the second source would take the place of the first, file by file."""
    first, second = twins
    first.convert()
    for path in second.src.rglob("[12]"):
        os.utime(path, (7, 7))
    with pytest.raises(ArgumentError, match=OTHER):
        second.convert()
    assert values(first) == [1, 2]


def test_a_root_that_holds_both_tells_them_apart(twins: tuple[Folders, Folders]) -> None:
    first, second = twins
    for each in twins:
        each.convert(root=first.src.parent)
    assert values(second) == [1, 2, 11, 12]


def test_other_names_are_added(twins: tuple[Folders, Folders]) -> None:
    first, second = twins
    first.convert()
    (second.src / "a").rename(second.src / "b")
    assert second.convert().converted == 2
    assert values(second) == [1, 2, 11, 12]
    # Now the cache is of two roots, and each of them has its own names alone.
    assert first.convert().counts.present == 2
    assert second.convert().counts.present == 2
    os.utime(second.add("a/2", image(22)), (5, 5))
    with pytest.raises(ArgumentError, match=OTHER):
        second.convert()
    assert values(first) == [1, 2, 11, 12]


def test_a_folder_that_has_moved_goes_on(twins: tuple[Folders, Folders]) -> None:
    first, _ = twins
    first.convert()
    moved = Folders(first.src.with_name("moved"), first.dst)
    first.src.rename(moved.src)
    assert moved.convert().counts.present == 2
    # Its old place is used again, for something else.
    first.add("b/1", image(3))
    assert moved.convert().counts.present == 2
    moved.add("a/3", image(4))
    assert moved.convert().converted == 1


def test_another_path_to_the_same_folder_is_no_other(twins: tuple[Folders, Folders]) -> None:
    first, second = twins
    first.convert()
    link = first.src.with_name("link")
    link.symlink_to(first.src)
    assert Folders(link, first.dst).convert().counts.present == 2
    # A link to each folder: the files are the same, and the root is not.
    shutil.rmtree(second.src)
    second.src.mkdir()
    (second.src / "a").symlink_to(first.src / "a")
    assert second.convert().counts.present == 2


def test_pruned_names_are_free(twins: tuple[Folders, Folders]) -> None:
    first, second = twins
    first.convert()
    (first.src / "a").rename(first.src.with_name("aside"))
    first.add("b/1", image(3))
    assert first.convert(prune=True).pruned == 2
    first.src.with_name("aside").rename(first.src / "a")
    assert second.convert().converted == 2


@pytest.mark.parametrize("kind", ["zip", "list", "several"])
def test_archives_lists_and_several_folders(kind: str, twins: tuple[Folders, Folders]) -> None:
    def source(each: Folders) -> Path | list[Path]:
        if kind == "several":
            return [each.src / "a", each.src.with_name("more")]
        place = each.src.with_name(f"{each.src.parent.name}.zip" if kind == "zip" else "x.parquet")
        if kind == "zip":
            with zipfile.ZipFile(place, "w") as archive:
                for path in sorted(each.src.rglob("[12]")):
                    archive.writestr(path.name, path.read_bytes())
        else:
            write_scan(open_sources(each.src), place)
            assert read_scan(str(place)).roots == (str(each.src),)
        return place

    first, second = twins
    for each in twins:
        each.src.with_name("more").mkdir(exist_ok=True)
    fastpix.convert(source(first), first.dst, workers=1)
    with pytest.raises(ArgumentError, match=OTHER):
        fastpix.convert(source(second), second.dst, workers=1)
    assert values(first) == [1, 2]
    assert fastpix.convert(source(first), first.dst, workers=1).counts.present == 2


def test_roots_are_private(twins: tuple[Folders, Folders]) -> None:
    first, _ = twins
    first.convert()
    (kept,) = default_paths_folder(first.dst).glob("roots-*")
    assert str(first.src) in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    for path in first.dst.rglob("*"):
        assert path.is_dir() or str(first.src).encode() not in path.read_bytes()


def test_roots_are_kept_once(tmp_path: Path) -> None:
    folder = str(tmp_path / "paths")
    os.mkdir(folder)
    there = tmp_path / "there \udcff"
    there.mkdir()
    for roots in ((str(there), "/gone"), (str(there),), ("memory://nobody",)):
        keep_roots(folder, roots)
    assert len(os.listdir(folder)) == 2
    (tmp_path / "paths/roots-torn.json").write_text("[")
    assert other_roots(folder, ("/elsewhere",)) == [str(there)]
    assert other_roots(folder, (str(there),)) == []
    assert other_roots(folder, ()) == []  # names are whole paths
    none = OtherFiles(folder, [str(there)], np.empty(0, np.uint64))
    assert list(none.checked([], None)) == []  # type: ignore[arg-type]
