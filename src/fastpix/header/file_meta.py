"""Where File Meta begins, and the transfer syntax that it names (PS3.10 7.1)."""

from __future__ import annotations

from fastpix._index import meta_elements
from fastpix.standard.tags import Tag

PREAMBLE = 128  # bytes before the prefix
META = PREAMBLE + 4  # where File Meta begins: after preamble and prefix


def has_prefix(head: bytes) -> bool:
    """Whether the beginning of a file has the prefix ``DICM``."""
    return head[PREAMBLE:META] == b"DICM"


def transfer_syntax_of(head: bytes) -> str:
    """Return Transfer Syntax UID (0002,0010) from the beginning of a file, or an empty string.

    Where the element occurs twice, the last one counts, as it does for pydicom.
    """
    uid = ""
    if has_prefix(head):
        for tag, _, value, length in meta_elements(head, META):
            if tag == Tag.TransferSyntaxUID:
                uid = head[value : value + length].decode("latin-1").strip("\0 ").strip()
    return uid
