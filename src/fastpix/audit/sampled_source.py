"""What a worker finds out about one source: the pixels of its samples, the volumes of some series.

What comes back is small: records, counts, and small pictures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from fastpix.audit.audit_job import AuditJob, Report
from fastpix.audit.header_counts import CRASHES
from fastpix.audit.judging_sources import observed_of
from fastpix.audit.polarity import Observed
from fastpix.audit.sample_pictures import SamplePicture, picture_of
from fastpix.audit.sampled_pixels import Look, Unread, look_at_pixels, reduced, unread
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
            seen = _Seen(_crashed(candidate, blamed[number]))
        else:
            seen = _seen(batch, number, job, with_picture=len(pictures) < batch.pictures)
        if seen.reduced is not None:
            looks.append(seen.reduced)
        if seen.picture is not None:
            pictures.append(seen.picture)
        pixels.add(candidate, seen.look, seen.text)
        if report is not None:
            report(number + 1)
    pixels.settle()
    return pixels.found(), observed_of(looks), tuple(pictures)


class _Seen(NamedTuple):
    look: Look | Unread
    reduced: Look | None = None
    text: TextBoxes | None = None  # None where nobody has searched for it
    picture: SamplePicture | None = None


def _seen(batch: SourceBatch, number: int, job: AuditJob, with_picture: bool) -> _Seen:
    """Return what is seen of a sample; what goes wrong with it is in its record."""
    look = look_at_sample(batch, number, job)
    if isinstance(look, Unread):
        return _Seen(look)
    try:
        text = text_boxes(look, detector_here()) if job.detect_text else None
        picture = picture_of(look, batch.side) if with_picture else None
    except ImportError:  # of an extra: it says what to install
        raise
    except Exception as error:  # one file never ends an audit of many
        return _Seen(unread(look.file, error))
    if picture is not None:
        picture = replace(picture, sample=number, boxes=text or ())
    return _Seen(look, reduced(look), text, picture)


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
