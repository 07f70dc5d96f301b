from typing import Any

from _typeshed import ReadableBuffer
from numpy.typing import NDArray

class ItemWalk:
    at: int
    fragments: int
    empty: int
    streams: int
    def __init__(
        self,
        at: int,
        length: int,
        stop: int,
        most: int,
        table: NDArray[Any],
        lengths: NDArray[Any],
    ) -> None: ...
    def on(self, part: ReadableBuffer, base: int) -> int: ...
    def through(self, file: int, start: int) -> int: ...
    @property
    def wanted(self) -> int: ...
    @property
    def fits_table(self) -> bool: ...
    def fragment_starts(self) -> bytes: ...
    def stream_starts(self) -> bytes: ...

def joined_items(items: ReadableBuffer) -> bytes | None: ...
