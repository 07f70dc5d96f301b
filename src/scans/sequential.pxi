# Blocks of sequential DCT (T.81 F.2.2) and differences of lossless JPEG (T.81 H.2).

cdef inline void pass_difference(Reader *reader, const Table *table) noexcept nogil:
    """Pass a DC difference, or one of lossless JPEG (a category of 16 has no bits behind it)."""
    drop(reader, next_code(reader, table).total)


cdef inline void pass_block(Reader *reader, const Table *dc, const Table *ac) noexcept nogil:
    cdef Code code
    cdef int k = 1
    pass_difference(reader, dc)
    while k < 64:
        code = next_code(reader, ac)
        drop(reader, code.total)
        if code.symbol & 15:
            k += (code.symbol >> 4) + 1
        elif code.symbol == 0xF0:
            k += 16
        else:  # end of block
            return
