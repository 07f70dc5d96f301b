"""Paired ratios: what a kernel costs beside a plain conversion, and a reader beside a plain read.

Run it: ``python benchmarks/ratios.py`` for the kernels, ``--read`` for the readers, ``--codecs``
for the readers of compressed files and the decoders below them, ``--pixels`` for the functions that
have pydicom's names, ``--kinds`` for the kinds of files that are easily slow, ``--series`` for
series to volumes.

Members take turns (`paired_timing.py`), and the tables show the medians of their ratios in a round.
Every member is held against the right answer first.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import bench_codecs
import bench_kernel
import bench_pixels
import bench_read
import kind_table
import series_memory
import series_table
from bare_decoders import decoders_of, fastest_decoder, one_processor
from bench_series import CASES as SERIES_CASES
from encoded_files import BY_NAME, CR, NAMES, NATIVE, RLE, VOLUME, File, write_file
from kind_cases import CASES
from paired_timing import measure
from rich.console import Console
from rich.table import Table

import fastpix
from fastpix.compare import READERS, markdown
from fastpix.compare.comparison import processor

# Job and side: the most that the best kernel may cost, in copies.
TARGETS = {
    ("12 of 16 bits, signed, slope 1", 512): 1.15,
    ("12 of 16 bits, signed, slope 1", 4096): 1.0,
    ("MONOCHROME1, invert='max'", 512): 1.6,
    ("MONOCHROME1, invert='max'", 4096): 1.6,
    ("fractional slope", 512): 3.5,
    ("fractional slope", 4096): 1.3,
    ("YBR_FULL, float32", 512): 3.0,
    ("YBR_FULL, float32", 2048): 3.0,
    ("YBR_FULL_422, float32", 512): 3.0,
    ("YBR_FULL_422, float32", 2048): 3.0,
    ("YBR_FULL, uint8", 2048): 3.0,
    ("YBR_FULL_422, uint8", 2048): 3.0,
    ("big endian", 512): 1.6,
    ("float data", 512): 1.3,
}
# Job and side: how many times faster than the NumPy reference it must at least be.
SPEEDUPS = {("12 of 16 bits, signed, slope 1", 4096): 20.0}
# Kind of file and reader: the most that fastpix.imread may cost, in that reader's time.
READ_TARGETS = {
    ("CT, 512 x 512", bench_read.FLOOR): 1.5,
    ("CT, 512 x 512", "pydicom"): 0.10,
    ("CT, 512 x 512", "dicomsdl"): 0.60,
    ("CT, 512 x 512", "pydcm"): 0.35,
    ("radiograph, 3000 x 4000", bench_read.FLOOR): 1.1,
    ("MR, 128 x 128", "dicomsdl"): 0.5,
    ("MR, 64 x 64", "dicomsdl"): 0.5,
}
READ_HOW = (11, 1.5)  # rounds, and seconds a row: a round is a whole series
NO_SLOWER = 0.97  # of pydicom's speed, which is what a function of fastpix.pixels has at least
CODEC_TARGET = 1.1  # of the floor: the most that fastpix may cost at 2048 x 2048
RLE_TARGET = 2.0  # times the fastest installed decoder
CODEC_PACKAGES = (
    "imagecodecs", "pydicom", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle",
    "python-gdcm", "pyjpegls", "dicomsdl", "SimpleITK", "pydcm",
)  # fmt: skip


def kernel_table(rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return the ratios of every job and size, and whether every target is met."""
    table = Table(title="Cost of a kernel, in np.copyto of as many values")
    kernels = fastpix.kernels()
    for heading in ("job", "pixels"):
        table.add_column(heading)
    for heading in ("copyto, µs", *kernels, f"numpy / {kernels[-1]}", "target", "met"):
        table.add_column(heading, justify="right")
    all_met = True
    for job in bench_kernel.JOBS:
        for side in job.sides:
            case = bench_kernel.make_case(job, side)
            for name in case.members:
                bench_kernel.check(case, name)
            found = measure(dict(case.members), bench_kernel.FLOOR, rounds, seconds)
            best = found[kernels[-1]]
            speedup = found[bench_kernel.REFERENCE].ratio / best.ratio
            wanted, met = [], True
            if (limit := TARGETS.get((job.name, side))) is not None:
                wanted.append(f"≤ {limit:g}×")
                met &= best.ratio <= limit
            if (least := SPEEDUPS.get((job.name, side))) is not None:
                wanted.append(f"{least:g}× numpy")
                met &= speedup >= least
            all_met &= met
            table.add_row(
                job.name,
                f"{side} x {side}",
                f"{found[bench_kernel.FLOOR].microseconds:.0f}",
                *(f"{found[name].ratio:.3g}×" for name in kernels),
                f"{speedup:.0f}×",
                ", ".join(wanted),
                ("yes" if met else "no") if wanted else "",
            )
    return table, all_met


