"""What was measured to a record: counts, medians and quartiles over items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median, quantiles

from fastpix.compare.comparison import GroupRecord, PartRecord, ReaderRecord
from fastpix.compare.measure import ComparedItem, Measurement, Reading
from fastpix.compare.readers import FASTPIX, Reader


def part_record(measurement: Measurement) -> PartRecord:
    """Return what a measurement found, as far as it came."""
    compared = [one for one in measurement.compared if one.is_compared]
    return PartRecord(
        measurement.part.name,
        measurement.passes,
        len(compared),
        tuple(
            reader_record(reader, compared, measurement.passes) for reader in measurement.readers
        ),
        _groups(measurement, compared),
    )


def reader_record(reader: Reader, items: Iterable[ComparedItem], passes: int) -> ReaderRecord:
    """Return how a reader did on the items that any reader reads."""
    if not reader.is_present():
        return ReaderRecord(reader.name, installed=False)
    read = failed = differing = nbytes = 0
    kinds: Counter[str] = Counter()
    times: list[float] = []
    ratios: list[float] = []
    seconds = [0.0] * passes
    for one in items:
        reading = one.readings[reader.name]
        if reading.failure is not None:
            failed += 1
            kinds[f"failed: {reading.failure.kind}"] += 1
            continue
        read += 1
        if reading.difference is not None:
            differing += 1
            kinds[reading.difference.kind] += 1
        if not reading.nanoseconds:
            continue
        times.append(median(reading.nanoseconds.values()))
        nbytes += reading.nbytes
        if (ratio := _ratio(reading, one.readings[FASTPIX])) is not None:
            ratios.append(ratio)
        for number in range(passes):
            seconds[number] += reading.nanoseconds[number] / 1e9
    return ReaderRecord(
        reader.name,
        reader.version(),
        read=read,
        failed=failed,
        differing=differing,
        kinds=dict(kinds.most_common()),
        milliseconds=median(times) / 1e6 if times else None,
        megabytes_per_second=nbytes / sum(times) * 1e3 if times else None,
        ratio=median(ratios) if ratios else None,
        ratio_quartiles=_quartiles(ratios),
        pass_seconds=tuple(seconds) if times else (),
    )


def _ratio(theirs: Reading, ours: Reading) -> float | None:
    """Return the median over passes of one reader's time by fastpix's in the same pass."""
    pairs = [
        nanoseconds / ours.nanoseconds[number]
        for number, nanoseconds in theirs.nanoseconds.items()
        if number in ours.nanoseconds
    ]
    return median(pairs) if pairs else None


def _quartiles(ratios: Sequence[float]) -> tuple[float, float] | None:
    if not ratios:
        return None
    if len(ratios) == 1:
        return ratios[0], ratios[0]
    first, _, third = quantiles(ratios, n=4, method="inclusive")
    return first, third


def _groups(measurement: Measurement, compared: Sequence[ComparedItem]) -> tuple[GroupRecord, ...]:
    groups: dict[str, list[ComparedItem]] = {}
    for one in compared:
        groups.setdefault(measurement.part.group_of(one.item), []).append(one)
    others = [r.name for r in measurement.readers if r.name != FASTPIX and r.is_present()]
    records = []
    for group, items in groups.items():
        found: dict[str, float] = {}
        for name in others:
            each = (_ratio(one.readings[name], one.readings[FASTPIX]) for one in items)
            if ratios := [ratio for ratio in each if ratio is not None]:
                found[name] = median(ratios)
        records.append(GroupRecord(group, len(items), found))
    return tuple(sorted(records, key=lambda record: (-record.items, record.group)))
