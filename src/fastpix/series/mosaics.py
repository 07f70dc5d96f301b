"""Mosaics of Siemens and grids of UIH: one frame that holds the slices of a volume, as tiles.

Siemens arranges n slices in a square grid of ceil(sqrt(n)) tiles a side, row by row. Image Position
(Patient) is where a single slice as large as the whole mosaic would begin, so the corner of a tile
lies half the surplus further in. Slices follow each other along the SliceNormalVector of the CSA
image header; its sign against row x column says whether they ascend. UIH has ceil(sqrt(n)) tiles in
a row, as many rows as that takes, and the position of each slice in a sequence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fastpix.errors import warn_caller
from fastpix.header.instance import Instance
from fastpix.header.private_blocks import PrivateBlocks
from fastpix.series.csa import CsaSlices, ProtocolSlices, csa_slices, protocol_slices
from fastpix.series.plane import MOSAIC_UNKNOWN, Fault, Orientation, Plane, Tile, Vector
from fastpix.standard.private import PrivateElement
from fastpix.standard.tags import Tag

_CSA = "SIEMENS CSA HEADER"
_CSA_IMAGE = PrivateElement(0x0029, 0x10, _CSA, "OB", "SIEMENS")
_CSA_SERIES = PrivateElement(0x0029, 0x20, _CSA, "OB", "SIEMENS")
_IMAGES = PrivateElement(0x0019, 0x0A, "SIEMENS MR HEADER", "US", "SIEMENS")
_XA_PROTOCOL = PrivateElement(0x0021, 0x19, "SIEMENS MR SDS 01", "OB", "SIEMENS")
_UIH = "Image Private Header"
_GRID_IMAGES = PrivateElement(0x0065, 0x50, _UIH, "DS", "UIH")
_GRID_FRAMES = PrivateElement(0x0065, 0x51, _UIH, "SQ", "UIH")
_SIEMENS_ELEMENTS = (_CSA_IMAGE, _CSA_SERIES, _IMAGES, _XA_PROTOCOL)
_UIH_ELEMENTS = (_GRID_IMAGES, _GRID_FRAMES)

_MOST_SLICES = 65536
_PARALLEL = 1e-3  # how far from 1 the cosine of SliceNormalVector and row x column may be


def tiles_of(instance: Instance, plane: Plane) -> list[Plane] | None:
    """Cut the frame of a mosaic or grid into planes.

    Parameters
    ----------
    instance : Instance
    plane : Plane
        Of the whole frame.

    Returns
    -------
    list of Plane or None
        None: it is no mosaic. A mosaic whose number of slices is unknown comes as the one plane
        that it is, with a fault of reason `fastpix.series.plane.MOSAIC_UNKNOWN`.

    Warns
    -----
    HeaderWarning
        The header does not say in which direction slices follow each other, or how far apart.
    """
    header = instance.header
    attributes = instance.attributes
    if header.frames > 1 or plane.identity.is_secondary:
        return None
    if Tag.SharedFunctionalGroupsSequence in attributes:
        return None  # an enhanced file: a frame is a slice
    maker = attributes.text(Tag.Manufacturer) or ""
    if "MOSAIC" in plane.image_type:
        return _siemens_tiles(PrivateBlocks(instance, _SIEMENS_ELEMENTS, maker), plane)
    blocks = PrivateBlocks(instance, _UIH_ELEMENTS, maker)
    if _GRID_IMAGES in blocks:
        return _uih_tiles(blocks, plane)
    return None


def _siemens_tiles(blocks: PrivateBlocks, plane: Plane) -> list[Plane]:
    csa = csa_slices(blocks.data(_CSA_IMAGE)) or CsaSlices()
    protocol = ProtocolSlices()
    if csa.slices is None or csa.normal is None or not (plane.between or csa.between):
        protocol = protocol_slices(blocks.data(_CSA_SERIES) or blocks.data(_XA_PROTOCOL))
    count = csa.slices or _whole(blocks.number(_IMAGES)) or protocol.slices
    side = math.isqrt(count - 1) + 1 if count else 0
    cut = _cut(plane, count, side, side)
    if count is None or cut is None:
        return [_unknown(plane, _CSA_IMAGE.tag(0x10))]
    first = _first_position(plane, cut[0])
    step, fault = _step(plane, count, first, csa, protocol)
    if fault is not None:
        return [tile._replace(position=None, faults=(*tile.faults, fault)) for tile in cut]
    if first is None or step is None:
        return [tile._replace(position=None) for tile in cut]
    return [tile._replace(position=_moved(first, step, k)) for k, tile in enumerate(cut)]


def _uih_tiles(blocks: PrivateBlocks, plane: Plane) -> list[Plane]:
    count = _whole(blocks.number(_GRID_IMAGES))
    columns = math.isqrt(count - 1) + 1 if count else 0
    rows = -(-count // columns) if count else 0
    cut = _cut(plane, count, rows, columns)
    if count is None or cut is None:
        return [_unknown(plane, _GRID_IMAGES.tag(0x10))]
    found = blocks.numbers_of_items(_GRID_FRAMES, Tag.ImagePositionPatient) or []
    if len(found) != count or any(len(position) != 3 for position in found):
        fault = Fault(_GRID_FRAMES.tag(0x10), "does not have the positions of all slices")
        return [tile._replace(position=None, faults=(*tile.faults, fault)) for tile in cut]
    return [tile._replace(position=(x, y, z)) for tile, (x, y, z) in zip(cut, found, strict=True)]


def _unknown(plane: Plane, tag: int) -> Plane:
    return plane._replace(faults=(*plane.faults, Fault(tag, MOSAIC_UNKNOWN)))


def _whole(number: float | None) -> int | None:
    if number is None or not number.is_integer() or number < 1:
        return None
    return int(number)


def _cut(plane: Plane, count: int | None, rows: int, columns: int) -> list[Plane] | None:
    """Return the first `count` tiles, row by row; None where the frame is no such grid."""
    whole = plane.identity
    if count is None or count > _MOST_SLICES or whole.rows % rows or whole.columns % columns:
        return None
    height, width = whole.rows // rows, whole.columns // columns
    identity = whole._replace(rows=height, columns=width)
    return [
        plane._replace(identity=identity, tile=Tile(k // columns * height, k % columns * width))
        for k in range(count)
    ]


def _first_position(plane: Plane, tile: Plane) -> Vector | None:
    """Return where the first tile begins: half the surplus of the mosaic further in."""
    if plane.position is None or plane.orientation is None or plane.spacing is None:
        return None
    down = (plane.identity.rows - tile.identity.rows) / 2 * plane.spacing[0]
    across = (plane.identity.columns - tile.identity.columns) / 2 * plane.spacing[1]
    x, y, z = (
        p + across * row + down * column
        for p, row, column in zip(
            plane.position, plane.orientation[:3], plane.orientation[3:], strict=True
        )
    )
    return x, y, z


def _step(
    plane: Plane,
    count: int,
    first: Vector | None,
    csa: CsaSlices,
    protocol: ProtocolSlices,
) -> tuple[Vector | None, Fault | None]:
    """Return the way from one slice to the next, or what is wrong with the header's."""
    if plane.orientation is None or plane.spacing is None or first is None:
        return None, None
    normal = _cross(plane.orientation)
    between = _between(plane, csa, protocol, normal)
    if between is None:
        return None, Fault(
            Tag.SpacingBetweenSlices, "is missing, and nothing else says how far slices are apart"
        )
    sign = None
    if csa.normal is not None:
        length = math.hypot(*csa.normal)
        cosine = _dot(csa.normal, normal) / length if length else 0.0
        if abs(abs(cosine) - 1) > _PARALLEL:
            reason = "has a SliceNormalVector that is not at a right angle to the slices"
            return None, Fault(_CSA_IMAGE.tag(0x10), reason)
        sign = math.copysign(1.0, cosine)
    elif protocol.positions:
        sign = _sign(plane, count, first, between, normal, protocol.positions)
    if sign is None:
        if count > 1:
            warn_caller(
                "the header of a mosaic does not say in which direction its slices follow each "
                "other: taken along row x column"
            )
        sign = 1.0
    x, y, z = (sign * between * n for n in normal)
    return (x, y, z), None


