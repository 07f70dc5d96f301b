# Blocks of sequential DCT (T.81 F.2.2) and differences of lossless JPEG (T.81 H.2).

cdef inline void pass_difference(Reader *reader, const Table *table) noexcept nogil:
    """Pass a DC difference, or one of lossless JPEG (a category of 16 has no bits behind it)."""
    drop(reader, next_code(reader, table).total)


cdef inline void pass_block(Reader *reader, const Table *dc, const Table *ac) noexcept nogil:
    """Pass a block; the bits are held apart from the reader, in registers."""
    cdef Code code
    cdef int left, k = 1
    cdef uint64_t bits
    pass_difference(reader, dc)
    bits, left = reader.bits, reader.left
    while k < 64:
        if left < ENOUGH:
            reader.bits, reader.left = bits, left
            fill(reader)
            bits, left = reader.bits, reader.left
        code = ac.quick[bits >> (64 - QUICK)]
        if code.length == 0:
            code = long_code(ac, bits)
        if k + code.ahead >= 64:  # the code behind it is of another block
            bits <<= code.total
            left -= code.total
            break
        bits <<= code.pair_total
        left -= code.pair_total
        k += code.pair_ahead
    reader.bits, reader.left = bits, left
