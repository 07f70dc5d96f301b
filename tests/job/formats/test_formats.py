"""Formats: what is stored comes back, foreign readers open it, damage is told in words."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.libraries import library

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.formats import FORMATS, blosc2_frames, default_format, format_named
from fastpix.job.formats.blosc2_frames import array_in, frame_of
from fastpix.job.formats.sample_bytes import crc32
from fastpix.job.formats.tar_shards import attempt_of, member_header
from fastpix.job.remaining import Remaining, remaining_from
from fastpix.job.sample import Placed, Sample
from fastpix.job.settings import Compress, Settings
from fastpix.job.storage.local_storage import LocalStorage

BATCH = "0123456789abcdef" * 2
CT = Remaining("float32", intercepts=(-1024.0,))


def make_sample(
    dtype: str = "int16", shape: tuple[int, ...] = (5, 7), name: str = "a" * 32, **row: Any
) -> Sample:
    count = int(np.prod(shape))
    stored = (np.arange(count) * 37 % 251).astype(dtype).reshape(shape)
    if stored.dtype.kind == "i":
        stored -= stored.dtype.type(100)
    affine = np.array([[0, 0, 0.5, -3], [0, 0.5, 0, 7], [2, 0, 0, 9], [0, 0, 0, 1.0]])
    facts = {"unit": "HU", "modality": "CT", "series": "f" * 32, "slice_thickness": None} | row
    remaining = Remaining(dtype) if facts["unit"] == "RGB" else CT
    return Sample(name, stored, remaining, affine, facts)


def store(
    folder: Path, format_: str, *samples: Sample, compress: Compress = "none", **settings: Any
) -> tuple[LocalStorage, list[dict[str, Any]]]:
    """Write samples and publish them; return rows that lead back to them."""
    storage = LocalStorage(folder)
    made = Settings(format=format_, compress=compress, **settings)
    writer = format_named(format_).writer(storage, BATCH, "b00b", made)
    rows = [row_of(sample, writer.add(sample)) for sample in samples]
    writer.flush()
    assert not [entry for entry in storage.list() if "/." not in f"/{entry.key}"]
    writer.publish()
    writer.publish()
    assert not [entry for entry in storage.list() if "/." in f"/{entry.key}"]
    return storage, rows


def row_of(sample: Sample, placed: Placed) -> dict[str, Any]:
    stored = sample.stored
    return {"name": sample.name, "shape": stored.shape, "dtype": stored.dtype.name,
            **sample.row, **placed._asdict()}  # fmt: skip


def expected(format_: str, sample: Sample) -> NDArray[Any]:
    if format_named(format_).holds == "values":
        return sample.remaining.values(sample.stored)
    return sample.stored


SHAPES = [((5, 7), ""), ((2, 5, 7), ""), ((2, 3, 5, 7), ""), ((5, 7, 3), "RGB"),
          ((2, 5, 7, 3), "RGB"), ((1, 1), "")]  # fmt: skip


def need(format_: str) -> None:
    """Skip a test where the library of a format is not installed."""
    if format_ == "zarr":
        library("zarr")


@pytest.mark.parametrize("compress", ["none", "lz4", "zstd"])
@pytest.mark.parametrize("format_", ["tar", "npz", "b2nd", "zarr", "nifti"])
def test_every_array_comes_back(format_: str, compress: Compress, tmp_path: Path) -> None:
    need(format_)
    samples = [
        make_sample("uint8" if unit else dtype, shape, f"{k:032x}", unit=unit or "HU")
        for k, (dtype, (shape, unit)) in enumerate(
            (dtype, shape)
            for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32",
                          "float64")
            for shape in SHAPES
            if not (shape[1] and dtype != "uint8")
        )
    ]  # fmt: skip
    storage, rows = store(tmp_path, format_, *samples, compress=compress)
    for sample, row in zip(samples, rows, strict=True):
        found = format_named(format_).read(storage, row, verify=True)
        wanted = expected(format_, sample)
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        assert found.tobytes() == wanted.tobytes()
        assert found.flags.c_contiguous
        assert found.flags.writeable


@pytest.mark.parametrize("format_", ["tar", "npz", "b2nd", "zarr", "nifti", "png"])
def test_damage_is_told_in_words(format_: str, tmp_path: Path) -> None:
    need(format_)
    storage, (row,) = store(tmp_path, format_, make_sample("int16"), compress="none")
    path = tmp_path / row["file"]
    whole = path.read_bytes()
    read = format_named(format_).read
    path.write_bytes(whole[: row["offset"] + row["length"] // 2])
    with pytest.raises(FastpixError, match="cut off"):
        read(storage, row)
    path.write_bytes(whole[: row["offset"]] + bytes(len(whole) - row["offset"]))
    with pytest.raises(FastpixError, match="damaged"):
        read(storage, row, verify=True)
    if format_ != "tar":
        foreign = row | {"checksum": zlib.crc32(bytes(row["length"]))}
        with pytest.raises(FastpixError, match="damaged"):
            read(storage, foreign)
    path.unlink()
    with pytest.raises(FastpixError, match="missing"):
        read(storage, row)


@pytest.mark.parametrize("compress", ["lz4", "zstd"])
@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("int16", (600, 300)), ("uint8", (5, 7)), ("uint8", (33, 64, 3)), ("float32", (3, 40, 50)),
     ("uint16", (1, 1)), ("float64", (2, 2, 5, 7))],
)  # fmt: skip
def test_frames_are_read_without_being_opened(
    dtype: str, shape: tuple[int, ...], compress: Compress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once one of its kind was; whatever lies in them, and where there is room for them or not."""
    blosc2 = library("blosc2")
    opened: list[int] = []
    real = blosc2.schunk_from_cframe

    def open_frame(data: bytes) -> Any:
        opened.append(len(data))
        return real(data)

    monkeypatch.setattr(blosc2, "schunk_from_cframe", open_frame)
    monkeypatch.setattr(blosc2_frames, "_chunk_bytes", {})
    chance = np.random.default_rng(1)
    row = {"file": "f", "shape": shape, "dtype": dtype}
    for k in range(6):
        cells = chance.integers(0, 2 ** (2 * k), shape).astype(dtype)  # the first are zeros
        frame = frame_of(cells, {}, compress, whole=True)
        for size in (2**20, 8):
            room = np.full(size, 7, np.uint8)
            found = array_in(memoryview(frame), row, room)
            assert found.dtype == cells.dtype
            assert found.shape == shape
            assert found.tobytes() == cells.tobytes()
            if k > 2:
                assert np.shares_memory(found, room) == (cells.nbytes <= size)
    assert len(opened) <= 2  # of zeros, and of others


