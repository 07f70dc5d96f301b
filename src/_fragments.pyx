# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The items of encapsulated Pixel Data (PS3.5 A.4), counted, checked and joined.

A walk needs the head of each item and the first bytes of its value, whatever lies between. No
fragment has an object of its own: memory grows with the frames, and not with the fragments. Every
read is checked against the bytes at hand.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy

from element cimport END_OF_SEQUENCE, ITEM_TAG, UNDEFINED, tag_at, u32

cdef extern from "read_file.h":
    ptrdiff_t fastpix_read_at(int file, char *target, size_t size, int64_t at) nogil

cdef enum:
    HEAD = 8  # bytes before the value of an item
    BEGINNING = 12  # bytes of a value that tell whether a codestream begins
    FEW = 32  # bytes that are read from a file where the next item is far
    MANY = 65536  # bytes that are read where items lie close to each other
    NEAR = 4096  # bytes of an item behind which the next is close

cdef enum Ending:  # what `ItemWalk.on` and `ItemWalk.through` return
    MORE, DELIMITED, AT_END, NO_ITEM, CUT_OFF, STOPPED, MISFIT, UNREADABLE, NO_MEMORY

cdef struct Places:
    int64_t *at
    int64_t size, room


cdef class ItemWalk:
    """A walk over items, given the parts of Pixel Data that it asks for.

    Parameters
    ----------
    at : int
        Where the first item begins, in bytes of Pixel Data.
    length : int
        Bytes of Pixel Data; bytes behind its delimiter do no harm.
    stop : int
        Where the walk must end; -1: at the delimiter, or where the bytes end.
    most : int
        The number of places that are kept, of fragments and of codestreams.
    table : buffer of int64
        Where frames begin by an offset table, in ascending order; empty: there is none.
    lengths : buffer of int64
        The lengths of frames by an Extended Offset Table, which has a fragment a frame; or empty.

    Attributes
    ----------
    at : int
        Where the walk stands.
    step : int
        Bytes of the item before.
    fragments, empty : int
        How many fragments have a byte, and how many have none.
    streams : int
        How many fragments begin a codestream; the first fragment always does.
    beginnings : int
        How many of them are seen to begin one.
    """

    cdef readonly int64_t at, fragments, empty, streams, beginnings
    cdef int64_t step, length, stop, most
    cdef const int64_t[::1] table, lengths
    cdef int64_t begun, own  # frames of the table so far, and fragments of the last one
    cdef Places fragment_places, stream_places

    def __cinit__(self, int64_t at, int64_t length, int64_t stop, int64_t most,
                  const int64_t[::1] table not None, const int64_t[::1] lengths not None):
        self.at, self.length, self.stop, self.most = at, length, stop, most
        self.table, self.lengths = table, lengths

    def __dealloc__(self):
        free(self.fragment_places.at)
        free(self.stream_places.at)

    def on(self, const uint8_t[::1] part not None, int64_t base):
        """Go on over a part of Pixel Data that begins at byte `base`, which is not behind `at`.

        Returns
        -------
        int
            0: a part from `at` on is wanted. 1: the delimiter. 2: the end of the bytes. 3: no item.
            4: a fragment is cut off. 5: `stop`. 6: the items do not fit the table, or `stop`.
        """
        cdef int result
        if part.shape[0] == 0:
            return AT_END if self.length - self.at < HEAD else MORE
        with nogil:
            result = walk(self, &part[0] - base, base + part.shape[0])
        return checked(result)

    def through(self, int file, int64_t start):
        """Walk over Pixel Data that begins at byte `start` of an open file.

        Returns
        -------
        int
            As `on`; 7: the file cannot be read in this way.
        """
        cdef int result
        with nogil:
            result = walk_file(self, file, start)
        return checked(result)

    @property
    def wanted(self):
        """How many bytes the next part should have."""
        return MANY if self.step < NEAR else FEW

    @property
    def fits_table(self):
        """Whether the items walked over are those of all frames of the table."""
        return self.begun == self.table.shape[0] and is_whole(self)

    def fragment_starts(self):
        """Return where the first fragments that have a byte begin, as int64."""
        return bytes_of(&self.fragment_places)

    def stream_starts(self):
        """Return where the first fragments that begin a codestream begin, as int64."""
        return bytes_of(&self.stream_places)


cdef int checked(int result) except -1:
    if result == NO_MEMORY:
        raise MemoryError
    return result


cdef bytes bytes_of(const Places *places):
    return PyBytes_FromStringAndSize(<char *>places.at, places.size * sizeof(int64_t))


cdef int walk_file(ItemWalk self, int file, int64_t start) noexcept nogil:
    """Walk over a file, read in small parts."""
    cdef uint8_t few[FEW]
    cdef uint8_t *many = NULL
    cdef uint8_t *part
    cdef int64_t size
    cdef int result = MORE
    while result == MORE:
        part, size = few, FEW
        if self.step < NEAR and self.fragments + self.empty > 0:
            if many == NULL:
                many = <uint8_t *>malloc(MANY)
            if many == NULL:
                result = NO_MEMORY
                break
            part, size = many, MANY
        size = min(size, self.length - self.at)
        if size > 0 and fastpix_read_at(file, <char *>part, size, start + self.at) != size:
            result = UNREADABLE
            break
        result = walk(self, part - self.at, self.at + size)
    free(many)
    return result


