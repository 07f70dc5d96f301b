"""Every compiled kernel returns the reference's bits, whatever the numbers and the buffer."""

from __future__ import annotations

from array import array
from itertools import product
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.matrices import every
from support.sizes import cases, some

from fastpix import kernels
from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import ColorSteps, Layout, Steps, stored_range
from fastpix.recipe import DTYPES

COMPILED = [name for name in kernels() if name != "numpy"]
OUTPUTS = [name for name in DTYPES if name != "auto"]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Slopes that a fused multiply-add, a float32 detour or a reordering would get wrong.
SLOPES = st.one_of(
    st.sampled_from([1.0, -1.0, 2.0, 0.1, 1 / 3, 1.0000001, -0.7, 1e-3, 16777217.0, 1e30, 4096.0]),
    st.integers(-300, 300).map(float),
    st.floats(-1e6, 1e6),
)
INTERCEPTS = st.one_of(
    st.sampled_from([0.0, -1024.0, 0.5, -0.1, 1e-9, 16777215.0, 2.0**31, 2.0**53, 1e20]),
    st.integers(-70000, 70000).map(float),
    st.floats(-1e9, 1e9),
)
LENGTHS = st.one_of(st.integers(1, 70), st.sampled_from([127, 1023, 1024, 1025, 2047, 3001]))


@st.composite
def integer_steps(draw: st.DrawFn) -> Steps:
    cell = draw(st.sampled_from(["bit", "u1", "u2", "u4"]))
    allocated = 1 if cell == "bit" else 8 * int(cell[1])
    bits = draw(st.integers(1, allocated))
    steps = Steps(
        cell=cell,
        swap=allocated > 8 and draw(st.booleans()),
        high_bit=draw(st.integers(bits - 1, allocated - 1)),
        bits=bits,
        signed=draw(st.booleans()),
    )
    if draw(st.integers(0, 3)) == 0:
        steps = steps._replace(shift=draw(st.integers(0, bits - 1)))
    low, high = stored_range(steps)
    if draw(st.integers(0, 3)) == 0:
        entries = draw(st.lists(st.integers(0, 65535), min_size=1, max_size=300))
        table = array("d", entries).tobytes()
        steps = steps._replace(table=table, first=float(draw(st.integers(-300, 300))))
    else:
        mirror = low + high if draw(st.booleans()) else None
        steps = steps._replace(slope=draw(SLOPES), intercept=draw(INTERCEPTS) + 0.0, mirror=mirror)
    return draw(after_modality(steps, low, high))


@st.composite
def after_modality(draw: st.DrawFn, steps: Steps, low: float, high: float) -> Steps:
    if draw(st.booleans()):
        peak = draw(st.one_of(INTERCEPTS, st.sampled_from([low, high])))
        steps = steps._replace(peak=peak + 0.0)
    if draw(st.booleans()):
        ends = draw(st.lists(INTERCEPTS, min_size=2, max_size=2, unique=True).map(sorted))
        steps = steps._replace(normalize=(ends[0] + 0.0, ends[1] + 0.0))
    if draw(st.integers(0, 2)) == 0:
        first = draw(st.integers(int(low), int(high)))
        last = draw(st.integers(first, int(high)))
        value = draw(st.one_of(FINITE, st.sampled_from([np.nan, np.inf, -0.0, -1.0])))
        steps = steps._replace(padding=(float(first), float(last), float(value)))
    return steps


@st.composite
def float_steps(draw: st.DrawFn) -> Steps:
    cell = draw(st.sampled_from(["f4", "f8"]))
    size = 8 * int(cell[1])
    steps = Steps(cell, draw(st.booleans()), size - 1, size, False)
    steps = steps._replace(slope=draw(SLOPES), intercept=draw(INTERCEPTS) + 0.0)
    return draw(after_modality(steps, -1000.0, 1000.0))


def buffer_of(steps: Steps, count: int, skip: int, seed: int, offset: int) -> NDArray[np.uint8]:
    """Random cells at an odd place in memory: no kernel may rely on alignment."""
    width = 1 if steps.cell == "bit" else int(steps.cell[1])
    size = (count + skip + 7) // 8 if steps.cell == "bit" else count * width
    rng = np.random.default_rng(seed)
    memory = rng.integers(0, 256, offset + size, dtype=np.uint8)
    if steps.cell[0] == "f" and seed % 2:
        values = rng.choice([0.0, -0.0, 1.5, -7.25, np.nan, np.inf, -np.inf, 1e30, 3e-40], count)
        dtype = np.dtype(steps.cell).newbyteorder("S" if steps.swap else "=")
        with np.errstate(all="ignore"):
            memory[offset:] = values.astype(dtype).view(np.uint8)
    return memory[offset:]


