"""A folder of five small sources for the page of an audit, one of them turned over."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from fastpix.pseudonyms import Names, load_key
from fastpix.sources.source_key import SourceKey, source_id
from support.builders import encode, make_dataset
from support.series_files import slice_dataset

SIDE = 96
HOSTILE = '<img src=x onerror="window.hit=1">"\'`</script>{{ 7 * 7 }}'
"""A manufacturer whose name would run if a page took it for more than a text."""

TURNED = "CR 2"
"""The model whose headers say MONOCHROME2 of cells that are MONOCHROME1."""

_KEYS = {
    "CR 1": SourceKey("Acme", "CR 1", "CR", "MONOCHROME1"),
    TURNED: SourceKey("Acme", TURNED, "CR", "MONOCHROME2"),
    "CT 1": SourceKey("Acme", "CT 1", "CT", "MONOCHROME2"),
    "US 1": SourceKey("Acme", "US 1", "US", "PALETTE COLOR"),
    "odd": SourceKey(HOSTILE, "odd", "DX", "MONOCHROME2", "FOR PRESENTATION"),
}


@dataclass(frozen=True)
class Audited:
    """A source folder that `fastpix audit` has looked at.

    Attributes
    ----------
    src, out : Path
    ids : dict of str to str
        Of the sources, by model.
    """

    src: Path
    out: Path
    ids: dict[str, str]

    @property
    def page(self) -> Path:
        return self.out / "index.html"

    @property
    def key(self) -> Path:
        return self.out.with_name(f"{self.out.name}.key")


def make_audited(folder: Path) -> Audited:
    """Write the files, and audit them by the command as users have it."""
    src, out = folder / "src", folder / "out"
    for model, images in _made().items():
        (src / model).mkdir(parents=True)
        for number, image in enumerate(images):
            (src / model / f"{number}.dcm").write_bytes(encode(image))
    (src / "notes.txt").write_text("no image")
    done = subprocess.run(
        [sys.executable, "-m", "fastpix", "audit", src, out], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = Names(load_key(out.with_name("out.key"), out))
    return Audited(src, out, {model: source_id(key, names) for model, key in _KEYS.items()})


def _made() -> dict[str, list[Dataset]]:
    chests = [chest(number) for number in range(3)]
    made = {
        "CR 1": [make_dataset(4095 - cells, BitsStored=12) for cells in chests],
        TURNED: [make_dataset(4095 - cells, BitsStored=12) for cells in chests],
        "CT 1": [_slice(number) for number in range(4)],
        "US 1": [_with_palette(number) for number in range(2)],
        "odd": [make_dataset(cells, BitsStored=12) for cells in chests[:2]],
    }
    for model, images in made.items():
        key = _KEYS[model]
        for number, image in enumerate(images):
            image.SOPInstanceUID = f"1.2.3.{sum(model.encode())}.{number}"
            image.Manufacturer, image.ManufacturerModelName = key.manufacturer, key.model
            image.Modality, image.PhotometricInterpretation = key.modality, key.photometric
            if key.presentation:
                image.PresentationIntentType = key.presentation
    return made


def chest(seed: int) -> NDArray[np.uint16]:
    """Return 12 bits, low values black: two dark lungs beside a bright spine."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    image = 2100.0 + 180 * np.sin(7 * x + seed) * np.sin(5 * y)
    for centre in (0.29, 0.71):
        lung = ((x - centre) / 0.15) ** 2 + ((y - 0.42) / 0.32) ** 2
        image -= 1200 * np.clip(1.4 - lung, 0, 1)
    ribs = (np.abs(x - 0.5) > 0.08) & (y < 0.75) & (((y - 0.3 * np.abs(x - 0.5)) * 12) % 1 < 0.12)
    image += 450 * ribs + np.random.default_rng(seed).normal(0, 18, image.shape)
    cells: NDArray[np.uint16] = np.clip(image, 0, 4095).astype(np.uint16)
    return cells


def _slice(number: int) -> Dataset:
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    radius = np.hypot(x - 0.5, y - 0.5)
    values = np.where(radius < 0.36, 40.0, -1000.0)
    values[(radius > 0.33) & (radius < 0.36)] = 1200
    values += np.random.default_rng(number).normal(0, 12, values.shape)
    cells = (values + 1024).astype(np.int16)
    return slice_dataset(
        number, cells=cells, SOPClassUID=CTImageStorage, RescaleSlope="1", RescaleIntercept="-1024"
    )


def _with_palette(number: int) -> Dataset:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    cells = ((x * (number + 1) + y) % 256).astype(np.uint8)
    ramp = np.arange(256, dtype=np.uint16) * 257
    palette: dict[str, Any] = {}
    for color, table in (("Red", ramp), ("Green", ramp[::-1]), ("Blue", ramp // 2)):
        palette[f"{color}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        palette[f"{color}PaletteColorLookupTableData"] = table.tobytes()
    return make_dataset(cells, PhotometricInterpretation="PALETTE COLOR", **palette)
