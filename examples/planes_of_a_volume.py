"""Cut a volume along three planes, each in its true proportions.

    python examples/planes_of_a_volume.py
    python examples/planes_of_a_volume.py --out FOLDER   keep the picture: planes.png

Needs ``pip install fastpix pillow``. Takes some seconds.

The slices of a made-up chest lie 4 mm apart, under names that say nothing of their order.
`fastpix.read_series` puts them in place by their positions, and `spacing` says how large a voxel
is, so that a cut from head to feet is not squeezed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made_data import chest_slices, make_patients, write
from numpy.typing import NDArray
from PIL import Image
from running import run_example, save_side_by_side

import fastpix

MILLIMETRE = 0.9  # pixels of the picture


def grey(plane: NDArray[np.float32], row: float, column: float) -> Image.Image:
    """Return a plane in a window of soft tissue; `row` and `column` are millimetres of a pixel."""
    shown = (np.clip((plane + 1000) / 1600, 0, 1) * 255).astype(np.uint8)
    wide, high = shown.shape[1] * column, shown.shape[0] * row
    return Image.fromarray(shown).resize((round(wide * MILLIMETRE), round(high * MILLIMETRE)))


def main(out: Path) -> None:
    """Write a series, read it as a volume, and cut it."""
    (patient,) = make_patients(1)
    depths = [4.0 * number - 118 for number in range(60)]
    write(out / "dicom", chest_slices(patient, depths, size=160))

    volume = fastpix.read_series(out / "dicom")
    assert volume.spacing == (4.0, 2.0, 2.0)
    slice_, row, column = volume.spacing
    print(f"{volume.array.shape} voxels of {slice_} x {row} x {column} mm, in {volume.unit}")

    assert patient.nodule is not None
    assert volume.affine is not None
    place = (patient.nodule.x, patient.nodule.y, patient.nodule.z, 1)
    k, i, j = np.rint(np.linalg.solve(volume.affine, place))[:3].astype(int)
    print(f"the nodule at {np.round(place[:3], 1)} mm is at slice {k}, row {i}, column {j}")
    assert volume.array[k, i, j] > -200  # tissue, in a lung

    planes = (
        grey(volume.array[k], row, column),
        grey(volume.array[::-1, i], slice_, column),  # the head is up
        grey(volume.array[::-1, :, j], slice_, row),
    )
    save_side_by_side(planes, out / "planes.png")


if __name__ == "__main__":
    run_example(main, __doc__)
