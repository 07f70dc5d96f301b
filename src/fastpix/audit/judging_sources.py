"""The polarity of a source, asked of those who judge it."""

from __future__ import annotations

from collections.abc import Sequence

from fastpix.audit.record import Polarity
from fastpix.audit.sampled_pixels import Look


def judge_source(looks: Sequence[Look], others: Sequence[Sequence[Look]]) -> Polarity:
    """Judge whether the Photometric Interpretation of a source fits what its images show.

    Parameters
    ----------
    looks : sequence of Look
        The sampled images of the source, reduced; `values_of` gives their values.
    others : sequence of sequence of Look
        Those of the other sources of its modality.
    """
    del looks, others  # no judge is wired yet
    return Polarity()
