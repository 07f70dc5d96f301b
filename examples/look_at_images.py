"""Look at images as a person would: windowed, in the polarity of the display.

    python examples/look_at_images.py
    python examples/look_at_images.py --out FOLDER   keep the picture: images.png

Needs ``pip install 'fastpix[view]'``. Takes a second.

The images are of the files that come with pydicom: CT, MR, a palette, RGB. What
a model gets is `fastpix.imread`, whose numbers are printed; the picture is for people, and says
above each image which window it shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.examples import get_path
from running import run_example, save_side_by_side

import fastpix
from fastpix.view.drawing import draw
from fastpix.view.looks import Look, seen_of_image

NAMES = ("ct", "mr", "palette_color", "rgb_color")
SIDE = 256  # pixels of an image on the sheet


def main(out: Path) -> None:
    """Print what a model gets of each file, and draw what a person sees."""
    drawn = []
    for name in NAMES:
        image = fastpix.open(get_path(name))
        values = image.read(frames=0)
        unit = image.plan().unit or "no unit"
        print(
            f"{name}: {values.shape} {values.dtype}, {values.min():g} to {values.max():g}, {unit}"
        )
        picture = draw(seen_of_image(image, Look()).groups, side=SIDE)
        assert picture.dtype == np.uint8
        drawn.append(Image.fromarray(picture))
    save_side_by_side(drawn, out / "images.png")


if __name__ == "__main__":
    run_example(main, __doc__)
