"""What a source holds: folders, lists, patterns, archives, media directories."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from support.builders import encode, make_dataset, make_item, set_raw
from support.series_files import cells_of, slice_dataset

import fastpix
from fastpix.errors import ArgumentError, PixelDataError, PixelHeaderError
from fastpix.series.series_files import open_files
from fastpix.source.archives import Member
from fastpix.source.listing import is_left_out, list_sources, walk_folder
from fastpix.source.media_directory import is_media_directory


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def below(found: list[Any], folder: Path) -> list[str]:
    return [os.path.relpath(path, folder) for path in found]


def test_folder(tmp_path: Path) -> None:
    filled(tmp_path, "b", "a/2", "a/1", "c/x/1", "10", "9", ".hidden", "a/.git/x", "DICOMDIR",
           "c/dicomdir", "z.zip")  # fmt: skip
    expected = ["10", "9", "b", "z.zip", "a/1", "a/2", "c/x/1"]
    assert below(list_sources(tmp_path), tmp_path) == expected
    assert below(list_sources(str(tmp_path)), tmp_path) == expected
    assert below(list_sources([tmp_path / "a", tmp_path / "c"]), tmp_path) == expected[4:]
    assert below(list_sources(os.fsencode(tmp_path) and tmp_path / "c"), tmp_path) == ["c/x/1"]
    every = list(walk_folder(str(tmp_path), keeps_hidden=True, skipped=[str(tmp_path / "c")]))
    assert below(every, tmp_path) == [
        ".hidden", "10", "9", "DICOMDIR", "b", "z.zip", "a/1", "a/2", "a/.git/x"
    ]  # fmt: skip


def test_empty_folder_and_list(tmp_path: Path) -> None:
    assert list_sources(tmp_path) == []
    assert list_sources([]) == []


def test_links(tmp_path: Path) -> None:
    filled(tmp_path, "a/1", "z/2")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b").symlink_to(tmp_path / "z")
    (tmp_path / "file").symlink_to(tmp_path / "a" / "1")
    found = below(list_sources(tmp_path), tmp_path)
    assert found == ["file", "gone", "a/1", "a/self", "b/2"]


def test_pipes_are_left_out_of_folders(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list_sources(tmp_path) == []
    assert list_sources(tmp_path / "pipe") == [tmp_path / "pipe"]  # and is not opened


def test_folder_that_cannot_be_listed_fails_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, "a/1", "b/2")
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert below(list_sources(tmp_path), tmp_path) == ["b/2", "a"]


def test_single_sources_are_themselves(tmp_path: Path) -> None:
    path = filled(tmp_path, "x") / "x"
    member = Member(str(path), "x", 1, "tar", 0)
    for source in (path, str(path), b"abc", bytearray(b"abc"), memoryview(b"abc"), make_dataset(),
                   io.BytesIO(b"abc"), member):  # fmt: skip
        assert list_sources(source) == [source]
        assert list_sources([source, source]) == [source, source]
    assert list_sources(iter([b"a", path])) == [b"a", path]


@pytest.mark.parametrize("source", [None, 3, object()])
def test_no_source(source: Any) -> None:
    with pytest.raises(ArgumentError, match="is not a path, bytes"):
        list_sources(source)


def test_paths_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list_sources(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        list_sources(["x", tmp_path / "nowhere"])
    with pytest.raises(ArgumentError, match="is no path"):
        list_sources("a\0b")


def test_patterns(tmp_path: Path) -> None:
    filled(tmp_path, "b.dcm", "a.dcm", "c/d.dcm", "c/e.txt", "odd[1].dcm")
    assert below(list_sources(str(tmp_path / "*.dcm")), tmp_path) == [
        "a.dcm", "b.dcm", "odd[1].dcm"
    ]  # fmt: skip
    assert below(list_sources(str(tmp_path / "**" / "d.*")), tmp_path) == ["c/d.dcm"]
    assert below(list_sources(str(tmp_path / "?")), tmp_path) == ["c/d.dcm", "c/e.txt"]
    assert below(list_sources([str(tmp_path / "odd[1].dcm")]), tmp_path) == ["odd[1].dcm"]
    with pytest.raises(FileNotFoundError):
        list_sources(str(tmp_path / "*.ima"))


def test_archives(tmp_path: Path) -> None:
    names = ["b", "a", ".hidden", "__MACOSX/._b", "x/DICOMDIR", "x/.git/c", "..", "../up"]
    made = tmp_path / "made.zip"
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    unnamed = tmp_path / "unnamed"
    unnamed.write_bytes(made.read_bytes())
    for source in (made, [made], unnamed, str(tmp_path / "*.zip")):
        found = list_sources(source)
        assert [f.name for f in found if isinstance(f, Member)] == ["b", "a", "..", "../up"]
        assert len(found) == 4
    assert list_sources([unnamed]) == [unnamed]
    (member, *_) = list_sources(made, max_bytes=17)
    assert isinstance(member, Member)
    assert member.max_bytes == 17
    filled(tmp_path, "no.zip")
    assert list_sources([tmp_path / "no.zip"]) == [tmp_path / "no.zip"]  # whatever its name
    (tmp_path / "bad.zip").write_bytes(made.read_bytes()[:-30])
    with pytest.raises(PixelDataError, match="directory cannot be read") as caught:
        list_sources(tmp_path / "bad.zip")
    assert caught.value.source == str(tmp_path / "bad.zip")


def test_what_is_left_out() -> None:
    for name in (".a", "a/.b/c", "DICOMDIR", "x\\dicomdir", "._a"):
        assert is_left_out(name)
    for name in ("a", "a.b", "../a", "./a", "DICOMDIR.dcm"):
        assert not is_left_out(name)


# Media directories.


def directory(path: Path, *ids: Any, in_use: int | None = 0xFFFF) -> Path:
    """Write a DICOMDIR whose records have these Referenced File IDs; None for none."""
    dataset = Dataset()
    records = []
    for each in ids:
        record = make_item(DirectoryRecordType="IMAGE")
        if in_use is not None:
            record.RecordInUseFlag = in_use
        if each is not None:
            value = "\\".join(each) if isinstance(each, list) else each
            set_raw(record, 0x00041500, "CS", value.encode() + b" " * (len(value) % 2))
        records.append(record)
    dataset.DirectoryRecordSequence = records
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_media_directory(tmp_path: Path) -> None:
    filled(tmp_path, "PAT/A", "PAT/B", "lower/case", "VER/X;1", "other")
    path = directory(
        tmp_path / "DICOMDIR", None, ["PAT", "B"], ["PAT", "A"], ["PAT", "B"], ["LOWER", "CASE"],
        ["VER", "X"], ["GONE", "Y"],
    )  # fmt: skip
    expected = ["PAT/B", "PAT/A", "lower/case", "VER/X;1", "GONE/Y"]
    assert below(list_sources(path), tmp_path) == expected
    assert below(list_sources([path]), tmp_path) == expected
    renamed = path.rename(tmp_path / "index")
    assert is_media_directory(str(renamed))
    assert below(list_sources(renamed), tmp_path) == expected
    assert list_sources([renamed]) == [renamed]


def test_records_that_are_not_in_use(tmp_path: Path) -> None:
    filled(tmp_path, "A")
    assert list_sources(directory(tmp_path / "DICOMDIR", "A", in_use=0)) == []
    assert below(list_sources(directory(tmp_path / "D", "A", in_use=None)), tmp_path) == ["A"]


@pytest.mark.parametrize("ids", [["..", "x"], ["a", "..", "x"], "/etc/passwd", ["", "x"], "a/b"])
def test_media_directory_that_leads_out_of_its_folder(tmp_path: Path, ids: Any) -> None:
    with pytest.raises(PixelHeaderError, match="leads out of the folder") as caught:
        list_sources(directory(tmp_path / "DICOMDIR", ids))
    assert caught.value.tag == 0x00041500
    assert caught.value.source == str(tmp_path / "DICOMDIR")
    assert "passwd" not in caught.value.storable


def test_media_directory_that_is_damaged(tmp_path: Path) -> None:
    path = directory(tmp_path / "DICOMDIR", "A")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 8])
    with pytest.raises(PixelHeaderError, match="cannot be parsed"):
        list_sources(path)
    path.write_bytes(whole[: whole.index(b"\x04\x00\x20\x12")])
    with pytest.raises(PixelHeaderError, match="cannot be parsed"):
        list_sources(path)
    path.write_bytes(b"no directory")
    assert list_sources(path) == [path]


# What is made of them.


def test_members_of_a_series_are_not_kept(tmp_path: Path) -> None:
    made = tmp_path / "series.zip"
    with zipfile.ZipFile(made, "w") as archive:
        for k in (2, 0, 1):
            archive.writestr(f"slice{k}", encode(slice_dataset(k)))
    opened = open_files(list_sources(made), 2**20, None)
    assert [file.kept for file in opened.files] == [None] * 3
    (stack,) = fastpix.open_series(made)
    assert stack.shape == (3, 6, 5)
    values = stack.read(rescale=False).array
    assert np.array_equal(values, [cells_of(k) for k in range(3)])
