"""What a person sees of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from fastpix.compare.measure import ComparedFile, Reading, Standing, standing_of
from fastpix.compare.readers import FASTPIX, Reader
from fastpix.notes import count_of


def tables_of(
    files: Sequence[ComparedFile], readers: Sequence[Reader], rounds: int
) -> Iterator[Table]:
    """Yield how every reader did, and where they differ from fastpix, if any does.

    Parameters
    ----------
    files : sequence of ComparedFile
    readers : sequence of Reader
        Installed or not.
    rounds : int
        Of the times.
    """
    standings = {
        reader.name: standing_of(reader.name, files) for reader in readers if reader.is_present()
    }
    table = Table(title=_title(files), title_justify="left")
    table.add_column("reader")
    table.add_column("version", overflow="fold")
    for heading in ("read", "failed", "differ", "ms a file", "MB/s", "time / fastpix's"):
        table.add_column(heading, justify="right")
    for reader in readers:
        cells = _cells(standings[reader.name]) if reader.name in standings else [""] * 6
        table.add_row(reader.name, reader.version(), *cells)
    if rounds:
        table.caption = (
            f"Medians of {count_of(rounds, 'round')}, on the files that a reader reads in "
            f"fastpix's shape. MB/s: of values as float32."
        )
        table.caption_justify = "left"
    yield table
    if any(standing.kinds for standing in standings.values()):
        yield _kinds_table(standings)


def _title(files: Sequence[ComparedFile]) -> str:
    compared = sum(file.is_compared for file in files)
    refused = sum(file.is_refused for file in files)
    without = sum(not file.readings for file in files)
    text = f"{count_of(compared, 'image')} compared"
    if refused:
        text += f"; {count_of(refused, 'image')} that no reader reads"
    if without:
        text += f"; {count_of(without, 'file')} without an image"
    return text


def _cells(standing: Standing) -> list[str]:
    return [
        str(standing.read),
        str(standing.failed),
        str(standing.differing),
        _number(standing.milliseconds),
        _number(standing.megabytes_per_second),
        _number(standing.ratio) + ("" if standing.ratio is None else "×"),
    ]


def _number(value: float | None) -> str:
    """Return three significant digits, and never an exponent."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _kinds_table(standings: dict[str, Standing]) -> Table:
    table = Table(title="Where they differ from fastpix", title_justify="left")
    table.add_column("reader")
    table.add_column("what", overflow="fold")
    table.add_column("files", justify="right")
    for name, standing in standings.items():
        for kind, count in standing.kinds.items():
            table.add_row(name, kind, str(count))
    return table


def listing(files: Sequence[ComparedFile]) -> Iterator[str]:
    """Yield, for each file that readers do not agree on, its path and what each of them gave."""
    for file in files:
        if not file.is_compared or not any(r.differs for r in file.readings.values()):
            continue
        yield file.path
        for name, reading in file.readings.items():
            yield f"  {name:<10} {_what(reading)}"


def _what(reading: Reading) -> str:
    if reading.failure is not None:
        return f"failed: {reading.failure.kind}: {reading.failure.reason}"
    text = f"{' x '.join(map(str, reading.shape))} {reading.dtype}"
    difference = reading.difference
    if difference is None:
        return text
    text += f", {difference.kind}"
    if difference.count:
        index = ", ".join(map(str, difference.index))
        text += (
            f": {difference.count}, the first at [{index}]: {difference.theirs:.9g}, "
            f"{FASTPIX} {difference.ours:.9g}"
        )
    return text


def markdown(table: Table) -> str:
    """Return a table as Markdown: its cells, without title and caption."""
    headings = [str(column.header) for column in table.columns]
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)]]
    lines += [
        list(map(str, cells)) for cells in zip(*(c.cells for c in table.columns), strict=True)
    ]
    return "\n".join(["", *(f"| {' | '.join(line)} |" for line in lines), ""])
