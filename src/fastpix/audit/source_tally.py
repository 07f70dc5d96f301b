"""Counters of one source, which the header pass fills file by file, in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fastpix.audit.counting import BoundedCounter, FindingCounts, Numbers
from fastpix.audit.extra_values import (
    LOSSY_RATIO,
    VOI_LUT_FUNCTION,
    VOI_LUT_SEQUENCE,
    WINDOW_CENTER,
    WINDOW_WIDTH,
)
from fastpix.audit.file_facts import FileFacts, ImageKind
from fastpix.audit.sampling import Reservoir
from fastpix.audit.series_planes import KeptSeries
from fastpix.audit.standard_checks import is_lossy
from fastpix.header.header import Header
from fastpix.sources.source_key import SourceKey
from fastpix.standard.syntaxes import uid_name
from fastpix.standard.tags import Tag

_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})
_PATIENT, _ISSUER = int(Tag.PatientID), int(Tag.IssuerOfPatientID)
_SERIES, _STUDY = int(Tag.SeriesInstanceUID), int(Tag.StudyInstanceUID)
_MOST_RESCALES = 64  # slopes of one file: those of a long series say no more


@dataclass(slots=True)
class SourceTally:
    """What the headers of one source come to.

    Attributes
    ----------
    key : SourceKey
        Of its first file.
    reservoir : Reservoir
        Images that may be looked at.
    """

    key: SourceKey
    reservoir: Reservoir
    kept_series: KeptSeries
    files: int = 0
    images: int = 0
    lossy: int = 0
    padded: int = 0
    tables: int = 0
    detector_spacing: int = 0
    no_spacing: int = 0
    software: BoundedCounter[str] = field(default_factory=BoundedCounter)
    kinds: BoundedCounter[str] = field(default_factory=BoundedCounter)
    shapes: BoundedCounter[str] = field(default_factory=BoundedCounter)
    encodings: BoundedCounter[tuple[int, int, int, bool]] = field(default_factory=BoundedCounter)
    rescales: BoundedCounter[tuple[float, float]] = field(default_factory=BoundedCounter)
    syntaxes: BoundedCounter[str] = field(default_factory=BoundedCounter)
    windows: BoundedCounter[tuple[float, float]] = field(default_factory=BoundedCounter)
    windows_per_file: BoundedCounter[int] = field(default_factory=BoundedCounter)
    functions: BoundedCounter[str] = field(default_factory=BoundedCounter)
    burned_in: Counter[str] = field(default_factory=Counter)
    findings: FindingCounts = field(default_factory=FindingCounts)
    ratio: Numbers = field(default_factory=Numbers)
    measured_ratio: Numbers = field(default_factory=Numbers)
    row_spacing: Numbers = field(default_factory=Numbers)
    column_spacing: Numbers = field(default_factory=Numbers)
    thickness: Numbers = field(default_factory=Numbers)
    # Hashes: 8 bytes for each study, series and patient.
    studies: set[int] = field(default_factory=set)
    series: set[int] = field(default_factory=set)
    patients: set[int] = field(default_factory=set)

    def add_file(self, facts: FileFacts, kind: ImageKind) -> None:
        """Count what a file has for itself.

        Parameters
        ----------
        facts : FileFacts
        kind : ImageKind
            That of the facts.
        """
        values = facts.values
        if facts.own:
            self.findings.add(facts.own)
        patient = values.get(_PATIENT, b"") + b"\0" + values.get(_ISSUER, b"")
        series = values.get(_SERIES, b"")
        self.patients.add(hash(patient))
        self.studies.add(hash(values.get(_STUDY, b"")))
        self.series.add(hash(series))
        self.reservoir.offer(facts.file, patient, series)
        if facts.planes:
            self.kept_series.offer(series, facts.planes)
        header = kind.header
        if header.encapsulated and facts.file.size:
            cells = header.frames * header.rows * header.columns * header.samples
            self.measured_ratio.add(cells * header.bits_allocated / 8 / facts.file.size)

    def add_kind(self, kind: ImageKind) -> None:
        """Count what all files of a kind have, and that they are counted.

        Parameters
        ----------
        kind : ImageKind
        """
        files, kind.count = kind.count, 0
        header, extra = kind.header, kind.extra
        self.files += files
        self.images += header.frames * files
        for name, text in kind.findings.items():
            self.findings.add_many(name, files, text)
        self.software.add(kind.key.software, files)
        self.kinds.add(uid_name(extra.text(Tag.SOPClassUID)) or "unknown", files)
        self.shapes.add(f"{header.rows} x {header.columns}", files)
        self.syntaxes.add(header.transfer_syntax, files)
        self.padded += files * (header.padding is not None)
        self.detector_spacing += files * ("GEO_DETECTOR_SPACING" in kind.findings)
        self.no_spacing += files * ("GEO_NO_SPACING" in kind.findings)
        if not header.is_float:
            encoding = header.bits_allocated, header.bits_stored, header.high_bit, header.signed
            self.encodings.add(encoding, files)
        self._count_rescales(header, files)
        self._count_windows(kind, files)
        if is_lossy(header, extra):
            self.lossy += files
            for ratio in (extra.numbers(LOSSY_RATIO) or ())[-1:]:
                self.ratio.add(ratio, files)
        said = extra.text(Tag.BurnedInAnnotation).upper()
        self.burned_in[said if said in ("YES", "NO") else "other" if said else "absent"] += files
        spacing = extra.numbers(Tag.PixelSpacing) or extra.numbers(Tag.ImagerPixelSpacing) or ()
        for numbers, mm in zip((self.row_spacing, self.column_spacing), spacing, strict=False):
            numbers.add(mm, files)
        for mm in (extra.numbers(Tag.SliceThickness) or ())[:1]:
            self.thickness.add(mm, files)

    def _count_rescales(self, header: Header, files: int) -> None:
        if header.modality_lut is not None or header.rescale_error is not None:
            return
        pairs = {(each.slope, each.intercept) for each in header.rescales[:_MOST_RESCALES]}
        for pair in pairs:
            self.rescales.add(pair, files)

    def _count_windows(self, kind: ImageKind, files: int) -> None:
        extra = kind.extra
        if not kind.header.is_gray:
            return
        centers, widths = extra.numbers(WINDOW_CENTER), extra.numbers(WINDOW_WIDTH)
        pairs = (
            [] if centers is None or widths is None else list(zip(centers, widths, strict=False))
        )
        self.windows_per_file.add(len(pairs), files)
        for pair in dict.fromkeys(pairs):
            self.windows.add(pair, files)
        function = extra.text(VOI_LUT_FUNCTION).upper()
        if function:
            self.functions.add(function if function in _FUNCTIONS else "other", files)
        self.tables += files * (VOI_LUT_SEQUENCE in extra.values)
