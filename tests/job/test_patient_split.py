"""A split by patient needs no list: the keyed hash decides."""

from __future__ import annotations

from collections import Counter

import pytest

from fastpix.errors import ArgumentError
from fastpix.job.patient_split import SPLITS, split_of
from fastpix.pseudonyms import Names


def test_shares_and_the_same_answer_again() -> None:
    names = Names(bytes(range(32)))
    patients = [names.of_patient(str(k)) for k in range(4000)]
    found = Counter(map(split_of, patients))
    assert set(found) == set(SPLITS)
    for name, share in SPLITS.items():
        assert abs(found[name] / 4000 - share) < 0.03
    assert [split_of(patient) for patient in patients[:50]] == list(map(split_of, patients[:50]))


def test_ends() -> None:
    assert split_of("0" * 32) == "train"
    assert split_of("f" * 32) == "test"
    assert split_of("8" + "0" * 31, {"a": 0.5, "b": 0.5}) == "b"


def test_what_cannot_be_split() -> None:
    with pytest.raises(ArgumentError, match="sum to 1"):
        split_of("0" * 32, {"train": 0.7})
    with pytest.raises(ArgumentError, match="keyed hash") as caught:
        split_of("Doe^John")
    assert "Doe" not in str(caught.value)
