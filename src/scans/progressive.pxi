# Blocks of a band of AC coefficients, in progressive JPEG (T.81 G.1.2.2, G.1.2.3).

cdef inline uint32_t run_of(Reader *reader, Code code) noexcept nogil:
    """Take the code of a run of ends of band, and return its length."""
    cdef int size = code.symbol >> 4
    drop(reader, code.length)
    return (<uint32_t>1 << size) + (take(reader, size) if size else 0)


cdef inline void pass_band(Reader *reader, const Table *table, uint64_t *known, int first, int last,
                           uint32_t *run) noexcept nogil:
    cdef Code code
    cdef int k = first
    if run[0]:
        run[0] -= 1
        return
    while k <= last:
        code = next_code(reader, table)
        if code.symbol & 15:
            drop(reader, code.total)
            k += code.symbol >> 4
            known[0] |= <uint64_t>1 << (k & 63)
            k += 1
        elif code.symbol == 0xF0:
            drop(reader, code.total)
            k += 16
        else:
            run[0] = run_of(reader, code) - 1
            return


cdef inline void refine_known(Reader *reader) noexcept nogil:
    """Pass the bit more of a coefficient that is known."""
    fill(reader)
    drop(reader, 1)


cdef void refine_band(Reader *reader, const Table *table, uint64_t *known, int first, int last,
                      uint32_t *run) noexcept nogil:
    cdef Code code
    cdef uint64_t before = known[0]
    cdef int zeros, k = first
    if run[0] == 0:
        while k <= last:
            code = next_code(reader, table)
            zeros = code.symbol >> 4
            if code.symbol & 15:
                drop(reader, code.length + 1)  # the sign of a coefficient that becomes known
            elif code.symbol == 0xF0:
                drop(reader, code.length)
            else:
                run[0] = run_of(reader, code)
                break
            while k <= last:
                if before >> k & 1:
                    refine_known(reader)
                else:
                    zeros -= 1
                    if zeros < 0:
                        break
                k += 1
            if code.symbol & 15 and k <= last:
                known[0] |= <uint64_t>1 << k
            k += 1
    if run[0]:
        while k <= last:
            if before >> k & 1:
                refine_known(reader)
            k += 1
        run[0] -= 1
