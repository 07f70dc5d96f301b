"""Memory of batches that workers of a `Loader` use again, once nobody looks at it any more.

New memory costs several times what reading into it does: the kernel clears each of its pages, one
by one, and takes them back. Torch makes new memory for each batch that a worker hands over. Here
each worker has a few slots, which the main process maps when the first batch of them arrives. A
slot is written to again only when no tensor of either process has its memory: the interpreter
counts who looks at the arrays that tensors are made of, and the last one to go gives the slot back.
Where all slots are in use, as by somebody who keeps batches, memory is new.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import secrets
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fastpix.torch.tensors import shared_zeros

_LEAST = 2**20  # bytes of a batch that are worth a slot
_HANDED = 1  # a slot whose batch the main process has, or will have

InitWorker = Callable[[int], None] | None


class BatchPool:
    """The slots of all workers of a loader, as the main process knows them.

    Parameters
    ----------
    workers : int
    slots : int
        Of each worker.

    Attributes
    ----------
    key : str
    flags : Tensor of uint8
        ``(workers, slots)``, in memory that all share: whether a batch has been handed over.
    """

    def __init__(self, workers: int, slots: int) -> None:
        self.key = secrets.token_hex(8)
        self.flags = shared_zeros(workers * slots, torch.uint8).view(workers, slots)
        self._maps: dict[tuple[int, int, int], mmap.mmap] = {}
        _pools[self.key] = self

    def mapped(self, process: int, handle: int, generation: int, size: int) -> mmap.mmap:
        """Return the memory of a slot.

        Parameters
        ----------
        process, handle : int
            Whose file it is.
        generation : int
            How often the slot had to grow.
        size : int
        """
        key = process, handle, generation
        found = self._maps.get(key)
        if found is None:
            found = self._maps[key] = _map_of(process, handle, size)
        return found


_pools: weakref.WeakValueDictionary[str, BatchPool] = weakref.WeakValueDictionary()


def can_pool() -> bool:
    """Whether processes here can map each other's memory by its place under ``/proc``."""
    if not hasattr(os, "memfd_create"):
        return False
    handle = os.memfd_create("fastpix")
    try:
        os.ftruncate(handle, mmap.PAGESIZE)
        _map_of(os.getpid(), handle, mmap.PAGESIZE).close()
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _map_of(process: int, handle: int, size: int) -> mmap.mmap:
    opened = os.open(f"/proc/{process}/fd/{handle}", os.O_RDWR)
    try:
        return mmap.mmap(opened, size)
    finally:
        os.close(opened)


class _Slot:
    """A piece of memory of a worker."""

    def __init__(self) -> None:
        self.handle = -1
        self.generation = 0
        self.size = 0
        self.memory: mmap.mmap | None = None
        self.is_held = False  # by a tensor of the worker

    def grow(self, size: int) -> None:
        """Get memory of another size."""
        self.memory = None
        if self.handle >= 0:
            os.close(self.handle)
        if sys.platform != "linux":
            raise RuntimeError("can_pool() says where batches are pooled")
        self.handle = os.memfd_create("fastpix")
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        os.ftruncate(self.handle, self.size)
        self.memory = mmap.mmap(self.handle, self.size)
        self.generation += 1

    def release(self) -> None:
        """Note that no tensor of the worker has this memory."""
        self.is_held = False


class WorkerSlots:
    """The slots of one worker, in it.

    Parameters
    ----------
    key : str
        Of the pool.
    flags : Tensor
        Of the pool.
    worker : int
    """

    def __init__(self, key: str, flags: torch.Tensor, worker: int) -> None:
        self.key = key
        self.process = os.getpid()
        self.first = worker * flags.shape[1]
        self.flags: NDArray[np.uint8] = flags[worker].numpy()
        self.slots = [_Slot() for _ in self.flags]
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        """Return an array in a slot; None where all are in use, or it is too small to matter.

        Parameters
        ----------
        shape : tuple of int
        dtype : dtype
        """
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size < _LEAST:
            return None
        with self._lock:
            free = (s for k, s in enumerate(self.slots) if not s.is_held and not self.flags[k])
            slot = next(free, None)
            if slot is None:
                return None
            if slot.size < size:
                slot.grow(size)
            slot.is_held = True
        assert slot.memory is not None
        return _array_in(slot.memory, dtype, count, slot.release).reshape(shape)

    def number_of(self, tensor: torch.Tensor) -> int | None:
        """Return the slot that a tensor fills; None where it is not one of these.

        Parameters
        ----------
        tensor : Tensor
        """
        place = tensor.untyped_storage().data_ptr()
        for number, slot in enumerate(self.slots):
            if slot.is_held and slot.memory is not None and _address(slot.memory) == place:
                return number
        return None


