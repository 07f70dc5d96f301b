"""Tables about all else that `run_all.py` measures: functions, the job, training, resampling.

As in `measured_reads.py`, each function runs one benchmark and turns what it found into tables.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

from measured_reads import How, Tables, cells_of, ratio_of
from stored_results import Cell, Rows

HERE = Path(__file__).parent
_READING = (
    (("16 of 16 bits",), ", 16 of 16 bits"),
    (("12 of 16 bits", "signed, 12 of 16 bits"), "12 of 16 bits, unsigned / signed"),
    (("big endian, 12 of 16 bits",), "12 of 16 bits, big endian"),
    (("1 bit",), "1 bit"),
    (("RGB", "RGB in planes"), "RGB / in planes"),
    (("YBR_FULL", "YBR_FULL_422"), "YBR_FULL / YBR_FULL_422"),
    (("RLE",), "RLE"),
)
# What the page shows in one row: its name, and the cases of `bench_pixels` that it is made of.
PIXEL_ROWS: list[tuple[str, tuple[str, ...]]] = [
    (
        f"`pixel_array({of})`{label}" if label.startswith(",") else label,
        tuple(f"pixel_array({of}), {case}" for case in cases),
    )
    for of in ("path", "dataset")
    for cases, label in _READING
] + [
    ("`iter_pixels(path)`, 20 frames, 12 of 16 bits", ("iter_pixels(path), 12 of 16 bits",)),
    ("`apply_rescale`, uint16", ("apply_rescale, uint16",)),
    ("`apply_modality_lut`, uint16, table of 4096", ("apply_modality_lut, uint16, table",)),
    ("`apply_voi_lut`, uint16, table of 4096", ("apply_voi_lut, uint16, table",)),
    ("`apply_windowing`, LINEAR: uint16 / float32 / float64",
     tuple(f"apply_windowing, {dtype}, LINEAR" for dtype in ("uint16", "float32", "float64"))),
    ("`apply_windowing`, SIGMOID: uint16 / float64",
     tuple(f"apply_windowing, {dtype}, SIGMOID" for dtype in ("uint16", "float64"))),
    ("`apply_color_lut`, uint8: a data set's / well-known",
     ("apply_color_lut, uint8", "apply_color_lut, uint8, well-known")),
    ("`convert_color_space`, RGB to YBR_FULL / back",
     ("convert_color_space, RGB to YBR_FULL", "convert_color_space, YBR_FULL to RGB")),
]  # fmt: skip


def pixels(how: How) -> Tables:
    """Functions that have pydicom's names."""
    import ratios

    found: dict[tuple[str, str], Cell] = {}
    sizes: dict[str, None] = {}
    for function, size, _, _, ratio in cells_of(ratios.pixels_table(*how[:2])[0]):
        side = size.rpartition(" x ")[2]
        sizes.setdefault(f"{side} x {side}")
        found[function, f"{side} x {side}"] = ratio_of(ratio)
    rows = [
        [label, *(_several(found.get((name, size)) for name in names) for size in sizes)]
        for label, names in PIXEL_ROWS
    ]
    return {"pydicom-pixels": Rows(["function", *sizes], rows)}


def _several(cells: Iterable[Cell]) -> Cell:
    found = [cell for cell in cells if cell is not None]
    return found[0] if len(found) == 1 else found or "-"


def dcmread(how: How) -> Tables:
    """`fastpix.dcmread` beside pydicom's."""
    import bench_dcmread

    table = bench_dcmread.table_of(*how[:2])
    rows = [[name, int(elements), ratio_of(ratio)] for name, elements, ratio in cells_of(table)]
    return {"pydicom-dcmread": Rows([str(column.header) for column in table.columns], rows)}


