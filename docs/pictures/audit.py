"""The pictures of docs/audit.md: ``python docs/pictures/audit.py``, with playwright and Chromium.

A folder is made of files that pydicom brings along and of made radiographs, `fastpix audit` looks
at it, and parts of the page that it writes are photographed into docs/pictures/audit/.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom.data
from made_radiographs import Device, write_radiographs

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
from made_data import chest_slices, make_patients, write  # noqa: E402

REAL = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "MR_truncated.dcm", "JPGExtended.dcm", "examples_palette.dcm", "examples_rgb_color.dcm",
    "rtdose.dcm", "rtplan.dcm", "reportsi.dcm", "README.txt",
)  # fmt: skip
DEVICES = {
    "plate": (
        Device("CR", "Made Imaging", "Plate 100", "2.1", "MONOCHROME1", True,
               {"WindowCenter": "1900", "WindowWidth": "3600"}), 14,
    ),
    "panel": (
        Device("DX", "Made Imaging", "Panel 7", "5.0.3", "MONOCHROME2", False,
               {"PresentationIntentType": "FOR PRESENTATION", "PresentationLUTShape": "IDENTITY",
                "WindowCenter": ["2200", "2600"], "WindowWidth": ["3400", "2000"],
                "WindowCenterWidthExplanation": ["NORMAL", "BONE"]}), 12,
    ),
    "reader": (Device("CR", "Plate Works", "Reader B", "1.0", "MONOCHROME2", True, {}), 8),
    "detector": (
        Device("DX", "Open Detector", "OD-1", "0.9", "MONOCHROME2", False,
               {"PresentationIntentType": "FOR PRESENTATION"}, 0.22, 0x2000), 6,
    ),
}  # fmt: skip


def make_hospital(folder: Path) -> None:
    """Write the source folder."""
    first = 0
    for name, (device, count) in DEVICES.items():
        write_radiographs(folder / name, device, first, count)
        first += count
    for patient in make_patients(2):
        slices = chest_slices(patient, np.arange(-60, 60, 10.0), 128)
        for each in slices:
            each.Manufacturer, each.ManufacturerModelName = "Made Imaging", "Ring 16"
        lost = 7 if patient.number else None  # a slice that did not arrive
        write(folder / "ring", [each for k, each in enumerate(slices) if k != lost])
    (folder / "other").mkdir()
    real = Path(pydicom.data.__file__).parent / "test_files"
    for name in REAL:
        shutil.copyfile(real / name, folder / "other" / name)


def main() -> None:
    """Make the folder, audit it, take the pictures."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_hospital(folder / "new")
        subprocess.run(
            [sys.executable, "-m", "fastpix", "audit", "new", "audit"], cwd=folder, check=True
        )


if __name__ == "__main__":
    main()
