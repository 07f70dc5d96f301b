"""The readers of series that can be compared, each as its documentation asks it for a volume.

All but the script take a folder; two of them take a list of files.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.compare.readers import FASTPIX, Reader
from fastpix.recipe import Invert
from fastpix.series.open_series import open_series

_TURNED = [2, 1, 0, 3]  # axes of an affine: (column, row, slice, 1) to (slice, row, column, 1)
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class SeriesFiles(NamedTuple):
    """The files of one series.

    Attributes
    ----------
    folder : str
        Holds them, and nothing else.
    paths : tuple of str
        In the order of names.
    """

    folder: str
    paths: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> SeriesFiles:
        """Return the files in a folder."""
        return cls(str(folder), tuple(map(str, sorted(folder.iterdir()))))


class GivenVolume(NamedTuple):
    """A volume as a reader gives it.

    Attributes
    ----------
    array : ndarray
        ``([volume,] slice, row, column[, sample])``.
    affine : ndarray of float64 or None
        ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS.
    said : tuple of str
        What it remarked; may quote files.
    is_color : bool
        Whether the last axis is of samples.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64] | None
    said: tuple[str, ...] = ()
    is_color: bool = False


def read_volumes_fastpix(series: SeriesFiles, invert: Invert = "none") -> list[GivenVolume]:
    """Read with fastpix, stack by stack; MONOCHROME1 is not inverted, as most leave it."""
    given = []
    for stack in open_series(series.paths):
        header = stack.files[0].header
        mirrors = header.photometric == "MONOCHROME1" and not header.is_float
        volume = stack.read(invert=invert if mirrors else "none")
        said = tuple(note.text for note in volume.notes)
        given.append(GivenVolume(volume.array, volume.affine, said, not header.is_gray))
    return given


def read_volumes_fastpix_mirrored(series: SeriesFiles) -> list[GivenVolume]:
    """Read with fastpix; MONOCHROME1 is mirrored in the range that can be stored."""
    return read_volumes_fastpix(series, "range")


def read_volumes_fastpix_negated(series: SeriesFiles) -> list[GivenVolume]:
    """Read with fastpix; values of MONOCHROME1 have the other sign."""
    inverted = open_series(series.paths)[0].files[0].header.photometric == "MONOCHROME1"
    given = read_volumes_fastpix(series)
    return [each._replace(array=-each.array) for each in given] if inverted else given


def read_volumes_pydicom(series: SeriesFiles) -> list[GivenVolume]:
    """Read with pydicom, as scripts do: slices in the order of their places along the normal."""
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_modality_lut

    slices = [dcmread(path) for path in series.paths]
    rows, columns = np.reshape(np.asarray(slices[0].ImageOrientationPatient, float), (2, 3))
    normal = np.cross(rows, columns)
    slices.sort(key=lambda s: float(np.dot(np.asarray(s.ImagePositionPatient, float), normal)))
    arrays = [apply_modality_lut(s.pixel_array, s).astype(np.float32) for s in slices]
    first, last = (np.asarray(s.ImagePositionPatient, float) for s in (slices[0], slices[-1]))
    affine = np.eye(4)
    if len(slices) > 1:
        affine[:3, 0] = (last - first) / (len(slices) - 1)
    else:
        affine[:3, 0] = normal * float(slices[0].SliceThickness)
    affine[:3, 1] = columns * float(slices[0].PixelSpacing[0])
    affine[:3, 2] = rows * float(slices[0].PixelSpacing[1])
    affine[:3, 3] = first
    return [GivenVolume(np.stack(arrays), affine, is_color=arrays[0].ndim == 3)]


