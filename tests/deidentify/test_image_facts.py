"""What a data set says of its image, and what pictures it holds besides."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from pydicom import dcmread
from support.builders import encode, make_dataset, make_item, set_raw

import fastpix
from fastpix.deidentify.pixels.image_facts import (
    description_of,
    has_overlay_in_cells,
    pictures_besides,
)


def test_what_rules_look_at() -> None:
    dataset = make_dataset(
        np.zeros((3, 4), np.uint8), Manufacturer="GE", ManufacturerModelName=" V830 ",
        ImageType=["DERIVED", "SECONDARY"], BurnedInAnnotation="", SeriesDescription="Dose",
    )  # fmt: skip
    data = encode(dataset)
    read = dcmread(BytesIO(data))
    read.file_meta.ImplementationVersionName = "MAKER 1"
    found = description_of(read, fastpix.open(data).header)
    assert (found.rows, found.columns) == (3, 4)
    assert found.manufacturer == ("GE",)
    assert found.model[0].strip() == "V830"
    assert found.image_type == ("DERIVED", "SECONDARY")
    assert found.burned_in_annotation == found.protocol == ()
    assert found.sop_class == (dataset.SOPClassUID,)
    assert found.implementation == ("MAKER 1",)


def test_bytes_that_are_no_text_are_none() -> None:
    dataset = set_raw(make_dataset(), 0x00081090, "FD", b"123")
    assert description_of(dataset, fastpix.open(encode(make_dataset())).header).model == ()


def test_overlays_in_cells_and_beside_them() -> None:
    dataset = make_dataset()
    assert not has_overlay_in_cells(dataset)
    dataset.add_new(0x60020100, "US", 1)
    dataset.add_new(0x60020102, "US", 0)
    assert has_overlay_in_cells(dataset)  # its data is nowhere else
    dataset.add_new(0x60023000, "OW", b"\0\0")
    assert not has_overlay_in_cells(dataset)
    dataset[0x60020102].value = 12
    assert has_overlay_in_cells(dataset)


def test_pictures_besides_the_pixels_are_found_at_every_level() -> None:
    dataset = make_dataset()
    assert not list(pictures_besides(dataset))
    icon = make_item(PixelData=b"\0\0")
    icon["PixelData"].VR = "OB"
    dataset.IconImageSequence = [icon]
    dataset.ReferencedSeriesSequence = [make_item(IconImageSequence=[make_item()])]
    dataset.SourceImageSequence = [icon]
    dataset.add_new(0x60003000, "OW", b"\0\0")
    dataset.add_new(0x50000005, "US", 1)
    assert list(pictures_besides(dataset)) == [
        "(0008,1115)[0](0088,0200)",
        "(0008,2112)[0](7FE0,0010)",
        "(0088,0200)",
        "(5000,0005)",
        "(6000,3000)",
    ]