def monai(how: How) -> Tables:
    """MONAI's LoadImage with either reader."""
    import bench_monai

    rows: list[list[Cell]] = []
    warnings.filterwarnings("ignore", "NvImgCodecPydicomReader", UserWarning)
    labels = ("CT, 512 x 512, 258 elements", f"a folder of {bench_monai.SLICES} such slices")
    for name, label in zip(bench_monai.NAMES, labels, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            found = bench_monai.measured(name, Path(folder), *how[:2])
        rows.append([label, found["PydicomReader"].ratio])
    return {"monai": Rows(["", "`PydicomReader`"], rows)}


def resampling(how: How) -> Tables:
    """Volumes brought to another spacing."""
    from importlib.metadata import version

    import bench_resampling

    shape = (20, 64, 64) if how.quick else bench_resampling.SHAPE
    table = bench_resampling.table_of(how.rounds, shape)
    labels = {"scipy.ndimage": "scipy.ndimage {} (`map_coordinates`)", "SimpleITK": "SimpleITK {}"}
    packages = {"scipy.ndimage": "scipy"}
    columns = [""]
    for column in table.columns[1:]:
        name = str(column.header)
        text = labels.get(name, name)
        columns.append(text.format(version(packages.get(name, name))) if "{}" in text else text)
    rows = [[f"order {order}", *map(_with_units, cells)] for order, *cells in cells_of(table)]
    return {"resampling": Rows(columns, rows)}


def _with_units(text: str) -> Cell:
    parts = [part.split() for part in text.split(", ") if part]
    return [{"value": float(value), "unit": unit} for value, unit in parts] or None


JOB_ROWS = {
    "CPU a file, job / (read + convert + np.save), {}": "CPU for each file, job / floor",
    "wall, job / pydicom + savez pool, both 2 workers, {}":
        "wall, job / script, two workers each, start-up included",
    "wall, one worker / two, {}": "wall, one worker / two",
    "random read of the cache / imread, CPU, {}, none":
        "random read of the cache / `imread` of the native file, CPU",
    "random read of the cache / imread, CPU, {}, lz4":
        "the same with `--compress lz4`, cells that are mostly noise",
    "random read of the cache / imread, CPU, {}, zstd": "the same with `--compress zstd`",
    "bytes of the cache / raw cells, {}": "bytes of the cache / raw cells",
}  # fmt: skip
JOB_COUNTS = {
    "start-up of the job, CPU, CT, 512 x 512": ("start-up of the command and a worker, CPU", "s"),
    "fsyncs a file, tar": ("fsyncs for each file", ""),
    "source opens on an idle rerun": ("source files that a run opens if nothing is left to do", ""),
    "idle rerun, CPU a file": ("CPU of such a run for each file", "µs"),
    "first output, {} files": ("first output, of {} files", "s"),
    "driver memory a file": ("memory of the driver at its peak, for each new image", "bytes"),
    "driver and scheduler / all CPU under Dask": (
        "driver and scheduler, of all CPU under Dask, of a job of 8,000 CT slices", "%",
    ),
}  # fmt: skip


def job(how: How) -> Tables:
    """Do the job from the command to its end."""
    import bench_job

    files, many = (60, 2000) if how.quick else (2000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        figures = bench_job.all_figures(files, many, how.rounds, Path(folder))
    found = {figure.what: figure.value for figure in figures}
    names = (("CT, 512 x 512", "CT-512x512"), ("MR, 128 x 128", "MR-128x128"))
    rows: list[list[Cell]] = [
        [label, *(found.get(text.format(a), found.get(text.format(b))) for a, b in names)]
        for text, label in JOB_ROWS.items()
    ]
    counts: list[list[Cell]] = []
    for text, (label, unit) in JOB_COUNTS.items():
        if (value := found.get(text.format(many))) is not None:
            if unit == "%":
                value *= 100
            value = float(f"{value:.2g}")
            cell = {"value": value, "unit": unit} if unit else value
            counts.append([label.format(f"{many:,}"), cell])
    columns = ["figure", *(name for name, _ in names)]
    return {"job": Rows(columns, rows), "job-counts": Rows(["figure", ""], counts)}


def kills(how: How) -> Tables:
    """Kill jobs at random, with and without Dask."""
    runs = [["--kills", "3", "--files", "200"]]
    if not how.quick:
        runs = [[], ["--dask"], ["--dask", "--files", "500", "--seed", "2"]]
    rows: list[list[Cell]] = []
    for options in runs:
        command = [sys.executable, str(HERE / "kills.py"), *options]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        made = re.search(r"\((.*)\) in \d+ runs that made (\d+) caches of (\d+) images", said)
        wrong = re.search(r"missing (\d+), torn (\d+), doubled (\d+)", said)
        assert made is not None, said
        assert wrong is not None, said
        name = " ".join(["kills.py", *options])
        caches = f"{made[2]} of {int(made[3]):,} images"
        rows.append([f"`{name}`", made[1], caches, *map(int, wrong.groups())])
    columns = ["command", "kills", "caches", "missing", "torn", "doubled"]
    return {"kills": Rows(columns, rows)}


LOADER_ROWS = {
    "CacheDataset of tar": "`CacheDataset`, tar",
    "CacheDataset of lz4": "`CacheDataset`, tar with `--compress lz4`",
    "CacheDataset of zstd": "`CacheDataset`, tar with `--compress zstd`",
    "ShardDataset": "`ShardDataset`, tar, from a local disk",
    "pydicom": "a `Dataset` with pydicom, default collate",
    "MONAI": "MONAI, `LoadImaged` and its DataLoader",
}
PATCH_ROWS = {
    "DICOM": "`VolumeDataset`, DICOM series as they are",
    "NIfTI": "nibabel, whole NIfTI volumes of int16",
    "TorchIO": "TorchIO's queue, `.nii.gz`; four patches of each volume that is read",
}


def training(how: How) -> Tables:
    """Loaders of images and patches beside others."""
    import bench_training

    warnings.simplefilter("ignore")
    slices, volumes = (64, 1) if how.quick else (512, 4)
    with tempfile.TemporaryDirectory() as folder:
        speed, loaders, patches = bench_training.speeds(slices, volumes, how.rounds, Path(folder))
    rows: list[list[Cell]] = [["`DicomDataset`, native files", 1]]
    rows += [[label, loaders[name]] for name, label in LOADER_ROWS.items()]
    others: list[list[Cell]] = [["`VolumeDataset`, b2nd", 1]]
    others += [[label, patches[name]] for name, label in PATCH_ROWS.items()]
    size = " x ".join(map(str, bench_training.PATCH))
    depth = f"{bench_training.DEPTH} x 512 x 512"
    first = f"images a second, in those of `DicomDataset`, {speed:,.0f}"
    second = f"random patches of {size}, of volumes of {depth}"
    return {
        "training-loaders": Rows(["loader", first], rows),
        "training-patches": Rows([second, "patches a second, in those of b2nd"], others),
    }
