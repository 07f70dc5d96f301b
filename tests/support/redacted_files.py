"""Random images of all kinds, and readers of their cells that share no code with fastpix."""

from __future__ import annotations

import math
from copy import deepcopy
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from fastpix.deidentification.pixels import RedactedPixels, redacted_pixels
from fastpix.header.instance import Instance, read_instance
from fastpix.redaction import Region
from fastpix.source.opening import read_source
from support.builders import encode, make_dataset

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"


_KNOWN = {"1.2.840.10008.1.2.8.1": "1.2.840.10008.1.2.4.50"}
_KNOWN |= {f"1.2.840.10008.1.2.4.11{n}": "1.2.840.10008.1.2.4.201" for n in range(3)}


class Kind(NamedTuple):
    """What an image is like."""

    photometric: str
    allocated: int
    stored: int
    high: int
    signed: bool
    frames: int
    rows: int
    columns: int
    planar: int = 0
    palette_first: int = 0

    @property
    def samples(self) -> int:
        return 1 if self.photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else 3

    @property
    def shift(self) -> int:
        return self.high + 1 - self.stored

    @property
    def in_pairs(self) -> bool:
        return self.photometric.endswith("422")


def kind_has_sign(photometric: str) -> bool:
    return photometric.startswith("MONOCHROME") or photometric == "PALETTE COLOR"


def random_kind(rng: np.random.Generator) -> Kind:
    """Any image that is stored natively."""
    photometric = str(rng.choice(["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB",
                                  "YBR_FULL", "YBR_FULL_422"]))  # fmt: skip
    gray = photometric.startswith("MONOCHROME")
    allocated = int(rng.choice([1, 8, 16, 32] if gray else [8, 16]))
    stored = allocated if rng.random() < 0.4 else int(rng.integers(1, allocated + 1))
    if not gray:
        stored = max(stored, 2)
    high = stored - 1 if rng.random() < 0.6 else int(rng.integers(stored - 1, allocated))
    signed = bool(rng.random() < 0.4) and allocated > 1 and kind_has_sign(photometric)
    rows, columns, frames = (int(n) for n in rng.integers(1, (9, 11, 4)))
    if photometric == "YBR_FULL_422":
        columns += columns % 2
    planar = int(rng.random() < 0.5 and photometric in ("RGB", "YBR_FULL"))
    low = -(1 << (stored - 1)) if signed else 0
    first = int(
        np.clip(rng.integers(low, low + (1 << stored)), -32768, 32767 + 32768 * (not signed))
    )
    return Kind(photometric, allocated, stored, high, signed, frames, rows, columns, planar, first)


def random_regions(rng: np.random.Generator, kind: Kind) -> list[Region]:
    """Some regions, which may overlap and reach beyond the image."""
    found = []
    for _ in range(rng.integers(1, 4)):
        x, y = (int(n) for n in rng.integers(0, (kind.columns, kind.rows)))
        width, height = (int(n) for n in rng.integers(1, (kind.columns + 2, kind.rows + 2)))
        found.append(Region(x, y, width, height))
    return found


def palette_of(kind: Kind, rng: np.random.Generator) -> dict[str, Any]:
    """The attributes of a palette of few entries, of which some are equally dark."""
    if kind.photometric != "PALETTE COLOR":
        return {}
    count = int(rng.integers(1, 40))
    entries = rng.integers(0, 5, (3, count)).astype("<u2") * 1000
    attributes: dict[str, Any] = {}
    for name, values in zip(("Red", "Green", "Blue"), entries, strict=True):
        descriptor = [count, kind.palette_first & 0xFFFF, 16]
        if kind.signed:
            descriptor[1] = kind.palette_first
        attributes[f"{name}PaletteColorLookupTableDescriptor"] = descriptor
        attributes[f"{name}PaletteColorLookupTableData"] = values.tobytes()
    return attributes


def attributes_of(kind: Kind) -> dict[str, Any]:
    return {
        "PhotometricInterpretation": kind.photometric,
        "BitsAllocated": kind.allocated,
        "BitsStored": kind.stored,
        "HighBit": kind.high,
        "PixelRepresentation": int(kind.signed),
        "NumberOfFrames": kind.frames,
        "Rows": kind.rows,
        "Columns": kind.columns,
        "SamplesPerPixel": kind.samples,
        "PlanarConfiguration": kind.planar if kind.samples == 3 else None,
    }


def native_file(dataset: Dataset, syntax: str) -> bytes:
    """The bytes of a file; the words of palettes are turned round where its order is another."""
    if syntax != BIG_ENDIAN:
        return encode(dataset, syntax)
    turned = deepcopy(dataset)
    for each in turned:
        if each.keyword.endswith("TableData"):
            each.value = np.frombuffer(each.value, "<u2").astype(">u2").tobytes()
    return encode(turned, syntax)


def native_size(kind: Kind) -> int:
    samples = 2 if kind.in_pairs else kind.samples
    return math.ceil(kind.frames * kind.rows * kind.columns * samples * kind.allocated / 8)


