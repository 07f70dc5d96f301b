"""fastpix as pydicom's plugin: the same arrays as with pydicom's own, wherever those are right."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import iter_pixels, pixel_array
from pydicom.uid import JPEG2000Lossless, RLELossless
from support.matrices import every
from support.real_files import WHEEL, corpus_parameters, file_id, files_under

import fastpix
from fastpix import backend


@pytest.fixture(autouse=True)
def _plugins_as_they_were() -> Iterator[None]:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    yield
    backend.disable()


def read(path: Path) -> NDArray[Any] | None:
    """pydicom's array of a file, or None where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, force=True).pixel_array
        except Exception:
            return None


def is_encapsulated(path: Path) -> bool:
    try:
        meta = pydicom.dcmread(path, force=True, stop_before_pixels=True).file_meta
        return bool(meta.TransferSyntaxUID.is_encapsulated)
    except Exception:
        return False


def check(path: Path) -> None:
    if not is_encapsulated(path):
        return
    theirs = read(path)
    backend.enable()
    ours = read(path)
    if theirs is None:
        return
    assert ours is not None
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert ours.tobytes() == theirs.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = pixel_array(path, decoding_plugin="fastpix")
    assert alone.tobytes() == ours.tobytes()


@every("path", files_under(WHEEL))
def test_wheel(path: Path) -> None:
    check(path)


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Path) -> None:
    check(path)


def test_enabled_is_asked_first_and_disabled_is_gone() -> None:
    decoder = get_decoder(JPEG2000Lossless)
    before = list(decoder._available)
    assert not backend.is_enabled()
    backend.enable()
    backend.enable()
    assert backend.is_enabled()
    assert list(decoder._available) == ["fastpix", *before]
    backend.disable()
    backend.disable()
    assert list(decoder._available) == before
    assert not backend.is_enabled()


def test_every_encapsulated_syntax_of_pydicom() -> None:
    backend.enable()
    known = [uid for uid, _ in pydicom.pixels.decoders.base._PIXEL_DATA_DECODERS.items()]
    encapsulated = [uid for uid in known if uid.is_encapsulated]
    assert len(encapsulated) >= 12
    assert all("fastpix" in get_decoder(uid).available_plugins for uid in encapsulated)


def test_only_fastpix_where_it_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    path = WHEEL / "MR_small_RLE.dcm"
    wanted = pydicom.dcmread(path).pixel_array
    backend.enable()
    for name in get_decoder(RLELossless).available_plugins:
        if name != "fastpix":
            monkeypatch.delitem(get_decoder(RLELossless)._available, name)
    assert np.array_equal(pixel_array(path, decoding_plugin="fastpix"), wanted)
    assert np.array_equal(pydicom.dcmread(path).pixel_array, wanted)


def test_iter_pixels_and_decompress() -> None:
    path = WHEEL / "SC_rgb_rle_16bit_2frame.dcm"
    wanted = pydicom.dcmread(path).pixel_array
    backend.enable()
    assert np.array_equal(np.stack(list(iter_pixels(path))), wanted)
    dataset = pydicom.dcmread(path)
    dataset.decompress()
    assert np.array_equal(dataset.pixel_array, wanted)


COLOR_RLE = sorted(path for path in files_under(WHEEL) if path.match("*SC_rgb*rle*.dcm"))


@pytest.mark.parametrize("path", COLOR_RLE, ids=file_id)
def test_planes_of_rle(path: Path) -> None:
    """Bytes, and the data set that `decompress` makes of them, are those of pydicom's plugin."""
    decoder = get_decoder(RLELossless)
    wanted, wanted_found = decoder.as_buffer(pydicom.dcmread(path), decoding_plugin="pydicom")
    theirs = pydicom.dcmread(path)
    theirs.decompress(decoding_plugin="pydicom", generate_instance_uid=False)
    backend.enable()
    buffer, found = decoder.as_buffer(pydicom.dcmread(path), decoding_plugin="fastpix")
    assert (bytes(buffer), found) == (bytes(wanted), wanted_found)
    assert found["planar_configuration"] == 1
    ours = pydicom.dcmread(path)
    ours.decompress(generate_instance_uid=False)
    assert ours == theirs
    assert ours.PlanarConfiguration == theirs.PlanarConfiguration


def test_there_is_color_rle_to_compare() -> None:
    assert len(COLOR_RLE) >= 4


def test_what_fastpix_refuses_is_asked_of_no_other() -> None:
    """Some plugins fill in what is missing, some end the process."""
    asked = []

    def lenient(_src: bytes, _runner: Any) -> bytes:
        asked.append("lenient")
        return bytes(2 * 64 * 64)

    dataset = pydicom.dcmread(WHEEL / "MR_small_RLE.dcm")
    dataset.PixelData = dataset.PixelData[:200] + bytes(len(dataset.PixelData) - 208) + (
        dataset.PixelData[-8:])  # fmt: skip
    backend.enable()
    decoder = get_decoder(RLELossless)
    decoder._available["lenient"] = lenient
    try:
        with pytest.raises(RuntimeError, match=r"fastpix: .* ends before the frame does") as caught:
            _ = dataset.pixel_array
        with pytest.raises(RuntimeError):
            fastpix.pixel_array(dataset)
        assert not asked
        assert "lenient" in str(caught.value)
        assert not pixel_array(dataset, decoding_plugin="lenient").any()
    finally:
        decoder.remove_plugin("lenient")


def test_named_in_the_package() -> None:
    assert fastpix.backend is backend
