"""Which patients a model is trained on and which it is tested on: the same answer everywhere.

The keyed hash of a patient is a random number already, so it decides: no list has to be kept, all
images of a patient fall on the same side, and patients that come later move no other.
"""

from __future__ import annotations

import hashlib
import itertools
import operator
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError

if TYPE_CHECKING:
    import pyarrow

    from fastpix.job.cache import Cache

By: TypeAlias = Literal["patient", "study", "series", "image"]
Fractions: TypeAlias = Mapping[str, float] | Sequence[float]

SPLITS: Mapping[str, float] = {"train": 0.8, "val": 0.1, "test": 0.1}
_DIGITS = 13  # hex digits: 52 bits, which a float holds
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")  # it becomes part of a file's name
_SAMPLES = frozenset({"image", "volume"})


def split(
    table: pyarrow.Table | Cache,
    by: By = "patient",
    fractions: Fractions = SPLITS,
    seed: int = 0,
) -> dict[str, NDArray[np.int64]]:
    """Share the images or volumes of a cache out, so that no patient is in two splits.

    Which split a patient is in is decided by the seed and the patient's keyed hash alone: by no
    other row, and not by the order of rows. So images that are added later move none, and caches of
    one key agree. The fractions are those of patients; of images they hold about.

    Parameters
    ----------
    table : pyarrow.Table or Cache
        A manifest. Rows that are no image or volume, or are not done, are in no split.
    by : {"patient", "study", "series", "image"}
        What is never parted: images of one Patient ID and issuer, or those of one UID. Those
        without any are one group, because they may be of one patient. By anything else than
        ``"patient"``, a patient can be in two splits.
    fractions : mapping of str to float, or sequence of three float
        The share of each split; three numbers are those of ``train``, ``val`` and ``test``.
    seed : int
        Another seed gives another split.

    Returns
    -------
    dict of str to ndarray of int64
        The row numbers of each split, in ascending order.

    Raises
    ------
    ArgumentError
        The fractions do not sum to 1, or `by` is none of these.
    """
    shares = fractions_of(fractions)
    seed = operator.index(seed)
    rows = getattr(table, "table", table)
    if not hasattr(rows, "column_names"):
        raise ArgumentError(
            "table",
            f"{type(table).__name__} is not a manifest: give fastpix.open_cache(DST), or "
            f"fastpix.read_manifest(DST)",
        )
    splits: dict[str, str] = {}
    found: dict[str, list[int]] = {name: [] for name in shares}
    for place, group in enumerate(_groups(rows, by)):
        if group is None:
            continue
        name = splits.get(group)
        if name is None:
            name = splits[group] = _split_at(_place(group, seed), shares)
        found[name].append(place)
    return {name: np.array(places, np.int64) for name, places in found.items()}


def split_of(patient: str, splits: Mapping[str, float] = SPLITS, seed: int = 0) -> str:
    """Return the split that a patient belongs to.

    Parameters
    ----------
    patient : str
        The keyed hash in the column ``patient`` of the manifest.
    splits : mapping of str to float
        The share of patients of each split; the shares sum to 1.
    seed : int
        Another seed gives another split.

    Raises
    ------
    ArgumentError
        The shares do not sum to 1, or it is no keyed hash.
    """
    shares = fractions_of(splits)
    try:
        int(patient[:_DIGITS], 16)
    except ValueError as error:
        raise ArgumentError("patient", "it is no keyed hash") from error
    return _split_at(_place(patient, seed), shares)


def fractions_of(fractions: Fractions) -> dict[str, float]:
    """Return the share of each split by name.

    Parameters
    ----------
    fractions : mapping of str to float, or sequence of three float

    Raises
    ------
    ArgumentError
        They do not sum to 1, or a name cannot be part of a file's name.
    """
    if not isinstance(fractions, Mapping):
        if len(fractions) != len(SPLITS):
            raise ArgumentError(
                "fractions",
                f"{len(fractions)} numbers do not say which splits they are of: name them, such as "
                f"{{'train': 0.8, 'test': 0.2}}",
            )
        fractions = dict(zip(SPLITS, fractions, strict=True))
    try:
        shares = {name: float(share) for name, share in fractions.items()}
    except (TypeError, ValueError) as error:
        raise ArgumentError("fractions", "a share of the splits is no number") from error
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in shares):
        raise ArgumentError("fractions", "a split is named by letters, digits, - and _ alone")
    values = shares.values()
    if not abs(sum(values) - 1.0) <= 1e-9:  # nor NaN
        raise ArgumentError("fractions", "the shares of the splits do not sum to 1")
    if min(values) < 0:
        raise ArgumentError("fractions", "a share of the splits is less than 0")
    return shares


def fractions_named(text: str) -> dict[str, float]:
    """Return the share of each split from a text, such as ``train=0.8,test=0.2``.

    Parameters
    ----------
    text : str
        Three numbers with commas are those of ``train``, ``val`` and ``test``.

    Raises
    ------
    ArgumentError
    """
    parts = [part.rpartition("=") for part in text.split(",")]
    names = [name.strip() for name, _, _ in parts]
    try:
        shares = [float(share) for _, _, share in parts]
    except ValueError as error:
        raise ArgumentError(
            "fractions", "it is not like train=0.8,val=0.1,test=0.1, or 0.8,0.1,0.1"
        ) from error
    if not any(names):
        return fractions_of(shares)
    if len({*names}) < len(names):
        raise ArgumentError("fractions", "it names a split twice")
    return fractions_of(dict(zip(names, shares, strict=True)))


def _groups(table: pyarrow.Table, by: By) -> list[str | None]:
    """Return what each row is never parted from: an empty text where it is not known, or None."""
    if by not in get_args(By):
        raise ArgumentError("by", f"{by!r} is not one of {', '.join(get_args(By))}")
    columns = ["kind", "status", *(("sop_instance", "item") if by == "image" else (by,))]
    missing = sorted({*columns} - {*table.column_names})
    if missing:
        raise ArgumentError("table", f"it has no column {', '.join(missing)}: give a manifest")
    kinds, statuses, *keys = (table.column(name).to_pylist() for name in columns)
    # A volume has no SOP Instance UID, and an image may have none: its file or series is as good.
    found = [next(filter(None, some), "") for some in zip(*keys, strict=True)]
    return [
        key if status == "done" and kind in _SAMPLES else None
        for key, kind, status in zip(found, kinds, statuses, strict=True)
    ]


def _place(group: str, seed: int) -> float:
    """Return a number from 0 to 1 that the group and the seed decide."""
    if seed or not group:
        group = hashlib.sha256(f"{seed}\0{group}".encode()).hexdigest()
    digits = group[:_DIGITS]
    return int(digits, 16) / 16.0 ** len(digits)


def _split_at(place: float, shares: Mapping[str, float]) -> str:
    ends = itertools.accumulate(shares.values())
    within = (name for name, end in zip(shares, ends, strict=True) if place < end)
    # The shares may sum to a little less than 1: what is left belongs to the last of them.
    return next(within, [name for name, share in shares.items() if share][-1])
