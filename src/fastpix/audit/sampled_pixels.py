"""The pixels of one sampled image: values, steps, and what the cells of the file hold."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.audit.extra_values import WINDOW_CENTER, WINDOW_WIDTH, ExtraValues, extra_values
from fastpix.audit.file_errors import finding_of, missing_bytes
from fastpix.errors import FastpixError, PixelHeaderError, warnings_kept
from fastpix.frames.codecs import all_decoders
from fastpix.header.attributes import Attributes
from fastpix.header.header import Header
from fastpix.header.instance import Instance, read_instance
from fastpix.image.image import Image
from fastpix.job.items import SourceFile
from fastpix.job.one_image import stored_recipe
from fastpix.job.remaining import Remaining, remaining_of
from fastpix.job.rows import unit_of
from fastpix.job.scan.source_locations import open_location
from fastpix.notes import Notes
from fastpix.plan.making import make_plan
from fastpix.recipe import Recipe
from fastpix.source.opening import read_source
from fastpix.source.stored import File
from fastpix.standard.uids import EXPLICIT_VR_BIG_ENDIAN
from fastpix.view.looks import place_of_image
from fastpix.view.tones import is_shown_inverse
from fastpix.view.voi import Voi, proposals_of

# MONOCHROME1 is left as it is: sources are compared by what their files hold.
_RECIPE = Recipe("float64", invert="none", padding=0.0)
_MOST_PIXELS = 2**20  # that a percentile is taken of
_SIDE = 512  # pixels of a side of a reduced sample
_WHITE, _CLIPPED = 0.5, 0.9  # shares of pixels beyond a window


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One sampled image.

    Attributes
    ----------
    file : SourceFile
    header : Header
    extra : ExtraValues
    frame : int
        The middle one.
    cells : ndarray
        Stored integers (or floats, or RGB) of that frame.
    remaining : Remaining
        What makes values of them.
    unit : str
    decoders : tuple of str
    digest : bytes
        Of the cells: equal images have the same.
    findings : dict of str to str
    saturated : (float, float)
        Shares of pixels that have the least, and the greatest, value of the image.
    at_ends : (float, float)
        Shares of pixels at the ends of what Bits Stored can hold.
    used_bits : float
    percentiles : (float, float) or None
        1 and 99, of values.
    differences : tuple of (str, str, int)
        Two decoders, and the largest difference of two cells; -1 where the second has failed.
    voi : VoiWindow, VoiTable or None
        The first that the file proposes, for a picture.
    shown_inverse : bool
        Whether the file asks for low values to be shown white.
    aspect : float
        How much higher than wide a pixel is.
    """

    file: SourceFile
    header: Header
    extra: ExtraValues
    frame: int
    cells: NDArray[Any]
    remaining: Remaining
    unit: str
    decoders: tuple[str, ...]
    digest: bytes
    findings: dict[str, str]
    saturated: tuple[float, float]
    at_ends: tuple[float, float]
    used_bits: float
    percentiles: tuple[float, float] | None
    differences: tuple[tuple[str, str, int], ...]
    voi: Voi | None = None
    shown_inverse: bool = False
    aspect: float = 1.0


@dataclass(frozen=True, slots=True)
class Unread:
    """A sampled image whose pixels cannot be read.

    Attributes
    ----------
    file : SourceFile
    findings : dict of str to str
    error : str
    """

    file: SourceFile
    findings: dict[str, str]
    error: str


def look_at_pixels(file: SourceFile, max_bytes: int, compare: bool) -> Look | Unread:
    """Read the middle frame of a sampled image.

    Parameters
    ----------
    file : SourceFile
    max_bytes : int
    compare : bool
        Decode it with all decoders that are installed.
    """
    try:
        with warnings_kept():
            stored = read_source(open_location(file.location))
            try:
                instance = read_instance(stored, max_bytes)
                cut_off = missing_bytes(instance)
                if cut_off:  # the header pass has counted it
                    return Unread(file, {}, f"PixelDataError: {cut_off}")
                return _look(instance, file, max_bytes, compare)
            finally:
                if isinstance(stored, File):
                    stored.close()
    except Exception as error:  # one file never ends an audit of many
        return unread(file, error)


def unread(file: SourceFile, error: Exception) -> Unread:
    """Return what stands for a sampled image that an error was raised for.

    Parameters
    ----------
    file : SourceFile
    error : Exception
    """
    name, text = finding_of(error)
    return Unread(file, {name: text}, f"{type(error).__name__}: {text}")


