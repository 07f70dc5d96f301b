"""Frames shared out to threads, and the maximum over all frames, each of which is decoded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.codestream_cases import RLE_LOSSLESS, file_of_frames, rle

import fastpix
from fastpix.frames.cells import Cells, FrameCells
from fastpix.image.frame_threads import in_parts

CELLS = np.array([[[1, 2]], [[9, 4]], [[3, 7]], [[5, 6]]], np.uint16)
ATTRIBUTES: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1"}


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the frames that are decoded while a test runs."""
    frames: list[int] = []
    frame: Callable[..., FrameCells] = Cells.frame

    def counted(self: Any, pixels: Any, index: int, *arguments: Any, **named: Any) -> FrameCells:
        frames.append(index)
        return frame(self, pixels, index, *arguments, **named)

    monkeypatch.setattr(Cells, "frame", counted)
    return frames


def image_of_frames() -> fastpix.Image:
    frames = [rle(each) for each in CELLS]
    return fastpix.open(file_of_frames(frames, CELLS, RLE_LOSSLESS, **ATTRIBUTES))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("wanted", [0, 1, [3, 1], [2, 2, 0], [], slice(None)], ids=str)
def test_a_frame_that_is_wanted_is_not_decoded_twice(
    wanted: Any, threads: int, decoded: list[int]
) -> None:
    values = image_of_frames().read(frames=wanted, threads=threads)
    assert values.tolist() == (9 - CELLS[wanted].astype(np.int64)).tolist()
    assert sorted(decoded) == [0, 1, 2, 3]


def test_frames_that_are_kept_take_bounded_memory(
    decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are decoded again."""
    monkeypatch.setattr("fastpix.image.frame_reader.KEPT_BYTES", 2 * (2**9 + 4))
    image = image_of_frames()
    assert image.read().tolist() == (9 - CELLS.astype(np.int64)).tolist()
    assert sorted(decoded) == [0, 1, 2, 2, 3, 3]
    decoded.clear()
    assert image.read(frames=[3, 3]).tolist() == (9 - CELLS[[3, 3]].astype(np.int64)).tolist()
    assert decoded == [3, 3]  # the maximum is kept with the image


def test_parts_come_in_order_and_few_of_them_wait() -> None:
    begun: list[int] = []

    def work(start: int, stop: int) -> list[int]:
        begun.append(start)
        return list(range(start, stop))

    parts = in_parts(work, 1000, threads=2, share=3)
    assert next(parts) == [0, 1, 2]
    assert len(begun) <= 5
    rest = [number for part in parts for number in part]
    assert rest == list(range(3, 1000))
    assert list(in_parts(work, 5, threads=1, share=1)) == [[0, 1, 2, 3, 4]]
    assert list(in_parts(work, 0, threads=2, share=1)) == [[]]


def test_the_first_part_to_fail_ends_the_others() -> None:
    begun: list[int] = []

    def work(start: int, stop: int) -> None:
        begun.append(start)
        if start == 6:
            raise ValueError("part 6")

    with pytest.raises(ValueError, match="part 6"):
        list(in_parts(work, 10**6, threads=2, share=2))
    assert len(begun) < 20
