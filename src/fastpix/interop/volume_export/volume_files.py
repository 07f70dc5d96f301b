"""A volume as a file: NIfTI, or the arrays of NumPy."""

from __future__ import annotations

import gzip
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastpix.errors import ArgumentError
from fastpix.interop.volume_export.nibabel_image import to_nibabel
from fastpix.series.volume import Volume

_LEVEL = 1  # of gzip: nibabel's own
_OF_A_DAY = frozenset({"acquisition_time", "content_time"})  # dates are the patient's


def save(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Write a volume to a file that is whole or absent; see `Volume.save`."""
    target = Path(path)
    name = target.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        image = to_nibabel(volume)
        if name.endswith(".gz"):
            _replace(target, lambda file: _write_compressed(image, file))
        else:
            _replace(target, image.to_stream)
    elif name.endswith(".npz"):
        _replace(target, lambda file: _write_arrays(volume, file))
    else:
        raise ArgumentError("path", f"{target.name!r} does not end in .nii, .nii.gz or .npz")


def _write_compressed(image: Any, file: BinaryIO) -> None:
    """Write NIfTI through gzip, whose own header gets no name and no time."""
    with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as compressed:
        image.to_stream(compressed)


def _write_arrays(volume: Volume, file: BinaryIO) -> None:
    affine = np.full((4, 4), np.nan) if volume.affine is None else volume.affine
    coords = {name: list(values) for name, values in volume.coords.items() if name not in _OF_A_DAY}
    np.savez(
        file,
        array=volume.array,
        affine=affine,
        axes=np.array(volume.axes, np.str_),
        coords=np.array(json.dumps(coords)),
        unit=np.array(volume.unit),
    )


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name beside its own, and rename it."""
    temporary = target.with_name(f".{target.name}.writing-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
