"""What a volume takes beside its own array, in a process of its own, and whether time is linear.

``ratios.py --series`` prints it. Run by itself with a folder, it reads the volume in it, and prints
the bytes of the array, the peak of the process beyond it, and the seconds that reading took.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_read import write_series
from rich.table import Table

COUNTS = (300, 1000)
MOST_BYTES = 64 * 2**20
MOST_GROWTH = 1.3  # of the time a slice takes, from the first count to the last


def memory_table() -> tuple[Table, bool]:
    """Return what volumes of some hundred CT slices take, and whether it is within the promise."""
    table = Table(title="A volume of CT slices of 512 x 512, in a process of its own")
    for heading in ("slices", "array, MiB", "peak beyond it, MiB", "target", "ms a slice", "met"):
        table.add_column(heading, justify="right")
    all_met, first = True, 0.0
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            write_series("CT, 512 x 512", Path(folder), count)
            runs = [_in_a_process(folder) for _ in range(3)]
        size, beyond, _ = min(runs, key=lambda run: run[1])
        each = min(seconds for *_, seconds in runs) / count
        first = first or each
        met = beyond <= MOST_BYTES and each <= MOST_GROWTH * first
        all_met &= met
        table.add_row(
            str(count),
            f"{size / 2**20:.0f}",
            f"{beyond / 2**20:.1f}",
            f"≤ {MOST_BYTES // 2**20}",
            f"{each * 1e3:.3f}",
            "yes" if met else "no",
        )
    return table, all_met


def _in_a_process(folder: str) -> tuple[int, int, float]:
    command = [sys.executable, __file__, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    size, beyond, seconds = json.loads(done.stdout)
    return int(size), int(beyond), float(seconds)


def peak_memory() -> int:
    """Return the most bytes that this process has had in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says may be that of the process that started this one
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Read the volume in a folder, after one file of it, so that all is imported."""
    import fastpix

    folder = sys.argv[1]
    fastpix.read_series(os.path.join(folder, min(os.listdir(folder))))
    before, start = peak_memory(), time.perf_counter()
    volume = fastpix.read_series(folder)
    seconds = time.perf_counter() - start
    print(json.dumps([volume.array.nbytes, peak_memory() - before - volume.array.nbytes, seconds]))


if __name__ == "__main__":
    main()
