"""The numbers of a source in ``audit.json``: cells, values, windows, geometry, compression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Counted: TypeAlias = Mapping[str, int]
"""How often each text occurs, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a number differs from file to file.

    Attributes
    ----------
    count : int
        How many numbers there are.
    low, median, high : float
    """

    count: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Encoding:
    """How cells are stored, and in how many files they are stored so.

    Attributes
    ----------
    bits_allocated, bits_stored, high_bit : int
    signed : bool
    files : int
    """

    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    files: int


@dataclass(frozen=True, slots=True)
class Rescale:
    """A slope and an intercept that are in use.

    Attributes
    ----------
    slope, intercept : float
        Modality units per stored unit, and modality units.
    files : int
    """

    slope: float
    intercept: float
    files: int


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a header: a hint for the eye, which no loader applies.

    Attributes
    ----------
    center, width : float
        In modality units.
    files : int
    """

    center: float
    width: float
    files: int


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a source.

    Attributes
    ----------
    per_file : mapping of str to int
        How many windows files have: ``{"0": 3, "1": 90}``.
    functions : mapping of str to int
        VOI LUT Function: ``LINEAR``, ``LINEAR_EXACT``, ``SIGMOID``; ``other`` for what is no term
        of the standard.
    tables : int
        Files with a VOI LUT Sequence; counted on sampled images.
    used : tuple of Window
        The most frequent ones.
    """

    per_file: Counted = field(default_factory=dict)
    functions: Counted = field(default_factory=dict)
    tables: int = 0
    used: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are spread, in bins of one width.

    Attributes
    ----------
    low, width : float
        Where the first bin begins, and how wide each is, in the unit of the values.
    counts : tuple of int
        Pixels of each bin.
    """

    low: float
    width: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """Values of the sampled images that have one unit, before MONOCHROME1 is turned over.

    Padding is left out. Of several frames the middle one counts.

    Attributes
    ----------
    unit : str
        ``HU``, ``stored values``, ``RGB``, ...; never the file's own words.
    images, pixels, padding, nans : int
        Images and pixels that were counted; pixels that are padding; NaN or infinite ones.
    min, max, mean, std : float or None
    percentiles : mapping of str to float
        ``{"0.5": -1024.0, ...}``.
    saturated_low, saturated_high : float
        The share of pixels that have the least and the greatest value of their own image, averaged
        over images: high where a detector or a conversion has clipped.
    at_lowest_bit, at_highest_bit : float
        The share of pixels at the ends of what Bits Stored can hold.
    used_bits : float
        log2 of the number of values between the least and the greatest stored one, to be compared
        with Bits Stored.
    histogram : Histogram or None
    """

    unit: str
    images: int
    pixels: int
    padding: int
    nans: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    percentiles: Mapping[str, float] = field(default_factory=dict)
    saturated_low: float = 0.0
    saturated_high: float = 0.0
    at_lowest_bit: float = 0.0
    at_highest_bit: float = 0.0
    used_bits: float = 0.0
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where pixels are in space, over the series that were looked at.

    Attributes
    ----------
    series, volumes, refused : int
        Series that were looked at (a sample of all), volumes in them, and stacks that are none.
    refusals : mapping of str to int
        Why stacks are no volume: ``missing_slices``, ``irregular``, ``uneven``, ...
    remarks : mapping of str to int
        What was read over.
    orientations : mapping of str to int
        ``axial``, ``coronal``, ``sagittal``, ``oblique``, ``none``.
    row_spacing, column_spacing, slice_spacing, slice_thickness : Spread or None
        In mm.
    tilt : Spread or None
        Degrees between the slice normal and the direction in which slices follow each other.
    detector_spacing : int
        Files that have Imager Pixel Spacing alone.
    no_spacing : int
        Files that have no spacing at all.
    """

    series: int = 0
    volumes: int = 0
    refused: int = 0
    refusals: Counted = field(default_factory=dict)
    remarks: Counted = field(default_factory=dict)
    orientations: Counted = field(default_factory=dict)
    row_spacing: Spread | None = None
    column_spacing: Spread | None = None
    slice_spacing: Spread | None = None
    slice_thickness: Spread | None = None
    tilt: Spread | None = None
    detector_spacing: int = 0
    no_spacing: int = 0


@dataclass(frozen=True, slots=True)
class DecoderDifference:
    """Two installed decoders that do not give the same cells for a sampled image.

    Attributes
    ----------
    first, second : str
        Names of decoders; ``second`` may have failed.
    transfer_syntax : str
    samples : int
        Sampled images that both were asked for.
    differing : int
        Of these, the ones whose cells differ.
    largest : int
        The largest difference of two cells.
    failed : int
        Images that only one of them could decode.
    """

    first: str
    second: str
    transfer_syntax: str
    samples: int
    differing: int
    largest: int
    failed: int


@dataclass(frozen=True, slots=True)
class Compression:
    """How pixels are coded.

    Attributes
    ----------
    transfer_syntaxes : mapping of str to int
        By name.
    lossy : int
        Files whose transfer syntax loses, or that say they were compressed with loss before.
    ratio : Spread or None
        Lossy Image Compression Ratio, as files state it.
    measured_ratio : Spread or None
        Bytes of cells over bytes of the file, of encapsulated ones.
    decoders : mapping of str to int
        What decoded the sampled images, with versions.
    differences : tuple of DecoderDifference
    """

    transfer_syntaxes: Counted = field(default_factory=dict)
    lossy: int = 0
    ratio: Spread | None = None
    measured_ratio: Spread | None = None
    decoders: Counted = field(default_factory=dict)
    differences: tuple[DecoderDifference, ...] = ()
