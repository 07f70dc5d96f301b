"""Which regions of an ultrasound image are kept, and which are not to be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from support.builders import make_dataset, make_item, set_raw

from fastpix.errors import PixelHeaderError
from fastpix.redaction import Region, ultrasound_regions

ROWS, COLUMNS = 60, 80


def region(left: int, top: int, right: int, bottom: int, **more: int) -> Dataset:
    return make_item(
        RegionLocationMinX0=left, RegionLocationMinY0=top,
        RegionLocationMaxX1=right, RegionLocationMaxY1=bottom, **more,
    )  # fmt: skip


def kept(*items: Dataset) -> tuple[Region, ...]:
    dataset = make_dataset(np.zeros((ROWS, COLUMNS), np.uint8))
    dataset.SequenceOfUltrasoundRegions = list(items)
    return ultrasound_regions(dataset, ROWS, COLUMNS)


def test_both_corners_belong_to_a_region() -> None:
    assert kept(region(10, 5, 69, 54), region(0, 0, 0, 0)) == (
        Region(10, 5, 60, 50), Region(0, 0, 1, 1),
    )  # fmt: skip


def test_one_pixel_beyond_the_image_is_cut_off() -> None:
    assert kept(region(10, 5, 80, 60)) == (Region(10, 5, 70, 55),)


def test_regions_of_graphics_are_not_kept() -> None:
    tissue = region(0, 0, 9, 9, RegionSpatialFormat=1)
    assert kept(tissue, region(0, 0, 79, 59, RegionSpatialFormat=5)) == (Region(0, 0, 10, 10),)
    with pytest.raises(PixelHeaderError, match="graphics alone"):
        kept(region(0, 0, 79, 59, RegionSpatialFormat=5))


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        ((0, 0, 81, 9), r"RegionLocationMaxX1 \(0018,601C\) is 81: .*reaches beyond the image"),
        ((0, 0, 9, 61), r"RegionLocationMaxY1 \(0018,601E\) is 61"),
        ((10, 0, 9, 9), "less than the minimum"),
        ((0, 10, 9, 9), "less than the minimum"),
        ((80, 0, 80, 9), r"RegionLocationMinX0 \(0018,6018\) is 80: .*outside"),
    ],
)
def test_what_cannot_be_trusted_is_refused(corners: tuple[int, ...], words: str) -> None:
    with pytest.raises(PixelHeaderError, match=words) as found:
        kept(region(1, 1, 5, 5), region(*corners))
    assert "--redact-boxes" in str(found.value)


def test_a_corner_that_is_missing_is_refused() -> None:
    item = region(1, 1, 5, 5)
    del item.RegionLocationMinY0
    with pytest.raises(PixelHeaderError, match=r"RegionLocationMinY0 \(0018,601A\) is missing"):
        kept(item)
    item.RegionLocationMinY0 = None
    with pytest.raises(PixelHeaderError, match="is missing"):
        kept(item)


def test_no_regions_are_refused() -> None:
    with pytest.raises(PixelHeaderError, match=r"\(0018,6011\) is 'no item'"):
        kept()
    with pytest.raises(PixelHeaderError, match=r"\(0018,6011\) is missing"):
        ultrasound_regions(make_dataset(), ROWS, COLUMNS)
    dataset = set_raw(make_dataset(), 0x00186011, "SQ", b"\xfe\xff")
    with pytest.raises(PixelHeaderError, match="cannot be parsed"):
        ultrasound_regions(dataset, ROWS, COLUMNS)
