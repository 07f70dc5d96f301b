"""`Plane`: what grouping needs to know of one slice: a file, a frame, or a tile of a mosaic."""

from __future__ import annotations

from typing import NamedTuple

from fastpix.header.geometry import Fault, Orientation, Vector

__all__ = ["Fault", "Identity", "Orientation", "Plane", "Tile", "Vector"]


class Identity(NamedTuple):
    """What the planes of one volume have in common, compared exactly.

    The planes of a file share one object.

    Attributes
    ----------
    study_uid, series_uid, sop_class : str
        Empty where the file does not say.
    frame_of_reference : str
    rows, columns, samples : int
        Of the plane, so of a tile for a mosaic.
    photometric, unit, modality : str
    is_localizer : bool
        A value of Image Type or Frame Type is LOCALIZER.
    is_secondary : bool
        A secondary capture, by its SOP Class.
    dimension_names : tuple of str
        What `Plane.dimension_index` counts, in snake case: ``temporal_position_index``.
    """

    study_uid: str = ""
    series_uid: str = ""
    sop_class: str = ""
    frame_of_reference: str = ""
    rows: int = 1
    columns: int = 1
    samples: int = 1
    photometric: str = "MONOCHROME2"
    unit: str = "unspecified"
    modality: str = ""
    is_localizer: bool = False
    is_secondary: bool = False
    dimension_names: tuple[str, ...] = ()


MOSAIC_UNKNOWN = (
    "the number of slices in the mosaic is nowhere in the header, or fits neither rows nor columns"
)
"""Reason of the `Fault` of a mosaic that cannot be cut: finding ``mosaic_unknown``."""


class Tile(NamedTuple):
    """Where a plane lies in the frame of a mosaic: its first row and column."""

    row: int
    column: int


class Part(NamedTuple):
    """A file of a concatenation: an instance that was too large for one (PS3.3 C.7.6.16.2.2.4).

    Attributes
    ----------
    uid : str
        Of the concatenation.
    number : int
        In-concatenation Number, from 1.
    total : int or None
        How many parts there are.
    """

    uid: str
    number: int
    total: int | None


class Plane(NamedTuple):
    """One slice, by its header alone. What the file does not say is None, or empty.

    Attributes
    ----------
    identity : Identity
    source : int
        Number of the file among those that were given.
    frame : int
        In the file, from 0.
    tile : Tile or None
        None: the plane is the whole frame.
    sop_uid : str
        SOP Instance UID of the file.
    position : (float, float, float) or None
        Centre of the first voxel, in millimetres, LPS (PS3.3 C.7.6.2.1.1).
    orientation : six float or None
        Directions of a row and of a column (PS3.3 C.7.6.2.1.1): right-angled unit vectors, as near
        as `fastpix.header.geometry` asks.
    spacing : (float, float) or None
        Between rows, and between columns, in millimetres (PS3.3 10.7.1.3).
    is_detector_spacing : bool
        `spacing` is Imager Pixel Spacing, so that of the detector plane.
    thickness, between : float or None
        Slice Thickness; Spacing Between Slices (which may be negative or wrong).
    faults : tuple of Fault
        Attributes of geometry that cannot be used, and so are None above.
    stack_id : str
    segment : int or None
        Referenced Segment Number.
    component : str
        ``M``, ``P``, ``R``, ``I``: magnitude, phase, real, imaginary.
    image_type : tuple of str
        All values of Image Type, or of Frame Type.
    ge_image_type : int or None
        GE's (0043,1030).
    echo_time, b_value, inversion_time, kvp : float or None
        In ms, s/mm2, ms and kV.
    gradient : (float, float, float) or None
        Diffusion gradient orientation.
    kernel : str
        Convolution Kernel.
    temporal_position : int or None
        Temporal Position Identifier, or Temporal Position Index.
    time_offset, trigger_time : float or None
        Temporal Position Time Offset in s; Trigger Time, or Nominal Cardiac Trigger Delay Time,
        in ms.
    dimension_index : tuple of int
        Dimension Index Values that are not spatial, as `Identity.dimension_names` names them.
    instance_number, acquisition_number : int or None
    acquisition_time, content_time : str
        Date and time as digits, which sort as text.
    part : Part or None
        Which part of a concatenation the file is.
    """

    identity: Identity
    source: int = 0
    frame: int = 0
    tile: Tile | None = None
    sop_uid: str = ""
    position: Vector | None = None
    orientation: Orientation | None = None
    spacing: tuple[float, float] | None = None
    is_detector_spacing: bool = False
    thickness: float | None = None
    between: float | None = None
    faults: tuple[Fault, ...] = ()
    stack_id: str = ""
    segment: int | None = None
    component: str = ""
    image_type: tuple[str, ...] = ()
    ge_image_type: int | None = None
    echo_time: float | None = None
    b_value: float | None = None
    inversion_time: float | None = None
    kvp: float | None = None
    gradient: Vector | None = None
    kernel: str = ""
    temporal_position: int | None = None
    time_offset: float | None = None
    trigger_time: float | None = None
    dimension_index: tuple[int, ...] = ()
    instance_number: int | None = None
    acquisition_number: int | None = None
    acquisition_time: str = ""
    content_time: str = ""
    part: Part | None = None
