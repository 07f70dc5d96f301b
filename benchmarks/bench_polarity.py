"""How often the audit finds a source whose images are turned over, and how often it cries wolf.

Radiographs of known polarity (a folder of 8-bit PNG, low values black) are wrapped into DICOM
under either Photometric Interpretation and grouped into sources; every second source is turned over
without its header saying so. Other modalities come from folders of DICOM files: each source as it
is, which is taken to be right, and turned over; sources of noise are left out.
Thresholds were chosen on one half of the radiographs (every second file in order of name); by
default the other half is reported.

    python benchmarks/bench_polarity.py --radiographs FOLDER --corpus FOLDER [--half all]
"""

from __future__ import annotations

import argparse
import os
import random
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from real_images import radiographs, shows_something
from rich.console import Console
from rich.table import Table
from wilson import share

import fastpix
from fastpix.audit.polarity import Sampled, judge

SIZES = (1, 4, 12)
SOURCES = 100  # for each size
SEED = 14
SAMPLES = 12


@dataclass(slots=True)
class Tally:
    """Verdicts on sources that are right and on sources that are turned over."""

    found: int = 0
    missed: int = 0
    unsure_turned: int = 0
    false_alarms: int = 0
    agreed: int = 0
    unsure_right: int = 0

    def add(self, verdict: str, turned: bool) -> None:
        """Count one verdict."""
        names = {
            ("contradicts", True): "found",
            ("agrees", True): "missed",
            ("cannot tell", True): "unsure_turned",
            ("contradicts", False): "false_alarms",
            ("agrees", False): "agreed",
            ("cannot tell", False): "unsure_right",
        }
        name = names[verdict, turned]
        setattr(self, name, getattr(self, name) + 1)

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        turned = self.found + self.missed + self.unsure_turned
        right = self.false_alarms + self.agreed + self.unsure_right
        return (
            str(turned + right),
            share(self.found, turned),
            share(self.missed, turned),
            share(self.false_alarms, self.false_alarms + self.agreed),
            share(self.unsure_turned + self.unsure_right, turned + right),
        )


def wrapped(pixels: NDArray[np.uint8], photometric: str, turned: bool) -> bytes:
    """Return a radiograph as a DICOM file, low values black.

    Parameters
    ----------
    pixels : ndarray of uint8
        Low values black.
    photometric : str
    turned : bool
        Turn the cells over and leave the header alone.
    """
    cells = pixels if (photometric == "MONOCHROME2") != turned else 255 - pixels
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = (
        ComputedRadiographyImageStorage
    )
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Modality = "CR"
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = cells.shape
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    data = np.ascontiguousarray(cells).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB"
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def sampled(source: Any, header: Dataset) -> Sampled:
    """Return an image as the audit samples it."""
    sign = header.get("PixelIntensityRelationshipSign")
    return Sampled(
        fastpix.imread(source, invert="none"),
        str(header.get("Modality") or ""),
        str(header.get("PhotometricInterpretation") or ""),
        str(header.get("PresentationLUTShape") or ""),
        str(header.get("PixelIntensityRelationship") or ""),
        None if sign is None else int(sign),
        str(header.get("PresentationIntentType") or ""),
        str(header.get("BodyPartExamined") or ""),
    )


def chests(images: Sequence[NDArray[np.uint8]], size: int) -> Tally:
    """Judge sources of `size` radiographs each, every second one turned over."""
    files = {
        (index, photometric, turned): _read(wrapped(image, photometric, turned))
        for index, image in enumerate(images)
        for photometric in ("MONOCHROME1", "MONOCHROME2")
        for turned in (False, True)
    }
    tally = Tally()
    chosen = random.Random(SEED + size)
    order: list[int] = []
    for number in range(SOURCES):
        if len(order) < size:
            order = chosen.sample(range(len(images)), len(images))
        drawn = [order.pop() for _ in range(size)]
        photometric = "MONOCHROME1" if number // 2 % 2 else "MONOCHROME2"
        turned = bool(number % 2)
        tally.add(judge([files[index, photometric, turned] for index in drawn]).verdict, turned)
    return tally


def _read(file: bytes) -> Sampled:
    return sampled(file, dcmread(BytesIO(file), stop_before_pixels=True))


def sources_of(folders: Iterable[Path]) -> Iterator[tuple[str, list[Sampled]]]:
    """Return the modality and the sampled images of every source in folders of DICOM files."""
    paths: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    seen: set[str] = set()
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            header = dcmread(path, stop_before_pixels=True)
        except Exception:  # no DICOM, whatever it is
            continue
        uid = str(header.get("SOPInstanceUID"))
        photometric = str(header.get("PhotometricInterpretation", ""))
        if not photometric.startswith("MONOCHROME") or uid in seen:
            continue
        seen.add(uid)
        names = ("Modality", "Manufacturer", "ManufacturerModelName", "PresentationIntentType")
        paths[(*(str(header.get(name) or "") for name in names), photometric)].append(path)
    for key, members in sorted(paths.items()):
        images = []
        for path in random.Random(SEED).sample(members, min(SAMPLES, len(members))):
            try:
                images.append(sampled(path, dcmread(path, stop_before_pixels=True)))
            except fastpix.FastpixError:
                continue
        if images and any(shows_something(image.values) for image in images):
            yield key[0], images


def turned_over(image: Sampled) -> Sampled:
    """Return an image whose values are turned over about the middle of their range."""
    values = image.values
    return replace(image, values=np.nanmax(values) + np.nanmin(values) - values)


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--radiographs", type=Path, default=os.environ.get("FASTPIX_RADIOGRAPHS"))
    options.add_argument("--corpus", type=Path, action="append", default=[])
    options.add_argument("--half", choices=("report", "choose", "all"), default="report")
    options.add_argument("--verbose", action="store_true", help="print each verdict on the corpus")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    table = Table(title="Polarity of sources", title_justify="left")
    for heading in ("images", "sources", "found", "missed", "false alarms", "cannot tell"):
        table.add_column(heading)
    if chosen.radiographs:
        images = radiographs(Path(chosen.radiographs), chosen.half)
        for size in SIZES:
            table.add_row(f"chests, {size} a source", *chests(images, size).row())
    tallies: dict[str, Tally] = defaultdict(Tally)
    console = Console(width=160)
    for modality, images_of_source in sources_of(chosen.corpus):
        for turned in (False, True):
            given = [turned_over(i) for i in images_of_source] if turned else images_of_source
            polarity = judge(given)
            group = f"{modality}, 1 to {SAMPLES} a source"
            tallies[group].add(polarity.verdict, turned)
            if chosen.verbose:
                numbers = [f"{e.name} {e.number} {e.points:+.2f}" for e in polarity.evidence]
                console.print(
                    modality, len(given), turned, polarity.verdict, polarity.score, numbers
                )
    for group, tally in sorted(tallies.items()):
        table.add_row(group, *tally.row())
    console.print(table)


if __name__ == "__main__":
    main()
