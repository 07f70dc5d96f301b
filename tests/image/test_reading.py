"""Calls of `Image.read` one after the other: nothing of one call shows in the next."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, RLELossless
from support.builders import compress, encode, make_dataset

import fastpix
from fastpix import Recipe
from fastpix.errors import ArgumentError, FastpixError, HeaderWarning, InexactError, PixelDataError

CELLS = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4)
CALLS: list[dict[str, Any]] = [
    {},
    {"rescale": False},
    {"dtype": "float64"},
    {"dtype": np.int16},
    {"dtype": np.dtype("int32")},
    {"dtype": "auto"},
    {"normalize": (-1000.0, 1000.0)},
    {"normalize": [-1000.0, 500.0]},
    {"padding": -5.0},
    {"padding": float("nan")},
    {"invert": "range"},
    {"invert": "none"},
    {"recipe": Recipe(dtype="int64", invert="range")},
]


def image_of(photometric: str, cells: np.ndarray = CELLS, **attributes: Any) -> fastpix.Image:
    ds = make_dataset(
        cells,
        PhotometricInterpretation=photometric,
        RescaleSlope="2",
        RescaleIntercept="-10",
        PixelPaddingValue=3,
        **attributes,
    )
    return fastpix.open(encode(ds))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("frames", [None, 0, 1, -1, slice(1), [1, 0]], ids=str)
@pytest.mark.filterwarnings("ignore::fastpix.errors.HeaderWarning")
def test_each_call_is_like_a_first_one(photometric: str, frames: Any) -> None:
    image = image_of(photometric)
    for call in [*CALLS, *CALLS[::-1], *(call for call in CALLS for _ in range(3))]:
        wanted = image_of(photometric).read(frames=frames, **call)
        out = np.full_like(wanted, 99)
        assert image.read(frames=frames, out=out, **call) is out
        np.testing.assert_array_equal(out, wanted)
        np.testing.assert_array_equal(image.read(frames=frames, **call), wanted)


def test_an_argument_that_changes_is_looked_at_again() -> None:
    image = image_of("MONOCHROME2")
    bounds = [0.0, 10.0]
    first = image.read(normalize=bounds)  # type: ignore[arg-type]
    bounds[1] = 1000.0
    second = image.read(normalize=bounds)  # type: ignore[arg-type]
    assert (first != second).any()
    np.testing.assert_array_equal(second, image.read(normalize=(0.0, 1000.0)))


@pytest.mark.parametrize(
    "out",
    [
        np.empty((3, 4), np.float64),
        np.empty((4, 3), np.float32),
        np.empty((2, 3, 4), np.float32),
        np.empty((3, 8), np.float32)[:, ::2],
        np.empty((4, 3), np.float32).T,
        [0.0],
        np.empty((3, 4), np.float32).data,
    ],
    ids=["dtype", "transposed", "frames", "strided", "Fortran", "list", "memoryview"],
)
def test_out_is_checked_in_each_call(out: Any) -> None:
    image = image_of("MONOCHROME2")
    image.read(frames=1, out=np.empty((3, 4), np.float32))
    with pytest.raises(ArgumentError, match="out"):
        image.read(frames=1, out=out)


def test_out_that_cannot_be_written_is_refused_in_each_call() -> None:
    image = image_of("MONOCHROME2")
    out = np.empty((3, 4), np.float32)
    image.read(frames=1, out=out)
    out.flags.writeable = False
    with pytest.raises(ArgumentError, match="out"):
        image.read(frames=1, out=out)


@pytest.mark.parametrize("frame", [2, -3, True, "0", 0.0], ids=repr)
def test_frames_are_checked_in_each_call(frame: Any) -> None:
    image, out = image_of("MONOCHROME2"), np.empty((3, 4), np.float32)
    image.read(frames=0, out=out)
    with pytest.raises(ArgumentError, match="frames"):
        image.read(frames=frame, out=out)


def test_threads_are_checked_in_each_call() -> None:
    image, out = image_of("MONOCHROME2"), np.empty((3, 4), np.float32)
    image.read(frames=0, out=out)
    with pytest.raises(ArgumentError, match="threads"):
        image.read(frames=0, out=out, threads=0)


def test_a_closed_image_reads_no_more() -> None:
    image, out = image_of("MONOCHROME2"), np.empty((3, 4), np.float32)
    image.read(frames=0, out=out)
    image.close()
    with pytest.raises(FastpixError, match="closed"):
        image.read(frames=0, out=out)


def test_max_bytes_holds_for_each_call() -> None:
    ds = make_dataset(CELLS[0])
    image = fastpix.open(encode(ds), max_bytes=50)
    image.read(dtype="uint16", out=np.empty((3, 4), np.uint16))
    for _ in range(2):
        with pytest.raises(PixelDataError, match="max_bytes"):
            image.read(dtype="float64", out=np.empty((3, 4), np.float64))


def test_each_call_warns() -> None:
    image = image_of("MONOCHROME1")
    out = np.empty((3, 4), np.float32)
    for _ in range(3):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            image.read(normalize=(0.0, 9.0), frames=0, out=out)
        texts = [str(one.message) for one in caught]
        assert len(texts) == 2
        assert "PixelPaddingValue" in texts[0]
        assert "own maximum" in texts[1]
        assert {one.category for one in caught} == {HeaderWarning}
        assert {one.filename for one in caught} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image.read(normalize=(0.0, 9.0), padding=0.0, invert="range", frames=0, out=out)


def test_each_call_raises_what_a_value_is_not_exact_for() -> None:
    image = image_of("MONOCHROME2", PixelRepresentation=0)
    out = np.empty((3, 4), np.uint8)
    for _ in range(2):
        with pytest.raises(InexactError) as caught:
            image.read(dtype="uint8", frames=0, out=out)
        assert caught.value.index == (0, 0, 0)


def test_the_kernel_is_that_of_each_call() -> None:
    image, out = image_of("MONOCHROME2"), np.empty((3, 4), np.float32)
    wanted = image.read(frames=1)
    for name in fastpix.kernels():
        with fastpix.use_kernel(name):
            image.read(frames=1, out=out)
        np.testing.assert_array_equal(out, wanted)


def test_other_encodings_fill_out_twice() -> None:
    ds = make_dataset(CELLS[0])
    for file in (encode(ds, ExplicitVRBigEndian), compress(ds, RLELossless)):
        image, out = fastpix.open(file), np.empty((3, 4), np.float32)
        for _ in range(2):
            out[:] = -1
            image.read(out=out)
            np.testing.assert_array_equal(out, CELLS[0])


def test_stored_twice() -> None:
    image = image_of("MONOCHROME2")
    for _ in range(2):
        out = np.zeros((3, 4), np.uint16)
        assert image.stored(frames=1, out=out) is out
        np.testing.assert_array_equal(out, CELLS[1])
        np.testing.assert_array_equal(image.stored(), CELLS)


def test_route() -> None:
    ds = make_dataset(CELLS[0])
    assert fastpix.open(encode(ds)).route == "index"
    assert fastpix.open(pydicom.dcmread(BytesIO(encode(ds)))).route == "pydicom"
    assert fastpix.open(encode(ds, ExplicitVRBigEndian)).route == "index"
