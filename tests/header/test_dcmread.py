"""`fastpix.dcmread` and `pydicom.dcmread`: the same data sets, warnings and errors."""

from __future__ import annotations

import copy
import gzip
import io
import logging
import pickle
import random
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import config, hooks
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, file_of, make_dataset
from support.matrices import every
from support.real_files import WHEEL, corpus_parameters, file_id, files_under
from support.sizes import cases, first_case, some

import fastpix
from fastpix.header import dcmread as filereader

FILES = files_under(WHEEL)
MUTANTS = cases(3000)
SEEDS = [path for path in FILES if path.stat().st_size < 20_000]
WINDOWS = (400, 450, 520, 640, 1000, 2**16)  # to cut elements at other places than files do


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pydicom logs every warning too."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


Outcome = tuple[Any, tuple[Any, ...] | None, list[tuple[Any, ...]]]


def told(function: Callable[..., Any], *args: Any, **options: Any) -> Outcome:
    """Return the result of a call, or None; its error; and its warnings."""
    result = error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as raised:
            error = type(raised), str(raised)
    return result, error, [(item.category, str(item.message)) for item in caught]


def assert_same_elements(ours: Dataset, theirs: Dataset) -> None:
    """Compare data sets as they stand: nothing is converted by it."""
    assert type(ours) is type(theirs)
    assert list(ours._dict) == list(theirs._dict)
    for mine, other in zip(ours._dict.items(), theirs._dict.items(), strict=True):
        assert type(mine[0]) is type(other[0])
        assert_same_element(mine[1], other[1])
    attributes = [{**vars(dataset)} for dataset in (ours, theirs)]
    assert list(attributes[0]) == list(attributes[1])
    buffers = [each.pop("buffer", None) for each in attributes]
    assert type(buffers[0]) is type(buffers[1])
    metas = [each.pop("file_meta", None) for each in attributes]
    if isinstance(metas[0], FileMetaDataset) and isinstance(metas[1], FileMetaDataset):
        assert_same_elements(*metas)
    else:
        assert metas[0] is metas[1] is None
    for each in attributes:
        del each["_dict"]
    assert attributes[0] == attributes[1]


def assert_same_element(mine: Any, other: Any) -> None:
    assert type(mine) is type(other)
    if isinstance(mine, RawDataElement):
        assert tuple(mine) == tuple(other)
        assert [type(field) for field in mine] == [type(field) for field in other]
        return
    fields, others = vars(mine), vars(other)
    assert list(fields) == list(others)
    for name, value in fields.items():
        assert type(value) is type(others[name]), name
        if isinstance(value, Sequence):
            undefined = [vars(each).get("is_undefined_length") for each in (value, others[name])]
            assert undefined[0] is undefined[1]
            for item, another in zip(value, others[name], strict=True):
                assert_same_elements(item, another)
        else:
            assert repr(value) == repr(others[name]), name


def assert_same_converted(ours: Dataset, theirs: Dataset) -> None:
    """Convert every element of both, and compare them, to any depth."""
    for tag in list(theirs._dict):
        mine, error, warned = told(ours.__getitem__, tag)
        other, other_error, other_warned = told(theirs.__getitem__, tag)
        assert (error, warned) == (other_error, other_warned)
        if other is None:
            continue
        assert (mine.tag, mine.VR, mine.VM) == (other.tag, other.VR, other.VM)
        if mine.VR == "SQ":
            assert len(mine.value) == len(other.value)
            for item, another in zip(mine.value, other.value, strict=True):
                assert_same_elements(item, another)
                assert_same_converted(item, another)
                assert_same_elements(item, another)
        else:
            assert_same_element(mine, other)
            assert repr(mine) == repr(other)


