"""The elements that pixels need, taken out of a regular file without parsing the rest.

pydicom remains the authority: `find_elements` gives what pydicom would, or nothing. It serves files
that are regular in every respect (`src/_index.pyx` says in which), as long as pydicom is configured
as it comes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pydicom import config, hooks, uid
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.tag import BaseTag

from fastpix._index import Walk, entries_of
from fastpix.source.stored import HEAD, File, Memory
from fastpix.standard.tags import Tag

_WHOLE, _MORE = 0, 1
_FRAGMENT = 4096  # bytes read at a time where the walk goes from fragment to fragment
_CHARACTER_SET = Tag.SpecificCharacterSet
# Charsets that pydicom takes without a word: one of any kind, or several with code extensions.
_CHARSET = re.compile(r"[A-Z0-9 _]{0,16}")
_EXTENSION = "ISO 2022 IR "


class Index(NamedTuple):
    """What was found in a regular file.

    Attributes
    ----------
    pixel_entries : bytes
        The elements that decide about pixels, as `elements_of` reads them; the same bytes for
        files that are alike.
    scale_entries : bytes
        Slope and intercept, which may differ nevertheless.
    identity_entries : bytes
        Those of identity, geometry and grouping.
    is_complete : bool
        False: one of identity is odd, and left out. pydicom knows it.
    implicit : bool
        The data set is in implicit VR.
    is_encapsulated : bool
    start, length : int
        Of the value of Pixel Data in the file.
    tables : ((int, int), (int, int)) or None
        Start and length of Extended Offset Table and Extended Offset Table Lengths.
    """

    pixel_entries: bytes
    scale_entries: bytes
    identity_entries: bytes
    is_complete: bool
    implicit: bool
    is_encapsulated: bool
    start: int
    length: int
    tables: tuple[tuple[int, int], tuple[int, int]] | None


class Elements(dict[int, RawDataElement]):
    """Elements by tag, as pydicom's Dataset gives them before it has converted any."""


def find_elements(stored: Memory | File) -> Index | None:
    """Walk over a file; None where it is to be left to pydicom."""
    if not is_pydicom_as_it_comes():
        return None
    walk = Walk(stored.size)
    result = walk.on(stored.head(), 0)
    if result == _MORE:
        opened = stored.opened()
        try:
            while result == _MORE:
                size = _FRAGMENT if walk.in_fragments else HEAD
                result = walk.on(opened.view(walk.at, walk.at + size), walk.at)
        finally:
            if opened is not stored:
                opened.close()
    if result != _WHOLE:
        return None
    tables = None
    if walk.encapsulated:
        starts, lengths = walk.table_start, walk.table_length
        if min(starts) >= 0:
            tables = (starts[0], lengths[0]), (starts[1], lengths[1])
    return Index(
        walk.pixel_entries(),
        walk.scale_entries(),
        walk.identity_entries(),
        walk.is_complete,
        walk.implicit,
        walk.encapsulated,
        walk.start,
        walk.length,
        tables,
    )


def elements_of(entries: bytes, implicit: bool) -> Elements | None:
    """Return the elements of an `Index`; None where they are not as regular as they look."""
    elements = Elements()
    for tag, letters, length, value in entries_of(entries):
        if letters[:1] == b"?":
            if not _is_sequence(tag, letters == b"?I"):
                return None
            continue
        vr = None if implicit and tag != Tag.TransferSyntaxUID else letters.decode("ascii")
        raw = value if length else empty_value_for_VR(vr, raw=True)
        elements[tag] = RawDataElement(BaseTag(tag), vr, length, raw, 0, implicit, True)  # type: ignore[arg-type]
    charset = elements.pop(_CHARACTER_SET, None)
    if charset is not None and not _is_known_charset(charset.value or b""):
        return None
    return elements


def _is_sequence(tag: int, has_item: bool) -> bool:
    """Whether pydicom takes an element of undefined length without VR for a sequence."""
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return has_item


def _is_known_charset(value: bytes) -> bool:
    names = [name.removesuffix(" ") for name in value.decode("ascii").split("\\")]
    if not all(_CHARSET.fullmatch(name) and name in python_encoding for name in names):
        return False
    return len(names) == 1 or all(
        name.startswith(_EXTENSION) or (not name and k == 0) for k, name in enumerate(names)
    )


_VALUE, _VR = hooks.raw_element_value, hooks.raw_element_vr
_settings, _hooks = config.settings, hooks.hooks


def converts_as_it_comes() -> bool:
    """Whether pydicom converts values by its own functions, and keeps no log of what it reads."""
    return (
        config.data_element_callback is None
        and _hooks.raw_element_value is _VALUE
        and _hooks.raw_element_vr is _VR
        and not config.debugging
        and not uid.PrivateTransferSyntaxes
    )


def is_pydicom_as_it_comes() -> bool:
    """Whether neither settings nor hooks of pydicom say that elements be read in another way."""
    return (
        converts_as_it_comes()
        and not _hooks.raw_element_kwargs
        and _settings.reading_validation_mode == config.WARN
        and _settings.infer_sq_for_un_vr
        and config.replace_un_with_known_vr
        and config.assume_implicit_vr_switch
        and not config.convert_wrong_length_to_UN
        and not config.use_none_as_empty_text_VR_value
    )
