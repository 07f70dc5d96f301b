"""What `DicomDataset` is over: files, folders, lists of ``fastpix scan``, or a cache's sources."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError, is_no_image
from fastpix.job.cache import Cache
from fastpix.job.cache_opening import is_cache
from fastpix.job.items import SourceFile
from fastpix.job.live_rows import is_one_of
from fastpix.job.rows import Describer, Row
from fastpix.job.scan.header_rows import header_row
from fastpix.job.scan.sources import open_sources
from fastpix.job.scan.waiting import map_waiting
from fastpix.job.source_verdicts import SourcesLike, run_verdicts
from fastpix.pseudonyms import Names, load_key
from fastpix.sources.run_verdicts import RunVerdicts
from fastpix.sources.unseen_sources import UnseenSourceError, unseen_text
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
    is_inverted : ndarray of bool
        Which files are read with MONOCHROME1 and MONOCHROME2 exchanged.
    """

    names: list[str]
    locations: list[str]
    table: pyarrow.Table | None
    spacings: NDArray[np.float64] | None
    column: LabelColumn
    is_inverted: NDArray[np.bool_]


class Obeyed(NamedTuple):
    """The verdicts on sources that a dataset obeys.

    Attributes
    ----------
    verdicts : RunVerdicts
    names : Names
        Makes the ids of sources.
    """

    verdicts: RunVerdicts
    names: Names


def obeyed_of(sources: SourcesLike, allow_unseen: bool, key_file: PathLike | None) -> Obeyed | None:
    """Return the verdicts that a dataset obeys; None: all sources are taken as they are.

    Parameters
    ----------
    sources, allow_unseen, key_file
        Of `DicomDataset`.

    Raises
    ------
    FastpixError, OSError
    """
    if sources is None and not allow_unseen:
        return None
    if key_file is None or not os.path.exists(key_file):
        raise ArgumentError(
            "key_file", "ids of sources are keyed: pass the key file of the audit that made them"
        )
    names = Names(load_key(Path(key_file), None))
    verdicts = run_verdicts(sources, allow_unseen, names)
    return None if verdicts is None else Obeyed(verdicts, names)


def find_files(
    source: PathLike | Iterable[PathLike] | Cache, filter: Filter, obeyed: Obeyed | None = None
) -> DicomFiles:
    """Return the files that a source names; no pixels are read.

    Parameters
    ----------
    source : path, URL, Cache, or iterable of paths
    filter : str, sequence of str, callable or None
    obeyed : Obeyed or None

    Raises
    ------
    ArgumentError
        There are none, or it is a cache of another format.
    UnseenSourceError
        Nobody has looked at the source of some.
    """
    if isinstance(source, Cache):
        return _of_cache(source, filter, obeyed)
    if isinstance(source, (str, os.PathLike)):
        if is_cache(source):
            return _of_cache(source, filter, obeyed)
        if os.path.isfile(source) and not _has_many(os.fspath(source)):
            found = _of_list([source], filter, obeyed)
        else:
            found = _looked_at(open_sources(source).files(), filter, obeyed)
    else:
        found = _of_list(list(source), filter, obeyed)
    if not found.names:
        what = "the filter leaves none" if obeyed is None else "filter and verdicts leave none"
        raise ArgumentError("source", f"there are no images in it, or {what}")
    return found


_LISTINGS = (".parquet", "DICOMDIR")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")  # in letters of any case, as the scan has it


def _has_many(path: str) -> bool:
    return path.endswith(_LISTINGS) or path.lower().endswith(_ARCHIVES)


def _of_cache(source: PathLike | Cache, filter: Filter, obeyed: Obeyed | None) -> DicomFiles:
    if obeyed is not None:
        raise ArgumentError(
            "sources", "a cache has obeyed its verdicts: pass them to fastpix convert --sources"
        )
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
        is_one_of(cache.table.column("verdict"), {"invert"}),
    )


def _of_list(paths: Sequence[PathLike], filter: Filter, obeyed: Obeyed | None) -> DicomFiles:
    """Return files that were named one by one, which are not opened unless a filter asks."""
    files: list[SourceFile] = []
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise ArgumentError("source", f"a {type(path).__name__} is not a path")
        name = os.fsdecode(path)
        if not files and os.path.isdir(name):  # of the first alone: a million would take minutes
            raise ArgumentError("source", "a list names files; give a folder by itself")
        files.append(SourceFile(name, name, 0, 0))
    if filter is None and obeyed is None:
        names = [file.relative for file in files]
        return DicomFiles(names, names, None, None, no_column, np.zeros(len(names), np.bool_))
    return _looked_at(files, filter, obeyed, in_order=True)


def _looked_at(
    files: Iterable[SourceFile], filter: Filter, obeyed: Obeyed | None, *, in_order: bool = False
) -> DicomFiles:
    """Return files whose headers say that they are images which the filter keeps.

    Files that cannot be read are kept: reading them will tell. They come in the order of names, or
    in that which they are given in.
    """
    # Nothing of these rows is kept but spacings: the key is thrown away.
    describer = Describer(Names(secrets.token_bytes(32)))
    if obeyed is not None:
        describer = Describer(obeyed.names, obeyed.verdicts.by)
    looked = _Looked(describer, keeps_of(filter), obeyed and obeyed.verdicts)
    found: list[tuple[str, str, Sequence[float] | None, bool]] = []
    unseen: Counter[str] = Counter()
    changed: set[str] = set()
    for file, row in map_waiting(looked.at, files):
        if row is None:
            continue
        name = file.relative or os.path.basename(file.location)
        verdict = row.get("verdict")
        if verdict == "exclude":
            continue
        if verdict is not None and looked.verdicts and looked.verdicts.is_refused(verdict):
            refusal = looked.verdicts.refusal(row["source"], row["software"])
            unseen.update(refusal.sources)
            changed.update(refusal.changed)
        found.append((name, file.location, row.get("pixel_spacing"), verdict == "invert"))
    if unseen:
        raise UnseenSourceError(unseen, changed, which=unseen_text(unseen, changed))
    if not in_order:
        found.sort(key=itemgetter(0))  # the order of a folder is another one on each machine
    columns = map(list, zip(*found, strict=True)) if found else ([], [], [], [])
    names, locations, spacings, inverted = columns
    is_inverted = np.array(inverted, np.bool_)
    return DicomFiles(names, locations, None, spacings_of(spacings), no_column, is_inverted)


class _Looked(NamedTuple):
    describer: Describer
    keeps: Callable[[Row], Any]
    verdicts: RunVerdicts | None

    def at(self, file: SourceFile) -> tuple[SourceFile, Row | None]:
        """Return a file, and what its header says; None where it is left out."""
        try:
            row = header_row(file.location, self.describer)
        except FastpixError as error:
            return file, None if is_no_image(error) else {}
        except OSError:
            return file, {}
        if not self.keeps(row):
            return file, None
        if self.verdicts is not None:
            row["verdict"] = self.verdicts.status_of(row["source"], row["software"])
        return file, row
