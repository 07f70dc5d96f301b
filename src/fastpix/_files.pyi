from _typeshed import ReadableBuffer, WriteableBuffer

def read_file(path: bytes, target: WriteableBuffer) -> int: ...

class PartsOfFiles:
    def __init__(
        self,
        target: WriteableBuffer,
        paths: list[bytes],
        starts: ReadableBuffer,
        size: int,
        stamps: ReadableBuffer,
    ) -> None: ...
    def cells_from(self, first: int) -> object: ...
