"""Which images are looked at, and counters that stay small."""

from __future__ import annotations

import pickle
import random
from collections import Counter

import pytest

from fastpix.audit.counting import BoundedCounter, FindingCounts, Numbers
from fastpix.audit.kept_series import KeptSeries
from fastpix.audit.record import Spread
from fastpix.audit.sampling import Candidate, Reservoir
from fastpix.audit.series_planes import GeometryTally
from fastpix.job.items import SourceFile
from fastpix.pseudonyms import Names
from fastpix.series.plane import Identity, Plane

NAMES = Names(b"k" * 32)
FILES = [
    (
        SourceFile(f"/x/{p}/{s}/{k}", f"{p}/{s}/{k}", 1, 1),
        NAMES.of_path(f"{p}/{s}/{k}"), f"p{p}", NAMES.of_uid(f"{p}.{s}"),
    )
    for p in range(20)
    for s in range(p + 1)
    for k in range(5)
]  # fmt: skip


def chosen(files: list[tuple[SourceFile, str, str, str]], size: int, seed: int) -> list[Candidate]:
    reservoir = Reservoir(size, seed)
    for file in files:
        reservoir.offer(*file)
    return reservoir.chosen()


@pytest.mark.parametrize("size", [1, 3, 12])
def test_the_order_of_files_does_not_matter(size: int) -> None:
    shuffled = FILES.copy()
    random.Random(size).shuffle(shuffled)
    assert chosen(FILES, size, 0) == chosen(shuffled, size, 0)
    assert chosen(FILES, size, 0) != chosen(FILES, size, 1)


def test_samples_are_spread_over_patients_then_series() -> None:
    found = chosen(FILES, 12, 0)
    assert len(found) == 12
    assert len({each.patient for each in found}) >= 10
    one_patient = [file for file in FILES if file[2] == "p9"]
    found = chosen(one_patient, 12, 0)
    assert len({each.series for each in found}) == 10
    assert max(Counter(each.series for each in found).values()) == 2
    assert len({each.file for each in found}) == 12


def test_few_files_are_all_taken() -> None:
    assert {each.file for each in chosen(FILES[:7], 12, 0)} == {file for file, *_ in FILES[:7]}


def test_memory_is_bounded() -> None:
    reservoir = Reservoir(4, 0)
    for number in range(2000):
        reservoir.offer(*FILES[number % 100][:2], "p", NAMES.of_uid(str(number)))
    ranks = reservoir._lowest.ranks
    assert len(reservoir._candidates) == len(ranks) == 32
    assert reservoir.series == sorted(ranks, key=ranks.__getitem__)[:4]


PLANES = [
    Plane(
        Identity(series_uid=str(series), modality="CT"), position=(0.0, 0.0, 2.0 * k),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), spacing=(1.0, 1.0), sop_uid=f"{series}.{k}",
    )
    for series in range(30)
    for k in range(6)
]  # fmt: skip


def kept(files: list[tuple[SourceFile, str, str, str]], batch: int) -> list[list[SourceFile]]:
    """Return the series that are kept where files come in batches."""
    total = KeptSeries(5, 0)
    for start in range(0, len(files), batch):
        part = KeptSeries(5, 0)
        for file, name, _, series in files[start : start + batch]:
            part.offer(file, name, series)
        total += pickle.loads(pickle.dumps(part))
    return total.series()


def test_kept_series_are_whole_whatever_order_and_batches() -> None:
    shuffled = FILES.copy()
    random.Random(0).shuffle(shuffled)
    found = kept(FILES, 10**6)
    assert [len(each) for each in found] == [5] * 5
    for files in (FILES, shuffled):
        for batch in (1, 7, 300):
            assert kept(files, batch) == found


def test_a_series_that_is_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastpix.audit.kept_series._MOST_FILES", 4)
    one_series = [file for file in FILES if file[3] == NAMES.of_uid("0.0")]
    for batch in (1, 2, 3, 10):
        assert kept(one_series, batch) == []
    assert [len(each) for each in kept(one_series[:4], 2)] == [4]


def test_geometry_of_series() -> None:
    tally = GeometryTally()
    tally.add(PLANES[:6])
    tally.add([*PLANES[6:8], *PLANES[9:12]])
    assert (tally.series, tally.volumes, tally.refused) == (2, 1, 1)
    assert tally.refusals == {"missing_slices": 1}
    assert tally.findings.files == {"GEO_MISSING_SLICES": 1}
    assert tally.orientations == {"axial": 2}
    assert tally.slice_spacing.spread() == Spread(2, 2.0, 2.0, 2.0)
    assert tally.tilt.high == pytest.approx(0.0, abs=1e-6)


def test_counters_are_bounded() -> None:
    counter: BoundedCounter[int] = BoundedCounter()
    for number in range(10_000):
        counter.add(number)
    counter.add(3)
    assert len(counter) == 4096
    assert sum(counter.counts.values()) + counter.others == counter.total == 10_001
    assert sum(counter.texts(2).values()) == 10_001
    numbers = Numbers()
    for each in (3.0, 1.0, None, float("nan"), 2.0, float("inf")):
        numbers.add(each)
    assert numbers.spread() == Spread(3, 1.0, 2.0, 3.0)
    assert Numbers().spread() is None


def test_findings_are_counted_with_their_texts() -> None:
    one, other = FindingCounts(), FindingCounts()
    one.add({"A": "x", "B": ""})
    other.add({"A": "y"})
    other.add_many("C", 5, "z")
    one.add_all(other)
    assert one.files == {"A": 2, "B": 1, "C": 5}
    assert one.details["A"].texts() == {"x": 1, "y": 1}
    assert one.details["C"].texts() == {"z": 5}
    assert "B" not in one.details
