"""FastpixReader against MONAI's own PydicomReader, which it takes the place of."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, RLELossless
from support.builders import compress, encode, make_dataset, make_group, make_item
from support.real_files import (
    NO_CORPUS,
    WHEEL,
    corpus_files,
    corpus_parameters,
    file_id,
    files_under,
)

import fastpix
from fastpix.errors import ArgumentError, HeaderWarning, PixelHeaderError, SeriesError

pytest.importorskip("monai", reason="needs MONAI: pip install 'fastpix[monai]'")

import torch
from monai.data import DataLoader, MetaTensor, PydicomReader
from monai.data import Dataset as MonaiDataset
from monai.transforms import LoadImage, LoadImaged
from support.oracle import TWINS, expected

from fastpix.interop.monai_reader import FastpixReader

# LoadImage makes one of each of MONAI's readers, and this one warns where its library is missing.
pytestmark = pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader:UserWarning")

CT, MR = WHEEL / "CT_small.dcm", WHEEL / "MR_small.dcm"
NO_AFFINE = r"(?s)PydicomReader: ImageOrientationPatient .* tags are missing"
Result = tuple[NDArray[Any], dict[str, Any]]


def get_data(reader: Any, source: Any) -> Result:
    """What a reader makes of a source; that MONAI found no affine is no matter here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", NO_AFFINE, UserWarning)
        array, metadata = reader.get_data(reader.read(source))
    return array, metadata


def assert_same(ours: Result, theirs: Result) -> None:
    """Shape, order of axes, values and metadata; float32 may stand for MONAI's float64."""
    array, metadata = theirs
    if array.dtype != np.float64 or ours[0].dtype != np.float32:
        assert ours[0].dtype == array.dtype.newbyteorder("=")
    assert ours[0].shape == array.shape
    assert ours[0].tobytes() == array.astype(ours[0].dtype).tobytes()
    assert ours[0].flags.c_contiguous
    np.testing.assert_equal(ours[1], metadata)


def assert_reads_same(source: Any, **options: Any) -> Result:
    """Read with both, compare, and return what ours gave."""
    ours = get_data(FastpixReader(**options), source)
    assert_same(ours, get_data(PydicomReader(**options), source))
    return ours


def write(path: Path, dataset: Dataset, syntax: str | None = None) -> Path:
    path.write_bytes(encode(dataset) if syntax is None else encode(dataset, syntax))
    return path


