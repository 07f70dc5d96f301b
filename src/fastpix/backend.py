"""The plugin for pydicom, by its public name; what it does is in `fastpix.interop`."""

from fastpix.interop.decoding_plugin import (
    DECODER_DEPENDENCIES,
    LABEL,
    disable,
    enable,
    is_available,
    is_enabled,
)

__all__ = ["DECODER_DEPENDENCIES", "LABEL", "disable", "enable", "is_available", "is_enabled"]
