"""Tables of labels as people keep them: rows and types are the same, whatever wrote the file."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from support.sizes import is_quick

from fastpix.errors import ArgumentError
from fastpix.job.label_reading import LabelRows, read_labels, typed

SECRET = "Zq7Xw"
ROWS = {"PatientID": ["007", "8"], "label": ["1", "0"]}


def texts(found: LabelRows) -> dict[str, list[str]]:
    return {name: values.to_pylist() for name, values in found.columns.items()}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., LabelRows]:
    def written(data: str | bytes, name: str = "labels.csv") -> LabelRows:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_labels(path)

    return written


@pytest.mark.parametrize(
    "data",
    [
        "PatientID,label\n007,1\n8,0\n",
        "PatientID;label\n007;1\n8;0",
        "PatientID\tlabel\r\n007\t1\r\n8\t0\r\n",
        "PatientID,label\r007,1\r8,0\r",
        '"PatientID","label"\n"007","1"\n"8","0"\n',
        " PatientID , label \n\n007,1\n\n8,0\n\n",
        b"\xef\xbb\xbfPatientID;label\r\n007;1\r\n8;0\r\n",  # a BOM, as Excel writes it
    ],
)
def test_kinds_of_csv(data: str | bytes, read: Callable[..., LabelRows]) -> None:
    assert texts(read(data)) == ROWS


def test_quotes_decide_what_parts_the_header(read: Callable[..., LabelRows]) -> None:
    found = texts(read('"a,b,c";"d,e"\n"1;2";3\n'))
    assert found == {"a,b,c": ["1;2"], "d,e": ["3"]}


def test_lines_are_those_of_the_file(read: Callable[..., LabelRows]) -> None:
    found = read('a,b\n1,"x\ny"\n\n2,z\n')
    assert (list(found.lines), found.where) == ([2, 5], "line")
    assert texts(found) == {"a": ["1", "2"], "b": ["x\ny", "z"]}


def test_tables_in_memory_and_parquet(tmp_path: Path) -> None:
    table = pa.table({"PatientID": pa.array(["007", "8"]).dictionary_encode(), "label": [1, None]})
    path = tmp_path / "labels.PARQUET"
    parquet.write_table(table, path)
    for labels in (table, path, {"PatientID": ["007", "8"], "label": [1, None]}):
        found = read_labels(labels)
        assert texts(found) == {"PatientID": ["007", "8"], "label": [1, None]}
        assert found.columns["PatientID"].type == pa.string()
        assert (list(found.lines), found.where) == ([0, 1], "row")


def test_texts_of_another_layout_are_texts() -> None:
    view = pa.array(["a"]).cast(pa.string_view())
    assert read_labels(pa.table({"label": view})).columns["label"].type == pa.large_string()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "no header"),
        ("\n", "no header"),
        (",,\n1,2,3\n", "no header"),
        (f"a,a\n{SECRET},1\n", "the same name"),
        (f"a,b\n{SECRET},1\n{SECRET}\n", "line 3 has 1 fields, and the header 2"),
        (f'a,b\n1,2\n{SECRET},"1\n', "line 3 is no sound CSV"),
        (f'a,b\n{SECRET},"1"2\n', "line 2 is no sound CSV"),
        (f"a,b\n{SECRET}\xe9,1\n".encode("latin-1"), "not in UTF-8"),
        (f"a,b\n{SECRET},1\n".encode("utf-16"), "not in UTF-8"),
    ],
)
def test_what_is_no_csv(data: str | bytes, message: str, read: Callable[..., LabelRows]) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        read(data)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["labels.xlsx", "labels", "labels.csv.gz"])
def test_other_files(name: str, read: Callable[..., LabelRows]) -> None:
    with pytest.raises(ArgumentError, match=r"\.csv, \.tsv and \.parquet"):
        read("a,b\n", name)


@pytest.mark.parametrize(
    "labels",
    [{"a": [SECRET], "b": [1, 2]}, {"a": [SECRET, 1]}, 5, pa.table([[1], [2]], names=["a", "a"])],
)
def test_what_is_no_table(labels: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        read_labels(labels)
    assert SECRET not in str(caught.value)


def test_damaged_parquet(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    parquet.write_table(pa.table({"a": [SECRET] * 10}), path)
    data = path.read_bytes()
    for bad in (b"", data[:20], data[:-9] + bytes(9)):
        path.write_bytes(bad)
        with pytest.raises(ArgumentError, match="no sound parquet") as caught:
            read_labels(path)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", " 0 ", ""], pa.int64(), [1, 0, None]),
        (["1", "-0", "NA", "+3"], pa.int64(), [1, 0, None, 3]),
        (["1", "0.5", "nan", "1e3"], pa.float64(), [1.0, 0.5, None, 1000.0]),
        (["inf", "-Infinity", ".5", "5."], pa.float64(), [float("inf"), -float("inf"), 0.5, 5.0]),
        (["True", "false", "None"], pa.bool_(), [True, False, None]),
        (["1", "True"], pa.string(), ["1", "True"]),
        (["007", "8"], pa.string(), ["007", "8"]),
        (["-01", "8"], pa.string(), ["-01", "8"]),
        (["0.5", "00.5"], pa.string(), ["0.5", "00.5"]),
        (["1" * 18, "2"], pa.int64(), [int("1" * 18), 2]),
        (["1" * 19, "2"], pa.string(), ["1" * 19, "2"]),
        (["0,5", "1"], pa.string(), ["0,5", "1"]),
        (["1_000", "1"], pa.string(), ["1_000", "1"]),
        (["NA", "yes", ""], pa.string(), ["NA", "yes", None]),
        (["", "NA"], pa.string(), [None, "NA"]),
        (["", " "], pa.string(), [None, None]),
    ],
)
def test_types_of_csv(values: list[str], kind: pa.DataType, expected: list[Any]) -> None:
    found = typed(pa.array(values))
    assert (found.type, found.to_pylist()) == (kind, expected)


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cells, cells, cells), max_size=4),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_what_python_writes(
    rows: list[tuple[str, ...]], delimiter: str, quoting: Any, ending: str, tmp_path: Path
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # which leaves a lone CR without quotes
        rows = [tuple(cell.replace("\r", "") for cell in row) for row in rows]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path / "labels.csv"
    path.write_bytes(stream.getvalue().encode())
    found = texts(read_labels(path))
    assert found == {name: [row[k] for row in rows] for k, name in enumerate("abc")}


def test_many_rows_are_texts_of_python_for_a_while_only(tmp_path: Path) -> None:
    count = 20_000 if is_quick() else 100_000
    path = tmp_path / "labels.csv"
    with path.open("w") as file:
        file.write("PatientID," + ",".join(f"label {k}" for k in range(10)) + "\n")
        file.writelines(f"P{k}," + ",".join(str(k % n) for n in range(2, 12)) + "\n"
                        for k in range(count))  # fmt: skip
    before = time.process_time()
    found = read_labels(path)
    assert time.process_time() - before < 5e-5 * count  # about ten times what it takes
    assert [len(values) for values in found.columns.values()] == [count] * 11
    assert typed(found.columns["label 3"]).to_pylist() == [k % 5 for k in range(count)]
    tracemalloc.start()
    try:
        read_labels(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Each field as a text of Python would be some 60 bytes, each of 11 * count; lines are 40 each.
    assert peak < 60 * count + 8e6
