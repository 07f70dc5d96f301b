"""Stacks and volumes in other threads and processes, and after the working directory changed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless
from support.builders import compress, encode
from support.series_files import SERIES, cells_of, slice_dataset, write_slices

import fastpix
from fastpix import PixelDataError, Stack, open_series, read_series

SLICES = 5


def write(folder: Path, syntax: str = ExplicitVRLittleEndian) -> list[Path]:
    cells = [cells_of(k, 40, 36) for k in range(SLICES)]
    encoded = compress if syntax == RLELossless else encode
    slices = [slice_dataset(k, cells=cells[k]) for k in range(SLICES)]
    return write_slices(folder, slices, syntax, encoded)


SYNTAXES = [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless]


def total(stack: Stack) -> float:
    return float(stack.read(threads=2).array.sum())


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_stack_can_be_pickled(tmp_path: Path, syntax: str) -> None:
    write(tmp_path, syntax)
    (stack,) = open_series(tmp_path)
    copy = pickle.loads(pickle.dumps(stack))
    volume = stack.read()
    assert copy.read().array.tobytes() == volume.array.tobytes()
    assert (copy.shape, copy.number, copy.row()) == (stack.shape, stack.number, stack.row())
    again = pickle.loads(pickle.dumps(volume))
    assert again.array.tobytes() == volume.array.tobytes()
    assert again.affine is not None
    assert volume.affine is not None
    assert np.array_equal(again.affine, volume.affine)
    assert again.notes == volume.notes
    assert again.sources == volume.sources


@pytest.mark.parametrize("form", [bytes, BytesIO])
def test_a_stack_of_bytes_can_be_pickled(tmp_path: Path, form: Callable[[bytes], Any]) -> None:
    paths = write(tmp_path)
    (stack,) = open_series([form(path.read_bytes()) for path in paths])
    copy = pickle.loads(pickle.dumps(stack))
    assert copy.read().array.tobytes() == read_series(tmp_path).array.tobytes()


def test_a_pickled_stack_has_its_own_files_alone(tmp_path: Path) -> None:
    write(tmp_path / "a")
    for k in range(40):
        dataset = slice_dataset(k, SeriesInstanceUID=f"{SERIES}.7")
        (tmp_path / f"{k}.dcm").write_bytes(encode(dataset))
    sources = sorted(tmp_path.glob("*.dcm")) + sorted((tmp_path / "a").iterdir())
    (stack,) = [s for s in open_series(sources) if s.series_uid == SERIES]
    small = pickle.dumps(stack)
    (alone,) = open_series(tmp_path / "a")
    assert len(small) < 1.1 * len(pickle.dumps(alone))
    assert pickle.loads(small).read().array.tobytes() == alone.read().array.tobytes()


def test_a_pickled_stack_finds_that_a_file_has_changed(tmp_path: Path) -> None:
    paths = write(tmp_path)
    (stack,) = open_series(tmp_path)
    copy = pickle.loads(pickle.dumps(stack))
    paths[2].write_bytes(paths[2].read_bytes() + b"\0\0")
    with pytest.raises(PixelDataError, match="changed") as caught:
        copy.read()
    assert str(caught.value.source) == str(paths[2])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_stack_is_read_in_another_process(tmp_path: Path, method: str) -> None:
    write(tmp_path)
    (stack,) = open_series(tmp_path)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(total, (stack,)) == total(stack)


def test_threads_share_a_stack(tmp_path: Path) -> None:
    write(tmp_path)
    (stack,) = open_series(tmp_path)
    expected = stack.read(threads=1).array
    with ThreadPoolExecutor(8) as pool:
        for volume in pool.map(lambda _: stack.read(threads=2), range(16)):
            assert volume.array.tobytes() == expected.tobytes()


def test_relative_paths_survive_another_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path, DeflatedExplicitVRLittleEndian)[:2] + write(tmp_path)[2:]
    monkeypatch.chdir(tmp_path)
    (stack,) = open_series([path.name for path in paths])
    monkeypatch.chdir("/")
    assert np.isfinite(stack.read().array).all()


def test_a_volume_is_nobody_elses(tmp_path: Path) -> None:
    write(tmp_path)
    (stack,) = open_series(tmp_path)
    first = stack.read()
    assert first.affine is not None
    first.affine[:3, 3] = 0
    second = stack.read()
    assert second.affine is not None
    assert second.affine[:3, 3].any()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_no_file_stays_open(tmp_path: Path, syntax: str) -> None:
    paths = write(tmp_path, syntax)
    held = set(os.listdir("/dev/fd"))
    (stack,) = open_series(tmp_path)
    assert set(os.listdir("/dev/fd")) <= held
    stack.read()
    paths[3].write_bytes(paths[3].read_bytes()[:-40])
    with pytest.raises(fastpix.FastpixError):
        stack.read()
    with pytest.raises(fastpix.FastpixError):
        read_series(tmp_path)
    assert set(os.listdir("/dev/fd")) <= held
