"""Pixels of a file or a data set as arrays, by the names and with the results of pydicom.

Uncompressed pixels are read by `native`. Compressed frames go through pydicom's decoders with
fastpix as their first plugin (`fastpix.backend`), unless the caller names another; where pydicom
does not know the syntax, through those of `fastpix.open`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.datadict import dictionary_is_retired, keyword_dict
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import Decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.pixels.utils import iter_pixels as pydicom_iter_pixels
from pydicom.pixels.utils import pixel_array as pydicom_pixel_array
from pydicom.uid import UID, RLELossless

from fastpix.errors import FastpixError, PixelDataError
from fastpix.image.image import Image
from fastpix.image.open_image import open as open_image
from fastpix.interop.decoding_plugin import decoder_of
from fastpix.interop.pydicom_pixels.array_layout import flat_bytes
from fastpix.interop.pydicom_pixels.color_spaces import convert_color_space
from fastpix.interop.pydicom_pixels.native import NativeLayout, native_pixels
from fastpix.interop.pydicom_pixels.pixels_in_file import FilePixels, find_pixels, is_deflated
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.notes import count_of
from fastpix.source.stored import Memory, Pixels
from fastpix.standard.syntaxes import NATIVE
from fastpix.standard.tags import Tag

_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_YBR = ("YBR_FULL", "YBR_FULL_422")
# What pydicom raises where it has no decoder, or where all that it has refuse a frame.
_NO_DECODER = (RuntimeError, NotImplementedError)


class _Call(NamedTuple):
    """What the caller asked for."""

    src: Any
    ds_out: Dataset | None
    specific_tags: list[int] | None
    raw: bool
    decoding_plugin: str
    options: dict[str, Any]

    def arguments(self) -> dict[str, Any]:
        """Return the keywords of pydicom's function of the same name."""
        return {
            "ds_out": self.ds_out, "specific_tags": self.specific_tags, "raw": self.raw,
            "decoding_plugin": self.decoding_plugin, **self.options,
        }  # fmt: skip


class _Encapsulated(NamedTuple):
    """Compressed pixels, and pydicom's decoder for them.

    Attributes
    ----------
    decoder : pydicom.pixels.decoders.base.Decoder
    source : pydicom.Dataset or file
        The data set, or the file from where its pixels begin.
    options : dict of str to object
    shift : Steps or None
        Mask and sign by High Bit, where it is not what pydicom takes it for.
    """

    decoder: Decoder
    source: Any
    options: dict[str, Any]
    shift: Steps | None

    def finish(self, arr: NDArray[Any], found: dict[str, Any], raw: bool) -> NDArray[Any]:
        """Return a decoded array after its last steps: unused bits, and colours."""
        if self.shift is not None:
            out = np.empty(arr.shape, arr.dtype)
            current_kernel().scale(flat_bytes(arr), out.reshape(-1), self.shift)
            arr = out
        if not raw and found["photometric_interpretation"] in _YBR:
            arr = convert_color_space(arr, "YBR_FULL", "RGB")
        return arr


class _Uncompressed(NamedTuple):
    """Uncompressed pixels, and where their bytes are."""

    native: NativeLayout
    pixels: Pixels

    def has(self, index: int) -> bool:
        """Whether there is such a frame."""
        return isinstance(index, (int, np.integer)) and 0 <= index < self.native.frames


# An Image, where pydicom reads no such file; None where the call, or what is odd, is pydicom's.
_Pixels: TypeAlias = _Uncompressed | _Encapsulated | Image | None


