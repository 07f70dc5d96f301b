"""An audit of many small files, beside a scan that reads the same headers.

    python benchmarks/bench_audit.py                   # 5,000 files
    python benchmarks/bench_audit.py --files 100000 --rounds 3 --place /scratch

The files are copies of the CT and the MR slice that pydicom ships, with UIDs, patients and
positions of their own: six sources, series of 50. A scan (``fastpix scan --headers``) and audits
take turns, each in a process of its own; nothing is kept between them, except for the last one,
which finds what the one before it has kept. Counts are held against what was written before any
time is shown.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import pydicom
from pydicom.data import get_testdata_file
from rich.console import Console
from rich.table import Table

from fastpix.audit.audit_files import with_verdicts, write_audit
from fastpix.audit.auditing import make_audit
from fastpix.audit.record import Audit
from fastpix.job.scan import open_sources
from fastpix.job.scan.scan_file import write_scan
from fastpix.pseudonyms import Names

SLICES = 50  # of a series
SERIES = 2  # of a patient
MAKERS = "ACME", "SIEMENS", "Philips"
ROOT = "1.2.826.0.1.3680043.8.498."
NUMBERED = {"SOPInstanceUID": 1, "SeriesInstanceUID": 2, "StudyInstanceUID": 3, "PatientID": 4}
POSITION = "7777.5"  # of the slice, in the template
GOAL = 1.3  # of a scan


def template(name: str, maker: str) -> bytes:
    """Return a file with numbers in place of what tells files apart."""
    path = get_testdata_file(name)
    assert path is not None
    dataset = pydicom.dcmread(path)
    for keyword, number in NUMBERED.items():
        uid = keyword.endswith("UID")
        setattr(dataset, keyword, f"{ROOT if uid else ''}{number}{0:011}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Manufacturer = maker
    position = list(map(str, dataset.ImagePositionPatient))
    dataset.ImagePositionPatient = [*position[:2], POSITION]
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def write_files(folder: Path, files: int) -> None:
    """Write the files: a folder for each series."""
    kinds = [template(n, maker) for n in ("CT_small.dcm", "MR_small.dcm") for maker in MAKERS]
    parts = [_parts_of(each) for each in kinds]
    for start in range(0, files, SLICES):
        series = start // SLICES
        patient = series // SERIES
        place = folder / f"{patient:06}" / f"{series:06}"
        place.mkdir(parents=True)
        for number in range(start, min(start + SLICES, files)):
            told = {b"1": number, b"2": series, b"3": patient, b"4": patient}
            pieces = [
                part if part[1:] != b"0" * 11 else part[:1] + b"%011d" % told[part[:1]]
                for part in parts[patient % len(parts)]
            ]
            position = b"%06.1f" % (number % SLICES)
            data = b"".join(pieces).replace(POSITION.encode(), position)
            (place / f"{number:08}.dcm").write_bytes(data)


def _parts_of(data: bytes) -> list[bytes]:
    """Return a file cut before and after each of its numbers."""
    found: list[bytes] = []
    rest = data
    while True:
        places = [
            at for n in b"1234" if (at := rest.find(bytes([n]) + b"0" * 11)) >= 0
        ]  # fmt: skip
        if not places:
            return [*found, rest]
        at = min(places)
        found += [rest[:at], rest[at : at + 12]]
        rest = rest[at + 12 :]


def check(audit: Audit, files: int) -> None:
    """Hold an audit against what was written."""
    series = -(-files // SLICES)
    patients = -(-series // SERIES)
    counts = audit.counts
    found = counts.files, counts.images, counts.series, counts.studies, counts.patients
    assert found == (files, files, series, patients, patients), found
    assert (counts.failed, counts.duplicate_uids, counts.not_images) == (0, 0, 0)
    assert len(audit.sources) == min(patients, 2 * len(MAKERS))
    assert sum(source.geometry.refused for source in audit.sources) == 0
    assert all(source.geometry.volumes for source in audit.sources)


def run_here(what: str, source: Path, place: Path, files: int, workers: int) -> dict[str, Any]:
    """Scan, or audit, in this process; return what it took."""
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    if what == "scan":
        assert write_scan(open_sources(source), place / "scan.parquet", headers=True) == files
        phases = {}
    else:
        state = place / "state" if what == "kept" else None
        audit = make_audit(source, Names(b"k" * 32), workers=workers, state=state).audit
        out = place / "out"
        write_audit(with_verdicts(audit, out), out)
        check(audit, files)
        phases = {each.name: each.seconds for each in audit.phases}
        phases["size"] = (out / "audit.json").stat().st_size / 1e6
    wall = time.perf_counter() - start
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    return phases | {
        "wall": wall, "cpu": cpu, "memory": own.ru_maxrss / 1e3, "workers": others.ru_maxrss / 1e3,
    }  # fmt: skip


def run(what: str, source: Path, place: Path, files: int, workers: int) -> dict[str, Any]:
    """Do the same in a process of its own."""
    command = [sys.executable, __file__, "--one", what, "--files", str(files), "--place"]
    command += [str(place), "--source", str(source), "--workers", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(files: int, rounds: int, place: Path) -> Table:
    """Return the table; all that is written lies in a folder, and is removed."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        source = folder / "source"
        write_files(source, files)
        members: dict[str, Callable[[], dict[str, Any]]] = {
            "scan --headers": lambda: run("scan", source, folder, files, 1),
            "audit, 1 worker": lambda: run("audit", source, folder, files, 1),
            "audit, 2 workers": lambda: run("audit", source, folder, files, 2),
        }
        found: dict[str, list[dict[str, Any]]] = {each: [] for each in members}
        members["scan --headers"]()  # all files are in the page cache
        for number in range(rounds):
            names = list(members)[:: 1 if number % 2 else -1]
            for each in names:
                found[each].append(members[each]())
                shutil.rmtree(folder / "out", ignore_errors=True)
        run("kept", source, folder, files, 2)
        found["audit again, nothing new"] = [run("kept", source, folder, files, 2)]
        return _table(found, files)


