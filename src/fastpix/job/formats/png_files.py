"""``NAME.png``, exact in 8 or 16 bits, or windowed for people, and ``NAME.json``."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.one_a_file import Encoded, FileWriter
from fastpix.job.formats.stored_bytes import damaged, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

_OFFSET = {"int8": 2**7, "int16": 2**15}


class _Png:
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:
        """Return a writer of a file for each sample."""
        del batch
        window = settings.window

        def encode(sample: Sample) -> Encoded:
            picture = _picture(sample)
            if window is not None:
                shown = _windowed(sample, window)
                words = (
                    f"a picture for people, centre {window[0]:g} and width {window[1]:g}: its "
                    f"values cannot be had back"
                )
                return Encoded(".png", _encoded(shown), words, {"window": list(window)})
            offset = _OFFSET.get(sample.stored.dtype.name, 0)
            less = f"; {offset} is added, so that none is negative" if offset else ""
            words = (
                f"the stored integers{less}. The steps below make values of them, in "
                f"{sample.row.get('unit') or 'no unit'}"
            )
            return Encoded(".png", _encoded(picture), words, {"added": offset})

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row."""
        data = read_bytes(storage, row, verify)
        try:
            found = np.asarray(imagecodecs.png_decode(data))
        except Exception as error:  # of imagecodecs
            raise damaged(row, "it is no sound PNG") from error
        shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
        wanted = {1: np.dtype(np.uint8), 2: np.dtype(np.uint16)}[dtype.itemsize]
        if found.dtype != wanted or found.size != int(np.prod(shape)):
            if found.dtype == np.uint8:
                raise FastpixError(
                    "these pictures were windowed for people: values cannot be had back; convert "
                    "without window, or to another format"
                )
            raise damaged(row, "it holds another picture")
        offset = _OFFSET.get(dtype.name, 0)
        values: NDArray[Any] = (found.astype(np.int32) - offset).astype(dtype).reshape(shape)
        return values


FORMAT = _Png()


def _picture(sample: Sample) -> NDArray[Any]:
    """Return stored integers as unsigned ones of 8 or 16 bits."""
    stored = sample.stored
    is_color = sample.row.get("unit") == "RGB"
    if stored.ndim != (3 if is_color else 2):
        raise FastpixError(
            "PNG holds one frame, and this image has several: use another format, or unit='series'"
        )
    if stored.dtype.kind == "f" or stored.dtype.itemsize > 2:
        raise FastpixError(f"PNG holds integers of 8 and 16 bits, and this image is {stored.dtype}")
    offset = _OFFSET.get(stored.dtype.name)
    if offset is None:
        return stored
    moved: NDArray[Any] = (stored.astype(np.int32) + offset).astype(f"u{stored.dtype.itemsize}")
    return moved


def _windowed(sample: Sample, window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return values between the ends of a window as 0..255 (PS3.3 C.11.2.1.3.2)."""
    values = sample.remaining.values(sample.stored).astype(np.float64)
    if sample.row.get("unit") == "RGB":
        return values.clip(0, 255).astype(np.uint8)
    centre, width = window
    scaled = (values - (centre - width / 2)) / width
    shown: NDArray[np.uint8] = (np.nan_to_num(scaled).clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return shown


def _encoded(picture: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture), level=4))
