"""Which decoders are installed, in a word: what failed for want of one is tried again."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version

from fastpix.frames.codecs import all_decoders


def decoders_fingerprint() -> str:
    """Return 16 hex digits that differ where other decoders, or other versions, are installed."""
    names = sorted({decoder.name for chain in all_decoders().values() for decoder in chain})
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
