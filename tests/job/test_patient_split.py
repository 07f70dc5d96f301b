"""A split by patient needs no list: the keyed hash decides, and no patient is in two splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.sizes import is_quick

from fastpix.errors import ArgumentError
from fastpix.job.patient_split import (
    SPLITS,
    By,
    fractions_named,
    fractions_of,
    split,
    split_of,
)
from fastpix.pseudonyms import Names

NAMES = Names(bytes(range(32)))
LEVELS: tuple[By, ...] = ("patient", "study", "series", "image")


def manifest(
    patients: Sequence[str | None],
    statuses: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> pa.Table:
    """A row for each patient, each of a study of two rows."""
    rows = range(len(patients))
    of_uids = {
        "study": [NAMES.of_uid(f"study {p} {k // 2}") for k, p in zip(rows, patients, strict=True)],
        "series": [NAMES.of_uid(f"series {k}") for k in rows],
        "sop_instance": [NAMES.of_uid(f"image {k}") for k in rows],
    }
    return pa.table({
        "item": [NAMES.of_path(str(k)) for k in rows],
        "kind": [*(kinds or ["image"] * len(patients))],
        "status": [*(statuses or ["done"] * len(patients))],
        "patient": pa.array(patients, pa.string()),
        **of_uids,
    })  # fmt: skip


def patients_of(numbers: Sequence[int]) -> list[str]:
    return [NAMES.of_patient(str(k)) for k in numbers]


def test_shares_and_the_same_answer_again() -> None:
    patients = patients_of(range(4000))
    found = Counter(map(split_of, patients))
    assert set(found) == set(SPLITS)
    for name, share in SPLITS.items():
        assert abs(found[name] / 4000 - share) < 0.03
    for seed in (0, 1, -5, 2**70):
        for name, share in SPLITS.items():
            got = sum(split_of(patient, seed=seed) == name for patient in patients[:2000])
            assert abs(got / 2000 - share) < 0.05
    assert [split_of(patient) for patient in patients[:50]] == list(map(split_of, patients[:50]))


def test_ends() -> None:
    assert split_of("0" * 32) == "train"
    assert split_of("f" * 32) == "test"
    assert split_of("8" + "0" * 31, {"a": 0.5, "b": 0.5}) == "b"
    assert split_of("7" + "f" * 31, {"a": 0.5, "b": 0.5}) == "a"
    assert split_of("f" * 32, {"a": 0.0, "b": 1 - 1e-10, "c": 0.0}) == "b"


def test_splits_stay_what_they_are() -> None:
    """Those of a version that somebody has trained with."""
    patients = patients_of(range(12))
    found = {seed: "".join(split_of(p, seed=seed)[1] for p in patients) for seed in (0, 1, 2)}
    assert found == {0: "errrerrrrrrr", 1: "rrererrrrrrr", 2: "rrarrrrrarra"}
    none = split(manifest([None]), seed=0)
    assert {name for name, rows in none.items() if len(rows)} == {"val"}


def test_what_cannot_be_split() -> None:
    with pytest.raises(ArgumentError, match="sum to 1"):
        split_of("0" * 32, {"train": 0.7})
    with pytest.raises(ArgumentError, match="keyed hash") as caught:
        split_of("Doe^John")
    assert "Doe" not in str(caught.value)
    with pytest.raises(ArgumentError, match="no column kind, status: give a manifest"):
        split(pa.table({"patient": ["0" * 32]}))
    with pytest.raises(ArgumentError, match="'person' is not one of patient, study"):
        split(manifest([None]), by="person")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        split(manifest([None]), seed=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.7, "test": 0.2}, "sum to 1"),
        ({"train": 1.5, "test": -0.5}, "less than 0"),
        ({"train": float("nan")}, "sum to 1"),
        ({}, "sum to 1"),
        ((0.8, 0.2), "2 numbers do not say"),
        ({"train": "much"}, "no number"),
        ({"train": None}, "no number"),
        ((0.8, 0.1, "x"), "no number"),
        ({"": 1.0}, "named by letters"),
        ({"../train": 1.0}, "named by letters"),
        ({1: 1.0}, "named by letters"),
    ],
)
def test_fractions_that_are_none(fractions: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        fractions_of(fractions)


def test_fractions() -> None:
    assert fractions_of((0.6, 0.2, 0.2)) == {"train": 0.6, "val": 0.2, "test": 0.2}
    assert fractions_of({"a": 1}) == {"a": 1.0}
    thirds = dict.fromkeys("abc", 1 / 3)
    assert fractions_of(thirds) == thirds
    assert fractions_named("0.6,0.2, 0.2") == {"train": 0.6, "val": 0.2, "test": 0.2}
    assert fractions_named("train=0.75, fold-2=0.25") == {"train": 0.75, "fold-2": 0.25}
    for text, message in (
        ("train=0.5,train=0.5", "twice"), ("train", "it is not like"), ("", "it is not like"),
        ("0.5,0.5", "2 numbers"), ("a=0.5,0.5", "named by letters"), ("a=1,b", "it is not like"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=message):
            fractions_named(text)


patients_drawn = st.lists(
    st.one_of(
        st.none(), st.just(NAMES.of_patient("")), st.integers(0, 9).map(str).map(NAMES.of_patient)
    ),
    max_size=30,
)
shares_drawn = st.lists(st.integers(0, 5), min_size=1, max_size=4).filter(sum).map(
    lambda parts: {f"part{k}": part / sum(parts) for k, part in enumerate(parts)}
)  # fmt: skip


@settings(max_examples=50 if is_quick() else 300)
@given(
    patients=patients_drawn,
    fractions=shares_drawn,
    seed=st.integers(-3, 3),
    by=st.sampled_from(LEVELS),
    shuffled=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_whoever_else_is_there(
    patients: list[str | None],
    fractions: dict[str, float],
    seed: int,
    by: By,
    shuffled: Any,
    data: st.DataObject,
) -> None:
    count = len(patients)
    few = st.lists(
        st.sampled_from(["done"] * 5 + ["failed", "left out"]), min_size=count, max_size=count
    )
    statuses = data.draw(few)
    table = manifest(patients, statuses)
    found = split(table, by, fractions, seed)
    assert list(found) == list(fractions)
    assert all(rows.dtype == np.int64 and (np.diff(rows) > 0).all() for rows in found.values())
    where = {int(row): name for name, rows in found.items() for row in rows}
    assert sum(map(len, found.values())) == len(where)  # none is in two
    assert set(where) == {row for row in range(count) if statuses[row] == "done"}
    assert all(fractions[name] > 0 for name in where.values())
    groups: dict[Any, set[str]] = {}
    column = "sop_instance" if by == "image" else by
    for row, group in enumerate(table.column(column).to_pylist()):
        if row in where:
            groups.setdefault(group, set()).add(where[row])
            if by == "patient" and group is not None:
                assert where[row] == split_of(group, fractions, seed)
    assert all(len(names) == 1 for names in groups.values())
    # Neither the order of rows nor what else is there moves any.
    order = [*range(count)]
    shuffled.shuffle(order)
    kept = order[: count // 2 + 1]
    part = split(table.take(pa.array(kept, pa.int64())), by, fractions, seed)
    for name, rows in part.items():
        assert [where[kept[row]] for row in rows.tolist()] == [name] * len(rows)


def test_another_seed_and_other_fractions() -> None:
    table = manifest(patients_of(range(500)))
    trained = {seed: {*split(table, seed=seed)["train"].tolist()} for seed in range(3)}
    assert len({frozenset(rows) for rows in trained.values()}) == 3
    # The first of the splits grows with its share, and loses none.
    small = split(table, fractions={"train": 0.5, "test": 0.5}, seed=2)["train"]
    assert {*small.tolist()} < trained[2]


def test_rows_that_are_no_images() -> None:
    patients = patients_of(range(4))
    kinds = ["image", "volume", "series", "file"]
    found = split(manifest(patients, kinds=kinds), fractions={"all": 1})
    assert found["all"].tolist() == [0, 1]
    assert {name: rows.shape for name, rows in split(manifest([])).items()} == {
        "train": (0,), "val": (0,), "test": (0,)
    }  # fmt: skip


@pytest.mark.usefixtures("in_this_process")
def test_splits_of_a_cache(folders: Folders) -> None:
    """IDs are trimmed, issuers part patients, and files without an ID are one group."""
    people = [
        (" A ", None),
        ("A", " "),
        ("A", "X"),
        ("A", "Y"),
        ("", "X"),
        ("", None),
        (None, None),
    ]
    for k, (patient, issuer) in enumerate(people):
        attributes = {"PatientID": patient, "IssuerOfPatientID": issuer}
        data = encode(make_dataset(SOPInstanceUID=f"1.2.3.{k}", **attributes))  # type: ignore[arg-type]
        folders.add(str(k), data)
    folders.convert()
    cache = folders.cache()
    halves = {"a": 0.5, "b": 0.5}
    place = {name: row for row, name in enumerate(cache.names)}
    rows = [place[folders.name(folders.src / str(k))] for k in range(len(people))]
    keys = cache.table.column("patient").to_pylist()
    assert len({keys[row] for row in rows[:2]}) == 1
    assert len({keys[row] for row in rows[4:]}) == 1
    assert len({*keys}) == 4
    seen = set()
    for seed in range(12):
        found = split(cache, "patient", halves, seed)
        where = {int(row): name for name, rows_ in found.items() for row in rows_}
        assert len(where) == len(people)
        named = tuple(where[row] for row in rows)
        assert len({*named[:2]}) == len({*named[4:]}) == 1
        seen.add(named)
        assert split(cache.table, "patient", halves, seed)["a"].tolist() == found["a"].tolist()
        part = cache.subset(found["b"])
        assert part.names == [cache.names[row] for row in found["b"]]
        assert split(part, "patient", halves, seed)["a"].size == 0
    assert len(seen) > 4  # those that are other patients part
