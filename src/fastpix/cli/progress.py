"""What a person sees of a running job: bars on a terminal or in a notebook, else plain lines."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from fastpix.cli.bars import Bar, shows_bars
from fastpix.job.conversion import Progress
from fastpix.job.preflight import Trouble
from fastpix.job.summary import Summary

_SECONDS_BETWEEN_LINES = 10.0
_MEGABYTE = 1e6
_MOST_REASONS = 20


class JobProgress:
    """Files, megabytes, rate, failures and time left of one job.

    Use as a context manager; `advance` and `tell` are what `fastpix.convert` calls.

    Parameters
    ----------
    console : rich.console.Console
        Where to; its kind decides between bars and lines.
    doing : str
        What the job does.
    """

    def __init__(self, console: Console, doing: str = "converting") -> None:
        self._console = console
        self._begin = self._last_line = time.monotonic()
        self._bar = Bar(
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[megabytes]:.0f} MB"),
            TextColumn("{task.fields[rate]:.0f} files/s"),
            TextColumn("{task.fields[failed]} failed"),
            TimeRemainingColumn(),
            console=console,
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

    def tell(self, troubles: list[Trouble]) -> None:
        """Say, before the first file is read whole, which files are going to fail."""
        for trouble in troubles:
            self._line(f"Going to fail: {trouble}")

    def advance(self, progress: Progress) -> None:
        """Show how far the job is."""
        counts = progress.counts
        done, failed = counts.files, counts.failed + counts.known_failures
        now = time.monotonic()
        rate = done / max(now - self._begin, 1e-6)
        megabytes = counts.bytes_read / _MEGABYTE
        self._bar.update(
            self._task, total=progress.found if progress.is_scanned else None, completed=done,
            megabytes=megabytes, rate=rate, failed=failed,
        )  # fmt: skip
        if not shows_bars(self._console) and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            left = ""
            if progress.is_scanned and done:
                left = f", {(progress.found - done) / max(rate, 1e-6):.0f} s left"
            found = f"{progress.found}{'' if progress.is_scanned else ' so far'}"
            self._line(
                f"{done} of {found} files, {megabytes:.0f} MB, {rate:.0f} files/s, "
                f"{failed} failed{left}"
            )

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)


def shown(doing: str) -> JobProgress:
    """Return the progress of a job that is called from Python.

    Bars are on standard error or in the output of a notebook's cell; elsewhere a line is printed to
    standard error every 10 seconds.

    Parameters
    ----------
    doing : str
        What the job does.
    """
    return JobProgress(Console(stderr=True), doing)


class AuditProgress:
    """The phase of an audit, how far it is, and its rate: a bar on a terminal, else plain lines.

    Use as a context manager; `advance` is what `make_audit` calls.

    Parameters
    ----------
    console : rich.console.Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begin = self._last_line = time.monotonic()
        self._phase = ""
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f}/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("headers", total=None, rate=0.0)

    def __enter__(self) -> AuditProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, phase: str, done: int, total: int | None) -> None:
        """Show a phase, how many files or images are through, and of how many."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._begin = phase, now
            self._bar.reset(self._task, description=phase, total=total)
        rate = done / max(now - self._begin, 1e-6)
        self._bar.update(self._task, completed=done, total=total, rate=rate)
        if not shows_bars(self._console) and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            of_all = "" if total is None else f" of {total}"
            self._console.print(
                f"{phase}: {done}{of_all}, {rate:.0f}/s", highlight=False, soft_wrap=True,
            )  # fmt: skip


class ComparisonProgress:
    """A bar with the files done and the time left, on a terminal; nothing elsewhere.

    Use as a context manager.

    Parameters
    ----------
    console : rich.console.Console
    total : int
        Files; 0 where `reach` tells it.
    doing : str
        What is done with them.
    """

    def __init__(self, console: Console, total: int, doing: str = "comparing") -> None:
        self._bar = Bar(
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
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

    def reach(self, done: int, total: int) -> None:
        """Show how many files are through, of how many."""
        self._bar.update(self._task, completed=done, total=total)


def summary_table(summary: Summary) -> Table:
    """Return the end of a job as a table: counts, then failures by reason."""
    table = Table(title=summary.title(), title_justify="left", show_header=False)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    *others, failed = summary.rows()
    for count, what in others:
        table.add_row(str(count), what)
    table.add_row(str(failed[0]), failed[1], end_section=True)
    reasons = summary.reasons()
    for reason, count in reasons[:_MOST_REASONS]:
        table.add_row(str(count), reason)
    if len(reasons) > _MOST_REASONS:
        rest = sum(count for _, count in reasons[_MOST_REASONS:])
        table.add_row(str(rest), "for other reasons: fastpix manifest DST --failed")
    return table
