"""Progress bars: on a terminal, and in the output of a notebook's cell; nowhere else.

rich redraws bars in a notebook by ipywidgets, which many do not have, and which kept notebooks do
not show. IPython itself can replace what a cell has shown: so a bar is one output, that stays.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID

_SECONDS_BETWEEN_UPDATES = 0.2


def shows_bars(console: Console) -> bool:
    """Whether bars can be drawn where a console prints."""
    return bool(console.is_terminal or console.is_jupyter)


class Bar(Progress):
    """rich's progress bars, shown once and updated in place, in a notebook too.

    Parameters
    ----------
    *columns : rich.progress.ProgressColumn
    console : rich.console.Console
    transient : bool
        Remove the bar at the end.
    """

    def __init__(self, *columns: Any, console: Console, transient: bool = False) -> None:
        self._output: Any = None  # of a notebook: what updates it
        self._updated = 0.0
        self._is_transient = transient
        super().__init__(
            *columns, console=console, transient=transient, disable=not shows_bars(console),
            auto_refresh=not console.is_jupyter,
        )  # fmt: skip

    def start(self) -> None:
        """Show the bar."""
        if not self.console.is_jupyter:
            super().start()
            return
        display = importlib.import_module("IPython.display").display
        self._output = display(self, display_id=True)

    def stop(self) -> None:
        """Show the last state of the bar, or remove it."""
        if not self.console.is_jupyter:
            super().stop()
            return
        self._update_output(is_last=True)
        self._output = None

    def update(self, task_id: TaskID, **fields: Any) -> None:
        """Show new values of a bar."""
        super().update(task_id, **fields)
        self._update_output()

    def _update_output(self, is_last: bool = False) -> None:
        now = time.monotonic()
        if self._output is None:
            return
        if is_last and self._is_transient:
            self._output.update({"text/plain": ""}, raw=True)
        elif is_last or now - self._updated >= _SECONDS_BETWEEN_UPDATES:
            self._updated = now
            self._output.update(self)
