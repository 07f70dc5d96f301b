"""What `two_commits.py` times in each build, and the process that times it.

The cases are those of other benchmarks, at sizes where the cost of a call shows: kernels, functions
of `fastpix.pixels`, files one by one and by threads, headers, compressed files, series, batches.
Both builds run the cases of this file, so a family that an old build cannot run is left out there.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

READS = ("CT, 512 x 512", "MR, 128 x 128", "MR, 64 x 64", "radiograph, 3000 x 4000")
HEADERS = "MR, 64 x 64"
SIDE = 512  # pixels in a row, where the cost of a call shows
FILES = 64  # of a series
SERIES = "CT, 512 x 512"
BATCH = 32  # files

Call = Callable[[], object]


def kernel(folder: Path) -> Iterator[tuple[str, Call]]:  # noqa: ARG001
    """Yield the jobs of ``ratios.py``, by the best kernel alone."""
    import bench_kernel

    import fastpix

    for job in bench_kernel.JOBS:
        case = bench_kernel.make_case(job, SIDE)
        best = fastpix.kernels()[-1]
        bench_kernel.check(case, best)
        yield job.name, dict(case.members)[best]


def imread(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield files read one after the other."""
    import fastpix

    for name in READS:
        yield name, partial(_each, fastpix.imread, _written(name, folder))


def imread_many(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield files read by threads."""
    import fastpix

    for name in READS:
        if len(paths := _written(name, folder)) > 1:
            yield name, partial(_all, fastpix.imread_many, paths)


def dcmread(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield files read to Datasets of pydicom."""
    import fastpix

    yield HEADERS, partial(_each, fastpix.dcmread, _written(HEADERS, folder))


def header(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield headers alone."""
    yield HEADERS, partial(_each, _header, _written(HEADERS, folder))


def compressed(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield compressed slices."""
    from encoded_files import BY_NAME, NAMES, write_file

    import fastpix

    for name in ("RLE", "JPEG lossless SV1", "JPEG-LS lossless", "JPEG 2000 lossless"):
        file = write_file(NAMES[0], BY_NAME[name], folder)
        yield name, partial(_each, fastpix.imread, [str(file.path)])


def series(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield slices read to a volume."""
    import fastpix

    yield f"{FILES} x {SERIES}", partial(fastpix.read_series, _written(SERIES, folder))


def batch(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield slices read to one array."""
    import fastpix

    paths = _written(SERIES, folder)[:BATCH]
    yield f"{BATCH} x {SERIES}", partial(fastpix.imread_batch, paths)


def pixels(folder: Path) -> Iterator[tuple[str, Call]]:
    """Yield the functions that have pydicom's names."""
    import bench_pixels

    for case in bench_pixels.make_cases(SIDE, folder):
        bench_pixels.check(case)
        yield case.name, case.ours


FAMILIES: dict[str, Callable[[Path], Iterator[tuple[str, Call]]]] = {
    each.__name__: each
    for each in (
        kernel, imread, imread_many, dcmread, header, compressed, series, batch, pixels,
    )
}  # fmt: skip


def cases(
    folder: Path, families: Sequence[str] = tuple(FAMILIES)
) -> tuple[dict[str, Call], dict[str, str]]:
    """Return what is timed, by name; and why families are left out, by family."""
    found: dict[str, Call] = {}
    left_out: dict[str, str] = {}
    for family in families:
        (own := folder / family).mkdir()
        try:
            found |= {f"{family}: {name}": call for name, call in FAMILIES[family](own)}
        except (ImportError, AttributeError, TypeError, KeyError) as error:
            left_out[family] = f"{type(error).__name__}: {error}"
    return found, left_out


def _written(name: str, folder: Path) -> list[str]:
    import bench_read

    (own := folder / name).mkdir()
    files = min(FILES, bench_read.KINDS[name].files)
    return [str(file.path) for file in bench_read.write_series(name, own, files)]


def _each(call: Callable[[str], object], paths: list[str]) -> None:
    for path in paths:
        call(path)


def _all(call: Callable[[list[str]], Iterator[object]], paths: list[str]) -> None:
    for _ in call(paths):
        pass


def _header(path: str) -> object:
    import fastpix

    return fastpix.open(path).header


def serve(families: Sequence[str]) -> None:
    """Time the cases whose numbers come by standard input; say first which there are."""
    with tempfile.TemporaryDirectory() as folder:
        calls, left_out = cases(Path(folder), families)
        names = list(calls)
        versions = {each.name: each.version for each in importlib.metadata.distributions()}
        print(json.dumps({"names": names, "left_out": left_out, "versions": versions}), flush=True)
        for line in sys.stdin:
            name, repeats = json.loads(line)
            call = calls[name]
            call()  # to be warm
            start = time.process_time_ns()
            for _ in range(repeats):
                call()
            print((time.process_time_ns() - start) / repeats, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:] or tuple(FAMILIES))
