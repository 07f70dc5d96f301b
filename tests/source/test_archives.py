"""Members of archives: read without unpacking, whatever an archive declares."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import stat
import struct
import tarfile
import threading
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import encode, make_dataset

import fastpix
from fastpix.errors import PixelDataError
from fastpix.source import inflated_file as inflated_module
from fastpix.source.archives import Member, kind_of_archive, members_of
from fastpix.source.inflated_file import InflatedFile
from fastpix.source.naming import name_of
from fastpix.source.opening import read_source
from fastpix.source.stored import Memory

CONTENTS = {"b/2": b"two" * 1000, "a": b"", "b/1": os.urandom(5000), "c": b"x"}


def zipped(path: Path, contents: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, contents: Mapping[str, bytes], mode: Literal["w:", "w:gz"] = "w:") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def gzipped(path: Path, contents: Mapping[str, bytes]) -> Path:
    return tarred(path, contents, "w:gz")


MAKERS: dict[str, Callable[[Path, Mapping[str, bytes]], Path]] = {
    "zip": zipped,
    "tar": tarred,
    "gzip": gzipped,
}


def listed(path: Path, max_bytes: int = 2**20) -> list[Member]:
    return members_of(str(path), kind_of_archive(str(path)), max_bytes)


def refuses(member: Member, words: str) -> None:
    with pytest.raises(PixelDataError, match=words):
        member.read_bytes()


@pytest.mark.parametrize("kind", MAKERS)
def test_members(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / "archive", CONTENTS)
    assert kind_of_archive(str(path)) == kind
    members = listed(path)
    assert [(member.name, member.size) for member in members] == [
        (name, len(data)) for name, data in CONTENTS.items()
    ]
    for member in [*members, *members[::-1]]:
        copy = pickle.loads(pickle.dumps(member))
        assert copy == member
        assert copy.read_bytes() == CONTENTS[member.name]
        assert str(name_of(copy)) == f"{member.name} in {path}"


@pytest.mark.parametrize("kind", MAKERS)
def test_members_are_sources(tmp_path: Path, kind: str) -> None:
    cells = np.arange(12, dtype=np.uint16).reshape(3, 4)
    path = MAKERS[kind](tmp_path / "archive", {"x.dcm": encode(make_dataset(cells)), "y": b"no"})
    good, bad = listed(path)
    assert np.array_equal(fastpix.imread(good), cells)
    with pytest.raises(fastpix.NotDicomError) as caught:
        fastpix.imread(bad)
    assert str(caught.value.source) == f"y in {path}"
    stored = read_source(good)
    assert isinstance(stored, Memory)
    assert stored.whole() == good.read_bytes()


def test_stored_and_other_methods_of_zip(tmp_path: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for member in listed(zipped(tmp_path / str(method), CONTENTS, method)):
            assert member.read_bytes() == CONTENTS[member.name]
    for member in listed(zipped(tmp_path / "bz2", {"a": b"abc"}, zipfile.ZIP_BZIP2)):
        refuses(member, "method 12, which is not read; unpack the archive")


def test_zip_that_begins_with_something_else(tmp_path: Path) -> None:
    path = zipped(tmp_path / "zip", CONTENTS)
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    for member in members_of(str(path), "zip"):
        assert member.read_bytes() == CONTENTS[member.name]


def test_encrypted_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "zip", {"a": b"abc", "b": b"def"})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    path.write_bytes(data)
    secret, plain = listed(path)
    refuses(secret, "the member is encrypted; unpack the archive")
    assert plain.read_bytes() == b"def"


@pytest.mark.parametrize("kind", MAKERS)
def test_names_are_only_names(tmp_path: Path, kind: str) -> None:
    names = ["/etc/passwd", "../../up", "a/../b", "same", "same", "line\nbreak", "C:\\x"]
    path = tmp_path / "archive"
    contents = [(name, str(k).encode()) for k, name in enumerate(names)]
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as made, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the name that comes twice
            for name, data in contents:
                made.writestr(name, data)
    else:
        with tarfile.open(path, "w" if kind == "tar" else "w:gz") as archive:
            for name, data in contents:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    members = listed(path)
    assert [member.name for member in members] == names
    assert [member.read_bytes() for member in members] == [data for _, data in contents]


def test_links_devices_and_folders_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tar"
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
    with tarfile.open(path, "w") as archive:
        for k, kind in enumerate(kinds):
            info = tarfile.TarInfo(str(k))
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("plain"))
    assert [member.name for member in listed(path)] == ["plain"]
    path = tmp_path / "zip"
    with zipfile.ZipFile(path, "w") as made:
        made.mkdir("folder")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("plain", "x")
    assert [member.name for member in listed(path)] == ["plain"]


@pytest.mark.parametrize("kind", MAKERS)
def test_size_is_bounded(tmp_path: Path, kind: str) -> None:
    (member,) = listed(MAKERS[kind](tmp_path / "archive", {"a": bytes(5000)}), 4999)
    refuses(member, "takes 5000 bytes, more than max_bytes=4999; raise max_bytes=")
    (member,) = listed(tmp_path / "archive", 5000)
    assert member.read_bytes() == bytes(5000)


@pytest.mark.parametrize("said", [100, 2**20 - 1])
def test_zip_that_holds_more_or_less_than_it_says(tmp_path: Path, said: int) -> None:
    """A bomb is stopped where it passes what it says."""
    path = zipped(tmp_path / "zip", {"a": bytes(2**19)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, said)
    path.write_bytes(data)
    (member,) = listed(path)
    tracemalloc.start()
    refuses(member, "does not have the size")
    assert tracemalloc.get_traced_memory()[1] < 2**19 + 2**21
    tracemalloc.stop()


def test_zip_whose_members_overlap(tmp_path: Path) -> None:
    path = zipped(tmp_path / "zip", {"a": b"a" * 50, "b": b"b" * 50, "c": b"c" * 50})
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", data, second + 42, 0)  # where the first one lies
    path.write_bytes(data)
    first, other, whole = listed(path)
    refuses(first, "shares its bytes")
    refuses(other, "shares its bytes")
    assert whole.read_bytes() == b"c" * 50


def test_zip_damaged_here_and_there(tmp_path: Path) -> None:
    path = zipped(tmp_path / "zip", {"a": os.urandom(500)}, zipfile.ZIP_STORED)
    (member,) = listed(path)
    whole = path.read_bytes()

    def changed(at: int) -> None:
        data = bytearray(whole)
        data[at] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(0, member.stamp[1]))

    changed(100)
    refuses(member, "checksum")
    changed(0)
    refuses(member, "does not lie where")
    changed(len(whole) - 22)
    with pytest.raises(PixelDataError, match="directory cannot be read") as caught:
        members_of(str(path), "zip")
    assert caught.value.source == str(path)
    for start, packed in ((-1, 500), (10**9, 500), (0, 10**9)):
        moved = Member(
            member.archive, "a", 500, "zip", start, packed, 0, member.checksum, member.stamp
        )
        path.write_bytes(whole)
        os.utime(path, ns=(0, member.stamp[1]))
        refuses(moved, "damaged")


def test_tar_cut_off(tmp_path: Path) -> None:
    path = tarred(tmp_path / "tar", {"a": bytes(3000), "b": bytes(3000)})
    whole = path.read_bytes()
    for size in (100, 700, 3000, 4000, 4200, 7000):
        path.write_bytes(whole[:size])
        with pytest.raises(PixelDataError, match="damaged"):
            members_of(str(path), "tar")
    path.write_bytes(whole[: 2 * (512 + 3072)])  # without the zeros at its end
    assert len(listed(path)) == 2


@pytest.mark.parametrize("size", [2**30, 2**62])
def test_tar_that_says_more_than_it_holds(tmp_path: Path, size: int) -> None:
    path = tarred(tmp_path / "tar", {"a": b"abc"})
    member = listed(path)[0]
    beyond = Member(member.archive, "a", size, "tar", 512, stamp=member.stamp, max_bytes=2**63)
    refuses(beyond, "cut off")


def test_tar_with_a_header_that_is_wrong(tmp_path: Path) -> None:
    path = tarred(tmp_path / "tar", {"a": b"abc", "b": b"def"})
    data = bytearray(path.read_bytes())
    data[1024] ^= 1
    path.write_bytes(data)
    with pytest.raises(PixelDataError, match="a header is wrong"):
        listed(path)


def test_tar_with_negative_sizes_and_chains_ends(tmp_path: Path) -> None:
    path = tmp_path / "tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    for size in (-512, -1024, -(2**60)):
        info = tarfile.TarInfo("b")
        info.size = size
        path.write_bytes(bytes(512) + info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
        start = path.read_bytes()[512:]
        path.write_bytes(start)
        with pytest.raises(PixelDataError, match="damaged"):
            members_of(str(path), "tar")
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 2**40
    path.write_bytes(long_name.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(PixelDataError, match="impossibly long"):
        members_of(str(path), "tar")
    long_name.size = 1
    path.write_bytes((long_name.tobuf(tarfile.GNU_FORMAT) + b"x" + bytes(511)) * 5000)
    with pytest.raises(PixelDataError, match="damaged"):
        members_of(str(path), "tar")


def test_long_names_and_pax_headers(tmp_path: Path) -> None:
    name = "folder/" * 40 + "é.dcm"
    for style in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        path = tmp_path / str(style)
        with tarfile.open(path, "w", format=style) as archive:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
        (member,) = listed(path)
        assert (member.name, member.read_bytes()) == (name, b"abc")


def test_sparse_member_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.type = tarfile.GNUTYPE_SPARSE
    path = tmp_path / "tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    (member,) = listed(path)
    refuses(member, "sparse")


@pytest.mark.parametrize("kind", MAKERS)
def test_archive_that_has_changed(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / "archive", CONTENTS)
    member = listed(path)[0]
    MAKERS[kind](path, {"a": b"abc"})
    refuses(member, "has changed")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        member.read_bytes()


# Gzip.


def random_contents(count: int, size: int) -> dict[str, bytes]:
    random = np.random.default_rng(5)
    return {str(k): random.integers(0, 4, size, np.uint8).tobytes() for k in range(count)}


def test_gzip_read_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflated_module, "_FIRST_STEP", 1000)
    monkeypatch.setattr(inflated_module, "_MOST_PLACES", 7)
    contents = random_contents(30, 3001)
    members = listed(gzipped(tmp_path / "gz", contents))
    for k in np.random.default_rng(3).permutation(30).tolist() * 2:
        assert members[k].read_bytes() == contents[members[k].name]
    inflated = inflated_module.inflated_file(members[0].archive, members[0].stamp)
    assert len(inflated._places) <= 7


def test_gzip_of_several_parts_and_padding(tmp_path: Path) -> None:
    data = tarred(tmp_path / "tar", CONTENTS).read_bytes()
    path = tmp_path / "gz"
    path.write_bytes(gzip.compress(data[:700]) + bytes(70) + gzip.compress(data[700:]) + bytes(9))
    assert {m.name: m.read_bytes() for m in listed(path)} == CONTENTS
    path.write_bytes(gzip.compress(data[:2000]) + b"garbage")
    with pytest.raises(PixelDataError, match="no gzip"):
        listed(path)


def test_gzip_cut_off_or_damaged(tmp_path: Path) -> None:
    path = gzipped(tmp_path / "gz", random_contents(3, 30000))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PixelDataError, match="cut off"):
        listed(path)
    path.write_bytes(whole[:5000] + b"\xff" * 50 + whole[5050:])
    with pytest.raises(PixelDataError, match="damaged"):
        [member.read_bytes() for member in listed(path)]


def test_gzip_by_threads(tmp_path: Path) -> None:
    contents = random_contents(40, 20000)
    members = listed(gzipped(tmp_path / "gz", contents))
    wrong: list[str] = []

    def check(order: list[int]) -> None:
        wrong.extend(
            members[k].name for k in order if members[k].read_bytes() != contents[members[k].name]
        )

    orders = [np.random.default_rng(k).permutation(40).tolist() for k in range(6)]
    threads = [threading.Thread(target=check, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_gzip_is_not_read_from_its_beginning_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflated_module, "_FIRST_STEP", 10_000)
    contents = random_contents(60, 10_000)
    members = listed(gzipped(tmp_path / "gz", contents))
    inflated = []
    piece = InflatedFile._next

    def counted(self: InflatedFile, file: FileIO, most: int) -> bytes:
        inflated.append(piece(self, file, most))
        return inflated[-1]

    monkeypatch.setattr(InflatedFile, "_next", counted)
    for member in reversed(members):
        assert member.read_bytes() == contents[member.name]
    assert sum(map(len, inflated)) < 3 * 60 * 10_000


# What is an archive.


def test_kinds(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def kind(data: bytes, name: str = "x") -> str:
        path.with_name(name).write_bytes(data)
        return kind_of_archive(str(path.with_name(name)))

    dicom = encode(make_dataset())
    assert kind(b"") == ""
    assert kind(dicom) == ""
    assert kind(b"PK\x03\x04" + dicom[4:]) == ""
    assert kind(gzip.compress(dicom)) == ""
    assert kind(b"PK\x05\x06" + bytes(18)) == "zip"
    assert listed(path) == []
    old = bytearray(tarred(path, {"a": b"x"}).read_bytes())
    old[257:265] = bytes(8)
    old[148:156] = f"{256 + sum(old[:148]) + sum(old[156:512]):06o}\0 ".encode()
    assert kind(bytes(old)) == ""
    assert kind(bytes(old), "old.tar") == "tar"
    assert [member.name for member in listed(path.with_name("old.tar"))] == ["a"]
    assert kind(gzip.compress(bytes(old)), "old.tgz") == "gzip"
    for name in ("a.tar.xz", "a.7z", "A.RAR"):
        with pytest.raises(PixelDataError, match="unpack it"):
            kind(b"something", name)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(MAKERS)),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    kept=st.floats(0, 1) | st.just(1.0),
)
def test_noise_gives_errors_of_ours(kind: str, changes: list[tuple[int, int]], kept: float) -> None:
    with TemporaryDirectory() as folder:
        path = MAKERS[kind](Path(folder) / "archive", {"a": b"abc" * 50, "b": os.urandom(50)})
        whole = bytearray(path.read_bytes())
        for at, value in changes:
            whole[at % len(whole)] = value
        path.write_bytes(whole[: round(kept * len(whole))])
        with suppress(PixelDataError):
            for member in members_of(str(path), kind, 2**20):
                with suppress(PixelDataError):
                    assert len(member.read_bytes()) == member.size
