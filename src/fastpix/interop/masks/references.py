"""What a label says it belongs to: a frame of reference, and the images that it was made on."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fastpix.errors import LabelMismatchError
from fastpix.interop.masks.frame_placement import RESAMPLE
from fastpix.interop.masks.volume_grid import VolumeGrid
from fastpix.notes import Notes


def check_frame_of_reference(uid: str, grid: VolumeGrid) -> None:
    """Raise an error if a label has another frame of reference than the volume.

    Nothing is known where one of them does not say.
    """
    if uid and grid.frame_of_reference and uid != grid.frame_of_reference:
        raise LabelMismatchError(
            "frame of reference",
            math.nan,
            "its Frame of Reference UID (0020,0052) is another one, so that its coordinates are "
            "not those of the volume",
            f"{RESAMPLE}, after a registration of the two",
        )


def note_on_references(
    images: Iterable[str], series: Iterable[str], grid: VolumeGrid, notes: Notes
) -> None:
    """Note if a label refers to other images, or else to other series, than those of the volume.

    Parameters
    ----------
    images, series : iterable of str
        SOP Instance UIDs and Series Instance UIDs that the label names.
    grid : VolumeGrid
    notes : Notes
    """
    for what, named, own in (
        ("images", set(images), grid.instances),
        ("series", set(series), grid.series),
    ):
        if named and own:
            if others := len(named - own):
                notes.add(
                    f"{others} of the {len(named)} {what} that the label refers to are not of the "
                    "volume; its geometry fits"
                )
            return
