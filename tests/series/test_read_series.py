"""Volumes: each plane has the values that `imread` gives, in its place, whatever its file is."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from support.builders import compress, encode
from support.series_files import (
    ROOT,
    SERIES,
    affine_of,
    cells_of,
    enhanced,
    slice_dataset,
)

import fastpix
from fastpix import (
    ArgumentError,
    FastpixError,
    HeaderWarning,
    InexactError,
    PixelDataError,
    PixelHeaderError,
    SeriesError,
    imread,
    open_series,
    read_series,
)
from fastpix.recipe import Invert
from fastpix.source.stored import File

SLICES = 7
Made = Callable[[int], bytes]


def native(k: int, syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> bytes:
    return encode(slice_dataset(k, **attributes), syntax)


def compressed(k: int, syntax: str) -> bytes:
    return compress(slice_dataset(k, cells=cells_of(k, 40, 36)), syntax)


def signed_or_not(k: int) -> bytes:
    cells = cells_of(k) - 900 if k % 2 else cells_of(k, dtype=np.uint16)
    return native(k, cells=cells)


def irregular(k: int) -> bytes:
    """A slice that the index leaves to pydicom: an element is repeated."""
    dataset = slice_dataset(k, RescaleSlope="2")
    data = encode(dataset)
    element = b"\x28\x00\x53\x10DS\x02\x002 "
    assert data.count(element) == 1
    return data.replace(element, element * 2)


def color(k: int) -> bytes:
    cells = np.random.default_rng(k).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    made = slice_dataset(
        k, cells=cells, SamplesPerPixel=3, RescaleSlope=None, RescaleIntercept=None
    )
    return encode(made)


def mixed(k: int) -> bytes:
    ways = (
        partial(native, cells=cells_of(k, 40, 36)),
        partial(compressed, syntax=RLELossless),
        partial(compressed, syntax=JPEGLSLossless),
        partial(native, syntax=ImplicitVRLittleEndian, cells=cells_of(k, 40, 36)),
    )
    return ways[k % len(ways)](k)


KINDS: dict[str, Made] = {
    "native": native,
    "implicit": partial(native, syntax=ImplicitVRLittleEndian),
    "big endian": partial(native, syntax=ExplicitVRBigEndian),
    "deflated": partial(native, syntax=DeflatedExplicitVRLittleEndian),
    "8 bits": lambda k: native(k, cells=cells_of(k).astype(np.uint8)),
    "32 bits": lambda k: native(k, cells=cells_of(k, dtype=np.int32)),
    "slope per slice": lambda k: native(k, RescaleSlope=f"{1 + k / 7:.8f}"),
    "signed and unsigned": signed_or_not,
    "bits that vary": lambda k: native(k, BitsStored=12 + k % 4, HighBit=11 + k % 4),
    "MONOCHROME1 as stored": lambda k: native(k, PhotometricInterpretation="MONOCHROME1"),
    "not regular": irregular,
    "RLE": partial(compressed, syntax=RLELossless),
    "JPEG-LS": partial(compressed, syntax=JPEGLSLossless),
    "JPEG 2000": partial(compressed, syntax=JPEG2000Lossless),
    "native and compressed": mixed,
    "colour": color,
}


def write(folder: Path, made: Made, count: int = SLICES) -> list[Path]:
    """Write slices; return them in the order of their places."""
    folder.mkdir(exist_ok=True)
    paths = []
    for k in range(count):
        path = folder / f"{(k * 5) % count:03d}.dcm"
        path.write_bytes(made(k))
        paths.append(path)
    return paths


def is_affine_of(volume: fastpix.Volume) -> bool:
    return volume.affine is not None and np.allclose(volume.affine, affine_of(), atol=1e-5)


def quietly(call: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        return call()


@pytest.mark.parametrize("threads", [1, 2, None])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_imread(tmp_path: Path, kind: str, threads: int | None) -> None:
    invert: Invert = "none" if "MONOCHROME1" in kind else "max"
    paths = write(tmp_path, KINDS[kind])
    expected = quietly(lambda: np.stack([imread(path, invert=invert) for path in paths]))
    volume = quietly(lambda: read_series(tmp_path, invert=invert, threads=threads))
    assert volume.array.dtype == np.float32
    assert volume.array.tobytes() == expected.tobytes()
    assert is_affine_of(volume)
    assert volume.axes == ()
    assert volume.kind == "grid"
    assert [plane.source for plane in volume.sources] == list(map(str, paths)) or [
        Path(plane.source) for plane in volume.sources
    ] == paths


@pytest.mark.parametrize("kernel", fastpix.kernels())
@pytest.mark.parametrize(
    "how",
    [
        {"dtype": "float64"},
        {"dtype": "int32"},
        {"dtype": "auto"},
        {"rescale": False},
        {"normalize": (-1000, 400)},
        {"padding": -2000.5},
    ],
    ids=str,
)
def test_the_recipe_is_that_of_imread(tmp_path: Path, kernel: str, how: dict[str, Any]) -> None:
    padded = partial(native, PixelPaddingValue=int(cells_of(3)[2, 2]))
    paths = write(tmp_path, padded)
    with fastpix.use_kernel(kernel):
        expected = np.stack([imread(path, **how) for path in paths])
        volume = read_series(tmp_path, **how)
    assert volume.array.dtype == expected.dtype
    assert volume.array.tobytes() == expected.tobytes()


def test_auto_is_one_dtype_for_all_planes(tmp_path: Path) -> None:
    paths = write(tmp_path, signed_or_not)
    volume = read_series(tmp_path, dtype="auto", rescale=False)
    assert {imread(path, dtype="auto", rescale=False).dtype.name for path in paths} == {
        "int16",
        "uint16",
    }
    assert volume.array.dtype == np.int32
    for plane, path in zip(volume.array, paths, strict=True):
        assert np.array_equal(plane, imread(path, dtype="int32", rescale=False))


@pytest.mark.parametrize("padding", [None, -5.0])
def test_one_maximum_inverts_the_whole_volume(tmp_path: Path, padding: float | None) -> None:
    made = partial(
        native, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=2**12,
        RescaleSlope="1.25",
    )  # fmt: skip

    def with_padding(k: int) -> bytes:
        cells = cells_of(k)
        cells[0, 0] = 2**12
        return made(k, cells=cells)

    paths = write(tmp_path, with_padding)
    plain = quietly(
        lambda: np.stack([imread(path, invert="none", dtype="float64") for path in paths])
    )
    is_padding = np.zeros(plain.shape, bool)
    is_padding[:, 0, 0] = padding is not None
    expected = plain[~is_padding].max() - plain
    expected[is_padding] = padding
    volume = quietly(lambda: read_series(tmp_path, padding=padding))
    assert np.array_equal(volume.array, expected.astype(np.float32))
    assert volume.array.min() == (0 if padding is None else padding)


def test_all_padding_has_no_maximum(tmp_path: Path) -> None:
    made = partial(
        native, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=7,
        cells=np.full((6, 5), 7, np.int16),
    )  # fmt: skip
    write(tmp_path, made)
    assert (quietly(lambda: read_series(tmp_path, padding=3.0)).array == 3).all()


def test_out_is_filled_and_returned(tmp_path: Path) -> None:
    write(tmp_path, native)
    out = np.full((SLICES, 6, 5), np.nan, np.float32)
    volume = read_series(tmp_path, out=out)
    assert volume.array is out
    assert np.array_equal(out, read_series(tmp_path).array)
    with pytest.raises(ArgumentError, match="out"):
        read_series(tmp_path, out=np.empty((SLICES, 6, 4), np.float32))
    with pytest.raises(ArgumentError, match="out"):
        read_series(tmp_path, out=np.empty((SLICES, 6, 5), np.float64))


@pytest.mark.parametrize("form", ["folder", "str", "paths", "bytes", "datasets", "iterator"])
def test_sources(tmp_path: Path, form: str) -> None:
    paths = write(tmp_path, native)
    expected = np.stack([imread(path) for path in paths])
    shuffled = paths[3:] + paths[:3]
    sources: dict[str, Any] = {
        "folder": tmp_path,
        "str": str(tmp_path),
        "paths": shuffled,
        "bytes": [path.read_bytes() for path in shuffled],
        "datasets": [slice_dataset(k) for k in range(SLICES)],
        "iterator": iter(shuffled),
    }
    volume = quietly(lambda: read_series(sources[form]))
    assert np.array_equal(volume.array, expected)


def test_one_slice(tmp_path: Path) -> None:
    (path,) = write(tmp_path, native, 1)
    volume = read_series(path)
    assert volume.array.shape == (1, 6, 5)
    assert volume.kind == "single_slice"
    assert is_affine_of(volume)  # by Slice Thickness
    assert np.array_equal(volume.array[0], imread(path))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_frames_of_one_file_come_in_order(tmp_path: Path, syntax: str) -> None:
    dataset = enhanced()
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(
        encode(dataset) if syntax == ExplicitVRLittleEndian else compress(dataset, syntax)
    )
    volume = read_series(path)
    expected = np.stack([cells_of(k) * np.float64(1 + k / 8) - 1000 for k in range(6)])
    assert np.array_equal(volume.array, expected.astype(np.float32))
    assert is_affine_of(volume)
    frames = imread(path)
    for plane, source in zip(volume.array, volume.sources, strict=True):
        assert source is not None
        assert np.array_equal(plane, frames[source.frame])


def test_gaps_are_filled_with_nan_on_the_true_grid(tmp_path: Path) -> None:
    paths = write(tmp_path, native, 9)
    paths[3].unlink()
    paths[6].unlink()
    with pytest.raises(SeriesError, match=r"gaps=.fill") as caught:
        read_series(tmp_path)
    assert caught.value.codes == ("missing_slices",)
    volume = read_series(tmp_path, gaps="fill")
    assert volume.array.shape == (9, 6, 5)
    assert [k for k in range(9) if np.isnan(volume.array[k]).all()] == [3, 6]
    assert volume.sources[3] is None
    for k in (0, 1, 2, 4, 5, 7, 8):
        assert np.array_equal(volume.array[k], imread(paths[k]))
    assert is_affine_of(volume)
    with pytest.raises(ArgumentError, match="float dtype"):
        read_series(tmp_path, gaps="fill", dtype="int32")
    with pytest.raises(ArgumentError, match="gaps"):
        read_series(tmp_path, gaps=cast(Any, "squeeze"))


@pytest.mark.parametrize("kind", ["native", "RLE", "not regular"])
def test_a_file_that_changes_after_its_header_was_read_is_an_error(
    tmp_path: Path, kind: str
) -> None:
    paths = write(tmp_path, KINDS[kind])
    (stack,) = quietly(lambda: open_series(tmp_path))
    data = paths[2].read_bytes()
    paths[2].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(paths[2], ns=(1, 1))
    with pytest.raises(PixelDataError, match="changed") as caught:
        quietly(stack.read)
    assert str(caught.value.source) == str(paths[2])


def test_errors_name_the_file(tmp_path: Path) -> None:
    paths = write(tmp_path, lambda k: native(k, RescaleSlope="0.5" if k == 4 else "1"))
    with pytest.raises(InexactError) as caught:
        read_series(tmp_path, dtype="int16")
    assert str(caught.value.source) == str(paths[4])
    paths[5].write_bytes(native(5, BitsStored=99))
    with pytest.raises(PixelHeaderError, match="BitsStored") as broken:
        read_series(tmp_path)
    assert str(broken.value.source) == str(paths[5])
    data = native(5)
    paths[5].write_bytes(data[:-20])
    with pytest.raises(FastpixError) as cut:
        read_series(tmp_path)
    assert str(cut.value.source) == str(paths[5])


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, native)
    (tmp_path / "README.txt").write_text("a phantom")
    (tmp_path / "deeper").mkdir()
    report = slice_dataset(0)
    del report.PixelData, report.Rows, report.Columns, report.BitsAllocated
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    (tmp_path / "deeper" / "report.dcm").write_bytes(encode(report))
    assert read_series(tmp_path).array.shape == (SLICES, 6, 5)
    with pytest.raises(SeriesError, match="no image"):
        read_series(tmp_path / "deeper")


def test_several_series_are_a_table(tmp_path: Path) -> None:
    write(tmp_path / "a", native)
    other = f"{ROOT}.9"
    write(tmp_path / "b", partial(native, SeriesInstanceUID=other, RescaleSlope="3"), 4)
    with pytest.raises(SeriesError, match="series_uid=") as caught:
        read_series(tmp_path)
    assert {row.series_uid for row in caught.value.stacks} == {SERIES, other}
    assert "7 x 6 x 5" in str(caught.value)
    assert "4 x 6 x 5" in str(caught.value)
    assert SERIES not in caught.value.storable
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.stacks == caught.value.stacks
    assert str(copy) == str(caught.value)
    assert read_series(tmp_path, series_uid=other).array.shape == (4, 6, 5)
    with pytest.raises(SeriesError, match="no series"):
        read_series(tmp_path, series_uid="1.2.3")
    assert [stack.shape for stack in open_series(tmp_path, series_uid=other)] == [(4, 6, 5)]


def test_several_stacks_are_chosen_by_number(tmp_path: Path) -> None:
    def two_echoes(k: int) -> bytes:
        echo = "5" if k < SLICES else "9"
        made = slice_dataset(
            k % SLICES, number=k, Modality="MR", EchoTime=echo, RescaleIntercept=None,
            RescaleSlope=None,
        )  # fmt: skip
        return encode(made)

    paths = write(tmp_path, two_echoes, 2 * SLICES)
    with pytest.raises(SeriesError, match="stack=") as caught:
        read_series(tmp_path)
    assert [row.number for row in caught.value.stacks] == [0, 1]
    assert "echo time 5 ms" in str(caught.value)
    for number in (0, 1):
        volume = read_series(tmp_path, stack=number)
        some = paths[number * SLICES : (number + 1) * SLICES]
        assert np.array_equal(volume.array, np.stack([imread(path) for path in some]))
    with pytest.raises(SeriesError, match="no stack 2"):
        read_series(tmp_path, stack=2)
    with pytest.raises(ArgumentError, match="stack"):
        read_series(tmp_path, stack=cast(Any, "first"))


def test_a_localizer_is_set_aside_with_a_note(tmp_path: Path) -> None:
    write(tmp_path, native)
    scout = slice_dataset(
        0, number=99, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=["1", "0", "0", "0", "0", "-1"],
    )  # fmt: skip
    (tmp_path / "scout.dcm").write_bytes(encode(scout))
    volume = read_series(tmp_path)
    assert volume.array.shape == (SLICES, 6, 5)
    assert any("set aside" in note.text and "localizer" in note.text for note in volume.notes)


def test_max_bytes(tmp_path: Path) -> None:
    write(tmp_path, native)
    size = SLICES * 6 * 5 * 4
    assert read_series(tmp_path, max_bytes=size).array.nbytes == size
    with pytest.raises(PixelDataError, match="max_bytes"):
        read_series(tmp_path, max_bytes=size - 1)


def test_oddities_are_told_once(tmp_path: Path) -> None:
    write(tmp_path, partial(native, RescaleSlope="1.0\\1.0"))
    with pytest.warns(HeaderWarning, match=r"RescaleSlope.*\(7 files\)") as told:
        volume = read_series(tmp_path)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert any("RescaleSlope" in note.text for note in volume.notes)


def test_the_plan_says_what_reading_gives(tmp_path: Path) -> None:
    write(tmp_path, native)
    (stack,) = open_series(tmp_path)
    plan = stack.plan(dtype="auto")
    volume = stack.read(dtype="auto")
    assert plan.shape == volume.array.shape == stack.shape
    assert plan.dtype == volume.array.dtype.name
    assert plan.unit == volume.unit == "HU"
    assert plan.nbytes == volume.array.nbytes
    assert f"{SLICES} x 6 x 5 {plan.dtype}, HU" in str(plan)
    assert "7 files" in str(plan)
    assert "7 x 6 x 5" in repr(stack)


@pytest.mark.parametrize("tolerance", [0, 0.5, "1", True, None, float("nan")])
def test_tolerance_is_a_share_of_the_gap(tmp_path: Path, tolerance: Any) -> None:
    with pytest.raises(ArgumentError, match="tolerance"):
        read_series(tmp_path, tolerance=tolerance)


def test_open_series_reads_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, partial(native, cells=cells_of(0, 600, 500)), 3)

    def refuse(*arguments: Any) -> None:
        raise AssertionError("more than the beginning of a file was read")

    monkeypatch.setattr(File, "fill", refuse)
    monkeypatch.setattr("fastpix.series.series_files.read_source", refuse)
    (stack,) = open_series(tmp_path)
    assert stack.shape == (3, 600, 500)


def test_parts_of_a_concatenation_are_one_volume(tmp_path: Path) -> None:
    """PS3.3 C.7.6.16.2.2.4: an instance that was too large for one file."""
    whole = enhanced()
    pixels = np.frombuffer(whole.PixelData, np.int16).reshape(6, 6, 5)
    groups = whole.PerFrameFunctionalGroupsSequence
    paths = []
    for number, some in ((1, slice(0, 4)), (2, slice(4, 6))):
        part = enhanced()
        part.PerFrameFunctionalGroupsSequence = groups[some]
        part.PixelData = pixels[some].tobytes()
        part.NumberOfFrames = len(groups[some])
        part.SOPInstanceUID = f"{ROOT}.5.{number}"
        part.ConcatenationUID, part.InConcatenationNumber = f"{ROOT}.6", number
        part.InConcatenationTotalNumber = 2
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(encode(part))
    expected = np.stack([cells_of(k) * np.float64(1 + k / 8) - 1000 for k in range(6)])
    assert np.array_equal(read_series(tmp_path).array, expected.astype(np.float32))
    paths[1].unlink()
    for partial_ in (False, True):
        with pytest.raises(SeriesError, match="1 file of 2 of a concatenation missing") as caught:
            read_series(tmp_path, partial=partial_)
        assert "incomplete" in caught.value.codes
