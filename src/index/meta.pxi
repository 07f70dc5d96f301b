# File Meta: a walk over its elements for all who look into it, and the step that the index takes.

def meta_elements(bytes data not None, int64_t start):
    """Walk over the elements of File Meta, which is explicit VR little endian (PS3.10 7.1).

    Parameters
    ----------
    data : bytes
        Part of a file.
    start : int
        Where in `data` File Meta begins.

    Yields
    ------
    tag : int
    is_known : bool
        There is such a VR; the length is read as two bytes where there is none.
    value : int
        Where in `data` the value begins. It may end behind them.
    length : int
        Of the value; 0xFFFFFFFF: undefined.
    """
    cdef const uint8_t *first = data
    cdef const uint8_t *at
    cdef int64_t place = start, size = len(data)
    cdef uint32_t length = 0
    cdef int head
    cdef bint is_known
    while 0 <= place <= size - LONG_HEAD:
        at = first + place
        if u16(at) != 2:
            break
        head = read_explicit_head(_head_bytes, at, LONG_HEAD, &length)
        is_known = head != 0
        if not is_known:
            head, length = SHORT_HEAD, u16(at + 6)
        yield tag_at(at), is_known, place + head, length
        place += head + <int64_t>length


cdef int in_meta(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                 uint32_t length) noexcept nogil:
    """Walk over one element of File Meta, and find out how the data set is encoded."""
    cdef const uint8_t *uid = file + self.at + head
    cdef uint32_t size = length, k
    # What pydicom converts to see whether File Meta is sound; a value of it could be odd.
    if self.last < 0 and not (tag == GROUP_LENGTH_OF_META and vr == UL and length == 4 or
                              tag == VERSION_OF_META and vr == OB):
        return IRREGULAR
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    if tag == TRANSFER_SYNTAX:
        if vr != UI or not 18 <= length <= 64:
            return IRREGULAR
        if self.at + head + length > end:
            return MORE if end < self.size else IRREGULAR
        if uid[size - 1] == 0:
            size -= 1
        for k in range(size):
            if uid[k] != 0x2E and not 0x30 <= uid[k] <= 0x39:
                return IRREGULAR
        if memcmp(uid, b"1.2.840.10008.1.2", 17) != 0:
            return IRREGULAR
        if size == 17:
            self.encoding = IMPLICIT
        elif size == 19 and memcmp(uid + 17, b".2", 2) == 0:
            self.encoding = BIG_ENDIAN
        elif size == 22 and memcmp(uid + 17, b".1.99", 5) == 0:
            self.encoding = DEFLATE
        else:
            self.encoding = EXPLICIT
        if not add(&self.of_pixels, tag, vr, uid, size, size):
            return IRREGULAR
    self.last = tag
    self.at += head + length
    return WHOLE


cdef int begin_data_set(Walk self, const uint8_t *at, uint32_t tag) noexcept nogil:
    """Leave File Meta for the data set, if it can be left."""
    # Without transfer syntax, or with a command set.
    if not self.of_pixels.size or tag >> 16 < 3:
        return IRREGULAR
    self.implicit = self.encoding == IMPLICIT
    self.big_endian = self.encoding == BIG_ENDIAN
    self.is_deflated = self.encoding == DEFLATE
    self.data_set = self.at
    if not self.is_deflated and self.implicit == (is_capital(at[4]) and is_capital(at[5])):
        return IRREGULAR  # pydicom believes what the first element looks like
    self.in_meta = False
    return DEFLATED if self.is_deflated else WHOLE
