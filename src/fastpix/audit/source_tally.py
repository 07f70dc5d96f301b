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
from fastpix.audit.file_facts import FileFacts, ImageFacts
from fastpix.audit.sampling import Reservoir
from fastpix.audit.series_planes import KeptSeries
from fastpix.audit.standard_checks import is_lossy
from fastpix.header.header import Header
from fastpix.sources.source_key import SourceKey
from fastpix.standard.syntaxes import uid_name
from fastpix.standard.tags import Tag

_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})
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

    def add(self, facts: FileFacts, image: ImageFacts) -> None:
        """Count a file.

        Parameters
        ----------
        facts : FileFacts
        image : ImageFacts
            That of the facts.
        """
        header, extra = image.header, image.extra
        values = extra.values
        self.files += 1
        self.images += header.frames
        self.findings.add(facts.findings)
        self.software.add(image.key.software)
        self.kinds.add(uid_name(extra.text(Tag.SOPClassUID)) or "unknown")
        self.shapes.add(f"{header.rows} x {header.columns}")
        self.syntaxes.add(header.transfer_syntax)
        self.padded += header.padding is not None
        self.detector_spacing += "GEO_DETECTOR_SPACING" in facts.findings
        self.no_spacing += "GEO_NO_SPACING" in facts.findings
        if not header.is_float:
            self.encodings.add(
                (header.bits_allocated, header.bits_stored, header.high_bit, header.signed)
            )
        self._count_rescales(header)
        self._count_windows(image)
        self._count_compression(facts, image)
        said = extra.text(Tag.BurnedInAnnotation).upper()
        self.burned_in[said if said in ("YES", "NO") else "other" if said else "absent"] += 1
        for plane in image.planes[:1]:
            if plane.spacing is not None:
                self.row_spacing.add(plane.spacing[0])
                self.column_spacing.add(plane.spacing[1])
            self.thickness.add(plane.thickness)
        patient = values.get(Tag.PatientID, b"") + b"\0" + values.get(Tag.IssuerOfPatientID, b"")
        series = values.get(Tag.SeriesInstanceUID, b"")
        self.patients.add(hash(patient))
        self.studies.add(hash(values.get(Tag.StudyInstanceUID, b"")))
        self.series.add(hash(series))
        self.reservoir.offer(facts.file, patient, series)
        self.kept_series.offer(series, image.planes)

    def _count_rescales(self, header: Header) -> None:
        if header.modality_lut is not None or header.rescale_error is not None:
            return
        pairs = {(each.slope, each.intercept) for each in header.rescales[:_MOST_RESCALES]}
        for pair in pairs:
            self.rescales.add(pair)

    def _count_windows(self, image: ImageFacts) -> None:
        extra = image.extra
        if not image.header.is_gray:
            return
        centers, widths = extra.numbers(WINDOW_CENTER), extra.numbers(WINDOW_WIDTH)
        pairs = (
            [] if centers is None or widths is None else list(zip(centers, widths, strict=False))
        )
        self.windows_per_file.add(len(pairs))
        for pair in dict.fromkeys(pairs):
            self.windows.add(pair)
        function = extra.text(VOI_LUT_FUNCTION).upper()
        if function:
            self.functions.add(function if function in _FUNCTIONS else "other")
        self.tables += VOI_LUT_SEQUENCE in extra.values

    def _count_compression(self, facts: FileFacts, image: ImageFacts) -> None:
        header, extra = image.header, image.extra
        if is_lossy(header, extra):
            self.lossy += 1
            for ratio in (extra.numbers(LOSSY_RATIO) or ())[-1:]:
                self.ratio.add(ratio)
        if header.encapsulated and facts.file.size:
            cells = header.frames * header.rows * header.columns * header.samples
            self.measured_ratio.add(cells * header.bits_allocated / 8 / facts.file.size)
