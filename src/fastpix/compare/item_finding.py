"""Files to what is compared: images, series in a folder each, and batches of one shape."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from fastpix.compare.measure import shuffled
from fastpix.compare.parts import Item
from fastpix.compare.volume_readers import SeriesFiles
from fastpix.errors import ArgumentError, FastpixError
from fastpix.image.limits import MAX_BYTES
from fastpix.image.open_image import open as open_image
from fastpix.notes import count_of
from fastpix.series.open_series import find_stacks
from fastpix.series.stack import Stack
from fastpix.standard.terms import MODALITIES

BATCH_BYTES = 2**28
"""Of values as float32 in a batch, at most: each reader holds one, and it is copied to compare."""

T = TypeVar("T")
Watched: TypeAlias = Callable[[Sequence[T]], Iterable[T]]
"""Yields what it is given: for a progress bar."""


class FoundItems(NamedTuple):
    """What there is to compare.

    Attributes
    ----------
    items : list of Item
    remarks : tuple of str
        What was left out.
    """

    items: list[Item]
    remarks: tuple[str, ...] = ()


def find_images(files: Sequence[str]) -> FoundItems:
    """Return every file; whether it is an image, fastpix finds out when it reads it."""
    return FoundItems([Item(path, path) for path in files])


def find_series(
    files: Sequence[str], folder: Path, limit: int | None, watched: Watched[str]
) -> FoundItems:
    """Return the series that have a volume of several slices, each in a folder of links.

    Parameters
    ----------
    files : sequence of str
    folder : Path
        For the links; the caller removes it.
    limit : int or None
        So many series at most, chosen by chance.
    watched : callable
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = find_stacks(files, 0.05, MAX_BYTES, None, watched)  # type: ignore[arg-type]
    stacks: dict[str, list[Stack]] = {}
    for stack in found.stacks:
        stacks.setdefault(stack.series_uid, []).append(stack)
    place = {path: number for number, path in enumerate(files)}
    whole = [series for series in stacks.values() if any(map(_has_slices, series))]
    chosen = whole if limit is None else shuffled(whole)[:limit]
    items = []
    for number, series in enumerate(chosen):
        paths = {str(file.source) for stack in series for file in stack.files}
        ordered = sorted(paths, key=place.__getitem__)
        modality = series[0].modality if series[0].modality in MODALITIES else "other"
        name = f"{count_of(len(ordered), 'file')}, the first is {ordered[0]}"
        items.append(Item(name, _linked(ordered, folder / f"{number:06d}"), modality))
    remarks = []
    if without := len(stacks) - len(whole):
        remarks.append(f"{without} series without a volume of several slices")
    if found.failures:
        remarks.append(f"{count_of(len(found.failures), 'file')} that cannot be read")
    return FoundItems(items, tuple(remarks))


def _has_slices(stack: Stack) -> bool:
    return stack.affine is not None and stack.shape[len(stack.axes)] > 1


def _linked(paths: Sequence[str], folder: Path) -> SeriesFiles:
    """Return links to files in a folder of their own, in the same order; copies if it must be."""
    folder.mkdir(parents=True)
    for number, path in enumerate(paths):
        link = folder / f"{number:06d}.dcm"
        try:
            link.symlink_to(os.path.abspath(path))
        except OSError:  # Windows asks for a privilege
            shutil.copyfile(path, link)
    return SeriesFiles.of(folder)


def find_batches(
    files: Sequence[str], batch_size: int, limit: int | None, watched: Watched[str]
) -> FoundItems:
    """Return batches of monochrome images of one frame and one shape, in an order by chance.

    Parameters
    ----------
    files : sequence of str
    batch_size : int
        Files of a batch; what is left of a shape makes a smaller one, of two files at least.
    limit : int or None
        So many batches at most, chosen by chance.
    watched : callable

    Raises
    ------
    ArgumentError
    """
    if batch_size < 2:
        raise ArgumentError("batch_size", f"{batch_size} is less than 2")
    shapes: dict[tuple[int, int], list[str]] = {}
    for path in watched(files):
        shape = _shape_of(path)
        if shape is not None:
            shapes.setdefault(shape, []).append(path)
    items = []
    alone = 0
    for (rows, columns), paths in sorted(shapes.items()):
        most = max(2, min(batch_size, BATCH_BYTES // (4 * rows * columns)))
        mixed = shuffled(paths)
        for start in range(0, len(mixed), most):
            batch = tuple(mixed[start : start + most])
            if len(batch) < 2:
                alone += 1
                continue
            size = f"{rows} x {columns}"
            items.append(
                Item(f"{len(batch)} files of {size}, the first is {batch[0]}", batch, size)
            )
    remarks = (f"{count_of(alone, 'image')} with no other of the same size",) if alone else ()
    return FoundItems(items if limit is None else shuffled(items)[:limit], remarks)


def _shape_of(path: str) -> tuple[int, int] | None:
    """Return rows and columns of a monochrome image of one frame."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ours and of pydicom's
            header = open_image(path).header
    except (FastpixError, OSError):
        return None
    plain = header.is_gray and header.frames == 1 and header.photometric != "PALETTE COLOR"
    return (header.rows, header.columns) if plain else None
