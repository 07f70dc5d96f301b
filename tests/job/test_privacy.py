"""No text of a file reaches what a job writes or says, whatever it is and wherever it stands."""

from __future__ import annotations

import json
import os
import shutil
import struct
import tarfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.builders import element, encode, file_of, image_elements, make_dataset, sequence
from support.sizes import cases

import fastpix
from fastpix.errors import FastpixError, NoPixelDataError
from fastpix.job.batch_conversion import convert_batch
from fastpix.job.items import Batch, Item, SourceFile
from fastpix.job.manifest import read_parts
from fastpix.job.preflight import troubles_in
from fastpix.job.settings import Job, Settings
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.job.vocabulary import unit_term
from fastpix.kernel.registry import kernel_name
from fastpix.recipe import Recipe
from fastpix.standard.dictionary import _TAGS_OF_VR
from fastpix.standard.syntaxes import syntax_name, uid_name
from fastpix.standard.uids import TRANSFER_SYNTAXES

SECRET = "Zq7Xw"  # no hexadecimal digits, so no hash has it
TEXT_VRS = ("UI", "CS", "LO", "SH", "DS", "IS", "DA", "DT", "TM")
OTHERS = {0x00100010: "PN", 0x00080050: "SH", 0x00081030: "LO", 0x00204000: "LT", 0x2005000E: "FL"}
TEXTS = {tag: vr for vr in TEXT_VRS for tag in _TAGS_OF_VR[vr] if tag >> 16 != 2} | OTHERS
ROOM = 64  # bytes of a text

# What stands around a secret: white space of every kind, separators, and words of the standard.
AROUND = [
    *("", " ", "\0", "\t", "\n", "\r\n", "\v", "\f", "\x1b", "\x1c", "\x1f", "\x85", "\xa0"),
    *("\\", "^", "=", "_", "-", ".", "1", "0.5"),
    *("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.1.2.1", "MONOCHROME2", "MONOCHROME1"),
    *("PALETTE COLOR", "RGB", "YBR_FULL", "RTDOSE", "CT", "PT", "HU", "inverted ", "US", "YES"),
    *("COLOR", "LABELMAP", "FRACTIONAL", "INVERSE", "Philips", "SIEMENS", "GE MEDICAL"),
    *("Discovery", "stored values", "unspecified"),
]

around = st.lists(st.sampled_from(AROUND), max_size=3).map("".join)


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    text = draw(around) + SECRET + draw(around)
    return text.encode("latin-1")[:ROOM].ljust(len(text) + len(text) % 2)


def check_free(text: str) -> None:
    assert SECRET.casefold() not in text.casefold()


def convert(data: bytes, folder: Path) -> str:
    """Convert a file as a worker does; return all that is kept or told of it."""
    source = folder / "source"
    source.write_bytes(data)
    os.utime(source, (1, 1))  # it is not being written any more
    file = SourceFile(str(source), "source", len(data), 10**9)
    output = folder / "output"
    settings = Settings(Recipe())
    job = Job(settings, str(output), "", b"k" * 32, 2**30, kernel_name())
    batch = Batch(1, settings.id, (Item("a" * 32, "b" * 16, (file,)),))
    told = [repr(convert_batch(batch, job))]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("ignore", UserWarning)  # pydicom's, which a job does not show
        warnings.simplefilter("always", fastpix.HeaderWarning)
        try:
            told.append(json.dumps(fastpix.open(source).plan().to_dict()))
        except FastpixError as error:
            told.append(error.storable)
    told += [str(w.message) for w in heard if w.category is fastpix.HeaderWarning]
    for recipe in (Recipe(), Recipe(normalize=(0, 1))):
        told += map(str, troubles_in([file], recipe, 2**30))
    for facts, table in read_parts(LocalStorage(output)):
        told += [repr(facts), json.dumps(table.to_pylist())]
    for path in list(output.rglob("*")):
        told.append(path.name)
        if path.suffix == ".tar":
            with tarfile.open(path) as shard:
                for member in shard:
                    told.append(member.name)
                    if member.name.endswith(".json"):
                        told.append(shard.extractfile(member).read().decode())  # type: ignore[union-attr]
    shutil.rmtree(output)
    return "\n".join(told)


