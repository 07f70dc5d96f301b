"""The reader for MONAI, by its public name; what it does is in `fastpix.interop`."""

from fastpix.interop.monai_reader import FastpixReader

__all__ = ["FastpixReader"]
