"""Volumes in other libraries: every voxel keeps its place, its value and its dtype."""

from __future__ import annotations

import gzip
import json
import re
import sys
import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from support.libraries import library
from support.series_files import DIRECTIONS, affine_of, write_slices
from support.series_files import slice_dataset as make_slice

import fastpix
from fastpix.errors import ArgumentError, SeriesError
from fastpix.interop.volume_export.transposition import columns_first
from fastpix.series.volume import EXPORTERS, PlaneSource, Volume

NEAR = 1e-3  # millimetres
SHAPE = (4, 6, 5)
AXIAL = np.array([[0, 0, 0.5, -31.25], [0, 0.75, 0, 17.5], [2.5, 0, 0, 204.125], [0, 0, 0, 1]])
LEFT_HANDED = affine_of() @ np.diag([-1, 1, 1, 1])
NOISY = np.array(affine_of())
NOISY[:3, :3] = np.round(DIRECTIONS[:, [2, 1, 0]], 6) * [2.5, 0.75, 0.5]
GRIDS = {"axial": AXIAL, "oblique": affine_of(), "left-handed": LEFT_HANDED, "noisy": NOISY}
TILTED = affine_of(drift=0.6)


def values(shape: tuple[int, ...] = SHAPE, dtype: Any = np.float32) -> NDArray[Any]:
    made = np.random.default_rng(len(shape)).integers(-1024, 3000, shape)
    if np.dtype(dtype).kind == "f":
        return (made * 0.1).astype(dtype)
    return made.astype(dtype)


def a_volume(affine: NDArray[Any] | None = AXIAL, array: Any = None, **facts: Any) -> Volume:
    return Volume(values() if array is None else array, affine, **facts)


def four_d(count: int = 3, axis: str = "b_value", coords: Any = (0.0, 500.0, 1000.0)) -> Volume:
    array = values((count, *SHAPE))
    return a_volume(affine_of(), array, axes=(axis,), coords={axis: coords})


def color(count: int | None = None) -> NDArray[np.uint8]:
    shape = (*SHAPE, 3) if count is None else (count, *SHAPE, 3)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def corners(volume: Volume) -> NDArray[np.int64]:
    """Return (slice, row, column) of the eight corners."""
    start = len(volume.axes)
    return np.array(list(product(*((0, n - 1) for n in volume.array.shape[start : start + 3]))))


def places(volume: Volume) -> NDArray[np.float64]:
    """Return the centres of the corners in LPS, by the volume's own affine."""
    assert volume.affine is not None
    return np.asarray(corners(volume) @ volume.affine[:3, :3].T + volume.affine[:3, 3])


def centres(affine: Any, indices: NDArray[Any]) -> NDArray[np.float64]:
    affine = np.asarray(affine, np.float64)
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def assert_near(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    assert np.abs(found - wanted).max() < NEAR


# The affine


@pytest.mark.parametrize("affine", GRIDS.values(), ids=list(GRIDS))
def test_affine_as(affine: NDArray[Any]) -> None:
    volume = a_volume(affine)
    assert volume.affine_as().tolist() == affine.tolist()
    assert volume.affine_as() is not affine
    indices, wanted = corners(volume), places(volume)
    for space, order in product(("LPS", "RAS"), ("zyx", "xyz")):
        found = volume.affine_as(space, order)  # type: ignore[arg-type]
        asked = indices[:, ::-1] if order == "xyz" else indices
        signs = [-1, -1, 1] if space == "RAS" else [1, 1, 1]
        np.testing.assert_allclose(centres(found, asked) * signs, wanted, rtol=0, atol=1e-12)
        assert sorted(np.abs(found).ravel()) == sorted(np.abs(affine).ravel())  # not a bit rounded
        assert not np.signbit(found[found == 0]).any()


def test_affine_as_knows_its_words() -> None:
    with pytest.raises(ArgumentError, match="space: 'ras' is not 'LPS' or 'RAS'"):
        a_volume().affine_as("ras")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="order: 'yxz' is not 'zyx' or 'xyz'"):
        a_volume().affine_as(order="yxz")  # type: ignore[arg-type]
    with pytest.raises(SeriesError, match="no affine"):
        a_volume(None, kind="no_geometry").affine_as()


