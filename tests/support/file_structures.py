"""DICOM files as trees of elements and items, well formed or not, and mutations of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from fastpix.standard.indexed import INDEXED, Form
from fastpix.standard.tags import PHILIPS_CREATORS, PHILIPS_SCALE_SLOPE

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
ITEM, END_OF_ITEM, END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
IMPLICIT, EXPLICIT = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1"
BIG_ENDIAN, DEFLATED = b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"
SHORT_VRS = sorted(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_16)
LONG_VRS = sorted(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32 if len(str(vr)) == 2)
_LONG = frozenset(LONG_VRS)


@dataclass
class Item:
    """An item of a sequence, or a fragment: its content is bytes then."""

    content: list[Element] | bytes
    undefined: bool = False
    forged: int | None = None  # written in place of the length
    tag: int = ITEM


@dataclass
class Element:
    """An element. An empty VR is none: the element is implicit."""

    tag: int
    vr: bytes = b""
    value: bytes = b""
    items: list[Item] | None = None
    undefined: bool = False
    forged: int | None = None
    reserved: bytes = b"\0\0"


@dataclass
class File:
    """A file: what comes before its elements, the elements, and what comes behind them."""

    elements: list[Element]
    head: bytes = bytes(128) + b"DICM"
    tail: bytes = b""


def encode(file: File, big: bool = False) -> bytes:
    """Return the bytes of a file; `big`: the elements behind File Meta in big endian."""
    parts = [encode_element(each, big and each.tag >> 16 != 2) for each in file.elements]
    return file.head + b"".join(parts) + file.tail


def encode_element(element: Element, big: bool = False) -> bytes:
    """Return the bytes of an element (PS3.5 7.1)."""
    order = ">" if big else "<"
    value = _in_order(element.value, element.vr) if big else element.value
    if element.items is not None:
        value = b"".join(encode_item(item, big) for item in element.items)
    length = UNDEFINED if element.undefined else len(value)
    if element.forged is not None:
        length = element.forged
    if element.undefined:
        value += _tag(END_OF_SEQUENCE, big) + bytes(4)
    head = _tag(element.tag, big) + element.vr
    if element.vr in _LONG:
        head += element.reserved
    if element.vr and element.vr not in _LONG:
        return head + struct.pack(f"{order}H", length & 0xFFFF) + value
    return head + struct.pack(f"{order}I", length) + value


def encode_item(item: Item, big: bool = False) -> bytes:
    """Return the bytes of an item (PS3.5 7.5)."""
    value = item.content
    if not isinstance(value, bytes):
        value = b"".join(encode_element(element, big) for element in value)
    length = UNDEFINED if item.undefined else len(value)
    if item.forged is not None:
        length = item.forged
    if item.undefined:
        value += _tag(END_OF_ITEM, big) + bytes(4)
    return _tag(item.tag, big) + struct.pack(">I" if big else "<I", length) + value


def _tag(tag: int, big: bool = False) -> bytes:
    return struct.pack(">HH" if big else "<HH", tag >> 16, tag & 0xFFFF)


_SIZES = {
    size: vrs.encode().split()
    for size, vrs in {2: "US SS OW AT", 4: "UL SL FL OF OL", 8: "FD OD OV SV UV"}.items()
}


def _in_order(value: bytes, vr: bytes) -> bytes:
    """Return a value with the bytes of each number turned round."""
    size = next((size for size, vrs in _SIZES.items() if vr in vrs), 1)
    if len(value) % size:
        return value
    return b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))


def big_endian(data: bytes) -> bytes:
    """Return a file in explicit VR little endian in big endian."""
    return encode(_with_syntax(parse(data), BIG_ENDIAN), big=True)


def deflated(data: bytes) -> bytes:
    """Return a file in explicit VR little endian with its data set deflated (PS3.5 A.5)."""
    return _deflated(_with_syntax(parse(data), DEFLATED))


def _deflated(file: File) -> bytes:
    meta = [each for each in file.elements if each.tag >> 16 == 2]
    rest = [each for each in file.elements if each.tag >> 16 != 2]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(encode(File(rest, b"", file.tail))) + packer.flush()
    return encode(File(meta, file.head, packed))


def _with_syntax(file: File, syntax: bytes) -> File:
    file = _copied_file(file)
    for element in file.elements:
        if element.tag == 0x00020010:
            element.value = syntax + b"\0" * (len(syntax) % 2)
    return file


class _Reader:
    """Reads a well-formed little-endian file; ends with ValueError or struct.error at any other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def tag(self) -> int:
        group, number = struct.unpack_from("<HH", self.data, self.at)
        return int(group << 16 | number)

    def element(self, implicit: bool) -> Element:
        tag, vr = self.tag(), b""
        if implicit:
            length, head = struct.unpack_from("<I", self.data, self.at + 4)[0], 8
        else:
            vr = self.data[self.at + 4 : self.at + 6]
            if vr in _LONG:
                length, head = struct.unpack_from("<I", self.data, self.at + 8)[0], 12
            elif vr in SHORT_VRS:
                length, head = struct.unpack_from("<H", self.data, self.at + 6)[0], 8
            else:
                raise ValueError("no VR")
        self.at += head
        if length == UNDEFINED:
            fragments = tag == PIXEL_DATA
            return Element(tag, vr, b"", self.items(implicit or vr == b"UN", fragments), True)
        if self.at + length > len(self.data):
            raise ValueError("it ends too early")
        value = self.data[self.at : self.at + length]
        self.at += length
        if vr == b"SQ" or (not vr and value[:4] == _tag(ITEM)):
            reader = _Reader(value)
            items = []
            while reader.at < length:
                items.append(reader.item(implicit, False))
            return Element(tag, vr, b"", items)
        return Element(tag, vr, value)

    def items(self, implicit: bool, fragments: bool) -> list[Item]:
        items = []
        while self.tag() != END_OF_SEQUENCE:
            items.append(self.item(implicit, fragments))
        self.at += 8
        return items

    def item(self, implicit: bool, fragments: bool) -> Item:
        if self.tag() != ITEM:
            raise ValueError("no item")
        (length,) = struct.unpack_from("<I", self.data, self.at + 4)
        self.at += 8
        content: list[Element] = []
        if length == UNDEFINED:
            while self.tag() != END_OF_ITEM:
                content.append(self.element(implicit))
            self.at += 8
            return Item(content, True)
        end = self.at + length
        if end > len(self.data):
            raise ValueError("it ends too early")
        if fragments:
            self.at = end
            return Item(self.data[end - length : end])
        while self.at < end:
            content.append(self.element(implicit))
        if self.at != end:
            raise ValueError("the item has another length")
        return Item(content)


