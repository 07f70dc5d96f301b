"""`make_audit` over a folder: counts, sources, findings of many files, what is new."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import BasicTextSRStorage
from support.builders import encode, make_dataset, remove

from fastpix.audit.audit_files import with_verdicts, write_audit
from fastpix.audit.auditing import AuditRun, make_audit
from fastpix.audit.comparing import compared
from fastpix.audit.record import Audit, SourceRecord
from fastpix.audit.record_json import from_json, to_json
from fastpix.audit.technical_csv import findings_csv, samples_csv
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.scan.scanned_headers import instance_at
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import source_id, source_key
from fastpix.sources.verdict_writing import mark
from fastpix.sources.verdicts import read_verdicts

pytestmark = pytest.mark.usefixtures("in_this_process")

NAMES = Names(b"k" * 32)
AXIAL = ["1", "0", "0", "0", "1", "0"]
DUPLICATE = "SET_DUPLICATE_PIXELS"


class Archive:
    """A folder of images of several devices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(0)
        folder.mkdir()

    def add(self, name: str, cells: Any = None, **attributes: Any) -> Path:
        if cells is None:
            cells = self.rng.integers(0, 4000, (8, 8)).astype(np.uint16)
        attributes = {"SOPInstanceUID": f"1.2.{len(list(self.folder.iterdir()))}"} | attributes
        return self.put(name, encode(make_dataset(cells, **attributes)))

    def put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def audit(self, **options: Any) -> Audit:
        return self.run(**options).audit

    def run(self, **options: Any) -> AuditRun:
        return make_audit(self.folder, NAMES, **options)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "archive")
    for number in range(5):
        archive.add(
            f"ct{number}", Modality="CT", Manufacturer="SIEMENS", ManufacturerModelName="Force",
            SoftwareVersions="VA50", PatientID="1", SeriesInstanceUID="1.9", StudyInstanceUID="1.8",
            RescaleIntercept="-1024", ImagePositionPatient=["0", "0", str(3 * number)],
            ImageOrientationPatient=AXIAL, PixelSpacing=["0.5", "0.6"], SliceThickness="3",
            InstanceNumber=str(number), WindowCenter=["40", "300"], WindowWidth=["400", "1500"],
        )  # fmt: skip
    for number in range(3):
        archive.add(
            f"dx{number}", Modality="DX", Manufacturer="FUJI", PatientID=str(number),
            SeriesInstanceUID=f"2.{number}", PresentationIntentType="FOR PRESENTATION",
            PhotometricInterpretation=f"MONOCHROME{1 + number % 2}", BurnedInAnnotation="NO",
        )  # fmt: skip
    return archive


def of(audit: Audit, **wanted: str) -> SourceRecord:
    (found,) = (
        source
        for source in audit.sources
        if all(getattr(source, name) == value for name, value in wanted.items())
    )
    return found


def findings_of(found: Audit | SourceRecord) -> dict[str, int]:
    return {each.id: each.files for each in found.findings}


def test_counts_and_sources(archive: Archive) -> None:
    report = remove(make_dataset(SOPClassUID=BasicTextSRStorage), "PixelData", "Rows", "Columns")
    archive.put("report", encode(remove(report, "BitsAllocated")))
    archive.put("notes.txt", b"no image at all")
    archive.put("cut", encode(make_dataset(BitsAllocated=12)))
    audit = archive.audit()
    counts = audit.counts
    assert (counts.files, counts.images, counts.not_images, counts.failed) == (11, 8, 2, 1)
    assert (counts.frames, counts.patients, counts.series, counts.studies) == (8, 3, 4, 2)
    assert audit.not_images == {"Basic Text SR Storage": 1, "not DICOM": 1}
    assert list(audit.failures.values()) == [1]
    assert [source.files for source in audit.sources] == [5, 2, 1]
    assert findings_of(audit)["FILE_REPORT"] == 1
    assert findings_of(audit)["HDR_BITS_ALLOCATED_UNUSABLE"] == 1
    assert [phase.name for phase in audit.phases] == ["headers", "pixels", "geometry"]
    assert [phase.things for phase in audit.phases] == [11, 8, 4]


def test_a_source(archive: Archive) -> None:
    source = of(archive.audit(), modality="CT")
    assert (source.manufacturer, source.model, source.software) == ("SIEMENS", "Force", {"VA50": 5})
    assert (source.files, source.images, source.series, source.patients) == (5, 5, 1, 1)
    assert source.status == "unseen"
    assert source.kinds == {"Secondary Capture Image Storage": 5}
    assert source.shapes == {"8 x 8": 5}
    (encoding,) = source.encodings
    assert (encoding.bits_stored, encoding.signed, encoding.files) == (16, False, 5)
    (rescale,) = source.rescales
    assert (rescale.slope, rescale.intercept, rescale.files) == (1, -1024, 5)
    assert source.windows.per_file == {"2": 5}
    assert [(w.center, w.width, w.files) for w in source.windows.used] == [
        (300, 1500, 5), (40, 400, 5),
    ]  # fmt: skip
    geometry = source.geometry
    assert (geometry.series, geometry.volumes, geometry.refused) == (1, 1, 0)
    assert geometry.orientations == {"axial": 1}
    assert geometry.slice_spacing is not None
    assert geometry.slice_spacing.median == 3
    assert geometry.row_spacing is not None
    assert geometry.row_spacing.median == 0.5
    assert source.compression.transfer_syntaxes == {"Explicit VR Little Endian": 5}
    (values,) = source.values
    assert (values.unit, values.images) == ("HU", 5)
    assert len(source.samples) == 5


