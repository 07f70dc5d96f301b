# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Where the elements at the top level of any data set are, whatever else is wrong with it.

pydicom's Dataset has one element a tag: that a tag occurs twice, or that the last bytes are no
element, must be seen in the bytes. The heads of elements are read as pydicom reads them. Every read
is checked against the bytes at hand; there is no recursion.
"""

from cpython.bytes cimport PyBytes_AsString
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from element cimport (
    END_OF_ITEM, END_OF_SEQUENCE, GROUP_OF_ITEMS, ITEM_TAG, PAIRS_OF_LETTERS, UNDEFINED, head_size,
    vr_of,
)

from fastpix.standard.vrs import HEAD_BYTES

cdef enum:
    SHORT_HEAD = 8  # bytes before a value
    LONG_HEAD = 12
    MOST = 4096  # elements that are returned
    DEEPEST = 256  # levels of sequences and items of undefined length
    FIRST_VR = 0x4141  # AA and ZZ: what lies between is a VR to pydicom, known or not
    LAST_VR = 0x5A5A
    OX = 0x4F58  # what some writers put for "OB or OW"

cdef uint8_t _head_bytes[PAIRS_OF_LETTERS]
memcpy(_head_bytes, PyBytes_AsString(HEAD_BYTES), PAIRS_OF_LETTERS)

cdef struct Bytes:
    const uint8_t *first
    int64_t size
    bint big  # endian


cdef struct Head:
    uint32_t tag, length
    int size
    int vr  # two letters as one number; 0: none


def top_level(const uint8_t[::1] data not None, int64_t start, bint implicit, bint big,
              frozenset wanted not None):
    """Walk over the elements of a data set, up to where they end or cannot be followed.

    Parameters
    ----------
    data : bytes
    start : int
        Where in `data` the data set begins.
    implicit : bool
        Its elements have no VR.
    big : bool
        It is in big endian.
    wanted : frozenset of int
        The tags to return.

    Returns
    -------
    elements : list of (int, str, int, int)
        Tag, VR (empty: none), and where the value begins and ends; the delimiter of a value of
        undefined length lies in it. All of them are whole. There are no more than 4096.
    end : int
        Where the last element ends. It is the end of `data` unless what follows is no element, or
        is cut off.
    """
    cdef Bytes b
    cdef Head head
    cdef int64_t at = start, end
    elements = []
    b.size, b.big = data.shape[0], big
    if not 0 <= start < b.size:
        return elements, start
    b.first = &data[0]
    while read_head(&b, at, implicit, &head) and head.tag >> 16 != GROUP_OF_ITEMS:
        end = at + head.size
        if head.length == UNDEFINED:
            end = end_of_items(&b, end, implicit)
        else:
            end += head.length
        if not at < end <= b.size:
            break
        if <object>head.tag in wanted and len(elements) < MOST:
            vr = "" if head.vr == 0 else bytes([head.vr >> 8, head.vr & 0xFF]).decode("latin-1")
            elements.append((head.tag, vr, at + head.size, end))
        at = end
    return elements, at


cdef inline uint16_t u16(const Bytes *b, int64_t at) noexcept nogil:
    cdef const uint8_t *p = b.first + at
    return <uint16_t>(p[0] << 8 | p[1]) if b.big else <uint16_t>(p[0] | p[1] << 8)


cdef inline uint32_t u32(const Bytes *b, int64_t at) noexcept nogil:
    if b.big:
        return <uint32_t>u16(b, at) << 16 | u16(b, at + 2)
    return u16(b, at) | <uint32_t>u16(b, at + 2) << 16


cdef inline uint32_t tag_at(const Bytes *b, int64_t at) noexcept nogil:
    return <uint32_t>u16(b, at) << 16 | u16(b, at + 2)


cdef bint read_head(const Bytes *b, int64_t at, bint implicit, Head *head) noexcept nogil:
    """Read the head of an element; False where there are too few bytes for it."""
    cdef int vr
    if at + SHORT_HEAD > b.size:
        return False
    head.tag, head.vr, head.size = tag_at(b, at), 0, SHORT_HEAD
    vr = vr_of(b.first + at + 4)
    if implicit or not FIRST_VR <= vr <= LAST_VR:  # some writers change to implicit VR
        head.length = u32(b, at + 4)
        return True
    head.vr = vr
    if vr != OX and head_size(_head_bytes, b.first + at + 4) != LONG_HEAD:
        head.length = u16(b, at + 6)
        return True
    if at + LONG_HEAD > b.size:
        return False
    head.size, head.length = LONG_HEAD, u32(b, at + 8)
    return True


cdef int64_t end_of_items(const Bytes *b, int64_t at, bint implicit) noexcept nogil:
    """Return where a value of undefined length ends that begins at `at`; -1: nowhere.

    Odd levels are those of items, even ones those of the elements of an item.
    """
    cdef int depth = 1
    cdef bint bare[DEEPEST]  # the elements of a level have no VR
    cdef uint32_t tag, length
    cdef Head head
    bare[1] = implicit
    while depth:
        if at + SHORT_HEAD > b.size:
            return -1
        tag, length = tag_at(b, at), u32(b, at + 4)
        if depth & 1:
            if tag == END_OF_SEQUENCE:
                depth -= 1
                at += SHORT_HEAD
            elif tag != ITEM_TAG:
                return -1
            elif length != UNDEFINED:
                at += SHORT_HEAD + <int64_t>length
            else:
                depth += 1
                at += SHORT_HEAD
                if depth == DEEPEST or at + SHORT_HEAD > b.size:
                    return -1
                bare[depth] = bare[depth - 1] or not (
                    FIRST_VR <= vr_of(b.first + at + 4) <= LAST_VR
                )
        elif tag == END_OF_ITEM:
            depth -= 1
            at += SHORT_HEAD
        else:
            if not read_head(b, at, bare[depth], &head):
                return -1
            at += head.size
            if head.length != UNDEFINED:
                at += head.length
            else:
                depth += 1
                if depth == DEEPEST:
                    return -1
                bare[depth] = bare[depth - 1]
    return at
