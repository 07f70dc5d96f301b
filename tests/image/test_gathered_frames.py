"""Native frames in one call of the kernel: a rescale each, any order, read by pieces."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian
from support.builders import encode, make_dataset, make_group
from support.sizes import is_quick, some

import fastpix
from fastpix.errors import InexactError, PixelDataError
from fastpix.frames import cells as cells_module
from fastpix.image import frame_reader
from fastpix.image.gathered_frames import fill_gathered
from fastpix.source import opening
from fastpix.source.stored import Pixels

RNG = np.random.default_rng(6)
FRAMES = 23
SLOPES = [0.1 * (k + 1) for k in range(FRAMES)]
INTERCEPTS = [(-1.5) ** (k % 7) for k in range(FRAMES)]
ORDERS: dict[str, Any] = {
    "all": None,
    "permutation": RNG.permutation(FRAMES),
    "backwards": slice(None, None, -1),
    "every third": slice(2, None, 3),
    "repeated": [5, 6, 6, 5, 22, 0, 21, 5],
    "negative": [-1, 3],
    "none": [],
}
CALLS: list[dict[str, Any]] = [
    {},
    {"dtype": "float64"},
    {"dtype": "auto"},
    {"normalize": (10.0, 900.0)},
    {"padding": -7.0},
    {"padding": float("nan"), "normalize": (0.0, 50.0)},
    {"rescale": False, "dtype": "int32"},
    {"invert": "range"},
    {"invert": "none"},
]


def stored_frames(kind: str, bits: int) -> NDArray[Any]:
    """Stored values; some of them padding."""
    dtype = np.dtype(kind)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if dtype.kind == "i" else (0, 2**bits)
    cells = RNG.integers(low, high, (FRAMES, 9, 7)).astype(dtype)
    cells[:, 0, 0] = 3
    return cells


def enhanced(cells: NDArray[Any], **attributes: Any) -> bytes:
    """Encode frames with a rescale each."""
    groups = [
        make_group(RescaleSlope=f"{slope:.12g}", RescaleIntercept=f"{intercept:.12g}")
        for slope, intercept in zip(SLOPES, INTERCEPTS, strict=True)
    ]
    given = {"PerFrameFunctionalGroupsSequence": groups, "PixelPaddingValue": 3}
    syntax = attributes.pop("syntax", None)
    dataset = make_dataset(cells, **(given | attributes))
    return encode(dataset) if syntax is None else encode(dataset, syntax)


def expected(
    cells: NDArray[Any], plan: fastpix.Plan, photometric: str, **call: Any
) -> NDArray[Any]:
    """Return the values by docs/exactness.md, each frame by itself."""
    v = cells.astype(np.float64)
    is_padding = (cells == 3) & ("padding" in call)
    inverted = photometric == "MONOCHROME1"
    if inverted and call.get("invert") == "range":
        info = np.iinfo(cells.dtype)
        v = info.min + info.max - v
    slopes = [float(f"{s:.12g}") if call.get("rescale", True) else 1.0 for s in SLOPES]
    intercepts = [float(f"{s:.12g}") if call.get("rescale", True) else 0.0 for s in INTERCEPTS]
    y = np.stack([v[k] * slopes[k] + intercepts[k] for k in range(FRAMES)])
    if inverted and call.get("invert", "max") == "max":
        y = y[~is_padding].max() - y
    if "normalize" in call:
        lo, hi = call["normalize"]
        y = (np.minimum(np.maximum(y, lo), hi) - lo) / (hi - lo)
    if "padding" in call:
        y = np.where(is_padding, call["padding"], y)
    return y.astype(plan.dtype)


@pytest.mark.parametrize(
    ("piece", "kind", "photometric", "place"),
    some(
        list(
            itertools.product(
                [2**20, 400, 8],
                ["u2", "i2", "u1", "i1", "u4"],
                ["MONOCHROME1", "MONOCHROME2"],
                ["memory", "file"],
            )
        )
    )[:: 2 if is_quick() else 1],
)
@pytest.mark.filterwarnings("ignore::fastpix.errors.HeaderWarning")
def test_each_frame_by_its_own_rescale_in_any_order(
    place: str, photometric: str, kind: str, piece: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cells_module, "PIECE", piece)
    monkeypatch.setattr("fastpix.image.gathered_frames.PIECE", piece)
    cells = stored_frames(kind, min(8 * np.dtype(kind).itemsize, 24))
    source: Any = enhanced(cells, PhotometricInterpretation=photometric)
    if place == "file":
        monkeypatch.setattr(opening, "RESIDENT", 0)
        path = tmp_path / "enhanced.dcm"
        path.write_bytes(source)
        source = path
    for call in CALLS:
        image = fastpix.open(source)
        wanted = expected(cells, image.plan(**call), photometric, **call)
        for order, threads in itertools.product(ORDERS.values(), (1, 3)):
            picked = wanted[slice(None) if order is None else order]
            if isinstance(order, list):
                picked = wanted[np.asarray(order, np.int64)]
            found = image.read(frames=order, threads=threads, **call)
            assert found.tobytes() == picked.tobytes(), (call, order)
            out = np.full_like(picked, 1)
            assert image.read(frames=order, out=out, threads=threads, **call) is out
            assert out.tobytes() == picked.tobytes()


@pytest.mark.parametrize("kernel", fastpix.kernels())
def test_every_kernel(kernel: str) -> None:
    cells = stored_frames("i2", 16)
    image = fastpix.open(enhanced(cells))
    with fastpix.use_kernel(kernel):
        found = image.read(frames=ORDERS["permutation"])
    wanted = expected(cells, image.plan(), "MONOCHROME2")
    assert found.tobytes() == wanted[ORDERS["permutation"]].tobytes()


@pytest.mark.parametrize("place", ["memory", "file"])
def test_big_endian_words_and_bytes_turned_in_pairs(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("u2", "u1"):
        cells = stored_frames(kind, 8)
        data = enhanced(cells, syntax=ExplicitVRBigEndian)
        source: Any = data
        if place == "file":
            monkeypatch.setattr(opening, "RESIDENT", 0)
            monkeypatch.setattr(cells_module, "PIECE", 200)
            source = tmp_path / f"{kind}.dcm"
            source.write_bytes(data)
        image = fastpix.open(source)
        wanted = expected(cells, image.plan(), "MONOCHROME2")
        order = ORDERS["permutation"]
        assert image.read(frames=order).tobytes() == wanted[order].tobytes()


def test_color_samples_that_stay_as_they_are() -> None:
    cells = RNG.integers(0, 256, (FRAMES, 5, 6, 3)).astype(np.uint8)
    data = encode(make_dataset(cells, SamplesPerPixel=3, PlanarConfiguration=0))
    order = ORDERS["permutation"]
    assert np.array_equal(fastpix.imread(data, frames=order, dtype="uint8"), cells[order])
    assert np.array_equal(fastpix.open(data).stored(frames=order), cells[order])


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("place", ["memory", "file"])
def test_the_first_value_in_the_order_asked_for_is_named(
    threads: int, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.zeros((FRAMES, 9, 7), np.uint16)
    cells[4, 8, 6], cells[17, 2, 1] = 1, 2
    groups = [make_group(RescaleSlope="0.25" if k % 2 else "0.5") for k in range(FRAMES)]
    source: Any = encode(make_dataset(cells, PerFrameFunctionalGroupsSequence=groups))
    if place == "file":
        monkeypatch.setattr(opening, "RESIDENT", 0)
        path = tmp_path / "enhanced.dcm"
        path.write_bytes(source)
        source = path
    for order, index in ((None, (4, 8, 6)), (slice(None, None, -1), (17, 2, 1))):
        with pytest.raises(InexactError) as caught:
            fastpix.imread(source, frames=order, dtype="int16", threads=threads)
        assert caught.value.index == index


def test_a_file_of_a_piece_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A permutation of all frames is read in the order of the file."""
    monkeypatch.setattr(opening, "RESIDENT", 0)
    cells = stored_frames("u2", 16)
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(enhanced(cells))
    image = fastpix.open(path)
    reads = []
    fill = Pixels.fill

    def counted(pixels: Any, start: int, target: memoryview) -> None:
        reads.append((start, len(target)))
        fill(pixels, start, target)

    monkeypatch.setattr(Pixels, "fill", counted)
    image.read(frames=ORDERS["permutation"], threads=1)
    assert reads == [(0, cells.nbytes)]
    reads.clear()
    image.read(frames=[7, 3, 8], threads=1)  # no more than these
    assert reads == [(3 * 126, 126), (7 * 126, 252)]


def test_a_file_that_has_become_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "RESIDENT", 0)
    cells = stored_frames("u2", 16)
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(enhanced(cells))
    image = fastpix.open(path)

    def cut(*arguments: Any) -> bool:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 300)
        return fill_gathered(*arguments)

    monkeypatch.setattr(frame_reader, "fill_gathered", cut)
    with pytest.raises(PixelDataError, match="changed since it was opened"):
        image.read()


def test_frames_in_any_order_take_little_memory() -> None:
    """Two columns of eight bytes a frame for its order, and those of its call."""
    count = 200_000
    cells = np.zeros((count, 4, 4), np.uint16)
    image = fastpix.open(encode(make_dataset(cells)))
    out = np.empty(cells.shape, np.float32)
    order = RNG.permutation(count)
    tracemalloc.start()
    try:
        image.read(frames=order, out=out, threads=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * count
