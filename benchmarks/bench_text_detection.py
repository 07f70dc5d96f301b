"""How much text burned into images is found, by size and modality, and how often nothing is there.

Lines of text (names, dates, numbers) of 8 to 24 pixels are planted into real images: radiographs
(a folder of 8-bit PNG) and DICOM files, one line at a time, away from what was found in the bare
image. A line is found if boxes cover half of its ink. Alarms are boxes on bare images; some of
these do have letters: --pictures writes the boxes, for a person to look at.
Thresholds were chosen on one half of the images (every second one of a modality, in order of
name); by default the other half is reported.

    python benchmarks/bench_text_detection.py --radiographs FOLDER --corpus FOLDER [--half all]
"""

from __future__ import annotations

import argparse
import json
import random
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from planted_text import SIZES, Planted, plant
from pydicom import dcmread
from real_images import radiographs, shows_something
from rich.console import Console
from rich.table import Table
from wilson import share

import fastpix
from fastpix.text_detection import TextBox, TextDetector, merged
from fastpix.text_detection.eight_bits import eight_bit_images
from fastpix.text_detection.text_network import TextNetwork

MODALITIES = ("CR", "DX", "US", "CT", "MR")
SEED = 15
FOUND = 0.5  # of the ink
FEW = 6  # images of a folder, which often is one series
Way = Callable[[NDArray[Any]], list[TextBox]]


class RealImage(NamedTuple):
    """An image of a folder.

    Attributes
    ----------
    name : str
    group : str
        Modality, and where it is from.
    values : ndarray
    """

    name: str
    group: str
    values: NDArray[Any]


@dataclass(slots=True)
class Tally:
    """What one way finds in the images of a group."""

    found: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))
    styles: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    alarms: list[int] = field(default_factory=list)
    seconds: float = 0.0
    megapixels: float = 0.0

    def row(self) -> list[str]:
        """Return the cells of a table."""
        every = [each for size in self.found.values() for each in size]
        return [
            *(_share(self.found[size]) for size in SIZES),
            _share(every),
            f"{sum(self.alarms)} in {len(self.alarms)}",
            _share([count > 0 for count in self.alarms]),
            f"{self.seconds / max(self.megapixels, 1e-9):.2f}",
        ]


def _share(found: Sequence[bool]) -> str:
    return share(sum(found), len(found))


def ways(names: Iterable[str]) -> dict[str, Way]:
    """Return detectors by name."""
    made: dict[str, Callable[[], Way]] = {
        "fastpix": lambda: TextDetector().boxes_of_values,
        "rapidocr": plain_rapidocr,
    }
    return {name: made[name]() for name in names}


def plain_rapidocr() -> Way:
    """Return RapidOCR's own detection, of the picture between percentiles 0.5 and 99.5."""
    from rapidocr import RapidOCR

    settings = {
        "Global.use_cls": False,
        "Global.use_rec": False,
        "Global.log_level": "error",
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    }
    engine: Any = RapidOCR(params=settings)

    def boxes(values: NDArray[Any]) -> list[TextBox]:
        for image in eight_bit_images(values)[:1]:
            color = image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)
            corners = engine(np.ascontiguousarray(color[..., ::-1])).boxes
            if corners is not None:
                return [_upright(np.asarray(each)) for each in corners]
        return []

    return boxes


