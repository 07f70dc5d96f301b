"""Executors of a job: threads that watch over processes, the caller's own, a cluster of Dask."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeAlias, TypeVar

from fastpix.errors import ArgumentError, FastpixError

T = TypeVar("T")

Engine: TypeAlias = "Executor | str | Any | None"

_RECONNECT_SECONDS = 60.0  # that a scheduler may be away
_COUNTED_SECONDS = 5.0  # between two looks at how many workers a cluster has
_DASK = "dask:"


class Submitter:
    """Submits work to an executor.

    Attributes
    ----------
    is_own : bool
        Whether work runs in threads of this process, which may report.
    """

    def __init__(self, executor: Executor, is_own: bool) -> None:
        self.executor = executor
        self.is_own = is_own

    def check(self) -> None:
        """Wait until work can be submitted.

        Raises
        ------
        FastpixError
            It cannot any more.
        """

    def submit(self, run: Callable[..., T], *arguments: object) -> Future[T]:
        """Have a function called.

        Parameters
        ----------
        run : callable
            Of a module, or a `functools.partial` of one.
        *arguments
            What it is called with.
        """
        return self.executor.submit(run, *arguments)

    def workers(self, asked: int) -> int:
        """Return how many batches are converted at a time.

        Parameters
        ----------
        asked : int
            The number that the caller gave.
        """
        return asked

    def is_lost(self, error: BaseException) -> bool:
        """Whether an error says that a worker was lost, and nothing of the batch it worked on.

        Parameters
        ----------
        error : Exception
        """
        del error
        return False


class DaskSubmitter(Submitter):
    """Submits work to a cluster of Dask, and waits for its scheduler when that is away.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        # A task that runs while its worker is killed is run again by another, and we count tries.
        super().__init__(client.get_executor(pure=False, retries=0), is_own=False)
        self._client = client
        self._threads = 0  # of all workers
        self._counted = -_COUNTED_SECONDS

    @property
    def is_away(self) -> bool:
        """Whether the scheduler does not answer."""
        return self._client.status not in ("running", "newly-created")

    def check(self) -> None:
        """Wait for the scheduler."""
        deadline = time.monotonic() + _RECONNECT_SECONDS
        while self.is_away:
            if time.monotonic() > deadline or self._client.status == "closed":
                raise FastpixError(
                    "the scheduler of Dask is gone: start it, and run the same command again for "
                    "the rest; what is done stays"
                )
            time.sleep(0.2)

    def submit(self, run: Callable[..., T], *arguments: object) -> Future[T]:
        """Have a worker call a function; the scheduler is given bytes.

        It would make objects of them, for which it needs more time and memory than for all else.
        """
        return self.executor.submit(call_pickled, pickle.dumps(partial(run, *arguments)))

    def workers(self, asked: int) -> int:
        """Return how many threads the cluster has: it may be larger than the caller's machine."""
        if (now := time.monotonic()) - self._counted > _COUNTED_SECONDS:
            self._counted = now
            with suppress(Exception):  # the scheduler is away: `check` waits for it
                self._threads = sum(self._client.nthreads().values())
        return max(asked, self._threads)

    def is_lost(self, error: BaseException) -> bool:
        """Whether Dask itself raised it: its classes for lost connections are OSErrors, too."""
        return isinstance(error, CancelledError) or type(error).__module__.startswith("distributed")


def call_pickled(function: bytes) -> Any:
    """Call a function of no arguments that was pickled.

    Parameters
    ----------
    function : bytes
    """
    return pickle.loads(function)()


@contextmanager
def submitter_of(engine: Engine, workers: int) -> Iterator[Submitter]:
    """Give what submits work to an engine, and let go of it.

    Parameters
    ----------
    engine : Executor, distributed.Client, str or None
        ``"dask:ADDRESS"``; None: threads of this process.
    workers : int
        Threads.

    Raises
    ------
    ArgumentError
        It is none of these.
    ImportError
        The extra ``dask`` is not installed.
    FastpixError
        There is no scheduler at the address.
    """
    if engine is None:
        pool = ThreadPoolExecutor(workers, thread_name_prefix="fastpix")
        try:
            yield Submitter(pool, is_own=True)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    elif isinstance(engine, str) and engine.startswith(_DASK):
        with _client_at(engine.removeprefix(_DASK)) as client:
            yield DaskSubmitter(client)
    elif isinstance(engine, Executor):
        yield Submitter(engine, is_own=isinstance(engine, ThreadPoolExecutor))
    elif hasattr(engine, "get_executor"):
        yield DaskSubmitter(engine)
    else:
        raise ArgumentError(
            "executor",
            f"{engine!r} is not a concurrent.futures.Executor, a client of Dask, or 'dask:ADDRESS'",
        )


def _client_at(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("Dask is not installed: pip install 'fastpix[dask]'") from error
    try:
        return Client(address, timeout=20)
    except (OSError, TimeoutError, ValueError) as error:
        raise FastpixError(f"there is no scheduler of Dask at {address}: {error}") from error
