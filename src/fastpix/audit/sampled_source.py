"""What a worker finds out about one source: the pixels of its samples, the volumes of some series.

What comes back is small: records, counts, and small pictures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastpix.audit.audit_job import AuditJob, Report
from fastpix.audit.header_counts import CRASHES
from fastpix.audit.judging_sources import observed_of
from fastpix.audit.polarity import Observed
from fastpix.audit.sample_pictures import SamplePicture, picture_of
from fastpix.audit.sampled_pixels import Look, Unread, look_at_pixels, reduced
from fastpix.audit.sampling import Candidate
from fastpix.audit.series_planes import GeometryTally, planes_of_files
from fastpix.audit.source_pixels import FoundPixels, SourcePixels
from fastpix.audit.text_in_samples import TextBoxes, text_boxes
from fastpix.job.items import SourceFile
from fastpix.text_detection import detector_here

_COMPARED = 3  # samples of a source that all installed decoders decode


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """A source of which samples are looked at: a batch for one worker.

    Attributes
    ----------
    id : str
        Of the source.
    samples : tuple of Candidate
    series : tuple of tuple of SourceFile
        Series whose geometry is looked at.
    side, pictures : int
        Pixels of the longer side of a picture, and how many pictures are made.
    """

    id: str
    samples: tuple[Candidate, ...]
    series: tuple[tuple[SourceFile, ...], ...]
    side: int = 0
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class SampledSource:
    """What samples of a source come to.

    Attributes
    ----------
    pixels : FoundPixels
    observed : Observed
        What they say about polarity.
    geometry : GeometryTally
    seconds : tuple of float
        That reading pixels, and arranging series, took.
    pictures : tuple of SamplePicture
        Of the first samples that can be read.
    """

    pixels: FoundPixels
    observed: Observed
    geometry: GeometryTally
    seconds: tuple[float, float]
    pictures: tuple[SamplePicture, ...]


def look_at_source(
    batch: SourceBatch,
    job: AuditJob,
    report: Report | None = None,
    blamed: Mapping[int, str] | None = None,
) -> SampledSource:
    """Read the pixels of the samples of a source, and arrange some of its series.

    Parameters
    ----------
    batch : SourceBatch
    job : AuditJob
    report : callable, optional
    blamed : mapping of int to str, optional
        Numbers of samples that are not read, since they end the process that does, and why.
    """
    start = time.perf_counter()
    pixels, observed, pictures = _look_at_samples(batch, job, report, blamed or {})
    between = time.perf_counter()
    geometry = GeometryTally()
    for files in batch.series:
        planes = planes_of_files(files)
        if planes:
            geometry.add(planes)
        if report is not None:
            report(len(batch.samples))
    end = time.perf_counter()
    seconds = between - start, end - between
    return SampledSource(pixels, observed, geometry, seconds, pictures)


def _look_at_samples(
    batch: SourceBatch, job: AuditJob, report: Report | None, blamed: Mapping[int, str]
) -> tuple[FoundPixels, Observed, tuple[SamplePicture, ...]]:
    pixels = SourcePixels()
    looks: list[Look] = []
    pictures: list[SamplePicture] = []
    for number, candidate in enumerate(batch.samples):
        if number in blamed:
            look: Look | Unread = _crashed(candidate, blamed[number])
        else:
            look = look_at_sample(batch, number, job)
        text: TextBoxes | None = None
        if isinstance(look, Look):
            if job.detect_text:
                text = text_boxes(look, detector_here())
            looks.append(reduced(look))
            if len(pictures) < batch.pictures:
                picture = picture_of(look, batch.side)
                pictures.append(replace(picture, sample=number, boxes=text or ()))
        pixels.add(candidate, look, text)
        if report is not None:
            report(number + 1)
    pixels.settle()
    return pixels.found(), observed_of(looks), tuple(pictures)


def look_at_sample(batch: SourceBatch, number: int, job: AuditJob) -> Look | Unread:
    """Read the pixels of one sample of a source.

    Parameters
    ----------
    batch : SourceBatch
    number : int
        Which sample.
    job : AuditJob
    """
    return look_at_pixels(batch.samples[number].file, job.max_bytes, number < _COMPARED)


def _crashed(candidate: Candidate, reason: str) -> Unread:
    return Unread(candidate.file, {CRASHES: reason}, f"WorkerDied: {reason}")
