"""Large files that the index leaves to pydicom: read up to their pixels, with the same header."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import element, encode, file_of, image_elements, make_dataset
from support.index_and_pydicom import facts_of
from support.matrices import every
from support.regular_files import IRREGULAR, REGULAR

import fastpix
from fastpix.errors import FastpixError, HeaderWarning, PixelHeaderError
from fastpix.header.instance import _read_by_pydicom
from fastpix.header.large_files import find_large_pixels
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES
from fastpix.source import opening
from fastpix.source.opening import read_source
from fastpix.source.stored import File, Memory

FILES = {**IRREGULAR, **REGULAR}
DELIMITERS = {"<": b"\xfe\xff\xdd\xe0\0\0\0\0", ">": b"\xff\xfe\xe0\xdd\0\0\0\0"}


def outcome(source: Any) -> tuple[Any, ...]:
    """What is read of a file, or why it is not."""
    with warnings.catch_warnings(action="ignore"):
        try:
            instance = _read_by_pydicom(source, MAX_BYTES)
        except FastpixError as error:
            return type(error), str(error)
        pixels = instance.pixels
        value = bytes(pixels.view(0, pixels.length))
        facts = facts_of(instance.header)
        if instance.header.encapsulated:  # it may go on behind the delimiter, which nobody looks at
            value = value.partition(DELIMITERS["<"])[0]
            del facts["notes"]
        return facts, pixels.start, value


@every("name", FILES)
def test_a_file_is_what_it_is_when_read_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = FILES[name]
    path = tmp_path / "large.dcm"
    path.write_bytes(data)
    monkeypatch.setattr(opening, "RESIDENT", 0)
    assert outcome(read_source(path)) == outcome(Memory(data))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_pixels_stay_in_the_file(
    syntax: str, bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.arange(60).reshape(5, 3, 4).astype(f"u{bits // 8}")
    path = tmp_path / "large.dcm"
    path.write_bytes(encode(make_dataset(cells), syntax))
    monkeypatch.setattr(opening, "RESIDENT", 0)
    stored = read_source(path)
    assert isinstance(stored, File)
    assert find_large_pixels(stored) is not None
    with monkeypatch.context() as context:
        context.setattr(File, "whole", lambda _: pytest.fail("it is read whole"))
        instance = _read_by_pydicom(stored, MAX_BYTES)
        image = Image(instance, MAX_BYTES) if hasattr(fastpix, "Image") else None
        assert image is not None
        assert np.array_equal(image.stored(frames=3), cells[3])
        assert np.array_equal(image.stored(), cells)
    assert len(image.dataset.PixelData) == cells.nbytes  # all of it, once it is asked for


# Native Pixel Data of undefined length.


@pytest.mark.parametrize("delimiter", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("cells_hold_a_delimiter", [False, True])
def test_native_pixels_of_undefined_length(
    order: str, delimiter: bool, cells_hold_a_delimiter: bool
) -> None:
    cells = np.arange(48, dtype=np.uint16).reshape(6, 8)
    if cells_hold_a_delimiter:
        cells[2, 3:7] = 0xFFFE, 0xE0DD, 0, 0
    data = encode(
        make_dataset(cells), ExplicitVRLittleEndian if order == "<" else ExplicitVRBigEndian
    )
    head = struct.pack(f"{order}HH2sHI", 0x7FE0, 0x0010, b"OW", 0, cells.nbytes)
    place = data.index(head)
    data = data[: place + 8] + b"\xff" * 4 + data[place + 12 :]
    data += DELIMITERS[order] if delimiter else b""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert np.array_equal(fastpix.imread(data, dtype="uint16"), cells)
    said = [str(each.message) for each in heard if each.category is HeaderWarning]
    assert any("undefined length, but no items" in text for text in said)


def test_native_pixels_of_undefined_length_in_implicit_vr() -> None:
    cells = np.arange(6, dtype=np.uint16).reshape(2, 3)
    data = encode(make_dataset(cells), ImplicitVRLittleEndian)
    head = struct.pack("<HHI", 0x7FE0, 0x0010, cells.nbytes)
    data = data.replace(head, head[:4] + b"\xff" * 4)
    with warnings.catch_warnings(action="ignore"):
        assert np.array_equal(fastpix.imread(data, dtype="uint16"), cells)


def test_items_in_a_native_syntax_are_an_error() -> None:
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    pixels = element(0x7FE00010, "OB", b"")[:8] + b"\xff" * 4 + items
    with pytest.raises(PixelHeaderError, match="does not go with encapsulated"):
        fastpix.open(file_of(*image_elements(), pixels))
