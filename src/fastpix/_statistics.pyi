import numpy as np
from numpy.typing import NDArray

def count_values(
    cells: NDArray[np.uint8],
    kind: str,
    lanes: NDArray[np.uint32],
    counts: NDArray[np.uint32],
    first: int,
    last: int,
) -> tuple[int, int, int, int, int, int, int] | None: ...
def sum_many(
    cells: NDArray[np.uint8], kind: str, first: int, last: int
) -> tuple[int, int, int, int, int, int]: ...
def count_floats(
    values: NDArray[np.float64], weights: NDArray[np.int64] | None, bins: NDArray[np.int64]
) -> tuple[int, int, float, float, float, float]: ...
