"""Names are HMACs of a key that nobody else can read; the key file cannot be planted or weak."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpix.errors import ArgumentError
from fastpix.pseudonyms import Names, default_key_file, load_key


@given(st.binary(min_size=1, max_size=200), st.text(max_size=50))
def test_names_are_hmacs(key: bytes, text: str) -> None:
    data = text.encode("utf-8", "surrogatepass") if _is_plain(text) else None
    if data is None:
        return
    expected = hmac.digest(key, b"path\0" + data, "sha256").hex()[:32]
    assert Names(key).of_path(text) == expected


def _is_plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def test_kinds_of_names_differ() -> None:
    names = Names(b"k" * 32)
    found = {names.of_path("1"), names.of_uid("1"), names.of_text("1"), names.of_patient("1")}
    assert len(found) == 4
    assert len(names.of_state(1, 2)) == 16
    assert names.of_state(1, 2) != names.of_state(12, 0)


def test_patients_are_ids_and_issuers() -> None:
    names = Names(b"k" * 32)
    assert names.of_patient("A 1", "X") == names.of_patient(" A 1 ", " X")
    assert names.of_patient("A1", "X") != names.of_patient("A1", "Y")
    assert names.of_patient("", "") == names.of_patient(" ") == names.of_patient(" ", "X")


def test_names_of_odd_paths() -> None:
    odd = os.fsdecode(b"a\xff.dcm")
    assert Names(b"k" * 32).of_path(odd) != Names(b"k" * 32).of_path("a.dcm")


def test_a_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = default_key_file(tmp_path / "out")
    key = load_key(file, tmp_path / "out")
    assert len(key) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_key(file, tmp_path / "out") == key
    assert [path.name for path in tmp_path.iterdir()] == ["out.key"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zz", "no key in hexadecimal"),
        ("00" * 15, "less than 16 bytes"),
        ("00" * 32, "weak key"),
        ("abab" * 16, "weak key"),
    ],
)
def test_a_weak_key_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ArgumentError, match=said):
        load_key(file, tmp_path / "out")


def test_a_readable_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    load_key(file, None)
    file.chmod(0o644)
    with pytest.raises(ArgumentError, match="can be read by others"):
        load_key(file, None)


def test_no_link_is_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    link = tmp_path / "key"
    link.symlink_to(victim)
    with pytest.raises(ArgumentError, match="is a link"):
        load_key(link, None)
    assert not victim.exists()
    load_key(victim, None)
    with pytest.raises(ArgumentError, match="is a link"):
        load_key(link, None)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(ArgumentError, match="no regular file"):
        load_key(tmp_path / "key", None)


def test_a_key_inside_the_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="inside the output"):
        load_key(tmp_path / "out" / "key", tmp_path / "out")
