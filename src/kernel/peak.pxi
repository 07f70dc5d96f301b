# The maximum of the modality values.

cdef inline cell_t highest_shifted(
    const cell_t *cells, Py_ssize_t n, bint lowest, int left, int right
) noexcept nogil:
    cdef cell_t x, best = shifted(cells[0], left, right)
    cdef Py_ssize_t i
    if lowest:
        for i in range(n):
            x = shifted(cells[i], left, right)
            best = x if x < best else best
    else:
        for i in range(n):
            x = shifted(cells[i], left, right)
            best = x if x > best else best
    return best


cdef double highest(const cell_t *cells, Py_ssize_t n, bint lowest, const Job *job) noexcept nogil:
    """The highest stored value, or the lowest."""
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef cell_t x, best = shifted(cells[0], job.left, job.right)
    cdef Py_ssize_t i
    if job.left != job.right:
        best = highest_shifted(cells, n, lowest, job.left, job.right)
    elif lowest:
        for i in range(n):
            x = masked(cells[i], mask, sign)
            best = x if x < best else best
    else:
        for i in range(n):
            x = masked(cells[i], mask, sign)
            best = x if x > best else best
    return <double> best


cdef double highest_kept(
    const small_cell_t *cells, Py_ssize_t n, bint lowest, const Job *job
) noexcept nogil:
    """As `highest`, without padding; infinite where all is padding."""
    cdef int left = job.left, right = job.right
    cdef int first = <int> job.pad_first, last = <int> job.pad_last, x
    cdef int none = 65536 if lowest else -65536, best = none
    cdef Py_ssize_t i
    if lowest:
        for i in range(n):
            x = <int> shifted(cells[i], left, right)
            x = none if (x >= first) & (x <= last) else x
            best = x if x < best else best
    else:
        for i in range(n):
            x = <int> shifted(cells[i], left, right)
            x = none if (x >= first) & (x <= last) else x
            best = x if x > best else best
    if best == none:
        return INFINITY if lowest else -INFINITY
    return <double> best


cdef bint peak_of_integers(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job, double *peak
) noexcept nogil:
    """Rounded multiplication and addition keep the order: the peak is the highest stored value's,
    or the lowest's where the slope is negative or the values are mirrored. Whether there is any."""
    cdef Block scratch
    cdef const void *source
    cdef Highest find = job.highest_kept if job.padded else job.highest
    cdef bint lowest = (job.slope < 0) != job.mirrored
    cdef double best = INFINITY if lowest else -INFINITY, x
    cdef Py_ssize_t start = 0, n, step = total
    if job.swap or job.packed or job.planes != NULL:
        step = block_cells(job)
    while start < total:
        n = min(step, total - start)
        source = block(cells, skip + start, n, <uint8_t *> scratch.values, job)
        x = find(source, n, lowest, job)
        best = min(best, x) if lowest else max(best, x)
        start += n
    if fabs(best) == INFINITY:
        return False
    if job.mirrored:
        best = job.mirror - best
    peak[0] = best * job.slope + job.intercept
    return True


cdef bint peak_of_table(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, Job *job, double *peak
) noexcept nogil:
    """The peak of the values of those cells that occur, by the steps; whether there is any."""
    cdef Block scratch, stored, modal
    cdef u16 places[BLOCK]
    cdef uint8_t seen[65536]
    cdef double *v = stored.values
    cdef double *y = modal.values
    cdef Py_ssize_t start = 0, n, i, count = job.last + 1, step = block_cells(job)
    cdef bint found = False
    memset(seen, 0, count)
    while start < total:
        n = min(step, total - start)
        job.places(block(cells, skip + start, n, <uint8_t *> scratch.values, job), places, n, job)
        for i in range(n):
            seen[places[i]] = 1
        start += n
    start = 0
    peak[0] = -INFINITY
    while start < count:
        n = min(<Py_ssize_t> BLOCK, count - start)
        for i in range(n):
            v[i] = <double> (job.low + start + i)
        modality(v, y, n, job)
        for i in range(n):
            if not seen[start + i] or y[i] != y[i]:
                continue
            if job.padded and v[i] >= job.pad_first and v[i] <= job.pad_last:
                continue
            found = True
            peak[0] = max(peak[0], y[i])
        start += n
    return found


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


cdef bint peak_of(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, Job *job, double *peak
) noexcept nogil:
    """By the cheapest way."""
    cdef Py_ssize_t values
    if job.cell == F32 or job.cell == F64:
        return peak_of_values(cells, skip, total, job, peak)
    if job.table == NULL and (not job.padded or width_of(job) <= 2):
        return peak_of_integers(cells, skip, total, job, peak)
    values = stored_values(job)
    if values == 0 or values > total or width_of(job) > 2:
        return peak_of_values(cells, skip, total, job, peak)
    job.places = PLACES[<int> job.cell]
    return peak_of_table(cells, skip, total, job, peak)
