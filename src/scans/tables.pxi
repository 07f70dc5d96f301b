# Huffman tables (T.81 C.2, F.2.2.3): what follows in the bits, looked up by the next ten of them.

cdef enum:
    TABLE_BYTES = 272
    QUICK = 10  # bits by which a code is looked up
    NO_CODE_BITS = 17  # that libjpeg takes before it gives up

cdef struct Code:
    uint8_t length  # bits of the code; 0: there is none, or it is longer
    uint8_t total  # bits of the code and of what follows it
    uint8_t symbol

cdef struct Table:
    Code quick[1 << QUICK]
    int64_t beyond[18]  # of each length: what is one more than the highest code
    int32_t place[18]  # of each length: what makes a place among the symbols of a code
    uint8_t symbols[256]
    bint of_bands


cdef inline int extra_bits(int symbol, bint of_bands) noexcept nogil:
    """Return how many bits follow a code: those of a number, or of a run of ends of band."""
    cdef int size = symbol & 15
    if of_bands and size == 0 and symbol != 0xF0:
        return symbol >> 4  # a run of ends of band
    return size


cdef void make_table(Table *table, const uint8_t *source, bint of_bands) noexcept nogil:
    cdef int length, n, k = 0
    cdef int64_t code = 0, first, start, end
    cdef Code entry
    memset(table, 0, sizeof(Table))
    table.of_bands = of_bands
    for n in range(256):
        table.symbols[n] = source[16 + n]
    for length in range(1, 17):
        first = code
        table.place[length] = k - <int32_t>code
        for n in range(source[length - 1]):
            if k >= 256 or code >= (<int64_t>1 << length):
                break
            if length <= QUICK:
                entry.length = length
                entry.symbol = table.symbols[k]
                entry.total = length + extra_bits(entry.symbol, of_bands)
                start = code << (QUICK - length)
                end = (code + 1) << (QUICK - length)
                while start < end:
                    table.quick[start] = entry
                    start += 1
            code += 1
            k += 1
        table.beyond[length] = code if code > first else 0
        code <<= 1


cdef Table *made_tables(bytes sources, bint of_bands) except NULL:
    """Make tables of their sources, 272 bytes each; to be freed."""
    cdef Py_ssize_t n, count = len(sources) // TABLE_BYTES
    cdef const uint8_t *source = sources
    cdef Table *made = <Table *>calloc(max(count, 1), sizeof(Table))
    if made == NULL:
        raise MemoryError
    for n in range(count):
        make_table(&made[n], source + n * TABLE_BYTES, of_bands)
    return made


cdef Code long_code(const Table *table, uint64_t bits) noexcept nogil:
    """Return a code that is longer; symbol 0 where there is no such code, as decoders take it."""
    cdef Code found
    cdef int length
    cdef int64_t code
    for length in range(QUICK + 1, 17):
        code = <int64_t>(bits >> (64 - length))
        if code < table.beyond[length]:
            found.length = length
            found.symbol = table.symbols[(code + table.place[length]) & 255]
            found.total = length + extra_bits(found.symbol, table.of_bands)
            return found
    found.length = found.total = NO_CODE_BITS
    found.symbol = 0
    return found


cdef inline Code next_code(Reader *reader, const Table *table) noexcept nogil:
    """Return the next code, which is still to be taken."""
    cdef Code code
    fill(reader)
    code = table.quick[reader.bits >> (64 - QUICK)]
    if code.length == 0:
        code = long_code(table, reader.bits)
    return code


cdef inline void drop(Reader *reader, int count) noexcept nogil:
    """Take up to 32 bits, whatever they are."""
    reader.bits <<= count
    reader.left -= count
