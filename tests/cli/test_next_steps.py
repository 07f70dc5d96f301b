"""What a person is told when ``fastpix convert`` ends: what was written, and what is next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastpix.cli.next_steps import after_conversion, command_here, written
from fastpix.job.counts import Counts
from fastpix.job.summary import Summary


def test_what_was_written_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert written("out/cache") == ["out/cache  the cache: arrays, and a manifest of all files"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cache.key").touch()
    (tmp_path / "out" / "cache.paths.parquet").mkdir()
    assert [line.split()[0] for line in written("out/cache/")] == [
        "out/cache/", "out/cache.key", "out/cache.paths.parquet",
    ]  # fmt: skip
    assert written("s3://bucket/cache") == []


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Counts(), "There is no file in src: is it the right folder?"),
        (Counts(not_images=1), "There is no DICOM image among 1 file in src"),
        (Counts(present=3), "Nothing to do: no file is new, and none has changed."),
        (Counts(converted=2, failed=1), "fastpix stats 'my cache'"),
        (Counts(failed=1), ""),
    ],
)
def test_the_next_step(counts: Counts, said: str) -> None:
    lines = after_conversion(Summary(counts), ["src"], "my cache")
    assert said in "\n".join(lines)
    assert bool(lines) == bool(said)


def test_a_cache_inside_its_source(tmp_path: Path) -> None:
    lines = after_conversion(Summary(Counts(converted=1)), [str(tmp_path)], f"{tmp_path}/cache")
    assert f"lies inside {tmp_path}" in lines[-1]
    beside = after_conversion(Summary(Counts(converted=1)), [f"{tmp_path}/a"], f"{tmp_path}/b")
    assert "lies inside" not in "\n".join(beside)


def test_the_command_that_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "fastpix"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "")
    assert command_here() == str(script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_here() == "fastpix"
    monkeypatch.setattr(sys, "argv", ["/somewhere/__main__.py"])
    assert command_here().endswith(" -m fastpix")
