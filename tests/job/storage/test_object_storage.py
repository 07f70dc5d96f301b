"""The same promises over an object store: in memory, and over a server that speaks S3."""

from __future__ import annotations

import os
import pickle
import secrets
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.libraries import library

import fastpix
from fastpix.errors import ArgumentError
from fastpix.job.batch_conversion import convert_batch
from fastpix.job.engines import driving
from fastpix.job.label_join import join_labels
from fastpix.job.storage import is_url, storage_at
from fastpix.job.storage.object_storage import ObjectStorage
from fastpix.job.storage.temporary import is_temporary

library("obstore")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that speaks S3."""
    library("moto")
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    request = urllib.request.Request(f"{url}/bucket", method="PUT")
    urllib.request.urlopen(request).close()
    yield url
    running.stop()


@pytest.fixture(params=["memory", "s3"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    folder = secrets.token_hex(4)
    if request.param == "memory":
        return ObjectStorage(f"memory:///{folder}")
    url = request.getfixturevalue("server")
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return ObjectStorage(f"s3://bucket/{folder}")


def test_create_is_won_once(storage: ObjectStorage) -> None:
    won: list[int] = []

    def create(number: int) -> None:
        if storage.create("manifest/part", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert storage.read("manifest/part") == str(won[0]).encode()


def test_a_new_file_is_not_seen_before_it_is_published(storage: ObjectStorage) -> None:
    data = secrets.token_bytes(2**20) * 20  # several parts of an upload
    file = storage.new_file("shards/a.tar", "77")
    file.write(memoryview(data)[: 2**20])
    file.write(data[2**20 :])
    assert file.tell() == len(data)
    file.flush()
    (entry,) = storage.list("shards/")
    assert is_temporary(entry.key)
    found = storage.unpublished("shards/a.tar", "77")
    assert found is not None
    found.publish()
    found.publish()
    assert [(e.key, e.size) for e in storage.list("shards/")] == [("shards/a.tar", len(data))]
    assert storage.read("shards/a.tar") == data
    assert storage.read("shards/a.tar", 5, 7) == data[5:12]
    assert storage.read("shards/a.tar", len(data) - 3) == data[-3:]
    assert storage.unpublished("shards/a.tar", "77") is None


def test_discard_leaves_nothing(storage: ObjectStorage) -> None:
    file = storage.new_file("a", "1")
    file.write(b"x")
    file.discard()
    assert list(storage.list()) == []


def test_replace_list_remove(storage: ObjectStorage) -> None:
    for key in ("manifest/2", "manifest/1", "dataset.json"):
        storage.replace(key, key.encode())
    storage.replace("dataset.json", b"new")
    assert storage.read("dataset.json") == b"new"
    assert [entry.key for entry in storage.list("manifest/")] == ["manifest/1", "manifest/2"]
    assert [entry.key for entry in storage.list("manifest/2")] == ["manifest/2"]
    storage.remove("manifest/1")
    storage.remove("manifest/1")
    assert len(list(storage.list())) == 2
    with pytest.raises(FileNotFoundError):
        storage.read("manifest/1")


def test_reading_ends_where_an_object_does(
    storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.replace("a", b"12345")
    storage.replace("none", b"")
    assert storage.read("a", 3, 9) == b"45"
    for offset in (5, 9):
        assert storage.read("a", offset) == storage.read("a", offset, 2) == b""
    assert storage.read("none") == storage.read("none", 0, 7) == b""

    def fail(*arguments: object, **more: object) -> None:
        raise storage._obstore.exceptions.GenericError("a connection was lost")

    monkeypatch.setattr(storage._obstore, "get_range", fail)
    with pytest.raises(OSError, match="lost"):
        storage.read("a", 1, 2)


def test_a_storage_is_pickled_by_its_url(storage: ObjectStorage) -> None:
    storage.replace("a", b"1")
    assert pickle.loads(pickle.dumps(storage)).read("a") == b"1"


def test_urls_are_told_from_folders() -> None:
    assert is_url("s3://bucket/a")
    assert not is_url("/a/b")
    assert not is_url("a:b")
    assert isinstance(storage_at("memory:///x"), ObjectStorage)
    with pytest.raises(ArgumentError, match="no object store"):
        storage_at("nothing://x")


def test_a_job_into_an_object_store(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Converted by processes of its own, two runs at once, read, resumed, and collected."""
    source = tmp_path / "source"
    source.mkdir()
    for k in range(40):
        cells = np.full((4, 4), k, np.uint16)
        (source / str(k)).write_bytes(encode(make_dataset(cells, SOPInstanceUID=f"1.{k}")))
        os.utime(source / str(k), (1, 1))
    monkeypatch.chdir(tmp_path)  # where the key and the paths of a cache behind a URL are kept
    if storage.url.startswith("memory:"):  # it is that of this process
        monkeypatch.setattr(driving, "run_guarded", convert_batch)
        assert fastpix.convert(source, storage.url, workers=1).converted == 40
    else:
        run = partial(fastpix.convert, source, storage.url, workers=1)
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(run) for _ in range(2)]
            assert all(job.result().failed == 0 for job in both)
    cache = fastpix.open_cache(storage.url)
    assert sorted(int(values.max()) for values in cache) == list(range(40))
    for k in range(len(cache)):
        cache.verify(k)
    assert fastpix.convert(source, storage.url, workers=1).present == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{storage.url.rpartition('/')[2]}.key",
        f"{storage.url.rpartition('/')[2]}.paths.parquet",
        "source",
    ]
    keys = [entry.key for entry in storage.list()]
    assert not any(map(is_temporary, keys))
    assert {shard.removeprefix(f"{storage.url}/") for shard in cache.shards} <= set(keys)


def test_labels_in_an_object_store(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a cache behind a URL lies in the working directory."""
    source = tmp_path / "source"
    source.mkdir()
    for k in range(2):
        (source / str(k)).write_bytes(encode(make_dataset(SOPInstanceUID=f"1.{k}")))
        os.utime(source / str(k), (1, 1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(driving, "run_guarded", convert_batch)
    fastpix.convert(source, storage.url, workers=1)
    for column in ("a", "b"):
        joined = join_labels(storage.url, {"SOPInstanceUID": ["1.0"], column: [5]})
        assert (joined.labelled, joined.unlabelled) == (1, 1)
    found = fastpix.open_cache(storage.url).labels.to_pylist()
    assert sorted(found, key=str) == [{"a": 5, "b": 5}, {"a": None, "b": None}]
    keys = [entry.key for entry in storage.list()]
    assert keys.count("labels.parquet") == 1
    assert not any(map(is_temporary, keys))
