"""The maximum over all frames: each is decoded once, and those that are wanted are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.codestream_cases import RLE_LOSSLESS, file_of_frames, rle

import fastpix
from fastpix import Recipe
from fastpix.frames.cells import Cells, FrameCells
from fastpix.image.frame_threads import read_peak
from fastpix.plan.making import make_plan

CELLS = np.array([[[1, 2]], [[9, 4]], [[3, 7]], [[5, 6]]], np.uint16)
ATTRIBUTES: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1"}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("wanted", [set(), {0}, {1, 3}, {0, 1, 2, 3}], ids=str)
def test_peak_keeps_the_frames_that_are_wanted(wanted: set[int], threads: int) -> None:
    plan = make_plan(fastpix.open(encode(make_dataset(CELLS, **ATTRIBUTES))).header, Recipe())
    decoded = []

    def decode(index: int, inner: int) -> FrameCells:
        assert inner == 1
        decoded.append(index)
        return FrameCells(CELLS[index].reshape(-1).view(np.uint8))

    peak, kept = read_peak(decode, plan, len(CELLS), wanted, threads)
    assert peak == 9
    assert sorted(decoded) == [0, 1, 2, 3]
    assert kept.keys() == wanted
    for index, source in kept.items():
        assert source.cells.tobytes() == CELLS[index].tobytes()


@pytest.mark.parametrize("wanted", [0, 1, [3, 1], [2, 2, 0], slice(None)], ids=str)
def test_a_frame_that_is_wanted_is_not_decoded_twice(
    wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    frame: Callable[..., FrameCells] = Cells.frame

    def counted(self: Any, pixels: Any, index: int, *arguments: Any, **named: Any) -> FrameCells:
        decoded.append(index)
        return frame(self, pixels, index, *arguments, **named)

    monkeypatch.setattr(Cells, "frame", counted)
    image = fastpix.open(
        file_of_frames([rle(each) for each in CELLS], CELLS, RLE_LOSSLESS, **ATTRIBUTES)
    )
    values = image.read(frames=wanted, threads=1)
    assert values.tolist() == (9 - CELLS[wanted].astype(np.int64)).tolist()
    assert sorted(decoded) == [0, 1, 2, 3]