def ct_slice(number: int, **attributes: Any) -> Dataset:
    """Slice `number` (from 1) of a CT series: 3 x 4, its values unlike those of any other."""
    cells = np.arange(12, dtype=np.int16).reshape(3, 4) + 100 * number
    geometry = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"1.2.826.0.1.3680043.10.1.{number}",
        "Modality": "CT",
        "InstanceNumber": number,
        "ImagePositionPatient": [-10, 20, 2.5 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 0.8, -0.6],
        "PixelSpacing": [0.5, 0.75],
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
    }
    return make_dataset(cells, **(geometry | attributes))


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A folder of five slices whose names do not follow their instance numbers."""
    folder = tmp_path / "series"
    folder.mkdir()
    for name, number in zip("abcde", (3, 5, 1, 2, 4), strict=True):
        write(folder / f"{name}.dcm", ct_slice(number, RescaleSlope=f"{number / 8}"))
    return folder


# The same as PydicomReader


OPTIONS: list[dict[str, Any]] = [
    {},
    {"affine_lps_to_ras": False},
    {"swap_ij": False},
    {"prune_metadata": False},
    {"channel_dim": "no_channel"},
    {"defer_size": "1 KB"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("path", [CT, MR], ids=file_id)
def test_one_slice(path: Path, options: dict[str, Any]) -> None:
    array, metadata = assert_reads_same(path, **options)
    stored = pydicom.dcmread(path).pixel_array
    assert array.shape == (stored.T if options.get("swap_ij", True) else stored).shape
    assert not np.array_equal(metadata["affine"], np.eye(4))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_folder_is_a_sorted_stack(series: Path, options: dict[str, Any]) -> None:
    array, metadata = assert_reads_same(series, **options)
    assert array.shape == ((4, 3, 5) if options.get("swap_ij", True) else (3, 4, 5))
    assert array.dtype == np.float32
    assert array[0, 0].tolist() == [100 * n * n / 8 - 1024 for n in range(1, 6)]
    assert metadata["spacing"][2] == 2.5


def test_folder_of_one_file(tmp_path: Path) -> None:
    write(tmp_path / "only.dcm", ct_slice(1))
    assert assert_reads_same(tmp_path)[0].shape == (4, 3)


def test_names_are_matched(series: Path) -> None:
    assert assert_reads_same(series, fname_regex=r".*[abc]\.dcm")[0].shape == (4, 3, 3)
    (series / "notes.txt").write_text("no DICOM")
    assert assert_reads_same(series, fname_regex=None)[0].shape == (4, 3, 5)
    for reader in (PydicomReader(), FastpixReader()):
        with pytest.warns(UserWarning, match=r"Failed to read .*notes\.txt"):
            assert get_data(reader, series)[0].shape == (4, 3, 5)


def test_slices_without_a_number_are_left_out(series: Path) -> None:
    """As MONAI does; a volume has them at their places."""
    write(series / "f.dcm", ct_slice(6, InstanceNumber=None))
    results = []
    for reader in (PydicomReader(), FastpixReader(spacing_check="monai")):
        with pytest.warns(UserWarning, match=r"f\.dcm does not have InstanceNumber"):
            results.append(get_data(reader, series))
    assert_same(results[1], results[0])
    array, _ = get_data(FastpixReader(), series)
    assert array[0, 0].tolist()[5:] == [600 - 1024]


def test_lists(series: Path, tmp_path: Path) -> None:
    plane = {"ImagePositionPatient": [0, 0, 0]}
    files = [write(tmp_path / f"{n}.dcm", ct_slice(n, **plane)) for n in (2, 1)]
    array, metadata = assert_reads_same(files)
    assert array.shape == (2, 4, 3)
    assert array[:, 0, 0].tolist() == [200 - 1024, 100 - 1024]
    assert metadata["original_channel_dim"] == 0
    assert assert_reads_same([series, series])[0].shape == (2, 4, 3, 5)


def test_channels(tmp_path: Path) -> None:
    cells = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    rgb = write(tmp_path / "rgb.dcm", make_dataset(cells, SamplesPerPixel=3))
    assert assert_reads_same(rgb)[0].tolist() == cells.swapaxes(0, 1).tolist()
    assert assert_reads_same([rgb, rgb], channel_dim=-1)[0].shape == (4, 3, 6)


def test_frames(tmp_path: Path) -> None:
    """Where MONAI swaps "i and j" of several frames, these are frames and rows."""
    cells = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    plain = write(tmp_path / "plain.dcm", make_dataset(cells))
    scaled = write(
        tmp_path / "scaled.dcm", make_dataset(cells, RescaleSlope="2", RescaleIntercept="-1")
    )
    assert assert_reads_same(plain)[0].shape == (3, 2, 4)
    assert assert_reads_same(plain, swap_ij=False)[0].tolist() == cells.tolist()
    assert assert_reads_same(scaled, swap_ij=False)[0].tolist() == (cells * 2.0 - 1).tolist()
    for reader in (PydicomReader(), FastpixReader()):
        with pytest.warns(UserWarning, match=NO_AFFINE):
            reader.get_data(reader.read(plain))


def segmentation(cells: NDArray[Any], numbers: Sequence[int]) -> Dataset:
    """A segmentation whose frame k belongs to segment ``numbers[k]``, of a kidney and a tumor."""
    frames = [
        make_item(
            SegmentIdentificationSequence=[make_item(ReferencedSegmentNumber=number)],
            PlanePositionSequence=[make_item(ImagePositionPatient=[1, 2, 3 + k])],
        )
        for k, number in enumerate(numbers)
    ]
    shared = make_item(
        PlaneOrientationSequence=[make_item(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])],
        PixelMeasuresSequence=[make_item(PixelSpacing=[0.5, 0.75], SliceThickness=2)],
    )
    names = {1: "Kidney", 2: "Tumor"}
    return make_dataset(
        cells,
        Modality="SEG",
        NumberOfFrames=len(numbers),
        SegmentSequence=[
            make_item(SegmentNumber=number, SegmentDescription=names[number])
            for number in sorted(set(numbers))
        ],
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )


@pytest.mark.parametrize("options", [{}, {"label_dict": {"Tumor": 0, "Kidney": 1}}], ids=str)
def test_segmentation(tmp_path: Path, options: dict[str, Any]) -> None:
    cells = np.random.default_rng(4).integers(0, 2, (4, 3, 5), dtype=np.uint8)
    path = write(tmp_path / "seg.dcm", segmentation(cells, (1, 1, 2, 2)))
    array, metadata = assert_reads_same(path, **options)
    assert array.shape == (5, 3, 2, 2)
    assert array.dtype == np.uint8
    kidney = metadata["labels"]["Kidney"]
    assert array[..., kidney].tolist() == cells[:2].transpose(2, 1, 0).tolist()


@pytest.mark.parametrize(
    "attributes",
    [
        {"RescaleSlope": "0.1", "RescaleIntercept": "0.3"},
        {"RescaleIntercept": "-1024"},
        {"RescaleSlope": "-2"},
        {"BitsStored": 12},  # bits that belong to nobody above
        {"BitsStored": 12, "PixelRepresentation": 1},  # and the sign is below them
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PixelPaddingValue": 7},
    ],
    ids=str,
)
def test_headers_that_both_read(tmp_path: Path, attributes: dict[str, Any]) -> None:
    cells = np.random.default_rng(5).integers(0, 2**16, (8, 9), dtype=np.uint16)
    assert_reads_same(write(tmp_path / "one.dcm", make_dataset(cells, **attributes)))


def test_float_pixel_data(tmp_path: Path) -> None:
    for cells in (np.array([[0.1, np.nan]], np.float32), np.array([[0.1, 2.0]])):
        path = write(tmp_path / "float.dcm", make_dataset(cells))
        array, _ = assert_reads_same(path)
        assert array.dtype == cells.dtype
        assert array.tobytes() == cells.T.tobytes()


def test_verify_suffix() -> None:
    for name in ("a.dcm", "a", "a.nii", ["a.dcm", "b.png"]):
        assert FastpixReader().verify_suffix(name) == PydicomReader().verify_suffix(name)


# Folders as volumes


def folder_of(path: Path, slices: Sequence[Dataset]) -> Path:
    """A folder of these slices, whose names do not follow their order."""
    path.mkdir()
    for k, made in enumerate(slices):
        write(path / f"{(k * 3) % 7}-{k}.dcm", made)
    return path


def test_slices_follow_their_numbers_down(tmp_path: Path) -> None:
    """From head to feet, as most CT: the array and the affine are those of MONAI."""
    slices = [ct_slice(k, InstanceNumber=9 - k) for k in (1, 2, 3, 4)]
    array, metadata = assert_near_same(folder_of(tmp_path / "down", slices))
    assert array[0, 0].tolist() == [100 * k - 1024 for k in (4, 3, 2, 1)]
    assert metadata["affine"][2, 2] == pytest.approx(-2.5)


def assert_near_same(source: Any) -> Result:
    """As assert_reads_same, for affines that are rounded otherwise."""
    theirs, ours = get_data(PydicomReader(), source), get_data(FastpixReader(), source)
    for key in ("affine", "original_affine", "spacing", "lastImagePositionPatient"):
        np.testing.assert_allclose(ours[1][key], theirs[1][key], rtol=0, atol=1e-9)
        theirs[1][key] = ours[1][key]
    assert ours[1]["00280030"]["Value"] == pytest.approx(theirs[1]["00280030"]["Value"])
    theirs[1]["00280030"] = ours[1]["00280030"]
    assert_same(ours, theirs)
    return ours


def test_several_folders(series: Path, tmp_path: Path) -> None:
    slices = [ct_slice(k, RescaleIntercept="0") for k in range(1, 6)]
    other = folder_of(tmp_path / "other", slices)
    array, _ = assert_reads_same([series, other])
    assert array.shape == (2, 4, 3, 5)


def gaps(path: Path) -> Path:
    return folder_of(path / "gaps", [ct_slice(k) for k in (1, 2, 4, 5)])


def test_a_gap_is_an_error(tmp_path: Path) -> None:
    reader = FastpixReader()
    with pytest.raises(SeriesError) as caught:
        reader.get_data(reader.read(gaps(tmp_path)))
    assert caught.value.codes == ("missing_slices",)


def test_no_other_reader_is_asked_after_a_gap(tmp_path: Path) -> None:
    load = LoadImage(reader=FastpixReader())
    with pytest.raises(SeriesError, match="missing"):
        load(gaps(tmp_path))


def test_a_gap_is_warned_of(tmp_path: Path) -> None:
    reader = FastpixReader(spacing_check="warn")
    folder = gaps(tmp_path)
    with pytest.warns(HeaderWarning, match="slices are stacked that make no volume"):
        ours = reader.get_data(reader.read(folder))
    assert_same(ours, get_data(PydicomReader(), folder))
    assert ours[1]["spacing"][2] == pytest.approx(10 / 3)  # which it is nowhere


def test_monai_stacks_over_gaps(tmp_path: Path) -> None:
    folder = gaps(tmp_path)
    ours = get_data(FastpixReader(spacing_check="monai"), folder)
    assert_same(ours, get_data(PydicomReader(), folder))


def test_spacing_check_knows_its_words() -> None:
    with pytest.raises(ArgumentError, match="spacing_check: 'no' is not 'error', 'warn' or"):
        FastpixReader(spacing_check="no")  # type: ignore[arg-type]


def volumes(path: Path, count: int = 2) -> Path:
    """Volumes at the same places, one after the other."""
    slices = [
        ct_slice(
            3 * v + k + 1, ImagePositionPatient=[-10, 20, 2.5 * k], TemporalPositionIdentifier=v
        )
        for v in range(count)
        for k in range(3)
    ]
    return folder_of(path / "volumes", slices)


def test_volumes_are_channels(tmp_path: Path) -> None:
    folder = volumes(tmp_path)
    array, metadata = get_data(FastpixReader(), folder)
    assert array.shape == (4, 3, 3, 2)
    assert (array[0, 0] + 1024).tolist() == [[100, 400], [200, 500], [300, 600]]
    assert metadata["original_channel_dim"] == -1
    assert metadata["spatial_shape"] == (4, 3, 3)
    assert metadata["affine"][2, 2] == pytest.approx(2.5)
    loaded = LoadImage(reader=FastpixReader(), ensure_channel_first=True)(folder)
    assert loaded.shape == (2, 4, 3, 3)
    assert get_data(PydicomReader(), folder)[0].shape == (4, 3, 6)  # one tall volume


def test_numbers_without_an_order_follow_places(tmp_path: Path) -> None:
    numbers = (2, 4, 1, 3)
    slices = [ct_slice(k, InstanceNumber=n) for k, n in enumerate(numbers, 1)]
    array, metadata = get_data(FastpixReader(), folder_of(tmp_path / "any", slices))
    assert (array[0, 0] + 1024).tolist() == [100, 200, 300, 400]
    assert metadata["affine"][2, 2] == pytest.approx(2.5)


def test_a_localizer_is_set_aside(series: Path) -> None:
    turned = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImagePositionPatient": [0, 0, 0]}
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write(series / "f.dcm", ct_slice(9, ImageType=kind, **turned))
    assert get_data(FastpixReader(), series)[0].shape == (4, 3, 5)


def test_colour_folder(tmp_path: Path) -> None:
    cells = np.random.default_rng(8).integers(0, 256, (4, 3, 4, 3), dtype=np.uint8)
    slices = []
    for k, plane in enumerate(cells):
        grey = ct_slice(k + 1)
        facts = ("SOPInstanceUID", "ImagePositionPatient", "ImageOrientationPatient",
                 "PixelSpacing", "InstanceNumber")  # fmt: skip
        geometry = {name: grey[name].value for name in facts}
        slices.append(
            make_dataset(plane, SamplesPerPixel=3, SOPClassUID=CTImageStorage, **geometry)
        )
    array, metadata = get_data(FastpixReader(), folder_of(tmp_path / "rgb", slices))
    assert np.array_equal(array, cells.transpose(2, 1, 0, 3))
    assert array.dtype == np.uint8
    assert metadata["original_channel_dim"] == -1
    ranged = get_data(FastpixReader(color_range=(0, 1)), tmp_path / "rgb")[0]
    assert ranged.dtype == np.float32  # values are computed
    assert ranged.tobytes() == (array / np.float32(255)).tobytes()


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "1", "RescaleIntercept": "0"}], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_dtype_of_a_folder(tmp_path: Path, dtype: Any, rescale: dict[str, str]) -> None:
    cells = np.arange(12).reshape(3, 4).astype(dtype)
    none: dict[str, Any] = {"RescaleSlope": None, "RescaleIntercept": None}
    slices = []
    for k in (1, 2, 3):
        made = ct_slice(k, **(none | rescale))
        facts = {each.keyword: each.value for each in made if each.tag.group in (8, 0x18, 0x20)}
        facts |= {"PixelSpacing": made.PixelSpacing} | rescale
        slices.append(make_dataset(cells + dtype(k), **facts))
    assert_near_same(folder_of(tmp_path / "one", slices))


def test_values_asked_for_of_a_folder(series: Path) -> None:
    array, _ = get_data(FastpixReader(normalize=(-1000, 0), dtype="float64"), series)
    stored = np.array([100 * n * n / 8 - 1024 for n in range(1, 6)])
    assert array.dtype == np.float64
    assert array[0, 0].tolist() == np.clip((stored + 1000) / 1000, 0, 1).tolist()


def test_folders_of_other_files_are_left_to_other_readers(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("no DICOM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with pytest.raises(IndexError):  # as PydicomReader
            FastpixReader().read(tmp_path)


# Real files


def difference(dataset: Dataset) -> str | None:
    """Which row of the table in docs/monai.md says that MONAI's reader differs; None: it does not.

    Told from the header alone, and only of rows that real files were found for.
    """
    if dataset.get("Modality") == "RTDOSE":
        return "Dose Grid Scaling"
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return "palette"
    if dataset.get("ModalityLUTSequence"):
        return "Modality LUT"
    groups = [
        *(dataset.get("SharedFunctionalGroupsSequence") or ()),
        *(dataset.get("PerFrameFunctionalGroupsSequence") or ()),
    ]
    for item in (item for g in groups for item in g.get("PixelValueTransformationSequence") or ()):
        if (item.get("RescaleSlope", 1), item.get("RescaleIntercept", 0)) != (1, 0):
            return "functional groups"
    return None


def instance_number(one: tuple[Dataset, Path]) -> int:
    return int(one[0].get("InstanceNumber") or 0)


def read_both(path: Path, **options: Any) -> tuple[Result | None, Result | None]:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    results: list[Result | None] = []
    for reader in (PydicomReader(), FastpixReader(**options)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # real files are odd
            try:
                results.append(reader.get_data(reader.read(path)))
            except Exception:
                results.append(None)
    return results[0], results[1]


def check(path: Path) -> None:
    """Every file that PydicomReader reads is read the same, or as the table in the docs says."""
    theirs, ours = read_both(path)
    if theirs is None:
        return
    assert ours is not None, "PydicomReader reads it, we do not"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        if difference(dataset) is None:
            assert_same(ours, theirs)
            return
        # Of some pydicom itself has no right values, but of the same image in another syntax.
        wanted = np.swapaxes(expected(path.with_name(TWINS.get(path.name, path.name))), 0, 1)
    assert ours[0].shape == wanted.shape
    assert np.array_equal(ours[0].astype(np.float32), wanted)
    assert not np.array_equal(theirs[0].astype(np.float32), wanted), "a difference that is none"
    np.testing.assert_equal(ours[1]["affine"], theirs[1]["affine"])


@pytest.mark.parametrize("path", files_under(WHEEL), ids=file_id)
def test_wheel(path: Path) -> None:
    check(path)


def test_wheel_is_read() -> None:
    """So that `check` does not pass for want of files that PydicomReader reads."""
    read = [path for path in files_under(WHEEL) if read_both(path)[0] is not None]
    assert len(read) >= 60


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Path) -> None:
    check(path)


CORPUS_FOLDERS = sorted({path.parent for path in corpus_files()})


@pytest.mark.corpus
@pytest.mark.parametrize("folder", CORPUS_FOLDERS or [NO_CORPUS], ids=file_id)
def test_corpus_series(folder: Path) -> None:
    theirs, ours = read_both(folder, spacing_check="monai")
    if theirs is None:
        return
    assert ours is not None
    files = [path for path in folder.glob("*") if pydicom.misc.is_dicom(path)]
    slices = sorted(((pydicom.dcmread(path), path) for path in files), key=instance_number)
    if not any(difference(dataset) for dataset, _ in slices):
        assert_same(ours, theirs)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = [expected(path) for _, path in slices]
    wanted = np.swapaxes(values[0] if len(values) == 1 else np.stack(values, -1), 0, 1)
    assert ours[0].shape == wanted.shape
    assert np.array_equal(ours[0].astype(np.float32), wanted)
    assert not np.array_equal(theirs[0].astype(np.float32), wanted), "a difference that is none"


# Where MONAI's reader differs: one case for each row of the table in docs/monai.md


def row(*values: int, dtype: Any = np.uint16) -> NDArray[Any]:
    return np.array([values], dtype)


def modality_lut() -> Dataset:
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [2, 5, 16])
    lut.ModalityLUTType = "OD"
    lut.add_new("LUTData", "OW", row(500, 700).tobytes())
    return lut


def palette() -> dict[str, Any]:
    tables: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for color, entries in (("Red", [1, 2]), ("Green", [3, 4]), ("Blue", [5, 6])):
        tables[f"{color}PaletteColorLookupTableDescriptor"] = [2, 0, 16]
        tables[f"{color}PaletteColorLookupTableData"] = row(*entries).tobytes()
    return tables


Pair = tuple[str, bytes, Any, Any]
DIFFERENCES: list[Pair] = [
    (
        "functional groups",
        encode(
            make_dataset(
                row(100, 100).reshape(2, 1, 1),
                PerFrameFunctionalGroupsSequence=[
                    make_group(RescaleSlope="1", RescaleIntercept="-5"),
                    make_group(RescaleSlope="0.25", RescaleIntercept="10"),
                ],
            )
        ),
        [[[100]], [[100]]],
        [[[95]], [[35]]],
    ),
    (
        "Modality LUT",
        encode(make_dataset(row(5, 6), ModalityLUTSequence=[modality_lut()])),
        [[5, 6]],
        [[500, 700]],
    ),
    (
        "Dose Grid Scaling",
        encode(make_dataset(row(2, 3), Modality="RTDOSE", DoseGridScaling="0.25")),
        [[2, 3]],
        [[0.5, 0.75]],
    ),
    (
        "slope 0",
        encode(make_dataset(row(5, 6), RescaleSlope="0", RescaleIntercept="-1024")),
        [[-1024, -1024]],
        [[-1019, -1018]],
    ),
    (
        "slope 0 of a PET",
        encode(
            make_dataset(row(5, 6), Modality="PT", RescaleSlope="0", RescaleIntercept="0")
        ),
        [[0, 0]],
        PixelHeaderError,
    ),
    (
        "empty slope",
        encode(make_dataset(row(5, 6), RescaleSlope="", RescaleIntercept="-1024")),
        TypeError,
        [[-1019, -1018]],
    ),
    (
        "no number by the standard",
        encode(make_dataset(row(5), RescaleSlope="11.0", RescaleIntercept="0")).replace(
            b"11.0", b"1_0 "
        ),
        [[50]],
        PixelHeaderError,
    ),
    (
        "High Bit",
        encode(make_dataset(row(0x1230, 0x4560), BitsStored=12, HighBit=15)),
        [[0x230, 0x560]],
        [[0x123, 0x456]],
    ),
    (
        "High Bit, RLE",
        compress(make_dataset(row(0x1230, 0x4560), BitsStored=12, HighBit=15), RLELossless),
        [[0x230, 0x560]],
        [[0x123, 0x456]],
    ),
    (
        "32 bits",
        encode(
            make_dataset(
                row(2**24 + 1, 2**24 + 3, dtype=np.uint32),
                RescaleSlope="1",
                RescaleIntercept=str(-(2**24)),
            )
        ),
        [[0, 4]],
        [[1, 3]],
    ),
    (
        "palette",
        encode(make_dataset(row(0, 1, dtype=np.uint8), **palette())),
        [[0, 1]],
        [[[1, 3, 5], [2, 4, 6]]],
    ),
    (
        "colour with a rescale",
        encode(
            make_dataset(
                row(1, 2, 3, dtype=np.uint8).reshape(1, 1, 3),
                SamplesPerPixel=3,
                RescaleSlope="2",
                RescaleIntercept="1",
            )
        ),
        [[[3, 5, 7]]],
        [[[1, 2, 3]]],
    ),
    (
        "YBR_FULL at an exact half",
        encode(
            make_dataset(
                row(20, 78, 178, dtype=np.uint8).reshape(1, 1, 3),
                SamplesPerPixel=3,
                PhotometricInterpretation="YBR_FULL",
            )
        ),
        # In float32, where fused multiplication and addition give 2, and other processors 1.
        convert_color_space(row(20, 78, 178, dtype=np.uint8)[:, None], "YBR_FULL", "RGB").tolist(),
        [[[90, 2, 0]]],
    ),
    (
        "segmentation of one frame",
        encode(segmentation(row(0, 1, dtype=np.uint8), (1,))),
        ValueError,
        [[[[0]], [[1]]]],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "theirs", "ours"), [pair[1:] for pair in DIFFERENCES], ids=[d[0] for d in DIFFERENCES]
)
def test_difference(tmp_path: Path, data: bytes, theirs: Any, ours: Any) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(data)
    for reader, wanted in ((PydicomReader, theirs), (FastpixReader, ours)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeaderWarning)
            if isinstance(wanted, type):
                with pytest.raises(wanted):
                    get_data(reader(swap_ij=False), path)
            else:
                assert get_data(reader(swap_ij=False), path)[0].tolist() == wanted


def test_rescaled_values_are_float32() -> None:
    """As MONAI documents; its own are float64, since pydicom's numbers are no plain floats."""
    assert get_data(PydicomReader(), CT)[0].dtype == np.float64
    assert get_data(FastpixReader(), CT)[0].dtype == np.float32


