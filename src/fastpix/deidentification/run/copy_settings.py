"""What a folder of copies is made by: `CopySettings`, and `CopyJob`, which a run adds to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from fastpix.deidentification.copy_options import Deidentification
from fastpix.image.limits import MAX_BYTES
from fastpix.redaction import Redaction


@dataclass(frozen=True, slots=True)
class CopySettings:
    """What all copies of a folder have in common; its ``dataset.json`` holds it.

    Attributes
    ----------
    options : Deidentification
        But for `accept_pixels`, which says something of a run.
    root : str
        What paths are taken relative to, in a word: as `Settings.root` of a cache.
    key : str
        Fingerprint of the key.
    epoch : int
        How often the settings were replaced.
    """

    kind: ClassVar[str] = "de-identified copies"

    options: Deidentification
    root: str = "source"
    key: str = ""
    epoch: int = 0

    @property
    def id(self) -> str:
        """16 hex digits that differ where what is made does."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def at_epoch(self, epoch: int) -> CopySettings:
        """Return these settings at another epoch."""
        return replace(self, epoch=epoch)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them; `from_dict` is the way back."""
        options = self.options
        return {
            "dates": options.dates,
            "keep": sorted(options.keep),
            "any_sop": options.any_sop,
            "redaction": None if options.redaction is None else options.redaction.to_dict(),
            "detect_text": options.detect_text,
            "blank_detected": options.blank_detected,
            "root": self.root,
            "key": self.key,
            "epoch": self.epoch,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> CopySettings:
        """Return the settings that `to_dict` has written."""
        redaction = kept["redaction"]
        options = Deidentification(
            dates=kept["dates"],
            keep=frozenset(kept["keep"]),
            any_sop=kept["any_sop"],
            redaction=None if redaction is None else Redaction.from_dict(redaction),
            detect_text=kept["detect_text"],
            blank_detected=kept["blank_detected"],
        )
        return cls(options, kept["root"], kept["key"], kept["epoch"])


@dataclass(frozen=True, slots=True)
class CopyJob:
    """A run: all that a worker needs besides its batch. It can be pickled.

    Attributes
    ----------
    settings : CopySettings
    accept_pixels : bool
        No image of this run waits for a person.
    destination : str
        Folder of the copies.
    key : bytes
    max_bytes : int
        What one image may decode to.
    timeout : float
        Seconds that one file may take.
    decoders : str
        Fingerprint of the decoders that are installed.
    started : float
        When the run began, in seconds since 1970.
    run : str
        Unique to this run.
    """

    settings: CopySettings
    accept_pixels: bool
    destination: str
    key: bytes
    max_bytes: int = MAX_BYTES
    timeout: float = 600.0
    decoders: str = ""
    started: float = 0.0
    run: str = ""

    @property
    def options(self) -> Deidentification:
        """What is asked of each copy."""
        return replace(self.settings.options, accept_pixels=self.accept_pixels)
