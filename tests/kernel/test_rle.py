"""RLE: every kernel expands segments to the reference's bits, and never reads beyond them."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.uid import RLELossless
from support.builders import encode, encode_frames, make_dataset
from support.codestream_cases import packbits, packed, rle, rle_of
from support.matrices import every
from support.sizes import cases
from test_exact import COMPILED, LENGTHS, OUTPUTS, integer_steps

import fastpix
from fastpix.errors import PixelDataError
from fastpix.kernel import reference
from fastpix.kernel.registry import get_kernel, kernels
from fastpix.kernel.steps import ColorSteps, Steps
from fastpix.recipe import DTYPES

SIZES = st.one_of(
    LENGTHS,
    st.sampled_from([341, 342, 682, 1022, 1026, 2048, 2049, 3069, 3072, 4095, 4096, 4097]),
)


@st.composite
def codings(draw: st.DrawFn) -> tuple[int, int, float, float, int]:
    """How a segment is coded: longest literal, longest run, shares of runs and no-ops, excess."""
    return (
        draw(st.sampled_from([1, 2, 15, 16, 17, 127, 128])),
        draw(st.sampled_from([2, 3, 15, 16, 17, 127, 128])),
        draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
        draw(st.sampled_from([0.0, 0.2])),
        draw(st.sampled_from([0, 0, 1, 2, 130, 300])),
    )


def coded_plane(
    length: int, coding: tuple[int, int, float, float, int], rng: np.random.Generator
) -> tuple[bytes, bytes]:
    """One plane and one of the segments that stand for it.

    The last code may go on beyond the plane; behind it there may be anything.
    """
    literal, run, runs, no_ops, excess = coding
    plane, segment = bytearray(), bytearray()
    while len(plane) < length:
        if rng.random() < no_ops:
            segment.append(128)
        if rng.random() < runs:
            count = int(rng.integers(2, run + 1))
            value = int(rng.integers(0, 256))
            segment += bytes([257 - count, value])
            plane += bytes([value]) * count
        else:
            part = rng.bytes(int(rng.integers(1, literal + 1)))
            segment += bytes([len(part) - 1]) + part
            plane += part
    if len(segment) < 2:
        segment.append(0)
    return bytes(plane[:length]), bytes(segment) + rng.bytes(excess)


def joined(planes: list[bytes], width: int) -> NDArray[np.uint8]:
    """The cells that planes hold, as the machine has them: written from PS3.5 G.2."""
    samples = len(planes) // width
    of_bytes = np.array([np.frombuffer(plane, np.uint8) for plane in planes], np.uint64)
    of_bytes = of_bytes.reshape(samples, width, -1)
    cells = sum(of_bytes[:, k] << np.uint64(8 * (width - 1 - k)) for k in range(width))
    return np.asarray(cells).T.astype(f"u{width}").reshape(-1).view(np.uint8)


def frame_of(segments: list[bytes], gap: int) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Segments side by side at an odd place in memory, and where they begin and end."""
    bounds = [gap]
    for segment in segments:
        bounds.append(bounds[-1] + len(segment))
    # A copy of the right size: what is read behind it, AddressSanitizer sees.
    return np.frombuffer(bytes(gap) + b"".join(segments), np.uint8).copy(), tuple(bounds)


def width_of(steps: Steps) -> int:
    return 1 if steps.cell == "bit" else int(steps.cell[1])


def planes_of(steps: Steps, samples: int, pixels: int) -> tuple[int, int]:
    """How many segments a frame has, and the bytes of each."""
    return samples * width_of(steps), (pixels + 7) // 8 if steps.cell == "bit" else pixels


def compare_scale(kernel: str, cells: NDArray[np.uint8], count: int, steps: Steps, dtype: str,
                  segments: tuple[int, ...]) -> int:  # fmt: skip
    wanted, found = np.zeros(count, dtype), np.ones(count, dtype)
    bad = reference.scale(cells, wanted, steps, 0, segments)
    assert get_kernel(kernel).scale(cells, found, steps, 0, segments) == bad
    if bad == -1:
        assert found.tobytes() == wanted.tobytes()
    return bad


