"""What people see of statistics: tables, pictures, JSON, outliers, the line to use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from fastpix.errors import ArgumentError
from fastpix.job.remaining import Remaining
from fastpix.job.statistics import BatchStatistics
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.group_statistics import GroupStatistics
from fastpix.job.statistics.histogram_picture import histogram_png, ticks
from fastpix.job.statistics.outliers import groups_of, outliers
from fastpix.job.statistics.stats_report import (
    histogram_text,
    rebinned,
    stats_json,
    stats_of,
    stats_table,
)

CT = ("CT", "GE", "LightSpeed", "HU")
PT = ("PT", "Siemens", "Biograph", "BQML")
COLUMNS = ("name", "modality", "manufacturer", "model", "unit", "mean", "std", "min", "max")


def name(k: int) -> str:
    return f"{k:032x}"


def made() -> tuple[bytes, dict[str, list[Any]]]:
    """A part and its rows: CT with metal in the fifth image, PET, RGB, a group of one value."""
    rng = np.random.default_rng(0)
    batch = BatchStatistics()
    rows: dict[str, list[Any]] = {column: [] for column in COLUMNS}

    def add(group: tuple[str, str, str, str], stored: Any, remaining: Remaining) -> None:
        found = batch.add(group, stored, remaining)
        row = (name(len(rows["name"])), *group, found.mean, found.std, found.min, found.max)
        for column, value in zip(COLUMNS, row, strict=True):
            rows[column].append(value)

    for k in range(12):
        stored = rng.normal(1064, 100, (32, 32)).astype(np.int16)
        if k == 5:
            stored[:3, :3] = 31000
        add(CT, stored, Remaining("float32", intercepts=(-1024.0,)))
    for k in range(10):
        stored = rng.exponential(300, (32, 32)).astype(np.uint16)
        add(PT, stored, Remaining("float32", slopes=(0.1 + k / 7,)))
    add(("US", "", "", "RGB"), np.arange(75, dtype=np.uint8).reshape(5, 5, 3), Remaining("uint8"))
    add(("SEG", "", "", "label"), np.zeros((4, 4), np.uint8), Remaining("uint8"))
    add(("MR", "", "", "none"), np.full((4, 4), np.nan, np.float32), Remaining("float32"))
    return batch.to_bytes(), rows


PART, ROWS = made()
GROUPS, FAR = stats_of([PART, PART], ROWS)
BY_GROUP = {result.group: result for result in GROUPS}


def test_groups_and_their_outliers() -> None:
    assert [result.images for result in GROUPS] == [24, 20, 2, 2, 2]
    ((group, found),) = FAR.items()
    assert group == CT
    assert [outlier.name for outlier in found] == [name(5)]
    assert found[0].why.startswith("maximum 29976; half of the group's are between ")
    assert found[0].distance > 10


def test_groups_of_normalized_rows_are_those_of_values() -> None:
    rows = {column: [ROWS[column][0], None] for column in COLUMNS}
    rows["unit"] = ["0..1, from -100..1e+06 HU", "HU"]
    assert groups_of(rows) == [Group(*CT), Group("", "", "", "HU")]


def column(**values: Any) -> dict[str, Any]:
    size = len(values["max"])
    base = {"name": list(map(name, range(size))), "mean": [1.0] * size, "std": [2.0] * size,
            "min": [0.0] * size}  # fmt: skip
    return {**base, **values}


def test_outliers_of_columns() -> None:
    assert outliers(column(max=[100.0] * 6 + [9999.0])) == []  # too few to say
    assert outliers(column(max=[100.0] * 40)) == []
    found = outliers(column(max=[100.0, 101, 99] * 10 + [500.0, None, 9999.0]))
    assert [outlier.name for outlier in found] == [name(32), name(30)]
    (found_mean,) = outliers(column(max=[9.0] * 30, mean=[5.0, 6, 7] * 9 + [7, 5, -900]))
    assert found_mean.why == "mean -900; half of the group's are between 5 and 7"
    # Nearly equal images: a difference within an image's own spread is none.
    assert outliers(column(max=[100.0] * 39 + [101.5])) == []
    assert len(outliers(column(max=[1.0, 2, 3] * 100 + [1e6] * 50), most=20)) == 20


def test_the_line_to_use() -> None:
    result = BY_GROUP[Group(*CT)]
    low, high = result.percentile(0.5), result.percentile(99.5)
    assert low is not None
    assert high is not None
    assert result.normalize_line() == f"--normalize {low:.6g} {high:.6g}"
    assert [BY_GROUP[group].normalize_line() for group in BY_GROUP if group[2] == ""] == [None] * 3
    with pytest.raises(ArgumentError, match="between 0 and 100"):
        result.percentile(101)


def test_the_line_to_use_where_nearly_all_is_background() -> None:
    batch = BatchStatistics()
    stored = np.zeros((100, 100), np.uint8)
    stored[0, 0] = 200
    batch.add(CT, stored, Remaining("uint8"))
    (result,) = batch.statistics().results()
    assert result.normalize_line() == "--normalize 0 200"


def test_the_line_to_use_keeps_digits_that_matter() -> None:
    batch = BatchStatistics()
    stored = np.repeat(np.array([10**8, 10**8 + 1], np.int32), 500)
    batch.add(CT, stored, Remaining("float32"))
    (result,) = batch.statistics().results()
    assert result.normalize_line() == "--normalize 100000000.0 100000001.0"


def test_json_is_strict_and_complete() -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    kept = json.loads(stats_json(GROUPS, FAR), parse_constant=refuse)
    assert kept["version"] == 1
    first, *_, last = kept["groups"]
    assert (first["modality"], first["unit"], first["images"]) == ("CT", "HU", 24)
    assert first["percentiles"]["50"] == BY_GROUP[Group(*CT)].percentile(50)
    assert first["outliers"][0]["name"] == name(5)
    assert first["exact"] is True
    empty = next(group for group in kept["groups"] if group["modality"] == "MR")
    assert (empty["mean"], empty["normalize"], empty["nans"]) == (None, None, 32)
    assert last["outliers"] == []
    assert json.loads(stats_json([])) == {"version": 1, "groups": []}


def test_the_table_fits_a_terminal() -> None:
    console = Console(width=80, force_terminal=False, no_color=True)
    with console.capture() as capture:
        console.print(stats_table(GROUPS))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    for word in ("CT", "LightSpeed", "29976", "24.6k", "p99.5", "std", "276.5"):
        assert word in text


@pytest.mark.parametrize("result", GROUPS, ids=lambda result: result.group.modality)
def test_histograms_in_characters(result: GroupStatistics) -> None:
    lines = histogram_text(result, width=40, height=4).splitlines()
    if not result.pixels:
        assert lines == ["no pixels"]
        return
    assert len(lines) == 5
    assert max(map(len, lines)) <= 40
    assert "█" in "".join(lines)


@pytest.mark.parametrize("columns", [10, 720])
def test_every_pixel_is_in_some_column(columns: int) -> None:
    for group in (Group(*CT), Group(*PT)):
        result = BY_GROUP[group]
        assert result.min is not None
        assert result.max is not None
        counts = rebinned(result, result.min - 1, result.max + 1, columns)
        assert counts.min() >= 0
        assert counts.sum() == pytest.approx(result.pixels, rel=0.01)


def test_the_picture(tmp_path: Path) -> None:
    histogram_png(GROUPS, tmp_path / "stats.png")
    with Image.open(tmp_path / "stats.png") as picture:
        picture.load()
        pixels = np.asarray(picture)
    assert pixels.shape[0] % len(GROUPS) == 0
    for result, band in zip(GROUPS, np.split(pixels, len(GROUPS)), strict=True):
        is_bar = (band == (0x4C, 0x78, 0xA8)).all(axis=2)
        assert is_bar.any() == (result.pixels > 0)
        assert not is_bar[:50].any()
    histogram_png([], tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        histogram_png(GROUPS, tmp_path / "stats.png")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-1000, 1200, [-1000, -500, 0, 500, 1000]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.0012, 0.0019, [0.0012, 0.0013, 0.0014, 0.0015, 0.0016, 0.0017, 0.0018, 0.0019]),
        (7, 7, [7]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)
