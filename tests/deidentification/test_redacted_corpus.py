"""Real files: blanked inside, the very cells outside, whatever they are."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from support.real_files import WHEEL, corpus_parameters, file_id, files_under
from support.redacted_files import file_of_redacted, instance_of

import fastpix
from fastpix.deidentification.pixels import redacted_pixels
from fastpix.errors import FastpixError
from fastpix.plan.black import black_of
from fastpix.redaction import Region, disjoint
from fastpix.standard.syntaxes import RLE

pytestmark = pytest.mark.filterwarnings("ignore")

_LARGEST = 2**26  # cells, in all frames
QUICK = ("SC_rgb_rle_2frame.dcm", "SC_ybr_full_422_uncompressed.dcm", "JPEG2000.dcm",
         "CT_small.dcm", "examples_palette.dcm", "liver_1frame.dcm", "SC_rgb_jpeg_dcmtk.dcm",
         "JPEG-LL.dcm", "ExplVR_BigEnd.dcm")  # fmt: skip


def check(path: Path) -> bool:
    """Blank the middle of an image, and compare; False where there is no image to be read."""
    data = path.read_bytes()
    try:
        image = fastpix.open(data)
        header = image.header
        if header.frames * header.rows * header.columns * header.samples > _LARGEST:
            return False
        before = image.stored(frames=slice(None))
    except (FastpixError, OSError):
        return False
    rows, columns = header.rows, header.columns
    regions = [
        Region(columns // 4, rows // 4, columns // 2 + 1, rows // 2 + 1),
        Region(0, 0, columns, rows // 8 + 1),
    ]
    instance = instance_of(data)
    made = redacted_pixels(instance, regions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = file_of_redacted(data, made)
    image = fastpix.open(written)
    after = image.stored(frames=slice(None))
    inside = np.zeros((rows, columns), bool)
    for part in disjoint(made.regions, rows, columns):
        inside[part.rows, part.columns] = True
    assert after.dtype == before.dtype
    assert after[:, ~inside].tobytes() == before[:, ~inside].tobytes()
    shown = after[:, inside].reshape(-1, header.samples)
    assert (shown == shown[0]).all()
    if not header.is_float and made.transfer_syntax == header.transfer_syntax:
        codec = {"YBR_RCT": "RGB", "YBR_ICT": "RGB", "XYB": "RGB"}.get(header.photometric)
        assert tuple(shown[0]) == black_of(header, codec)
    assert made.transfer_syntax in (header.transfer_syntax, RLE)
    if header.samples == 3 and image.header.photometric != "YBR_PARTIAL_422":
        try:
            colors = image.read(frames=0, color_range=(0, 255), dtype="float32")
        except FastpixError:
            return True  # nor could the original be
        assert colors[inside].max() <= 1
    return True


@pytest.mark.parametrize("name", QUICK)
def test_files_of_pydicom(name: str) -> None:
    found = [path for path in files_under(WHEEL) if path.name == name]
    if not found:
        pytest.skip("this release of pydicom has it not")
    assert check(found[0])


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_files_of_the_corpus(path: Path) -> None:
    check(path)
