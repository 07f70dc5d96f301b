"""`Look`: how a picture is asked for, and the panes of an image or a volume made so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, PixelHeaderError
from fastpix.header.attributes import Attributes
from fastpix.image.image import Image
from fastpix.notes import Notes
from fastpix.series.volume import Volume
from fastpix.standard.tags import Tag
from fastpix.standard.uids import EXPLICIT_VR_BIG_ENDIAN
from fastpix.view.directions import edges_of_affine, edges_of_text
from fastpix.view.pane import Group, Pane, Place, evenly, place_of
from fastpix.view.tones import as_gray, is_shown_inverse, shades_of, window_by_percentiles
from fastpix.view.voi import Voi, VoiWindow, chosen, described, proposals_of

PERCENTILES = (1.0, 99.0)
"""Between which values are shown where neither the file nor the caller says."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is asked for; `window` comes before `percentiles`, and these before `voi`.

    Attributes
    ----------
    window : VoiWindow or None
        In modality units.
    percentiles : (float, float) or None
        Of the values that are shown.
    voi : int, str or None
        Which of the file's VOI LUTs and windows; None is the first, or percentiles 1 and 99 if it
        has none that can be used.
    both : bool
        Both polarities, side by side.
    numbers : tuple of int or None
        Which frames or slices, from 0; None spreads `most` over all.
    most : int
        Frames or slices at most.
    thinned : int or None
        Of an image with more rows or columns than this, only every second, third, ... is shown,
        and counts for percentiles: for a small picture of a large image.
    """

    window: VoiWindow | None = None
    percentiles: tuple[float, float] | None = None
    voi: int | str | None = None
    both: bool = False
    numbers: tuple[int, ...] | None = None
    most: int = 20
    thinned: int | None = None

    def __post_init__(self) -> None:
        if self.percentiles is not None:
            low, high = self.percentiles
            if not 0 <= low < high <= 100:
                raise ArgumentError("percentiles", f"{low:g} and {high:g} do not ascend in 0..100")
        if self.most < 1:
            raise ArgumentError("most", f"{self.most} is not above 0")


class _Chosen(NamedTuple):
    """A window, and what the title and the remarks say of it."""

    voi: Voi
    said: str
    remarks: list[str]


class Seen(NamedTuple):
    """What is drawn, and what is said about it.

    Attributes
    ----------
    groups : list of Group
    remarks : list of str
        May hold text from the file: for a terminal, and for no picture.
    """

    groups: list[Group]
    remarks: list[str]


def seen_of_image(image: Image, look: Look = Look()) -> Seen:
    """Return the frames of an image as they are shown.

    Parameters
    ----------
    image : Image
    look : Look

    Raises
    ------
    FastpixError
        The file, or what is asked of it; the error names the attribute.
    """
    header = image.header
    numbers = numbers_of(look, len(image))
    little = header.transfer_syntax != EXPLICIT_VR_BIG_ENDIAN
    attributes = Attributes(image.dataset, Notes(), little)
    place = place_of_image(image, attributes)
    captions = [f"frame {number}" if len(image) > 1 else "" for number in numbers]
    what = f"{header.columns} x {header.rows}, {header.photometric}"
    step = max(header.rows, header.columns) // look.thinned if look.thinned else 1
    thin = slice(None), *[slice(None, None, max(1, step))] * 2
    if step > 1 and place.mm is not None:
        place = place._replace(mm=place.mm * step)
    if not header.is_gray:
        colors = image.read(dtype="float32", color_range=(0, 255), frames=numbers)[thin]
        return seen_of_color(colors, place, captions, look, what)
    # PS3.3 C.8.8.3: Dose Grid Scaling is no Modality LUT, so windows are of stored values.
    is_of_stored = header.modality == "RTDOSE" and look.window is None
    rescale = header.rescale_error is None and not is_of_stored
    padding = None if header.padding is None else math.nan
    values = image.read(
        dtype="float64", invert="none", rescale=rescale, padding=padding, frames=numbers
    )[thin]
    if not rescale:
        what += ", stored values"
    error = header.rescale_error
    found = _chosen_of_image(image, look, numbers, values)
    remarks = list(found[0].remarks)
    if error is not None:
        remarks.append(f"{error}; stored values are shown")
    inverse = is_shown_inverse(header, attributes)
    if inverse != (header.photometric == "MONOCHROME1"):
        shape = "INVERSE" if inverse else "IDENTITY"
        remarks.append(
            f"PresentationLUTShape (2050,0020) is {shape}, which contradicts {header.photometric}: "
            "it is followed; --both shows both"
        )
        what += f", Presentation LUT Shape {shape}"
    return _seen_of_gray(values, found, inverse, place, captions, look, what, remarks)


def seen_of_volume(
    volume: Volume,
    look: Look = Look(),
    *,
    proposals: Sequence[Voi] = (),
    is_inverse: bool = False,
    number: int = 0,
    color_range: tuple[float, float] = (0.0, 255.0),
    is_color: bool | None = None,
    what: str = "",
    teller: str = "file",
) -> Seen:
    """Return slices of a volume as they are shown: one window for all.

    Parameters
    ----------
    volume : Volume
    look : Look
    proposals : sequence of Voi
        Of its files.
    is_inverse : bool
        Whether low values are shown white.
    number : int
        Which of several volumes.
    color_range : (float, float)
        What black and white are in colours.
    is_color : bool, optional
        Whether the last axis is red, green and blue; by the number of axes if not given.
    what : str
        For the title: free of text from the file.
    teller : {"file", "cache"}
        What tells which polarity is right.
    """
    array = volume.array
    color = array.ndim == 4 + bool(volume.axes) if is_color is None else is_color
    if volume.axes:
        if not 0 <= number < len(array):
            raise ArgumentError("volume", f"{number} is not one of 0 to {len(array) - 1}")
        array = array[number]
        what += f", {volume.axes[0].replace('_', ' ')} {number} of {len(volume.array)}"
    there = _slices_there(volume, number, len(array))
    numbers = numbers_of(look, len(array), there)
    place = place_of(volume.spacing, edges_of_affine(volume.affine))
    captions = [f"slice {each}" if len(array) > 1 else "" for each in numbers]
    values = array[numbers]
    if color:
        low, high = color_range
        colors = (values.astype(np.float64) - low) * (255 / (high - low))
        return seen_of_color(colors, place, captions, look, what)
    found = [_chosen(proposals, look, values)] * len(numbers)
    remarks = list(found[0].remarks)
    return _seen_of_gray(values, found, is_inverse, place, captions, look, what, remarks, teller)


def seen_of_color(
    colors: NDArray[Any], place: Place, captions: Sequence[str], look: Look, what: str
) -> Seen:
    """Return colours from 0 to 255 as they are shown: no window applies to them."""
    if look.both or look.window or look.percentiles or look.voi is not None:
        raise ArgumentError(
            "window", "colour has neither windows nor polarities: leave out --window, "
            "--percentiles, --voi and --both",
        )  # fmt: skip
    levels = np.rint(np.nan_to_num(colors).clip(0, 255)).astype(np.uint8)
    panes = [Pane(*each) for each in zip(levels, [place] * len(levels), captions, strict=True)]
    return Seen([Group(what, panes)], [])


def _seen_of_gray(
    values: NDArray[Any],
    found: Sequence[_Chosen],
    is_inverse: bool,
    place: Place,
    captions: Sequence[str],
    look: Look,
    what: str,
    remarks: list[str],
    teller: str = "file",
) -> Seen:
    panes = [
        Pane(as_gray(shades_of(plane, each.voi), is_inverse), place, caption)
        for plane, each, caption in zip(values, found, captions, strict=True)
    ]
    windows = {each.said for each in found}
    said = windows.pop() if len(windows) == 1 else "windows of the frames"
    if not look.both:
        return Seen([Group(f"{what}; {said}", panes)], remarks)
    ends = ["low values black", "low values white"]
    if is_inverse:
        ends.reverse()
    # Unknown pixels are black in both, so the other polarity is made of shades, too.
    others = [
        pane._replace(pixels=as_gray(shades_of(plane, each.voi), not is_inverse))
        for pane, plane, each in zip(panes, values, found, strict=True)
    ]
    titles = (f"As the {teller} says: {ends[0]}", f"The other way round: {ends[1]}")
    return Seen([Group(titles[0], panes), Group(titles[1], others)], [f"{what}; {said}", *remarks])


def _chosen_of_image(
    image: Image, look: Look, numbers: Sequence[int], values: NDArray[Any]
) -> list[_Chosen]:
    """Return the window of each frame: the file's may differ from frame to frame."""
    if look.window is not None or look.percentiles is not None:
        return [_chosen([], look, values)] * len(numbers)
    try:
        proposals = [proposals_of(image, number) for number in numbers]
    except PixelHeaderError as error:
        if look.voi is not None:
            raise
        found = _chosen([], look, values)
        found.remarks.insert(0, f"{error}; shown by percentiles")
        return [found] * len(numbers)
    if not all(proposals):
        return [_chosen(proposals[0] if look.voi is not None else [], look, values)] * len(numbers)
    return [_chosen(each, look, values) for each in proposals]


