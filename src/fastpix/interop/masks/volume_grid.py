"""`VolumeGrid`: where the voxels of a volume lie, and whether a label says that it is of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError, SeriesError
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import Notes
from fastpix.series.plane import Plane
from fastpix.series.series_files import open_files
from fastpix.series.volume import Volume

NEAR = 0.01
"""Millimetres, and share of the spacing: places that are nearer, by either, are the same."""

RESAMPLE = (
    "read the series that it was made on, or resample the label to the volume yourself: "
    "fastpix never does"
)
"""What to do about a label on other voxels."""

_OWN_PLACE = 0.1  # voxels: planes that are further off the affine are not those of the array


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """The grid of a volume, in millimetres, LPS.

    Attributes
    ----------
    shape : (int, int, int)
        Slices, rows, columns.
    steps : ndarray of float64
        ``(3, 3)``: from a voxel to the next along slices, rows and columns, as columns.
    inverse : ndarray of float64
        Of `steps`: a way in millimetres to one in voxels.
    spacing : ndarray of float64
        ``(3,)``: the lengths of the steps.
    normal : ndarray of float64
        ``(3,)``: a unit vector at right angles to rows and columns.
    origins : ndarray of float64
        ``(slices, 3)``: the centre of the first voxel of each slice. It is what the header of the
        slice says, if that can be read: the affine may be off by up to 5 % of the gap.
    frame_of_reference : str
        Its UID; empty where it is not known.
    instances : mapping of str to frozenset of int
        Slices that each file is the source of, by SOP Instance UID; empty where it is not known.
    series : frozenset of str
        Series Instance UIDs of the files; empty where they are not known.
    """

    shape: tuple[int, int, int]
    steps: NDArray[np.float64]
    inverse: NDArray[np.float64]
    spacing: NDArray[np.float64]
    normal: NDArray[np.float64]
    origins: NDArray[np.float64]
    frame_of_reference: str
    instances: Mapping[str, frozenset[int]]
    series: frozenset[str]

    def nearest_slices(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the slices that points ``(n, 3)`` are nearest to."""
        heights = self.origins @ self.normal
        order = np.argsort(heights)
        between = (heights[order][1:] + heights[order][:-1]) / 2
        return order[np.searchsorted(between, points @ self.normal)]

    @property
    def gap(self) -> float:
        """Distance of neighbouring slices at right angles to them, in millimetres."""
        return float(abs(self.steps[:, 0] @ self.normal))

    def check_references(
        self, frames: Iterable[str], images: Iterable[str], series: Iterable[str], notes: Notes
    ) -> None:
        """Check what a label says that it belongs to, as far as both sides say something.

        Parameters
        ----------
        frames : iterable of str
            UIDs of frames of reference.
        images, series : iterable of str
            SOP Instance UIDs and Series Instance UIDs that the label names.
        notes : Notes
            Gets one if some of them are not of the volume: coordinates count, not names.

        Raises
        ------
        LabelMismatchError
            A frame of reference is another one; or it is unknown, and all images are others.
        """
        known = set(frames) - {""} if self.frame_of_reference else set()
        if known - {self.frame_of_reference}:
            raise LabelMismatchError(
                "frame of reference",
                None,
                "its Frame of Reference UID (0020,0052) is another one, so that its coordinates "
                "are not those of the volume",
                f"{RESAMPLE}, after a registration of the two",
            )
        pairs = (("images", set(images), set(self.instances)), ("series", set(series), self.series))
        for what, named, own in pairs:
            named.discard("")
            if not named or not own:
                continue
            others = len(named - own)
            if others == len(named) and not known:
                raise LabelMismatchError(
                    "frame of reference",
                    None,
                    "a Frame of Reference UID (0020,0052) is missing, of the label or of the "
                    f"volume, and all {what} that the label refers to are others: nothing says "
                    "that its coordinates are those of the volume",
                    RESAMPLE,
                )
            if others:
                notes.add(
                    f"{others} of the {len(named)} {what} that the label refers to are not of the "
                    "volume; its geometry fits"
                )
            return


