"""The kernels that can run here, and which one does: compiled for this processor, or NumPy."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastpix import _fastpix
from fastpix.errors import ArgumentError
from fastpix.kernel import reference
from fastpix.kernel.steps import ColorSteps, Steps


class Kernel(Protocol):
    """The signature that the reference and every compiled kernel share."""

    def scale(
        self,
        cells: NDArray[np.uint8],
        out: NDArray[Any],
        steps: Steps,
        skip: int = 0,
        segments: tuple[int, ...] | None = None,
    ) -> int:
        """See `fastpix.kernel.reference.scale`."""

    def scale_frames(
        self,
        cells: NDArray[np.uint8],
        out: NDArray[Any],
        steps: Steps,
        starts: NDArray[np.int64],
        places: NDArray[np.int64],
        slopes: NDArray[np.float64],
        intercepts: NDArray[np.float64],
    ) -> int:
        """See `fastpix.kernel.reference.scale_frames`."""

    def peak(
        self,
        cells: NDArray[np.uint8],
        count: int,
        steps: Steps,
        skip: int = 0,
        segments: tuple[int, ...] | None = None,
    ) -> float | None:
        """See `fastpix.kernel.reference.peak`."""

    def color(
        self,
        cells: NDArray[np.uint8],
        out: NDArray[Any],
        steps: ColorSteps,
        skip: int = 0,
        segments: tuple[int, ...] | None = None,
    ) -> int:
        """See `fastpix.kernel.reference.color`."""


# The suffix that each level has in the names of compiled modules, in the order of `supports`.
_LEVELS = {"baseline": "", "avx2": "_avx2", "avx512": "_avx512"}


def _find() -> dict[str, Kernel]:
    """Load the kernels that were built and that this processor supports, the best one last."""
    found: dict[str, Kernel] = {"numpy": reference}
    for level, (name, suffix) in enumerate(_LEVELS.items()):
        if not _fastpix.supports(level):
            continue
        try:
            found[name] = importlib.import_module(f"fastpix._fastpix{suffix}")
        except ModuleNotFoundError:  # not built on this platform
            continue
    return found


def _checked(name: str, argument: str) -> str:
    if not isinstance(name, str) or name not in _KERNELS:
        raise ArgumentError(
            argument, f"{name!r} is none of the kernels here: {', '.join(_KERNELS)}"
        )
    return name


_KERNELS = _find()
_DEFAULT = _checked(os.environ.get("FASTPIX_KERNEL") or list(_KERNELS)[-1], "FASTPIX_KERNEL")
_chosen: ContextVar[str] = ContextVar("fastpix_kernel", default=_DEFAULT)


def compiled_modules(name: str) -> dict[str, str]:
    """Return the modules that `name` is compiled into, for the kernels that run here."""
    return {
        level: f"fastpix.{name}{suffix}" for level, suffix in _LEVELS.items() if level in _KERNELS
    }


def kernels() -> tuple[str, ...]:
    """Return the names of the kernels that run on this machine, the fastest last.

    ``"numpy"`` is the reference; ``"baseline"`` runs on every processor of the platform.
    """
    return tuple(_KERNELS)


@contextmanager
def use_kernel(name: str) -> Iterator[None]:
    """Choose the kernel for the ``with`` block, in this thread or task (a context variable).

    Parameters
    ----------
    name : str
        One of `kernels()`. The environment variable ``FASTPIX_KERNEL`` sets the default.

    Raises
    ------
    ArgumentError
        There is no such kernel here.
    """
    token = _chosen.set(_checked(name, "name"))
    try:
        yield
    finally:
        _chosen.reset(token)


def current_kernel() -> Kernel:
    """Return the kernel in use."""
    return _KERNELS[_chosen.get()]


def kernel_name() -> str:
    """Return the name of the kernel in use."""
    return _chosen.get()


def get_kernel(name: str) -> Kernel:
    """Return a kernel by name."""
    return _KERNELS[_checked(name, "name")]
