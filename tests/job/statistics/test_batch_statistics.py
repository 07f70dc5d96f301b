"""Statistics of samples are those of the values that a job delivers."""

from __future__ import annotations

import itertools
import random
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.matrices import every
from support.sizes import cases

from fastpix.errors import FastpixError
from fastpix.job.remaining import Remaining
from fastpix.job.statistics import BatchStatistics
from fastpix.job.statistics.batch_statistics import recount
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.merging import Statistics

CT = ("CT", "GE", "LightSpeed", "HU")
PT = ("PT", "Siemens", "Biograph", "BQML")
PERCENTILES = (0.1, 0.5, 1, 5, 25, 50, 75, 95, 99, 99.5, 99.9)
TABLE = (np.arange(300, dtype=np.float64) ** 2 // 7).tobytes()
FRACTIONS = (np.sqrt(np.arange(300, dtype=np.float64))).tobytes()

STEPS = {
    "identity": Remaining("float32"),
    "rescale": Remaining("float32", slopes=(2.0,), intercepts=(-1024.0,)),
    "fractions": Remaining("float32", slopes=(0.37,), intercepts=(11.5,)),
    "mirror": Remaining("float32", mirror=4095.0, slopes=(-3.0,), intercepts=(7.0,)),
    "peak": Remaining("float32", slopes=(2.0,), intercepts=(-5.0,), peak=9000.0),
    "mirror and peak": Remaining("float32", mirror=-1.0, slopes=(0.5,), peak=12.25),
    "table": Remaining("float32", table=TABLE, first=20.0),
    "table and peak": Remaining("float32", table=FRACTIONS, first=-3.0, peak=17.0),
    "normalize": Remaining("float32", intercepts=(-1024.0,), normalize=(-100.0, 300.0)),
    "padding": Remaining("float32", intercepts=(-1024.0,), padding=(0.0, 9.0, -1.5)),
    "padding at the end": Remaining("float32", padding=(90.0, 1e12, float("nan"))),
    "padding of fractions": Remaining("float32", slopes=(0.1,), padding=(5.0, 5.0, 0.0)),
}


def delivered(stored: NDArray[Any], remaining: Remaining) -> NDArray[np.float64]:
    """Values before normalize, in float64, without padding."""
    plain = replace(remaining, output="float64", normalize=None, padding=None)
    values = plain.values(stored).reshape(-1)
    if remaining.padding is None:
        return values
    first, last, _ = remaining.padding
    return values[~((stored >= first) & (stored <= last)).reshape(-1)]


def image(dtype: str, seed: int, top: int = 300) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    low = 0 if dtype[0] == "u" else -40
    return rng.integers(low, min(top, np.iinfo(dtype).max), (19, 23)).astype(dtype)


def exact(values: NDArray[Any]) -> tuple[float, float]:
    """Mean and standard deviation by fractions."""
    numbers = [Fraction(float(v)) for v in values]
    mean = sum(numbers) / len(numbers)
    square = sum((v - mean) ** 2 for v in numbers) / len(numbers)
    return float(mean), float(square) ** 0.5


@pytest.mark.parametrize("steps", STEPS)
@every("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_a_sample(steps: str, dtype: str) -> None:
    stored = image("i2" if dtype[0] == "f" else dtype, 1).astype(dtype)
    remaining = STEPS[steps]
    batch = BatchStatistics()
    found = batch.add(CT, stored, remaining)
    values = delivered(stored, remaining)
    mean, std = exact(values)
    assert (found.min, found.max) == (values.min(), values.max())
    assert found.mean == pytest.approx(mean, rel=1e-13, abs=1e-12)
    assert found.std == pytest.approx(std, rel=1e-12)
    assert found.padding == stored.size - values.size
    assert found.nans == 0
    if (values == np.floor(values)).all() and dtype[0] != "f":
        assert found.mean == mean
    group = batch.statistics().groups[Group(*CT)]
    assert (group.images, group.count, group.padding) == (1, values.size, found.padding)


@pytest.mark.parametrize("dtype", ["u2", "i2", "i4"])
def test_a_group_of_integers_is_exact(dtype: str) -> None:
    batch = BatchStatistics()
    everything = []
    whole = ["identity", "rescale", "mirror", "peak", "table", "normalize", "padding"]
    for seed, steps in enumerate(whole * 3):
        stored = image(dtype, seed, 3000)
        batch.add(CT, stored, STEPS[steps])
        everything.append(delivered(stored, STEPS[steps]))
    values = np.concatenate(everything)
    result = batch.statistics().results()[0]
    assert result.is_exact
    assert (result.min, result.max) == (values.min(), values.max())
    assert (result.mean, result.std) == pytest.approx(exact(values), rel=1e-15)
    assert result.mean == exact(values)[0]
    for q in (0, *PERCENTILES, 100):
        assert result.percentile(q) == np.percentile(values, q, method="inverted_cdf"), q


def test_a_group_of_floats_is_near() -> None:
    batch = BatchStatistics()
    everything = []
    for seed in range(40):
        stored = image("i2", seed, 30000)
        remaining = Remaining("float32", slopes=(0.01 + seed / 977,))
        batch.add(PT, stored, remaining)
        everything.append(delivered(stored, remaining))
    values = np.concatenate(everything)
    result = batch.statistics().results()[0]
    assert not result.is_exact
    assert (result.min, result.max) == (values.min(), values.max())
    assert (result.mean, result.std) == pytest.approx((values.mean(), values.std()), rel=1e-12)
    for q in (0, *PERCENTILES, 100):
        there = np.percentile(values, q, method="inverted_cdf")
        assert abs((result.percentile(q) or 0.0) - there) <= abs(there) / 256


def test_integers_of_32_bits_and_a_wide_range() -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(-(2**31), 2**31, (40, 50)).astype(np.int32)
    batch = BatchStatistics()
    for remaining in (STEPS["rescale"], STEPS["fractions"]):
        found = batch.add(CT, stored, remaining)
        values = delivered(stored, remaining)
        assert (found.min, found.max) == (values.min(), values.max())
        assert found.mean == pytest.approx(exact(values)[0], rel=1e-12)
        assert found.std == pytest.approx(exact(values)[1], rel=1e-12)
    again = BatchStatistics()
    found = again.add(CT, stored, STEPS["rescale"])
    assert (found.mean, found.std) == exact(delivered(stored, STEPS["rescale"]))
    result = again.statistics().results()[0]
    there = np.percentile(delivered(stored, STEPS["rescale"]), 25, method="inverted_cdf")
    assert abs((result.percentile(25) or 0.0) - there) <= abs(there) / 256


def test_planes_with_steps_of_their_own() -> None:
    stored = np.arange(5 * 6, dtype=np.int16).reshape(5, 2, 3)
    slopes, intercepts = (1.0, 1.0, 0.25, 1.0, 3.0), (0.0, 0.0, 0.5, 0.0, -7.0)
    remaining = Remaining("float32", slopes=slopes, intercepts=intercepts)
    found = BatchStatistics().add(PT, stored, remaining)
    values = replace(remaining, output="float64").values(stored)
    assert found.nans == 0
    assert (found.min, found.max) == (values.min(), values.max())
    assert found.mean == pytest.approx(values.mean(), rel=1e-15)
    assert found.std == pytest.approx(values.std(), rel=1e-14)


def test_floats_that_are_no_numbers() -> None:
    stored = np.array([[1.5, np.nan, np.inf], [-np.inf, -2.25, 7.0]], np.float32)
    found = BatchStatistics().add(PT, stored, Remaining("float32"))
    assert (found.min, found.max, found.nans) == (-2.25, 7.0, 3)
    assert found.mean == (1.5 - 2.25 + 7) / 3


@pytest.mark.parametrize("dtype", ["u2", "f4", "i4"])
def test_nothing_but_padding(dtype: str) -> None:
    batch = BatchStatistics()
    found = batch.add(CT, np.full((3, 4), 5, dtype), replace(STEPS["padding"], padding=(5, 5, 0)))
    assert found == (None, None, None, None, 12, 0)
    (result,) = batch.statistics().results()
    assert (result.images, result.pixels, result.mean, result.percentile(50)) == (1, 0, None, None)
    assert result.normalize_line() is None


def test_color_is_counted_by_sample() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    batch = BatchStatistics()
    found = batch.add(("US", "GE", "LOGIQ", "RGB"), rgb, Remaining("uint8"))
    assert (found.min, found.max, found.mean) == (rgb.min(), rgb.max(), exact(rgb.reshape(-1))[0])


def test_many_kinds_of_steps_in_turn() -> None:
    """More kinds than there are tables, each several times; the tables grow on both sides."""
    batch, everything = BatchStatistics(), []
    for turn, k in itertools.product(range(3), range(20)):
        stored = image("i2", k, 200 + 2000 * turn) - np.int16(1500 * (turn == 1))
        remaining = Remaining("float32", intercepts=(float(k),))
        batch.add(CT, stored, remaining)
        everything.append(delivered(stored, remaining))
    (result,) = batch.statistics().results()
    values = np.concatenate(everything)
    assert (result.pixels, result.mean) == (values.size, exact(values)[0])
    assert result.percentile(25) == np.percentile(values, 25, method="inverted_cdf")


def parts_of(count: int, kinds: list[str]) -> list[bytes]:
    parts = []
    for k in range(count):
        batch = BatchStatistics()
        for j, steps in enumerate(kinds):
            batch.add(CT if j % 2 else PT, image("i2", 10 * k + j, 3000), STEPS[steps])
        parts.append(batch.to_bytes())
    return parts


def shown(statistics: Statistics) -> dict[Group, list[Any]]:
    """All that results say."""
    return {
        result.group: [
            value.tolist() if isinstance(value, np.ndarray) else value
            for value in (getattr(result, field.name) for field in fields(result))
        ]
        for result in statistics.results()
    }


def test_parts_of_integers_merge_in_any_order() -> None:
    parts = parts_of(8, ["identity", "rescale", "peak", "table"])
    expected = shown(Statistics.merge(parts))
    for _ in range(3):
        random.Random(1).shuffle(parts)
        assert shown(Statistics.merge(parts)) == expected
    halves = Statistics.merge([Statistics.merge(parts[:3]).to_bytes(), *parts[3:]])
    assert shown(halves) == expected


def test_merged_parts_are_the_statistics_of_all() -> None:
    kinds = ["identity", "fractions", "padding", "table and peak"]
    merged = Statistics.merge(parts_of(6, kinds))
    whole = recount(
        (CT if j % 2 else PT, image("i2", 10 * k + j, 3000), STEPS[steps])
        for k in range(6) for j, steps in enumerate(kinds)
    )  # fmt: skip
    for group, counts in whole.groups.items():
        other = merged.groups[group]
        assert counts.integers == other.integers
        assert counts.floats.count == other.floats.count
        assert counts.floats.mean == pytest.approx(other.floats.mean, rel=1e-13)
        assert counts.floats.spread == pytest.approx(other.floats.spread, rel=1e-12)
        for one, two in zip(counts.histogram.counts(), other.histogram.counts(), strict=True):
            assert np.array_equal(one, two)


def test_more_integers_than_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastpix.job.statistics.value_histogram.MOST_INTEGERS", 700)
    images = [image("i2", k, 400 + 300 * k) for k in range(4)]
    parts = [recount([(CT, stored, STEPS["identity"])]).to_bytes() for stored in images]
    results = [Statistics.merge(order).results()[0] for order in itertools.permutations(parts)]
    values = np.concatenate(images).reshape(-1)
    for result in results:
        assert result.counts.tolist() == results[0].counts.tolist()
        assert result.values.tolist() == results[0].values.tolist()
        assert not result.is_exact
        assert result.mean == exact(values)[0]
        there = np.percentile(values, 95, method="inverted_cdf")
        assert abs((result.percentile(95) or 0.0) - there) <= there / 256


@settings(max_examples=cases(240), deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(1, 255))
def test_damaged_parts_are_told(place: int, value: int) -> None:
    data = bytearray(PART)
    data[place % len(data)] ^= value
    with pytest.raises(FastpixError, match="statistics"):
        Statistics.from_bytes(bytes(data))
    with pytest.raises(FastpixError, match="statistics"):
        Statistics.from_bytes(PART[: place % len(PART)])


PART = recount([(CT, image("i2", 0), STEPS["identity"])]).to_bytes()


def test_a_part_is_small() -> None:
    assert len(PART) < 1000
    assert len(recount([]).to_bytes()) < 40