def test_stored_values_are_in_the_machines_byte_order(tmp_path: Path) -> None:
    path = write(tmp_path / "big.dcm", make_dataset(row(1, 2)), ExplicitVRBigEndian)
    assert not get_data(PydicomReader(), path)[0].dtype.isnative
    ours = get_data(FastpixReader(), path)[0]
    assert ours.dtype.isnative
    assert ours.tolist() == [[1], [2]]


def test_docs_have_a_row_for_each_difference() -> None:
    page = (Path(__file__).parents[2] / "docs" / "monai.md").read_text()
    for name, *_ in DIFFERENCES:
        assert f"| {name} |" in page, name


# Options


@pytest.mark.filterwarnings("ignore:MONOCHROME1 with PixelPaddingValue:fastpix.HeaderWarning")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rescale": False},
        {"invert": "range"},
        {"invert": "max", "padding": -1},
        {"padding": float("nan")},
        {"normalize": (0, 1000)},
        {"normalize": [0, 1000], "invert": "range", "padding": 0},
        {"dtype": "int32"},
        {"dtype": np.float64},
        {"dtype": "auto", "rescale": False},
    ],
    ids=str,
)
def test_recipe(tmp_path: Path, options: dict[str, Any]) -> None:
    dataset = make_dataset(
        row(0, 1000, 3000, 4095),
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=4095,
        RescaleSlope="2",
        RescaleIntercept="-100",
    )
    path = write(tmp_path / "one.dcm", dataset)
    wanted = fastpix.imread(path, **({"invert": "none"} | options))
    if options == {"rescale": False}:
        wanted = wanted.astype(np.uint16)
    array = get_data(FastpixReader(**options), path)[0]
    assert array.dtype == wanted.dtype
    assert array.tobytes() == wanted.T.tobytes()


