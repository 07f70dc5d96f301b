"""The loader: sources, frames, out=, threads, pickles, closing."""

from __future__ import annotations

import io
import os
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from support.builders import encode, make_dataset
from support.real_files import WHEEL

import fastpix

CT = WHEEL / "CT_small.dcm"
DOSE = WHEEL / "rtdose.dcm"  # 15 frames
RGB = WHEEL / "SC_rgb_rle_2frame.dcm"
YBR = WHEEL / "SC_ybr_full_422_uncompressed.dcm"


@pytest.fixture
def frames() -> bytes:
    """Three frames of 2 x 3, their cells counted through."""
    return encode(make_dataset(np.arange(18, dtype=np.uint16).reshape(3, 2, 3)))


def test_every_kind_of_source() -> None:
    wanted = fastpix.imread(CT).tobytes()
    data = CT.read_bytes()
    assert fastpix.imread(str(CT)).tobytes() == wanted
    for same in (data, bytearray(data), memoryview(data), pydicom.dcmread(CT)):
        assert fastpix.imread(same).tobytes() == wanted
    with CT.open("rb") as file:
        assert fastpix.imread(file).tobytes() == wanted


def test_file_is_read_from_where_it_stands_and_put_back() -> None:
    data = CT.read_bytes()
    file = io.BytesIO(b"something before" + data)
    file.seek(16)
    assert fastpix.imread(file).tobytes() == fastpix.imread(data).tobytes()
    assert file.tell() == 16


def test_dataset_is_not_changed() -> None:
    dataset = pydicom.dcmread(CT)
    before = pickle.dumps(dataset.to_json_dict())
    fastpix.imread(dataset)
    assert pickle.dumps(dataset.to_json_dict()) == before


def test_dataset_edited_in_memory() -> None:
    dataset = pydicom.dcmread(CT)
    dataset.RescaleSlope = "2"
    dataset.RescaleIntercept = -5.5
    stored = dataset.pixel_array.astype(np.float64)
    assert np.array_equal(fastpix.imread(dataset), (stored * 2 - 5.5).astype(np.float32))


@pytest.mark.parametrize("source", [None, 3, ["a"], io.StringIO("text")])
def test_no_source(source: Any) -> None:
    with pytest.raises(fastpix.ArgumentError, match="source"):
        fastpix.imread(source)


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fastpix.imread(tmp_path / "none.dcm")


def test_shapes_and_frames(frames: bytes) -> None:
    image = fastpix.open(frames)
    assert len(image) == 3
    every = image.read()
    assert every.shape == (3, 2, 3)
    assert image.read(frames=1).shape == (2, 3)
    assert np.array_equal(image.read(frames=-1), every[2])
    assert np.array_equal(image.read(frames=np.int64(1)), every[1])
    assert np.array_equal(image.read(frames=slice(None)), every)
    assert np.array_equal(image.read(frames=slice(None, None, -1)), every[::-1])
    assert np.array_equal(image.read(frames=[2, 0, 2]), every[[2, 0, 2]])
    assert np.array_equal(image.read(frames=np.array([1])), every[[1]])
    assert image.read(frames=[]).shape == (0, 2, 3)
    assert image.read(frames=range(2)).shape == (2, 2, 3)
    for frame, wanted in zip(image.iter_frames(), every, strict=True):
        assert np.array_equal(frame, wanted)


def test_one_frame_has_a_frame_axis_only_when_asked() -> None:
    image = fastpix.open(CT)
    assert image.read().shape == (128, 128)
    assert image.read(frames=0).shape == (128, 128)
    assert image.read(frames=slice(None)).shape == (1, 128, 128)


def test_color_shapes() -> None:
    image = fastpix.open(RGB)
    assert image.read().shape == (2, 100, 100, 3)
    assert image.read(frames=1).shape == (100, 100, 3)


@pytest.mark.parametrize("wrong", [3, -4, 1.0, "1", True, [0, 5], [0.5], b"\0", slice("a", None)])
def test_wrong_frames(frames: bytes, wrong: Any) -> None:
    with pytest.raises(fastpix.ArgumentError, match="frames"):
        fastpix.imread(frames, frames=wrong)


