"""Single attributes, read defensively: numbers and text by one strict grammar.

Values are taken from the raw bytes where pydicom has not converted them yet, so that no conversion
of its own (a lenient `float`, a warning, a guess at a VR) stands between the file and the rules.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError, tag_text
from fastpix.header.index import Elements, IndexElement
from fastpix.header.sequence_items import DECISIVE, broken_sequence
from fastpix.notes import Notes
from fastpix.source.pydicom_types import is_dataset, is_multi_value
from fastpix.standard.dictionary import keyword_of, vr_of
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import AMBIGUOUS, LONG_LENGTH, SHORT_LENGTH

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

Element: TypeAlias = "IndexElement | RawDataElement | DataElement"

# The grammar of PS3.5 table 6.2-1, DS: what float() accepts beyond it (1_0, nan, 0x1p3) is refused.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_BINARY |= {"OW": "H", "OL": "I", "OF": "f", "OD": "d", "US or SS": "H", "US or OW": "H"}
_BINARY |= {"US or SS or OW": "H"}
_VRS = SHORT_LENGTH | LONG_LENGTH | AMBIGUOUS
_NOT_A_NUMBER = "not a number by the standard's grammar (PS3.5 6.2)"


def name_of(tag: int) -> str:
    """Return keyword and tag: ``RescaleSlope (0028,1053)``."""
    return f"{keyword_of(tag) or 'attribute'} {tag_text(tag)}"


def header_error(tag: int, value: object, reason: str, remedy: str = "") -> PixelHeaderError:
    """Return the error for an attribute that cannot be used."""
    return PixelHeaderError(
        tag=tag, keyword=keyword_of(tag) or "attribute", value=value, reason=reason,
        remedy=remedy,
    )  # fmt: skip


def contradiction(tag: int) -> PixelHeaderError:
    """Return the error for an element that occurs more than once, with different values."""
    return header_error(
        tag, "several values", "it occurs more than once (PS3.5 7.1), and they differ",
        "nothing says which one is right: correct the file, or leave it out",
    )  # fmt: skip


class Attributes:
    """The attributes of one data set or sequence item.

    Parameters
    ----------
    dataset : pydicom.Dataset or Elements
    notes : Notes
        What is odd about the attributes is added to them; items share those of their data set.
    little : bool
        The byte order of values that pydicom keeps as bytes.
    contradictory : mapping of int to int
        To ask for one of these tags is an error: the element of the other tag, it or one in it,
        occurs more than once with different values.
    stream : bytes, optional
        What the dataset was read from by pydicom. Without it, of items that pydicom has converted,
        nothing says whether their bytes were items.
    """

    def __init__(
        self,
        dataset: Dataset | Elements,
        notes: Notes,
        little: bool,
        contradictory: Mapping[int, int] | None = None,
        stream: bytes | None = None,
    ) -> None:
        self.dataset = dataset
        self.notes = notes
        self.remark = notes.remark
        self.little = little
        self.contradictory = contradictory or {}
        self.stream = stream

    def __contains__(self, tag: int) -> bool:
        return tag in self.dataset

    def element(self, tag: int) -> Element | None:
        """Return the element as it stands, unconverted, or None.

        Raises
        ------
        PixelHeaderError
            It occurs more than once, with different values.
        """
        if tag in self.contradictory:
            raise contradiction(self.contradictory[tag])
        if isinstance(self.dataset, Elements):
            return self.dataset.get(tag)
        if tag not in self.dataset:
            return None
        raw: Any = self.dataset.get_item(tag, keep_deferred=True)
        is_deferred = raw.value is None and getattr(raw, "length", 0) != 0
        found: Element = self.dataset.get_item(tag) if is_deferred else raw
        return found

    def words(self, tag: int) -> NDArray[np.uint16]:
        """Return an element's bytes as unsigned 16-bit words; empty where it is missing."""
        element = self.element(tag)
        if element is None or element.value is None:
            return np.empty(0, np.uint16)
        value = element.value
        if isinstance(value, (bytes, bytearray, memoryview)):
            order = "<" if self._is_little(element) else ">"
            padded = bytes(value) + b"\0" * (len(value) % 2)
            return np.frombuffer(padded, f"{order}u2").astype(np.uint16)
        values = value if _has_several(value) else [value]
        try:
            return np.array([int(v) & 0xFFFF for v in values if v != ""], np.uint16)
        except (TypeError, ValueError) as error:
            raise header_error(tag, type(value).__name__, "not 16-bit words") from error

    def items(self, tag: int) -> list[Attributes]:
        """Return the items of a sequence; none where it is missing or empty.

        Raises
        ------
        PixelHeaderError
            Its bytes are no items, or it occurs more than once, with different values.
        """
        if tag in self.contradictory:
            raise contradiction(self.contradictory[tag])
        if tag not in self.dataset:
            return []
        if isinstance(self.dataset, Elements):
            if tag == Tag.PerFrameFunctionalGroupsSequence:
                return [group for group, count in self.frame_groups() for _ in range(count)]
            return list(map(self._like, self.dataset.sequences.get(tag, ())))
        try:
            broken = tag in DECISIVE and broken_sequence(self.dataset, tag, self.stream)
            value = None if broken else self.dataset[tag].value
        except Exception as error:  # pydicom's, from parsing the items
            raise header_error(tag, type(error).__name__, "its items cannot be parsed") from error
        if broken:
            raise header_error(broken, "other bytes than items", "its items cannot be parsed")
        if value is None or (isinstance(value, (str, bytes)) and not value):
            return []
        if not isinstance(value, Sequence) or not all(map(is_dataset, value)):
            raise header_error(tag, type(value).__name__, "not a sequence of items")
        return list(map(self._like, value))

    def frame_groups(self) -> list[tuple[Attributes, int]]:
        """Return functional groups, and how many frames in a row have each (PS3.3 C.7.6.16)."""
        if isinstance(self.dataset, Elements):
            return [(self._like(group), count) for group, count in self.dataset.frame_runs()]
        return [(group, 1) for group in self.items(Tag.PerFrameFunctionalGroupsSequence)]

    def tags_of_groups(self) -> set[int]:
        """Return the tags at the top of all functional groups, of frames and shared ones."""
        groups = self.items(Tag.SharedFunctionalGroupsSequence)
        found: set[int] = set()
        if isinstance(self.dataset, Elements):
            found = self.dataset.frames.tags()
        else:
            groups += self.items(Tag.PerFrameFunctionalGroupsSequence)
        return found.union(*(map(int, group.dataset.keys()) for group in groups))

    def _like(self, dataset: Dataset | Elements) -> Attributes:
        return Attributes(dataset, self.notes, self.little)

    def text(self, tag: int) -> str | None:
        """Return the text of an attribute, trimmed of spaces and NULs; None where it is empty."""
        values = [v for v in (text_of(v) for v in self._values(tag)) if v]
        return "\\".join(values) or None

    def uid(self, tag: int) -> str:
        """Return the text of a UID, trimmed of all white space as pydicom does; may be empty."""
        return (self.text(tag) or "").strip()

    def numbers(self, tag: int) -> list[float]:
        """Return the values of a numeric attribute; empty where it is missing or has no value.

        Raises
        ------
        PixelHeaderError
            A value that is not a finite number.
        """
        numbers = []
        for value in self._values(tag):
            number = self._number(tag, value)
            if number is not None:
                numbers.append(number)
        return numbers

    def number(self, tag: int) -> float | None:
        """Return the one value of a numeric attribute, or None; repeated equal values are one.

        Raises
        ------
        PixelHeaderError
            Several different values, or one that is not a finite number.
        """
        numbers = self.numbers(tag)
        if not numbers:
            return None
        if len(numbers) > 1:
            if any(number != numbers[0] for number in numbers):
                raise header_error(tag, numbers, "several values that differ, where one belongs")
            self.remark(
                f"{name_of(tag)} repeats one value {len(numbers)} times: taken once",
                code="HDR_VALUE_REPEATED",
            )
        return numbers[0] + 0.0  # a header's -0 is 0

    def integer(self, tag: int) -> int | None:
        """Return the one value of an integer attribute, or None.

        Raises
        ------
        PixelHeaderError
            A value that is not a whole number.
        """
        number = self.number(tag)
        if number is None:
            return None
        if not number.is_integer():
            raise header_error(tag, number, "not a whole number")
        return int(number)

    def _values(self, tag: int) -> list[Any]:
        element = self.element(tag)
        if element is None or element.value is None:
            return []
        value = element.value
        self._check_vr(tag, element)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._unpack(tag, bytes(value), element.VR, self._is_little(element))
        if _has_several(value):
            return [v for v in value if v is not None and v != ""]
        if isinstance(value, str):
            return list(value.split("\\"))
        return [value]

    def _is_little(self, element: Element) -> bool:
        # An element as it stands in the file is a named tuple.
        return element.is_little_endian if isinstance(element, tuple) else self.little

    def _check_vr(self, tag: int, element: Element) -> None:
        usual = _usual_vr(tag)
        numeric = usual in _BINARY or usual in ("DS", "IS")
        if numeric and element.VR is not None and str(element.VR) not in usual and element.value:
            found = str(element.VR) if str(element.VR) in _VRS else "an unknown one"
            self.remark(
                f"{name_of(tag)} has VR {found} in place of {usual}: read as a number",
                code="HDR_VR_UNEXPECTED",
            )

    def _unpack(self, tag: int, raw: bytes, vr: str | None, little: bool) -> list[Any]:
        usual = _usual_vr(tag)
        kind = usual if vr in (None, "UN", "OB") else str(vr)
        if kind not in _BINARY:
            return list(raw.decode("latin-1").split("\\"))
        size = struct.calcsize(_BINARY[kind])
        if usual not in _BINARY and _looks_like_text(raw):
            if len(raw) % size == 0:
                raise header_error(tag, f"{len(raw)} bytes", f"VR {kind}, but it may be text")
            return [raw]
        if len(raw) % size:
            raise header_error(tag, f"{len(raw)} bytes", f"VR {kind} takes {size} bytes a value")
        return list(
            struct.unpack(f"{'<' if little else '>'}{len(raw) // size}{_BINARY[kind]}", raw)
        )

    def _number(self, tag: int, value: object) -> float | None:
        original = getattr(value, "original_string", None)
        if isinstance(original, str):
            value = original
        if isinstance(value, (str, bytes)):
            text = text_of(value)
            if not text:
                return None
            if not _NUMBER.fullmatch(text):
                if not _COMMA.fullmatch(text):
                    raise header_error(tag, text, _NOT_A_NUMBER)
                self.remark(
                    f"{name_of(tag)} has a decimal comma: read as a point", code="HDR_DECIMAL_COMMA"
                )
                text = text.replace(",", ".")
            number = float(text)
            if number == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
                raise header_error(tag, text, "too small for float64")
        else:
            try:
                number = float(value)  # type: ignore[arg-type]
            except (TypeError, ValueError, OverflowError) as error:
                raise header_error(tag, type(value).__name__, _NOT_A_NUMBER) from error
        if not math.isfinite(number):
            raise header_error(tag, str(number), "not a finite number")
        return number


def _has_several(value: object) -> bool:
    return isinstance(value, (list, tuple)) or is_multi_value(value)


def _usual_vr(tag: int) -> str:
    return vr_of(tag) or "UN"


def text_of(value: object) -> str:
    """Return a value as text, trimmed of spaces and NULs."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0")


def _looks_like_text(raw: bytes) -> bool:
    text = text_of(raw)
    return bool(_NUMBER.fullmatch(text) or _COMMA.fullmatch(text))


def all_equal(values: Iterable[object]) -> bool:
    """Whether the values are the same; true of none."""
    seen = iter(values)
    first = next(seen, None)
    return all(value == first for value in seen)
