"""What is known before the first file is read whole: what cannot be decoded, or done, here."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from fastpix.errors import (
    ArgumentError,
    FastpixError,
    UnsupportedTransferSyntaxError,
)
from fastpix.frames.codecs import usable_decoders
from fastpix.header.exchanged import exchanged
from fastpix.header.header import Header
from fastpix.header.instance import read_instance
from fastpix.job.items import SourceFile
from fastpix.job.rows import header_columns
from fastpix.job.scan.filters import filters_of
from fastpix.job.scan.source_locations import open_location
from fastpix.job.settings import Job
from fastpix.job.source_verdicts import describer_for, obeyed
from fastpix.job.vocabulary import modality_term, photometric_term
from fastpix.plan.making import make_plan
from fastpix.recipe import Recipe
from fastpix.source.opening import open_file, read_source
from fastpix.source.stored import HEAD, File
from fastpix.sources.unseen_sources import UnseenSourceError, unseen_text
from fastpix.standard.syntaxes import NATIVE

LOOKED_AT = 256
"""Files at most, the first that a job has to do."""


class Trouble(NamedTuple):
    """Files that are going to fail, of those that were looked at.

    Attributes
    ----------
    error : FastpixError
        What they are going to fail with, and what to do.
    what : str
        Which files, in terms of the standard; empty where the error says it.
    files, images : int
        How many, of how many images that were looked at.
    """

    error: FastpixError
    what: str
    files: int
    images: int

    def __str__(self) -> str:
        which = f" ({self.what})" if self.what else ""
        words = self.error.storable
        return f"{self.files} of the first {self.images} images{which}: {words}"


def troubles_in(
    files: Iterable[SourceFile], recipe: Recipe, max_bytes: int, job: Job | None = None
) -> list[Trouble]:
    """Read the headers of files, and return what is going to fail for all files of a kind.

    Parameters
    ----------
    files : iterable of SourceFile
        The first `LOOKED_AT` are read.
    recipe : Recipe
    max_bytes : int
    job : Job, optional
        Whose verdicts on sources are obeyed.

    Returns
    -------
    list of Trouble
        The most frequent first.

    Raises
    ------
    UnseenSourceError
        Nobody has looked at the source of some of them.
    """
    found: Counter[tuple[str, str]] = Counter()
    errors: dict[tuple[str, str], FastpixError] = {}
    images = 0
    planned: dict[Header, ArgumentError | None] = {}
    unseen: Counter[str] = Counter()
    changed: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, file in zip(range(LOOKED_AT), files, strict=False):
            try:
                header = _header(file, max_bytes, job)
                if header is None:
                    continue
                is_image, what, error = _trouble(header, recipe, planned)
            except UnseenSourceError as found_unseen:
                unseen.update(found_unseen.sources)
                changed.update(found_unseen.changed)
                continue
            except (FastpixError, OSError):  # told when it is converted
                continue
            images += is_image
            if error is not None:
                key = what, str(error)
                found[key] += 1
                errors[key] = error
    if unseen:
        which = f"{unseen_text(unseen, changed)} of the first images"
        raise UnseenSourceError(unseen, changed, which=which)
    return [Trouble(errors[key], key[0], count, images) for key, count in found.most_common()]


def _header(file: SourceFile, max_bytes: int, job: Job | None) -> Header | None:
    """Return the header by which a file is going to be read; None if it is left out."""
    source = open_location(file.location)
    stored = open_file(source, 0, HEAD) if isinstance(source, str) else read_source(source)
    try:
        instance = read_instance(stored, max_bytes)
        header = instance.header
        if job is None or job.verdicts is None:
            return header
        row = {**header_columns(header), **describer_for(job).identity(instance)}
        if not filters_of(job.settings.only).matches(row):
            return None
        verdict = obeyed(row, job)
    finally:
        if isinstance(stored, File):
            stored.close()
    if verdict == "exclude":
        return None
    return exchanged(header) if verdict == "invert" else header


def _trouble(
    header: Header, recipe: Recipe, planned: dict[Header, ArgumentError | None]
) -> tuple[bool, str, FastpixError | None]:
    try:
        if header.transfer_syntax not in NATIVE:
            usable_decoders(header.transfer_syntax, recipe.decoder)
    except UnsupportedTransferSyntaxError as error:
        return True, "", error
    if header not in planned:  # files of a series mostly have the same
        try:
            make_plan(header, recipe)
            planned[header] = None
        except ArgumentError as error:
            planned[header] = error
    found = planned[header]
    if found is None:
        return True, "", None
    modality = modality_term(header.modality) or "no modality"
    photometric = photometric_term(header.photometric) or "no photometric interpretation"
    return True, f"{modality}, {photometric}", found
