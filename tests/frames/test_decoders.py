"""Which decoder reads a frame: the table, its order, pins, and what is said where none can."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode_frames, make_dataset
from support.codestream_cases import (
    HT_LOSSLESS,
    HT_LOSSY,
    HT_RPCL,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JPEG_LS_LOSSY,
    JXL_LOSSY,
    JXL_RECOMPRESSED,
    LOSSLESS_57,
    LOSSLESS_70,
    RLE_LOSSLESS,
    file_of_frames,
    htj2k,
    j2k,
    jpeg_lossless,
    rle,
)
from support.real_files import WHEEL, corpus_files, files_under

import fastpix
from fastpix.errors import ArgumentError, DecodeError, UnsupportedTransferSyntaxError
from fastpix.frames.codecs import Decoder, FrameFormat, all_decoders, decoders
from fastpix.frames.codecs.refusals import NotSupportedError
from fastpix.standard.syntaxes import JPEG, NATIVE, RLE

CELLS = np.arange(12, dtype=np.uint8).reshape(3, 4)
J2K_FILE = file_of_frames([j2k(CELLS, 8)], CELLS, J2K_LOSSLESS)
RLE_FILE = file_of_frames([rle(CELLS)], CELLS, RLE_LOSSLESS)


def name_of(decoder: str) -> str:
    """The package's name, of what `Image.decoders` says."""
    return decoder.partition(" ")[0]


# --- pins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["imagecodecs", "pylibjpeg-openjpeg"])
def test_a_pin_decides(name: str) -> None:
    for image, recipe in (
        (fastpix.open(J2K_FILE, decoder=name), fastpix.Recipe()),
        (fastpix.open(J2K_FILE), fastpix.Recipe(decoder=name)),
        (fastpix.open(J2K_FILE, decoder=name), fastpix.Recipe(decoder=name)),
    ):
        (to_be,) = [n.text for n in image.plan(recipe).notes if "decoded" in n.text]
        assert to_be.startswith(f"to be decoded by {name} ")
        assert "else" not in to_be
        assert np.array_equal(image.read(recipe), CELLS)
        assert [name_of(decoder) for decoder in image.decoders] == [name]
        (was,) = [n.text for n in image.plan(recipe).notes if "decoded" in n.text]
        assert was == f"decoded by {image.decoders[0]}"
    again = pickle.loads(pickle.dumps(fastpix.open(J2K_FILE, decoder=name)))
    again.read()
    assert [name_of(decoder) for decoder in again.decoders] == [name]
    assert np.array_equal(fastpix.imread(J2K_FILE, decoder=name), CELLS)


def test_without_a_pin_all_are_named_in_their_order() -> None:
    (text,) = [n.text for n in fastpix.open(J2K_FILE).plan().notes]
    names = [part.split(" ")[0] for part in text.removeprefix("to be decoded by ").split(", else ")]
    assert names == ["imagecodecs", "pylibjpeg-openjpeg"]


def test_pins_that_differ() -> None:
    image = fastpix.open(J2K_FILE, decoder="imagecodecs")
    with pytest.raises(ArgumentError, match=r"pylibjpeg-openjpeg.*imagecodecs") as caught:
        image.read(fastpix.Recipe(decoder="pylibjpeg-openjpeg"))
    assert caught.value.argument == "decoder"


@pytest.mark.parametrize("name", ["gdcm", "pylibjpeg", "", "imagecodecs ", 3, b"imagecodecs"])
def test_no_such_decoder(name: Any) -> None:
    for use in (lambda: fastpix.open(J2K_FILE, decoder=name), lambda: fastpix.Recipe(decoder=name)):
        with pytest.raises(ArgumentError, match=r"is none of .*imagecodecs"):
            use()


@pytest.mark.parametrize(
    ("data", "name"), [(J2K_FILE, "pyjpegls"), (J2K_FILE, "fastpix"), (RLE_FILE, "zlib")]
)
def test_a_decoder_of_other_syntaxes(data: bytes, name: str) -> None:
    image = fastpix.open(data, decoder=name)
    with pytest.raises(UnsupportedTransferSyntaxError, match=f"{name} does not decode it; pin one"):
        image.read()
    (note,) = image.plan().notes
    assert note.oddity
    assert "does not decode it" in note.text


