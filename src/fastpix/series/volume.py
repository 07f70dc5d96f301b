"""`Volume`: an array in patient space."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, SeriesError
from fastpix.image.limits import MAX_VOLUME_BYTES, check_size, checked_limit
from fastpix.in_notebooks import InNotebooks
from fastpix.notes import Note
from fastpix.series.arrangement import Kind
from fastpix.series.pet_header import suv_factor_of
from fastpix.series.resampling import (
    Interpolation,
    checked_interpolation,
    resampled_affine,
    resampled_block,
    resampled_dtype,
    resampled_shape,
)

if TYPE_CHECKING:
    import highdicom
    import nibabel
    import SimpleITK
    from monai.data import MetaTensor

Space: TypeAlias = Literal["LPS", "RAS"]
Order: TypeAlias = Literal["zyx", "xyz"]

EXPORTERS = "fastpix.interop.volume_export"
"""The package that makes images of other libraries. It stands after this one, so by name."""


class PlaneSource(NamedTuple):
    """Where a plane of a volume came from.

    Attributes
    ----------
    source : object
        As it was given: a path, bytes, a file.
    frame : int
        In the file, from 0.
    """

    source: Any
    frame: int


def spacing_of(affine: NDArray[np.float64] | None) -> tuple[float, float, float] | None:
    """Return how far neighbouring voxels are apart along the three axes of an affine."""
    if affine is None:
        return None
    slices, rows, columns = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return slices, rows, columns


@dataclass(frozen=True, eq=False, repr=False)
class Volume(InNotebooks):
    """An array of modality values in patient space, in millimetres, LPS.

    Attributes
    ----------
    array : ndarray
        ``(slice, row, column)``, or ``(volume, slice, row, column)``; colour has a last axis of 3.
    affine : ndarray of float64 or None
        ``(4, 4)``: ``affine @ (slice, row, column, 1)`` is the centre of a voxel (PS3.3
        C.7.6.2.1.1).
        None where the files have no geometry.
    axes : tuple of str
        What stands before (slice, row, column): ``()``, or one name such as ``("b_value",)``.
    coords : mapping of str to sequence
        A value for each volume.
    kind : {"grid", "sheared", "single_slice", "irregular", "no_geometry"}
    frame_of_reference : str
        Its UID; empty where the files do not say.
    unit : str
        Of the values.
    modality : str
    notes : tuple of Note
    sources : sequence of PlaneSource or None
        One for each plane, volume by volume, slice by slice; None for a plane that is missing.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64] | None
    axes: tuple[str, ...] = ()
    coords: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    kind: Kind = "grid"
    frame_of_reference: str = ""
    unit: str = "unspecified"
    modality: str = ""
    notes: tuple[Note, ...] = ()
    sources: Sequence[PlaneSource | None] = ()

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.array.shape))
        return f"<fastpix.Volume: {size}, {self.array.dtype}, {self.kind}>"

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance of neighbouring voxels along slice, row and column axis, in millimetres."""
        return spacing_of(self.affine)

    @property
    def origin(self) -> NDArray[np.float64] | None:
        """Centre of the first voxel, in millimetres, LPS."""
        return None if self.affine is None else self.affine[:3, 3].copy()

    @property
    def direction(self) -> NDArray[np.float64] | None:
        """``(3, 3)``: unit vectors of the slice, row and column axis, as columns."""
        if self.affine is None:
            return None
        axes = self.affine[:3, :3]
        directions: NDArray[np.float64] = axes / np.linalg.norm(axes, axis=0)
        return directions

    def affine_as(self, space: Space = "LPS", order: Order = "zyx") -> NDArray[np.float64]:
        """Return the affine in the convention of another library; no number is rounded.

        Parameters
        ----------
        space : {"LPS", "RAS"}
            Towards left, posterior, superior (DICOM, ITK), or right, anterior, superior (NIfTI).
        order : {"zyx", "xyz"}
            Of the indices: (slice, row, column), or (column, row, slice).

        Returns
        -------
        ndarray of float64
            ``(4, 4)``, new: (index, index, index, 1) to the centre of a voxel, in millimetres.

        Raises
        ------
        SeriesError
            There is no affine.
        """
        if space not in get_args(Space):
            raise ArgumentError("space", f"{space!r} is not 'LPS' or 'RAS'")
        if order not in get_args(Order):
            raise ArgumentError("order", f"{order!r} is not 'zyx' or 'xyz'")
        if self.affine is None:
            raise SeriesError("the volume has no affine: use its array alone", codes=[self.kind])
        columns = [2, 1, 0, 3] if order == "xyz" else [0, 1, 2, 3]
        affine: NDArray[np.float64] = self.affine[:, columns]
        if space == "RAS":
            affine[:2] = 0.0 - affine[:2]  # not -affine, which makes -0.0 of 0.0
        return affine

    def suv_factor(self) -> float:
        """Return what makes SUV by body weight, in g/ml, of the values of a PET volume.

        ``volume.array * volume.suv_factor()`` is SUV; nothing is multiplied unasked. The headers of
        `sources` are read again. What counts: Units (0054,1001), Corrected Image (0028,0051), Decay
        Correction (0054,1102), Patient's Weight (0010,1030), the injected dose with its half life
        and time (PS3.3 C.8.9.1, C.8.9.2), and where they are the only way the private factors of
        Philips, (7053,1000) and (7053,1009), and scan time of GE, (0009,100D).

        Returns
        -------
        float
            1 where values are SUV by body weight already (``GML``).

        Raises
        ------
        PixelHeaderError
            An attribute is missing, contradicts others, or rules SUV out; the error names it.
        SeriesError
            The array holds other values than those in the unit of the files.
        OSError
            A file cannot be read any more.
        """
        files = {id(plane.source): plane.source for plane in self.sources if plane is not None}
        return suv_factor_of(files.values(), self.unit)

    def resample(
        self,
        spacing: Sequence[float],
        *,
        order: Interpolation = 1,
        threads: int | None = None,
        max_bytes: int = MAX_VOLUME_BYTES,
    ) -> Volume:
        """Return the volume on a grid of another spacing (the ``resample`` extra).

        The axes keep their directions, tilt included, and the middle of the volume stays where it
        is. Each axis gets the number of voxels whose extent is nearest to the old one, edge to
        edge, so each edge moves by a quarter of a new voxel at most. The new affine gives the place
        where a value was sampled. An axis whose spacing is that asked for, within 1e-5 of it, is
        kept as it is, and so are all values if all three are.

        Values are computed in float64, with scipy. Beyond the outermost centres of voxels, a value
        is that at the edge. Order 0 takes the nearest voxel, the later one if it is halfway. Order
        1 gives NaN where a voxel that has a weight is NaN, and nowhere else. Order 3 is the natural
        cubic spline through all voxels; it overshoots at sharp edges.

        Nothing is smoothed: where the new spacing is much larger, detail that it cannot hold
        becomes noise (aliasing), unless you smooth the array before. Volumes along the fourth axis
        are resampled one by one.

        Parameters
        ----------
        spacing : (float, float, float)
            Millimetres along slice, row and column axis, as in `spacing`. On a tilted gantry, the
            first is the distance of the centres of neighbouring slices, along the tilted axis.
        order : {0, 1, 3}
            Nearest, for labels; linear; cubic.
        threads : int, optional
            How many threads work; as many as help if not given.
        max_bytes : int
            What the new array may take.

        Returns
        -------
        Volume
            The dtype of order 0 is that of `array`; else float32, or float64 for dtypes that
            float32 does not hold. It has no `sources`, so take `suv_factor` of this volume.

        Raises
        ------
        ArgumentError
            The spacing is not three numbers above 0; order 3, and a value is not finite.
        SeriesError
            There is no spacing along all axes, or the values are colours.
        ImportError
            scipy is not installed, and `order` is not 0.
        """
        asked = checked_interpolation(spacing, order)
        limit = checked_limit(max_bytes)
        old, ahead = self.spacing, len(self.axes)
        if self.affine is None or old is None or not all(0 < s < math.inf for s in old):
            raise SeriesError(
                "the volume has no spacing along each axis (no geometry, or one slice without "
                "thickness), so it cannot be resampled: give it the affine that it should have, by "
                "dataclasses.replace(volume, affine=...)",
                codes=[self.kind],
            )
        shape = self.array.shape
        if len(shape) != ahead + 3:
            raise SeriesError("colours are not resampled: there is nothing between two of them")
        new_shape = resampled_shape(shape, old, asked)
        dtype = resampled_dtype(self.array.dtype, order)
        check_size(
            math.prod(new_shape) * dtype.itemsize, limit, "the resampled volume takes",
            "ask for a larger spacing=, or raise max_bytes=",
        )  # fmt: skip

        def read(starts: Sequence[int], stops: Sequence[int]) -> NDArray[Any]:
            return self.array[tuple(map(slice, starts, stops))]

        array = resampled_block(
            read, shape, old, asked, (0,) * len(shape), new_shape, order, threads
        )
        slices = new_shape[ahead]
        said = " x ".join(f"{number:g}" for number in old)
        note = f"resampled from {' x '.join(map(str, shape[ahead:]))} voxels of {said} mm, order "
        return replace(
            self,
            array=array,
            affine=resampled_affine(self.affine, shape, asked),
            kind="grid" if self.kind == "single_slice" and slices > 1 else self.kind,
            notes=(*self.notes, Note(f"{note}{order}")),
            sources=(),
        )

    def to_nibabel(self) -> nibabel.Nifti1Image:
        """Return the volume as an image of nibabel (the ``nifti`` extra).

        Its axes are (column, row, slice), and behind them volumes; its affine is RAS. The sform is
        set, and the qform where it places each voxel within 1 um of the sform: not after a tilted
        gantry. Integers and floats stay what they are, with a slope of 1; colours become RGB of
        8 bits. The unit of a fourth axis is the second where that axis is a time of even steps. The
        header holds no text of the files.

        Returns
        -------
        nibabel.Nifti1Image
            It shares its memory with `array`.

        Raises
        ------
        SeriesError
            There is no affine for all voxels, or NIfTI has no such dtype; the message says why.
        ImportError
            nibabel is not installed.
        """
        return _exporters().to_nibabel(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the volume to a file, which is whole or absent.

        Parameters
        ----------
        path : str or path
            Its ending decides: ``.nii`` and ``.nii.gz`` are what `to_nibabel` returns; ``.npz`` has
            `array`, `affine` (NaN where there is none), `axes`, `unit`, and `coords` as JSON,
            dates and times of day apart. Neither holds `sources`, `notes`, or UIDs.

        Raises
        ------
        ArgumentError
            The ending is another one.
        SeriesError, ImportError
            As for `to_nibabel`.
        """
        _exporters().save(self, path)

    def to_simpleitk(self) -> SimpleITK.Image:
        """Return the volume as an image of SimpleITK, in LPS.

        Colours are vectors. Several volumes are one image of four dimensions, as
        ``SimpleITK.JoinSeries`` makes it: its last spacing is in seconds where the axis is a time
        of even steps, else 1.

        Raises
        ------
        SeriesError
            There is no affine for all voxels, or it is sheared, which ITK does not know.
        ImportError
            SimpleITK is not installed.
        """
        return _exporters().to_simpleitk(self)

    def to_monai(self) -> MetaTensor:
        """Return the volume as ``LoadImage`` of MONAI returns one, in RAS.

        ``(column, row, slice)``, without an axis of channels; several volumes, or colours, are
        channels behind them, as the metadata ``original_channel_dim`` says: ``EnsureChannelFirst``
        puts an axis first in all cases. The dtype is that of `array`.

        Raises
        ------
        SeriesError
            There is no affine for all voxels, or there are several volumes of colours.
        ImportError
            MONAI is not installed.
        """
        return _exporters().to_monai(self)

    def to_highdicom(self) -> highdicom.Volume:
        """Return the volume as one of highdicom, in the patient's coordinate system.

        Several volumes, and colours, are channels behind (slice, row, column). It shares its memory
        with `array`.

        Raises
        ------
        SeriesError
            There is no affine for all voxels, or it is sheared, which highdicom refuses.
        ImportError
            highdicom is not installed.
        """
        return _exporters().to_highdicom(self)


def _exporters() -> Any:
    return importlib.import_module(EXPORTERS)
