"""``fastpix audit``: what a person decides about sources of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastpix.cli.audit_run import run_command
from fastpix.cli.commands import app
from fastpix.cli.help_pages import CommandWithPage, RunByDefault
from fastpix.cli.option_values import STATUSES, one_of

audit = typer.Typer(
    help="Look at new images, and decide about their sources.",
    cls=RunByDefault,
)
audit.command("run", cls=CommandWithPage)(run_command)
app.add_typer(audit, name="audit", no_args_is_help=True)


@audit.command("mark", cls=CommandWithPage)
def mark_command(
    source: Annotated[
        str, typer.Argument(metavar="ID", help="Of the source, as fastpix audit prints it.")
    ],
    status: Annotated[
        str,
        typer.Argument(
            metavar="STATUS",
            help="accept, invert, exclude or unseen.",
            autocompletion=one_of(STATUSES),
        ),
    ],
    sources: Annotated[
        Path, typer.Option(metavar="FILE", help="sources.toml, beside the page of the audit.")
    ],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who has decided it.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
) -> None:
    """Write down what was decided about a source of images.

    accept: it is what its headers say. invert: MONOCHROME1 and MONOCHROME2 are exchanged. exclude:
    it is left out. unseen: nobody has looked. fastpix convert --sources acts on it. All else in the
    file stays as it is.
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
