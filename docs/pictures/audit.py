"""The pictures of docs/audit.md: ``python docs/pictures/audit.py``, with playwright and Chromium.

A folder is made of files that pydicom brings along and of made radiographs, `fastpix audit` looks
at it, and parts of the page that it writes are photographed into docs/pictures/audit/, or into the
folder that an argument names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom.data
from made_radiographs import Device, write_radiographs
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
from made_data import chest_slices, make_patients, write, write_known_key  # noqa: E402

PICTURES = Path(__file__).parent / "audit"
COLORS = 256
MARGIN = 6  # pixels around a part of the page
TURNED = "Reader B"
SAMPLES_HEIGHT = 334  # pixels: the first two samples
FINDINGS_HEIGHT = 477  # errors, warnings and a few notes
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
        Device("CR", "Open Detector", "OD-1", "0.9", "MONOCHROME2", False,
               {"PresentationIntentType": "FOR PRESENTATION"}, 0.07, 0x2000), 6,
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


def _chromium() -> str:
    found = os.environ.get("FASTPIX_CHROMIUM") or shutil.which("chromium")
    if found is None:
        raise SystemExit("there is no chromium: install it, or name one by FASTPIX_CHROMIUM")
    return found


def _write(png: bytes, path: Path) -> None:
    """Write a picture of few colours, which is what a page mostly has."""
    few = (
        Image.open(BytesIO(png))
        .convert("RGB")
        .quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    few.save(path, optimize=True)


def _show(page: Page, selector: str) -> Locator:
    """Bring an element to the top of the window, everything before it laid out."""
    page.evaluate(
        "document.querySelectorAll('.source, .panel').forEach(each => "
        "each.style.contentVisibility = 'visible')"
    )
    element = page.locator(selector).first
    element.evaluate("each => each.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(200)
    return element


def _part(page: Page, selector: str, rows: int | None = None) -> bytes:
    """Return a picture of an element, or of its first rows of pixels, without the bar below."""
    element = _show(page, selector)
    bar = page.locator(".marking")
    bar.evaluate("each => each.style.display = 'none'")
    box = element.bounding_box()
    assert box is not None, selector
    clip = {
        "x": box["x"] - MARGIN,
        "y": box["y"] - MARGIN + page.evaluate("window.scrollY"),
        "width": box["width"] + 2 * MARGIN,
        "height": (rows or box["height"]) + 2 * MARGIN,
    }
    png = page.screenshot(clip=clip, full_page=True)
    bar.evaluate("each => each.style.display = ''")
    return png


def take_pictures(browser: Browser, address: str, folder: Path) -> None:
    """Photograph the page."""
    page = browser.new_page(viewport={"width": 1120, "height": 860}, color_scheme="light")
    page.goto(address)
    _write(page.screenshot(), folder / "overview.png")
    source = f'section[data-source]:has-text("{TURNED}")'
    _write(_part(page, f"{source} .samples", SAMPLES_HEIGHT), folder / "samples.png")
    _write(_part(page, f"{source} .columns"), folder / "evidence.png")
    _write(_part(page, '#scales .panel:has-text("CR")'), folder / "scales.png")
    _write(_part(page, "#findings", FINDINGS_HEIGHT), folder / "findings.png")
    _show(page, source)
    page.locator("#decided-by").fill("B. Miller")
    page.locator(source).locator("[data-note]").fill("lungs are white on all eight")
    page.locator(source).locator('[data-mark="invert"]').click()
    page.set_viewport_size({"width": 1120, "height": 560})
    _show(page, source)
    _write(page.screenshot(), folder / "marking.png")
    page = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme="dark")
    page.goto(address)
    _show(page, source)
    _write(page.screenshot(), folder / "narrow-dark.png")


def main() -> None:
    """Make the folder, audit it, take the pictures."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder = Path(made)
        make_hospital(folder / "new")
        write_known_key(folder / "audit")  # ids and samples are those of the last run
        command = [sys.executable, "-m", "fastpix", "audit", "new", "audit"]
        subprocess.run(command, cwd=folder, check=True)
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        take_pictures(browser, (folder / "audit" / "index.html").as_uri(), out)
        browser.close()


if __name__ == "__main__":
    main()
