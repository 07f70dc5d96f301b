"""Encodings that are no one's but their writer's: GE's private syntax, VR OX."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import element, encode, file_of, image_elements, make_dataset
from support.header_checks import RAMP, open_odd

import fastpix
from fastpix import NoPixelDataError
from fastpix.standard.tags import Tag

GE = "1.2.840.113619.5.2"


def of_ge(cells: NDArray[np.unsignedinteger], **attributes: str) -> bytes:
    """An implicit, little-endian file whose cells alone are in big endian."""
    dataset = make_dataset(cells, **attributes)
    dataset.PixelData = cells.astype(cells.dtype.newbyteorder(">")).tobytes()
    data = encode(dataset, ImplicitVRLittleEndian)
    start = data.index(b"\2\0\x10\0UI") + 6
    (length,) = struct.unpack_from("<H", data, start)
    uid = struct.pack("<H", len(GE)) + GE.encode()
    size = struct.unpack_from("<I", data, 140)[0] + len(GE) - length
    return data[:140] + struct.pack("<I", size) + data[144:start] + uid + data[start + 2 + length :]


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i2"])
def test_big_endian_pixels_in_a_little_endian_data_set(kind: str) -> None:
    cells = np.array([[1, 2, 0x70], [3, 0, 4]]).astype(kind)
    if kind != "u1":
        cells[1, 1] = 0x1234
    image = fastpix.open(of_ge(cells, RescaleIntercept="-10", RescaleSlope="2"))
    assert image.stored().dtype == kind
    assert image.stored().tolist() == cells.tolist()
    assert image.read(dtype="float64").tolist() == (cells.astype(float) * 2 - 10).tolist()
    assert image.plan().to_dict()["transfer_syntax"] == (
        "Implicit VR Little Endian with big-endian pixels (GE, private)"
    )
    assert image.dataset.Rows == 2
    assert image.dataset.file_meta.TransferSyntaxUID == GE


def test_frames_of_odd_bytes_are_not_turned_in_pairs() -> None:
    cells = np.arange(9, dtype=np.uint8).reshape(3, 1, 3)
    data = of_ge(cells)
    assert fastpix.imread(data).tolist() == cells.tolist()
    with pytest.warns(UserWarning, match="implicit VR"):
        dataset = dcmread(BytesIO(data))
    dataset["PixelData"].VR = "OW"
    assert fastpix.imread(dataset).tolist() == cells.tolist()


def test_ge_without_pixels() -> None:
    data = of_ge(RAMP)
    with pytest.raises(NoPixelDataError):
        fastpix.open(data[: data.index(b"\xe0\x7f\x10\0")])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_vr_ox_is_ow(syntax: str, kind: str) -> None:
    cells = np.array([[1, 2, 3], [4, 5, 6]], kind)
    dataset = make_dataset(cells)
    dataset["PixelData"].VR = "OW"
    data = encode(dataset, syntax)
    assert data.count(b"OW\0\0") == 1
    expected = fastpix.imread(data)
    image = open_odd(
        data.replace(b"OW\0\0", b"OX\0\0"), "Pixel Data (7FE0,0010) has VR OX: read as OW"
    )
    assert image.header.word_ow
    assert image.read().tobytes() == expected.tobytes()


def test_ox_elsewhere_is_left() -> None:
    """The bytes of such a head within a value are a value."""
    head = b"\xe0\x7f\x10\0OX\0\0\4\0\0\0"
    pixels = element(Tag.PixelData, "OW", head)
    data = file_of(*image_elements(), pixels)
    assert fastpix.open(data).stored().tobytes() == head
