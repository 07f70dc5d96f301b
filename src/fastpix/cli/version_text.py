"""What ``fastpix --version`` prints: what an issue should say of an installation."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import fastpix


def version_text() -> str:
    """Return the version in the first line, then kernels, decoders, Python and the platform.

    Kernels are those that run here, the fastest last; decoders come with the versions of their
    packages and codecs.
    """
    from fastpix.frames.codecs import all_decoders

    decoders = {
        decoder.version(): None
        for chain in all_decoders().values()
        for decoder in chain
        if decoder.is_present()
    }
    chosen = os.environ.get("FASTPIX_KERNEL")
    kernels = ", ".join(fastpix.kernels()) + (f" (FASTPIX_KERNEL={chosen})" if chosen else "")
    python = f"Python {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pydicom"))
    lines = [
        f"fastpix {fastpix.__version__}",
        f"kernels: {kernels}",
        "decoders:",
        *(f"  {decoder}" for decoder in decoders),
        f"{python}, {libraries}",
        f"{platform.system()} {platform.machine()}",
    ]
    return "\n".join(lines)
