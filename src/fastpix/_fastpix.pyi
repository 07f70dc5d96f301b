import numpy as np
from numpy.typing import NDArray

from fastpix.plan import ColorSteps, Steps

def scale(
    cells: NDArray[np.uint8], out: NDArray[np.generic], steps: Steps, skip: int = 0
) -> int: ...
def peak(
    cells: NDArray[np.uint8], count: int, steps: Steps, skip: int = 0
) -> float | None: ...
def color(
    cells: NDArray[np.uint8], out: NDArray[np.generic], steps: ColorSteps, skip: int = 0
) -> int: ...
def supports(level: int) -> bool: ...
