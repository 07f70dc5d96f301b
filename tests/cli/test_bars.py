"""Progress of jobs that are called from Python: in a notebook, on a terminal, and elsewhere."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from support.builders import encode, make_dataset

import fastpix
from fastpix.cli import bars, progress
from fastpix.cli.progress import JobProgress, PhaseProgress
from fastpix.job.conversion import Progress
from fastpix.job.counts import Counts

pytestmark = pytest.mark.usefixtures("quick_processes")


class Cell:
    """The output of a cell: what IPython's `display` was given, and what has replaced it."""

    def __init__(self) -> None:
        self.displayed: list[Any] = []
        self.states: list[str] = []

    def display(self, shown: Any, *, display_id: bool = False) -> Cell:
        self.displayed.append(shown)
        assert display_id
        self.update(shown)
        return self

    def update(self, shown: Any, raw: bool = False) -> None:
        bundle = shown if raw else shown._repr_mimebundle_((), ())
        self.states.append(bundle["text/plain"])


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """Stand for a notebook."""
    found = Cell()
    module = ModuleType("IPython.display")
    module.display = found.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(bars, "_SECONDS_BETWEEN_UPDATES", 0.0)
    return found


def notebook_console() -> Console:
    return Console(force_jupyter=True, file=io.StringIO())


def test_a_notebook_has_one_bar_that_is_updated(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    console = notebook_console()
    with JobProgress(console) as shown:
        for done in range(1, 4):
            shown.advance(Progress(3, done > 1, Counts(converted=done)))
    assert len(cell.displayed) == 1
    assert "0/?" in cell.states[0]
    assert "3/3" in cell.states[-1]
    assert "converting" in cell.states[-1]
    assert len(cell.states) == 5  # the first, three, and the last
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""  # no lines beside it


def test_updates_of_a_notebook_are_few(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "_SECONDS_BETWEEN_UPDATES", 60.0)
    with JobProgress(notebook_console()) as shown:
        for done in range(100):
            shown.advance(Progress(100, True, Counts(converted=done + 1)))
    assert len(cell.states) <= 3
    assert "100/100" in cell.states[-1]


def test_a_bar_that_is_to_go_is_gone(cell: Cell) -> None:
    with PhaseProgress(notebook_console(), "headers") as shown:
        shown.advance("headers", 1, 2)
    assert cell.states[-1] == ""


def test_a_bar_ends_with_its_job(cell: Cell) -> None:
    with pytest.raises(KeyboardInterrupt), JobProgress(notebook_console()):
        raise KeyboardInterrupt
    assert len(cell.displayed) == 1


def test_a_job_shows_how_far_it_is_on_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.dcm").write_bytes(encode(make_dataset()))
    told: list[int] = []

    def keep(far: Progress) -> None:
        told.append(far.counts.files)

    fastpix.convert(source, tmp_path / "silent", workers=1, on_progress=keep)
    assert capfd.readouterr() == ("", "")
    assert told[-1] == 1
    told.clear()
    summary = fastpix.convert(source, tmp_path / "dst", workers=1, progress=True, on_progress=keep)
    assert summary.converted == told[-1] == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "1 of 1 files" in err
