"""Readers that are wrong, that fail and that end or hang their process, for test_compare.py.

They are called in processes of their own, so they are functions of a module.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastpix
from fastpix.compare import Reader
from fastpix.compare.readers import (
    Read,
    read_fastpix,
    read_fastpix_mirrored,
    read_fastpix_negated,
)

HELD = "FASTPIX_TEST_HELD"  # names the file in which `hang` leaves the number of its process
_reads = 0


def _read(path: str) -> NDArray[Any]:
    return fastpix.imread(path, invert="none")


def right(path: str) -> NDArray[Any]:
    return _read(path).astype(np.float64)


def mirrored(path: str) -> NDArray[Any]:
    """Mirror stored values of 12 bits, and rescale them by 2 and 5."""
    stored = fastpix.open(path).stored().astype(np.int64)
    values: NDArray[Any] = (4095 - stored) * 2 + 5
    return values


def negated(path: str) -> NDArray[Any]:
    values: NDArray[Any] = -_read(path)
    return values


def off_by_one(path: str) -> NDArray[Any]:
    """Be wrong from the second value on."""
    values = _read(path)
    values.ravel()[1:] += 1
    return values


def rounded(path: str) -> NDArray[Any]:
    values: NDArray[Any] = np.nextafter(_read(path), np.float32(np.inf))
    return values


def other_shape(path: str) -> NDArray[Any]:
    return _read(path)[:1]


def empty(path: str) -> NDArray[Any]:
    return np.empty(0)


def nothing(path: str) -> Any:
    return None


def error(path: str) -> NDArray[Any]:
    raise ValueError("what\x1b[31m it\nsays")


def abort(path: str) -> NDArray[Any]:
    os.abort()


def leave(path: str) -> NDArray[Any]:
    os._exit(3)


def hang(path: str) -> NDArray[Any]:
    if held := os.environ.get(HELD):
        Path(held).write_text(str(os.getpid()))
    time.sleep(600)
    raise AssertionError


def abort_later(path: str) -> NDArray[Any]:
    """Read once, and end the process after that."""
    global _reads
    _reads += 1
    if _reads > 1:
        os.abort()
    return _read(path)


def abort_on_large(path: str) -> NDArray[Any]:
    """End the process on an image of more than 6 pixels."""
    values = _read(path)
    if values.size > 6:
        os.abort()
    return values


def logged(path: str) -> NDArray[Any]:
    """Leave a line for each read, in a file beside the folder."""
    return _log("logged", path)


def logged_too(path: str) -> NDArray[Any]:
    return _log("logged_too", path)


def _log(name: str, path: str) -> NDArray[Any]:
    with Path(path).parent.with_suffix(".log").open("a") as log:
        log.write(f"{name} {Path(path).name}\n")
    return _read(path)


def ones(path: str) -> NDArray[Any]:
    """Take anything for an image."""
    return np.ones((2, 3))


def reader(read: Read, reference: Read = read_fastpix, name: str = "") -> Reader:
    """Return a reader that calls one of these functions, by its name."""
    own: str = getattr(read, "__name__", "")
    return Reader(name or own, "fake-readers", "support.fake_readers", read, reference)


MIRRORED = reader(mirrored, read_fastpix_mirrored, "SimpleITK's way")
NEGATED = reader(negated, read_fastpix_negated, "pydcm's way")
ABSENT = Reader("absent", "no-such-package", "no_such_module", right)
