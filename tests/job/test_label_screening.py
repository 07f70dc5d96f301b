"""What says whose a label is stays outside a cache; what is a label is not taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from pydicom.charset import python_encoding
from support.matrices import every

from fastpix.errors import ArgumentError
from fastpix.job.label_identifiers import (
    Identifiers,
    looks_like_codes,
    looks_like_dates,
    name_identifies,
    name_may_identify,
    spellings,
)
from fastpix.job.label_reading import LabelRows
from fastpix.job.label_screening import Screened, screened
from fastpix.pseudonyms import Names

NAMES = Names(b"k" * 32)
UID = "1.2.840.113619.2.55.3.7"
OTHER = "OTHER-4711"  # a patient of the cache, not of the labels
KEYED = {NAMES.of_patient(OTHER), NAMES.of_uid("1.2.3.4.5.6.7")}
OWN = ("PAT-000123", "PAT-000124", "PAT-000125", "PAT-000126")


def screen(
    columns: dict[str, Sequence[Any]],
    asked: Sequence[str] | None = None,
    own: Sequence[str] = OWN,
    where: str = "row",
) -> Screened:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    rows = LabelRows(arrays, range(len(own)), where)
    return screened(rows, asked, (), Identifiers(own, NAMES, KEYED))


@every(
    "name",
    [
        *("PatientID", "patient_id", "Patient ID", "patients", "Patient's Name", "patient_no_2"),
        *("SUBJECT_ID", "subject", "person", "SOPInstanceUID", "seriesinstanceuid", "image_uid"),
        *("StudyInstanceUIDs", "uid", "MRN", "mrn_hospital", "AccessionNumber", "Birth Date"),
        *("birthday", "PatientBirthDate", "DOB", "date_of_birth", "SSN", "phone", "e-mail"),
        *("email", "Last name", "surname", "InitialsOfReader", "file_name", "ImagePath", "path"),
        *("home address", "MedicalRecordLocator", "PID", "patient_ids", "PatientIDs"),
    ],
)
def test_names_that_identify(name: str) -> None:
    assert name_identifies(name)
    with pytest.raises(ArgumentError, match="identifies patients or images by its name"):
        screen({name: [1, 2, 3, 4]}, [name])
    found = screen({name: [1, 2, 3, 4], "label": [0, 1, 0, 1]})
    assert [*found.columns] == ["label"]
    assert found.left_out == {name: "identifies patients or images by its name"}


@pytest.mark.parametrize(
    "name",
    [
        *("fluid", "pleural_fluid", "liquid", "candidate", "update", "mr_nodule", "tumor_number"),
        *(
            "label",
            "Age",
            "Patient Age",
            "PatientSex",
            "subject_to_review",
            "female",
            "personality",
        ),
        *("headphones", "rows", "modality", "BI-RADS", "T1", "classes", "score", "Größe", "0"),
        *("validated", "videos", "Pneumothorax", "profile", "pathology", "unfiled", "shape"),
    ],
)
def test_names_of_labels(name: str) -> None:
    assert not name_identifies(name)
    assert not name_may_identify(name) or name == "rows"
    assert [*screen({name: [1, 2, 3, 4]}, [name]).columns] == [name]


@pytest.mark.parametrize(
    "name",
    ["", "id", "class_id", "name", "index", "__index_level_0__", "Unnamed: 0", "StudyDate", "date"],
)
def test_names_that_may_identify(name: str) -> None:
    assert not name_identifies(name)
    found = screen({name: [1, 2, 3, 4], "label": [0, 1, 0, 1]})
    assert [*found.columns] == ["label"]
    assert "may identify" in found.left_out[name]
    assert [*screen({name: [1, 2, 3, 4]}, [name]).columns] == [name]


@pytest.mark.parametrize("name", ["patient", "study", "series", "sop_instance"])
def test_columns_that_the_file_has_itself(name: str) -> None:
    with pytest.raises(ArgumentError, match="needs itself: leave it out, rename it"):
        screen({name: [1, 2, 3, 4]}, [name])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["a", UID, None, "b"], "UIDs"),
        (["a", f"see {UID}.", "b", "b"], "UIDs"),
        (["a", "Doe^John", "b", "b"], "names of persons"),
        (["a", "seen by Müller^Jörg", "b", "b"], "names of persons"),
        (OWN, "identifiers"),
        (["a", "b", "c", OWN[0]], "identifiers"),  # of another row
        (["a", "b", "c", OWN[3].lower()], "identifiers"),
        (["a", "b", "c", f"x{OWN[3]}y"], "identifiers"),
        (["a", "b", "c", f"/data/{OWN[0]}/image.png"], "identifiers"),
        (["a", "b", "c", f"as in {OTHER}, no finding"], "identifiers"),
        ([123, 124, 125, 126], "identifiers"),
        ([123.0, 124.0, None, 126.0], "identifiers"),
        ([None] * 4, "is empty"),
        ([[1], [2], [3], [4]], "neither numbers, nor flags, nor text"),
        ([b"a", b"b", b"c", b"d"], "neither numbers, nor flags, nor text"),
    ],
)
def test_values_that_identify(values: Sequence[Any], why: str) -> None:
    with pytest.raises(ArgumentError, match=why) as caught:
        screen({"thing": values}, ["thing"])
    message = str(caught.value)
    assert not any(each in message for each in (*OWN, OTHER, UID, "Doe", "Müller"))
    found = screen({"thing": values, "label": [0, 1, 0, 1]})
    assert [*found.columns] == ["label"]
    assert why in found.left_out["thing"]


def test_short_identifiers_are_equal_to_labels_by_chance() -> None:
    own = [str(k) for k in range(200)]
    for values in ([k % 2 for k in range(200)], [k * 7 % 150 for k in range(200)]):
        assert [*screen({"label": values}, ["label"], own).columns] == ["label"]
    words = [("left", "17", "right")[k % 3] for k in range(200)]
    assert [*screen({"side": words}, ["side"], own).columns] == ["side"]
    things: list[list[Any]] = [[*range(200)], [f"number {k}" for k in range(200)]]
    for thing in things:
        with pytest.raises(ArgumentError, match="identifiers"):
            screen({"thing": thing}, ["thing"], own)
    assert [*screen({"label": [0, 1]}, ["label"], ["0", "1"]).columns] == ["label"]


def test_long_identifiers_are_not() -> None:
    own = [str(10**8 + k) for k in range(200)]
    volumes = [17.5] * 199 + [float(own[199])]
    with pytest.raises(ArgumentError, match="identifiers"):
        screen({"volume": volumes}, ["volume"], own)
    for number, is_refused in ((12345678, True), (1234567, False)):
        columns: dict[str, Sequence[Any]] = {"volume": [17.5, 18.5, float(number)]}
        if is_refused:
            with pytest.raises(ArgumentError, match="identifiers"):
                screen(columns, ["volume"], ["a", "b", f"P-0{number}"])
        else:
            assert screen(columns, ["volume"], ["a", "b", f"P-0{number}"]).columns
    six = [str(123000 + k) for k in range(200)]
    some = [123100 + k if k < 90 else k for k in range(200)]  # six digits, equal by chance
    assert [*screen({"volume": some}, ["volume"], six).columns] == ["volume"]
    with pytest.raises(ArgumentError, match="identifiers"):  # those of other rows
        screen({"thing": [*map(int, reversed(six))]}, ["thing"], six)


@pytest.mark.parametrize("encoding", sorted({*python_encoding.values()} - {"iso_ir_58"}))
def test_identifiers_in_any_character_set(encoding: str) -> None:
    """A manifest takes the bytes of an ID for Latin-1, whatever Specific Character Set says."""
    letters = [each for each in "ŁĦĀЯخΩשıไカ漢한þ" if each.encode(encoding, "ignore")]
    assert letters
    for letter in letters:
        text = f"ID-{letter}-77"
        hashed = NAMES.of_patient(text.encode(encoding).decode("latin-1"))
        assert hashed in {NAMES.of_patient(*each) for each in spellings(text)}
        assert Identifiers((), NAMES, {hashed}).has(text)
        issued = f"{text} {letter}".encode(encoding).decode("latin-1")
        assert (text.encode(encoding).decode("latin-1"), issued) in {
            *spellings(text, f"{text} {letter}")
        }


def test_flags_and_times_that_are_asked_for() -> None:
    found = screen({"flag": [True, False, None, True]}, ["flag"])
    assert found.columns["flag"].type == pa.bool_()
    moment = pa.array([1, 2, 3, 4], pa.timestamp("s")).to_pylist()
    assert [*screen({"moment": moment}, ["moment"]).columns] == ["moment"]
    found = screen({"moment": moment, "label": [1, 2, 3, 4]})
    assert "no number" in found.left_out["moment"]


def test_numbers_that_look_like_more() -> None:
    columns: dict[str, Sequence[Any]] = {
        "seen": [20261127, 19991231, 20000101, 20260101],
        "serial": [4711001, 4711002, 4711003, 4711004],
        "volume": [4711001, 12, 17, 4711004],
        "text": ["a", "b", "a", "b"],
    }
    found = screen(columns)
    assert [*found.columns] == ["volume"]
    assert "dates" in found.left_out["seen"]
    assert "each another" in found.left_out["serial"]
    assert "no number" in found.left_out["text"]
    assert [*screen(columns, [*columns]).columns] == [*columns]


@pytest.mark.parametrize(
    ("numbers", "are_dates", "are_codes"),
    [
        ([], False, False),
        ([20261127], True, False),
        ([20261127, 20261128], True, True),
        ([20261127, 20261327], False, True),
        ([20261127, 20261132], False, True),
        ([20261127, 2], False, False),
        ([20260027], False, False),
        ([20260100], False, False),
        ([19000101], True, False),
        ([18991231], False, False),
        ([20991231], True, False),
        ([21000101], False, False),
        ([100000] * 3, False, False),
        ([99999, 100000], False, False),
        ([-100000, 100000], False, True),
    ],
)
def test_looks(numbers: list[int], are_dates: bool, are_codes: bool) -> None:
    assert (looks_like_dates(numbers), looks_like_codes(numbers)) == (are_dates, are_codes)


@pytest.mark.parametrize("name", [OWN[0], OTHER, UID, f"label of {UID}"])
def test_columns_that_are_named_by_identifiers(name: str) -> None:
    with pytest.raises(ArgumentError, match="named by an identifier") as caught:
        screen({name: [1, 2, 3, 4], "label": [1, 0, 1, 0]})
    assert name not in str(caught.value)
    assert OTHER not in str(caught.value)


def test_what_is_not_there() -> None:
    with pytest.raises(ArgumentError, match="no column 'other'"):
        screen({"label": [1, 2, 3, 4]}, ["label", "other"])
    with pytest.raises(ArgumentError, match="no column of numbers or flags"):
        screen({"text": ["a", "b", "a", "b"]})


def test_columns_of_csv_get_types() -> None:
    found = screen({"label": ["1", "NA", "0", ""], "code": ["01"] * 4}, where="line")
    assert found.columns["label"].to_pylist() == [1, None, 0, None]
    assert [*found.left_out] == ["code"]


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (pa.int8(), pa.int64()), (pa.uint32(), pa.int64()), (pa.uint64(), pa.uint64()),
        (pa.float16(), pa.float64()), (pa.float32(), pa.float64()),
        (pa.decimal128(12, 1), pa.float64()), (pa.bool_(), pa.bool_()),
        (pa.large_string(), pa.string()), (pa.date32(), pa.date32()),
    ],
)  # fmt: skip
def test_one_column_has_one_type(kind: pa.DataType, kept: pa.DataType) -> None:
    """Whatever table it came in, so that it can be joined again out of another."""
    texts = pa.types.is_large_string(kind)
    values = pa.array(["a", "b", None, "a"]) if texts else pa.array([1, 0, None, 1], pa.int32())
    found = screen({"label": values.cast(kind)}, ["label"])
    assert found.columns["label"].type == kept
    assert found.columns["label"].cast(values.type).equals(values)
