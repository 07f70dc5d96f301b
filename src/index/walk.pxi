# The walk from element to element.

cdef void begin(Walk self, int64_t size) noexcept nogil:
    """Stand at the beginning of a file of `size` bytes."""
    self.size = size
    self.at = self.start = self.length = self.data_set = self.wanted = 0
    self.last = -1
    self.depth = self.sequences = 0
    self.encoding = EXPLICIT
    self.implicit = self.big_endian = self.is_deflated = False
    self.encapsulated = self.has_pixels = self.in_frame = False
    self.in_meta = self.is_complete = True
    self.row = _first_rows[0]
    self.tables[0] = self.tables[2] = -1
    self.of_pixels.size = self.of_scale.size = self.of_identity.size = 0
    forget(&self.frame_pixels)
    forget(&self.frame_identity)


cdef void forget(Runs *runs) noexcept nogil:
    runs.entries.size = runs.ends.size = runs.frames = 0


cdef int walk(Walk self, const uint8_t *part, int64_t base, int64_t end) noexcept nogil:
    """Walk from `self.at` as far as the bytes of base..end lead."""
    cdef int result, vr, k
    self.wanted = 0
    if self.in_meta and self.at == 0:
        if self.size < META + 8:
            return IRREGULAR
        if end < META:
            return MORE
        if memcmp(part + META - 4, b"DICM", 4) != 0:
            return IRREGULAR
        self.at = META
    while True:
        if self.depth:
            result = in_level(self, part - base, end)
        else:
            if self.at == self.size:
                break
            result = top_level_element(self, part - base, end)
        if result != WHOLE:
            return result
    if self.in_meta or not self.has_pixels:
        return IRREGULAR
    for k in range(self.sequences):
        vr = AN_ITEM if self.sequence_items[k] else A_DELIMITER
        if not add(&self.of_pixels, self.sequence_tags[k], vr, NULL, 0, 0):
            return IRREGULAR
    return WHOLE


cdef inline uint32_t word(Walk self, const uint8_t *at) noexcept nogil:
    """Return a length of four bytes, in the byte order of the data set."""
    if self.big_endian:
        return <uint32_t>at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]
    return u32(at)


cdef inline uint32_t tag_of(Walk self, const uint8_t *at) noexcept nogil:
    if self.big_endian:
        return word(self, at)
    return tag_at(at)


cdef int top_level_element(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one element of File Meta or of the data set; `file` counts in bytes of the file."""
    cdef uint32_t tag, length = 0
    cdef int vr = 0, head, result
    cdef const uint8_t *at
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 12 > end and end < self.size:
        return MORE
    if self.at + 8 > end:
        return IRREGULAR
    at = file + self.at
    tag = tag_of(self, at)
    if self.in_meta and tag >> 16 != 2:
        result = begin_data_set(self, at, tag)
        if result != WHOLE:
            return result
        tag = tag_of(self, at)
    if <int64_t>tag <= self.last or tag >> 16 == GROUP_OF_ITEMS:
        return IRREGULAR
    head = read_head(self, at, end, self.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if self.in_meta:
        return in_meta(self, file, end, tag, vr, head, length)
    result = element(self, file, end, tag, vr, head, length, self.implicit,
                     row_of(self, tag, &self.row))
    if result == WHOLE:
        self.last = tag
    return result


cdef int read_head(Walk self, const uint8_t *at, int64_t end, bint implicit, int *vr,
                   uint32_t *length) noexcept nogil:
    """Read VR and length of an element; return how many bytes precede its value, 0: irregular."""
    cdef int size
    if implicit:
        vr[0], length[0] = 0, word(self, at + 4)
        return SHORT_HEAD
    vr[0] = vr_of(at + 4)
    size = head_size(_head_bytes, at + 4)
    if size == 0 or self.at + size > end:
        return 0
    if size == LONG_HEAD:
        if u16(at + 6) != 0:
            return 0
        length[0] = word(self, at + 8)
    else:
        length[0] = <uint32_t>at[6] << 8 | at[7] if self.big_endian else u16(at + 6)
    return size


cdef int element(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                 uint32_t length, bint implicit, const Row *row) noexcept nogil:
    """Walk over an element of the data set or of an item, or into it."""
    cdef int result
    if length != UNDEFINED and (length & 1 or self.at + head + length > self.size):
        return IRREGULAR
    if row != NULL and (row.form == SEQUENCE or row.form == FRAMES):
        if implicit or vr == SQ:
            return enter(self, file, end, tag, vr, head, length, implicit, False, row)
        if row.purpose <= OF_SCALE:
            return IRREGULAR
        self.is_complete = False
        row = NULL
    if length == UNDEFINED:
        return open_element(self, file, end, tag, vr, head, implicit, row)
    if row != NULL:
        if row.purpose > OF_SCALE:
            result = take_identity(self, file, end, tag, vr, head, length, row)
        else:
            result = take(self, file, end, tag, vr, head, length, row)
        if result != WHOLE:
            return result
    self.at += head + <int64_t>length
    return WHOLE


cdef int open_element(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                      bint implicit, const Row *row) noexcept nogil:
    """Enter an element of undefined length of whose items nothing is taken."""
    cdef int result
    cdef bint is_pixels = False
    cdef bint fragments = not implicit and tag == PIXEL_DATA and (vr == OB or vr == OW)
    if row != NULL and row.purpose > OF_SCALE:
        self.is_complete = False
        row = NULL
    if row != NULL:
        is_pixels = row.form == PIXELS
        if is_pixels:
            if not fragments or self.big_endian or self.has_pixels:
                return IRREGULAR
        elif row.form != PRESENCE or row.vr != SQ or not (implicit or vr == SQ):
            return IRREGULAR
    result = enter(self, file, end, tag, vr, head, UNDEFINED, implicit, fragments, NULL)
    if result != WHOLE or row == NULL:
        return result
    if is_pixels:
        self.has_pixels = self.encapsulated = True
        self.start = self.at
    if not add(target_of(self, OF_PIXELS), tag, vr, NULL, UNDEFINED if is_pixels else 0, 0):
        return IRREGULAR
    return WHOLE