def grid_of(volume: Volume) -> VolumeGrid:
    """Return the grid of a volume; the headers of its sources are read again.

    Raises
    ------
    SeriesError
        The volume has no place in patient space.
    """
    steps, origin = _steps_of(volume)
    start = len(volume.axes)
    slices, rows, columns = volume.array.shape[start : start + 3]
    normal = np.cross(steps[:, 2], steps[:, 1])
    inverse = np.linalg.inv(steps).astype(np.float64)
    planes = _planes_of(volume)
    origins = origin + np.arange(slices)[:, np.newaxis] * steps[:, 0]
    instances: dict[str, set[int]] = {}
    for k, plane in enumerate(planes):
        if plane is not None and plane.sop_uid:
            instances.setdefault(plane.sop_uid, set()).add(k % slices)
    known = [plane for plane in planes if plane is not None]
    return VolumeGrid(
        shape=(slices, rows, columns),
        steps=steps,
        inverse=inverse,
        spacing=np.linalg.norm(steps, axis=0),
        normal=normal / np.linalg.norm(normal),
        origins=_own_origins(planes, origins, inverse),
        frame_of_reference=volume.frame_of_reference,
        instances={uid: frozenset(those) for uid, those in instances.items()},
        series=frozenset(p.identity.series_uid for p in known if p.identity.series_uid),
    )


def _steps_of(volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps from voxel to voxel, and the centre of the first voxel."""
    affine = volume.affine
    if affine is None:
        reason = "its files have no geometry"
        if volume.kind == "irregular":
            reason = "its slices are not evenly spaced"
        raise SeriesError(
            f"a label cannot be placed on the volume: {reason}, so it has no affine; leave labels "
            "out, or give it an affine: dataclasses.replace(volume, affine=…)",
            codes=[volume.kind],
        )
    steps: NDArray[np.float64] = affine[:3, :3].copy()
    start = len(volume.axes)
    if volume.array.shape[start] == 1 and np.isnan(steps[:, 0]).all():
        # One slice of unknown thickness: any distance to a next slice will do.
        normal = np.cross(steps[:, 2], steps[:, 1])
        steps[:, 0] = normal / np.linalg.norm(normal)
    is_finite = np.isfinite(steps).all() and np.isfinite(affine[:3, 3]).all()
    if not is_finite or np.linalg.det(steps) == 0:
        raise SeriesError(
            "a label cannot be placed on the volume: its affine gives different voxels the same "
            "place, or none; correct the affine",
            codes=["bad_geometry"],
        )
    return steps, affine[:3, 3]


def _planes_of(volume: Volume) -> list[Plane | None]:
    """Return the planes that the array was read from, by the headers; None where not known."""
    start = len(volume.axes)
    count = int(np.prod(volume.array.shape[: start + 1]))
    sources = [plane and plane.source for plane in volume.sources]
    if len(sources) != count:  # an array that was cut or resampled
        return []
    distinct = {id(source): source for source in sources if source is not None}
    opened = open_files(distinct.values(), MAX_BYTES, None)
    found: dict[tuple[int, int], list[Plane]] = {}
    for plane in opened.planes:
        key = id(opened.files[plane.source].source), plane.frame
        found.setdefault(key, []).append(plane)
    planes = [
        None if plane is None else _one_of(found.get((id(plane.source), plane.frame), []))
        for plane in volume.sources
    ]
    size = tuple(volume.array.shape[start + 1 : start + 3])
    is_cut = any(
        plane and (plane.identity.rows, plane.identity.columns) != size for plane in planes
    )
    return [plane and plane._replace(position=None) for plane in planes] if is_cut else planes


def _one_of(planes: list[Plane]) -> Plane | None:
    """Return the plane of a frame; of a mosaic one that is said to have no place of its own."""
    if not planes:
        return None
    return planes[0] if len(planes) == 1 else planes[0]._replace(position=None)


def _own_origins(
    planes: list[Plane | None], origins: NDArray[np.float64], inverse: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the origins that the headers of planes give; those of the affine where they do not."""
    own = origins.copy()
    slices = len(origins)
    for k in reversed(range(len(planes))):  # so that the first volume comes last, and counts
        plane = planes[k]
        if plane is not None and plane.position is not None:
            own[k % slices] = plane.position
    off = np.abs((own - origins) @ inverse.T)
    return own if off.max(initial=0) <= _OWN_PLACE else origins
