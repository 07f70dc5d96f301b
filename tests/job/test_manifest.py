"""Which row counts, whatever runs have written; what is known of items; settings of a cache."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sizes import cases

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job import repeated_uids
from fastpix.job.cache_opening import duplicates_in
from fastpix.job.columns import COLUMNS, NAMES, schema
from fastpix.job.dataset_file import read_settings, settle
from fastpix.job.items import Batch, Item
from fastpix.job.known import FAILED, NEW, PRESENT, Known, known_items
from fastpix.job.live_rows import DONE, live, name_numbers
from fastpix.job.manifest import commit, facts_of, part_key, part_keys, read_parts
from fastpix.job.manifest_table import live_table
from fastpix.job.repeated_uids import count_repeated_uids
from fastpix.job.settings import Settings
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.recipe import Recipe

SETTINGS = Settings()


def hex_name(number: int) -> str:
    return f"{number:032x}"[::-1]


def state(number: int) -> str:
    return f"{number + 1:016x}"


def row(name: str, status: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "item": name,
        "name": name,
        "kind": "image",
        "status": status,
        "state": state(0),
        **more,
    }


def write(
    storage: LocalStorage, generation: int, rows: list[dict[str, Any]], settings: str = SETTINGS.id
) -> str:
    items = tuple(Item(each["item"], each["state"], ()) for each in rows)
    batch = Batch(generation, settings, items)
    assert commit(storage, batch, secrets.token_hex(4), rows, b"statistics")
    return batch.id


def live_by_hand(rows: list[tuple[int, int, bool, int]]) -> set[int]:
    best: dict[int, tuple[tuple[int, bool, int], int]] = {}
    for place, (name, generation, is_done, batch) in enumerate(rows):
        key = generation, is_done, batch
        if name not in best or key > best[name][0]:
            best[name] = key, place
    return {place for _, place in best.values()}


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 3), st.booleans(), st.integers(0, 10**6)),
        max_size=30,
        unique_by=lambda each: (each[0], each[3]),
    )
)
def test_the_live_row_of_a_name(rows: list[tuple[int, int, bool, int]]) -> None:
    columns = list(zip(*rows, strict=True)) or [()] * 4
    names, generations, is_done, batches = (
        np.array(column, dtype)
        for column, dtype in zip(columns, ("u8", "i8", "?", "i8"), strict=True)
    )
    found = live(names, generations, is_done, batches)
    assert set(found.tolist()) == live_by_hand(rows)
    assert np.all(np.diff(names[found].astype(np.int64)) > 0)


@pytest.mark.parametrize("lengths", [[32], [16], [32, 16], [40, 16, 33]])
def test_numbers_of_names_in_columns(lengths: list[int]) -> None:
    import pyarrow as pa

    names = [f"{k**9:016x}".ljust(lengths[k % len(lengths)], "e") for k in range(40)]
    numbers = [int(name[:16], 16) for name in names]
    assert name_numbers(names).tolist() == numbers
    column = pa.chunked_array([names[:7], [], names[7:]], pa.string())
    assert name_numbers(column).tolist() == numbers
    assert name_numbers(column.slice(3, 20)).tolist() == numbers[3:23]
    assert name_numbers(column.slice(40)).tolist() == []
    assert name_numbers(pa.chunked_array([], pa.string())).tolist() == []


@pytest.mark.parametrize("few", [0, 64])
def test_images_with_the_uid_of_another(
    few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was converted again repeats nothing, and rows that do not count do not."""
    monkeypatch.setattr(repeated_uids, "_FEW", few)
    storage = LocalStorage(tmp_path)

    def image(number: int, uid: int, status: str = "done", stamp: int = 0) -> dict[str, Any]:
        return row(hex_name(number), status, sop_instance=hex_name(uid), state=state(stamp))

    def count() -> int:
        return count_repeated_uids(storage, SETTINGS.id)

    assert count() == 0
    write(storage, 1, [image(1, 7), image(2, 8), {**image(3, 8), "kind": "series"}])
    write(storage, 2, [image(1, 7, stamp=1)])
    write(storage, 2, [image(5, 7), image(6, 7)], settings="other")
    assert count() == 0
    write(storage, 2, [image(4, 8), image(5, 8, "failed"), image(6, 7)])
    assert count() == 2
    write(storage, 3, [image(4, 8, "gone"), image(6, 6, stamp=1)])
    assert count() == 0


