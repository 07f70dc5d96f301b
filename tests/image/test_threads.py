"""Frames read by several threads: the same bytes, the same errors."""

from __future__ import annotations

import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from support.codec_fuzz_worker import FAMILIES
from support.codestream_cases import (
    J2K_LOSSLESS,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
    file_of_frames,
    j2k,
    jpeg_ls,
    rle,
)
from support.matrices import every

import fastpix
from fastpix.errors import ArgumentError, DecodeError, InexactError, PixelDataError
from fastpix.frames.codecs import Decoder, FrameFormat, decoders
from fastpix.image.frame_threads import cores
from fastpix.kernel.registry import get_kernel, kernel_name

CELLS = np.random.default_rng(1).integers(0, 4096, (7, 33, 17)).astype(np.uint16)
COLOR = np.random.default_rng(2).integers(0, 256, (5, 20, 11, 3)).astype(np.uint8)


def files() -> dict[str, bytes]:
    """Several frames of every kind."""
    found = {
        "native": encode(make_dataset(CELLS, BitsStored=12, HighBit=11)),
        "native color": encode(make_dataset(COLOR, SamplesPerPixel=3, PlanarConfiguration=0)),
        "monochrome1": file_of_frames(
            [rle(f) for f in CELLS], CELLS, RLE_LOSSLESS, BitsStored=12,
            PhotometricInterpretation="MONOCHROME1",
        ),
        "monochrome1, J2K": file_of_frames(
            [j2k(f, 12) for f in CELLS], CELLS, J2K_LOSSLESS, BitsStored=12,
            PhotometricInterpretation="MONOCHROME1",
        ),
        "monochrome1, native": encode(
            make_dataset(CELLS, PhotometricInterpretation="MONOCHROME1")
        ),
    }  # fmt: skip
    for name, family in FAMILIES.items():
        encoder, depths = family.encoders[0]
        bits = depths[-1]
        cells = (CELLS >> (12 - min(bits, 12))).astype("u1" if bits == 8 else "u2")
        streams = [encoder(frame, bits) for frame in cells]
        found[name] = file_of_frames(streams, cells, family.syntax, BitsStored=bits)
    return found


FILES = files()


@pytest.mark.parametrize("kind", FILES)
@every("threads", [1, 2, 5, 64, np.int64(3), None])
def test_the_same_bytes(kind: str, threads: int | None) -> None:
    image = fastpix.open(FILES[kind])
    one = fastpix.open(FILES[kind])
    wanted = one.read(threads=1)
    assert image.read(threads=threads).tobytes() == wanted.tobytes()
    assert image.stored(threads=threads).tobytes() == one.stored(threads=1).tobytes()
    assert set(image.decoders) == set(one.decoders)
    out = np.empty_like(wanted)
    assert image.read(out=out, threads=threads) is out
    assert out.tobytes() == wanted.tobytes()
    order = [4, 0, 4, -1]
    assert image.read(frames=order, threads=threads).tobytes() == wanted[order].tobytes()
    single = fastpix.imread(FILES[kind], frames=2, threads=threads)
    assert single.tobytes() == wanted[2].tobytes()
    assert image.read(frames=[], threads=threads).shape == (0, *wanted.shape[1:])


def test_the_same_bytes_where_threads_come_by_themselves() -> None:
    """Enough pixels for `threads=None` to take all cores."""
    cells = np.random.default_rng(3).integers(0, 60000, (12, 130, 100)).astype(np.uint16)
    data = file_of_frames([rle(f) for f in cells], cells, RLE_LOSSLESS)
    found = fastpix.open(data).stored()
    assert np.array_equal(found, cells)


@pytest.mark.parametrize("threads", [0, -1, 1.0, 2.5, True, "2", [1]])
def test_no_number_of_threads(threads: Any) -> None:
    image = fastpix.open(FILES["native"])
    for use in (image.read, image.stored):
        with pytest.raises(ArgumentError, match="threads") as caught:
            use(threads=threads)
        assert caught.value.argument == "threads"
    with pytest.raises(ArgumentError, match="threads"):
        fastpix.imread(FILES["RLE"], threads=threads)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("invert", ["MONOCHROME1", "MONOCHROME2"])
