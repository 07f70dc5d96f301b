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
from fastpix.text_detection.text_box import TextBox, merged

INSTALL = "pip install 'fastpix[detect-text]'"
TILE = 960  # rows and columns that the network is given at once, at most: bounds memory
SMALL_TILE = 160
TALLEST = 80  # rows (or columns) of a line of text: what is larger is anatomy
TALLEST_INSIDE = 48  # of a line in small tiles
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
    score: float = 0.6
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

    def boxes(self, image: NDArray[np.uint8], thresholds: Thresholds) -> list[TextBox]:
        """Return boxes, in pixels of the image.

        A whole head or body is one large letter to the network, which then sees no text in it:
        there the image is searched again in small tiles, which show no outline.

        Parameters
        ----------
        image : ndarray of uint8
            (rows, columns) or (rows, columns, 3).
        thresholds : Thresholds
        """
        whole = TextBox(0, 0, image.shape[1], image.shape[0], 0.0)
        found = list(self._in_tiles(image, whole, TILE, thresholds))
        lines = [box for box in found if _may_be_lines(box)]
        for part in merged(box for box in found if not _may_be_lines(box)):
            again = self._in_tiles(image, part, SMALL_TILE, thresholds)
            lines += [box for box in again if _may_be_lines(box, TALLEST_INSIDE)]
        return lines

    def _in_tiles(
        self, image: NDArray[np.uint8], part: TextBox, size: int, thresholds: Thresholds
    ) -> Iterator[TextBox]:
        for top, bottom in _tiles(part.y, part.bottom, size):
            for left, right in _tiles(part.x, part.right, size):
                tile = image[top:bottom, left:right]
                if tile.min() == tile.max():
                    continue
                for box in _boxes_of_map(self._map(tile), thresholds):
                    yield box._replace(x=left + box.x, y=top + box.y)

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


def _may_be_lines(box: TextBox, tallest: int = TALLEST) -> bool:
    return min(box.width, box.height) <= tallest


def _tiles(first: int, beyond: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield begins and ends of tiles of equal size that overlap."""
    length = beyond - first
    if length <= size:
        yield first, beyond
        return
    overlap = min(OVERLAP, size // 2)
    count = -(-(length - overlap) // (size - overlap))
    for number in range(count):
        begin = first + round(number * (length - size) / (count - 1))
        yield begin, begin + size


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
