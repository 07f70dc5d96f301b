"""`fastpix.pixels` against `pydicom.pixels`: the same bytes, dtypes, shapes and errors.

What differs on purpose is in test_pixels_differences.py, row by row of docs/pydicom.md.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import processing, utils
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from support.builders import compress, encode, make_dataset, make_item
from support.matrices import every
from support.real_files import WHEEL, corpus_parameters, file_id, files_under
from support.sizes import cases, some

import fastpix
from fastpix.interop.pydicom_pixels import loops_reference as loops_reference
from fastpix.interop.pydicom_pixels.loops import get_loops
from fastpix.interop.pydicom_pixels.pixels_in_file import find_pixels
from fastpix.kernel import reference
from fastpix.kernel.steps import ColorSteps, Steps

COMPILED = [name for name in fastpix.kernels() if name != "numpy"]
FUNCTIONS = (
    "pixel_array", "iter_pixels", "apply_rescale", "apply_modality_lut", "apply_voi_lut",
    "apply_voi", "apply_windowing", "apply_color_lut", "convert_color_space",
)  # fmt: skip
# Files that pydicom cannot read from a path, or at all, and that fastpix reads.
MORE_THAN_PYDICOM = {
    "image_dfl.dcm",
    "liver_deflate.dcm",
    "liver_nonbyte_aligned_deflate.dcm",
    "liver_rle.dcm",
    "liver_nonbyte_aligned_rle.dcm",
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Real files make pydicom log and warn; both sides do, and neither is under test here."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error that it raises."""
    try:
        return call()
    except Exception as error:
        return error


def check_same(ours: Any, theirs: Any) -> None:
    """Equal bytes, dtype and shape; errors of one type."""
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs), f"{ours!r} in place of {theirs!r}"
        return
    assert isinstance(ours, np.ndarray), repr(ours)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if ours.dtype.kind == "f":  # the payload of a NaN says nothing
        ours, theirs = np.where(np.isnan(ours), np.nan, ours), np.where(
            np.isnan(theirs), np.nan, theirs)  # fmt: skip
    assert ours.tobytes() == theirs.tobytes()
    assert ours.flags.writeable


def check_function(name: str, arr: Any, *args: Any, **kwargs: Any) -> None:
    """Call a function of ours and pydicom's with copies of the same arguments."""
    ours_in, theirs_in = deepcopy((arr, args)), deepcopy((arr, args))
    ours = outcome(lambda: getattr(fastpix, name)(ours_in[0], *ours_in[1], **kwargs))
    theirs = outcome(lambda: getattr(pydicom.pixels, name)(theirs_in[0], *theirs_in[1], **kwargs))
    check_same(ours, theirs)
    # The argument comes back as the same object, or is left alone.
    assert (ours is ours_in[0]) == (theirs is theirs_in[0])
    if isinstance(arr, np.ndarray):
        assert ours_in[0].tobytes() == theirs_in[0].tobytes()
    for mine, other in zip(ours_in[1], theirs_in[1], strict=True):
        assert mine == other


# --- real files -------------------------------------------------------------------------------


def is_compressed(path: Path) -> bool:
    return fastpix.open(path).header.encapsulated


def of_the_loader(path: Path, raw: bool) -> np.ndarray[Any, Any]:
    """What `fastpix.open` gives for a file that pydicom's plugins do not read, or read otherwise.

    Its own tests hold it against the standard.
    """
    image = fastpix.open(path)
    if raw or image.header.samples == 1:
        return image.stored()
    return image.read(dtype="auto", rescale=False)


def check_file(path: Path) -> None:
    """Every function on a file's pixels, from its path, its bytes and its Dataset."""
    dataset = outcome(lambda: dcmread(path, force=True))
    sources: list[Callable[[], Any]] = [lambda: path, lambda: path.open("rb")]
    if isinstance(dataset, Dataset):
        sources.append(lambda: dataset)
    for source in sources:
        for raw in (False, True):
            theirs = outcome(lambda: utils.pixel_array(source(), raw=raw))  # noqa: B023
            ours = outcome(lambda: fastpix.pixel_array(source(), raw=raw))  # noqa: B023
            if isinstance(theirs, Exception) and isinstance(ours, np.ndarray):
                assert path.name in MORE_THAN_PYDICOM or is_compressed(path), f"{theirs!r}"
                theirs = of_the_loader(path, raw)
            check_same(ours, theirs)
        theirs = outcome(lambda: list(utils.iter_pixels(source())))  # noqa: B023
        ours = outcome(lambda: list(fastpix.iter_pixels(source())))  # noqa: B023
        if isinstance(theirs, Exception) and isinstance(ours, list):
            assert path.name in MORE_THAN_PYDICOM or is_compressed(path), f"{theirs!r}"
            whole = of_the_loader(path, False)
            assert len(ours) == len(fastpix.open(path))
            check_same(np.stack(ours) if len(ours) > 1 else ours[0], whole)
        elif isinstance(theirs, Exception):
            assert type(ours) is type(theirs)
        else:
            assert len(ours) == len(theirs)
            for frame, other in zip(ours, theirs, strict=True):
                check_same(frame, other)
    if isinstance(dataset, Dataset):
        check_processing(dataset)


