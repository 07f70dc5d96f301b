"""What a scan reads of headers: which series a file belongs to, and what a person asks first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fastpix.errors import FastpixError, warnings_kept
from fastpix.header.instance import Instance, read_instance
from fastpix.header.plain_values import plain_values
from fastpix.job.scan.source_locations import open_location
from fastpix.source.opening import open_file, read_source
from fastpix.source.stored import File
from fastpix.standard.tags import Tag

_HEAD = 2**14  # bytes of a file that are read for its header
_MOST = 2**30  # bytes that a deflated data set may inflate to


class ScannedHeader(NamedTuple):
    """A few attributes of an image; empty or None where there is no image, or it does not say.

    Attributes
    ----------
    series, sop_instance : str
        UIDs.
    modality : str
    rows, columns, frames : int or None
    """

    series: str = ""
    sop_instance: str = ""
    modality: str = ""
    rows: int | None = None
    columns: int | None = None
    frames: int | None = None


def scan_header(location: str) -> ScannedHeader:
    """Read the header of a file; what is no image, or damaged, says nothing.

    Parameters
    ----------
    location : str

    Raises
    ------
    OSError
        It cannot be read now.
    """
    try:
        with warnings_kept(), instance_at(location) as instance:
            top = plain_values(instance).top
    except FastpixError:  # told when it is converted
        return ScannedHeader()
    header = instance.header
    return ScannedHeader(
        _text(top.get(Tag.SeriesInstanceUID)),
        _text(top.get(Tag.SOPInstanceUID)),
        header.modality,
        header.rows,
        header.columns,
        header.frames,
    )


@contextmanager
def instance_at(location: str) -> Iterator[Instance]:
    """Open a file for as long as its header is looked at.

    Parameters
    ----------
    location : str

    Raises
    ------
    FastpixError
        It is no image, or damaged.
    OSError
        It cannot be read now.
    """
    source = open_location(location)
    stored = open_file(source, 0, _HEAD) if isinstance(source, str) else read_source(source)
    try:
        yield read_instance(stored, _MOST)
    finally:
        if isinstance(stored, File):
            stored.close()


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("latin-1").strip(" \0").strip()
