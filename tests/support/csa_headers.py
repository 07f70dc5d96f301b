"""CSA headers in both formats, and protocol texts, made in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

CHECK = 77


def csa_header(elements: Mapping[str, Sequence[str]], *, is_new: bool = True) -> bytes:
    """Return a CSA header that holds elements by name; their values are text."""
    made = b"SV10\x04\x03\x02\x01" if is_new else b""
    made += struct.pack("<2i", len(elements), CHECK)
    base = None
    for name, values in elements.items():
        count = max(6, len(values))  # real headers have empty items behind the values
        base = count if base is None else base
        made += struct.pack("<64si4siii", name.encode(), len(values), b"IS", 6, count, CHECK)
        for k in range(count):
            text = values[k].encode() + b"\0" if k < len(values) else b""
            size = len(text)
            lengths = (size, size, CHECK, size) if is_new else (size + base, CHECK, base, 0)
            made += struct.pack("<4i", *lengths) + text + b"\0" * (-size % 4)
    return made


def mosaic_header(
    count: int | None, normal: Iterable[float] | None = None, *, is_new: bool = True
) -> bytes:
    """Return a CSA image header of a mosaic."""
    elements: dict[str, list[str]] = {"EchoLinePosition": ["48"], "UsedPatientWeight": []}
    if count is not None:
        elements["NumberOfImagesInMosaic"] = [str(count)]
    if normal is not None:
        elements["SliceNormalVector"] = [f"{n:.8f}" for n in normal]
    return csa_header(elements, is_new=is_new)


def protocol_text(
    positions: Sequence[Iterable[float]], *, size: str | None = None, more: str = ""
) -> bytes:
    """Return a CSA series header whose protocol lists slices; coordinates of 0 are left out."""
    lines = ["### ASCCONV BEGIN object=MrProtDataImpl ###", "ulVersion\t = \t51130001"]
    lines.append(f"sSliceArray.lSize\t = \t{len(positions) if size is None else size}")
    for k, position in enumerate(positions):
        for axis, value in zip(("Sag", "Cor", "Tra"), position, strict=True):
            if value:
                lines.append(f"sSliceArray.asSlice[{k}].sPosition.d{axis}\t = \t{value:.10f}")
    text = "\n".join([*lines, more, "### ASCCONV END ###", "sSliceArray.lSize = 999"])
    return csa_header({"MrPhoenixProtocol": [text], "MrProtocolVersion": ["1"]})
