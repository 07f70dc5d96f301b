# The walk over a buffer, in blocks that stay in the first-level cache.

cdef inline int width_of(const Job *job) noexcept nogil:
    """Bytes of a cell; packed bits come to one each."""
    if job.cell == I16 or job.cell == U16:
        return 2
    if job.cell == F64:
        return 8
    if job.cell == I32 or job.cell == U32 or job.cell == F32:
        return 4
    return 1


cdef inline Py_ssize_t block_cells(const Job *job) noexcept nogil:
    """Cells of a block: whole pixels where RLE segments are joined, and whole cache lines of any
    output."""
    return BLOCK if job.planes == NULL else BLOCK - BLOCK % (LINE * job.planes.samples)


cdef Py_ssize_t head_of(
    const void *out, Py_ssize_t itemsize, Py_ssize_t unit, Py_ssize_t most
) noexcept nogil:
    """Items to write before the output reaches a cache line, in multiples of `unit` items.

    Whole vectors are then stored to whole cache lines; NumPy's arrays start at 16 modulo 64. The
    result is 0 where there is nothing to gain: no multiple of `unit` leads to a cache line, or it
    is not below `most`.
    """
    cdef Py_ssize_t line = LINE // itemsize, k
    cdef Py_ssize_t head = (<Py_ssize_t> (-<uintptr_t> out & (LINE - 1))) // itemsize
    for k in range(unit):
        if head % unit == 0:
            return head if head < most else 0
        head += line
    return 0


cdef inline const void *block(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n, uint8_t *scratch, const Job *job
) noexcept nogil:
    """Where the n cells from `start` on are as machine integers, in `scratch` if need be."""
    cdef int width = width_of(job)
    cdef const uint8_t *source
    if job.planes != NULL:  # blocks are asked for in order
        if job.packed:
            join(job.planes, scratch + BLOCK, (n + 7) >> 3)
            unpack_bits(scratch + BLOCK, 0, scratch, n)
        else:
            join(job.planes, scratch, n // job.planes.samples)
        return scratch
    if job.packed:
        unpack_bits(cells, start, scratch, n)
        return scratch
    if not job.swap or width == 1:
        return cells + start * width
    source = cells + start * width
    if width == 2:
        swap_words(<const u16 *> source, <u16 *> scratch, n)
    elif width == 4:
        swap_words(<const u32 *> source, <u32 *> scratch, n)
    else:
        swap_words(<const u64 *> source, <u64 *> scratch, n)
    return scratch


cdef bint cut_off(const uint8_t *cells, Py_ssize_t total, const Job *job) noexcept nogil:
    """Whether an RLE segment ends before there are `total` cells: walks all of them, from a fresh
    start. For a value that does not fit has ended the first walk, and may be damage itself."""
    cdef Block scratch
    cdef Py_ssize_t start = 0, n, step = block_cells(job)
    while start < total and not job.planes.short_:
        n = min(step, total - start)
        block(cells, start, n, <uint8_t *> scratch.values, job)
        start += n
    return job.planes.short_


cdef Py_ssize_t steps_of(
    double *v, double *y, void *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    """All steps from stored values on; the index of the first value that does not fit, or -1."""
    modality(v, y, n, job)
    if job.inverted:
        invert(y, n, job.peak)
    if job.normalized:
        normalize(y, n, job.lo, job.hi)
    if job.padded:
        pad(v, y, n, job)
    return job.store(y, out, n)


cdef Py_ssize_t step_of(Py_ssize_t total, bint streamed, const Job *job) noexcept nogil:
    """How many cells to take at a time."""
    if job.planes != NULL:
        return block_cells(job)
    if job.packed or job.swap or job.normalized or job.route >= LINEAR_FLOATS:
        return BLOCK
    if streamed:  # as many values as a block has room for
        return BLOCK * <Py_ssize_t> sizeof(double) // job.itemsize
    return total


cdef Py_ssize_t run(
    const uint8_t *cells, Py_ssize_t skip, void *out, Py_ssize_t total, const Job *job
) noexcept nogil:
    cdef Block scratch, stored, modal
    cdef double *v = stored.values
    cdef double *y = modal.values
    cdef Py_ssize_t itemsize = job.itemsize
    # The cheapest route waits for memory, and gains by sparing the cache its output; values that
    # are looked up come one by one, and gain by whole vectors.
    cdef bint looked_up = job.route == LOOKUP
    cdef bint streamed = (
        (job.route == EXACT_FLOAT or looked_up) and total * itemsize >= STREAM_FROM
    )
    cdef Py_ssize_t start = 0, n, bad, step = step_of(total, streamed, job)
    cdef Py_ssize_t unit = 1, head  # packed bits of RLE segments come in bytes
    cdef const void *source
    cdef uint8_t *place
    cdef void *target
    if job.packed and job.planes == NULL and itemsize == 1 and job.route == EXACT_INT:
        if job.a == 1.0 and job.b == 0.0 and not job.is_signed:  # bits that stay as they are
            unpack_bits(cells, skip, <uint8_t *> out, total)
            return -1
    if job.planes != NULL:
        unit = 8 if job.packed else job.planes.samples
    head = head_of(out, itemsize, unit, total)
    while start < total:
        n = head if start < head else min(step, total - start)
        source = block(cells, skip + start, n, <uint8_t *> scratch.values, job)
        place = <uint8_t *> out + start * itemsize
        target = y if streamed or looked_up else <void *> place
        if job.convert == NULL or job.convert(source, target, n, job):
            job.load(source, v, n, job)
            bad = steps_of(v, y, place, n, job)
            if bad >= 0:
                return start + bad
        elif job.route == EXACT_FLOAT and job.normalized:
            normalize(<float *> target, n, <float> job.lo, <float> job.hi)
        if streamed:
            fastpix_stream(place, target, n * itemsize)
        elif looked_up:
            memcpy(place, target, n * itemsize)
        start += n
    if streamed:
        fastpix_stream_end()
    return -1
