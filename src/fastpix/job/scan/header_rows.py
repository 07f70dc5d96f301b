"""A header to the columns of a manifest: what filters are asked of before anything is converted."""

from __future__ import annotations

from fastpix.errors import warnings_kept
from fastpix.job.rows import Describer, Row, header_columns
from fastpix.job.scan.scanned_headers import instance_at


def header_row(location: str, describer: Describer) -> Row:
    """Return what a manifest says of the header of a file; warnings are not given.

    Parameters
    ----------
    location : str
    describer : Describer

    Raises
    ------
    FastpixError
        It is no image, or damaged.
    OSError
        It cannot be read now.
    """
    with warnings_kept(), instance_at(location) as instance:
        return header_columns(instance.header) | describer.identity(instance)
