"""Files that are odd in one way, and what must come of them: a note, a warning or an error."""

from __future__ import annotations

import re
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import fastpix
from fastpix import HeaderWarning, Image, PixelHeaderError
from fastpix.source.opening import SourceLike
from fastpix.standard.tags import Tag
from support.builders import encode, make_dataset, set_raw

RAMP = np.arange(6, dtype=np.uint16).reshape(2, 3)
ONES = np.ones((3, 1, 2), np.uint16)
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
GRAMMAR = "not a number by the standard's grammar"


def file_with(cells: NDArray[Any] | None = None, **attributes: Any) -> bytes:
    """A file of `make_dataset`."""
    return encode(make_dataset(cells, **attributes))


def file_raw(tag: int, vr: str, value: bytes, **attributes: Any) -> bytes:
    """A file with one element as it stands, past pydicom's checks."""
    return encode(set_raw(make_dataset(**attributes), tag, vr, value))


def open_odd(source: SourceLike, text: str) -> Image:
    """Open an image that is odd in one way: it warns of it once, and the plan keeps it."""
    with pytest.warns(HeaderWarning, match=re.escape(text)) as caught:
        image = fastpix.open(source)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    notes = image.plan(rescale=False).notes
    assert [note.oddity for note in notes if text in note.text] == [True]
    return image


def note_texts(image: Image) -> list[str]:
    """What the plan reports without having warned of it."""
    return [note.text for note in image.plan().notes if not note.oddity]


def assert_facts(error: PixelHeaderError, tag: int, value: object, reason: str) -> None:
    """Check what an error says of the attribute: tag, keyword, value, reason, remedy."""
    assert error.tag == tag
    assert error.keyword == Tag(tag).name
    assert error.value == value
    assert reason in error.reason
    assert error.remedy
    for said in (
        error.keyword,
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        error.reason,
        error.remedy,
    ):
        assert said in str(error)


def assert_refused(source: SourceLike, tag: int, value: object, reason: str) -> None:
    """Check that the header alone is reason enough to refuse the image."""
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert_facts(caught.value, tag, value, reason)


def assert_no_rescale(source: SourceLike, tag: int, value: object, reason: str) -> None:
    """Check that rescaled values are refused and stored ones are not."""
    with warnings.catch_warnings(action="ignore"):
        image = fastpix.open(source)
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert_facts(caught.value, tag, value, reason)
    with pytest.raises(PixelHeaderError):
        image.read()
    assert "rescale=False" in caught.value.remedy
    assert image.read(rescale=False).tolist() == image.stored().tolist()


def us(*values: int) -> bytes:
    """Values of VR US, little endian."""
    return struct.pack(f"<{len(values)}H", *values)
