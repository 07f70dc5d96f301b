"""Readers of DICOM files beside each other: whether their values agree, and what they cost."""

from fastpix.compare.measure import ComparedFile, Reading, compare
from fastpix.compare.readers import READERS, Reader, readers_named
from fastpix.compare.table import listing, markdown, tables_of

__all__ = [
    "READERS",
    "ComparedFile",
    "Reader",
    "Reading",
    "compare",
    "listing",
    "markdown",
    "readers_named",
    "tables_of",
]