def test_a_part_is_written_once(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    batch = Batch(1, SETTINGS.id, (Item(hex_name(1), state(0), ()),))
    assert commit(storage, batch, "first", [row(hex_name(1))], b"")
    assert not commit(storage, batch, "second", [row(hex_name(1), "failed")], b"")
    # A call that came through, and was tried again.
    assert commit(storage, batch, "first", [row(hex_name(1))], b"")
    key = part_key(1, batch.id)
    assert part_keys(storage) == [key]
    assert facts_of(storage.read(key), key).attempt == "first"


def test_every_column_survives(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "text": "t", "term": "t", "integer": 2**40, "number": 0.1, "flag": True,
        "integers": [1, 2], "numbers": [0.5], "texts": ["a", "b"],
    }  # fmt: skip
    whole = {column.name: values[column.kind] for column in COLUMNS}
    whole |= row(hex_name(1))
    storage = LocalStorage(tmp_path)
    write(storage, 3, [whole, row(hex_name(2))])
    ((facts, table),) = read_parts(storage)
    assert facts.statistics == b"statistics"
    first, second = table.to_pylist()
    assert first == whole | {"generation": 3, "settings": SETTINGS.id}
    assert {name for name, value in second.items() if value is not None} == {
        "item", "name", "kind", "status", "state", "generation", "settings",
    }  # fmt: skip
    assert table.schema.equals(schema())


def test_a_row_of_no_known_column_is_kept_out(tmp_path: Path) -> None:
    """The manifest is an allow-list: whatever a row holds besides is not written."""
    storage = LocalStorage(tmp_path)
    write(storage, 1, [row(hex_name(1), patient_name="DOE^JOHN")])
    assert b"DOE" not in storage.read(part_keys(storage)[0])
    assert "patient_name" not in NAMES


@settings(max_examples=cases(240), deadline=None)
@given(data=st.data())
def test_known_items_and_the_table_agree(data: st.DataObject) -> None:
    """Whatever runs have written, both say the same of an item, and it is what the rule says."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        storage = LocalStorage(folder)
        written: list[tuple[int, int, bool, str, str, int]] = []
        for generation in range(1, data.draw(st.integers(1, 3)) + 1):
            for _ in range(data.draw(st.integers(0, 2))):
                numbers = data.draw(
                    st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True)
                )
                rows = []
                for number in numbers:
                    status = data.draw(st.sampled_from(["done", "failed", "not an image", "gone"]))
                    uid = data.draw(st.sampled_from([None, hex_name(1), hex_name(2)]))
                    rows.append(
                        row(
                            hex_name(number),
                            status,
                            state=state(data.draw(st.integers(0, 2))),
                            sop_instance=uid,
                        )
                    )
                key = part_key(generation, Batch(generation, SETTINGS.id, tuple(
                    Item(r["item"], r["state"], ()) for r in rows)).id)  # fmt: skip
                if key in part_keys(storage):
                    continue
                batch = write(storage, generation, rows)
                written += [
                    (
                        number,
                        generation,
                        r["status"] in DONE,
                        batch,
                        r["status"],
                        int(r["state"], 16),
                    )
                    for number, r in zip(numbers, rows, strict=True)
                ]
        best: dict[int, tuple[int, bool, str, str, int]] = {}
        for number, *rest in written:
            if number not in best or tuple(rest[:3]) > best[number][:3]:
                best[number] = tuple(rest)  # type: ignore[assignment]
        table = live_table(storage, SETTINGS.id)
        shown = dict(
            zip(table.column("name").to_pylist(), table.column("status").to_pylist(), strict=True)
        )
        assert shown == {hex_name(n): b[3] for n, b in best.items() if b[3] != "gone"}
        done = live_table(storage, SETTINGS.id, ("image",), ("done",))
        assert count_repeated_uids(storage, SETTINGS.id) == len(duplicates_in(done))
        known = known_items(storage, SETTINGS.id, "", retry_failed=False)
        for number in range(7):
            for wanted in range(3):
                expected = NEW
                if number in best and best[number][3] != "gone" and best[number][4] == wanted + 1:
                    expected = FAILED if best[number][3] == "failed" else PRESENT
                (found,) = known.look_up([hex_name(number)], [state(wanted)])
                assert found == expected


def test_items_that_were_not_seen(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    write(storage, 1, [row(hex_name(k)) for k in range(5)])
    known = known_items(storage, SETTINGS.id, "", retry_failed=False)
    known.look_up([hex_name(1), hex_name(3), hex_name(9)], [state(0), state(7), state(0)])
    assert known.unseen == 3
    assert known.is_unseen([hex_name(k) for k in range(5)]).tolist() == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert known.generation == 1
    assert Known().look_up([hex_name(1)], [state(0)]).tolist() == [NEW]


def test_failures_are_tried_again_when_asked_or_when_decoders_changed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    missing = {"error": "UnsupportedTransferSyntaxError", "decoders_here": "old"}
    damaged = {"error": "PixelDataError", "decoders_here": "old"}
    write(
        storage, 1, [row(hex_name(1), "failed", **missing), row(hex_name(2), "failed", **damaged)]
    )
    names, states = [hex_name(1), hex_name(2)], [state(0), state(0)]

    def look_up(decoders: str, retry: bool = False) -> list[int]:
        known = known_items(storage, SETTINGS.id, decoders, retry)
        return list(map(int, known.look_up(names, states)))

    assert look_up("old") == [FAILED, FAILED]
    assert look_up("new") == [NEW, FAILED]
    assert look_up("old", retry=True) == [NEW, NEW]


def test_rows_of_other_settings_do_not_count(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    write(storage, 1, [row(hex_name(1))], settings="other")
    known = known_items(storage, SETTINGS.id, "", retry_failed=False)
    assert known.look_up([hex_name(1)], [state(0)]).tolist() == [NEW]
    assert known.generation == 1
    assert len(live_table(storage, SETTINGS.id)) == 0


def test_files_and_volumes_go_with_their_series(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    series = hex_name(1)
    top = {**row(series), "kind": "series"}

    def volume(number: int) -> dict[str, Any]:
        return {**row(f"{series}-{number}"), "item": series, "kind": "volume"}

    write(storage, 1, [top, volume(0), volume(1)])
    write(storage, 2, [{**top, "state": state(5)}, {**volume(0), "state": state(5)}])
    table = live_table(storage, SETTINGS.id)
    assert table.column("name").to_pylist() == [series, f"{series}-0"]
    assert set(table.column("generation").to_pylist()) == {2}


def test_a_damaged_part_is_told(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    write(storage, 1, [row(hex_name(1))])
    (key,) = part_keys(storage)
    data = storage.read(key)
    for broken in (
        data[: len(data) // 2],
        b"",
        b"PAR1" * 10,
        data[:200] + b"\xff" * 50 + data[250:],
    ):
        storage.replace(key, broken)
        with pytest.raises(FastpixError, match="manifest"):
            for _ in read_parts(storage):
                pass


def test_settings_are_decided_once(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert read_settings(storage) is None
    first = Settings(Recipe(normalize=(0, 1)), only=("modality = CT",), key="k", window=(1.0, 2.0))
    settle(storage, first)
    settle(storage, first)
    assert read_settings(storage) == first
    other = Settings(Recipe(dtype="float64"), key="other")
    with pytest.raises(ArgumentError) as told:
        settle(storage, other)
    for words in (
        "dtype is 'float32' there, and 'float64'",
        "normalize",
        "another key",
        "only",
        "--replace",
    ):
        assert words in str(told.value)
    settled = settle(storage, other, replace=True)
    assert read_settings(storage) == settled
    assert (settled.epoch, settled.recipe) == (1, other.recipe)
    # Back again, what was converted first does not count: the id is another.
    assert settle(storage, first, replace=True).id != first.id


def test_what_readers_do_may_change(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    settle(storage, Settings())
    settle(storage, Settings(duplicates="first"))
    found = read_settings(storage)
    assert found is not None
    assert found.duplicates == "first"
    assert found.id == Settings().id


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 4}', '{"version": "x"}'])
def test_a_damaged_dataset_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(FastpixError, match="damaged"):
        read_settings(LocalStorage(tmp_path))


def test_other_versions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"version": 99, "settings": {}}')
    with pytest.raises(FastpixError, match="version 99"):
        read_settings(LocalStorage(tmp_path))
    older = tmp_path / "older"
    older.mkdir()
    (older / ("a" * 32 + ".npz")).write_bytes(b"")
    with pytest.raises(ArgumentError, match="older fastpix"):
        settle(LocalStorage(older), Settings())
