"""`BatchMemory`: where the images of one batch are read to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from fastpix.torch.batch_pool import slots_here


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
        slots = slots_here()
        pooled = None if slots is None else slots.empty(shape, np.dtype(dtype))
        if pooled is not None:
            self._tensor = torch.from_numpy(pooled)
            return pooled
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