def test_stored_dtype_only_for_stored_values(tmp_path: Path) -> None:
    path = write(tmp_path / "plain.dcm", make_dataset(row(1, 2), PixelPaddingValue=2))
    assert get_data(FastpixReader(), path)[0].dtype == np.uint16
    assert get_data(FastpixReader(padding=0.5), path)[0].dtype == np.float32
    assert get_data(FastpixReader(color_range=(0, 1)), path)[0].dtype == np.uint16  # for colour
    cells = np.arange(12, dtype=np.uint16).reshape(2, 2, 3)
    color = write(tmp_path / "rgb.dcm", make_dataset(cells, SamplesPerPixel=3, BitsStored=12))
    assert get_data(FastpixReader(), color)[0].dtype == np.uint16
    ranged = get_data(FastpixReader(color_range=(0, 255)), color)[0]
    assert ranged.dtype == np.float32
    assert ranged.max() == 0
    assert get_data(FastpixReader(dtype="uint8", color_range=(0, 255)), color)[0].dtype == np.uint8


def test_arguments_are_checked() -> None:
    for argument, options in {
        "invert": {"invert": "all"},
        "padding": {"padding": "0"},
        "to_gpu": {"to_gpu": True},
        "inverted": {"inverted": "max"},
    }.items():
        with pytest.raises(ArgumentError) as caught:
            FastpixReader(**options)  # type: ignore[arg-type]
        assert caught.value.argument == argument


