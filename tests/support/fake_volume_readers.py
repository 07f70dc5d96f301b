"""Readers of series and batches that are wrong in one way each, called in other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fastpix.compare import Reader
from fastpix.compare.batch_readers import read_batch_fastpix
from fastpix.compare.readers import Read
from fastpix.compare.volume_readers import (
    GivenVolume,
    SeriesFiles,
    read_volumes_fastpix,
    read_volumes_pydicom,
)


def turned(series: SeriesFiles) -> list[GivenVolume]:
    """Give the same volumes with the axes in another order and direction."""
    made = []
    for volume in read_volumes_fastpix(series):
        assert volume.affine is not None
        affine = volume.affine[:, [1, 2, 0, 3]].copy()
        array = volume.array.transpose(1, 2, 0)[:, ::-1]
        affine[:3, 3] += affine[:3, 1] * (array.shape[1] - 1)
        affine[:3, 1] *= -1
        made.append(GivenVolume(array, affine))
    return made


def moved(series: SeriesFiles) -> list[GivenVolume]:
    """Place volumes a millimetre too far to the left."""
    made = []
    for volume in read_volumes_fastpix(series):
        assert volume.affine is not None
        affine = volume.affine.copy()
        affine[0, 3] += 1
        made.append(volume._replace(affine=affine))
    return made


def placeless(series: SeriesFiles) -> list[GivenVolume]:
    return [volume._replace(affine=None) for volume in read_volumes_fastpix(series)]


def off_by_one(series: SeriesFiles) -> list[GivenVolume]:
    return [v._replace(array=v.array + 1) for v in read_volumes_fastpix(series)]


def moved_and_off(series: SeriesFiles) -> list[GivenVolume]:
    return [v._replace(array=v.array + 1) for v in moved(series)]


def shorter(series: SeriesFiles) -> list[GivenVolume]:
    return [v._replace(array=v.array[:-1]) for v in read_volumes_fastpix(series)]


def aborting(series: SeriesFiles) -> list[GivenVolume]:
    os.abort()


def stuck_program(series: SeriesFiles) -> list[GivenVolume]:
    """Wait for a program that hangs; it leaves its number beside the folder of the files."""
    held = Path(os.path.realpath(series.paths[0])).parent.with_suffix(".held")
    code = f"import os, time; open({str(held)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
    raise AssertionError


def batch_off(paths: Sequence[str]) -> NDArray[Any]:
    return read_batch_fastpix(paths) + 1


def batch_short(paths: Sequence[str]) -> NDArray[Any]:
    return read_batch_fastpix(paths)[1:]


def batch_aborting(paths: Sequence[str]) -> NDArray[Any]:
    os.abort()


def reader(read: Read, reference: Read = read_volumes_fastpix) -> Reader:
    """Return a reader that calls one of these functions, by its name."""
    name: str = getattr(read, "__name__", "")
    return Reader(name, "fake-readers", "support.fake_volume_readers", read, reference)


ABSENT = Reader("absent", "no-such-package", "no_such_module", read_volumes_pydicom)
NO_PROGRAM = Reader("no program", "numpy", "numpy", read_volumes_pydicom, program="no-such-program")
