"""Texts by the Specific Character Set (0008,0005) of their level."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TypeAlias

Charset: TypeAlias = tuple[str, ...]
"""Values of Specific Character Set; empty: the default repertoire, or nobody has said."""


def charset_of(value: bytes | None) -> Charset:
    """Return the values of Specific Character Set, from the bytes of the element.

    Parameters
    ----------
    value : bytes or None
    """
    text = (value or b"").decode("latin-1").strip(" \0")
    return tuple(term.strip(" \0") for term in text.split("\\")) if text else ()


def decoded(value: bytes, charset: Charset) -> str:
    """Return a text of several values or components, byte by byte where it cannot be decoded.

    Parameters
    ----------
    value : bytes
    charset : tuple of str
    """
    from pydicom.charset import decode_bytes
    from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(value, _encodings(charset), TEXT_VR_DELIMS | PN_DELIMS)
    except Exception:  # of whatever codec, on bytes of another charset
        return value.decode("latin-1")


@lru_cache(maxsize=64)
def _encodings(charset: Charset) -> list[str]:
    from pydicom.charset import convert_encodings

    return list(convert_encodings(list(charset) or ""))
