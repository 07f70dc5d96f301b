"""Where `fastpix.pixels` differs from `pydicom.pixels` on purpose: the rows of docs/pydicom.md.

Each test shows what pydicom does as well: a row that pydicom has mended shall not outlive it.
"""

from __future__ import annotations

import logging
import tracemalloc
import warnings
import zlib
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import processing, utils
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)
from support.builders import (
    compress,
    element,
    encapsulated_element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    make_dataset,
    make_item,
)
from support.real_files import WHEEL

import fastpix
from fastpix.standard.syntaxes import DEFLATED_FRAMES


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)


def with_meta(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    return ds


def table(first: int, bits: int, entries: list[int], vr: str = "SS") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return item


# --- pixel_array and iter_pixels --------------------------------------------------------------


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
@pytest.mark.parametrize("signed", [0, 1])
def test_high_bit(syntax: str, signed: int) -> None:
    """pydicom does not look at High Bit, and returns the lower twelve bits with their garbage."""
    cells = np.array([[0x123A, 0xF230, 0x8000]], np.uint16)
    ds = make_dataset(cells, BitsStored=12, HighBit=15, PixelRepresentation=signed)
    file = compress(ds, syntax) if syntax == RLELossless else encode(ds, syntax)
    right = [[0x123, 0xF23 - 4096 * signed, 0x800 - 4096 * signed]]
    for source in (BytesIO(file), dcmread(BytesIO(file))):
        assert fastpix.pixel_array(source).tolist() == right
        assert next(fastpix.iter_pixels(source)).tolist() == right
        assert fastpix.open(file).stored().tolist() == right
        assert utils.pixel_array(source)[0, 0] == 0x23A
        # With an option of pydicom's decoders the call is pydicom's from end to end.
        assert fastpix.pixel_array(source, as_rgb=True)[0, 0] == 0x23A


def test_ybr_halves() -> None:
    """pydicom computes in float32, which cannot hold an exact half: it rounds either way."""
    cb, cr = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    ybr = np.stack([np.full_like(cb, 77), cb, cr], axis=-1)
    chroma = -202008 * (cb.astype(int) - 128) - 419198 * (cr.astype(int) - 128)
    half = chroma % 587000 == 293500
    right = np.clip((587000 * 77 + chroma + 293500) // 587000, 0, 255)
    ds = make_dataset(ybr, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL")
    file = encode(ds)
    theirs = utils.pixel_array(BytesIO(file))
    for ours in (
        fastpix.pixel_array(BytesIO(file)),
        fastpix.pixel_array(BytesIO(compress(ds, RLELossless))),
        fastpix.convert_color_space(ybr, "YBR_FULL", "RGB"),
        fastpix.imread(file, dtype="uint8"),
    ):
        assert np.array_equal(ours[..., 1], right)
        assert np.array_equal(ours[~half], theirs[~half])
    assert half.sum() == 2


def test_rgb_to_ybr_halves() -> None:
    """Luma alone can be a half where pydicom errs; the exact value is rounded upwards."""
    levels = np.arange(256, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(levels, levels, levels[::5], indexing="ij"), axis=-1)
    r, g, b = np.moveaxis(rgb.astype(int), -1, 0)
    luma = 299 * r + 587 * g + 114 * b
    ours = fastpix.convert_color_space(rgb, "RGB", "YBR_FULL")
    theirs = processing.convert_color_space(rgb, "RGB", "YBR_FULL")
    assert np.array_equal(ours[..., 0], (luma + 500) // 1000)
    apart = np.any(ours != theirs, axis=-1)
    assert np.all(luma[apart] % 1000 == 500)


def test_deflated_data_sets_by_path(tmp_path: Path) -> None:
    """pydicom reads them from a Dataset, and from a path finds no pixels."""
    path = WHEEL / "image_dfl.dcm"
    right = utils.pixel_array(dcmread(path))
    with pytest.raises(AttributeError):
        utils.pixel_array(path)
    assert fastpix.pixel_array(path).tobytes() == right.tobytes()
    assert next(fastpix.iter_pixels(path)).tobytes() == right.tobytes()
    with path.open("rb") as file:
        assert fastpix.pixel_array(file).tobytes() == right.tobytes()
        assert file.tell() == 0
    found = Dataset()
    fastpix.pixel_array(path, ds_out=found)
    assert (found.Rows, found.Columns) == right.shape
    with pytest.raises(ValueError):
        fastpix.pixel_array(path, index=-1)


def test_what_pydicom_has_no_decoder_for() -> None:
    """It is decoded as by `fastpix.open`; where that does not go either, pydicom's error stays."""
    rows = np.random.default_rng(0).integers(0, 2, (4, 24), np.uint8)
    packed = np.packbits(rows, bitorder="little").tobytes()
    encapsulated = make_dataset(rows, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed)
    segment = bytes([len(packed) - 1]) + packed
    head = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    rle = encode_frames(encapsulated, RLELossless, [head + segment])
    with pytest.raises(RuntimeError):
        utils.pixel_array(BytesIO(rle))
    assert fastpix.pixel_array(BytesIO(rle)).tolist() == rows.tolist()
    assert [f.tolist() for f in fastpix.iter_pixels(dcmread(BytesIO(rle)))] == [rows.tolist()]
    # A plugin by name is pydicom's affair.
    with pytest.raises(RuntimeError):
        fastpix.pixel_array(BytesIO(rle), decoding_plugin="pydicom")
    damaged = encode_frames(make_dataset(), JPEGLSLossless, [b"\xff\xd8 no codestream"])
    with pytest.raises(RuntimeError):
        utils.pixel_array(BytesIO(damaged))
    with pytest.raises(RuntimeError):
        fastpix.pixel_array(BytesIO(damaged))
    with pytest.raises(RuntimeError):
        next(fastpix.iter_pixels(BytesIO(damaged)))


def test_packed_bits_in_big_endian_words() -> None:
    """16 packed bits are one word (PS3.5 8.1.1), whose bytes the file's order turns round."""
    ds = make_dataset(
        np.zeros((2, 16), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=b"\x01\x00\x03\x80",
    )  # fmt: skip
    ds["PixelData"].VR = "OW"
    file = encode(ds, ExplicitVRBigEndian)
    words = np.frombuffer(dcmread(BytesIO(file)).PixelData, ">u2").astype("<u2")
    right = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(2, 16)
    assert fastpix.pixel_array(BytesIO(file)).tolist() == right.tolist()
    assert fastpix.open(file).stored().tolist() == right.tolist()
    assert utils.pixel_array(BytesIO(file)).tolist() != right.tolist()


@pytest.mark.parametrize("index", [None, 0, 2])
def test_packed_bits_that_are_cut_off(index: int | None) -> None:
    """From a path pydicom returns zeros, or whatever is in memory, for those that are missing."""
    ds = make_dataset(
        np.zeros((2, 8), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=3,
        PixelData=b"\xff\xff\xff\xff\xff\xff",
    )  # fmt: skip
    whole = encode(ds)
    ds.PixelData = b"\xff\xff"
    for file in (encode(ds), whole[:-2]):
        assert utils.pixel_array(BytesIO(file), index=index).size == (48 if index is None else 16)
        with pytest.raises(fastpix.PixelDataError):
            fastpix.pixel_array(BytesIO(file), index=index)
        with pytest.raises(ValueError, match="bytes"):
            next(fastpix.iter_pixels(BytesIO(file)))
    assert fastpix.pixel_array(BytesIO(whole), index=index).all()


def test_packed_frames_within_a_byte() -> None:
    """Of a frame that begins and ends within bytes pydicom reads a byte too few, by index."""
    ds = make_dataset(
        np.zeros((1, 6), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=3,
        PixelData=b"\xcf\x3f\x02\x00",
    )  # fmt: skip
    file = encode(ds)
    whole = utils.pixel_array(BytesIO(file))
    with pytest.raises(ValueError):
        utils.pixel_array(BytesIO(file), index=1)
    for index in range(3):
        frame = fastpix.pixel_array(BytesIO(file), index=index)
        assert frame.tolist() == whole[index].tolist()
    assert np.array_equal(np.stack(list(fastpix.iter_pixels(BytesIO(file)))), whole)


def test_deflated_frames() -> None:
    """Deflated Image Frame Compression, which pydicom does not know."""
    cells = np.arange(12, dtype=np.uint16).reshape(2, 2, 3)
    frames = []
    for frame in cells:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        frames.append(deflater.compress(frame.tobytes()) + deflater.flush())
    frames = [frame + b"\0" * (len(frame) % 2) for frame in frames]
    count = element(0x00280008, "IS", b"2")
    pixels = encapsulated_element(*frames)
    file = file_of(*image_elements(extra=[count]), pixels, syntax=DEFLATED_FRAMES)
    for source in (BytesIO(file), dcmread(BytesIO(file))):
        with pytest.raises((NotImplementedError, ValueError)):
            utils.pixel_array(source)
        assert fastpix.pixel_array(source).tolist() == cells.tolist()
        assert fastpix.pixel_array(source, index=1).tolist() == cells[1].tolist()
        assert [f.tolist() for f in fastpix.iter_pixels(source)] == cells.tolist()
        assert [f.tolist() for f in fastpix.iter_pixels(source, indices=[1])] == [cells[1].tolist()]


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [9, 10, 12, 15])
def test_modality_lut_of_other_depths(bits: int) -> None:
    """pydicom asks NumPy for a dtype such as "uint12"; entries go into 16 bits here."""
    ds = with_meta(make_item(ModalityLUTSequence=[table(0, bits, [5, 500, 400])]))
    arr = np.array([0, 1, 2, 9], np.uint16)
    with pytest.raises(TypeError):
        processing.apply_modality_lut(arr, ds)
    result = fastpix.apply_modality_lut(arr, ds)
    assert result.dtype == np.uint16
    assert result.tolist() == [5, 500, 400, 400]


@pytest.mark.parametrize("function", ["apply_modality_lut", "apply_voi_lut"])
def test_indices_that_overflow(function: str) -> None:
    """pydicom subtracts in the array's dtype, or stores in the table's: it raises, or wraps."""
    keyword = "ModalityLUTSequence" if function == "apply_modality_lut" else "VOILUTSequence"
    entries = list(range(1000, 1300))

    def result(arr: Any, first: int, bits: int = 16, module: Any = fastpix) -> Any:
        ds = with_meta(make_item(**{keyword: [table(first, bits, entries)]}))
        return getattr(module, function)(arr, ds).tolist()

    # A first value that the array's dtype cannot hold.
    unsigned = np.array([0, 5, 60000], np.uint16)
    assert result(unsigned, -2) == [1002, 1007, 1299]
    with pytest.raises(OverflowError):
        result(unsigned, -2, module=processing)
    # A difference that wraps.
    signed = np.array([32767, -32768], np.int16)
    assert result(signed, -32768) == [1299, 1000]
    if function == "apply_modality_lut":
        assert result(signed, -32768, module=processing)[0] == 1000
    # An index beyond 16 bits.
    large = np.array([65536 + 7, 7], np.int32)
    assert result(large, 0) == [1299, 1007]
    if function == "apply_voi_lut":
        assert result(large, 0, module=processing) == [1007, 1007]


def test_palette_indices_that_overflow() -> None:
    """pydicom's index has as many bits as an entry."""
    ds = with_meta(Dataset())
    for color in ("Red", "Green", "Blue"):
        ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [256, 0, 8])
        data = bytes(range(256))
        ds.add_new(f"{color}PaletteColorLookupTableData", "OW", data)
    arr = np.array([3, 255, 256 + 3], np.uint16)
    assert fastpix.apply_color_lut(arr, ds)[:, 0].tolist() == [3, 255, 255]
    assert processing.apply_color_lut(arr, ds)[:, 0].tolist() == [3, 255, 3]
    hot = fastpix.apply_color_lut(arr, palette="HOT_IRON")
    assert hot[2].tolist() == hot[1].tolist()


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_of_big_endian_files(bits: int) -> None:
    """pydicom reads their words as little endian."""
    entries = np.arange(4) * (2 ** (bits - 8)) + 1
    little, big = Dataset(), Dataset()
    data = entries.astype(f"<u{bits // 8}").tobytes()
    for color in ("Red", "Green", "Blue"):
        for ds in (little, big):
            ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [4, 0, bits])
        little.add_new(f"{color}PaletteColorLookupTableData", "OW", data)
        turned = np.frombuffer(data, "<u2").byteswap().tobytes()
        big.add_new(f"{color}PaletteColorLookupTableData", "OW", turned)
    arr = np.arange(4, dtype=np.uint8)
    right = fastpix.apply_color_lut(arr, with_meta(little))
    assert right[:, 0].tolist() == entries.tolist()
    with_meta(big, ExplicitVRBigEndian)
    assert fastpix.apply_color_lut(arr, big).tolist() == right.tolist()
    assert processing.apply_color_lut(arr, big).tolist() != right.tolist()


def test_rescale_has_no_runtime_warnings() -> None:
    """NumPy warns of an overflow to infinity; the compiled loops return the same infinity."""
    ds = make_item(RescaleSlope=1e300, RescaleIntercept=0)
    arr = np.array([1e300])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            processing.apply_rescale(arr, ds)
        assert fastpix.apply_rescale(arr, ds).tolist() == [np.inf]


# --- what stays as it is with pydicom ---------------------------------------------------------


def test_incomplete_rescales_stay() -> None:
    """`fastpix.imread` applies an intercept without a slope and reads a slope of 0 as 1."""
    arr = np.array([[1024, 5]], np.uint16)
    lonely = make_item(RescaleIntercept=-1024)
    assert fastpix.apply_rescale(arr, lonely) is arr
    zero = make_item(RescaleSlope=0, RescaleIntercept=-1024)
    assert fastpix.apply_rescale(arr, zero).tolist() == [[-1024, -1024]]
    ds = make_dataset(arr, RescaleIntercept=-1024)
    assert fastpix.imread(encode(ds)).tolist() == [[0, -1019]]


def test_byte_order_stays() -> None:
    """Arrays of big-endian files are big-endian arrays; those of `fastpix.open` are native."""
    file = encode(make_dataset(BitsStored=12), ExplicitVRBigEndian)
    theirs, ours = utils.pixel_array(BytesIO(file)), fastpix.pixel_array(BytesIO(file))
    assert ours.dtype == theirs.dtype == np.dtype(">u2")
    assert ours.tobytes() == theirs.tobytes()
    assert fastpix.open(file).stored().dtype == np.dtype("=u2")


@pytest.mark.parametrize("allocated", [24, 64])
def test_cells_that_fastpix_refuses_are_pydicoms(allocated: int) -> None:
    cells = np.arange(6, dtype=np.uint64).reshape(2, 3) + 2**60
    ds = with_meta(make_dataset(cells, BitsAllocated=allocated, BitsStored=allocated))
    try:
        theirs = utils.pixel_array(ds)
    except (NotImplementedError, ValueError) as error:
        with pytest.raises(type(error)):
            fastpix.pixel_array(ds)
    else:
        assert fastpix.pixel_array(ds).tobytes() == theirs.tobytes()
    with pytest.raises(fastpix.PixelHeaderError):
        fastpix.open(ds)


def test_excess_frames_stay() -> None:
    """A Dataset with bytes for more frames than it counts yields them all, as with pydicom."""
    ds = with_meta(make_dataset(np.arange(6, dtype=np.uint16).reshape(2, 3)))
    ds.PixelData = ds.PixelData * 3
    assert fastpix.pixel_array(ds).shape == utils.pixel_array(ds).shape == (3, 2, 3)
    assert len(list(fastpix.iter_pixels(ds))) == 3


# --- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("bits", [12, 16])
def test_iter_pixels_holds_a_frame(syntax: str, bits: int, tmp_path: Path) -> None:
    """From a path: as much memory for 40 frames as for 8."""
    rng = np.random.default_rng(0)
    peaks = []
    for frames in (8, 40):
        cells = rng.integers(0, 2**bits, (frames, 200, 200), np.uint16)
        ds = make_dataset(cells, BitsStored=bits)
        path = tmp_path / "frames.dcm"
        path.write_bytes(encode(ds) if syntax == ExplicitVRLittleEndian else compress(ds, syntax))
        next(fastpix.iter_pixels(path))  # imports, and what is kept of them
        tracemalloc.start()
        try:
            for count, found in enumerate(fastpix.iter_pixels(path)):
                assert np.array_equal(found, cells[count])
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + cells[0].nbytes


def test_results_are_the_callers_own() -> None:
    """Writing into a result changes nothing else, deep copies of the arguments included."""
    ds = dcmread(BytesIO(encode(make_dataset())))
    before = deepcopy(ds)
    for raw in (False, True):
        fastpix.pixel_array(ds, raw=raw)[:] = 0
        next(fastpix.iter_pixels(ds, raw=raw))[:] = 0
    assert ds == before
    hot = fastpix.apply_color_lut(np.zeros((2, 2), np.uint8), palette="PET")
    hot[:] = 99
    again = fastpix.apply_color_lut(np.zeros((2, 2), np.uint8), palette="PET")
    assert again.tolist() != hot.tolist()


@pytest.mark.parametrize("bits", [0, 12, 15])
def test_palettes_of_other_depths(bits: int) -> None:
    """Entries of 12 or 15 bits raise pydicom's own error, though `imread` reads them."""
    ds = with_meta(Dataset())
    for color in ("Red", "Green", "Blue"):
        ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [4, 0, bits])
        ds.add_new(f"{color}PaletteColorLookupTableData", "OW", bytes(range(8)))
    arr = np.arange(4, dtype=np.uint8)
    with pytest.raises(TypeError) as wanted:
        processing.apply_color_lut(arr, ds)
    with pytest.raises(TypeError, match=str(wanted.value)):
        fastpix.apply_color_lut(arr, ds)