# What no library can place

NO_THICKNESS = AXIAL * [np.nan, 1, 1, 1]
NO_THICKNESS[3] = [0, 0, 0, 1]
FLAT = AXIAL * [0, 1, 1, 1]
INFINITE = np.array(AXIAL)
INFINITE[0, 3] = np.inf
UNPLACED = {
    "no_geometry": (a_volume(None, kind="no_geometry"), "no geometry"),
    "irregular": (a_volume(None, kind="irregular"), "not evenly spaced"),
    "no_thickness": (
        a_volume(NO_THICKNESS, values((1, 6, 5)), kind="single_slice"),
        "neither Spacing Between Slices nor Slice Thickness",
    ),
    "bad_geometry": (a_volume(FLAT), "the same place"),
}
METHODS = {
    "to_nibabel": "nibabel",
    "to_simpleitk": "SimpleITK",
    "to_monai": "monai",
    "to_highdicom": "highdicom",
}


@pytest.mark.parametrize("code", UNPLACED)
@pytest.mark.parametrize("method", METHODS)
def test_what_has_no_place_is_refused(code: str, method: str) -> None:
    library(METHODS[method])
    volume, reason = UNPLACED[code]
    with pytest.raises(SeriesError, match=f"{reason}.*affine=") as caught:
        getattr(volume, method)()
    assert caught.value.codes == (code,)


def test_affines_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(SeriesError, match="the same place"):
        a_volume(INFINITE).to_nibabel()


@pytest.mark.parametrize("method", METHODS)
def test_missing_libraries_say_what_to_install(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == METHODS[method]]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, METHODS[method], None)
    command = {"nibabel": r"'fastpix\[nifti\]'", "monai": r"'fastpix\[monai\]'"}
    wanted = f"pip install {command.get(METHODS[method], METHODS[method])}"
    with pytest.raises(ImportError, match=wanted):
        getattr(a_volume(), method)()


def test_every_exporter_is_a_method() -> None:
    """Volume asks for exporters by the name of their package: see docs/decisions."""
    exporters = sys.modules.get(EXPORTERS) or __import__(EXPORTERS, fromlist=["save"])
    for name in exporters.__all__:
        assert callable(getattr(Volume, name))


# nibabel


def on_disk(volume: Volume) -> Any:
    """The image as a file holds it."""
    return nibabel.Nifti1Image.from_bytes(volume.to_nibabel().to_bytes())


@pytest.mark.parametrize("affine", GRIDS.values(), ids=list(GRIDS))
def test_nibabel_places(affine: NDArray[Any]) -> None:
    volume = a_volume(affine)
    image = volume.to_nibabel()
    assert np.array_equal(image.affine, volume.affine_as("RAS", "xyz"))
    assert np.shares_memory(image.dataobj, volume.array)
    for held in (image, on_disk(volume)):
        assert held.shape == SHAPE[::-1]
        assert np.asanyarray(held.dataobj).tobytes("F") == volume.array.tobytes()
        for form in (held.affine, held.get_sform(), held.get_qform()):
            found = centres(form, corners(volume)[:, ::-1])
            assert_near(found * [-1, -1, 1], places(volume))
        assert held.header["sform_code"] == held.header["qform_code"] == 1
        np.testing.assert_allclose(held.header.get_zooms(), (0.5, 0.75, 2.5), rtol=1e-6)
        assert held.header.get_xyzt_units() == ("mm", "unknown")


def test_nibabel_sheared() -> None:
    """A qform has no shear, so that of a tilted gantry is not set."""
    volume = a_volume(TILTED, kind="sheared")
    image = on_disk(volume)
    assert_near(centres(image.affine, corners(volume)[:, ::-1]) * [-1, -1, 1], places(volume))
    assert image.header["sform_code"] == 1
    assert image.header["qform_code"] == 0
    spacing = volume.spacing
    assert spacing is not None
    np.testing.assert_allclose(image.header.get_zooms(), spacing[::-1], rtol=1e-6)


DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


@pytest.mark.parametrize("dtype", DTYPES)
def test_nibabel_values(dtype: str) -> None:
    array = values(dtype=np.dtype(dtype))
    if array.dtype.kind == "f":
        array[1] = np.nan  # a slice that was missing
    else:
        array[0, 0, :2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = on_disk(a_volume(array=array))
    assert image.get_data_dtype() == array.dtype
    assert (image.dataobj.slope, image.dataobj.inter) == (1, 0)
    assert np.asanyarray(image.dataobj).tobytes("F") == array.tobytes()


def test_nibabel_refuses_other_dtypes() -> None:
    for dtype in (np.float16, np.bool_, np.complex64):
        with pytest.raises(SeriesError, match="no dtype"):
            a_volume(array=np.zeros(SHAPE, dtype)).to_nibabel()


def test_nibabel_refuses_long_axes() -> None:
    with pytest.raises(SeriesError, match="32768 voxels"):
        a_volume(array=np.zeros((1, 1, 2**15), np.uint8)).to_nibabel()


TIMES = {
    "trigger_time": ((0.0, 40.0, 80.0), 0.04),
    "time_offset": ((0.5, 3.0, 5.5), 2.5),
}


@pytest.mark.parametrize("axis", TIMES)
def test_nibabel_time(axis: str) -> None:
    times, step = TIMES[axis]
    image = on_disk(four_d(axis=axis, coords=times))
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert image.header.get_zooms()[3] == np.float32(step)


@pytest.mark.parametrize("times", [(0, 1, 5), (0, 0, 0), (0, None, 2), (2, 1, 0), ()], ids=str)
def test_steps_that_are_not_even_have_no_unit(times: tuple[Any, ...]) -> None:
    image = on_disk(four_d(axis="trigger_time", coords=times))
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    assert image.header.get_zooms()[3] == 1


def test_nibabel_volumes() -> None:
    volume = four_d()
    image = on_disk(volume)
    assert image.shape == (5, 6, 4, 3)
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    for k in range(3):
        assert np.array_equal(np.asanyarray(image.dataobj)[..., k], volume.array[k].T)


def test_nibabel_one_slice() -> None:
    image = on_disk(a_volume(affine_of(), values((1, 6, 5)), kind="single_slice"))
    assert image.shape == (5, 6, 1)
    assert image.header.get_zooms()[2] == 2.5


@pytest.mark.parametrize("count", [None, 2])
def test_nibabel_color(count: int | None) -> None:
    axes: Any = (
        {} if count is None else {"axes": ("time_offset",), "coords": {"time_offset": [0, 1]}}
    )
    array = color(count)
    for given in (array, array.astype(np.float32)):
        image = on_disk(a_volume(array=given, **axes))
        held = np.asanyarray(image.dataobj)
        assert held.shape == array.shape[-2::-1]
        for k, name in enumerate("RGB"):
            assert np.array_equal(held[name], array[..., k].T)


@pytest.mark.parametrize("value", [0.5, 256, -1, np.nan])
def test_nibabel_color_of_other_values(value: float) -> None:
    array = color().astype(np.float32)
    array[1, 2, 3, 1] = value
    with pytest.raises(SeriesError, match="8 bits"):
        a_volume(array=array).to_nibabel()


def test_nifti_says_nothing_of_the_files() -> None:
    facts: Any = {"frame_of_reference": "1.2.3.4", "unit": "HU", "modality": "CT"}
    sources = [PlaneSource("/scans/DOE^JOHN/1.dcm", 0)]
    header = on_disk(a_volume(sources=sources, **facts)).header
    assert header["descrip"].item().decode() == f"fastpix {fastpix.__version__}"
    for field in ("aux_file", "intent_name", "db_name"):
        assert header[field].item() == b""
    assert not header.extensions


# Files


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_save_nifti(name: str, tmp_path: Path) -> None:
    volume = four_d()
    volume.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    data = (tmp_path / name).read_bytes()
    if name.lower().endswith(".gz"):
        assert data[3] == 0  # no name of a file, which gzip's header may hold
        assert data[4:8] == b"\0\0\0\0"
        data = gzip.decompress(data)
    assert data == volume.to_nibabel().to_bytes()
    if name.islower():
        image = nibabel.load(tmp_path / name)
        assert np.asanyarray(image.dataobj).tobytes("F") == volume.array.tobytes()


def test_save_npz(tmp_path: Path) -> None:
    coords: Any = {"b_value": [0.0, 500.0, None], "acquisition_time": ["20200101120000"] * 3}
    sources = [PlaneSource("/scans/DOE^JOHN/1.dcm", 0)]
    volume = replace(four_d(), coords=coords, sources=sources, unit="s/mm2")
    volume.save(str(tmp_path / "a.npz"))
    with np.load(tmp_path / "a.npz") as held:
        assert set(held) == {"array", "affine", "axes", "coords", "unit"}
        assert held["array"].tobytes() == volume.array.tobytes()
        assert np.array_equal(held["affine"], affine_of())
        assert held["axes"].tolist() == ["b_value"]
        assert json.loads(held["coords"].item()) == {"b_value": [0.0, 500.0, None]}
        assert held["unit"] == "s/mm2"


def test_save_npz_without_geometry(tmp_path: Path) -> None:
    a_volume(None, kind="no_geometry").save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as held:
        assert np.isnan(held["affine"]).all()


def test_save_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"before")

    def interrupt(self: Any, file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(nibabel.Nifti1Image, "to_stream", interrupt)
    with pytest.raises(KeyboardInterrupt):
        a_volume().save(tmp_path / "a.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]
    assert (tmp_path / "a.nii.gz").read_bytes() == b"before"


def test_save_knows_its_endings(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=re.escape("'a.mha' does not end in .nii, .nii.gz or")):
        a_volume().save(tmp_path / "a.mha")


def test_saved_series(tmp_path: Path) -> None:
    """From files to a file."""
    write_slices(tmp_path / "in", [make_slice(k) for k in range(3)])
    volume = fastpix.read_series(tmp_path / "in")
    volume.save(tmp_path / "out.nii.gz")
    image = nibabel.load(tmp_path / "out.nii.gz")
    assert np.asanyarray(image.dataobj).tobytes("F") == volume.array.tobytes()
    assert_near(centres(image.affine, corners(volume)[:, ::-1]) * [-1, -1, 1], places(volume))


# SimpleITK


@pytest.mark.parametrize("affine", GRIDS.values(), ids=list(GRIDS))
def test_simpleitk_places(affine: NDArray[Any], tmp_path: Path) -> None:
    sitk = library("SimpleITK")
    volume = a_volume(affine)
    sitk.WriteImage(volume.to_simpleitk(), str(tmp_path / "a.mha"))
    for image in (volume.to_simpleitk(), sitk.ReadImage(str(tmp_path / "a.mha"))):
        assert image.GetSize() == SHAPE[::-1]
        assert sitk.GetArrayFromImage(image).tobytes() == volume.array.tobytes()
        indices = corners(volume)[:, ::-1].tolist()
        found = np.array([image.TransformIndexToPhysicalPoint(index) for index in indices])
        assert_near(found, places(volume))
        np.testing.assert_allclose(image.GetSpacing(), (0.5, 0.75, 2.5), rtol=1e-6)


def test_simpleitk_reads_what_was_saved(tmp_path: Path) -> None:
    """Two ways to one image: by NIfTI, and at once."""
    sitk = library("SimpleITK")
    volume = a_volume(LEFT_HANDED)
    volume.save(tmp_path / "a.nii.gz")
    saved = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    for index in corners(volume)[:, ::-1].tolist():
        point = volume.to_simpleitk().TransformIndexToPhysicalPoint(index)
        assert_near(np.array(saved.TransformIndexToPhysicalPoint(index)), np.array(point))


@pytest.mark.parametrize("dtype", DTYPES)
def test_simpleitk_values(dtype: str) -> None:
    sitk = library("SimpleITK")
    array = values(dtype=np.dtype(dtype))
    held = sitk.GetArrayFromImage(a_volume(array=array).to_simpleitk())
    assert held.dtype == array.dtype
    assert held.tobytes() == array.tobytes()


def test_simpleitk_volumes() -> None:
    sitk = library("SimpleITK")
    volume = four_d(axis="trigger_time", coords=(10.0, 50.0, 90.0))
    image = volume.to_simpleitk()
    parts = [replace(volume, array=part, axes=(), coords={}) for part in volume.array]
    joined = sitk.JoinSeries([part.to_simpleitk() for part in parts], 0.0, 0.04)
    assert np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(joined))
    for got in ("GetSize", "GetOrigin", "GetDirection"):
        assert getattr(image, got)() == getattr(joined, got)()
    np.testing.assert_allclose(image.GetSpacing(), joined.GetSpacing())
    assert four_d().to_simpleitk().GetSpacing()[3] == 1


def test_simpleitk_one_slice() -> None:
    library("SimpleITK")
    image = a_volume(affine_of(), values((1, 6, 5)), kind="single_slice").to_simpleitk()
    assert image.GetSize() == (5, 6, 1)
    assert image.GetSpacing()[2] == pytest.approx(2.5)


@pytest.mark.parametrize("count", [None, 2])
def test_simpleitk_color(count: int | None) -> None:
    sitk = library("SimpleITK")
    axes: Any = {} if count is None else {"axes": ("repetition",)}
    image = a_volume(array=color(count), **axes).to_simpleitk()
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert image.GetDimension() == (3 if count is None else 4)
    assert np.array_equal(sitk.GetArrayFromImage(image), color(count))


@pytest.mark.parametrize("method", ["to_simpleitk", "to_highdicom"])
def test_shear_is_refused(method: str) -> None:
    library(METHODS[method])
    for volume in (a_volume(TILTED, kind="sheared"), a_volume(TILTED)):
        with pytest.raises(SeriesError, match="tilted gantry") as caught:
            getattr(volume, method)()
        assert caught.value.codes == ("sheared",)


# highdicom


@pytest.mark.parametrize("affine", GRIDS.values(), ids=list(GRIDS))
def test_highdicom_places(affine: NDArray[Any]) -> None:
    library("highdicom")
    volume = a_volume(affine, frame_of_reference="1.2.3.4")
    found = volume.to_highdicom()
    assert_near(found.map_indices_to_reference(corners(volume)), places(volume))
    assert np.shares_memory(found.array, volume.array)
    assert found.frame_of_reference_uid == "1.2.3.4"
    assert found.coordinate_system.value == "PATIENT"
    assert a_volume(affine).to_highdicom().frame_of_reference_uid is None


def test_highdicom_noise() -> None:
    """highdicom wants right angles; an affine that misses them by less than 1 um is turned."""
    library("highdicom")
    bent = np.array(AXIAL)
    bent[0, 1] = 3e-5  # by 4e-5 of the spacing
    volume = a_volume(bent)
    assert_near(volume.to_highdicom().map_indices_to_reference(corners(volume)), places(volume))


VALUES_OF_AXES: dict[str, tuple[Any, list[Any]]] = {
    "b_value": ((0, 500.0, 1000.0), [0.0, 500.0, 1000.0]),
    "temporal_position": ((1, 2, 3), [1, 2, 3]),
    "gradient": (((1, 0, 0), None, (0, 0, 1)), [0, 1, 2]),
    "repetition": ((), [0, 1, 2]),
}


@pytest.mark.parametrize("axis", VALUES_OF_AXES)
def test_highdicom_volumes(axis: str) -> None:
    highdicom = library("highdicom")
    given, wanted = VALUES_OF_AXES[axis]
    volume = four_d(axis=axis, coords=given)
    found = volume.to_highdicom()
    (descriptor,) = found.channel_descriptors
    assert descriptor.keyword == axis
    assert found.get_channel_values(descriptor) == wanted
    assert isinstance(found, highdicom.Volume)
    for k in range(3):
        assert np.array_equal(found.array[..., k], volume.array[k])


def test_highdicom_color() -> None:
    library("highdicom")
    found = a_volume(array=color()).to_highdicom()
    assert np.array_equal(found.array, color())
    assert [value.value for value in found.get_channel_values("RGBColorChannel")] == list("RGB")
    both = a_volume(array=color(2), axes=("repetition",)).to_highdicom()
    assert both.array.shape == (*SHAPE, 2, 3)
    assert np.array_equal(both.array[..., 1, :], color(2)[1])


# MONAI


@pytest.mark.parametrize("affine", [*GRIDS.values(), TILTED], ids=[*GRIDS, "tilted"])
def test_monai_places(affine: NDArray[Any]) -> None:
    library("monai")
    volume = a_volume(affine)
    found = volume.to_monai()
    assert found.shape == SHAPE[::-1]
    assert np.array_equal(found.numpy(), volume.array.T)
    assert_near(centres(found.affine, corners(volume)[:, ::-1]) * [-1, -1, 1], places(volume))
    assert found.meta["space"] == "RAS"
    assert np.array_equal(found.meta["original_affine"], found.affine)
    assert found.meta["spatial_shape"].tolist() == list(SHAPE[::-1])


@pytest.mark.parametrize("name", ["monai: volume", "monai: volumes", "monai: colour"])
def test_monai_channels(name: str, tmp_path: Path) -> None:
    """The metadata that LoadImage gives: EnsureChannelFirst puts an axis of channels first."""
    library("monai")
    from monai.transforms import EnsureChannelFirst

    channels: dict[str, tuple[Volume, int]] = {
        "monai: volume": (a_volume(), 1),
        "monai: volumes": (four_d(), 3),
        "monai: colour": (a_volume(array=color()), 3),
    }
    volume, count = channels[name]
    first = EnsureChannelFirst()(volume.to_monai())
    assert first.shape == (count, *SHAPE[::-1])
    wanted = {
        "monai: volume": volume.array[None],
        "monai: volumes": volume.array,
        "monai: colour": volume.array.transpose(3, 0, 1, 2) if count == 3 else None,
    }[name]
    assert wanted is not None
    assert np.array_equal(first.numpy(), wanted.swapaxes(1, 3))


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader:UserWarning")
def test_monai_is_what_load_image_gives(tmp_path: Path) -> None:
    """Of the same volume, by way of a NIfTI file."""
    library("monai")
    from monai.data import NibabelReader
    from monai.transforms import LoadImage

    for volume in (a_volume(affine_of()), four_d()):
        volume.save(tmp_path / "a.nii")
        loaded, made = LoadImage(reader=NibabelReader())(tmp_path / "a.nii"), volume.to_monai()
        assert loaded.dtype == made.dtype
        assert np.array_equal(loaded.numpy(), made.numpy())
        assert loaded.affine.dtype == made.affine.dtype
        np.testing.assert_allclose(loaded.affine, made.affine, atol=NEAR)
        original = made.meta["original_affine"]
        np.testing.assert_allclose(loaded.meta["original_affine"], original, atol=NEAR)
        for key in ("spatial_shape", "original_channel_dim", "space"):
            np.testing.assert_equal(loaded.meta[key], made.meta[key])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 0, 4), (0, 3, 4), (40, 31, 70), (2, 9, 300, 64)])
def test_columns_first(shape: tuple[int, ...]) -> None:
    """In pieces of rows, the last of which is smaller."""
    for dtype in (np.uint8, np.int16, np.float64):
        array = values(shape, dtype)
        for given in (array, array[..., ::-1, :]):
            found = columns_first(given)
            assert found.flags.c_contiguous
            assert found.dtype == dtype
            assert np.array_equal(found, given.T)


def test_monai_has_one_axis_of_channels() -> None:
    library("monai")
    with pytest.raises(SeriesError, match="one axis of channels"):
        a_volume(array=color(2), axes=("repetition",)).to_monai()