def _array_in(
    memory: mmap.mmap, dtype: np.dtype[Any], count: int, when_gone: Callable[..., object],
    *arguments: object,
) -> NDArray[Any]:  # fmt: skip
    """Return an array in memory, and call something when the last that looks at it is gone."""
    held = (ctypes.c_ubyte * len(memory)).from_buffer(memory)
    weakref.finalize(held, when_gone, *arguments).atexit = False
    array: NDArray[Any] = np.frombuffer(memoryview(held), dtype, count)
    return array


def _address(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_ubyte.from_buffer(memory))


_slots: WorkerSlots | None = None  # of this process, if it is a worker of a Loader


def slots_here() -> WorkerSlots | None:
    """Return the slots of this process, if it is a worker of a loader that has a pool."""
    return _slots if _slots is not None and _slots.process == os.getpid() else None


class BeginWorker:
    """What a `Loader` has a new worker do.

    Parameters
    ----------
    pool : BatchPool
    then : callable or None
        What its user wants the worker to do.
    """

    def __init__(self, pool: BatchPool, then: InitWorker) -> None:
        self._pool = pool.key, pool.flags
        self._then = then

    def __call__(self, worker: int) -> None:
        """Begin a worker."""
        global _slots
        if self._then is not None:
            self._then(worker)
        _slots = WorkerSlots(*self._pool, worker)


class Handover:
    """A tensor that fills a slot, on its way to the main process, where it is a tensor again.

    Parameters
    ----------
    tensor : Tensor
    slots : WorkerSlots
    number : int
        The slot.
    """

    def __init__(self, tensor: torch.Tensor, slots: WorkerSlots, number: int) -> None:
        self._tensor = tensor
        self._slots = slots
        self._number = number

    def __reduce__(self) -> tuple[Any, ...]:
        tensor, slots = self._tensor, self._slots
        slot = slots.slots[self._number]
        slots.flags[self._number] = _HANDED
        where = slots.process, slot.handle, slot.generation, slot.size
        kind = tensor.numpy().dtype.str
        strides = tensor.stride()
        return _received, (slots.key, slots.first + self._number, where, kind,
                           tuple(tensor.shape), strides)  # fmt: skip


def handed_over(tensor: torch.Tensor) -> torch.Tensor | Handover:
    """Return what is sent in place of a tensor that was read into a slot.

    Parameters
    ----------
    tensor : Tensor
    """
    slots = slots_here()
    number = None if slots is None else slots.number_of(tensor)
    if slots is None or number is None:
        return tensor
    return Handover(tensor, slots, number)


def _received(
    key: str,
    place: int,
    where: tuple[int, int, int, int],
    kind: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> torch.Tensor:
    """Return the tensor of a batch that a worker has handed over."""
    pool = _pools.get(key)
    process, handle, generation, size = where
    if pool is None:  # the loader is gone, and so will be the batch
        memory, flags = _map_of(process, handle, size), None
    else:
        memory, flags = pool.mapped(process, handle, generation, size), pool.flags
    array = _array_in(
        memory, np.dtype(kind), math.prod(shape), _give_back, flags, place, os.getpid()
    )
    return torch.from_numpy(array).as_strided(shape, strides)


def _give_back(flags: torch.Tensor | None, place: int, process: int) -> None:
    # A fork of the main process that lets go of its copy says nothing of the one in that process.
    if flags is not None and process == os.getpid():
        flags.view(-1)[place] = 0
