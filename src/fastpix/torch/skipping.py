"""What datasets skip: counted in memory that the workers of a DataLoader share."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from fastpix.errors import ArgumentError
from fastpix.torch.tensors import shared_zeros

OnItemError = Literal["raise", "skip"]


def checked_on_error(on_error: str) -> OnItemError:
    """Return `on_error` if a dataset knows it.

    Parameters
    ----------
    on_error : str
    """
    if on_error not in get_args(OnItemError):
        raise ArgumentError("on_error", f"{on_error!r} is not 'raise' or 'skip'")
    return on_error  # type: ignore[return-value]


class Skipped:
    """Which items could not be read, by number: the same in the main process and in all workers.

    Parameters
    ----------
    count : int
        Items of the dataset.
    on_error : {"raise", "skip"}
        Only what is skipped is counted: shared memory is a file descriptor for each dataset.
    """

    def __init__(self, count: int, on_error: OnItemError) -> None:
        make = shared_zeros if on_error == "skip" else torch.zeros
        self._flags = make(count, dtype=torch.uint8)

    def add(self, number: int) -> None:
        """Note that an item could not be read.

        Parameters
        ----------
        number : int
        """
        self._flags[number] = 1

    def numbers(self) -> list[int]:
        """Return the items that could not be read so far."""
        found: list[int] = torch.nonzero(self._flags).ravel().tolist()
        return found

    def clear(self) -> None:
        """Forget them: a new epoch begins."""
        self._flags.zero_()
