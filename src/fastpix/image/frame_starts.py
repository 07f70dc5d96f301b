"""Where the cells of frames begin among those of an instance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def starts_of(indices: Sequence[int], size: int) -> NDArray[np.int64]:
    """Return where the cells of frames begin; of the first alone if all follow each other.

    Parameters
    ----------
    indices : sequence of int
        The frames, at least one.
    size : int
        Cells of a frame.
    """
    if all(b - a == 1 for a, b in pairwise(indices)):
        indices = indices[:1]
    return np.array([index * size for index in indices], np.int64)
