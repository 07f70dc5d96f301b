"""What a shell offers for the values of options: words, each with what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

Offered: TypeAlias = list[tuple[str, str]]
Completion: TypeAlias = Callable[[str], Offered]

INVERT = {
    "max": "subtract from the largest value of the image",
    "range": "mirror in the range that the bits can hold",
    "none": "leave values as they are",
}
DTYPES = {
    "float32": "the default: rounded once",
    "float64": "not rounded",
    "auto": "the smallest integer type that holds all values, else a float",
    **dict.fromkeys(("int16", "uint16", "uint8", "int8", "int32", "uint32"), "exact, or an error"),
}
CACHE_FORMATS = {
    "tar": "shards; the default for images",
    "b2nd": "a file for each; the default for volumes",
    "npz": "numpy's files",
    "nifti": "volumes for other programs",
    "png": "pictures for people",
    "zarr": "one Zarr group",
    "index": "no copy: where the pixels are in the source",
}
VOLUME_FORMATS = {"nifti": "FILE.nii.gz", "npz": "numpy: array, affine, unit"}
UNITS = {"file": "an image for each file", "series": "the volumes of each series"}
COMPRESSIONS = {"none": "the fastest to read", "lz4": "smaller", "zstd": "the smallest"}
DUPLICATES = {
    "keep": "keep all",
    "first": "keep the first",
    "error": "end with an error",
}
GAPS = {"error": "refuse the series", "fill": "a plane of NaN for each missing slice"}
ORDERS = {"0": "nearest, for labels", "1": "linear", "3": "cubic"}
SPLITS = {"train": "80 %", "val": "10 %", "test": "10 %"}
SPLIT_BY = dict.fromkeys(("patient", "study", "series", "image"), "never in two splits")
DATES = {
    "remove": "leave dates out",
    "shift": "move them by whole days, as many for all files of a patient",
}
KEPT = {
    "device": "maker, model and name of the scanner",
    "institution": "names of the hospital",
    "patient-characteristics": "age, sex, size, weight",
    "uids": "UIDs as they are",
}
IDENTIFIERS = dict.fromkeys(
    ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"), "keyword"
)
STATUSES = {
    "accept": "it is what its headers say",
    "invert": "exchange MONOCHROME1 and MONOCHROME2",
    "exclude": "leave it out",
    "unseen": "nobody has looked",
}
FUNCTIONS = dict.fromkeys(("linear", "linear_exact", "sigmoid"), "VOI LUT Function")
PROTOCOLS = dict.fromkeys(("kitty", "iterm2", "sixel"), "protocol of the terminal")


def one_of(values: dict[str, str]) -> Completion:
    """Return what completes one of some words.

    Parameters
    ----------
    values : dict of str to str
        Each word, and what it means.
    """

    def complete(incomplete: str) -> Offered:
        return [each for each in values.items() if each[0].startswith(incomplete)]

    return complete


def some_of(values: Callable[[], Iterable[str]]) -> Completion:
    """Return what completes the last of several words with commas between them.

    Parameters
    ----------
    values : callable
        Returns the words; it is called when a shell asks.
    """

    def complete(incomplete: str) -> Offered:
        before, comma, last = incomplete.rpartition(",")
        named = set(before.split(","))
        return [
            (f"{before}{comma}{word}", "") for word in values()
            if word.startswith(last) and word not in named
        ]  # fmt: skip

    return complete


def decoder_names(incomplete: str) -> Offered:
    """Return the names that ``--decoder`` takes."""
    from fastpix.standard.decoder_names import DECODER_NAMES

    return [(name, "") for name in sorted(DECODER_NAMES) if name.startswith(incomplete)]


def reader_names() -> Iterable[str]:
    """Return the names that ``fastpix bench --readers`` takes."""
    from fastpix.compare import PARTS

    return dict.fromkeys(name for part in PARTS.values() for name in part.readers)


def part_names() -> Iterable[str]:
    """Return the words that ``fastpix bench --what`` takes."""
    from fastpix.compare import PARTS

    return PARTS
