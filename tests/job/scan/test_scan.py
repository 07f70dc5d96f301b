"""What is named, found, filtered and batched: streams, and no file is lost or found twice."""

from __future__ import annotations

import os
import tarfile
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import encode, make_dataset
from support.libraries import library

import fastpix
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.items import Item, SourceFile
from fastpix.job.scan import (
    batches,
    file_items,
    filters_of,
    in_shard,
    open_sources,
    series_items,
    shard_of,
)
from fastpix.job.scan.scan_file import read_scan, write_scan
from fastpix.job.scan.source_locations import open_location
from fastpix.job.scan.walking import Walk
from fastpix.pseudonyms import Names


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def relatives(*arguments: Any, **options: Any) -> list[str]:
    return sorted(file.relative for file in open_sources(*arguments, **options).files())


# Roots


def test_one_folder_is_its_own_root(tmp_path: Path) -> None:
    make(tmp_path / "a", "x", "b/y", ".hidden", "b/c/z")
    sources = open_sources(tmp_path / "a")
    assert sources.root_mode == "source"
    found = {file.relative: file for file in sources.files()}
    assert sorted(found) == [".hidden", "b/c/z", "b/y", "x"]
    status = (tmp_path / "a/b/y").stat()
    expected = SourceFile(str(tmp_path / "a/b/y"), "b/y", status.st_size, status.st_mtime_ns)
    assert found["b/y"] == expected


def test_several_folders_keep_their_names(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "b/x")
    assert open_sources([tmp_path / "a", tmp_path / "b"]).root_mode == "sources"
    assert relatives([tmp_path / "a", tmp_path / "b"]) == ["a/x", "b/x"]
    make(tmp_path, "other/a/x")
    with pytest.raises(ArgumentError, match="same name"):
        open_sources([tmp_path / "a", tmp_path / "other/a"])
    both = [tmp_path / "a", tmp_path / "other/a"]
    assert relatives(both, tmp_path) == ["a/x", "other/a/x"]
    assert open_sources(both, tmp_path).root_mode == "given"


def test_lists_of_files_are_absolute(tmp_path: Path) -> None:
    make(tmp_path, "a", "b/c")
    for listed in ([tmp_path / "a"], [tmp_path / "a", tmp_path / "b"]):
        assert open_sources(listed).root_mode == "absolute"
    assert relatives([tmp_path / "a", tmp_path / "b"]) == [f"{tmp_path}/a", f"{tmp_path}/b/c"]
    assert relatives(tmp_path / "a") == ["a"]


def test_what_is_named_twice_is_found_once(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "a/b/y")
    named = [tmp_path / "a", tmp_path / "a/b", tmp_path / "a/x", tmp_path / "a"]
    assert len(relatives(named)) == 2
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert len(relatives([tmp_path / "a", tmp_path / "link"])) == 2


def test_globs_archives_and_directories(tmp_path: Path) -> None:
    make(tmp_path / "a", "1/x.dcm", "2/y.dcm", "2/z.txt")
    assert relatives(str(tmp_path / "a/*/*.dcm")) == ["1/x.dcm", "2/y.dcm"]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("k/x", b"zipped")
    with tarfile.open(tmp_path / "c.tar", "w") as shard:
        shard.add(tmp_path / "a/1/x.dcm", "x")
    assert relatives(tmp_path / "b.zip") == ["k/x"]
    assert relatives([tmp_path / "b.zip", tmp_path / "c.tar"]) == ["b.zip!/k/x", "c.tar!/x"]
    (file,) = open_sources(tmp_path / "b.zip").files()
    assert file.location == f"{tmp_path / 'b.zip'}!/k/x"
    assert open_location(file.location).read_bytes() == b"zipped"  # type: ignore[union-attr]
    with pytest.raises(FastpixError, match="no such member"):
        open_location(f"{tmp_path / 'b.zip'}!/none")


def test_urls(tmp_path: Path) -> None:
    fsspec = library("fsspec")
    with fsspec.open("memory://scan/a/x", "wb") as file:
        file.write(b"far away")
    assert relatives("memory://scan") == ["a/x"]
    (found,) = open_sources("memory://scan/a/x").files()
    assert found.size == 8
    assert open_location(found.location).read_bytes() == b"far away"  # type: ignore[union-attr]
    with pytest.raises(FastpixError, match="no protocol"):
        list(open_sources("nonsense://x").files())


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_sources(tmp_path / "none")
    make(tmp_path, "a")
    found = {f.relative: f.size for f in open_sources([tmp_path / "a", tmp_path / "none"]).files()}
    assert found == {f"{tmp_path}/a": 1, f"{tmp_path}/none": 0}
    with pytest.raises(ArgumentError, match="not a path"):
        open_sources([3])  # type: ignore[list-item]