def native_dataset(kind: Kind, rng: np.random.Generator, vr: str = "OW") -> Dataset:
    """A data set whose cells are random in every bit."""
    data = rng.bytes(native_size(kind))
    dataset = make_dataset(
        np.zeros((1, 1, 1), np.uint8), **attributes_of(kind), **palette_of(kind, rng)
    )
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = vr if kind.allocated <= 8 else "OW"
    return dataset


def cells_of_value(value: bytes, kind: Kind, big_endian: bool, words: bool) -> NDArray[np.uint32]:
    """The cells of native pixel data: ``(frames, rows, columns, samples)``; 4:2:2 by pairs."""
    if big_endian and words and kind.allocated <= 8:
        value = b"".join(bytes([value[k + 1], value[k]]) for k in range(0, len(value) - 1, 2))
    order = "big" if big_endian else "little"
    if kind.allocated == 1:
        bits = [byte >> k & 1 for byte in value for k in range(8)]
        flat = bits[: kind.frames * kind.rows * kind.columns]
    else:
        width = kind.allocated // 8
        whole = native_size(kind)
        flat = [int.from_bytes(value[k : k + width], order) for k in range(0, whole, width)]  # type: ignore[arg-type]
    cells = np.array(flat, np.uint32)
    if kind.in_pairs:
        return cells.reshape(kind.frames, kind.rows, kind.columns // 2, 4)
    if kind.planar:
        planes = cells.reshape(kind.frames, kind.samples, kind.rows, kind.columns)
        return np.moveaxis(planes, 1, -1)
    return cells.reshape(kind.frames, kind.rows, kind.columns, kind.samples)


def stored_of_cell(cell: int, kind: Kind) -> int:
    value = (cell >> kind.shift) % (1 << kind.stored)
    if kind.signed and value >= 1 << (kind.stored - 1):
        value -= 1 << kind.stored
    return value


def is_black(cells: list[int], kind: Kind, dataset: Dataset) -> bool:
    """Whether the cells of a pixel (or of a pair of pixels) are shown black."""
    values = [stored_of_cell(cell, kind) for cell in cells]
    low = -(2 ** (kind.stored - 1)) if kind.signed else 0
    middle = 2 ** (kind.stored - 1)
    match kind.photometric:
        case "MONOCHROME2":
            return values == [low]
        case "MONOCHROME1":
            return values == [low + 2**kind.stored - 1]
        case "RGB":
            return values == [0, 0, 0]
        case "YBR_FULL":
            return values == [0, middle, middle]
        case "YBR_FULL_422":
            return values == [0, 0, middle, middle]
    tables = [
        np.frombuffer(dataset[f"{name}PaletteColorLookupTableData"].value, "<u2").astype(int)
        for name in ("Red", "Green", "Blue")
    ]
    light = [299 * r + 587 * g + 114 * b for r, g, b in zip(*tables, strict=True)]
    first = kind.palette_first

    def shown(index: int) -> int:
        return int(light[min(max(index - first, 0), len(light) - 1)])

    reachable = {
        shown(index) for index in range(max(low, first - 1), min(low + 2**kind.stored, first + 41))
    }
    reachable |= {shown(low), shown(low + 2**kind.stored - 1)}
    return shown(values[0]) == min(reachable)


def unused_bits(cell: int, kind: Kind) -> int:
    """What the bits hold that no value uses, but for those of a sign that goes on."""
    used = ((1 << kind.stored) - 1) << kind.shift
    rest = cell & ~used
    above = ((1 << kind.allocated) - 1) & ~((1 << (kind.high + 1)) - 1)
    if kind.signed and cell >> kind.high & 1 and rest == above:
        return 0
    return rest


def covers(regions: list[Region], frame: int, row: int, column: int, kind: Kind) -> bool:
    """Whether a pixel, or any of a pair, lies in a region."""
    columns = (2 * column, 2 * column + 1) if kind.in_pairs else (column,)
    return any(
        r.x <= c < r.x + r.width and r.y <= row < r.y + r.height for r in regions for c in columns
    )


def instance_of(data: bytes) -> Instance:
    return read_instance(read_source(data), 2**30)


def file_of_redacted(data: bytes, made: RedactedPixels) -> bytes:
    """A file with the new pixels, written by pydicom."""
    dataset = dcmread(BytesIO(data), force=True)
    for _ in dataset.iterall():
        pass  # pydicom converts elements, which it cannot write in another syntax as they are
    for keyword, value in made.changes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    vr = dataset[made.keyword].VR
    setattr(dataset, made.keyword, made.value)
    element = dataset[made.keyword]
    element.VR = "OB" if made.is_encapsulated else vr
    element.is_undefined_length = made.is_encapsulated
    # pydicom writes no syntax that it does not know: one of another name, as long as its own.
    written = _KNOWN.get(made.transfer_syntax, made.transfer_syntax)
    dataset.file_meta.TransferSyntaxUID = UID(written)
    dataset.preamble = b"\0" * 128
    buffer = BytesIO()
    dataset.save_as(buffer)
    syntax = made.transfer_syntax.encode()
    return buffer.getvalue().replace(written.encode(), syntax.ljust(len(written), b"\0"), 1)


def redact(data: bytes, regions: list[Region], **more: Any) -> tuple[RedactedPixels, bytes]:
    made = redacted_pixels(instance_of(data), regions, **more)
    return made, file_of_redacted(data, made)
