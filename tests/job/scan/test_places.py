"""Sources named together: each file once, by a name of its own; a bad source fails alone."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.builders import encode, make_dataset
from support.libraries import library

import fastpix
from fastpix.errors import ArgumentError, PixelDataError, PixelHeaderError
from fastpix.job.items import Item, SourceFile
from fastpix.job.scan import batches, filters_of, open_sources
from fastpix.job.scan import places as places_module
from fastpix.job.scan.places import FILE, MISSING, look_at
from fastpix.job.scan.scan_file import read_scan, write_scan
from fastpix.job.scan.source_locations import open_location


def relatives(*arguments: Any, **options: Any) -> list[str]:
    return sorted(file.relative for file in open_sources(*arguments, **options).files())


def zipped(path: Path, **members: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def disc(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder whose DICOMDIR refers to the file IM1."""
    folder.mkdir(parents=True)
    (folder / "IM1").write_bytes(b"image")
    head = b"\0" * 128 + b"DICM" + b"1.2.840.10008.1.3.10"
    (folder / "DICOMDIR").write_bytes(head)
    monkeypatch.setattr(
        "fastpix.job.scan.sources.referenced_files",
        lambda path: [os.path.join(os.path.dirname(path), "IM1")],
    )
    return folder / "DICOMDIR"


def test_archives_of_a_pattern_do_not_share_names(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        zipped(tmp_path / "in" / name, x=name.encode())
    assert relatives(str(tmp_path / "in/*.zip")) == ["a.zip!/x", "b.zip!/x"]
    assert relatives(str(tmp_path / "in/a*.zip")) == ["a.zip!/x"]


def test_discs_do_not_share_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [disc(tmp_path / name, monkeypatch) for name in ("disc1", "disc2")]
    expected = ["disc1/IM1", "disc2/IM1"]
    assert relatives(str(tmp_path / "*/DICOMDIR")) == expected
    assert relatives(named) == expected
    assert relatives(named, tmp_path) == expected
    assert relatives(named[0]) == ["IM1"]
    (tmp_path / "file").write_bytes(b"")
    mixed = relatives([*named, tmp_path / "file"])
    assert mixed == [*(f"{tmp_path}/{name}" for name in expected), f"{tmp_path}/file"]


def test_an_archive_in_a_folder_that_is_named_too_keeps_its_members(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "in/a.zip", x=b"1")
    assert relatives([tmp_path / "in", archive]) == ["a.zip!/x", "in/a.zip"]


def test_an_output_that_the_run_makes_in_its_source_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    output, key = tmp_path / "out", tmp_path / "out.key"
    sources = open_sources(tmp_path, skipped=[output, key])
    output.mkdir()
    (output / "dataset.json").write_bytes(b"")
    key.write_bytes(b"")
    assert [file.relative for file in sources.files()] == ["x"]
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path)
    assert relatives(link, skipped=[output, key]) == ["x"]


def test_a_link_into_the_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out/shards").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "out/shards")
    with pytest.raises(ArgumentError, match="lies in the output"):
        open_sources(tmp_path / "link", skipped=[tmp_path / "out"])


def test_sources_can_be_walked_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    sources = open_sources(tmp_path)
    assert [*sources.files()] == [*sources.files()] != []


def test_files_of_a_list_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / f"{k}.dcm" for k in range(3)]
    for path in paths:
        path.write_bytes(b"PK\x03\x04")

    def opened(path: str) -> str:
        raise AssertionError(path)

    monkeypatch.setattr(places_module, "kind_of_archive", opened)
    monkeypatch.setattr(places_module, "is_media_directory", opened)
    assert relatives(paths) == sorted(map(str, paths))
    assert relatives(str(tmp_path / "*.dcm")) == ["0.dcm", "1.dcm", "2.dcm"]


def test_a_damaged_archive_costs_one_failure(tmp_path: Path) -> None:
    good = zipped(tmp_path / "a.zip", x=b"1")
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK\x03\x04 and no directory")
    files = {file.relative: file for file in open_sources([good, bad]).files()}
    assert sorted(files) == ["a.zip!/x", "bad.zip"]
    with pytest.raises(PixelDataError, match="damaged"):
        open_location(files["bad.zip"].location)
    with pytest.raises(PixelDataError, match="damaged"):
        list(open_sources(bad).files())


