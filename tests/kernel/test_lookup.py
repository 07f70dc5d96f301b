"""Values that are worked out once a job and looked up: tables, palettes, steps of 8-bit cells."""

from __future__ import annotations

from array import array
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from support.matrices import every
from support.sizes import some
from test_exact import COMPILED, check_scale

from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import ColorSteps, Steps
from fastpix.recipe import DTYPES

OUTPUTS = [name for name in DTYPES if name != "auto"]
CELLS = ["bit", "u1", "u2"]
# First stored value and length of a table: within the stored values, across an end, beside them.
PLACES = [(0, 100), (-300, 900), (-40000, 100), (70000, 7), (-128, 1), (200, 2000)]


def noise(cell: str, count: int) -> NDArray[np.uint8]:
    size = count // 8 if cell == "bit" else count * int(cell[1])
    return np.random.default_rng(count).integers(0, 256, size + 1, np.uint8)[1:]


def table_of(length: int, beyond: int) -> bytes:
    return array("d", [float(7919 * k % beyond) for k in range(length)]).tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("cell", CELLS)
@every("dtype", OUTPUTS)
@every(("first", "length"), some(PLACES))
def test_tables(kernel: str, dtype: str, cell: str, first: int, length: int) -> None:
    """With and without every step that comes after the table; more pixels than stored values."""
    bits = {"bit": 1, "u1": 8, "u2": 11}[cell]
    table = table_of(length, 128)
    for signed in (False, True):
        steps = Steps(cell, False, bits - 1, bits, signed, table=table, first=float(first))
        for more in (
            steps,
            steps._replace(peak=127.0),
            steps._replace(normalize=(10.0, 90.0)),
            steps._replace(padding=(-1.0, 0.0, 3.0)),
            steps._replace(high_bit={"bit": 0, "u1": 7, "u2": 14}[cell]),
            steps._replace(swap=cell == "u2"),
        ):
            check_scale(kernel, noise(cell, 6000), 6000, more, dtype, 0)
            peaks = [
                get_kernel(name).peak(noise(cell, 6000), 6000, more) for name in (kernel, "numpy")
            ]
            assert peaks[0] == peaks[1]


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("dtype", ["float32", "uint16", "uint8"])
def test_table_of_all_stored_values(kernel: str, dtype: str) -> None:
    """Of 65536 entries; for uint8, the first that does not fit is named, as without a table."""
    cells = np.random.default_rng(3).integers(0, 65536, 140_000, np.uint16).view(np.uint8)
    for signed, first in ((False, 0.0), (True, -32768.0)):
        steps = Steps("u2", False, 15, 16, signed, table=table_of(65536, 65536), first=first)
        check_scale(kernel, cells, 140_000, steps, dtype, 0)


@pytest.mark.parametrize("kernel", COMPILED)
def test_entry_that_does_not_fit_and_that_no_cell_has(kernel: str) -> None:
    steps = Steps("u1", False, 7, 8, False, table=array("d", [1.0, 2.0, 0.5]).tobytes())
    cells = np.tile(np.array([0, 1], np.uint8), 1000)
    check_scale(kernel, cells, 2000, steps, "uint8", 0)
    cells[1500] = 2
    assert get_kernel(kernel).scale(cells, np.empty(2000, np.uint8), steps) == 1500


@pytest.mark.parametrize("kernel", COMPILED)
@every("dtype", OUTPUTS)
@every("signed", [False, True])
def test_steps_of_bytes(kernel: str, dtype: str, signed: bool) -> None:
    """Steps that no other route has, with more pixels than there are bytes."""
    for bits, high_bit in ((8, 7), (5, 4), (5, 6)):
        steps = Steps("u1", False, high_bit, bits, signed, slope=0.25, intercept=1.5)
        for more in (
            steps._replace(peak=64.0),
            steps._replace(normalize=(0.0, 3.5)),
            steps._replace(mirror=255.0, padding=(-3.0, 2.0, 9.0)),
            steps._replace(slope=1.0, intercept=128.0, padding=(0.0, 0.0, 0.0)),
            steps._replace(padding=(0.0, 9.0, np.nan)),
        ):
            check_scale(kernel, noise("u1", 5000), 5000, more, dtype, 0)


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("cell", CELLS)
@every("dtype", OUTPUTS)
@every(("first", "length"), some(PLACES))
def test_palettes(kernel: str, dtype: str, cell: str, first: int, length: int) -> None:
    """Nothing is written behind the last pixel, though a colour is copied as four items."""
    bits = {"bit": 1, "u1": 8, "u2": 12}[cell]
    for signed in (False, True):
        for beyond in (128, 300):
            samples = Steps(cell, cell == "u2", bits - 1, bits, signed)
            samples = samples._replace(table=table_of(3 * length, beyond), first=float(first))
            steps = ColorSteps(samples, "indexed", ybr=False)
            for pixels in (1, 96, 4200):
                wanted = np.zeros(3 * pixels, dtype)
                found = np.full(3 * pixels + 2, 77, dtype)
                cells = noise(cell, max(pixels, 8))
                bad = reference.color(cells, wanted, steps)
                assert get_kernel(kernel).color(cells, found[:-2], steps) == bad
                assert (found[-2:] == 77).all()
                if bad < 0:
                    assert found[:-2].tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("high_bit", [9, 12, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_peaks_beside_padding(kernel: str, high_bit: int, signed: bool) -> None:
    """Of masked and shifted cells, of both directions; nothing is left where all is padding."""
    cells = noise("u2", 3000)
    low, high = (-512.0, 511.0) if signed else (0.0, 1023.0)
    for slope in (2.5, -2.5):
        for mirror in (None, low + high):
            for ends in ((high - 30, high), (low, low + 30), (0.0, 0.0), (low, high)):
                steps = Steps("u2", False, high_bit, 10, signed, mirror=mirror, slope=slope)
                steps = steps._replace(padding=(*ends, 5.0))
                wanted = reference.peak(cells, 3000, steps)
                assert get_kernel(kernel).peak(cells, 3000, steps) == wanted
                assert (wanted is None) == (ends == (low, high))


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("cell", ["f4", "f8"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("swap", [False, True])
def test_float_cells_keep_their_bits(kernel: str, cell: str, dtype: str, swap: bool) -> None:
    """Zeros of both signs, NaN, infinity, the least numbers; and one too large for float32."""
    values = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -3e-39, 1.5, 3.4e38] * 300)
    order: Literal["S", "="] = "S" if swap else "="
    for slope, intercept in ((1.0, 0.0), (1.0, -0.0), (0.1, 0.0), (1.0, 0.25)):
        steps = Steps(cell, swap, 8 * int(cell[1]) - 1, 8 * int(cell[1]), False)
        steps = steps._replace(slope=slope, intercept=intercept)
        cells = values.astype(cell).astype(np.dtype(cell).newbyteorder(order)).view(np.uint8)
        check_scale(kernel, cells, values.size, steps, dtype, 0)
        steps = steps._replace(slope=1e10)
        check_scale(kernel, cells, values.size, steps, dtype, 0)
