"""What tells sources apart, and the ids that they have."""

from __future__ import annotations

import pytest
from support.builders import encode, make_dataset

from fastpix.errors import ArgumentError
from fastpix.header.instance import read_instance
from fastpix.pseudonyms import Names
from fastpix.source.stored import Memory
from fastpix.sources.source_key import (
    BY,
    SourceKey,
    checked_by,
    legible,
    source_id,
    source_key,
)

NAMES = Names(b"k" * 32)
KEY = SourceKey("ACME Inc", "X 1", "DX", "MONOCHROME1", "FOR PRESENTATION", "1.0\\2.0")
HEADER = {
    "Manufacturer": " ACME  Inc ", "ManufacturerModelName": "X 1", "Modality": "DX",
    "PhotometricInterpretation": "MONOCHROME1", "PresentationIntentType": "FOR PRESENTATION",
    "SoftwareVersions": ["1.0 ", " 2.0"],
}  # fmt: skip


def key_of(**attributes: object) -> SourceKey:
    data = encode(make_dataset(**attributes))  # type: ignore[arg-type]
    instance = read_instance(Memory(data), 2**20)
    assert instance.index is not None
    key = source_key(instance)
    # The other route says the same: pydicom reads what is no plain file.
    import io

    from pydicom import dcmread

    by_pydicom = read_instance(dcmread(io.BytesIO(data)), 2**20)
    assert by_pydicom.index is None
    assert source_key(by_pydicom) == key
    return key


def test_attributes() -> None:
    assert key_of(**HEADER) == KEY


def test_a_header_without_them() -> None:
    key = key_of(PhotometricInterpretation="MONOCHROME2", Modality="CT")
    assert key == SourceKey(modality="CT", photometric="MONOCHROME2")


@pytest.mark.parametrize("name", SourceKey._fields)
def test_each_attribute_that_is_asked_for_counts(name: str) -> None:
    other = KEY._replace(**{name: "other"})
    assert (source_id(KEY, NAMES) == source_id(other, NAMES)) == (name not in BY)
    assert source_id(KEY, NAMES, SourceKey._fields) != source_id(other, NAMES, SourceKey._fields)


def test_an_id() -> None:
    found = source_id(KEY, NAMES)
    assert len(found) == 16
    int(found, 16)
    assert source_id(KEY._replace(manufacturer="Acme inc"), NAMES) == found
    assert source_id(KEY, Names(b"l" * 32)) != found
    moved = SourceKey("ACME", "Inc X 1", *KEY[2:])  # texts do not run into each other
    assert source_id(moved, NAMES) != found


def test_attributes_that_are_asked_for() -> None:
    assert checked_by(["software", "model"]) == ("model", "software")
    assert checked_by("model") == ("model",)
    for wrong in (["patient"], []):
        with pytest.raises(ArgumentError, match="it takes manufacturer, model"):
            checked_by(wrong)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SIEMENS", "SIEMENS"),
        (" a\x1b[31mb\u202ec\n", "a [31mb c"),
        ("x" * 64, "x" * 64),
        ("x" * 20000, "x" * 63 + "…"),
        ("e" + "\u0301" * 300 + "x", "\u00e9\u0301\u0301x"),
        ("", ""),
    ],
)
def test_what_people_read(text: str, shown: str) -> None:
    assert legible(text) == shown
    assert legible(legible(text)) == legible(text)
