"""Waiting for what other threads and processes do, on a busy machine, too."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120.0  # seconds: a test that passes does not wait for so long


def wait_until(is_so: Callable[[], object]) -> bool:
    """Wait until something is so; return whether it is, after a long time."""
    end = time.monotonic() + PATIENCE
    while not (answer := bool(is_so())) and time.monotonic() < end:
        time.sleep(0.002)
    return answer
