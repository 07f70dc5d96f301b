"""Lists with headers: series are known without opening files; what is not known is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import encode, make_dataset
from support.libraries import library
from typer.testing import CliRunner

from fastpix.cli import scan_command
from fastpix.cli.commands import app
from fastpix.job.items import SourceFile
from fastpix.job.scan import file_items, item_stream, open_sources, scan_file, series_items, waiting
from fastpix.job.scan.packed_files import PackedFiles
from fastpix.job.scan.scan_file import write_scan
from fastpix.job.scan.scanned_headers import ScannedHeader, scan_header
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names

assert callable(scan_command.scan_command)  # it is part of the command once it is imported
NAMES = Names(b"k" * 32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(4):
        uids: dict[str, Any] = {"SeriesInstanceUID": f"1.2.{k % 2}", "SOPInstanceUID": f"1.3.{k}"}
        (folder / f"{k}").write_bytes(encode(make_dataset(Modality="CT", **uids)))
    (folder / "text").write_bytes(b"no image")
    return folder


def never(location: str) -> ScannedHeader:
    raise AssertionError(location)


def test_what_a_header_says(archive: Path) -> None:
    found = scan_header(str(archive / "1"))
    assert found[:3] == ("1.2.1", "1.3.1", "CT")
    assert min(found.rows or 0, found.columns or 0, found.frames or 0) > 0
    assert scan_header(str(archive / "text")) == ScannedHeader()
    with pytest.raises(FileNotFoundError):
        scan_header(str(archive / "none"))


def test_series_of_a_list_are_those_of_its_source(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "list.parquet"
    assert write_scan(open_sources(archive), out, headers=True) == 5
    assert out.stat().st_mode & 0o777 == 0o600
    expected = list(series_items(open_sources(archive).files(), NAMES))
    assert len(expected) == 3
    monkeypatch.setattr(item_stream, "scan_header", never)
    found = list(series_items(open_sources(out).files(), NAMES))
    assert sorted(found) == sorted(expected)
    table = library("pyarrow.parquet").read_table(out)
    assert table.column("modality").to_pylist().count("CT") == 4
    assert table.column("series_uid").to_pylist().count("") == 1


def test_names_of_files_are_those_of_the_source(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.parquet"
    write_scan(open_sources(archive), out, headers=True)
    found, expected = (file_items(open_sources(each).files(), NAMES) for each in (out, archive))
    assert {(item.name, item.state) for item in found} == {(i.name, i.state) for i in expected}


def test_a_header_that_could_not_be_read_is_read_later(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(location: str) -> ScannedHeader:
        if location.endswith("2"):
            raise OSError(5, "Input/output error", location)
        return scan_header(location)

    out = tmp_path / "list.parquet"
    monkeypatch.setattr(scan_file, "scan_header", broken)
    write_scan(open_sources(archive), out, headers=True)
    series = {file.relative: file.series for file in open_sources(out).files()}
    assert series == {"0": "1.2.0", "1": "1.2.1", "2": None, "3": "1.2.1", "text": ""}
    items = {item.name: item for item in series_items(open_sources(out).files(), NAMES)}
    assert len(items[NAMES.of_uid("1.2.0")].files) == 2


def test_a_list_in_its_source_does_not_list_itself(archive: Path) -> None:
    out = archive / "list.parquet"
    assert write_scan(open_sources(archive), out) == 5
    assert write_scan(open_sources(archive), out) == 5


def test_row_groups_and_progress(archive: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(scan_file, "_GROUP", 2)
    monkeypatch.setattr(scan_file, "_TOLD", 2)
    out = tmp_path / "list.parquet"
    told: list[int] = []
    write_scan(open_sources(archive), out, lambda files, _: told.append(files))
    assert told == [2, 4, 5]
    assert library("pyarrow.parquet").ParquetFile(out).num_row_groups == 3
    assert len([*open_sources(out).files()]) == 5


def test_the_command(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.parquet"
    done = CliRunner().invoke(app, ["scan", str(archive), "--out", str(out), "--headers"])
    assert done.exit_code == 0, done.output
    assert "5 files listed" in done.output
    assert "--unit series" in done.output


@given(
    st.lists(st.tuples(texts, texts, st.integers(0, 2**62), st.integers(-(2**62), 2**62))),
    st.booleans(),
)
def test_packed_files(rows: list[tuple[str, str, int, int]], is_end: bool) -> None:
    files = [
        SourceFile(location + relative if is_end else location, relative, size, stamp)
        for location, relative, size, stamp in rows
    ]
    packed = PackedFiles()
    for file in files:
        packed.add(file)
    assert list(packed) == files
    odd = SourceFile("/a/\udcff", "\udcff", 1, 1)
    packed.add(odd)
    assert [*packed][-1] == odd


@pytest.mark.parametrize("waits", [False, True])
def test_work_that_waits_keeps_its_order(waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 9.0 if waits else 0.0])
    monkeypatch.setattr(waiting, "perf_counter", lambda: next(clock))
    taken: list[int] = []

    def things() -> Any:
        for k in range(1000):
            taken.append(k)
            yield k

    results = map_waiting(str, things(), 100)
    assert next(results) == "0"
    assert len(taken) == 64
    assert [*results] == [str(k) for k in range(1, 1000)]
