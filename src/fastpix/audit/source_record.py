"""Tallies of headers, pixels and geometry to the record of a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastpix.audit.burned_in import burned_in_of, with_detection
from fastpix.audit.counting import FindingCounts, ordered
from fastpix.audit.record import (
    Compression,
    Decodable,
    Encoding,
    FindingCount,
    Geometry,
    Rescale,
    SourceRecord,
    Window,
    Windows,
)
from fastpix.audit.series_planes import GeometryTally
from fastpix.audit.source_pixels import FoundPixels
from fastpix.audit.source_tally import SourceTally
from fastpix.errors import UnsupportedTransferSyntaxError
from fastpix.frames.codecs import usable_decoders
from fastpix.job.vocabulary import maker, model
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import printable, software_pseudonym
from fastpix.standard.syntaxes import NATIVE, syntax_name

_SHOWN = 12  # of a list of the most frequent ones
_DETAILS = 8


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """What a record may say of a device.

    Attributes
    ----------
    manufacturer, model, software : callable
        A text of the file to what stands in the record.
    """

    manufacturer: Callable[[str], str]
    model: Callable[[str], str]
    software: Callable[[str], str]


AS_THEY_STAND = SourceTexts(printable, printable, printable)
"""The texts of the file, without control characters."""


def pseudonyms(names: Names) -> SourceTexts:
    """Return keyed names for all texts that are not in our tables.

    Parameters
    ----------
    names : Names
    """
    return SourceTexts(
        lambda text: maker(text, names) or "",
        lambda text: model(text, names) or "",
        lambda text: software_pseudonym(text, names),
    )


def source_record(
    source: str,
    tally: SourceTally,
    pixels: FoundPixels,
    geometry: GeometryTally,
    texts: SourceTexts,
) -> SourceRecord:
    """Return the record of a source.

    Parameters
    ----------
    source : str
        Its id.
    tally : SourceTally
    pixels : FoundPixels
    geometry : GeometryTally
    texts : SourceTexts
    """
    key = tally.key
    kinds = tally.kinds.texts()
    findings = FindingCounts()
    for part in (tally.findings, pixels.findings, geometry.findings, _of_the_set(tally)):
        findings.add_all(part)
    software: Counter[str] = Counter()
    for text, count in tally.software.most(len(tally.software)):  # all: verdicts are about them
        software[texts.software(text)] += count
    return SourceRecord(
        id=source,
        manufacturer=texts.manufacturer(key.manufacturer),
        model=texts.model(key.model),
        software=dict(software),
        modality=key.modality,
        photometric=key.photometric,
        presentation=key.presentation,
        files=tally.files,
        images=tally.images,
        series=len(tally.series),
        studies=len(tally.studies),
        patients=len(tally.patients),
        kinds=kinds,
        shapes=tally.shapes.texts(_SHOWN),
        encodings=tuple(
            Encoding(*encoding, count) for encoding, count in tally.encodings.most(_SHOWN)
        ),
        rescales=tuple(Rescale(*pair, count) for pair, count in tally.rescales.most(_SHOWN)),
        padded=tally.padded,
        values=pixels.values,
        windows=Windows(
            tally.windows_per_file.texts(_SHOWN),
            tally.functions.texts(_SHOWN),
            tally.tables,
            tuple(Window(*pair, count) for pair, count in tally.windows.most(_SHOWN)),
        ),
        geometry=_geometry(tally, geometry),
        compression=Compression(
            {name_of_syntax(uid): count for uid, count in tally.syntaxes.most(_SHOWN)},
            tally.lossy,
            tally.ratio.spread(),
            tally.measured_ratio.spread(),
            ordered(pixels.decoders),
            pixels.differences,
        ),
        burned_in=with_detection(
            burned_in_of(
                ordered(tally.burned_in), kinds, key.modality, findings.files["HDR_COLOR"]
            ),
            pixels.searched_for_text,
            pixels.with_text,
        ),
        findings=finding_counts(findings),
        samples=pixels.records,
    )


def name_of_syntax(uid: str) -> str:
    """Return a transfer syntax by name; ``unknown`` for one that the standard does not have.

    Parameters
    ----------
    uid : str
    """
    return syntax_name(uid) or "unknown"


def finding_counts(findings: FindingCounts) -> tuple[FindingCount, ...]:
    """Return findings as a record has them: the most frequent first.

    Parameters
    ----------
    findings : FindingCounts
    """
    counts = sorted(findings.files.items(), key=lambda each: (-each[1], each[0]))
    return tuple(
        FindingCount(
            name,
            count,
            findings.details[name].texts(_DETAILS) if name in findings.details else {},
        )
        for name, count in counts
        if count
    )


def decodable_of(uid: str, files: int) -> Decodable:
    """Return whether a transfer syntax can be decoded here.

    Parameters
    ----------
    uid : str
    files : int
    """
    name = name_of_syntax(uid)
    if uid in NATIVE:
        return Decodable(name, files)
    try:
        found = dict.fromkeys(decoder.version() for decoder in usable_decoders(uid))
    except UnsupportedTransferSyntaxError as error:
        return Decodable(name, files, (), error.remedy)
    return Decodable(name, files, tuple(found))


def _of_the_set(tally: SourceTally) -> FindingCounts:
    """Return what the headers of a source tell together; counted in files."""
    found = FindingCounts()
    several: dict[str, set[Any]] = {
        "SET_MIXED_BITS": {(stored, signed) for _, stored, _, signed in tally.encodings.counts},
        "SET_MIXED_SYNTAX": set(tally.syntaxes.counts),
        "SET_MIXED_RESCALE": set(tally.rescales.counts),
        "SET_SEVERAL_SOFTWARE": set(tally.software.counts),
    }
    for name, different in several.items():
        if len(different) > 1:
            found.add_many(name, tally.files, f"{len(different)} different ones")
    for uid, count in tally.syntaxes.counts.items():
        decodable = decodable_of(uid, count)
        if decodable.remedy:
            text = f"{decodable.transfer_syntax}: {decodable.remedy}"
            found.add_many("FILE_DECODER_MISSING", count, text)
    return found


def _geometry(tally: SourceTally, geometry: GeometryTally) -> Geometry:
    return Geometry(
        series=geometry.series,
        volumes=geometry.volumes,
        refused=geometry.refused,
        refusals=ordered(geometry.refusals),
        remarks=ordered(geometry.remarks),
        orientations=ordered(geometry.orientations),
        row_spacing=tally.row_spacing.spread(),
        column_spacing=tally.column_spacing.spread(),
        slice_spacing=geometry.slice_spacing.spread(),
        slice_thickness=tally.thickness.spread(),
        tilt=geometry.tilt.spread(),
        detector_spacing=tally.detector_spacing,
        no_spacing=tally.no_spacing,
    )