def _between(
    plane: Plane, csa: CsaSlices, protocol: ProtocolSlices, normal: Vector
) -> float | None:
    """Return the distance between slices: as given, else as planned, else their thickness."""
    for given in (plane.between, csa.between):
        if given:
            return abs(given)
    places = [_dot(position, normal) for position in protocol.positions]
    if len(places) > 1 and places[-1] != places[0]:
        return abs(places[-1] - places[0]) / (len(places) - 1)
    if plane.thickness:
        warn_caller(
            "the header of a mosaic does not say how far its slices are apart: taken as far as "
            "they are thick"
        )
    return plane.thickness


def _sign(
    plane: Plane,
    count: int,
    first: Vector,
    between: float,
    normal: Vector,
    positions: Sequence[Vector],
) -> float | None:
    """Return whether slices ascend along the normal (1) or descend (-1); None: nothing says.

    Protocols list slices in an order of their own. But the first tile lies at one end of those that
    were planned, and the others on the side of their middle.
    """
    assert plane.orientation is not None
    assert plane.spacing is not None
    places = [_dot(position, normal) for position in positions]
    ahead = sum(places) / len(places) - _dot(first, normal)
    expected = (count - 1) / 2 * between
    if expected and abs(abs(ahead) - expected) < between / 2:
        return math.copysign(1.0, ahead)
    if len(places) > 1 and places[-1] != places[0]:
        return math.copysign(1.0, places[-1] - places[0])
    return None


def _cross(orientation: Orientation) -> Vector:
    a, b, c, d, e, f = orientation
    x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
    length = math.hypot(x, y, z) or 1.0
    return x / length, y / length, z / length


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _moved(first: Vector, step: Vector, k: int) -> Vector:
    x, y, z = (p + k * s for p, s in zip(first, step, strict=True))
    return x, y, z
