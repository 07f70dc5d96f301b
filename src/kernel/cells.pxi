# Stored cells as numbers: byte order, packed bits, mask, shift and sign.

cdef inline void swap_words(const word_t *words, word_t *swapped, Py_ssize_t n) noexcept nogil:
    """The words in the other byte order."""
    cdef Py_ssize_t i
    cdef word_t w
    for i in range(n):
        w = words[i]
        if word_t is u16:
            swapped[i] = <u16> ((w << 8) | (w >> 8))
        elif word_t is u32:
            swapped[i] = (w << 24) | ((w & 0xFF00) << 8) | ((w >> 8) & 0xFF00) | (w >> 24)
        else:
            w = ((w & 0x00FF00FF00FF00FFULL) << 8) | ((w >> 8) & 0x00FF00FF00FF00FFULL)
            w = ((w & 0x0000FFFF0000FFFFULL) << 16) | ((w >> 16) & 0x0000FFFF0000FFFFULL)
            swapped[i] = (w << 32) | (w >> 32)


cdef inline void unpack_bits(
    const uint8_t *packed, Py_ssize_t start, uint8_t *cells, Py_ssize_t n
) noexcept nogil:
    """The n bits from bit `start` on, one to a byte, the least significant bit of a byte first."""
    cdef Py_ssize_t i, whole = n >> 3
    cdef int phase = start & 7
    cdef const uint8_t *bytes = packed + (start >> 3)
    if phase == 0:
        for i in range(whole):
            memcpy(cells + 8 * i, FASTPIX_BITS[bytes[i]], 8)
    else:
        for i in range(whole):  # the last of these eight bits lies in the next byte
            memcpy(
                cells + 8 * i,
                FASTPIX_BITS[((bytes[i] >> phase) | (bytes[i + 1] << (8 - phase))) & 255],
                8,
            )
    for i in range(8 * whole, n):
        cells[i] = (packed[(start + i) >> 3] >> ((start + i) & 7)) & 1


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