def _chosen(proposals: Sequence[Voi], look: Look, values: NDArray[Any]) -> _Chosen:
    """Return the window that is asked for, and what the file has besides."""
    if look.window is not None:
        return _Chosen(look.window, str(look.window), [])
    if look.percentiles is None and (proposals or look.voi is not None):
        voi = chosen(proposals, 0 if look.voi is None else look.voi)
        remarks = [f"the file's {described(voi)}"]
        if len(proposals) > 1:
            there = "; ".join(f"{k}: {described(each)}" for k, each in enumerate(proposals))
            remarks = [f"{remarks[0]}, one of several (--voi): {there}"]
        return _Chosen(voi, str(voi), remarks)
    low, high = look.percentiles or PERCENTILES
    found = window_by_percentiles(values, low, high)
    ends = found.center - found.width / 2, found.center + found.width / 2
    said = f"percentiles {low:g} to {high:g}: values {ends[0]:.4g} to {ends[1]:.4g}"
    return _Chosen(found, said, [])


def _slices_there(volume: Volume, number: int, count: int) -> list[int]:
    """Return the slices of a volume that its files have: planes of NaN fill the gaps."""
    sources = volume.sources[number * count : (number + 1) * count]
    return [k for k, source in enumerate(sources) if source is not None] or list(range(count))


