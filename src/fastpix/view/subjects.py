"""What a person names, a file, a series or a sample of a cache, as the panes that show it."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fastpix.errors import ArgumentError, FastpixError, HeaderWarning, PixelHeaderError, SeriesError
from fastpix.image.image import Image
from fastpix.image.open_image import open as open_image
from fastpix.job.storage import is_url
from fastpix.notes import count_of
from fastpix.series.choosing import choose_stack
from fastpix.series.open_series import open_series
from fastpix.series.stack import Stack
from fastpix.source.archives import kind_of_archive
from fastpix.standard.terms import MODALITIES
from fastpix.view.looks import Look, Seen, numbers_of, seen_of_image, seen_of_volume
from fastpix.view.pane import Group, is_flat
from fastpix.view.tones import is_shown_inverse
from fastpix.view.voi import Voi, proposals_of

_SAMPLE = re.compile(r"[0-9a-f]{32}(-[0-9]+)?|[0-9]+")  # a name, or a number


def seen(
    source: str,
    look: Look = Look(),  # noqa: B008 (it is frozen)
    *,
    series_uid: str | None = None,
    stack: int | None = None,
    volume: int = 0,
) -> Seen:
    """Return what a person names as it is shown.

    Parameters
    ----------
    source : str
        A DICOM file, or a member of an archive; a folder or an archive that holds a series;
        ``DST/NAME`` or ``DST/NUMBER``, a sample of a cache.
    look : Look
    series_uid, stack
        Of a series, as in `read_series`.
    volume : int
        Which of several volumes.

    Raises
    ------
    FastpixError
        What is named cannot be read, or not be shown so; the error says what to do.
    OSError
        A path does not exist, or cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)  # `fastpix info` prints them
        sample = _sample_named(source)
        if sample is not None:
            found = _seen_of_sample(*sample, look, volume)
        elif _is_series(source):
            found = _seen_of_series(source, look, series_uid, stack, volume)
        else:
            with open_image(source) as image:
                found = seen_of_image(image, look)
    if is_flat([pane for group in found.groups for pane in group.panes[:8]]):
        found.remarks.append("the picture is of one shade: try --percentiles 0 100")
    return found


def _is_series(source: str) -> bool:
    return os.path.isdir(source) or (os.path.isfile(source) and bool(kind_of_archive(source)))


def _sample_named(source: str) -> tuple[str, str] | None:
    """Return cache and name, if that is what is named."""
    if is_url(source):
        folder, _, name = source.rstrip("/").rpartition("/")
        return (folder, name) if _SAMPLE.fullmatch(name) else None
    folder, name = os.path.split(source)
    if os.path.exists(source) or not (Path(folder) / "manifest").is_dir():
        return None
    return folder, name


def _seen_of_series(
    source: str, look: Look, series_uid: str | None, stack: int | None, number: int
) -> Seen:
    found, _ = choose_stack(open_series(source), series_uid, stack)
    try:
        read = found.read(invert="none", color_range=(0, 255), gaps="fill")
    except SeriesError as error:  # no volume, but pictures all the same
        shown = _seen_of_files(found, look)
        return shown._replace(remarks=[f"shown file by file: {error}", *shown.remarks])
    missing = sum(origin is None for origin in read.sources)
    remarks = [f"{count_of(missing, 'slice')} missing, of {len(read.sources)}"] if missing else []
    proposals: list[Voi] = []
    is_inverse = False
    origins = [origin for origin in read.sources if origin is not None]
    is_color = read.array.ndim == 4 + bool(read.axes)
    if origins and not is_color:
        middle = origins[len(origins) // 2]
        with open_image(middle.source) as image:
            proposals, why = _proposals(image, middle.frame, look)
            remarks += why
            is_inverse = is_shown_inverse(image.header, image.attributes)
    of = found.modality if found.modality in MODALITIES else "series"
    what = f"{of} {' x '.join(map(str, read.array.shape))}"
    shown = seen_of_volume(
        read, look, proposals=proposals, is_inverse=is_inverse, number=number, what=what
    )
    return shown._replace(remarks=[*remarks, *shown.remarks])


def _seen_of_files(stack: Stack, look: Look) -> Seen:
    """Return the first frames of the files of a stack, or all frames of its only file."""
    files = stack.files
    if len(files) == 1:
        with open_image(files[0].source) as image:
            return seen_of_image(image, look)
    groups: list[Group] = []
    remarks: dict[str, None] = {}
    for number in numbers_of(look, len(files)):
        with open_image(files[number].source) as image:
            shown = seen_of_image(image, replace(look, numbers=(0,)))
        titled = groups or [group._replace(panes=[]) for group in shown.groups]
        groups = [
            group._replace(panes=[*group.panes, other.panes[0]._replace(caption=f"file {number}")])
            for group, other in zip(titled, shown.groups, strict=True)
        ]
        remarks |= dict.fromkeys(shown.remarks)
    if len(groups) == 1:  # its title tells of the first file's window alone
        what = f"{stack.modality if stack.modality in MODALITIES else 'series'}, file by file"
        groups = [groups[0]._replace(title=what)]
    return Seen(groups, list(remarks)[:3])


def _proposals(image: Image, frame: int, look: Look) -> tuple[list[Voi], list[str]]:
    """Return the windows of a frame; none, and why, where they cannot be used."""
    if look.window is not None or look.percentiles is not None:
        return [], []
    try:
        return proposals_of(image, frame), []
    except PixelHeaderError as error:
        if look.voi is not None:
            raise
        return [], [f"{error}; shown by percentiles"]


def _seen_of_sample(destination: str, name: str, look: Look, number: int) -> Seen:
    """Return a sample of a cache: its values as a model gets them, so after any inversion."""
    from fastpix.job.cache_opening import open_cache
    from fastpix.view.contact_sheet import color_limits

    if look.voi is not None:
        raise ArgumentError("voi", "a cache keeps no windows: give --window, or view the file")
    cache = open_cache(destination)
    key: int | str = name
    if name not in cache.names and name.isdecimal():
        key = int(name)
        if key >= len(cache):
            raise FastpixError(f"the cache has samples 0 to {len(cache) - 1}, so no {name}")
    row, is_color = cache.row(key), cache.is_color(key)
    volume = cache.volume(key)
    array = volume.array
    what = f"{row['modality'] or 'sample'} {' x '.join(map(str, array.shape))}"
    limits = 0.0, 255.0
    if is_color:
        limits = color_limits(cache, np.asarray(array, np.float64))
    if array.ndim == (3 if is_color else 2):
        array = array[np.newaxis]
    is_inverse = cache.settings.recipe.invert == "none" and low_is_white(row)
    return seen_of_volume(
        replace(volume, array=array), look, is_inverse=is_inverse, number=number,
        color_range=limits, is_color=is_color, what=what, teller="cache",
    )  # fmt: skip


def low_is_white(row: Mapping[str, Any]) -> bool:
    """Whether low stored values are white, by the row of a sample and the verdict on its source.

    Parameters
    ----------
    row : mapping of str to object
        Of a manifest: it has the file's own photometric interpretation.
    """
    photometric, is_exchanged = row["photometric"], row.get("verdict") == "invert"
    return bool(photometric == ("MONOCHROME2" if is_exchanged else "MONOCHROME1"))
