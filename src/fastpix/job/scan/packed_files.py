"""Files of a series that is not known whole yet, in little more bytes than their paths have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct

from fastpix.job.items import SourceFile

# Bytes of the location and of the relative path (~n: the last n of the location); size; stamp.
_HEAD = Struct("<iiqq")


class PackedFiles:
    """A list of files that takes a third of the memory: there may be millions of them."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, file: SourceFile) -> None:
        """Add a file.

        Parameters
        ----------
        file : SourceFile
        """
        location, relative = os.fsencode(file.location), os.fsencode(file.relative)
        data = self._data
        if location.endswith(relative):
            data += _HEAD.pack(len(location), ~len(relative), file.size, file.stamp)
            data += location
        else:
            data += _HEAD.pack(len(location), len(relative), file.size, file.stamp)
            data += location
            data += relative

    def __iter__(self) -> Iterator[SourceFile]:
        """Yield the files in the order in which they were added."""
        at, data = 0, bytes(self._data)
        while at < len(data):
            length, other, size, stamp = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            location = data[at : at + length]
            at += length
            if other < 0:
                relative = location[length - ~other :]
            else:
                relative = data[at : at + other]
                at += other
            yield SourceFile(os.fsdecode(location), os.fsdecode(relative), size, stamp)
