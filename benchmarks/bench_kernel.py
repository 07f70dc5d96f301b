"""The kernel alone: stored cells in memory to values in memory, beside NumPy and a plain copy.

A group is one job at one size. Its members fill the same output from the same cells, one after the
other: `np.copyto` of as many values, which computes nothing (the physical limit; for colour, a copy
of the output), the NumPy reference, and every compiled kernel that runs here. Each is held against
the reference's bytes before it is timed. `ratios.py` measures the same jobs in interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import fastpix
from fastpix.kernel.registry import Kernel, get_kernel
from fastpix.kernel.steps import ColorSteps, Layout, Steps

FLOOR = "np.copyto"
REFERENCE = "numpy"


@dataclass(frozen=True, slots=True)
class Job:
    """What a kernel is asked to do.

    Attributes
    ----------
    name : str
    steps : Steps or ColorSteps
    dtype : str
        Of the output.
    floor : str
        The dtype that the plain copy converts from.
    inverted : bool
        Find the maximum first, then subtract from it.
    """

    name: str
    steps: Steps | ColorSteps
    dtype: str = "float32"
    floor: str = "int16"
    inverted: bool = False

    @property
    def sides(self) -> tuple[int, int]:
        """Pixels in a row: few enough for the cache, and too many."""
        return (512, 2048) if isinstance(self.steps, ColorSteps) else (512, 4096)


@dataclass(frozen=True, slots=True)
class Case:
    """A job at one size, ready to run.

    Attributes
    ----------
    members : dict of str to callable
        Each fills what `result` returns.
    result : callable
        The bytes that a member has filled, as uint8.
    expected : dict of str to ndarray of uint8
        The bytes that it must fill.
    """

    members: dict[str, Callable[[], None]]
    result: Callable[[str], NDArray[np.uint8]]
    expected: dict[str, NDArray[np.uint8]]


BYTES = Steps("u1", False, 7, 8, False)
CT = Steps(cell="u2", swap=False, high_bit=11, bits=12, signed=True, slope=1.0, intercept=-1024.0)


def entries(count: int, beyond: int) -> bytes:
    """Return a table of random whole numbers."""
    return np.random.default_rng(21).integers(0, beyond, count).astype(np.float64).tobytes()


COLORS: tuple[tuple[str, Steps, Layout, bool], ...] = (
    ("YBR_FULL", BYTES, "interleaved", True),
    ("YBR_FULL, planes", BYTES, "planar", True),
    ("YBR_FULL_422", BYTES, "subsampled", True),
    ("RGB, planes", BYTES, "planar", False),
    ("palette of 256 colours", BYTES._replace(table=entries(768, 256)), "indexed", False),
)
JOBS = (
    Job("12 of 16 bits, signed, slope 1", CT),
    Job("MONOCHROME1, invert='max'", CT._replace(signed=False, intercept=0.0), inverted=True),
    Job("fractional slope", CT._replace(slope=0.7, intercept=-1024.3)),
    Job("16 of 16 bits, signed", CT._replace(high_bit=15, bits=16)),
    Job("unsigned", CT._replace(signed=False)),
    Job("big endian", CT._replace(swap=True)),
    Job("normalize", CT._replace(normalize=(-1000.0, 400.0))),
    Job("padding", CT._replace(padding=(-2048.0, -2000.0, -1024.0))),
    Job("dtype='auto': int16", CT, dtype="int16"),
    Job("Modality LUT of 4096 entries", CT._replace(signed=False, table=entries(4096, 65536))),
    Job(
        "Modality LUT, dtype='auto': uint16",
        CT._replace(signed=False, table=entries(4096, 65536)),
        dtype="uint16",
    ),
    Job("8 bits, Modality LUT", BYTES._replace(table=entries(256, 65536)), floor="uint8"),
    Job("big endian, 32 bits", Steps("u4", True, 31, 32, False, slope=1e-4), floor="uint32"),
    Job("float data", Steps("f4", False, 31, 32, False), floor="float32"),
    Job("double float data", Steps("f8", False, 63, 64, False), floor="float64"),
    Job("RGB of 8 bits to 0..1", BYTES._replace(slope=1 / 255), floor="uint8"),
    Job("RGB of 12 bits to 8", Steps("u2", False, 11, 12, False, shift=4), "uint8", floor="uint8"),
    Job("1 bit, dtype='auto': uint8", Steps("bit", False, 0, 1, False), "uint8", floor="uint8"),
    *(
        Job(f"{name}, {dtype}", ColorSteps(samples, layout, ybr), dtype, floor=dtype)
        for dtype in ("float32", "uint8")
        for name, samples, layout, ybr in COLORS
    ),
)
MEMBERS = (FLOOR, *fastpix.kernels())


def run(kernel: Kernel, job: Job, cells: NDArray[np.uint8], out: NDArray[Any]) -> None:
    """Do the job as `Image.read` does: find the maximum if need be, then fill `out`."""
    steps = job.steps
    if isinstance(steps, ColorSteps):
        bad = kernel.color(cells, out, steps)
    else:
        if job.inverted:
            steps = steps._replace(peak=kernel.peak(cells, out.size, steps))
        bad = kernel.scale(cells, out, steps)
    if bad != -1:
        raise AssertionError(f"{job.name}: a value does not fit {job.dtype}")


def cells_of(job: Job, pixels: int) -> NDArray[np.uint8]:
    """Return noise in all bits of as many pixels."""
    rng = np.random.default_rng(20)
    steps, samples = job.steps, 1
    if isinstance(steps, ColorSteps):
        samples = {"indexed": 1, "subsampled": 2}.get(steps.layout, 3)
        steps = steps.samples
    if steps.cell[0] == "f":
        return rng.normal(size=pixels).astype(steps.cell).view(np.uint8)
    size = pixels // 8 if steps.cell == "bit" else pixels * samples * int(steps.cell[1])
    return rng.integers(0, 256, size, dtype=np.uint8)


@lru_cache(maxsize=1)
def make_case(job: Job, side: int) -> Case:
    """Return a job on `side` x `side` pixels of noise."""
    pixels = side * side
    values = 3 * pixels if isinstance(job.steps, ColorSteps) else pixels
    cells = cells_of(job, pixels)
    plain = np.arange(values).astype(job.floor)
    target = job.dtype if isinstance(job.steps, ColorSteps) or job.floor == "uint8" else "float32"
    width = max(np.dtype(job.dtype).itemsize, np.dtype(target).itemsize)
    buffer = np.zeros(width * values, np.uint8)  # one for all: the same pages, the same caches
    out = buffer.view(job.dtype)[:values]
    floor = buffer.view(target)[:values]

    members: dict[str, Callable[[], None]] = {FLOOR: lambda: np.copyto(floor, plain)}
    for name in fastpix.kernels():
        kernel = get_kernel(name)
        members[name] = lambda kernel=kernel: run(kernel, job, cells, out)  # type: ignore[misc]
    members[REFERENCE]()
    answer = out.copy().view(np.uint8)
    expected = dict.fromkeys(members, answer)
    expected[FLOOR] = plain.astype(target).view(np.uint8)
    return Case(members, lambda name: buffer[: expected[name].size], expected)


def check(case: Case, name: str) -> None:
    """Run a member once, on an output wiped clean, and compare its bytes with the reference's."""
    case.result(FLOOR).fill(0xAA)
    case.members[name]()
    if not np.array_equal(case.result(name), case.expected[name]):
        raise AssertionError(f"{name} differs from the reference")


@pytest.mark.benchmark(max_time=0.25, min_rounds=3)
@pytest.mark.parametrize(
    ("job", "side", "member"),
    [
        pytest.param(job, side, member, id=f"{job.name}-{side}-{member}")
        for job in JOBS
        for side in job.sides
        for member in MEMBERS
    ],
)
def test_kernel(benchmark: BenchmarkFixture, job: Job, side: int, member: str) -> None:
    benchmark.group = f"{job.name}, {side} x {side}"
    case = make_case(job, side)
    check(case, member)
    benchmark(case.members[member])