def test_a_damaged_dicomdir_costs_one_failure(tmp_path: Path) -> None:
    good = zipped(tmp_path / "a.zip", x=b"1")
    bad = tmp_path / "disc/DICOMDIR"
    bad.parent.mkdir()
    bad.write_bytes(b"\0" * 128 + b"DICM" + b"1.2.840.10008.1.3.10")
    files = {file.relative: file for file in open_sources([good, bad]).files()}
    assert sorted(files) == ["a.zip!/x", "disc/DICOMDIR"]
    with pytest.raises(PixelHeaderError, match="media directory"):
        open_location(files["disc/DICOMDIR"].location)


def test_an_archive_that_may_not_be_read_costs_one_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", x=b"1")

    def refused(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(places_module, "kind_of_archive", refused)
    assert look_at(str(path)).kind == FILE
    assert look_at(str(tmp_path / "none")).kind == MISSING


@pytest.mark.usefixtures("in_this_process")
def test_a_job_goes_on_past_an_archive_that_is_damaged(tmp_path: Path) -> None:
    good = zipped(tmp_path / "a.zip", x=encode(make_dataset()))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no directory")
    done = fastpix.convert([good, tmp_path / "bad.zip"], tmp_path / "dst", workers=1)
    assert (done.converted, done.failed) == (1, 1)


def test_the_last_of_the_members_of_one_name_is_meant(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for data in (b"old", b"newer"):
            info = tarfile.TarInfo("x")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (file,) = open_sources(tmp_path / "a.tar").files()
    assert file.size == 5
    assert open_location(file.location).read_bytes() == b"newer"  # type: ignore[union-attr]


def test_names_with_the_signs_of_members(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "odd!/a.zip", **{"k!/x": b"1"})
    (file,) = open_sources(archive).files()
    assert file.relative == "k!/x"
    assert open_location(file.location).read_bytes() == b"1"  # type: ignore[union-attr]
    archive.unlink()
    with pytest.raises(FileNotFoundError):
        open_location(file.location)


def test_urls_below_a_root(tmp_path: Path) -> None:
    fsspec = library("fsspec")
    for name in ("a/k/x", "b/k/x"):
        with fsspec.open(f"memory://roots/{name}", "wb") as file:
            file.write(b"1")
    urls = ["memory://roots/a/k", "memory://roots/b/k"]
    with pytest.raises(ArgumentError, match="same name"):
        open_sources(urls)
    assert relatives(urls, "memory://roots") == ["a/k/x", "b/k/x"]
    assert relatives([f"{url}/x" for url in urls], "memory://roots/") == ["a/k/x", "b/k/x"]
    assert relatives("memory://roots", "memory://roots") == ["a/k/x", "b/k/x"]
    for root, source in (("memory://other", urls[0]), ("memory://roots", tmp_path)):
        with pytest.raises(ArgumentError, match="root"):
            relatives([source], root)


def test_a_url_of_a_list_that_leads_nowhere_costs_one_failure() -> None:
    fsspec = library("fsspec")
    with fsspec.open("memory://some/a/x", "wb") as file:
        file.write(b"1")
    files = {f.relative: f for f in open_sources(["memory://some/a", "memory://some/b"]).files()}
    assert sorted(files) == ["a/x", "b"]
    with pytest.raises(FileNotFoundError):
        open_location(files["b"].location).read_bytes()  # type: ignore[union-attr]
    with pytest.raises(FileNotFoundError):
        list(open_sources("memory://some/b").files())


def test_a_list_leaves_out_the_output_and_has_its_root(tmp_path: Path) -> None:
    for name in ("a/x", "a/out/y", "a/out.key", "a/outer"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    out = tmp_path / "list.parquet"
    write_scan(open_sources(tmp_path / "a"), out)
    assert len([*read_scan(str(out)).files()]) == 4
    skipped = [tmp_path / "a/out", tmp_path / "a/out.key"]
    assert relatives(out, skipped=skipped) == ["outer", "x"]
    with pytest.raises(ArgumentError, match="root already"):
        open_sources(out, tmp_path)


@pytest.mark.parametrize("column", ["modality", "model", "burned_in_annotation"])
def test_texts_have_no_order(column: str) -> None:
    with pytest.raises(ArgumentError, match="a text"):
        filters_of((f"{column} >= 3",))


def test_the_end_is_shared_out_by_files_and_by_bytes() -> None:
    def series(count: int, files: int, size: int) -> list[Item]:
        file = SourceFile("", "", size, 0)
        return [Item(f"{k:032x}", "0", (file,) * files) for k in range(count)]

    shares = [len(batch.items) for batch in batches(series(20, 100, 2**19), 1, "s", 2)]
    assert shares[-2:] == [2, 2]
    shares = [len(batch.items) for batch in batches(series(8, 1, 2**22), 1, "s", 4, size=2**30)]
    assert shares == [2, 2, 2, 2]
