import numpy as np
from _typeshed import ReadableBuffer
from numpy.typing import NDArray

def find_scan(data: ReadableBuffer, at: int) -> int: ...
def find_segment(data: ReadableBuffer, at: int) -> int: ...
def make_tables(sources: bytes, of_bands: bool) -> bytes: ...
def walk_sequential(
    data: ReadableBuffer,
    at: int,
    tables: bytes,
    blocks: bytes,
    count: int,
    interval: int,
    lossless: bool,
) -> tuple[int, int]: ...
def walk_dc(
    data: ReadableBuffer,
    at: int,
    tables: bytes,
    blocks: bytes,
    count: int,
    interval: int,
    refines: bool,
) -> tuple[int, int]: ...
def walk_ac(
    data: ReadableBuffer,
    at: int,
    table: bytes,
    known: NDArray[np.uint64],
    rows: int,
    columns: int,
    interval: int,
    first: int,
    last: int,
    refines: bool,
) -> tuple[int, int]: ...
