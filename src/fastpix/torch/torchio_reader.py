"""`torchio_reader`: DICOM for `torchio.ScalarImage`, by its argument `reader`."""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.loaders import read_series


def torchio_reader(path: str | os.PathLike[str]) -> tuple[torch.Tensor, NDArray[np.float64]]:
    """Read a series for ``torchio.ScalarImage(path, reader=torchio_reader)``.

    Parameters
    ----------
    path : path
        A folder with one series, or a multi-frame file.

    Returns
    -------
    data : Tensor
        float32, ``(volumes, columns, rows, slices)``: TorchIO's (channel, x, y, z).
    affine : ndarray of float64
        ``(4, 4)``: (x, y, z, 1) to millimetres, RAS.

    Raises
    ------
    FastpixError
        It is no volume, or has no place in space.
    """
    volume = read_series(path)
    if volume.affine is None:
        raise FastpixError("the series has no place in space, which TorchIO needs: use imread_many")
    array = volume.array
    is_color = array.ndim == 4 + len(volume.axes)
    if is_color and volume.axes:
        raise FastpixError("the series has colours and several volumes: read it by read_series")
    if is_color:
        array = np.moveaxis(array, -1, 0)
    elif not volume.axes:
        array = array[None]
    data = np.ascontiguousarray(array.transpose(0, 3, 2, 1))
    return torch.from_numpy(data), volume.affine_as("RAS", "xyz")
