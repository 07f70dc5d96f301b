"""The three planes through the centre of a volume, as a radiologist expects them."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.series.volume import Volume
from fastpix.view.directions import edges_of_affine
from fastpix.view.pane import Pane, place_of
from fastpix.view.tones import as_gray, shades_of, window_by_percentiles
from fastpix.view.voi import VoiWindow

_X, _Y, _Z = range(3)  # of LPS: to the left, to the back, to the head
# Each plane: the axis of the patient it is across, and whither its columns and rows go on.
_PLANES = {
    "axial": (_Z, (_X, 1), (_Y, 1)),
    "coronal": (_Y, (_X, 1), (_Z, -1)),
    "sagittal": (_X, (_Y, 1), (_Z, -1)),
}
_SMALLEST = 2  # voxels along each side of a plane
_AXES = ("slice", "row", "column")


class Planes(NamedTuple):
    """Planes of a volume as they are shown.

    Attributes
    ----------
    panes : list of Pane
        One window for all.
    window : VoiWindow or None
        None for colour.
    """

    panes: list[Pane]
    window: VoiWindow | None


def planes_of(volume: Volume) -> Planes:
    """Return the axial, coronal and sagittal plane nearest to the centre; none is interpolated.

    Planes of a volume without geometry, and planes that are a line, are left out; the middle slice
    is always there. Of several volumes it is the middle one.

    Parameters
    ----------
    volume : Volume
    """
    array = volume.array[len(volume.array) // 2] if volume.axes else volume.array
    is_color = array.ndim == 4
    cuts = _cuts(volume, array)
    panes = [(values, affine, caption) for values, affine, caption in cuts]
    samples = np.concatenate([values.reshape(-1, *values.shape[2:]) for values, _, _ in panes])
    window = None if is_color else window_by_percentiles(samples)
    white = 255.0 if float(np.nanmax(samples, initial=0.0)) <= 255 else 65535.0
    found = []
    for values, affine, caption in panes:
        if window is None:
            shares = np.nan_to_num(values.astype(np.float64) / white).clip(0, 1)
            pixels = np.rint(shares * 255).astype(np.uint8)
        else:
            pixels = as_gray(shades_of(values, window), is_inverse=False)
        spacing = None if affine is None else np.linalg.norm(affine[:3, 1:3], axis=0).tolist()
        found.append(Pane(pixels, place_of(spacing, edges_of_affine(affine)), caption))
    return Planes(found, window)


def _cuts(
    volume: Volume, array: NDArray[Any]
) -> list[tuple[NDArray[Any], NDArray[np.float64] | None, str]]:
    """Return planes, (4, 4) of each with the steps of its rows and columns, and captions."""
    affine = volume.affine
    shape = array.shape[:3]
    if affine is None or not np.isfinite(affine[:3, 1:3]).all():
        return [(array[shape[0] // 2], None, f"slice {shape[0] // 2}")]
    steps = np.nan_to_num(affine[:3, :3])
    axes = _axes_of(steps)
    cuts: list[tuple[NDArray[Any], NDArray[np.float64] | None, str]] = []
    for name, (across, columns, rows) in _PLANES.items():
        cut, across_axis = [slice(None)] * 3, axes[across]
        number = shape[across_axis] // 2
        row_axis, column_axis = axes[rows[0]], axes[columns[0]]
        is_slice = across_axis == 0
        if min(shape[row_axis], shape[column_axis]) < _SMALLEST and not is_slice:
            continue
        step = np.zeros((4, 4))
        for place, axis, (direction, sign) in ((1, row_axis, rows), (2, column_axis, columns)):
            is_turned = steps[direction, axis] * sign < 0
            cut[axis] = slice(None, None, -1) if is_turned else slice(None)
            step[:3, place] = -steps[:, axis] if is_turned else steps[:, axis]
        plane = np.take(array[tuple(cut)], number, axis=across_axis)
        if row_axis > column_axis:
            plane = plane.swapaxes(0, 1)
        cuts.append((plane, step, f"{name}, {_AXES[across_axis]} {number}"))
    return cuts


def _axes_of(steps: NDArray[np.float64]) -> tuple[int, ...]:
    """Return which axis of the array is nearest to each axis of the patient."""
    lengths = np.linalg.norm(steps, axis=0)
    cosines = np.abs(steps) / np.where(lengths > 0, lengths, 1)
    return max(
        permutations(range(3)), key=lambda axes: float(sum(cosines[k, axes[k]] for k in range(3)))
    )
