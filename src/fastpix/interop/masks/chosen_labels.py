"""Which labels of a file are wanted: all, or those of some names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from fastpix.errors import ArgumentError
from fastpix.header.attributes import Attributes, header_error, text_of


class Named(Protocol):
    """A label that has a name."""

    @property
    def name(self) -> str:
        """Segment Label, or ROI Name."""
        ...


Label = TypeVar("Label", bound=Named)


def name_in(item: Attributes, tag: int) -> str:
    """Return the name of a label, decoded by the character set of the file; may be empty."""
    try:
        value = item.dataset[tag].value if tag in item else None
    except Exception as error:  # pydicom's
        raise header_error(tag, type(error).__name__, "its text cannot be decoded") from error
    return "" if value is None else text_of(value)


def checked_names(names: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple, a single one included.

    Raises
    ------
    ArgumentError
        They are no texts, or there are none, or one comes twice.
    """
    if names is None:
        return None
    try:
        asked = (names,) if isinstance(names, str) else tuple(names)
    except TypeError:
        raise ArgumentError("names", f"{names!r} is not a sequence of names") from None
    if not asked or not all(isinstance(name, str) for name in asked):
        raise ArgumentError("names", f"{names!r} is not a sequence of names")
    if len(set(asked)) < len(asked):
        raise ArgumentError("names", "a name comes twice")
    return asked


def chosen_labels(labels: Sequence[Label], names: tuple[str, ...] | None) -> list[Label]:
    """Return the labels of these names in the order of the names; all if there are no names.

    Several labels that share a name all belong to it, in the order of the file.

    Raises
    ------
    ArgumentError
        No label has one of the names.
    """
    if names is None:
        return list(labels)
    by_name: dict[str, list[Label]] = {name: [] for name in names}
    for label in labels:
        if label.name in by_name:
            by_name[label.name].append(label)
    if missing := [name for name, found in by_name.items() if not found]:
        there = ", ".join(repr(label.name) for label in labels) or "none"
        raise ArgumentError(
            "names", f"the file has no label {missing[0]!r}: choose from its own ({there})"
        )
    return [label for found in by_name.values() for label in found]
