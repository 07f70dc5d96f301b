"""Parts of an array in a ``.b2nd`` file: only the blocks that they lie in are decompressed."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.blosc2_frames import blosc2_module
from fastpix.job.formats.sample_bytes import damaged, missing, read_bytes
from fastpix.job.storage.local_storage import LocalStorage

_MOST_OPEN = 8  # arrays that a thread keeps open, each with its file
_MOST_CHECKED = 2**16

_Stamp = tuple[str, int, int, int, int]  # the last is the checksum that a manifest gives
_checked: dict[_Stamp, None] = {}  # files of this process whose checksum was right


class _Opened(threading.local):
    """The arrays that a thread has open: it is the decompressor's own, so no two threads share."""

    def __init__(self) -> None:
        self.arrays: OrderedDict[_Stamp, Any] = OrderedDict()
        self.process = os.getpid()


_opened = _Opened()


def read_part(
    storage: LocalStorage, row: dict[str, Any], starts: Sequence[int], stops: Sequence[int]
) -> NDArray[Any]:
    """Return a part of an array.

    The first part that a process reads of a file costs reading all its bytes, which are held
    against the checksum: damaged bytes could crash the decompressor.

    Parameters
    ----------
    storage : LocalStorage
    row : dict
        Of the manifest.
    starts, stops : sequence of int
        Along each axis.

    Raises
    ------
    FastpixError
        The file is missing, or damaged.
    """
    path = os.path.join(storage.folder, row["file"])
    try:
        stamp = _stamp_of(path, row)
    except FileNotFoundError as error:
        raise missing(row) from error
    if stamp not in _checked:
        read_bytes(storage, row, verify=True)
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked[stamp] = None
    array = _array(stamp, row)
    try:
        part = array[tuple(map(slice, starts, stops))]
        is_same = _stamp_of(path, row) == stamp
    except (RuntimeError, ValueError, TypeError, KeyError, OSError) as error:
        raise damaged(row, error) from error
    if not is_same:  # another run may have written it since it was held against the checksum
        raise damaged(row, "it has changed while it was read")
    found: NDArray[Any] = np.ascontiguousarray(part)
    return found


def _stamp_of(path: str, row: dict[str, Any]) -> _Stamp:
    status = os.stat(path)
    return path, status.st_size, status.st_mtime_ns, status.st_ino, row["checksum"]


def _array(stamp: _Stamp, row: dict[str, Any]) -> Any:
    if _opened.process != os.getpid():  # what a parent has open is not used by its children
        _opened.__init__()  # type: ignore[misc]
    arrays = _opened.arrays
    array = arrays.get(stamp)
    if array is not None:
        arrays.move_to_end(stamp)
        return array
    blosc2 = blosc2_module()
    try:
        array = blosc2.open(stamp[0], mode="r", dparams=blosc2.DParams(nthreads=1))
        shape, dtype = tuple(array.shape), array.dtype
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, AttributeError) as error:
        raise damaged(row, error) from error
    if shape != tuple(row["shape"]) or dtype != np.dtype(row["dtype"]):
        raise damaged(row, f"{shape} {dtype}, not {tuple(row['shape'])} {row['dtype']}")
    arrays[stamp] = array
    while len(arrays) > _MOST_OPEN:
        arrays.popitem(last=False)
    return array
