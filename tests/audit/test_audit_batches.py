"""An audit in batches: the same whatever they are, resumed, and safe from files that kill."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.sizes import cases, in_the_gate

from fastpix.audit import audit_workers, auditing
from fastpix.audit.audit_job import AuditJob
from fastpix.audit.audit_workers import headers, headers_isolated, samples_isolated
from fastpix.audit.auditing import make_audit
from fastpix.audit.header_batches import header_batches
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.kept_batches import KeptBatches
from fastpix.audit.record import Audit
from fastpix.audit.record_json import to_json
from fastpix.audit.sampled_source import SourceBatch
from fastpix.audit.sampling import Candidate
from fastpix.job.engines import isolated
from fastpix.job.items import Batch, Item, SourceFile
from fastpix.job.scan.item_stream import file_items
from fastpix.pseudonyms import Names

KEY = b"k" * 32
NAMES = Names(KEY)
JOB = AuditJob(KEY)
SECRET = "Zq7Xw"
AXIAL = ["1", "0", "0", "0", "1", "0"]

Audited = Callable[..., str]


def write_archive(folder: Path, patients: int) -> None:
    """Write images of some devices, in series of four, among files that are none, or broken."""
    rng = np.random.default_rng(7)
    folder.mkdir()
    for number in range(4 * patients):
        patient, plane = divmod(number, 4)
        device, odd = patient % 3, patient % 5
        dataset = make_dataset(
            rng.integers(0, 2000, (8, 8)).astype(np.uint16), Modality="CT",
            Manufacturer=("SIEMENS", "ACME", "acme")[device], PatientID=f"{SECRET}{patient}",
            SeriesInstanceUID=f"1.2.999.9.{patient}", StudyInstanceUID=f"1.2.999.8.{patient}",
            SOPInstanceUID=f"1.2.999.7.{number if odd else 0}", SoftwareVersions=f"V{patient % 4}",
            RescaleIntercept=("-0", "0", "-1024")[patient % 3], ImageOrientationPatient=AXIAL,
            ImagePositionPatient=["0", "0", str(2 * plane)], PixelSpacing=["0.5", f"0.{1 + odd}"],
            WindowCenter=str(patient), WindowWidth="400", SliceThickness="2",
        )  # fmt: skip
        if patient % 7 == 6:
            dataset.BitsAllocated = 12
        (folder / f"{SECRET}-{number:04}.dcm").write_bytes(encode(dataset))
    (folder / "notes.txt").write_text("no image")
    (folder / "empty.dcm").touch()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "archive"
    write_archive(folder, cases(360))
    return folder


def text_of(audit: Audit) -> str:
    return to_json(replace(audit, made="", phases=()))


@pytest.fixture
def audited(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Audited:
    """Audit the archive in batches of a mean size, and in an order that a seed decides."""

    def run(mean: int = 512, order: int | None = None, **options: Any) -> str:
        def items(files: Any, names: Names) -> Iterator[Item]:
            found = list(file_items(files, names))
            if order is not None:
                random.Random(order).shuffle(found)
            yield from found

        monkeypatch.setattr(auditing, "file_items", items)
        monkeypatch.setattr(auditing, "header_batches", partial(header_batches, mean=mean))
        return text_of(make_audit(archive, NAMES, samples=5, **options).audit)

    return run


@pytest.mark.usefixtures("in_this_process")
def test_the_same_whatever_batches_and_order_are(audited: Audited) -> None:
    expected = audited()
    assert '"duplicate_uids": ' in expected
    assert '"duplicate_uids": 0' not in expected
    for mean, order in [(1, None), (3, 1), (20, 2)]:
        assert audited(mean, order, workers=2) == expected


def test_the_same_in_processes(audited: Audited, request: pytest.FixtureRequest) -> None:
    found = audited(20, workers=2)
    request.getfixturevalue("in_this_process")
    assert found == audited()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, in_this_process: None) -> list[int]:
    """How many headers were read in each batch."""
    found: list[int] = []

    def counted(batch: Batch, *arguments: Any, **options: Any) -> HeaderCounts:
        found.append(batch.files)
        return headers(batch, *arguments, **options)

    monkeypatch.setattr(audit_workers, "headers", counted)
    return found


def test_files_that_have_not_changed_are_not_read_again(
    archive: Path, audited: Audited, reads: list[int], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = audited(8, state=state)
    total = len(list(archive.iterdir()))
    assert sum(reads) == total
    reads.clear()
    assert audited(8, state=state) == first
    assert reads == []
    new = archive / "new.dcm"
    new.write_bytes(encode(make_dataset(Modality="MR")))
    try:
        grown = audited(8, state=state)
        assert 1 <= sum(reads) <= total / 3
        assert grown == audited(8)
    finally:
        new.unlink()
    reads.clear()
    audited(8, state=state, seed=1)
    assert sum(reads) == total
    kept = len(list(state.iterdir()))
    assert kept == len(reads)  # what other settings had kept is gone


def test_what_is_kept_names_nobody_and_is_sealed(
    archive: Path, audited: Audited, reads: list[int], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = audited(8, state=state)
    assert state.stat().st_mode & 0o777 == 0o700
    for path in state.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        data = path.read_bytes()
        for marker in (SECRET.encode(), b".dcm", b"1.2.999", str(archive).encode()):
            assert marker not in data
        path.write_bytes(data[:-1])
    reads.clear()
    assert audited(8, state=state) == first
    assert len(reads) == len(list(state.iterdir()))


def test_a_file_that_cannot_be_read_now_is_tried_again(
    archive: Path, audited: Audited, reads: list[int], tmp_path: Path
) -> None:
    link = archive / "link.dcm"
    link.symlink_to(tmp_path / "nowhere")
    try:
        first = audited(1, state=tmp_path / "state")
        reads.clear()
        assert audited(1, state=tmp_path / "state") == first
        assert reads == [1]
    finally:
        link.unlink()


KILLED = """
import os, signal, sys
from functools import partial
from fastpix.audit import auditing
from fastpix.audit.audit_workers import headers
from fastpix.audit.header_batches import header_batches
from fastpix.pseudonyms import Names

