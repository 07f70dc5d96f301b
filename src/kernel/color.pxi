# Colour: the samples of each pixel side by side.
#
# Samples become items of the output by the route of a gray job, and are then put side by side as
# items; YBR_FULL of 8 bits becomes bytes of RGB first. Jobs without such a route take the steps, in
# doubles. A palette is a table of values (lookup.pxi). What a sample takes on the way to a value
# (shift and table, or slope and intercept) comes after the conversion to RGB.

cdef enum Layout:
    INTERLEAVED, PLANAR, SUBSAMPLED, INDEXED


cdef void take_all_bits(Job *job) noexcept nogil:
    """Undo the shift of cells, of at most 32 bits; `job.shift` stays."""
    cdef int allocated = job.right + job.bits
    set_bits(job, allocated, allocated - 1 - job.left, job.bits + job.shift, job.is_signed)


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


cdef inline Py_ssize_t color_head(
    const void *out, Py_ssize_t itemsize, Py_ssize_t pixels, Layout layout, const Job *job
) noexcept nogil:
    """Pixels to write before the output reaches a cache line: see `head_of`."""
    if job.packed and job.planes != NULL:
        return 0  # such bits come in bytes
    return head_of(out, itemsize, 6 if layout == SUBSAMPLED else 3, 3 * pixels) // 3


cdef bint is_unchanged(const Job *job) noexcept nogil:
    """Whether a cell is a sample as it stands, as wide as an item of the output."""
    if job.packed or job.left or job.right or job.table != NULL:
        return False
    return job.slope == 1.0 and job.intercept == 0.0 and (
        job.cell == I8 and job.out == OUT_I8
        or job.cell == U8 and job.out == OUT_U8
        or job.cell == I16 and job.out == OUT_I16
        or job.cell == U16 and job.out == OUT_U16
        or job.cell == I32 and job.out == OUT_I32
        or job.cell == U32 and job.out == OUT_U32
    )


cdef bint is_byte(const Job *job) noexcept nogil:
    """Whether a cell is an unsigned sample of 8 bits as it stands."""
    return job.cell == U8 and not (job.packed or job.left or job.right)


cdef void choose_color_route(Job *job, bint ybr) noexcept nogil:
    """The route of a gray job, unless samples stay as they are or YBR needs doubles."""
    if ybr:
        if job.shift or not is_byte(job):
            job.route = GENERAL
    elif is_unchanged(job):
        job.route, job.convert = EXACT_INT, NULL


cdef const void *items(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n, uint8_t *room, void *converted,
    const Job *job,
) noexcept nogil:
    """The n samples from `start` on as items of the output, in `converted` if need be."""
    cdef const void *source
    if job.convert == NULL:  # samples that stay as they are
        return block(cells, start, n, <uint8_t *> converted, job)
    source = block(cells, start, n, room, job)
    job.convert(source, converted, n, job)
    return converted


