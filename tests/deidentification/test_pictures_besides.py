"""What pictures a data set holds besides its pixels."""

from __future__ import annotations

from support.builders import make_dataset, make_item

from fastpix.deidentification.pixels.pictures_besides import has_overlay_in_cells, pictures_besides


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
