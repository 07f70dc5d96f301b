"""A tour of traps in DICOM pixels: what common code shows, beside what fastpix gives.

    python examples/tour_of_traps.py
    python examples/tour_of_traps.py --out FOLDER   keep the pictures: traps.png,
                                                    and one of each trap

Needs ``pip install 'fastpix[job]' pillow``. Takes some seconds.

Each trap is a file, or a series, made in memory, that the standard allows and that scanners and
archives write. The common code raises no error, and its values are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from running import run_example
from trap import Interval, Trap, Values
from traps_of_frames import colours_of_jpeg, cut_off
from traps_of_pixels import (
    float32_at_every_step,
    garbage_in_unused_bits,
    high_bit,
    integers_made_of_fractions,
    intercept_alone,
    lost_sign,
    monochrome1,
    numbers_in_text,
    padding,
    skipped_rescale,
    slope_0,
    slope_of_each_frame,
)
from traps_of_privacy import name_in_a_text_field
from traps_of_series import echoes_in_one_series, squeezed_gap, tilted_gantry, wrong_order

SIDE = 192  # pixels of a picture on the sheet
WRONG, RIGHT = "#b3261e", "#1b6e3c"

TRAPS: Sequence[Callable[[], Trap]] = (
    garbage_in_unused_bits,
    high_bit,
    lost_sign,
    skipped_rescale,
    intercept_alone,
    slope_0,
    slope_of_each_frame,
    monochrome1,
    cut_off,
    colours_of_jpeg,
    padding,
    integers_made_of_fractions,
    float32_at_every_step,
    wrong_order,
    squeezed_gap,
    echoes_in_one_series,
    tilted_gantry,
    numbers_in_text,
    name_in_a_text_field,
)


def picture(values: Values | Exception, shown: Interval | None) -> Image.Image:
    """Return values as grey or in their colours, NaN as blue, an error as a word."""
    if isinstance(values, Exception):
        image = Image.new("RGB", (SIDE, SIDE), "#eef4ef")
        place = (SIDE // 2, SIDE // 2)
        ImageDraw.Draw(image).text(place, "refused", RIGHT, ImageFont.load_default(20), anchor="mm")
        return image
    if values.ndim == 3:
        return Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    lo, hi = shown or (float(np.nanmin(values)), float(np.nanmax(values)))
    grey = np.clip((np.nan_to_num(values.astype(np.float64)) - lo) / (hi - lo), 0, 1) * 255
    rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    rgb[np.isnan(values)] = (60, 110, 200)
    rows, columns = values.shape
    size = (SIDE, round(SIDE * rows / columns))
    return Image.fromarray(rgb).resize(size, Image.Resampling.NEAREST)


def pair(trap: Trap) -> Image.Image:
    """Return wrong beside right."""
    gap = 12
    both = [picture(values, trap.shown) for values in (trap.naive, trap.fastpix)]
    high = max(image.height for image in both)
    drawn = Image.new("RGBA", (2 * SIDE + gap, high + 18))
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(13)
    for image, left, name, colour in zip(
        both, (0, SIDE + gap), ("common code", "fastpix"), (WRONG, RIGHT), strict=True
    ):
        draw.text((left, 0), name, colour, font)
        drawn.paste(image, (left, 18))
    return drawn


def file_name(trap: Trap) -> str:
    """Return a name for the picture of a trap."""
    return re.sub(r"[^a-z0-9]+", "-", trap.title.lower()).strip("-") + ".png"


def plain(text: str) -> str:
    """Return a text without the marks of code."""
    return text.replace("`", "")


def contact_sheet(traps: Sequence[Trap]) -> Image.Image:
    """Return one picture of all traps: wrong, right, and what happened."""
    gap, text = 12, 570
    pairs = [pair(trap) for trap in traps]
    high = sum(image.height + gap for image in pairs) + gap
    sheet = Image.new("RGB", (2 * SIDE + 3 * gap + text, high), "white")
    draw = ImageDraw.Draw(sheet)
    title, small = ImageFont.load_default(18), ImageFont.load_default(13)
    top = gap
    for trap, image in zip(traps, pairs, strict=True):
        sheet.paste(image, (gap, top), image)
        left = 3 * gap + 2 * SIDE
        draw.text((left, top + 50), trap.title, "black", title)
        draw.text((left, top + 82), plain(trap.code), WRONG, small)
        draw.text((left, top + 104), trap.effect, "black", small)
        draw.text((left, top + 126), trap.answer, RIGHT, small)
        top += image.height + gap
    return sheet


def main(out: Path) -> None:
    """Walk into each trap, and draw a contact sheet."""
    traps = [trap() for trap in TRAPS]
    for trap in traps:
        print(f"{trap.title}\n    {plain(trap.code)}\n    {trap.effect}\n    fastpix {trap.answer}")
        assert isinstance(trap.fastpix, Exception) or not np.array_equal(trap.naive, trap.fastpix)
        pair(trap).save(out / file_name(trap))
    sheet = contact_sheet(traps)
    sheet.save(out / "traps.png")
    print(f"traps.png: {len(traps)} traps, {sheet.width} x {sheet.height} pixels")


if __name__ == "__main__":
    run_example(main, __doc__)
