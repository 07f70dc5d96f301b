"""Small files that mutations begin with."""

from __future__ import annotations

from fastpix.source.stored import Memory
from support.file_structures import File, encode, parse, shortened
from support.index_and_pydicom import serves
from support.real_files import WHEEL, files_under
from support.regular_files import IRREGULAR, REGULAR
from support.structured_files import STRUCTURED


def regular_files() -> list[File]:
    """Return files that the index serves: ours, and the wheel's with their values cut."""
    structured = [
        data
        for name, data in STRUCTURED.items()
        if len(data) < 16384 and not name.endswith(("big endian", "deflated"))
    ]
    return [*map(parse, REGULAR.values()), *map(parse, structured), *wheel_files()]


def wheel_files() -> list[File]:
    """Return the files of the pydicom wheel that the index serves, their values cut."""
    found = []
    for path in files_under(WHEEL):
        data = path.read_bytes()
        if data[128:132] == b"DICM":
            file = shortened(parse(data))
            if len(encode(file)) <= 8192 and serves(Memory(encode(file))):
                found.append(file)
    return found


def irregular_files() -> list[File]:
    """Return files that the index does not serve, for one reason each."""
    return [parse(data) for data in IRREGULAR.values() if len(data) > 132]
