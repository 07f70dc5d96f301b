"""Counters of one source, which the header pass fills file by file, in bounded memory.

Those of several batches are added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from fastpix.audit.counting import BoundedCounter, FindingCounts, Numbers
from fastpix.audit.distinct import Distinct, Occurrences
from fastpix.audit.extra_values import (
    LOSSY_RATIO,
    VOI_LUT_FUNCTION,
    VOI_LUT_SEQUENCE,
    WINDOW_CENTER,
    WINDOW_WIDTH,
)
from fastpix.audit.file_facts import FileFacts, ImageKind
from fastpix.audit.kept_series import KeptSeries
from fastpix.audit.sampling import Reservoir
from fastpix.audit.standard_checks import is_lossy
from fastpix.header.header import Header
from fastpix.sources.source_key import SourceKey
from fastpix.standard.syntaxes import uid_name
from fastpix.standard.tags import Tag

_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})
_NONE = "0"  # what stands for the study, or the series, of files that name none
_MOST_RESCALES = 64  # slopes of one file: those of a long series say no more


_NUMBERS = (
    "files", "images", "lossy", "padded", "tables", "detector_spacing", "no_spacing",
)  # fmt: skip
_COUNTERS = (
    "software", "kinds", "shapes", "encodings", "rescales", "syntaxes", "windows",
    "windows_per_file", "functions", "ratio", "measured_ratio", "row_spacing", "column_spacing",
    "thickness", "instances", "studies", "series", "patients", "reservoir", "kept_series",
)  # fmt: skip


class FileNames(NamedTuple):
    """Keyed hashes that tell what a file belongs to.

    Attributes
    ----------
    file : str
        Of its path.
    instance, series, study : str
        Of UIDs; empty where the file has none.
    patient : str
    """

    file: str
    instance: str
    series: str
    study: str
    patient: str


@dataclass(slots=True)
class SourceTally:
    """What the headers of one source come to.

    Attributes
    ----------
    key : SourceKey
        Of those that its files have, the first in the order of texts.
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
    instances: Occurrences = field(default_factory=Occurrences)
    studies: Distinct = field(default_factory=Distinct)
    series: Distinct = field(default_factory=Distinct)
    patients: Distinct = field(default_factory=Distinct)

    def add_file(self, facts: FileFacts, kind: ImageKind, names: FileNames) -> None:
        """Count what a file has for itself.

        Parameters
        ----------
        facts : FileFacts
        kind : ImageKind
            That of the facts.
        names : FileNames
        """
        if facts.own:
            self.findings.add(facts.own)
        if names.instance:
            self.instances.add(names.instance)
        self.patients.add(names.patient)
        self.studies.add(names.study or _NONE)
        self.series.add(names.series or _NONE)
        self.reservoir.offer(facts.file, names.file, names.patient, names.series)
        self.kept_series.offer(facts.file, names.file, names.series)
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
        for slope, intercept in pairs:
            self.rescales.add((slope + 0.0, intercept + 0.0), files)  # no -0.0

    def _count_windows(self, kind: ImageKind, files: int) -> None:
        extra = kind.extra
        if not kind.header.is_gray:
            return
        centers, widths = extra.numbers(WINDOW_CENTER), extra.numbers(WINDOW_WIDTH)
        pairs = (
            [] if centers is None or widths is None else list(zip(centers, widths, strict=False))
        )
        self.windows_per_file.add(len(pairs), files)
        for center, width in dict.fromkeys(pairs):
            self.windows.add((center + 0.0, width + 0.0), files)
        function = extra.text(VOI_LUT_FUNCTION).upper()
        if function:
            self.functions.add(function if function in _FUNCTIONS else "other", files)
        self.tables += files * (VOI_LUT_SEQUENCE in extra.values)

    def __iadd__(self, other: SourceTally) -> SourceTally:
        """Add what another has counted of the same source."""
        self.key = min(self.key, other.key)
        self.findings.add_all(other.findings)
        self.burned_in.update(other.burned_in)
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            counter = getattr(self, name)
            counter += getattr(other, name)
        return self