cdef void interleave(
    const item_t *a, const item_t *b, const item_t *c, item_t *out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[3 * i], out[3 * i + 1], out[3 * i + 2] = a[i], b[i], c[i]


cdef void spread(const item_t *pairs, item_t *out, Py_ssize_t n) noexcept nogil:
    """Y1 Y2 Cb Cr to Y1 Cb Cr, Y2 Cb Cr; n is even."""
    cdef Py_ssize_t i
    for i in range(n // 2):
        out[6 * i], out[6 * i + 3] = pairs[4 * i], pairs[4 * i + 1]
        out[6 * i + 1] = out[6 * i + 4] = pairs[4 * i + 2]
        out[6 * i + 2] = out[6 * i + 5] = pairs[4 * i + 3]


cdef void place_planes(
    const void *a, const void *b, const void *c, void *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    if job.itemsize == 1:
        interleave(<const u8 *> a, <const u8 *> b, <const u8 *> c, <u8 *> out, n)
    elif job.itemsize == 2:
        interleave(<const u16 *> a, <const u16 *> b, <const u16 *> c, <u16 *> out, n)
    elif job.itemsize == 4:
        interleave(<const u32 *> a, <const u32 *> b, <const u32 *> c, <u32 *> out, n)
    else:
        interleave(<const u64 *> a, <const u64 *> b, <const u64 *> c, <u64 *> out, n)


cdef void place_pairs(const void *pairs, void *out, Py_ssize_t n, const Job *job) noexcept nogil:
    if job.itemsize == 1:
        spread(<const u8 *> pairs, <u8 *> out, n)
    elif job.itemsize == 2:
        spread(<const u16 *> pairs, <u16 *> out, n)
    elif job.itemsize == 4:
        spread(<const u32 *> pairs, <u32 *> out, n)
    else:
        spread(<const u64 *> pairs, <u64 *> out, n)


cdef void place_pixels(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t start, Py_ssize_t n, Py_ssize_t pixels,
    Layout layout, uint8_t *room, Block *converted, void *out, const Job *job,
) noexcept nogil:
    """The n pixels from `start` on, by the route of a gray job."""
    cdef const void *a
    cdef const void *b
    cdef const void *c
    if layout == INTERLEAVED:
        a = items(cells, skip + 3 * start, 3 * n, room, out, job)
        if a != out:
            memcpy(out, a, 3 * n * job.itemsize)
    elif layout == PLANAR:
        a = items(cells, start, n, room, &converted[0], job)
        b = items(cells, pixels + start, n, room, &converted[1], job)
        c = items(cells, 2 * pixels + start, n, room, &converted[2], job)
        place_planes(a, b, c, out, n, job)
    else:
        a = items(cells, 2 * start, 2 * n, room, converted, job)
        place_pairs(a, out, n, job)


cdef void convert_pixels(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t start, Py_ssize_t n, Py_ssize_t pixels,
    Layout layout, uint8_t *room, uint8_t *rgb, void *out, const Job *job,
) noexcept nogil:
    """The n pixels from `start` on, of YBR_FULL in 8 bits."""
    cdef bint is_done = job.out == OUT_U8 and job.a == 1.0 and job.b == 0.0  # bytes, as they are
    cdef uint8_t *to = <uint8_t *> out if is_done else rgb
    if layout == INTERLEAVED:
        pixels_to_rgb(<const uint8_t *> block(cells, skip + 3 * start, 3 * n, room, job), to, n)
    elif layout == PLANAR:
        planes_to_rgb(cells + start, cells + pixels + start, cells + 2 * pixels + start, to, n)
    else:
        pairs_to_rgb(cells + 2 * start, to, n)
    if not is_done:
        job.convert(rgb, out, 3 * n, job)


cdef void values_of_rgb(double *samples, Py_ssize_t n, bint ybr, const Job *job) noexcept nogil:
    """The shift that was put off until YBR was converted, and step 4; in place."""
    cdef double step = <double> (<uint64_t> 1 << job.shift)
    cdef Py_ssize_t i
    if ybr and job.shift:
        for i in range(n):
            samples[i] = fastpix_floor(samples[i] / step)
    if job.table != NULL or job.slope != 1.0 or job.intercept != 0.0:
        modality(samples, samples, n, job)


cdef Py_ssize_t pixel_steps(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t start, Py_ssize_t n, Py_ssize_t pixels,
    Layout layout, bint ybr, uint8_t *room, double *v, double *samples, void *out, const Job *job,
) noexcept nogil:
    """The n pixels from `start` on, in doubles; the first value that does not fit, or -1."""
    if layout == INTERLEAVED:
        job.load(block(cells, skip + 3 * start, 3 * n, room, job), samples, 3 * n, job)
    elif layout == PLANAR:
        planes_to_pixels(cells, start, n, pixels, room, v, samples, job)
    elif layout == SUBSAMPLED:
        pairs_to_pixels(cells, start, n, room, v, samples, job)
    else:
        indices_to_pixels(cells, skip + start, n, room, v, samples, job)
    if ybr:
        ybr_to_rgb(samples, n, job.bits)
    if layout != INDEXED:
        values_of_rgb(samples, 3 * n, ybr, job)
    return job.store(samples, out, 3 * n)


cdef Py_ssize_t run_color(
    const uint8_t *cells, Py_ssize_t skip, void *out, Py_ssize_t pixels,
    Layout layout, bint ybr, const Job *job,
) noexcept nogil:
    cdef Block room_, stored
    cdef Block rgb[3]
    cdef uint8_t *room = <uint8_t *> room_.values
    cdef uint8_t *place
    cdef Py_ssize_t start = 0, n, bad, step = BLOCK
    cdef Py_ssize_t head = color_head(out, job.itemsize, pixels, layout, job)
    if ybr and job.route != GENERAL:
        step = BLOCK  # bytes have room, and longer loops of each step cost less
    elif layout == INTERLEAVED:
        step = BLOCK // (3 * LINE) * LINE
    elif layout == SUBSAMPLED:
        step = BLOCK // 2
    while start < pixels:
        n = head if start < head else min(step, pixels - start)
        place = <uint8_t *> out + 3 * start * job.itemsize
        if layout == INDEXED and job.route == LOOKUP:
            look_up_colors(block(cells, skip + start, n, room, job), place, n, job)
        elif layout == INDEXED or job.route == GENERAL:
            bad = pixel_steps(
                cells, skip, start, n, pixels, layout, ybr, room, stored.values, rgb[0].values,
                place, job,
            )
            if bad >= 0:
                return 3 * start + bad
        elif ybr:
            convert_pixels(
                cells, skip, start, n, pixels, layout, room, <uint8_t *> rgb, place, job
            )
        else:
            place_pixels(cells, skip, start, n, pixels, layout, room, rgb, place, job)
        start += n
    return -1
