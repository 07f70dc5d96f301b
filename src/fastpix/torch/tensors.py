"""Arrays as tensors: in shared memory where a worker makes them, with channels first."""

from __future__ import annotations

import torch
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


def channels_first(images: torch.Tensor, is_color: bool) -> torch.Tensor:
    """Return a batch with an axis of channels after that of images: one, or three for colour.

    Parameters
    ----------
    images : Tensor
        ``(N, …, rows, columns)``, with a last axis of 3 for colour.
    is_color : bool
    """
    return images.movedim(-1, 1) if is_color else images.unsqueeze(1)