def test_native_data_has_no_decoder() -> None:
    """A pin is for compressed frames; there is nothing to decode here."""
    from support.builders import encode

    image = fastpix.open(encode(make_dataset(CELLS)), decoder="pyjpegls")
    assert np.array_equal(image.read(), CELLS)
    assert image.decoders == ()
    assert image.plan().notes == ()


# --- what is installed ----------------------------------------------------------------------------


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "_is_present", lambda module, codec: False)


@pytest.mark.usefixtures("nothing_installed")
def test_none_is_installed() -> None:
    image = fastpix.open(J2K_FILE)
    with pytest.raises(
        UnsupportedTransferSyntaxError, match="pip install imagecodecs or pip install pylibjpeg-op"
    ) as caught:
        image.read()
    assert caught.value.transfer_syntax == J2K_LOSSLESS
    assert caught.value.name == "JPEG 2000 Image Compression (Lossless Only)"
    (note,) = image.plan().notes
    assert note.oddity
    with pytest.raises(
        UnsupportedTransferSyntaxError,
        match=r"(?m)is pinned, and is not installed: pip install pylibjpeg-openjpeg, or pin none$",
    ):
        fastpix.imread(J2K_FILE, decoder="pylibjpeg-openjpeg")


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("syntax", sorted(all_decoders()))
def test_every_syntax_says_what_to_install(syntax: str) -> None:
    with pytest.raises(UnsupportedTransferSyntaxError, match=r": pip install \S+") as caught:
        decoders.usable_decoders(syntax)
    assert caught.value.name


def test_modules_that_are_not_there() -> None:
    assert not decoders._is_present("no_such_module", "")
    assert decoders._is_present("imagecodecs", "JPEG2K")
    for table in all_decoders().values():
        for decoder in table:
            if decoder.is_present():
                assert decoder.version().split(" ")[0] == decoder.name
            assert decoder.licence


def test_nothing_is_tried_unasked_that_a_licence_or_a_crash_speaks_against() -> None:
    """gdcm ends the process on damaged frames."""
    for syntax, table in all_decoders().items():
        assert "python-gdcm" not in [d.name for d in decoders.decoders_for(syntax)]
        assert [d for d in table if d.is_fallback]


# --- the chain ------------------------------------------------------------------------------------


