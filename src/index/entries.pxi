# Entries: what has been taken out of elements, in memory that grows.
#
# An entry is tag, VR and length (10 bytes), and a value. The value of a sequence is its items: each
# is ITEM_TAG, its length (8 bytes together), and entries.

cdef struct Entries:
    uint8_t *bytes
    int64_t size, room


cdef bint make_room(Entries *entries, int64_t more) noexcept nogil:
    """Make room for `more` bytes; False if there is no memory."""
    cdef int64_t room = entries.room
    cdef uint8_t *bytes
    if entries.size + more <= room:
        return True
    room = 2 * room if 2 * room >= entries.size + more else entries.size + more
    if room < SMALLEST_ROOM:
        room = SMALLEST_ROOM
    bytes = <uint8_t *>realloc(entries.bytes, room)
    if bytes == NULL:
        return False
    entries.bytes, entries.room = bytes, room
    return True


cdef bint add(Entries *entries, uint32_t tag, int vr, const uint8_t *value, uint32_t length,
              uint32_t size) noexcept nogil:
    """Add an element of `length` bytes, `size` of which are kept; False if there is no memory."""
    cdef uint8_t *at
    if not make_room(entries, 10 + <int64_t>size):
        return False
    at = entries.bytes + entries.size
    memcpy(at, &tag, 4)
    at[4], at[5] = vr >> 8 & 0xFF, vr & 0xFF
    memcpy(at + 6, &length, 4)
    if size:
        memcpy(at + 10, value, size)
    entries.size += 10 + size
    return True


cdef bint add_item(Entries *entries) noexcept nogil:
    """Add the head of an item, whose length is not known yet; False if there is no memory."""
    cdef uint32_t tag = ITEM_TAG, length = 0
    if not make_room(entries, 8):
        return False
    memcpy(entries.bytes + entries.size, &tag, 4)
    memcpy(entries.bytes + entries.size + 4, &length, 4)
    entries.size += 8
    return True


cdef void end_at(Entries *entries, int64_t value) noexcept nogil:
    """Write the length of a sequence or item whose value begins at `value`: it ends here."""
    cdef uint32_t length = <uint32_t>(entries.size - value)
    memcpy(entries.bytes + value - 4, &length, 4)


cdef struct Runs:  # of frames whose entries are the same
    Entries entries  # of each run, one after the other
    Entries ends  # of each run: where its entries end, and how many frames have come by then
    int64_t frames


cdef bint end_frame(Runs *runs, int64_t start) noexcept nogil:
    """End the entries of a frame, which begin at `start`; False if there is no memory."""
    cdef int64_t size = runs.entries.size - start, before = 0
    cdef int64_t pair[2]
    runs.frames += 1
    if runs.ends.size:
        if runs.ends.size > 16:
            memcpy(&before, runs.ends.bytes + runs.ends.size - 32, 8)
        if start - before == size and (size == 0 or memcmp(
                runs.entries.bytes + before, runs.entries.bytes + start, size) == 0):
            runs.entries.size = start
            memcpy(runs.ends.bytes + runs.ends.size - 8, &runs.frames, 8)
            return True
    pair[0], pair[1] = runs.entries.size, runs.frames
    if not make_room(&runs.ends, 16):
        return False
    memcpy(runs.ends.bytes + runs.ends.size, pair, 16)
    runs.ends.size += 16
    return True


cdef bytes bytes_of(const Entries *entries):
    return PyBytes_FromStringAndSize(<char *>entries.bytes, entries.size)


def entries_of(bytes entries not None):
    """Return the elements of `Walk.pixel_entries`: tags, VRs, lengths and values."""
    cdef const uint8_t *at = entries
    cdef Py_ssize_t place = 0, size = len(entries)
    cdef uint32_t length, kept, tag
    found = []
    while place + 10 <= size:
        length = u32(at + place + 6)
        tag = u32(at + place)
        vr = entries[place + 4 : place + 6]
        kept = 0 if is_pixel_data(tag) else length
        found.append((tag, vr, length, entries[place + 10 : place + 10 + kept]))
        place += 10 + kept
    return found


def items_of(bytes value not None):
    """Return the entries of each item of a sequence, whose value `entries_of` gave."""
    cdef const uint8_t *at = value
    cdef Py_ssize_t place = 0, size = len(value)
    cdef uint32_t length
    found = []
    while place + 8 <= size:
        length = u32(at + place + 4)
        found.append(value[place + 8 : place + 8 + length])
        place += 8 + length
    return found


