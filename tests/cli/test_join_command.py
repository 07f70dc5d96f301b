"""`fastpix join`: what it tells, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders

from fastpix.pseudonyms import Names, load_key

pytestmark = pytest.mark.usefixtures("in_this_process")
SECRET = "Zq7Xw"

Call = Callable[..., str]


@pytest.fixture
def cache(folders: Folders) -> Folders:
    for k in range(3):
        patient = {"PatientID": f"{SECRET}-{k}", "PatientName": SECRET}
        folders.add(f"{k}.dcm", encode(make_dataset(SOPInstanceUID=f"1.2.3.{k}", **patient)))  # type: ignore[arg-type]
    folders.convert()
    return folders


def test_what_it_tells(cache: Folders, tmp_path: Path, call: Call) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "\ufeffPatientID;Pneumothorax;Age;Report;StudyDate;PatientName\n"
        f"{SECRET}-0;1;55;no {SECRET} here;20200101;x\n"
        f"{SECRET}-0;1;55;no {SECRET} here;20200101;x\n"
        f"{SECRET}-1;NA;44;;20200101;x\n"
        f"{SECRET}-9;0;33;;20200101;x\n"
        ";1;33;;20200101;x\n"
    )
    said = call("join", cache.dst, labels, "--on", "PatientID")
    assert said == (
        "5 labels:\n"
        "  3 of images in the cache\n"
        "  1 of no image in the cache, left out\n"
        "  1 without an identifier, left out\n"
        "  1 that say again what another says\n"
        "2 images labelled, 1 without a label\n"
        "  Pneumothorax: int64\n"
        "  Age: int64\n"
        "  left out: Report may hold patient data: it is no number\n"
        "  left out: StudyDate may identify patients or images by its name\n"
        "  left out: PatientName identifies patients or images by its name\n"
        f"In {cache.dst}/labels.parquet\n"
    )
    assert call("join", cache.dst, labels, "--on", "PatientID") == said
    opened = cache.cache()
    names = Names(load_key(cache.dst.with_name("dst.key"), cache.dst))
    patients = [names.of_patient(f"{SECRET}-{k}") for k in range(3)]
    found = dict(
        zip(opened.table.column("patient").to_pylist(), opened.labels.to_pylist(), strict=True)
    )
    assert [found[patient] for patient in patients] == [
        {"Pneumothorax": 1, "Age": 55},
        {"Pneumothorax": None, "Age": 44},
        {"Pneumothorax": None, "Age": None},
    ]


def test_options(cache: Folders, tmp_path: Path, call: Call) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("image,side,label\n1.2.3.0,left,1\n1.2.3.2,right,0\n")
    key = cache.dst.with_name("dst.key").rename(tmp_path / "moved.key")
    options = ("--on", "SOPInstanceUID", "--id-column", "image", "--key-file", key)
    said = call("join", cache.dst, labels, *options, "--column", "side")
    assert "  side: string\n" in said
    assert "Text is kept as it is: check that there is no patient data in side." in said
    assert "left out" not in said
    labels.write_text("image,side,label\n1.2.3.0,right,1\n")
    said = call(
        "join", cache.dst, labels, *options, "--column", "side", "--column", "label", code=1
    )
    assert "'side' has been joined before with other values for 1 identifiers" in said
    call("join", cache.dst, labels, *options, "--column", "side", "--column", "label", "--replace")
    found = cache.cache().labels.to_pylist()
    assert found.count({"side": "right", "label": 1}) == 1
    assert found.count({"side": None, "label": None}) == 2


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("PatientID,label\n", (), "they have no rows"),
        ("", (), "no header"),
        (f"{SECRET},label\n1,1\n", (), "no column 'PatientID'"),
        (f"PatientID,label\n{SECRET},1\n", (), "none of 1 labels belongs"),
        (f"PatientID,label\n{SECRET}-0,1\n{SECRET}-0,0\n", (), "differ (lines 2 and 3)"),
        (f"PatientID,PatientName\n{SECRET}-0,1\n", (), "no column of numbers or flags"),
        (f"PatientID,text\n{SECRET}-0,{SECRET}-1\n", ("--column", "text"), "holds the identifiers"),
        (f"PatientID,label\n{SECRET}-0,1,2\n", (), "line 2 has 3 fields"),
    ],
)
def test_what_it_refuses(
    text: str, options: tuple[str, ...], message: str, cache: Folders, tmp_path: Path, call: Call
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    said = call("join", cache.dst, labels, "--on", "PatientID", *options, code=1)
    assert message in " ".join(said.split())
    assert SECRET not in said
    assert not (cache.dst / "labels.parquet").exists()