def test_a_frame_of_another_kind_is_told_in_words() -> None:
    library("blosc2")
    frame = frame_of(np.arange(35, dtype=np.int16).reshape(5, 7), {}, "zstd", whole=True)
    row = {"file": "f", "shape": (5, 7), "dtype": "int16"}
    for damaged in (frame[:20], bytes(len(frame)), frame[:-1]):
        with pytest.raises(FastpixError, match="damaged"):
            array_in(damaged, row)
    # Cells of an array that was made in several chunks are put in their order.
    cells = np.arange(40 * 130 * 130, dtype=np.int16).reshape(40, 130, 130)
    row = {"file": "f", "shape": cells.shape, "dtype": "int16"}
    assert np.array_equal(array_in(frame_of(cells, {}, "lz4", whole=False), row), cells)


def test_names() -> None:
    with pytest.raises(ArgumentError, match=", ".join(FORMATS)):
        format_named("jpeg")
    assert all(format_named(name).name == name for name in FORMATS)
    assert default_format("file") == "tar"
    assert default_format("series") == "b2nd"


def test_checksums_are_crc32() -> None:
    assert crc32(b"123456789") == zlib.crc32(b"123456789")


# tar


@pytest.mark.parametrize("name", ["a.npy", "x" * 100, "y" * 130, f"{'0' * 32}-12.json"])
@pytest.mark.parametrize("size", [0, 1, 511, 10**9, 8**11 - 1, 8**11])
def test_headers_are_tarfiles(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    plain = len(name) <= 100 and size < 8**11
    kind: Any = tarfile.USTAR_FORMAT if plain else tarfile.PAX_FORMAT
    assert member_header(name, size) == info.tobuf(kind)


def test_tarfile_and_numpy_open_a_shard(tmp_path: Path) -> None:
    samples = [make_sample(name=f"{k:032x}") for k in range(3)]
    _, rows = store(tmp_path, "tar", *samples)
    assert attempt_of(rows[0]["file"]) == "b00b"
    with tarfile.open(tmp_path / rows[0]["file"]) as shard:
        names = shard.getnames()
        assert names == [f"{s.name}.{e}" for s in samples for e in ("npy", "json")]
        for sample in samples:
            array = np.load(io.BytesIO(shard.extractfile(f"{sample.name}.npy").read()))  # type: ignore[union-attr]
            assert array.tobytes() == sample.stored.tobytes()
            assert array.dtype == np.int16
            facts = json.load(shard.extractfile(f"{sample.name}.json"))  # type: ignore[arg-type]
            assert remaining_from(json.dumps(facts["steps"])) == CT
            assert facts["series"] == "f" * 32
            assert "slice_thickness" not in facts


# webdataset leaves closing to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_webdataset_streams_a_shard(tmp_path: Path) -> None:
    webdataset = library("webdataset")
    samples = [make_sample(name=f"{k:032x}") for k in range(3)]
    _, rows = store(tmp_path, "tar", *samples)
    data = webdataset.WebDataset(str(tmp_path / rows[0]["file"]), shardshuffle=False).decode()
    found = list(data)
    assert [one["__key__"] for one in found] == [sample.name for sample in samples]
    assert all(np.array_equal(one["npy"], s.stored) for one, s in zip(found, samples, strict=True))
    assert found[0]["json"]["modality"] == "CT"


def test_a_small_image_weighs_little_more_than_its_cells(tmp_path: Path) -> None:
    ids = dict.fromkeys(("patient", "study", "series", "sop_instance"), "0" * 32)
    sample = make_sample(shape=(128, 128), pixel_spacing=[0.48828125, 0.48828125], **ids)
    odd = np.linalg.qr(np.arange(16.0).reshape(4, 4) ** 1.5)[0]
    samples = [Sample(f"{k:032x}", sample.stored, CT, odd, sample.row) for k in range(20)]
    _, rows = store(tmp_path, "tar", *samples)
    size = (tmp_path / rows[0]["file"]).stat().st_size
    assert size <= 1.1 * 20 * sample.stored.nbytes


@pytest.mark.parametrize("format_", ["tar", "npz", "b2nd"])
def test_a_sample_that_fails_leaves_the_others_sound(format_: str, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = format_named(format_).writer(storage, BATCH, "b00b", Settings())
    good = make_sample(name="1" * 32)
    bad = make_sample(name="2" * 32)
    object.__setattr__(bad, "remaining", None)
    first = writer.add(good)
    with pytest.raises(AttributeError):
        writer.add(bad)
    last = make_sample(name="3" * 32)
    rows = [row_of(good, first), row_of(last, writer.add(last))]
    writer.flush()
    writer.publish()
    for sample, row in zip((good, last), rows, strict=True):
        found = format_named(format_).read(storage, row, verify=True)
        assert found.tobytes() == expected(format_, sample).tobytes()
    if format_ == "tar":
        with tarfile.open(tmp_path / rows[0]["file"]) as shard:
            assert len(shard.getnames()) == 4


@pytest.mark.parametrize("format_", ["tar", "npz", "b2nd"])
def test_what_is_discarded_is_gone(format_: str, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = format_named(format_).writer(storage, BATCH, "b00b", Settings())
    writer.add(make_sample())
    writer.flush()
    writer.discard()
    assert not list(storage.list())


def test_a_batch_without_samples_makes_no_shard(tmp_path: Path) -> None:
    storage, rows = store(tmp_path, "tar")
    assert not rows
    assert not list(storage.list())


# One file for each sample


def test_numpy_opens_npz_and_a_person_its_sidecar(tmp_path: Path) -> None:
    sample = make_sample(spacing=[float("nan"), 1.0])
    store(tmp_path, "npz", sample)
    with np.load(tmp_path / f"{sample.name}.npz") as file:
        assert np.array_equal(file["pixels"], sample.stored - np.float32(1024))
    facts = json.loads((tmp_path / f"{sample.name}.json").read_text())
    assert facts["steps_applied"]["intercept"] == -1024
    assert facts["unit"] == "HU"
    assert "numpy.load" in facts["how_to_open"]
    assert facts["spacing"] == ["nan", 1.0]


def test_blosc2_opens_b2nd(tmp_path: Path) -> None:
    blosc2 = library("blosc2")
    sample = make_sample(shape=(40, 130, 150))
    store(tmp_path, "b2nd", sample, compress="zstd")
    array = blosc2.open(str(tmp_path / f"{sample.name}.b2nd"), mode="r")
    assert array.chunks == (32, 128, 128)
    assert array.blocks == (16, 64, 64)
    assert np.array_equal(array[3:9, 5:70, 100:], sample.stored[3:9, 5:70, 100:])
    assert json.loads(array.vlmeta["fastpix"])["steps"]["intercept"] == -1024


def test_zarr_opens_zarr(tmp_path: Path) -> None:
    zarr = library("zarr")
    for k, sample in enumerate([make_sample(shape=(20, 70, 130)), make_sample(shape=(1, 1, 1))]):
        store(tmp_path / str(k), "zarr", sample, compress="zstd")
        array = zarr.open_array(tmp_path / str(k) / f"{sample.name}.zarr", mode="r")
        assert np.array_equal(array[...], sample.stored)
        assert array.metadata.zarr_format == 3
        assert array.attrs["fastpix"]["steps"]["intercept"] == -1024


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_nibabel_opens_nifti(compress: Compress, tmp_path: Path) -> None:
    nibabel = library("nibabel")
    sample = make_sample(shape=(2, 5, 7))
    _, (row,) = store(tmp_path, "nifti", sample, compress=compress)
    image = nibabel.load(tmp_path / row["file"])
    assert image.get_data_dtype() == np.int16
    assert image.dataobj.inter == -1024
    assert np.array_equal(image.get_fdata(), sample.remaining.values(sample.stored).T)
    # index (column 1, row 2, slice 1): LPS (-3 + 0.5, 7 + 1, 9 + 2), so RAS (2.5, -8, 11)
    assert np.allclose(image.affine @ [1, 2, 1, 1], [2.5, -8, 11, 1])
    assert image.header["sform_code"] == image.header["qform_code"] == 1


def test_nifti_keeps_shear_and_values(tmp_path: Path) -> None:
    nibabel = library("nibabel")
    plain = make_sample(shape=(2, 5, 7))
    affine = plain.affine.copy()  # type: ignore[union-attr]
    affine[1, 0] = 0.7
    sample = Sample(plain.name, plain.stored, Remaining("float32", slopes=(0.1,)), affine)
    _, (row,) = store(tmp_path, "nifti", sample)
    image = nibabel.load(tmp_path / row["file"])
    assert image.header["qform_code"] == 0
    assert image.header["sform_code"] == 1
    assert image.get_data_dtype() == np.float32  # float32(0.1) is not 0.1
    found = np.asanyarray(image.dataobj)
    assert np.array_equal(found, sample.remaining.values(sample.stored).T)
    with pytest.raises(FastpixError, match="no position"):
        store(tmp_path, "nifti", Sample(plain.name, plain.stored, CT))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_pillow_opens_png(dtype: str, tmp_path: Path) -> None:
    image = library("PIL.Image")
    sample = make_sample(dtype)
    storage, (row,) = store(tmp_path, "png", sample)
    offset = {"int8": 128, "int16": 32768}.get(dtype, 0)
    with image.open(tmp_path / row["file"]) as picture:
        assert np.array_equal(np.array(picture).astype(int), sample.stored.astype(int) + offset)
    assert json.loads((tmp_path / f"{sample.name}.json").read_text())["offset"] == offset
    found = format_named("png").read(storage, row, verify=True)
    assert found.tobytes() == sample.stored.tobytes()
    assert found.dtype == sample.stored.dtype


def test_png_of_colour_and_of_a_window(tmp_path: Path) -> None:
    image = library("PIL.Image")
    colour = make_sample("uint8", (5, 7, 3), unit="RGB")
    storage, (row,) = store(tmp_path / "a", "png", colour)
    assert np.array_equal(format_named("png").read(storage, row), colour.stored)
    sample = Sample("b" * 32, np.array([[0, 984, 1064, 1144, 9999]], np.int16), CT)
    storage, (row,) = store(tmp_path / "b", "png", sample, window=(40.0, 160.0))
    with image.open(tmp_path / "b" / row["file"]) as picture:
        assert np.array(picture).tolist() == [[0, 0, 128, 255, 255]]
    with pytest.raises(FastpixError, match="for people"):
        format_named("png").read(storage, row)


@pytest.mark.parametrize(
    "sample", [make_sample("float32"), make_sample("uint32"), make_sample(shape=(2, 5, 7))]
)
def test_png_refuses_what_it_cannot_hold(sample: Sample, tmp_path: Path) -> None:
    library("PIL.Image")
    with pytest.raises(FastpixError, match="choose"):
        store(tmp_path, "png", sample)


# index


def test_an_index_reads_from_the_source(tmp_path: Path) -> None:
    cells = np.array([[0xF001, 0x0FFF], [0x0800, 0x07FF]], "<u2")  # 12 bits, and garbage above
    (tmp_path / "source").write_bytes(b"head" + cells.tobytes() + b"tail")
    stored = np.array([[1, -1], [-2048, 2047]], np.int16)
    facts = {"transfer_syntax": "Explicit VR Little Endian", "offset": 4, "bits_allocated": 16,
             "bits_stored": 12, "high_bit": 11, "signed": True}  # fmt: skip
    sample = Sample("a" * 32, stored, CT, None, facts)
    storage, (row,) = store(tmp_path / "dst", "index", sample)
    row["location"] = str(tmp_path / "source")
    found = format_named("index").read(storage, row, verify=True)
    assert found.tobytes() == stored.tobytes()
    assert found.dtype == np.int16
    (tmp_path / "source").write_bytes(b"head" + bytes(8))
    with pytest.raises(FastpixError, match="has changed"):
        format_named("index").read(storage, row, verify=True)
    (tmp_path / "source").write_bytes(b"head")
    with pytest.raises(FastpixError, match="has changed"):
        format_named("index").read(storage, row)
    for change in ({"transfer_syntax": "RLE Lossless"}, {"unit": "RGB"}, {"bits_allocated": 1}):
        with pytest.raises(FastpixError, match="choose format"):
            store(tmp_path / "dst", "index", Sample("a" * 32, stored, CT, None, facts | change))
