"""Small regular files that mutations begin with."""

from __future__ import annotations

from files import WHEEL, files_under
from routes import serves
from structures import File, encode, parse, shortened

from fastpix.source import Memory


def small_files() -> list[File]:
    """Return the files of the pydicom wheel, their values cut, that the index serves."""
    found = []
    for path in files_under(WHEEL):
        data = path.read_bytes()
        if data[128:132] == b"DICM":
            file = shortened(parse(data))
            if len(encode(file)) <= 8192 and serves(Memory(encode(file))):
                found.append(file)
    return found
