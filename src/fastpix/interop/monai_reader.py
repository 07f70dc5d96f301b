"""MONAI's DICOM reader with the pixels of fastpix: `FastpixReader`, for MONAI's `LoadImage`.

Which files are read, how slices become a series, geometry and metadata are left to MONAI's own
`PydicomReader`. What is replaced is the step from a data set to values, and the detour of every
element of the header through JSON. Needs the ``monai`` extra.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import DTypeLike, NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from fastpix.errors import ArgumentError
from fastpix.header.header import Header
from fastpix.header.instance import read_instance
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.plan.making import stored_plan
from fastpix.recipe import Invert, Recipe
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.standard.tags import Tag

try:
    from monai.data import PydicomReader
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
    max_bytes : int
        What one file may decode to; see `fastpix.open`.
    **kwargs
        For `pydicom.dcmread`.

    Raises
    ------
    ArgumentError
        A value that no image could be read with, or a keyword that is not known.

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
        max_bytes: int = MAX_BYTES,
        **kwargs: Any,
    ) -> None:
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
        self.recipe = Recipe(asked, rescale, invert, normalize, padding)  # type: ignore[arg-type]
        self.any_dtype = dtype is None
        self.max_bytes = checked_limit(max_bytes)

    def _get_array_data(self, img: Dataset, filename: object) -> NDArray[Any]:
        """Return the values of one data set, frames first."""
        with ErrorsNamed(name_of(filename)):
            opened = Image(read_instance(img, self.max_bytes), self.max_bytes)
            recipe = self.recipe
            if self.any_dtype:
                recipe = replace(recipe, dtype=_documented_dtype(opened.header, img, recipe))
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
    if rescaled or changed:
        return "float32"
    return "auto" if header.palette else stored_plan(header).dtype
