"""color_range: colour of any depth on one scale of 8 bits, mapped to a range, to the last bit."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset, set_raw
from support.codestream_cases import J2K_LOSSLESS, RLE_LOSSLESS, file_of_frames, j2k, rle
from support.real_files import WHEEL, files_under

import fastpix
from fastpix import ArgumentError, PixelHeaderError, Recipe
from fastpix.errors import FastpixError

RANGES = [(0, 255), (0, 1), (-1, 1), (-1024.5, 3071), (0.1, 0.7)]


def on_8_bits(samples: NDArray[Any], bits: int) -> NDArray[np.int64]:
    """The scale, as docs/exactness.md has it."""
    whole = samples.astype(np.int64)
    return whole >> (bits - 8) if bits > 8 else whole * 255 // (2**bits - 1)


def mapped(eight: NDArray[np.int64], limits: tuple[float, float], dtype: str) -> NDArray[Any]:
    slope = (np.float64(limits[1]) - np.float64(limits[0])) / np.float64(255)
    return (eight.astype(np.float64) * slope + np.float64(limits[0])).astype(dtype)


def rgb_file(samples: NDArray[Any], bits: int, planar: bool, high_bit: int, **more: Any) -> bytes:
    """A native file; bits beside the stored ones are garbage."""
    rng = np.random.default_rng(bits)
    size = 8 * samples.dtype.itemsize
    cells = samples.astype(np.uint32) << (high_bit + 1 - bits)
    kept = (2**bits - 1) << (high_bit + 1 - bits)
    cells |= rng.integers(0, 2**size, cells.shape, np.uint32) & ~np.uint32(kept)
    stored = cells.astype(samples.dtype)
    order = np.moveaxis(stored, -1, -3) if planar else stored
    return encode(
        make_dataset(
            stored, SamplesPerPixel=3, BitsStored=bits, HighBit=high_bit,
            PlanarConfiguration=int(planar),
            PixelData=np.ascontiguousarray(order).tobytes(), **more,
        )
    )  # fmt: skip


def samples_of(shape: tuple[int, ...], bits: int) -> NDArray[Any]:
    dtype = np.uint8 if bits <= 8 else np.uint16
    return np.random.default_rng(bits).integers(0, 2**bits, shape).astype(dtype)


def assert_all_ranges(data: bytes, eight: NDArray[np.int64]) -> None:
    """Hold what is read against the scale, by the reference and by the kernel."""
    for kernel in ("numpy", fastpix.kernels()[-1]):
        with fastpix.use_kernel(kernel):
            found = fastpix.imread(data, dtype="uint8", color_range=(0, 255))
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, eight)
            for limits in RANGES:
                for dtype in ("float32", "float64"):
                    found = fastpix.imread(data, dtype=dtype, color_range=limits)
                    assert found.dtype == dtype
                    assert found.tobytes() == mapped(eight, limits, dtype).tobytes()


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", range(1, 17))
def test_rgb_of_every_depth(bits: int, planar: bool) -> None:
    samples = samples_of((9, 7, 3), bits)
    samples[0, 0], samples[0, 1] = 0, 2**bits - 1
    eight = on_8_bits(samples, bits)
    assert (eight[0, 0].tolist(), eight[0, 1].tolist()) == ([0] * 3, [255] * 3)
    for high_bit in {bits - 1, 8 * samples.itemsize - 1}:
        assert_all_ranges(rgb_file(samples, bits, planar, high_bit), eight)


def test_more_pixels_than_any_block() -> None:
    for bits in (5, 8, 12):
        samples = samples_of((3, 50, 61, 3), bits)
        assert_all_ranges(rgb_file(samples, bits, bits == 8, bits - 1), on_8_bits(samples, bits))


def test_32_bits() -> None:
    samples = np.random.default_rng(3).integers(0, 2**32, (5, 4, 3), np.uint32)
    assert_all_ranges(rgb_file(samples, 32, False, 31), on_8_bits(samples, 32))


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_ybr_is_converted_first(bits: int, photometric: str) -> None:
    samples = samples_of((8, 6, 3), bits)
    pixels = samples[..., :2] if photometric == "YBR_FULL_422" else samples
    data = rgb_file(
        samples, bits, False, bits - 1, PhotometricInterpretation=photometric
    ) if pixels is samples else encode(
        make_dataset(samples, SamplesPerPixel=3, PhotometricInterpretation=photometric,
                     BitsStored=bits, PixelData=np.ascontiguousarray(pixels).tobytes())
    )  # fmt: skip
    rgb = fastpix.imread(data, dtype="uint16")
    assert len(np.unique(rgb)) > 5
    assert_all_ranges(data, on_8_bits(rgb, bits))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_rle(bits: int) -> None:
    samples = samples_of((40, 11, 3), bits)
    more = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsStored": bits}
    data = file_of_frames([rle(samples)], samples, RLE_LOSSLESS, **more)
    assert_all_ranges(data, on_8_bits(samples, bits))


@pytest.mark.parametrize("bits", [8, 12])
def test_a_codestream_with_fewer_bits_than_the_header_says(bits: int) -> None:
    """One of the two is wrong, and the image would be nearly black by one of them."""
    samples = samples_of((16, 16, 3), bits)
    more = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_RCT"}
    wide = samples.astype(np.uint16)
    data = file_of_frames([j2k(samples, bits)], wide, J2K_LOSSLESS, BitsStored=16, **more)
    np.testing.assert_array_equal(fastpix.imread(data), samples)
    with pytest.raises(PixelHeaderError, match=f"correct the attribute to {bits}") as caught:
        fastpix.imread(data, color_range=(0, 1))
    assert caught.value.keyword == "BitsStored"
    right = file_of_frames([j2k(samples, bits)], samples, J2K_LOSSLESS, BitsStored=bits, **more)
    assert_all_ranges(right, on_8_bits(samples, bits))


def palette_file(entries: NDArray[Any], bits: int, segmented: bool = False) -> bytes:
    """One with a table of (entries, 3), as 16-bit words, and each index once."""
    count = len(entries)
    descriptor = [count, 0, bits]
    dataset = make_dataset(
        np.arange(count, dtype=np.uint8).reshape(-1, 4),
        PhotometricInterpretation="PALETTE COLOR",
        RedPaletteColorLookupTableDescriptor=descriptor,
        GreenPaletteColorLookupTableDescriptor=descriptor,
        BluePaletteColorLookupTableDescriptor=descriptor,
    )
    for color in range(3):
        data = entries[:, color].astype("<u2").tobytes()
        if segmented:
            data = np.array([0, count], "<u2").tobytes() + data
        set_raw(dataset, (0x00281221 if segmented else 0x00281201) + color, "OW", data)
    return encode(dataset)


@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize("bits", [9, 12, 16])
def test_palettes(bits: int, segmented: bool) -> None:
    entries = np.random.default_rng(bits).integers(0, 2**bits, (64, 3))
    data = palette_file(entries, bits, segmented)
    assert fastpix.imread(data, dtype="auto").reshape(-1, 3).tolist() == entries.tolist()
    assert_all_ranges(data, on_8_bits(entries, bits).reshape(-1, 4, 3))


def test_palettes_of_8_bits() -> None:
    entries = np.random.default_rng(8).integers(0, 256, (64, 3))
    assert_all_ranges(palette_file(entries, 8), entries.reshape(-1, 4, 3))


def test_a_palette_of_8_bits_whose_descriptors_say_16() -> None:
    entries = np.random.default_rng(9).integers(0, 256, (64, 3))
    data = palette_file(entries, 16)
    with pytest.warns(fastpix.HeaderWarning, match="none is above 255"):
        found = fastpix.imread(data, dtype="uint8", color_range=(0, 255))
    np.testing.assert_array_equal(found.reshape(-1, 3), entries)
    fastpix.imread(data, dtype="uint16")  # without a word: entries are given as they are
    black = palette_file(np.zeros((64, 3), int), 16)
    assert not fastpix.imread(black, color_range=(0, 1)).any()


def test_0_to_1_is_what_division_by_255_gives() -> None:
    """In float32, for each of the 256."""
    every = np.arange(256, dtype=np.uint8).reshape(-1, 4, 1).repeat(3, 2)
    found = fastpix.imread(rgb_file(every, 8, False, 7), color_range=(0, 1))
    assert found.tobytes() == (every.astype(np.float32) / np.float32(255)).tobytes()


def test_ends_are_met() -> None:
    ends = np.array([[[0] * 3, [255] * 3]], np.uint8)
    data = rgb_file(ends, 8, False, 7)
    for lo, hi in [*RANGES, (-2.117904, 2.64), (0.485, 0.229 + 0.485)]:
        found = fastpix.imread(data, color_range=(lo, hi))
        assert found[0, 0].tolist() == [np.float32(lo)] * 3
        assert found[0, 1].tolist() == [np.float32(hi)] * 3


@pytest.mark.parametrize(
    ("color_range", "dtype"),
    [((0, 255), "uint8"), ((-128, 127), "int8"), ((0, 65535), "uint16"), ((0, 1), "float32"),
     ((0, 256), "float32"), ((0, 1e39), "float64")],
)  # fmt: skip
def test_auto(color_range: tuple[float, float], dtype: str) -> None:
    data = rgb_file(samples_of((3, 3, 3), 12), 12, False, 11)
    plan = fastpix.open(data).plan(dtype="auto", color_range=color_range)
    assert plan.dtype == dtype
    assert plan.to_dict()["color_range"] == list(color_range)
    assert f"RGB, {color_range[0]:g}..{color_range[1]:g}" in str(plan)
    found = fastpix.imread(data, dtype="auto", color_range=color_range)
    assert found.dtype == dtype


def test_one_recipe_serves_a_mixed_source() -> None:
    """Each kind takes the range that is for it."""
    recipe = Recipe(normalize=(0, 10), color_range=(0, 1))
    gray, color = encode(make_dataset()), rgb_file(samples_of((2, 3, 3), 8), 8, False, 7)
    assert (
        fastpix.imread(gray, recipe=recipe).tobytes()
        == fastpix.imread(gray, normalize=(0, 10)).tobytes()
    )
    assert (
        fastpix.imread(color, recipe=recipe).tobytes()
        == fastpix.imread(color, color_range=(0, 1)).tobytes()
    )
    with pytest.raises(ArgumentError, match=r"color_range=\(0, 1\)") as caught:
        fastpix.imread(color, normalize=(0, 10))
    assert "color_range" in caught.value.storable


@pytest.mark.parametrize("more", [{}, {"PhotometricInterpretation": "MONOCHROME1"}], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "auto"])
def test_monochrome_images_are_left_alone(dtype: str, more: dict[str, Any]) -> None:
    data = encode(make_dataset(RescaleSlope="2", RescaleIntercept="-7", **more))
    plain = fastpix.imread(data, dtype=dtype)
    found = fastpix.imread(data, dtype=dtype, color_range=(0, 1))
    assert (found.dtype, found.tobytes()) == (plain.dtype, plain.tobytes())


def test_samples_with_a_sign_have_no_range() -> None:
    samples = samples_of((2, 3, 3), 12)
    data = rgb_file(samples, 12, False, 11, PixelRepresentation=1)
    with pytest.raises(PixelHeaderError, match="without color_range") as caught:
        fastpix.imread(data, color_range=(0, 1))
    assert caught.value.keyword == "PixelRepresentation"
    assert fastpix.imread(data).min() < 0


@pytest.mark.parametrize("limits", [(0, 255), (0, 1)])
def test_every_way_of_reading(tmp_path: Path, limits: tuple[float, float]) -> None:
    paths, wanted = [], []
    for k in range(6):
        samples = samples_of((4, 5, 3), 12 if k < 4 else 8)
        bits = 12 if k < 4 else 8
        paths.append(tmp_path / f"{k}.dcm")
        paths[-1].write_bytes(rgb_file(samples + k % 2 * 7 % 2**bits & (2**bits - 1), bits,
                                       k == 5, bits - 1))  # fmt: skip
    recipe = Recipe("auto", color_range=limits)
    wanted = [fastpix.imread(path.read_bytes(), recipe=recipe).tobytes() for path in paths]
    keywords: dict[str, Any] = {"dtype": "auto", "color_range": limits}
    assert [fastpix.imread(path, **keywords).tobytes() for path in paths] == wanted  # alike
    assert [a.tobytes() for a in fastpix.imread_many(paths, **keywords)] == wanted
    batch = fastpix.imread_batch(paths, **keywords)
    assert [image.tobytes() for image in batch] == wanted
    assert fastpix.dicom_to_array(paths[0], **keywords)[0].tobytes() == wanted[0]
    image = fastpix.open(paths[0])
    out = np.empty(image.header.rows * 5 * 3, image.plan(**keywords).dtype).reshape(4, 5, 3)
    for _ in range(2):
        assert image.read(**keywords, out=out) is out
        assert out.tobytes() == wanted[0]
    assert image.read(dtype="auto").tobytes() != wanted[0]  # no plan of another call is kept
    assert [frame.tobytes() for frame in image.iter_frames(**keywords)] == [wanted[0]]
    assert image.stored().max() > 255


@pytest.mark.parametrize("dtype", ["uint8", "float32", "auto"])
def test_volumes(tmp_path: Path, dtype: str) -> None:
    wanted = []
    limits = (0, 255) if dtype == "uint8" else (0, 1)
    for k in range(4):
        samples = np.roll(samples_of((5, 6, 3), 16), k)
        data = rgb_file(
            samples, 16, False, 15, SeriesInstanceUID="1.2.3", SOPInstanceUID=f"1.2.3.{k}",
            ImagePositionPatient=[0, 0, 2.5 * k], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.5, 0.75],
        )  # fmt: skip
        (tmp_path / f"{k}.dcm").write_bytes(data)
        wanted.append(fastpix.imread(data, dtype=dtype, color_range=limits))
    volume = fastpix.read_series(tmp_path, dtype=dtype, color_range=limits)
    assert volume.array.tobytes() == np.stack(wanted).tobytes()
    assert volume.unit == f"RGB, {limits[0]}..{limits[1]}"
    (stack,) = fastpix.open_series(tmp_path)
    assert stack.plan(dtype=dtype, color_range=limits).dtype == volume.array.dtype.name
    blocks = stack.blocks(Recipe(dtype, color_range=limits))
    part = blocks.read((1, 1, 0), (3, 4, 6))
    assert part.tobytes() == volume.array[1:3, 1:4].tobytes()


def test_blocks_of_a_monochrome_volume_whose_dtype_is_auto(tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"{k}.dcm").write_bytes(encode(make_dataset(
            SeriesInstanceUID="1.2.3", SOPInstanceUID=f"1.2.3.{k}", PixelSpacing=[1, 1],
            ImagePositionPatient=[0, 0, k], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        )))  # fmt: skip
    (stack,) = fastpix.open_series(tmp_path)
    blocks = stack.blocks(Recipe("auto", color_range=(0, 1)))
    assert blocks.dtype == "uint16"
    whole = stack.read(dtype="auto").array
    assert blocks.read((0, 0, 0), whole.shape).tobytes() == whole.tobytes()


def test_real_files_of_colour() -> None:
    """Also those whose JPEG data proves other colours than the header, frame by frame."""
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in files_under(WHEEL):
            try:
                image = fastpix.open(path)
                if image.header.is_gray:
                    continue
                rgb = image.read(dtype="auto")
            except FastpixError:
                continue
            count += 1
            palette = image.header.palette
            bits = image.header.bits_stored if palette is None else palette[0].bits
            eight = on_8_bits(rgb, bits)
            found = image.read(dtype="uint8", color_range=(0, 255))
            np.testing.assert_array_equal(found, eight, str(path))
            unit = image.read(color_range=(0, 1))
            assert unit.tobytes() == mapped(eight, (0, 1), "float32").tobytes()
    assert count > 10
