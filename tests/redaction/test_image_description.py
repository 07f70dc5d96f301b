"""What rules look at in a data set."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from pydicom import dcmread
from support.builders import encode, make_dataset, set_raw

from fastpix.redaction import description_of


def test_what_rules_look_at() -> None:
    dataset = make_dataset(
        np.zeros((3, 4), np.uint8), Manufacturer="GE", ManufacturerModelName=" V830 ",
        ImageType=["DERIVED", "SECONDARY"], BurnedInAnnotation="", SeriesDescription="Dose",
    )  # fmt: skip
    data = encode(dataset)
    read = dcmread(BytesIO(data))
    read.file_meta.ImplementationVersionName = "MAKER 1"
    found = description_of(read, 3, 4)
    assert (found.rows, found.columns) == (3, 4)
    assert found.manufacturer == ("GE",)
    assert found.model[0].strip() == "V830"
    assert found.image_type == ("DERIVED", "SECONDARY")
    assert found.burned_in_annotation == found.protocol == ()
    assert found.sop_class == (dataset.SOPClassUID,)
    assert found.implementation == ("MAKER 1",)


def test_bytes_that_are_no_text_are_none() -> None:
    dataset = set_raw(make_dataset(), 0x00081090, "FD", b"123")
    assert description_of(dataset, 2, 3).model == ()
