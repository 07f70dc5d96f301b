"""The columns of a manifest: an allow-list. What is not here is never kept of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow

VERSION = 1
"""Of the columns; raised where an older reader would take a part for something else."""


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    name : str
    kind : str
        ``"text"``, ``"term"`` (a text that few rows differ in), ``"integer"``, ``"number"``,
        ``"flag"``, ``"integers"``, ``"numbers"`` or ``"texts"``.
    meaning : str
        For the documentation.
    """

    name: str
    kind: str
    meaning: str


COLUMNS = (
    Column("item", "text", "what is done whole: the `name` of the file, or of the series"),
    Column("name", "text", "keyed hash of the path below the root, or of the series; unique"),
    Column("kind", "term", "`image`, `series`, `volume` of a series, `file` of a series"),
    Column(
        "status",
        "term",
        "`done`, `failed`, `not an image`, `left out`, `gone`; of copies `in review`",
    ),
    Column("error", "term", "of failures: the class of the error"),
    Column("reason", "term", "of failures: what the error says, without text of the file"),
    Column("state", "text", "keyed hash of size and time of change of the source"),
    Column("settings", "term", "id of the settings of `dataset.json`"),
    Column("generation", "integer", "of the run, from 1"),
    Column("decoders_here", "term", "of failures: fingerprint of the decoders that were installed"),
    Column("volume", "term", "of a file of a series: the name of the volume that it is in"),
    Column("file", "term", "where the array is, below DST"),
    Column("offset", "integer", "of the bytes of the array in `file`"),
    Column("length", "integer", "of these bytes"),
    Column("checksum", "integer", "CRC-32 of these bytes"),
    Column("shape", "integers", "of the array"),
    Column("dtype", "term", "of what is stored"),
    Column("output", "term", "dtype of the values"),
    Column("steps", "term", "JSON: the steps that make values of what is stored"),
    Column("unit", "term", "of the values"),
    Column("files", "integer", "how many source files it was made of"),
    Column("modality", "term", "a term of PS3.3 C.7.3.1.1.1"),
    Column("sop_class", "term", "by name"),
    Column("transfer_syntax", "term", "by name"),
    Column("photometric", "term", "Photometric Interpretation"),
    Column("manufacturer", "term", "a name of our table, or a keyed hash"),
    Column("model", "term", "a product line of our table, or a keyed hash"),
    Column("source", "term", "id of the source in `sources.toml`: a keyed hash"),
    Column("software", "term", "keyed hash of Software Versions"),
    Column("verdict", "term", "`accept`, `invert`, `exclude`, `unseen`: what was obeyed"),
    Column("burned_in_annotation", "term", "`YES`, `NO` or nothing"),
    Column("rows", "integer", ""),
    Column("columns", "integer", ""),
    Column("frames", "integer", "of the source file"),
    Column("bits_allocated", "integer", ""),
    Column("bits_stored", "integer", ""),
    Column("high_bit", "integer", ""),
    Column("signed", "flag", "Pixel Representation"),
    Column("decoders", "term", "what has decoded compressed frames, with versions"),
    Column("patient", "text", "keyed hash of Patient ID and its issuer"),
    Column("study", "text", "keyed hash of Study Instance UID"),
    Column("series", "text", "keyed hash of Series Instance UID"),
    Column("sop_instance", "text", "keyed hash of SOP Instance UID"),
    Column("frame_of_reference", "term", "keyed hash of its UID"),
    Column("instance_number", "integer", ""),
    Column("acquisition_number", "integer", ""),
    Column("temporal_position", "integer", "Temporal Position Identifier, or its index"),
    Column("position", "numbers", "Image Position (Patient), mm"),
    Column("orientation", "numbers", "Image Orientation (Patient): six cosines"),
    Column("pixel_spacing", "numbers", "between rows and between columns, mm"),
    Column("is_detector_spacing", "flag", "it was measured at the detector, not in the patient"),
    Column("slice_thickness", "number", "mm"),
    Column("spacing_between_slices", "number", "mm"),
    Column("affine", "numbers", "16 numbers, row by row: (slice, row, column, 1) to mm, LPS"),
    Column("spacing", "numbers", "of a volume along slice, row and column, mm"),
    Column("grid", "term", "of a volume: `Volume.kind`"),
    Column("axes", "term", "of a volume: what stands before (slice, row, column)"),
    Column("coords", "term", "of a volume: JSON of the values along that axis"),
    Column("min", "number", "of the values before normalize, padding apart"),
    Column("max", "number", ""),
    Column("mean", "number", ""),
    Column("std", "number", ""),
    Column("padding_pixels", "integer", "how many pixels are padding"),
    Column("nan_pixels", "integer", "how many values are no numbers"),
    Column("notes", "texts", "what was odd about the header, in words"),
)
NAMES = tuple(column.name for column in COLUMNS)


def schema() -> pyarrow.Schema:
    """Return the schema of a part of the manifest."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "text": pa.string(),
        "term": pa.dictionary(pa.int32(), pa.string()),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "integers": pa.list_(pa.int64()),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }
    return pa.schema([(column.name, kinds[column.kind]) for column in COLUMNS])
