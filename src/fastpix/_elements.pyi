from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

ODD: int
SEQUENCE: int
ITEM_END: int

def read_plain(
    data: bytes,
    start: int,
    base: int,
    end: int,
    implicit: bool,
    in_meta: bool,
    pixels: bool,
    elements: dict[BaseTag, RawDataElement | DataElement],
) -> tuple[int, int, int]: ...