def test_the_first_bad_frame_is_named(threads: int, invert: str) -> None:
    """Frames 3 and 5 are cut off behind their headers, whichever is met first."""
    streams = [rle(frame) for frame in CELLS]
    for bad in (3, 5):
        streams[bad] = streams[bad][:-200]
    data = file_of_frames(streams, CELLS, RLE_LOSSLESS, PhotometricInterpretation=invert)
    for _ in range(5):
        with pytest.raises(PixelDataError, match="frame 3 is cut off"):
            fastpix.imread(data, threads=threads)
    assert fastpix.imread(data, frames=[0, 6], threads=threads, invert="none").shape[0] == 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_frame_that_does_not_decode_is_named(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a later one has failed long before."""

    def decode(encoded: bytes, wanted: FrameFormat, inner: int) -> NDArray[Any]:
        number = encoded[-4] if encoded[-1] == 0 else encoded[-3]
        if number == 2:
            time.sleep(0.05)
        if number in (2, 3, 6):
            raise ValueError(f"frame {number} is bad")
        return np.zeros((33, 17), np.uint16)

    chain = (Decoder("stub", "stub", "MIT", decode, "zlib"),)
    monkeypatch.setitem(decoders._TABLE, JPEG_LS_LOSSLESS, chain)
    streams = [jpeg_ls(CELLS[0], 12)[:-2] + bytes([k]) + b"\xff\xd9" for k in range(7)]
    data = file_of_frames(streams, CELLS, JPEG_LS_LOSSLESS, BitsStored=12)
    with pytest.raises(DecodeError, match="frame 2 is bad") as caught:
        fastpix.imread(data, threads=threads)
    assert caught.value.frame == 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_value_that_does_not_fit_is_named(threads: int) -> None:
    cells = np.zeros((6, 40, 30), np.uint16)
    cells[2, 39, 29] = 300
    cells[4, 0, 0] = 301
    data = file_of_frames([rle(f) for f in cells], cells, RLE_LOSSLESS)
    with pytest.raises(InexactError) as caught:
        fastpix.imread(data, dtype="uint8", threads=threads)
    assert (caught.value.index, caught.value.value) == ((2, 39, 29), 300)


@pytest.mark.parametrize("kernel", fastpix.kernels())
def test_threads_use_the_kernel_that_was_chosen(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = set()

    def current() -> Any:
        used.add((threading.current_thread() is threading.main_thread(), kernel_name()))
        return get_kernel(kernel_name())

    monkeypatch.setattr("fastpix.image.values.current_kernel", current)
    with fastpix.use_kernel(kernel):
        fastpix.imread(FILES["monochrome1"], threads=3)
    assert used == {(False, kernel)}


def test_a_single_frame_gives_its_threads_to_the_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def decode(encoded: bytes, wanted: FrameFormat, threads: int) -> NDArray[Any]:
        given.append(threads)
        return np.zeros((33, 17), np.uint16)

    chain = (Decoder("stub", "stub", "MIT", decode, "zlib"),)
    monkeypatch.setitem(decoders._TABLE, J2K_LOSSLESS, chain)
    data = FILES["JPEG 2000"]
    fastpix.imread(data, frames=1, threads=6)
    fastpix.imread(data, frames=[1, 2], threads=6)
    assert given == [6, 1, 1]
    assert cores() >= 1


def test_warnings_in_threads_are_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in FILES.values():
            fastpix.imread(data, threads=4)


def test_an_image_shared_by_threads_that_use_threads() -> None:
    image = fastpix.open(FILES["monochrome1, J2K"])
    wanted = fastpix.open(FILES["monochrome1, J2K"]).read(threads=1).tobytes()
    found: list[bytes] = []
    workers = [
        threading.Thread(target=lambda: found.append(image.read(threads=2).tobytes()))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [wanted] * 6