def _look(instance: Instance, file: SourceFile, max_bytes: int, compare: bool) -> Look:
    header = instance.header
    frame = header.frames // 2
    recipe = _RECIPE if header.rescale_error is None else replace(_RECIPE, rescale=False)
    if header.padding_error is not None or not header.is_gray:
        recipe = replace(recipe, padding=None)
    plan = make_plan(header, recipe)
    image = Image(instance, max_bytes)
    cells = image.read(stored_recipe(recipe), frames=frame)
    remaining = remaining_of(plan)
    if len(remaining.slopes) > 1:
        remaining = replace(
            remaining,
            slopes=(remaining.slopes[frame],),
            intercepts=(remaining.intercepts[frame],),
        )
    # Those of the header are counted in all files.
    findings = {n.code: n.text for n in image.notes if n.code and n not in header.notes}
    extra = extra_values(instance)
    if has_garbage(instance, frame):
        findings["PIX_GARBAGE_BITS"] = f"bits beside the {header.bits_stored} stored ones are set"
    differences = tuple(_differences(instance, image, frame, max_bytes)) if compare else ()
    if any(largest for _, _, largest in differences):
        findings["PIX_DECODERS_DIFFER"] = ""
    kept = _without_padding(cells, remaining)
    ends = _ends(kept, header)
    percentiles = None
    if kept.size:
        _refuse_beyond_float32(kept, remaining)
        percentiles, more = _of_values(kept, remaining, header, extra)
        findings |= more
    return Look(
        file, header, extra, frame, cells, remaining, unit_of(header, plan, recipe),
        image.decoders, _digest(cells), findings, *ends, percentiles, differences,
        *_display_of(image, frame),
    )  # fmt: skip


def _display_of(image: Image, frame: int) -> tuple[Voi | None, bool, float]:
    """Return what the file proposes to be seen with, without its own words, and its polarity.

    Last, how much higher than wide a pixel is.
    """
    header = image.header
    attributes = Attributes(
        image.dataset, Notes(), header.transfer_syntax != EXPLICIT_VR_BIG_ENDIAN
    )
    aspect = place_of_image(image, attributes).aspect
    if not header.is_gray:
        return None, False, aspect
    inverse = is_shown_inverse(header, attributes)
    # PS3.3 C.8.8.3: windows of a dose are of stored values.
    if header.rescale_error is not None or header.modality == "RTDOSE":
        return None, inverse, aspect
    try:
        proposals = proposals_of(image, frame)
    except PixelHeaderError:  # a finding tells
        return None, inverse, aspect
    return (proposals[0]._replace(explanation="") if proposals else None), inverse, aspect


