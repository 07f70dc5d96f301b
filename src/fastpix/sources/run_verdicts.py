"""`RunVerdicts`: the verdicts that a run obeys, by ids of sources, and no word of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastpix.sources.source_key import BY
from fastpix.sources.unseen_sources import UnseenSourceError
from fastpix.sources.verdicts import STATUSES, Status

_UNSEEN = "UnseenSourceError"


@dataclass(frozen=True, slots=True)
class RunVerdicts:
    """What is done about each source.

    Attributes
    ----------
    statuses : mapping of str to str
        By the ids of sources; one that is not here is unseen.
    by : tuple of str
        The attributes that tell sources apart.
    allow_unseen : bool
        Sources that nobody has looked at are taken as they are.
    software : mapping of str to frozenset of str
        Which software versions were looked at (`software_token`), by the ids of sources; of one
        that is not here, all are taken.
    """

    statuses: Mapping[str, Status] = field(default_factory=dict)
    by: tuple[str, ...] = BY
    allow_unseen: bool = False
    software: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def status_of(self, source: str, software: str | None) -> Status:
        """Return what was decided about the images of a source.

        Parameters
        ----------
        source : str
            Its id.
        software : str or None
            `software_token`; None is no version at all.

        Returns
        -------
        {"unseen", "accept", "invert", "exclude"}
            ``unseen`` where nothing was decided, and where the software has changed since.
        """
        status = self.statuses.get(source, "unseen")
        seen = self.software.get(source)
        if status == "exclude" or seen is None or (software or "") in seen:
            return status
        return "unseen"

    def refusal(self, source: str, software: str | None) -> UnseenSourceError:
        """Return the error about images that somebody has to look at first.

        Parameters
        ----------
        source : str
        software : str or None
        """
        was = self.statuses.get(source, "unseen")
        has_changed = was != "unseen" and self.status_of(source, software) == "unseen"
        return UnseenSourceError([source], [source] if has_changed else [])

    def is_refused(self, status: Status) -> bool:
        """Whether a status is that of a source that has to be looked at first.

        Parameters
        ----------
        status : {"unseen", "accept", "invert", "exclude"}
        """
        return status == "unseen" and not self.allow_unseen

    def to_dict(self) -> dict[str, object]:
        """Return what JSON can hold; `from_dict` is the way back."""
        return {
            "allow_unseen": self.allow_unseen,
            "by": list(self.by),
            "software": {source: sorted(seen) for source, seen in sorted(self.software.items())},
            "sources": dict(sorted(self.statuses.items())),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, object]) -> RunVerdicts:
        """Return what `to_dict` has made a dictionary of.

        Raises
        ------
        ValueError
            It is none.
        """
        statuses, by, allowed = (kept.get(name) for name in ("sources", "by", "allow_unseen"))
        if not isinstance(statuses, dict) or not isinstance(by, list) or type(allowed) is not bool:
            raise ValueError("these are no verdicts of a run")
        if not set(statuses.values()) <= set(STATUSES):
            raise ValueError("a verdict is none of the known ones")
        software = kept.get("software", {})
        if not isinstance(software, dict) or not all(
            isinstance(seen, list) for seen in software.values()
        ):
            raise ValueError("these are no software versions")
        seen = {source: frozenset(map(str, each)) for source, each in software.items()}
        return cls(statuses, tuple(map(str, by)), allowed, seen)


def is_stale(
    verdicts: RunVerdicts | None,
    source: str | None,
    software: str | None,
    verdict: str | None,
    error: str | None,
) -> bool:
    """Whether an image was made under another verdict than the one of its source now.

    What was made without verdicts is what ``accept`` gives.

    Parameters
    ----------
    verdicts : RunVerdicts or None
        None: every source is taken as it is.
    source, software, verdict, error : str or None
        Columns of a row: the id, the version, the status that was applied, the class of an error.
    """
    if source is None:
        return False
    if verdicts is None:
        return verdict in ("invert", "exclude") or error == _UNSEEN
    now = verdicts.status_of(source, software)
    if verdict is None:
        return not (now == "accept" or (now == "unseen" and verdicts.allow_unseen))
    if verdict != now:
        return True
    return now == "unseen" and (error == _UNSEEN) == verdicts.allow_unseen