def _upright(corners: NDArray[Any]) -> TextBox:
    left, top = np.floor(corners.min(0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(0)).astype(int).tolist()
    return TextBox(left, top, right - left, bottom - top, 1.0)


def real_images(
    folder: Path | None, corpora: Iterable[Path], half: str, most: int
) -> list[RealImage]:
    """Return distinct images of one half, at most so many of a modality, and few of a folder."""
    groups: dict[str, list[RealImage]] = defaultdict(list)
    if folder is not None:
        for number, values in enumerate(radiographs(folder, "all")):
            groups["CR, chests"].append(RealImage(f"radiograph {number}", "CR, chests", values))
    seen: set[bytes] = set()
    of_folder: Counter[Path] = Counter()
    for path in sorted(path for corpus in corpora for path in corpus.rglob("*") if path.is_file()):
        try:
            header = dcmread(path, stop_before_pixels=True)
            modality = str(header.get("Modality"))
            frames = int(header.get("NumberOfFrames") or 1)
            if modality not in MODALITIES:
                continue
            values = fastpix.imread(path, frames=frames // 2, invert="none", dtype="float64")
        except Exception:  # no DICOM, or none that can be read
            continue
        gray = values if values.ndim == 2 else values.mean(2)
        # One image in several transfer syntaxes, lossy ones too, is one image.
        key = np.rint(gray[:: max(len(gray) // 8, 1), :: max(len(gray[0]) // 8, 1)] / 4).tobytes()
        if key in seen or of_folder[path.parent] >= FEW or not shows_something(gray):
            continue
        seen.add(key)
        of_folder[path.parent] += modality != "US"  # each of these is of another device
        if values.ndim == 3:
            values = values.astype(np.uint8 if values.max() < 256 else np.uint16)
        groups[modality].append(RealImage(f"{path.parent.name}/{path.name}", modality, values))
    found = []
    for members in groups.values():
        chosen = {"all": members, "choose": members[::2], "report": members[1::2]}[half]
        found += chosen[:: -(-len(chosen) // most) or 1][:most]
    return found


def made_images() -> list[RealImage]:
    """Return two images of smooth noise."""
    noise = np.random.default_rng(SEED)
    found = []
    for number, shape in enumerate(((256, 256), (300, 400))):
        rough = noise.normal(size=(shape[0] + 32, shape[1] + 32)).cumsum(0).cumsum(1)
        sums = rough[32:, 32:] - rough[:-32, 32:] - rough[32:, :-32] + rough[:-32, :-32]
        values = np.rint((sums - sums.min()) * 8 + noise.normal(size=shape) * 4)
        found.append(RealImage(f"made {number}", "made", values.astype(np.int16)))
    return found


def covered(planted: Planted, boxes: Iterable[TextBox]) -> float:
    """Return how much of the ink lies in boxes; one of half the image says nothing."""
    under = np.zeros(planted.ink.shape, np.bool_)
    for box in boxes:
        if box.width * box.height <= under.size / 2:
            under[box.y : box.bottom, box.x : box.right] = True
    return float((under & planted.ink).sum() / planted.ink.sum())


def check_planted(planted: Planted, values: NDArray[Any]) -> None:
    """Assert that the text is inside the image, and nothing else was changed."""
    x, y, width, height = planted.box
    rows, columns = values.shape[:2]
    assert x >= 0
    assert y >= 0
    assert x + width <= columns
    assert y + height <= rows
    inked = np.argwhere(planted.ink)
    assert inked.min(0).tolist() >= [y, x]
    assert (inked.max(0) < [y + height, x + width]).all()
    changed = planted.values != values
    changed = changed if changed.ndim == 2 else changed.any(2)
    changed[max(y - 3, 0) : y + height + 3, max(x - 3, 0) : x + width + 3] = False
    assert not changed.any()


def measure(
    images: Iterable[RealImage], by: dict[str, Way], sizes: Sequence[int], texts: int
) -> tuple[dict[str, dict[str, Tally]], dict[str, list[TextBox]]]:
    """Return tallies by group and way, and the boxes of bare images."""
    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    alarms: dict[str, list[TextBox]] = {}
    chance = random.Random(SEED)
    for image in images:
        values, own = image.values, tallies[image.group]
        bare = {}
        for name, way in by.items():
            start = time.process_time()
            bare[name] = way(values)
            own[name].seconds += time.process_time() - start
            own[name].megapixels += values.shape[0] * values.shape[1] / 1e6
            own[name].alarms.append(len(bare[name]))
        alarms[image.name] = merged(box for boxes in bare.values() for box in boxes)
        # A box of most of the image says nothing of where text is.
        most = values.shape[0] * values.shape[1] / 4
        avoided = [box[:4] for box in alarms[image.name] if box.width * box.height < most]
        for size in [size for size in sizes for _ in range(texts)]:
            planted = plant(values, size, chance, avoided)
            if planted is None:
                continue
            check_planted(planted, values)
            for name, way in by.items():
                is_found = covered(planted, way(planted.values)) >= FOUND
                own[name].found[size].append(is_found)
                own[name].styles[planted.style].append(is_found)
    return tallies, alarms


def draw(images: Iterable[RealImage], alarms: dict[str, list[TextBox]], folder: Path) -> None:
    """Write bare images with their boxes."""
    from PIL import Image, ImageDraw

    folder.mkdir(parents=True, exist_ok=True)
    for image in images:
        if alarms[image.name]:
            picture = Image.fromarray(eight_bit_images(image.values)[0]).convert("RGB")
            for box in alarms[image.name]:
                corners = (box.x, box.y, box.right - 1, box.bottom - 1)
                ImageDraw.Draw(picture).rectangle(corners, outline=(255, 220, 0))
            picture.save(folder / f"{image.group} {image.name.replace('/', ' ')}.png")


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--radiographs", type=Path)
    options.add_argument("--corpus", type=Path, action="append", default=[])
    options.add_argument("--half", choices=("report", "choose", "all"), default="report")
    options.add_argument("--images", type=int, default=20, help="of a modality, at most")
    options.add_argument("--texts", type=int, default=1, help="of each size and image")
    options.add_argument("--ways", default="fastpix,rapidocr")
    options.add_argument("--pictures", type=Path, help="folder for bare images with their boxes")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    images = real_images(chosen.radiographs, chosen.corpus, chosen.half, chosen.images)
    images = images or made_images()
    names = chosen.ways.split(",")
    tallies, alarms = measure(images, ways(names), SIZES, chosen.texts)
    console = Console(width=240)
    for group, by_way in tallies.items():
        table = Table(title=group, title_justify="left")
        heads = (*(f"{size} px" for size in SIZES), "all", "alarms", "images with any", "s/Mpx")
        for heading in ("way", *heads):
            table.add_column(heading)
        for name, tally in by_way.items():
            table.add_row(name, *tally.row())
        console.print(table)
    styles: dict[str, list[bool]] = defaultdict(list)
    for by_way in tallies.values():
        for style, found in by_way[names[0]].styles.items():
            styles[style] += found
    console.print(f"{names[0]}:", json.dumps({style: _share(f) for style, f in styles.items()}))
    if chosen.pictures:
        draw(images, alarms, chosen.pictures)


@pytest.mark.parametrize("size", SIZES)
def test_text_is_planted_inside(size: int) -> None:
    for image in made_images():
        planted = plant(image.values, size, random.Random(size))
        assert planted is not None
        check_planted(planted, image.values)


def test_text_on_made_images() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    assert TextNetwork().model
    tallies, _ = measure(made_images(), ways(["fastpix"]), (12, 20), 1)
    assert all(all(found) for found in tallies["made"]["fastpix"].found.values())


if __name__ == "__main__":
    main()
