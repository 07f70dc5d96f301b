"""A volume brought to another spacing: CPU time and memory, beside SimpleITK and scipy.ndimage.

Run it: ``python benchmarks/bench_resampling.py``. 100 x 512 x 512 voxels of 2.5 x 0.7 x 0.7 mm are
brought to 1 mm, as float32, on one thread. Each figure is of processes of its own: nanoseconds of
CPU for a voxel of the result in the fastest of some calls (the first ones wait for memory), the way
into an image of SimpleITK and back included; and the peak of memory beside the input, with the
result.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ratios import describe_run
from rich.console import Console
from rich.table import Table
from series_memory import peak_memory

SHAPE = (100, 512, 512)
SPACING = (2.5, 0.7, 0.7)
NEW = (1.0, 1.0, 1.0)
ORDERS = (0, 1, 3)
CALLS = 4
PACKAGES = ("fastpix", "numpy", "scipy", "SimpleITK")
MODULES = {"fastpix": "scipy", "SimpleITK": "SimpleITK", "scipy.ndimage": "scipy.ndimage"}


def volume_of(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return smooth values with noise; slice by slice, so that the peak of memory is the array."""
    random = np.random.default_rng(7)
    z, y, x = (np.linspace(0, 6, n) for n in shape)
    made = np.empty(shape, np.float32)
    for number, plane in enumerate(made):
        waves = np.sin(z[number]) + np.cos(y)[:, None] * np.sin(x)
        plane[...] = 1000 * (waves + random.normal(0, 0.01, waves.shape))
    return made


def by_fastpix(array: NDArray[Any], order: int) -> Any:
    """Resample as `Volume.resample` does."""
    from fastpix.series.resampling import resampled_block, resampled_shape

    def part(start: Sequence[int], stop: Sequence[int]) -> Any:
        return array[tuple(map(slice, start, stop))]

    stop = resampled_shape(array.shape, SPACING, NEW)
    return resampled_block(part, array.shape, SPACING, NEW, (0, 0, 0), stop, order)  # type: ignore[arg-type]


def by_simpleitk(array: NDArray[Any], order: int) -> Any:
    """Resample to the same grid."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(SPACING[::-1])
    size = [round(n * s / t) for n, s, t in zip(array.shape, SPACING, NEW, strict=True)]
    origin = [(t * (1 - m) - s * (1 - n)) / 2
              for n, m, s, t in zip(array.shape, size, SPACING, NEW, strict=True)]  # fmt: skip
    kinds = {0: SimpleITK.sitkNearestNeighbor, 1: SimpleITK.sitkLinear, 3: SimpleITK.sitkBSpline}
    resampled = SimpleITK.Resample(
        image, size[::-1], SimpleITK.Transform(), kinds[order], origin[::-1], NEW[::-1]
    )
    return SimpleITK.GetArrayFromImage(resampled)


def by_scipy(array: NDArray[Any], order: int) -> Any:
    """Resample at all places of the grid."""
    from scipy.ndimage import map_coordinates

    size = [round(n * s / t) for n, s, t in zip(array.shape, SPACING, NEW, strict=True)]
    axes = [
        ((np.arange(m) - (m - 1) / 2) * t / s + (n - 1) / 2).astype(np.float32)
        for n, m, s, t in zip(array.shape, size, SPACING, NEW, strict=True)
    ]
    places = np.meshgrid(*axes, indexing="ij")
    return map_coordinates(array, places, order=order, mode="nearest")


READERS: dict[str, Callable[[NDArray[Any], int], Any]] = {
    "fastpix": by_fastpix, "SimpleITK": by_simpleitk, "scipy.ndimage": by_scipy,
}  # fmt: skip
SHOWN = {"fastpix": ORDERS, "SimpleITK": ORDERS, "scipy.ndimage": (1, 3)}


def figures(reader: str, order: int, shape: Sequence[int], rounds: int) -> tuple[float, float]:
    """Return nanoseconds of CPU for a voxel, and megabytes at the peak beside the input."""
    taken = []
    for _ in range(rounds):
        command = [sys.executable, __file__, "--run", reader, str(order), *map(str, shape)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=ONE_THREAD)
        taken.append(json.loads(done.stdout))
    return median(each[0] for each in taken), median(each[1] for each in taken) / 1e6


ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}


def run(reader: str, order: int, shape: tuple[int, ...]) -> None:
    """Resample once to import all that is needed, then measured; print the figures."""
    READERS[reader](volume_of((4, 4, 4)), order)
    array = volume_of(shape)
    before = peak_memory()
    voxels = READERS[reader](array, order).size
    beside = peak_memory() - before
    taken = []
    for _ in range(CALLS):
        start = time.process_time_ns()
        READERS[reader](array, order)
        taken.append(time.process_time_ns() - start)
    print(json.dumps([min(taken) / voxels, beside]))


def present() -> list[str]:
    """Return the readers that are installed."""
    return [name for name, module in MODULES.items() if _is_present(module.partition(".")[0])]


def _is_present(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def table_of(rounds: int, shape: Sequence[int] = SHAPE) -> Table:
    """Return the table: nanoseconds a voxel, and megabytes."""
    table = Table("order", *present(), title="Another spacing: ns of CPU a voxel, MB at the peak")
    for order in ORDERS:
        cells = []
        for reader in present():
            if order in SHOWN[reader]:
                nanoseconds, megabytes = figures(reader, order, shape, rounds)
                cells.append(f"{nanoseconds:.1f} ns, {megabytes:.0f} MB")
            else:
                cells.append("")
        table.add_row(str(order), *cells)
    return table


def test_linear_values_are_those_of_the_others() -> None:
    array = volume_of((8, 20, 16))
    ours = by_fastpix(array, 1)
    for reader in present()[1:]:
        theirs = READERS[reader](array, 1)
        assert np.abs(theirs - ours).max() <= 2e-4 * np.abs(ours).max(), reader


def main() -> None:
    parser = argparse.ArgumentParser(description="Volumes brought to another spacing.")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--run", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run is not None:
        reader, order, *shape = asked.run
        run(reader, int(order), tuple(map(int, shape)))
        return
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table_of(asked.rounds))
    console.print(describe_run(PACKAGES, asked.rounds), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
