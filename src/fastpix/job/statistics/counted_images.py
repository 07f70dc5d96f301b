"""Which images statistics were counted on: kept with them, so that old ones are told from new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fastpix.errors import ArgumentError
from fastpix.job.patient_split import SPLITS, By, Fractions, fractions_of
from fastpix.job.patient_split import split as split_rows

if TYPE_CHECKING:
    from fastpix.job.cache import Cache

_IDENTITY = ("name", "state", "checksum")  # of an image: other pixels, another state


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted; ``stats.json`` holds it as ``counted``.

    Attributes
    ----------
    split : str or None
        None: all images.
    by : str or None
    fractions : dict of str to float or None
    seed : int or None
        What decided the split, as in `fastpix.split`; None without one.
    images : int
    digest : str
        Of the settings of the cache, and of names and states of these images.
    """

    split: str | None
    by: str | None
    fractions: dict[str, float] | None
    seed: int | None
    images: int
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @property
    def key(self) -> str:
        """The file of the cache that holds the statistics of these images."""
        if self.split is None:
            return "stats.json"
        if self.by == "patient" and not self.seed and self._has_default_fractions:
            return f"stats-{self.split}.json"
        how = json.dumps([self.by, list((self.fractions or {}).items()), self.seed])
        return f"stats-{self.split}-{hashlib.sha256(how.encode()).hexdigest()[:8]}.json"

    @property
    def command(self) -> str:
        """The command that counts these images."""
        words = ["fastpix stats DST"]
        if self.split is not None:
            words.append(f"--split {self.split}")
            if self.by != "patient":
                words.append(f"--by {self.by}")
            if not self._has_default_fractions:
                named = (f"{name}={share!r}" for name, share in (self.fractions or {}).items())
                words.append(f"--fractions {','.join(named)}")
            if self.seed:
                words.append(f"--seed {self.seed}")
        return " ".join(words)

    @property
    def _has_default_fractions(self) -> bool:
        """Whether they are `SPLITS`, in the same order: the order decides, too."""
        return list((self.fractions or {}).items()) == list(SPLITS.items())


def counted_of(
    cache: Cache,
    split: str | None,
    by: By = "patient",
    fractions: Fractions = SPLITS,
    seed: int = 0,
) -> tuple[Counted, list[int]]:
    """Return which images a split of a cache has, and their row numbers.

    Parameters
    ----------
    cache : Cache
    split : str or None
        None: all images.
    by, fractions, seed
        As in `fastpix.split`.

    Raises
    ------
    ArgumentError
        There is no such split.
    """
    chosen = list(range(len(cache)))
    shares: Mapping[str, float] | None = None
    if split is not None:
        shares = fractions_of(fractions)
        if split not in shares:
            raise ArgumentError("split", f"{split!r} is not one of {', '.join(shares)}")
        chosen = split_rows(cache, by, shares, seed)[split].tolist()
    columns = [cache.table.column(name).to_pylist() for name in _IDENTITY]
    digest = hashlib.sha256(cache.settings.id.encode())
    for line in sorted(f"{name} {state} {sum_}" for name, state, sum_ in
                       ([column[k] for column in columns] for k in chosen)):  # fmt: skip
        digest.update(f"\n{line}".encode())
    counted = Counted(
        split=split,
        by=None if shares is None else by,
        fractions=None if shares is None else dict(shares),
        seed=None if shares is None else int(seed),
        images=len(chosen),
        digest=digest.hexdigest()[:32],
    )
    return counted, chosen
