"""Mosaics and grids are cut into planes that lie where the scanner has measured them."""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from support.builders import encode, make_item, set_raw
from support.csa_headers import csa_header, mosaic_header, protocol_text
from support.mosaic_files import (
    BETWEEN,
    COLUMNS,
    ROWS,
    SPACING,
    add_private,
    arranged,
    centre_of,
    grid_dataset,
    mosaic_dataset,
    position_of,
    tiles,
)
from support.series_files import DIRECTIONS

import fastpix
from fastpix.header.instance import read_instance
from fastpix.series.mosaics import tiles_of
from fastpix.series.plane import MOSAIC_UNKNOWN, Identity, Plane
from fastpix.source.opening import read_source
from fastpix.standard.tags import Tag

CSA, MR = "SIEMENS CSA HEADER", "SIEMENS MR HEADER"
NORMAL = DIRECTIONS[:, 2]
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def cut(source: bytes | Dataset, **values: Any) -> list[Plane] | None:
    """Return the tiles of a file whose plane is made from its attributes."""
    instance = read_instance(read_source(source), 2**24)
    attributes, header = instance.attributes, instance.header
    position: Any = tuple(attributes.numbers(Tag.ImagePositionPatient)) or None
    orientation: Any = tuple(attributes.numbers(Tag.ImageOrientationPatient)) or None
    spacing: Any = tuple(attributes.numbers(Tag.PixelSpacing)) or None
    plane = Plane(
        Identity(rows=header.rows, columns=header.columns, samples=header.samples),
        position=position,
        orientation=orientation,
        spacing=spacing,
        thickness=attributes.number(Tag.SliceThickness),
        between=attributes.number(Tag.SpacingBetweenSlices),
        image_type=tuple((attributes.text(Tag.ImageType) or "").split("\\")),
    )
    return tiles_of(instance, plane._replace(**values))


def check(planes: list[Plane] | None, count: int, sign: int = 1) -> None:
    assert planes is not None
    assert len(planes) == count
    for k, plane in enumerate(planes):
        assert not plane.faults
        assert (plane.identity.rows, plane.identity.columns) == (ROWS, COLUMNS)
        assert np.allclose(plane.position or 0, position_of(k, sign), atol=1e-6)


def pixels(planes: list[Plane] | None, frame: NDArray[Any]) -> NDArray[Any]:
    assert planes is not None
    parts = []
    for plane in planes:
        assert plane.tile is not None
        row, column = plane.tile
        parts.append(
            frame[row : row + plane.identity.rows, column : column + plane.identity.columns]
        )
    return np.array(parts)


def parsed(dataset: Dataset) -> Dataset:
    """Return a Dataset as pydicom reads it, each value converted."""
    read = dcmread(BytesIO(encode(dataset)))
    read.walk(lambda _dataset, _element: None)
    return read


def siemens(count: int, header: bytes, **attributes: Any) -> Dataset:
    return add_private(mosaic_dataset(count, **attributes), 0x0029, CSA, [(0x10, "OB", header)])


# Where the count stands.


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_csa_image_header(syntax: str, is_new: bool, sign: int) -> None:
    header = mosaic_header(7, sign * NORMAL, is_new=is_new)
    data = encode(siemens(7, header), syntax)
    planes = cut(data)
    check(planes, 7, sign)
    frame = fastpix.imread(data)
    assert pixels(planes, frame).tobytes() == tiles(7).astype(np.float32).tobytes()


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 10, 16, 17, 48, 57])
def test_square_grids(count: int) -> None:
    data = encode(siemens(count, mosaic_header(count, NORMAL)))
    check(cut(data), count)
    assert np.array_equal(pixels(cut(data), fastpix.imread(data)), tiles(count))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("count", [5, 20, 48, 50])  # 48 to 57 look like text in implicit VR
