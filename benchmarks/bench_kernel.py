"""The kernel alone: stored cells in memory to values in memory, beside NumPy and a plain copy.

A group is one job at one size. Its members fill the same output from the same cells, one after the
other: `np.copyto` from int16 to float32, which moves as many bytes and computes nothing (the
physical limit), the NumPy reference, and every compiled kernel that runs here. Each is held against
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
from fastpix.kernel.steps import Steps

FLOOR = "np.copyto"
REFERENCE = "numpy"
SIDES = (512, 4096)  # pixels: 512 x 512 stays in the cache, 4096 x 4096 (16 megapixels) does not


@dataclass(frozen=True, slots=True)
class Job:
    """What a kernel is asked to do.

    Attributes
    ----------
    name : str
    steps : Steps
    dtype : str
        Of the output.
    inverted : bool
        Find the maximum first, then subtract from it.
    """

    name: str
    steps: Steps
    dtype: str = "float32"
    inverted: bool = False


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


CT = Steps(cell="u2", swap=False, high_bit=11, bits=12, signed=True, slope=1.0, intercept=-1024.0)

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
)
MEMBERS = (FLOOR, *fastpix.kernels())


def run(kernel: Kernel, job: Job, cells: NDArray[np.uint8], out: NDArray[Any]) -> None:
    """Do the job as `Image.read` does: find the maximum if need be, then fill `out`."""
    steps = job.steps
    if job.inverted:
        steps = steps._replace(peak=kernel.peak(cells, out.size, steps))
    if kernel.scale(cells, out, steps) != -1:
        raise AssertionError(f"{job.name}: a value does not fit {job.dtype}")


@lru_cache(maxsize=1)
def make_case(job: Job, side: int) -> Case:
    """Return a job on `side` x `side` cells of noise in all 16 bits."""
    pixels = side * side
    noise = np.random.default_rng(20).integers(0, 2**16, pixels, dtype=np.uint16)
    cells, int16 = noise.view(np.uint8), noise.view(np.int16)
    buffer = np.zeros(4 * pixels, np.uint8)  # one for all members: the same pages, the same caches
    out = buffer.view(job.dtype)[:pixels]
    float32 = buffer.view(np.float32)

    members: dict[str, Callable[[], None]] = {FLOOR: lambda: np.copyto(float32, int16)}
    for name in fastpix.kernels():
        kernel = get_kernel(name)
        members[name] = lambda kernel=kernel: run(kernel, job, cells, out)  # type: ignore[misc]
    members[REFERENCE]()
    answer = out.copy().view(np.uint8)
    expected = dict.fromkeys(members, answer)
    expected[FLOOR] = int16.astype(np.float32).view(np.uint8)
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
        for side in SIDES
        for member in MEMBERS
    ],
)
def test_kernel(benchmark: BenchmarkFixture, job: Job, side: int, member: str) -> None:
    benchmark.group = f"{job.name}, {side} x {side}"
    case = make_case(job, side)
    check(case, member)
    benchmark(case.members[member])
