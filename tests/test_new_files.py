"""New files: what is there stays, with hard links and without."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from fastpix.job.storage.local_storage import LocalStorage
from fastpix.new_files import link_new, open_new, write_whole


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "no links here")


@pytest.fixture(params=["links", "no links", "Windows without links"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system have links or not."""
    if request.param == "links":
        return
    monkeypatch.setattr(os, "link", no_links)
    if request.param == "no links":
        return

    def rename(old: str, new: str) -> None:  # as Windows does
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, "taken", new)
        os.replace(old, new)

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr("fastpix.new_files._RENAMES", True)


def test_the_first_keeps_its_name(tmp_path: Path, system: None) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.create("folder/key", b"first\n")
    assert not storage.create("folder/key", b"second")
    assert storage.read("folder/key") == b"first\n"
    assert os.listdir(tmp_path / "folder") == ["key"]


def test_other_errors_are_not_taken_for_a_lack_of_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    (temporary := tmp_path / "temporary").write_bytes(b"x")
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="no space"):
        link_new(temporary, tmp_path / "name")
    assert os.listdir(tmp_path) == ["temporary"]


def test_a_new_file_is_private_and_never_another(tmp_path: Path) -> None:
    os.close(open_new(tmp_path / "new"))
    assert os.stat(tmp_path / "new").st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            open_new(tmp_path / name)
    assert not (tmp_path / "elsewhere").exists()


def test_reads_share_a_file_where_no_read_names_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    storage.create("key", bytes(range(200)))
    monkeypatch.delattr(os, "preadv")
    for start in (100, 3):
        buffer = bytearray(50)
        assert storage.read_into("key", start, memoryview(buffer)) == 50
        assert buffer == bytes(range(start, start + 50))


def test_a_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    write_whole(path, "first\n")
    write_whole(path, "second\n")
    assert path.read_bytes() == b"second\n"
    if os.name != "nt":
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask  # as any program writes a file

    def refuse(source: Path, target: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="full"):
        write_whole(path, "third\n")
    assert path.read_bytes() == b"second\n"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_folder_is_not_replaced_and_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, Path()):
        with pytest.raises(IsADirectoryError) as caught:
            write_whole(folder, "text")
        assert caught.value.filename == str(folder)
    assert list(tmp_path.iterdir()) == []


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(tmp_path / "missing" / "result.json", "text")
    assert raised.value.filename == str(tmp_path / "missing" / "result.json")
