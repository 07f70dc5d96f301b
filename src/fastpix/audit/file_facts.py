"""What the header pass learns of one file: an image with its source, or why it is none."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpix.audit.extra_values import SHARED, ExtraValues, extra_values
from fastpix.audit.file_errors import finding_of, is_failure, kind_of, missing_bytes, name_findings
from fastpix.audit.standard_checks import header_findings
from fastpix.errors import warnings_kept
from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.job.items import SourceFile
from fastpix.job.scan.scanned_headers import instance_at
from fastpix.sources.source_key import SourceKey, source_key, source_key_of


class ImageKind:
    """What many headers say alike, settled once.

    Attributes
    ----------
    key : SourceKey
    header : Header
    extra : ExtraValues
        Of the first of these files: what tells files apart is not asked of it.
    findings : dict of str to str
        Texts by ids; none holds text of the file.
    count : int
        Files that have not been counted in their source yet.
    """

    __slots__ = ("count", "extra", "findings", "header", "key")

    def __init__(self, key: SourceKey, header: Header, extra: ExtraValues) -> None:
        self.key = key
        self.header = header
        self.extra = extra
        self.findings = dict(header_findings(header, extra))
        if not all(text.isprintable() for text in key):
            self.findings["HDR_CHARACTERS"] = ""
        self.count = 0


class FileFacts(NamedTuple):
    """What is known of a file after its header was read.

    Attributes
    ----------
    file : SourceFile
    kind : ImageKind or None
        None: it is no image, or cannot be read.
    values : dict of int to bytes
        What the header of an image says, by tag.
    own : dict of str to str
        Findings of this file alone; those of its kind are not among them.
    object : str
        What it is in place of an image; empty for an image and for a failure.
    failure : str
        Why it cannot be read.
    """

    file: SourceFile
    kind: ImageKind | None
    values: dict[int, bytes]
    own: dict[str, str]
    object: str = ""
    failure: str = ""

    @property
    def findings(self) -> dict[str, str]:
        """All findings of the file."""
        return self.own if self.kind is None else self.kind.findings | self.own


class Looker:
    """Reads headers, and settles each kind of them once."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[Any, ...], ImageKind] = {}

    def look(self, file: SourceFile) -> FileFacts:
        """Read the header of a file.

        Parameters
        ----------
        file : SourceFile
        """
        own = dict.fromkeys(name_findings(file.relative), "")
        try:
            with warnings_kept(), instance_at(file.location) as instance:
                extra = extra_values(instance)
                kind = self._kind(instance, extra)
        except Exception as error:  # one file never ends an audit of many
            return _no_image(file, error, own)
        cut_off = missing_bytes(instance)
        if cut_off:
            own["FILE_CUT_OFF"] = cut_off
        return FileFacts(file, kind, extra.values, own)

    def _kind(self, instance: Instance, extra: ExtraValues) -> ImageKind:
        header = instance.header
        # A header that many files share is one object; its kind keeps it, so its id stays its own.
        signature = (id(header), extra.has_preamble, *map(extra.values.get, SHARED))
        kind = self.kinds.get(signature)
        if kind is None:
            is_indexed = instance.index is not None  # then these are the bytes that the index has
            key = source_key_of(extra.values, header) if is_indexed else source_key(instance)
            kind = self.kinds[signature] = ImageKind(key, header, extra)
        return kind


def _no_image(file: SourceFile, error: Exception, findings: dict[str, str]) -> FileFacts:
    if "FILE_PARTIAL_DOWNLOAD" in findings:
        return FileFacts(file, None, {}, findings, failure="an unfinished download")
    name, text = finding_of(error)
    # Of what could not be opened, such as a broken link or a folder, no size is known either.
    if not file.size and not isinstance(error, OSError):
        findings["FILE_EMPTY"] = ""
        return FileFacts(file, None, {}, findings, failure="the file is empty")
    findings[name] = "" if name == "FILE_NOT_DICOM" else text
    if not is_failure(error):
        return FileFacts(file, None, {}, findings, object=kind_of(error))
    return FileFacts(file, None, {}, findings, failure=f"{type(error).__name__}: {text}")
