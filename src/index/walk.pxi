# The walk from element to element, over levels of sequences and items.

cdef void begin(Walk self, int64_t size) noexcept nogil:
    """Stand at the beginning of a file of `size` bytes."""
    self.size = size
    self.at = self.start = self.length = self.data_set = 0
    self.last = -1
    self.depth = self.sequences = 0
    self.implicit = self.encapsulated = self.has_pixels = False
    self.in_meta = self.is_complete = True
    self.row = 0
    self.tables[0] = self.tables[2] = -1
    self.of_pixels.size = self.of_scale.size = self.of_identity.size = 0


cdef int walk(Walk self, const uint8_t *part, int64_t base, int64_t end) noexcept nogil:
    """Walk from `self.at` as far as the bytes of base..end lead."""
    cdef int result, vr, k
    if self.at == 0:
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


cdef int top_level_element(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one element of File Meta or of the data set; `file` counts in bytes of the file."""
    cdef uint32_t tag, length = 0
    cdef int vr = 0, head, result
    cdef const Row *row
    cdef const uint8_t *at
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 12 > end and end < self.size:
        return MORE
    if self.at + 8 > end:
        return IRREGULAR
    at = file + self.at
    tag = tag_at(at)
    if self.in_meta and tag >> 16 != 2:
        if not begin_data_set(self, at, tag):
            return IRREGULAR
    if <int64_t>tag <= self.last or tag >> 16 == GROUP_OF_ITEMS:
        return IRREGULAR
    head = read_head(self, at, end, self.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if self.in_meta:
        return in_meta(self, file, end, tag, vr, head, length)
    row = row_of(self, tag)
    if row != NULL and row.form == REFUSED:
        return IRREGULAR
    if length == UNDEFINED:
        return open_element(self, file, end, tag, vr, head, row)
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    if row != NULL:
        if row.purpose > OF_SCALE:
            result = take_identity(self, file, end, tag, vr, head, length, row)
        else:
            result = take(self, file, end, tag, vr, head, length, row)
        if result != WHOLE:
            return result
    self.last = tag
    self.at += head + length
    return WHOLE


cdef int read_head(Walk self, const uint8_t *at, int64_t end, bint implicit, int *vr,
                   uint32_t *length) noexcept nogil:
    """Read VR and length of an element; return how many bytes precede its value, 0: irregular."""
    cdef int size
    if implicit:
        vr[0], length[0] = 0, u32(at + 4)
        return 8
    vr[0] = vr_of(at + 4)
    size = read_explicit_head(_head_bytes, at, end - self.at, length)
    if self.at + size > end or (size == 12 and u16(at + 6) != 0):
        return 0
    return size


cdef int take(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
              uint32_t length, const Row *row) noexcept nogil:
    """Keep what is wanted of an element that decides about pixels."""
    cdef int form = row.form, place
    cdef Entries *entries = &self.of_scale if row.purpose == OF_SCALE else &self.of_pixels
    cdef const uint8_t *value = file + self.at + head
    if not self.implicit and not has_vr(row, vr):
        return IRREGULAR
    if form == PIXELS:
        # Native: an encapsulated value has an undefined length.
        if length == 0:
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
    if length > LONGEST:
        return IRREGULAR
    if self.at + head + length > end:
        return MORE if end < self.size else IRREGULAR
    if form == WORD:
        if length != 0 and length != 2:
            return IRREGULAR
    elif not is_ascii(value, length, form == TEXT):
        return IRREGULAR
    return WHOLE if add(entries, tag, vr, value, length, length) else IRREGULAR


cdef int take_identity(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                       uint32_t length, const Row *row) noexcept nogil:
    """Keep an element that does not bear on pixels; an odd one is left out, and that is noted."""
    cdef const uint8_t *value = file + self.at + head
    cdef bint fits = self.implicit or has_vr(row, vr)
    if row.form == PRESENCE:
        length = 0
    elif length > LONGEST:
        fits = False
    elif fits:
        if self.at + head + length > end:
            return MORE if end < self.size else IRREGULAR
        fits = row.form == BINARY or is_ascii(value, length, False)
    if not (fits and add(&self.of_identity, tag, vr, value, length, length)):
        self.is_complete = False
    return WHOLE


cdef int open_element(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                      const Row *row) noexcept nogil:
    """Enter an element of undefined length at the top level."""
    cdef int result
    cdef bint is_pixels = False
    if row != NULL and row.purpose > OF_SCALE:
        self.is_complete = False
        row = NULL
    if row != NULL:
        is_pixels = row.form == PIXELS
        if is_pixels:
            if self.implicit or not has_vr(row, vr):
                return IRREGULAR
            self.has_pixels = self.encapsulated = True
            self.start = self.at + head
        elif row.form != PRESENCE or row.vr != SQ or not (self.implicit or vr == SQ):
            return IRREGULAR
        if not add(&self.of_pixels, tag, vr, NULL, UNDEFINED if is_pixels else 0, 0):
            return IRREGULAR
    result = enter(self, file, end, tag, vr, head, self.implicit, is_pixels)
    if result == WHOLE:
        self.last = tag
    elif row != NULL:
        self.of_pixels.size -= 10  # it will be here again
    return result


cdef int enter(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
               bint implicit, bint fragments) noexcept nogil:
    """Step into an element of undefined length: a sequence, or fragments."""
    cdef Level *level
    cdef uint32_t first
    cdef int k
    if self.depth == DEEPEST or self.at + head + 8 > self.size:
        return IRREGULAR
    if self.at + head + 4 > end:
        return MORE if end < self.size else IRREGULAR
    if implicit:
        first = tag_at(file + self.at + head)
        if first != ITEM_TAG and first != END_OF_SEQUENCE:
            return IRREGULAR
        # The dictionary says whether it is a sequence: `pixel_entries` names the tags.
        for k in range(self.sequences):
            if self.sequence_tags[k] == tag and self.sequence_items[k] == (first == ITEM_TAG):
                break
        else:
            if self.sequences == SEQUENCES:
                return IRREGULAR
            self.sequence_tags[self.sequences] = tag
            self.sequence_items[self.sequences] = first == ITEM_TAG
            self.sequences += 1
    elif not fragments and vr != SQ and vr != UN:
        return IRREGULAR
    level = &self.levels[self.depth]
    level.kind = FRAGMENTS if fragments else ITEMS
    level.implicit = implicit
    level.bare = not implicit and vr == UN
    level.end = -1
    self.depth += 1
    self.at += head
    return WHOLE


cdef int in_level(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one item, fragment, delimiter or nested element."""
    cdef Level *level = &self.levels[self.depth - 1]
    cdef uint32_t tag, length = 0
    cdef const uint8_t *at
    if level.kind == ITEM and level.end >= 0:
        if self.at == level.end:
            self.depth -= 1
            return WHOLE
        if self.at > level.end:
            return IRREGULAR
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 20 > end and end < self.size:
        return MORE
    at = file + self.at
    tag, length = tag_at(at), u32(at + 4)
    if level.kind == ITEM:
        if tag >> 16 != GROUP_OF_ITEMS:
            return nested(self, file, end, level, tag)
        if tag != END_OF_ITEM or length != 0 or level.end >= 0:
            return IRREGULAR
        self.depth -= 1
        self.at += 8
        return WHOLE
    if tag == END_OF_SEQUENCE:
        if length != 0:
            return IRREGULAR
        self.depth -= 1
        if level.kind == FRAGMENTS and self.depth == 0:
            self.length = self.at - self.start
        self.at += 8
        return WHOLE
    if tag != ITEM_TAG:
        return IRREGULAR
    if level.kind == FRAGMENTS:
        if length == UNDEFINED or self.at + 8 + length > self.size:
            return IRREGULAR
        self.at += 8 + length
        return WHOLE
    return enter_item(self, file, end, level, length)


cdef int enter_item(Walk self, const uint8_t *file, int64_t end, const Level *sequence,
                    uint32_t length) noexcept nogil:
    """Step into an item of a sequence."""
    cdef Level *level
    cdef const uint8_t *first = file + self.at + 8
    cdef bint empty = length == 0
    if self.depth == DEEPEST:
        return IRREGULAR
    if length != UNDEFINED and (length & 1 or self.at + 8 + length > self.size):
        return IRREGULAR
    if length == UNDEFINED:
        if self.at + 16 > self.size:
            return IRREGULAR
        empty = tag_at(first) == END_OF_ITEM
    level = &self.levels[self.depth]
    level.kind = ITEM
    level.bare = False
    level.implicit = sequence.implicit or sequence.bare
    level.end = -1 if length == UNDEFINED else self.at + 8 + length
    # pydicom tells by the first element of an item whether its elements have a VR.
    if not empty and not sequence.implicit:
        if self.at + 16 > self.size:
            return IRREGULAR
        if level.implicit == (is_capital(first[4]) and is_capital(first[5])):
            return IRREGULAR
    self.depth += 1
    self.at += 8
    return WHOLE


cdef int nested(Walk self, const uint8_t *file, int64_t end, const Level *level,
                uint32_t tag) noexcept nogil:
    """Walk over an element of an item."""
    cdef const uint8_t *at = file + self.at
    cdef uint32_t length = 0
    cdef int vr = 0, head
    head = read_head(self, at, end, level.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if tag == CHARACTER_SET:  # pydicom warns of one that it does not know
        return IRREGULAR
    if length == UNDEFINED:
        return enter(self, file, end, tag, vr, head, level.implicit,
                     not level.implicit and tag == PIXEL_DATA and (vr == OB or vr == OW))
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    self.at += head + length
    return WHOLE
