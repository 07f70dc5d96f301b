"""The record of a comparison: what ``fastpix bench --json`` writes, and what a report is made of.

It holds counts, times, versions and the machine; no path, no file name, no text of a file. In JSON
every class is an object with the same names.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fastpix.image.frame_threads import cores

VERSION = 1
"""Of the record."""

PartName: TypeAlias = Literal["images", "series", "batches"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the times belong to.

    Attributes
    ----------
    processor : str
    cores : int
        That this process may use.
    memory_bytes : int or None
        None where the system does not say.
    system : str
        ``Linux x86_64``.
    python, numpy : str
        Versions.
    """

    processor: str
    cores: int
    memory_bytes: int | None
    system: str
    python: str
    numpy: str

    @classmethod
    def here(cls) -> Machine:
        """Return this machine."""
        return cls(
            processor(),
            cores(),
            _memory_bytes(),
            f"{platform.system()} {platform.machine()}".strip(),
            platform.python_version(),
            version("numpy"),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """How the comparison was asked for.

    Attributes
    ----------
    rounds : int
        Passes over all items; with 0, nothing is timed.
    limit : int or None
        The most items of each part.
    timeout : float
        Seconds that a reader may take for an item.
    batch_size : int
        The most files of a batch.
    """

    rounds: int = 5
    limit: int | None = None
    timeout: float = 60.0
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """How one reader did on all items of a part.

    Attributes
    ----------
    reader, version : str
        The version is empty where the reader is not installed.
    installed : bool
    read, failed, differing : int
        Items. Those that no reader reads are not counted.
    kinds : mapping of str to int
        Items by how the values differ from fastpix's, or why the reader failed: "rounding",
        "failed: ValueError".
    milliseconds : float or None
        For an item: the median over items of the median over passes.
    megabytes_per_second : float or None
        Of values as float32, over all items that were timed.
    ratio : float or None
        Its time divided by fastpix's for the same item in the same pass: the median over items of
        the median over passes.
    ratio_quartiles : (float, float) or None
        The first and the third quartile over items, where `ratio` has the median.
    pass_seconds : tuple of float
        For each complete pass: the sum over the items that this reader and fastpix read alike.
    """

    reader: str
    version: str = ""
    installed: bool = True
    read: int = 0
    failed: int = 0
    differing: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    milliseconds: float | None = None
    megabytes_per_second: float | None = None
    ratio: float | None = None
    ratio_quartiles: tuple[float, float] | None = None
    pass_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """The ratios of items of one kind.

    Attributes
    ----------
    group : str
        Of images the transfer syntax, of series the modality, of batches the shape of an image.
    items : int
        That were compared.
    ratios : mapping of str to float
        By the name of a reader that was timed on any of them; fastpix is not among them.
    """

    group: str
    items: int
    ratios: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """Readers beside each other on items of one sort.

    Attributes
    ----------
    part : {"images", "series", "batches"}
        What an item is.
    passes : int
        Complete ones.
    items : int
        That were compared: any reader reads them.
    readers : tuple of ReaderRecord
        fastpix first; those that are not installed, too.
    groups : tuple of GroupRecord
        The one with most items first.
    """

    part: PartName
    passes: int
    items: int
    readers: tuple[ReaderRecord, ...]
    groups: tuple[GroupRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a run of ``fastpix bench`` found.

    Attributes
    ----------
    made : str
        When, as ``2026-11-28T11:00:00Z``.
    machine : Machine
    options : Options
    parts : tuple of PartRecord
    interrupted : bool
        Whether Ctrl-C ended it: then it is of what was measured until then.
    """

    made: str
    machine: Machine
    options: Options
    parts: tuple[PartRecord, ...]
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as objects that strict JSON can hold."""
        return {"fastpix_comparison": VERSION, **asdict(self)}


def now() -> str:
    """Return the time, in UTC, as a record has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def json_text(comparison: Comparison) -> str:
    """Return a record as text."""
    return json.dumps(comparison.to_json(), indent=1, allow_nan=False) + "\n"


def processor() -> str:
    """Return the processor's name, as far as the platform tells."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
