"""Worker processes that start at once: forks of one process that has imported what they need."""

from __future__ import annotations

import multiprocessing

import pytest

_IMPORTED = ["fastpix.compare.worker", "fastpix.header.by_pydicom"]


def start_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let fastpix fork its workers from such a process, where it would start an interpreter each.

    They are processes all the same: they die, hang and are killed alone.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    patch.setattr(multiprocessing, "get_context", lambda method=None: context)
