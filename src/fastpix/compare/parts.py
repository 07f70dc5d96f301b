"""The parts of a comparison: what readers are given, and how what they give is compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from fastpix.compare.batch_readers import BATCH_READERS
from fastpix.compare.comparison import PartName
from fastpix.compare.differences import Difference, find_difference
from fastpix.compare.readers import READERS, Reader
from fastpix.compare.volume_differences import find_volume_difference
from fastpix.compare.volume_readers import VOLUME_READERS
from fastpix.compare.worker import Values
from fastpix.errors import FastpixError
from fastpix.image.open_image import open as open_image
from fastpix.standard.syntaxes import syntax_name

FindDifference: TypeAlias = Callable[[Values, Values], Difference | None]


class Item(NamedTuple):
    """What readers are given.

    Attributes
    ----------
    name : str
        For ``--list``; may name a patient.
    given : object
        To the readers: a path, `SeriesFiles`, or paths.
    group : str
        Its kind; empty for an image, whose header tells it.
    """

    name: str
    given: Any
    group: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What is compared.

    Attributes
    ----------
    name : {"images", "series", "batches"}
    one, many : str
        What an item is called.
    readers : mapping of str to Reader
    find_difference : callable
        From fastpix's values and another reader's.
    group_of : callable
        From an item to its kind: the transfer syntax, the modality, or the shape.
    kind : str
        What a group is.
    """

    name: PartName
    one: str
    many: str
    readers: Mapping[str, Reader]
    find_difference: FindDifference
    group_of: Callable[[Item], str]
    kind: str


def transfer_syntax_of(item: Item) -> str:
    """Return UID and name of an image's transfer syntax; nothing of the file that is not known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            uid = open_image(item.given).header.transfer_syntax
    except (FastpixError, OSError):
        return "unknown"
    name = syntax_name(uid)
    return f"{uid} ({name})" if name else "unknown"


def _arrays(ours: Values, theirs: Values) -> Difference | None:
    return find_difference(ours.array, theirs.array)


def _volumes(ours: Values, theirs: Values) -> Difference | None:
    return find_volume_difference(ours.volumes, theirs.volumes)


def _group(item: Item) -> str:
    return item.group


IMAGES = Part("images", "image", "images", READERS, _arrays, transfer_syntax_of, "transfer syntax")
SERIES = Part("series", "series", "series", VOLUME_READERS, _volumes, _group, "modality")
BATCHES = Part("batches", "batch", "batches", BATCH_READERS, _arrays, _group, "rows x columns")
PARTS = {part.name: part for part in (IMAGES, SERIES, BATCHES)}
"""All of them, by name."""