def numbers_of(look: Look, count: int, there: Sequence[int] = ()) -> list[int]:
    """Return which of `count` frames, slices or files are shown.

    Parameters
    ----------
    look : Look
    count : int
    there : sequence of int
        What may be shown without being asked for; all if empty.

    Raises
    ------
    ArgumentError
        One is asked for that there is not.
    """
    if look.numbers is None:
        return (
            [there[k] for k in evenly(len(there), look.most)] if there else evenly(count, look.most)
        )
    for number in look.numbers:
        if not 0 <= number < count:
            raise ArgumentError("frame", f"{number} is not one of 0 to {count - 1}")
    return list(look.numbers)


def place_of_image(image: Image, attributes: Attributes) -> Place:
    """Return where the pixels of an image lie in the patient, and which shape they have.

    Parameters
    ----------
    image : Image
    attributes : Attributes
        Of the same image.
    """
    edges = edges_of_affine(image.affine)
    if edges is None:
        edges = edges_of_text(attributes.text(Tag.PatientOrientation))
    aspect = 1.0
    if image.spacing is None:
        aspect = _pixel_aspect(attributes)
    is_at_detector = (
        Tag.ImagerPixelSpacing in attributes
        and Tag.PixelSpacing not in attributes
        and Tag.PixelMeasuresSequence not in attributes.tags_of_groups()
    )
    return place_of(image.spacing, edges, is_at_detector, aspect)


def _pixel_aspect(attributes: Attributes) -> float:
    """Return Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7); 1 where it cannot be used."""
    try:
        numbers = attributes.numbers(Tag.PixelAspectRatio)
    except PixelHeaderError:
        return 1.0
    if len(numbers) != 2 or min(numbers) <= 0 or not 0.1 <= numbers[0] / numbers[1] <= 10:
        return 1.0
    return numbers[0] / numbers[1]