@pytest.mark.parametrize("columns", range(1, 26))
def test_frames_of_packed_bits_begin_within_bytes(columns: int) -> None:
    """With 25 columns, the second frame begins at bit 25 and ends with bit 49."""
    bits = np.random.default_rng(1).integers(0, 2, 3 * columns, dtype=np.uint8)
    data = encode(
        make_dataset(
            bits.reshape(3, 1, columns),
            BitsAllocated=1,
            BitsStored=1,
            HighBit=0,
            PixelData=np.packbits(bits, bitorder="little").tobytes(),
        )
    )
    every = fastpix.imread(data, dtype="uint8")
    assert np.array_equal(every.ravel(), bits)
    for index in range(3):
        assert np.array_equal(fastpix.imread(data, frames=index, dtype="uint8"), every[index])


def test_out_is_filled_and_returned(frames: bytes) -> None:
    out = np.full((3, 2, 3), -1, np.float32)
    assert fastpix.imread(frames, out=out) is out
    assert np.array_equal(out, fastpix.imread(frames))
    stored = np.zeros((2, 3), np.uint16)
    assert fastpix.open(frames).stored(frames=2, out=stored) is stored
    assert stored.tolist() == [[12, 13, 14], [15, 16, 17]]


@pytest.mark.parametrize(
    "out",
    [
        np.empty((2, 3), np.float32),
        np.empty((3, 2, 3), np.float64),
        np.empty((3, 2, 3), ">f4"),
        np.empty((3, 2, 6), np.float32)[:, :, ::2],
        np.empty((3, 3, 2), np.float32).transpose(0, 2, 1),
        np.frombuffer(bytes(72), np.float32).reshape(3, 2, 3),
        [[0.0]],
    ],
)
def test_wrong_out(frames: bytes, out: Any) -> None:
    with pytest.raises(fastpix.ArgumentError, match="out"):
        fastpix.imread(frames, out=out)


def test_arrays_are_contiguous_native_and_writable(frames: bytes) -> None:
    for array in (fastpix.imread(frames), fastpix.open(frames).stored(), fastpix.imread(RGB)):
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.dtype.isnative


def test_recipe_or_keywords_not_both(frames: bytes) -> None:
    recipe = fastpix.Recipe(dtype="int16")
    assert fastpix.imread(frames, recipe=recipe).dtype == np.int16
    with pytest.raises(fastpix.ArgumentError, match="recipe"):
        fastpix.imread(frames, recipe=recipe, rescale=False)
    with pytest.raises(fastpix.ArgumentError, match="recipe"):
        fastpix.imread(frames, recipe={"dtype": "int16"})  # type: ignore[arg-type]


def test_inversion_looks_at_the_whole_instance() -> None:
    """One frame of a MONOCHROME1 image is inverted by the maximum of all of them."""
    cells = np.array([[[0, 1]], [[7, 100]], [[3, 4]]], dtype=np.uint16)
    data = encode(make_dataset(cells, PhotometricInterpretation="MONOCHROME1"))
    assert fastpix.imread(data, frames=0).tolist() == [[100, 99]]
    assert fastpix.imread(data).tolist() == [[[100, 99]], [[93, 0]], [[97, 96]]]
    top = 2 ** fastpix.open(data).header.bits_stored - 1
    assert fastpix.imread(data, frames=0, invert="range").tolist() == [[top, top - 1]]
    assert fastpix.imread(data, frames=0, invert="none").tolist() == [[0, 1]]


def test_padding_takes_no_part_in_the_maximum() -> None:
    cells = np.array([[5, 60000, 9]], dtype=np.uint16)
    attributes = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 60000}
    data = encode(make_dataset(cells, **attributes))
    assert fastpix.imread(data, padding=-1).tolist() == [[4, -1, 0]]
    assert np.isnan(fastpix.imread(data, padding=np.nan)[0, 1])
    with pytest.warns(fastpix.HeaderWarning, match="PixelPaddingValue"):
        assert fastpix.imread(data).tolist() == [[59995, 0, 59991]]
    with pytest.raises(fastpix.InexactError):
        fastpix.imread(data, padding=np.nan, dtype="uint16")


def test_inexact_error_names_the_first_value() -> None:
    cells = np.array([[0, 1, 2], [3, 40000, 65535]], dtype=np.uint16)
    data = encode(make_dataset(cells))
    with pytest.raises(fastpix.InexactError) as caught:
        fastpix.imread(data, dtype="int16")
    assert caught.value.value == 40000
    assert caught.value.index == (0, 1, 1)
    assert caught.value.dtype == "int16"
    assert fastpix.imread(data, dtype="auto").dtype == np.uint16


