"""The headers of the files of a batch, read in a worker: counts, and a tally for each source."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

from fastpix.audit.audit_job import AuditJob, Report
from fastpix.audit.file_facts import FileFacts, ImageKind, Looker
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.kept_series import MOST_SERIES, KeptSeries
from fastpix.audit.sampling import Reservoir
from fastpix.audit.source_tally import FileNames, SourceTally
from fastpix.audit.source_terms import with_terms
from fastpix.job.items import Item
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import SourceKey, source_id
from fastpix.standard.tags import Tag

_TOLD = 0.1  # seconds after which progress is told
_MOST_KINDS = 1024  # of headers, that are kept at a time
_INSTANCE, _SERIES = int(Tag.SOPInstanceUID), int(Tag.SeriesInstanceUID)
_STUDY = int(Tag.StudyInstanceUID)
_PATIENT, _ISSUER = int(Tag.PatientID), int(Tag.IssuerOfPatientID)


def read_headers(
    items: Iterable[Item], job: AuditJob, report: Report | None = None
) -> HeaderCounts:
    """Read the headers of files, and return what they come to.

    Parameters
    ----------
    items : iterable of Item
        Of one file each.
    job : AuditJob
    report : callable, optional
    """
    found = _HeaderPass(job)
    items = tuple(items)
    told = time.monotonic()
    files = (item.files[0] for item in items)
    for item, facts in zip(items, map_waiting(found.looker.look, files), strict=True):
        found.add(item.name, facts)
        if report is not None and (now := time.monotonic()) - told > _TOLD:
            told = now
            report(found.counts.files)
    found.settle()
    return found.counts


class _HeaderPass:
    """Counts files, those of one kind of header together."""

    def __init__(self, job: AuditJob) -> None:
        self.counts = HeaderCounts()
        self.looker = Looker()
        self._job = job
        self._names = Names(job.key)
        self._ids: dict[SourceKey, tuple[str, SourceKey]] = {}
        self._uncounted: dict[int, ImageKind] = {}
        self._known: dict[tuple[bytes, ...], str] = {}  # names of UIDs and of patients
        # SOP Instance UIDs are only counted, each once: for them a quicker hash will do.
        self._begun = hashlib.blake2b(key=hashlib.sha256(job.key).digest(), digest_size=8)

    def add(self, name: str, facts: FileFacts) -> None:
        """Count a file.

        Parameters
        ----------
        name : str
            Keyed hash of its path.
        facts : FileFacts
        """
        counts, kind = self.counts, facts.kind
        if kind is None and facts.failure:
            counts.add_failure(facts.file, facts.own, facts.failure)
            return
        counts.files += 1
        counts.size += facts.file.size
        if kind is None:
            counts.findings.add(facts.own)
            counts.not_images.add(facts.object)
            return
        counts.images += 1
        counts.frames += kind.header.frames
        kind.count += 1
        self._uncounted[id(kind)] = kind
        self._tally(kind.key).add_file(facts, kind, self._names_of(name, facts.values))
        if len(self.looker.kinds) > _MOST_KINDS:
            self.settle()

    def settle(self) -> None:
        """Count the files of all kinds in their sources, and forget the kinds."""
        for kind in self._uncounted.values():
            self.counts.syntaxes.add(kind.header.transfer_syntax, kind.count)
            self._tally(kind.key).add_kind(kind)
        self._uncounted.clear()
        self.looker.kinds.clear()

    def _names_of(self, name: str, values: dict[int, bytes]) -> FileNames:
        instance, uid = "", values.get(_INSTANCE, b"").strip(b" \0")
        if uid:
            begun = self._begun.copy()
            begun.update(uid)
            instance = begun.hexdigest()
        patient = values.get(_PATIENT, b""), values.get(_ISSUER, b"")
        of_patient = self._known.get(patient)
        if of_patient is None:
            of_patient = self._known[patient] = self._names.of_patient(*map(_text, patient))
        series = self._of_uid(values.get(_SERIES, b""))
        return FileNames(
            name,
            instance,
            series,
            self._of_uid(values.get(_STUDY, b"")),
            of_patient,
        )

    def _of_uid(self, raw: bytes) -> str:
        """Return the name of a UID that many files have; empty without one."""
        name = self._known.get((raw,))
        if name is None:
            text = _text(raw)
            name = self._known[(raw,)] = self._names.of_uid(text) if text else ""
        return name

    def _tally(self, key: SourceKey) -> SourceTally:
        known = self._ids.get(key)
        if known is None:
            id_ = source_id(key, self._names, self._job.by)
            known = self._ids[key] = id_, with_terms(key)
        source, key = known
        tally = self.counts.sources.get(source)
        if tally is None:
            size, seed = self._job.samples, self._job.seed
            kept = KeptSeries(min(size, MOST_SERIES), seed)
            tally = SourceTally(key, Reservoir(size, seed), kept)
            self.counts.sources[source] = tally
        tally.key = min(tally.key, key)
        return tally


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")
