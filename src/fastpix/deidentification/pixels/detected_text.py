"""Text that a detector finds in the frames of an instance: regions, in all of its frames."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from fastpix.header.instance import Instance
from fastpix.image.image import Image
from fastpix.recipe import Recipe
from fastpix.redaction import Region, disjoint
from fastpix.text_detection import detector_here

_GRAY = Recipe("float32", invert="none")
_COLOR = Recipe("uint8", color_range=(0, 255))


def detected_regions(
    instance: Instance, blanked: Sequence[Region], max_bytes: int
) -> tuple[Region, ...]:
    """Return where text may be, in any frame; frames that are alike are looked at once.

    Parameters
    ----------
    instance : Instance
    blanked : sequence of Region
        What is blanked anyway: it is not looked at.
    max_bytes : int

    Raises
    ------
    FastpixError
        A frame cannot be read.
    ImportError
        The extra ``detect-text`` is not installed.
    """
    detector = detector_here()
    header = instance.header
    found: list[Region] = []
    seen: set[int] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image(instance, max_bytes)
        recipe = _GRAY if header.is_gray else _COLOR
        for frame in range(header.frames):
            values: NDArray[Any] = image.read(recipe, frames=frame)
            digest = hash(values.tobytes())
            if digest in seen:
                continue
            seen.add(digest)
            least = values.min()
            for part in blanked:
                values[part.rows, part.columns] = least
            found += [Region(*box[:4]) for box in detector.boxes_of_values(values)]
    return disjoint(found, header.rows, header.columns)
