"""The file of an original: its header as pydicom reads it, and where its pixels are."""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO, RawIOBase
from typing import TYPE_CHECKING, Any, NamedTuple

from fastpix.deidentification.refused import RefusedError
from fastpix.deidentification.value_kinds import PIXEL_DATA
from fastpix.deidentification.writing import (
    Encoding,
    PixelElement,
    PixelsCutOffError,
    find_pixels,
)
from fastpix.header.dcmread import dcmread
from fastpix.header.file_meta import META, has_prefix, transfer_syntax_of
from fastpix.job.scan.source_locations import open_location
from fastpix.source.opening import read_source
from fastpix.source.stored import File
from fastpix.standard.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

_UNDEFINED = 0xFFFFFFFF
_HEAD = 2**16
_ROWS, _BITS_ALLOCATED = 0x00280010, 0x00280100


class Original(NamedTuple):
    """An instance that was read, but for its pixels.

    Attributes
    ----------
    dataset : FileDataset
    pixels : PixelElement or None
        None: it has none.
    encoding : Encoding
    syntax : str
        Its transfer syntax.
    """

    dataset: FileDataset
    pixels: PixelElement | None
    encoding: Encoding
    syntax: str


@contextmanager
def bytes_of(source: str | os.PathLike[str]) -> Iterator[bytes | mmap.mmap]:
    """Give the bytes of a source: a file is mapped, so that its pixels take no memory.

    A file that is cut while it is mapped ends the process that reads it. That costs the file, as
    any other that ends a worker of the job.

    Parameters
    ----------
    source : path, or a location of a scan

    Raises
    ------
    FastpixError
        The archive has no such member.
    OSError
    """
    found = open_location(os.fspath(source))
    if isinstance(found, str):
        with open(found, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
        return
    stored = read_source(found, whole=True)
    assert not hasattr(stored, "file_meta")
    try:
        yield stored.whole()
    finally:
        if isinstance(stored, File):
            stored.close()


def read_original(data: bytes | mmap.mmap, max_bytes: int) -> Original:
    """Read a header, and find the pixels behind it.

    Parameters
    ----------
    data : bytes-like
    max_bytes : int
        To which a deflated file may inflate.

    Raises
    ------
    RefusedError
        It cannot be read to its end, or is not what it says.
    """
    head = bytes(data[:_HEAD])
    syntax = transfer_syntax_of(head)
    body: bytes | mmap.mmap = data
    deflated = syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
    if deflated:
        body = _inflated(head, data, max_bytes)
    file: BytesIO | BufferedReader
    file = BytesIO(body) if isinstance(body, bytes) else BufferedReader(_Mapped(body), _HEAD)
    try:
        dataset = dcmread(file, stop_before_pixels=True, force=not has_prefix(head))
    except Exception as error:
        raise RefusedError(f"it cannot be read: {type(error).__name__}") from error
    implicit, little = dataset.original_encoding
    encoding = Encoding(bool(implicit), little is not False, deflated)
    at = file.tell()
    pixels = None
    if at + 8 <= len(body) and _is_pixels(body[at : at + 4], encoding.little):
        try:
            pixels = find_pixels(body, at, encoding)
        except PixelsCutOffError:
            raise RefusedError("its pixels are cut off") from None
    elif at + 8 <= len(body) or _is_cut_off(dataset):
        raise RefusedError("its header cannot be read to its end")
    elif _ROWS in dataset and _BITS_ALLOCATED in dataset:
        raise RefusedError("its pixels are missing: it is cut off")
    elif _begins_another(body, encoding.little):
        raise RefusedError("its header cannot be read to its end")
    syntax = syntax or str(dataset.file_meta.get("TransferSyntaxUID", "") or "")
    if not syntax:
        undefined = pixels is not None and pixels.end - pixels.start > 12 and _items(pixels)
        if undefined:
            raise RefusedError("its pixels are compressed, and no transfer syntax is named")
        syntax = EXPLICIT_VR_LITTLE_ENDIAN if encoding.little else EXPLICIT_VR_BIG_ENDIAN
        syntax = IMPLICIT_VR_LITTLE_ENDIAN if encoding.implicit else syntax
    if encoding.implicit != (syntax == IMPLICIT_VR_LITTLE_ENDIAN):
        raise RefusedError("it is not encoded as its transfer syntax says")
    return Original(dataset, pixels, encoding, syntax)


class _Mapped(RawIOBase):
    """A mapped file that is read by a position of its own."""

    name = ""  # which pydicom asks for

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        found = self._data[self._at : self._at + len(target)]
        target[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            offset += self._at if whence == os.SEEK_CUR else len(self._data)
        self._at = max(0, offset)
        return self._at

    def tell(self) -> int:
        return self._at


class _Followed(BytesIO):
    """A file of which is known what was read last, where more was wanted."""

    rest = b""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if size is not None and len(found) < size:
            self.rest = found or self.rest
        return found


def _begins_another(data: bytes | mmap.mmap, little: bool) -> bool:
    """Whether an element begins at the end, where it is cut off; zeros are padding.

    pydicom takes what is there for the end, so it is watched while it reads.
    """
    file = _Followed(data[:])
    dcmread(file, force=True)
    return any(file.rest) or (bool(file.rest) and not little)


def _is_cut_off(dataset: FileDataset) -> bool:
    """Whether the file ends within an element: pydicom takes what is there."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        value = getattr(element, "value", None)
        length = getattr(element, "length", _UNDEFINED)  # of raw elements alone
        if length != _UNDEFINED and len(value or b"") < length:
            return True
    return False


def _items(pixels: PixelElement) -> bool:
    return b"\xff\xff\xff\xff" in pixels.data[pixels.start + 4 : pixels.start + 12]


def _is_pixels(tag: bytes, little: bool) -> bool:
    order = "little" if little else "big"
    group, element = (int.from_bytes(tag[at : at + 2], order) for at in (0, 2))  # type: ignore[arg-type]
    return (group << 16 | element) in PIXEL_DATA


def _inflated(head: bytes, data: bytes | mmap.mmap, max_bytes: int) -> bytes:
    """Return a deflated file as one that is not, for what reads explicit VR little endian."""
    begin = META + 12 + int.from_bytes(head[META + 8 : META + 12], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(data[begin:], max_bytes)
    except zlib.error as error:
        raise RefusedError("it cannot be inflated") from error
    if inflater.unconsumed_tail:
        raise RefusedError(
            f"it inflates to more than {max_bytes} bytes: raise max_bytes (--max-bytes)"
        )
    if not inflater.eof:
        raise RefusedError("it is cut off")
    uid = EXPLICIT_VR_LITTLE_ENDIAN.encode()
    uid += b"\0" * (len(uid) % 2)
    element = b"\2\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid
    length = b"\2\0\0\0UL\4\0" + len(element).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + length + element + body
