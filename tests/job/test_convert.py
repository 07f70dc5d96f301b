"""The main job: values are imread's, rows say what was done, a run does what is missing alone."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset, make_item
from support.jobs import Folders, quiet_imread
from support.real_files import WHEEL, files_under

import fastpix
from fastpix import ArgumentError, DecoderWarning, FastpixError, Recipe
from fastpix.errors import is_no_image
from fastpix.job.conversion import Progress

pytestmark = pytest.mark.usefixtures("in_this_process")

CUT = encode(make_dataset())[:-3]


def ct(values: Any = ((0, 1), (2, 3)), **more: Any) -> bytes:
    return encode(make_dataset(np.array(values, np.uint16), Modality="CT", **more))


def opened_by(call: Callable[[], Any], folder: Path) -> tuple[Any, list[str]]:
    """Return what a call returns, and which files of a folder it opened."""
    opened: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and watching and str(arguments[0]).startswith(str(folder)):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    try:
        return call(), opened
    finally:
        watching.clear()


# Values


def imread_or_error(path: Path, recipe: Recipe) -> tuple[Any, tuple[str, str] | None]:
    """Return values, or what a failure says; neither of what is no image."""
    try:
        return quiet_imread(path, recipe), None
    except FastpixError as error:
        return None, None if is_no_image(error) else (type(error).__name__, error.storable)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(dtype="auto", rescale=False, invert="range"),
        Recipe(dtype="float64", normalize=(-100.0, 200.0), invert="none", padding=float("nan")),
        Recipe(dtype="auto", padding=0),
    ],
    ids=["default", "stored", "normalize", "auto"],
)
@pytest.mark.parametrize("kernel", ["compiled", "numpy"])
def test_values_are_imreads(recipe: Recipe, kernel: str, folders: Folders) -> None:
    """Every file that can be read is there, byte for byte, and no other."""
    name = fastpix.kernels()[-1] if kernel == "compiled" else "numpy"
    with warnings.catch_warnings(), fastpix.use_kernel(name):
        warnings.simplefilter("ignore", DecoderWarning)
        summary = fastpix.convert(WHEEL, folders.dst, recipe=recipe, workers=1)
        cache = folders.cache()
        rows = folders.rows()
        names = folders.names()
        for path in files_under(WHEEL):
            own = names.of_path(path.relative_to(WHEEL).as_posix())
            row = rows.pop(own)
            wanted, error = imread_or_error(path, recipe)
            if wanted is None:
                assert own not in cache.names
                failure = (row["error"], row["reason"]) if row["status"] == "failed" else None
                assert failure == error
                continue
            found = cache[own]
            assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
            assert found.tobytes() == wanted.tobytes()
            out = np.empty_like(wanted)
            assert cache.read(own, out=out) is out
            assert out.tobytes() == wanted.tobytes()
    assert rows == {}
    assert len(cache) == summary.converted > 50
    assert summary.counts.files == len(files_under(WHEEL))


def test_stored_integers_are_as_narrow_as_their_bits(folders: Folders) -> None:
    folders.add("8 of 16", encode(make_dataset(np.array([[0, 200]], np.uint16), BitsStored=8)))
    folders.add("12 of 16", encode(make_dataset(np.array([[-5, 7]], np.int16), BitsStored=12)))
    folders.convert()
    cache = folders.cache()
    dtypes = {cache.stored(k).dtype.name: cache.stored(k).tolist() for k in range(2)}
    assert dtypes == {"uint8": [[0, 200]], "int16": [[-5, 7]]}
    assert {cache[k].dtype.name for k in range(2)} == {"float32"}


def test_values_that_the_dtype_cannot_hold_fail(folders: Folders) -> None:
    path = folders.add("half", ct(RescaleSlope="0.5", RescaleIntercept="0"))
    folders.add("whole", ct(RescaleSlope="2", RescaleIntercept="0"))
    summary = folders.convert(recipe=Recipe(dtype="int16"))
    assert (summary.converted, summary.failed) == (1, 1)
    assert folders.row(path)["error"] == "InexactError"
    assert folders.cache()[0].tolist() == [[0, 2], [4, 6]]


def test_volumes_are_read_series_s(folders: Folders) -> None:
    """One series of slices with slopes of their own, shuffled names, and a file of another."""
    rng = np.random.default_rng(5)
    for k in range(4):
        data = ct(
            rng.integers(0, 1000, (5, 6)), ImagePositionPatient=[0, 0, 2.5 * k],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[0.5, 0.75],
            RescaleSlope=str(1 + k), RescaleIntercept="-3", SeriesInstanceUID="1.2.3",
            SOPInstanceUID=f"1.2.3.{k}", SliceThickness="2.5",
        )  # fmt: skip
        folders.add(f"{(k * 7) % 4}.dcm", data)
    folders.add("other.dcm", ct(SeriesInstanceUID="1.2.4", SOPInstanceUID="1.2.4.1"))
    folders.add("text.txt", b"no image at all")
    summary = folders.convert(unit="series", format="tar")
    assert (summary.converted, summary.not_images, summary.counts.samples) == (5, 1, 2)
    cache = folders.cache()
    (name,) = (n for n in cache.names if cache.row(n)["files"] == 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (stack,) = (s for s in fastpix.open_series(folders.src) if s.shape[0] == 4)
        wanted = stack.read()
    found = cache.volume(name)
    assert found.array.tobytes() == wanted.array.tobytes()
    assert found.affine is not None
    assert wanted.affine is not None
    assert found.affine.tobytes() == wanted.affine.tobytes()
    assert (found.kind, found.unit, found.modality) == (wanted.kind, wanted.unit, "CT")
    assert cache.stored(name).dtype == np.uint16
    kinds = [row["kind"] for row in folders.rows().values()]
    assert sorted(kinds) == ["file"] * 5 + ["series"] * 3 + ["volume"] * 2


def slice_of(k: int, series: str = "1.2") -> bytes:
    return ct(
        ((k, k), (k, k)),
        ImagePositionPatient=[0, 0, k],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[1, 1],
        SliceThickness="1",
        SeriesInstanceUID=series,
        SOPInstanceUID=f"{series}.{k}",
    )


def test_a_series_that_has_changed_is_done_again_whole(folders: Folders) -> None:
    for k in range(3):
        folders.add(str(k), slice_of(k))
    assert folders.convert(unit="series").converted == 3
    summary, opened = opened_by(lambda: folders.convert(unit="series"), folders.src)
    assert opened == []
    assert summary.present == 3
    folders.add("3", slice_of(3))
    assert folders.convert(unit="series").converted == 4
    cache = folders.cache()
    assert [cache[k].shape for k in range(len(cache))] == [(4, 2, 2)]
    (folders.src / "3").unlink()
    assert folders.convert(unit="series").converted == 3
    assert folders.cache()[0][:, 0, 0].tolist() == [0, 1, 2]


def test_a_file_of_a_series_that_cannot_be_read_fails_the_series(folders: Folders) -> None:
    for k in range(3):
        folders.add(str(k), slice_of(k))
    folders.add("1", slice_of(1)[:-3])
    summary = folders.convert(unit="series")
    assert (summary.converted, summary.failed) == (0, 3)
    (top,) = (row for row in folders.rows().values() if row["kind"] == "series")
    assert "Pixel Data (7FE0,0010) holds 5 bytes, 8 are needed" in top["reason"]


def test_sources_that_are_missing_cost_one_failure_each(folders: Folders) -> None:
    path = folders.add("a", ct())
    sources = [path, folders.src / "DOE^JOHN", folders.src / "none"]
    summary = fastpix.convert(sources, folders.dst, workers=1)
    assert (summary.converted, summary.failed) == (1, 2)
    assert summary.reasons() == [("FileNotFoundError: No such file or directory", 2)]


def test_a_series_with_a_missing_slice_is_told_or_filled(folders: Folders) -> None:
    for k in (0, 1, 3):
        folders.add(str(k), ct(
            ImagePositionPatient=[0, 0, k], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1], SliceThickness="1", SeriesInstanceUID="1.2",
            SOPInstanceUID=f"1.{k}",
        ))  # fmt: skip
    assert folders.convert(unit="series", format="tar").failed == 3
    (top,) = (row for row in folders.rows().values() if row["kind"] == "series")
    assert (top["status"], top["error"]) == ("failed", "SeriesError")
    assert "missing_slices" in top["reason"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folders.convert(unit="series", format="tar", gaps="fill", replace=True)
        wanted = fastpix.read_series(folders.src, gaps="fill").array
    assert folders.cache()[0].tobytes() == wanted.tobytes()
    assert np.isnan(wanted[2]).all()


# Rows


def test_a_row_says_what_was_done(folders: Folders) -> None:
    dataset = make_dataset(
        np.array([[0, 1], [4094, 4095]], np.uint16),
        BitsStored=12,
        Modality="CT",
        Manufacturer="SIEMENS",
        ManufacturerModelName="SOMATOM Definition Flash",
        RescaleSlope="2",
        RescaleIntercept="-1024",
        PixelSpacing=[0.5, 0.75],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[1, 2, 3],
        SliceThickness="5",
        SpacingBetweenSlices="4",
        PatientID=" 12 ",
        IssuerOfPatientID="hospital",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
        FrameOfReferenceUID="1.2.5",
        InstanceNumber="7",
        AcquisitionNumber="8",
        TemporalPositionIdentifier="9",
        BurnedInAnnotation="NO",
        HighBit=None,
    )
    path = folders.add("a/ct", encode(dataset))
    folders.convert()
    row, names = folders.row(path), folders.names()
    assert row["notes"] == [note for note in row["notes"] if "HighBit (0028,0102)" in note]
    expected = {
        "kind": "image", "status": "done", "generation": 1, "files": 1, "modality": "CT",
        "manufacturer": "Siemens", "model": "SOMATOM Definition Flash", "unit": "HU",
        "transfer_syntax": "Explicit VR Little Endian", "photometric": "MONOCHROME2",
        "sop_class": "Secondary Capture Image Storage", "burned_in_annotation": "NO",
        "rows": 2, "columns": 2, "frames": 1, "bits_allocated": 16, "bits_stored": 12,
        "high_bit": 11, "signed": False, "shape": [2, 2], "dtype": "uint16", "output": "float32",
        "patient": names.of_patient("12", "hospital"), "study": names.of_uid("1.2.3"),
        "series": names.of_uid("1.2.4"), "frame_of_reference": names.of_uid("1.2.5"),
        "sop_instance": names.of_uid(str(dataset.SOPInstanceUID)),
        "instance_number": 7, "acquisition_number": 8, "temporal_position": 9,
        "pixel_spacing": [0.5, 0.75], "orientation": [1, 0, 0, 0, 1, 0], "position": [1, 2, 3],
        "slice_thickness": 5, "spacing_between_slices": 4, "is_detector_spacing": False,
        "min": -1024, "max": 7166, "mean": 3071, "std": pytest.approx(4094.0005, abs=1e-3),
        "padding_pixels": 0, "nan_pixels": 0,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert json.loads(row["steps"]) == {"output": "float32", "slope": 2.0, "intercept": -1024.0}
    assert row["name"] == row["item"] == names.of_path("a/ct")


def test_decoders_are_named_with_versions(folders: Folders) -> None:
    path = folders.add("rle", (WHEEL / "SC_rgb_rle_2frame.dcm").read_bytes())
    folders.convert()
    assert folders.row(path)["decoders"] == f"fastpix {fastpix.__version__}"


def test_geometry_of_functional_groups(folders: Folders) -> None:
    shared = make_item(PixelMeasuresSequence=[make_item(PixelSpacing=[2, 3])])
    frames = [
        make_item(
            PlaneOrientationSequence=[make_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PlanePositionSequence=[make_item(ImagePositionPatient=[0, 0, 4 * k])],
        )
        for k in range(2)
    ]
    path = folders.add("enhanced", encode(make_dataset(
        np.zeros((2, 2, 2), np.uint16), SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames, NumberOfFrames="2")))  # fmt: skip
    folders.convert()
    row = folders.row(path)
    assert row["pixel_spacing"] == [2, 3]
    assert row["spacing_between_slices"] == 4
    wanted = fastpix.open(path).affine
    assert wanted is not None
    assert row["affine"] == wanted.ravel().tolist()


def test_files_without_a_patient_are_one_patient(folders: Folders) -> None:
    patients = {"a": "", "b": None, "c": "1", "d": "1 "}
    paths = {k: folders.add(k, ct(PatientID=v)) for k, v in patients.items()}
    folders.convert()
    found = {k: folders.row(path)["patient"] for k, path in paths.items()}
    assert found["a"] == found["b"] != found["c"] == found["d"]


# Runs


def test_nothing_is_opened_when_nothing_changed(folders: Folders) -> None:
    for k in range(5):
        folders.add(f"{k}.dcm", ct(SOPInstanceUID=f"1.{k}"))
    folders.add("cut", CUT)
    folders.add("text", b"none")
    first, opened = opened_by(folders.convert, folders.src)
    assert len(set(opened)) == 7
    before = {path: path.stat().st_mtime_ns for path in folders.dst.rglob("*") if path.is_file()}
    second, opened = opened_by(folders.convert, folders.src)
    assert opened == []
    assert (first.converted, first.failed, first.not_images) == (5, 1, 1)
    assert (second.converted, second.present, second.failed) == (0, 6, 1)
    after = {path: path.stat().st_mtime_ns for path in folders.dst.rglob("*") if path.is_file()}
    assert after == before


def test_what_changed_or_is_new_is_done_again(folders: Folders) -> None:
    path = folders.add("a", ct(((1, 1), (1, 1))))
    folders.add("b", ct())
    folders.convert()
    folders.add("a", ct(((9, 9), (9, 9))) + b"")
    os.utime(path, (1, 1))
    folders.add("c", ct())
    summary = folders.convert()
    assert (summary.converted, summary.present) == (2, 1)
    assert len(folders.cache()) == 3
    assert folders.cache()[folders.name(path)].max() == 9


def test_a_source_that_breaks_leaves_no_stale_output(folders: Folders) -> None:
    path = folders.add("a", ct())
    folders.convert()
    folders.add("a", CUT)
    assert folders.convert().failed == 1
    assert len(folders.cache()) == 0
    assert folders.row(path)["error"] == "PixelDataError"
    folders.add("a", ct())
    os.utime(path, (5, 5))
    assert folders.convert().converted == 1


def test_failures_are_tried_again_when_asked(folders: Folders) -> None:
    folders.add("cut", CUT)
    folders.convert()
    _, opened = opened_by(folders.convert, folders.src)
    assert opened == []
    summary, opened = opened_by(lambda: folders.convert(retry_failed=True), folders.src)
    assert opened
    assert summary.failed == 1


def test_the_folder_may_move(folders: Folders) -> None:
    folders.add("a/b", ct())
    folders.convert()
    moved = folders.src.with_name("moved")
    folders.src.rename(moved)
    summary = fastpix.convert(moved, folders.dst, workers=1)
    assert (summary.present, summary.converted, summary.vanished) == (1, 0, 0)


def test_vanished_sources_are_counted_and_pruned(folders: Folders) -> None:
    paths = [folders.add(str(k), ct(SOPInstanceUID=f"1.{k}")) for k in range(3)]
    folders.convert()
    paths[1].unlink()
    assert folders.convert().vanished == 1
    assert len(folders.cache()) == 3
    summary = folders.convert(prune=True)
    assert (summary.vanished, summary.pruned) == (1, 1)
    assert len(folders.cache()) == 2
    assert folders.convert().vanished == 0
    folders.add("1", ct(SOPInstanceUID="1.1"))
    assert folders.convert().converted == 1
    assert len(folders.cache()) == 3


def test_files_that_are_being_written_are_left_for_the_next_run(folders: Folders) -> None:
    path = folders.add("growing", CUT, old=False)
    folders.add("no image yet", b"\0" * 100, old=False)
    folders.add("whole", ct(), old=False)
    summary = folders.convert()
    assert (summary.counts.waiting, summary.failed, summary.converted) == (2, 0, 1)
    assert [row["status"] for row in folders.rows().values()] == ["done"]
    path.write_bytes(ct())
    assert folders.convert().converted == 1


def test_other_settings_are_refused(folders: Folders) -> None:
    folders.add("a", ct(RescaleSlope="2", RescaleIntercept="0"))
    folders.convert()
    with pytest.raises(ArgumentError, match="dtype is 'float32' there, and 'float64' is asked for"):
        folders.convert(recipe=Recipe("float64"))
    assert folders.cache()[0].dtype == np.float32
    folders.convert(recipe=Recipe("float64"), replace=True)
    assert folders.cache()[0].dtype == np.float64
    key = folders.dst.with_name("dst.key")
    key.unlink()
    with pytest.raises(ArgumentError, match="another key"):
        folders.convert(recipe=Recipe("float64"))


def test_filters(folders: Folders) -> None:
    folders.add("ct", ct())
    folders.add("mr", encode(make_dataset(Modality="MR")))
    folders.add("cut", ct()[:-3])
    summary = folders.convert(only="modality in CT,PT")
    assert (summary.converted, summary.counts.left_out, summary.failed) == (1, 1, 1)
    _, opened = opened_by(lambda: folders.convert(only="modality in CT,PT"), folders.src)
    assert opened == []
    assert len(folders.cache()) == 1
    with pytest.raises(ArgumentError, match="only"):
        folders.convert()


@pytest.mark.parametrize("what", ["keep", "first", "error"])
def test_duplicates(what: Any, folders: Folders) -> None:
    for name in ("a", "b"):
        folders.add(name, ct(SOPInstanceUID="1.2.3"))
    folders.add("c", ct(SOPInstanceUID="1.2.4"))
    assert folders.convert(duplicates=what).duplicates == 1
    if what == "error":
        with pytest.raises(FastpixError, match="1 images have the SOP Instance UID of another"):
            folders.cache()
    else:
        assert len(folders.cache()) == {"keep": 3, "first": 2}[what]


def test_shards_of_a_job(folders: Folders) -> None:
    for k in range(20):
        folders.add(str(k), ct(SOPInstanceUID=f"1.{k}"))
    done = [folders.convert(shard=(k, 3)).converted for k in range(3)]
    assert sum(done) == 20
    assert min(done) > 0
    assert len(folders.cache()) == 20
    assert folders.convert().present == 20


def test_progress_counts_up_to_all(folders: Folders) -> None:
    for k in range(5):
        folders.add(str(k), ct())
    seen: list[Progress] = []
    folders.convert(on_progress=seen.append)
    assert (seen[-1].found, seen[-1].is_scanned, seen[-1].counts.files) == (5, True, 5)


def test_what_is_going_to_fail_is_told_first(folders: Folders) -> None:
    color = make_dataset(
        np.zeros((2, 2, 3), np.uint8), Modality="OP", PhotometricInterpretation="RGB",
        SamplesPerPixel=3, PlanarConfiguration=0, Rows=2, Columns=2, NumberOfFrames=None,
    )  # fmt: skip
    folders.add("color", encode(color))
    folders.add("ct", ct())
    told: list[str] = []
    summary = folders.convert(
        recipe=Recipe(normalize=(0, 1)), on_trouble=lambda found: told.extend(map(str, found))
    )
    assert (summary.converted, summary.failed) == (1, 1)
    (text,) = told
    assert text.startswith("1 of the first 2 images (OP, RGB): normalize cannot be used")
    with pytest.warns(DecoderWarning, match="OP, RGB"):
        folders.convert(recipe=Recipe(normalize=(0, 1)), retry_failed=True)


def test_the_output_may_lie_in_the_source_and_not_the_other_way_round(folders: Folders) -> None:
    folders.add("a", ct())
    inside = folders.src / "out"
    assert fastpix.convert(folders.src, inside, workers=1).converted == 1
    assert fastpix.convert(folders.src, inside, workers=1).counts.files == 1
    with pytest.raises(ArgumentError):
        fastpix.convert(inside / "manifest", inside, workers=1)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("workers", 0), ("timeout", 0), ("max_bytes", 0), ("recipe", {}), ("format", "jpeg"),
        ("unit", "study"), ("compress", "gzip"), ("duplicates", "last"), ("gaps", "squeeze"),
        ("shard", (3, 3)), ("only", "weather = fine"), ("window", (40, 0)),
    ],
)  # fmt: skip
def test_wrong_arguments(argument: str, value: Any, folders: Folders) -> None:
    folders.add("a")
    with pytest.raises(ArgumentError) as caught:
        folders.convert(**{argument: value})
    assert caught.value.argument in (argument, "only", "format", "unit")
    assert not folders.dst.exists() or not any(folders.dst.iterdir())


def test_max_bytes_bounds_each_image(folders: Folders) -> None:
    folders.add("a", encode(make_dataset(np.zeros((64, 64), np.uint16))))
    assert folders.convert(max_bytes=1000).failed == 1


# The cache


def test_the_cache_as_a_sequence(folders: Folders) -> None:
    for k in range(3):
        folders.add(str(k), ct(((k, k), (k, k)), SOPInstanceUID=f"1.{k}"))
    folders.convert()
    cache = folders.cache()
    assert cache.names == sorted(cache.names)
    assert [a.max() for a in cache] == [cache[n].max() for n in cache.names]
    assert cache[-1].tolist() == cache[2].tolist()
    assert repr(cache) == "<fastpix.Cache: 3 images, tar>"
    with pytest.raises(IndexError):
        cache[3]
    with pytest.raises(FastpixError, match="no sample"):
        cache["x"]
    copy = pickle.loads(pickle.dumps(cache))
    assert copy[0].tolist() == cache[0].tolist()
    with pytest.raises(ArgumentError, match="C-contiguous"):
        cache.read(0, out=np.empty((2, 2)))
    assert all(Path(shard).is_file() for shard in cache.shards)
    assert set(cache.table.column("kind").to_pylist()) == {"image"}


@pytest.mark.parametrize("compress", ["none", "lz4", "zstd"])
def test_compressed_samples_are_imreads(compress: Any, folders: Folders) -> None:
    chance = np.random.default_rng(1)
    for k, shape in enumerate([(64, 64), (700, 900), (40, 30), (3, 20, 30), (64, 64)]):
        cells = chance.integers(0, 2 ** (3 * k), shape).astype(np.uint16)
        folders.add(str(k), encode(make_dataset(cells, SOPInstanceUID=f"1.{k}")))
    folders.convert(compress=compress)
    cache = folders.cache()
    expected = {folders.name(path): fastpix.imread(path) for path in folders.src.iterdir()}
    for _ in range(2):
        found = {name: cache[name] for name in cache.names}  # held: no buffer is used twice
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert found[name].dtype == array.dtype
            assert found[name].tobytes() == array.tobytes()
            out = np.empty_like(array)
            assert cache.read(name, out) is out
            assert out.tobytes() == array.tobytes()


@pytest.mark.parametrize("compress", ["lz4", "zstd"])
def test_damage_of_compressed_samples_is_noticed_by_a_read(compress: Any, folders: Folders) -> None:
    folders.add("a", ct(np.arange(64 * 64).reshape(64, 64) % 4096))
    folders.convert(compress=compress)
    cache = folders.cache()
    (shard,) = map(Path, cache.shards)
    data = bytearray(shard.read_bytes())
    row = cache.row(0)
    data[row["offset"] + row["length"] // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(FastpixError, match="checksum"):
        folders.cache()[0]
    shard.write_bytes(data[: row["offset"] + 9])
    with pytest.raises(FastpixError, match="cut off"):
        folders.cache()[0]


def test_damage_is_noticed(folders: Folders) -> None:
    folders.add("a", encode(make_dataset(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))))
    folders.convert()
    (shard,) = folders.cache().shards
    data = bytearray(Path(shard).read_bytes())
    cache = folders.cache()
    cache.verify(0)
    offset = cache.row(0)["offset"]
    data[offset + 10] ^= 1
    Path(shard).write_bytes(data)  # of the same size
    with pytest.raises(FastpixError, match="checksum"):
        folders.cache().verify(0)
    Path(shard).write_bytes(data[: offset + 100])
    with pytest.raises(FastpixError, match="cut off"):
        folders.cache()[0]
    Path(shard).unlink()
    with pytest.raises(FastpixError, match="missing"):
        folders.cache()[0]


def test_a_shard_that_was_committed_and_not_named_is_read_and_named(folders: Folders) -> None:
    folders.add("a", ct())
    folders.convert()
    (shard,) = map(Path, folders.cache().shards)
    attempt = shard.name.rpartition("-")[2].removesuffix(".tar")
    shard.rename(shard.with_name(f".{shard.name}.{attempt}.writing"))
    assert folders.cache()[0].max() == 3
    folders.cache().verify(0)
    folders.convert()
    assert shard.exists()
    assert [path.name for path in shard.parent.iterdir()] == [shard.name]


def test_what_is_no_cache(tmp_path: Path) -> None:
    for call in (fastpix.open_cache, fastpix.read_manifest):
        with pytest.raises(FastpixError, match=r"no dataset\.json"):
            call(tmp_path)


def test_collecting_garbage(folders: Folders) -> None:
    from fastpix.job.gc import collect

    paths = [folders.add(str(k), ct(((k, k), (k, k)), SOPInstanceUID=f"1.{k}")) for k in range(4)]
    folders.convert()
    (before,) = folders.cache().shards
    folders.add("0", ct(((70, 70), (70, 70)), SOPInstanceUID="1.0"))
    os.utime(paths[0], (9, 9))
    paths[1].unlink()
    folders.convert(prune=True)
    assert len(folders.cache().shards) == 2
    shutil.rmtree(folders.dst / "runs")
    found = collect(folders.dst)
    assert (found.rewritten, found.lost) == (1, 0)
    assert not Path(before).exists()
    cache = folders.cache()
    values = {name: cache[name].max() for name in cache.names}
    assert values == {
        folders.name(p): v for p, v in zip(paths, (70, 1, 2, 3), strict=True) if v != 1
    }
    for k in range(len(cache)):
        cache.verify(k)
    again = collect(folders.dst)
    assert (again.removed, again.rewritten, again.freed) == (0, 0, 0)
    assert folders.convert().present == 3


@pytest.mark.parametrize("form", ["tar", "npz", "b2nd"])
def test_replacing_settings_and_back_does_all_again(form: str, folders: Folders) -> None:
    folders.add("a", ct(RescaleSlope="1", RescaleIntercept="0"))
    folders.convert(format=form)
    folders.convert(format=form, recipe=Recipe(normalize=(0, 10)), replace=True)
    assert folders.cache()[0].max() == np.float32(0.3)
    assert folders.convert(format=form, replace=True).converted == 1
    assert folders.cache()[0].max() == 3
    assert folders.convert(format=form).present == 1


@pytest.mark.parametrize("form", ["npz", "b2nd", "tar"])
def test_files_of_a_run_that_died_before_it_named_them(form: str, folders: Folders) -> None:
    """Also where other values have the name: they are never given for the new ones."""
    path = folders.add("a", ct())
    folders.convert(format=form)
    folders.add("a", ct(((7, 7), (7, 7))))
    os.utime(path, (5, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastpix.job.storage.local_storage._LocalFile.publish", lambda self: None)
        folders.convert(format=form)
    if form != "tar":
        with pytest.raises(FastpixError):
            folders.cache()[0]
    assert folders.convert(format=form).present == 1
    assert folders.cache()[0].max() == 7
    assert not list(folders.dst.rglob("*.writing"))


@pytest.mark.parametrize("unit", ["file", "series"])
def test_arrays_that_are_lost_are_made_again(unit: Any, folders: Folders) -> None:
    from fastpix.job.gc import collect

    for k in range(3):
        folders.add(str(k), slice_of(k))
    folders.convert(unit=unit, format="tar")
    for shard in folders.cache().shards:
        Path(shard).unlink()
    shutil.rmtree(folders.dst / "runs")
    assert collect(folders.dst).lost == (3 if unit == "file" else 1)
    assert folders.convert(unit=unit, format="tar").converted == 3
    assert len(folders.cache()) == (3 if unit == "file" else 1)
    folders.cache().verify(0)


def test_garbage_of_series_leaves_what_is_live(folders: Folders) -> None:
    from fastpix.job.gc import collect

    for series in range(3):
        for k in range(2):
            folders.add(f"{series}/{k}", slice_of(k, f"1.{series}"))
    folders.convert(unit="series", format="tar")
    folders.add("0/2", slice_of(2, "1.0"))
    shutil.rmtree(folders.src / "1")
    folders.convert(unit="series", format="tar", prune=True)
    shutil.rmtree(folders.dst / "runs")
    before = len(folders.cache())
    assert collect(folders.dst).lost == 0
    cache = folders.cache()
    assert len(cache) == before == 2
    for k in range(len(cache)):
        cache.verify(k)


def test_what_cannot_be_listed_has_not_vanished(folders: Folders) -> None:
    import zipfile

    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(folders.src / name, "w") as archive:
            archive.writestr("x", ct(SOPInstanceUID=f"1.{ord(name[0])}"))
    sources = [folders.src / "a.zip", folders.src / "b.zip"]
    fastpix.convert(sources, folders.dst, workers=1)
    (folders.src / "b.zip").write_bytes((folders.src / "b.zip").read_bytes()[:-30])
    summary = fastpix.convert(sources, folders.dst, workers=1, prune=True)
    assert (summary.vanished, summary.pruned) == (0, 0)
    assert len(folders.cache()) == 2


def test_sure_failures_are_not_waited_for(folders: Folders) -> None:
    folders.add("half", ct(RescaleSlope="0.5", RescaleIntercept="0"), old=False)
    future = folders.add("cut", CUT)
    os.utime(future, (time.time() + 10_000,) * 2)
    assert folders.convert(recipe=Recipe("int16")).failed == 2


def test_a_copy_of_a_slice_is_an_image(folders: Folders) -> None:
    for k in range(3):
        folders.add(str(k), slice_of(k))
    folders.add("copy", slice_of(1))
    summary = folders.convert(unit="series", format="tar")
    assert (summary.converted, summary.not_images) == (4, 0)
    assert folders.cache()[0].shape == (3, 2, 2)


def test_no_garbage_is_collected_while_a_run_is_alive(folders: Folders) -> None:
    from fastpix.job.gc import collect
    from fastpix.job.maintenance import run_marked
    from fastpix.job.storage.local_storage import LocalStorage

    folders.add("a", ct())
    folders.convert()
    with (
        run_marked(LocalStorage(folders.dst)),
        pytest.raises(FastpixError, match="a run is writing"),
    ):
        collect(folders.dst)
    (folders.dst / "runs").mkdir(exist_ok=True)
    dead = folders.dst / "runs" / "dead"
    dead.touch()
    os.utime(dead, (time.time() - 10_000,) * 2)
    collect(folders.dst)
    assert not dead.exists()