def test_max_bytes_and_the_name_in_errors() -> None:
    with pytest.raises(fastpix.PixelDataError) as caught:
        get_data(FastpixReader(max_bytes=100), CT)
    assert caught.value.__notes__ == [f"The source is {CT}"]
    assert caught.value.source == CT


def test_oddities_are_warned_about(tmp_path: Path) -> None:
    path = write(tmp_path / "one.dcm", ct_slice(1, RescaleSlope="0"))
    with pytest.warns(HeaderWarning, match="RescaleSlope") as caught:
        get_data(FastpixReader(), path)
    assert len(caught) == 1


# LoadImage


def transforms() -> Iterator[Callable[[Path], Any]]:
    yield LoadImage(reader=FastpixReader)
    yield LoadImage(reader=FastpixReader())
    yield LoadImage(reader="fastpix.monai.FastpixReader")
    yield lambda path: LoadImage()(path, reader=FastpixReader())
    yield lambda path: LoadImage(reader=FastpixReader, image_only=False)(path)[0]
    yield lambda path: LoadImaged(keys="image", reader=FastpixReader)({"image": path})["image"]


@pytest.mark.parametrize("source", ["slice", "series"])
def test_load_image(source: str, series: Path) -> None:
    path = CT if source == "slice" else series
    theirs = LoadImage(reader=PydicomReader)(path)
    assert theirs.dtype == torch.float32
    for load in transforms():
        ours = load(path)
        assert isinstance(ours, MetaTensor)
        assert ours.dtype == torch.float32
        assert torch.equal(ours.as_tensor(), theirs.as_tensor())
        assert torch.equal(ours.affine, theirs.affine)
        assert ours.meta["filename_or_obj"] == theirs.meta["filename_or_obj"]


