"""How an element of each VR begins in explicit VR (PS3.5 7.1.2)."""

from __future__ import annotations

# The length of a value has two bytes, right behind the VR.
SHORT_LENGTH = frozenset(
    [
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "SL",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "US",
    ]
)
# The length has four bytes, behind two that are reserved.
LONG_LENGTH = frozenset(
    ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
)

# What a dictionary says where Pixel Representation or the transfer syntax decides (PS3.5 annex A).
AMBIGUOUS = frozenset(["OB or OW", "US or OW", "US or SS", "US or SS or OW"])

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# For each two capital letters, from AA to ZZ, the bytes before a value; 0: they are not a VR.
HEAD_BYTES = bytes(
    8 if first + second in SHORT_LENGTH else 12 if first + second in LONG_LENGTH else 0
    for first in _LETTERS
    for second in _LETTERS
)
