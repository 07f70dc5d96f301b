"""fastpix's functions under the names of pydicom's: whatever is left to pydicom comes to an end."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import config, filereader, pixels
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import processing, utils
from support.builders import make_dataset
from support.matrices import every
from support.real_files import WHEEL, files_under

import fastpix

PIXELS = ("pixel_array", "iter_pixels")
PROCESSING = (
    "apply_color_lut", "apply_modality_lut", "apply_rescale", "apply_voi", "apply_voi_lut",
    "apply_windowing", "convert_color_space",
)  # fmt: skip
FILES = files_under(WHEEL)
HOT_IRON = "1.2.840.10008.1.5.1"
PYDICOM_DCMREAD = filereader.dcmread


@pytest.fixture(autouse=True)
def _swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pydicom, filereader):
        monkeypatch.setattr(module, "dcmread", fastpix.dcmread)
    for names, home in ((PIXELS, utils), (PROCESSING, processing)):
        for name in names:
            for module in (pixels, home):
                monkeypatch.setattr(module, name, getattr(fastpix, name))


# One for each reason to leave a file to pydicom, and one for none.
CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "force": {"force": True},
    "defer_size": {"defer_size": 64, "force": True},
    "specific_tags": {"specific_tags": ["Rows", "PatientID"], "force": True},
    "stop_before_pixels": {"stop_before_pixels": True, "force": True},
}


@pytest.mark.parametrize("call", CALLS)
@every("path", FILES)
def test_files(path: Path, call: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = PYDICOM_DCMREAD(path, **CALLS[call])
        except Exception as error:
            with pytest.raises(type(error)):
                pydicom.dcmread(path, **CALLS[call])
            return
        assert pydicom.dcmread(path, **CALLS[call]) == wanted
        with path.open("rb") as file:
            assert filereader.dcmread(file, **CALLS[call]) == wanted


def test_no_dicom() -> None:
    with pytest.raises(InvalidDicomError):
        pydicom.dcmread(io.BytesIO(bytes(400)))
    with pytest.raises(TypeError):
        pydicom.dcmread(None)  # type: ignore[arg-type]


def test_while_pydicom_debugs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "debugging", True)
    assert pydicom.dcmread(WHEEL / "CT_small.dcm").Rows == 128


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm"])
def test_pixels(name: str) -> None:
    path = WHEEL / name
    dataset = pydicom.dcmread(path)
    wanted = dataset.pixel_array
    for source in (path, dataset):
        assert np.array_equal(fastpix.pixel_array(source), wanted)
        # Any option leaves the call to pydicom.
        assert np.array_equal(utils.pixel_array(source, view_only=True), wanted)
        assert np.array_equal(list(fastpix.iter_pixels(source)), [wanted])
        assert np.array_equal(list(utils.iter_pixels(source, view_only=True)), [wanted])


def test_processing() -> None:
    """Arrays that are not plain, and data sets that are odd, are left to pydicom."""
    dataset = make_dataset(RescaleSlope="2", RescaleIntercept="1", WindowCenter="3",
                           WindowWidth="4")  # fmt: skip
    plain = np.arange(6, dtype=np.uint16).reshape(2, 3)
    for arr in (plain, plain.astype(np.float16), plain.T):
        for name in ("apply_modality_lut", "apply_rescale", "apply_voi_lut", "apply_windowing"):
            assert getattr(processing, name)(arr, dataset).shape == arr.shape
    masked = np.ma.masked_array(plain, plain > 3)
    assert processing.apply_modality_lut(masked, dataset)[0, 1] == 3
    with pytest.raises(ValueError, match="No suitable"):
        processing.apply_color_lut(plain, dataset)
    with pytest.raises(NotImplementedError):
        processing.convert_color_space(np.zeros((2, 2, 3), np.uint8), "RGB", "XYZ")
    with pytest.raises(NotImplementedError, match="bits per LUT entry"):
        processing.apply_voi(plain, _with_voi())
    assert processing.apply_color_lut(plain.astype(np.uint8), palette=HOT_IRON).shape == (2, 3, 3)


def _with_voi() -> Dataset:
    dataset, item = Dataset(), Dataset()
    item.LUTDescriptor, item.LUTData = [2, 0, 9], [1, 2]
    dataset.VOILUTSequence = [item]
    return dataset
