"""imread_batch: the arrays of a loop over imread, in one array, whatever the files are."""

from __future__ import annotations

import gc
import os
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from support.many_files import KINDS, slice_of, went_alike, write_series

import fastpix
from fastpix.errors import ArgumentError, FastpixError, HeaderWarning
from fastpix.kernel.registry import kernel_name
from fastpix.runs.batch_places import Places

pytestmark = pytest.mark.usefixtures("no_threads_left")


def assert_stacked(sources: list[Any], **arguments: Any) -> NDArray[Any]:
    """Read a batch, and hold it against a loop."""
    batch: NDArray[Any] = fastpix.imread_batch(sources, **arguments)
    arguments = {k: v for k, v in arguments.items() if k not in ("threads", "size", "fill", "out")}
    wanted = np.stack([fastpix.imread(source, **arguments) for source in sources])
    assert (batch.shape, batch.dtype) == (wanted.shape, wanted.dtype)
    assert batch.tobytes() == wanted.tobytes()
    return batch


@pytest.mark.parametrize("threads", [1, 2, 5, None])
@pytest.mark.parametrize("count", [1, 2, 3, 70])
def test_a_series(
    tmp_path: Path, count: int, threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = went_alike(monkeypatch)
    paths: list[Any] = list(write_series(tmp_path, count))
    batch = assert_stacked(paths, threads=threads)
    assert batch.flags.c_contiguous
    assert batch.flags.writeable
    if count == 70 and kernel_name() != "numpy":
        assert sum(runs) > 50
    assert_stacked(paths[::-1], threads=threads)  # now with what the first call has left


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file(kind: str, threads: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        assert_stacked([KINDS[kind]] * 7, threads=threads)


@pytest.mark.parametrize(
    "arguments",
    [{"dtype": "auto"}, {"dtype": "int16"}, {"dtype": "float64", "rescale": False},
     {"normalize": (0, 255)}, {"frames": 0}, {"frames": slice(None)}, {"frames": [0]},
     {"recipe": fastpix.Recipe(invert="range", padding=-1.0)}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("threads", [1, 2])
def test_recipes_and_frames(tmp_path: Path, arguments: dict[str, Any], threads: int) -> None:
    given = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 17}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        assert_stacked(list(write_series(tmp_path, 9, **given)), threads=threads, **arguments)


def test_slopes_that_differ_from_file_to_file(tmp_path: Path) -> None:
    sources = [slice_of(k, RescaleSlope=f"{1 + k % 3}.5") for k in range(20)]
    assert_stacked(sources)


def test_frames_of_several() -> None:
    sources = [slice_of(k, (3, 8, 6)) for k in range(5)]
    assert assert_stacked(sources).shape == (5, 3, 8, 6)
    assert assert_stacked(sources, frames=[2, 0]).shape == (5, 2, 8, 6)
    assert assert_stacked(sources, frames=-1).shape == (5, 8, 6)


def test_any_kind_of_source(tmp_path: Path) -> None:
    path = write_series(tmp_path, 1)[0]
    data = path.read_bytes()
    with path.open("rb") as file:
        sources: list[Any] = [path, str(path), data, file, fastpix.dcmread(path)]
        batch = fastpix.imread_batch(iter(sources))
    assert all(image.tobytes() == batch[0].tobytes() for image in batch)


# out=


def test_out_is_filled_and_returned(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 8)
    whole = np.full((10, 16, 12), 7, np.float32)
    part = whole[1:9]
    assert fastpix.imread_batch(paths, out=part) is part
    assert (whole[[0, 9]] == 7).all()
    assert part.tobytes() == fastpix.imread_batch(paths).tobytes()


@pytest.mark.parametrize(
    "out",
    [np.empty((7, 16, 12), np.float32), np.empty((8, 16, 12), np.float64),
     np.empty((8, 16, 12, 1), np.float32), np.empty((8, 16, 24), np.float32)[..., ::2],
     np.empty(8 * 16 * 12, np.float32), np.empty((8, 16, 12), ">f4"), [1, 2]],
    ids=lambda out: f"{getattr(out, 'shape', 'list')} {getattr(out, 'dtype', '')}",
)  # fmt: skip
def test_out_that_does_not_fit(tmp_path: Path, out: Any) -> None:
    paths = write_series(tmp_path, 8)
    with pytest.raises(ArgumentError, match="out"):
        fastpix.imread_batch(paths, out=out)


# Sizes


def fitted(image: NDArray[Any], rows: int, columns: int, fill: float) -> NDArray[Any]:
    """By the words of the documentation, pixel by pixel."""
    out = np.full((rows, columns, *image.shape[2:]), fill, image.dtype)

    def source(k: int, have: int, want: int) -> int:
        return k + (have - want) // 2 if have >= want else k - (want - have) // 2

    for row in range(rows):
        for column in range(columns):
            r = source(row, image.shape[0], rows)
            c = source(column, image.shape[1], columns)
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]:
                out[row, column] = image[r, c]
    return out


@given(
    rows=st.integers(1, 9), columns=st.integers(1, 9),
    shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5),
    color=st.booleans(),
)  # fmt: skip
def test_images_are_centred(
    rows: int, columns: int, shapes: list[tuple[int, int]], color: bool
) -> None:
    places = Places(len(shapes), (rows, columns), 7, None)
    images = []
    for k, (height, width) in enumerate(shapes):
        shape = (height, width, 3) if color else (height, width)
        image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + 10
        memory = places.array(k, (1, *shape), "float32")
        memory[0] = image
        places.put(k, memory[0], color)
        images.append(image)
    places.check_all_fit([""] * len(shapes))
    for k, image in enumerate(images):
        assert places.result[k].tobytes() == fitted(image, rows, columns, 7).tobytes()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("frames", [None, 0, slice(1, 3)])
def test_files_of_several_sizes(threads: int, frames: Any) -> None:
    shapes = [(3, 16, 12), (3, 9, 20), (3, 12, 8), (3, 16, 12), (3, 30, 31)] * 2
    sources = [slice_of(k, shape) for k, shape in enumerate(shapes)]
    batch = fastpix.imread_batch(sources, size=(12, 13), fill=-9, frames=frames, threads=threads)
    for image, source in zip(batch, sources, strict=True):
        wanted = fastpix.imread(source, frames=frames)
        for found, plane in zip(image.reshape(-1, 12, 13), wanted.reshape(-1, *wanted.shape[-2:]),
                                strict=True):  # fmt: skip
            assert found.tobytes() == fitted(plane, 12, 13, -9).tobytes()


def rgb(shape: tuple[int, ...]) -> bytes:
    cells = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    return encode(make_dataset(cells, SamplesPerPixel=3))


def test_colour_is_fitted_in_rows_and_columns() -> None:
    sources = [rgb((6, 5, 3)), rgb((8, 4, 3))]
    batch = fastpix.imread_batch(sources, size=(7, 7), dtype="uint8")
    assert batch.shape == (2, 7, 7, 3)
    for image, source in zip(batch, sources, strict=True):
        assert image.tobytes() == fitted(fastpix.imread(source, dtype="uint8"), 7, 7, 0).tobytes()


def test_images_that_differ_are_named(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 12)
    for k in (3, 7):
        paths[k].write_bytes(slice_of(k, (16, 11)))
    with pytest.raises(FastpixError, match="2 of 12 images") as caught:
        fastpix.imread_batch(paths)
    for k in (3, 7):
        assert f"{paths[k]} is (16, 11)" in str(caught.value)
    assert "size=(rows, columns)" in str(caught.value)
    assert str(tmp_path) not in caught.value.storable


def test_an_error_names_five_images_at_most() -> None:
    sources = [slice_of(0), *[slice_of(k, (4, 4)) for k in range(9)]]
    with pytest.raises(FastpixError, match=r"9 of 10 images .* and 4 more"):
        fastpix.imread_batch(sources)


def test_gray_frames_and_colour_of_the_same_shape() -> None:
    """A gray image of 5 frames with 3 columns, and a colour image of 5 rows."""
    gray, colour = slice_of(0, (5, 6, 3), RescaleIntercept="0"), rgb((5, 6, 3))
    for sources in ([gray, colour], [colour, gray]):
        with pytest.raises(FastpixError, match="1 of 2 images"):
            fastpix.imread_batch(sources)
        with pytest.raises(FastpixError, match="1 of 2 images"):
            fastpix.imread_batch(sources, size=(6, 3))


def test_dtypes_that_differ() -> None:
    sources = [slice_of(0), slice_of(1, BitsStored=16, HighBit=15)]
    with pytest.raises(FastpixError, match=r"1 of 2 images .* is .16, 12. int32"):
        fastpix.imread_batch(sources, dtype="auto")


@pytest.mark.parametrize("size", [(0, 4), (4,), 4, (4.5, 4), "ab", (4, -1)])
def test_a_size_that_is_none(size: Any) -> None:
    with pytest.raises(ArgumentError, match="size"):
        fastpix.imread_batch([slice_of(0)], size=size)


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [(0.5, "int16"), (float("nan"), "int16"), (40000, "int16"), (1e300, "float32"), ("x", "auto")],
)
def test_a_fill_that_the_dtype_cannot_hold(fill: Any, dtype: str) -> None:
    with pytest.raises(ArgumentError, match="fill"):
        fastpix.imread_batch([slice_of(0)], size=(20, 20), fill=fill, dtype=dtype)