auditing.run_guarded = lambda batch, job, report, functions: headers(batch, job, report=report)
auditing.header_batches = partial(header_batches, mean=4)

def die(phase, done, total):
    if done > int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

auditing.make_audit(sys.argv[1], Names(b"k" * 32), samples=5, state=sys.argv[2], on_progress=die)
"""


def test_an_audit_that_was_killed_goes_on(
    archive: Path, audited: Audited, reads: list[int], tmp_path: Path
) -> None:
    total = len(list(archive.iterdir()))
    state = tmp_path / "state"
    arguments = [str(archive), str(state), str(total // 2)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True)
    assert done.returncode == -9, done.stderr
    found = audited(4, state=state)
    assert 0 < sum(reads) <= total - total // 2
    assert found == audited(4)


def test_new_files_change_one_batch_alone() -> None:
    def batches(numbers: list[int]) -> set[str]:
        files = (SourceFile(f"/{k}", str(k), 1, 1) for k in numbers)
        return {batch.id for batch in header_batches(file_items(files, NAMES), JOB.id, mean=8)}

    before = batches(list(range(300)))
    assert 20 < len(before) < 80
    numbers = list(range(300))
    numbers.insert(150, 1000)
    assert len(batches(numbers) - before) <= 2
    assert len(batches(numbers[:200]) - before) <= 3
    files = (SourceFile(f"/{k}", str(k), 1, 1) for k in range(100))
    sizes = [each.files for each in header_batches(file_items(files, NAMES), "", most=10)]
    assert max(sizes) <= 10
    assert sum(sizes) == 100


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """A batch of three images; what reads the first one dies."""
    monkeypatch.setattr(isolated, "_DEATHS", 1)  # starting processes takes long
    items: list[Item] = []
    for number, name in enumerate(("DEADLY", "SOUND", "WHOLE")):
        path = tmp_path / str(number)
        data = encode(make_dataset(Modality="CT", Manufacturer="A", DeviceSerialNumber=name))
        path.write_bytes(data)
        items += file_items([SourceFile(str(path), str(number), len(data), 1)], NAMES)
    return Batch(0, "", tuple(items))


def test_a_header_that_kills_costs_one_file(deadly: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_workers, "_HEADER", "support.child_functions:header_or_die")
    told: list[int] = []
    found = headers_isolated(deadly, JOB, report=told.append)
    assert (found.files, found.images, found.failed) == (3, 2, 1)
    assert found.findings.files == {"FILE_CRASHES": 1}
    assert found.failures.texts() == {"the process reading it was killed by SIGSEGV": 1}
    assert found.size == sum(item.files[0].size for item in deadly.items)
    assert told == [1, 2, 3]


@in_the_gate
def test_a_sample_that_kills_costs_one_file(deadly: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_workers, "_SAMPLE", "support.child_functions:sample_or_die")
    samples = tuple(Candidate(0, item.name, item.files[0], "p", "s") for item in deadly.items)
    files = tuple(item.files[0] for item in deadly.items)
    found = samples_isolated(SourceBatch("x", samples, (files,)), JOB, report=lambda _: None)
    assert [bool(each.error) for each in found.pixels.records] == [True, False, False]
    assert found.pixels.findings.files["FILE_CRASHES"] == 1
    assert found.geometry.series == 1


def test_arguments(archive: Path) -> None:
    wrongs: list[dict[str, Any]] = [{"workers": 0}, {"timeout": 0}, {"samples": 0}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            make_audit(archive, NAMES, **wrong)


def test_what_is_kept_has_its_folder_before_files_are_looked_for(tmp_path: Path) -> None:
    folder = tmp_path / "out.state"  # a walk leaves out what is there, and may be around it
    KeptBatches(folder, AuditJob(b"k" * 32))
    assert folder.stat().st_mode & 0o777 == 0o700
