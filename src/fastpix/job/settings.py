"""What a cache is made by: `Settings`, which never change, and `Job`, which a run adds to them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from fastpix.errors import ArgumentError
from fastpix.recipe import Recipe
from fastpix.redaction import Redaction
from fastpix.series.resampling import Interpolation, checked_interpolation
from fastpix.sources.run_verdicts import RunVerdicts

Unit: TypeAlias = Literal["file", "series"]
Compress: TypeAlias = Literal["none", "lz4", "zstd"]
Duplicates: TypeAlias = Literal["keep", "first", "error"]
Gaps: TypeAlias = Literal["error", "fill"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all outputs of a cache have in common; ``dataset.json`` holds it.

    Attributes
    ----------
    recipe : Recipe
    format : str
        A name of `fastpix.job.formats`.
    unit : {"file", "series"}
        An image for each file, or volumes.
    compress : {"none", "lz4", "zstd"}
    root : str
        What paths are taken relative to, in a word: ``"source"``, ``"sources"``, ``"given"`` or
        ``"absolute"``; never the path itself.
    only : tuple of str
        Filters, as they were given.
    duplicates : {"keep", "first", "error"}
        What to do with images of the same SOP Instance UID when the cache is read.
    gaps : {"error", "fill"}
        For volumes.
    partial : bool
        For volumes: keep the complete ones of an interrupted scan.
    spacing : (float, float, float) or None
        For volumes: what they are resampled to, in millimetres along slice, row and column axis.
    order : {0, 1, 3}
        Of the interpolation then.
    window : (float, float) or None
        Centre and width, for pictures alone.
    redaction : Redaction or None
        For images: what is blanked in them.
    key : str
        Fingerprint of the key.
    epoch : int
        How often the settings of the cache were replaced: what was converted before does not count
        any more, though it was by the same settings.
    """

    kind: ClassVar[str] = "a cache"

    recipe: Recipe = field(default_factory=Recipe)
    format: str = "tar"
    unit: Unit = "file"
    compress: Compress = "none"
    root: str = "source"
    only: tuple[str, ...] = ()
    duplicates: Duplicates = "keep"
    gaps: Gaps = "error"
    partial: bool = False
    spacing: tuple[float, float, float] | None = None
    order: Interpolation = 1
    window: tuple[float, float] | None = None
    redaction: Redaction | None = None
    key: str = ""
    epoch: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("unit", get_args(Unit)),
            ("compress", get_args(Compress)),
            ("duplicates", get_args(Duplicates)),
            ("gaps", get_args(Gaps)),
        ):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(name, f"{value!r} is not one of {', '.join(known)}")
        if self.window is not None and not self.window[1] > 0:
            raise ArgumentError("window", f"a width of {self.window[1]:g} is not above 0")
        if self.redaction is not None:
            if not isinstance(self.redaction, Redaction):
                raise ArgumentError("redaction", "it is no fastpix.redaction.Redaction")
            if self.unit != "file" or self.format == "index":
                raise ArgumentError(
                    "redaction",
                    "images that are copied are blanked, no volumes and no index: leave out "
                    "unit='series' and format='index', or de-identify the files first",
                )
        if self.spacing is None:
            if self.order != 1:
                raise ArgumentError("order", "it is that of resampling: pass spacing= too")
        elif self.unit != "series":
            raise ArgumentError("spacing", "volumes alone are resampled: pass unit='series' too")
        else:
            # Floats, since the id is that of their text.
            spacing = checked_interpolation(self.spacing, self.order)
            object.__setattr__(self, "spacing", spacing)
            if self.order != 0 and self.recipe.normalize is not None:
                raise ArgumentError(
                    "normalize",
                    "statistics are of values before it, which are not there once normalized "
                    "values are resampled: convert without it, and normalize when you read "
                    "(Cache.read, datasets)",
                )

    @property
    def id(self) -> str:
        """16 hex digits that differ where what is stored does."""
        kept = self.to_dict()
        del kept["duplicates"]  # what readers do
        if self.spacing is None:  # ids are those of caches that are older than these two
            del kept["spacing"], kept["order"]
        if self.redaction is None:
            del kept["redaction"]
        text = json.dumps(kept, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def at_epoch(self, epoch: int) -> Settings:
        """Return these settings at another epoch."""
        return replace(self, epoch=epoch)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them; `from_dict` is the way back."""
        kept: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        kept["recipe"] = self.recipe.to_dict()
        kept["only"] = list(self.only)
        kept["spacing"] = None if self.spacing is None else list(self.spacing)
        kept["window"] = None if self.window is None else list(self.window)
        kept["redaction"] = None if self.redaction is None else self.redaction.to_dict()
        return kept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Settings:
        """Return the settings that `to_dict` has written."""
        known: dict[str, Any] = {f.name: kept[f.name] for f in fields(cls) if f.name in kept}
        known["recipe"] = Recipe.from_dict(known["recipe"])
        known["only"] = tuple(known.get("only", ()))
        for name in ("spacing", "window"):
            if known.get(name) is not None:
                known[name] = tuple(known[name])
        if known.get("redaction") is not None:
            known["redaction"] = Redaction.from_dict(known["redaction"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a job: all that a worker needs besides its batch. It can be pickled.

    Attributes
    ----------
    settings : Settings
    destination : str
        Folder or URL of the cache.
    paths : str
        Folder of the private files that hold the paths of sources; empty: none are kept.
    key : bytes
    max_bytes : int
        What one image may decode to; a volume may take 16 times as much.
    kernel : str
    threads : int
        Of each worker, for one file.
    timeout : float
        Seconds that one item may take.
    decoders : str
        Fingerprint of the decoders that are installed.
    started : float
        When the run began, in seconds since 1970.
    run : str
        Unique to this run.
    verdicts : RunVerdicts or None
        What is done about each source; None: all are taken as they are.
    """

    settings: Settings
    destination: str
    paths: str
    key: bytes
    max_bytes: int
    kernel: str
    threads: int = 1
    timeout: float = 600.0
    decoders: str = ""
    started: float = math.inf
    run: str = ""
    verdicts: RunVerdicts | None = None
