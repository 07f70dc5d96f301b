# A value for each stored value, worked out once a job by the steps, and looked up for each cell.
#
# For cells of up to 16 bits, where no route does the job in a few instructions and the image has
# more pixels than there are stored values. A job with a value that the output cannot hold takes the
# steps, which say where the first one is.

cdef void look_up(const u16 *places, const item_t *values, item_t *out,
                  Py_ssize_t n) noexcept nogil:
    """Four at a time: no compiler gathers them into vectors then, which takes twice as long."""
    cdef Py_ssize_t i, whole = n & ~3
    cdef item_t a, b, c, d
    for i in range(0, whole, 4):
        a, b = values[places[i]], values[places[i + 1]]
        c, d = values[places[i + 2]], values[places[i + 3]]
        out[i], out[i + 1], out[i + 2], out[i + 3] = a, b, c, d
    for i in range(whole, n):
        out[i] = values[places[i]]


cdef void places_of(
    const small_cell_t *cells, u16 *places, Py_ssize_t n, const Job *job
) noexcept nogil:
    """Where the values of cells stand in the job's table: v - low, clipped to 0..last."""
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right, low = job.low, last = job.last, k
    if left == right:
        for i in range(n):
            k = <int> masked(cells[i], mask, sign) - low
            k = 0 if k < 0 else k
            places[i] = <u16> (last if k > last else k)
    else:
        for i in range(n):
            k = <int> shifted(cells[i], left, right) - low
            k = 0 if k < 0 else k
            places[i] = <u16> (last if k > last else k)


cdef bint look_up_cells(
    const void *cells, void *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    """The route LOOKUP, for at most BLOCK cells."""
    cdef u16 places[BLOCK]
    job.places(cells, places, n, job)
    if job.itemsize == 1:
        look_up(places, <const u8 *> job.values, <u8 *> out, n)
    elif job.itemsize == 2:
        look_up(places, <const u16 *> job.values, <u16 *> out, n)
    elif job.itemsize == 4:
        look_up(places, <const u32 *> job.values, <u32 *> out, n)
    else:
        look_up(places, <const u64 *> job.values, <u64 *> out, n)
    return False


cdef Py_ssize_t stored_values(Job *job) noexcept nogil:
    """How many stored values have a value of their own, from `job.low` on; 0: too many."""
    cdef double low = 0.0, high
    if job.cell == F32 or job.cell == F64 or job.bits > 16:
        return 0
    high = <double> (<uint64_t> 1 << job.bits) - 1.0
    if job.is_signed:
        low = -<double> (<uint64_t> 1 << (job.bits - 1))
        high = -low - 1.0
    if job.table != NULL and not job.padded:  # all below the table have its first entry
        low = min(max(low, job.first), high)
        high = max(min(high, job.first + <double> job.entries - 1.0), low)
    job.low = <int> low
    job.last = <int> (high - low)
    return job.last + 1


cdef void tabulate(Job *job, Py_ssize_t total) noexcept nogil:
    """Take the route LOOKUP where `total` cells gain by it. `job.values` is to be freed."""
    cdef Block stored, modal
    cdef double *v = stored.values
    cdef Py_ssize_t start = 0, n, i, count
    if job.route != GENERAL or width_of(job) > 2:
        return
    count = stored_values(job)
    if count == 0 or 2 * count > total:
        return
    if job.table == NULL and (count > FEW or 8 * count > total):
        return  # the steps are less than twice as slow, and need no cache for values
    job.values = malloc(count * job.itemsize)
    if job.values == NULL:
        return
    while start < count:
        n = min(<Py_ssize_t> BLOCK, count - start)
        for i in range(n):
            v[i] = <double> (job.low + start + i)
        if steps_of(v, modal.values, <uint8_t *> job.values + start * job.itemsize, n, job) >= 0:
            return
        start += n
    job.places = PLACES[<int> job.cell]
    job.convert = look_up_cells
    job.route = LOOKUP


# --- palettes ---------------------------------------------------------------------------------

cdef inline void copy_colors(
    const u16 *places, const uint8_t *values, uint8_t *out, Py_ssize_t n, Py_ssize_t itemsize
) noexcept nogil:
    """Three items a pixel. Four are copied, the last of which the next pixel writes over."""
    cdef Py_ssize_t i
    for i in range(n - 1):
        memcpy(out + 3 * itemsize * i, values + 4 * itemsize * places[i], 4 * itemsize)
    memcpy(out + 3 * itemsize * (n - 1), values + 4 * itemsize * places[n - 1], 3 * itemsize)


cdef void look_up_colors(
    const void *cells, uint8_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    """At most BLOCK pixels; a loop for each size of an item, so that its copy is one move."""
    cdef u16 places[BLOCK]
    cdef const uint8_t *values = <const uint8_t *> job.values
    job.places(cells, places, n, job)
    if job.itemsize == 1:
        copy_colors(places, values, out, n, 1)
    elif job.itemsize == 2:
        copy_colors(places, values, out, n, 2)
    elif job.itemsize == 4:
        copy_colors(places, values, out, n, 4)
    else:
        copy_colors(places, values, out, n, 8)


cdef void tabulate_palette(Job *job, Py_ssize_t total) noexcept nogil:
    """As `tabulate`, with four items for each entry of a palette, whose last one is of no use."""
    cdef Py_ssize_t i, count, first
    cdef uint8_t *values
    if width_of(job) > 2:
        return
    count = stored_values(job)
    if count == 0 or count > total:
        return
    job.values = malloc(4 * count * job.itemsize)
    if job.values == NULL:
        return
    values = <uint8_t *> job.values
    for i in range(count):
        first = <Py_ssize_t> (<double> (job.low + i) - job.first)
        first = 0 if first < 0 else min(first, job.entries - 1)
        if job.store(job.table + 3 * first, values + 4 * i * job.itemsize, 3) >= 0:
            return
    job.places = PLACES[<int> job.cell]
    job.route = LOOKUP
