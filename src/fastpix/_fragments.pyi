import numpy as np
from _typeshed import ReadableBuffer
from numpy.typing import NDArray

class ItemWalk:
    at: int
    fragments: int
    empty: int
    streams: int
    beginnings: int
    def __init__(
        self,
        at: int,
        length: int,
        stop: int,
        most: int,
        table: NDArray[np.int64],
        lengths: NDArray[np.int64],
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
