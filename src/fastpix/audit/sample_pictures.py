"""`picture_of`: a sampled image as a small picture for a page, as `imread` gives it.

Pictures are WebP. At the size of a page a grey WebP of quality 85 errs by 2.4 grey levels (root
mean square; 0.3 on average). It takes a fifth fewer bytes than a JPEG that errs as much (two fifths
for radiographs), and less than half of a PNG; and it can be transparent, so that padding is told
apart from black. Pictures of few grey levels, such as masks, are stored without loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.audit.sampled_pixels import Look, values_of
from fastpix.plan.color_range import eight_bits
from fastpix.view.tones import as_gray, shades_of, window_by_percentiles
from fastpix.view.voi import VoiWindow

MEDIA_TYPE = "image/webp"
LARGEST_SIDE, SMALLEST_SIDE = 352, 128  # pixels
BUDGET = 14_000_000  # bytes of a page that pictures may take, of the 20 MB that a page may have

_STEP = 16  # pixels between sides
# In base64, with second pictures, of images that are not square: more than radiographs and slices
# take (0.2 to 0.3); of a page of noise some pictures are left out.
_BYTES_OF_PIXEL = 0.35
_QUALITY = 85
_METHOD = 1  # half the time of 4, the default, for 2 % more bytes
_FEW_LEVELS = 24
_DIFFERS = 10.0  # grey levels, on average: a window that differs visibly

Box = tuple[float, float, float, float]
"""Left, top, width and height, in fractions of a picture."""


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """One sampled image for the eye.

    Attributes
    ----------
    data : bytes
        A WebP of the image as `imread` gives it: MONOCHROME1 turned over, so that bright is high.
        Padding is transparent.
    width, height : int
        Pixels of the picture.
    is_color : bool
        Colour has no other way round, and no window.
    window : (float, float) or None
        What is black and white, as values of the file: percentiles 1 and 99, or the other way
        round for MONOCHROME1.
    own : bytes
        The same image in the file's own window, in the polarity that the file asks for; empty where
        it has none, or where nobody would see a difference.
    own_text : str
        Of that window: its center and width.
    padding : float
        The share of pixels that are padding.
    boxes : tuple of (float, float, float, float)
        Where text was found: left, top, width and height, in fractions of the picture.
    sample : int
        Which of `SourceRecord.samples` it shows, from 0.
    """

    data: bytes
    width: int
    height: int
    is_color: bool = False
    window: tuple[float, float] | None = None
    own: bytes = b""
    own_text: str = ""
    padding: float = 0.0
    boxes: tuple[Box, ...] = ()
    sample: int = 0


def picture_plan(sources: int, samples: int) -> tuple[int, int]:
    """Return the longer side of a picture, and how many pictures of a source a page may have.

    Parameters
    ----------
    sources : int
    samples : int
        Of each source, at most.

    Returns
    -------
    side : int
        In pixels: smaller where there are many sources.
    pictures : int
        Fewer than the samples only where the smallest pictures are still too many.
    """
    pictures = max(sources * samples, 1)
    side = math.sqrt(BUDGET / _BYTES_OF_PIXEL / pictures)
    fitting = min(LARGEST_SIDE, int(side) // _STEP * _STEP)
    if fitting >= SMALLEST_SIDE:
        return fitting, samples
    most = BUDGET / _BYTES_OF_PIXEL / SMALLEST_SIDE**2
    return SMALLEST_SIDE, max(1, int(most) // sources)


def picture_of(look: Look, side: int) -> SamplePicture:
    """Return a small picture of a sampled image.

    Parameters
    ----------
    look : Look
        With all its pixels, not `reduced`.
    side : int
        Pixels of its longer side, at most.

    Raises
    ------
    ImportError
        Pillow is not installed; the message says how to install it.
    """
    if not look.header.is_gray:
        colors = _shrunk(_colors(look), side, look.aspect)
        return _picture(np.rint(colors).astype(np.uint8), None, is_color=True)
    values = values_of(look)
    known = np.isfinite(values)
    if known.all():
        small = _shrunk(values, side, look.aspect)
    else:  # of a pixel of the picture that is padding in part, the rest tells the value
        share = _shrunk(known.astype(np.float32), side, look.aspect)
        small = _shrunk(np.where(known, values, 0), side, look.aspect)
        small = np.where(share >= 0.5, small / np.maximum(share, 1e-6), np.nan)
    window = _window_of(look, small)
    inverse = look.header.photometric == "MONOCHROME1"
    gray = as_gray(shades_of(small, window), inverse)
    own, own_text = b"", ""
    alpha = np.where(np.isnan(small), 0, 255).astype(np.uint8)
    if look.voi is not None:
        other = as_gray(shades_of(small, look.voi), look.shown_inverse)
        seen = alpha > 0
        if seen.any() and np.abs(other[seen] - gray[seen].astype(float)).mean() > _DIFFERS:
            own, own_text = _encoded(other, alpha), str(look.voi)
            if look.shown_inverse != inverse:
                way = "white" if look.shown_inverse else "black"
                own_text += f", low values {way} by Presentation LUT Shape"
    black, white = window.center - window.width / 2, window.center + window.width / 2
    if inverse:
        black, white = white, black
    padding = 0.0 if look.remaining.padding is None else 1.0 - float(known.mean())
    return _picture(gray, alpha, window=(black, white), own=own, own_text=own_text, padding=padding)


def _window_of(look: Look, small: NDArray[Any]) -> VoiWindow:
    """Return the window between percentiles 1 and 99, which are those that the record has."""
    low, high = look.percentiles or (0.0, 0.0)
    if not high > low:
        return window_by_percentiles(small)
    return VoiWindow(low + (high - low) / 2, high - low, "LINEAR_EXACT")


def _picture(
    gray: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, **more: Any
) -> SamplePicture:
    return SamplePicture(_encoded(gray, alpha), gray.shape[1], gray.shape[0], **more)


def _colors(look: Look) -> NDArray[np.float32]:
    """Return ``(rows, columns, 3)``, 0 to 255."""
    cells = look.cells
    if cells.dtype.kind == "f":
        return cells.clip(0, 255).astype(np.float32)
    bits = look.header.bits_stored
    if look.header.samples == 1:  # the entries of a palette
        bits = 8 if int(cells.max(initial=0)) < 256 else 16
    return eight_bits(cells.astype(np.int64), bits).clip(0, 255).astype(np.float32)


def _shrunk(pixels: NDArray[Any], side: int, aspect: float) -> NDArray[Any]:
    """Return means of blocks, so that the longer side has `side` pixels at most.

    Of pixels that are `aspect` times as high as wide, the longer side of each is repeated.
    """
    from PIL import Image

    rows, columns = pixels.shape[:2]
    height, width = rows * max(aspect, 1.0), columns * max(1.0 / aspect, 1.0)
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (columns, rows):
        return pixels.astype(np.float32)
    planes = pixels.astype(np.float32).reshape(rows, columns, -1)
    shrunk = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(planes[..., k])).resize(size, Image.Resampling.BOX)
        )
        for k in range(planes.shape[2])
    ]
    return shrunk[0] if pixels.ndim == 2 else np.stack(shrunk, axis=-1)


def _encoded(levels: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> bytes:
    from PIL import Image

    colors = levels if levels.ndim == 3 else np.repeat(levels[..., np.newaxis], 3, axis=-1)
    if alpha is not None and not alpha.all():
        colors = np.dstack((colors, alpha))
    exact = levels.ndim == 2 and len(np.unique(levels)) <= _FEW_LEVELS
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(colors)).save(
        file, "WEBP", lossless=exact, quality=_QUALITY, method=_METHOD
    )
    return file.getvalue()
