"""Frames in one call: each by its own rescale and to its own place, bit for bit as one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sizes import cases
from test_exact import (
    COMPILED,
    INTERCEPTS,
    OUTPUTS,
    SLOPES,
    buffer_of,
    float_steps,
    integer_steps,
)

from fastpix import kernels
from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import Steps

TWELVE_BITS = Steps("u2", False, 11, 12, True)


def numbers(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def doubles(values: list[float]) -> np.ndarray:
    return np.array(values, np.float64)


@pytest.mark.parametrize("kernel", COMPILED)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), offset=st.integers(0, 3))
@settings(max_examples=cases(800), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_references_bits(kernel: str, data: st.DataObject, seed: int, offset: int) -> None:
    steps = data.draw(st.one_of(integer_steps(), float_steps()))
    size = data.draw(st.one_of(st.integers(1, 70), st.sampled_from([1023, 1025, 2100])))
    rows = data.draw(st.integers(1, 6))
    places = data.draw(st.lists(st.integers(0, rows - 1), max_size=8))
    starts = data.draw(
        st.lists(st.integers(0, 4 * size), min_size=len(places), max_size=len(places))
    )
    several = data.draw(st.booleans())
    count = len(places) if several else 1
    slopes = data.draw(st.lists(SLOPES, min_size=count, max_size=count))
    intercepts = data.draw(st.lists(INTERCEPTS, min_size=count, max_size=count))
    cells = buffer_of(steps, 5 * size, 0, seed, offset)
    dtype = data.draw(st.sampled_from(OUTPUTS))
    wanted, found = np.full((rows, size), 7, dtype), np.full((rows, size), 7, dtype)
    columns = numbers(starts), numbers(places), doubles(slopes), doubles(intercepts)
    with np.errstate(all="ignore"):
        bad = reference.scale_frames(cells, wanted, steps, *columns)
    assert get_kernel(kernel).scale_frames(cells, found, steps, *columns) == bad
    if bad < 0:
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("normalize", [None, (-100.0, 900.0)])
@pytest.mark.parametrize("padding", [None, (0.0, 9.0, -5.0)])
def test_each_frame_is_that_of_a_call_of_its_own(
    kernel: str, normalize: tuple[float, float] | None, padding: tuple[float, float, float] | None
) -> None:
    """Also where one frame takes an exact route, the next another, and one is looked up."""
    stored = np.random.default_rng(4).integers(0, 2**16, (5, 3000)).astype(np.uint16)
    cells = stored.view(np.uint8).reshape(-1)
    for steps in (TWELVE_BITS, Steps("u2", False, 7, 8, False)):
        own = steps._replace(normalize=normalize, padding=padding)
        slopes, intercepts = [1.0, 0.1, -3.0, 0.5, 2.0**20], [0.0, 1e9, 5.0, -0.25, 1.0]
        order = [3, 0, 4, 2, 1]
        found = np.empty((5, 3000), np.float32)
        starts, places = numbers([3000 * k for k in order]), numbers([0, 1, 2, 3, 4])
        chosen = doubles([slopes[k] for k in order]), doubles([intercepts[k] for k in order])
        bad = get_kernel(kernel).scale_frames(cells, found, own, starts, places, *chosen)
        assert bad == -1
        for place, k in enumerate(order):
            single = np.empty(3000, np.float32)
            one = own._replace(slope=slopes[k], intercept=intercepts[k])
            get_kernel(kernel).scale(cells[6000 * k : 6000 * k + 6000], single, one)
            assert found[place].tobytes() == single.tobytes()


@pytest.mark.parametrize("kernel", kernels())
def test_the_first_value_that_does_not_fit_is_told(kernel: str) -> None:
    cells = np.zeros((4, 50), np.uint8)
    cells[1, 20] = cells[3, 10] = 1
    found = np.empty((4, 50), np.int16)
    steps = Steps("u1", False, 7, 8, False)
    starts, places = numbers([0, 150, 50, 100]), numbers([0, 2, 3, 1])
    halves = doubles([0.5]), doubles([0.0])
    scale = get_kernel(kernel).scale_frames
    assert scale(cells.reshape(-1), found, steps, starts, places, *halves) == 2 * 50 + 10
    assert scale(cells.reshape(-1), found, steps, starts[2:], places[2:], *halves) == 3 * 50 + 20


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_to_do(kernel: str, shape: tuple[int, int]) -> None:
    columns = numbers([0] * shape[0]), numbers([0] * shape[0]), doubles([1.0]), doubles([0.0])
    found = np.empty(shape, np.float32)
    cells = np.zeros(10, np.uint8)
    assert get_kernel(kernel).scale_frames(cells, found, TWELVE_BITS, *columns) == -1
