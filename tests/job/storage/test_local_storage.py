"""Files of a cache in a folder: whole or absent, created once, found again after a death."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest

from fastpix.job.storage.local_storage import LocalStorage
from fastpix.job.storage.temporary import hidden_key, is_temporary, key_and_attempt


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_create_is_won_once(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    won: list[int] = []

    def create(number: int) -> None:
        if storage.create("manifest/part", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert storage.read("manifest/part") == str(won[0]).encode()
    assert names(tmp_path) == ["part"]


def test_a_new_file_is_not_seen_before_it_is_published(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    file = storage.new_file("shards/a.tar", "attempt")
    file.write(b"one")
    file.write(memoryview(b"two"))
    assert file.tell() == 6
    assert list(tmp_path.rglob("*.tar")) == []
    file.flush()
    assert [is_temporary(entry.key) for entry in storage.list()] == [True]
    file.publish()
    assert storage.read("shards/a.tar") == b"onetwo"
    file.discard()
    assert names(tmp_path) == ["a.tar"]


def test_what_was_not_published_is_found_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    file = storage.new_file("shards/a.tar", "77")
    file.write(b"data")
    file.flush()
    (entry,) = storage.list("shards/")
    assert key_and_attempt(entry.key) == ("shards/a.tar", "77")
    assert LocalStorage(tmp_path).unpublished("shards/a.tar", "78") is None
    found = LocalStorage(tmp_path).unpublished("shards/a.tar", "77")
    assert found is not None
    found.publish()
    assert storage.read("shards/a.tar") == b"data"
    assert storage.unpublished("shards/a.tar", "77") is None


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    file = storage.new_file("a", "1")
    file.write(b"x")
    file.discard()
    file.discard()
    assert names(tmp_path) == []


def test_a_temporary_name_is_never_taken_over(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    (tmp_path / hidden_key("a", "1")).symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        storage.new_file("a", "1")
    assert not (tmp_path / "victim").exists()


def test_replace_and_read(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.replace("a/b", b"0123456789")
    storage.replace("a/b", b"9876543210")
    assert storage.read("a/b", 2, 3) == b"765"
    assert storage.read("a/b", 8) == b"10"
    assert storage.read("a/b", 8, 100) == b"10"
    buffer = bytearray(4)
    assert storage.read_into("a/b", 1, memoryview(buffer)) == 4
    assert bytes(buffer) == b"8765"
    assert storage.read_into("a/b", 8, memoryview(buffer)) == 2
    with pytest.raises(FileNotFoundError):
        storage.read("a/c")


def test_listing_by_prefix(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for key in ("manifest/1", "manifest/2", "shards/1", "dataset.json"):
        storage.replace(key, b"x")
    assert [entry.key for entry in storage.list("manifest/")] == ["manifest/1", "manifest/2"]
    assert [entry.key for entry in storage.list("manifest/2")] == ["manifest/2"]
    assert len(list(storage.list())) == 4
    assert list(storage.list("nothing/")) == []
    storage.remove("shards/1")
    storage.remove("shards/1")
    assert len(list(storage.list())) == 3


def test_many_open_files_are_bounded_and_pickled(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for k in range(100):
        storage.replace(str(k), bytes([k]))
    buffer = bytearray(1)
    for k in range(100):
        assert storage.read_into(str(k), 0, memoryview(buffer)) == 1
        assert buffer[0] == k
    assert len(list(Path("/proc/self/fd").iterdir())) < 90
    copy = pickle.loads(pickle.dumps(storage))
    assert copy.read_into("5", 0, memoryview(buffer)) == 1
    assert buffer[0] == 5