def check_processing(dataset: Dataset) -> None:
    arr = outcome(lambda: utils.pixel_array(dataset))
    if isinstance(arr, Exception):
        return
    arr = arr[:1] if arr.ndim > 2 and arr.shape[-1] != 3 else arr  # a frame says as much as all
    check_function("apply_rescale", arr, dataset)
    check_function("apply_voi_lut", arr, dataset)
    check_function("apply_windowing", arr, dataset)
    rescaled = outcome(lambda: processing.apply_modality_lut(arr, dataset))
    if isinstance(rescaled, np.ndarray):
        check_function("apply_voi_lut", rescaled, dataset)
        check_function("apply_voi_lut", rescaled, dataset, 0, False)
    if dataset.get("PhotometricInterpretation") != "PALETTE COLOR":
        return
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        # pydicom takes the words of the palette for little-endian ones: give it such.
        theirs = deepcopy(dataset)
        for color in ("Red", "Green", "Blue"):
            element = theirs[f"{color}PaletteColorLookupTableData"]
            element.value = np.frombuffer(element.value, "<u2").byteswap().tobytes()
        check_same(fastpix.apply_color_lut(arr, dataset), processing.apply_color_lut(arr, theirs))
        return
    check_function("apply_color_lut", arr, dataset)


@pytest.mark.parametrize("path", some(files_under(WHEEL)), ids=file_id)
def test_wheel(path: Path) -> None:
    check_file(path)


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Path) -> None:
    check_file(path)


@every("path", files_under(WHEEL))
def test_ds_out(path: Path) -> None:
    ours, theirs = Dataset(), Dataset()
    tags: Any = {"specific_tags": [0x00100010, 0x00280002]}
    if isinstance(outcome(lambda: utils.pixel_array(path, ds_out=theirs, **tags)), Exception):
        return
    fastpix.pixel_array(path, ds_out=ours, **tags)
    assert ours == theirs
    assert ours.file_meta == theirs.file_meta
    assert ours.original_encoding == theirs.original_encoding
    ours = Dataset()
    next(fastpix.iter_pixels(path, ds_out=ours, **tags))
    assert ours == theirs


# --- arrays -----------------------------------------------------------------------------------

DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">u2", ">f4", "?")


