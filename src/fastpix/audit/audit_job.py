"""`AuditJob`: all that a worker needs besides its batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fastpix.image.limits import MAX_BYTES
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import BY

_LAYOUT = 2  # of what is kept of batches: another number, and none of it is used again

OnProgress: TypeAlias = Callable[[str, int, int | None], object]
"""Is given the phase, how many things are done, and of how many, as far as that is known."""

Report: TypeAlias = Callable[[int], object]
"""Is given how many things of a batch are done."""


@dataclass(frozen=True, slots=True)
class AuditJob:
    """A run of an audit. It can be pickled.

    Attributes
    ----------
    key : bytes
        Of names.
    by : tuple of str
        The attributes that tell sources apart.
    samples, seed : int
        How many images, and series, of a source are looked at; another seed gives others.
    max_bytes : int
        What one image may decode to.
    timeout : float
        Seconds that one file may take.
    detect_text : bool
        Search samples for text in the pixels.
    run : str
        Unique to this run.
    """

    key: bytes
    by: tuple[str, ...] = BY
    samples: int = 12
    seed: int = 0
    max_bytes: int = MAX_BYTES
    timeout: float = 600.0
    detect_text: bool = False
    run: str = ""

    @property
    def id(self) -> str:
        """16 hex digits that differ where headers come to something else."""
        from importlib.metadata import version  # slow to import, and workers need it not

        of_key = Names(self.key).fingerprint
        kept = [_LAYOUT, version("fastpix"), of_key, self.by, self.samples, self.seed]
        return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]