def parse(data: bytes) -> File:
    """Return a file as a tree, as far as it is well formed; the rest is its tail."""
    reader = _Reader(data)
    reader.at = 132
    elements: list[Element] = []
    implicit = False
    at = reader.at
    try:
        while reader.at < len(data):
            at = reader.at
            meta = reader.tag() >> 16 == 2
            element = reader.element(implicit and not meta)
            if element.tag == 0x00020010:
                implicit = element.value.rstrip(b"\0") == IMPLICIT
            elements.append(element)
        at = len(data)
    except (ValueError, struct.error, RecursionError):
        pass
    return File(elements, data[:132], data[at:])


def copied(element: Element) -> Element:
    """Return a copy of an element, and of all within it."""
    if element.items is None:
        return replace(element)
    return replace(element, items=list(map(_copied_item, element.items)))


def _copied_item(item: Item) -> Item:
    if isinstance(item.content, bytes):
        return replace(item)
    return replace(item, content=list(map(copied, item.content)))


def _copied_file(file: File) -> File:
    return replace(file, elements=list(map(copied, file.elements)))


def shortened(file: File, longest: int = 128) -> File:
    """Return a file whose values are cut to a length: that of its pixels hardly matters here."""

    def cut(elements: list[Element]) -> None:
        for element in elements:
            element.value = element.value[: longest - len(element.value) % 2]
            if element.items:
                del element.items[3:]
                for item in element.items:
                    if isinstance(item.content, bytes):
                        item.content = item.content[:16]
                    else:
                        cut(item.content)

    file = _copied_file(file)
    cut(file.elements)
    file.tail = file.tail[:longest]
    return file