def reduced(look: Look) -> Look:
    """Return a sample with every k-th pixel, so that those of a source fit into memory.

    Parameters
    ----------
    look : Look
    """
    step = -(-max(look.cells.shape[:2]) // _SIDE)
    return replace(look, cells=np.ascontiguousarray(look.cells[::step, ::step]))


def values_of(look: Look) -> NDArray[Any]:
    """Return values as float32, MONOCHROME1 as the file has it, and padding as NaN.

    Parameters
    ----------
    look : Look
    """
    remaining = replace(look.remaining, output="float32")
    if remaining.padding is not None:
        first, last, _ = remaining.padding
        remaining = replace(remaining, padding=(first, last, float("nan")))
    return remaining.values(look.cells)


def _digest(cells: NDArray[Any]) -> bytes:
    digest = hashlib.blake2b(np.ascontiguousarray(cells).tobytes(), digest_size=16)
    digest.update(str(cells.shape).encode())
    return digest.digest()


def _without_padding(cells: NDArray[Any], remaining: Remaining) -> NDArray[Any]:
    flat = cells.reshape(-1)
    if remaining.padding is not None:
        first, last, _ = remaining.padding
        flat = flat[~((flat >= first) & (flat <= last))]
    return flat if flat.dtype.kind != "f" else flat[np.isfinite(flat)]


def _ends(
    kept: NDArray[Any], header: Header
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return shares of pixels at the ends of the image and of Bits Stored, and the bits in use."""
    if not kept.size:
        return (0.0, 0.0), (0.0, 0.0), 0.0
    low, high = kept.min(), kept.max()
    saturated = float(np.mean(kept == low)), float(np.mean(kept == high))
    if kept.dtype.kind == "f" or not header.is_gray:
        return saturated, (0.0, 0.0), 0.0
    bits = header.bits_stored
    lowest = -(2 ** (bits - 1)) if header.signed else 0
    at_ends = (
        saturated[0] if int(low) == lowest else 0.0,
        saturated[1] if int(high) == lowest + 2**bits - 1 else 0.0,
    )
    return saturated, at_ends, float(np.log2(int(high) - int(low) + 1))


def _refuse_beyond_float32(kept: NDArray[Any], remaining: Remaining) -> None:
    """Refuse an image as `imread` does: pictures and the judge of polarity take float32.

    Raises
    ------
    InexactError
        A value is beyond it. Values ascend, or descend, with cells, so that the ends tell.
    """
    ends = np.array([kept.min(), kept.max()], kept.dtype)
    replace(remaining, output="float32", padding=None).values(ends)


def _of_values(
    kept: NDArray[Any], remaining: Remaining, header: Header, extra: ExtraValues
) -> tuple[tuple[float, float], dict[str, str]]:
    """Return the percentiles 1 and 99 of values, and findings about them."""
    some = np.ascontiguousarray(kept[:: max(kept.size // _MOST_PIXELS, 1)])
    values = replace(remaining, output="float64", padding=None).values(some)
    low, high = np.percentile(values, (1, 99), method="inverted_cdf").tolist()
    found: dict[str, str] = {}
    whole = float(values.max() - values.min())
    if whole > 0 and high - low < 0.05 * whole:
        found["PIX_LOW_CONTRAST"] = ""
    if header.is_gray and _window_clips(values, header, extra):
        found["PIX_WINDOW_CLIPS"] = ""
    return (low, high), found


def _window_clips(values: NDArray[Any], header: Header, extra: ExtraValues) -> bool:
    centers, widths = extra.numbers(WINDOW_CENTER), extra.numbers(WINDOW_WIDTH)
    if not centers or not widths or not widths[0] > 0:
        return False
    below = float(np.mean(values <= centers[0] - widths[0] / 2))
    above = float(np.mean(values >= centers[0] + widths[0] / 2))
    white = below if header.photometric == "MONOCHROME1" else above
    return white > _WHITE or below + above > _CLIPPED


def has_garbage(instance: Instance, frame: int) -> bool:
    """Whether native cells have bits set beside the stored ones; a sign that is extended is none.

    Parameters
    ----------
    instance : Instance
    frame : int
    """
    header = instance.header
    allocated, stored = header.bits_allocated, header.bits_stored
    if (
        header.encapsulated
        or header.is_float
        or allocated == stored
        or allocated not in (8, 16, 32)
    ):
        return False
    size = header.rows * header.columns * header.samples * (allocated // 8)
    raw = instance.pixels.view(frame * size, (frame + 1) * size)
    dtype = np.dtype(f"u{allocated // 8}").newbyteorder(">" if header.big_endian else "<")
    cells = np.frombuffer(raw, dtype, len(raw) // dtype.itemsize)
    low = header.high_bit + 1 - stored
    below = bool(np.any(cells & ((1 << low) - 1))) if low else False
    upper = allocated - 1 - header.high_bit
    if below or not upper:
        return below
    above = cells >> (header.high_bit + 1)
    is_set = above != 0
    if header.signed:
        is_negative = (cells >> header.high_bit) & 1 == 1
        is_set &= ~(is_negative & (above == (1 << upper) - 1))
    return bool(np.any(is_set))


def _differences(
    instance: Instance, image: Image, frame: int, max_bytes: int
) -> Iterator[tuple[str, str, int]]:
    """Yield how far the cells of other installed decoders are from those that are delivered."""
    header = image.header
    if not header.encapsulated:
        return
    decoders = all_decoders().get(header.transfer_syntax, ())
    used = image.decoders[0].split(" ")[0] if image.decoders else ""
    expected = image.stored(frames=frame).astype(np.int64)
    for decoder in decoders:
        if not decoder.is_present() or decoder.name == used:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # decoders that are not asked otherwise may warn
                other = Image(instance, max_bytes, decoder.name).stored(frames=frame)
        except FastpixError:
            yield used, decoder.name, -1
            continue
        yield used, decoder.name, int(np.abs(expected - other).max(initial=0))
