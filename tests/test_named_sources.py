"""Errors and warnings say which source they are about, and nothing that a job keeps does."""

from __future__ import annotations

import copy
import inspect
import io
import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless
from support.builders import encode, encode_frames, make_dataset, remove, undecodable_frame
from support.many_files import slice_of, write_series
from support.matrices import every

import fastpix
from fastpix.errors import FastpixError, HeaderWarning, add_source, warn_caller, warnings_kept
from fastpix.source.naming import name_of

BROKEN: dict[str, bytes] = {
    "no DICOM": b"no DICOM",
    "no image": encode(remove(make_dataset(), "PixelData")),
    "header": slice_of(1, BitsStored=40),
    "slope": slice_of(1, RescaleSlope="0", Modality="PT"),
    "cut off": slice_of(2)[:-3],
    "codestream": encode_frames(
        make_dataset(), JPEGLSLossless, [undecodable_frame(rows=2, columns=3)]
    ),
    "inexact": slice_of(4, RescaleSlope="0.5"),
}
Read = Callable[[Any], object]
READS: dict[str, Read] = {
    "imread": lambda source: fastpix.imread(source, dtype="int32"),
    "dicom_to_array": lambda source: fastpix.dicom_to_array(source, dtype="int32"),
    "open": lambda source: fastpix.open(source).read(dtype="int32"),
    "again": lambda source: pickle.loads(pickle.dumps(fastpix.open(source))).read(dtype="int32"),
    "frames": lambda source: list(fastpix.open(source).iter_frames(dtype="int32")),
    "many": lambda source: list(fastpix.imread_many([source], dtype="int32")),
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "Doe^John" / "file.dcm"
    path.parent.mkdir()
    path.write_bytes(BROKEN[request.param])
    return path


def error_of(read: Read, source: Any) -> FastpixError:
    with pytest.raises(FastpixError) as caught:
        read(source)
    return caught.value


@pytest.mark.parametrize("kind", [str, Path])
@every("read", READS)
def test_an_error_names_its_path(broken: Path, read: str, kind: type[Any]) -> None:
    source = kind(broken)
    error = error_of(READS[read], source)
    assert error.source == source
    assert type(error.source) is type(source)
    assert error.__notes__ == [f"The source is {broken}"]
    assert f"\nThe source is {broken}\n" in "".join(traceback.format_exception(error))
    assert "Doe" not in error.storable
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (back.source, back.__notes__) == (source, error.__notes__)
        assert (str(back), back.storable) == (str(error), error.storable)


def test_an_error_that_is_yielded(broken: Path) -> None:
    (error,) = fastpix.imread_many([broken], dtype="int32", on_error="yield")
    assert isinstance(error, FastpixError)
    assert error.source is broken


@pytest.mark.parametrize("method", [fastpix.Image.plan, fastpix.Image.read])
def test_the_header_of_an_image(tmp_path: Path, method: Callable[..., Any]) -> None:
    path = tmp_path / "slice.dcm"
    path.write_bytes(BROKEN["slope"])
    image = fastpix.open(path)
    assert error_of(method, image).source is path
    assert error_of(lambda one: one.slope_intercept, image).source is path
    image.close()
    assert error_of(fastpix.Image.stored, image).source is path
    assert error_of(lambda one: one.dataset, image).source is path


def test_no_error_without_a_source() -> None:
    with pytest.raises(fastpix.ArgumentError) as caught:
        fastpix.Recipe(dtype="complex64")
    assert caught.value.source is None
    assert not hasattr(caught.value, "__notes__")
    assert "source" not in vars(caught.value)


def test_bytes_files_and_data_sets_in_words(tmp_path: Path) -> None:
    data = BROKEN["header"]
    path = tmp_path / "slice.dcm"
    path.write_bytes(data)
    words = f"{len(data)} bytes in memory"
    for source in (data, bytearray(data), memoryview(data)):
        assert error_of(fastpix.imread, source).source == words
    for read in READS.values():
        assert error_of(read, data).source == words
        assert error_of(read, io.BytesIO(data)).source == "a binary file (BytesIO)"
        dataset = pydicom.dcmread(path)
        assert error_of(read, dataset).source == f"a pydicom Dataset of {path}"
        with path.open("rb") as file:
            assert error_of(read, file).source == f"a binary file (BufferedReader) of {path}"
    bare = Dataset()
    bare.update(dataset)
    assert name_of(bare) == "a pydicom Dataset"
    assert error_of(fastpix.imread, 7).source == "a int"


class Odd(os.PathLike[str]):
    """A path that is asked once."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def __fspath__(self) -> str:
        if self.path is None:
            raise ZeroDivisionError
        return str(self.path)


def test_path_like_objects_by_their_path(broken: Path) -> None:
    error = error_of(READS["imread"], Odd(broken))
    assert error.source == str(broken)
    assert pickle.loads(pickle.dumps(error)).source == str(broken)
    assert name_of(Odd(None)) == "a Odd"
    view = memoryview(b"123")
    view.release()
    assert name_of(view) == "a memoryview"


def test_errors_that_are_not_ours(tmp_path: Path) -> None:
    """Python's own name the path themselves; others get the note alone, and once."""
    with pytest.raises(FileNotFoundError) as missing:
        fastpix.imread(tmp_path / "missing.dcm")
    assert missing.value.filename == str(tmp_path / "missing.dcm")
    assert not hasattr(missing.value, "__notes__")
    with pytest.raises(ZeroDivisionError) as caught:
        fastpix.imread(Odd(None))
    assert caught.value.__notes__ == ["The source is a Odd"]
    for name in ("a Odd", "another", None):
        add_source(caught.value, name)
    assert caught.value.__notes__ == ["The source is a Odd", "The source is another"]
    unnamed = OSError(5, "Input/output error")
    add_source(unnamed, "slice.dcm")
    assert unnamed.__notes__ == ["The source is slice.dcm"]


def test_a_warning_that_is_raised_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "slice.dcm"
    path.write_bytes(slice_of(1, RescaleSlope="0"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(HeaderWarning) as caught:
            fastpix.imread(path)
    assert caught.value.__notes__ == [f"The source is {path}"]


def test_the_first_source_stays(tmp_path: Path) -> None:
    error = fastpix.NotDicomError("it is text")
    add_source(error, "a.dcm")
    add_source(error, "b.dcm")
    assert (error.source, error.__notes__) == ("a.dcm", ["The source is a.dcm"])


# Warnings of imread_many

ODD = "RescaleSlope (0028,1053) is 0, some vendors' way to say absent: read as 1"
ALSO = "HighBit (0028,0102) is 3, impossible: read as BitsStored - 1, 11"


@pytest.mark.parametrize("threads", [1, 3])
def test_warnings_are_the_callers_own(tmp_path: Path, threads: int) -> None:
    """Each once for its file, in order, at the line that asks for the array."""
    paths = write_series(tmp_path, 70)
    odd = [5, 6, 40, 69]
    for k in odd:
        paths[k].write_bytes(slice_of(k, RescaleSlope="0", HighBit=3 if k == 40 else 11))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # once for a line and a text
        line = inspect.stack()[0].lineno + 1
        arrays = list(fastpix.imread_many(paths, threads=threads))
    assert len(arrays) == 70
    texts = [(k, text) for k in odd for text in ((ALSO, ODD) if k == 40 else (ODD,))]
    assert [str(w.message) for w in caught] == [
        f"{text} (source: {paths[k]})" for k, text in texts
    ]  # fmt: skip
    for warned, (k, _) in zip(caught, texts, strict=True):
        assert isinstance(warned.message, HeaderWarning)
        assert warned.message.source is paths[k]
        assert pickle.loads(pickle.dumps(warned.message)).source == paths[k]
        assert (warned.filename, warned.lineno) == (__file__, line)


def test_a_warning_comes_before_its_array(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 9)
    paths[4].write_bytes(slice_of(4, RescaleSlope="0"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        counts = [len(caught) for _ in fastpix.imread_many(paths)]
    assert counts == [0] * 4 + [1] * 5


def test_warnings_of_a_file_that_fails(tmp_path: Path) -> None:
    """Both are told, the warning first."""
    path = tmp_path / "slice.dcm"
    path.write_bytes(slice_of(4, HighBit=3)[:-5])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (error,) = fastpix.imread_many([path], on_error="yield")
    assert isinstance(error, fastpix.PixelDataError)
    assert [str(w.message) for w in caught] == [f"{ALSO} (source: {path})"]


def test_filters_of_the_caller_hold(tmp_path: Path) -> None:
    """Those that are there when an array is taken, whatever thread has read it."""
    paths = write_series(tmp_path, 8, RescaleSlope="0")
    reading = fastpix.imread_many(paths, threads=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        next(reading)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"RescaleSlope \(0028,1053\) is 0")
        assert len(list(reading)) == 7


def test_imread_warns_at_once() -> None:
    with pytest.warns(HeaderWarning) as caught:
        fastpix.imread(slice_of(1, RescaleSlope="0"))
    assert [str(w.message) for w in caught] == [ODD]
    assert caught[0].message.source is None  # type: ignore[union-attr]


def test_texts_are_kept_for_another_thread_only_while_asked() -> None:
    with warnings_kept() as texts:
        warn_caller("first")
        with warnings_kept() as within:
            warn_caller("second")
        with pytest.warns(fastpix.DecoderWarning, match="of a job"):
            warn_caller("of a job", fastpix.DecoderWarning)
    assert (texts, within) == (["first"], ["second"])
    with pytest.warns(HeaderWarning, match="third"):
        warn_caller("third")


# What sidecars call slope_intercept


def test_slope_and_intercept() -> None:
    image = fastpix.open(slice_of(1, RescaleSlope="0.5", RescaleIntercept="-3"))
    assert image.slope_intercept == image.plan().slope_intercept == ((0.5, -3.0),)
    assert image.plan().to_dict()["slope_intercept"] == [[0.5, -3.0]]
    assert image.plan(rescale=False).slope_intercept == ((1.0, 0.0),)
    image = fastpix.open(encode(make_dataset(Modality="RTDOSE", DoseGridScaling="0.25")))
    assert image.slope_intercept == ((0.25, 0.0),)
    color = make_dataset(np.zeros((1, 2, 3), np.uint8), SamplesPerPixel=3)
    assert fastpix.open(encode(color)).slope_intercept == ()
