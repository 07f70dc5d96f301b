"""``fastpix series``: stacks in lines, as JSON, and as files."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, set_raw
from support.series_files import ROOT, SERIES, affine_of, cells_of, slice_dataset
from typer.testing import CliRunner

import fastpix
from fastpix.cli import series_command
from fastpix.cli.commands import app

assert callable(series_command.series_command)  # it is part of the command once it is imported
OTHER = f"{ROOT}.9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two series; the second has a gap, and is MONOCHROME1."""
    root = tmp_path / "study"
    root.mkdir()
    for k in range(4):
        (root / f"a{k}.dcm").write_bytes(encode(slice_dataset(k)))
    made = partial(slice_dataset, SeriesInstanceUID=OTHER, PatientName="Marker^Patient")
    for k in (0, 1, 3, 4):
        (root / f"b{k}.dcm").write_bytes(encode(made(k)))
    (root / "notes.txt").write_text("Marker")
    return root


def run(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["series", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_a_line_for_each_stack(folder: Path) -> None:
    lines = run(folder).stdout.splitlines()
    assert lines == [
        f"series {SERIES}",
        "  stack 0: CT 4 x 6 x 5, 2.5 x 0.75 x 0.5 mm, oblique, nearly axial",
        f"series {OTHER}",
        "  stack 0: CT 5 x 6 x 5, 2.5 x 0.75 x 0.5 mm, oblique, nearly axial, missing_slices",
        "2 series, 2 stacks; no image: 1 file",
    ]
    assert "Marker" not in run(folder).output


def test_json_is_one_object_a_stack(folder: Path) -> None:
    rows = [json.loads(line) for line in run(folder, "--json").stdout.splitlines()]
    assert [row["series_uid"] for row in rows] == [SERIES, OTHER]
    assert rows[0]["shape"] == [4, 6, 5]
    assert rows[0]["spacing"] == pytest.approx([2.5, 0.75, 0.5])
    assert rows[0]["codes"] == []
    assert rows[1]["codes"] == ["missing_slices"]
    assert set(rows[0]) == {
        "series_uid", "number", "modality", "shape", "spacing", "axes", "kind", "codes", "hint",
    }  # fmt: skip


def test_save_writes_what_makes_a_volume(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(folder, "--save", out, "--format", "npz", code=1)
    assert [path.name for path in out.iterdir()] == [f"{SERIES}_0.npz"]
    assert "missing_slices" in result.stderr or "missing" in result.stderr
    with np.load(out / f"{SERIES}_0.npz") as saved:
        expected = np.stack([fastpix.imread(folder / f"a{k}.dcm") for k in range(4)])
        assert np.array_equal(saved["array"], expected)
        assert np.allclose(saved["affine"], affine_of(), atol=1e-5)
    run(folder, "--save", out, "--format", "npz", "--gaps", "fill")
    with np.load(out / f"{OTHER}_0.npz") as saved:
        assert np.isnan(saved["array"][2]).all()
        assert not np.isnan(saved["array"][[0, 1, 3, 4]]).any()


def test_files_that_cannot_be_read_are_named(folder: Path) -> None:
    broken = folder / "broken.dcm"
    broken.write_bytes(encode(slice_dataset(7, BitsStored=99)))
    result = run(folder, code=1)
    assert "2 series, 2 stacks" in result.stdout
    assert "broken.dcm" in result.stderr
    assert "BitsStored" in result.stderr


def test_nothing_to_list(tmp_path: Path) -> None:
    assert "no DICOM image" in run(tmp_path).stderr
    assert run(tmp_path, "--json").stdout == ""


def test_a_format_that_is_none(folder: Path) -> None:
    assert "nifti or npz" in run(folder, "--format", "tiff", code=2).output


def test_a_single_slice_has_a_spacing_in_json(tmp_path: Path) -> None:
    dataset = slice_dataset(0, cells=cells_of(0), SliceThickness=None)
    (tmp_path / "one.dcm").write_bytes(encode(dataset))
    (row,) = [json.loads(line) for line in run(tmp_path, "--json").stdout.splitlines()]
    assert row["spacing"] == [None, pytest.approx(0.75), pytest.approx(0.5)]


@pytest.mark.parametrize(
    ("uid", "name"),
    [(b"../../up", "..%2F..%2Fup_0.npz"), (b"\x1b[31mred/", "%1B%5B31mred%2F_0.npz")],
)
def test_what_a_file_calls_its_series_is_no_path_and_no_command(
    tmp_path: Path, uid: bytes, name: str
) -> None:
    dataset = set_raw(slice_dataset(0), 0x0020000E, "UI", uid)
    (tmp_path / "one.dcm").write_bytes(encode(dataset))
    out = tmp_path / "deep" / "deeper"
    result = run(tmp_path / "one.dcm", "--save", out, "--format", "npz")
    assert [path.name for path in out.iterdir()] == [name]
    assert {path.name for path in tmp_path.iterdir()} == {"one.dcm", "deep"}
    assert "\x1b" not in result.output


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ImportError("pip install x")])
def test_a_volume_that_cannot_be_written_is_named_and_others_are_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    save = fastpix.Volume.save

    def refuse(volume: fastpix.Volume, path: Path) -> None:
        if SERIES + "_" in str(path):
            raise error
        save(volume, path)

    monkeypatch.setattr(fastpix.Volume, "save", refuse)
    out = tmp_path / "out"
    result = run(folder, "--save", out, "--format", "npz", "--gaps", "fill", code=1)
    assert [path.name for path in out.iterdir()] == [f"{OTHER}_0.npz"]
    assert f"stack 0 of {SERIES}: {error}" in result.stderr


@pytest.mark.parametrize(
    ("orientation", "name"),
    [
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((-1, 0, 0, 0, -1, 0), "axial"),
        ((1, 0, 0, 0, 0, -1), "coronal"),
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 0.8, -0.6), "oblique, nearly axial"),
    ],
)
def test_a_stack_is_told_by_its_orientation(
    tmp_path: Path, orientation: tuple[float, ...], name: str
) -> None:
    made = slice_dataset(0, ImageOrientationPatient=list(map(str, orientation)))
    (tmp_path / "one.dcm").write_bytes(encode(made))
    line = run(tmp_path).stdout.splitlines()[1]
    assert line == f"  stack 0: CT 1 x 6 x 5, 2.5 x 0.75 x 0.5 mm, single_slice, {name}"


def test_a_text_in_modality_that_is_no_term_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(encode(slice_dataset(0, Modality="MARKER")))
    assert "MARKER" not in run(tmp_path).output
    assert "MARKER" not in run(tmp_path, "--json").output
