"""``fastpix bench``: readers beside each other on one's own files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastpix.cli.commands import app, console_here, fail, sources_of
from fastpix.cli.option_values import part_names, reader_names, some_of
from fastpix.notes import count_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fastpix.cli.progress import PhaseProgress
    from fastpix.compare import Comparison, Measurement, Options, Part, PartRecord, Reader

_STDOUT = "-"


@app.command("bench")
def bench_command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Folders or files; - reads paths from stdin."),
    ],
    what: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            help="What to compare: images, series, batches, with commas.",
            autocompletion=some_of(part_names),
        ),
    ] = "images",
    readers: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="With commas [default: all that are installed].",
            autocompletion=some_of(reader_names),
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(metavar="N", help="Passes over all files, in which each reader is timed.")
    ] = 5,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="So many images, series or batches, the same each time [default: all].",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Files of a batch.")] = 32,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="What a reader may take for an image, series or batch."
        ),
    ] = 60,
    show: Annotated[
        bool, typer.Option("--list", help="List the files that readers do not agree on.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the figures to FILE; - is stdout."),
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with plots to FILE."),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="JSON", help="An earlier --json FILE: --html shows ratios over time. Repeat it."
        ),
    ] = None,
) -> None:
    """Compare readers on the files under PATH: their values, and what they cost.

    Each reader gives modality values in its own way, in a process of its own. Values are compared
    as float32, exactly; volumes also by their affines, after a turn of their axes. What a reader
    does to MONOCHROME1 is no difference: SimpleITK mirrors it, pydcm negates it, the others leave
    it alone, and fastpix is asked for the same. Nothing is stored but what --json and --html
    write, and that names no file.
    """
    from rich.console import Console

    from fastpix.cli.progress import PhaseProgress
    from fastpix.compare import Options, listing, part_record, readers_named, tables_of, title_of
    from fastpix.sources.source_key import printable

    parts = _parts_named(what)
    options = Options(rounds, limit, timeout, batch_size)
    teams = readers_named(readers, [part.readers for part in parts])
    _check(options, json_file)
    earlier = _earlier(html_file, history or [])
    # The tables make way for what a program reads.
    console = Console(stderr=True) if json_file == _STDOUT else console_here()
    measurements: list[Measurement] = []
    interrupted = False
    with (
        tempfile.TemporaryDirectory(prefix="fastpix-", ignore_cleanup_errors=True) as folder,
        PhaseProgress(Console(stderr=True), "finding files") as progress,
    ):
        try:
            files, elsewhere = _files(paths)
            for part, team in zip(parts, teams, strict=True):
                _measure(part, team, files, elsewhere, options, folder, progress, measurements)
        except KeyboardInterrupt:
            interrupted = True
    records = tuple(part_record(measurement) for measurement in measurements)
    for measurement, record in zip(measurements, records, strict=True):
        for table in tables_of(measurement, record) if measurement.has_images else ():
            _print(table, console, as_markdown)
        if interrupted and not measurement.has_images:
            typer.echo(title_of(measurement), err=json_file == _STDOUT)
        for line in listing(measurement) if show else ():
            typer.echo(os.fsencode(line), err=json_file == _STDOUT)
    comparison = _comparison(options, records, interrupted)
    _write_results(comparison, json_file)
    _write_page(comparison, html_file, earlier)
    if interrupted:
        typer.echo("Interrupted: this is what was measured until then.", err=json_file == _STDOUT)
        raise typer.Exit(130)
    for measurement, record in zip(measurements, records, strict=True):
        if not record.items:
            where = ", ".join(map(printable, paths))
            fail(f"nothing to compare under {where}: {title_of(measurement)}")


def _parts_named(what: str) -> list[Part]:
    from fastpix.compare import PARTS

    names = dict.fromkeys(name.strip() for name in what.split(","))
    for name in names:
        if name not in PARTS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(PARTS)}", param_hint="--what")
    return [part for name, part in PARTS.items() if name in names]


def _check(options: Options, json_file: str | None) -> None:
    """Refuse what can be seen at once to make no sense, before hours are spent on it."""
    from fastpix.compare import check_options
    from fastpix.errors import ArgumentError

    check_options(options.rounds, options.timeout, options.limit)
    if options.batch_size < 2:
        raise ArgumentError("batch_size", f"{options.batch_size} is less than 2")
    if json_file is not None and json_file != _STDOUT:
        _check_target("--json", Path(json_file))


def _check_target(option: str, path: Path) -> None:
    """Refuse a file that cannot be written at the end."""
    if path.is_dir():
        fail(f"{option} {path}: this is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        fail(f"{option} {path}: there is no such folder; make it first")


def _files(paths: list[str]) -> tuple[list[str], int]:
    """Return the paths of all files, and how many lie where only fastpix could read them."""
    from fastpix.job.scan import open_sources

    found = [file.location for file in open_sources(sources_of(paths)).files()]
    files = [location for location in found if os.path.isfile(location)]
    return files, len(found) - len(files)


def _measure(
    part: Part,
    team: Sequence[Reader],
    files: Sequence[str],
    elsewhere: int,
    options: Options,
    folder: str,
    progress: PhaseProgress,
    measurements: list[Measurement],
) -> None:
    """Find and measure the items of a part; it is in the list before it is done."""
    from fastpix.compare import Measurement, find_batches, find_images, find_series

    def watched(things: Sequence[str]) -> Iterable[str]:
        for number, thing in enumerate(things):
            progress.advance("headers", number, len(things))
            yield thing

    if part.name == "images":
        found = find_images(files)
    elif part.name == "series":
        found = find_series(files, Path(folder), options.limit, watched)
    else:
        found = find_batches(files, options.batch_size, options.limit, watched)
    remarks = [*found.remarks]
    if elsewhere:
        remarks.append(f"{count_of(elsewhere, 'file')} in archives or on servers left out")
    measurement = Measurement(
        part,
        found.items,
        team,
        rounds=options.rounds,
        timeout=options.timeout,
        limit=options.limit,
        remarks=remarks,
    )
    measurements.append(measurement)
    with closing(measurement.steps()) as steps:
        for phase, done, total in steps:
            progress.advance(f"{part.name}: {phase}", done, total)


def _comparison(options: Options, records: tuple[PartRecord, ...], interrupted: bool) -> Comparison:
    from fastpix.compare import Comparison, Machine, now

    return Comparison(now(), Machine.here(), options, records, interrupted)


def _print(table: Table, console: Console, as_markdown: bool) -> None:
    from fastpix.compare import markdown

    if as_markdown:
        console.print(markdown(table), highlight=False, markup=False, soft_wrap=True)
    else:
        console.print(table, highlight=False, markup=False)


def _write_results(comparison: Comparison, json_file: str | None) -> None:
    """Write the record wherever it was asked for."""
    from fastpix.compare import json_text
    from fastpix.new_files import write_whole

    if json_file == _STDOUT:
        typer.echo(json_text(comparison), nl=False)
    elif json_file is not None:
        write_whole(json_file, json_text(comparison))


def _earlier(html_file: Path | None, history: list[Path]) -> list[Comparison]:
    """Return the records of a history; refuse at once what the page of the end would need."""
    from fastpix.compare.report.comparison_page import check_libraries
    from fastpix.compare.report.stored_comparisons import read_comparisons

    if html_file is None:
        if history:
            fail("--history shows ratios over time in a page: name it by --html FILE")
        return []
    check_libraries()
    _check_target("--html", html_file)
    return read_comparisons(history)


def _write_page(comparison: Comparison, html_file: Path | None, earlier: list[Comparison]) -> None:
    from fastpix.compare.report.comparison_page import write_history, write_report

    if html_file is None:
        return
    if earlier:
        write_history([*earlier, comparison], html_file)
    else:
        write_report(comparison, html_file)
    typer.echo(f"Look at {html_file} in a browser", err=True)
