"""The index serves regular files alone, and gives what pydicom gives."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from itertools import cycle, product, repeat
from pathlib import Path
from random import Random
from string import ascii_uppercase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config, hooks
from pydicom.dataset import Dataset
from pydicom.uid import PrivateTransferSyntaxes, register_transfer_syntax
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32
from support.file_structures import encode, mutated, parse, shortened
from support.index_and_pydicom import ENOUGH, REFUSED, facts_of, serves, walk_of
from support.matrices import every
from support.real_files import WHEEL, corpus_files, corpus_parameters, file_id, files_under
from support.regular_files import IRREGULAR, PLAIN, REGULAR, WORD
from support.seed_files import irregular_files, regular_files, wheel_files
from support.sizes import cases, some
from support.structured_files import STRUCTURED

import fastpix
from fastpix._index import Walk
from fastpix.header import index, instance
from fastpix.header.attributes import Attributes
from fastpix.header.index import find_elements
from fastpix.image.limits import MAX_BYTES
from fastpix.source import opening
from fastpix.source.opening import read_source
from fastpix.source.stored import File, Memory
from fastpix.standard.indexed import INDEXED, Form, Place

MUTANTS = cases(2000)


SERVED = REGULAR | STRUCTURED


@every("name", SERVED)
def test_regular(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert serves(Memory(SERVED[name]))
    found = opened(SERVED[name])
    monkeypatch.setattr(instance, "_read_regular", lambda *_: None)
    assert found == opened(SERVED[name])


def opened(data: bytes) -> tuple[Any, ...]:
    """What comes of opening and reading a file: warnings, facts and values, or an error."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            opened = fastpix.open(data)
            found: list[object] = [facts_of(opened.header)]
            found += [opened.stored().tobytes(), opened.read().tobytes()]
        except fastpix.FastpixError as error:
            found = [type(error), str(error)]
    return [(each.category, str(each.message)) for each in heard], found


@every("name", IRREGULAR)
def test_irregular(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = IRREGULAR[name]
    assert not serves(Memory(data))
    found = opened(data)
    monkeypatch.setattr(instance, "_read_regular", lambda *_: None)
    assert found == opened(data)


def test_vrs_are_those_of_pydicom() -> None:
    """An element behind the pixels ends with the file only if its length is where it should be."""
    short, long = set(), set()
    for first, second in product(ascii_uppercase, repeat=2):
        vr = (first + second).encode()
        head = struct.pack("<HH2s", 0x7FE1, 0x1001, vr)
        if find_elements(Memory(PLAIN + head + WORD(2) + b"ab")):
            short.add(first + second)
        if find_elements(Memory(PLAIN + head + bytes(2) + struct.pack("<I", 6) + b"abcdef")):
            long.add(first + second)
    assert short == {str(vr) for vr in EXPLICIT_VR_LENGTH_16}
    assert long == {str(vr) for vr in EXPLICIT_VR_LENGTH_32 if len(str(vr)) == 2}


def test_every_row_of_sequences_is_tried() -> None:
    """Each element that the table names in an item stands in a file that is served."""
    taken: set[tuple[Place, int]] = set()

    def collect(at: Attributes, place: Place) -> None:
        for row in INDEXED:
            if row.place == place and row.first in at:
                taken.add((place, row.first))
                if row.form in (Form.SEQUENCE, Form.FRAMES):
                    for item in at.items(row.first):
                        collect(item, row.items)

    for data in STRUCTURED.values():
        found = instance._read_regular(Memory(data), MAX_BYTES)
        assert found is not None
        collect(found.attributes, Place.DATA_SET)
    nested = {(row.place, row.first) for row in INDEXED if row.place != Place.DATA_SET}
    assert nested <= taken


# Files of all kinds.


@every("path", files_under(WHEEL))
def test_wheel(path: Path) -> None:
    assert_alike(path)


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Path) -> None:
    assert_alike(path)


def assert_alike(path: Path) -> None:
    """A file is read alike by both routes, from memory and from the disk."""
    held = serves(Memory(path.read_bytes()))
    stored = read_source(path)
    assert not isinstance(stored, Dataset)
    assert serves(stored) == held


def share_of(paths: list[Path]) -> float:
    """Print and return how many of the files that can be read the index serves."""
    served = readable = 0
    for path in paths:
        data = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fastpix.open(data)
            except fastpix.FastpixError:
                assert not serves(Memory(data))
                continue
        readable += 1
        served += serves(Memory(data))
    print(f"the index serves {served} of {readable} files that can be read, of {len(paths)}")
    return served / readable


def test_share_of_the_wheel() -> None:
    """Its files are there for what is odd in them."""
    assert share_of(files_under(WHEEL)) > 0.5


