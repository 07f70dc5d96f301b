"""Tables about reading that `run_all.py` measures: by the functions of the benchmarks themselves.

Each function here runs one benchmark and turns what it found into tables as pages show them: names
of rows in words, readers beside files, numbers as numbers.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from stored_results import Cell, Rows

RATIO = re.compile(r"([\d.]+)×\s*(.*)")


class How(NamedTuple):
    """How long to measure.

    Attributes
    ----------
    rounds : int
    seconds : float
        Of a row of the table, about.
    quick : bool
        Whether a part will do, to see that all of it works.
    """

    rounds: int
    seconds: float
    quick: bool = False


Tables = dict[str, Rows]


def cells_of(table: Table) -> list[list[str]]:
    """Return the cells of a table that a benchmark prints."""
    return [
        list(map(str, row)) for row in zip(*(column.cells for column in table.columns), strict=True)
    ]


def cell_of(text: str) -> Cell:
    """Return a cell as a number, where it is one: ``1.5``, ``2.31×``, ``7.04× pillow``."""
    text = text.strip()
    if not text:
        return None
    if found := RATIO.fullmatch(text):
        return {"value": float(found[1]), "unit": f"× {found[2]}".strip()}
    try:
        return float(text)
    except ValueError:
        return text


def ratio_of(text: str) -> Cell:
    """Return the number of a ratio; a mark such as ``-`` where a reader was not timed."""
    found = RATIO.match(text)
    return float(found[1]) if found else text.strip() or None


def read(how: How) -> Tables:
    """Files to arrays, beside other readers."""
    import bench_read
    import ratios

    labels = {"fastpix": "fastpix.imread", "pydicom": "pydicom and NumPy"}
    by_reader: dict[str, dict[str, float]] = {}
    floors: dict[str, float] = {}
    for files, reader, microseconds, ratio, *_ in cells_of(ratios.read_table(*how[:2])[0]):
        kind = re.sub(r"^\d+ x ", "", files)
        if reader == bench_read.FLOOR:
            floors[kind] = float(microseconds)
        else:
            by_reader.setdefault(labels.get(reader, reader), {})[kind] = float(ratio.rstrip("×"))
    kinds = sorted(floors, key=lambda name: name.startswith("radiograph"))  # what is large, last
    order = sorted(
        by_reader, key=lambda name: (name != "fastpix.imread", by_reader[name][kinds[0]])
    )
    rows: list[list[Cell]] = [["floor, µs", *(floors[kind] for kind in kinds)]]
    rows += [[name, *(by_reader[name].get(kind) for kind in kinds)] for name in order]
    columns = [
        kind.replace("like PET, 128 x 128", "PET, 128 x 128, a slope each") for kind in kinds
    ]
    return {"read": Rows(["multiples of the floor", *columns], rows)}


KERNEL_ROWS = {
    "12 of 16 bits, signed, slope 1": "fastpix: mask, sign, slope 1, intercept -1024",
    "MONOCHROME1, invert='max'": "fastpix: MONOCHROME1 inverted by its maximum",
    "fractional slope": "fastpix: fractional slope, in float64",
}
# Row: the jobs to float32 and with dtype="auto", and the dtype that the second of them gives.
KIND_ROWS: dict[str, tuple[str | None, str | None, str]] = {
    "12 of 16 bits, slope 1": ("12 of 16 bits, signed, slope 1", "dtype='auto': int16", "int16"),
    "MONOCHROME1 inverted by its maximum": ("MONOCHROME1, invert='max'", None, ""),
    "fractional slope": ("fractional slope", None, ""),
    "big endian, 16 bits": ("big endian", None, ""),
    "big endian, 32 bits": ("big endian, 32 bits", None, ""),
    "Float Pixel Data": ("float data", None, ""),
    "Double Float Pixel Data": ("double float data", None, ""),
    "Modality LUT of 4,096 entries": (
        "Modality LUT of 4096 entries", "Modality LUT, dtype='auto': uint16", "uint16",
    ),
    "8 bits, Modality LUT": ("8 bits, Modality LUT", None, ""),
    "palette of 256 colours": (
        "palette of 256 colours, float32", "palette of 256 colours, uint8", "uint8",
    ),
    "RGB in planes": ("RGB, planes, float32", "RGB, planes, uint8", "uint8"),
    "RGB of 8 bits, `color_range=(0, 1)`, over a conversion of bytes": (
        "RGB of 8 bits to 0..1", None, "",
    ),
    "RGB of 12 of 16 bits, `color_range=(0, 255)`, over a copy of bytes": (
        None, "RGB of 12 bits to 8", "uint8",
    ),
    "YBR_FULL": ("YBR_FULL, float32", "YBR_FULL, uint8", "uint8"),
    "YBR_FULL in planes": ("YBR_FULL, planes, float32", "YBR_FULL, planes, uint8", "uint8"),
    "YBR_FULL_422, native": ("YBR_FULL_422, float32", "YBR_FULL_422, uint8", "uint8"),
    "1 bit": (None, "1 bit, dtype='auto': uint8", "uint8"),
}  # fmt: skip


def kernel(how: How) -> Tables:
    """Kernels beside a plain conversion."""
    import ratios

    import fastpix

    best = 3 + len(fastpix.kernels()) - 1  # the column of the best kernel
    found: dict[tuple[str, str], list[str]] = {
        (row[0], row[1]): row for row in cells_of(ratios.kernel_table(*how[:2])[0])
    }

    def ratio(job: str, side: int, column: int = best) -> float:
        return float(found[job, f"{side} x {side}"][column].rstrip("×"))

    sides, first = (512, 4096), next(iter(KERNEL_ROWS))
    rows: list[list[Cell]] = [["plain conversion, without any DICOM rule", 1.0, 1.0]]
    rows += [[label, *(ratio(job, s) for s in sides)] for job, label in KERNEL_ROWS.items()]
    rows.append(["the same integer job in NumPy", *(ratio(first, side, 3) for side in sides)])
    columns = ["cells to float32", *(f"{side} x {side}" for side in sides)]
    kinds: list[list[Cell]] = [
        [
            label,
            None if values is None else ratio(values, 512),
            None if stored is None else {"value": ratio(stored, 512), "of": dtype},
        ]
        for label, (values, stored, dtype) in KIND_ROWS.items()
    ]
    return {
        "kernel": Rows(columns, rows),
        "kernel-kinds": Rows(["cells", "to float32", 'with `dtype="auto"`'], kinds),
    }


# Cases of `kind_cases` whose name is shorter than what a reader of the page needs.
KIND_NAMES = {
    "enhanced MR, 212 x 128 x 128": "enhanced MR, 212 x 128 x 128, a slope for each frame",
    "enhanced MR, 80 x 96 x 96": "enhanced MR, 80 x 96 x 96, a slope for each frame",
    "float pixel data": "Float Pixel Data",
    "a frame of a slide, with table": "one of 20,000 frames of a slide, with an offset table",
    "a frame of a slide, no table": "the same, without a table",
    "SEG, 200 x 256 x 256": "segmentation, 200 x 256 x 256 of 1 bit",
}
KINDS = (
    "enhanced MR, 212 x 128 x 128", "enhanced MR, 80 x 96 x 96", "ophthalmic, 256 x 64 x 64",
    "ophthalmic, 520 x 128 x 128", "Modality LUT", "palette", "segmented palette",
    "big endian, 16 bits", "native YBR_FULL_422", "float pixel data", "deflated, 512 x 512",
    "deflated, 2048 x 2048", "RT Dose", "MONOCHROME1, 3000 x 4000",
    "a frame of a slide, with table", "a frame of a slide, no table", "SEG, 200 x 256 x 256",
)  # fmt: skip
"""The cases that the page shows."""


def kinds(how: How) -> Tables:
    """Kinds of files that are easily slow."""
    import kind_table

    shown = KINDS[4:6] if how.quick else KINDS
    table, _ = kind_table.kinds_table(shown, *how[:2])
    place = {str(column.header): k for k, column in enumerate(table.columns)}
    wanted = ["/ floor", "/ pydicom", "/ dicomsdl", "/ pydcm"]
    rows = [
        [KIND_NAMES.get(row[0], row[0]), float(row[place["fastpix, ms"]])]
        + [ratio_of(row[place[name]]) for name in wanted]
        for row in cells_of(table)
    ]
    columns = ["kind", "milliseconds", *(name.replace("/", "over") for name in wanted)]
    columns[2] = "over the floor"
    return {"kinds": Rows(columns, rows)}


def series(how: How) -> Tables:
    """Series to volumes."""
    import series_table
    from bench_series import CASES, FASTPIX, FLOOR

    cases = [name for name in CASES if name in (("folder",) if how.quick else ("list", "folder"))]
    labels = {FLOOR: "read and `np.copyto`", "MONAI PydicomReader": "MONAI's PydicomReader",
              "dcm2niix": "dcm2niix, to a NIfTI file that is read back"}  # fmt: skip
    rows: list[list[Cell]] = []
    ours: list[list[Cell]] = []
    for name, reader, milliseconds, ratio, takes, *_ in cells_of(
        series_table.series_table(cases, *how[:2])[0]
    ):
        own = [float(milliseconds), ratio_of(ratio), ratio_of(takes)]
        if reader == FASTPIX:
            ours.append([f"fastpix, {name.split(', ')[-1]}", *own[:2], None])
        elif reader not in {row[0] for row in rows}:
            rows.append([reader, *own])
    shown = {row[0]: [labels.get(row[0], row[0]), *row[1:]] for row in rows}
    others = sorted((row for key, row in shown.items() if key != FLOOR), key=lambda row: row[1])
    columns = ["reader", "milliseconds", "over the floor", "fastpix takes"]
    return {"series": Rows(columns, [shown[FLOOR], *ours, *others])}


def codecs(how: How) -> Tables:
    """Compressed files, frames of one file, and bare decoders."""
    import ratios
    from encoded_files import BY_NAME

    syntaxes = ["RLE", "JPEG-LS lossless"] if how.quick else list(BY_NAME)
    names = ("codec-files", "codec-frames", "codec-decoders")
    found = {}
    for name, (table, _) in zip(names, ratios.codec_tables(syntaxes, *how[:2]), strict=True):
        columns = [str(column.header) for column in table.columns]
        rows = [[*row[:3], *map(cell_of, row[3:])] for row in cells_of(table)]
        found[name] = Rows(columns, rows)
    return found


def ways(how: How) -> Tables:
    """Ways for the bytes of a file to get to the kernel."""
    import bench_read
    import read_ways

    labels = {
        "at once, reused memory": "at once, into memory used again",
        "at once, new memory": "at once, into new memory",
        "mmap": "`mmap`, populated",
        **{f"pieces of {2**k} KiB": f"pieces of {2 ** (k - 10)} MiB" for k in (10, 12)},
    }
    small, large = read_ways.KINDS
    floors: dict[str, float] = {}
    by_way: dict[str, list[Cell]] = {}
    for file, way, warm, ratio, cold in cells_of(read_ways.ways_table(*how[:2])):
        if way == bench_read.FLOOR:
            floors[file] = float(warm)
        elif way != "fastpix.imread":
            cell = None if cold == "-" else float(cold) / (1 if file == small else 1e3)
            by_way.setdefault(labels.get(way, way), []).extend([ratio_of(ratio), cell])
    sizes = [name.split(", ")[-1] for name in (small, large)]
    if small not in sizes:
        sizes[0] = small.removeprefix("CT, ")
    columns = ["way", f"{sizes[0]}, floor {floors[small]:.0f} µs", "cold, µs",
               f"{sizes[1]}, floor {floors[large] / 1e3:.1f} ms", "cold, ms"]  # fmt: skip
    return {"read-ways": Rows(columns, [[way, *cells] for way, cells in by_way.items()])}


def many(how: How) -> Tables:
    """Many files, by a loop and by threads."""
    import read_ways

    rows: dict[tuple[str, str], list[Cell]] = {}
    for files, kept, by, _, faster in cells_of(read_ways.many_table(*how[:2])):
        threads = by.rpartition("threads=")[2]
        if by != read_ways.LOOP and threads in ("1", "2"):
            rows.setdefault((re.sub(r"^\d+ x ", "", files), kept), []).append(float(faster))
    named: list[list[Cell]] = []
    for kind in dict.fromkeys(kind for kind, _ in rows):
        named.append([f"{kind}, arrays kept", *rows[kind, "kept"]])
        named.append([f"{kind.partition(',')[0]}, arrays dropped", *rows[kind, "dropped"]])
    return {"many": Rows(["", "1 thread", "2 threads"], named)}


def startup(how: How) -> Tables:
    """Whole processes."""
    import bench_read
    import bench_startup

    labels = {
        "nothing": '`python -c ""`',
        bench_startup.READ: "`fastpix.imread(path)` of a CT slice",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = bench_read.write_file(bench_startup.KIND, Path(folder)).path
        table, _ = bench_startup.table_of(path, how.rounds)
    columns = [str(column.header) for column in table.columns]
    columns[2] = f"in `{bench_startup.FLOOR}`"
    rows = [
        [labels.get(name, f"`{name}`"), float(milliseconds), float(ratio), target or None]
        for name, milliseconds, ratio, target in cells_of(table)
    ]
    return {"startup": Rows(columns, rows)}