def test_public_attribute(syntax: str, count: int) -> None:
    dataset = add_private(mosaic_dataset(count), 0x0019, MR, [(0x0A, "US", count)])
    data = encode(dataset, syntax)
    with pytest.warns(fastpix.HeaderWarning, match="in which direction"):
        check(cut(data), count)
    with pytest.warns(fastpix.HeaderWarning, match="in which direction"):
        check(cut(parsed(dataset)), count)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_block_is_that_of_its_creator(syntax: str) -> None:
    dataset = mosaic_dataset(5)
    add_private(dataset, 0x0029, "SOMEBODY ELSE", [(0x10, "OB", mosaic_header(4, -NORMAL))])
    add_private(dataset, 0x0029, CSA, [(0x10, "OB", mosaic_header(5, NORMAL))], block=0x2B)
    check(cut(encode(dataset, syntax)), 5)
    check(cut(parsed(dataset)), 5)


def test_foreign_block_says_nothing() -> None:
    dataset = mosaic_dataset(5)
    add_private(dataset, 0x0029, "SOMEBODY ELSE", [(0x10, "OB", mosaic_header(5, NORMAL))])
    add_private(dataset, 0x0019, "SOMEBODY ELSE", [(0x0A, "US", 5)])
    check_unknown(cut(encode(dataset)), 0x00291010)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_creators_that_were_taken_out(syntax: str) -> None:
    series = protocol_text([tuple(centre_of(k)) for k in range(5)])
    dataset = add_private(mosaic_dataset(5), 0x0029, "", [(0x20, "OB", series)])
    check(cut(encode(dataset, syntax)), 5)
    dataset.Manufacturer = "GE MEDICAL SYSTEMS"
    check_unknown(cut(encode(dataset, syntax)), 0x00291010)


