"""What a job has to do: sources to files as they are found, files to items, items to batches.

In: what a user names. Out: streams of `SourceFile`, `Item` and `Batch`; no list of all files.
Stands on: source, pseudonyms, and header for series.
"""

from fastpix.job.scan.batching import batches
from fastpix.job.scan.filters import Filters, filters_of
from fastpix.job.scan.found_sources import Sources
from fastpix.job.scan.item_stream import file_items, series_items
from fastpix.job.scan.sharding import in_shard, shard_of
from fastpix.job.scan.sources import open_sources

__all__ = [
    "Filters",
    "Sources",
    "batches",
    "file_items",
    "filters_of",
    "in_shard",
    "open_sources",
    "series_items",
    "shard_of",
]
