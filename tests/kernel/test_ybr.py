"""YBR_FULL to RGB in integers: every triple of 8 bits, and the fixed point that makes them."""

from __future__ import annotations

import numpy as np
import pytest
from support.sizes import some

import fastpix
from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel
from fastpix.kernel.steps import ColorSteps, Layout, Steps

COMPILED = [name for name in fastpix.kernels() if name != "numpy"]
BYTES = Steps("u1", False, 7, 8, False)
CHROMA = np.arange(-128, 128, dtype=np.int64)


def test_fixed_point_of_the_compiled_kernels() -> None:
    """The constants of src/kernel/ybr.pxi, over all chroma: the quotients of the reference."""
    scaled = 4 * CHROMA + 5
    assert np.abs(scaled).max() < 2**15
    red = CHROMA + ((scaled * 6587) >> 16)
    np.testing.assert_array_equal(red, (1402 * CHROMA + 500) // 1000)
    scaled = 124 * CHROMA + 81
    assert np.abs(scaled).max() < 2**15
    blue = CHROMA + ((scaled * 408) >> 16)
    np.testing.assert_array_equal(blue, (1772 * CHROMA + 500) // 1000)
    cb, cr = CHROMA[:, None], CHROMA[None, :]
    product = -360854 * cb - 748827 * cr + 524300
    assert np.abs(product).max() < 2**31
    exact = (-202008 * cb - 419198 * cr + 293500) // 587000
    np.testing.assert_array_equal(product >> 20, exact)


@pytest.mark.parametrize("kernel", COMPILED)
def test_every_triple(kernel: str) -> None:
    """All 2**24 of them in the gate, every third luma in a quick look."""
    cb, cr = (plane.ravel() for plane in np.meshgrid(np.arange(256), np.arange(256)))
    triples = np.empty((65536, 3), np.uint8)
    triples[:, 1], triples[:, 2] = cb, cr
    found = np.empty(triples.size, np.uint8)
    steps = ColorSteps(BYTES, "interleaved", ybr=True)
    for luma in some(range(256)):
        triples[:, 0] = luma
        wanted = reference.ybr_to_rgb(triples.astype(np.float64), 8).astype(np.uint8)
        assert get_kernel(kernel).color(triples.reshape(-1), found, steps) == -1
        assert found.tobytes() == wanted.tobytes()


def test_digits_of_green() -> None:
    """The products of 16 bits in src/ybr.h, over all chroma: the quotients of the reference."""
    cb, cr = CHROMA[:, None], CHROMA[None, :]
    exact = (-202008 * cb - 419198 * cr + 293500) // 587000
    green = np.zeros((256, 256), np.int64)
    for factors, half, shift in (((106, -27), 12, 8), ((-2, -13), 2048, 5), ((-44, -91), 0, 7)):
        green = green + factors[0] * cb + factors[1] * cr + half
        assert np.abs(green).max() < 2**15
        green >>= shift
    np.testing.assert_array_equal(green, exact)


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("layout", ["planar", "subsampled"])
def test_every_triple_in_other_layouts(kernel: str, layout: Layout) -> None:
    """All chroma in planes, and in pairs of pixels that have different luma."""
    cb, cr = (plane.ravel() for plane in np.meshgrid(np.arange(256), np.arange(256)))
    steps = ColorSteps(BYTES, layout, ybr=True)
    for luma in some(range(256)):
        if layout == "planar":
            cells = np.concatenate([np.full(65536, luma), cb, cr]).astype(np.uint8)
        else:
            cells = np.stack([np.full(65536, luma), 255 - cb, cb, cr], axis=1).astype(np.uint8)
        pixels = cells.size // (3 if layout == "planar" else 2)
        wanted, found = np.empty(3 * pixels, np.uint8), np.empty(3 * pixels, np.uint8)
        assert reference.color(cells.reshape(-1), wanted, steps) == -1
        assert get_kernel(kernel).color(cells.reshape(-1), found, steps) == -1
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("layout", ["interleaved", "planar", "subsampled"])
def test_any_number_of_pixels(kernel: str, layout: Layout) -> None:
    """Whole registers, what is left of them, and nothing beyond either end."""
    steps = ColorSteps(BYTES, layout, ybr=True)
    samples = 2 if layout == "subsampled" else 3
    noise = np.random.default_rng(8).integers(0, 256, 3 * 2200, np.uint8)
    for pixels in (2, 30, 32, 34, 62, 64, 66, 96, 1022, 1024, 1026, 1088, 2118):
        for offset in range(3):
            cells = noise[offset : offset + samples * pixels]
            wanted = np.empty(3 * pixels, np.uint8)
            memory = np.full(3 * pixels + 200, 77, np.uint8)
            found = memory[100 + offset : 100 + offset + 3 * pixels]
            assert reference.color(cells, wanted, steps) == -1
            assert get_kernel(kernel).color(cells, found, steps) == -1
            assert found.tobytes() == wanted.tobytes()
            assert (memory[: 100 + offset] == 77).all()
            assert (memory[100 + offset + 3 * pixels :] == 77).all()


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("bits", [9, 12, 16])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_wide_samples(kernel: str, bits: int, dtype: str) -> None:
    """Corners of the cube, and noise."""
    rng = np.random.default_rng(bits)
    top, half = 2**bits - 1, 2 ** (bits - 1)
    ends = np.array([0, 1, half - 1, half, half + 1, top - 1, top])
    corners = np.stack(np.meshgrid(ends, ends, ends), axis=-1).reshape(-1, 3)
    noise = rng.integers(0, top + 1, (5000, 3))
    cells = np.concatenate([corners, noise]).astype(np.uint16)
    steps = ColorSteps(Steps("u2", False, bits - 1, bits, False), "interleaved", ybr=True)
    wanted, found = np.empty(cells.size, dtype), np.empty(cells.size, dtype)
    flat = cells.view(np.uint8).reshape(-1)
    assert reference.color(flat, wanted, steps) == -1
    assert get_kernel(kernel).color(flat, found, steps) == -1
    assert found.tobytes() == wanted.tobytes()