@pytest.mark.parametrize("is_listed_backwards", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_protocol_text(sign: int, is_listed_backwards: bool) -> None:
    positions = [tuple(centre_of(k, sign)) for k in range(5)]
    series = protocol_text(positions[::-1] if is_listed_backwards else positions)
    dataset = add_private(mosaic_dataset(5), 0x0029, CSA, [(0x20, "OB", series)])
    check(cut(encode(dataset)), 5, sign)


@pytest.mark.parametrize("sign", [1, -1])
def test_protocol_of_a_slab(sign: int) -> None:
    series = protocol_text([tuple(centre_of(2, sign))], more="sKSpace.lImagesPerSlab = 5")
    dataset = add_private(mosaic_dataset(5), 0x0029, CSA, [(0x20, "OB", series)])
    check(cut(encode(dataset)), 5, sign)


def test_protocol_of_a_moved_table() -> None:
    """Its positions are off: their order alone tells the direction."""
    moved = [tuple(centre_of(k, -1) + 100) for k in range(5)]
    dataset = add_private(mosaic_dataset(5), 0x0029, CSA, [(0x20, "OB", protocol_text(moved))])
    check(cut(encode(dataset)), 5, -1)


def test_protocol_in_the_classic_export_of_newer_software() -> None:
    series = protocol_text([tuple(centre_of(k)) for k in range(5)])
    dataset = mosaic_dataset(5)
    add_private(dataset, 0x0021, "SIEMENS MR SDS 01", [(0x19, "OB", series)], block=0x10)
    check(cut(encode(dataset)), 5)


def test_damaged_csa_header_is_passed_over() -> None:
    dataset = siemens(5, mosaic_header(5, NORMAL)[:-30])
    check_unknown(cut(encode(dataset)), 0x00291010)
    series = protocol_text([tuple(centre_of(k)) for k in range(5)])
    add_private(dataset, 0x0029, CSA, [(0x20, "OB", series)])
    check(cut(encode(dataset)), 5)


# What is unknown, or wrong.


def check_unknown(planes: list[Plane] | None, tag: int) -> None:
    assert planes is not None
    (plane,) = planes
    assert plane.tile is None
    assert [fault.tag for fault in plane.faults] == [tag]
    assert plane.faults[0].reason == MOSAIC_UNKNOWN


def test_count_that_is_nowhere() -> None:
    check_unknown(cut(encode(mosaic_dataset(5))), 0x00291010)
    check_unknown(cut(parsed(mosaic_dataset(5))), 0x00291010)


@pytest.mark.parametrize("count", [17, 50, 10**6])
def test_count_that_fits_no_grid(count: int) -> None:
    dataset = siemens(5, mosaic_header(count, NORMAL))  # 12 rows
    check_unknown(cut(encode(dataset)), 0x00291010)


def test_normal_that_is_not_that_of_the_slices() -> None:
    for normal in (DIRECTIONS[:, 1], (0, 0, 0), NORMAL + 0.2 * DIRECTIONS[:, 0]):
        planes = cut(encode(siemens(5, mosaic_header(5, normal))))
        assert planes is not None
        assert len(planes) == 5
        for plane in planes:
            assert plane.position is None
            assert plane.faults[-1].tag == 0x00291010


@pytest.mark.parametrize("name", ["position", "orientation", "spacing"])
def test_geometry_that_is_missing(name: str) -> None:
    planes = cut(encode(siemens(5, mosaic_header(5, NORMAL))), **{name: None})
    assert planes is not None
    assert [plane.position for plane in planes] == [None] * 5
    assert pixels(planes, fastpix.imread(encode(siemens(5, b"")))).shape == (5, ROWS, COLUMNS)


# How far slices are apart.


def test_spacing_between_slices_has_no_sign() -> None:
    data = encode(siemens(5, mosaic_header(5, NORMAL), SpacingBetweenSlices=str(-BETWEEN)))
    check(cut(data), 5)


def test_spacing_from_the_csa_header() -> None:
    header = csa_header(
        {
            "NumberOfImagesInMosaic": ["5"],
            "SliceNormalVector": [f"{n:.8f}" for n in NORMAL],
            "SpacingBetweenSlices": [f"{BETWEEN}"],
        }
    )
    check(cut(encode(siemens(5, header, SpacingBetweenSlices=None))), 5)


def test_spacing_from_the_protocol() -> None:
    series = protocol_text([tuple(centre_of(k)) for k in range(5)])
    dataset = siemens(5, mosaic_header(5, NORMAL), SpacingBetweenSlices=None)
    add_private(dataset, 0x0029, CSA, [(0x20, "OB", series)])
    check(cut(encode(dataset)), 5)


def test_thickness_in_place_of_a_spacing_is_warned_of() -> None:
    data = encode(
        siemens(5, mosaic_header(5, NORMAL), SpacingBetweenSlices=None, SliceThickness="4.5")
    )
    with pytest.warns(fastpix.HeaderWarning, match="how far its slices are apart"):
        check(cut(data), 5)


def test_spacing_that_is_nowhere() -> None:
    dataset = siemens(5, mosaic_header(5, NORMAL), SpacingBetweenSlices=None, SliceThickness=None)
    planes = cut(encode(dataset))
    assert planes is not None
    assert {plane.faults[-1].tag for plane in planes} == {Tag.SpacingBetweenSlices}


# Other pixels.


def test_colour() -> None:
    cells = np.random.default_rng(1).integers(0, 256, (5, ROWS, COLUMNS, 3)).astype(np.uint8)
    frame = arranged(cells, 3, 3)
    dataset = siemens(5, mosaic_header(5, NORMAL), cells=frame, SamplesPerPixel=3)
    data = encode(dataset)
    check(cut(data), 5)
    assert np.array_equal(pixels(cut(data), fastpix.imread(data, dtype="uint8")), cells)


# Grids of UIH.


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 20])
def test_uih(syntax: str, count: int) -> None:
    data = encode(grid_dataset(count), syntax)
    check(cut(data), count)
    assert np.array_equal(pixels(cut(data), fastpix.imread(data)), tiles(count))


def test_uih_positions_are_taken_as_they_are() -> None:
    positions = [tuple(position_of(3 - k)) for k in range(4)]
    for source in (encode(grid_dataset(4, positions)), parsed(grid_dataset(4, positions))):
        planes = cut(source)
        assert planes is not None
        assert np.allclose([plane.position or 0 for plane in planes], positions, atol=1e-6)