def test_the_output_is_left_out_and_is_no_source(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "a/out/y", "a/out.key")
    skipped = [tmp_path / "a/out", tmp_path / "a/out.key"]
    assert relatives(tmp_path / "a", skipped=skipped) == ["x"]
    for inside in ("a/out", "a/out/y"):
        with pytest.raises(ArgumentError, match="lies in the output"):
            open_sources(tmp_path / inside, skipped=skipped)


# Walking


def test_loops_pipes_and_dead_links(tmp_path: Path) -> None:
    make(tmp_path, "a/x")
    (tmp_path / "a/loop").symlink_to(tmp_path / "a")
    (tmp_path / "a/dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a/self").symlink_to(tmp_path / "a/self")
    os.mkfifo(tmp_path / "a/pipe")
    found = {file.relative: file.size for file in Walk().files(str(tmp_path / "a"), "")}
    assert found == {"x": 3, "dead": 0, "self": 0}


def test_a_pipe_that_is_named_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (file,) = open_sources([tmp_path / "pipe"]).files()
    with pytest.raises(FastpixError, match="no regular file"):
        open_location(file.location)


def test_a_folder_that_cannot_be_listed_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/x", "a/closed/y")
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert relatives(tmp_path / "a") == ["closed", "x"]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"a\xff"), "wb"):
        pass
    assert relatives(tmp_path) == [os.fsdecode(b"a\xff")]


def test_files_are_found_as_they_are_asked_for(tmp_path: Path) -> None:
    make(tmp_path, *(f"{k}" for k in range(300)))
    files = open_sources(tmp_path).files()
    first = next(files)
    for path in tmp_path.iterdir():
        path.unlink()
    assert first.size > 0
    assert sum(1 for _ in files) == 299


# A list


def test_a_list_gives_the_same_files(tmp_path: Path) -> None:
    make(tmp_path / "a", "x", "b/y")
    with open(os.path.join(os.fsencode(tmp_path / "a"), b"\xff"), "wb"):
        pass
    out = tmp_path / "list.parquet"
    seen: list[tuple[int, int]] = []
    count = write_scan(open_sources(tmp_path / "a"), out, lambda *found: seen.append(found))
    assert count == 3
    assert seen == [(3, 4)]
    assert out.stat().st_mode & 0o777 == 0o600
    for sources in (read_scan(str(out)), open_sources(out)):
        assert sources.root_mode == "source"
        assert sorted(sources.files()) == sorted(open_sources(tmp_path / "a").files())
    (tmp_path / "other.parquet").write_bytes(b"PAR1")
    with pytest.raises(FastpixError, match="no list"):
        open_sources(tmp_path / "other.parquet")
    with pytest.raises(FastpixError, match=r"\.parquet"):
        write_scan(open_sources(tmp_path / "a"), tmp_path / "list.csv")


@pytest.mark.usefixtures("in_this_process")
def test_a_list_is_converted_as_its_source(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x").write_bytes(encode(make_dataset()))
    write_scan(open_sources(tmp_path / "a"), tmp_path / "list.parquet")
    assert fastpix.convert(tmp_path / "list.parquet", tmp_path / "dst", workers=1).converted == 1
    assert fastpix.convert(tmp_path / "a", tmp_path / "dst", workers=1).present == 1


@pytest.mark.usefixtures("in_this_process")
def test_archives_and_urls_are_converted(tmp_path: Path) -> None:
    fsspec = library("fsspec")
    data = encode(make_dataset())
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x", data)
    with fsspec.open("memory://job/x", "wb") as file:
        file.write(data)
    sources: list[str | Path] = [tmp_path / "b.zip", "memory://job"]
    for k, source in enumerate(sources):
        dst = tmp_path / f"dst{k}"
        assert fastpix.convert(source, dst, workers=1).converted == 1
        assert fastpix.open_cache(dst)[0].tobytes() == fastpix.imread(data).tobytes()
        assert fastpix.convert(source, dst, workers=1).present == 1


# Items and batches


def test_series_are_items(tmp_path: Path) -> None:
    for k in range(4):
        uid = f"1.2.{k % 2}"
        (tmp_path / f"{k}").write_bytes(encode(make_dataset(SeriesInstanceUID=uid)))
    (tmp_path / "text").write_bytes(b"no image")
    (tmp_path / "none").write_bytes(encode(make_dataset(SeriesInstanceUID=None)))
    names = Names(b"k" * 32)
    items = {item.name: item for item in series_items(open_sources(tmp_path).files(), names)}
    assert set(items) == {
        names.of_uid("1.2.0"), names.of_uid("1.2.1"), names.of_path("text"), names.of_path("none"),
    }  # fmt: skip
    files = [file.relative for file in items[names.of_uid("1.2.0")].files]
    assert files == ["0", "2"]
    before = items[names.of_uid("1.2.1")].state
    os.utime(tmp_path / "3", (5, 5))
    again = {i.name: i.state for i in series_items(open_sources(tmp_path).files(), names)}
    assert again[names.of_uid("1.2.1")] != before
    assert again[names.of_uid("1.2.0")] == items[names.of_uid("1.2.0")].state


def test_files_whose_series_is_known_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"never read")
    names = Names(b"k" * 32)
    (file,) = open_sources(tmp_path).files()
    known = {names.of_path("a"): (names.of_state(file.size, file.stamp), "series")}
    (item,) = series_items([file], names, known)
    assert item.name == "series"
    (item,) = series_items([file._replace(stamp=0)], names, known)
    assert item.name == names.of_path("a")


