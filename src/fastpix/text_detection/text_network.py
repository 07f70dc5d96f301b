"""A neural network that finds text: RapidOCR's detection model, run by onnxruntime.

Only the model is taken from the package ``rapidocr``, as the file that lies in its wheel: its own
code is never imported, so that nothing can be recognised and nothing is fetched from a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.text_detection.components import components_of
from fastpix.text_detection.text_box import TextBox

INSTALL = "pip install 'fastpix[detect-text]'"
TILE = 960  # rows and columns that the network is given at once, at most: bounds memory
OVERLAP = 96  # of tiles: a word on a seam is whole in one of them, or found in parts
_MULTIPLE = 32  # of rows and columns: the network halves them five times


class Thresholds(NamedTuple):
    """What makes a box of the network's map.

    Attributes
    ----------
    ink : float
        The least value of a pixel of a text.
    score : float
        The least mean of the pixels of a text.
    grown : float
        The network marks the middle of a line: boxes grow by this times area / circumference.
    """

    ink: float = 0.3
    score: float = 0.5
    grown: float = 1.6


def model_path() -> Path:
    """Return the file of the detection model.

    Raises
    ------
    ImportError
        The package is missing, or has no such model in its wheel.
    """
    spec = find_spec("rapidocr")
    folders = (spec and spec.submodule_search_locations) or ()
    models = sorted(m for folder in folders for m in Path(folder, "models").glob("*_det_*.onnx"))
    if not models:
        raise ImportError(f"text detection needs the model of rapidocr: {INSTALL}")
    return models[-1]


class TextNetwork:
    """The network, loaded.

    Parameters
    ----------
    threads : int
        Of one image; the result is the same for any number.

    Raises
    ------
    ImportError
    """

    def __init__(self, threads: int = 1) -> None:
        if isinstance(threads, bool) or threads < 1:
            raise ArgumentError("threads", f"{threads!r} is not 1 or more")
        path = model_path()
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f"text detection needs onnxruntime: {INSTALL}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # memory goes back after each tile
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.model = path.stem
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def boxes(
        self, image: NDArray[np.uint8], scale: int, thresholds: Thresholds
    ) -> Iterator[TextBox]:
        """Yield boxes, in pixels of the image.

        Parameters
        ----------
        image : ndarray of uint8
            (rows, columns) or (rows, columns, 3).
        scale : int
            How many times the network sees it enlarged: 2 or 3 for small letters.
        thresholds : Thresholds
        """
        size = TILE // scale
        for top, bottom in _tiles(image.shape[0], size):
            for left, right in _tiles(image.shape[1], size):
                tile = image[top:bottom, left:right]
                if tile.min() == tile.max():
                    continue
                for box in _boxes_of_map(self._map(enlarged(tile, scale)), thresholds):
                    x, y = left + box.x // scale, top + box.y // scale
                    yield TextBox(
                        x,
                        y,
                        left - (-box.right // scale) - x,
                        top - (-box.bottom // scale) - y,
                        box.score,
                    )

    def _map(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return where the network sees text, 0 to 1 for each pixel."""
        rows, columns = image.shape[:2]
        more = (-rows % _MULTIPLE, -columns % _MULTIPLE)
        wide = ((0, more[0]), (0, more[1]), (0, 0))
        if image.ndim == 2:
            image = image[..., None]
        padded = np.pad(image, wide, "edge").astype(np.float32)
        scaled = padded / np.float32(127.5) - np.float32(1)
        planes = np.broadcast_to(scaled[..., ::-1].transpose(2, 0, 1), (3, *padded.shape[:2]))
        given = np.ascontiguousarray(planes[None])
        found: NDArray[np.float32] = self._session.run(None, {self._input: given})[0]
        return found[0, 0, :rows, :columns]


def _tiles(length: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield begins and ends of tiles of equal size that overlap."""
    if length <= size:
        yield 0, length
        return
    count = -(-(length - OVERLAP) // (size - OVERLAP))
    for number in range(count):
        begin = round(number * (length - size) / (count - 1))
        yield begin, begin + size


def enlarged(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return an image with `scale` times as many rows and columns, by linear interpolation.

    Parameters
    ----------
    image : ndarray of uint8
    scale : int
    """
    if scale == 1:
        return image
    found = image.astype(np.float32)
    for axis in (0, 1):
        length = image.shape[axis]
        # Middles of pixels: pixel k of the result lies at (k + 0.5) / scale - 0.5.
        at = np.clip((np.arange(length * scale) + 0.5) / scale - 0.5, 0, length - 1)
        low = np.floor(at).astype(np.intp)
        high = np.minimum(low + 1, length - 1)
        share = (at - low).astype(np.float32).reshape((-1, *(1,) * (image.ndim - 1 - axis)))
        below, above = np.take(found, low, axis), np.take(found, high, axis)
        found = below + (above - below) * share
    return np.rint(found).astype(np.uint8)


def _boxes_of_map(found: NDArray[np.float32], thresholds: Thresholds) -> Iterator[TextBox]:
    parts = components_of(found > thresholds.ink, found)
    rows, columns = found.shape
    scores = parts.total / np.maximum(parts.area, 1)
    for number in np.flatnonzero(scores >= thresholds.score):
        left, top, right, bottom = (int(each[number]) for each in parts[:4])
        width, height = right - left, bottom - top
        if min(width, height) < 3:
            continue
        more = round(width * height * thresholds.grown / (2 * (width + height)))
        left, top = max(left - more, 0), max(top - more, 0)
        right, bottom = min(right + more, columns), min(bottom + more, rows)
        yield TextBox(left, top, right - left, bottom - top, float(scores[number]))