@settings(
    deadline=None, max_examples=cases(480),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@example(texts={0x00080016: b"Zq7Xw\t"}, has_pixels=True)
@example(texts={0x00080016: b"Zq7Xw\t"}, has_pixels=False)
@example(texts={0x00281054: b"inverted " * 2000 + b"Zq7Xw "}, has_pixels=True)
@given(
    texts=st.dictionaries(st.sampled_from(sorted(TEXTS)), hostile(), min_size=1, max_size=8),
    has_pixels=st.booleans(),
)
def test_whatever_stands_in_a_text(
    texts: dict[int, bytes], has_pixels: bool, tmp_path: Path
) -> None:
    extra = [element(tag, TEXTS[tag], value) for tag, value in texts.items()]
    pixels = [element(0x7FE00010, "OW", bytes(12))] if has_pixels else []
    check_free(convert(file_of(*image_elements(extra=extra), *pixels), tmp_path))


@settings(
    deadline=None,
    max_examples=cases(180),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=hostile())
def test_whatever_stands_in_an_item(value: bytes, tmp_path: Path) -> None:
    scale = [element(0x00281052, "DS", b"0"), element(0x00281053, "DS", b"1")]
    groups = sequence(
        0x52009229, [sequence(0x00289145, [b"".join(scale) + element(0x00281054, "LO", value)])]
    )
    entries = element(0x00283002, "US", b"\1\0\0\0\x10\0")
    entries += element(0x00283004, "LO", value) + element(0x00283006, "OW", b"\7\0")
    for extra in (groups, sequence(0x00283000, [entries])):
        parts = [*image_elements(extra=[extra]), element(0x7FE00010, "OW", bytes(12))]
        data = file_of(*sorted(parts, key=lambda part: struct.unpack_from("<HH", part)))
        check_free(convert(data, tmp_path))


@settings(
    deadline=None,
    max_examples=cases(240),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(value=b"Zq7Xw\t")
@given(value=hostile())
def test_whatever_stands_as_transfer_syntax(value: bytes, tmp_path: Path) -> None:
    plain = element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0")
    data = file_of(plain, element(0x7FE00010, "OW", bytes(8)), syntax=value.decode("latin-1"))
    check_free(convert(data, tmp_path))


@pytest.mark.parametrize("space", ["", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x85", "\xa0", " "])
@pytest.mark.parametrize("of", [uid_name, syntax_name])
def test_a_name_is_one_of_the_dictionary(of: Any, space: str) -> None:
    """pydicom's UID trims a text, and calls what is left its name."""
    for text in ("DOE^JOHN", "1.2.840.10008.5.1.4.1.1.2", "1.2.3"):
        assert of(f"{text}x{space}") == ""
        assert space == "" or of(f"{text}{space}") == ""
    assert uid_name("1.2.840.10008.5.1.4.1.1.2") == "CT Image Storage"
    assert all(syntax_name(uid) == name for uid, name in TRANSFER_SYNTAXES.items())


@pytest.mark.parametrize("space", [b"\t", b"\n", b"\0", b" "])
def test_a_sop_class_with_white_space_keeps_its_name(space: bytes, tmp_path: Path) -> None:
    sop_class = element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2" + space)
    image = image_elements(extra=[sop_class])
    pixels = element(0x7FE00010, "OW", bytes(12))
    assert '"CT Image Storage"' in convert(file_of(*image, pixels), tmp_path)
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(file_of(*image))
    assert caught.value.sop_class == "CT Image Storage"


def test_a_transfer_syntax_with_white_space_is_known(tmp_path: Path) -> None:
    data = encode(make_dataset()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1\t")
    assert '"Explicit VR Little Endian"' in convert(data, tmp_path)


def test_units_are_those_of_the_standard() -> None:
    assert unit_term("HU") == "HU"
    assert unit_term("unspecified") == "unspecified"
    for text in ("inverted HU", "hu", "HU ", "stored values", "inverted " * 10**5):
        assert unit_term(text) == "unrecognised"


@pytest.mark.usefixtures("in_this_process")
def test_a_job_warns_of_no_text(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(
        file_of(element(0x7FE00010, "OW", bytes(8)), syntax=f"{SECRET}\t")
    )
    os.utime(tmp_path / "source", (1, 1))
    fastpix.convert(tmp_path / "source", tmp_path / "output", workers=1)
    check_free(json.dumps(fastpix.read_manifest(tmp_path / "output").to_pylist()))