@st.composite
def arrays(draw: st.DrawFn, dtypes: tuple[str, ...] = DTYPES) -> NDArray[Any]:
    """Arrays of all layouts: dense, transposed, strided, reversed; ordinary and extreme values."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = int(np.prod(shape))
    values: NDArray[Any]
    if dtype.kind == "f":
        values = rng.normal(0, 10 ** draw(st.integers(0, 4)), size)
        if draw(st.booleans()):
            values[rng.integers(0, size, 2)] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.5], 2)
    elif dtype.kind == "b":
        values = rng.integers(0, 2, size).astype(float)
    else:
        info = np.iinfo(dtype.str)
        spread = draw(st.sampled_from([20, 3000, 70000, info.max]))
        low = max(info.min, -min(spread, 2**62))
        values = rng.integers(low, min(info.max, spread, 2**62), size, endpoint=True)
    with np.errstate(all="ignore"):
        arr = values.astype(dtype).reshape(shape)
    form = draw(st.sampled_from(["dense", "transposed", "strided", "reversed", "fortran"]))
    if form == "transposed":
        arr = arr.transpose(draw(st.permutations(range(arr.ndim))))
    elif form == "strided":
        arr = np.repeat(arr, 2, axis=-1)[..., ::2]
    elif form == "reversed":
        arr = arr[::-1]
    elif form == "fortran":
        arr = np.asfortranarray(arr)
    return arr


NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2, 0.5, 0.1, -0.3, 1e-7, 40, 400, 0.999, 1.5, 1e6, 1e300]),
    st.floats(-1e5, 1e5).map(lambda x: float(f"{x:.9g}")),
)


@st.composite
def headers(draw: st.DrawFn) -> Dataset:
    """Data sets for rescale and window: whole, incomplete, and at odds with themselves."""
    ds = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword in ("RescaleSlope", "RescaleIntercept"):
            if draw(st.integers(0, 3)):
                setattr(ds, keyword, draw(st.one_of(NUMBERS, st.just(None))))
        for keyword in ("WindowCenter", "WindowWidth"):
            if draw(st.integers(0, 9)):
                several = st.lists(NUMBERS, min_size=2, max_size=3)
                setattr(ds, keyword, draw(st.one_of(NUMBERS, NUMBERS, several, st.just(None))))
        functions = ["LINEAR", "LINEAR_EXACT", "SIGMOID", "sigmoid", "", "OTHER", None]
        if draw(st.booleans()):
            ds.VOILUTFunction = draw(st.sampled_from(functions))
    if draw(st.integers(0, 19)):
        photometric = ["MONOCHROME1", "MONOCHROME2", "MONOCHROME2", "MONOCHROME2", "RGB"]
        ds.PhotometricInterpretation = draw(st.sampled_from(photometric))
    if draw(st.integers(0, 19)):
        ds.BitsStored = draw(st.sampled_from([1, 8, 12, 16, 32, 63, 64, 0]))
    if draw(st.integers(0, 19)):
        ds.PixelRepresentation = draw(st.sampled_from([0, 1]))
    return ds


FUZZ = settings(max_examples=cases(400), deadline=None, suppress_health_check=list(HealthCheck))


@given(arr=arrays(), ds=headers())
@FUZZ
def test_rescale(arr: NDArray[Any], ds: Dataset) -> None:
    check_function("apply_rescale", arr, ds)


@given(arr=arrays(), ds=headers(), index=st.integers(-1, 3))
@FUZZ
def test_windowing(arr: NDArray[Any], ds: Dataset, index: int) -> None:
    check_function("apply_windowing", arr, ds, index)
    check_function("apply_voi_lut", arr, ds, index)


@given(
    kernel=st.sampled_from(COMPILED),
    arr=arrays(("u1", "i2", "u2", "f8")),
    center=NUMBERS,
    width=st.floats(0.001, 5000),
    function=st.sampled_from(["LINEAR_EXACT", "SIGMOID"]),
)
@FUZZ
def test_windowing_of_every_kernel(
    kernel: str, arr: NDArray[Any], center: float, width: float, function: str
) -> None:
    ds = make_item(
        WindowCenter=center,
        WindowWidth=width,
        VOILUTFunction=function,
        PhotometricInterpretation="MONOCHROME2",
        BitsStored=12,
        PixelRepresentation=0,
    )
    with fastpix.use_kernel(kernel):
        check_function("apply_windowing", arr, ds)


def test_sigmoid_by_table_and_by_block() -> None:
    """Fewer values than pixels go through a table, others through NumPy in blocks."""
    ds = make_item(
        WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID", BitsStored=12,
        PhotometricInterpretation="MONOCHROME2", PixelRepresentation=1,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    few = rng.integers(-2048, 2048, (300, 200), np.int16)
    for arr in (few, few.T, few[:2, :50], few.astype(np.float32), few.astype(np.int64) * 2**40):
        check_function("apply_windowing", arr, ds)


# --- tables -----------------------------------------------------------------------------------


def with_meta(ds: Dataset, syntax: str | None = ExplicitVRLittleEndian) -> Dataset:
    ds.file_meta = FileMetaDataset()
    if syntax:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
    return ds


def make_lut(entries: NDArray[Any], first: int, bits: int, vr: str, order: str = "<") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    value: Any = [int(entry) for entry in entries]
    item.add_new("LUTData", vr, entries.astype(f"{order}u2").tobytes() if vr == "OW" else value)
    return item


@st.composite
def luts(draw: st.DrawFn, depths: list[int]) -> tuple[Dataset, str]:
    bits = draw(st.sampled_from(depths))
    order = draw(st.sampled_from("<>"))
    count = draw(st.sampled_from([1, 2, 5, 100, 256, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    entries = rng.integers(0, 2 ** min(bits, 16), count)
    first = draw(st.sampled_from([0, 0, 1, 7, 100, 2000]))
    vr = draw(st.sampled_from(["OW", "OW", "US"]))
    item = make_lut(entries, first, bits, vr, order)
    if draw(st.integers(0, 9)) == 0 and count > 3:
        item.LUTData = item.LUTData[:-2]
    return item, ExplicitVRLittleEndian if order == "<" else ExplicitVRBigEndian


# Arrays whose dtype holds first and length of all tables above, as pydicom needs it.
WIDE = ("i2", "u2", "i4", "u4", "i8", ">u2")


@given(lut=luts([8, 16, 7, 17]), arr=arrays((*WIDE, "f8", "?")), rescale=st.booleans())
@FUZZ
def test_modality_lut(lut: tuple[Dataset, str], arr: NDArray[Any], rescale: bool) -> None:
    ds = with_meta(make_item(ModalityLUTSequence=[lut[0]]), lut[1])
    if rescale:
        ds.RescaleSlope, ds.RescaleIntercept = 2, 1
    check_function("apply_modality_lut", arr, ds)


@given(
    lut=luts([10, 12, 16, 9, 17]),
    arr=arrays((*WIDE, "f2", "f4", "f8")),
    index=st.integers(0, 1),
    prefer_lut=st.booleans(),
    window=st.booleans(),
)
@FUZZ
def test_voi_lut(
    lut: tuple[Dataset, str], arr: NDArray[Any], index: int, prefer_lut: bool, window: bool
) -> None:
    # Beyond 16 bits pydicom's index wraps: see test_pixels_differences.py.
    with np.errstate(all="ignore"):
        arr = np.clip(arr, -40000, 60000).astype(arr.dtype) if arr.itemsize > 2 else arr
    ds = with_meta(make_item(VOILUTSequence=[lut[0]]), lut[1])
    if window:
        ds.WindowCenter, ds.WindowWidth, ds.PhotometricInterpretation = 40, 400, "MONOCHROME2"
        ds.BitsStored, ds.PixelRepresentation = 12, 0
    check_function("apply_voi_lut", arr, ds, index, prefer_lut)
    check_function("apply_voi", arr, ds, index)


def test_incomplete_voi_lut() -> None:
    arr = np.arange(4, dtype=np.uint16)
    lut = make_lut(np.arange(4), 0, 16, "OW")
    for missing in ("LUTData", "LUTDescriptor"):
        item = deepcopy(lut)
        delattr(item, missing)
        ds = with_meta(make_item(VOILUTSequence=[item]))
        check_function("apply_voi_lut", arr, ds)
        check_function("apply_voi", arr, ds)
    check_function("apply_voi_lut", arr, with_meta(make_item(VOILUTSequence=[lut]), None))
    check_function("apply_voi_lut", arr, with_meta(make_item(VOILUTSequence=[])))
    check_function("apply_voi", arr, Dataset())


def test_float_voi_lut_warns() -> None:
    ds = with_meta(make_item(VOILUTSequence=[make_lut(np.arange(4), 0, 16, "OW")]))
    with pytest.warns(UserWarning, match="float input array"):
        fastpix.apply_voi_lut(np.zeros(3), ds)


def make_palette(
    count: int, first: int, bits: int, *, alpha: bool = False, seed: int = 0
) -> Dataset:
    rng = np.random.default_rng(seed)
    ds = Dataset()
    for color in ("Red", "Green", "Blue", *(["Alpha"] if alpha else [])):
        if color != "Alpha":
            ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "SS" if first < 0 else "US",
                       [count % 65536, first, bits])  # fmt: skip
        entries = rng.integers(0, 2**bits, count).astype(f"<u{bits // 8}")
        ds.add_new(f"{color}PaletteColorLookupTableData", "OW", entries.tobytes())
    return ds


@given(
    arr=arrays(("i2", "u1", "u2", "i4", "u4", "i8", "f8", "?")),
    count=st.sampled_from([1, 2, 16, 200, 256]),
    first=st.sampled_from([0, 0, 3, -2]),
    bits=st.sampled_from([8, 16]),
    alpha=st.booleans(),
    damage=st.sampled_from([None] * 6 + ["Green", "Alpha", "short", "MIXED"]),
)
@FUZZ
def test_color_lut(
    arr: NDArray[Any], count: int, first: int, bits: int, alpha: bool, damage: str | None
) -> None:
    # Beyond the bits of an entry pydicom's index wraps: see test_pixels_differences.py.
    with np.errstate(all="ignore"):
        top = 2**bits - 1 + min(first, 0)
        arr = np.clip(arr, -100, top).astype(arr.dtype) if arr.dtype.kind != "b" else arr
    ds = with_meta(make_palette(count, first, bits, alpha=alpha))
    if damage == "MIXED":
        ds.PixelPresentation = "MIXED"
    elif damage == "short":
        ds.BluePaletteColorLookupTableData = ds.BluePaletteColorLookupTableData[:-2] or b"\0\0\0\0"
    elif damage and f"{damage}PaletteColorLookupTableData" in ds:
        delattr(ds, f"{damage}PaletteColorLookupTableData")
    check_function("apply_color_lut", arr, ds)


@pytest.mark.parametrize(
    "palette",
    ["HOT_IRON", "PET", "HOT_METAL_BLUE", "PET_20_STEP", "SPRING", "SUMMER", "FALL", "WINTER",
     "1.2.840.10008.1.5.3", "nothing", "1.2.3"],
)  # fmt: skip
def test_well_known_palettes(palette: str) -> None:
    arr = np.arange(256, dtype=np.uint8).reshape(16, 16)
    check_function("apply_color_lut", arr, None, palette)
    check_function("apply_color_lut", arr.astype(np.int16), palette=palette)


def test_color_lut_needs_a_palette() -> None:
    arr = np.arange(4, dtype=np.uint8)
    check_function("apply_color_lut", arr)
    check_function("apply_color_lut", arr, Dataset())
    check_function("apply_color_lut", arr, make_item(Rows=1))
    descriptor_only = make_palette(4, 0, 8)
    for color in ("Red", "Green", "Blue"):
        delattr(descriptor_only, f"{color}PaletteColorLookupTableData")
    check_function("apply_color_lut", arr, descriptor_only)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_segmented_palette(bits: int, syntax: str) -> None:
    """Discrete and linear segments (PS3.3 C.7.9.2); pydicom expands them."""
    segments = np.array([0, 3, 10, 20, 30, 1, 5, 80, 0, 2, 7, 9])
    ds = with_meta(Dataset(), syntax)
    order = "<" if syntax == ExplicitVRLittleEndian else ">"
    for color in ("Red", "Green", "Blue"):
        ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [10, 2, bits])
        data = segments.astype(f"{order}u{bits // 8}").tobytes()
        ds.add_new(f"Segmented{color}PaletteColorLookupTableData", "OW", data)
    check_function("apply_color_lut", np.arange(20, dtype=np.uint8), ds)


# --- colour -----------------------------------------------------------------------------------


def halves(arr: NDArray[np.uint8], current: str) -> NDArray[np.bool_]:
    """Where a sample is an exact half, which pydicom's float32 rounds either way."""
    a, b, c = np.moveaxis(arr.astype(np.int64), -1, 0)
    if current == "RGB":
        return np.asarray((299 * a + 587 * b + 114 * c) % 1000 == 500)
    return np.asarray((-202008 * (b - 128) - 419198 * (c - 128)) % 587000 == 293500)


