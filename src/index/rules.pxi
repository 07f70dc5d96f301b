# The table of elements, by the places where they stand.

cdef struct Row:
    uint32_t first, last
    uint32_t mask  # of the bits of `first` that a tag must have
    int vr, other_vr  # those that are allowed; 0: any
    uint8_t form, purpose, place, items

cdef Row _rows[ROWS]
cdef int _first_rows[PLACES]


cdef int read_table(bytes table) except -1:
    """Read what `fastpix.standard.indexed` has packed; each place ends with a row for no tag."""
    cdef const uint8_t *at = table
    cdef Row *row
    cdef int k, used = 0, place = -1, count = len(table) // 20
    if count + PLACES > ROWS:
        raise ValueError(f"the table has {count} rows, more than {ROWS - PLACES}")
    for k in range(count):
        while place < at[18]:
            if place >= 0:
                used = end_place(used)
            place += 1
            _first_rows[place] = used
        row = &_rows[used]
        row.first, row.last, row.mask = u32(at), u32(at + 4), u32(at + 8)
        row.vr, row.other_vr = vr_of(at + 12), vr_of(at + 14)
        row.form, row.purpose, row.place, row.items = at[16], at[17], at[18], at[19]
        used += 1
        at += 20
    end_place(used)
    return 0


cdef int end_place(int used) noexcept:
    _rows[used].first = _rows[used].last = 0xFFFFFFFF
    _rows[used].form = 0
    return used + 1


read_table(INDEXED_ROWS)


cdef const Row *row_of(Walk self, uint32_t tag, int *cursor) noexcept nogil:
    """Return the table's row for a tag, or NULL; tags must be asked for in ascending order.

    `cursor` is the first row of the place whose last tag is not below the tag asked for last.
    """
    cdef const Row *row
    cdef int k = cursor[0]
    while _rows[k].last < tag:
        k += 1
    cursor[0] = k
    # Ranges of private blocks overlap, and masks tell their tags apart.
    while _rows[k].first <= tag and (tag ^ _rows[k].first) & _rows[k].mask:
        k += 1
    row = &_rows[k]
    if tag < row.first or row.form == 0:
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
