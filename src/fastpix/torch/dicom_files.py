"""What `DicomDataset` is over: files, folders, lists of ``fastpix scan``, or a cache's sources."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError, is_no_image
from fastpix.job.cache import Cache
from fastpix.job.cache_opening import is_cache
from fastpix.job.items import SourceFile
from fastpix.job.rows import Describer, Row
from fastpix.job.scan.header_rows import header_row
from fastpix.job.scan.sources import open_sources
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names
from fastpix.torch.cached_samples import Filter, keeps_of, kept_of, label_column, opened
from fastpix.torch.image_dataset import no_column, spacings_of
from fastpix.torch.item_labels import LabelColumn

if TYPE_CHECKING:
    import pyarrow

PathLike: TypeAlias = "str | os.PathLike[str]"


class DicomFiles(NamedTuple):
    """The files of a dataset.

    Attributes
    ----------
    names : list of str
        Paths as they were given, paths below a folder, or keyed names of a cache.
    locations : list of str
    table : pyarrow.Table or None
        The rows of a manifest.
    spacings : ndarray or None
        ``(N, 2)``, mm.
    column : callable
        Finds a column of labels.
    """

    names: list[str]
    locations: list[str]
    table: pyarrow.Table | None
    spacings: NDArray[np.float64] | None
    column: LabelColumn


def find_files(source: PathLike | Iterable[PathLike] | Cache, filter: Filter) -> DicomFiles:
    """Return the files that a source names; no pixels are read.

    Parameters
    ----------
    source : path, URL, Cache, or iterable of paths
    filter : str, sequence of str, callable or None

    Raises
    ------
    ArgumentError
        There are none, or it is a cache of another format.
    """
    if isinstance(source, Cache):
        return _of_cache(source, filter)
    if isinstance(source, (str, os.PathLike)):
        if is_cache(source):
            return _of_cache(source, filter)
        if os.path.isfile(source) and not _has_many(os.fspath(source)):
            found = _of_list([source], filter)
        else:
            found = _looked_at(open_sources(source).files(), filter)
    else:
        found = _of_list(list(source), filter)
    if not found.names:
        raise ArgumentError("source", "there are no images in it, or the filter leaves none")
    return found


_LISTINGS = (".parquet", "DICOMDIR")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")  # in letters of any case, as the scan has it


def _has_many(path: str) -> bool:
    return path.endswith(_LISTINGS) or path.lower().endswith(_ARCHIVES)


def _of_cache(source: PathLike | Cache, filter: Filter) -> DicomFiles:
    cache = kept_of(opened(source, "file"), filter)
    if cache.settings.format != "index":
        raise ArgumentError(
            "source",
            f"{cache.destination} is a cache of format {cache.settings.format}, which has arrays "
            f"of its own: use CacheDataset",
        )
    where = cache.locations
    return DicomFiles(
        cache.names,
        [where[name] for name in cache.names],
        cache.table,
        spacings_of(cache.table.column("pixel_spacing").to_pylist()),
        partial(label_column, cache),
    )


def _of_list(paths: Sequence[PathLike], filter: Filter) -> DicomFiles:
    """Return files that were named one by one, which are not opened unless a filter asks."""
    files: list[SourceFile] = []
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise ArgumentError("source", f"a {type(path).__name__} is not a path")
        name = os.fsdecode(path)
        if not files and os.path.isdir(name):  # of the first alone: a million would take minutes
            raise ArgumentError("source", "a list names files; give a folder by itself")
        files.append(SourceFile(name, name, 0, 0))
    if filter is None:
        names = [file.relative for file in files]
        return DicomFiles(names, names, None, None, no_column)
    return _looked_at(files, filter, in_order=True)


def _looked_at(
    files: Iterable[SourceFile], filter: Filter, *, in_order: bool = False
) -> DicomFiles:
    """Return files whose headers say that they are images which the filter keeps.

    Files that cannot be read are kept: reading them will tell. They come in the order of names, or
    in that which they are given in.
    """
    # Nothing of these rows is kept but spacings: the key is thrown away.
    looked = _Looked(Describer(Names(secrets.token_bytes(32))), keeps_of(filter))
    found: list[tuple[str, str, Sequence[float] | None]] = []
    for file, is_kept, spacing in map_waiting(looked.at, files):
        if is_kept:
            name = file.relative or os.path.basename(file.location)
            found.append((name, file.location, spacing))
    if not in_order:
        found.sort(key=itemgetter(0))  # the order of a folder is another one on each machine
    names, locations, spacings = map(list, zip(*found, strict=True)) if found else ([], [], [])
    return DicomFiles(names, locations, None, spacings_of(spacings), no_column)


class _Looked(NamedTuple):
    describer: Describer
    keeps: Callable[[Row], Any]

    def at(self, file: SourceFile) -> tuple[SourceFile, bool, Sequence[float] | None]:
        """Return a file, whether it is kept, and its pixel spacing."""
        try:
            row = header_row(file.location, self.describer)
        except FastpixError as error:
            return file, not is_no_image(error), None
        except OSError:
            return file, True, None
        return file, bool(self.keeps(row)), row.get("pixel_spacing")
