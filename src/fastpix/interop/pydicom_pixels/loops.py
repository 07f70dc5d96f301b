"""The loops of this package, compiled for the kernel in use."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastpix.interop.pydicom_pixels import loops_reference as reference
from fastpix.kernel.registry import compiled_modules, kernel_name


class Loops(Protocol):
    """The signature that the reference and every compiled module share."""

    def window(
        self, cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64],
        center: float, width: float, y_min: float, y_max: float, y_range: float,
    ) -> None:  # fmt: skip
        """See `fastpix.interop.pydicom_pixels.loops_reference.window`."""

    def exponent(
        self, cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64],
        center: float, width: float,
    ) -> None:  # fmt: skip
        """See `fastpix.interop.pydicom_pixels.loops_reference.exponent`."""

    def logistic(self, values: NDArray[np.float64], y_min: float, y_range: float) -> None:
        """See `fastpix.interop.pydicom_pixels.loops_reference.logistic`."""

    def look_up(
        self, cells: NDArray[np.uint8], kind: str, out: NDArray[np.uint8],
        entries: NDArray[np.uint8], first: int,
    ) -> None:  # fmt: skip
        """See `fastpix.interop.pydicom_pixels.loops_reference.look_up`."""

    def rgb_to_ybr(self, rgb: NDArray[np.uint8], ybr: NDArray[np.uint8]) -> None:
        """See `fastpix.interop.pydicom_pixels.loops_reference.rgb_to_ybr`."""


_LOOPS: Mapping[str, Loops] = {"numpy": reference} | {
    level: importlib.import_module(module) for level, module in compiled_modules("_pixels").items()
}


def current_loops() -> Loops:
    """Return the loops of the kernel in use (`fastpix.use_kernel`)."""
    return _LOOPS[kernel_name()]


def get_loops(name: str) -> Loops:
    """Return the loops of a kernel by its name."""
    return _LOOPS[name]
