# Huffman tables (T.81 C.2, F.2.2.3): what the next bits are, looked up by the first eleven of them.

cdef enum:
    TABLE_BYTES = 272
    QUICK = 11  # bits by which a code is looked up
    NO_CODE_BITS = 17  # that libjpeg takes before it gives up

cdef struct Code:
    uint8_t length  # bits of the code; 0: there is none, or it is longer
    uint8_t total  # bits of the code and of what follows it
    uint8_t symbol
    uint8_t ahead  # coefficients that a code of sequential DCT stands for; 64: to the end of block
    uint8_t pair_total  # the same of it and of the code behind it, where that is looked up as well
    uint8_t pair_ahead

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


cdef inline int coefficients(int symbol) noexcept nogil:
    """Return how many coefficients a code of sequential DCT stands for (T.81 F.2.2.2)."""
    if symbol & 15:
        return (symbol >> 4) + 1
    return 16 if symbol == 0xF0 else 64


cdef void make_pairs(Table *table) noexcept nogil:
    """Put together what two codes say that are within the bits of one look."""
    cdef int bits
    cdef Code *code
    cdef const Code *behind
    for bits in range(1 << QUICK):
        code = &table.quick[bits]
        if code.length and code.ahead < 64 and code.total < QUICK:
            behind = &table.quick[(bits << code.total) & ((1 << QUICK) - 1)]
            if behind.length and behind.length <= QUICK - code.total:
                code.pair_total = code.total + behind.total
                code.pair_ahead = code.ahead + behind.ahead


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
                entry.ahead = coefficients(entry.symbol)
                entry.pair_total, entry.pair_ahead = entry.total, entry.ahead
                start = code << (QUICK - length)
                end = (code + 1) << (QUICK - length)
                while start < end:
                    table.quick[start] = entry
                    start += 1
            code += 1
            k += 1
        table.beyond[length] = code if code > first else 0
        code <<= 1
    make_pairs(table)


def make_tables(bytes sources not None, bint of_bands):
    """Make the tables of a walk.

    Parameters
    ----------
    sources : bytes
        Huffman tables of 272 bytes: how many codes there are of 1 to 16 bits, then their symbols.
    of_bands : bool
        They are of AC coefficients in progressive JPEG, where a run of ends of band is a code.

    Returns
    -------
    bytes
        For the walks, in the machine's own layout.
    """
    cdef Py_ssize_t n, count = len(sources) // TABLE_BYTES
    cdef const uint8_t *source = sources
    cdef bytes made = PyBytes_FromStringAndSize(NULL, count * <Py_ssize_t>sizeof(Table))
    cdef Table *table = <Table *>PyBytes_AsString(made)
    for n in range(count):
        make_table(&table[n], source + n * TABLE_BYTES, of_bands)
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
            found.ahead = coefficients(found.symbol)
            found.pair_total, found.pair_ahead = found.total, found.ahead
            return found
    found.length = found.total = NO_CODE_BITS
    found.symbol = 0
    found.ahead = 64
    found.pair_total = found.total
    found.pair_ahead = found.ahead
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