def test_ids_are_those_of_the_job(archive: Archive) -> None:
    ids = {source.id for source in archive.audit().sources}
    expected = set()
    for path in archive.folder.iterdir():
        with instance_at(str(path)) as instance:
            expected.add(source_id(source_key(instance), NAMES))
    assert ids == expected


def test_samples_are_bounded_and_known(archive: Archive) -> None:
    run = archive.run(samples=2)
    for source in run.audit.sources:
        places = run.samples[source.id]
        assert len(source.samples) == len(places) == min(source.files, 2)
        for record, candidate in zip(source.samples, places, strict=True):
            assert record.name == NAMES.of_path(candidate.file.relative)
    again = archive.audit(samples=2)
    assert again.sources == run.audit.sources
    with pytest.raises(ArgumentError, match="samples"):
        archive.audit(samples=0)


def test_by_other_attributes(archive: Archive) -> None:
    archive.add("new", Modality="CT", Manufacturer="SIEMENS", SoftwareVersions="VB10")
    audit = archive.audit(by=["modality"])
    assert [source.modality for source in audit.sources] == ["CT", "DX"]
    ct = findings_of(audit.sources[0])
    assert ct["SET_SEVERAL_SOFTWARE"] == ct["SET_MIXED_RESCALE"] == 6
    with pytest.raises(ArgumentError, match="by"):
        archive.audit(by=["patient"])


def test_findings_of_many_files(archive: Archive) -> None:
    archive.add("again", Modality="CT", Manufacturer="SIEMENS", SOPInstanceUID="1.2.0")
    archive.add(
        "bits", Modality="CT", Manufacturer="SIEMENS", BitsStored=12, HighBit=11,
    )  # fmt: skip
    audit = archive.audit()
    found = findings_of(audit)
    assert found["SET_DUPLICATE_UID"] == audit.counts.duplicate_uids == 1
    assert found["SET_MIXED_BITS"] == 2
    assert findings_of(of(audit, photometric="MONOCHROME1"))["SET_MIXED_PHOTOMETRIC"] == 2
    assert "SET_MIXED_PHOTOMETRIC" not in findings_of(of(audit, model="Force"))


def test_a_source_on_another_scale(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "x")
    for maker, scale in (("A", 1), ("B", 1), ("C", 16)):
        for number in range(2):
            cells = archive.rng.integers(100, 4000, (8, 8)).astype(np.uint16) * scale
            archive.add(f"{maker}{number}", cells, Modality="CR", Manufacturer=maker)
    audit = archive.audit()
    far = [s.manufacturer for s in audit.sources if "SET_OTHER_SCALE" in findings_of(s)]
    assert far == ["C"]


@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [
        ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "unlikely"),
        ({"Modality": "CT"}, "look"),
        ({"Modality": "US", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "look"),
        (
            {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
             "BurnedInAnnotation": "YES"},
            "look",
        ),
    ],
)  # fmt: skip
def test_burned_in(attributes: dict[str, str], verdict: str, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "x")
    archive.add("a", **attributes)
    (source,) = archive.audit().sources
    assert source.burned_in.verdict == verdict
    assert bool(source.burned_in.reasons) == (verdict == "look")


def test_what_is_new(archive: Archive) -> None:
    old = archive.audit()
    assert compared(archive.audit(), old).changes == ()
    for number in range(5):
        archive.add(
            f"up{number}", np.full((8, 8), 60000, np.uint16), Modality="CT", Manufacturer="SIEMENS",
            ManufacturerModelName="Force", SoftwareVersions="VB10", RescaleIntercept="-1024",
            BitsStored=15, HighBit=14,
        )  # fmt: skip
    archive.add("mr", Modality="MR")
    for path in archive.folder.glob("dx*"):
        path.unlink()
    new = compared(archive.audit(), old)
    assert new.compared_with == old.made
    ct, mr = (of(new, modality=modality).id for modality in ("CT", "MR"))
    kinds = [(change.source, change.kind) for change in new.changes]
    assert (mr, "source") in kinds
    assert (ct, "software") in kinds
    assert (ct, "encoding") in kinds
    assert (ct, "finding") in kinds
    assert (ct, "values") in kinds
    assert [kind for _, kind in kinds].count("gone") == 2
    assert from_json(to_json(new)) == new


@pytest.mark.parametrize("other", [{"key": "x"}, {"by": ("model",)}, {"pseudonymous": True}])
def test_audits_that_cannot_be_compared(other: dict[str, Any], archive: Archive) -> None:
    audit = archive.audit()
    with pytest.raises(FastpixError, match="same"):
        compared(audit, dataclasses.replace(audit, **other))