TEXTS = [
    b"", b"0", b"1 ", b"-0", b"00", b"1.0 ", b" 1.5  ", b"nan ", b"inf ", b"1e400 ", b"1e-400",
    b"1\\2 ", b"1\\1 ", b"\\ ", b"1\\", b"1,5 ", b"1_0 ", b"0x10", b"1\0", b"\0\0", b"  ", b"1 \0 ",
    b"2147483648", b"-1", b"\xe9 ", b"\x1b$B", b"MR", b"CT", b"PT", b"RTDOSE", b"HU", b"US", b"GY",
    b"MONOCHROME1 ", b"monochrome2 ", b"RGB ", b"YBR_FULL", b"PALETTE COLOR ", b"INVERSE ", b"YES ",
    b"FRACTIONAL", b"COLOR ", b"Philips Imaging DD 001", b"Philips\\B ", b"x" * 64, b"1" * 1024,
    b"1" * 1026,
]  # fmt: skip
CHARSETS = [
    b"", b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 6", b"ISO 2022 IR 6\\ISO 2022 IR 87 ",
    b"\\ISO 2022 IR 13 ", b"\\ISO 2022 IR 149", b"ISO_IR 13 ", b"GB18030 ", b"ISO_IR_100",
    b"latin1",
    b"ISO_IR 100\\ISO_IR 144 ", b"ISO_IR 192\\ISO 2022 IR 87", b"\\", b"iso_ir 100", b"ISO-IR 100",
    b"ISO_IR 100\0\0", b"ISO_IR 100  ", b" ISO_IR 100 ", b"ISO 2022 IR 58", b"\\ISO 2022 IR 58",
    b"ISO 2022 IR 999 ", b"\xe9 ", b"ISO 2022 GBK", b"\\\\ISO 2022 IR 87", b"ISO 2022 IR 87\\\\ ",
]  # fmt: skip
UIDS = [
    b"1.2.840.10008.5.1.4.1.1.2 ", b"1.2.840.10008.5.1.4.1.1.4\0", b"1.2.840.10008.5.1.4.1.1.128\0",
    b"1.2.840.10008.5.1.4.1.1.481.2\0", b"1.2.840.10008.5.1.4.1.1.20\0", b"", b"1.2.3.4 ", b"1..2",
    b"1.2.3\\1.2.4 ", b"text", b"1.2.840.10008.1.2.1\0",
]  # fmt: skip
SYNTAXES = [
    b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0",
    b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.5\0",
    b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.201 ",
    b"1.2.840.10008.1.2.4.100\0", b"1.2.840.10008.1.2.8.1\0", b"1.2.840.10008.1.2.9 ",
    b"1.2.840.10008.1.2..", b"1.2.3.4.5.6.78",
    b"1.2.840.10008.1.2.1\0\0\0", b"1.2.840.10008.1.2.1 ", b"1.2.840.10008.1.1\0", b"",
]  # fmt: skip
NUMBERS = [0, 1, 2, 3, 7, 8, 11, 12, 15, 16, 31, 32, 64, 255, 256, 0x7FFF, 0x8000, 0xFFFF]
LENGTHS = [0, 1, 2, 3, 4, 6, 8, 10, 0xFF, 0x100, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
           0xFFFFFFF0, 0xFFFFFFFE, UNDEFINED]  # fmt: skip

# Tags that a rule is about, and some that none is: text, sequences, groups, private ones.
TAGS = [
    *(row.first for row in INDEXED), *(row.last for row in INDEXED if row.last != row.first),
    PHILIPS_CREATORS[1], PHILIPS_SCALE_SLOPE | PHILIPS_CREATORS[1] << 8 & 0xFF00,
    PHILIPS_SCALE_SLOPE,
    0x00020000, 0x00020001, 0x00020002, 0x00020010, 0x00020012, 0x00020016, 0x00020100, 0x00000000,
    0x00000002, 0x00040000, 0x00080000, 0x00081140, 0x00082112, 0x00090010, 0x00091001,
    0x00100010, 0x00101002, 0x00280000, 0x00280034, 0x00281051, 0x00281055,
    0x00283010, 0x00290010, 0x00291010, 0x00400275, 0x00880200, 0x50000010, 0x60000010, 0x60003000,
    0x7FE00000, 0x7FE10010, 0x7FE11001, 0xFFFAFFFA, 0xFFFCFFFC, ITEM, END_OF_ITEM, END_OF_SEQUENCE,
    0xFFFFFFFF,
]  # fmt: skip
SEQUENCES = [
    0x00081140, 0x00082112, 0x00089092, 0x00400275, 0x00409096, 0x00880200, 0x00091001,
    0x00291010, 0x00283010, 0x00101010, 0x7FE11001,
    *(row.first for row in INDEXED if row.form in (Form.SEQUENCE, Form.FRAMES)),
]  # fmt: skip


def vr_of(tag: int) -> bytes:
    """Return the VR that an element is usually written with."""
    try:
        return dictionary_VR(tag)[:2].encode()
    except KeyError:
        return b"LO" if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF else b"UN"