cdef int walk(ItemWalk self, const uint8_t *data, int64_t end) noexcept nogil:
    """Walk as far as the bytes before `end` lead; `data` counts in bytes of Pixel Data."""
    cdef uint32_t tag, length
    cdef int result
    while self.at != self.stop:
        if self.length - self.at < HEAD:
            return AT_END
        if end - self.at < HEAD + BEGINNING and end < self.length:
            return MORE
        tag, length = tag_at(data + self.at), u32(data + self.at + 4)
        if tag == END_OF_SEQUENCE:
            return DELIMITED
        if tag != ITEM_TAG:
            return NO_ITEM
        if length == UNDEFINED or length > self.length - self.at - HEAD:
            return CUT_OFF
        if 0 <= self.stop < self.at + HEAD + length:
            return MISFIT
        result = take(self, data + self.at + HEAD, length)
        if result != MORE:
            return result
        self.step = HEAD + <int64_t>length
        self.at += self.step
    return STOPPED


cdef int take(ItemWalk self, const uint8_t *value, uint32_t length) noexcept nogil:
    """Count a fragment, and hold it against the table."""
    cdef int64_t frames = self.table.shape[0]
    if frames and self.begun < frames and self.at >= self.table[self.begun]:
        if self.at != self.table[self.begun] or (self.begun and not is_whole(self)):
            return MISFIT
        self.begun += 1
        self.own = 0
    if length == 0:
        self.empty += 1
        return MORE
    self.fragments += 1
    self.own += 1
    if self.lengths.shape[0] and self.begun and not is_length(self, length):
        return MISFIT
    if self.fragments <= self.most and not keep(&self.fragment_places, self.at):
        return NO_MEMORY
    if is_beginning(value, length):
        self.beginnings += 1
    elif self.fragments > 1:
        return MORE
    self.streams += 1
    if self.streams <= self.most and not keep(&self.stream_places, self.at):
        return NO_MEMORY
    return MORE


cdef bint is_whole(ItemWalk self) noexcept nogil:
    """Whether the last frame of the table has the fragments that it must have."""
    return self.own == 1 if self.lengths.shape[0] else self.own > 0


cdef bint is_length(ItemWalk self, uint32_t length) noexcept nogil:
    """Whether a fragment has the length of its frame by the table, padded to even length."""
    return 0 <= <int64_t>length - self.lengths[self.begun - 1] <= 1


cdef bint is_beginning(const uint8_t *value, uint32_t length) noexcept nogil:
    """Whether a fragment begins a codestream, where that can be told."""
    cdef uint32_t segments
    if length >= 3 and memcmp(value, b"\xff\xd8\xff", 3) == 0:  # SOI of JPEG and JPEG-LS
        return True
    if length >= 4 and memcmp(value, b"\xff\x4f\xff\x51", 4) == 0:  # SOC and SIZ of JPEG 2000
        return True
    if length < BEGINNING:
        return False
    if memcmp(value, b"\0\0\0\x0cjP  ", 8) == 0:  # a JP2 file
        return True
    # The header of an RLE frame: 1 to 15 segments, the first behind the header of 64 bytes.
    segments = u32(value)
    if not 1 <= segments <= 15 or u32(value + 4) != 64:
        return False
    return u32(value + 8) == 0 if segments == 1 else u32(value + 8) > 64


cdef bint keep(Places *places, int64_t at) noexcept nogil:
    """Add a place; False where there is no memory for it."""
    cdef int64_t room
    cdef int64_t *more
    if places.size == places.room:
        room = places.room * 2 + 64
        more = <int64_t *>realloc(places.at, room * sizeof(int64_t))
        if more == NULL:
            return False
        places.at, places.room = more, room
    places.at[places.size] = at
    places.size += 1
    return True


def joined_items(const uint8_t[::1] items not None):
    """Return the values of items that follow each other, as one.

    Returns
    -------
    bytes or None
        None where these are not items and nothing else.
    """
    cdef int64_t at = 0, end = items.shape[0], size = 0
    cdef uint32_t length
    cdef const uint8_t *data
    cdef char *target
    if end == 0:
        return b""
    data = &items[0]
    while at < end:
        if end - at < HEAD or tag_at(data + at) != ITEM_TAG:
            return None
        length = u32(data + at + 4)
        if length > end - at - HEAD:
            return None
        size += length
        at += HEAD + <int64_t>length
    joined = PyBytes_FromStringAndSize(NULL, size)
    target = PyBytes_AsString(joined)
    with nogil:
        at = 0
        while at < end:
            length = u32(data + at + 4)
            memcpy(target, data + at + HEAD, length)
            target += length
            at += HEAD + <int64_t>length
    return joined