def saved(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def compare(source: Any, **options: Any) -> FileDataset | None:
    """Read by both, and compare what comes out before anything is converted."""
    ours, error, warned = told(filereader.dcmread, source, **options)
    theirs, other_error, other_warned = told(pydicom.dcmread, source, **options)
    assert error == other_error
    assert warned == other_warned
    if theirs is not None:
        assert_same_elements(ours, theirs)
    return ours if isinstance(ours, FileDataset) else None


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("window", [450, 2**16])
@every("path", FILES)
def test_elements(monkeypatch: pytest.MonkeyPatch, path: Path, stop: bool, window: int) -> None:
    monkeypatch.setattr(filereader, "_WINDOW", window)
    compare(path, stop_before_pixels=stop)
    compare(str(path), stop_before_pixels=stop, force=True)


@pytest.mark.parametrize("path", some(FILES), ids=file_id)
def test_converted(path: Path) -> None:
    check_converted(path)


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    check_converted(path)
    compare(path, stop_before_pixels=True)
    monkeypatch.setattr(filereader, "_WINDOW", 700)
    compare(path, force=True)


def check_converted(path: Path) -> None:
    """Compare all that a data set of a file can be asked for."""
    if compare(path) is None:
        return
    checks: list[Callable[[FileDataset], Any]] = [
        saved,
        str,
        FileDataset.to_json,
        lambda dataset: dataset == pydicom.dcmread(path),
        lambda dataset: pydicom.dcmread(path) == dataset,
        lambda dataset: [repr(element) for element in dataset.iterall()] and saved(dataset),
    ]
    for check in checks:
        ours, theirs = both(path)
        assert told(check, ours) == told(check, theirs)
    for again in (lambda dataset: pickle.loads(pickle.dumps(dataset)), copy.deepcopy):
        ours, theirs = both(path)
        (ours, *rest), (theirs, *other_rest) = told(again, ours), told(again, theirs)
        assert rest == other_rest
        assert_same_elements(ours, theirs)
    ours, theirs = both(path)
    assert_same_converted(ours.file_meta, theirs.file_meta)
    assert_same_converted(ours, theirs)
    assert_same_elements(ours, theirs)


def both(path: Path) -> tuple[FileDataset, FileDataset]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return filereader.dcmread(path), pydicom.dcmread(path)


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "693_J2KI.dcm", "no_meta.dcm"])
@pytest.mark.parametrize("stop", [False, True])
def test_files(tmp_path: Path, name: str, stop: bool) -> None:
    """Binary files are read from where they stand, and left where pydicom leaves them."""
    data = (WHEEL / name).read_bytes()
    (tmp_path / "file").write_bytes(b"before" + data)
    (tmp_path / "file.gz").write_bytes(gzip.compress(data))
    places = []
    for read in (filereader.dcmread, pydicom.dcmread):
        with open(tmp_path / "file", "rb") as later:
            later.seek(6)
            told(read, later, stop_before_pixels=stop)
            places.append(later.tell())
    assert places[0] == places[1]
    with (
        io.BytesIO(data) as memory,
        open(WHEEL / name, "rb") as plain,
        gzip.open(tmp_path / "file.gz") as zipped,
    ):
        files: list[Any] = [memory, plain, zipped]
        for file in files:
            results = []
            for read in (filereader.dcmread, pydicom.dcmread):
                file.seek(0)
                results.append(told(read, file, stop_before_pixels=stop))
                places.append(file.tell())
            assert places[-2] == places[-1]
            (ours, *rest), (theirs, *other_rest) = results
            assert rest == other_rest
            if theirs is not None:
                assert_same_elements(ours, theirs)
                assert ours.buffer is theirs.buffer


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not compiled is pydicom's."""
    path = WHEEL / "CT_small.dcm"
    compare(path, defer_size=100)
    compare(path, specific_tags=["PatientName", "Rows"])
    for setting in (config.IGNORE, config.RAISE):
        monkeypatch.setattr(config.settings, "reading_validation_mode", setting)
        for file in ("CT_small.dcm", "badVR.dcm", "693_J2KI.dcm", "emri_small.dcm"):
            compare(WHEEL / file)
    monkeypatch.setattr(config, "use_none_as_empty_text_VR_value", True)
    compare(WHEEL / "CT_small.dcm")


def test_hooks() -> None:
    """A conversion of the caller's is asked of every element that pydicom asks it of."""

    def reversed_uid(raw: RawDataElement, data: dict[str, Any], **kwargs: Any) -> None:
        data["value"] = "1.2.3"

    hooks.hooks.register_callback("raw_element_value", reversed_uid)
    try:
        ours = compare(WHEEL / "CT_small.dcm")
    finally:
        hooks.hooks.register_callback("raw_element_value", hooks.raw_element_value)
    assert ours is not None
    assert ours.file_meta.TransferSyntaxUID == "1.2.3"