def pixel_array(
    src: str | os.PathLike[str] | BinaryIO | Dataset,
    *,
    ds_out: Dataset | None = None,
    specific_tags: list[int] | None = None,
    index: int | None = None,
    raw: bool = False,
    decoding_plugin: str = "",
    **kwargs: Any,
) -> NDArray[Any]:
    """Return the pixels of an image as pydicom does: stored values, and RGB for YBR.

    Parameters
    ----------
    src : path, binary file or pydicom Dataset
        A file is read from its beginning, and put back where it stood.
    ds_out : pydicom.Dataset, optional
        Takes the Image Pixel attributes and the File Meta of `src`, unless that is a Dataset.
    specific_tags : list of int, optional
        More elements for `ds_out`.
    index : int, optional
        One frame, counted from 0; else all.
    raw : bool
        Leave YBR as it is.
    decoding_plugin : str
        The one plugin of pydicom to decode compressed pixels with; fastpix first if not given.
    **kwargs
        pydicom's decoding options; a call that has any is pydicom's from end to end.

    Returns
    -------
    ndarray
        ``(rows, columns)``, with a first axis for several frames and a last one for colour; a new
        array of the dtype that Bits Allocated and Pixel Representation give, in the byte order of
        the file.
    """
    call = _Call(src, ds_out, specific_tags, raw, decoding_plugin, kwargs)
    with _pixels(call) as pixels:
        if isinstance(pixels, _Uncompressed) and (index is None or pixels.has(index)):
            return pixels.native.array(pixels.pixels, index, raw)
        if isinstance(pixels, Image):
            return _frames_of(pixels, index, raw)
        try:
            if not isinstance(pixels, _Encapsulated):
                return pydicom_pixel_array(src, index=index, **call.arguments())
            arr, found = pixels.decoder.as_array(
                pixels.source, index=index, raw=True, decoding_plugin=decoding_plugin,
                **pixels.options,
            )  # fmt: skip
        except _NO_DECODER as error:
            with _otherwise(call, error) as image:
                return _frames_of(image, index, raw)
        return pixels.finish(arr, found, raw)


def iter_pixels(
    src: str | os.PathLike[str] | BinaryIO | Dataset,
    *,
    ds_out: Dataset | None = None,
    specific_tags: list[int] | None = None,
    indices: Iterable[int] | None = None,
    raw: bool = False,
    decoding_plugin: str = "",
    **kwargs: Any,
) -> Iterator[NDArray[Any]]:
    """Yield the frames of an image one by one, as pydicom does.

    From a path or a file, frames are read one after the other. What pydicom cannot decode, deflated
    data sets among it, is read whole.

    Parameters
    ----------
    indices : iterable of int, optional
        Which frames; else all.
    src, ds_out, specific_tags, raw, decoding_plugin, **kwargs
        As in `pixel_array`.

    Yields
    ------
    ndarray
        ``(rows, columns)``, with a last axis for colour.
    """
    if indices is not None and not isinstance(indices, Sized):
        indices = list(indices)
        if not indices:
            return
    call = _Call(src, ds_out, specific_tags, raw, decoding_plugin, kwargs)
    with _pixels(call) as pixels:
        if isinstance(pixels, _Uncompressed):
            for index in indices if indices else range(pixels.native.frames):
                if pixels.has(index):
                    yield pixels.native.array(pixels.pixels, index, raw)
                else:
                    yield from pydicom_iter_pixels(src, indices=[index], **call.arguments())
            return
        if isinstance(pixels, Image):
            for index in indices if indices else range(len(pixels)):
                yield _frames_of(pixels, index, raw)
            return
        frames = _decoded_frames(pixels, indices, call)
        try:
            first = next(frames, None)
        except _NO_DECODER as error:
            with _otherwise(call, error) as image:
                for index in indices if indices else range(len(image)):
                    yield _frames_of(image, index, raw)
            return
        if first is not None:
            yield first
            yield from frames


def _decoded_frames(
    pixels: _Encapsulated | None, indices: Iterable[int] | None, call: _Call
) -> Iterator[NDArray[Any]]:
    if pixels is None:
        yield from pydicom_iter_pixels(call.src, indices=indices, **call.arguments())
        return
    frames = pixels.decoder.iter_array(
        pixels.source, indices=indices, raw=True, decoding_plugin=call.decoding_plugin,
        **pixels.options,
    )  # fmt: skip
    for arr, found in frames:
        yield pixels.finish(arr, found, call.raw)


@contextmanager
def _pixels(call: _Call) -> Iterator[_Pixels]:
    """Find what is to be read."""
    src = call.src
    if call.options:
        yield None
    elif isinstance(src, Dataset):
        yield _pixels_of_dataset(src)
    elif hasattr(src, "read"):
        position = src.tell()
        try:
            yield _pixels_of_file(src, call)
        finally:
            src.seek(position)
    else:
        with Path(src).open("rb") as file:
            yield _pixels_of_file(file, call)


def _pixels_of_dataset(ds: Dataset) -> _Pixels:
    syntax = getattr(ds, "file_meta", {}).get("TransferSyntaxUID")
    if not syntax:
        return None
    if syntax not in NATIVE:  # the decoder takes its options from the data set
        bits = [ds.get(keyword) for keyword in ("BitsAllocated", "BitsStored", "HighBit")]
        return _encapsulated(syntax, ds, {}, bits, ds.get("PixelRepresentation") == 1)
    present = [keyword for keyword in _KEYWORDS if keyword in ds]
    if len(present) != 1:
        return None
    options = as_pixel_options(ds)
    element = ds[present[0]]
    if not isinstance(element.value, (bytes, bytearray)):
        return None
    options |= {"transfer_syntax_uid": syntax, "pixel_keyword": present[0], "pixel_vr": element.VR}
    high_bit = ds.get("HighBit")
    if not isinstance(high_bit, int):
        high_bit = None
    native = native_pixels(options, high_bit, len(element.value))
    if native is None:
        return None
    return _Uncompressed(native, Pixels(Memory(memoryview(element.value)), 0, len(element.value)))