def test_a_fill_of_nan() -> None:
    batch = fastpix.imread_batch([slice_of(0)], size=(18, 12), fill=float("nan"))
    assert np.isnan(batch[0, [0, -1]]).all()
    assert not np.isnan(batch[0, 1:-1]).any()


# Errors


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_is_raised(tmp_path: Path, threads: int) -> None:
    paths = write_series(tmp_path, 60)
    for k in (20, 41, 55):
        paths[k].write_bytes(b"no DICOM")
    with pytest.raises(fastpix.NotDicomError) as caught:
        fastpix.imread_batch(paths, threads=threads)
    assert caught.value.source == paths[20]


@pytest.mark.parametrize("bad", [{0}, {0, 1, 2}, {5, 19}, set(range(19))], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [None, (20, 20)])
def test_masked(tmp_path: Path, bad: set[int], threads: int, size: tuple[int, int] | None) -> None:
    paths = write_series(tmp_path, 20)
    kept = [path for k, path in enumerate(paths) if k not in bad]
    wanted = fastpix.imread_batch(kept, size=size, fill=-1)
    for k in bad:
        paths[k].unlink() if k % 2 else paths[k].write_bytes(b"no DICOM")
    batch = fastpix.imread_batch(paths, on_error="mask", fill=-1, threads=threads, size=size)
    assert batch.read.tolist() == [k not in bad for k in range(20)]
    assert list(batch.errors) == sorted(bad)
    for k, error in batch.errors.items():
        assert isinstance(error, FileNotFoundError if k % 2 else fastpix.NotDicomError)
        assert (batch.array[k] == -1).all()
    assert batch.array[batch.read].tobytes() == wanted.tobytes()