@pytest.mark.corpus
@pytest.mark.skipif(not corpus_files(), reason="FASTPIX_CORPUS names no folder")
def test_share_of_the_corpus() -> None:
    assert share_of(corpus_files()) >= 0.97


# Parts.

SMALL = [encode(file) for file in wheel_files()]
NAMES = {name: data for name, data in {**SERVED, **IRREGULAR}.items() if data}


@every("name", some(list(NAMES)))
def test_parts(name: str) -> None:
    assert_parts_do_not_matter(NAMES[name])


@pytest.mark.parametrize("number", some(range(len(SMALL))))
def test_parts_of_the_wheel(number: int) -> None:
    assert_parts_do_not_matter(SMALL[number])


def assert_parts_do_not_matter(data: bytes) -> None:
    """A break at any byte, and parts of any size, make no difference."""
    once = walk_of(data, repeat(len(data)))
    step = max(1, len(data) // 4096)
    for end in range(1, len(data), step):
        assert walk_of(data, sizes(end, len(data))) == once
    for size in (1, 2, 3, 7, 8, 12, 19, 20, 21, 64, 133, ENOUGH):
        assert walk_of(data, repeat(size)) == once


def sizes(first: int, *others: int) -> Iterator[int]:
    yield first
    yield from cycle(others)


@given(st.sampled_from(SMALL), st.lists(st.integers(1, 300), min_size=1))
@settings(deadline=None)
def test_parts_of_any_size(data: bytes, parts: list[int]) -> None:
    assert walk_of(data, cycle(parts)) == walk_of(data, repeat(len(data)))


@pytest.mark.parametrize("base", [-1, 1, 2**62])
def test_a_part_from_elsewhere_is_refused(base: int) -> None:
    walk = Walk(len(PLAIN))
    assert walk.on(PLAIN[:-1], base) == REFUSED
    assert Walk(len(PLAIN)).on(PLAIN + b"\0", 0) == REFUSED
    assert Walk(len(PLAIN)).on(b"", 0) == REFUSED


@pytest.mark.parametrize(("head", "fragment"), some([(1040, 20), (1100, 33), (4096, 64)]))
def test_windows(head: int, fragment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are read as far as is needed give what those in memory give."""
    monkeypatch.setattr(opening, "RESIDENT", 0)
    monkeypatch.setattr(opening, "HEAD", head)
    monkeypatch.setattr(index, "HEAD", head)
    monkeypatch.setattr(index, "_FRAGMENT", fragment)
    path = tmp_path / "image.dcm"
    for data in some([*SERVED.values(), *SMALL]):
        path.write_bytes(data)
        stored = read_source(path)
        assert isinstance(stored, File)
        assert serves(stored), data


# pydicom's own settings.


def no_callback(*arguments: Any, **named: Any) -> None:
    """Take part in pydicom's reading, without an effect."""


def test_pydicom_as_it_comes() -> None:
    assert find_elements(Memory(PLAIN))


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (config, "data_element_callback", lambda element, **_: element),
        (config, "replace_un_with_known_vr", False),
        (config, "assume_implicit_vr_switch", False),
        (config, "convert_wrong_length_to_UN", True),
        (config, "use_none_as_empty_text_VR_value", True),
        (config, "debugging", True),
        (config.settings, "infer_sq_for_un_vr", False),
        (config.settings, "reading_validation_mode", config.RAISE),
        (config.settings, "reading_validation_mode", config.IGNORE),
        (hooks.hooks, "raw_element_value", no_callback),
        (hooks.hooks, "raw_element_vr", no_callback),
        (hooks.hooks, "raw_element_kwargs", {"key": 1}),
    ],
    ids=lambda value: str(value) if isinstance(value, (str, bool, int)) else "",
)
def test_other_settings_of_pydicom(
    where: Any, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, value)
    assert find_elements(Memory(PLAIN)) is None


def test_private_syntaxes_of_pydicom() -> None:
    register_transfer_syntax("1.2.826.0.1.3680043.10.2", implicit_vr=False, little_endian=True)
    try:
        assert find_elements(Memory(PLAIN)) is None
    finally:
        PrivateTransferSyntaxes.clear()
    assert find_elements(Memory(PLAIN))


# Mutations.


def test_mutations() -> None:
    """Whatever the index serves of mutated files, it serves as pydicom's route does."""
    files, irregular = regular_files(), irregular_files()
    files += [shortened(parse(path.read_bytes())) for path in corpus_files()]
    served = 0
    for number in range(MUTANTS):
        random = Random(number)
        file = random.choice(files if random.random() < 0.95 else irregular)
        data = mutated(file, random, files)
        try:
            served += serves(Memory(data))
        except Exception as error:
            raise AssertionError(f"mutant {number}") from error
    print(f"the index serves {served} of {MUTANTS} mutants")
    assert served > MUTANTS / 4
