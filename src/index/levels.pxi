# Sequences, items and fragments: the levels below the data set (PS3.5 7.5, A.4).

cdef int enter(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
               uint32_t length, bint implicit, bint fragments, const Row *row) noexcept nogil:
    """Step into a sequence or fragments; `row` says what is taken of its items, NULL: nothing."""
    cdef Level *level
    cdef uint32_t first
    if self.depth == DEEPEST:
        return IRREGULAR
    if length == UNDEFINED:
        if self.at + head + 8 > self.size:
            return IRREGULAR
        if self.at + head + 4 > end:
            return more(self, end, head + 4)
        if implicit:
            first = tag_of(self, file + self.at + head)
            if first != ITEM_TAG and first != END_OF_SEQUENCE:
                return IRREGULAR
            if not note_sequence(self, tag, first == ITEM_TAG):
                return IRREGULAR
        elif not fragments and vr != SQ and vr != UN:
            return IRREGULAR
    level = &self.levels[self.depth]
    level.kind = FRAGMENTS if fragments else ITEMS
    level.implicit = implicit
    level.bare = not implicit and vr == UN
    level.end = -1 if length == UNDEFINED else self.at + head + <int64_t>length
    level.place = NOWHERE
    level.is_frame = False
    level.values[0] = level.values[1] = -1
    if row != NULL and not take_sequence(self, level, tag, vr, row):
        return IRREGULAR
    self.depth += 1
    self.at += head
    return WHOLE


cdef bint note_sequence(Walk self, uint32_t tag, bint has_item) noexcept nogil:
    """Keep a tag without VR whose length is undefined: the dictionary says if it is a sequence."""
    cdef int k
    for k in range(self.sequences):
        if self.sequence_tags[k] == tag and self.sequence_items[k] == has_item:
            return True
    if self.sequences == SEQUENCES:
        return False
    self.sequence_tags[self.sequences] = tag
    self.sequence_items[self.sequences] = has_item
    self.sequences += 1
    return True


cdef bint take_sequence(Walk self, Level *level, uint32_t tag, int vr,
                        const Row *row) noexcept nogil:
    """Begin the entry of a sequence; functional groups have one for pixels, one for the rest."""
    cdef int k
    level.place = row.items
    level.is_frame = row.form == FRAMES
    if level.is_frame:
        return add(&self.of_pixels, tag, vr, NULL, 0, 0)
    for k in range(2):
        if row.items != GROUPS and k != (row.purpose > OF_SCALE):
            continue
        if k == 1 and self.only_pixels:
            continue
        if not add(target(self, k), tag, vr, NULL, 0, 0):
            return False
        level.values[k] = target(self, k).size
    return True


cdef Entries *target(Walk self, int k) noexcept nogil:
    """Return where elements are collected that bear on pixels (0), and those that do not (1)."""
    return target_of(self, OF_PIXELS if k == 0 else OF_IDENTITY)


cdef void end_values(Walk self, const Level *level) noexcept nogil:
    """End the entry of a sequence or an item."""
    cdef int k
    for k in range(2):
        if level.values[k] >= 0:
            end_at(target(self, k), level.values[k])


cdef bint leave(Walk self) noexcept nogil:
    """Step out of a level."""
    cdef Level *level
    self.depth -= 1
    level = &self.levels[self.depth]
    if level.kind == ITEM and level.is_frame:
        self.in_frame = False
        return (end_frame(&self.frame_pixels, level.values[0])
                and end_frame(&self.frame_identity, level.values[1]))
    end_values(self, level)
    return True


cdef int in_level(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one item, fragment, delimiter or nested element."""
    cdef Level *level = &self.levels[self.depth - 1]
    cdef uint32_t tag, length = 0
    cdef const uint8_t *at
    if level.end >= 0:
        if self.at == level.end:
            return WHOLE if leave(self) else IRREGULAR
        if self.at > level.end:
            return IRREGULAR
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 20 > end and end < self.size:
        return MORE
    at = file + self.at
    tag, length = tag_of(self, at), word(self, at + 4)
    if level.kind == ITEM:
        if tag >> 16 != GROUP_OF_ITEMS:
            return nested(self, file, end, level, tag)
        if tag != END_OF_ITEM or length != 0 or level.end >= 0:
            return IRREGULAR
        self.at += 8
        return WHOLE if leave(self) else IRREGULAR
    if tag == END_OF_SEQUENCE:
        if length != 0 or level.end >= 0:
            return IRREGULAR
        if level.kind == FRAGMENTS and self.depth == 1:
            self.length = self.at - self.start
        self.at += 8
        return WHOLE if leave(self) else IRREGULAR
    if tag != ITEM_TAG:
        return IRREGULAR
    if level.kind == FRAGMENTS:
        if length == UNDEFINED or self.at + 8 + length > self.size:
            return IRREGULAR
        self.at += 8 + <int64_t>length
        return WHOLE
    return enter_item(self, file, end, level, length)


cdef int enter_item(Walk self, const uint8_t *file, int64_t end, const Level *sequence,
                    uint32_t length) noexcept nogil:
    """Step into an item of a sequence."""
    cdef Level *level
    cdef const uint8_t *first = file + self.at + 8
    cdef bint empty = length == 0
    cdef int k
    if self.depth == DEEPEST:
        return IRREGULAR
    if length != UNDEFINED and (length & 1 or self.at + 8 + length > self.size):
        return IRREGULAR
    if length == UNDEFINED:
        if self.at + 16 > self.size:
            return IRREGULAR
        empty = tag_of(self, first) == END_OF_ITEM
    level = &self.levels[self.depth]
    level.kind = ITEM
    level.bare = False
    level.implicit = sequence.implicit or sequence.bare
    level.end = -1 if length == UNDEFINED else self.at + 8 + <int64_t>length
    level.place = sequence.place
    level.is_frame = sequence.is_frame
    level.values[0] = level.values[1] = -1
    level.last = 0  # a tag of zeros is no element of an item
    # pydicom tells by the first element of an item whether its elements have a VR.
    if not empty and not sequence.implicit:
        if self.at + 16 > self.size:
            return IRREGULAR
        if level.implicit == (is_capital(first[4]) and is_capital(first[5])):
            return IRREGULAR
    if level.place >= 0:
        level.row = _first_rows[level.place]
        if level.is_frame:
            self.in_frame = True
            level.values[0] = self.frame_pixels.entries.size
            level.values[1] = self.frame_identity.entries.size
        else:
            for k in range(2):
                if sequence.values[k] >= 0:
                    if not add_item(target(self, k)):
                        return IRREGULAR
                    level.values[k] = target(self, k).size
    self.depth += 1
    self.at += 8
    return WHOLE


cdef int nested(Walk self, const uint8_t *file, int64_t end, Level *level,
                uint32_t tag) noexcept nogil:
    """Walk over an element of an item."""
    cdef uint32_t length = 0
    cdef int vr = 0, head, result
    cdef const Row *row = NULL
    head = read_head(self, file + self.at, end, level.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if tag == CHARACTER_SET:  # pydicom warns of one that it does not know
        return IRREGULAR
    if level.place >= 0:
        if <int64_t>tag <= level.last:
            return IRREGULAR
        row = row_of(self, tag, &level.row)
    result = element(self, file, end, tag, vr, head, length, level.implicit, row)
    if result == WHOLE:
        level.last = tag
    return result
