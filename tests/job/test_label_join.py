"""Labels come to the right images by the key alone, and nothing of a patient comes with them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.sizes import is_quick

import fastpix
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.gc import collect
from fastpix.job.label_join import Joined, join_labels
from fastpix.job.storage.local_storage import LocalStorage

SECRET = "Zq7Xw"  # no hexadecimal digits, so no hash has it
ISSUER = f"{SECRET} clinic"
UTF8 = f"{SECRET}-Jörg-77"
PATIENTS = [
    *(f"{SECRET}-{k:03d}" for k in range(5)),
    UTF8,
    "",  # without an ID
]
COUNT = 2 * len(PATIENTS)
LEVELS = {
    "SOPInstanceUID": "sop_instance",
    "SeriesInstanceUID": "series",
    "StudyInstanceUID": "study",
    "PatientID": "patient",
}


def identifiers(k: int) -> dict[str, str]:
    """What image `k` is of: two images a patient, of one study and two series."""
    return {
        "PatientID": PATIENTS[k // 2],
        "StudyInstanceUID": f"1.2.826.0.1.{k // 2}.77777",
        "SeriesInstanceUID": f"1.2.826.0.2.{k}.77777",
        "SOPInstanceUID": f"1.2.826.0.3.{k}.77777",
    }


def file_of_image(k: int) -> bytes:
    # Spaces around are not part of an ID, and patient 1 has an issuer.
    attributes: dict[str, Any] = identifiers(k) | {
        "PatientID": f"{PATIENTS[k // 2]}  " if k % 2 else PATIENTS[k // 2]
    }
    if k // 2 == 1:
        attributes["IssuerOfPatientID"] = ISSUER
    if PATIENTS[k // 2] == UTF8:
        attributes["SpecificCharacterSet"] = "ISO_IR 192"
    return encode(make_dataset(PatientName=f"{SECRET}^{k}", **attributes))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folders]:
    from fastpix.job.batch_conversion import convert_batch
    from fastpix.job.engines import driving

    root = tmp_path_factory.mktemp("labels")
    folders = Folders(root / "src", root / "dst")
    for k in range(COUNT):
        folders.add(f"{k}.dcm", file_of_image(k))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driving, "run_guarded", convert_batch)
        folders.convert()
    yield folders
    shutil.rmtree(root)


@pytest.fixture
def dst(made: Folders) -> Iterator[Path]:
    """A cache without labels."""
    yield made.dst
    (made.dst / "labels.parquet").unlink(missing_ok=True)


@pytest.fixture
def numbers(made: Folders) -> list[int]:
    """Which image each row of the manifest is of."""
    names = {made.name(made.src / f"{k}.dcm"): k for k in range(COUNT)}
    return [names[name] for name in made.cache().names]


@pytest.fixture
def joined(dst: Path, numbers: list[int]) -> Callable[..., list[Any]]:
    """Return a column of labels in the order of images."""

    def column(name: str = "label") -> list[Any]:
        values = fastpix.open_cache(dst).labels.column(name).to_pylist()
        found = dict(zip(numbers, values, strict=True))
        return [found[k] for k in range(COUNT)]

    return column


def table(on: str, images: Sequence[int], **columns: Sequence[Any]) -> dict[str, Sequence[Any]]:
    return {on: [identifiers(k)[on] for k in images], **columns}


@pytest.mark.parametrize("on", ["SOPInstanceUID", "SeriesInstanceUID"])
def test_images_of_their_own(on: str, dst: Path, joined: Callable[..., list[Any]]) -> None:
    images = [5, 2, 11, 0]
    found = join_labels(dst, table(on, images, label=images), on)
    assert joined() == [k if k in images else None for k in range(COUNT)]
    assert (found.labels, found.matched, found.unmatched, found.unidentified) == (4, 4, 0, 0)
    assert (found.labelled, found.unlabelled) == (4, COUNT - 4)
    assert found.columns == {"label": "int64"}


def test_images_of_a_study(dst: Path, joined: Callable[..., list[Any]]) -> None:
    found = join_labels(dst, table("StudyInstanceUID", [0, 4], label=[7, 8]), "StudyInstanceUID")
    assert joined() == [7, 7, None, None, 8, 8, *[None] * (COUNT - 6)]
    assert (found.labelled, found.unlabelled) == (4, COUNT - 4)


def test_patients_have_issuers_and_no_spaces(dst: Path, joined: Callable[..., list[Any]]) -> None:
    labels = {
        "PatientID": [f" {PATIENTS[0]} ", PATIENTS[1], PATIENTS[2], UTF8, "", None, "nobody"],
        "label": [0, 1, 2, 3, 4, 5, 6],
    }
    found = join_labels(dst, labels, "PatientID")
    missing = [None, None]
    assert joined() == [0, 0, *missing, 2, 2, *missing, *missing, 3, 3, *missing]
    assert (found.labels, found.matched, found.unmatched, found.unidentified) == (7, 3, 2, 2)
    issued = {
        "patient id": [PATIENTS[1], PATIENTS[1], PATIENTS[3]],
        "authority": [f" {ISSUER} ", "another", None],
        "second": [1.5, 2.5, 3.5],
    }
    found = join_labels(dst, issued, "PatientID", issuer="authority")
    assert joined("second") == [*missing, 1.5, 1.5, *missing, 3.5, 3.5, *[None] * 6]
    assert (found.matched, found.unmatched) == (2, 1)
    assert joined()[:2] == [0, 0]
    with pytest.raises(ArgumentError, match="'authority' identifies the rows"):
        join_labels(dst, issued, "PatientID", "authority", issuer="authority")
    with pytest.raises(ArgumentError, match="only a Patient ID has an issuer"):
        join_labels(dst, issued, "StudyInstanceUID", issuer="authority")


def test_the_column_of_identifiers(dst: Path, joined: Callable[..., list[Any]]) -> None:
    for name in ("sop_instance_uid", "SOP Instance UID", "sopinstanceuid"):
        labels = {name: [identifiers(3)["SOPInstanceUID"]], "label": [1]}
        join_labels(dst, labels)
        assert joined()[3] == 1
    labels = {"image": [identifiers(3)["SOPInstanceUID"]], "label": [2]}
    join_labels(dst, labels, id_column="image", replace=True)
    assert joined()[3] == 2
    with pytest.raises(ArgumentError, match="no column 'SOPInstanceUID'"):
        join_labels(dst, labels)
    twice = {"SOP Instance UID": ["1"], "sop_instance_uid": ["1"], "label": [2]}
    with pytest.raises(ArgumentError, match="several columns"):
        join_labels(dst, twice)
    with pytest.raises(ArgumentError, match="'FrameUID' is not one of SOPInstanceUID"):
        join_labels(dst, labels, "FrameUID")


def test_identifiers_that_are_numbers(dst: Path) -> None:
    with pytest.raises(ArgumentError, match="of type double: give them as text"):
        join_labels(dst, {"PatientID": [1.0, None], "label": [1, 2]}, "PatientID")
    with pytest.raises(FastpixError, match=r"none of 2 labels .* leading zeros"):
        join_labels(dst, {"PatientID": [1, 2], "label": [1, 2]}, "PatientID")


def test_another_join_adds_columns_and_rows(dst: Path, joined: Callable[..., list[Any]]) -> None:
    join_labels(dst, table("SOPInstanceUID", [0, 1], label=[0, 1], score=[0.5, 1.5]))
    join_labels(dst, table("PatientID", [4], age=[55]), "PatientID")
    join_labels(dst, table("SOPInstanceUID", [1, 2], label=[1, 2]))
    rest: list[None] = [None] * (COUNT - 3)
    assert joined() == [0, 1, 2, *rest]
    assert joined("score") == [0.5, 1.5, None, *rest]
    assert joined("age") == [None] * 4 + [55, 55] + [None] * (COUNT - 6)
    assert fastpix.open_cache(dst).labels.column_names == ["label", "score", "age"]


def test_the_same_labels_again_change_nothing(dst: Path) -> None:
    labels = {**table("SOPInstanceUID", [0, 1, 2], label=[0, None, 2]),
              "score": [float("nan"), 0.5, None]}  # fmt: skip
    first = join_labels(dst, labels, columns=["label", "score"])
    data = (dst / "labels.parquet").read_bytes()
    assert join_labels(dst, labels, columns=["label", "score"]) == first
    assert (dst / "labels.parquet").read_bytes() == data
    assert {path.name for path in dst.iterdir()} == {
        "dataset.json", "manifest", "runs", "shards", "labels.parquet"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "on", "message"),
    [
        (table("SOPInstanceUID", [2, 1], label=[2, 5]), "SOPInstanceUID", "other values for 1 id"),
        (table("SOPInstanceUID", [1], label=[1.0]), "SOPInstanceUID", "as int64, and is double"),
        (table("StudyInstanceUID", [0], label=[1]), "StudyInstanceUID", "of another level"),
    ],
)
def test_labels_that_differ_from_earlier_ones(
    labels: Any, on: str, message: str, dst: Path, joined: Callable[..., list[Any]]
) -> None:
    join_labels(dst, table("SOPInstanceUID", [0, 1], label=[0, 1], other=[3, 4]))
    data = (dst / "labels.parquet").read_bytes()
    with pytest.raises(
        ArgumentError, match=f"'label' has been joined before .*{message}"
    ) as caught:
        join_labels(dst, labels, on)
    assert "replace=True (--replace)" in str(caught.value)
    assert (dst / "labels.parquet").read_bytes() == data
    join_labels(dst, labels, on, replace=True)
    assert [value for value in joined() if value is not None] == (
        [1, 1] if on == "StudyInstanceUID" else sorted(labels["label"], reverse=True)
    )
    assert joined("other")[:2] == [3, 4]


def test_rows_of_one_identifier(
    dst: Path, joined: Callable[..., list[Any]], tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    uids = [identifiers(k)["SOPInstanceUID"] for k in (0, 1, 0, 1)]
    path.write_text("SOPInstanceUID,label,reader\n"
                    f"{uids[0]},1,1\n{uids[1]},0,1\n{uids[2]},1,1\n{uids[3]},0,2\n9.9,1,1\n9.9,0,1\n"
                    )  # fmt: skip
    with pytest.raises(
        ArgumentError, match=r"1 identifiers have rows that differ \(lines 3 and 5\)"
    ) as caught:
        join_labels(dst, path)
    assert uids[1] not in str(caught.value)
    assert not (dst / "labels.parquet").exists()
    found = join_labels(dst, path, columns=["label"])
    assert joined()[:3] == [1, 0, None]
    assert (found.labels, found.matched, found.unmatched, found.repeated) == (6, 4, 2, 2)


def test_many_rows_that_differ_are_counted(dst: Path) -> None:
    images = [*range(8)] * 2
    with pytest.raises(ArgumentError, match=r"8 identifiers .*; …") as caught:
        join_labels(dst, table("SOPInstanceUID", images, label=range(16)))
    assert "rows 0 and 8; 1 and 9" in str(caught.value)


def test_missing_values_are_values(dst: Path) -> None:
    """Of two rows of one image, one with a label and one without: they differ."""
    with pytest.raises(ArgumentError, match="rows that differ"):
        join_labels(dst, table("SOPInstanceUID", [0, 0], label=[1, None]))
    found = join_labels(dst, table("SOPInstanceUID", [0, 0, 1], label=[None, None, 1]))
    assert (found.matched, found.labelled, found.repeated) == (3, 1, 1)


def test_labels_without_rows_or_images(dst: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("SOPInstanceUID,label\n")
    with pytest.raises(ArgumentError, match="they have no rows"):
        join_labels(dst, path)
    path.write_text(f"SOPInstanceUID,label\n{SECRET},1\n")
    with pytest.raises(FastpixError, match="none of 1 labels belongs to an image") as caught:
        join_labels(dst, path)
    assert SECRET not in str(caught.value)
    with pytest.raises(FastpixError, match=r"there is no labels\.parquet: run fastpix join"):
        _ = fastpix.open_cache(dst).labels


def test_columns_by_name(dst: Path, joined: Callable[..., list[Any]]) -> None:
    labels = table("SOPInstanceUID", [0, 1], side=["left", "right"], label=[0, 1], rows=[5, 6])
    found = join_labels(dst, labels, columns="side")
    assert (found.columns, found.texts) == ({"side": "string"}, ["side"])
    assert joined("side")[:3] == ["left", "right", None]
    with pytest.raises(ArgumentError, match="'SOPInstanceUID' identifies the rows"):
        join_labels(dst, labels, columns=["SOPInstanceUID"])
    found = join_labels(dst, labels)  # a label may have the name of a column of the manifest
    assert found.left_out == {
        "side": "may hold patient data: it is no number",
        "rows": "may identify patients or images by its name",
    }
    join_labels(dst, labels, columns=["rows"])
    assert joined("rows")[:2] == [5, 6]
    assert fastpix.open_cache(dst).table.column("rows").to_pylist() == [2] * COUNT


def check_free(folder: Path) -> None:
    """Check that no identifier stands in a file, as its bytes or compressed."""
    told = [os.fsencode(path.relative_to(folder)) for path in folder.rglob("*")]
    told += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    labels = parquet.ParquetFile(folder / "labels.parquet")
    told.append(json.dumps(labels.read().to_pylist(), ensure_ascii=False).encode())
    told.append(
        repr(
            (labels.schema_arrow, labels.schema_arrow.metadata, labels.metadata.row_group(0))
        ).encode()
    )
    for each in told:
        assert SECRET.casefold().encode() not in each.lower()
        assert b"77777" not in each
        assert b"1.2.826" not in each


def test_no_identifier_comes_along(dst: Path, tmp_path: Path) -> None:
    """Whole tables, with all identifiers, in columns of many names and as metadata."""
    every = [identifiers(k) for k in range(COUNT)]
    whole: dict[str, Sequence[Any]] = {
        "Unnamed: 0": range(COUNT),
        **{name: [each[name] for each in every] for name in LEVELS},
        "PatientName": [f"{SECRET}^{k}" for k in range(COUNT)],
        "case": [f"{SECRET} {k}" for k in range(COUNT)],
        "note": [f"as {each['PatientID']} has it" for each in every],
        "label": [k // 2 for k in range(COUNT)],
    }
    of_fields = pa.table(whole)
    fields = [field.with_metadata({"source": SECRET}) for field in of_fields.schema]
    path = tmp_path / "labels.parquet"
    parquet.write_table(of_fields.cast(pa.schema(fields, {"source": SECRET})), path)
    of_csv = tmp_path / "labels.csv"
    of_csv.write_text("\n".join(
        [",".join(whole), *(",".join(map(str, row)) for row in zip(*whole.values(), strict=True))]
    ))  # fmt: skip
    for number, on in enumerate(LEVELS):
        name = f"label {number}"
        for labels in (path, of_csv):
            if on != "PatientID":
                found = join_labels(dst, labels, on, replace=True)
                assert [*found.columns] == ["label"]
                assert {*found.left_out} == {*whole} - {on, "label"}
                assert not any(SECRET in why or "77777" in why for why in found.left_out.values())
            check_free(dst)
        renamed = {on: whole[on], name: [k // 2 for k in range(COUNT)]}
        found = join_labels(dst, renamed, on)
        assert [*found.columns] == [name]
        check_free(dst)
    assert SECRET not in repr(fastpix.open_cache(dst).labels.to_pylist())


def test_texts_that_name_identifiers_are_refused(dst: Path) -> None:
    uid = identifiers(0)["SOPInstanceUID"]
    for on in LEVELS:
        # An ID that has an issuer is known where the labels have it among theirs.
        patients = [each for each in PATIENTS if each not in ("", PATIENTS[1])]
        for text in (*patients, f"a {PATIENTS[2]}", uid, f"{SECRET}^{SECRET}"):
            labels = table(on, [0, 4], note=["left", text])
            with pytest.raises(ArgumentError, match="'note' holds") as caught:
                join_labels(dst, labels, on, ["note"])
            assert SECRET not in str(caught.value)
            assert uid not in str(caught.value)
    labels = table("PatientID", [0, 2, 4], note=["left", "right", f"see {PATIENTS[1]}"])
    with pytest.raises(ArgumentError, match="'note' holds the identifiers"):
        join_labels(dst, labels, "PatientID", ["note"])
    assert not (dst / "labels.parquet").exists()


keys = st.integers(0, 13)
values = st.one_of(st.none(), st.integers(-3, 3))


@settings(
    max_examples=100 if not is_quick() else 25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    on=st.sampled_from([*LEVELS]),
    rows=st.lists(st.tuples(keys, values, values), min_size=1, max_size=12),
    stranger=st.booleans(),
)
def test_whatever_the_rows_are(
    on: str, rows: list[tuple[int, Any, Any]], stranger: bool, dst: Path, numbers: list[int]
) -> None:
    """The table is that of a plain join by dictionaries; where that has two answers, none is."""
    assume(any(a is not None for _, a, _ in rows) and any(b is not None for _, _, b in rows))
    labels = table(
        on, [k for k, _, _ in rows], a=[a for _, a, _ in rows], b=[b for _, _, b in rows]
    )
    if stranger:
        labels = {name: [*each, "nobody" if name == on else 9] for name, each in labels.items()}
    # Without its issuer, patient 1 is nobody; the last has no ID.
    known = {identifiers(k)[on] for k in range(COUNT)}
    if on == "PatientID":
        known -= {"", PATIENTS[1]}
    said: dict[str, set[tuple[Any, Any]]] = {}
    for key, a, b in zip(labels[on], labels["a"], labels["b"], strict=True):
        said.setdefault(key, set()).add((a, b))
    plain = {key: both for key, both in said.items() if key in known}
    arguments: Any = (dst, labels, on, ["a", "b"])
    if not plain:
        with pytest.raises(FastpixError, match="belongs to an image"):
            join_labels(*arguments)
        return
    if any(len(both) > 1 for both in plain.values()):
        with pytest.raises(ArgumentError, match="rows that differ"):
            join_labels(*arguments)
        return
    found = join_labels(*arguments, replace=True)
    expected = [next(iter(plain.get(identifiers(k)[on], {(None, None)}))) for k in numbers]
    result = fastpix.open_cache(dst).labels
    assert [*zip(*(result.column(name).to_pylist() for name in "ab"), strict=True)] == expected
    assert found.labelled == sum(both != (None, None) for both in expected)
    assert found.labelled + found.unlabelled == COUNT
    rows_of_images = sum(key in known for key in labels[on])
    assert (found.matched, found.repeated) == (rows_of_images, rows_of_images - len(plain))
    assert found.matched + found.unmatched + found.unidentified == len(labels[on])


def test_only_the_key_of_the_cache(dst: Path, made: Folders, tmp_path: Path) -> None:
    labels = table("SOPInstanceUID", [0], label=[1])
    other = tmp_path / "key"
    with pytest.raises(ArgumentError, match="does not exist: give the key"):
        join_labels(dst, labels, key_file=other)
    assert not other.exists()
    other.touch(0o600)
    other.write_text(bytes(range(32)).hex())
    with pytest.raises(ArgumentError, match="not the key that the cache was made with"):
        join_labels(dst, labels, key_file=other)
    join_labels(dst, labels, key_file=made.dst.with_name("dst.key"))
    data = parquet.ParquetFile(dst / "labels.parquet").read()
    kept = json.loads(data.schema.metadata[b"fastpix.labels"])
    kept["key"] = "0" * 16
    parquet.write_table(
        data.replace_schema_metadata({"fastpix.labels": json.dumps(kept)}), dst / "labels.parquet"
    )
    for read in (lambda: join_labels(dst, labels), lambda: fastpix.open_cache(dst).labels):
        with pytest.raises(FastpixError, match="joined by another key"):
            read()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "a later version"),
        ({"columns": {"label": "modality"}}, "no sound file"),
        ({"columns": {"other": "sop_instance"}}, "no sound file"),
        ({"version": "x"}, "no sound file"),
        (None, "no sound file"),
    ],
)
def test_damaged_labels(change: dict[str, Any] | None, message: str, dst: Path) -> None:
    path = dst / "labels.parquet"
    join_labels(dst, table("SOPInstanceUID", [0], label=[1]))
    data = parquet.ParquetFile(path).read()
    if change is None:
        path.write_bytes(path.read_bytes()[:-9])
    else:
        kept = json.loads(data.schema.metadata[b"fastpix.labels"]) | change
        metadata = {"fastpix.labels": json.dumps(kept)}
        parquet.write_table(data.replace_schema_metadata(metadata), path)
    with pytest.raises(FastpixError, match=message):
        _ = fastpix.open_cache(dst).labels


def test_a_join_that_dies_leaves_the_old_labels(
    dst: Path, joined: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    join_labels(dst, table("SOPInstanceUID", [0], label=[1]))

    def dies(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(OSError, match="no space left"):
            join_labels(dst, table("SOPInstanceUID", [1], label=[1]))
    assert joined()[:2] == [1, None]
    assert [path.name for path in dst.iterdir() if "labels" in path.name] == ["labels.parquet"]


@pytest.mark.usefixtures("in_this_process")
def test_labels_outlive_runs(folders: Folders) -> None:
    """Images that come, go or change, and what is swept up after them, leave labels as they are."""
    for k in range(3):
        folders.add(f"{k}.dcm", file_of_image(k))
    folders.convert()
    join_labels(folders.dst, table("SOPInstanceUID", [0, 1, 5], label=[0, 1, 5]))
    (folders.src / "0.dcm").unlink()
    folders.add("5.dcm", file_of_image(5))
    folders.convert(prune=True)
    collect(folders.dst, force=True)
    cache = folders.cache()
    found = dict(zip(cache.names, cache.labels.column("label").to_pylist(), strict=True))
    of_image = {k: found.get(folders.name(folders.src / f"{k}.dcm"), "gone") for k in (0, 1, 2, 5)}
    assert of_image == {0: "gone", 1: 1, 2: None, 5: None}  # 5 came after the join
    joined = join_labels(folders.dst, table("SOPInstanceUID", [0, 1, 5], label=[0, 1, 5]))
    assert (joined.matched, joined.unmatched) == (2, 1)
    cache = folders.cache()
    assert sorted(filter(None, cache.labels.column("label").to_pylist())) == [1, 5]
    assert [*cache.subset([0]).labels.column_names] == ["label"]
    assert len(cache.subset([0, 2]).labels) == 2


@pytest.mark.usefixtures("in_this_process")
def test_volumes(folders: Folders) -> None:
    for k in range(4):
        attributes: dict[str, Any] = identifiers(k // 2 * 2) | {
            "SOPInstanceUID": f"1.2.3.{k}", "PixelSpacing": [1, 1], "Modality": "CT",
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, k % 2],
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        }  # fmt: skip
        folders.add(f"{k}.dcm", encode(make_dataset(**attributes)))
    folders.convert(unit="series", format="npz")
    labels = table("SeriesInstanceUID", [2], label=[3])
    found = join_labels(folders.dst, labels, "SeriesInstanceUID")
    assert (found.labelled, found.unlabelled, found.are_volumes) == (1, 1, True)
    assert sorted(map(str, folders.cache().labels.column("label").to_pylist())) == ["3", "None"]
    with pytest.raises(ArgumentError, match="a volume has no SOP Instance UID"):
        join_labels(folders.dst, labels)


def test_storages_get_the_whole_file(dst: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are written by `Storage.replace`, which object stores have, too."""
    written: list[str] = []
    replace = LocalStorage.replace

    def noted(self: LocalStorage, key: str, data: bytes) -> None:
        written.append(key)
        replace(self, key, data)

    monkeypatch.setattr(LocalStorage, "replace", noted)
    found = join_labels(dst, table("SOPInstanceUID", [0], label=[1]))
    assert isinstance(found, Joined)
    assert written == ["labels.parquet"]
