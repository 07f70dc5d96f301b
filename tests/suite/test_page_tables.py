"""Tables of times in the pages are those of the stored figures; the runner stores and renders."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from rich.table import Table

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import measured_reads
import run_all
from measured_reads import How, cell_of, ratio_of
from measured_work import PIXEL_ROWS
from page_tables import (
    DERIVED,
    LOOKS,
    PAGES,
    ROOT,
    digits,
    render_page,
    short,
    summary,
    table_text,
    tables_of,
    tenths,
    text_of,
    thousandths,
    two_digits,
)
from stored_results import RESULTS, Rows, machine, names, read_result, result_of, write_result

TABLES = {table for benchmark in run_all.BENCHMARKS.values() for table in benchmark.tables}
# Headings of tables of times, whichever words come first.
TIMED = re.compile(r"^\|.*(over the floor|multiples of|images a second|MB/s|, µs|, ms\b)", re.M)
BY_ANOTHER = {"audit.md"}  # its tables are printed by bench_audit.py and others


def test_every_page_is_what_is_rendered_from_the_figures() -> None:
    shown = 0
    for page in PAGES:
        text = page.read_text("utf-8")
        assert render_page(text) == text, f"{page.name}: run python benchmarks/run_all.py --render"
        shown += len(tables_of(text))
    assert shown > 30


def test_every_table_has_figures_a_place_and_a_line_that_says_when() -> None:
    assert set(names()) == TABLES
    found = [(page, mark) for page in PAGES for mark in tables_of(page.read_text("utf-8"))]
    assert {name for _, (kind, name) in found if kind == "table"} - DERIVED.keys() == TABLES
    for benchmark in run_all.BENCHMARKS.values():
        for table in benchmark.tables:
            (page,) = [page for page, mark in found if mark == ("table", table)]
            lines = {name for at, (kind, name) in found if kind == "measured" and at == page}
            assert lines & set(benchmark.tables), (
                f"{page.name} does not say when {table} was measured"
            )


def test_no_table_of_times_stands_outside_of_marks() -> None:
    for page in PAGES:
        if page.name not in BY_ANOTHER:
            rest = re.sub(
                r"<!-- table.*?<!-- end -->", "", page.read_text("utf-8"), flags=re.DOTALL
            )
            assert TIMED.search(rest) is None, f"{page.name} has a table that nothing renders"


@pytest.mark.parametrize("name", names())
def test_figures_say_what_they_belong_to(name: str) -> None:
    result = read_result(name)
    (benchmark,) = [each for each in run_all.BENCHMARKS.values() if name in each.tables]
    assert result.name == name
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", result.date)
    assert re.fullmatch(r"\w+ \w+, \d+ cores?", result.machine)
    assert result.command == f"python benchmarks/{benchmark.command}"
    assert (ROOT / result.command.split()[1]).is_file()
    assert "Python" in result.versions
    assert {len(row) for row in result.rows} == {len(result.columns)}
    for part in (result.date, result.command, *result.versions.values()):
        assert part in result.line()


def test_files_are_written_as_they_are_kept(tmp_path: Path) -> None:
    for name in names():
        path = write_result(read_result(name), tmp_path)
        assert path.read_text("utf-8") == (RESULTS / path.name).read_text("utf-8")


def test_numbers_have_no_more_digits_than_were_measured() -> None:
    assert [tenths(each) for each in (0.94, 1, 9.96, 6762)] == ["0.9", "1.0", "10", "6,762"]
    assert [two_digits(each) for each in (0.86, 1, 175)] == ["0.86", "1.0", "175"]
    assert [short(each) for each in (0.1, 0.997, 5.0, 2.14, 46.2, 241)] == [
        "0.10", "1", "5", "2.1", "46", "241",
    ]  # fmt: skip
    assert [digits(each) for each in (0.015, 0.9, 1)] == ["0.015", "0.9", "1"]
    assert [thousandths(each) for each in (0.013, 11, 1.1, 0)] == ["0.013", "11", "1.1", "0"]


def test_cells() -> None:
    cells = {
        "": None, "wrong": "wrong", "9.1 / 9.2": [9.1, 9.2],
        "0.6 (int16)": {"value": 0.6, "of": "int16"},
        "7.0× pillow": {"value": 7.04, "unit": "× pillow"}, "1.1 s": {"value": 1.1, "unit": "s"},
        "3.0 ns, 123 MB": [{"value": 3, "unit": "ns"}, {"value": 123, "unit": "MB"}],
    }  # fmt: skip
    assert {text_of(cell, tenths): cell for cell in cells.values()} == cells
    assert cell_of("2.31× pillow") == {"value": 2.31, "unit": "× pillow"}
    assert [cell_of("12.5"), cell_of("-"), cell_of("")] == [12.5, "-", None]
    assert [ratio_of("0.45× stored"), ratio_of("wrong"), ratio_of("")] == [0.45, "wrong", None]


def test_a_page_changes_between_its_marks_alone(tmp_path: Path) -> None:
    rows = Rows(["reader", "over the floor"], [["fastpix", 1.04], ["other", 12.3]])
    write_result(result_of("x", "python benchmarks/x.py", ["numpy"], 3, rows), tmp_path)
    page = (
        "before\n\n<!-- table: x -->\n\nold\n\n<!-- end -->\n\n"
        "<!-- measured: x -->\n<!-- end -->\nafter"
    )
    text = render_page(page, tmp_path)
    assert text.startswith(
        "before\n\n<!-- table: x -->\n\n| reader | over the floor |\n| --- | --: |\n"
    )
    assert "| **fastpix** | **1** |\n| other | 12 |" in text
    assert "Medians of 3 rounds of `python benchmarks/x.py`, 20" in text
    assert machine() in " ".join(text.split())
    assert text.endswith("<!-- end -->\nafter")
    assert render_page(text, tmp_path) == text


def test_the_summary_of_the_readme_is_made_of_the_other_tables() -> None:
    found = {row[0]: row[2] for row in summary().rows}
    series = {row[0]: row[-1] for row in read_result("series").rows}
    assert short(series["SimpleITK"]) in found["300 CT slices to a volume with its affine"]
    shown = found["compressed radiographs of 2048 x 2048"]
    assert re.fullmatch(r"0\.\d+ to [\d.]+ of its time", shown)


def printed(headings: list[str], *rows: list[str]) -> Table:
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    return table


def test_readers_are_set_beside_files(monkeypatch: pytest.MonkeyPatch) -> None:
    import ratios

    rows = [
        [f"9 x {kind}" if "CT" in kind else kind, reader, floor, ratio, "", "", ""]
        for kind in ("CT, 512 x 512", "radiograph, 3000 x 4000")
        for reader, floor, ratio in (
            ("read + np.copyto", "77.4", "1.00×"), ("pydicom", "1000.0", "19.10×"),
            ("fastpix", "80.0", "1.03×"), ("pydcm", "300.0", "4.60×"),
        )
    ]  # fmt: skip
    made = printed(["files", "reader", "µs", "ratio", "a", "b", "c"], *rows)
    monkeypatch.setattr(ratios, "read_table", lambda *_: (made, True))
    found = measured_reads.read(How(1, 0.0))["read"]
    assert found.columns == ["multiples of the floor", "CT, 512 x 512", "radiograph, 3000 x 4000"]
    assert found.rows == [
        ["floor, µs", 77.4, 77.4], ["fastpix.imread", 1.03, 1.03],
        ["pydcm", 4.6, 4.6], ["pydicom and NumPy", 19.1, 19.1],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["kernel", "kernel-kinds", "kinds", "pydicom-pixels"])
def test_rows_are_those_that_the_runner_makes(name: str) -> None:
    """A new run gives the same rows, so that a difference of two files is one of figures."""
    labels = [row[0] for row in read_result(name).rows]
    made: dict[str, list[str]] = {
        "kernel": list(measured_reads.KERNEL_ROWS.values()),
        "kernel-kinds": list(measured_reads.KIND_ROWS),
        "kinds": [measured_reads.KIND_NAMES.get(each, each) for each in measured_reads.KINDS],
        "pydicom-pixels": [label for label, _ in PIXEL_ROWS],
    }
    assert [label for label in labels if label in made[name]] == made[name]
    assert set(labels) - set(made[name]) <= {
        "plain conversion, without any DICOM rule", "the same integer job in NumPy",
    }  # fmt: skip


def test_quick_measures_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_all, "TRIED", tmp_path)
    before = {path: path.read_text() for path in [*PAGES, *RESULTS.iterdir()]}
    assert run_all.main(["--quick", "--only", "dcmread"]) == 0
    assert {path: path.read_text() for path in before} == before
    stored = json.loads((tmp_path / "pydicom-dcmread.json").read_text())
    assert [row[0] for row in stored["rows"]] == [
        row[0] for row in read_result("pydicom-dcmread").rows
    ]  # fmt: skip
    assert "| CT_small.dcm of pydicom |" in capsys.readouterr().out


def test_what_fails_is_said_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(how: How) -> dict[str, Rows]:
        raise ValueError("no such thing")

    monkeypatch.setattr(run_all, "TRIED", tmp_path)
    rows = {"pydicom-dcmread": Rows(["file", "x"], [["a", 1]])}
    for name, measure in (("read", fail), ("dcmread", lambda how: rows)):
        changed = run_all.BENCHMARKS[name]._replace(measure=measure)
        monkeypatch.setitem(run_all.BENCHMARKS, name, changed)
    absent = run_all.BENCHMARKS["kills"]._replace(needs=("no_such_module",))
    monkeypatch.setitem(run_all.BENCHMARKS, "kills", absent)
    assert run_all.main(["--quick", "--only", "read", "kills", "dcmread"]) == 1
    said = capsys.readouterr().out
    assert "read: failed: ValueError: no such thing" in said
    assert "kills: left out, because no_such_module is not installed" in said
    assert "Run --only read kills again" in said
    assert (tmp_path / "pydicom-dcmread.json").exists()


def test_every_look_is_of_a_table() -> None:
    assert set(LOOKS) <= TABLES | DERIVED.keys()
    assert table_text("none", Rows(["a", ""], [["b", None]])) == "| a | |\n| --- | --: |\n| b | |"
