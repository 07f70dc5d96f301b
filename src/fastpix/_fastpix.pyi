from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.kernel.steps import ColorSteps, Steps

def scale(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: Steps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> int: ...
def scale_frames(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: Steps,
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    slopes: NDArray[np.float64],
    intercepts: NDArray[np.float64],
) -> int: ...
def peak(
    cells: NDArray[np.uint8],
    count: int,
    steps: Steps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> float | None: ...
def color(
    cells: NDArray[np.uint8],
    out: NDArray[Any],
    steps: ColorSteps,
    skip: int = 0,
    segments: tuple[int, ...] | None = None,
) -> int: ...
def scale_files(
    source: object,
    outs: list[NDArray[Any]],
    steps: Steps,
    starts: NDArray[np.int64],
    all_cells: int = 0,
) -> int: ...
def supports(level: int) -> bool: ...