def test_uih_sequence_of_undefined_length() -> None:
    dataset = grid_dataset(6)
    dataset[0x00651051].is_undefined_length = True
    for item in dataset[0x00651051].value:
        item.is_undefined_length_sequence_item = True
        item.ReferencedImageSequence = [make_item(ImagePositionPatient=[9, 9, 9])]
    check(cut(encode(dataset)), 6)


@pytest.mark.parametrize("count", [3, 5])
def test_uih_positions_that_are_not_one_for_each_slice(count: int) -> None:
    positions = [tuple(position_of(k)) for k in range(count)]
    planes = cut(encode(grid_dataset(4, positions)))
    assert planes is not None
    assert len(planes) == 4
    assert {plane.faults[-1].tag for plane in planes} == {0x00651051}
    assert [plane.position for plane in planes] == [None] * 4


def test_uih_positions_that_are_missing_or_no_numbers() -> None:
    for change in ("remove", "text", "short"):
        dataset = grid_dataset(4)
        item = dataset[0x00651051].value[2]
        if change == "remove":
            del item.ImagePositionPatient
        else:
            value = b"1\\2\\x " if change == "text" else b"1\\2 "
            set_raw(item, Tag.ImagePositionPatient, "DS", value)
        planes = cut(encode(dataset))
        assert planes is not None
        assert {plane.faults[-1].tag for plane in planes} == {0x00651051}
    dataset = grid_dataset(4)
    del dataset[0x00651051]
    assert {p.faults[-1].tag for p in cut(encode(dataset)) or []} == {0x00651051}


@pytest.mark.parametrize("value", ["0", "-4", "2.5", "", "x", "4\\4"])
def test_uih_count_that_is_none(value: str) -> None:
    dataset = grid_dataset(4)
    set_raw(dataset, 0x00651050, "DS", value.encode() + b" " * (len(value) % 2))
    check_unknown(cut(encode(dataset)), 0x00651050)


# What is no mosaic.


def test_other_files_are_none() -> None:
    assert cut(encode(mosaic_dataset(4, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"]))) is None
    grid = grid_dataset(4)
    grid[0x00650010].value = "SOMEBODY ELSE"
    assert cut(encode(grid)) is None


def test_frames_and_functional_groups_are_no_mosaic() -> None:
    several = siemens(4, mosaic_header(4, NORMAL), cells=np.zeros((2, 8, 12), np.int16))
    assert cut(encode(several)) is None
    enhanced = siemens(4, mosaic_header(4, NORMAL), SharedFunctionalGroupsSequence=[make_item()])
    assert cut(encode(enhanced)) is None


def test_secondary_capture_is_no_mosaic() -> None:
    instance = read_instance(read_source(encode(siemens(4, mosaic_header(4, NORMAL)))), 2**24)
    plane = Plane(Identity(rows=8, columns=12, is_secondary=True), image_type=("MOSAIC",))
    assert tiles_of(instance, plane) is None


def test_nothing_is_warned_of_where_the_header_says_all() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cut(encode(siemens(5, mosaic_header(5, NORMAL)))) is not None
        single = add_private(mosaic_dataset(1), 0x0019, MR, [(0x0A, "US", 1)])
        assert cut(encode(single)) is not None


def test_grids_are_what_the_scanner_planned() -> None:
    """The centre of each tile is that of the slice in the protocol."""
    planes = cut(encode(siemens(7, mosaic_header(7, NORMAL))))
    assert planes is not None
    half = np.array([ROWS / 2 * SPACING[0], COLUMNS / 2 * SPACING[1]])
    for k, plane in enumerate(planes):
        centre = np.asarray(plane.position) + DIRECTIONS[:, [1, 0]] @ half
        assert np.allclose(centre, centre_of(k), atol=1e-6)
        assert math.isclose(np.linalg.norm(centre_of(k) - centre_of(0)), k * BETWEEN, abs_tol=1e-9)
