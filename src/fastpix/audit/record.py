"""The data model of ``audit.json``: every number of an audit, and nothing of a patient.

Counts are of files unless a name says otherwise. Names of files, series and patients are keyed
hashes. Manufacturer, model and software versions are the only texts of a file, so that a person
recognises a device; ``--pseudonymous`` replaces them as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fastpix.audit.polarity import Evidence, Polarity
from fastpix.audit.record_numbers import (
    Compression,
    Counted,
    DecoderDifference,
    Encoding,
    Geometry,
    Histogram,
    Rescale,
    Spread,
    Values,
    Window,
    Windows,
)

__all__ = [
    "VERSION",
    "Audit",
    "BurnedIn",
    "BurnedInVerdict",
    "Change",
    "Compression",
    "Counted",
    "Counts",
    "Decodable",
    "DecoderDifference",
    "Encoding",
    "Evidence",
    "FindingCount",
    "Geometry",
    "Histogram",
    "Phase",
    "Polarity",
    "Rescale",
    "SampleRecord",
    "SourceRecord",
    "Spread",
    "Status",
    "Values",
    "Window",
    "Windows",
]

VERSION = 1
"""Of the data model; a reader refuses another one."""

BurnedInVerdict: TypeAlias = Literal["look", "unlikely"]
Status: TypeAlias = Literal["unseen", "accept", "invert", "exclude"]


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many files have a finding.

    Attributes
    ----------
    id : str
        Of the catalogue: ``HDR_HIGH_BIT``.
    files : int
        For ``GEO_`` the number of series, for ``SET_`` of groups or files, as the catalogue says.
    details : mapping of str to int
        The most frequent texts, each with its count. They hold numbers, and no text of a file.
    """

    id: str
    files: int
    details: Counted = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BurnedIn:
    """Whether pictures may show names. No audit can say that they do not.

    Attributes
    ----------
    verdict : {"look", "unlikely"}
    reasons : tuple of str
        Why to look.
    annotation : mapping of str to int
        Burned In Annotation: ``YES``, ``NO``, ``absent``, ``other``.
    looked_at : int
        Samples in which text was searched for; 0 unless that was asked for.
    detected : int
        Those of them in which some may be. No number says that the others have none.
    """

    verdict: BurnedInVerdict = "look"
    reasons: tuple[str, ...] = ()
    annotation: Counted = field(default_factory=dict)
    looked_at: int = 0
    detected: int = 0


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One image whose pixels were read.

    Attributes
    ----------
    name, series, patient : str
        Keyed hashes: of the path, the Series Instance UID and the Patient ID.
    shape : tuple of int
        Of what `imread` gives.
    frame : int
        The frame that was looked at; of one with several, the middle one.
    photometric, transfer_syntax, unit : str
    min, max, mean, std : float or None
        Of values, padding left out.
    low, high : float or None
        The percentiles 1 and 99, for a picture.
    padding : float
        The share of pixels that are padding.
    findings : tuple of str
        Ids.
    error : str
        Why its pixels could not be read; empty where they could.
    text_boxes : tuple of (float, float, float, float)
        Where text may be: x, y, width, height as shares of the image.
    """

    name: str
    series: str
    patient: str
    shape: tuple[int, ...]
    frame: int
    photometric: str
    transfer_syntax: str
    unit: str
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    padding: float = 0.0
    findings: tuple[str, ...] = ()
    error: str = ""
    text_boxes: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What one source is like.

    Attributes
    ----------
    id : str
        Its keyed hash, the same in ``sources.toml`` and in a manifest.
    manufacturer, model : str
        As files have them, or keyed names.
    software : mapping of str to int
        Versions, with the number of files of each.
    modality, photometric, presentation : str
    files, images, series, studies, patients : int
        Files; frames; the rest as the UIDs and IDs of headers tell.
    status : {"unseen", "accept", "invert", "exclude"}
        What a person has decided.
    kinds : mapping of str to int
        SOP Classes by name.
    shapes : mapping of str to int
        ``rows x columns``, the most frequent ones.
    encodings : tuple of Encoding
    rescales : tuple of Rescale
    padded : int
        Files that declare padding.
    polarity : Polarity
    values : tuple of Values
        One for each unit.
    windows, geometry, compression, burned_in
    findings : tuple of FindingCount
    samples : tuple of SampleRecord
    """

    id: str
    manufacturer: str
    model: str
    software: Counted
    modality: str
    photometric: str
    presentation: str
    files: int
    images: int
    series: int
    studies: int
    patients: int
    status: Status = "unseen"
    kinds: Counted = field(default_factory=dict)
    shapes: Counted = field(default_factory=dict)
    encodings: tuple[Encoding, ...] = ()
    rescales: tuple[Rescale, ...] = ()
    padded: int = 0
    polarity: Polarity = field(default_factory=Polarity)
    values: tuple[Values, ...] = ()
    windows: Windows = field(default_factory=Windows)
    geometry: Geometry = field(default_factory=Geometry)
    compression: Compression = field(default_factory=Compression)
    burned_in: BurnedIn = BurnedIn()
    findings: tuple[FindingCount, ...] = ()
    samples: tuple[SampleRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts over all sources.

    Attributes
    ----------
    files, bytes : int
        All that were found.
    images : int
        Files that hold an image whose header can be read.
    frames : int
    not_images : int
        Reports, presentation states, directories, and what is no DICOM.
    failed : int
        Files that should be images and cannot be read.
    studies, series, patients : int
    duplicate_uids : int
        Files whose SOP Instance UID another one has.
    """

    files: int = 0
    bytes: int = 0
    images: int = 0
    frames: int = 0
    not_images: int = 0
    failed: int = 0
    studies: int = 0
    series: int = 0
    patients: int = 0
    duplicate_uids: int = 0


@dataclass(frozen=True, slots=True)
class Decodable:
    """Whether a transfer syntax can be decoded here.

    Attributes
    ----------
    transfer_syntax : str
        By name.
    files : int
    decoders : tuple of str
        That are installed, with versions; empty: none is needed, or none is there.
    remedy : str
        What to install; empty where it can be decoded.
    """

    transfer_syntax: str
    files: int
    decoders: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the audit, and how long it took.

    Attributes
    ----------
    name : str
        ``headers``, ``pixels``, ``geometry``.
    things : int
        Files, images or series.
    seconds : float
        Until all headers were read; that workers needed for pixels, and for geometry, together.
    """

    name: str
    things: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Change:
    """What is new since an earlier audit.

    Attributes
    ----------
    source : str
        Id; empty for what concerns all files.
    kind : str
        ``source``, ``gone``, ``software``, ``finding``, ``encoding``, ``polarity``, ``values``.
    text : str
        In words of our own; of a source it names nothing but software versions.
    """

    source: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Audit:
    """All that an audit found.

    Attributes
    ----------
    version : int
        Of this data model.
    made : str
        When, as ``2026-05-04T12:00:00+00:00``.
    fastpix : str
        Version of fastpix.
    by : tuple of str
        The attributes that tell sources apart.
    pseudonymous : bool
    samples : int
        The most images whose pixels were read of each source.
    seed : int
    key : str
        Fingerprint of the key: ids of another key cannot be compared.
    counts : Counts
    not_images : mapping of str to int
        What the files are that hold no image: SOP Classes by name.
    failures : mapping of str to int
        Why files cannot be read.
    decodable : tuple of Decodable
    phases : tuple of Phase
    findings : tuple of FindingCount
        Over all files, those of no source too.
    sources : tuple of SourceRecord
        The one with most files first.
    compared_with : str
        When the audit was made that this one was compared with; empty: none was.
    changes : tuple of Change
        What is new since then.
    """

    version: int
    made: str
    fastpix: str
    by: tuple[str, ...]
    pseudonymous: bool
    samples: int
    seed: int
    key: str
    counts: Counts
    not_images: Counted = field(default_factory=dict)
    failures: Counted = field(default_factory=dict)
    decodable: tuple[Decodable, ...] = ()
    phases: tuple[Phase, ...] = ()
    findings: tuple[FindingCount, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    compared_with: str = ""
    changes: tuple[Change, ...] = ()
