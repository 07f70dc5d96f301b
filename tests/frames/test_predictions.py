"""Lossless JPEG whose samples leave their precision: by an encoder's arithmetic, or by damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.codec_fuzz_worker import picture
from support.codestream_cases import (
    BASELINE,
    LOSSLESS_57,
    LOSSLESS_70,
    file_of_frames,
    jpeg_lossless_by_hand,
)
from support.matrices import every

import fastpix
from fastpix.frames.codecs import Decoder, FrameFormat, all_decoders, decoders

Code = Callable[[int, int], int]


def never_positive(power: int) -> Code:
    return lambda sample, prediction: -((prediction - sample) % power)


def never_negative(power: int) -> Code:
    return lambda sample, prediction: (sample - prediction) % power


def twos_complement(power: int) -> Code:
    """Sample and prediction taken for signed numbers, as in files of ultrasound."""

    def signed(value: int) -> int:
        return (value + power // 2) % power - power // 2

    return lambda sample, prediction: signed(sample) - signed(prediction)


def shortest(power: int) -> Code:
    return lambda sample, prediction: (sample - prediction + power // 2) % power - power // 2


ENCODERS = {e.__name__: e for e in (never_positive, never_negative, twos_complement)}


def file_of(stream: bytes, cells: NDArray[Any], bits: int, syntax: str = LOSSLESS_57) -> bytes:
    return file_of_frames([stream], cells, syntax, BitsStored=bits)


def noise(bits: int, shape: tuple[int, int] = (12, 17)) -> NDArray[Any]:
    cells = np.random.default_rng(bits).integers(0, 1 << bits, shape)
    return cells.astype("u1" if bits <= 8 else "u2")


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A second decoder of JPEG that takes anything; what it was asked for."""
    asked: list[str] = []

    def decode(encoded: bytes, wanted: FrameFormat, threads: int) -> Any:
        asked.append(wanted.transfer_syntax)
        return np.zeros(wanted.shape, np.uint16)

    extra = Decoder("lenient", "lenient", "MIT", decode, "zlib")
    for syntax in (LOSSLESS_57, LOSSLESS_70, BASELINE):
        monkeypatch.setitem(decoders._TABLE, syntax, (*all_decoders()[syntax], extra))
    return asked  # type: ignore[return-value]


@pytest.mark.parametrize("encoder", ENCODERS)
@every("kind", ["noise", "picture"])
@every("bits", [6, 8, 10, 12, 14, 15])
@every("predictor", [1, 2, 3, 4])
def test_arithmetic_of_the_precision(encoder: str, bits: int, kind: str, predictor: int) -> None:
    cells = picture((24, 31), bits)
    if kind == "noise" and predictor < 4:  # the fourth makes noise of noise
        cells = noise(bits)
    stream = jpeg_lossless_by_hand(cells, bits, predictor, ENCODERS[encoder](1 << bits))
    syntax = LOSSLESS_70 if predictor == 1 else LOSSLESS_57
    assert np.array_equal(fastpix.open(file_of(stream, cells, bits, syntax)).stored(), cells)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_arithmetic_of_16_bits(bits: int, predictor: int) -> None:
    """As the standard has it: differences modulo 2**16."""
    cells = noise(bits)
    stream = jpeg_lossless_by_hand(cells, bits, predictor)
    assert np.array_equal(fastpix.open(file_of(stream, cells, bits)).stored(), cells)


def wide_ramp() -> NDArray[Any]:
    return np.add.outer(np.arange(24) * 100, np.arange(31) * 100).astype(np.uint16)  # to 5300


WIDE = {
    "a ramp": wide_ramp(),
    "one value": np.full((9, 8), 5000, np.uint16),
    "one pixel": np.where(np.arange(72).reshape(9, 8) == 40, 4096, 4095).astype(np.uint16),
    "a picture": picture((24, 31), 13),
    "noise": noise(16),
    "noise of 13 bits": noise(13),
    "a column": np.arange(4000, 4200, dtype=np.uint16)[:, None],
    "a row": np.arange(4000, 4200, dtype=np.uint16)[None],
}


