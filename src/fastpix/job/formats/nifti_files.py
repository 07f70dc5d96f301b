"""A ``.nii`` or ``.nii.gz`` of values for each sample, in patient space, with a sidecar."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.one_a_file import FileWriter, sidecar
from fastpix.job.formats.sample_bytes import damaged, is_color, read_bytes
from fastpix.job.remaining import Remaining
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage
from fastpix.series.time_steps import seconds_between

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT
_LONGEST = 2**15 - 1  # of an axis: the header holds it in 16 bits
_NEGLIGIBLE = 1e-3  # millimetres
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_OUTPUT = "fastpix output "  # in `descrip`, before the dtype of values


class NiftiFiles:
    """Integers with a slope where that gives the very values, else the values."""

    name = "nifti"
    holds = "values"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""
        is_plain = settings.compress == "none"

        def encode(sample: Sample) -> dict[str, bytes]:
            data = _image_bytes(sample)
            if not is_plain:
                data = gzip.compress(data, 1, mtime=0)
            file = f"{sample.name}.nii{'' if is_plain else '.gz'}"
            how = f'nibabel.load("{file}").get_fdata() gives the values, in `unit`; columns first'
            return {file: data, f"{sample.name}.json": sidecar(sample, how, applied=True)}

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row: see `Format.read`."""
        data = read_bytes(storage, row, verify=True)  # another run may have written it
        nibabel = _nibabel()
        shape = tuple(row["shape"])
        try:
            if row["file"].endswith(".gz"):
                data = gzip.decompress(data)
            image = nibabel.Nifti1Image.from_bytes(data)
            output = bytes(image.header["descrip"]).rstrip(b"\0").decode("ascii")
            if not output.startswith(_OUTPUT):
                raise damaged(row, "it was not written by fastpix")
            voxels = np.asanyarray(image.dataobj).T
            if voxels.dtype.fields:
                voxels = np.ascontiguousarray(voxels).view(np.uint8).reshape(*voxels.shape, 3)
            values = np.ascontiguousarray(voxels, np.dtype(output.removeprefix(_OUTPUT)))
        except FastpixError:
            raise
        except (ValueError, OSError, EOFError, TypeError, KeyError, zlib.error,
                nibabel.filebasedimages.ImageFileError,
                nibabel.spatialimages.HeaderDataError) as error:  # fmt: skip
            raise damaged(row, error) from error
        if values.size != np.prod(shape, dtype=np.int64):
            raise damaged(row, f"{values.shape}, not {shape}")
        return values.reshape(shape)


def _image_bytes(sample: Sample) -> bytes:
    nibabel = _nibabel()
    if sample.affine is None or not np.isfinite(sample.affine).all():
        raise FastpixError(
            "NIfTI places voxels in patient space, and this image has no position there, or one "
            "slice and no thickness: choose another format"
        )
    voxels, slope, intercept = _voxels(sample)
    if max(voxels.shape) > _LONGEST:
        raise FastpixError(f"an axis has {max(voxels.shape)} voxels, and NIfTI holds {_LONGEST}")
    # (slice, row, column) in LPS becomes (column, row, slice) in RAS
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ sample.affine[:, [2, 1, 0, 3]]
    data = voxels.T
    image = nibabel.Nifti1Image(data, affine, dtype=data.dtype)
    header = image.header
    header.set_sform(affine, _SCANNER)
    header.set_qform(affine, _SCANNER)
    if not _is_same_place(header.get_qform(), affine, data.shape[:3]):  # sheared
        header.set_qform(affine, 0)
    axes, coords = (sample.row.get(name) or "" for name in ("axes", "coords"))
    step = seconds_between(axes.split(), json.loads(coords or "{}"))
    header.set_xyzt_units("mm", None if step is None else "sec")
    if step is not None:
        header["pixdim"][4] = step
    header["descrip"] = (_OUTPUT + sample.remaining.output).encode()
    if (slope, intercept) != (1.0, 0.0):
        header.set_slope_inter(slope, intercept)
    # The voxels are the raw ones: to_bytes() would scale them by itself.
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + bytes(4) + np.ascontiguousarray(voxels).tobytes()


def _voxels(sample: Sample) -> tuple[NDArray[Any], float, float]:
    stored, remaining = sample.stored, sample.remaining
    color = is_color(sample)
    axes = stored.ndim - color
    if axes == 2:
        stored = stored[None]
    if color:
        values = remaining.values(sample.stored).reshape(stored.shape)
        with np.errstate(invalid="ignore"):
            colors = np.ascontiguousarray(values.astype(np.uint8))
        if not np.array_equal(colors, values):
            raise FastpixError(
                "NIfTI holds colours of 8 bits, integers of 0..255: convert with "
                "color_range=(0, 255), or choose another format"
            )
        return colors.view(_RGB)[..., 0], 1.0, 0.0
    values = remaining.values(sample.stored).reshape(stored.shape)
    slope, intercept = remaining.slopes[0], remaining.intercepts[0]
    linear = Remaining(remaining.output, slopes=(slope,), intercepts=(intercept,))
    if remaining == linear and stored.dtype.kind in "iu":
        held = float(np.float32(slope)), float(np.float32(intercept))
        if held == (slope, intercept) and slope != 0:
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = (stored.astype(np.float64) * slope + intercept).astype(values.dtype)
            if np.array_equal(scaled, values):
                return stored, slope, intercept
    if values.dtype.kind not in "iuf" or values.dtype == np.float16:
        raise FastpixError(f"NIfTI has no dtype {values.dtype}: convert to float32")
    return values, 1.0, 0.0


def _is_same_place(
    one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]
) -> bool:
    corners = np.array([[*corner, 1] for corner in product(*((0, n - 1) for n in shape))])
    return bool(np.abs(corners @ (one - other).T).max() <= _NEGLIGIBLE)


def _nibabel() -> Any:
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise ImportError("format='nifti' needs nibabel: pip install 'fastpix[nifti]'") from error
    return nibabel
