"""What an audit keeps of what names a source: terms of the standard, and the names of devices."""

from __future__ import annotations

from collections.abc import Callable

from fastpix.job.vocabulary import modality_term, photometric_term
from fastpix.sources.source_key import SourceKey

_PRESENTATIONS = frozenset({"FOR PROCESSING", "FOR PRESENTATION"})


def with_terms(key: SourceKey) -> SourceKey:
    """Return what names a source, with ``other`` for a text that should be a term and is none.

    So no other text of a file is kept, or shown. The id of a source is that of the key as it was.

    Parameters
    ----------
    key : SourceKey
    """
    return key._replace(
        modality=_term(key.modality, modality_term),
        photometric=_term(key.photometric, photometric_term),
        presentation=_term(
            key.presentation.upper(), lambda text: text if text in _PRESENTATIONS else None
        ),
    )


def _term(text: str, term: Callable[[str], str | None]) -> str:
    return (term(text) or "other") if text else ""
