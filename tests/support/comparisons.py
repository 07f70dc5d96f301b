"""Made records of comparisons: every reader, every part, names that pages have to escape."""

from __future__ import annotations

from dataclasses import replace

from fastpix.compare.comparison import (
    Comparison,
    GroupRecord,
    Machine,
    Options,
    PartName,
    PartRecord,
    ReaderRecord,
)

HOSTILE = "<script>alert('x')</script>&\"'"
MACHINE = Machine("AMD EPYC 9R14", 2, 8_000_000_000, "Linux x86_64", "3.11.7", "2.4.6")


def reader(name: str, ratio: float, **changes: object) -> ReaderRecord:
    """Return a reader that takes so many times as long as fastpix."""
    passes = tuple(ratio * share for share in (1.31, 1.01, 1.0, 0.98, 1.0))
    made = ReaderRecord(
        reader=name, version="1.2.3", installed=True, read=600, failed=2, differing=0, kinds={},
        milliseconds=2.5 * ratio, megabytes_per_second=800 / ratio, ratio=ratio,
        ratio_quartiles=(0.7 * ratio, 1.6 * ratio), pass_seconds=passes,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def part(name: PartName) -> PartRecord:
    """Return a part with readers that are faster, slower, failing and missing."""
    kinds = {"failed: ValueError": 12, "rounding": 3, HOSTILE: 1}
    readers = (
        reader("fastpix", 1.0, ratio_quartiles=(1.0, 1.0), failed=0),
        reader("pydicom", 5.1, failed=12, differing=4, kinds=kinds, version="3.0.2"),
        reader("dicomsdl", 0.83, version=HOSTILE),
        reader("SimpleITK", 41.0, pass_seconds=(41.0, 41.5, 40.9, 88.0, 41.2)),
        ReaderRecord(reader="pydcm", version="", installed=False),
    )
    groups = (
        GroupRecord("1.2.840.10008.1.2.1 (Explicit VR Little Endian)", 560,
                    {"pydicom": 12.4, "dicomsdl": 1.9, "SimpleITK": 61.0}),
        GroupRecord("1.2.840.10008.1.2.4.90 (JPEG 2000 Lossless)", 40, {"pydicom": 1.02,
                    "dicomsdl": 0.83}),
        GroupRecord(HOSTILE, 2, {"pydicom": 3.0}),
    )  # fmt: skip
    return PartRecord(name, 5, 602, readers, groups)


def comparison(*names: PartName, made: str = "2026-11-28T11:00:00Z") -> Comparison:
    """Return a comparison with these parts."""
    return Comparison(made, MACHINE, Options(), tuple(map(part, names)))
