"""The compiled loops of statistics return what their reference returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.sizes import cases

from fastpix import _statistics
from fastpix.job.statistics import counting_reference as reference
from fastpix.job.statistics.float_bins import FLOAT_BINS, bin_of, middle_of

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4")


@st.composite
def integers(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> NDArray[Any]:
    """Integers of a narrow or a wide range, with runs of one value as images have them."""
    kind = draw(st.sampled_from(kinds))
    info = np.iinfo(kind)
    low = draw(st.one_of(st.just(int(info.min)), st.integers(int(info.min), int(info.max))))
    width = draw(st.sampled_from([0, 1, 7, 255, 4000, 65535, 65536, 2**32]))
    high = min(low + width, int(info.max))
    size = draw(st.integers(1, 600))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cells = rng.integers(low, high, size, dtype=np.int64, endpoint=True).astype(kind)
    if draw(st.booleans()):
        cells[: size // 2] = cells[0]
    if draw(st.booleans()):
        cells[-1], cells[0] = high, low
    return cells


@st.composite
def bounds(draw: st.DrawFn, cells: NDArray[Any]) -> tuple[int, int]:
    """A range of padding: of one value, of several, of all, of none."""
    some = sorted(int(draw(st.sampled_from(list(cells)))) for _ in range(2))
    return draw(
        st.sampled_from(
            [
                (1, 0),
                (some[0], some[0]),
                (some[0], some[1]),
                (-(2**40), 2**40),
                (some[1] + 1, 2**40),
            ]
        )
    )


@settings(max_examples=cases(2400), deadline=None)
@given(data=st.data())
def test_integers_by_value(data: st.DataObject) -> None:
    cells = data.draw(integers())
    first, last = data.draw(bounds(cells))
    kind = f"{cells.dtype.kind}{cells.dtype.itemsize}"
    found = []
    for module in (_statistics, reference):
        lanes, counts = np.zeros(reference.LANES, np.uint32), np.full(65536, 99, np.uint32)
        numbers = module.count_values(cells.view(np.uint8), kind, lanes, counts, first, last)
        assert not lanes.any()
        if numbers is not None:
            base, width, low, high, count, *sums = numbers
            numbers = (base, width, *((low, high) if count else ()), count, *sums)
            found.append(counts[:width].tolist())
        found.append(numbers)
    assert found[: len(found) // 2] == found[len(found) // 2 :]
    assert (found[0] is None) == (int(cells.max()) - int(cells.min()) > 65535)


@settings(max_examples=cases(1200), deadline=None)
@given(data=st.data())
def test_integers_of_many_values(data: st.DataObject) -> None:
    cells = data.draw(integers(("u4", "i4")))
    first, last = data.draw(bounds(cells))
    kind = f"{cells.dtype.kind}4"
    found = _statistics.sum_many(cells.view(np.uint8), kind, first, last)
    assert found == reference.sum_many(cells.view(np.uint8), kind, first, last)


@settings(max_examples=cases(1200), deadline=None)
@given(
    values=st.lists(st.one_of(st.floats(width=64), st.floats(width=32), st.integers(-9, 9))),
    weighted=st.booleans(),
)
def test_floats(values: list[float], weighted: bool) -> None:
    y = np.array(values, np.float64)
    weights = np.arange(1, y.size + 1, dtype=np.int64) if weighted else None
    found = []
    for module in (_statistics, reference):
        bins = np.zeros(FLOAT_BINS, np.int64)
        with np.errstate(all="ignore"):
            count, left_out, *rest = module.count_floats(y, weights, bins)
        numbers = count, left_out, *map(float, rest)
        found.append((repr(numbers), bins.tobytes()))
    assert found[0] == found[1]


@settings(max_examples=cases(1200), deadline=None)
@given(a=st.floats(allow_nan=False, allow_infinity=False), b=st.floats(-1e38, 1e38))
def test_bins_are_in_order_and_their_middles_near(a: float, b: float) -> None:
    bins = bin_of(np.array([a, b]))
    assert (bins[0] <= bins[1]) if a < b else (bins[0] >= bins[1])
    middle = middle_of(bins)
    if abs(b) > 2e-38:
        assert abs(middle[1] - b) <= abs(b) / 256
    else:
        assert abs(middle[1] - b) < 2e-38
    assert np.isfinite(middle).all()


@pytest.mark.parametrize("size", [1, 3, 4, 5, 8])
def test_every_neighbour_is_counted(size: int) -> None:
    cells = np.full(size, -5, np.int16)
    lanes, counts = np.zeros(reference.LANES, np.uint32), np.zeros(65536, np.uint32)
    found = _statistics.count_values(cells.view(np.uint8), "i2", lanes, counts, 1, 0)
    assert found == (-5, 1, 0, 0, size, 0, 0)
    assert counts[0] == size