def value_for(tag: int, random: Random) -> bytes:
    """Return a value that the element may well have, or one that is wrong in a way that matters."""
    vr = vr_of(tag)
    if random.random() < 0.1:
        return random.choice([*TEXTS, random.randbytes(random.randrange(20))])
    if tag == 0x00080005:
        return random.choice(CHARSETS)
    if tag == 0x00020010:
        return random.choice(SYNTAXES)
    if vr == b"UI":
        return random.choice(UIDS)
    if vr in (b"US", b"SS", b"OW", b"OB"):
        count = random.choice([0, 1, 1, 1, 1, 1, 2, 3])
        return struct.pack(f"<{count}H", *random.choices(NUMBERS, k=count))
    if vr in (b"UL", b"SL", b"FL", b"OV", b"UV", b"FD"):
        return bytes(random.choice([0, 4, 8, 8, 16]))
    return random.choice(TEXTS)


def sequence_for(tag: int, random: Random, implicit: bool, depth: int) -> Element:
    """Return a sequence of items of any form, of at most some depth."""
    vr = b"" if implicit else random.choice([b"SQ", b"SQ", b"SQ", b"UN"])
    within = implicit or vr == b"UN"
    items = []
    for _ in range(random.choice([0, 1, 1, 2])):
        content: list[Element] = []
        for _ in range(random.choice([0, 1, 2])):
            if depth and random.random() < (0.4 if depth < 4 else 0.95):
                inner = random.choice(SEQUENCES)
                content.append(sequence_for(inner, random, within, depth - 1))
            else:
                inner = random.choice(TAGS) if random.random() < 0.5 else 0x00081150
                value = value_for(inner, random)
                content.append(Element(inner, b"" if within else vr_of(inner), value))
        if random.random() < 0.1:
            fragments = [Item(b""), Item(random.choice([b"\xff\xd8", _tag(END_OF_SEQUENCE)]))]
            content.append(Element(PIXEL_DATA, b"" if within else b"OB", b"", fragments, True))
        if random.random() < 0.8:
            content.sort(key=lambda element: element.tag)
        items.append(Item(content, random.random() < 0.5))
    return Element(tag, vr, b"", items, random.random() < 0.8)


def _is_implicit(elements: list[Element], random: Random) -> bool:
    return not elements[-1].vr if elements else random.random() < 0.5


def _put(elements: list[Element], element: Element, random: Random) -> None:
    """Put an element where its tag belongs, most of the time, in the place of one that is there."""
    if random.random() < 0.05:
        elements.insert(random.randrange(len(elements) + 1), element)
        return
    place = sum(each.tag < element.tag for each in elements)
    if place < len(elements) and elements[place].tag == element.tag and random.random() < 0.95:
        elements[place] = element
    else:
        elements.insert(place, element)


def _lists(elements: list[Element]) -> list[list[Element]]:
    """Return the list and those of all items in it."""
    found = [elements]
    for element in elements:
        for item in element.items or ():
            if not isinstance(item.content, bytes):
                found += _lists(item.content)
    return found


Mutation = Callable[[list[Element], Random, Sequence[File]], None]


