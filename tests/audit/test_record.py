"""`Audit`: to strict JSON and back."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from fastpix.audit.record import (
    Audit,
    Compression,
    Counts,
    DecoderDifference,
    Evidence,
    FindingCount,
    Histogram,
    Polarity,
    SampleRecord,
    SourceRecord,
    Spread,
    Values,
)
from fastpix.audit.record_json import from_json, to_json
from fastpix.errors import FastpixError

VALUES = Values(
    "HU", 2, 8, 0, 0, -1024.0, 3.0, 0.5, 1.25, {"50": 0.1}, histogram=Histogram(0.0, 0.5, (1, 2))
)
SOURCE = SourceRecord(
    "0123456789abcdef", "Maker", "Môdel", {"v1": 3}, "CT", "MONOCHROME2", "", 3, 4, 1, 1, 1,
    status="invert",
    polarity=Polarity("agrees", 0.25, (Evidence("border", "for", None, "dark", 1.5),)),
    values=(VALUES,),
    compression=Compression(
        ratio=Spread(2, 1.0, 2.0, 3.0), differences=(DecoderDifference("a", "b", "J", 1, 1, 2, 0),)
    ),
    findings=(FindingCount("HDR_WINDOW", 3, {"text": 3}),),
    samples=(SampleRecord("n", "s", "p", (2, 3), 0, "MONOCHROME2", "JPEG", "HU", low=1.0),),
)  # fmt: skip
AUDIT = Audit("x", "", "", (), False, 12, 0, "key", Counts(files=3))  # type: ignore[arg-type]
AUDIT = dataclasses.replace(AUDIT, version=1, by=("manufacturer", "model"), sources=(SOURCE,))


def test_there_and_back() -> None:
    assert from_json(to_json(AUDIT)) == AUDIT


def test_the_order_is_that_of_the_model() -> None:
    found = json.loads(to_json(AUDIT))
    assert list(found) == [each.name for each in dataclasses.fields(Audit)]
    (source,) = found["sources"]
    assert list(source) == [each.name for each in dataclasses.fields(SourceRecord)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_number_that_json_does_not_know(number: float) -> None:
    values = dataclasses.replace(VALUES, mean=number)
    source = dataclasses.replace(SOURCE, values=(values,))
    text = to_json(dataclasses.replace(AUDIT, sources=(source,)))
    found = from_json(text)
    assert found.sources[0].values[0].mean is None
    assert "NaN" not in text
    assert "Infinity" not in text


def test_what_a_later_writer_adds_is_left_out() -> None:
    found = json.loads(to_json(AUDIT))
    found["later"] = found["sources"][0]["later"] = 1
    assert from_json(json.dumps(found)) == AUDIT


def _without(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(AUDIT))
    del found[name]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"version": 2}', b"\xff\xfe{", "[" * 100_000,
        json.dumps(_without("counts")),
        to_json(AUDIT).replace('"agrees"', '"maybe"'),
        to_json(AUDIT).replace('"files": 3', '"files": "3"'),
        to_json(AUDIT).replace('"samples": 12', '"samples": true'),
    ],
)  # fmt: skip
def test_what_is_no_audit_is_refused(text: str | bytes) -> None:
    with pytest.raises(FastpixError, match=r"no audit\.json"):
        from_json(text)
