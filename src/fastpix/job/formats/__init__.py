"""Formats of a cache: how samples are stored, and read again.

In: a `Sample`. Out: `Placed`, then its array by the row of the manifest. One module for a format.
Files appear under their names once the batch is committed.
Stands on: errors, job.sample, job.remaining, job.settings, job.storage.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from fastpix.errors import ArgumentError
from fastpix.job.formats.format_protocol import Format
from fastpix.job.settings import Unit

_CLASSES = {
    "tar": "tar_shards.TarShards",
    "npz": "npz_files.NpzFiles",
    "b2nd": "b2nd_files.B2ndFiles",
    "nifti": "nifti_files.NiftiFiles",
    "png": "png_files.PngFiles",
    "zarr": "zarr_arrays.ZarrArrays",
    "index": "source_index.SourceIndex",
}
FORMATS = tuple(_CLASSES)
"""What ``format=`` takes."""


@lru_cache
def format_named(name: str) -> Format:
    """Return a format by its name; its module is imported now, its libraries when they are used.

    Parameters
    ----------
    name : str

    Raises
    ------
    ArgumentError
        There is no such format.
    """
    if name not in _CLASSES:
        raise ArgumentError("format", f"{name!r} is not one of {', '.join(FORMATS)}")
    module, _, class_ = _CLASSES[name].partition(".")
    made: Format = getattr(import_module(f"{__name__}.{module}"), class_)()
    return made


def default_format(unit: Unit) -> str:
    """Return the format for a unit: shards for images, a file each for volumes.

    Parameters
    ----------
    unit : {"file", "series"}
    """
    return "b2nd" if unit == "series" else "tar"
