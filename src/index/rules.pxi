# The table of elements at the top level, and the entries that are collected by it.

cdef struct Row:
    uint32_t first, last
    uint32_t mask  # of the bits of `first` that a tag must have
    int vr, other_vr  # those that are allowed; 0: any
    uint8_t form, purpose

cdef Row _rows[ROWS + 1]


cdef int read_table(bytes table) except -1:
    """Read what `fastpix.standard.indexed` has packed, and put a row behind it that fits no tag."""
    cdef const uint8_t *at = table
    cdef Row *row
    cdef int k, count = len(table) // 18
    if count > ROWS:
        raise ValueError(f"the table has {count} rows, more than {ROWS}")
    for k in range(count):
        row = &_rows[k]
        row.first, row.last, row.mask = u32(at), u32(at + 4), u32(at + 8)
        row.vr, row.other_vr = vr_of(at + 12), vr_of(at + 14)
        row.form, row.purpose = at[16], at[17]
        at += 18
    _rows[count].first = _rows[count].last = 0xFFFFFFFF
    return 0


read_table(INDEXED_ROWS)


cdef const Row *row_of(Walk self, uint32_t tag) noexcept nogil:
    """Return the table's row for a tag, or NULL; tags must be asked for in ascending order."""
    cdef const Row *row
    cdef int k = self.row
    while _rows[k].last < tag:
        k += 1
    self.row = k
    row = &_rows[k]
    if tag < row.first or (tag ^ row.first) & row.mask or row.form == 0:
        return NULL
    if row.purpose > OF_SCALE and self.only_pixels:
        return NULL
    return row


cdef bint has_vr(const Row *row, int vr) noexcept nogil:
    """Whether an element has a VR that the dictionary allows (PS3.6)."""
    return row.vr == 0 or vr == row.vr or vr == row.other_vr


cdef bint is_ascii(const uint8_t *text, uint32_t size, bint single) noexcept nogil:
    """Whether text is ASCII, and has one value where it should."""
    cdef uint32_t k
    for k in range(size):
        if text[k] >= 0x80 or (single and text[k] == 0x5C):
            return False
    return True


cdef bint add(Entries *entries, uint32_t tag, int vr, const uint8_t *value, uint32_t length,
              uint32_t size) noexcept nogil:
    """Add an element of `length` bytes, `size` of which are kept; False if there is no room."""
    cdef uint8_t *at
    if entries.size + 10 + <int>size > ROOM:
        return False
    at = entries.bytes + entries.size
    memcpy(at, &tag, 4)
    at[4], at[5] = vr >> 8 & 0xFF, vr & 0xFF
    memcpy(at + 6, &length, 4)
    if size:
        memcpy(at + 10, value, size)
    entries.size += 10 + size
    return True
