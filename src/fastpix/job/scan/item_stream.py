"""Files to items: each by itself, or those of a series together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from fastpix.job.items import Item, SourceFile
from fastpix.job.scan.packed_files import PackedFiles
from fastpix.job.scan.scanned_headers import scan_header
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names


def file_items(files: Iterable[SourceFile], names: Names) -> Iterator[Item]:
    """Yield an item for each file.

    Parameters
    ----------
    files : iterable of SourceFile
    names : Names
    """
    of_path, of_state = names.of_path, names.of_state
    for file in files:
        yield Item(of_path(file.relative), of_state(file.size, file.stamp), (file,))


def series_items(
    files: Iterable[SourceFile],
    names: Names,
    known: Mapping[str, tuple[str, str]] | None = None,
) -> Iterator[Item]:
    """Yield an item for each series, once all files are found.

    Headers are read, except where a list of ``fastpix scan --headers`` says what series it is.

    A file that is no image, or cannot be read, is an item of its own, at once. So is one without a
    Series Instance UID.

    Parameters
    ----------
    files : iterable of SourceFile
    names : Names
    known : mapping of str to (str, str), optional
        Of the names of files that need not be opened unless they have changed: their states, and
        the items that they belong to.
    """
    by_item: dict[str, PackedFiles] = {}
    item_of = partial(_with_item, names=names, known=known or {})
    for file, item, is_own in map_waiting(item_of, files):
        if is_own:  # nothing can join it: it need not be kept
            yield _item(item, [file._replace(series=None)], names)
        else:
            by_item.setdefault(item, PackedFiles()).add(file)
    for item in list(by_item):
        yield _item(item, by_item.pop(item), names)


def _item(name: str, files: Iterable[SourceFile], names: Names) -> Item:
    members = sorted(files, key=lambda file: file.relative)
    states = (names.of_state(file.size, file.stamp) for file in members)
    relatives = (file.relative for file in members)
    return Item(name, names.of_text("\0".join([*states, *relatives]))[:16], tuple(members))


def _with_item(
    file: SourceFile, names: Names, known: Mapping[str, tuple[str, str]]
) -> tuple[SourceFile, str, bool]:
    """Return a file, the name of its item, and whether it is an item of its own."""
    own = names.of_path(file.relative)
    state, item = known.get(own, ("", ""))
    if item and state == names.of_state(file.size, file.stamp):
        return file, item, item == own
    uid = file.series
    if uid is None:
        try:
            uid = scan_header(file.location).series
        except OSError:  # told when it is converted
            uid = ""
    return file, names.of_uid(uid) if uid else own, not uid