def check_scale(kernel: str, cells: NDArray[np.uint8], count: int, steps: Steps, dtype: str,
                skip: int) -> None:  # fmt: skip
    wanted = np.zeros(count, dtype)
    found = np.ones(count, dtype)
    with np.errstate(all="ignore"):
        bad = reference.scale(cells, wanted, steps, skip)
    assert get_kernel(kernel).scale(cells, found, steps, skip) == bad
    if bad < 0:
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    steps=integer_steps(),
    dtype=st.sampled_from(OUTPUTS),
    count=LENGTHS,
    skip=st.integers(0, 17),
    offset=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=cases(1500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_integer_cells(
    kernel: str, steps: Steps, dtype: str, count: int, skip: int, offset: int, seed: int
) -> None:
    skip = skip if steps.cell == "bit" else 0
    cells = buffer_of(steps, count, skip, seed, offset)
    check_scale(kernel, cells, count, steps, dtype, skip)
    assert get_kernel(kernel).peak(cells, count, steps, skip) == reference.peak(
        cells, count, steps, skip
    )


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    steps=float_steps(),
    dtype=st.sampled_from(OUTPUTS),
    count=LENGTHS,
    offset=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=cases(500), deadline=None)
def test_float_cells(
    kernel: str, steps: Steps, dtype: str, count: int, offset: int, seed: int
) -> None:
    cells = buffer_of(steps, count, 0, seed, offset)
    check_scale(kernel, cells, count, steps, dtype, 0)
    wanted = reference.peak(cells, count, steps)
    found = get_kernel(kernel).peak(cells, count, steps)
    assert np.array(found, "f8").tobytes() == np.array(wanted, "f8").tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("dtype", OUTPUTS)
@every(
    ("slope", "intercept", "mirror", "peak"),
    [
        # On either side of every bound that a route is chosen by: 2**24, 2**31, the output's range.
        (256.0, 255.0, None, None),
        (256.0, 256.0, None, None),
        (257.0, 0.0, None, None),
        (-256.0, 65536.0, None, 16777215.0),
        (1.0, 16777216.0 - 65536.0, None, None),
        (1.0, 16777216.0, 65535.0, None),
        (32767.0, 65535.0, None, None),
        (32768.0, 0.0, -1.0, 2.0**31 - 1),
        (65535.0, 0.0, None, None),
        (1.0, -32768.0, None, None),
        (-1.0, 0.0, None, 65535.0),
        (1.0, 2.0**31, None, None),
        (0.5, 0.25, 65535.0, None),
    ],
)
def test_every_cell_value(
    kernel: str, signed: bool, slope: float, intercept: float,
    mirror: float | None, peak: float | None, dtype: str,
) -> None:  # fmt: skip
    cells = np.arange(65536, dtype=np.uint16).view(np.uint8)
    for high_bit, bits in ((15, 16), (11, 12), (13, 12)):
        steps = Steps("u2", False, high_bit, bits, signed, mirror=mirror, slope=slope,
                      intercept=intercept, peak=peak)  # fmt: skip
        for normalize in (None, (-1000.0, 3000.0)):
            check_scale(kernel, cells, 65536, steps._replace(normalize=normalize), dtype, 0)


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("dtype", some(["float32", "float64", "int16", "int32"]))
def test_output_larger_than_any_cache(kernel: str, dtype: str) -> None:
    """The route with streaming stores, at a length that ends between two of its lines."""
    count = 16 * 1024 * 1024 // np.dtype(dtype).itemsize + 1021
    cells = np.random.default_rng(5).integers(0, 256, 2 * count, dtype=np.uint8)
    for slope, intercept in ((1.0, -1024.0), (0.37, 11.5)):
        steps = Steps("u2", False, 11, 12, True, slope=slope, intercept=intercept)
        check_scale(kernel, cells, count, steps, dtype, 0)


@st.composite
def on_the_way(draw: st.DrawFn, samples: Steps) -> Steps:
    """What a sample of colour takes after its conversion to RGB."""
    if draw(st.booleans()):
        samples = samples._replace(shift=draw(st.integers(0, samples.bits - 1)))
    if draw(st.integers(0, 3)) == 0:
        entries = draw(st.lists(st.integers(-300, 65535), min_size=1, max_size=300))
        return samples._replace(table=array("d", entries).tobytes())
    return samples._replace(slope=draw(SLOPES), intercept=draw(INTERCEPTS) + 0.0)


