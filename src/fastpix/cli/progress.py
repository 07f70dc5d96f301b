"""What a person sees of a running job: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table

from fastpix.job.conversion import Progress
from fastpix.job.preflight import Trouble
from fastpix.job.summary import Summary
from fastpix.notes import count_of

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
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
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


class PhaseProgress:
    """The phase of what runs, how far it is, and its rate: a bar on a terminal, else plain lines.

    Use as a context manager; `advance` is what `make_audit` calls.

    Parameters
    ----------
    console : rich.console.Console
    phase : str
        The first one.
    """

    def __init__(self, console: Console, phase: str = "headers") -> None:
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
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(phase, total=None, rate=0.0)

    def __enter__(self) -> PhaseProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, phase: str, done: int, total: int | None) -> None:
        """Show a phase, how many files, images or reads are through, and of how many."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._begin = phase, now
            self._bar.reset(self._task, description=phase, total=total)
        rate = done / max(now - self._begin, 1e-6)
        self._bar.update(self._task, completed=done, total=total, rate=rate)
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            of_all = "" if total is None else f" of {total}"
            self._console.print(
                f"{phase}: {done}{of_all}, {rate:.0f}/s", highlight=False, soft_wrap=True,
            )  # fmt: skip


class FileProgress:
    """A bar with the files done and the time left, on a terminal; nothing elsewhere.

    Use as a context manager.

    Parameters
    ----------
    console : rich.console.Console
    doing : str
        What is done with them.
    """

    def __init__(self, console: Console, doing: str) -> None:
        self._bar = Bar(
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=0)

    def __enter__(self) -> FileProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def reach(self, done: int, total: int) -> None:
        """Show how many files are through, of how many."""
        self._bar.update(self._task, completed=done, total=total)


class Words(NamedTuple):
    """What is said of the files of a job at its end."""

    done: str = "converted"
    present: str = "already there"
    left_out: str = "left out by --only, or by a verdict of --sources"
    again: str = "failed before, and have not changed (--retry-failed tries again)"
    vanished: str = "in the cache, not in the source any more (--prune)"
    failed: str = "failed"


CONVERTED = Words()
COPIED = Words(
    done="copied",
    present="looked at before, and have not changed",
    left_out="refused by a person",
    again="refused before, and have not changed (--retry-failed tries again)",
    vanished="copies whose originals are not in the source any more (--prune)",
    failed="refused",
)


def summary_table(summary: Summary, words: Words = CONVERTED) -> Table:
    """Return the end of a job as a table: counts, then failures by reason."""
    counts = summary.counts
    rate = counts.files / max(summary.seconds, 1e-6)
    table = Table(
        title=f"{count_of(counts.files, 'file')}, {counts.bytes_read / _MEGABYTE:.1f} MB in "
        f"{summary.seconds:.1f} s ({rate:.0f} files/s)",
        title_justify="left",
        show_header=False,
    )
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    table.add_row(str(counts.converted), words.done)
    table.add_row(str(counts.present), words.present)
    table.add_row(str(counts.not_images), "not images" if words is CONVERTED else "not DICOM")
    for count, what in (
        (counts.left_out, words.left_out),
        (counts.in_review, "waiting for a person to look at their pixels"),
        (counts.waiting, "still being written: left for the next run"),
        (counts.known_failures, words.again),
        (summary.vanished - summary.pruned, words.vanished),
        (summary.pruned, "not in the source any more: removed"),
        (summary.duplicates, "with the SOP Instance UID of another image (--duplicates)"),
    ):
        if count:
            table.add_row(str(count), what)
    table.add_row(str(counts.failed), words.failed, end_section=True)
    reasons = summary.reasons()
    for reason, count in reasons[:_MOST_REASONS]:
        table.add_row(str(count), reason)
    if len(reasons) > _MOST_REASONS:
        rest = sum(count for _, count in reasons[_MOST_REASONS:])
        table.add_row(str(rest), "for other reasons: fastpix manifest DST --failed")
    return table
