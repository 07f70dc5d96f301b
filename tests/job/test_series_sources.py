"""Verdicts on the sources of volumes: left out, exchanged, refused, and done again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from support.builders import encode
from support.jobs import Folders
from support.series_files import enhanced, slice_dataset, write_slices

import fastpix
from fastpix.errors import FastpixError, UnseenSourceError
from fastpix.header.instance import read_instance
from fastpix.job import one_series, preflight
from fastpix.source.stored import Memory
from fastpix.sources.source_key import BY, source_id, source_key
from fastpix.sources.verdicts import Status, Verdict, Verdicts

pytestmark = pytest.mark.usefixtures("in_this_process")
COUNT = 4


@pytest.fixture
def ids(folders: Folders) -> dict[str, str]:
    """Three series of different makers; the ids of their sources."""
    found = {}
    for number, maker in enumerate("ABC"):
        more = {"SeriesInstanceUID": f"1.2.{number}", "Manufacturer": f"{maker} Ltd"}
        slices = [
            slice_dataset(k, SOPInstanceUID=f"1.3.{number}.{k}", **more) for k in range(COUNT)
        ]
        paths = write_slices(folders.src / maker, slices)
        for path in paths:
            folders.add(path.relative_to(folders.src).as_posix(), path.read_bytes())
        found[maker] = id_of(paths[0].read_bytes(), folders)
    return found


def id_of(data: bytes, folders: Folders) -> str:
    return source_id(source_key(read_instance(Memory(data), 2**20)), folders.names())


def convert(folders: Folders, ids: dict[str, str], **options: Any) -> Any:
    """Convert with verdicts on makers, in words: ``A="accept"``."""
    verdicts = {ids[maker]: Verdict(options.pop(maker)) for maker in "ABC" if maker in options}
    options |= {"unit": "series", "format": "npz", "sources": Verdicts(verdicts, BY)}
    return folders.convert(**options).counts


def said(folders: Folders, kind: str) -> dict[str | None, set[tuple[str, str | None]]]:
    """Status and verdict of rows, by their source."""
    found: dict[str | None, set[tuple[str, str | None]]] = {}
    for row in folders.rows().values():
        if row["kind"] == kind:
            told = row["status"], row.get("verdict")
            found.setdefault(row.get("source"), set()).add(told)
    return found


def volumes(folders: Folders) -> dict[str, Any]:
    cache = folders.cache()
    sources = cache.table.column("source").to_pylist()
    return {source: cache[k] for k, source in enumerate(sources)}


def test_verdicts_are_obeyed(folders: Folders, ids: dict[str, str]) -> None:
    counts = convert(folders, ids, A="accept", B="invert", C="exclude")
    assert (counts.converted, counts.left_out) == (2 * COUNT, COUNT)
    expected = {
        ids["A"]: {("done", "accept")}, ids["B"]: {("done", "invert")},
        ids["C"]: {("left out", "exclude")},
    }  # fmt: skip
    assert said(folders, "volume") == said(folders, "file") == expected
    plain = fastpix.read_series(folders.src / "A").array
    found = volumes(folders)
    assert found.keys() == {ids["A"], ids["B"]}
    assert np.array_equal(found[ids["A"]], plain)
    assert np.array_equal(found[ids["B"]], plain.max() - plain)
    (row,) = (
        r for r in folders.rows().values() if r["kind"] == "volume" and r["source"] == ids["B"]
    )
    assert row["photometric"] == "MONOCHROME2"
    assert any("the verdict on its source is invert" in note for note in row["notes"])


def test_a_changed_verdict_makes_its_series_stale_alone(
    folders: Folders, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(folders, ids, A="accept", B="accept", C="exclude")
    opened = []

    def noted(location: str) -> Any:
        opened.append(location.replace("\\", "/").split("/")[-2])
        return location

    monkeypatch.setattr(one_series, "open_location", noted)
    monkeypatch.setattr(preflight, "open_location", noted)
    assert convert(folders, ids, A="accept", B="accept", C="exclude").present == 3 * COUNT
    assert not opened
    counts = convert(folders, ids, A="accept", B="invert", C="accept")
    assert (counts.present, counts.converted) == (COUNT, 2 * COUNT)
    assert set(opened) == {"B", "C"}
    plain = fastpix.read_series(folders.src / "A").array
    found = volumes(folders)
    assert np.array_equal(found[ids["B"]], plain.max() - plain)
    assert np.array_equal(found[ids["C"]], plain)


def test_unseen_sources(
    folders: Folders, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnseenSourceError, match=rf"{ids['C']} \(4 images\)"):
        convert(folders, ids, A="accept", B="accept")
    monkeypatch.setattr("fastpix.job.conversion.LOOKED_AT", 0)
    counts = convert(folders, ids, A="accept", B="accept")
    assert (counts.converted, counts.failed) == (2 * COUNT, COUNT)
    assert said(folders, "file")[ids["C"]] == {("failed", "unseen")}
    assert convert(folders, ids, A="accept", B="accept").known_failures == COUNT
    counts = convert(folders, ids, A="accept", B="accept", allow_unseen=True)
    assert (counts.present, counts.converted) == (2 * COUNT, COUNT)
    assert said(folders, "volume")[ids["C"]] == {("done", "unseen")}


def test_a_cache_is_not_opened_while_its_volumes_are_stale(
    folders: Folders, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(folders, ids, A="accept", B="accept", C="accept")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastpix.job.conversion.drive", killed)
    with pytest.raises(KeyboardInterrupt):
        convert(folders, ids, A="accept", B="exclude", C="accept")
    with pytest.raises(FastpixError, match="were converted under another verdict"):
        folders.cache()


@pytest.mark.parametrize("statuses", [("accept", "invert"), ("exclude", "accept")])
def test_a_volume_of_several_sources(folders: Folders, statuses: tuple[Status, Status]) -> None:
    makers = ["A", "A", "A", "B"]
    slices = [slice_dataset(k, Manufacturer=f"{maker} Ltd") for k, maker in enumerate(makers)]
    ids = {}
    for k, dataset in enumerate(slices):
        path = folders.add(f"{k}.dcm", encode(dataset))
        ids[makers[k]] = id_of(path.read_bytes(), folders)
    counts = convert(folders, ids, A=statuses[0], B=statuses[1])
    assert counts.failed == 4
    ((error, reason),) = counts.reasons
    assert error == "SeriesError"
    assert (
        f"different verdicts ({', '.join(sorted(statuses))}): give these sources the same" in reason
    )
    # A file that is not the first decides too: the series is done again, as a whole.
    counts = convert(folders, ids, A=statuses[0], B=statuses[0])
    assert counts.converted + counts.left_out == 4
    if statuses[0] == "accept":
        assert convert(folders, ids, A="accept", B="accept").present == 4


def test_what_filters_leave_out_needs_no_verdict(folders: Folders, ids: dict[str, str]) -> None:
    for present, left_out in ((0, 3 * COUNT), (3 * COUNT, 0)):
        counts = convert(folders, ids, A="invert", only="modality in MR")
        assert (counts.present, counts.left_out) == (present, left_out)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("invert", ["max", "range", "none"])
def test_an_exchanged_stack_is_that_of_a_file_that_says_the_other(
    photometric: str, invert: Any, syntax: str, folders: Folders
) -> None:
    """What was inflated is not kept: it is read again, and exchanged again."""
    both = [
        encode(enhanced(PhotometricInterpretation=each), syntax)
        for each in ("MONOCHROME1", "MONOCHROME2")
    ]
    data, other = both if photometric == "MONOCHROME1" else both[::-1]
    (stack,) = fastpix.open_series(folders.add("a.dcm", data))
    exchanged = stack.exchanged()
    (file,), (plain_file,) = exchanged.files, stack.files
    assert (file.kept is None) == (syntax == DeflatedExplicitVRLittleEndian)
    assert file.instance().header == file.header != plain_file.header
    assert plain_file.instance().header == plain_file.header
    expected = fastpix.read_series(other, invert=invert).array
    assert np.array_equal(exchanged.read(invert=invert).array, expected)
    plain = fastpix.read_series(data, invert=invert).array
    assert np.array_equal(stack.read(invert=invert).array, plain)
