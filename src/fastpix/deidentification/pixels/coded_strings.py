"""Runs of printable bytes in coded data: all that a text hidden in a codestream can be."""

from __future__ import annotations

import numpy as np

SHORTEST = 6  # characters: of fewer, any coded data hold some
_PRINTABLE = np.zeros(256, np.bool_)
_PRINTABLE[0x20:0x7F] = True


def strings_of(data: bytes | memoryview) -> bytes:
    """Return the runs of printable bytes, one behind the other; of UTF-16, too.

    A codec says where its image ends only once it has decoded it, so that there is more room for
    text in a codestream than markers tell: behind the rows of an RLE segment, say.

    Parameters
    ----------
    data : bytes-like
    """
    cells = np.frombuffer(data, np.uint8)
    found = []
    for part in (cells, cells[::2], cells[1::2]):
        printable = np.zeros(part.size + 2, np.bool_)
        printable[1:-1] = _PRINTABLE[part]
        edges = np.flatnonzero(printable[1:] != printable[:-1])
        starts, ends = edges[::2], edges[1::2]
        is_long = ends - starts >= SHORTEST
        found += [
            part[start:end].tobytes()
            for start, end in zip(starts[is_long], ends[is_long], strict=True)
        ]
    return b"\n".join(found)