def test_float32_overflow_is_inexact() -> None:
    cells = np.array([[1000]], np.uint16)
    data = encode(make_dataset(cells, RescaleSlope="1e36", RescaleIntercept="0"))
    with pytest.raises(fastpix.InexactError, match="float32"):
        fastpix.imread(data)
    assert fastpix.imread(data, dtype="float64")[0, 0] == 1000 * 1e36


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({}, "uint16"),
        ({"BitsStored": 8, "HighBit": 7}, "uint8"),
        ({"PixelRepresentation": 1}, "int16"),
        ({"RescaleIntercept": "-1024"}, "int16"),
        ({"RescaleSlope": "16"}, "uint16"),
        ({"RescaleSlope": "17"}, "uint32"),
        ({"RescaleSlope": "-17"}, "int32"),
        ({"RescaleSlope": "0.5"}, "float32"),
        ({"RescaleIntercept": "1e300"}, "float64"),
        ({"PhotometricInterpretation": "MONOCHROME1", "RescaleIntercept": "-1024"}, "uint16"),
    ],
)
def test_auto_dtype(attributes: dict[str, Any], wanted: str) -> None:
    for cells in ([0, 0, 0, 0], [0, 1, 4095, 2]):  # never decided from pixels
        kind = np.int16 if "PixelRepresentation" in attributes else np.uint16
        bits = {"BitsStored": 12, "HighBit": 11} | attributes
        data = encode(make_dataset(np.array([cells], kind), **bits))
        image = fastpix.open(data)
        assert image.plan(dtype="auto").dtype == wanted
        assert image.read(dtype="auto").dtype == wanted
        exact = image.read(dtype="float64")
        assert np.array_equal(image.read(dtype="auto"), exact.astype(wanted))


@pytest.mark.parametrize(
    ("bits", "attributes", "wanted", "expected"),
    [
        # All values are integers, so they have an integer dtype, also beyond 2**53.
        (1, {"RescaleSlope": "1e17"}, "uint64", [0, 10**17]),
        (1, {"RescaleSlope": "-1e17"}, "int64", [0, -(10**17)]),
        (1, {"RescaleSlope": "1e19"}, "uint64", [0, 10**19]),
        (16, {"RescaleSlope": "1e14"}, "uint64", [0, 65535 * 10**14]),
        (32, {"RescaleSlope": "4294967296"}, "uint64", [0, (2**32 - 1) * 2**32]),
        # No integer dtype has them all: float32, if it can have them.
        (1, {"RescaleSlope": "1e20"}, "float32", [0, np.float32(1e20)]),
        (1, {"RescaleSlope": "-1e19"}, "float32", [0, np.float32(-1e19)]),
        (16, {"RescaleSlope": "1e33"}, "float32", [0, np.float32(65535e33)]),
        (16, {"RescaleSlope": "1e36"}, "float64", [0, 65535 * 1e36]),
        (16, {"RescaleSlope": "0.5"}, "float32", [0, 32767.5]),
        (32, {"RescaleSlope": "0.5"}, "float64", [0, (2**32 - 1) / 2]),
    ],
    ids=str,
)
def test_auto_dtype_of_large_values(
    bits: int, attributes: dict[str, str], wanted: str, expected: list[float]
) -> None:
    cells = np.array([[0, 2**bits - 1]], np.uint8 if bits == 1 else f"u{bits // 8}")
    dataset = make_dataset(cells, RescaleIntercept="0", **attributes)
    if bits == 1:
        dataset.BitsAllocated = dataset.BitsStored = 1
        dataset.HighBit = 0
        dataset.PixelData = b"\2\0"
    values = fastpix.imread(encode(dataset), dtype="auto")
    assert values.dtype == wanted
    assert values[0].tolist() == expected


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_normalized_values_are_float32_under_auto(bits: int) -> None:
    data = encode(make_dataset(np.array([[0, 5]], f"u{bits // 8}")))
    assert fastpix.imread(data, dtype="auto", normalize=(0, 10)).dtype == np.float32


