"""A ``.png`` for each image: stored integers to the last bit, or a window for people."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.one_a_file import FileWriter, sidecar
from fastpix.job.formats.sample_bytes import check_array, damaged, is_color, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

_OFFSET = "fastpix offset"
_WINDOW = "fastpix window"

_MOST_PIXELS = 178_956_970  # beyond which Pillow takes a picture for an attack


class PngFiles:
    """Grey of 8 or 16 bits, signed integers above an offset; RGB of 8 bits; one frame."""

    name = "png"
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""
        window = settings.window

        def encode(sample: Sample) -> dict[str, bytes]:
            if window is None or is_color(sample):
                return _exact(sample)
            return _windowed(sample, *window)

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row: see `Format.read`."""
        data = read_bytes(storage, row, verify=True)  # another run may have written it
        image_module = _pillow()
        shape = tuple(row["shape"])
        try:
            with image_module.open(io.BytesIO(data), formats=["PNG"]) as image:
                if image.size != (shape[1], shape[0]):  # before memory is asked for
                    raise damaged(row, f"{image.size[1]} x {image.size[0]}, not {shape}")
                texts = dict(image.text)
                pixels = np.array(image)
            offset = int(texts.get(_OFFSET, "0"))
        except FastpixError:
            raise
        except (OSError, ValueError, SyntaxError, AttributeError) as error:
            raise damaged(row, error) from error
        if _WINDOW in texts:
            raise FastpixError(
                f"{row['file']} is a picture for people, of one window: its values cannot be read "
                f"back; convert without window="
            )
        dtype = np.dtype(row["dtype"])
        if pixels.dtype.itemsize != dtype.itemsize or pixels.dtype.kind != "u":
            raise damaged(row, f"{pixels.dtype} pixels, not {dtype}")
        if offset:
            pixels = (pixels.astype(np.int32) - offset).astype(dtype)
        return check_array(pixels, row)


def _exact(sample: Sample) -> dict[str, bytes]:
    stored = _one_frame(sample)
    if stored.shape[0] * stored.shape[1] > _MOST_PIXELS:
        raise FastpixError(
            f"readers of PNG refuse more than {_MOST_PIXELS} pixels: choose another format"
        )
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        raise FastpixError(
            f"PNG holds integers of 8 or 16 bits, not {stored.dtype}: choose another format"
        )
    if is_color(sample) and stored.dtype != np.uint8:
        raise FastpixError(
            "colours of 16 bits are not written as PNG: convert with color_range=(0, 255), or "
            "choose another format"
        )
    offset = 0 if stored.dtype.kind == "u" else -int(np.iinfo(stored.dtype).min)
    unsigned = stored.dtype.str.replace("i", "u")
    pixels = (stored.astype(np.int32) + offset).astype(unsigned) if offset else stored
    how = "PIL.Image.open gives the stored integers"
    if offset:
        how += f" plus {offset}: subtract `offset`"
    return _files(sample, pixels, how, _OFFSET, str(offset), offset=offset)


def _windowed(sample: Sample, centre: float, width: float) -> dict[str, bytes]:
    values = sample.remaining.values(_one_frame(sample)).astype(np.float64)
    grey = (values - (centre - width / 2)) / width
    pixels = np.rint(np.nan_to_num(np.clip(grey, 0, 1)) * 255).astype(np.uint8)
    how = (
        f"a picture to look at: black is {centre - width / 2:g} and white {centre + width / 2:g} "
        f"of `unit`; values cannot be read back"
    )
    return _files(sample, pixels, how, _WINDOW, f"{centre} {width}", window=[centre, width])


def _one_frame(sample: Sample) -> NDArray[Any]:
    if sample.stored.ndim - is_color(sample) != 2:
        raise FastpixError(
            f"PNG holds one frame, and this image has the shape {sample.stored.shape}: choose "
            f"format='tar', 'b2nd' or 'npz'"
        )
    return sample.stored


def _files(
    sample: Sample, pixels: NDArray[Any], how: str, key: str, text: str, **more: Any
) -> dict[str, bytes]:
    image_module = _pillow()
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text(key, text)
    file = io.BytesIO()
    image_module.fromarray(pixels).save(file, "PNG", pnginfo=texts)
    return {
        f"{sample.name}.png": file.getvalue(),
        f"{sample.name}.json": sidecar(sample, how, "window" in more, **more),
    }


def _pillow() -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ImportError("format='png' needs Pillow: pip install pillow") from error
    return Image
