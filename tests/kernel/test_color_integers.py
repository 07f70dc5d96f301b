"""Colour whose samples stay integers: each kernel gives the bytes of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.matrices import every

import fastpix
from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import ColorSteps, Layout, Steps

COMPILED = [name for name in fastpix.kernels() if name != "numpy"]
LENGTHS = [1, 2, 7, 64, 1001, 1023, 1024, 1025, 3001]  # about the pixels of a block, 1024


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("layout", ["interleaved", "planar", "subsampled"])
@every("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@every("pixels", LENGTHS)
@every("offset", [0, 1])
def test_samples_as_they_stand(
    kernel: str, pixels: int, layout: Layout, dtype: str, offset: int
) -> None:
    """From odd addresses too; cells that are masked or swapped, or as many bits of another sign."""
    pixels += pixels % 2 if layout == "subsampled" else 0
    width, signed = int(dtype[1]), dtype[0] == "i"
    bits = 8 * width
    plain = Steps(f"u{width}", False, bits - 1, bits, signed)
    samples = (2 if layout == "subsampled" else 3) * pixels
    memory = np.random.default_rng(pixels).integers(0, 256, offset + samples * width, np.uint8)
    for steps in (
        plain,
        plain._replace(swap=width > 1),
        plain._replace(bits=bits - 1),
        plain._replace(bits=bits - 1, high_bit=bits - 2),
        plain._replace(signed=not signed),
    ):
        check_color(kernel, memory[offset:], ColorSteps(steps, layout, ybr=False), dtype, pixels)


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("layout", ["interleaved", "planar", "subsampled"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@every("pixels", LENGTHS)
@every("bits", [8, 7])
def test_ybr(kernel: str, pixels: int, layout: Layout, bits: int, dtype: str) -> None:
    pixels += pixels % 2 if layout == "subsampled" else 0
    samples = (2 if layout == "subsampled" else 3) * pixels
    cells = np.random.default_rng(pixels).integers(0, 256, samples + 1, np.uint8)[1:]
    steps = ColorSteps(Steps("u1", False, bits - 1, bits, False), layout, ybr=True)
    check_color(kernel, cells, steps, dtype, pixels)


def check_color(
    kernel: str, cells: NDArray[np.uint8], steps: ColorSteps, dtype: str, pixels: int
) -> None:
    """Check what a kernel returns, and the bytes where all values could be held."""
    wanted: NDArray[Any] = np.zeros(3 * pixels, dtype)
    found = np.ones(3 * pixels, dtype)
    bad = reference.color(cells, wanted, steps)
    assert get_kernel(kernel).color(cells, found, steps) == bad
    if bad < 0:
        assert found.tobytes() == wanted.tobytes()
