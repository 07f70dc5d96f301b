"""What an audit writes: ``audit.json``, ``sources.toml``, and tables where they are asked for."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from fastpix.audit.record import Audit, SourceRecord
from fastpix.audit.record_json import to_json
from fastpix.audit.technical_csv import findings_csv, samples_csv
from fastpix.errors import FastpixError
from fastpix.new_files import open_new
from fastpix.sources.verdict_writing import add_sources, write_verdicts
from fastpix.sources.verdicts import Verdict, Verdicts, read_verdicts

SOURCES = "sources.toml"
RECORD = "audit.json"


def with_verdicts(audit: Audit, out: Path) -> Audit:
    """Return an audit with what people have decided about its sources.

    ``sources.toml`` gets the sources that it does not have. What people have decided stays as it
    is, unless the software of a source has changed since: it is unseen again then.

    Parameters
    ----------
    audit : Audit
    out : Path
        Its folder.

    Raises
    ------
    FastpixError
        ``sources.toml`` cannot be understood, or has ids of another kind.
    """
    path = out / SOURCES
    found = {
        each.id: Verdict(what=what_of(each), software=tuple(sorted(each.software)))
        for each in audit.sources
    }
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_verdicts(path, Verdicts(found, audit.by, audit.key))
        return audit
    verdicts = read_verdicts(path)
    if tuple(verdicts.by) != audit.by or (verdicts.key and verdicts.key != audit.key):
        raise FastpixError(
            f"{path} has ids of another key, or other attributes tell its sources apart: use the "
            f"same --key-file and --by, or another folder"
        )
    add_sources(path, found)
    verdicts = read_verdicts(path)
    sources = tuple(replace(each, status=verdicts.status_of(each.id)) for each in audit.sources)
    return replace(audit, sources=sources)


def write_audit(audit: Audit, out: Path, *, tables: bool = False) -> None:
    """Write an audit; its ``sources.toml`` is that of `with_verdicts`.

    Parameters
    ----------
    audit : Audit
    out : Path
        Made if it is not there.
    tables : bool
        ``findings.csv`` and ``samples.csv`` too.

    Raises
    ------
    FastpixError, OSError
    """
    out.mkdir(parents=True, exist_ok=True)
    write_privately(out / RECORD, to_json(audit))
    if tables:
        write_privately(out / "findings.csv", findings_csv(audit))
        write_privately(out / "samples.csv", samples_csv(audit))


def what_of(record: SourceRecord) -> str:
    """Return what a source is, for who reads ``sources.toml``.

    Parameters
    ----------
    record : SourceRecord
    """
    parts = (
        record.manufacturer, record.model, record.modality, record.photometric,
        record.presentation,
    )  # fmt: skip
    return ", ".join(part for part in parts if part)


def write_privately(path: Path, text: str) -> None:
    """Write a file, whole or not at all, for its owner alone.

    Parameters
    ----------
    path : Path
    text : str

    Raises
    ------
    OSError
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.writing")
    try:
        handle = open_new(temporary)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