def test_masked_images_that_do_not_fit(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 6)
    paths[2].write_bytes(slice_of(2, (4, 4)))
    array, read, errors = fastpix.imread_batch(paths, on_error="mask", fill=5)
    assert read.tolist() == [k != 2 for k in range(6)]
    assert (array[2] == 5).all()
    assert "does not fit" in str(errors[2])
    assert isinstance(errors[2], FastpixError)
    assert errors[2].source == paths[2]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_image_whose_values_fail_does_not_decide_about_the_batch(threads: int) -> None:
    sources = [slice_of(9, (9, 9), RescaleSlope="0.5"), *map(slice_of, range(5))]
    batch = fastpix.imread_batch(sources, on_error="mask", dtype="int16", threads=threads)
    assert isinstance(batch.errors[0], fastpix.InexactError)
    assert batch.read.tolist() == [False] + [True] * 5
    wanted = fastpix.imread_batch(sources[1:], dtype="int16")
    assert batch.array[1:].tobytes() == wanted.tobytes()


@pytest.mark.parametrize("size", [None, (4, 4)])
def test_nothing_that_can_be_read(tmp_path: Path, size: tuple[int, int] | None) -> None:
    with pytest.raises(fastpix.NotDicomError):
        fastpix.imread_batch([b"no DICOM"] * 3, on_error="mask", size=size)