def test_what_is_written(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit = archive.audit()
    write_audit(with_verdicts(audit, out), out, tables=True)
    assert from_json((out / "audit.json").read_text("utf-8")) == audit
    verdicts = read_verdicts(out / "sources.toml")
    assert verdicts.by == audit.by
    assert verdicts.key == audit.key
    assert set(verdicts.verdicts) == {source.id for source in audit.sources}
    mark(out / "sources.toml", audit.sources[0].id, "accept", by="me")
    again = with_verdicts(audit, out)
    assert [source.status for source in again.sources] == ["accept", "unseen", "unseen"]
    archive.add("mr", Modality="MR")
    with_verdicts(archive.audit(), out)
    verdicts = read_verdicts(out / "sources.toml")
    assert len(verdicts.verdicts) == 4
    assert verdicts.status_of(audit.sources[0].id) == "accept"
    with pytest.raises(FastpixError, match="another key"):
        with_verdicts(dataclasses.replace(audit, key="another"), out)


def test_tables(archive: Archive) -> None:
    audit = archive.audit()
    lines = findings_csv(audit).splitlines()
    assert lines[0].startswith("source,modality")
    assert len(lines) == 1 + sum(len(source.findings) for source in audit.sources)
    archive.put("empty", b"")
    assert findings_csv(archive.audit()).splitlines()[-1] == ",,,,,FILE_EMPTY,error,1"
    lines = samples_csv(audit).splitlines()
    assert len(lines) == 1 + 8
    assert "SIEMENS" not in "".join(lines)


def test_progress(archive: Archive) -> None:
    told: list[tuple[str, int, int | None]] = []
    archive.audit(on_progress=lambda *now: told.append(now))
    assert told[:2] == [("headers", 8, None), ("headers", 8, 8)]
    assert {(phase, total) for phase, _, total in told[2:]} == {("pixels", 8)}
    numbers = [done for _, done, _ in told[2:]]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 8


def test_the_same_pixels_within_a_source_and_from_two(archive: Archive) -> None:
    cells = np.arange(64, dtype=np.uint16).reshape(8, 8)
    archive.add("mr1", cells, Modality="MR", SeriesInstanceUID="3.1")
    archive.add("mr2", cells, Modality="MR", SeriesInstanceUID="3.2")
    archive.add("ot", cells, Modality="OT", SeriesInstanceUID="3.3")
    audit = archive.audit()
    found = {
        record.modality: [each.files for each in record.findings if each.id == DUPLICATE]
        for record in audit.sources
    }
    assert found == {"CT": [], "DX": [], "MR": [2], "OT": [1]}
    assert [each.files for each in audit.findings if each.id == DUPLICATE] == [3]


def test_what_cannot_be_opened_is_not_called_empty(archive: Archive) -> None:
    (archive.folder / "link").symlink_to(archive.folder / "nowhere")
    (archive.folder / "loop").symlink_to(archive.folder / "loop")
    archive.put("empty", b"")
    audit = archive.audit()
    found = findings_of(audit)
    assert (found["FILE_EMPTY"], found["FILE_UNREADABLE"]) == (1, 2)
    assert set(audit.failures) == {
        "FileNotFoundError: No such file or directory",
        "OSError: Too many levels of symbolic links",
        "the file is empty",
    }


def test_values_beyond_float32_cost_one_image(archive: Archive) -> None:
    archive.add("huge", Modality="PT", RescaleSlope="1e300", RescaleIntercept="0")
    archive.add("double", np.arange(64).reshape(8, 8) * 1e300, Modality="NM")
    run = archive.run(pictures=True)
    assert sum(map(len, run.pictures.values())) == 8
    for modality in ("PT", "NM"):
        source = of(run.audit, modality=modality)
        assert findings_of(source)["PIX_BEYOND_FLOAT32"] == 1
        (sample,) = source.samples
        assert sample.error == "InexactError: a value cannot be held by float32"


@pytest.mark.parametrize(
    "place",
    ["file_facts.extra_values", "sampled_pixels.extra_values", "sampled_source.picture_of"],
)
def test_a_fault_of_ours_costs_one_file(
    place: str, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = f"fastpix.audit.{place}".rsplit(".", 1)
    real, calls = getattr(importlib.import_module(module), name), itertools.count()

    def fails_once(*arguments: Any) -> Any:
        if next(calls) == 3:
            raise IndexError("of 'Doe^John'")
        return real(*arguments)

    monkeypatch.setattr(f"fastpix.audit.{place}", fails_once)
    audit = archive.audit(pictures=True)
    assert audit.counts.failed + sum(bool(s.error) for r in audit.sources for s in r.samples) == 1
    assert findings_of(audit)["FILE_CRASHES"] == 1
    assert "IndexError: unexpected, at " in to_json(audit)
    assert "Doe" not in to_json(audit)


def test_a_fault_of_ours_costs_one_series(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise IndexError("of 'Doe^John'")

    monkeypatch.setattr("fastpix.audit.series_planes.group_planes", fails)
    audit = archive.audit()
    assert findings_of(audit)["GEO_OTHER"] == 4
    assert "Doe" not in to_json(audit)
