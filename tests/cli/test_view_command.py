"""``fastpix view``: files, series and caches as PNGs and in terminals."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.series_files import slice_dataset
from typer.testing import CliRunner

from fastpix import Recipe
from fastpix.cli import view_command
from fastpix.cli.commands import app
from fastpix.view.subjects import low_is_white

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)
MARKER = "Marker^Patient"


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KITTY_WINDOW_ID", "TERM", "TERM_PROGRAM", "LC_TERMINAL", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / f"{MARKER}.dcm"
    path.write_bytes(encode(make_dataset(
        RAMP, PhotometricInterpretation="MONOCHROME1", PatientName=MARKER,
        WindowCenter=["6", "3"], WindowWidth=["12", "4"],
        WindowCenterWidthExplanation=["WIDE", "NARROW"],
    )))  # fmt: skip
    return path


def run(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["view", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def pixels_of(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_png_of_a_file(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    result = run(file, "-o", out)
    assert result.stdout == ""
    assert "0: window 6 / 12 (WIDE); 1: window 3 / 4 (NARROW)" in result.stderr
    wide = pixels_of(out)
    assert wide[-9, 8].tolist() == [70, 70, 70]  # 255 - 255 * 8 / 11
    assert wide[-9, -9].tolist() == [0, 0, 0]  # the highest value of MONOCHROME1 is black
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert MARKER.encode() not in out.read_bytes()
    with Image.open(out) as picture:
        assert picture.info == {}  # nothing but pixels
    run(file, "-o", out, "--voi", "narrow", "--force")
    assert not np.array_equal(pixels_of(out), wide)
    run(file, "-o", out, "--window", 3, 4, "--force")
    narrow = pixels_of(out)
    run(file, "-o", out, "--voi", 1, "--force")
    assert np.array_equal(pixels_of(out), narrow)
    run(file, "-o", out, "--both", "--percentiles", 0, 100, "--side", 128, "--force")
    assert pixels_of(out).shape[1] == 2 * (128 + 16)
    assert [path.name for path in tmp_path.iterdir() if path != file] == ["out.png"]


def test_what_is_there_is_kept(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_text("kept")
    result = run(file, "-o", out, code=1)
    assert "exists: give another name, or --force" in result.stderr
    assert out.read_text() == "kept"
    assert "name it out.png" in run(file, "-o", tmp_path / "out.jpg", code=2).stderr


def test_errors_name_the_file_and_the_remedy(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(encode(make_dataset(RAMP, WindowCenter="1", WindowWidth="0.5")))
    result = run(broken, "-o", out, "--voi", 0, code=1)
    assert f"{broken}: WindowWidth (0028,1051)" in result.stderr
    assert "--window C W" in result.stderr
    assert "percentiles" in run(broken, "-o", out).stderr
    out.unlink()
    assert "LINEAR_EXACT takes it" in run_error(file, "-o", out, "--window", 1, 0.5)
    run(file, "-o", out, "--window", 1, 0.5, "--function", "linear_exact")
    assert "has no window 'LUNG'" in run_error(file, "-o", out, "--voi", "LUNG", "--force")


def run_error(*arguments: object) -> str:
    """Return the message of an error that `main` prints."""
    result = CliRunner().invoke(app, ["view", *map(str, arguments)])
    assert result.exit_code == 1
    return str(result.exception)


def test_a_pipe_gets_no_picture_unless_it_is_asked_for(file: Path) -> None:
    result = run(file, code=1)
    assert result.stdout == ""
    assert "give -o OUT.png to write one, or --open" in result.stderr
    assert run(file, "--terminal", "sixel").stdout_bytes.startswith(b"\x1bP0;1q")
    assert "none of kitty" in run(file, "--terminal", "vt100", code=2).stderr


@pytest.mark.parametrize(
    ("variable", "value", "begins"),
    [("TERM", "xterm-kitty", b"\x1b_Ga=T"), ("TERM_PROGRAM", "iTerm.app", b"\x1b]1337;File="),
     ("TERM", "foot", b"\x1bP0;1q"), ("TERM", "xterm-256color", b"")],
)  # fmt: skip
def test_terminals(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, begins: bytes
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    written = io.BytesIO()
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "stdout", Terminal(written, encoding="utf-8"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with nullcontext() if begins else pytest.raises(SystemExit):
        view_command.view_command(str(file), most=20, function="linear")
    sent = written.getvalue()
    assert sent.startswith(begins)
    assert bool(sent) == bool(begins)


def test_open_leaves_nothing_behind(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "give -o OUT.png, too" in run(file, "--open", code=1).stderr
    shown: list[tuple[Path, int]] = []

    def launch(path: str) -> int:
        shown.append((Path(path), len(Path(path).read_bytes())))
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
        return 0

    monkeypatch.setattr("typer.launch", launch)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "")
    monkeypatch.setattr(view_command, "_is_interactive", lambda: True)
    run(file, "--open")
    ((path, size),) = shown
    assert size > 100
    assert not path.parent.exists()
    out = tmp_path / "out.png"
    run(file, "-o", out, "--open")
    assert shown[1] == (out, out.stat().st_size)
    monkeypatch.setattr("typer.launch", lambda path: 1)
    before = set(Path(tempfile.gettempdir()).glob("fastpix-*"))
    assert "no viewer of a desktop" in run(file, "--open", code=1).stderr
    assert set(Path(tempfile.gettempdir()).glob("fastpix-*")) <= before


def test_a_series(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for k in (0, 1, 3, 4):
        dataset = slice_dataset(k, PatientName=MARKER, WindowCenter="500", WindowWidth="800")
        (folder / f"{k}.dcm").write_bytes(encode(dataset))
    out = tmp_path / "out.png"
    result = run(folder, "-o", out)
    assert "1 slice missing, of 5" in result.stderr
    assert "the file's window 500 / 800" in result.stderr
    assert MARKER not in result.stderr
    assert pixels_of(out).shape[1] == 8 + 2 * (142 + 8)  # 5 of 9 parts of 256 wide
    run(folder, "-o", out, "--frame", 3, "--frame", 0, "--side", 128, "--force")
    two = pixels_of(out)
    run(folder, "-o", out, "--side", 128, "--most", 2, "--force")
    assert pixels_of(out).shape == two.shape


def test_a_series_that_makes_no_volume(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for k in (0, 1, 2.5, 7.2):
        (folder / f"{k}.dcm").write_bytes(encode(slice_dataset(k, number=int(k))))
    out = tmp_path / "out.png"
    result = run(folder, "-o", out, "--side", 128)
    assert "shown file by file: " in result.stderr
    assert pixels_of(out).shape[1] == 8 + 2 * (71 + 8)
    run(folder, "-o", out, "--side", 128, "--both", "--force")
    assert pixels_of(out).shape[1] == 2 * (8 + 2 * (71 + 8))


@pytest.mark.usefixtures("quick_processes")
def test_samples_of_a_cache(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "src", tmp_path / "dst")
    path = folders.add("a.dcm", encode(make_dataset(
        RAMP, PhotometricInterpretation="MONOCHROME1", PatientName=MARKER,
    )))  # fmt: skip
    out = tmp_path / "out.png"
    found = []
    for replace, invert in enumerate(("max", "none")):
        recipe = Recipe(invert=invert)  # type: ignore[arg-type]
        folders.convert(recipe=recipe, replace=bool(replace))
        for name in (folders.name(path), "0"):
            run(f"{folders.dst}/{name}", "-o", out, "--percentiles", 0, 100, "--force")
            found.append(pixels_of(out))
    # A radiologist sees the same, whether the recipe has inverted the values or not.
    assert all(np.array_equal(found[0][-40:], each[-40:]) for each in found)
    assert found[0][-9, -9].tolist() == [0, 0, 0]
    assert "a cache keeps no windows" in run_error(f"{folders.dst}/0", "-o", out, "--voi", 0,
                                                   "--force")  # fmt: skip
    assert "has samples 0 to 0" in run(f"{folders.dst}/7", "-o", out, "--force", code=1).stderr
    assert os.listdir(folders.dst)


def test_pillow_is_of_an_extra(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL.ImageDraw", None)
    assert "pip install 'fastpix[view]'" in run_error(file, "-o", tmp_path / "out.png")


@pytest.mark.parametrize(
    ("photometric", "verdict", "is_white"),
    [("MONOCHROME1", None, True), ("MONOCHROME2", "accept", False),
     ("MONOCHROME1", "invert", False), ("MONOCHROME2", "invert", True), ("RGB", "invert", False)],
)  # fmt: skip
def test_samples_of_a_source_that_lies(
    photometric: str, verdict: str | None, is_white: bool
) -> None:
    assert low_is_white({"photometric": photometric, "verdict": verdict}) == is_white
