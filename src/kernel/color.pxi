# Colour: the samples of each pixel side by side, and YBR_FULL to RGB.

cdef enum Layout:
    INTERLEAVED, PLANAR, SUBSAMPLED, INDEXED


cdef Layout layout_of(str name):
    if name == "interleaved":
        return INTERLEAVED
    if name == "planar":
        return PLANAR
    return SUBSAMPLED if name == "subsampled" else INDEXED


cdef void planes_to_pixels(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n, Py_ssize_t pixels,
    uint8_t *scratch, double *v, double *samples, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i, c
    for c in range(3):
        job.load(block(cells, c * pixels + start, n, scratch, job), v, n, job)
        for i in range(n):
            samples[3 * i + c] = v[i]


cdef void pairs_to_pixels(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n,
    uint8_t *scratch, double *v, double *samples, const Job *job
) noexcept nogil:
    """Y1 Y2 Cb Cr to Y1 Cb Cr, Y2 Cb Cr; start and n are even."""
    cdef Py_ssize_t i
    job.load(block(cells, 2 * start, 2 * n, scratch, job), v, 2 * n, job)
    for i in range(n):
        samples[3 * i] = v[4 * (i >> 1) + (i & 1)]
        samples[3 * i + 1] = v[4 * (i >> 1) + 2]
        samples[3 * i + 2] = v[4 * (i >> 1) + 3]


cdef void indices_to_pixels(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n,
    uint8_t *scratch, double *v, double *samples, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i, k, last = job.entries - 1
    cdef double x
    job.load(block(cells, start, n, scratch, job), v, n, job)
    for i in range(n):
        x = v[i] - job.first
        k = 3 * (0 if x < 0 else (last if x > last else <Py_ssize_t> x))
        samples[3 * i] = job.table[k]
        samples[3 * i + 1] = job.table[k + 1]
        samples[3 * i + 2] = job.table[k + 2]


cdef inline double ratio(double numerator, double denominator, double top) noexcept nogil:
    """The quotient of two integers, rounded half up and clipped. Exact: below 2**53, a quotient
    that is no integer is further from one than its rounding error."""
    cdef double x = floor((numerator + denominator / 2) / denominator)
    x = 0.0 if x < 0.0 else x
    return top if x > top else x


cdef void ybr_to_rgb(double *samples, Py_ssize_t n, double half, double top) noexcept nogil:
    """YBR_FULL to RGB: PS3.3 C.7.6.3.1.2 solved for R, G and B, in integers."""
    cdef double y, cb, cr
    cdef Py_ssize_t i
    for i in range(n):
        y = samples[3 * i]
        cb = samples[3 * i + 1] - half
        cr = samples[3 * i + 2] - half
        samples[3 * i] = ratio(1000 * y + 1402 * cr, 1000, top)
        samples[3 * i + 1] = ratio(587000 * y - 202008 * cb - 419198 * cr, 587000, top)
        samples[3 * i + 2] = ratio(1000 * y + 1772 * cb, 1000, top)


cdef inline Py_ssize_t color_head(
    const void *out, Py_ssize_t itemsize, Py_ssize_t pixels, Layout layout, const Job *job
) noexcept nogil:
    """Pixels to write before the output reaches a cache line: see `head_of`."""
    if job.packed and job.planes != NULL:
        return 0  # such bits come in bytes
    return head_of(out, itemsize, 6 if layout == SUBSAMPLED else 3, 3 * pixels) // 3


cdef int unchanged_width(const Job *job, bint ybr) noexcept nogil:
    """Bytes of a cell that is a sample as it stands, in an output as wide; 0: it is not."""
    if job.planes != NULL or job.packed or job.swap or job.left or job.right:
        return 0
    if job.cell == U8 and job.out == OUT_U8:
        return 1
    if ybr:
        return 0
    if job.cell == I8 and job.out == OUT_I8:
        return 1
    if job.cell == U16 and job.out == OUT_U16 or job.cell == I16 and job.out == OUT_I16:
        return 2
    if job.cell == U32 and job.out == OUT_U32 or job.cell == I32 and job.out == OUT_I32:
        return 4
    return 0


cdef Py_ssize_t run_color(
    const uint8_t *cells, Py_ssize_t skip, void *out, Py_ssize_t pixels, Py_ssize_t itemsize,
    Layout layout, bint ybr, double half, double top, const Job *job
) noexcept nogil:
    cdef Block scratch, stored
    cdef Block rgb[3]
    cdef double *v = stored.values
    cdef double *samples = <double *> rgb
    cdef uint8_t *room = <uint8_t *> scratch.values
    cdef Py_ssize_t start = 0, n, bad, step = BLOCK
    cdef Py_ssize_t head
    cdef int width = 0 if layout == INDEXED or skip else unchanged_width(job, ybr)
    if width:
        color_integers(
            cells, <uint8_t *> out, pixels, width, layout == PLANAR, layout == SUBSAMPLED, ybr
        )
        return -1
    head = color_head(out, itemsize, pixels, layout, job)
    if layout == INTERLEAVED:
        step = BLOCK // (3 * LINE) * LINE
    elif layout == SUBSAMPLED:
        step = BLOCK // 2
    while start < pixels:
        n = head if start < head else min(step, pixels - start)
        if layout == INTERLEAVED:
            job.load(block(cells, skip + 3 * start, 3 * n, room, job), samples, 3 * n, job)
        elif layout == PLANAR:
            planes_to_pixels(cells, start, n, pixels, room, v, samples, job)
        elif layout == SUBSAMPLED:
            pairs_to_pixels(cells, start, n, room, v, samples, job)
        else:
            indices_to_pixels(cells, skip + start, n, room, v, samples, job)
        if ybr:
            ybr_to_rgb(samples, n, half, top)
        bad = job.store(samples, <uint8_t *> out + 3 * start * itemsize, 3 * n)
        if bad >= 0:
            return 3 * start + bad
        start += n
    return -1
