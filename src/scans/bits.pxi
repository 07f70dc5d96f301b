# The bits of entropy-coded data (T.81 F.1.2.3): stuffed zeros left out, zeros beyond its end.

cdef extern from "platform.h":
    uint64_t big_endian_64 "fastpix_big_endian_64"(const uint8_t *at) nogil

cdef enum:
    RST0 = 0xD0
    SOS = 0xDA
    ENOUGH = 32  # bits of a code and what follows it, at most

cdef struct Reader:
    const uint8_t *first
    const uint8_t *at  # the next byte to be taken
    const uint8_t *end
    uint64_t bits  # the next bit is the highest
    int left  # bits of it that were taken from the data, or are made up
    int64_t made_up  # zeros behind the end of the data
    bint ended  # at a marker, or where there are no more bytes


cdef inline void start(Reader *reader, const uint8_t *at) noexcept nogil:
    """Begin to read at a byte."""
    reader.at = at
    reader.bits = 0
    reader.left = 0
    reader.made_up = 0
    reader.ended = False


cdef inline void open_reader(Reader *reader, const uint8_t[::1] data, Py_ssize_t at) noexcept nogil:
    reader.first = &data[0] if data.shape[0] else NULL
    reader.end = reader.first + data.shape[0]
    start(reader, reader.first + min(max(at, 0), data.shape[0]))


cdef void fill_by_byte(Reader *reader) noexcept nogil:
    """Take bytes one by one: some are stuffed, or the end is near."""
    cdef const uint8_t *at
    cdef uint64_t byte
    while reader.left <= 56:
        byte = 0
        if not reader.ended:
            at = reader.at
            if at >= reader.end:
                reader.ended = True
            else:
                byte = at[0]
                at += 1
                if byte == 0xFF:
                    while at < reader.end and at[0] == 0xFF:  # fill bytes
                        at += 1
                    if at < reader.end and at[0] == 0:
                        at += 1
                    else:
                        reader.ended = True
                        byte = 0
                if not reader.ended:
                    reader.at = at
        if reader.ended:
            reader.made_up += 8
        reader.bits |= byte << (56 - reader.left)
        reader.left += 8


cdef inline void fill(Reader *reader) noexcept nogil:
    """Have at least 32 bits at hand."""
    cdef uint64_t word
    if reader.left >= ENOUGH:
        return
    if reader.end - reader.at >= 8 and not reader.ended:
        word = big_endian_64(reader.at)
        if not ((~word - <uint64_t>0x0101010101010101) & word & <uint64_t>0x8080808080808080):
            reader.bits |= word >> reader.left
            reader.at += (63 - reader.left) >> 3
            reader.left |= 56
            return
    fill_by_byte(reader)


cdef inline uint32_t take(Reader *reader, int count) noexcept nogil:
    """Take 1 to 16 bits; they are at hand."""
    cdef uint32_t taken = <uint32_t>(reader.bits >> (64 - count))
    reader.bits <<= count
    reader.left -= count
    return taken


cdef inline bint is_beyond_end(const Reader *reader) noexcept nogil:
    """Whether bits were taken that are not in the data."""
    return reader.left < reader.made_up


cdef int next_marker(Reader *reader) noexcept nogil:
    """Go to the next marker, and return it; 0: there is none."""
    cdef const uint8_t *at = reader.at
    reader.ended = True
    while reader.end - at >= 2:
        if at[0] == 0xFF and at[1] != 0 and at[1] != 0xFF:
            reader.at = at
            return at[1]
        at += 1
    reader.at = reader.end
    return 0
