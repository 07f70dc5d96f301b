"""What an audit writes: ``audit.json``, ``sources.toml``, and tables where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fastpix.audit.record import Audit, SourceRecord
from fastpix.audit.record_json import to_json
from fastpix.audit.technical_csv import findings_csv, samples_csv
from fastpix.errors import FastpixError
from fastpix.new_files import beside
from fastpix.sources.source_key import legible
from fastpix.sources.verdict_writing import add_sources, write_verdicts
from fastpix.sources.verdicts import Verdict, Verdicts, read_verdicts

SOURCES = "sources.toml"
RECORD = "audit.json"


def check_folder(out: Path, by: Sequence[str], key: str) -> None:
    """Refuse a folder that cannot take an audit: before hours of reading, rather than after them.

    Parameters
    ----------
    out : Path
        Made if it is not there.
    by : sequence of str
        The attributes that tell sources apart.
    key : str
        Fingerprint of the key.

    Raises
    ------
    FastpixError
        Its ``sources.toml`` cannot be understood, or has ids of another kind.
    OSError
        It cannot be written to.
    """
    out.mkdir(parents=True, exist_ok=True)
    with beside(out / RECORD):
        pass
    if (out / SOURCES).exists():
        _verdicts_of(out / SOURCES, by, key)


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
        each.id: Verdict(what=what_of(each, audit.by), software=tuple(sorted(each.software)))
        for each in audit.sources
    }
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_verdicts(path, Verdicts(found, audit.by, audit.key))
        return audit
    _verdicts_of(path, audit.by, audit.key)
    add_sources(path, found)
    verdicts = read_verdicts(path)
    sources = tuple(replace(each, status=verdicts.status_of(each.id)) for each in audit.sources)
    return replace(audit, sources=sources)


def _verdicts_of(path: Path, by: Sequence[str], key: str) -> None:
    verdicts = read_verdicts(path)
    if tuple(verdicts.by) != tuple(by) or (verdicts.key and verdicts.key != key):
        raise FastpixError(
            f"{path} has ids of another key, or other attributes tell its sources apart: use the "
            f"same --key-file and --by, or another folder"
        )


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


def what_of(record: SourceRecord, by: Sequence[str]) -> str:
    """Return what a source is, for who reads ``sources.toml``.

    Parameters
    ----------
    record : SourceRecord
    by : sequence of str
        The attributes that tell sources apart.
    """
    return ", ".join(told_apart(record, by)) or "nothing is stated"


def told_apart(record: SourceRecord, by: Sequence[str]) -> list[str]:
    """Return the texts by which a source is told from others, as people read them.

    Parameters
    ----------
    record : SourceRecord
    by : sequence of str
        The attributes that do; of others, a source may have several.
    """
    texts = [", ".join(record.software) if n == "software" else getattr(record, n) for n in by]
    return [text for text in map(legible, texts) if text]


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
    with beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")
        temporary.replace(path)
