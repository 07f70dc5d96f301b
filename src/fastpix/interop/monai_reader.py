"""MONAI's DICOM reader with the pixels of fastpix: `FastpixReader`, for MONAI's `LoadImage`.

The shape of what is returned, and which files of a folder are read, are those of MONAI's own
`PydicomReader`. What is replaced is the step from a data set to values, the detour of every element
of the header through JSON, and how slices of a folder become a volume. Needs the ``monai`` extra.
"""

from __future__ import annotations

import glob
import inspect
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.misc import is_dicom
from pydicom.tag import BaseTag

from fastpix.errors import ArgumentError, SeriesError, warn_caller
from fastpix.header.header import Header
from fastpix.header.instance import read_instance
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.interop.monai_series import MonaiSeries, find_stack, read_monai_series
from fastpix.plan.making import stored_plan
from fastpix.recipe import Invert, Recipe
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.standard.tags import Tag

try:
    from monai.data import PydicomReader
    from monai.data.utils import orientation_ras_lps
    from monai.utils import MetaKeys, ensure_tuple
except ModuleNotFoundError as error:  # torch, without which MONAI cannot be imported, included
    raise ImportError("fastpix.monai needs MONAI: pip install 'fastpix[monai]'") from error

# What PydicomReader keeps of a header where it prunes, and what pydicom needs to convert it.
_GEOMETRY = (
    Tag.ImagePositionPatient,
    Tag.ImageOrientationPatient,
    Tag.PixelSpacing,
    Tag.PixelRepresentation,
    Tag.SharedFunctionalGroupsSequence,
    Tag.PerFrameFunctionalGroupsSequence,
)
SpacingCheck: TypeAlias = Literal["error", "warn", "monai"]

_READ_OPTIONS = frozenset(inspect.signature(dcmread).parameters) - {"fp"}


