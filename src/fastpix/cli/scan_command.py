"""``fastpix scan``: a list of the files of a large archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fastpix.cli.commands import app, console_here, sources_of
from fastpix.notes import count_of


@app.command("scan")
def scan_command(
    src: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC...",
            help="Folders, archives, globs, files or URLs; - reads paths from stdin.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE.parquet", help="The list to write.")],
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Names are of paths below it [default: SRC]."),
    ] = None,
    headers: Annotated[
        bool,
        typer.Option(
            "--headers",
            help="Read headers too: convert --unit series then need not, and each shard would.",
        ),
    ] = False,
) -> None:
    """List the files under SRC once, for fastpix convert to read the list instead.

    The list holds paths, which may name patients, and with --headers UIDs: it is made for its owner
    alone (mode 0600). Make it again when files have changed.
    """
    from rich.progress import Progress, TextColumn

    from fastpix.job.scan import open_sources
    from fastpix.job.scan.scan_file import write_scan

    listed = sources_of(src)
    sources = open_sources(listed[0] if len(listed) == 1 else listed, root)
    console = console_here()
    with Progress(
        TextColumn("{task.fields[files]} files, {task.fields[gigabytes]:.1f} GB"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None, files=0, gigabytes=0.0)
        count = write_scan(
            sources,
            out,
            lambda files, size: progress.update(task, files=files, gigabytes=size / 1e9),
            headers=headers,
        )
    unit = " --unit series" if headers else ""
    typer.echo(
        f"{count_of(count, 'file')} listed. Next: fastpix convert {shlex.quote(str(out))} DST{unit}"
    )