def test_errors(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"text" * 100)
    (tmp_path / "empty").write_bytes(b"")
    for source in (tmp_path / "text", tmp_path / "empty", tmp_path, tmp_path / "none", 3, None):
        error = told(filereader.dcmread, source)[1]
        assert error == told(pydicom.dcmread, source)[1]
        assert error is not None
    with pytest.raises(InvalidDicomError, match="'DICM' prefix is missing"):
        filereader.dcmread(tmp_path / "text")


def test_values_are_their_own(tmp_path: Path) -> None:
    """No value keeps the rest of a file in memory."""
    dataset = filereader.dcmread(WHEEL / "CT_small.dcm")
    for element in dataset._dict.values():
        assert type(element.value) in (bytes, str, type(None))


def explicit(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """Return an element of explicit VR."""
    length = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return head + struct.pack("<HL", 0, length) + value
    return head + struct.pack("<H", length) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    """Return an element of implicit VR."""
    length = len(value) if length is None else length
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length) + value


def item(value: bytes, length: int | None = None) -> bytes:
    """Return an item; of undefined length where `length` says so."""
    return implicit(0xFFFEE000, value, length) + (ITEM_END if length == UNDEFINED else b"")


UNDEFINED = 0xFFFFFFFF
ITEM_END, SEQUENCE_END = implicit(0xFFFEE00D, b""), implicit(0xFFFEE0DD, b"")
NAME = explicit(0x00100010, b"PN", "Ä^B ".encode("latin1"))
LATIN = explicit(0x00080005, b"CS", b"ISO_IR 100")
GREEK = explicit(0x00080005, b"CS", b"ISO_IR 126")
BARE = implicit(0x00100010, b"A^B ")
WORSE = explicit(0x00080005, b"CS", b"ISO-IR 100 ")
WORST = explicit(0x00080005, b"CS", b"NOTHING ")
SQ = 0x00081140
# Data sets that follow the File Meta of a file: their names say what is odd.
ODD = {
    "empty": b"",
    "a tag": b"\x10\0\x10\0",
    "seven bytes more": LATIN + NAME + b"\x20\0\x0d\0UI\0",
    "half a wide head": LATIN + b"\xe0\x7f\x10\0OW\0\0\x01",
    "value cut off": LATIN + NAME[:-2],
    "charset cut off": LATIN[:-3],
    "charsets": LATIN + NAME + GREEK + explicit(SQ, b"SQ", item(NAME) + SEQUENCE_END, UNDEFINED),
    "misspelt charset": WORSE + NAME + explicit(SQ, b"SQ", item(NAME) + SEQUENCE_END, UNDEFINED),
    "unknown charset": WORST + NAME + explicit(SQ, b"SQ", item(NAME) + SEQUENCE_END, UNDEFINED),
    "two charsets": explicit(0x00080005, b"CS", b"\\ISO 2022 IR 87 ") + NAME,
    "charset of another VR": explicit(0x00080005, b"LO", b"ISO_IR 100") + NAME,
    "charset of no VR": explicit(0x00080005, b"ZZ", b"ISO_IR 100")
    + explicit(SQ, b"SQ", item(NAME, UNDEFINED) + SEQUENCE_END, UNDEFINED)
    + NAME,
    "charset without a value": explicit(0x00080005, b"CS", b"") + NAME,
    "charset of undefined length": explicit(0x00080005, b"UN", SEQUENCE_END, UNDEFINED) + NAME,
    "charset in an item": LATIN
    + explicit(SQ, b"SQ", item(GREEK + NAME) + item(WORSE + NAME) + SEQUENCE_END, UNDEFINED),
    "charset without VR in an item": explicit(
        SQ,
        b"SQ",
        item(explicit(0x00080005, b"ZZ", b"ISO_IR 100") + NAME) + SEQUENCE_END,
        UNDEFINED,
    )
    + NAME,
    "delimiter at the top": LATIN + ITEM_END + NAME,
    "item at the top": LATIN + item(NAME) + NAME,
    "duplicates": LATIN + NAME + explicit(0x00100010, b"PN", b"C^D ") + NAME,
    "out of order": NAME + LATIN,
    "unknown VR": LATIN + explicit(0x00100010, b"ZZ", b"C^D ") + NAME,
    "implicit among explicit": LATIN + implicit(0x00100010, b"C^D ") + NAME,
    "odd length": LATIN + explicit(0x00100010, b"PN", b"C^D") + NAME,
    "reserved bytes": LATIN + b"\x10\0\x10\0UT\x11\x22\x02\0\0\0AB" + NAME,
    "empty values": b"".join(explicit(0x00100010 + k, vr, b"") for k, vr in enumerate(
        (b"PN", b"DS", b"IS", b"US", b"SQ", b"UN", b"OB", b"UT", b"LO"))),
    "sequence of nothing": explicit(SQ, b"SQ", SEQUENCE_END, UNDEFINED) + NAME,
    "empty items": explicit(SQ, b"SQ", item(b"") + item(b"", UNDEFINED) + SEQUENCE_END, UNDEFINED),
    "sequence without its end": explicit(SQ, b"SQ", item(NAME), UNDEFINED),
    "item without its end": explicit(SQ, b"SQ", implicit(0xFFFEE000, NAME, UNDEFINED), UNDEFINED),
    "sequence of no items": explicit(SQ, b"SQ", NAME + SEQUENCE_END, UNDEFINED) + NAME,
    "item that is too short": explicit(SQ, b"SQ", item(NAME, 6) + SEQUENCE_END, UNDEFINED) + NAME,
    "item that is too long": explicit(SQ, b"SQ", item(NAME, 99) + SEQUENCE_END, UNDEFINED) + NAME,
    "delimiter in an item of defined length": explicit(
        SQ, b"SQ", item(NAME + ITEM_END + NAME) + SEQUENCE_END, UNDEFINED) + NAME,
    "implicit items": explicit(SQ, b"SQ", item(BARE) + item(BARE, UNDEFINED) + SEQUENCE_END,
                               UNDEFINED) + NAME,
    "UN sequence": explicit(SQ, b"UN", item(BARE) + item(BARE, UNDEFINED) + SEQUENCE_END,
                            UNDEFINED) + NAME,
    "private UN sequence": explicit(0x00091001, b"UN", item(BARE) + SEQUENCE_END, UNDEFINED),
    "OB of undefined length": explicit(0x00091001, b"OB", item(b"ABCD") + SEQUENCE_END, UNDEFINED)
    + NAME,
    "OB without its end": NAME + explicit(0x00091001, b"OB", item(b"ABCD"), UNDEFINED),
    "OB without its end, in an item": NAME + explicit(
        SQ, b"SQ", item(NAME + explicit(0x00091001, b"OB", item(b"ABCD"), UNDEFINED))
        + SEQUENCE_END, UNDEFINED),
    "pixels in an item": explicit(
        0x00880200, b"SQ", item(NAME + explicit(0x7FE00010, b"OW", b"1234") + NAME) + SEQUENCE_END,
        UNDEFINED) + NAME + explicit(0x7FE00010, b"OW", b"1234") + NAME,
    "delimiter with a length": explicit(
        SQ, b"SQ", item(NAME) + implicit(0xFFFEE0DD, b"", 8), UNDEFINED) + NAME,
    "group 0002 later": LATIN + explicit(0x00020003, b"UI", b"1.2\0") + NAME,
    "a command set": implicit(0x00000002, b"1.2\0") + LATIN + NAME,
    "nested": explicit(SQ, b"SQ", item(LATIN + explicit(
        SQ, b"SQ", item(NAME, UNDEFINED) + SEQUENCE_END, UNDEFINED) + NAME, UNDEFINED)
        + SEQUENCE_END, UNDEFINED) + NAME,
}  # fmt: skip
ODD_IMPLICIT = {
    "explicit after all": LATIN + NAME,
    "sequence": implicit(SQ, item(BARE) + item(BARE, UNDEFINED) + SEQUENCE_END, UNDEFINED) + BARE,
    "private sequence": implicit(0x00091001, item(BARE) + SEQUENCE_END, UNDEFINED) + BARE,
    "private sequence of nothing": implicit(0x00091001, SEQUENCE_END, UNDEFINED) + BARE,
    "text of undefined length": implicit(0x00100010, item(b"AB") + SEQUENCE_END, UNDEFINED) + BARE,
    "unknown public tag": implicit(0x00100011, item(BARE) + SEQUENCE_END, UNDEFINED) + BARE,
    "explicit items": BARE + implicit(SQ, item(NAME) + SEQUENCE_END, UNDEFINED),
    "charset": implicit(0x00080005, b"ISO_IR 100") + BARE,
    "long charset": implicit(0x00080005, b"ISO_IR 100" + b" " * 2000) + BARE
    + implicit(SQ, item(BARE) + SEQUENCE_END, UNDEFINED),
    "repeating group": implicit(0x60020010, item(BARE) + SEQUENCE_END, UNDEFINED) + BARE,
}  # fmt: skip


