"""``progress=True`` of a job that is called from Python: a bar in a notebook or on a terminal."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

SHOWN = "fastpix.cli.progress"
"""The module that draws. It stands after this one, so by name."""

Told: TypeAlias = Callable[[Any], object]


@contextmanager
def told(progress: bool, doing: str, on_progress: Told | None) -> Iterator[Told | None]:
    """Give what a job tells how far it is: a bar, what its caller has given, both, or nothing.

    Parameters
    ----------
    progress : bool
        Show a bar.
    doing : str
        What the job does.
    on_progress : callable or None
    """
    if not progress:
        yield on_progress
        return

    def tell(far: Any) -> None:
        bar.advance(far)
        if on_progress is not None:
            on_progress(far)

    with importlib.import_module(SHOWN).shown(doing) as bar:
        yield tell
