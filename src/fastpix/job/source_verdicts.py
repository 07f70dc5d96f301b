"""Verdicts on sources in a job: which are obeyed, and which rows were made under others.

``sources.json`` of a cache holds those of the last run, by ids of sources and without their words.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.rows import Row, describer_of
from fastpix.job.settings import Job
from fastpix.job.storage.storage_protocol import Storage
from fastpix.pseudonyms import Names
from fastpix.sources.run_verdicts import RunVerdicts, is_stale
from fastpix.sources.source_key import software_token
from fastpix.sources.verdicts import Verdicts, read_verdicts

if TYPE_CHECKING:
    import pyarrow

    from fastpix.job.rows import Describer

SourcesLike: TypeAlias = "str | os.PathLike[str] | Verdicts | None"

KEY = "sources.json"
COLUMNS = ("source", "software", "verdict", "error")
"""Those that `stale_rows` looks at."""

_VERSION = 1
_OF_ERROR = "_fastpix_source"


def run_verdicts(sources: SourcesLike, allow_unseen: bool, names: Names) -> RunVerdicts | None:
    """Return the verdicts that a run obeys; None: all sources are taken as they are.

    Parameters
    ----------
    sources : path, Verdicts or None
        ``sources.toml``.
    allow_unseen : bool
    names : Names
        Of the job: ids of sources must be made with the same key.

    Raises
    ------
    FastpixError
        The file cannot be understood, or its ids were made with another key.
    OSError
        It cannot be read.
    """
    if sources is None:
        if allow_unseen:
            raise ArgumentError("allow_unseen", "it says something of sources=: pass both")
        return None
    found = sources if isinstance(sources, Verdicts) else read_verdicts(sources)
    if found.key and found.key != names.fingerprint:
        raise ArgumentError(
            "sources",
            "its ids were made with another key than that of the cache: pass the same key_file= "
            "(--key-file) to both, or audit again with the key of the cache",
        )
    statuses = {source: each.status for source, each in found.verdicts.items()}
    software = {
        source: frozenset(software_token(text, names) for text in each.software)
        for source, each in found.verdicts.items()
        if each.software is not None
    }
    return RunVerdicts(statuses, found.by, allow_unseen, software)


def describer_for(job: Job) -> Describer:
    """Return what describes instances to a job, their sources included.

    Parameters
    ----------
    job : Job
    """
    return describer_of(job.key) if job.verdicts is None else describer_of(job.key, job.verdicts.by)


def obeyed(row: Row, job: Job) -> str | None:
    """Write into a row which verdict on its source the job obeys, and return it.

    Parameters
    ----------
    row : dict
        Has the column ``source``.
    job : Job

    Returns
    -------
    str or None
        None where the job obeys none.

    Raises
    ------
    UnseenSourceError
    """
    verdicts = job.verdicts
    if verdicts is None:
        return None
    status = row["verdict"] = verdicts.status_of(row["source"], row["software"])
    if verdicts.is_refused(status):
        raise verdicts.refusal(row["source"], row["software"])
    return status


def source_of(row: Row) -> Row:
    """Return what a row says of the source and its verdict.

    Parameters
    ----------
    row : dict
    """
    return {name: row.get(name) for name in ("source", "software", "verdict")}


def keep_source(error: Exception, row: Row) -> None:
    """Let an error know the source of its file, so that the row of the failure has it.

    Parameters
    ----------
    error : Exception
    row : dict
    """
    with suppress(AttributeError):  # an exception without a dictionary
        error.__dict__[_OF_ERROR] = source_of(row)


def kept_source(error: Exception) -> Row:
    """Return what `keep_source` has let an error know; nothing if it has not.

    Parameters
    ----------
    error : Exception
    """
    found: Row = getattr(error, _OF_ERROR, {})
    return found


def kept_verdicts(storage: Storage) -> RunVerdicts | None:
    """Return the verdicts of the last run; None where it obeyed none.

    Parameters
    ----------
    storage : Storage

    Raises
    ------
    FastpixError
        The file is damaged, or of a later version.
    """
    try:
        data = storage.read(KEY)
    except FileNotFoundError:
        return None
    try:
        kept = json.loads(data)
        if kept.pop("version") == _VERSION:
            return RunVerdicts.from_dict(kept)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FastpixError(
            f"{KEY} of the cache is damaged: remove it, and run fastpix convert --sources again"
        ) from error
    raise FastpixError(f"{KEY} was written by a later version of fastpix: use that one")


def check_kept(storage: Storage, verdicts: RunVerdicts | None, replace: bool) -> None:
    """Refuse a run without verdicts into a cache that was made by some.

    Parameters
    ----------
    storage : Storage
    verdicts : RunVerdicts or None
    replace : bool
        It is what the user wants.

    Raises
    ------
    ArgumentError
    """
    if verdicts is None and not replace and kept_verdicts(storage) is not None:
        raise ArgumentError(
            "sources",
            "this cache obeys verdicts on sources: pass sources= (--sources sources.toml), or "
            "replace=True (--replace) to take all sources as they are from now on",
        )


def keep_verdicts(storage: Storage, verdicts: RunVerdicts | None) -> None:
    """Write down which verdicts a run obeys.

    Parameters
    ----------
    storage : Storage
    verdicts : RunVerdicts or None
    """
    if verdicts is None:
        storage.remove(KEY)
    elif kept_verdicts(storage) != verdicts:
        kept = {"version": _VERSION, **verdicts.to_dict()}
        storage.replace(KEY, (json.dumps(kept, indent=1) + "\n").encode())


def stale_rows(table: pyarrow.Table, verdicts: RunVerdicts | None) -> NDArray[np.bool_]:
    """Return which rows were made under another verdict than the one of their source now.

    Parameters
    ----------
    table : pyarrow.Table
        With `COLUMNS`; without the first three where it is older than these.
    verdicts : RunVerdicts or None
    """
    is_older = "source" not in table.column_names
    if is_older or (verdicts is None and table.column("verdict").null_count == len(table)):
        return np.zeros(len(table), np.bool_)
    codes = np.zeros(len(table), np.int64)
    columns = [_codes(table.column(name)) for name in COLUMNS]
    for code, terms in columns:
        codes = codes * len(terms) + code
    found, inverse = np.unique(codes, return_inverse=True)
    flags = []
    for number in found.tolist():
        values = []
        for _, terms in reversed(columns):
            number, place = divmod(number, len(terms))
            values.append(terms[place])
        error, verdict, software, source = values
        flags.append(is_stale(verdicts, source, software, verdict, error))
    return np.array(flags, np.bool_)[inverse]


def _codes(column: Any) -> tuple[NDArray[np.int64], list[str | None]]:
    """Return the rows of a column of terms as numbers, and the terms; the last one is none."""
    whole = column.unify_dictionaries().combine_chunks()
    chunks = whole.chunks if hasattr(whole, "chunks") else [whole]
    terms: list[str | None] = [*chunks[0].dictionary.to_pylist(), None] if chunks else [None]
    parts = [chunk.indices.fill_null(len(terms) - 1).to_numpy() for chunk in chunks]
    return (np.concatenate(parts) if parts else np.empty(0)).astype(np.int64), terms


def refuse_stale(storage: Storage, table: pyarrow.Table) -> None:
    """Refuse to open a cache with images that were made under other verdicts than now.

    Parameters
    ----------
    storage : Storage
    table : pyarrow.Table
        Rows of images that are done, and of the files of volumes.

    Raises
    ------
    FastpixError
    """
    verdicts = kept_verdicts(storage)
    if verdicts is None:
        return
    stale = int(np.count_nonzero(stale_rows(table, verdicts)))
    if stale:
        raise FastpixError(
            f"{stale} files of this cache were converted under another verdict than the one of "
            f"their source now: run 'fastpix convert SRC DST --sources sources.toml' again, which "
            f"converts these alone (with --prune where they are not in SRC any more)"
        )
