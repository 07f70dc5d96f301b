"""`join_labels`: labels to the images of a cache, by the key, without the plain identifiers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.cache import Cache
from fastpix.job.cache_opening import open_cache
from fastpix.job.label_file import KEYED, Section, merged, read_sections, write_sections
from fastpix.job.label_identifiers import Identifiers, spellings
from fastpix.job.label_reading import LabelRows, Labels, read_labels
from fastpix.job.label_screening import screened, texts_in
from fastpix.job.storage import is_url, storage_at
from fastpix.pseudonyms import Names, default_key_file, load_key

if TYPE_CHECKING:
    import pyarrow

PathLike = str | os.PathLike[str]

_KEYED_OF = {
    "SOPInstanceUID": "sop_instance",
    "SeriesInstanceUID": "series",
    "StudyInstanceUID": "study",
    "PatientID": "patient",
}
_NAMED = 5  # conflicts, in an error


@dataclass(frozen=True, slots=True)
class Joined:
    """What `join_labels` did.

    Attributes
    ----------
    labels : int
        Rows of the table of labels.
    matched, unmatched, unidentified, repeated : int
        Of these: they belong to images of the cache; to none; have no identifier. Of those that
        are matched: they say again what another row says.
    labelled, unlabelled : int
        Images or volumes of the cache, with a label in one of these columns and without.
    columns : dict of str to str
        The columns that were added, and their types.
    texts : list of str
        Those of them that are text, which is kept as it is: it must hold no patient data.
    left_out : dict of str to str
        Columns that were not taken, and why.
    are_volumes : bool
        What the cache holds.
    """

    labels: int
    matched: int
    unmatched: int
    unidentified: int
    repeated: int
    labelled: int
    unlabelled: int
    columns: dict[str, str]
    texts: list[str]
    left_out: dict[str, str]
    are_volumes: bool = False


def join_labels(
    dst: PathLike,
    labels: Labels,
    on: str = "SOPInstanceUID",
    columns: Sequence[str] | None = None,
    issuer: str | None = None,
    key_file: PathLike | None = None,
    *,
    id_column: str | None = None,
    replace: bool = False,
) -> Joined:
    """Join a table of labels to the images of a cache, by identifiers that are hashed with its key.

    ``DST/labels.parquet`` then holds the labels of the images that are in the cache, under keyed
    hashes; `Cache.labels` of a cache that is opened then gives them row by row. Another join adds
    its columns to those of earlier ones, and its rows to columns that are there: the same labels
    again change nothing.

    Parameters
    ----------
    dst : path or URL
        The cache.
    labels : path, pyarrow.Table or mapping of str to sequence
        A CSV file (UTF-8, with a header; commas, semicolons or tabs), a parquet file, or columns
        by name.
    on : {"SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"}
        What identifies the rows of `labels`.
    columns : sequence of str, optional
        Which to keep. If not given, all columns of numbers and flags; text may hold patient data,
        so it is kept only if it is named, and so are numbers that look like dates or IDs. Columns
        that hold identifiers, or are named like one, are never kept.
    issuer : str, optional
        The column of the Issuer of Patient ID. Where images have one, it is part of the identifier.
    key_file : path, optional
        The key of the cache; ``<dst>.key`` if not given.
    id_column : str, optional
        The column of the identifiers; the one whose name is `on`, whatever its capitals, spaces
        and underscores, if not given.
    replace : bool
        Drop what columns of the same names hold.

    Returns
    -------
    Joined

    Raises
    ------
    ArgumentError
        The labels cannot be read; a column is not there or may not be kept; rows of one identifier
        differ (their lines are named, never the identifier), or differ from what was joined before;
        the key is not that of the cache.
    FastpixError
        It is no cache, or none of the labels belongs to an image of it.
    OSError
        A file cannot be read or written.
    """
    cache = open_cache(dst)
    keyed = _keyed_column(cache, on, issuer)
    names = _names_of(cache, key_file)
    rows = read_labels(labels)
    own = _column_named(rows, id_column or on, "id_column")
    issuers = None if issuer is None else _column_named(rows, issuer, "issuer")
    plain = _texts(rows.columns[own])
    of_issuers = [""] * len(plain) if issuers is None else _texts(rows.columns[issuers])
    if not plain:
        raise ArgumentError("labels", "they have no rows")
    images = cache.table.column(keyed).to_pylist()
    matched = _matched(plain, of_issuers, names, on, {*images})
    if not matched:
        raise FastpixError(
            f"none of {len(plain)} labels belongs to an image of the cache: see that on={on!r} is "
            f"right, and that the identifiers are whole (with leading zeros, and with the issuer "
            f"of the Patient ID where images have one)"
        )
    used = {own} if issuers is None else {own, issuers}
    asked = [columns] if isinstance(columns, str) else columns
    found = screened(rows, asked, used, Identifiers(plain, names, _keyed(cache)))
    section, repeated = _section(matched, found.columns, rows)
    storage = storage_at(cache.destination)
    sections = read_sections(storage, cache.settings)
    write_sections(storage, cache.settings, merged(sections, keyed, section, replace))
    with_label = _with_label(section)
    labelled = sum(image in with_label for image in images)
    known = {row for row, _ in matched}
    return Joined(
        labels=len(plain),
        matched=len(known),
        unmatched=sum(map(bool, plain)) - len(known),
        unidentified=plain.count(""),
        repeated=repeated,
        labelled=labelled,
        unlabelled=len(images) - labelled,
        columns={name: str(values.type) for name, values in found.columns.items()},
        texts=texts_in(found.columns),
        left_out=found.left_out,
        are_volumes=cache.settings.unit == "series",
    )


def _keyed_column(cache: Cache, on: str, issuer: str | None) -> str:
    if on not in _KEYED_OF:
        raise ArgumentError("on", f"{on!r} is not one of {', '.join(_KEYED_OF)}")
    if on == "SOPInstanceUID" and cache.settings.unit == "series":
        raise ArgumentError("on", "a volume has no SOP Instance UID: join on SeriesInstanceUID")
    if issuer is not None and on != "PatientID":
        raise ArgumentError("issuer", "only a Patient ID has an issuer: join on PatientID")
    return _KEYED_OF[on]


def _names_of(cache: Cache, key_file: PathLike | None) -> Names:
    """Return the names of a cache, by the key that made them."""
    destination = cache.destination
    is_folder = not is_url(destination)
    output = Path(destination if is_folder else destination.rstrip("/").rpartition("/")[2])
    path = default_key_file(output) if key_file is None else Path(key_file)
    if not os.path.lexists(path):
        raise ArgumentError(
            "key_file", f"{path} does not exist: give the key that the cache was made with"
        )
    names = Names(load_key(path, output if is_folder else None))
    if names.fingerprint != cache.settings.key:
        raise ArgumentError("key_file", f"{path} is not the key that the cache was made with")
    return names


def _column_named(rows: LabelRows, wanted: str, argument: str) -> str:
    """Return the name of a column, whatever its capitals, spaces and underscores."""
    if wanted in rows.columns:
        return wanted
    found = [name for name in rows.columns if _letters(name) == _letters(wanted)]
    if len(found) != 1:
        how = "no column" if not found else "several columns"
        raise ArgumentError(argument, f"the labels have {how} {wanted!r}: name the column")
    return found[0]


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _texts(values: pyarrow.Array) -> list[str]:
    """Return identifiers as the manifest hashes them: without spaces and NULs around."""
    import pyarrow as pa

    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not (is_text or pa.types.is_integer(values.type) or pa.types.is_null(values.type)):
        raise ArgumentError(
            "labels", f"the identifiers are of type {values.type}: give them as text"
        )
    found = values.to_pylist()
    return ["" if value is None else str(value).strip(" \0").strip() for value in found]


def _matched(
    plain: Sequence[str], issuers: Sequence[str], names: Names, on: str, known: set[str | None]
) -> list[tuple[int, str]]:
    """Return rows of labels, each with the keyed hash of the cache that it belongs to."""
    keys: dict[tuple[str, str], tuple[str, ...]] = {}
    found: list[tuple[int, str]] = []
    for row, both in enumerate(zip(plain, issuers, strict=True)):
        if not both[0]:
            continue
        own = keys.get(both)
        if own is None:
            hashes = (
                names.of_uid(both[0]) if on != "PatientID" else names.of_patient(*each)
                for each in spellings(*both)
            )
            own = keys[both] = tuple(hash_ for hash_ in dict.fromkeys(hashes) if hash_ in known)
        found += [(row, hash_) for hash_ in own]
    return found


def _keyed(cache: Cache) -> set[str]:
    columns = (cache.table.column(name).to_pylist() for name in KEYED)
    return {hash_ for column in columns for hash_ in column if hash_ is not None}


def _section(
    matched: Sequence[tuple[int, str]], columns: Mapping[str, pyarrow.Array], rows: LabelRows
) -> tuple[Section, int]:
    """Return the labels under their keys, and how many rows say again what others say."""
    import pyarrow as pa

    of_keys: dict[str, list[int]] = {}
    for row, key in matched:
        of_keys.setdefault(key, []).append(row)
    # Numbers that are equal where values are, nulls included.
    codes = [np.asarray(values.dictionary_encode("encode").indices) for values in columns.values()]
    conflicts = []
    for some in of_keys.values():
        other = next((k for k in some[1:] if any(c[k] != c[some[0]] for c in codes)), None)
        if other is not None:
            conflicts.append(f"{rows.lines[some[0]]} and {rows.lines[other]}")
    if conflicts:
        more = "; …" if len(conflicts) > _NAMED else ""
        raise ArgumentError(
            "labels",
            f"{len(conflicts)} identifiers have rows that differ ({rows.where}s "
            f"{'; '.join(conflicts[:_NAMED])}{more}): keep one row for each, or name the columns "
            f"that agree",
        )
    keys = sorted(of_keys)
    places = pa.array([of_keys[key][0] for key in keys], pa.int64())
    section = Section(keys, {name: values.take(places) for name, values in columns.items()})
    return section, len(matched) - len(keys)


def _with_label(section: Section) -> set[str]:
    """Return the keys that have a value in some column."""
    valid = [np.asarray(values.is_valid()) for values in section.columns.values()]
    rows = np.flatnonzero(np.logical_or.reduce(valid))
    return {section.keys[row] for row in rows.tolist()}
