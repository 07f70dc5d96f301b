"""Tables of an audit with technical values only: numbers, terms of the standard, keyed names."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fastpix.audit.findings import CATALOGUE
from fastpix.audit.record import Audit

_SOURCE = ("id", "modality", "photometric", "presentation", "files")
_SAMPLE = (
    "name", "series", "patient", "frame", "transfer_syntax", "unit", "min", "max", "mean", "std",
    "low", "high", "padding",
)  # fmt: skip


def findings_csv(audit: Audit) -> str:
    """Return how many files of each source have each finding, a line for each pair.

    Files of no source, such as those that cannot be read, come last, without one.

    Parameters
    ----------
    audit : Audit
    """
    rows: list[list[Any]] = [
        [
            *(getattr(record, name) for name in _SOURCE),
            each.id,
            CATALOGUE[each.id].weight,
            each.files,
        ]
        for record in audit.sources
        for each in record.findings
    ]
    of_sources = Counter[str]()
    for record in audit.sources:
        of_sources.update({each.id: each.files for each in record.findings})
    rows += [
        [*[""] * len(_SOURCE), each.id, CATALOGUE[each.id].weight, each.files - of_sources[each.id]]
        for each in audit.findings
        if each.files > of_sources[each.id]
    ]
    return _csv(["source", *_SOURCE[1:], "finding", "weight", "found"], rows)


def samples_csv(audit: Audit) -> str:
    """Return the sampled images, a line for each.

    Parameters
    ----------
    audit : Audit
    """
    rows = [
        [
            *(getattr(record, name) for name in _SOURCE[:4]),
            *(getattr(sample, name) for name in _SAMPLE),
            "x".join(map(str, sample.shape)), ";".join(sample.findings), sample.error,
        ]
        for record in audit.sources
        for sample in record.samples
    ]  # fmt: skip
    return _csv(["source", *_SOURCE[1:4], *_SAMPLE, "shape", "findings", "error"], rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
