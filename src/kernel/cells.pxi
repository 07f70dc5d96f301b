# Stored cells as numbers: byte order, packed bits, mask, shift and sign.

cdef inline void swap_words(word_t *words, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef word_t w
    for i in range(n):
        w = words[i]
        if word_t is u16:
            words[i] = <u16> ((w << 8) | (w >> 8))
        elif word_t is u32:
            words[i] = (w << 24) | ((w & 0xFF00) << 8) | ((w >> 8) & 0xFF00) | (w >> 24)
        else:
            w = ((w & 0x00FF00FF00FF00FFULL) << 8) | ((w >> 8) & 0x00FF00FF00FF00FFULL)
            w = ((w & 0x0000FFFF0000FFFFULL) << 16) | ((w >> 16) & 0x0000FFFF0000FFFFULL)
            words[i] = (w << 32) | (w >> 32)


cdef inline void unpack_bits(
    const uint8_t *packed, Py_ssize_t start, uint8_t *cells, Py_ssize_t n
) noexcept nogil:
    """The n bits from bit `start` on, one to a byte, the least significant bit of a byte first."""
    cdef Py_ssize_t i = 0, byte = start >> 3
    cdef int phase = start & 7
    if phase == 0:
        while i + 8 <= n:
            fastpix_unpack8(cells + i, packed[byte])
            i += 8
            byte += 1
    else:
        while i + 8 <= n:  # the last of these eight bits lies in the next byte
            fastpix_unpack8(cells + i, (packed[byte] >> phase) | (packed[byte + 1] << (8 - phase)))
            i += 8
            byte += 1
    while i < n:
        cells[i] = (packed[(start + i) >> 3] >> ((start + i) & 7)) & 1
        i += 1


cdef inline cell_t masked(cell_t cell, uint32_t mask, uint32_t sign) noexcept nogil:
    """Mask and sign of a cell whose lowest stored bit is bit 0: (u ^ s) - s, which may wrap."""
    return <cell_t> (((<uint32_t> cell & mask) ^ sign) - sign)


cdef inline cell_t shifted(cell_t cell, int left, int right) noexcept nogil:
    """Mask and sign of any cell: shifted up until the garbage above is gone, then down again."""
    return (<cell_t> (<uint32_t> cell << left)) >> right


cdef void to_doubles(const cell_t *cells, double *out, Py_ssize_t n, const Job *job) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    if left == right:
        for i in range(n):
            out[i] = <double> masked(cells[i], mask, sign)
    else:
        for i in range(n):
            out[i] = <double> shifted(cells[i], left, right)


cdef void floats_to_doubles(
    const float_cell_t *cells, double *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = <double> cells[i]
