"""`fastpix.open`: a source to an `Image`."""

from __future__ import annotations

from fastpix.header.instance import read_instance
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.recipe import checked_decoder
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.source.opening import SourceLike, read_source


def open(source: SourceLike, *, max_bytes: int = MAX_BYTES, decoder: str | None = None) -> Image:
    """Open a DICOM instance and read its header.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        A file is read from where it stands, and put back there.
    max_bytes : int
        What the image may decode to, deflated data sets included.
    decoder : str, optional
        Pins what decodes compressed frames, by the name of its package (docs/codecs.md); no other
        is tried then. If not given, the fastest that is installed comes first.

    Returns
    -------
    Image

    Raises
    ------
    FastpixError
        The bytes are no DICOM image, or its header cannot be trusted.
    OSError
        The path cannot be read.

    Examples
    --------
    >>> image = fastpix.open("slice.dcm")                              # doctest: +SKIP
    >>> print(image.plan())                                            # doctest: +SKIP
    """
    limit, pinned = checked_limit(max_bytes), checked_decoder(decoder)
    name = name_of(source)
    with ErrorsNamed(name):
        return Image(read_instance(read_source(source), limit), limit, pinned, source=name)
