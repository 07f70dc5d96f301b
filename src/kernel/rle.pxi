# RLE segments, expanded side by side as far as each block of cells needs.

cdef bint expand(Plane *plane, Py_ssize_t n) noexcept nogil:
    """Expand PackBits codes (PS3.5 G.3) until n bytes are held; False where the segment ends."""
    cdef const uint8_t *at = plane.at
    cdef const uint8_t *end = plane.end
    cdef uint8_t *to = plane.bytes + plane.held
    cdef const uint8_t *full = plane.bytes + n
    cdef Py_ssize_t count
    while to < full:
        if end - at < 2:
            break  # no code is shorter
        count = at[0]
        at += 1
        if count < 128:  # so many bytes as they stand, and one more
            count += 1
            if end - at >= RUN:
                memcpy(to, at, 16)
                if count > 16:
                    memcpy(to + 16, at + 16, RUN - 16)
            elif end - at >= count:
                memcpy(to, at, count)
            else:
                break
            at += count
            to += count
        elif count > 128:  # one byte, 257 - count times
            count = 257 - count
            memset(to, at[0], 16)
            if count > 16:
                memset(to + 16, at[0], RUN - 16)
            at += 1
            to += count
    plane.at = at
    plane.held = to - plane.bytes
    return to >= full


cdef void join(Planes *planes, uint8_t *scratch, Py_ssize_t n) noexcept nogil:
    """The next n pixels as interleaved machine integers; zeros where a segment has ended."""
    cdef int samples = planes.samples, width = planes.width, count = samples * width, k, c
    cdef Py_ssize_t i
    cdef Plane *plane
    cdef const uint8_t *a
    cdef const uint8_t *b
    cdef const uint8_t *d
    cdef const uint8_t *e
    cdef u16 *words = <u16 *> scratch
    cdef u32 *longs = <u32 *> scratch
    for k in range(count):
        plane = &planes.plane[k]
        if plane.held < n and not expand(plane, n):
            memset(plane.bytes + plane.held, 0, n - plane.held)
            plane.held = n
            planes.short_ = True
    for c in range(samples):
        a = planes.plane[c * width].bytes
        if width == 1:
            if samples == 1:
                memcpy(scratch, a, n)
            else:
                for i in range(n):
                    scratch[i * samples + c] = a[i]
            continue
        b = planes.plane[c * width + 1].bytes
        if width == 2:
            if samples == 1:
                for i in range(n):
                    words[i] = <u16> ((a[i] << 8) | b[i])
            else:
                for i in range(n):
                    words[i * samples + c] = <u16> ((a[i] << 8) | b[i])
            continue
        d = planes.plane[c * width + 2].bytes
        e = planes.plane[c * width + 3].bytes
        for i in range(n):
            longs[i * samples + c] = (
                (<u32> a[i] << 24) | (<u32> b[i] << 16) | (<u32> d[i] << 8) | e[i]
            )
    for k in range(count):
        plane = &planes.plane[k]
        plane.held -= n
        memmove(plane.bytes, plane.bytes + n, plane.held)


cdef void start_planes(
    Planes *planes, const uint8_t *encoded, const Py_ssize_t *ends, int count, int width
) noexcept nogil:
    cdef int k
    planes.samples = count // width
    planes.width = width
    planes.short_ = False
    for k in range(count):
        planes.plane[k].at = encoded + ends[k]
        planes.plane[k].end = encoded + ends[k + 1]
        planes.plane[k].held = 0


cdef int fill_planes(
    Planes *planes, const uint8_t[::1] cells, tuple segments, Job *job
) except -1:
    """Set up RLE segments, which `segments` gives the ends of; none is no RLE."""
    cdef Py_ssize_t ends[PLANES + 1]
    cdef int k
    job.planes = NULL
    if segments is None:
        return 0
    for k in range(<int> len(segments)):
        ends[k] = segments[k]
    start_planes(planes, &cells[0], ends, <int> len(segments) - 1, width_of(job))
    job.planes = planes
    return 0
