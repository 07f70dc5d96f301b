"""Names that `decoder=` takes: the packages that bring a decoder, as one installs them."""

from __future__ import annotations

IMAGECODECS = "imagecodecs"
PYLIBJPEG_LIBJPEG = "pylibjpeg-libjpeg"
PYLIBJPEG_OPENJPEG = "pylibjpeg-openjpeg"
PYLIBJPEG_RLE = "pylibjpeg-rle"
PYJPEGLS = "pyjpegls"
PYTHON_GDCM = "python-gdcm"
ZLIB = "zlib"
FASTPIX = "fastpix"

DECODER_NAMES = frozenset(
    {
        IMAGECODECS,
        PYLIBJPEG_LIBJPEG,
        PYLIBJPEG_OPENJPEG,
        PYLIBJPEG_RLE,
        PYJPEGLS,
        PYTHON_GDCM,
        ZLIB,
        FASTPIX,
    }
)
