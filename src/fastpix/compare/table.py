"""What a person sees of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.table import Table

from fastpix.compare.comparison import PartRecord, ReaderRecord
from fastpix.compare.measure import Measurement, Reading
from fastpix.compare.parts import PARTS
from fastpix.compare.readers import FASTPIX
from fastpix.notes import count_of

_MOST_GROUPS = 20  # in a table; the record has all


def tables_of(measurement: Measurement, record: PartRecord) -> Iterator[Table]:
    """Yield how every reader did, where they differ from fastpix, and the ratios of each kind.

    Parameters
    ----------
    measurement : Measurement
        For what was not compared, and how to install a reader.
    record : PartRecord
        Of it.
    """
    part = measurement.part
    table = Table(title=title_of(measurement), title_justify="left")
    table.add_column("reader")
    table.add_column("version", overflow="fold")
    cost = "a file" if part.name == "images" else f"a {part.one}"
    for heading in (
        "read",
        "failed",
        "differ",
        f"ms {cost}",
        "MB/s",
        "time / fastpix's",
        "quartiles",
    ):
        table.add_column(heading, justify="right")
    versions = {reader.name: reader.version() for reader in measurement.readers}
    for each in record.readers:
        cells = _cells(each) if each.installed else [""] * 7
        table.add_row(each.reader, versions[each.reader], *cells)
    if record.passes:
        table.caption = (
            f"Medians over {part.many} of medians of {count_of(record.passes, 'pass', 'passes')}, "
            f"where a reader gives fastpix's shape. MB/s: of values as float32."
        )
        table.caption_justify = "left"
    yield table
    if any(each.kinds for each in record.readers):
        yield _kinds_table(record)
    if any(group.ratios for group in record.groups) and len(record.groups) > 1:
        yield _groups_table(record)


def title_of(measurement: Measurement) -> str:
    """Return how much was compared, and how much was not, in a line."""
    part, items = measurement.part, measurement.compared
    compared = sum(one.is_compared for one in items)
    refused = sum(one.is_refused for one in items)
    without = sum(not one.readings for one in items)
    text = f"{count_of(compared, part.one, part.many)} compared"
    if refused:
        text += f"; {count_of(refused, part.one, part.many)} that no reader reads"
    if without:
        text += f"; {count_of(without, 'file')} without an image"
    return "; ".join([text, *measurement.remarks])


def _cells(record: ReaderRecord) -> list[str]:
    quartiles = record.ratio_quartiles
    return [
        str(record.read),
        str(record.failed),
        str(record.differing),
        number(record.milliseconds),
        number(record.megabytes_per_second),
        _times(record.ratio),
        "-" if quartiles is None else f"{number(quartiles[0])} to {number(quartiles[1])}×",
    ]


def _times(ratio: float | None) -> str:
    return number(ratio) + ("" if ratio is None else "×")


def number(value: float | None) -> str:
    """Return three significant digits, and never an exponent."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _kinds_table(record: PartRecord) -> Table:
    table = Table(title="Where they differ from fastpix", title_justify="left")
    table.add_column("reader")
    table.add_column("what", overflow="fold")
    table.add_column(PARTS[record.part].many, justify="right")
    for each in record.readers:
        for kind, count in each.kinds.items():
            table.add_row(each.reader, kind, str(count))
    return table


def _groups_table(record: PartRecord) -> Table:
    part = PARTS[record.part]
    table = Table(title=f"Time / fastpix's, for each {part.kind}", title_justify="left")
    table.add_column(part.kind, overflow="fold")
    table.add_column(part.many, justify="right")
    timed = [r.reader for r in record.readers if r.ratio is not None and r.reader != FASTPIX]
    for name in timed:
        table.add_column(name, justify="right")
    for group in record.groups[:_MOST_GROUPS]:
        ratios = [_times(group.ratios.get(name)) for name in timed]
        table.add_row(group.group, str(group.items), *ratios)
    if rest := record.groups[_MOST_GROUPS:]:
        table.add_row(f"{len(rest)} others", str(sum(g.items for g in rest)), *[""] * len(timed))
    return table


def listing(measurement: Measurement) -> Iterator[str]:
    """Yield, for each item that readers do not agree on, its name and what each of them gave."""
    for one in measurement.compared:
        if not one.is_compared or not any(r.differs for r in one.readings.values()):
            continue
        yield one.item.name
        width = max(10, *map(len, one.readings))
        for name, reading in one.readings.items():
            yield f"  {name:<{width}} {_what(reading)}"


def _what(reading: Reading) -> str:
    if reading.failure is not None:
        return f"failed: {reading.failure.kind}: {reading.failure.reason}"
    text = f"{_shapes(reading)} {reading.dtype}"
    difference = reading.difference
    if difference is None:
        return text
    text += f", {difference.kind}"
    if difference.millimetres == float("inf"):
        text += ": it gives no affine"
    elif difference.millimetres:
        text += f": a corner is {difference.millimetres:.3g} mm off"
    if difference.count:
        index = ", ".join(map(str, difference.index))
        text += (
            f": {difference.count}, the first at [{index}]: {difference.theirs:.9g}, "
            f"{FASTPIX} {difference.ours:.9g}"
        )
    return text


def _shapes(reading: Reading) -> str:
    counts = Counter(" x ".join(map(str, shape)) for shape in reading.shapes)
    return " and ".join(
        shape if count == 1 else f"{count} of {shape}" for shape, count in counts.items()
    )


def markdown(table: Table) -> str:
    """Return a table as Markdown: its cells, without title and caption."""
    headings = [str(column.header) for column in table.columns]
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)]]
    lines += [
        list(map(str, cells)) for cells in zip(*(c.cells for c in table.columns), strict=True)
    ]
    return "\n".join(["", *(f"| {' | '.join(line)} |" for line in lines), ""])
