# What is taken of an element whose length is known.

cdef bint is_pixel_data(uint32_t tag) noexcept nogil:
    """Whether an element holds pixels: its entry has a length, and no value."""
    return tag == PIXEL_DATA or tag == FLOAT_PIXELS or tag == DOUBLE_PIXELS


cdef Entries *target_of(Walk self, int purpose) noexcept nogil:
    """Return where the elements for a purpose are collected, at the place of the walk."""
    if self.in_frame:
        return &self.frame_pixels.entries if purpose <= OF_SCALE else &self.frame_identity.entries
    if purpose == OF_SCALE:
        return &self.of_scale
    return &self.of_pixels if purpose == OF_PIXELS else &self.of_identity


cdef int take(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
              uint32_t length, const Row *row) noexcept nogil:
    """Keep what is wanted of an element that decides about pixels."""
    cdef int form = row.form, place
    cdef Entries *entries = target_of(self, row.purpose)
    cdef const uint8_t *value = file + self.at + head
    if not self.implicit and not has_vr(row, vr):
        return IRREGULAR
    if form == PIXELS:
        # Native: an encapsulated value has an undefined length.
        if length == 0 or self.has_pixels:
            return IRREGULAR
        self.has_pixels = True
        self.start, self.length = self.at + head, length
        return WHOLE if add(entries, tag, vr, NULL, length, 0) else IRREGULAR
    if form == OFFSETS:
        place = 2 * (tag == LENGTHS_OF_FRAMES)
        self.tables[place], self.tables[place + 1] = self.at + head, length
        return WHOLE
    if form == PRESENCE:
        return WHOLE if add(entries, tag, vr, NULL, 0, 0) else IRREGULAR
    if length > <uint32_t>(LONGEST_LUT if form == LUT else LONGEST):
        return IRREGULAR
    if self.at + head + length > end:
        return more(self, end, head + <int64_t>length)
    if form == WORD:
        if length != 0 and length != 2:
            return IRREGULAR
    elif form != BINARY and form != LUT and not is_ascii(value, length, form == TEXT):
        return IRREGULAR
    return WHOLE if add(entries, tag, vr, value, length, length) else IRREGULAR


cdef int take_identity(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                       uint32_t length, const Row *row) noexcept nogil:
    """Keep an element that does not bear on pixels; an odd one is left out, and that is noted."""
    cdef const uint8_t *value = file + self.at + head
    cdef int form = row.form
    cdef bint fits = self.implicit or has_vr(row, vr)
    if form == PRESENCE:
        length = 0
    elif length > LONGEST:
        fits = False
    elif fits:
        if self.at + head + length > end:
            return more(self, end, head + <int64_t>length)
        fits = form == BINARY or form == WORD or is_ascii(value, length, False)
    if not (fits and add(target_of(self, row.purpose), tag, vr, value, length, length)):
        self.is_complete = False
    return WHOLE


cdef int more(Walk self, int64_t end, int64_t size) noexcept nogil:
    """Ask for a part of `size` bytes from `self.at` on."""
    if end == self.size:
        return IRREGULAR
    self.wanted = size
    return MORE
