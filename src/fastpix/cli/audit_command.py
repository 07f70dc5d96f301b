"""``fastpix audit``: what a person decides about sources of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastpix.cli.audit_run import run_command
from fastpix.cli.commands import app
from fastpix.cli.default_command import RunByDefault

audit = typer.Typer(
    help="Look at new sources of images (fastpix audit SRC [OUT]), and decide about them. "
    "fastpix audit run --help shows the options of the first.",
    cls=RunByDefault,
)
audit.command("run")(run_command)
app.add_typer(audit, name="audit", no_args_is_help=True)


@audit.command("mark")
def mark_command(
    source: Annotated[str, typer.Argument(metavar="SRC_ID", help="Id of the source.")],
    status: Annotated[
        str, typer.Argument(metavar="STATUS", help="accept, invert, exclude or unseen.")
    ],
    sources: Annotated[Path, typer.Option(help="The file of verdicts.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who has decided it.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
) -> None:
    """Write down what was decided about a source; all else in the file stays as it is.

    accept: it is what its headers say. invert: MONOCHROME1 and MONOCHROME2 are exchanged. exclude:
    it is left out. fastpix convert --sources acts on it.
    """
    from fastpix.sources.verdict_writing import mark
    from fastpix.sources.verdicts import checked_status, read_verdicts

    checked_status(status, "STATUS")
    is_new = source not in read_verdicts(sources).verdicts
    verdict = mark(sources, source, checked_status(status, "STATUS"), by=by, note=note)
    what = f" ({verdict.what})" if verdict.what else ""
    typer.echo(f"{source}{what}: {verdict.status}, by {verdict.by} on {verdict.when}")
    if is_new:
        typer.echo(f"{sources} did not have this source: compare its id with those of the audit")
