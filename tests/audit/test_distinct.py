"""Sets of names in 8 bytes, and counters of batches that are added."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from functools import reduce
from operator import iadd

import pytest

from fastpix.audit import counting, distinct
from fastpix.audit.counting import BoundedCounter, Numbers
from fastpix.audit.distinct import Distinct, Occurrences, distinct_in_all, repeated
from fastpix.audit.record import Spread
from fastpix.pseudonyms import Names

NAMES = [Names(b"k" * 32).of_uid(str(k)) for k in range(300)]


def test_distinct_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "_FEWEST", 10)
    rng = random.Random(0)
    total, expected = Distinct(), set()
    for _ in range(20):
        part = Distinct()
        for name in rng.choices(NAMES, k=30):
            part.add(name)
            expected.add(name)
        total += pickle.loads(pickle.dumps(part))
        total.add(NAMES[0])
        expected.add(NAMES[0])
    assert len(total) == len(expected)
    assert distinct_in_all([total, Distinct()]) == len(expected)


def test_repeated_names_count_where_they_come_later() -> None:
    found = []
    for names in ("aab", "cd", "bcce"):
        each = Occurrences()
        for name in names:
            each.add(name.encode().hex() * 8)
        found.append(each)
    assert repeated(found) == [1, 0, 3]
    assert repeated([]) == []


def test_counters_of_batches_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_MOST_KEYS", 16)
    rng = random.Random(1)
    keys = [rng.randrange(60) for _ in range(2000)]
    counters: list[BoundedCounter[int]] = []
    for size in (1, 13, 500, 2000):
        rng.shuffle(keys)
        parts = []
        for start in range(0, len(keys), size):
            part: BoundedCounter[int] = BoundedCounter()
            for key in keys[start : start + size]:
                part.add(key)
            parts.append(part)
        counters.append(reduce(iadd, parts, BoundedCounter()))
    first = counters[0]
    assert len(first) == 16
    assert first.others == 2000 - sum(first.counts.values()) > 0
    exact = Counter(keys)
    assert all(exact[key] == count for key, count in first.counts.items())
    for other in counters[1:]:
        assert (other.most(99), other.texts(4), other.others) == (
            first.most(99), first.texts(4), first.others,
        )  # fmt: skip


def test_numbers_of_batches() -> None:
    one, other = Numbers(), Numbers()
    for number in (-0.0, 3.0):
        one.add(number)
    for more in (0.0, 9.0, None):
        other.add(more, 2)
    one += other
    found = one.spread()
    assert found == Spread(6, 0.0, 0.0, 9.0)
    assert "-" not in str(found)