def test_what_is_no_batch() -> None:
    with pytest.raises(ArgumentError, match="none"):
        fastpix.imread_batch([])
    with pytest.raises(ArgumentError, match="imread"):
        fastpix.imread_batch("one.dcm")
    with pytest.raises(ArgumentError, match="on_error"):
        fastpix.imread_batch([slice_of(0)], on_error="yield")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="threads"):
        fastpix.imread_batch([slice_of(0)], threads=0)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_is_not_kept(threads: int) -> None:
    class Interrupting(os.PathLike[str]):
        def __fspath__(self) -> str:
            raise KeyboardInterrupt

    sources = [slice_of(0), slice_of(1), Interrupting(), slice_of(2)]
    for on_error in ("raise", "mask"):
        with pytest.raises(KeyboardInterrupt):
            fastpix.imread_batch(sources, threads=threads, on_error=on_error)  # type: ignore[call-overload]


@pytest.mark.parametrize("threads", [1, 3])
def test_warnings_come_in_order_and_name_their_files(tmp_path: Path, threads: int) -> None:
    paths = write_series(tmp_path, 30)
    for k in (4, 17):
        paths[k].write_bytes(slice_of(k, HighBit=20))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fastpix.imread_batch(paths, threads=threads)
    named = [w.message.source for w in caught if isinstance(w.message, HeaderWarning)]
    assert named == [paths[4], paths[17]]
    assert {w.filename for w in caught} == {__file__}


def test_the_array_is_the_callers_alone(tmp_path: Path) -> None:
    """What is kept for the next batch keeps nothing of this one."""
    batch = fastpix.imread_batch(write_series(tmp_path, 5))
    gone = weakref.ref(batch)
    del batch
    gc.collect()
    assert gone() is None


def test_another_kernel_and_another_recipe_are_not_mixed_up(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 6)
    first = fastpix.imread_batch(paths)
    with fastpix.use_kernel("numpy"):
        assert fastpix.imread_batch(paths).tobytes() == first.tobytes()
    assert fastpix.imread_batch(paths, rescale=False)[0, 0, 0] == first[0, 0, 0] + 1024
    assert fastpix.imread_batch(paths, frames=[0]).shape == (6, 1, 16, 12)
    assert fastpix.imread_batch(paths).tobytes() == first.tobytes()


def test_a_batch_that_is_not_like_the_last_one() -> None:
    for shape in ((16, 12), (9, 31), (16, 12)):
        assert_stacked([slice_of(k, shape) for k in range(1)], threads=1)
        assert_stacked([slice_of(k, shape) for k in range(4)], threads=1)
        assert_stacked([slice_of(k, shape) for k in range(4)], threads=1, dtype="float64")


@pytest.mark.parametrize("threads", [1, 3])
def test_nothing_but_the_caller_keeps_a_batch(tmp_path: Path, threads: int) -> None:
    """Without the collector of cycles: a loader would hold batch after batch until it comes by."""
    paths = write_series(tmp_path, 12)
    gc.disable()
    try:
        gone = []
        for arguments in ({}, {"size": (9, 9)}, {"on_error": "mask"}):
            batch: Any = fastpix.imread_batch(paths, threads=threads, **arguments)
            array = batch.array if isinstance(batch, fastpix.MaskedBatch) else batch
            gone.append(weakref.ref(array if array.base is None else array.base))
            del batch, array
        assert [each() is None for each in gone] == [True] * 3
    finally:
        gc.enable()
