"""Items read one by one in a process that may die, to find out which of them kills it."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from fastpix.job.items import Item
from fastpix.job.made import Made, given_up
from fastpix.job.settings import Job
from fastpix.processes import Child, ChildDiedError, ChildHungError

MAKE = "fastpix.job.engines.in_child:make"
_DEATHS = 2  # of processes that had read nothing else, after which an item is to blame


class ToBlameError(Exception):
    """An item has killed processes, or one was still busy with it.

    Attributes
    ----------
    reason : str
        In words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Isolated:
    """Makes items in another process; use as a context manager.

    A process that has read items without trouble reads the next. If it dies, that proves nothing:
    it may have been killed, or run out of memory. The item is tried again in a process of its own,
    and is to blame only when two such processes have died, or one has hung.

    Parameters
    ----------
    timeout : float
        Seconds that an item may take.
    function : str
        What makes an item, for `Child.call`.
    """

    def __init__(self, timeout: float, function: str = MAKE) -> None:
        self._timeout = timeout
        self._function = function
        self._child: Child | None = None

    def __enter__(self) -> Isolated:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._child is not None:
            self._child.close()

    def make(self, item: Item, job: Job) -> Made:
        """Return what an item gives; a failure, if it is to blame for deaths.

        Parameters
        ----------
        item : Item
        job : Job
        """
        try:
            made: Made = self.call(item, job)
        except ToBlameError as error:
            kind = "image" if job.settings.unit == "file" else "series"
            return given_up(item, job, kind, "failed", "WorkerDied", error.reason)
        return made

    def call(self, *arguments: object) -> Any:
        """Return what the function makes of something.

        Parameters
        ----------
        *arguments
            An item, and what else the function takes.

        Raises
        ------
        ToBlameError
            It is to blame for deaths.
        """
        deaths = 0
        while True:
            is_own = self._child is None
            child = self._child = self._child or Child()
            try:
                return child.call(self._function, *arguments, timeout=self._timeout)
            except ChildDiedError as error:
                self._child = None
                deaths += is_own
                if deaths == _DEATHS or (is_own and isinstance(error, ChildHungError)):
                    raise ToBlameError(f"the process reading it {error.reason}") from error