def _pixels_of_file(file: BinaryIO, call: _Call) -> _Pixels:
    found = find_pixels(file)
    if found is None:
        if not is_deflated(file):
            return None
        if isinstance(call.ds_out, Dataset):
            _fill(call.ds_out, call.specific_tags, file)
        file.seek(0)
        return open_image(file)
    syntax = found.options["transfer_syntax_uid"]
    pixels: _Pixels
    if syntax in NATIVE:
        native = native_pixels(found.options, found.high_bit, found.pixels.length)
        size = max(found.pixels.stored.size - found.pixels.start, 0)
        if native is None or size < native.nbytes:
            _check_packed(found, size)
            return None
        pixels = _Uncompressed(native, found.pixels)
    else:
        bits = [found.options.get(name) for name in ("bits_allocated", "bits_stored")]
        signed = found.options.get("pixel_representation") == 1
        pixels = _encapsulated(syntax, file, found.options, [*bits, found.high_bit], signed)
    if pixels is not None and isinstance(call.ds_out, Dataset):
        _fill(call.ds_out, call.specific_tags, file)
    file.seek(found.pixels.start)
    return pixels


def _check_packed(found: FilePixels, size: int) -> None:
    """Raise an error for 1-bit pixels that are cut off: pydicom makes up the missing ones."""
    names = ("bits_allocated", "number_of_frames", "rows", "columns")
    allocated, frames, rows, columns = (found.options.get(name, 0) for name in names)
    needed, size = (frames * rows * columns + 7) // 8, min(size, found.pixels.length)
    if allocated == 1 and size < needed:
        layout = f"{count_of(frames, 'frame')} of {rows} x {columns} x 1 bit"
        raise PixelDataError(expected=needed, found=size, layout=layout)


def _encapsulated(
    syntax: UID, source: Any, options: dict[str, Any], bits: list[Any], signed: bool
) -> _Encapsulated | None:
    """Find the decoder; `bits` are Bits Allocated, Bits Stored and High Bit."""
    try:
        decoder = decoder_of(syntax)
    except NotImplementedError:
        return None
    shift = None
    if syntax == RLELossless and all(isinstance(number, int) for number in bits):
        allocated, stored, high_bit = bits
        if allocated in (8, 16, 32) and 0 < stored <= high_bit < allocated:
            shift = Steps(f"u{allocated // 8}", False, high_bit, stored, signed)
            options = {**options, "correct_unused_bits": False}
    return _Encapsulated(decoder, source, options, shift)


def _fill(ds_out: Dataset, specific_tags: list[int] | None, file: BinaryIO) -> None:
    """Put what pydicom puts into the data set of its caller."""
    tags = [tag for tag in keyword_dict.values() if tag >> 16 == 0x0028]
    tags = [tag for tag in tags if not dictionary_is_retired(tag)]
    tags += [Tag.ExtendedOffsetTable, Tag.ExtendedOffsetTableLengths, *(specific_tags or ())]
    file.seek(0)
    found = dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(tags))
    ds_out.file_meta = found.file_meta
    ds_out.set_original_encoding(*found.original_encoding)
    ds_out.update(found)


@contextmanager
def _otherwise(call: _Call, error: Exception) -> Iterator[Image]:
    """Open what pydicom cannot decode; where that does not go either, raise pydicom's error."""
    if call.options or call.decoding_plugin:
        raise error
    if hasattr(call.src, "seek"):
        call.src.seek(0)
    try:
        with open_image(call.src) as image:
            yield image
    except FastpixError as refusal:
        raise error from refusal


def _frames_of(image: Image, index: int | None, raw: bool) -> NDArray[Any]:
    header = image.header
    if index is not None and index < 0:
        raise ValueError("'index' must be greater than or equal to 0")
    if raw or header.samples == 1:
        return image.stored(frames=index)
    dtype = f"{'int' if header.signed else 'uint'}{header.bits_allocated}"
    return image.read(dtype=dtype, rescale=False, frames=index)