def stub(name: str, result: Any) -> Decoder:
    """A decoder that gives this array, or raises this."""

    def decode(encoded: bytes, wanted: FrameFormat, threads: int) -> Any:
        if isinstance(result, BaseException):
            raise result
        return result

    return Decoder(name, name, "MIT", decode, "zlib")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets the decoders of JPEG 2000."""

    def put(*chain: Decoder) -> None:
        monkeypatch.setitem(decoders._TABLE, J2K_LOSSLESS, chain)

    return put  # type: ignore[return-value]


# Damage is final, whatever another decoder would make of it.
DAMAGE = {
    "an error": ValueError("no thanks"),
    "no Exception": BaseException("panic"),
    "an assertion": AssertionError(),
    "a marker that is none": ValueError("Unsupported marker type 0x4b"),
    "a second frame header": ValueError("Unsupported JPEG process: SOF type 0xc5"),
    "the wrong shape": np.zeros((4, 3), np.uint8),
    "an axis too many": np.zeros((3, 4, 1), np.uint8),
    "one dimension": np.zeros(12, np.uint8),
    "floats": np.zeros((3, 4), np.float32),
}
# A kind of frame that a decoder does not read may be another one's.
NOT_SUPPORTED = {
    "our own word": NotSupportedError("not mine"),
    "no such function": NotImplementedError(),
    "a library that has changed": AttributeError("module has no attribute"),
    "an argument that has changed": TypeError("unexpected keyword"),
    "a library that is not there": ImportError("lib.so"),
    "libjpeg-turbo, arithmetic codes": ValueError("Sorry, arithmetic coding is not implemented"),
    "libjpeg-turbo, left out": ValueError("Requested feature was omitted at compile time"),
    "CharLS": ValueError("a parameter value that is not supported by the CharLS decoder"),
    "OpenJPEG": RuntimeError("subsampling not supported"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_final(kind: str, table: Any) -> None:
    table(stub("first", DAMAGE[kind]), stub("second", CELLS + 1))
    with pytest.raises(DecodeError, match="the codestream is damaged") as caught:
        fastpix.imread(J2K_FILE)
    assert list(caught.value.tried) == ["first"]
    assert not caught.value.not_supported


@pytest.mark.parametrize("kind", NOT_SUPPORTED)
def test_the_next_is_asked_for_what_is_not_supported(kind: str, table: Any) -> None:
    table(stub("first", NOT_SUPPORTED[kind]), stub("second", CELLS + 1))
    image = fastpix.open(J2K_FILE)
    assert np.array_equal(image.stored(), CELLS + 1)
    assert image.decoders == ("second",)


def test_the_first_that_gives_an_image_is_the_last_asked(table: Any) -> None:
    table(stub("first", CELLS), stub("second", AssertionError("asked")))
    assert np.array_equal(fastpix.open(J2K_FILE).stored(), CELLS)


def test_everyone_is_quoted_where_none_supports_it(table: Any) -> None:
    table(*(stub(name.replace(" ", "-"), what) for name, what in NOT_SUPPORTED.items()))
    with pytest.raises(DecodeError, match="of this kind is not supported; convert the") as caught:
        fastpix.imread(J2K_FILE)
    assert list(caught.value.tried) == [name.replace(" ", "-") for name in NOT_SUPPORTED]
    assert caught.value.tried["our-own-word"] == "NotSupportedError: not mine"
    assert "damaged" not in str(caught.value)
    assert caught.value.frame == 0
    for text in ("not mine", "lib.so"):
        assert text in str(caught.value)
        assert text not in caught.value.storable
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.not_supported == caught.value.not_supported == "a codestream of this kind"


def test_a_pin_of_one_that_does_not_support_it(table: Any) -> None:
    table(stub("imagecodecs", NotSupportedError("no")), stub("second", CELLS))
    with pytest.raises(DecodeError, match=r"not supported; .* pinned: leave decoder= out"):
        fastpix.imread(J2K_FILE, decoder="imagecodecs")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_what_is_no_refusal_gets_through(error: BaseException, table: Any) -> None:
    table(stub("first", error), stub("second", CELLS))
    with pytest.raises(type(error)):
        fastpix.imread(J2K_FILE)


def test_every_decoder_used_is_named(table: Any) -> None:
    """Two frames, the second by the second decoder."""
    frames = np.stack([CELLS, CELLS[::-1]])
    first = all_decoders()[J2K_LOSSLESS][0]

    def only_the_first(encoded: bytes, wanted: FrameFormat, threads: int) -> Any:
        if bytes(encoded).rstrip(b"\0") == j2k(CELLS, 8).rstrip(b"\0"):
            return CELLS
        raise NotSupportedError("not that one")

    table(Decoder("picky", "picky", "MIT", only_the_first, "zlib"), first)
    data = file_of_frames([j2k(frame, 8) for frame in frames], frames, J2K_LOSSLESS)
    image = fastpix.open(data)
    assert np.array_equal(image.stored(), frames)
    assert [name_of(d) for d in image.decoders] == ["picky", "imagecodecs"]
    (note,) = image.plan().notes
    assert note.text == f"decoded by {' and '.join(image.decoders)}"


# --- what nothing decodes -------------------------------------------------------------------------

MULTI_COMPONENT = ["92", "93"]
VIDEO = ["100", "100.1", "101", "102", "102.1", "103", "104", "105", "106", "107", "108"]
JPIP = ["94", "95", "204", "205"]
HIERARCHICAL = ["59", "60", "61", "62", "63", "64"]


@pytest.mark.parametrize(
    ("uid", "remedy"),
    [
        *((f"1.2.840.10008.1.2.4.{n}", "video") for n in VIDEO),
        *((f"1.2.840.10008.1.2.4.{n}", "archive|JPIP") for n in JPIP),
        *((f"1.2.840.10008.1.2.4.{n}", "convert the file") for n in HIERARCHICAL),
        *((f"1.2.840.10008.1.2.4.{n}", "uncompressed") for n in MULTI_COMPONENT),
        *((f"1.2.840.10008.1.2.7.{n}", "SMPTE 2110") for n in (1, 2, 3)),
    ],
)
def test_syntaxes_that_nothing_decodes(uid: str, remedy: str) -> None:
    data = encode_frames(make_dataset(CELLS), uid, [bytes(64)])
    image = fastpix.open(data)
    with pytest.raises(UnsupportedTransferSyntaxError, match=remedy) as caught:
        image.read()
    assert caught.value.transfer_syntax == uid
    assert caught.value.name not in ("", uid)
    assert caught.value.name in str(caught.value)
    (note,) = image.plan().notes
    assert note.oddity
    assert note.text == caught.value.storable
    with pytest.raises(UnsupportedTransferSyntaxError):
        fastpix.imread(data, decoder="imagecodecs")


# --- independent decoders agree -------------------------------------------------------------------

LOSSY = JPEG | {JPEG_LS_LOSSY, J2K_LOSSY, HT_LOSSY, JXL_LOSSY}
LOSSLESS = {
    uid: table
    for uid, table in all_decoders().items()
    if uid not in LOSSY and uid != JXL_RECOMPRESSED and len(table) > 1
}
BY_SYNTAX: dict[str, list[bytes]] = {
    LOSSLESS_57: [file_of_frames([jpeg_lossless(CELLS, 8, 4)], CELLS, LOSSLESS_57)],
    HT_LOSSLESS: [file_of_frames([htj2k(CELLS)], CELLS, HT_LOSSLESS)],
    HT_RPCL: [file_of_frames([htj2k(CELLS)], CELLS, HT_RPCL)],
}


def compare_decoders(source: Path | bytes) -> tuple[str, int]:
    """Read every frame by every decoder there is: the syntax, and how many read all of them."""
    try:
        image = fastpix.open(source)
    except fastpix.FastpixError:
        return "", 0
    syntax = image.header.transfer_syntax
    if syntax not in LOSSLESS:
        return "", 0
    first: bytes | None = None
    agreed = 0
    for name in dict.fromkeys(d.name for d in LOSSLESS[syntax] if d.is_present()):
        try:
            stored = fastpix.open(source, decoder=name).stored()
        except DecodeError:
            continue
        agreed += 1
        first = stored.tobytes() if first is None else first
        assert stored.tobytes() == first, f"{name} reads {source!r:.200} otherwise"
    return syntax, agreed


def compare_all(sources: list[Path] | list[bytes]) -> dict[str, int]:
    """How many files of each syntax two decoders or more have read, and read alike."""
    counts: dict[str, int] = {}
    for source in sources:
        syntax, agreed = compare_decoders(source)
        if agreed > 1:
            counts[syntax] = counts.get(syntax, 0) + 1
    return counts


@pytest.mark.filterwarnings("ignore")
def test_decoders_agree_on_the_wheel() -> None:
    counts = compare_all(files_under(WHEEL))
    made = [data for files in BY_SYNTAX.values() for data in files]
    counts_made = compare_all(made)
    assert counts_made == dict.fromkeys(BY_SYNTAX, 1)
    assert counts[RLE] >= 9
    assert counts[J2K_LOSSLESS] >= 4
    assert counts[JPEG_LS_LOSSLESS] >= 1
    jpeg_decoders = [d for d in LOSSLESS[LOSSLESS_70] if d.is_present()]
    assert len(jpeg_decoders) < 2 or counts[LOSSLESS_70] >= 1
    # Of JPEG XL there is one decoder; every other lossless syntax has had its files.
    assert {*counts, *counts_made} == set(LOSSLESS)


@pytest.mark.corpus
@pytest.mark.skipif("FASTPIX_CORPUS" not in os.environ, reason="FASTPIX_CORPUS names no folder")
@pytest.mark.filterwarnings("ignore")
def test_decoders_agree_on_the_corpus() -> None:
    counts = compare_all(corpus_files())
    print(counts)
    assert counts
    assert all(count > 0 for count in counts.values())
    assert not set(counts) & NATIVE
