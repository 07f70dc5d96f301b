"""What readers make of series that are easily read wrong: shape, spacing, places, values, words.

The series are made here: six places of 16 x 12 pixels, with one thing odd about each series. All
pixels of a plane have one value, so a plane is found again in what a reader returns; its centre is
held against the place where it was made. The table says, for each series and each installed reader:
shapes as ([volume,] slice, row, column), spacing of slices, what is wrong with values and places,
and what the reader said that it does not say of a series with nothing odd.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from fastpix.compare import Reader, readers_named
from fastpix.compare.volume_readers import VOLUME_READERS, GivenVolume, SeriesFiles

UID = "1.2.826.0.1.3680043.10.3"
ROWS, COLUMNS, PLACES = 16, 12, 6
PIXELS = (0.75, 0.5)  # millimetres between rows, and between columns
GAP = 2.5
OFF = 0.05  # millimetres that a centre may be off


class Plane(NamedTuple):
    """A plane as it was made; no two planes of a series have values that are near."""

    place: float
    volume: int = 0
    drift: float = 0.0
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def slope(self) -> float:
        return float(dict(self.facts).get("RescaleSlope", 1))

    @property
    def stored(self) -> int:
        return round((100 * (self.place + 1) + 10 * self.volume) / self.slope)

    @property
    def value(self) -> float:
        return self.stored * self.slope

    @property
    def centre(self) -> NDArray[np.float64]:
        middle = [(COLUMNS - 1) / 2 * PIXELS[1], (ROWS - 1) / 2 * PIXELS[0], 0]
        return np.array(self.position) + middle

    @property
    def position(self) -> list[float]:
        return [-31.25, 17.5 + self.drift * self.place, 204.125 + GAP * self.place]


@dataclass
class Trap:
    """A series that is easily read wrong."""

    name: str
    planes: list[Plane]
    modality: str = "MR"
    copies: int = 0
    same_uid: bool = True
    numbers: Sequence[int] = field(default_factory=list)


def mr(place: float, volume: int = 0, **facts: Any) -> Plane:
    return Plane(place, volume, facts=tuple(facts.items()))


EVEN = range(PLACES)
CONTROL = Trap("nothing is odd", [mr(p) for p in EVEN])
TRAPS = [
    CONTROL,
    Trap("a slice is missing", [mr(p) for p in (0, 1, 2, 4, 5)]),
    Trap("tilted gantry", [Plane(p, drift=0.7) for p in EVEN], "CT"),
    Trap("two echoes", [mr(p, v, EchoTime=f"{10 + 20 * v}", EchoNumbers=v + 1)
                        for v in range(2) for p in EVEN]),
    Trap("two b-values", [mr(p, v, DiffusionBValue=1000.0 * v) for v in range(2) for p in EVEN]),
    Trap("three volumes, the last interrupted",
         [mr(p, v, TemporalPositionIdentifier=v + 1)
          for v in range(3) for p in EVEN if v < 2 or p < 3]),
    Trap("a file copied under another name", [mr(p) for p in EVEN], copies=1),
    Trap("a slice sent again under a new UID", [mr(p) for p in EVEN], copies=1, same_uid=False),
    Trap("a slope for each slice", [mr(p, RescaleSlope=f"{1 + p * 0.17:.2f}", RescaleIntercept="0",
                                       RescaleType="US") for p in EVEN]),
    Trap("Instance Number in no order", [mr(p) for p in EVEN], numbers=(3, 1, 5, 2, 6, 4)),
    Trap("no Instance Number", [mr(p) for p in EVEN], numbers=(0,) * 6),
]  # fmt: skip


def dataset_of(plane: Plane, number: int, uid: str, trap: Trap) -> Dataset:
    """Return one slice; Instance Number 0 leaves the attribute out."""
    cells = np.full((ROWS, COLUMNS), plane.stored, "<i2")
    is_ct = trap.modality == "CT"
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage if is_ct else MRImageStorage,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": f"{UID}.1",
        "SeriesInstanceUID": f"{UID}.2",
        "FrameOfReferenceUID": f"{UID}.3",
        "PatientID": "MADE",
        "StudyDate": "20240101",
        "StudyTime": "120000",
        "SeriesNumber": 1,
        "SeriesDescription": "made",
        "Manufacturer": "made",
        "PatientPosition": "HFS",
        "Modality": trap.modality,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if is_ct else "M"],
        "AcquisitionNumber": 1,
        "ImagePositionPatient": [f"{x:.4f}" for x in plane.position],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "PixelSpacing": [str(x) for x in PIXELS],
        "SliceThickness": str(GAP),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelData": cells.tobytes(),
    }
    values |= {"RescaleSlope": "1", "RescaleIntercept": "0"} if is_ct else {"EchoTime": "10"}
    values |= {"InstanceNumber": number} if number else {}
    made = Dataset()
    for name, value in (values | dict(plane.facts)).items():
        setattr(made, name, value)
    made["PixelData"].VR = "OW"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def write(trap: Trap, folder: Path) -> None:
    """Write a series under names that say nothing of its order."""
    folder.mkdir(parents=True)
    numbers = trap.numbers or range(1, len(trap.planes) + 1)
    for k, (plane, number) in enumerate(zip(trap.planes, numbers, strict=True)):
        made = dataset_of(plane, number, f"{UID}.4.{k}", trap)
        made.save_as(folder / f"{(k * 7) % 101:03d}.dcm", enforce_file_format=True)
    for copy in range(trap.copies):
        uid = f"{UID}.4.2" if trap.same_uid else f"{UID}.5.{copy}"
        number = 3 if trap.same_uid else len(trap.planes) + 1
        made = dataset_of(trap.planes[2], number, uid, trap)
        made.save_as(folder / f"copy{copy}.dcm", enforce_file_format=True)


# What came out


@contextmanager
def words_of(said: list[str]) -> Iterator[None]:
    """Collect warnings of Python, and what compiled code writes to standard error."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said += [line for line in file.read().decode().splitlines() if line.strip()]
            said += [
                str(each.message) for each in caught if "swig" not in str(each.message).lower()
            ]