def column_of(bytes entries not None, const int64_t[::1] ends not None, uint32_t sequence,
              uint32_t tag):
    """Return the value of an element in the only item of a sequence, for each run of frames.

    Parameters
    ----------
    entries : bytes
        Of all runs.
    ends : memoryview
        Where the entries of each run end.
    sequence, tag : int

    Returns
    -------
    list of (bytes or None), or None
        None in the list: the run has no such sequence, or its item no such element. None in place
        of the list: the sequence of a run has no item, or several.
    """
    cdef const uint8_t *at = entries
    cdef int64_t place = 0, value, end
    cdef Py_ssize_t k
    found = []
    for k in range(ends.shape[0]):
        end = ends[k]
        value = entry_at(at, place, end, sequence)
        if value >= 0:
            end = value + u32(at + value - 4)
            if end - value < 8 or u32(at + value + 4) != end - value - 8:
                return None
            value = entry_at(at, value + 8, end, tag)
        found.append(None if value < 0 else entries[value : value + u32(at + value - 4)])
        place = ends[k]
    return found


def decimals_of(list column not None):
    """Return Decimal Strings as float64, a -0 as 0.

    Parameters
    ----------
    column : list of (bytes or None)
        What `column_of` gives.

    Returns
    -------
    array.array or None
        None where a value is missing or empty, several, not of the grammar (PS3.5 6.2), not finite,
        or smaller than float64 can hold.
    """
    cdef Py_ssize_t k, size = len(column)
    found = array("d", bytes(8 * size))
    cdef double[::1] numbers = found
    cdef bytes value
    for k in range(size):
        if column[k] is None:
            return None
        value = column[k]
        if not decimal_at(PyBytes_AsString(value), len(value), &numbers[k]):
            return None
    return found


cdef bint decimal_at(const char *text, Py_ssize_t size, double *number) except -1:
    """Read a number in spaces and NULs; False if it is none, or cannot be told from 0."""
    cdef char copy[LONGEST_NUMBER + 1]
    cdef Py_ssize_t start = 0, k, digits = 0
    cdef bint has_value = False
    while size > 0 and (text[size - 1] == 0x20 or text[size - 1] == 0):
        size -= 1
    while start < size and (text[start] == 0x20 or text[start] == 0):
        start += 1
    size -= start
    if not 0 < size <= LONGEST_NUMBER:
        return False
    memcpy(copy, text + start, size)
    copy[size] = 0
    k = 1 if copy[0] == 0x2B or copy[0] == 0x2D else 0
    k, digits = after_digits(copy, k), after_digits(copy, k) - k
    if copy[k] == 0x2E:
        digits += after_digits(copy, k + 1) - k - 1
        k = after_digits(copy, k + 1)
    if not digits:
        return False
    for start in range(k):
        has_value |= 0x31 <= copy[start] <= 0x39
    if copy[k] == 0x65 or copy[k] == 0x45:  # e E
        k += 2 if copy[k + 1] == 0x2B or copy[k + 1] == 0x2D else 1
        if after_digits(copy, k) == k:
            return False
        k = after_digits(copy, k)
    if k != size:
        return False
    number[0] = PyOS_string_to_double(copy, NULL, NULL) + 0.0
    return isfinite(number[0]) and (number[0] != 0 or not has_value)


cdef Py_ssize_t after_digits(const char *text, Py_ssize_t k) noexcept:
    """Return where the digits from `k` on end, in text that ends with a NUL."""
    while 0x30 <= text[k] <= 0x39:
        k += 1
    return k


cdef int64_t entry_at(const uint8_t *entries, int64_t place, int64_t end, uint32_t tag) noexcept:
    """Return where the value of an entry between `place` and `end` begins; -1: there is none."""
    while place + 10 <= end:
        if u32(entries + place) == tag:
            return place + 10
        place += 10 + <int64_t>u32(entries + place + 6)
    return -1


def tags_of(bytes entries not None):
    """Return the tags at the top of entries."""
    cdef const uint8_t *at = entries
    cdef int64_t place = 0, size = len(entries)
    found = set()
    while place + 10 <= size:
        found.add(u32(at + place))
        place += 10 + <int64_t>u32(at + place + 6)
    return found
