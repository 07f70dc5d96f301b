"""fastpix as a decoding plugin of pydicom: its own functions get faster, with no other change.

>>> import fastpix
>>> fastpix.backend.enable()
>>> array = pydicom.dcmread("slice.dcm").pixel_array                   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders import base
from pydicom.pixels.decoders.base import Decoder, DecodeRunner
from pydicom.uid import UID

from fastpix.errors import FastpixError, PixelDataError, UnsupportedTransferSyntaxError
from fastpix.frames.codecs import (
    FrameFormat,
    all_decoders,
    check_frame,
    decode_frame,
    usable_decoders,
)
from fastpix.image.frame_threads import SINGLE, cores
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.standard.syntaxes import JPEG_2000

__all__ = ["DECODER_DEPENDENCIES", "LABEL", "decoder_of", "disable", "enable", "is_available",
           "is_enabled"]  # fmt: skip

LABEL = "fastpix"
"""The plugin's name among pydicom's: what its ``decoding_plugin=`` takes."""

# What pydicom's plugins must have: the packages that a syntax needs.
DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = {
    syntax: tuple(dict.fromkeys(decoder.name for decoder in decoders))
    for syntax, decoders in all_decoders().items()
}


def enable() -> None:
    """Put fastpix before pydicom's other plugins, for every encapsulated syntax that both know.

    From then on ``Dataset.pixel_array``, ``Dataset.decompress``, ``pydicom.pixels.pixel_array`` and
    ``iter_pixels`` decode through fastpix. A frame that it refuses is refused: no other plugin is
    asked, unless one is named with ``decoding_plugin=``. Native syntaxes stay pydicom's: see
    `fastpix.pixel_array`. Calling it again changes nothing. It holds for this process: call it in
    workers that do not inherit it. Not to be called while other threads decode.
    """
    for decoder in _shared_decoders():
        if LABEL in decoder._available:
            continue
        decoder.add_plugin(LABEL, (__name__, "_decode_frame"))
        # pydicom asks in the order of this dict, and has no public way to be the first in it.
        plugins = decoder._available
        decoder._available = {LABEL: plugins.pop(LABEL), **plugins}


def disable() -> None:
    """Take fastpix out of pydicom's plugins again; the others are as they were."""
    for decoder in _shared_decoders():
        if LABEL in decoder._available:
            decoder.remove_plugin(LABEL)


def is_enabled() -> bool:
    """Whether pydicom asks fastpix first."""
    return all(LABEL in decoder._available for decoder in _shared_decoders())


def decoder_of(syntax: UID) -> Decoder:
    """Return pydicom's decoder for a syntax with fastpix as its first plugin, enabled or not.

    Raises
    ------
    NotImplementedError
        pydicom does not know the syntax.
    """
    shared = base.get_decoder(syntax)
    if LABEL in shared._available or not is_available(syntax):
        return shared
    own = Decoder(syntax)
    own._available = {LABEL: _decode_frame, **shared._available}
    own._unavailable = shared._unavailable
    return own


def is_available(uid: str) -> bool:
    """Whether a transfer syntax can be decoded here; pydicom asks it of a plugin."""
    try:
        usable_decoders(uid)
    except UnsupportedTransferSyntaxError:
        return False
    return True


def _shared_decoders() -> Iterator[Decoder]:
    for uid, (decoder, _since) in base._PIXEL_DATA_DECODERS.items():
        if uid in DECODER_DEPENDENCIES and is_available(uid):
            yield decoder


def _decode_frame(src: bytes, runner: DecodeRunner) -> bytearray:
    """Decode one frame as pydicom's plugins do: cells of Bits Allocated, samples interleaved."""
    wanted = FrameFormat(
        transfer_syntax=str(runner.transfer_syntax),
        rows=runner.rows,
        columns=runner.columns,
        samples=runner.samples_per_pixel,
        bits_allocated=runner.bits_allocated,
        bits_stored=runner.bits_stored,
        signed=bool(runner.pixel_representation),
    )
    if wanted.bits_allocated not in (1, 8, 16, 32):  # pydicom goes on to its other plugins
        raise NotImplementedError(f"cells of {wanted.bits_allocated} bits are not fastpix's")
    try:
        return _cells(src, wanted, runner)
    except FastpixError as error:
        _ask_no_other(runner, error)
        raise


def _ask_no_other(runner: DecodeRunner, error: FastpixError) -> None:
    """Keep pydicom from asking plugins for a frame that is damaged: some make an image of it.

    fastpix has asked all decoders that can be trusted with one. Who wants another's opinion names
    it: ``decoding_plugin=``.
    """

    def refuse(_src: bytes, _runner: DecodeRunner) -> bytearray:
        raise error

    for label in runner._decoders:  # this call's own
        runner._decoders[label] = refuse


def _cells(src: bytes, wanted: FrameFormat, runner: DecodeRunner) -> bytearray:
    # As many as `fastpix.imread` lets a codec have for a single frame.
    threads = cores() if wanted.rows * wanted.columns >= SINGLE else 1
    checked = check_frame(memoryview(src), wanted, 0)
    cells, _, segments, *_ = decode_frame(checked, wanted, 0, threads=threads)
    decoded = _planes(cells, segments, wanted) if segments else bytearray(cells)
    if wanted.samples > 1:
        # As pydicom's own plugins have it: they leave RLE in the planes that it is stored in.
        runner.set_option("planar_configuration", 1 if segments else 0)
    if wanted.transfer_syntax in JPEG_2000 and runner.photometric_interpretation in (
        "YBR_ICT",
        "YBR_RCT",
    ):
        runner.set_option("photometric_interpretation", "RGB")
    return decoded


def _planes(cells: NDArray[np.uint8], segments: tuple[int, ...], wanted: FrameFormat) -> bytearray:
    """Expand an RLE frame: all cells of its first sample, then those of the next."""
    width = wanted.cell_bytes
    as_stored = Steps(f"u{width}", False, 8 * width - 1, 8 * width, False)
    decoded = bytearray(wanted.frame_bytes)
    out: NDArray[Any] = np.frombuffer(decoded, f"u{width}")
    for sample, plane in enumerate(out.reshape(wanted.samples, -1)):
        ends = segments[sample * width : (sample + 1) * width + 1]
        if current_kernel().scale(cells, plane, as_stored, 0, ends) != -1:
            raise PixelDataError(reason="an RLE segment ends before the frame does")
    if wanted.bits_allocated == 1:  # pydicom takes a byte a pixel from a plugin
        pixels = wanted.rows * wanted.columns
        return bytearray(np.unpackbits(out, count=pixels, bitorder="little"))
    return decoded
