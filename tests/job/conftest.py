"""A small job in this process: what a worker does, without starting one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.jobs import Folders

from fastpix.job.batch_conversion import convert_batch
from fastpix.job.engines import driving


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "src", tmp_path / "dst")
    made.src.mkdir()
    return made


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are converted here, as a worker does it: where workers are not what is tested."""
    monkeypatch.setattr(driving, "run_guarded", convert_batch)
