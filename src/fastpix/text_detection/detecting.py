"""`TextDetector`: a neural network that looks through several windows, and what it finds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.text_detection.eight_bits import eight_bit_images
from fastpix.text_detection.text_box import TextBox, merged, with_margin
from fastpix.text_detection.text_network import TextNetwork, Thresholds

MARGIN = 0.15
"""By which boxes are larger than what was found, in heights of a line."""

THRESHOLDS = Thresholds()


class TextDetector:
    """Finds where text may be in an image. It flags, and it never clears.

    Nothing is recognised: only boxes leave it. Nothing is fetched: the model lies in the wheel of
    the package ``rapidocr``. Equal images have equal boxes, whatever `threads` is.

    Parameters
    ----------
    threads : int
        Of one image.

    Raises
    ------
    ArgumentError
    ImportError
        It says what to install.
    """

    def __init__(self, threads: int = 1) -> None:
        self._network = TextNetwork(threads)
        self.name = self._network.model

    def boxes(self, image: NDArray[np.uint8]) -> list[TextBox]:
        """Return where text may be in an image for the eye.

        Parameters
        ----------
        image : ndarray of uint8
            (rows, columns), or (rows, columns, 3): RGB. Either polarity.

        Returns
        -------
        list of TextBox
            In pixels of the image, from top to bottom; none overlap.

        Raises
        ------
        ArgumentError
            An array of another dtype or shape.
        """
        if image.dtype != np.uint8:
            raise ArgumentError("image", f"its dtype is {image.dtype}, and uint8 is needed")
        _check_shape(image)
        return self._union(image.shape, [image])

    def boxes_of_values(
        self, values: NDArray[Any], windows: Iterable[tuple[float, float]] = ()
    ) -> list[TextBox]:
        """Return where text may be in an image of any values, seen through several windows.

        Parameters
        ----------
        values : ndarray
            (rows, columns) of numbers in any unit; or colours, (rows, columns, 3).
        windows : iterable of (float, float)
            Black and white of windows beside those that are always tried (percentiles 0.5 to 99.5,
            and all values): the file's own.

        Returns
        -------
        list of TextBox

        Raises
        ------
        ArgumentError
        """
        _check_shape(values)
        return self._union(values.shape, eight_bit_images(values, windows))

    def _union(self, shape: tuple[int, ...], images: Iterable[NDArray[np.uint8]]) -> list[TextBox]:
        rows, columns = shape[:2]
        found: list[TextBox] = []
        for image in images:
            found += self._network.boxes(image, THRESHOLDS)
        wider = (with_margin(box, MARGIN, rows, columns) for box in found)
        return merged(box for box in wider if box is not None)


@cache
def detector_here() -> TextDetector:
    """Return the detector of this process, which is loaded once.

    Raises
    ------
    ImportError
        It says what to install.
    """
    return TextDetector(threads=1)


def _check_shape(image: NDArray[Any]) -> None:
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ArgumentError(
            "image",
            f"its shape is {image.shape}, and (rows, columns) or (rows, columns, 3) is needed",
        )