def _table(found: dict[str, list[dict[str, Any]]], files: int) -> Table:
    table = Table(title=f"{files:,} files: {_machine()}", title_justify="left")
    headings = (
        "wall, s", "of it headers", "headers / scan", "CPU, s", "CPU / scan",
        "workers: pixels, s", "geometry, s", "driver, MB", "a worker, MB", "audit.json, MB",
    )  # fmt: skip
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")
    scans = found["scan --headers"]
    for name, runs in found.items():

        def middle(key: str, runs: list[dict[str, Any]] = runs) -> float:
            return float(median(each.get(key, each["wall"]) for each in runs))

        pairs = list(zip(runs, scans, strict=False))
        ratio = median(a.get("headers", a["wall"]) / b["wall"] for a, b in pairs)
        in_cpu = median(a["cpu"] / b["cpu"] for a, b in pairs)
        cells = [
            f"{middle('wall'):.2f}", f"{middle('headers'):.2f}", f"{ratio:.2f}",
            f"{middle('cpu'):.2f}", f"{in_cpu:.2f}",
        ]  # fmt: skip
        if "pixels" in runs[0]:
            cells += [f"{middle('pixels'):.2f}", f"{middle('geometry'):.2f}"]
            cells += [f"{middle('memory'):.0f}", f"{middle('workers'):.0f}"]
            cells += [f"{middle('size'):.2f}"]
        else:
            cells += ["", "", f"{middle('memory'):.0f}", "", ""]
        table.add_row(name, *cells)
    return table


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pydicom"))
    return f"{datetime.date.today()}, Python {platform.python_version()}, {packages}"


def test_counts_of_an_audit(tmp_path: Path) -> None:
    write_files(tmp_path / "source", 700)
    check(make_audit(tmp_path / "source", Names(b"k" * 32), workers=1).audit, 700)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=5000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--place", type=Path, help="folder for the files")
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        found = run_here(chosen.one, chosen.source, chosen.place, chosen.files, chosen.workers)
        print(json.dumps(found))
        return
    Console(width=170).print(measure(chosen.files, chosen.rounds, chosen.place))


if __name__ == "__main__":
    main()
