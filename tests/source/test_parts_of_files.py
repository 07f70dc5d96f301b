"""Parts of files for a kernel: read whole, or not given at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset

from fastpix import kernels
from fastpix._files import PartsOfFiles
from fastpix.header.header import Header
from fastpix.image.open_image import open as open_image
from fastpix.kernel.registry import current_kernel, use_kernel
from fastpix.recipe import Recipe
from fastpix.source.stored import stamp_of

CELLS = 4 * 5
COMPILED = [name for name in kernels() if name != "numpy"]
FROM_THE_FIRST = np.zeros(1, np.int64)


def files(folder: Path, count: int = 3) -> tuple[list[Path], NDArray[np.uint16]]:
    values = np.arange(count * CELLS, dtype=np.uint16).reshape(count, 4, 5)
    paths = []
    for k in range(count):
        path = folder / f"{k}.raw"
        path.write_bytes(b"\xaa" * (k + 1) + values[k].tobytes() + b"\xbb" * 7)
        paths.append(path)
    return paths, values


def parts_of(paths: list[Path], stamps: list[tuple[int, ...]] | None = None) -> PartsOfFiles:
    stamps = stamps or [stamp_of(path.stat()) for path in paths]
    return PartsOfFiles(
        np.empty(2 * CELLS, np.uint8).data,
        [os.fsencode(path) for path in paths],
        np.arange(1, len(paths) + 1).data,
        2 * CELLS,
        np.array(stamps, np.int64).data,
    )


def steps() -> object:
    image = open_image(encode(make_dataset(np.zeros((4, 5), np.uint16))))
    assert isinstance(image.header, Header)
    return image.plan(Recipe()).steps


def scaled(parts: PartsOfFiles, out: NDArray[np.float32], first: int = 0) -> int:
    kernel: object = current_kernel()
    return int(kernel.scale_files(parts.cells_from(first), list(out), steps(), FROM_THE_FIRST))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize("first", [0, 1, 2])
def test_each_file_gives_its_part(tmp_path: Path, kernel: str, first: int) -> None:
    paths, values = files(tmp_path)
    out = np.full((3 - first, 4, 5), -1, np.float32)
    with use_kernel(kernel):
        assert scaled(parts_of(paths), out, first) == 3 - first
    assert np.array_equal(out, values[first:])


@pytest.mark.parametrize("field", range(4))
def test_a_file_that_is_another_ends_the_run(tmp_path: Path, field: int) -> None:
    paths, values = files(tmp_path)
    stamps = [list(stamp_of(path.stat())) for path in paths]
    stamps[1][field] += 1
    out = np.full((3, 4, 5), -1, np.float32)
    assert scaled(parts_of(paths, [tuple(stamp) for stamp in stamps]), out) == 1
    assert np.array_equal(out[0], values[0])
    assert (out[1:] == -1).all()


def test_a_file_that_is_gone_or_no_file_ends_the_run(tmp_path: Path) -> None:
    paths, _ = files(tmp_path)
    parts = parts_of(paths)
    paths[1].unlink()
    assert scaled(parts, np.empty((3, 4, 5), np.float32)) == 1
    os.mkfifo(paths[1])  # nobody waits for whoever would write into it
    assert scaled(parts, np.empty((3, 4, 5), np.float32)) == 1


def test_more_arrays_than_files(tmp_path: Path) -> None:
    paths, _ = files(tmp_path)
    assert scaled(parts_of(paths), np.empty((5, 4, 5), np.float32)) == 3
    assert scaled(parts_of(paths), np.empty((5, 4, 5), np.float32), -1) == 0
    assert scaled(parts_of(paths), np.empty((5, 4, 5), np.float32), 9) == 0


@pytest.mark.parametrize("change", ["room", "size", "starts", "stamps"])
def test_what_does_not_fit_is_refused(tmp_path: Path, change: str) -> None:
    paths, _ = files(tmp_path)
    stamps = np.array([stamp_of(path.stat()) for path in paths], np.int64)
    with pytest.raises(ValueError, match=r"fit|stamp"):
        PartsOfFiles(
            np.empty(8 if change == "room" else 2 * CELLS, np.uint8).data,
            [os.fsencode(path) for path in paths],
            np.arange(2 if change == "starts" else 3).data,
            0 if change == "size" else 2 * CELLS,
            (stamps[:, :3].copy() if change == "stamps" else stamps).data,
        )
