"""``fastpix verify``: what a cache, or a folder of de-identified copies, holds is read again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fastpix.cli.commands import app, console_here, fail
from fastpix.notes import count_of

_SHOWN = 100  # faults


@app.command()
def verify(
    dst: Annotated[str, typer.Argument(metavar="DST", help="The cache, or the copies.")],
    deidentified: Annotated[
        bool, typer.Option("--deidentified", help="DST holds de-identified copies: audit them.")
    ] = False,
    external: Annotated[
        bool,
        typer.Option(
            "--external", help="Have dcmdump (dcmtk) and dciodvfy (dicom3tools) read copies, too."
        ),
    ] = False,
    originals: Annotated[
        Path | None,
        typer.Option(
            metavar="SRC", help="For --external: errors that originals have too do not count."
        ),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For that: the key [default: DST.key].")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For that: --root of the job.")
    ] = None,
) -> None:
    """Read all arrays of a cache, or audit all copies, and say what is wrong.

    Copies are held against the rules, and against the bytes that were audited when they were made.
    """
    if (originals or key_file or root) and not external:
        fail("--originals, --key-file and --root are for --external: say so, too")
    if external or deidentified:
        _verify_copies(dst, external, originals, key_file, root)
    else:
        _verify_cache(dst)


def _verify_cache(dst: str) -> None:
    from rich.progress import track

    from fastpix.deidentification.run.copy_settings import CopySettings
    from fastpix.errors import FastpixError
    from fastpix.job.cache_opening import open_cache
    from fastpix.job.dataset_file import kind_of
    from fastpix.job.storage import storage_at

    if kind_of(storage_at(dst)) == CopySettings.kind:
        fail(f"{dst} holds {CopySettings.kind}: fastpix verify --deidentified {shlex.quote(dst)}")
    cache = open_cache(dst)
    console = console_here()
    damaged = 0
    numbers = track(range(len(cache)), "verifying", console=console, transient=True,
                    disable=not console.is_terminal)  # fmt: skip
    for k in numbers:
        try:
            cache.verify(k)
        except (FastpixError, OSError) as error:
            damaged += 1
            typer.echo(f"{cache.names[k]}: {error}")
    typer.echo(f"{count_of(len(cache), 'array')} read, {damaged} damaged or missing")
    if damaged:
        typer.echo(f"Remove the files that hold them, then: fastpix gc {shlex.quote(dst)}, "
                   "and fastpix convert again.")  # fmt: skip
        raise typer.Exit(1)


def _verify_copies(
    dst: str, external: bool, originals: Path | None, key_file: Path | None, root: Path | None
) -> None:
    from fastpix.cli.progress import FileProgress
    from fastpix.deidentification.run.external_readers import missing_readers, verify_externally
    from fastpix.deidentification.run.verifying import verify_copies

    if external and (missing := missing_readers()):
        fail(f"{' and '.join(missing)} not found: install Debian's dcmtk and dicom3tools")
    console = console_here()
    with FileProgress(console, "auditing") as progress:
        found = verify_copies(dst, progress.reach)
    faults = list(found.faults)
    if external:
        with FileProgress(console, "reading") as progress:
            faults += verify_externally(
                dst, originals, key_file=key_file, root=root, on_verified=progress.reach
            )
    for fault in faults[:_SHOWN]:
        typer.echo(f"{fault.file}: {fault.why}")
    if len(faults) > _SHOWN:
        typer.echo(f"and {len(faults) - _SHOWN} more")
    typer.echo(
        f"{count_of(found.copies, 'copy', 'copies')} audited, {count_of(len(faults), 'fault')}"
    )
    if faults:
        raise typer.Exit(1)
