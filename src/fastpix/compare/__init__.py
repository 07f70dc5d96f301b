"""Readers of DICOM files beside each other: whether their values agree, and what they cost.

In: files. Out: a record, and tables of it. Each reader works in a process of its own.
Stands on: image, series, runs, loaders and interop for fastpix's own reading, and job.
"""

from fastpix.compare.comparison import (
    Comparison,
    Machine,
    Options,
    PartRecord,
    json_text,
    now,
)
from fastpix.compare.item_finding import find_batches, find_images, find_series
from fastpix.compare.measure import ComparedItem, Measurement, Reading, check_options
from fastpix.compare.parts import BATCHES, IMAGES, PARTS, SERIES, Item, Part
from fastpix.compare.readers import READERS, Reader, readers_named
from fastpix.compare.standings import part_record
from fastpix.compare.table import listing, markdown, tables_of, title_of

__all__ = [
    "BATCHES",
    "IMAGES",
    "PARTS",
    "READERS",
    "SERIES",
    "ComparedItem",
    "Comparison",
    "Item",
    "Machine",
    "Measurement",
    "Options",
    "Part",
    "PartRecord",
    "Reader",
    "Reading",
    "check_options",
    "find_batches",
    "find_images",
    "find_series",
    "json_text",
    "listing",
    "markdown",
    "now",
    "part_record",
    "readers_named",
    "tables_of",
    "title_of",
]