def _nearest(trap: Trap, value: float) -> Plane:
    return min(trap.planes, key=lambda plane: abs(plane.value - value))


def in_words(trap: Trap, result: GivenVolume, found: set[float]) -> str:
    """Say what is in a result, and what is wrong with it; add the planes that are there."""
    array, affine = result.array, result.affine
    assert affine is not None
    wrong, off = 0, 0.0
    for k, plane in enumerate(array.reshape(-1, *array.shape[-2:])):
        made = _nearest(trap, float(plane.mean()))
        if np.abs(plane - made.value).max() > 1e-3:
            wrong += 1
        if np.abs(plane - made.value).max() < 4:
            found.add(made.value)
            middle = affine @ [k % array.shape[-3], (ROWS - 1) / 2, (COLUMNS - 1) / 2, 1]
            off = max(off, float(np.linalg.norm(middle[:3] - made.centre)))
    size = " x ".join(map(str, array.shape))
    parts = [f"{size}, {np.linalg.norm(affine[:3, 0]):.4g} mm"]
    parts += [f"**values of {wrong} planes wrong**"] if wrong else []
    parts += [f"**places wrong by up to {off:.3g} mm**"] if off > OFF else []
    return ", ".join(parts)


def outcome(trap: Trap, folder: Path, reader: Reader, usual: set[str]) -> tuple[str, set[str]]:
    """Return one cell of the table, and all that was said.

    Parameters
    ----------
    trap : Trap
    folder : Path
    reader : Reader
    usual : set of str
        What the reader says of a series with nothing odd: it is left out.
    """
    said: list[str] = []
    with words_of(said):
        try:
            results = reader.read(SeriesFiles.of(folder))
        except Exception as error:
            return f"error: {short(str(error) or type(error).__name__)}", set()
    said += [text for result in results for text in result.said]
    found: set[float] = set()
    parts = [in_words(trap, result, found) for result in results]
    if lost := len({plane.value for plane in trap.planes} - found):
        parts.append(f"**{lost} planes lost**")
    texts = dict.fromkeys(short(text) for text in said)
    news = [text for text in texts if text and text not in usual]
    parts.append(f"says: {news[0]}" if news else "says nothing")
    return "; ".join(parts), set(texts)


def short(text: str) -> str:
    """Return a message in one line, without the places of files and of code."""
    text = re.sub(r"^Warning: |WARNING: In .*, line \d+|\w+ \(0x\w+\):|/tmp/\S+", "", text)
    line = " ".join(text.split()).replace("|", "/").partition(" series ")[0]
    return line if len(line) <= 100 else line[:97] + "..."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("readers", nargs="*", help=f"of: {', '.join(VOLUME_READERS)}")
    asked = ",".join(parser.parse_args().readers)
    [chosen] = readers_named(asked, [VOLUME_READERS])
    readers = [reader for reader in chosen if reader.is_present()]
    print(", ".join(f"{reader.name} {reader.version()}" for reader in readers))
    usual: dict[str, set[str]] = {reader.name: set() for reader in readers}
    with tempfile.TemporaryDirectory() as work:
        for number, trap in enumerate(TRAPS):
            folder = Path(work) / str(number)
            write(trap, folder)
            print(f"\n### {trap.name}\n\n| reader | what comes out |\n|---|---|")
            for reader in readers:
                cell, said = outcome(trap, folder, reader, usual[reader.name])
                usual[reader.name] |= said if trap is CONTROL else set()
                print(f"| {reader.name} | {cell} |", flush=True)


if __name__ == "__main__":
    main()
