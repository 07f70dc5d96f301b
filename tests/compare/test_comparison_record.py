"""The record of a comparison: what is in it, what is not, and how it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.series_files import slice_dataset, write_slices

from fastpix.compare import Comparison, Machine, Measurement, Options, PartRecord, json_text
from fastpix.compare.comparison import GroupRecord, ReaderRecord
from fastpix.compare.measure import Step

pytestmark = pytest.mark.usefixtures("quick_processes")
MACHINE = Machine("a processor", 2, 8_000_000_000, "Linux x86_64", "3.11.7", "2.4.6")


def test_json_has_the_names_of_the_record() -> None:
    reader = ReaderRecord("pydicom", "3.0.2", True, 9, 1, 2, {"rounding": 2}, 12.5, 100.0, 5.0,
                          (3.0, 8.0), (1.0, 1.5))  # fmt: skip
    group = GroupRecord("CT", 10, {"pydicom": 5.0})
    part = PartRecord("series", 2, 10, (reader,), (group,))
    made = Comparison("2026-11-28T11:00:00Z", MACHINE, Options(2, None, 60.0), (part,))
    assert json.loads(json_text(made)) == {
        "fastpix_comparison": 1,
        "made": "2026-11-28T11:00:00Z",
        "machine": {
            "processor": "a processor", "cores": 2, "memory_bytes": 8_000_000_000,
            "system": "Linux x86_64", "python": "3.11.7", "numpy": "2.4.6",
        },
        "options": {"rounds": 2, "limit": None, "timeout": 60.0, "batch_size": 32},
        "parts": [
            {
                "part": "series", "passes": 2, "items": 10,
                "readers": [
                    {
                        "reader": "pydicom", "version": "3.0.2", "installed": True, "read": 9,
                        "failed": 1, "differing": 2, "kinds": {"rounding": 2},
                        "milliseconds": 12.5, "megabytes_per_second": 100.0, "ratio": 5.0,
                        "ratio_quartiles": [3.0, 8.0], "pass_seconds": [1.0, 1.5],
                    }
                ],
                "groups": [{"group": "CT", "items": 10, "ratios": {"pydicom": 5.0}}],
            }
        ],
        "interrupted": False,
    }  # fmt: skip


def test_json_is_strict() -> None:
    part = PartRecord("images", 0, 0, (ReaderRecord("pydicom", milliseconds=float("nan")),))
    with pytest.raises(ValueError, match="JSON"):
        json_text(Comparison("", MACHINE, Options(), (part,)))


def test_machine() -> None:
    here = Machine.here()
    assert here.processor
    assert here.cores >= 1
    assert here.memory_bytes is None or here.memory_bytes > 2**20
    assert here.numpy == np.__version__


# --- the command ------------------------------------------------------------------------------


def write(folder: Path) -> None:
    datasets = [
        slice_dataset(k, PatientName="Secret^Name", PatientID="SECRET", Manufacturer="SECRET")
        for k in range(3)
    ]
    write_slices(folder / "SECRET", datasets)


def test_every_part_in_one_record(tmp_path: Path, call: Callable[..., str]) -> None:
    write(tmp_path)
    out = tmp_path / "result.json"
    call(
        "bench", tmp_path / "SECRET", "--what", "batches,series,images", "--readers", "pydicom",
        "--rounds", 2, "--limit", 5, "--json", out,
    )  # fmt: skip
    text = out.read_text()
    assert "SECRET" not in text.upper()
    assert str(tmp_path) not in text
    record = json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["made"])
    assert record["options"] == {"rounds": 2, "limit": 5, "timeout": 60, "batch_size": 32}
    assert record["interrupted"] is False
    parts = [(p["part"], p["passes"], p["items"]) for p in record["parts"]]
    assert parts == [("images", 2, 3), ("series", 2, 1), ("batches", 2, 1)]
    for part in record["parts"]:
        ours, theirs = part["readers"][:2]
        assert (ours["reader"], ours["ratio"]) == ("fastpix", 1.0)
        assert theirs["read"] == part["items"]
        assert theirs["ratio"] > 0
        assert len(theirs["pass_seconds"]) == 2


def test_json_alone_on_stdout(
    tmp_path: Path, call: Callable[..., str], capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The tables go to stderr: a program reads stdout."""
    write(tmp_path)
    printed: list[str] = []
    read = capfd.readouterr

    def readouterr() -> Any:
        caught = read()
        printed.append(caught.out)
        return caught

    monkeypatch.setattr(capfd, "readouterr", readouterr)
    log = call("bench", tmp_path, "--readers", "pydicom", "--rounds", 0, "--list", "--json", "-")
    assert "3 images compared" in log
    assert json.loads(printed[0])["parts"][0]["items"] == 3


def test_a_folder_that_is_missing_is_told_at_once(tmp_path: Path, call: Callable[..., str]) -> None:
    write(tmp_path)
    out = tmp_path / "none" / "result.json"
    assert "there is no such folder; make it first" in call(
        "bench", tmp_path, "--json", out, code=1
    )


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_folder_in_place_of_a_file_is_told_at_once(
    option: str, tmp_path: Path, call: Callable[..., str]
) -> None:
    write(tmp_path)
    log = call("bench", tmp_path, option, tmp_path, code=1)
    assert "this is a folder; name a file in it" in log
    assert "compared" not in log


def test_what_was_measured_before_ctrl_c(
    tmp_path: Path, call: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Measurement.steps

    def interrupted(self: Measurement) -> Iterator[Step]:
        for step in steps(self):
            yield step
            if step.phase == "pass 2 of 3" and step.done == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(Measurement, "steps", interrupted)
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(make_dataset(np.zeros((2, 3), np.uint16))))
    (tmp_path / "b.dcm").write_bytes(path.read_bytes())
    out = tmp_path / "result.json"
    log = call(
        "bench", tmp_path, "--what", "images,batches", "--readers", "pydicom", "--rounds", 3,
        "--json", out, code=130,
    )  # fmt: skip
    assert "2 images compared" in log
    assert "Interrupted: this is what was measured until then." in log
    record = json.loads(out.read_text())
    assert record["interrupted"] is True
    [part] = record["parts"]
    assert (part["passes"], part["items"]) == (1, 2)
    assert part["readers"][1]["ratio"] > 0