def _delete(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    del elements[random.randrange(len(elements))]


def _duplicate(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    place = random.randrange(len(elements))
    elements.insert(place, copied(elements[place]))


def _swap(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    one, two = random.randrange(len(elements)), random.randrange(len(elements))
    elements[one], elements[two] = elements[two], elements[one]


def _change_vr(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    element = random.choice(elements)
    odd = [b"", b"ZZ", b"\0\0", b"??", b"ox", b"  "]
    element.vr = random.choice(random.choice([SHORT_VRS, LONG_VRS, odd]))


def _forge_length(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    element = random.choice(elements)
    near = [
        len(element.value) + step for step in (-2, -1, 1, 2, 8) if len(element.value) + step >= 0
    ]
    lengths = random.choice([LENGTHS, near])
    if element.items and random.random() < 0.5:
        random.choice(element.items).forged = random.choice(lengths)
    else:
        element.forged = random.choice(lengths)


def _change_tag(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    element = random.choice(elements)
    kind = random.random()
    if kind < 0.3:
        element.tag = (element.tag + random.choice([-1, 1, 0x10000, -0x10000])) & 0xFFFFFFFF
    else:
        element.tag = random.choice(TAGS)
    if kind > 0.6:
        elements.sort(key=lambda each: each.tag)


def _change_value(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    known = [element for element in elements if element.tag in TAGS] or elements
    element = random.choice(known)
    element.value = value_for(element.tag, random)
    if len(element.value) % 2 and random.random() < 0.9:
        element.value += b" "


def _insert(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    tag = random.choice(TAGS)
    implicit = _is_implicit(elements, random) and tag >> 16 != 2
    value = value_for(tag, random)
    value += b" " * (len(value) % 2 and random.random() < 0.9)
    _put(elements, Element(tag, b"" if implicit else vr_of(tag), value), random)


def _insert_sequence(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    tag = random.choice(SEQUENCES if random.random() < 0.9 else TAGS)
    depth = random.choice([0, 1, 2, 3, 40])
    implicit = _is_implicit(elements, random)
    _put(elements, sequence_for(tag, random, implicit, depth), random)


def _change_form(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    """Turn a sequence or item from defined to undefined length, or back."""
    sequences = [element for element in elements if element.items is not None]
    if not sequences:
        return
    element = random.choice(sequences)
    if element.items and random.random() < 0.5:
        item = random.choice(element.items)
        item.undefined = not item.undefined
    else:
        element.undefined = not element.undefined


def _change_items(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    """Add, delete, split or mark an item or fragment."""
    sequences = [element for element in elements if element.items]
    if not sequences:
        return
    items = random.choice(sequences).items
    assert items
    item = random.choice(items)
    kind = random.randrange(5)
    if kind == 0:
        items.remove(item)
    elif kind == 1:
        items.append(_copied_item(item))
    elif kind == 2:
        item.tag = random.choice([END_OF_ITEM, END_OF_SEQUENCE, 0xFFFEE001, 0x00080008])
    elif kind == 3:
        items.insert(0, Item(b""))
    elif isinstance(item.content, bytes):
        item.content += random.choice([b"\0", _tag(END_OF_SEQUENCE) + bytes(4), b"\xff\xd9"])


def _insert_delimiter(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    tag = random.choice([ITEM, END_OF_ITEM, END_OF_SEQUENCE])
    vr = random.choice([b"", b"", b"UN"])
    length = random.choice([None, None, None, UNDEFINED, 4])
    elements.insert(random.randrange(len(elements) + 1), Element(tag, vr, forged=length))


def _splice(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    other = random.choice(others).elements
    if other:
        _put(elements, copied(random.choice(other)), random)


def _bend_head(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    random.choice(elements).reserved = random.choice([b"\0\1", b"\1\0", b"\xff\xff"])


def _turn_implicit(elements: list[Element], random: Random, others: Sequence[File]) -> None:
    """Write the whole in implicit VR, as implicit VR little endian is."""
    implicit = random.random() < 0.9
    for each in _lists(elements):
        for element in each:
            if element.tag == 0x00020010 and implicit:
                element.value = IMPLICIT + b"\0"
            elif element.tag >> 16 != 2:
                element.vr = b""


_MUTATIONS: list[tuple[Mutation, int]] = [
    (_delete, 3), (_duplicate, 1), (_swap, 1), (_change_vr, 2), (_forge_length, 2),
    (_change_tag, 3), (_change_value, 8), (_insert, 10), (_insert_sequence, 8), (_change_form, 3),
    (_change_items, 3), (_insert_delimiter, 1), (_splice, 4), (_bend_head, 1), (_turn_implicit, 2),
]  # fmt: skip
_KINDS = [mutation for mutation, _ in _MUTATIONS]
_WEIGHTS = [weight for _, weight in _MUTATIONS]


def mutated(file: File, random: Random, others: Sequence[File]) -> bytes:
    """Return a file with one to three mutations of its structure, and sometimes of its bytes."""
    file = _copied_file(file)
    for _ in range(random.choice([1, 1, 2, 3])):
        lists = [file.elements] if random.random() < 0.7 else _lists(file.elements)
        elements = random.choice(lists)
        if elements:
            mutate = random.choices(_KINDS, _WEIGHTS)[0]
            if mutate is _turn_implicit:
                elements = file.elements
            mutate(elements, random, others)
    kind = random.random()
    if kind < 0.1:
        data = encode(_with_syntax(file, BIG_ENDIAN), big=True)
    elif kind < 0.15:
        data = _deflated(_with_syntax(file, DEFLATED))
    else:
        data = encode(file)
    if random.random() < 0.1:
        data = _bent(data, random)
    return data


def _bent(data: bytes, random: Random) -> bytes:
    """Return bytes with one mutation that knows nothing of their structure."""
    bent = bytearray(data)
    place = random.randrange(len(bent))
    kind = random.randrange(5)
    if kind == 0:
        bent[place] ^= 1 << random.randrange(8)
    elif kind == 1:
        bent[place] = random.randrange(256)
    elif kind == 2:
        del bent[place:]
    elif kind == 3:
        del bent[place : place + random.choice([1, 2, 4, 8])]
    else:
        bent[place:place] = random.randbytes(random.choice([1, 2, 4, 8]))
    return bytes(bent)