class FastpixReader(PydicomReader):  # type: ignore[misc]  # mypy does not look into MONAI
    """Read DICOM for MONAI as its `PydicomReader` does, with exact values, in less time.

    Shapes, the order of axes, affine and metadata are those of `PydicomReader`, and so are the
    values wherever its own are right; docs/monai.md lists where they are not.

    Parameters
    ----------
    channel_dim, affine_lps_to_ras, swap_ij, prune_metadata, label_dict, fname_regex
        See `monai.data.PydicomReader`.
    to_gpu : bool
        There for the place it has in `PydicomReader`: True is refused.
    dtype : str, numpy dtype or None
        The dtype of values. None: float32 wherever values are computed, else the stored dtype, as
        `PydicomReader` documents it. `LoadImage` converts to a dtype of its own afterwards.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"none", "max", "range"}
        What to do with MONOCHROME1; by default it is left alone, as MONAI leaves it.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    max_bytes : int
        What one file may decode to; see `fastpix.open`.
    spacing_check : {"error", "warn", "monai"}
        What to do with a folder whose slices make no volume, as where one is missing: a
        `SeriesError`; a warning, and the slices stacked as `PydicomReader` stacks them; or these
        slices without a word, which is what `PydicomReader` does with each folder.
    **kwargs
        For `pydicom.dcmread`.

    Raises
    ------
    ArgumentError
        A value that no image could be read with, or a keyword that is not known.
    SeriesError
        By `get_data`: the files of a folder make no volume, or several.

    Examples
    --------
    >>> load = LoadImage(reader=FastpixReader())                       # doctest: +SKIP
    >>> load = LoadImage(reader=FastpixReader(padding=-1024))          # doctest: +SKIP
    """

    def __init__(
        self,
        channel_dim: str | int | None = None,
        affine_lps_to_ras: bool = True,
        swap_ij: bool = True,
        prune_metadata: bool = True,
        label_dict: Mapping[str, int] | None = None,
        fname_regex: str | None = "",
        to_gpu: bool = False,
        *,
        dtype: DTypeLike | None = None,
        rescale: bool = True,
        invert: Invert = "none",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
        max_bytes: int = MAX_BYTES,
        spacing_check: SpacingCheck = "error",
        **kwargs: Any,
    ) -> None:
        if spacing_check not in get_args(SpacingCheck):
            reason = f"{spacing_check!r} is not 'error', 'warn' or 'monai'"
            raise ArgumentError("spacing_check", reason)
        if to_gpu:
            raise ArgumentError("to_gpu", "fastpix decodes on the CPU: move what LoadImage returns")
        # LoadImage takes an error of dcmread for a file of another kind, and tries other readers.
        if unknown := sorted(kwargs.keys() - _READ_OPTIONS):
            reason = "neither FastpixReader nor pydicom.dcmread has such a keyword"
            raise ArgumentError(unknown[0], reason)
        super().__init__(
            channel_dim=channel_dim,
            affine_lps_to_ras=affine_lps_to_ras,
            swap_ij=swap_ij,
            prune_metadata=prune_metadata,
            label_dict=label_dict,
            fname_regex=fname_regex,
            **kwargs,
        )
        asked = "float32" if dtype is None else dtype
        self.recipe = Recipe(
            asked, rescale, invert, normalize, padding, color_range=color_range  # type: ignore[arg-type]
        )  # fmt: skip
        self.any_dtype = dtype is None
        self.max_bytes = checked_limit(max_bytes)
        self.spacing_check = spacing_check
        self.read_options: dict[str, Any] = {}

    def read(self, data: Any, **kwargs: Any) -> Any:
        """Read data sets, as `PydicomReader` does; of folders of slices only their paths.

        The files of a folder are opened in `get_data`: `LoadImage` would take an error of this
        method for a file of another kind, and ask other readers.

        Parameters
        ----------
        data : path or sequence of paths
        **kwargs
            For `pydicom.dcmread`.
        """
        folders = (
            [] if self.spacing_check == "monai" else list(map(self._slices, ensure_tuple(data)))
        )
        if not folders or min(map(len, folders)) < 2:
            return super().read(data, **kwargs)
        self.read_options = self.kwargs | kwargs
        self.filenames, self.has_series = folders, True
        return folders[0] if len(folders) == 1 else folders

    def _slices(self, name: str | os.PathLike[str]) -> list[str]:
        """Return the DICOM files of a folder that MONAI would read; none if it is no folder."""
        if not os.path.isdir(name):
            return []
        paths = sorted(glob.glob(os.path.join(os.fspath(name), "*")))
        if self.fname_regex is not None:
            paths = [path for path in paths if re.match(self.fname_regex, path)]
        slices = [path for path in paths if os.path.isfile(path) and is_dicom(path)]
        if self.fname_regex is not None:
            for path in set(paths).difference(slices):
                warn_caller(f"Failed to read {path}: it is no DICOM file", UserWarning)
        return slices

    def _combine_dicom_series(
        self, data: Sequence[Any], filenames: Sequence[str]
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the volume of the slices of a folder, and its metadata."""
        if self.spacing_check == "monai":
            stacked: tuple[NDArray[Any], dict[str, Any]]
            stacked = super()._combine_dicom_series(data, filenames)
            return stacked
        try:
            stack = find_stack(filenames, self.max_bytes)
            series = read_monai_series(stack, self.recipe, self.any_dtype, self.read_options)
        except SeriesError as error:
            if self.spacing_check == "error":
                raise
            warn_caller(f"slices are stacked that make no volume: {error}")
            datasets = [dcmread(path, **self.read_options) for path in filenames]
            stacked = super()._combine_dicom_series(datasets, filenames)
            return stacked
        return series.array, self._metadata_of(series)

    def _metadata_of(self, series: MonaiSeries) -> dict[str, Any]:
        """Return what `PydicomReader` says of a series, by the geometry of the volume."""
        rows, columns, slices = np.linalg.norm(series.affine[:3, :3], axis=0).tolist()
        if "PixelSpacing" in series.first:  # PydicomReader appends to it
            series.first.PixelSpacing = [*series.first.PixelSpacing, slices]
        metadata = self._get_meta_dict(series.first)
        metadata["spacing"] = np.array([rows, columns, slices])
        metadata["lastImagePositionPatient"] = series.last_position
        metadata[MetaKeys.SPATIAL_SHAPE] = series.array.shape[:3]
        metadata[MetaKeys.AFFINE] = series.affine
        return metadata

    def _get_affine(self, metadata: dict[str, Any], lps_to_ras: bool = True) -> NDArray[Any]:
        """Return the affine of a volume, which is known, or what MONAI makes of a header."""
        known = metadata.get(MetaKeys.AFFINE)
        if known is None:
            known = super()._get_affine(metadata, lps_to_ras)
        elif lps_to_ras:
            known = orientation_ras_lps(known)
        affine: NDArray[Any] = known
        return affine

    def _get_array_data(self, img: Dataset, filename: object) -> NDArray[Any]:
        """Return the values of one data set, frames first."""
        with ErrorsNamed(name_of(filename)):
            opened = Image(read_instance(img, self.max_bytes), self.max_bytes)
            recipe = self.recipe
            if self.any_dtype:
                dtype = _documented_dtype(opened.header, img, recipe)
                recipe = recipe.with_dtype(dtype, not opened.header.is_gray)
            # PydicomReader counts frames along the first axis of a segmentation, even of one frame.
            return opened.read(recipe, frames=slice(None) if Tag.SegmentSequence in img else None)

    def _get_meta_dict(self, img: Dataset) -> dict[str, Any]:
        """Return what MONAI keeps of the header, without converting what it would throw away."""
        if self.prune_metadata:
            kept = Dataset({BaseTag(tag): img.get_item(tag) for tag in _GEOMETRY if tag in img})
            implicit, little = img.original_encoding
            kept.set_original_encoding(implicit, little, img.original_character_set)
            img = kept
        metadata: dict[str, Any] = super()._get_meta_dict(img)
        return metadata


def _documented_dtype(header: Header, dataset: Dataset, recipe: Recipe) -> str:
    """Return float32 where values are computed, else the dtype that stored values have."""
    rescaled = recipe.rescale and (
        Tag.RescaleSlope in dataset
        or Tag.RescaleIntercept in dataset
        or header.modality_lut is not None
        or any((rescale.slope, rescale.intercept) != (1, 0) for rescale in header.rescales)
    )
    changed = recipe.invert != "none" or recipe.normalize or recipe.padding is not None
    if recipe.color_range is not None and not header.is_gray:
        changed = True
    if rescaled or changed:
        return "float32"
    return "auto" if header.palette else stored_plan(header).dtype
