"""``fastpix audit SRC [OUT]``: what a new source of images is like."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from fastpix.cli.commands import MaxBytes, console_here, sources_of
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from fastpix.audit.record import Audit

_SHOWN = 40  # sources, and changes, that are listed
_RUN = "run"


class RunByDefault(TyperGroup):
    """A group whose command is ``run`` where the first word names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` before arguments that begin with no command."""
        asks_for_help = bool(args) and args[0] in ("--help", *ctx.help_option_names)
        if args and args[0] not in self.commands and not asks_for_help:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


def run_command(
    src: Annotated[
        str,
        typer.Argument(
            help="A folder, archive, glob, file or URL, or a list that fastpix scan has written; "
            "- reads paths from stdin."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the audit.")] = Path("audit"),
    samples: Annotated[
        int, typer.Option(help="Images of each source whose pixels are read, at most.")
    ] = 12,
    by: Annotated[
        str | None,
        typer.Option(
            help="What tells sources apart "
            "[default: manufacturer,model,modality,photometric,presentation]."
        ),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="OLD.json", help="Say what is new since this audit.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Write findings.csv and samples.csv, without names.")
    ] = False,
    pseudonymous: Annotated[
        bool,
        typer.Option("--pseudonymous", help="Keyed names for devices that are not in our tables."),
    ] = False,
    detect_text: Annotated[
        bool,
        typer.Option("--detect-text", help="Search samples for text in the pixels; slower."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed gives other samples.")] = 0,
    key_file: Annotated[
        Path | None, typer.Option(help="Key of the hashed names [default: OUT.key].")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="That of the job [default: the source].")
    ] = None,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Look at new images once, before anything is trained on them.

    Headers of all files are read, and pixels of a few of each source. OUT/audit.json has every
    number, OUT/sources.toml an entry for each source, for a person to decide. Both stay inside the
    hospital.
    """
    from fastpix.audit.audit_files import with_verdicts, write_audit
    from fastpix.audit.auditing import make_audit
    from fastpix.audit.comparing import compared
    from fastpix.audit.record_json import from_json
    from fastpix.pseudonyms import Names, default_key_file, load_key
    from fastpix.sources.source_key import BY

    console = console_here()
    old = None if compare is None else from_json(compare.read_text("utf-8"))
    key = key_file or default_key_file(out)
    out.mkdir(parents=True, exist_ok=True)
    names = Names(load_key(key, out))
    attributes = BY if by is None else tuple(each.strip() for each in by.split(","))
    with _Bar(console) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # findings say it, without text of the file
        found = make_audit(
            sources_of(["-"]) if src == "-" else src, names, by=attributes, samples=samples,
            seed=seed, pseudonymous=pseudonymous, root=root, skipped=[out], max_bytes=max_bytes,
            detect_text=detect_text, on_progress=bar.advance,
        )  # fmt: skip
    audit = with_verdicts(found.audit, out)
    if old is not None:
        audit = compared(audit, old)
    write_audit(audit, out, tables=as_csv)
    _show(audit, console.print)
    typer.echo(
        f"{out / 'audit.json'} has every number. Look at the sources, and decide: "
        f"fastpix audit mark ID accept|invert|exclude --sources {shlex.quote(str(out))}"
        f"/sources.toml --by NAME. Then: fastpix convert SRC DST --sources "
        f"{shlex.quote(str(out))}/sources.toml --key-file {shlex.quote(str(key))}"
    )


class _Bar:
    """How far an audit is, on a terminal; nothing elsewhere."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("headers", total=None)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, phase: str, done: int, total: int | None) -> None:
        """Show a phase, how many things are done, and of how many."""
        self._bar.update(self._task, description=phase, completed=done, total=total)


def _show(audit: Audit, show: Callable[..., object]) -> None:
    from rich.table import Table

    counts = audit.counts
    typer.echo(
        f"{count_of(counts.files, 'file')}: {count_of(counts.images, 'image')}, "
        f"{counts.not_images} not images, {counts.failed} failed; "
        f"{counts.patients} patients, {counts.studies} studies, {counts.series} series"
    )
    for reason, count in audit.failures.items():
        typer.echo(f"  {count}  {reason}")
    for each in audit.decodable:
        if each.remedy:
            typer.echo(f"  {each.files}  cannot be decoded here: {each.remedy}")
    table = Table(show_edge=False)
    for name in ("id", "files", "source", "verdict", "polarity", "text in pixels", "warnings"):
        table.add_column(name, overflow="fold")
    from fastpix.audit.audit_files import what_of
    from fastpix.audit.findings import CATALOGUE

    for record in audit.sources[:_SHOWN]:
        weighty = sum(CATALOGUE[each.id].weight != "note" for each in record.findings)
        table.add_row(
            record.id, str(record.files), what_of(record), record.status, record.polarity.verdict,
            record.burned_in.verdict, str(weighty),
        )  # fmt: skip
    show(table, highlight=False, markup=False)
    if audit.compared_with:
        typer.echo(f"New since {audit.compared_with}: {len(audit.changes) or 'nothing'}")
    for change in audit.changes[:_SHOWN]:
        typer.echo(f"  {change.source or 'all'}  {change.text}")
