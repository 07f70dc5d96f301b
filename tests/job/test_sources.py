"""Verdicts on sources that a job obeys: what is left out, exchanged, refused, and done again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from support.builders import compress, encode, make_dataset
from support.jobs import Folders

import fastpix
from fastpix import Recipe
from fastpix.errors import ArgumentError, FastpixError
from fastpix.header.instance import read_instance
from fastpix.job import columns, one_image, preflight, source_verdicts
from fastpix.job.scan.source_locations import open_location
from fastpix.source.stored import Memory
from fastpix.sources.source_key import BY, software_pseudonym, source_id, source_key
from fastpix.sources.unseen_sources import UnseenSourceError
from fastpix.sources.verdicts import Status, Verdict, Verdicts

pytestmark = pytest.mark.usefixtures("in_this_process")
SECRET = "Zq7Xw"
MAKERS = ("ACME", "Bolt", f"{SECRET} Ltd")


def image(
    maker: str, number: int = 0, photometric: str = "MONOCHROME2",
    syntax: str = ExplicitVRLittleEndian, version: int = 1, **more: Any,
) -> bytes:  # fmt: skip
    """An image whose values depend on its number."""
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) + number
    dataset = make_dataset(
        values, PhotometricInterpretation=photometric, Manufacturer=maker, Modality="CR",
        ManufacturerModelName=f"{SECRET} model", SoftwareVersions=f"{SECRET} {version}",
        SOPInstanceUID=f"1.2.3.{number}", **more,
    )  # fmt: skip
    return compress(dataset, syntax) if syntax == RLELossless else encode(dataset, syntax)


def id_of(data: bytes, folders: Folders) -> str:
    """The id of the source of a file."""
    key = source_key(read_instance(Memory(data), 2**20))
    return source_id(key, folders.names())


class Sources:
    """A small job with several sources."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.paths: dict[str, Path] = {}
        self.ids: dict[str, str] = {}
        for maker in MAKERS:
            for number in range(3):
                self.add(f"{maker[0]}{number}.dcm", image(maker, number))

    def add(self, name: str, data: bytes) -> Path:
        path = self.paths[name] = self.folders.add(name, data)
        self.ids[name] = id_of(data, self.folders)
        return path

    def verdicts(self, **statuses: Status) -> Verdicts:
        """The verdicts on makers, by the first letters of their names."""
        found: dict[str, Verdict] = {}
        for name, source in self.ids.items():
            if name[0] in statuses:
                found[source] = Verdict(statuses[name[0]], SECRET, None, SECRET, SECRET)
        return Verdicts(found, BY, "")

    def statuses(self) -> dict[str, tuple[str, str | None]]:
        """What rows say of files."""
        rows = self.folders.rows()
        found = {}
        for name, path in self.paths.items():
            row = rows[self.folders.name(path)]
            assert row.get("source") == self.ids[name]
            found[name] = row["status"], row.get("verdict")
        return found

    def values(self, name: str) -> Any:
        cache = self.folders.cache()
        return cache.read(self.folders.name(self.paths[name]))


