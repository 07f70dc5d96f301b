import numpy as np
from numpy.typing import NDArray

def window(
    cells: NDArray[np.uint8],
    kind: str,
    out: NDArray[np.float64],
    center: float,
    width: float,
    y_min: float,
    y_max: float,
    y_range: float,
) -> None: ...
def exponent(
    cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64], center: float, width: float
) -> None: ...
def logistic(values: NDArray[np.float64], y_min: float, y_range: float) -> None: ...
def look_up(
    cells: NDArray[np.uint8],
    kind: str,
    out: NDArray[np.uint8],
    entries: NDArray[np.uint8],
    first: int,
) -> None: ...
def rgb_to_ybr(rgb: NDArray[np.uint8], ybr: NDArray[np.uint8]) -> None: ...
def ybr_to_rgb(ybr: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> None: ...
def interleave(planes: NDArray[np.uint8], out: NDArray[np.uint8], size: int) -> None: ...
def expand_pairs(pairs: NDArray[np.uint8], out: NDArray[np.uint8]) -> None: ...
