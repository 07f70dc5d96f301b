"""What a person sees of a running job: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from fastpix.errors import UnsupportedTransferSyntaxError
from fastpix.job.files import SourceFile
from fastpix.job.one_file import Outcome
from fastpix.job.summary import Summary
from fastpix.notes import count_of

_SECONDS_BETWEEN_LINES = 10.0
_MEGABYTE = 1e6
_MOST_REASONS = 20


class JobProgress:
    """Files, megabytes, rate, failures and time left of one job.

    Use as a context manager; `start` and `advance` are what `fastpix.convert` calls.

    Parameters
    ----------
    console : rich.console.Console
        Where to; its kind decides between bars and lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen = Summary()
        self._total = 0
        self._begin = self._last_line = time.monotonic()
        self._bar = Progress(
            TextColumn("converting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[megabytes]:.0f} MB"),
            TextColumn("{task.fields[rate]:.0f} files/s"),
            TextColumn("{task.fields[failed]} failed"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, megabytes=0.0, rate=0.0, failed=0)

    def __enter__(self) -> JobProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, files: list[SourceFile]) -> None:
        """Say how much there is to do."""
        self._total = len(files)
        self._begin = self._last_line = time.monotonic()
        self._bar.update(self._task, total=len(files))
        if not self._console.is_terminal:
            size = sum(file.size for file in files) / _MEGABYTE
            self._line(f"{count_of(len(files), 'file')}, {size:.0f} MB")

    def tell_undecodable(self, found: list[tuple[UnsupportedTransferSyntaxError, int]]) -> None:
        """Say, before the first file is read, what nothing here decodes."""
        for error, count in found:
            self._line(f"{count_of(count, 'file')} will fail: {error.storable}")

    def advance(self, file: SourceFile, outcome: Outcome) -> None:
        """Count one file."""
        seen = self._seen
        seen.add(file, outcome)
        now = time.monotonic()
        rate = seen.done / max(now - self._begin, 1e-6)
        megabytes = seen.bytes_read / _MEGABYTE
        self._bar.update(
            self._task, completed=seen.done, megabytes=megabytes, rate=rate, failed=seen.failed
        )
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            left = (self._total - seen.done) / rate
            self._line(
                f"{seen.done} of {self._total} files, {megabytes:.0f} MB, {rate:.0f} files/s, "
                f"{seen.failed} failed, {left:.0f} s left"
            )

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


class ComparisonProgress:
    """A bar with the files done and the time left, on a terminal; nothing elsewhere.

    Use as a context manager.

    Parameters
    ----------
    console : rich.console.Console
    total : int
        Files.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._bar = Progress(
            TextColumn("comparing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> ComparisonProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, *, counts: bool) -> None:
        """Count one file, if it is one of the total."""
        self._bar.advance(self._task, int(counts))


def summary_table(summary: Summary) -> Table:
    """Return the end of a job as a table: counts, then failures by reason."""
    rate = summary.done / max(summary.seconds, 1e-6)
    table = Table(
        title=f"{summary.done} files, {summary.bytes_read / _MEGABYTE:.1f} MB in "
        f"{summary.seconds:.1f} s ({rate:.0f} files/s)",
        title_justify="left",
        show_header=False,
    )
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    table.add_row(str(summary.converted), "converted")
    table.add_row(str(summary.present), "already there")
    table.add_row(str(summary.not_images), "not images")
    table.add_row(str(summary.failed), "failed", end_section=True)
    reasons = summary.reasons()
    for reason, count in reasons[:_MOST_REASONS]:
        table.add_row(str(count), reason)
    if len(reasons) > _MOST_REASONS:
        rest = sum(count for _, count in reasons[_MOST_REASONS:])
        table.add_row(str(rest), "for other reasons, in failures.jsonl")
    return table