def test_normalize() -> None:
    cells = np.array([[0, 1000, 1512, 3000]], np.uint16)
    data = encode(make_dataset(cells, RescaleIntercept="-1024", RescaleSlope="1"))
    found = fastpix.imread(data, normalize=(-1000, 1000))
    exact = (np.clip(cells - 1024.0, -1000, 1000) + 1000.0) / 2000.0
    assert found.tobytes() == exact.astype(np.float32).tobytes()
    assert fastpix.open(data).plan(normalize=(-1000, 1000), dtype="auto").dtype == "float32"
    with pytest.raises(fastpix.ArgumentError, match="normalize"):
        fastpix.imread(RGB, normalize=(0, 1))


def test_normalize_after_max_warns() -> None:
    data = encode(make_dataset(PhotometricInterpretation="MONOCHROME1"))
    with pytest.warns(fastpix.HeaderWarning, match="range"):
        fastpix.imread(data, normalize=(0, 10))


def test_warnings_point_at_the_caller() -> None:
    data = encode(make_dataset(RescaleSlope="0", RescaleIntercept="0"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fastpix.imread(data)
        fastpix.open(data)
        fastpix.dicom_to_array(data)
    assert [w.filename for w in caught] == [__file__] * 3


def test_dicom_to_array_gives_pydicoms_dataset() -> None:
    array, dataset = fastpix.dicom_to_array(CT)
    assert array.tobytes() == fastpix.imread(CT).tobytes()
    assert dataset == pydicom.dcmread(CT)


def test_tensor_shares_the_memory() -> None:
    torch = pytest.importorskip("torch")
    tensor, dataset = fastpix.dicom_to_tensor(CT)
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float32
    assert np.array_equal(tensor.numpy(), fastpix.imread(CT))
    assert dataset.Modality == "CT"


def test_missing_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[torch\]'"):
        fastpix.dicom_to_tensor(CT)


@pytest.mark.parametrize("path", [CT, DOSE, RGB, YBR])
def test_pickle(path: Path) -> None:
    for source in (path, path.read_bytes(), pydicom.dcmread(path)):
        image = fastpix.open(source)
        again = pickle.loads(pickle.dumps(image))
        assert again.read().tobytes() == image.read().tobytes()
        assert again.plan() == image.plan()


def test_closed_image() -> None:
    with fastpix.open(CT) as image:
        plan = image.plan()
    assert image.plan() == plan
    for use in (image.read, image.stored, lambda: image.dataset, lambda: pickle.dumps(image)):
        with pytest.raises(fastpix.FastpixError, match="closed"):
            use()


def test_plans_are_frozen_hashable_and_printable() -> None:
    plan = fastpix.open(CT).plan()
    assert hash(plan) == hash(fastpix.open(CT).plan())
    assert "HU" in str(plan)
    with pytest.raises(AttributeError):
        plan.dtype = "int16"  # type: ignore[misc]


def test_threads_share_an_image() -> None:
    for path in (DOSE, RGB):
        image = fastpix.open(path)
        wanted = image.read()
        with ThreadPoolExecutor(8) as pool:
            indices = [k % len(image) for k in range(200)]
            read_one = partial(image.read, None)
            found_all = pool.map(lambda index, read=read_one: read(frames=index), indices)
            for index, found in zip(indices, found_all, strict=True):
                assert np.array_equal(found, wanted[index])


def test_the_kernel_releases_the_gil() -> None:
    """While a long call runs in one thread, another gets on with Python."""
    from fastpix.kernel.registry import current_kernel
    from fastpix.kernel.steps import Steps

    cells = np.zeros(40_000_000, np.uint8)
    out = np.empty(cells.size, np.float32)
    steps = Steps("u1", False, 7, 8, False, slope=0.3, intercept=0.1)
    turns = []
    worker = threading.Thread(target=current_kernel().scale, args=(cells, out, steps))
    worker.start()
    while worker.is_alive():
        turns.append(0)
    assert len(turns) > 1000


def test_read_after_fork() -> None:
    image = fastpix.open(CT)
    wanted = image.read().tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # forking with threads about: none of ours are
        child = os.fork()
    if child == 0:
        os._exit(0 if image.read().tobytes() == wanted else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("kernel", fastpix.kernels())
def test_every_kernel_reads_every_kind(kernel: str) -> None:
    for path in (CT, DOSE, RGB, YBR):
        wanted = fastpix.imread(path)
        with fastpix.use_kernel(kernel):
            assert fastpix.imread(path).tobytes() == wanted.tobytes()


def test_unknown_kernel() -> None:
    with pytest.raises(fastpix.ArgumentError, match="numpy"), fastpix.use_kernel("abacus"):
        pass
