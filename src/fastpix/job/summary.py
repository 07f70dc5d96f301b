"""What a job came to."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fastpix.job.files import SourceFile
from fastpix.job.one_file import Outcome

_NUMBER = re.compile(r"(?<![\w,(.])[0-9]+(?![\w,)])")
_COUNTING = frozenset({"PixelDataError", "DecodeError"})
OnOutcome: TypeAlias = Callable[[SourceFile, Outcome], None]


@dataclass(slots=True)
class Summary:
    """Counts of a job's files by what became of them.

    Attributes
    ----------
    converted, present, not_images : int
        Written now; there already; not DICOM, or DICOM without pixels.
    failures : list of Outcome
        Also in ``failures.jsonl`` of the output folder.
    bytes_read : int
        Of all files done.
    seconds : float
    """

    converted: int = 0
    present: int = 0
    not_images: int = 0
    failures: list[Outcome] = field(default_factory=list)
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """How many files failed."""
        return len(self.failures)

    @property
    def done(self) -> int:
        """How many files are through, failed ones included."""
        return self.converted + self.present + self.not_images + self.failed

    def reasons(self) -> list[tuple[str, int]]:
        """Return the reasons of failures with their counts, the most frequent first.

        Where a reason counts bytes or frames, which differ from file to file, its numbers are N.
        """
        reasons = (
            f"{f.kind}: {_NUMBER.sub('N', f.reason) if f.kind in _COUNTING else f.reason}"
            for f in self.failures
        )
        return Counter(reasons).most_common()

    def add(self, file: SourceFile, outcome: Outcome) -> None:
        """Count one outcome."""
        self.bytes_read += file.size
        if outcome.status == "converted":
            self.converted += 1
        elif outcome.status == "present":
            self.present += 1
        elif outcome.status == "not an image":
            self.not_images += 1
        else:
            self.failures.append(outcome)


class FailureLog:
    """``failures.jsonl``: a line for each failure of the latest run, written as it happens."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "failures.jsonl"
        self._path.unlink(missing_ok=True)

    def add(self, outcome: Outcome) -> None:
        """Append a failure."""
        line = {"name": outcome.name, "error": outcome.kind, "reason": outcome.reason}
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())  # one write: a whole line or none
        finally:
            os.close(handle)
