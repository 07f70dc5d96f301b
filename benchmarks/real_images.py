"""Real images that benchmarks are given by folder: which of them show something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST, ALIKE = 24, 0.5  # rows and columns, and correlation of neighbours: else no image is shown


def radiographs(folder: Path, half: str) -> list[NDArray[np.uint8]]:
    """Return the radiographs of a folder, or of one half of it."""
    from PIL import Image

    paths = sorted(folder.glob("*.png"))
    paths = {"all": paths, "choose": paths[::2], "report": paths[1::2]}[half]
    return [np.asarray(Image.open(path).convert("L")) for path in paths]


def shows_something(values: NDArray[Any]) -> bool:
    """Whether neighbours are alike: public files often hold noise in place of pixels."""
    plane = np.asarray(values[len(values) // 2] if values.ndim == 3 else values, np.float64)
    if min(plane.shape) < LEAST or not plane.std():
        return False
    return bool(np.corrcoef(plane[:, 1:].ravel(), plane[:, :-1].ravel())[0, 1] > ALIKE)
