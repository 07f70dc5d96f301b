"""What the header pass learns of one file: an image with its source, or why it is none."""

from __future__ import annotations

from typing import NamedTuple

from fastpix.audit.extra_values import ExtraValues, extra_values
from fastpix.audit.file_errors import file_findings, finding_of, is_failure, kind_of, missing_bytes
from fastpix.audit.standard_checks import header_findings
from fastpix.errors import FastpixError, warnings_kept
from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.job.items import SourceFile
from fastpix.job.scan.scanned_headers import instance_at
from fastpix.series.plane import Plane
from fastpix.series.planes import planes_of
from fastpix.sources.source_key import SourceKey, source_key, source_key_of


class ImageFacts(NamedTuple):
    """What a header says.

    Attributes
    ----------
    key : SourceKey
    header : Header
    extra : ExtraValues
    planes : tuple of Plane
        Of the file, for geometry.
    """

    key: SourceKey
    header: Header
    extra: ExtraValues
    planes: tuple[Plane, ...]


class FileFacts(NamedTuple):
    """What is known of a file after its header was read.

    Attributes
    ----------
    file : SourceFile
    image : ImageFacts or None
        None: it is no image, or cannot be read.
    findings : dict of str to str
        Texts by ids; none holds text of the file.
    kind : str
        What it is in place of an image; empty for an image and for a failure.
    failure : str
        Why it cannot be read.
    """

    file: SourceFile
    image: ImageFacts | None
    findings: dict[str, str]
    kind: str = ""
    failure: str = ""


def look_at_file(file: SourceFile) -> FileFacts:
    """Read the header of a file.

    Parameters
    ----------
    file : SourceFile
    """
    findings = dict.fromkeys(file_findings(file.relative, file.size), "")
    try:
        with warnings_kept(), instance_at(file.location) as instance:
            image = _image_facts(instance)
    except (FastpixError, OSError) as error:
        return _no_image(file, error, findings)
    findings |= header_findings(image.header, image.extra)
    if not all(text.isprintable() for text in image.key):
        findings["HDR_CHARACTERS"] = ""
    cut_off = missing_bytes(instance)
    if cut_off:
        findings["FILE_CUT_OFF"] = cut_off
    return FileFacts(file, image, findings)


def _image_facts(instance: Instance) -> ImageFacts:
    extra = extra_values(instance)
    header = instance.header
    is_indexed = instance.index is not None  # then these are the bytes that the index has
    key = source_key_of(extra.values, header) if is_indexed else source_key(instance)
    try:
        planes = tuple(planes_of(instance, 0))
    except FastpixError:  # broken functional groups: a finding says so
        planes = ()
    return ImageFacts(key, header, extra, planes)


def _no_image(file: SourceFile, error: Exception, findings: dict[str, str]) -> FileFacts:
    if "FILE_EMPTY" in findings or "FILE_PARTIAL_DOWNLOAD" in findings:
        reason = "the file is empty" if "FILE_EMPTY" in findings else "an unfinished download"
        return FileFacts(file, None, findings, failure=reason)
    name, text = finding_of(error)
    findings[name] = "" if name == "FILE_NOT_DICOM" else text
    if not is_failure(error):
        return FileFacts(file, None, findings, kind=kind_of(error))
    return FileFacts(file, None, findings, failure=f"{type(error).__name__}: {text}")