def compare_peak(kernel: str, cells: NDArray[np.uint8], count: int, steps: Steps,
                 segments: tuple[int, ...]) -> float | None:  # fmt: skip
    wanted = reference.peak(cells, count, steps, 0, segments)
    found = get_kernel(kernel).peak(cells, count, steps, 0, segments)
    assert np.array(found, "f8").tobytes() == np.array(wanted, "f8").tobytes()
    return wanted


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    steps=integer_steps(),
    samples=st.sampled_from([1, 3]),
    dtype=st.sampled_from(OUTPUTS),
    pixels=SIZES,
    coding=codings(),
    gap=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=cases(250), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_coding(
    kernel: str, steps: Steps, samples: int, dtype: str, pixels: int,
    coding: tuple[int, int, float, float, int], gap: int, seed: int,
) -> None:  # fmt: skip
    """Kernel and reference give, of RLE, what the reference gives of the same cells as they are."""
    steps = steps._replace(swap=False)
    samples = 1 if steps.cell == "bit" else samples
    rng = np.random.default_rng(seed)
    number, length = planes_of(steps, samples, pixels)
    planes, segments = zip(*(coded_plane(length, coding, rng) for _ in range(number)), strict=True)
    cells, bounds = frame_of(list(segments), gap)
    plain = joined(list(planes), width_of(steps))
    count = pixels * samples
    as_they_are, expanded = np.zeros(count, dtype), np.ones(count, dtype)
    bad = reference.scale(plain, as_they_are, steps)
    assert reference.scale(cells, expanded, steps, 0, bounds) == bad
    assert expanded.tobytes() == as_they_are.tobytes()
    assert compare_scale(kernel, cells, count, steps, dtype, bounds) == bad
    assert compare_peak(kernel, cells, count, steps, bounds) == reference.peak(plain, count, steps)


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    cell=st.sampled_from(["u1", "u2", "u4"]),
    indexed=st.booleans(),
    ybr=st.booleans(),
    signed=st.booleans(),
    dtype=st.sampled_from(OUTPUTS),
    pixels=SIZES,
    coding=codings(),
    bits=st.integers(1, 32),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=cases(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_coding_of_color(
    kernel: str, cell: str, indexed: bool, ybr: bool, signed: bool, dtype: str, pixels: int,
    coding: tuple[int, int, float, float, int], bits: int, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    width = int(cell[1])
    bits = min(bits, 8 * width)
    samples = Steps(cell, False, bits - 1, bits, signed)
    if indexed:
        samples = samples._replace(table=rng.integers(0, 65536, (50, 3)).astype("f8").tobytes())
    steps = ColorSteps(samples, "indexed" if indexed else "interleaved", ybr and not indexed)
    number = width * (1 if indexed else 3)
    planes, segments = zip(*(coded_plane(pixels, coding, rng) for _ in range(number)), strict=True)
    cells, bounds = frame_of(list(segments), 1)
    as_they_are, expanded = np.zeros(3 * pixels, dtype), np.ones(3 * pixels, dtype)
    found = np.ones(3 * pixels, dtype)
    bad = reference.color(joined(list(planes), width), as_they_are, steps)
    assert reference.color(cells, expanded, steps, 0, bounds) == bad
    assert get_kernel(kernel).color(cells, found, steps, 0, bounds) == bad
    assert expanded.tobytes() == as_they_are.tobytes()
    if bad == -1:
        assert found.tobytes() == as_they_are.tobytes()


@st.composite
def damaged(draw: st.DrawFn) -> list[bytes]:
    """Segments that may end anywhere, as many as an RLE header has room for at most."""
    number = draw(st.sampled_from([1, 2, 3, 4, 6, 12]))
    anything = st.one_of(
        st.binary(min_size=1, max_size=40),
        # Codes that stand for much, so that some last and some do not.
        st.lists(
            st.tuples(st.sampled_from([129, 130, 255, 128, 0, 1]), st.integers(0, 255)), max_size=20
        ).map(lambda pairs: bytes(byte for pair in pairs for byte in pair) or b"\x80"),
        st.integers(1, 300).map(lambda n: packbits(bytes(n)) + b"\x7f"),
        st.integers(1, 3000).map(lambda n: packbits(bytes(k % 251 for k in range(n)))),
    )
    return [draw(anything) for _ in range(number)]


@pytest.mark.parametrize("kernel", COMPILED)
@given(
    segments=damaged(),
    samples=st.sampled_from([1, 3]),
    packed_bits=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "int32", "uint8", "int64"]),
    pixels=SIZES,
    slope=st.sampled_from([1.0, 0.3, -2.0]),
    padded=st.booleans(),
    gap=st.integers(0, 3),
)
@settings(max_examples=cases(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(
    [packbits(bytes(k % 251 for k in range(3000)))] * 2, 1, False, "uint8", 4096, 0.3, False, 0
)
def test_damaged(
    kernel: str, segments: list[bytes], samples: int, packed_bits: bool, dtype: str, pixels: int,
    slope: float, padded: bool, gap: int,
) -> None:  # fmt: skip
    """Any bytes at all: the reference's values, or the news that a segment is too short."""
    samples = samples if len(segments) % samples == 0 else 1
    width = len(segments) // samples
    if width not in (1, 2, 4):
        samples, width = len(segments), 1
    if samples not in (1, 3):
        segments, samples = segments[:1], 1
    packed_bits = packed_bits and samples == width == 1
    cell, bits = ("bit", 1) if packed_bits else (f"u{width}", 8 * width)
    steps = Steps(cell, False, bits - 1, bits, False, slope=slope)
    if padded:
        steps = steps._replace(padding=(0.0, 3.0, -1.0))
    cells, bounds = frame_of(segments, gap)
    count = pixels * samples
    bad = compare_scale(kernel, cells, count, steps, dtype, bounds)
    peak = compare_peak(kernel, cells, count, steps, bounds)
    assert (bad == reference.SHORT) == (peak is not None and math.isnan(peak))
    if samples == 3:
        plain = steps._replace(slope=1.0, padding=None)
        wanted, found = np.zeros(count, dtype), np.ones(count, dtype)
        for ybr in (False, True):
            color = ColorSteps(plain, "interleaved", ybr)
            bad = reference.color(cells, wanted, color, 0, bounds)
            assert get_kernel(kernel).color(cells, found, color, 0, bounds) == bad
            if bad == -1:
                assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", kernels())
@every("pixels", [1, 1023, 1024, 1025, 2048, 5000])
@every("cell", ["bit", "u1", "u2", "u4"])
def test_one_byte_missing(kernel: str, pixels: int, cell: str) -> None:
    """A segment that ends with the frame is whole; a byte less is too short, in any of them."""
    steps = Steps(cell, False, 0 if cell == "bit" else 8 * int(cell[1]) - 1,
                  1 if cell == "bit" else 8 * int(cell[1]), False)  # fmt: skip
    number, length = planes_of(steps, 1, pixels)
    plane = bytes(k % 251 for k in range(length))
    for short in range(-1, number):
        parts = [plane[: length - (k == short)] for k in range(number)]
        segments = [packbits(part) or b"\x80" for part in parts]
        cells, bounds = frame_of(segments, 0)
        out = np.empty(pixels, np.float64)
        bad = get_kernel(kernel).scale(cells, out, steps, 0, bounds)
        peak = get_kernel(kernel).peak(cells, pixels, steps, 0, bounds)
        assert peak is not None
        assert (bad, math.isnan(peak)) == ((-1, False) if short < 0 else (reference.SHORT, True))


@pytest.mark.parametrize("kernel", kernels())
def test_short_comes_before_a_value_that_does_not_fit(kernel: str) -> None:
    """What a damaged frame holds is no value, so none is named."""
    segment = packbits(bytes(k % 251 for k in range(3000)))
    cells, bounds = frame_of([segment], 0)
    steps = Steps("u1", False, 7, 8, False, slope=0.5)
    out = np.empty(4096, np.uint8)
    assert get_kernel(kernel).scale(cells, out, steps, 0, bounds) == reference.SHORT


# --- whole files ----------------------------------------------------------------------------------


def twins(
    cells: NDArray[Any], streams: list[bytes] | None = None, **attributes: Any
) -> tuple[bytes, bytes]:
    """One image in RLE, and as it is."""
    frames = cells.reshape(-1, *cells.shape[-3 if attributes.get("SamplesPerPixel") else -2 :])
    plain = make_dataset(cells, **attributes)
    return encode_frames(plain, RLELossless, streams or [rle(f) for f in frames]), encode(plain)


def read_or_name(image: fastpix.Image, dtype: str, keywords: dict[str, Any]) -> tuple[Any, ...]:
    """The values, or the first that does not fit and its place."""
    try:
        values = image.read(dtype=dtype, **keywords)
    except fastpix.InexactError as error:
        return error.value, error.index
    return values.dtype, values.shape, values.tobytes()


def check_twins(encoded: bytes, plain: bytes, **keywords: Any) -> None:
    """Every kernel and every dtype gives of both the same bytes."""
    wanted = fastpix.open(plain)
    image = fastpix.open(encoded)
    for kernel in kernels():
        with fastpix.use_kernel(kernel):
            assert image.stored().tobytes() == wanted.stored().tobytes()
            for dtype in DTYPES:
                assert read_or_name(image, dtype, keywords) == read_or_name(wanted, dtype, keywords)
    for name in ("fastpix", "imagecodecs", "pylibjpeg-rle"):
        assert fastpix.open(encoded, decoder=name).stored().tobytes() == wanted.stored().tobytes()


def smooth(shape: tuple[int, ...], dtype: str, seed: int = 7) -> NDArray[Any]:
    """Noise with stretches of one value, as frames have."""
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    noise = rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    return np.where(rng.random(shape) < 0.5, noise, np.array(info.max // 3, dtype))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
@every("shape", [(1, 1), (1, 31), (31, 1), (3, 5), (33, 32), (3, 17, 31)])
def test_files(dtype: str, shape: tuple[int, ...]) -> None:
    check_twins(*twins(smooth(shape, dtype)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (17, 31, 3), (2, 20, 30, 3)])
def test_files_of_color(dtype: str, shape: tuple[int, ...]) -> None:
    check_twins(*twins(smooth(shape, dtype), SamplesPerPixel=3))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_ybr(dtype: str) -> None:
    cells = smooth((2, 20, 30, 3), dtype)
    check_twins(*twins(cells, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"))


@pytest.mark.parametrize("shape", [(8, 8), (5, 7), (3, 5, 7), (2, 64, 33), (2, 100, 101)])
def test_files_of_bits(shape: tuple[int, ...]) -> None:
    """Frames of RLE begin at a byte of their own; native ones within one."""
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 2, shape).astype(np.uint8)
    cells[..., : shape[-1] // 2] = 0
    frames = cells.reshape(-1, *shape[-2:])
    streams = [rle_of([packbits(packed(frame))]) for frame in frames]
    raw = packed(cells)
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    plain = make_dataset(cells, **bits, PixelData=raw + b"\0" * (len(raw) % 2))
    check_twins(encode_frames(plain, RLELossless, streams), encode(plain))


def test_palette() -> None:
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    rng = np.random.default_rng(4)
    for name in ("Red", "Green", "Blue"):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [200, 10, 16]
        palette[f"{name}PaletteColorLookupTableData"] = rng.bytes(400)
    check_twins(*twins(smooth((2, 40, 30), "uint8"), **palette))
    check_twins(*twins(smooth((40, 30), "uint16") % 300, **palette))


@pytest.mark.parametrize("invert", ["max", "range", "none"])
@pytest.mark.parametrize("slope", ["1", "-2", "0.3"])
def test_monochrome1(invert: str, slope: str) -> None:
    cells = smooth((3, 40, 30), "int16")
    bits: dict[str, Any] = {"BitsStored": 12, "HighBit": 13}
    files = twins(cells, **bits, PhotometricInterpretation="MONOCHROME1", RescaleSlope=slope,
                  RescaleIntercept="-1024")  # fmt: skip
    check_twins(*files, invert=invert)
    one, two = (fastpix.imread(data, invert=invert, frames=[1]) for data in files)  # type: ignore[arg-type]
    assert one.tobytes() == two.tobytes()


def test_padding_and_normalize() -> None:
    cells = smooth((2, 40, 30), "uint16")
    files = twins(cells, PixelPaddingValue=int(cells[0, 0, 0]), RescaleIntercept="-7.5",
                  RescaleSlope="0.25")  # fmt: skip
    check_twins(*files, padding=-5.0, normalize=(0.0, 900.5))


def test_modality_lut() -> None:
    from support.builders import make_item

    cells = smooth((40, 30), "uint8")
    lut = make_item(LUTDescriptor=[256, 0, 16], ModalityLUTType="US",
                    LUTData=np.arange(256, dtype="<u2")[::-1].tobytes())  # fmt: skip
    lut["LUTData"].VR = "OW"
    check_twins(*twins(cells, ModalityLUTSequence=[lut]))


def one_frame(encoded: bytes, shape: tuple[int, ...] = (2, 3), dtype: str = "uint16") -> bytes:
    return encode_frames(make_dataset(np.zeros(shape, dtype)), RLELossless, [encoded])


GOOD = rle(np.arange(6, dtype=np.uint16).reshape(2, 3))  # two segments, at 64 and 72


def with_header(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers) + GOOD[4 * len(numbers) :]


@pytest.mark.parametrize(
    "encoded",
    [
        with_header(0),
        with_header(1),
        with_header(3),
        with_header(15),
        with_header(16),
        with_header(0xFFFFFFFF),
        with_header(0x02000000),  # big endian
        with_header(2, 0),
        with_header(2, 63),
        with_header(2, 66),
        with_header(2, 64, 64),
        with_header(2, 64, 60),
        with_header(2, 64, 0),
        with_header(2, 64, len(GOOD)),
        with_header(2, 64, len(GOOD) + 1),
        with_header(2, 64, 0xFFFFFFFF),
        with_header(2, 0xFFFFFFFF, 70),
        with_header(2, 72, 64),
        GOOD[:64],
        GOOD[:63],
        GOOD[:4],
        GOOD[64:],
        bytes(64),
        b"\xff" * 80,
    ],
)
def test_wrong_headers(encoded: bytes) -> None:
    assert fastpix.open(one_frame(GOOD)).stored().tolist() == [[0, 1, 2], [3, 4, 5]]
    data = one_frame(encoded)
    for pinned in (None, "fastpix", "imagecodecs", "pylibjpeg-rle"):
        with pytest.raises(PixelDataError, match=r"RLE header|cannot decode|no fragment"):
            fastpix.imread(data, decoder=pinned)


@pytest.mark.parametrize("encoded", [
    pytest.param(GOOD[:72], id="one segment is missing"),
    pytest.param(rle_of([b"\x05" + bytes(6), b"\x04" + bytes(5)]), id="a byte is missing"),
    pytest.param(rle_of([b"\x80" * 30, b"\x05" + bytes(6)]), id="nothing but no-ops"),
    pytest.param(rle_of([b"\x7f" + bytes(20), b"\x05" + bytes(6)]), id="a literal that ends early"),
])  # fmt: skip
def test_cut_off(encoded: bytes) -> None:
    data = one_frame(encoded)
    for kernel in kernels():
        with fastpix.use_kernel(kernel), pytest.raises(PixelDataError, match="frame 0"):
            fastpix.imread(data)
    monochrome1 = make_dataset(np.zeros((2, 3), "u2"), PhotometricInterpretation="MONOCHROME1")
    inverted = encode_frames(monochrome1, RLELossless, [encoded])
    with pytest.raises(PixelDataError, match="frame 0"):
        fastpix.imread(inverted)
    # A byte that belongs to no code, behind the frame's last one, is no harm.
    assert fastpix.open(one_frame(GOOD + b"\0\0")).stored().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_no_value_is_named_in_a_frame_that_is_cut_off() -> None:
    """The first value that does not fit comes before the end that is missing."""
    cells = np.zeros((64, 64), np.uint8)
    cells[0, 0] = 1
    cut = rle_of([packbits(cells.tobytes()[:3000])])
    data = encode_frames(make_dataset(cells, RescaleSlope="0.5", RescaleIntercept="0"),
                         RLELossless, [cut])  # fmt: skip
    for kernel in kernels():
        with fastpix.use_kernel(kernel), pytest.raises(PixelDataError, match="cut off"):
            fastpix.imread(data, dtype="uint8")