def read_volumes_simpleitk(series: SeriesFiles) -> list[GivenVolume]:
    """Read with SimpleITK: a single file, or the first series that its reader finds."""
    import SimpleITK

    if len(series.paths) == 1:
        image = SimpleITK.ReadImage(series.paths[0])
    else:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(series.folder))
        image = reader.Execute()
    dimensions = image.GetDimension()  # 4 for several files with frames
    direction = np.reshape(image.GetDirection(), (dimensions, dimensions))[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    is_color = image.GetNumberOfComponentsPerPixel() > 1
    array = SimpleITK.GetArrayFromImage(image)
    return [GivenVolume(array, affine[:, _TURNED], is_color=is_color)]


def dcm2niix_program() -> str:
    """Return where dcm2niix lies: what its Python package brings, else what the system has."""
    with suppress(ImportError):
        import dcm2niix

        return str(dcm2niix.bin)
    return shutil.which("dcm2niix") or "dcm2niix"


def read_volumes_dcm2niix(series: SeriesFiles) -> list[GivenVolume]:
    """Read with dcm2niix, and the files that it writes with nibabel.

    ``-p n`` asks for the values that Rescale Slope and Intercept make, of Philips's files, too.
    """
    import nibabel

    with tempfile.TemporaryDirectory() as out:
        options = ["-z", "n", "-b", "n", "-p", "n", "-f", "volume", "-o", out]
        done = subprocess.run(
            [dcm2niix_program(), *options, series.folder],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        lines = (done.stdout + done.stderr).splitlines()
        said = tuple(line for line in lines if line.startswith(("Warning", "Error")))
        written = sorted(Path(out).glob("*.nii"))
        if not written:
            raise ValueError(" ".join(said) or f"no volume; exit code {done.returncode}")
        return [_of_nifti(nibabel.load(path, mmap=False), said) for path in written]


def _of_nifti(image: Any, said: tuple[str, ...]) -> GivenVolume:
    """Return an image of NIfTI: columns first, and towards right, anterior and superior."""
    values = np.asanyarray(image.dataobj)
    is_color = values.dtype.names is not None
    if is_color:
        samples = [values[name].T for name in values.dtype.names]
        array = np.stack(samples, axis=-1)
    else:
        array = values.T
    if array.ndim - is_color == 2:  # a single slice
        array = array[np.newaxis]
    affine = (_TO_LPS @ np.asarray(image.affine, np.float64))[:, _TURNED]
    return GivenVolume(array, affine, said, is_color)


def read_volumes_highdicom(series: SeriesFiles) -> list[GivenVolume]:
    """Read with highdicom: a volume from a series, or from a file with several frames."""
    import highdicom
    from pydicom import dcmread

    if len(series.paths) == 1:
        volume = highdicom.imread(series.paths[0]).get_volume(dtype=np.float32)
    else:
        datasets = [dcmread(path) for path in series.paths]
        volume = highdicom.get_volume_from_series(datasets, dtype=np.float32)
    affine = np.asarray(volume.affine, np.float64)
    return [GivenVolume(volume.array, affine, is_color=volume.array.ndim == 4)]


def read_volumes_monai(series: SeriesFiles, name: str = "PydicomReader") -> list[GivenVolume]:
    """Read with a reader of MONAI, which has columns first."""
    from monai import data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        reader = getattr(data, name)(affine_lps_to_ras=False)
    array, metadata = reader.get_data(reader.read(series.folder))
    values = np.asarray(array)
    is_color = metadata.get("original_channel_dim") == values.ndim - 1
    turned = np.moveaxis(values.T, 0, -1) if is_color else values.T
    affine = np.asarray(metadata["affine"], np.float64)[:, _TURNED]
    return [GivenVolume(turned, affine, is_color=is_color)]


def read_volumes_pydcm(series: SeriesFiles) -> list[GivenVolume]:
    """Read with pydcm, which negates MONOCHROME1."""
    import pydcm

    volume = pydcm.load_series(series.folder)
    array, affine = np.asarray(volume.pixels), np.asarray(volume.affine, np.float64)
    return [GivenVolume(array, affine[:, _TURNED])]


_OURS = read_volumes_fastpix
_MIRRORED, _NEGATED = read_volumes_fastpix_mirrored, read_volumes_fastpix_negated
_ITK_READER = partial(read_volumes_monai, name="ITKReader")

VOLUME_READERS = {
    reader.name: reader
    for reader in (
        Reader(FASTPIX, "fastpix", "fastpix", _OURS, _OURS),
        Reader("pydicom", "pydicom", "pydicom", read_volumes_pydicom, _OURS),
        Reader("SimpleITK", "SimpleITK", "SimpleITK", read_volumes_simpleitk, _MIRRORED),
        Reader("dcm2niix", "dcm2niix nibabel", "nibabel", read_volumes_dcm2niix, _OURS,
               program="dcm2niix"),
        Reader("highdicom", "highdicom", "highdicom", read_volumes_highdicom, _OURS),
        Reader("MONAI PydicomReader", "monai pydicom", "monai", read_volumes_monai, _OURS),
        Reader("MONAI ITKReader", "monai itk", "monai", _ITK_READER, _MIRRORED, needs=("itk",)),
        Reader("pydcm", "pydcm", "pydcm", read_volumes_pydcm, _NEGATED),
    )
}  # fmt: skip
"""All readers of series, by name: fastpix first."""