def items_of(sizes: list[int]) -> list[Item]:
    return [Item(f"{k:032x}", "0", (SourceFile("", str(k), s, 0),)) for k, s in enumerate(sizes)]


@given(
    sizes=st.lists(st.integers(0, 2**26), max_size=400), workers=st.integers(1, 4),
    count=st.integers(1, 64),
)  # fmt: skip
def test_batches_hold_each_item_once(sizes: list[int], workers: int, count: int) -> None:
    items = items_of(sizes)
    made = list(batches(items, 3, "s", workers, size=2**27, count=count))
    assert [item for batch in made for item in batch.items] == items
    assert all(batch.generation == 3 and batch.settings == "s" for batch in made)
    assert all(len(batch.items) <= count for batch in made)
    assert len({batch.id for batch in made}) == len(made)
    for batch in made:
        held = [item.files[0].size for item in batch.items]
        assert sum(held[:-1]) < 2**27


def test_the_first_batches_are_small() -> None:
    counts = [len(batch.items) for batch in batches(items_of([1] * 10_000), 1, "s", 2)]
    assert counts[:6] == [32, 32, 64, 64, 128, 128]
    assert max(counts) == 1024
    assert all(a <= b for a, b in pairwise(counts[:-2]))
    assert [len(b.items) for b in batches(items_of([1] * 90), 1, "s", 4)] == [32, 32, 26]


def test_batches_are_taken_lazily() -> None:
    taken: list[int] = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield from items_of([1])

    next(batches(endless(), 1, "s", 2))
    assert len(taken) == 32


def test_shards_share_out_all() -> None:
    names = Names(b"k" * 32)
    items = list(file_items((SourceFile("", str(k), 1, 1) for k in range(500)), names))
    parts = [[item for item in items if in_shard(item.name, k, 3)] for k in range(3)]
    assert sum(map(len, parts)) == 500
    assert min(map(len, parts)) > 120


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        (None, {}, None),
        ("2/5", {"SLURM_ARRAY_TASK_ID": "1"}, (2, 5)),
        (None, {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"}, (3, 4)),
        (None, {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_ARRAY_TASK_MIN": "1"}, (2, 4)),
    ],
)  # fmt: skip
def test_shards_that_are_asked_for(
    text: str | None, environment: dict[str, str], expected: tuple[int, int] | None
) -> None:
    assert shard_of(text, environment) == expected


@pytest.mark.parametrize(
    ("text", "environment"),
    [("4/4", {}), ("-1/4", {}), ("x", {}), ("1", {}), (None, {"SLURM_ARRAY_TASK_ID": "1"})],
)
def test_what_is_no_shard(text: str | None, environment: dict[str, str]) -> None:
    with pytest.raises(ArgumentError):
        shard_of(text, environment)


# Filters

ROW = {"modality": "CT", "rows": 512, "model": "SOMATOM Definition Flash", "slice_thickness": 0.5}


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("modality in CT,MR", True), ("modality in MR", False), ("modality not in MR", True),
        ("modality = ct", True), ("modality != CT", False), ("rows >= 512", True),
        ("rows > 512", False), ("rows < 513", True), ("rows in 256, 512", True),
        ("model = SOMATOM Definition Flash", True), ("slice_thickness <= 0.5", True),
        ("frames = 1", False), ("frames != 1", True), ("frames > 0", False), ("rows = x", False),
    ],
)  # fmt: skip
def test_filters(text: str, is_kept: bool) -> None:
    assert filters_of((text,)).matches(ROW) is is_kept
    assert filters_of((text, "modality = CT")).matches(ROW) is is_kept
    assert filters_of(()).matches(ROW)


@pytest.mark.parametrize("text", ["", "modality", "modality in", "weather = fine", "rows > big"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ArgumentError, match="only"):
        filters_of((text,))
