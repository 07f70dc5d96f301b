"""`read_masks`: a segmentation or a structure set, to masks on the grid of a volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastpix.errors import ArgumentError, NoPixelDataError, PixelHeaderError, warn_caller
from fastpix.header.attributes import Attributes
from fastpix.header.dataset import parse_dataset
from fastpix.header.instance import Instance, read_instance
from fastpix.image.limits import MAX_VOLUME_BYTES, checked_limit
from fastpix.interop.masks.chosen_labels import checked_names
from fastpix.interop.masks.label_masks import Masks
from fastpix.interop.masks.segmentation_header import Segment
from fastpix.interop.masks.segmentation_masks import segmentation_masks
from fastpix.interop.masks.structure_masks import structure_masks
from fastpix.interop.masks.structure_set import Region
from fastpix.interop.masks.volume_grid import grid_of
from fastpix.notes import Notes
from fastpix.series.volume import Volume
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.source.opening import SourceLike, read_source
from fastpix.source.stored import File, Memory
from fastpix.standard.tags import Tag
from fastpix.standard.uids import LABEL_MAP_STORAGE

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", LABEL_MAP_STORAGE)
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def read_masks(
    source: SourceLike,
    volume: Volume,
    *,
    names: Iterable[str] | None = None,
    threshold: float | None = None,
    max_bytes: int = MAX_VOLUME_BYTES,
) -> Masks:
    """Read a segmentation (SEG) or structure set (RTSTRUCT) as masks, voxel for voxel of a volume.

    Nothing is resampled: a label that does not fit the volume is an error, which says by how much.
    A SEG needs no other library; contours are filled by scikit-image (the ``masks`` extra).

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        A SEG (binary, fractional, or a label map) or an RTSTRUCT.
    volume : Volume
        What `read_series` returned. The headers of its `sources` are read again where they can be,
        for the exact places and the UIDs of its slices.
    names : sequence of str, optional
        Read only the segments of these labels, or the ROIs of these names, in this order. All if
        not given; ROIs without a closed contour are then left out.
    threshold : float, optional
        Of a fractional SEG, for which it is needed: the least share of Maximum Fractional Value
        that counts as inside, above 0 and up to 1. It has no effect on others.
    max_bytes : int
        What the masks may take, and what the frames of a SEG may decode to.

    Returns
    -------
    Masks

    Raises
    ------
    LabelMismatchError
        The label does not fit the volume.
    SeriesError
        The volume has no place in patient space.
    ArgumentError
        There is no label of a name, or a fractional SEG needs a threshold.
    FastpixError
        The source is neither SEG nor RTSTRUCT, or damaged.
    ImportError
        scikit-image, which fills the contours of an RTSTRUCT, is not installed.

    Warns
    -----
    HeaderWarning
        An oddity that was read over; the notes of the masks have the same.

    Notes
    -----
    A SEG fits if its voxels are voxels of the volume: planes in any order, and fewer than those of
    the volume; rows and columns along any two axes of the volume, in either direction; a part of
    the plane. Places must agree within 0.01 mm or 1 % of the spacing, whichever is more, direction
    cosines within 1e-3, spacings within 0.1 %, and what these add up to over a frame within a tenth
    of a voxel. Frames that a SEG leaves out are False (PS3.3 C.7.6.16.2.9); a Spacing Between
    Slices that says that its planes are further apart than those of the volume is an error.

    A contour fits if it lies on a slice, within 0.01 mm or 5 % of the gap (planning systems round;
    from 1 % on there is a warning), and does not leave the rows and columns. A voxel belongs to an
    ROI if its centre lies inside an odd number of its contours on that slice, so that an inner
    contour is a hole and a keyhole is one too, or on the line of one (PS3.3 C.8.8.6.3). A corner
    within a thousandth of a voxel of a centre lies on it. Slices between contours that have none
    are False, which a note says.

    UIDs of the frame of reference must be equal. Where one is missing, images or series that the
    label names must be of the volume, if they are known. A label that names other images, and fits,
    gets a note; a contour on another slice than the image that it names, a warning.

    On a volume with a fourth axis, the masks are those of each of its volumes.
    """
    if not isinstance(volume, Volume):
        raise ArgumentError("volume", f"a {type(volume).__name__} is not a fastpix.Volume")
    limit = checked_limit(max_bytes)
    asked, share = checked_names(names), _checked_threshold(threshold)
    grid = grid_of(volume)
    notes = Notes()
    labels: Sequence[Segment | Region]
    with ErrorsNamed(name_of(source)):
        stored = read_source(source, whole=True)
        label = _opened(stored, limit, notes)
        if isinstance(label, Instance):
            labels, boxes = segmentation_masks(label, grid, asked, share, limit, notes)
        else:
            labels, boxes = structure_masks(label, grid, asked, limit, notes)
    for note in notes:
        if note.oddity:
            warn_caller(note.text)
    assert volume.affine is not None
    return Masks(
        names=tuple(label.name for label in labels),
        numbers=tuple(label.number for label in labels),
        shape=grid.shape,
        affine=volume.affine.copy(),
        notes=tuple(notes),
        boxes=tuple(boxes),
        max_bytes=limit,
    )


def _opened(stored: Memory | File | Dataset, max_bytes: int, notes: Notes) -> Instance | Attributes:
    """Return a segmentation with its pixels, or the attributes of a structure set.

    Raises
    ------
    PixelHeaderError
        It is neither.
    """
    instance = None
    try:
        instance = read_instance(stored, max_bytes)
        dataset = instance.dataset
    except NoPixelDataError:
        dataset = (
            parse_dataset(stored.whole(), max_bytes)[0]
            if isinstance(stored, (Memory, File))
            else stored
        )
    attributes = Attributes(dataset, notes, little=True)
    sop_class = attributes.uid(Tag.SOPClassUID)
    modality = None if sop_class else attributes.text(Tag.Modality)
    if sop_class == _STRUCTURE_SET or modality == "RTSTRUCT":
        return attributes
    if instance is not None and (sop_class in _SEGMENTATIONS or modality == "SEG"):
        return instance
    raise PixelHeaderError(
        tag=Tag.SOPClassUID,
        keyword="SOPClassUID",
        value=sop_class or None,
        reason="it is neither a segmentation (SEG) with pixels nor a structure set (RTSTRUCT)",
        remedy="pass the file of the label as the source, and the volume of its images beside it",
    )


def _checked_threshold(threshold: float | None) -> float | None:
    if threshold is None:
        return None
    is_number = isinstance(threshold, (int, float, np.integer, np.floating))
    if isinstance(threshold, bool) or not is_number or not 0 < threshold <= 1:
        raise ArgumentError("threshold", f"{threshold!r} is not above 0 and up to 1")
    return float(threshold)
