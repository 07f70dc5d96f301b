"""Writing ``sources.toml``: one entry at a time; all else that was written by hand stays."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastpix.errors import ArgumentError, FastpixError
from fastpix.sources.verdicts import (
    VERSION,
    Status,
    Verdict,
    Verdicts,
    check_id,
    checked_status,
    parsed,
    read_verdicts,
    verdicts_of,
)

_STRINGS = (
    r'"""(?:[^\\]|\\.)*?"""|' r"'''.*?'''|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'"
)  # as TOML has them
_TOKEN = re.compile(rf"{_STRINGS}|#[^\n]*|(?P<table>^[ \t]*\[[^\n]*)", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(r"""\s*\[\s*sources\s*\.\s*(["']?)([0-9a-f]{16})\1\s*\]\s*(?:\#.*)?""")
_ARRAY = rf"\[(?:{_STRINGS}|[^\]\"'#])*\]"
_VALUE = rf"[ \t]*=[ \t]*(?P<value>{_STRINGS}|{_ARRAY}|[^#\s]+)(?=[ \t]*(?:\#[^\n]*)?\r?$)"
_WAIT = 5.0  # seconds for another command to be done with the file
_OPENING = """\
# What a person has decided about each source of images:
#   unseen   nobody has looked at it yet: fastpix convert refuses it
#   accept   it is what its headers say
#   invert   it is not: MONOCHROME1 and MONOCHROME2 are exchanged
#   exclude  it is left out
"""


def write_verdicts(path: str | os.PathLike[str], verdicts: Verdicts) -> None:
    """Write a new file of verdicts; one that is there is left as it is.

    Parameters
    ----------
    path : path
    verdicts : Verdicts

    Raises
    ------
    FastpixError
        The file is there: a person may have written in it.
    OSError
        It cannot be written.
    """
    text = head_of(verdicts)
    text += "".join(_table(source, each) for source, each in verdicts.verdicts.items())
    target = Path(path)
    with _written_beside(target, text.encode()) as temporary:
        try:
            os.link(temporary, target)
        except FileExistsError as error:
            raise FastpixError(
                f"{target} is there already: use fastpix audit mark, or choose another name"
            ) from error


def head_of(verdicts: Verdicts) -> str:
    """Return what stands in a file of verdicts before the first source.

    Parameters
    ----------
    verdicts : Verdicts
    """
    by = ", ".join(map(_quoted, verdicts.by))
    key = f"key = {_quoted(verdicts.key)}\n" if verdicts.key else ""
    return f"{_OPENING}version = {VERSION}\n{key}by = [{by}]\n"


def add_sources(path: str | os.PathLike[str], found: Mapping[str, Verdict]) -> int:
    """Append the sources that a file of verdicts does not have, and what has changed of the others.

    A source with software that it did not have is unseen again: ``was`` tells what was decided
    before, ``by``, ``when`` and ``note`` stay.

    Parameters
    ----------
    path : path
        What else it says stays as it is.
    found : mapping of str to Verdict
        What an audit has found, by the ids of sources.

    Returns
    -------
    int
        How many sources are new, or have changed.

    Raises
    ------
    FastpixError
        The file cannot be understood, or is being written by somebody else.
    OSError
        It cannot be read or written.
    """
    target = Path(path).resolve()
    with _locked(target):
        data = target.read_bytes()
        known = verdicts_of(parsed(data, str(path)), str(path)).verdicts
        text = before = data.decode()
        count = 0
        for source, each in found.items():
            check_id(source, "source")
            if source not in known:
                text, count = _appended(text, _table(source, each)), count + 1
                continue
            entry = _changed(known[source], each)
            if not entry:
                continue
            region = _region(text, source)
            edited = text if region is None else _edited(text, *region, entry)
            wanted = parsed(text.encode(), str(path))
            wanted["sources"][source] |= {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in entry.items()
            }
            if not _is(edited, wanted):
                raise FastpixError(
                    f"{path}: the entry of {source} cannot be edited without touching others: "
                    f"write it as a table of its own, [sources.{source}]"
                )
            text, count = edited, count + ("status" in entry)
        if text != before:
            parsed(text.encode(), str(path))
            _replace(target, data, text.encode())
    return count


def _changed(known: Verdict, found: Verdict) -> dict[str, Any]:
    """Return what an entry says from now on where the software of its source has changed."""
    if found.software is None:
        return {}
    if known.software is None:
        return {"software": found.software}
    new = [each for each in found.software if each not in known.software]
    if not new:
        return {}
    entry: dict[str, Any] = {"software": (*known.software, *new)}
    if known.status in ("accept", "invert"):
        entry |= {"status": "unseen", "was": known.status}
    return entry


def mark(
    path: str | os.PathLike[str],
    source: str,
    status: Status,
    *,
    by: str,
    note: str = "",
    when: datetime.date | None = None,
) -> Verdict:
    """Write down what was decided about a source: in its entry alone, all others stay untouched.

    Comments, the order of entries and those that are not known stay. An entry of a source that the
    file does not have is appended.

    Parameters
    ----------
    path : path
        Of ``sources.toml``.
    source : str
        Its id.
    status : {"unseen", "accept", "invert", "exclude"}
    by : str
        Who has decided it.
    note : str
        Why; the note that is there stays if this is empty.
    when : date, optional
        Today if not given.

    Returns
    -------
    Verdict
        As it stands in the file now.

    Raises
    ------
    FastpixError
        The file cannot be understood, is being changed by somebody else, or is written in a way
        that this cannot edit.
    OSError
        It cannot be read or written.
    """
    check_id(source, "source")
    entry: dict[str, Any] = {"status": checked_status(status, "status"), "by": by.strip()}
    if not entry["by"]:
        raise ArgumentError("by", "a verdict is somebody's: pass your name (--by NAME)")
    entry["when"] = when or datetime.date.today()
    if note:
        entry["note"] = note
    target, name = Path(path).resolve(), os.fspath(path)
    with _locked(target):
        data = target.read_bytes()
        before = parsed(data, name)
        verdicts_of(before, name)
        if before.get("sources", {}).get(source, {}).get("was"):
            entry["was"] = ""
        text = data.decode()
        found = _region(text, source)
        if found is None:
            known = before.get("sources", {})
            text = _appended(text, _table(source, Verdict(**entry))) if source not in known else ""
            expected = {"note": "", **entry}
        else:
            text = _edited(text, *found, entry)
            expected = before["sources"].get(source, {}) | entry
        wanted = before | {"sources": before.get("sources", {}) | {source: expected}}
        if not text or not _is(text, wanted):
            raise FastpixError(
                f"{name}: the entry of {source} cannot be edited without touching others: write it "
                f'as a table of its own, [sources.{source}] with status = "{status}", by hand'
            )
        _replace(target, data, text.encode())
    return read_verdicts(target).verdicts[source]


def _is(text: str, wanted: Mapping[str, Any]) -> bool:
    """Whether a text says what is wanted, and nothing else."""
    try:
        return parsed(text.encode(), "") == wanted
    except FastpixError:
        return False


def _region(text: str, source: str) -> tuple[int, int] | None:
    """Return where the table of a source begins, after its head, and where the next one does."""
    start = None
    for token in _TOKEN.finditer(text):
        if token["table"] is None:
            continue
        if start is not None:
            return start, token.start()
        head = _HEAD.fullmatch(token["table"])
        if head is not None and head[2] == source:
            start = token.end()
    return None if start is None else (start, len(text))


def _edited(text: str, start: int, stop: int, entry: Mapping[str, Any]) -> str:
    """Return a text with the values of one table changed, and what it lacks after its head."""
    table, new = text[start:stop], ""
    ending = "\r\n" if "\r\n" in text else "\n"
    for key, value in entry.items():
        found = re.search(rf'^[ \t]*"?{key}"?{_VALUE}', table, re.MULTILINE | re.DOTALL)
        if found is None:
            new += f"{key} = {_quoted(value)}{ending}"
        else:
            table = table[: found.start("value")] + _quoted(value) + table[found.end("value") :]
    head_end = table.find("\n") + 1
    if new and not head_end:  # the file ends with the head
        head_end, table = len(table) + len(ending), table + ending
    return text[:start] + table[:head_end] + new + table[head_end:] + text[stop:]


def _appended(text: str, table: str) -> str:
    if "\r\n" in text:
        table = table.replace("\n", "\r\n")
    return (text if not text or text.endswith("\n") else text + "\n") + table


def _table(source: str, verdict: Verdict) -> str:
    lines = [f"\n[sources.{source}]"]
    if verdict.what:
        lines.append(f"what = {_quoted(verdict.what)}")
    lines += [f"status = {_quoted(verdict.status)}", f"by = {_quoted(verdict.by)}"]
    if verdict.when is not None:
        lines.append(f"when = {verdict.when.isoformat()}")
    lines.append(f"note = {_quoted(verdict.note)}")
    if verdict.software is not None:
        lines.append(f"software = {_quoted(verdict.software)}")
    if verdict.was:
        lines.append(f"was = {_quoted(verdict.was)}")
    return "\n".join(lines) + "\n"


def _quoted(value: str | datetime.date | tuple[str, ...]) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, datetime.date):
        return value.isoformat()
    text = value.encode("utf-8", "replace").decode()
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Keep other commands from a file while it is read and written."""
    lock = target.with_name(f".{target.name}.lock")
    until = time.monotonic() + _WAIT
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError as error:
            if time.monotonic() > until:
                raise FastpixError(
                    f"another command is writing {target}: try again; if there is none, one has "
                    f"died: remove {lock} and pass the same arguments"
                ) from error
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _replace(target: Path, read: bytes, data: bytes) -> None:
    """Put new text in place of the text that was read, unless an editor has saved another."""
    with _written_beside(target, data) as temporary:
        shutil.copymode(target, temporary)
        if target.read_bytes() != read:
            raise FastpixError(
                f"{target} has changed since it was read: somebody else is editing it; pass the "
                f"same arguments again"
            )
        os.replace(temporary, target)


@contextlib.contextmanager
def _written_beside(target: Path, data: bytes) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    except OSError as error:  # a full disk names no file
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        temporary.unlink(missing_ok=True)