def nested(depth: int) -> bytes:
    """Return a sequence in a sequence in a sequence, lengths defined and not by turns."""
    content = NAME
    for k in range(depth):
        within = item(content, UNDEFINED if k % 2 else None)
        content = explicit(SQ, b"SQ", within + SEQUENCE_END, UNDEFINED)
    return content


def check_bytes(data: bytes, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filereader, "_WINDOW", window)
    outcomes = []
    for read in (filereader.dcmread, pydicom.dcmread):
        file = io.BytesIO(data)
        result, error, warned = told(read, file)
        outcomes.append((result, error, warned, None if error else file.tell()))
    (ours, *rest), (theirs, *other_rest) = outcomes
    assert rest == other_rest
    if theirs is not None:
        assert_same_elements(ours, theirs)


@pytest.mark.parametrize("name", ODD)
def test_odd(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data = file_of(ODD[name], syntax=ExplicitVRLittleEndian)
    for window in (*range(178, len(data) + 9), 2**16):
        check_bytes(data, window, monkeypatch)


@pytest.mark.parametrize("name", ODD_IMPLICIT)
def test_odd_implicit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data = file_of(ODD_IMPLICIT[name], syntax=ImplicitVRLittleEndian)
    for window in (*range(178, min(len(data), 300) + 9), 2**16):
        check_bytes(data, window, monkeypatch)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return a file with one to four faults, most of them in heads of elements."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(min(len(changed), 128), len(changed) or 1)
        kind = chance.randrange(7)
        if kind == 0:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            changed[place : place + 4] = b"\xff\xff\xff\xff"
        elif kind == 3:
            del changed[place : place + chance.randint(1, 12)]
        elif kind == 4:
            parts = [ITEM_END, SEQUENCE_END, LATIN, WORST, NAME, item(NAME), b"SQ", b"UN", b"\0\0"]
            changed[place:place] = chance.choice(parts)
        elif kind == 5:
            other = chance.randrange(len(changed))
            changed[place : place + 16] = changed[other : other + 16]
        elif len(changed) > 400:
            del changed[max(place, 300) :]
    return bytes(changed)


def test_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file has become, both read it alike."""
    first = first_case()
    files = [path.read_bytes() for path in SEEDS]
    files += [file_of(odd, syntax=ExplicitVRLittleEndian) for odd in ODD.values()]
    files += [file_of(odd, syntax=ImplicitVRLittleEndian) for odd in ODD_IMPLICIT.values()]
    for seed in range(first, first + MUTANTS):
        chance = random.Random(seed)
        data = mutated(chance, chance.choice(files))
        try:
            check_bytes(data, chance.choice(WINDOWS), monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"mutant {seed}") from error


def test_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (3, 30, 100):
        check_bytes(file_of(nested(depth)), 2**16, monkeypatch)
    for read in (filereader.dcmread, pydicom.dcmread):
        with pytest.raises(RecursionError):
            read(io.BytesIO(file_of(nested(1000))))


def test_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values larger than a window, and as large."""
    for size in (2**16 - 300, 2**16, 2**17):
        dataset = make_dataset()
        dataset.private_block(0x0009, "SOMEONE", create=True).add_new(1, "OB", bytes(size))
        check_bytes(encode(dataset), 2**16, monkeypatch)


def test_public() -> None:
    assert fastpix.dcmread is filereader.dcmread