@pytest.mark.parametrize("syntax", [LOSSLESS_57, LOSSLESS_70, BASELINE])
@every("predictor", range(1, 8))
@every("cells", WIDE)
def test_a_stream_wider_than_its_precision(
    syntax: str, cells: str, predictor: int, lenient: list[str]
) -> None:
    """An error of the stream, and final: no other decoder is asked for what it would make of it."""
    stream = jpeg_lossless_by_hand(WIDE[cells], 12, predictor)
    with pytest.raises(fastpix.DecodeError, match=r"a sample of \d+ where samples have 12 bits"):
        fastpix.imread(file_of(stream, WIDE[cells], 12, syntax))
    assert not lenient


@pytest.mark.parametrize("predictor", [5, 6, 7])
def test_predictors_that_divide(predictor: int, lenient: list[str]) -> None:
    """They do not hold modulo a smaller power of two, so nothing tells the samples."""
    cells = noise(12)
    stream = jpeg_lossless_by_hand(cells, 12, predictor, never_positive(1 << 12))
    with pytest.raises(fastpix.DecodeError, match="where samples have 12 bits"):
        fastpix.imread(file_of(stream, cells, 12))
    assert not lenient


@every("seed", range(40))
def test_signed_samples_by_chance(seed: int) -> None:
    """Noise of few pixels, as signed numbers of the precision."""
    cells = np.random.default_rng(seed).integers(0, 4096, (6, 8)).astype(np.uint16)
    stream = jpeg_lossless_by_hand(cells, 12, 1, twos_complement(1 << 12))
    assert np.array_equal(fastpix.open(file_of(stream, cells, 12)).stored(), cells)


def test_negative_samples_are_damage(lenient: list[str]) -> None:
    """A dark image with a sample below 0: not one of signed numbers."""
    cells = np.random.default_rng(1).integers(0, 60, (64, 64))
    cells[12, 12] = -3
    stream = jpeg_lossless_by_hand(cells, 12)
    with pytest.raises(fastpix.DecodeError, match="a sample of 65533"):
        fastpix.imread(file_of(stream, cells.astype(np.uint16), 12))
    assert not lenient


def test_shortest_differences_are_those_of_wider_samples(lenient: list[str]) -> None:
    """4095 and 0 one apart: as likely a stream of 4095 and 4096."""
    cells = noise(12)
    stream = jpeg_lossless_by_hand(cells, 12, 1, shortest(1 << 12))
    with pytest.raises(fastpix.DecodeError, match="where samples have 12 bits"):
        fastpix.imread(file_of(stream, cells, 12))
    assert not lenient


# --- pylibjpeg-libjpeg, which clamps --------------------------------------------------------------


@pytest.mark.parametrize("syntax", [LOSSLESS_57, LOSSLESS_70, BASELINE])
def test_a_pin_of_libjpeg_warns(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in, since it need not be installed."""
    cells = picture((24, 31), 12)
    (real,) = [d for d in all_decoders()[syntax] if d.name == "pylibjpeg-libjpeg"]
    assert real.distrusted == {"lossless"}
    other = replace(real, decode=lambda encoded, wanted, threads: cells, module="zlib")
    monkeypatch.setitem(decoders._TABLE, syntax, (all_decoders()[syntax][0], other))
    data = file_of(jpeg_lossless_by_hand(cells, 12), cells, 12, syntax)
    image = fastpix.open(data, decoder="pylibjpeg-libjpeg")
    with pytest.warns(fastpix.HeaderWarning, match="is pinned for lossless JPEG: it clamps"):
        assert np.array_equal(image.stored(), cells)
    (note, _) = image.plan().notes
    assert note.oddity
    assert np.array_equal(fastpix.imread(data), cells)  # by libjpeg-turbo, and silently


@pytest.mark.parametrize("syntax", [LOSSLESS_57, BASELINE])
def test_libjpeg_alone_reads_no_lossless_jpeg(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else is installed, the error says what to install."""
    monkeypatch.setattr(decoders, "_is_present", lambda module, codec: module == "libjpeg")
    cells = picture((24, 31), 12)
    data = file_of(jpeg_lossless_by_hand(cells, 12), cells, 12, syntax)
    with pytest.raises(fastpix.UnsupportedTransferSyntaxError, match="pip install imagecodecs"):
        fastpix.imread(data)
