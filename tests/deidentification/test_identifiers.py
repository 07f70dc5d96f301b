"""Identifiers are found however people spell them, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from fastpix.deidentification.identifiers import Harvest, Identifiers


def identifiers(**values: str) -> Identifiers:
    """Harvest attributes of a patient."""
    dataset = Dataset()
    harvest = Harvest()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
        element = dataset[keyword]
        encoded = value.encode() if value.isascii() else None
        harvest.add(dataset, element.tag, int(element.tag), element.VR, encoded)
    return Identifiers(harvest)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Lee^Ann", "LEE_HEAD"), ("Lee^Ann", "lee2"), ("IVANOV_IVAN", "seen: Ivanov"),
        ("Müller^Jörg", "for Mueller"), ("Müller^Jörg", "for MULLER"),
        ("Mu\u0308ller^Jörg", "Müller"), ("O'Brien^Pat", "obrien"), ("Łoś^Jan", "los"),
        ("Иванов^Иван", "иВаНоВ"), ("王^小东", "王 x"), ("Kowalczyk^Jan^Maria^Dr^Jr", "dr. MARIA"),
    ],
)  # fmt: skip
def test_names(name: str, text: str) -> None:
    assert identifiers(PatientName=name).in_text(text)


@pytest.mark.parametrize(
    ("patient_id", "text"),
    [
        ("8273645", "MRN 82-736/45"), ("8273645", "no 82 736 45"), ("MRN 82-736/45", "no 8273645"),
        ("P8273645", "scan of 8273645"), ("0008273645", "8273645"), ("8273645", "0008273645"),
        ("MRN_82736", "scan 82736"), ("AB-12/345", "ab12 345"),
    ],
)  # fmt: skip
def test_numbers(patient_id: str, text: str) -> None:
    assert identifiers(PatientID=patient_id).in_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "19610307", "1961-03-07", "1961 03 07", "1961-3-7", "7.3.1961", "07/03/1961", "3/7/1961",
        "07.03.61", "7.3.61", "61-03-07", "610307", "070361", "07031961", "03071961",
        "7-Mar-1961", "March 7, 1961", "7 March 1961", "7th of March 1961", "07MAR1961",
        "07-MAR-61", "7. März 1961", "7 mars 1961", "1961年3月7日", "x19610307y",
    ],
)  # fmt: skip
def test_dates(text: str) -> None:
    found = identifiers(PatientBirthDate="19610307")
    assert found.in_text(f"born {text} in town")
    assert not found.in_text(f"born {text} in town".replace("7", "8"))


def test_what_is_no_identifier() -> None:
    found = identifiers(
        PatientName="Lee^Ann", PatientID="P8273645", PatientBirthDate="19610307", StudyID="12"
    )
    for text in (
        "sleep annex", "T1 MPRAGE 1.0 x 1.0 x 1.2", "82736 4600", "3.7", "7 marbles 1962",
        "512\\512", "v1.6.3", "", "HEAD^ROUTINE", "Annular",
    ):  # fmt: skip
        assert not found.in_text(text), text
    assert found.too_short == 1


def test_texts_are_read_by_their_charset() -> None:
    cyrillic = identifiers(PatientName="Ли^Лев")
    assert cyrillic.in_bytes("снимок лЕВ".encode("iso8859_5"), "LO", ("ISO_IR 144",))
    assert cyrillic.in_bytes("снимок Ли".encode("iso8859_5"), "LO", ("ISO_IR 144",))
    assert not cyrillic.in_bytes("снимок".encode("iso8859_5"), "LO", ("ISO_IR 144",))
    japanese = identifiers(PatientName="森^太")
    charset = ("", "ISO 2022 IR 87")
    assert japanese.in_bytes("森 x".encode("iso2022_jp"), "LO", charset)
    assert not japanese.in_bytes("林 x".encode("iso2022_jp"), "LO", charset)


def test_numeric_texts() -> None:
    found = identifiers(PatientID="82-736-45", PatientBirthDate="19610307")
    for value in (b"19610307", b"1961-03-07", b"82-736-45 ", b"1\\8273645", b"08273645"):
        assert found.in_number(value), value
    for value in (b"1.5\\-2e-3", b"", b"19610308", b"\\", b".5 ", b"512"):
        assert not found.in_number(value), value


def test_raw_bytes() -> None:
    found = identifiers(PatientName="Müllerchen^X", PatientID="8273645", StudyDate="20190307")
    for raw in (b"..8273645", b"20190307", "xmüllerchen".encode(), "8273645".encode("utf-16-le")):
        assert found.in_raw(b"\1\2" + raw + b"\0"), raw
    assert not found.in_raw(bytes(range(256)))
