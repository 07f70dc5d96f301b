"""Arrays as tensors: in shared memory where a worker makes them, with channels first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from fastpix.errors import FastpixError


def threads_here(threads: int | None) -> int | None:
    """Return how many threads read here: one in a worker of a DataLoader, unless others are asked.

    Parameters
    ----------
    threads : int or None
        What the user asked for.
    """
    return 1 if threads is None and get_worker_info() is not None else threads


def for_main_process(error: Exception) -> Exception:
    """Return an error that a DataLoader hands over as a FastpixError, if a worker raises it.

    It makes errors anew from their texts alone, which most of ours cannot be.

    Parameters
    ----------
    error : Exception
    """
    if get_worker_info() is None or not isinstance(error, FastpixError):
        return error
    text = "\n".join((str(error), *getattr(error, "__notes__", ())))
    return FastpixError(text, error.storable)


def shared_zeros(count: int, dtype: torch.dtype) -> torch.Tensor:
    """Return zeros in memory that a process and its workers share.

    Parameters
    ----------
    count : int
    dtype : torch dtype
    """
    zeros = torch.zeros(count, dtype=dtype)
    return zeros.share_memory_()


class BatchMemory:
    """Makes the array of one batch; in a worker it lies in memory that the main process shares.

    Without it, a batch would be copied when it is handed over.
    """

    def __init__(self) -> None:
        self._tensor: torch.Tensor | None = None

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return an array whose values are not set.

        Parameters
        ----------
        shape : tuple of int
        dtype : str or numpy dtype
        """
        array: NDArray[Any]
        if get_worker_info() is None:
            array = np.empty(shape, dtype)
            self._tensor = torch.from_numpy(array)
            return array
        kind = torch.from_numpy(np.empty(0, dtype)).dtype
        size = math.prod(shape) * np.dtype(dtype).itemsize
        # As torch's own collate does it.
        storage = torch.UntypedStorage._new_shared(size, device="cpu")
        self._tensor = torch.empty(0, dtype=kind).set_(storage, 0, shape)
        array = self._tensor.numpy()
        return array

    def tensor(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Return the array as a tensor.

        Parameters
        ----------
        shape : tuple of int
            The same number of values.
        """
        assert self._tensor is not None
        return self._tensor.view(shape)


def channels_first(images: torch.Tensor, is_color: bool) -> torch.Tensor:
    """Return a batch with an axis of channels after that of images: one, or three for colour.

    Parameters
    ----------
    images : Tensor
        ``(N, …, rows, columns)``, with a last axis of 3 for colour.
    is_color : bool
    """
    return images.movedim(-1, 1) if is_color else images.unsqueeze(1)