@pytest.fixture
def sources(folders: Folders) -> Sources:
    return Sources(folders)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that jobs convert."""
    found: list[str] = []

    def noted(location: str) -> Any:
        found.append(os.path.basename(location))
        return open_location(location)

    monkeypatch.setattr(one_image, "open_location", noted)
    monkeypatch.setattr(preflight, "open_location", noted)
    return found


def test_verdicts_are_obeyed(sources: Sources) -> None:
    given = sources.verdicts(A="accept", B="invert", Z="exclude")
    summary = sources.folders.convert(sources=given)
    assert (summary.counts.converted, summary.counts.left_out) == (6, 3)
    assert sources.statuses() == {
        f"{maker}{k}.dcm": said
        for maker, said in {
            "A": ("done", "accept"), "B": ("done", "invert"), "Z": ("left out", "exclude"),
        }.items()
        for k in range(3)
    }  # fmt: skip
    for k in range(3):
        plain = fastpix.imread(sources.paths[f"A{k}.dcm"])
        assert np.array_equal(sources.values(f"A{k}.dcm"), plain)
        # Without the exchange they have the same values; with it, MONOCHROME1 is turned over.
        assert np.array_equal(sources.values(f"B{k}.dcm"), plain.max() - plain)
    row = sources.folders.row(sources.paths["B0.dcm"])
    assert row["photometric"] == "MONOCHROME2"  # what the file says
    assert row["unit"].startswith("inverted ")
    assert any(
        "is MONOCHROME2, and read as MONOCHROME1: the verdict on its source is invert" in note
        for note in row["notes"]
    )
    assert not any("exchanged" in n or "invert" in n for n in sources.folders.row(
        sources.paths["A0.dcm"]).get("notes", []))  # fmt: skip


@pytest.mark.parametrize("invert", ["max", "range", "none"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_an_inverted_source_is_read_as_a_file_that_says_the_other(
    folders: Folders, photometric: str, invert: Any
) -> None:
    other = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}[photometric]
    more: dict[str, Any] = {"RescaleSlope": "2", "RescaleIntercept": "-5"}
    path = folders.add("a.dcm", image("ACME", 1, photometric, **more))
    source = id_of(path.read_bytes(), folders)
    recipe = Recipe(invert=invert)
    folders.convert(sources=Verdicts({source: Verdict("invert")}), recipe=recipe)
    expected = fastpix.imread(image("ACME", 1, other, **more), recipe=recipe)
    assert np.array_equal(folders.cache()[0], expected)


def test_sources_alike_are_not_mixed_up(sources: Sources) -> None:
    """Files that differ in nothing but their maker, one after the other, of either verdict."""
    sources.folders.convert(sources=sources.verdicts(A="invert", B="accept", Z="invert"))
    for k in range(3):
        plain = fastpix.imread(sources.paths[f"B{k}.dcm"])
        assert np.array_equal(sources.values(f"B{k}.dcm"), plain)
        for maker in "AZ":
            assert np.array_equal(sources.values(f"{maker}{k}.dcm"), plain.max() - plain)


def test_unseen_sources_are_refused_before_the_start(sources: Sources, opened: list[str]) -> None:
    given = sources.verdicts(A="accept", B="unseen")
    with pytest.raises(UnseenSourceError) as caught:
        sources.folders.convert(sources=given)
    said = str(caught.value)
    assert set(caught.value.sources) == {sources.ids["B0.dcm"], sources.ids["Z0.dcm"]}
    for source in caught.value.sources:
        assert f"{source} (3 images)" in said
    assert "fastpix audit SRC OUT" in said
    assert f"fastpix audit mark {caught.value.sources[0]} accept" in said
    assert "--allow-unseen" in said
    assert SECRET not in said
    assert not sources.folders.rows()
    summary = sources.folders.convert(sources=given, allow_unseen=True)
    assert summary.counts.converted == 9
    assert sources.statuses()["Z0.dcm"] == ("done", "unseen")
    # What was taken unseen is not taken for looked at.
    with pytest.raises(UnseenSourceError):
        sources.folders.convert(sources=given)
    opened.clear()
    sources.folders.convert(sources=given, allow_unseen=True)
    assert not opened


def test_unseen_sources_that_come_later_are_failures(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastpix.job.conversion.LOOKED_AT", 0)
    given = sources.verdicts(A="accept")
    summary = sources.folders.convert(sources=given)
    assert (summary.counts.converted, summary.counts.failed) == (3, 6)
    row = sources.folders.row(sources.paths["B0.dcm"])
    source = sources.ids["B0.dcm"]
    assert (row["status"], row["error"]) == ("failed", "UnseenSourceError")
    assert f"nobody has looked at source {source}: " in row["reason"]
    assert f"fastpix audit mark {source} accept" in row["reason"]
    assert len(sources.folders.cache()) == 3
    # They are tried again once somebody has looked, and not before.
    assert sources.folders.convert(sources=given).counts.known_failures == 6
    given = sources.verdicts(A="accept", B="accept", Z="exclude")
    counts = sources.folders.convert(sources=given).counts
    assert (counts.present, counts.converted, counts.left_out) == (3, 3, 3)


def test_a_changed_verdict_makes_its_rows_stale_alone(sources: Sources, opened: list[str]) -> None:
    convert = sources.folders.convert
    convert(sources=sources.verdicts(A="accept", B="accept", Z="exclude"))
    assert sources.folders.cache()
    opened.clear()
    assert (
        convert(sources=sources.verdicts(A="accept", B="accept", Z="exclude")).counts.present == 9
    )
    assert not opened
    counts = convert(sources=sources.verdicts(A="accept", B="invert", Z="accept")).counts
    assert (counts.present, counts.converted) == (3, 6)
    assert {name[0] for name in opened} == {"B", "Z"}
    plain = fastpix.imread(sources.paths["Z1.dcm"])
    assert np.array_equal(sources.values("B1.dcm"), plain.max() - plain)
    assert np.array_equal(sources.values("Z1.dcm"), plain)
    counts = convert(sources=sources.verdicts(A="accept", B="exclude", Z="accept")).counts
    assert (counts.present, counts.left_out) == (6, 3)
    assert len(sources.folders.cache()) == 6


def test_a_cache_without_verdicts_goes_on_with_some(sources: Sources, opened: list[str]) -> None:
    convert = sources.folders.convert
    convert()
    assert sources.statuses()["A0.dcm"] == ("done", None)
    opened.clear()
    counts = convert(sources=sources.verdicts(A="accept", B="accept", Z="invert")).counts
    assert (counts.present, counts.converted) == (6, 3)  # what is accepted is what it was
    assert {name[0] for name in opened} == {"Z"}
    with pytest.raises(ArgumentError, match=r"this cache obeys verdicts .*--replace"):
        convert()
    opened.clear()
    counts = convert(replace=True).counts
    assert (counts.present, counts.converted) == (6, 3)
    assert {name[0] for name in opened} == {"Z"}
    assert not (sources.folders.dst / "sources.json").exists()
    assert len(sources.folders.cache()) == 9
    assert convert().counts.present == 9


def test_what_is_stale_is_not_opened(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    convert = sources.folders.convert
    convert(sources=sources.verdicts(A="accept", B="accept", Z="accept"))
    inverted = sources.verdicts(A="accept", B="invert", Z="accept")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fastpix.job.conversion.drive", killed)
        with pytest.raises(KeyboardInterrupt):
            convert(sources=inverted)
    with pytest.raises(FastpixError, match=r"3 files .* --sources sources.toml' again"):
        sources.folders.cache()
    # Files that have vanished cannot be converted again.
    for k in range(3):
        sources.paths[f"B{k}.dcm"].unlink()
    convert(sources=inverted)
    with pytest.raises(FastpixError, match="with --prune"):
        sources.folders.cache()
    convert(sources=inverted, prune=True)
    assert len(sources.folders.cache()) == 6


def test_failures_have_their_source_too(sources: Sources) -> None:
    data = image("ACME", 7)
    name = "A7.dcm"
    sources.add(name, data[:-5])
    given = sources.verdicts(A="accept", B="exclude", Z="exclude")
    assert sources.folders.convert(sources=given).counts.failed == 1
    assert sources.statuses()[name] == ("failed", "accept")
    given = sources.verdicts(A="exclude", B="exclude", Z="exclude")
    summary = sources.folders.convert(sources=given)
    assert summary.counts.failed == 0
    assert sources.statuses()[name] == ("left out", "exclude")


def test_what_filters_leave_out_needs_no_verdict(sources: Sources) -> None:
    given = sources.verdicts(A="accept")
    summary = sources.folders.convert(sources=given, only="modality in CT")
    assert summary.counts.left_out == 9
    assert sources.folders.convert(sources=given, only="modality in CT").counts.present == 9


def test_an_inverted_source_of_colours_is_noted(folders: Folders) -> None:
    rgb = np.zeros((3, 4, 3), np.uint8)
    data = encode(make_dataset(rgb, PhotometricInterpretation="RGB", SamplesPerPixel=3,
                               PlanarConfiguration=0, Modality="OT"))  # fmt: skip
    path = folders.add("a.dcm", data)
    source = id_of(data, folders)
    folders.convert(sources=Verdicts({source: Verdict("invert")}))
    row = folders.row(path)
    assert row["status"] == "done"
    assert any("means nothing for colours" in note for note in row["notes"])


def test_nothing_of_texts_gets_into_the_cache(sources: Sources, tmp_path: Path) -> None:
    sources.folders.convert(sources=sources.verdicts(A="accept", B="invert", Z="exclude"))
    kept = json.loads((sources.folders.dst / "sources.json").read_text())
    assert kept == {
        "version": 1, "allow_unseen": False, "by": list(BY),
        "sources": {
            sources.ids["A0.dcm"]: "accept", sources.ids["B0.dcm"]: "invert",
            sources.ids["Z0.dcm"]: "exclude",
        },
        "software": {},
    }  # fmt: skip
    files = [path for path in sources.folders.dst.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        assert SECRET.encode() not in path.read_bytes()
    assert SECRET not in str(sources.folders.rows())


def test_attributes_that_tell_sources_apart_are_those_of_the_file(sources: Sources) -> None:
    names = sources.folders.names()
    key = source_key(read_instance(Memory(image("ACME")), 2**20))
    source = source_id(key, names, ["modality"])
    given = Verdicts({source: Verdict("accept")}, ("modality",), names.fingerprint)
    assert sources.folders.convert(sources=given).counts.converted == 9
    assert {row["source"] for row in sources.folders.rows().values()} == {source}


def test_arguments(sources: Sources, tmp_path: Path) -> None:
    convert = sources.folders.convert
    with pytest.raises(ArgumentError, match=r"allow_unseen: .*sources="):
        convert(allow_unseen=True)
    with pytest.raises(ArgumentError, match="ids were made with another key"):
        convert(sources=Verdicts({}, BY, "0" * 16))
    with pytest.raises(FileNotFoundError):
        convert(sources=tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}', '{"version": 1, "by": [], '
                                  '"allow_unseen": true, "sources": {"a": "b"}}'])  # fmt: skip
def test_a_damaged_file_of_verdicts(sources: Sources, text: str) -> None:
    sources.folders.convert()
    (sources.folders.dst / source_verdicts.KEY).write_text(text)
    with pytest.raises(FastpixError, match=r"sources.json of the cache is damaged: remove it"):
        sources.folders.cache()


def test_verdicts_of_a_later_version(sources: Sources) -> None:
    sources.folders.convert()
    (sources.folders.dst / source_verdicts.KEY).write_text('{"version": 2}')
    with pytest.raises(FastpixError, match="use that one"):
        sources.folders.cache()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("form", "syntax"),
    [
        ("tar", ExplicitVRLittleEndian),
        ("npz", RLELossless),
        ("index", ExplicitVRLittleEndian),
    ],
)
def test_formats(folders: Folders, form: str, syntax: str, photometric: str) -> None:
    other = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}[photometric]
    files = [image("ACME", 1, each, syntax) for each in (photometric, other)]
    path = folders.add("a.dcm", files[0])
    given = Verdicts({id_of(path.read_bytes(), folders): Verdict("invert")})
    folders.convert(sources=given, format=form)
    assert np.array_equal(folders.cache()[0], fastpix.imread(files[1]))


def test_manifests_that_are_older_than_verdicts(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = sources.folders.convert
    with monkeypatch.context() as patch:
        older = tuple(each for each in columns.COLUMNS if each.name not in ("source", "verdict"))
        patch.setattr(columns, "COLUMNS", older)
        patch.setattr("fastpix.job.manifest.COLUMNS", older)
        convert()
    assert len(sources.folders.rows()) == 9
    assert not any("source" in row for row in sources.folders.rows().values())
    added = sources.add("A7.dcm", image("ACME", 7))
    # Whose source is not known was taken as it is, and stays.
    counts = convert(sources=sources.verdicts(A="accept")).counts
    assert (counts.present, counts.converted) == (9, 1)
    assert sources.folders.row(added)["verdict"] == "accept"
    assert len(sources.folders.cache()) == 10
    assert fastpix.read_manifest(sources.folders.dst).column_names == list(columns.NAMES)


def seen(sources: Sources, status: Status, *software: str) -> Verdicts:
    """The same verdict on all sources, after images of these versions were looked at."""
    verdict = Verdict(status, software=software)
    return Verdicts(dict.fromkeys(sources.ids.values(), verdict), BY, "")


def test_another_software_version_is_refused(sources: Sources) -> None:
    sources.folders.convert(sources=seen(sources, "accept", f"{SECRET} 1"))
    sources.add("A9.dcm", image("ACME", 9, version=2))
    with pytest.raises(UnseenSourceError, match="1 image since its software was changed") as caught:
        sources.folders.convert(sources=seen(sources, "accept", f"{SECRET} 1"))
    assert caught.value.changed == (sources.ids["A9.dcm"],)
    assert SECRET not in str(caught.value)
    both = seen(sources, "accept", f"{SECRET} 1", f"{SECRET} 2")
    counts = sources.folders.convert(sources=both).counts
    assert (counts.converted, counts.present) == (1, 9)
    assert sources.statuses()["A9.dcm"] == ("done", "accept")
    kept = (sources.folders.dst / "sources.json").read_text()
    assert SECRET not in kept


def test_versions_that_a_pseudonymous_audit_has_seen(sources: Sources) -> None:
    names = sources.folders.names()
    pseudonym = software_pseudonym(f"{SECRET} 1", names)
    assert pseudonym.startswith("version-")
    assert sources.folders.convert(sources=seen(sources, "accept", pseudonym)).counts.converted == 9


def test_an_update_makes_what_was_converted_stale(sources: Sources) -> None:
    sources.folders.convert(sources=seen(sources, "accept", f"{SECRET} 1"))
    allowed = seen(sources, "accept", f"{SECRET} 2")  # nobody looked at version 1
    counts = sources.folders.convert(sources=allowed, allow_unseen=True).counts
    assert (counts.converted, counts.present) == (9, 0)
    assert {status for _, status in sources.statuses().values()} == {"unseen"}


def test_an_excluded_source_stays_out_whatever_its_software(sources: Sources) -> None:
    counts = sources.folders.convert(sources=seen(sources, "exclude", "none of these")).counts
    assert (counts.left_out, counts.failed) == (9, 0)