@pytest.mark.parametrize("kernel", COMPILED)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), offset=st.integers(0, 3))
@settings(max_examples=cases(600), deadline=None)
def test_color(kernel: str, data: st.DataObject, seed: int, offset: int) -> None:
    layout: Layout = data.draw(st.sampled_from(["interleaved", "planar", "subsampled", "indexed"]))
    cell = data.draw(st.sampled_from(["u1", "u2", "u4"]))
    bits = data.draw(st.integers(1, 8 * int(cell[1])))
    high_bit = data.draw(st.integers(bits - 1, 8 * int(cell[1]) - 1))
    signed = data.draw(st.booleans())
    samples = Steps(cell, cell != "u1" and data.draw(st.booleans()), high_bit, bits, signed)
    pixels = data.draw(LENGTHS)
    if layout == "subsampled":
        pixels += pixels % 2
    if layout == "indexed":
        entries = data.draw(st.lists(st.integers(0, 65535), min_size=1, max_size=100))
        table = array("d", [e for entry in entries for e in (entry, entry // 2, 7)]).tobytes()
        samples = samples._replace(table=table, first=float(data.draw(st.integers(-50, 50))))
    elif data.draw(st.booleans()):
        samples = data.draw(on_the_way(samples))
    steps = ColorSteps(samples, layout, layout != "indexed" and data.draw(st.booleans()))
    count = {"indexed": 1, "subsampled": 2}.get(layout, 3) * pixels
    cells = buffer_of(samples, count, 0, seed, offset)
    dtype = data.draw(st.sampled_from(OUTPUTS))
    wanted, found = np.zeros(3 * pixels, dtype), np.ones(3 * pixels, dtype)
    bad = reference.color(cells, wanted, steps)
    assert get_kernel(kernel).color(cells, found, steps) == bad
    if bad < 0:
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@every(("layout", "shift"), list(product(["interleaved", "planar", "subsampled"], [0, 1, 7])))
def test_bits_that_bytes_of_ybr_lose(kernel: str, layout: Layout, shift: int, dtype: str) -> None:
    steps = ColorSteps(Steps("u1", False, 7, 8, False, shift=shift), layout, ybr=True)
    count = (2 if layout == "subsampled" else 3) * 1024
    cells = np.random.default_rng(7).integers(0, 256, count, dtype=np.uint8)
    wanted, found = np.zeros(3 * 1024, dtype), np.ones(3 * 1024, dtype)
    assert reference.color(cells, wanted, steps) == get_kernel(kernel).color(cells, found, steps)
    assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
def test_every_ybr_color(kernel: str) -> None:
    steps = ColorSteps(Steps("u1", False, 7, 8, False), "planar", ybr=True)
    cb, cr = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for luma in range(0, 256, 15):
        cells = np.concatenate([np.full(65536, luma, np.uint8), cb.ravel(), cr.ravel()])
        wanted, found = np.empty(3 * 65536, np.uint8), np.empty(3 * 65536, np.uint8)
        assert reference.color(cells, wanted, steps) == -1
        assert get_kernel(kernel).color(cells, found, steps) == -1
        assert found.tobytes() == wanted.tobytes()


@given(steps=integer_steps(), count=LENGTHS, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=cases(300), deadline=None)
@example(Steps("u2", False, 11, 12, True, slope=1.0, intercept=0.0), 5, 0)
def test_reference_masks_by_the_bits_one_at_a_time(steps: Steps, count: int, seed: int) -> None:
    """The reference itself, against Python's integers written from the standard."""
    cells = buffer_of(steps, count, 0, seed, 0)
    plain = Steps(steps.cell, steps.swap, steps.high_bit, steps.bits, steps.signed)
    out = np.empty(count, np.int64)
    assert reference.scale(cells, out, plain) == -1
    for index, value in enumerate(out.tolist()):
        if plain.cell == "bit":
            cell = cells[index // 8] >> (index % 8) & 1
        else:
            width = int(plain.cell[1])
            order: Literal["big", "little"] = "big" if plain.swap == np.little_endian else "little"
            cell = int.from_bytes(cells[index * width : (index + 1) * width].tobytes(), order)
        low = plain.high_bit + 1 - plain.bits
        kept = [(int(cell) >> bit) & 1 for bit in range(low, plain.high_bit + 1)]
        expected = sum(bit << place for place, bit in enumerate(kept))
        if plain.signed and kept[-1]:
            expected -= 1 << plain.bits
        assert value == expected


def test_empty_output() -> None:
    steps = Steps("u2", False, 15, 16, False)
    nothing = np.empty(0, np.uint8)
    for kernel in kernels():
        assert get_kernel(kernel).scale(nothing, np.empty(0, np.float32), steps) == -1
        assert get_kernel(kernel).peak(nothing, 0, steps) is None
