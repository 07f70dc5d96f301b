"""Ways to store samples, by name: a module each.

In: a `Sample`. Out: where its bytes were put, and the array again.
Stands on: storage.
"""

from __future__ import annotations

import importlib

from fastpix.errors import ArgumentError
from fastpix.job.formats.format_protocol import Format

_WHERE = {
    "tar": "tar_shards",
    "npz": "npz_files",
    "b2nd": "b2nd_files",
    "nifti": "nifti_files",
    "png": "png_files",
    "zarr": "zarr_stores",
    "index": "native_index",
}


def format_named(name: str) -> Format:
    """Return a format.

    Parameters
    ----------
    name : str

    Raises
    ------
    ArgumentError
        There is none of this name.
    ImportError
        What it needs is not installed.
    """
    if name not in _WHERE:
        raise ArgumentError("format", f"{name!r} is not one of {', '.join(_WHERE)}")
    found: Format = importlib.import_module(f"fastpix.job.formats.{_WHERE[name]}").FORMAT
    return found


def default_format(unit: str) -> str:
    """Return the format that is used unless another is asked for.

    Parameters
    ----------
    unit : {"file", "series"}
    """
    return "b2nd" if unit == "series" else "tar"
