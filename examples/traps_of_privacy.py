"""A trap in what is kept beside the pixels."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from made_data import write
from PIL import Image, ImageDraw, ImageFont
from trap import Trap, Values, one_slice

import fastpix


def name_in_a_text_field() -> Trap:
    """A technician types the name where nobody looks for it: Series Description."""
    slice_, _ = one_slice()
    name = str(slice_.PatientName)
    slice_.SeriesDescription = f"CHEST {name}"
    drop = {"PatientName", "PatientID", "PixelData"}
    kept = {each.keyword: each.value for each in slice_ if each.keyword not in drop}
    assert name in kept["SeriesDescription"]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "dicom"), [slice_])
        fastpix.convert(Path(folder, "dicom"), Path(folder, "cache"))
        row = fastpix.read_manifest(Path(folder, "cache")).to_pylist()[0]
    assert name not in str(row)
    shown = ("modality", "manufacturer", "patient", "series", "rows", "unit")
    return Trap(
        "A patient's name in a text field",
        "the header without PatientName and PatientID is stored beside the pixels",
        f"Series Description still says {kept['SeriesDescription']!r}",
        "writes only what is on an allow-list; keyed hashes stand for names and UIDs",
        "job.md#the-manifest",
        card([f"{key}: {value}" for key, value in list(kept.items())[5:17]]),
        card([f"{key}: {str(row[key])[:12]}" for key in shown]),
        shown=(0, 255),
    )


def card(lines: list[str]) -> Values:
    """Return lines of text as grey pixels."""
    image = Image.new("L", (192, 192), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    for number, line in enumerate(lines):
        draw.text((6, 6 + 15 * number), line[:34], 0, font)
    return np.asarray(image)
