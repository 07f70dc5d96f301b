"""Every alignment of the output gives the reference's bits, in every route of the kernel.

A kernel writes a head of a few cells until the output reaches a cache line of 64 bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from support.codestream_cases import packbits
from support.matrices import every
from test_exact import COMPILED, buffer_of

from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import ColorSteps, Layout, Steps

LINE = 64
ODD_SIZES = (1, 3, 11, 47, 63, 65, 129, 1023, 1025, 2113)
TWELVE_BITS = Steps("u2", False, 11, 12, True)
TABLE = array("d", [float(7 * k % 200) for k in range(600)]).tobytes()

# A route of the kernel, and steps and an output dtype that take it.
ROUTES = {
    "exact float": (TWELVE_BITS._replace(intercept=-1024.0), "float32"),
    "exact float, mirrored": (TWELVE_BITS._replace(mirror=-1.0), "float32"),
    "exact float, normalized": (TWELVE_BITS._replace(normalize=(-100.0, 400.0)), "float32"),
    "exact float, swapped": (TWELVE_BITS._replace(swap=True), "float32"),
    "exact float, shifted": (TWELVE_BITS._replace(high_bit=13), "float32"),
    "exact float, bytes": (Steps("u1", False, 7, 8, False), "float32"),
    "exact float, packed": (Steps("bit", False, 0, 1, False), "float32"),
    "exact int8": (Steps("u1", False, 6, 7, False), "int8"),
    "exact uint8": (Steps("u1", False, 7, 8, False, peak=255.0), "uint8"),
    "exact uint8, packed": (Steps("bit", False, 0, 1, False), "uint8"),
    "exact int16": (TWELVE_BITS, "int16"),
    "exact uint16": (Steps("u2", True, 15, 16, False), "uint16"),
    "exact int32": (Steps("u4", False, 23, 24, True), "int32"),
    "linear float32": (TWELVE_BITS._replace(slope=0.37, intercept=11.5), "float32"),
    "linear float64": (TWELVE_BITS._replace(slope=0.37, intercept=11.5), "float64"),
    "linear float64, packed": (Steps("bit", False, 0, 1, False), "float64"),
    "steps to float32": (TWELVE_BITS._replace(padding=(-2048.0, 0.0, 5.5)), "float32"),
    "steps to float64": (Steps("u2", False, 15, 16, False, table=TABLE), "float64"),
    "steps to uint8": (Steps("u2", False, 15, 16, False, table=TABLE), "uint8"),
    "steps to uint32": (Steps("u4", False, 31, 32, False), "uint32"),
    "steps to int64": (Steps("u4", True, 31, 32, True), "int64"),
    "steps to uint64": (Steps("u2", False, 15, 16, False), "uint64"),
    "steps of float cells": (Steps("f4", False, 31, 32, False, slope=0.5), "float64"),
}


def outputs(count: int, dtype: str) -> Iterator[NDArray[np.generic]]:
    """Arrays of `count` items at every place in a cache line, with a margin on either side."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.empty((count + 4 * LINE) * itemsize + 2 * LINE, np.uint8)
    first = LINE - memory.ctypes.data % LINE
    for place in range(0, LINE, itemsize):
        start = first + LINE + place
        memory[:] = 0xA5
        out = memory[start : start + count * itemsize].view(dtype)
        assert out.ctypes.data % LINE == place
        yield out
        assert (memory[:start] == 0xA5).all(), "written before the output"
        assert (memory[start + count * itemsize :] == 0xA5).all(), "written behind the output"


def rle_frame(
    cells: NDArray[np.uint8], samples: int, width: int
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Cells as RLE segments, the most significant bytes of the first sample in the first one."""
    planes = cells.reshape(-1, samples, width)[:, :, ::-1]
    segments = [
        packbits(planes[:, sample, place].tobytes())
        for sample in range(samples)
        for place in range(width)
    ]
    ends = np.cumsum([0, *map(len, segments)])
    return np.frombuffer(b"".join(segments), np.uint8), tuple(int(end) for end in ends)


@pytest.mark.parametrize("kernel", COMPILED)
@every("route", ROUTES)
def test_every_route(kernel: str, route: str) -> None:
    steps, dtype = ROUTES[route]
    for count in ODD_SIZES:
        for skip in (0, 5) if steps.cell == "bit" else (0,):
            cells = buffer_of(steps, count, skip, count, 1)
            wanted = np.empty(count, dtype)
            with np.errstate(all="ignore"):
                assert reference.scale(cells, wanted, steps, skip) == -1
            for out in outputs(count, dtype):
                assert get_kernel(kernel).scale(cells, out, steps, skip) == -1
                assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("cell", "dtype"), [("u1", "uint8"), ("u2", "float32"), ("u4", "float64")])
def test_rle_cells(kernel: str, samples: int, cell: str, dtype: str) -> None:
    width = int(cell[1])
    steps = Steps(cell, False, 8 * width - 1, 8 * width, False)
    for pixels in ODD_SIZES:
        count = pixels * samples
        plain = buffer_of(steps, count, 0, pixels, 0)
        cells, segments = rle_frame(plain, samples, width)
        wanted = np.empty(count, dtype)
        assert reference.scale(plain, wanted, steps) == -1
        for out in outputs(count, dtype):
            assert get_kernel(kernel).scale(cells, out, steps, 0, segments) == -1
            assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rle_bits(kernel: str, dtype: str) -> None:
    steps = Steps("bit", False, 0, 1, False)
    for count in ODD_SIZES:
        packed = buffer_of(steps, count, 0, count, 0)
        cells, segments = rle_frame(packed, 1, 1)
        wanted = np.empty(count, dtype)
        assert reference.scale(packed, wanted, steps) == -1
        for out in outputs(count, dtype):
            assert get_kernel(kernel).scale(cells, out, steps, 0, segments) == -1
            assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("layout", ["interleaved", "planar", "subsampled", "indexed"])
@every("dtype", ["uint8", "uint16", "float32", "float64"])
def test_color(kernel: str, layout: Layout, dtype: str) -> None:
    samples = Steps("u1", False, 7, 8, False)
    if layout == "indexed":
        samples = samples._replace(table=TABLE)
    steps = ColorSteps(samples, layout, layout in ("planar", "subsampled"))
    for size in ODD_SIZES:
        pixels = size + size % 2 if layout == "subsampled" else size
        count = {"indexed": 1, "subsampled": 2}.get(layout, 3) * pixels
        cells = buffer_of(samples, count, 0, size, 1)
        wanted = np.empty(3 * pixels, dtype)
        assert reference.color(cells, wanted, steps) == -1
        for out in outputs(3 * pixels, dtype):
            assert get_kernel(kernel).color(cells, out, steps) == -1
            assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
def test_first_value_that_does_not_fit_is_named_at_every_place(kernel: str) -> None:
    for bad in (0, 3, 20, 64, 1030):
        cells = np.zeros(1100, np.uint16)
        cells[bad:] = 300
        steps = Steps("u2", False, 15, 16, False)
        for out in outputs(cells.size, "uint8"):
            assert get_kernel(kernel).scale(cells.view(np.uint8), out, steps) == bad