def test_load_image_with_options(series: Path) -> None:
    image, meta = LoadImage(reader=FastpixReader, image_only=False, normalize=(-1024, 0))(series)
    assert 0 <= image.min() < image.max() <= 1
    assert meta["spacing"][2] == 2.5
    first = LoadImage(reader=FastpixReader, ensure_channel_first=True)(series)
    assert first.shape == (1, 4, 3, 5)
    exact = LoadImage(reader=FastpixReader(dtype="float64"), dtype=np.float64)(CT)
    assert exact.dtype == torch.float64
    stored = LoadImage(reader=FastpixReader(), dtype=None)(MR)
    assert stored.dtype == torch.int16


def test_other_files_are_left_to_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    assert LoadImage(reader=FastpixReader())(path).shape == (2, 3)


def test_refusals_are_not_read_by_other_readers(tmp_path: Path) -> None:
    """LoadImage takes what `read` raises for a file of another kind, and tries its next reader."""
    path = write(tmp_path / "pet.dcm", ct_slice(1, Modality="PT", RescaleSlope="0"))
    with pytest.raises(PixelHeaderError):
        LoadImage(reader=FastpixReader())(path)


def test_pickle() -> None:
    reader = pickle.loads(pickle.dumps(FastpixReader(padding=-1, force=True)))
    assert reader.recipe == fastpix.Recipe(invert="none", padding=-1)
    assert reader.kwargs == {"force": True}
    assert_same(get_data(reader, CT), get_data(PydicomReader(), CT))


def test_workers() -> None:
    load = LoadImaged(keys="image", reader=FastpixReader())
    items = [{"image": str(CT)}, {"image": str(CT)}]
    loader = DataLoader(
        MonaiDataset(items, load),
        batch_size=2,
        num_workers=1,
        multiprocessing_context=multiprocessing.get_context("spawn"),
    )
    (batch,) = loader
    wanted = LoadImage(reader=PydicomReader())(CT)
    assert torch.equal(batch["image"].as_tensor(), torch.stack([wanted.as_tensor()] * 2))