CONVERSIONS = [("RGB", "YBR_FULL"), ("YBR_FULL", "RGB")]


@cache
def every_color(current: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All 2**24 colours, and what the reference makes of them."""
    levels = np.arange(256, dtype=np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    exact = np.empty_like(colors)
    to_rgb = ColorSteps(Steps("u1", False, 7, 8, False), "interleaved", ybr=True)
    for plane, out in zip(colors.reshape(256, -1), exact.reshape(256, -1), strict=True):
        if current == "RGB":
            loops_reference.rgb_to_ybr(plane, out)
        else:
            reference.color(plane, out, to_rgb)
    return colors, exact


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize(("current", "desired"), CONVERSIONS)
def test_every_color_of_every_kernel(kernel: str, current: str, desired: str) -> None:
    colors, exact = every_color(current)
    with fastpix.use_kernel(kernel):
        ours = fastpix.convert_color_space(colors, current, desired)
    assert np.array_equal(ours, exact)


@pytest.mark.parametrize(("current", "desired"), CONVERSIONS)
def test_every_color_of_pydicom(current: str, desired: str) -> None:
    """The same wherever no sample is an exact half; at most one level apart where one is."""
    colors, exact = every_color(current)
    found = 0
    for plane, ours in zip(colors, exact, strict=True):
        theirs = processing.convert_color_space(plane, current, desired)
        half = halves(plane, current)
        found += int(half.sum())
        assert np.array_equal(ours[~half], theirs[~half])
        assert np.abs(ours[half].astype(int) - theirs[half]).max(initial=0) <= 1
    assert found == {"RGB": 16782, "YBR_FULL": 512}[current]


@pytest.mark.parametrize("per_frame", [False, True])
@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 4, 5, 3), (3,), (4, 5), (2, 2, 4), (0, 3)])
def test_color_spaces(shape: tuple[int, ...], per_frame: bool) -> None:
    arr = np.full(shape, 200, np.uint8)
    for current in ("RGB", "YBR_FULL", "YBR_FULL_422", "HSV"):
        for desired in ("RGB", "YBR_FULL", "YBR_FULL_422", "HSV"):
            check_function("convert_color_space", arr, current, desired, per_frame)
    check_function("convert_color_space", arr.astype(np.uint16), "RGB", "YBR_FULL", per_frame)
    check_function("convert_color_space", arr.astype(np.int8), "RGB", "RGB", per_frame)
    planes = np.full((3, 4, 5), 9, np.uint8).transpose(1, 2, 0)
    check_function("convert_color_space", planes, "YBR_FULL", "RGB", per_frame)


# --- what the loops return --------------------------------------------------------------------


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    kind=st.sampled_from(loops_reference.KINDS),
    count=st.one_of(st.integers(1, 70), st.sampled_from([1023, 1024, 4099])),
    offset=st.integers(0, 7),
    numbers=st.lists(st.one_of(NUMBERS.map(float), st.floats(-1e300, 1e300)), min_size=4,
                     max_size=4),
    width=st.one_of(st.sampled_from([0.0, 1.0, 399.0, 400.0]), st.floats(1e-3, 1e6)),
    seed=st.integers(0, 2**32),
)  # fmt: skip
@settings(max_examples=cases(400), deadline=None)
def test_window_loop(
    kernel: str, kind: str, count: int, offset: int, numbers: list[float], width: float, seed: int
) -> None:
    """Every kernel's bytes are the reference's, from any address."""
    cells = cells_of(kind, count, offset, seed)
    center, y_min, y_max, y_range = numbers
    wanted, found = np.zeros(count), np.ones(count)
    loops_reference.window(cells, kind, wanted, center, width, y_min, y_max, y_range)
    get_loops(kernel).window(cells, kind, found, center, width, y_min, y_max, y_range)
    check_equal(wanted, found)
    loops_reference.exponent(cells, kind, wanted, center, width)
    get_loops(kernel).exponent(cells, kind, found, center, width)
    check_equal(wanted, found)
    loops_reference.logistic(wanted, y_min, y_range)
    get_loops(kernel).logistic(found, y_min, y_range)
    check_equal(wanted, found)


def check_equal(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    """The same bits; of a NaN the payload says nothing."""
    nan = np.isnan(wanted)
    assert np.array_equal(nan, np.isnan(found))
    assert wanted[~nan].tobytes() == found[~nan].tobytes()


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    kind=st.sampled_from(loops_reference.KINDS),
    count=st.integers(1, 300),
    offset=st.integers(0, 7),
    entries=st.integers(1, 300),
    size=st.sampled_from([1, 2, 3, 4, 6, 8, 5]),
    first=st.one_of(st.integers(-300, 300), st.sampled_from([-32768, 65535])),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=cases(600), deadline=None)
def test_look_up_loop(
    kernel: str, kind: str, count: int, offset: int, entries: int, size: int, first: int, seed: int
) -> None:
    cells = cells_of(kind, count, offset, seed)
    table = np.random.default_rng(seed).integers(0, 256, (entries, size), np.uint8)
    wanted, found = np.zeros((count, size), np.uint8), np.ones((count, size), np.uint8)
    loops_reference.look_up(cells, kind, wanted, table, first)
    get_loops(kernel).look_up(cells, kind, found, table, first)
    assert wanted.tobytes() == found.tobytes()


def cells_of(kind: str, count: int, offset: int, seed: int) -> NDArray[np.uint8]:
    """Random cells at an odd place in memory, small and large."""
    rng = np.random.default_rng(seed)
    size = int(kind[1])
    memory = rng.integers(0, 256, offset + count * size, np.uint8)
    if seed % 2:  # values near those of tables and windows
        values: NDArray[Any] = rng.integers(-500, 500, count)
        if kind[0] == "f":
            values = values + rng.choice([0.0, 0.25, 0.9999999, np.nan, np.inf, -np.inf], count)
        with np.errstate(all="ignore"):
            memory[offset:] = values.astype(kind).view(np.uint8)
    return memory[offset:]


# --- sources ----------------------------------------------------------------------------------


@st.composite
def images(draw: st.DrawFn) -> tuple[bytes, Dataset]:
    """Files of every uncompressed kind, and a data set of the same content."""
    allocated = draw(st.sampled_from([1, 8, 16, 32]))
    samples = draw(st.sampled_from([1, 1, 3])) if allocated > 1 else 1
    frames = draw(st.sampled_from([None, 1, 3]))
    rows, columns = draw(st.integers(1, 5)), 2 * draw(st.integers(1, 4))
    photometric = "MONOCHROME2"
    if samples == 3:
        photometric = draw(st.sampled_from(["RGB", "YBR_FULL", "YBR_FULL_422", "HSV"]))
    count = (frames or 1) * rows * columns * (2 if photometric == "YBR_FULL_422" else samples)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    data = rng.integers(0, 256, (count * allocated + 7) // 8, np.uint8).tobytes()
    stored = allocated if draw(st.booleans()) else draw(st.integers(1, allocated))
    if photometric.startswith("YBR") and allocated == 8:
        stored = 8
    ds = make_dataset(
        np.zeros((1, 1, 3), np.uint8) if samples == 3 else None,
        NumberOfFrames=frames,
        Rows=rows,
        Columns=columns,
        SamplesPerPixel=samples,
        PhotometricInterpretation=photometric,
        BitsAllocated=allocated,
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=draw(st.integers(0, 1)),
        PlanarConfiguration=draw(st.integers(0, 1)) if samples == 3 else None,
        PixelData=data,
    )
    ds["PixelData"].VR = "OW" if allocated > 8 else draw(st.sampled_from(["OB", "OW"]))
    excess = draw(st.sampled_from([0] * 8 + [4, -4, 4 * len(data)]))
    if len(data) + excess > 0:
        ds.PixelData = data[: len(data) + excess] + bytes(max(excess, 0))
    if len(ds.PixelData) % 2:
        ds.PixelData += b"\0"
    syntaxes = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
    return encode(ds, draw(st.sampled_from(syntaxes))), ds


@given(
    image=images(),
    index=st.one_of(st.none(), st.integers(0, 3)),
    raw=st.booleans(),
    as_dataset=st.booleans(),
)
@settings(max_examples=cases(800), deadline=None)
def test_uncompressed(
    image: tuple[bytes, Dataset], index: int | None, raw: bool, as_dataset: bool
) -> None:
    """Bytes and dtype of pydicom, or its error, whatever the header."""
    file = image[0]
    ds = dcmread(BytesIO(file))
    if ds.BitsAllocated == 1 and ds.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        return  # see test_pixels_differences.py
    arguments: Any = {"index": index, "raw": raw}
    theirs = outcome(lambda: utils.pixel_array(ds if as_dataset else BytesIO(file), **arguments))
    source = ds if as_dataset else BytesIO(file)
    ours = outcome(lambda: fastpix.pixel_array(source, **arguments))
    if isinstance(ours, fastpix.PixelDataError):
        # Of packed bits that are cut off, pydicom makes up the rest.
        assert ds.BitsAllocated == 1
        assert 8 * len(ds.PixelData) < int(ds.get("NumberOfFrames", 1)) * ds.Rows * ds.Columns
        return
    if isinstance(theirs, Exception) and isinstance(ours, np.ndarray):
        # Of packed frames that begin within a byte, pydicom may read a byte too few.
        assert ds.BitsAllocated == 1
        assert index is not None
        whole = utils.pixel_array(source, raw=raw)
        assert np.array_equal(ours, whole.reshape(-1, *ours.shape)[index])
        return
    if isinstance(theirs, np.ndarray) and not raw and "YBR" in ds.PhotometricInterpretation:
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        ybr = fastpix.pixel_array(source, **{**arguments, "raw": True})
        half = halves(ybr, "YBR_FULL")
        assert np.array_equal(ours[~half], theirs[~half])
        return
    check_same(ours, theirs)


@pytest.mark.parametrize("stored", [8, 12, 16])
@pytest.mark.parametrize("raw", [False, True])
def test_colors_of_16_bits_are_not_converted(stored: int, raw: bool) -> None:
    cells = np.arange(6, dtype=np.uint16).reshape(1, 2, 3)
    ds = make_dataset(
        cells, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL", BitsStored=stored
    )
    file = encode(ds)
    theirs = outcome(lambda: utils.pixel_array(BytesIO(file), raw=raw))
    check_same(outcome(lambda: fastpix.pixel_array(BytesIO(file), raw=raw)), theirs)
    assert isinstance(theirs, np.ndarray) == raw


def test_pixels_come_from_the_beginning_of_a_file() -> None:
    file = BytesIO(encode(make_dataset()))
    file.seek(77)
    assert fastpix.pixel_array(file).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert file.tell() == 77
    assert [f.shape for f in fastpix.iter_pixels(file)] == [(2, 3)]
    assert file.tell() == 77
    frames = fastpix.iter_pixels(file)
    next(frames)
    del frames
    assert file.tell() == 77


def test_large_elements_before_the_pixels() -> None:
    """They are passed over; a sequence with an icon in it is not taken for the image."""
    icon = make_dataset(np.zeros((1, 1), np.uint8))
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian):
        for undefined in (False, True):
            ds = make_dataset()
            ds.add_new(0x00091001, "OB", bytes(300_000))
            ds.IconImageSequence = [icon, icon]
            for item in ds.IconImageSequence:
                item.is_undefined_length_sequence_item = undefined
            ds["IconImageSequence"].is_undefined_length = undefined
            file = encode(ds, syntax)
            assert (b"\xff\xff\xff\xff" in file) == undefined
            found = find_pixels(BytesIO(file))
            assert found is not None
            assert (found.options["rows"], found.options["columns"]) == (2, 3)
            assert fastpix.pixel_array(BytesIO(file)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_file_that_reads_little_at_a_time() -> None:
    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size, 100) if size and size > 0 else size)

        def readinto(self, buffer: Any, /) -> int:
            return super().readinto(memoryview(buffer)[:7])

    cells = np.arange(600, dtype=np.int16).reshape(20, 30)
    file = encode(make_dataset(cells))
    assert np.array_equal(fastpix.pixel_array(Slow(file)), cells)

    class Plain:
        """No more than pydicom asks of a file: no `readinto`."""

        def __init__(self, data: bytes) -> None:
            self._file = BytesIO(data)
            self.read, self.seek, self.tell = self._file.read, self._file.seek, self._file.tell

    plain: Any = Plain(file)
    assert np.array_equal(fastpix.pixel_array(plain), cells)


def multiframe(syntax: str) -> bytes:
    cells = np.arange(5 * 64 * 64, dtype=np.uint16).reshape(5, 64, 64)
    ds = make_dataset(cells)
    return encode(ds) if syntax == ExplicitVRLittleEndian else compress(ds, syntax)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("as_dataset", [False, True])
def test_indices(syntax: str, as_dataset: bool) -> None:
    file = multiframe(syntax)
    source = dcmread(BytesIO(file)) if as_dataset else BytesIO(file)
    for indices in (None, [], [0, 4, 1], range(1, 3), (2,), [5], [0, 9], np.array([1])):
        arguments: Any = {"indices": indices}
        theirs = outcome(lambda: list(utils.iter_pixels(source, **arguments)))  # noqa: B023
        ours = outcome(lambda: list(fastpix.iter_pixels(source, **arguments)))  # noqa: B023
        if isinstance(theirs, Exception):
            assert type(ours) is type(theirs)
        else:
            assert len(ours) == len(theirs)
            for frame, other in zip(ours, theirs, strict=True):
                check_same(frame, other)
    assert len(list(fastpix.iter_pixels(source, indices=iter([3, 1])))) == 2
    assert list(fastpix.iter_pixels(source, indices=iter([]))) == []
    for index in (-1, 0, 4, 5):
        theirs = outcome(lambda: utils.pixel_array(source, index=index))  # noqa: B023
        check_same(outcome(lambda: fastpix.pixel_array(source, index=index)), theirs)  # noqa: B023


@pytest.mark.parametrize(
    "options",
    [
        {"rows": 2, "columns": 3},
        {"bits_stored": 4},
        {"correct_unused_bits": False},
        {"view_only": True},
        {"transfer_syntax_uid": ExplicitVRLittleEndian},
        {"decoding_plugin": "none of them"},
        {"allow_excess_frames": False},
    ],
)
def test_decoding_options_are_pydicoms(options: dict[str, Any]) -> None:
    ds = dcmread(BytesIO(encode(make_dataset(BitsStored=12))))
    theirs = outcome(lambda: utils.pixel_array(ds, **options))
    ours = outcome(lambda: fastpix.pixel_array(ds, **options))
    if isinstance(theirs, np.ndarray):
        assert ours.tobytes() == theirs.tobytes()
        assert ours.flags.writeable == theirs.flags.writeable
    else:
        assert type(ours) is type(theirs)
    assert len(list(fastpix.iter_pixels(ds, **options))) == 1


def test_a_plugin_by_name() -> None:
    file = multiframe(RLELossless)
    for plugin in ("pydicom", "pylibjpeg", "nothing"):
        theirs = outcome(
            lambda: utils.pixel_array(BytesIO(file), decoding_plugin=plugin)  # noqa: B023
        )
        ours = outcome(lambda: fastpix.pixel_array(BytesIO(file), decoding_plugin=plugin))  # noqa: B023
        check_same(ours, theirs)


def test_errors_of_sources(tmp_path: Path) -> None:
    """Those of pydicom, by type."""
    good = encode(make_dataset())
    no_pixels = make_dataset()
    del no_pixels.PixelData
    no_meta = make_dataset()
    both = dcmread(BytesIO(good))
    both.FloatPixelData = b"\0" * 24
    empty = dcmread(BytesIO(good))
    empty.PixelData = b""
    sources: list[Any] = [
        tmp_path / "missing.dcm", tmp_path, None, 17, BytesIO(b""), BytesIO(b"no DICOM"),
        BytesIO(good[:200]), BytesIO(good[:-4]), BytesIO(encode(no_pixels)), no_meta, Dataset(),
        with_meta(Dataset(), None), both, empty,
    ]  # fmt: skip
    for source in sources:
        theirs = outcome(lambda: utils.pixel_array(source))  # noqa: B023
        assert isinstance(theirs, Exception)
        check_same(outcome(lambda: fastpix.pixel_array(source)), theirs)  # noqa: B023
        ours = outcome(lambda: list(fastpix.iter_pixels(source)))  # noqa: B023
        check_same(ours, outcome(lambda: list(utils.iter_pixels(source))))  # noqa: B023


def test_a_dataset_is_left_alone() -> None:
    ds = dcmread(BytesIO(encode(make_dataset(BitsStored=12))))
    before = deepcopy(ds)
    fastpix.pixel_array(ds)[:] = 0
    list(fastpix.iter_pixels(ds))
    assert ds == before


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_pydicoms(name: str) -> None:
    from inspect import signature

    ours = signature(getattr(fastpix, name)).parameters.values()
    theirs = signature(getattr(pydicom.pixels, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]


def test_subclasses_and_scalars_are_pydicoms() -> None:
    """A masked array keeps its mask; what is no array fails as it does there."""
    ds = make_item(
        RescaleSlope=2, RescaleIntercept=1, WindowCenter=3, WindowWidth=4, BitsStored=8,
        PixelRepresentation=0, PhotometricInterpretation="MONOCHROME2",
    )  # fmt: skip
    masked = np.ma.masked_equal(np.arange(6), 2)
    result = fastpix.apply_rescale(masked, ds)
    assert isinstance(result, np.ma.MaskedArray)
    assert result.tolist() == [1, 3, None, 7, 9, 11]
    for arr in (np.array(3), np.array([]), np.zeros((0, 4), np.uint8), [1, 2], None, np.uint8(3)):
        for name in ("apply_rescale", "apply_windowing", "apply_voi_lut"):
            ours = outcome(lambda: getattr(fastpix, name)(arr, ds))  # noqa: B023
            theirs = outcome(lambda: getattr(pydicom.pixels, name)(arr, ds))  # noqa: B023
            assert type(ours) is type(theirs)
            if not isinstance(theirs, Exception):
                assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


@given(data=st.binary(max_size=400), at=st.integers(0, 600), kept=st.integers(0, 900))
@example(data=b"", at=0, kept=900)
@settings(max_examples=cases(400), deadline=None)
def test_damaged_files(data: bytes, at: int, kept: int) -> None:
    """Whatever the bytes: pydicom's pixels, or its error."""
    good = encode(make_dataset())
    file = (good[:at] + data + good[at + len(data) :])[:kept]
    theirs = outcome(lambda: utils.pixel_array(BytesIO(file)))
    ours = outcome(lambda: fastpix.pixel_array(BytesIO(file)))
    check_same(ours, theirs)