def read_table(rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return what readers cost, from files in the page cache to new float32 arrays."""
    table = Table(title="Files to float32 arrays, one after the other, beside fastpix.imread")
    for heading in ("files", "reader"):
        table.add_column(heading)
    for heading in ("µs a file", "ratio to the floor", "fastpix / it", "target", "met"):
        table.add_column(heading, justify="right")
    all_met = True
    for name in bench_read.NAMES:
        with tempfile.TemporaryDirectory() as folder:
            files = bench_read.write_series(name, Path(folder))
            for reader in bench_read.READERS:
                for file in files:
                    bench_read.check(file, reader)
            members: dict[str, Callable[[], object]] = {
                reader: partial(bench_read.read_series, files, reader)
                for reader in bench_read.READERS
            }
            found = measure(
                members, bench_read.FLOOR, rounds, seconds * len(members), warm=len(files) == 1
            )
        for reader, timing in found.items():
            ratio = found["fastpix"].ratio_to(timing)
            limit = READ_TARGETS.get((name, reader))
            met = limit is None or ratio <= limit
            all_met &= met
            table.add_row(
                f"{len(files)} x {name}" if len(files) > 1 else name,
                reader,
                f"{timing.microseconds / len(files):.1f}",
                f"{timing.ratio:.2f}×",
                f"{ratio:.3g}×",
                "" if limit is None else f"≤ {limit:g}×",
                "" if limit is None else "yes" if met else "no",
            )
        table.add_section()
    return table, all_met


def pixels_table(rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return how many times faster than pydicom each function is, and whether all are."""
    table = Table(title="Functions of fastpix.pixels beside pydicom's")
    for heading in ("function", "pixels"):
        table.add_column(heading)
    for heading in ("pydicom, µs", "fastpix, µs", "times faster"):
        table.add_column(heading, justify="right")
    all_met = True
    with tempfile.TemporaryDirectory() as folder:
        for side in bench_pixels.SIDES:
            for case in bench_pixels.make_cases(side, Path(folder)):
                bench_pixels.check(case)
                members = {bench_pixels.OURS: case.ours, bench_pixels.THEIRS: case.theirs}
                found = measure(dict(members), bench_pixels.OURS, rounds, seconds)
                ratio = found[bench_pixels.THEIRS].ratio
                all_met &= ratio >= NO_SLOWER
                table.add_row(
                    case.name,
                    case.size,
                    f"{found[bench_pixels.THEIRS].microseconds:.0f}",
                    f"{found[bench_pixels.OURS].microseconds:.0f}",
                    f"{ratio:.2g}×",
                )
            table.add_section()
    return table, all_met


def codec_tables(names: Iterable[str], rounds: int, seconds: float) -> Iterator[tuple[Table, bool]]:
    """Yield the tables of compressed files, one after the other: they take minutes."""
    syntaxes = [BY_NAME[name] for name in names]
    with tempfile.TemporaryDirectory() as folder:
        files = [write_file(name, syntax, Path(folder)) for name in NAMES for syntax in syntaxes]
        yield codec_table(files, rounds, seconds)
        volumes = [
            write_file(VOLUME, syntax, Path(folder))
            for syntax in syntaxes
            if syntax.name in bench_codecs.FRAMES
        ]
        if volumes:
            yield frames_table(volumes, rounds, seconds), True
        compressed = [file for file in files if file.syntax.uid != NATIVE]
        if compressed:
            yield decoder_table(compressed, rounds, seconds)


def codec_table(files: Iterable[File], rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return what readers of compressed files cost, and whether every target is met."""
    table = Table(
        title="Compressed file to float32 array, in a plain read and the fastest bare decoder",
        caption="wrong: other values; -: an error; ±1: off by 1 from every bare decoder (if lossy)",
    )
    for heading in ("file", "syntax", "floor by"):
        table.add_column(heading)
    for heading in ("floor, µs", "+ float32", *bench_codecs.READERS):
        table.add_column(heading, justify="right")
    for heading in ("to the fastest other", "≤ 1", "≤ floor"):
        table.add_column(heading, justify="right")
    all_met = True
    for file in files:
        decoder, decode = fastest_decoder(file)
        members: dict[str, Callable[[], object]] = {
            "floor": partial(bench_codecs.read_floor, file, decode=decode),
            "float32": partial(bench_codecs.read_floor_float32, file, decode=decode),
        }
        cells: dict[str, str] = {}
        notes: dict[str, str] = {}
        for name in bench_codecs.READERS:
            notes[name], read, verdict = bench_codecs.reader_of(name, file)
            if verdict in ("right", "±1"):
                members[name] = partial(read, file)
                notes[name] += " ±1" if verdict == "±1" else ""
            else:
                cells[name] = verdict
        found = measure(members, "floor", rounds, seconds)
        for name in found:
            cells[name] = f"{found[name].ratio:.2f}× {notes.get(name, '')}".strip()
        others = [found[name].ratio for name in bench_codecs.READERS[1:] if name in found]
        judged = ["-"] * 3
        if bench_codecs.FASTPIX in found:
            ratio = found[bench_codecs.FASTPIX].ratio
            if others:
                all_met &= ratio <= min(others)
                judged[0] = f"{ratio / min(others):.2f}×"
                judged[1] = "yes" if ratio <= min(others) else "no"
            if file.name == CR and file.syntax.uid != NATIVE:
                all_met &= ratio <= CODEC_TARGET
                judged[2] = "yes" if ratio <= CODEC_TARGET else "no"
        else:
            all_met = False
        table.add_row(
            file.name,
            file.syntax.name,
            decoder,
            f"{found['floor'].microseconds:.0f}",
            *(cells[name] for name in ("float32", *bench_codecs.READERS)),
            *judged,
        )
    return table, all_met


def frames_table(files: Iterable[File], rounds: int, seconds: float) -> Table:
    """Return what all frames of a file cost, and one of them."""
    table = Table(title="60 frames to float32, in a plain read and the fastest bare decoder")
    for heading in ("syntax", "frames", "reader"):
        table.add_column(heading)
    for heading in ("ms", "ratio to the floor"):
        table.add_column(heading, justify="right")
    for file in files:
        decode = fastest_decoder(file)[1]
        for frame in (None, bench_codecs.FRAME):
            members: dict[str, Callable[[], object]] = {
                "floor": partial(bench_codecs.read_floor, file, frame, decode=decode)
            }
            if bench_codecs.THREADS and frame is None:
                one_thread = partial(bench_codecs.read_fastpix_threads, threads=1)
                assert bench_codecs.judge(one_thread, file) == "right"
                members["fastpix, threads=1"] = partial(one_thread, file)
            unread: dict[str, str] = {}
            for name in bench_codecs.READERS:
                note, read, verdict = bench_codecs.reader_of(name, file, frame)
                if verdict == "right":
                    members[f"{name}, {note}" if note else name] = partial(read, file, frame)
                else:
                    unread[name] = verdict
            found = measure(members, "floor", rounds, seconds)
            what = "all" if frame is None else str(frame)
            for name, timing in found.items():
                milliseconds = f"{timing.microseconds / 1e3:.1f}"
                table.add_row(file.syntax.name, what, name, milliseconds, f"{timing.ratio:.2f}×")
            for name, mark in unread.items():
                table.add_row(file.syntax.name, what, name, mark, mark)
            table.add_section()
    return table


def decoder_table(files: Iterable[File], rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return how fast every bare decoder is, and whether fastpix's of RLE is fast enough."""
    table = Table(title="Bare decoders, one frame on one processor")
    for heading in ("image", "syntax", "decoder"):
        table.add_column(heading)
    for heading in ("MB/s of output", "to the fastest", "met"):
        table.add_column(heading, justify="right")
    all_met = True
    for file in files:
        decoders = decoders_of(file)
        members: dict[str, Callable[[], object]] = {
            name: partial(decode, memoryview(file.frames[0]), file)
            for name, decode in decoders.items()
        }
        if bench_codecs.judge(bench_codecs.read_fastpix, file) != "-":
            members["fastpix, Image.stored"] = fastpix.open(file.path).stored
            if file.syntax.uid == RLE:
                members["fastpix, imread"] = partial(bench_codecs.read_fastpix, file)
        with one_processor():
            found = measure(members, next(iter(decoders)), rounds, seconds)
        speeds = {name: file.pixels.nbytes / found[name].microseconds for name in found}
        fastest = min(found[name].ratio for name in decoders)
        for name, speed in sorted(speeds.items(), key=lambda item: -item[1]):
            relative, met = fastest / found[name].ratio, ""
            if file.syntax.uid == RLE and name == "fastpix, Image.stored":
                all_met &= relative >= RLE_TARGET
                met = f"≥ {RLE_TARGET:g}×: {'yes' if relative >= RLE_TARGET else 'no'}"
            table.add_row(
                file.name, file.syntax.name, name, f"{speed:.0f}", f"{relative:.2f}×", met
            )
        table.add_section()
    return table, all_met


def describe_run(packages: Iterable[str], rounds: int) -> str:
    """Return the date, the processor and the versions that the figures belong to."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    date = datetime.datetime.now(tz=datetime.UTC).date()
    return f"{date}; {processor()}; {', '.join(found)}; medians of {rounds} rounds"


def main() -> int:
    """Print a table; the exit code is 1 where a target is missed."""
    parser = argparse.ArgumentParser(description="Paired ratios to the physical limit.")
    parser.add_argument("--read", action="store_true", help="readers in place of kernels")
    parser.add_argument("--pixels", action="store_true", help="fastpix.pixels beside pydicom's")
    parser.add_argument("--rounds", type=int, metavar="N", help="41; of --read and --kinds, 11")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help="per row of the table, about: 3; of --read and --kinds, 1.5",
    )
    parser.add_argument(
        "--codecs",
        nargs="*",
        choices=BY_NAME,
        metavar="SYNTAX",
        help="compressed files and decoders: all syntaxes, or some by their names in the table",
    )
    parser.add_argument(
        "--kinds", nargs="*", choices=CASES, metavar="KIND", help="kinds of files, all or some"
    )
    parser.add_argument(
        "--series",
        nargs="*",
        choices=SERIES_CASES,
        metavar="SERIES",
        help="series to volumes",
    )
    parser.add_argument("--markdown", action="store_true", help="tables as the pages have them")
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=140 if arguments.codecs is arguments.kinds is None else 200)
    rounds, seconds = 41, 3.0
    if arguments.series is not None:
        rounds, seconds = series_table.HOW
    elif arguments.read or arguments.kinds is not None:
        rounds, seconds = READ_HOW
    how = (arguments.rounds or rounds, arguments.seconds or seconds)
    tables: Iterable[tuple[Table, bool]]
    if arguments.codecs is not None:
        tables = codec_tables(arguments.codecs or BY_NAME, *how)
        packages = ["fastpix", "numpy", *CODEC_PACKAGES]
    elif arguments.kinds is not None:
        tables = [kind_table.kinds_table(arguments.kinds or CASES, *how)]
        packages = list(kind_table.PACKAGES)
    elif arguments.series is not None:
        tables = [series_table.series_table(arguments.series or SERIES_CASES, *how)]
        tables += [] if arguments.series else [series_memory.memory_table()]
        packages = list(series_table.PACKAGES)
    elif arguments.read:
        tables = [read_table(*how)]
        packages = ["numpy", *(reader.package for reader in READERS.values())]
    elif arguments.pixels:
        tables = [pixels_table(*how)]
        packages = ["fastpix", "numpy", "pydicom"]
    else:
        tables = [kernel_table(*how)]
        packages = ["fastpix", "numpy"]
    met = True
    for table, is_met in tables:
        if arguments.markdown:
            print(markdown(table), flush=True)
        else:
            console.print(table)
        met &= is_met
    console.print(describe_run(packages, how[0]), highlight=False, soft_wrap=True)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
