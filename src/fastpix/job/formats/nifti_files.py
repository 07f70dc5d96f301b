"""``NAME.nii.gz`` by nibabel, and ``NAME.json``."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.one_a_file import Encoded, FileWriter
from fastpix.job.formats.stored_bytes import damaged, read_bytes
from fastpix.job.remaining import Remaining
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

_SHEAR = 1e-6  # cosine between axes up to which they are at right angles
_DTYPES = frozenset(
    {"uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64", "uint64"}
)


class _Nifti:
    holds = "values"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:
        """Return a writer of a file for each sample."""
        del batch, settings
        _import_nibabel()

        def encode(sample: Sample) -> Encoded:
            data, scaled = _encoded(sample)
            words = (
                f'nibabel.load("{sample.name}.nii.gz"): axes (column, row, slice), RAS, mm; values '
                f"in {sample.row.get('unit') or 'no unit'}; the steps below have been applied"
                f"{', by scl_slope and scl_inter' if scaled else ''}"
            )
            return Encoded(".nii.gz", data, words)

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the values of a row, slices first."""
        nibabel = _import_nibabel()
        data = read_bytes(storage, row, verify)
        try:
            image = nibabel.Nifti1Image.from_bytes(_inflated(data))
            values = _with_slices_first(np.asarray(image.dataobj))
        except Exception as error:  # of nibabel and zlib
            raise damaged(row, "it is no sound NIfTI file") from error
        if values.shape != tuple(row["shape"]):
            values = values.reshape(tuple(row["shape"]))
        return np.ascontiguousarray(values.astype(row["output"], copy=False))


FORMAT = _Nifti()


def _encoded(sample: Sample) -> tuple[bytes, bool]:
    import gzip

    nibabel = _import_nibabel()
    affine, stored, remaining = sample.affine, sample.stored, sample.remaining
    if affine is None and sample.row.get("affine") is not None:
        affine = np.array(sample.row["affine"], np.float64).reshape(4, 4)
    if affine is None or not np.isfinite(affine).all():
        raise FastpixError(
            "NIfTI needs the place of each voxel, and there is no affine: use another format, or "
            "unit='series' for slices"
        )
    if sample.row.get("unit") == "RGB":
        raise FastpixError("colours are not written to NIfTI: use another format")
    scaled = _may_scale(stored, remaining)
    array = stored if scaled else remaining.values(stored)
    if array.dtype.name not in _DTYPES:
        raise FastpixError(f"NIfTI has no {array.dtype.name}: use another dtype or format")
    if array.ndim == 2:
        array = array[np.newaxis]
    ras: NDArray[np.float64] = affine[:, [2, 1, 0, 3]].copy()
    ras[:2] = 0.0 - ras[:2]
    image = nibabel.Nifti1Image(np.ascontiguousarray(_with_columns_first(array)), None)
    header = image.header
    image.set_sform(ras, code=1)
    axes = ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() < _SHEAR:
        image.set_qform(ras, code=1)
    header.set_xyzt_units("mm")
    if scaled:
        header.set_slope_inter(remaining.slopes[0], remaining.intercepts[0])
    stream = io.BytesIO()
    file_map = {"image": nibabel.FileHolder(fileobj=stream)}
    image.to_file_map(file_map)
    data = bytearray(stream.getvalue())
    if scaled:  # nibabel resets what it has set, since it takes the array for values
        data[112:120] = np.array(
            [remaining.slopes[0], remaining.intercepts[0]], "<f4"
        ).tobytes()
    return gzip.compress(bytes(data), 1, mtime=0), scaled


def _may_scale(stored: NDArray[Any], remaining: Remaining) -> bool:
    """Whether integers with a slope of float32 give the very values, as readers compute them."""
    plain = Remaining(remaining.output, slopes=remaining.slopes, intercepts=remaining.intercepts)
    if stored.dtype.kind == "f" or remaining != plain or len(remaining.slopes) != 1:
        return False
    slope, intercept = remaining.slopes[0], remaining.intercepts[0]
    if float(np.float32(slope)) != slope or float(np.float32(intercept)) != intercept:
        return False
    values = remaining.values(stored)
    as_read = stored * np.float64(slope) + np.float64(intercept)
    return bool(np.array_equal(as_read.astype(values.dtype), values))


def _with_columns_first(array: NDArray[Any]) -> NDArray[Any]:
    """Return (slice, row, column), with volumes before it, as (column, row, slice, volume)."""
    if array.ndim == 3:
        return array.transpose(2, 1, 0)
    return array.transpose(3, 2, 1, 0)


def _with_slices_first(array: NDArray[Any]) -> NDArray[Any]:
    return array.transpose(2, 1, 0) if array.ndim == 3 else array.transpose(3, 2, 1, 0)


def _inflated(data: bytes) -> bytes:
    import gzip

    return gzip.decompress(data)


def _import_nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise ImportError("NIfTI needs nibabel: pip install 'fastpix[nifti]'") from error
    return nibabel
