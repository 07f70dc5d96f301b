# The maximum of the modality values.

cdef double highest(const cell_t *cells, Py_ssize_t n, bint lowest, const Job *job) noexcept nogil:
    """The highest stored value, or the lowest."""
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    cdef cell_t x, best = shifted(cells[0], left, right)
    cdef Py_ssize_t i
    if left != right:
        for i in range(n):
            x = shifted(cells[i], left, right)
            best = x if (x < best) == lowest else best
    elif lowest:
        for i in range(n):
            x = masked(cells[i], mask, sign)
            best = x if x < best else best
    else:
        for i in range(n):
            x = masked(cells[i], mask, sign)
            best = x if x > best else best
    return <double> best


cdef double peak_of_integers(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job
) noexcept nogil:
    """Rounded multiplication and addition keep the order: the peak is the highest stored value's,
    or the lowest's where the slope is negative or the values are mirrored."""
    cdef Block scratch
    cdef const void *source
    cdef bint lowest = (job.slope < 0) != job.mirrored
    cdef double best = INFINITY if lowest else -INFINITY, x
    cdef Py_ssize_t start = 0, n, step = total
    if job.swap or job.packed or job.planes != NULL:
        step = block_cells(job)
    while start < total:
        n = min(step, total - start)
        source = block(cells, skip + start, n, <uint8_t *> scratch.values, job)
        x = job.highest(source, n, lowest, job)
        best = min(best, x) if lowest else max(best, x)
        start += n
    if job.mirrored:
        best = job.mirror - best
    return best * job.slope + job.intercept


cdef bint peak_of_values(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job, double *peak
) noexcept nogil:
    """The peak by the steps, NaN and padding left out; whether there was any value."""
    cdef Block scratch, stored, modal
    cdef double *v = stored.values
    cdef double *y = modal.values
    cdef double best[8]  # as many running maxima, so that the loop vectorizes
    cdef Py_ssize_t start = 0, n, i, k, step = block_cells(job)
    cdef bint found = False
    for k in range(8):
        best[k] = -INFINITY
    while start < total:
        n = min(step, total - start)
        job.load(block(cells, skip + start, n, <uint8_t *> scratch.values, job), v, n, job)
        modality(v, y, n, job)
        if job.padded:
            for i in range(n):
                y[i] = NAN if (v[i] >= job.pad_first) & (v[i] <= job.pad_last) else y[i]
        for i in range(n):
            found |= y[i] == y[i]
        for i in range(n, (n + 7) & ~7):  # BLOCK is a multiple of 8
            y[i] = -INFINITY
        for i in range(0, n, 8):
            for k in range(8):
                best[k] = y[i + k] if y[i + k] > best[k] else best[k]
        start += n
    peak[0] = -INFINITY
    for k in range(8):
        peak[0] = best[k] if best[k] > peak[0] else peak[0]
    return found
