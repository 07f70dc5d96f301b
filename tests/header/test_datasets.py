"""Data sets that pydicom has read, converted or made in memory."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless
from support.builders import (
    compress,
    encode_frames,
    make_dataset,
    make_group,
    make_item,
    undecodable_frame,
)
from support.header_checks import ONES, RAMP, file_with, open_odd

import fastpix
from fastpix import DecodeError, FastpixError, PixelDataError, PixelHeaderError
from fastpix.standard.tags import Tag


def test_dataset_as_read() -> None:
    dataset = dcmread(BytesIO(file_with(RescaleSlope="2", RescaleIntercept="-1")))
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP * 2.0 - 1)


def test_dataset_all_converted() -> None:
    dataset = dcmread(BytesIO(file_with(ONES, PerFrameFunctionalGroupsSequence=[
        make_group(RescaleSlope="2"), make_group(RescaleSlope="3"), make_group(RescaleSlope="4")
    ])))  # fmt: skip
    assert len(str(dataset)) > 100
    assert fastpix.imread(dataset)[:, 0, 0].tolist() == [2, 3, 4]


def test_dataset_made_in_memory() -> None:
    dataset = make_dataset(RescaleSlope=0.1)
    image = open_odd(dataset, "Transfer Syntax UID (0002,0010) is missing")
    assert image.header.rescales[0].slope == 0.1
    assert image.read().dtype == np.float32  # a DSfloat would promote it


@pytest.mark.filterwarnings("ignore:Transfer Syntax UID:fastpix.HeaderWarning")
def test_dataset_whose_pixel_data_are_a_buffer() -> None:
    dataset = make_dataset()
    dataset.PixelData = BytesIO(RAMP.tobytes())
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP)


@pytest.mark.filterwarnings("ignore:Transfer Syntax UID:fastpix.HeaderWarning")
def test_dataset_with_a_lut_of_numbers() -> None:
    item = make_item(LUTDescriptor=[2, 0, 16])
    item.add_new(Tag.LUTData, "US", [5, 6])
    image = fastpix.open(make_dataset(ModalityLUTSequence=[item]))
    assert image.read().tolist() == [[5, 6, 6], [6, 6, 6]]


def test_dataset_of_an_encapsulated_syntax() -> None:
    dataset = dcmread(BytesIO(compress(make_dataset(), RLELossless)))
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP)
    dataset.PixelData = encapsulate([b"\0\0"])
    with pytest.raises(FastpixError):
        fastpix.imread(dataset)


def test_a_decoder_that_fails_does_not_log_beside_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = struct.pack("<16I", 2, 64, 66, *[0] * 13)
    source = encode_frames(make_dataset(), RLELossless, [head + bytes(4)])
    with pytest.raises(PixelDataError):
        fastpix.imread(source)
    damaged = undecodable_frame(rows=2, columns=3)
    with pytest.raises(DecodeError):
        fastpix.imread(encode_frames(make_dataset(), JPEGLSLossless, [damaged]))
    assert caplog.records == []


def test_dataset_of_fragments_is_never_read_as_native() -> None:
    dataset = dcmread(BytesIO(compress(make_dataset(), RLELossless)))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with pytest.raises(PixelHeaderError, match="encapsulated"):
        fastpix.open(dataset)
