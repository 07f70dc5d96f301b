"""What a job is set beside, as scripts: the one that users write, and the least that any has to do.

    python job_scripts.py savez SRC DST WORKERS
    python job_scripts.py floor SRC DST

``savez``: pydicom and ``numpy.savez`` in a pool of processes. ``floor``: read the file, convert its
last bytes to float32, ``numpy.save``; no header is looked at.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np


def savez(path: str, dst: str) -> None:
    """Convert a file as most scripts do."""
    import pydicom

    dataset = pydicom.dcmread(path)
    values = dataset.pixel_array.astype(np.float32)
    slope = float(getattr(dataset, "RescaleSlope", 1))
    values = values * slope + float(getattr(dataset, "RescaleIntercept", 0))
    name = os.path.splitext(os.path.basename(path))[0]
    np.savez(os.path.join(dst, name), pixels=values.astype(np.float32))


def floor(src: str, dst: str) -> None:
    """Do what no job can do without: read, convert, write."""
    for entry in sorted(os.scandir(src), key=lambda each: each.name):
        with open(entry.path, "rb", buffering=0) as file:
            data = file.read()
        side = 512 if len(data) > 2 * 512 * 512 else 128
        cells = np.frombuffer(data, "<i2", side * side, len(data) - 2 * side * side)
        np.save(os.path.join(dst, entry.name), cells.astype(np.float32).reshape(side, side))


def main() -> None:
    """Run one of the scripts."""
    what, src, dst = sys.argv[1:4]
    Path(dst).mkdir(parents=True)
    if what == "floor":
        floor(src, dst)
        return
    paths = sorted(entry.path for entry in os.scandir(src))
    with ProcessPoolExecutor(int(sys.argv[4])) as pool:
        list(pool.map(partial(savez, dst=dst), paths, chunksize=16))


if __name__ == "__main__":
    main()
