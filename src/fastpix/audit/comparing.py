"""What is new since an earlier audit: a software update on a scanner changes a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fastpix.audit.record import Audit, Change, SourceRecord, Values
from fastpix.errors import FastpixError
from fastpix.sources.source_key import legible

_MOVED = 0.2  # of the range between percentiles 0.5 and 99.5
_ENDS = ("0.5", "99.5")


def check_comparable(old: Audit, by: Sequence[str], key: str, pseudonymous: bool) -> None:
    """Refuse an earlier audit that one of now cannot be compared with.

    Parameters
    ----------
    old : Audit
    by : sequence of str
        The attributes that tell sources apart now.
    key : str
        Fingerprint of the key of now.
    pseudonymous : bool

    Raises
    ------
    FastpixError
        Its ids were made with another key or other attributes, or its names in another way.
    """
    if key != old.key or tuple(by) != old.by:
        raise FastpixError(
            "the earlier audit has ids of another key, or other attributes tell its sources "
            "apart: use the same --key-file and --by"
        )
    if pseudonymous != old.pseudonymous:
        raise FastpixError("one of the two audits is pseudonymous: make both in the same way")


def compared(new: Audit, old: Audit) -> Audit:
    """Return an audit with what is new in it since an earlier one.

    Parameters
    ----------
    new, old : Audit

    Raises
    ------
    FastpixError
        Their ids were made with different keys or attributes, or names in different ways.
    """
    check_comparable(old, new.by, new.key, new.pseudonymous)
    before = {record.id: record for record in old.sources}
    changes: list[Change] = []
    for record in new.sources:
        known = before.pop(record.id, None)
        if known is None:
            changes.append(Change(record.id, "source", f"a new source, of {record.files} files"))
        else:
            changes += _of_source(record, known)
    changes += [
        Change(record.id, "gone", f"no file of it any more; there were {record.files}")
        for record in before.values()
    ]
    known_ids = {each.id for each in old.findings}
    of_sources = {each.id for record in new.sources for each in record.findings}
    changes += [
        Change("", "finding", f"{each.id}, in {each.files} files")
        for each in new.findings
        if each.id not in known_ids | of_sources
    ]
    return replace(new, compared_with=old.made, changes=tuple(changes))


def _of_source(new: SourceRecord, old: SourceRecord) -> Iterator[Change]:
    for version, files in new.software.items():
        if version not in old.software:
            name = legible(version) or "no version"
            yield Change(new.id, "software", f"software {name}, in {files} files")
    known = {each.id for each in old.findings}
    for finding in new.findings:
        if finding.id not in known:
            yield Change(new.id, "finding", f"{finding.id}, in {finding.files} files")
    encodings = {replace(each, files=0) for each in old.encodings}
    for encoding in new.encodings:
        if replace(encoding, files=0) not in encodings:
            sign = "signed" if encoding.signed else "unsigned"
            text = f"{encoding.bits_stored} of {encoding.bits_allocated} bits, {sign}"
            yield Change(new.id, "encoding", f"cells of {text}, in {encoding.files} files")
    if new.polarity.verdict != old.polarity.verdict:
        text = f"polarity: {old.polarity.verdict} before, {new.polarity.verdict} now"
        yield Change(new.id, "polarity", text)
    before = {values.unit: values for values in old.values}
    for values in new.values:
        if values.unit not in before:
            yield Change(new.id, "values", f"values in another unit: {values.unit}")
        elif text := _moved(values, before[values.unit]):
            yield Change(new.id, "values", text)


def _moved(new: Values, old: Values) -> str:
    """Return how far the median, or an end, has moved; empty where it has not moved far."""
    if not all(end in each.percentiles for end in (*_ENDS, "50") for each in (new, old)):
        return ""
    whole = old.percentiles["99.5"] - old.percentiles["0.5"]
    for name, word in (("50", "median"), ("0.5", "percentile 0.5"), ("99.5", "percentile 99.5")):
        before, now = old.percentiles[name], new.percentiles[name]
        if abs(now - before) > _MOVED * whole:
            return f"the {word} of values was {before:g}, and is {now:g} {new.unit}"
    return ""
