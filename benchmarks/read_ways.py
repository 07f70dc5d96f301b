"""Ways for the pixels of a file to get to the kernel, warm and cold; and many files by threads.

Run it: ``python benchmarks/read_ways.py``. Each way reads the bytes of a native file, wherever it
puts them, and hands them to the kernel; where the pixels are is known beforehand. The floor is that
of `bench_read`. Cold: the file is put out of the page cache before each read, as far as the system
does that when it is asked (Linux, `posix_fadvise`). ``--many``: series read by `imread` in a loop
and by `imread_many`, each array dropped when the next one comes, or all of them kept.
"""

from __future__ import annotations

import argparse
import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import bench_read
import numpy as np
from numpy.typing import NDArray
from paired_timing import measure
from ratios import describe_run
from rich.console import Console
from rich.table import Table

import fastpix
from fastpix.image.frame_threads import cores
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps

KINDS = ("CT, 512 x 512", "radiograph, 3000 x 4000")
PIECES = (2**16, 2**18, 2**20, 2**22)
COLD_READS = 7
LOOP = "imread in a loop"
SERIES = {"CT, 512 x 512": 200, "MR, 128 x 128": 200, "radiograph, 3000 x 4000": 8}

Way = Callable[[Path, int, Steps, NDArray[np.float32]], None]


def read_reused(path: Path, start: int, steps: Steps, out: NDArray[np.float32]) -> None:
    """Read the file at once, into memory that is used again and again."""
    size = path.stat().st_size
    if len(_reused) < size:
        _reused.extend(bytes(size - len(_reused)))
    with memoryview(_reused) as view, path.open("rb", buffering=0) as file:
        file.readinto(view[:size])
        current_kernel().scale(np.frombuffer(view[start:size], np.uint8), out, steps)


_reused = bytearray()


def read_new(path: Path, start: int, steps: Steps, out: NDArray[np.float32]) -> None:
    """Read the file at once, into new memory."""
    with path.open("rb", buffering=0) as file:
        data = file.read()
    current_kernel().scale(np.frombuffer(data, np.uint8, offset=start), out, steps)


def read_mapped(path: Path, start: int, steps: Steps, out: NDArray[np.float32]) -> None:
    """Map the file into memory, pages at once where the system can."""
    flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
    with path.open("rb", buffering=0) as file:
        mapped = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
    cells = np.frombuffer(mapped, np.uint8, offset=start)
    current_kernel().scale(cells, out, steps)
    del cells
    mapped.close()


def read_pieces(
    path: Path, start: int, steps: Steps, out: NDArray[np.float32], *, piece: int
) -> None:
    """Read 64 KiB for the header, then piece by piece what the kernel takes while it is warm."""
    buffer = np.empty(piece, np.uint8)
    cell = int(steps.cell[1])
    with path.open("rb", buffering=0) as file:
        file.read(2**16)
        file.seek(start)
        done = 0
        while count := file.readinto(buffer.data):
            current_kernel().scale(buffer[:count], out[done : done + count // cell], steps)
            done += count // cell


def ways() -> dict[str, Way]:
    """Return all ways by their names."""
    found: dict[str, Way] = {
        "at once, reused memory": read_reused,
        "at once, new memory": read_new,
        "mmap": read_mapped,
    }
    for piece in PIECES:
        found[f"pieces of {piece // 1024} KiB"] = partial(read_pieces, piece=piece)
    return found


def read(way: Way, file: bench_read.File, start: int, steps: Steps) -> NDArray[np.float32]:
    """Return a new array of the values of a file."""
    out = np.empty(file.expected.shape, np.float32)
    way(file.path, start, steps, out.reshape(-1))
    return out


def cold(call: Callable[[], object], path: Path) -> float:
    """Return the median microseconds of a read of what the page cache does not hold."""
    taken = []
    for _ in range(COLD_READS):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        begin = perf_counter_ns()
        call()
        taken.append((perf_counter_ns() - begin) / 1e3)
    return sorted(taken)[len(taken) // 2]


def ways_table(rounds: int, seconds: float) -> Table:
    """Return what each way costs."""
    table = Table(title="From a file to the kernel")
    for heading in ("file", "way", "µs warm", "ratio to the floor", "µs cold"):
        table.add_column(heading, justify="right" if "µs" in heading else "left")
    for name in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            file = bench_read.write_file(name, Path(folder))
            image = fastpix.open(file.path)
            steps = image.plan().frame_steps(0)
            start = file.path.stat().st_size - image.header.pixel_bytes
            members: dict[str, Callable[[], object]] = {
                bench_read.FLOOR: partial(bench_read.READERS[bench_read.FLOOR], file)
            }
            for way, do in ways().items():
                assert np.array_equal(read(do, file, start, steps), file.expected), way
                members[way] = partial(read, do, file, start, steps)
            members["fastpix.imread"] = partial(fastpix.imread, file.path)
            found = measure(members, bench_read.FLOOR, rounds, seconds * len(members))
            for way, timing in found.items():
                late = cold(members[way], file.path) if hasattr(os, "posix_fadvise") else None
                table.add_row(
                    name, way, f"{timing.microseconds:.1f}", f"{timing.ratio:.2f}×",
                    "-" if late is None else f"{late:.0f}",
                )  # fmt: skip
            table.add_section()
    return table


def read_in_loop(files: list[bench_read.File], keep: bool) -> None:
    take((fastpix.imread(file.path) for file in files), keep)


def read_many(files: list[bench_read.File], keep: bool, threads: int) -> None:
    take(fastpix.imread_many((file.path for file in files), threads=threads), keep)


def take(arrays: Iterator[NDArray[Any]], keep: bool) -> None:
    """Take all arrays, and let go of each before the next one comes, or of none."""
    if keep:
        list(arrays)
    else:
        deque(arrays, maxlen=0)


def many_table(rounds: int, seconds: float) -> Table:
    """Return what files of a series cost one after the other, and several at a time."""
    table = Table(title="Series of files to float32 arrays")
    for heading in ("files", "arrays are", "by", "µs a file", "times as fast as the loop"):
        table.add_column(
            heading, justify="right" if "fast" in heading or "µs" in heading else "left"
        )
    for name, count in SERIES.items():
        with tempfile.TemporaryDirectory() as folder:
            files = bench_read.write_series(name, Path(folder), count)
            arrays = fastpix.imread_many([file.path for file in files], threads=2)
            for file, array in zip(files, arrays, strict=True):
                assert np.array_equal(array, file.expected)
            for keep in (False, True):
                members: dict[str, Callable[[], object]] = {
                    LOOP: partial(read_in_loop, files, keep)
                }
                for threads in sorted({1, 2, cores()}):
                    members[f"imread_many, threads={threads}"] = partial(
                        read_many, files, keep, threads
                    )
                found = measure(members, LOOP, rounds, seconds * len(members))
                for by, timing in found.items():
                    table.add_row(
                        f"{count} x {name}", "kept" if keep else "dropped", by,
                        f"{timing.microseconds / count:.1f}", f"{1 / timing.ratio:.2f}",
                    )  # fmt: skip
                table.add_section()
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Ways from files to arrays.")
    parser.add_argument("--many", action="store_true", help="series, by imread and imread_many")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row")
    arguments = parser.parse_args()
    console = Console(width=100)
    make = many_table if arguments.many else ways_table
    console.print(make(arguments.rounds, arguments.seconds))
    console.print(describe_run(("numpy", "fastpix"), arguments.rounds))
