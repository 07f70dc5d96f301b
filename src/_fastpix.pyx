# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The fused pixel kernel: stored cells to values in one pass over the buffer.

Knows no DICOM: it is handed a buffer, an output array and plain numbers, all checked by its
caller, and it has no error path. `fastpix.kernel.reference` says what every function must return,
bit for bit.

The buffer is walked in blocks that stay in the first-level cache, so each step below is a plain
loop that the compiler vectorizes, and nothing as large as the image exists between cells and
values. RLE segments are expanded side by side, as far as each block needs. Two routes skip the
steps: where all arithmetic is on integers below 2**24, float32 is exact and the whole job is one
multiplication and one addition; where an integer output holds every representable value, the same
is done in int32.
"""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, NAN, fabs, floor
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memmove, memset

from samples cimport color_integers

cdef extern from "platform.h":
    ctypedef signed char i8 "fastpix_i8"
    ctypedef unsigned char u8 "fastpix_u8"
    ctypedef short i16 "fastpix_i16"
    ctypedef unsigned short u16 "fastpix_u16"
    ctypedef int i32 "fastpix_i32"
    ctypedef unsigned int u32 "fastpix_u32"
    ctypedef float f32 "fastpix_f32"
    ctypedef double f64 "fastpix_f64"
    void fastpix_stream(void *target, const void *source, size_t n) nogil
    void fastpix_stream_end() nogil
    void fastpix_unpack8(uint8_t *target, unsigned int byte) nogil
    int fastpix_supports(int level) nogil

cdef extern from "cells.h":
    const char *FASTPIX_CELLS
    ctypedef struct fastpix_cells:
        const uint8_t *(*next)(void *state, ptrdiff_t k) noexcept nogil
        void *state

ctypedef signed char schar

ctypedef fused cell_t:  # a stored cell, read as the sign that PixelRepresentation gives it
    i8
    u8
    i16
    u16
    i32
    u32

ctypedef fused real_t:
    float
    double

ctypedef fused float_cell_t:
    f32
    f64

ctypedef fused word_t:  # what has a byte order
    u16
    u32
    uint64_t

ctypedef fused small_t:  # integer outputs that int32 arithmetic can fill
    schar
    unsigned char
    short
    unsigned short
    int

ctypedef fused out_t:
    schar
    unsigned char
    short
    unsigned short
    int
    unsigned int
    int64_t
    uint64_t
    float
    double

cdef enum:
    BLOCK = 1024  # cells; a multiple of 8, so that packed bits keep their phase from block to block
    PLANES = 15  # the most segments that an RLE header has room for (PS3.5 G.5)
    RUN = 128  # the most bytes that one PackBits code stands for
    FILES = 32  # at a time
    SHORT = -2  # in place of an index: an RLE segment ends before the frame does
    STREAM_FROM = 16 * 1024 * 1024  # bytes of output that no cache is expected to keep

cdef enum Cell:
    BIT, I8, U8, I16, U16, I32, U32, F32, F64

cdef enum Out:
    OUT_I8, OUT_U8, OUT_I16, OUT_U16, OUT_I32, OUT_U32, OUT_I64, OUT_U64, OUT_F32, OUT_F64

cdef enum Route:
    EXACT_FLOAT, EXACT_INT, LINEAR, GENERAL

cdef struct Plane:  # one RLE segment, expanded as far as the block at hand needs
    const uint8_t *at
    const uint8_t *end
    Py_ssize_t held  # bytes expanded and not yet used
    uint8_t bytes[BLOCK + RUN + 16]  # a code is expanded whole, and copied 16 bytes at a time

cdef struct Planes:
    int samples, width  # of a pixel, and bytes of a sample; the most significant one comes first
    bint short_  # a segment has ended too early
    Plane plane[PLANES]

cdef struct Job:
    Planes *planes  # NULL unless the cells are RLE encoded
    Cell cell
    Out out
    Route route
    bint packed
    bint swap
    int bits
    bint is_signed
    uint32_t mask, sign  # of the stored bits, where they start at bit 0
    int left, right  # shifts that drop the garbage above and below; equal where it is only above
    bint mirrored
    double mirror
    const double *table
    Py_ssize_t entries
    double first
    double slope, intercept
    bint inverted
    double peak
    bint normalized
    double lo, hi
    bint padded
    double pad_first, pad_last, pad_value
    double a, b  # slope and intercept of the exact routes, mirror and peak folded in


# --- cells to numbers -------------------------------------------------------------------------

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


cdef void floats_to_doubles(const float_cell_t *cells, double *out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = <double> cells[i]


cdef void load(const void *cells, double *out, Py_ssize_t n, const Job *job) noexcept nogil:
    if job.cell == U16:
        to_doubles(<const u16 *> cells, out, n, job)
    elif job.cell == I16:
        to_doubles(<const i16 *> cells, out, n, job)
    elif job.cell == U8:
        to_doubles(<const u8 *> cells, out, n, job)
    elif job.cell == I8:
        to_doubles(<const i8 *> cells, out, n, job)
    elif job.cell == U32:
        to_doubles(<const u32 *> cells, out, n, job)
    elif job.cell == I32:
        to_doubles(<const i32 *> cells, out, n, job)
    elif job.cell == F32:
        floats_to_doubles(<const f32 *> cells, out, n)
    else:
        floats_to_doubles(<const f64 *> cells, out, n)


# --- the routes that skip the steps -----------------------------------------------------------

cdef void exact_float(
    const cell_t *cells, float *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    cdef float a = <float> job.a, b = <float> job.b
    if left == 0 and right == 0:
        for i in range(n):
            out[i] = <float> cells[i] * a + b
    elif left == right:
        for i in range(n):
            out[i] = <float> masked(cells[i], mask, sign) * a + b
    else:
        for i in range(n):
            out[i] = <float> shifted(cells[i], left, right) * a + b


cdef void exact_int(
    const cell_t *cells, small_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right, a = <int> job.a, b = <int> job.b
    if left == right:
        for i in range(n):
            out[i] = <small_t> (<int> masked(cells[i], mask, sign) * a + b)
    else:
        for i in range(n):
            out[i] = <small_t> (<int> shifted(cells[i], left, right) * a + b)


cdef void linear(
    const cell_t *cells, real_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    cdef double slope = job.slope, intercept = job.intercept
    if left == right:
        for i in range(n):
            out[i] = <real_t> (<double> masked(cells[i], mask, sign) * slope + intercept)
    else:
        for i in range(n):
            out[i] = <real_t> (<double> shifted(cells[i], left, right) * slope + intercept)


cdef inline void normalize(real_t *y, Py_ssize_t n, real_t lo, real_t hi) noexcept nogil:
    cdef Py_ssize_t i
    cdef real_t width = hi - lo, x
    for i in range(n):
        x = y[i]
        x = lo if x < lo else x
        x = hi if x > hi else x
        y[i] = (x - lo) / width


cdef void run_exact_float(
    const void *cells, float *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    if job.cell == U16:
        exact_float(<const u16 *> cells, out, n, job)
    elif job.cell == I16:
        exact_float(<const i16 *> cells, out, n, job)
    elif job.cell == U8:
        exact_float(<const u8 *> cells, out, n, job)
    elif job.cell == I8:
        exact_float(<const i8 *> cells, out, n, job)
    elif job.cell == U32:
        exact_float(<const u32 *> cells, out, n, job)
    else:
        exact_float(<const i32 *> cells, out, n, job)
    if job.normalized:
        normalize(out, n, <float> job.lo, <float> job.hi)


cdef void exact_int_to(
    const void *cells, small_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    if job.cell == U16:
        exact_int(<const u16 *> cells, out, n, job)
    elif job.cell == I16:
        exact_int(<const i16 *> cells, out, n, job)
    elif job.cell == U8:
        exact_int(<const u8 *> cells, out, n, job)
    elif job.cell == I8:
        exact_int(<const i8 *> cells, out, n, job)
    elif job.cell == U32:
        exact_int(<const u32 *> cells, out, n, job)
    else:
        exact_int(<const i32 *> cells, out, n, job)


cdef void run_exact_int(const void *cells, void *out, Py_ssize_t n, const Job *job) noexcept nogil:
    if job.out == OUT_I16:
        exact_int_to(cells, <short *> out, n, job)
    elif job.out == OUT_U16:
        exact_int_to(cells, <unsigned short *> out, n, job)
    elif job.out == OUT_U8:
        exact_int_to(cells, <unsigned char *> out, n, job)
    elif job.out == OUT_I8:
        exact_int_to(cells, <schar *> out, n, job)
    else:
        exact_int_to(cells, <int *> out, n, job)


cdef void linear_to(const void *cells, real_t *out, Py_ssize_t n, const Job *job) noexcept nogil:
    if job.cell == U16:
        linear(<const u16 *> cells, out, n, job)
    elif job.cell == I16:
        linear(<const i16 *> cells, out, n, job)
    elif job.cell == U8:
        linear(<const u8 *> cells, out, n, job)
    elif job.cell == I8:
        linear(<const i8 *> cells, out, n, job)
    elif job.cell == U32:
        linear(<const u32 *> cells, out, n, job)
    else:
        linear(<const i32 *> cells, out, n, job)


# --- the steps, one a loop, on a block of doubles ---------------------------------------------

cdef void modality(double *v, double *y, Py_ssize_t n, const Job *job) noexcept nogil:
    """Stored values v to modality values y: the table, or slope and intercept."""
    cdef Py_ssize_t i, last = job.entries - 1
    cdef double slope = job.slope, intercept = job.intercept, mirror = job.mirror, x
    if job.table != NULL:
        for i in range(n):
            x = v[i] - job.first
            y[i] = job.table[0 if x < 0 else (last if x > last else <Py_ssize_t> x)]
        return
    if job.mirrored:
        for i in range(n):
            y[i] = (mirror - v[i]) * slope + intercept
    else:
        for i in range(n):
            y[i] = v[i] * slope + intercept


cdef void invert(double *y, Py_ssize_t n, double peak) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = peak - y[i]


cdef void pad(double *v, double *y, Py_ssize_t n, const Job *job) noexcept nogil:
    cdef Py_ssize_t i
    cdef double first = job.pad_first, last = job.pad_last, value = job.pad_value
    for i in range(n):
        y[i] = value if (v[i] >= first) & (v[i] <= last) else y[i]


cdef Py_ssize_t store(const double *y, out_t *out, Py_ssize_t n) noexcept nogil:
    """One rounding to the output type; the index of the first value that it cannot hold, or -1."""
    cdef Py_ssize_t i
    cdef double low, high  # low <= y < high
    cdef bint bad = False
    if out_t is double:
        for i in range(n):
            out[i] = y[i]
        return -1
    elif out_t is float:
        for i in range(n):
            out[i] = <float> y[i]
            bad |= (fabs(<double> out[i]) == INFINITY) & (fabs(y[i]) != INFINITY)
        if bad:
            for i in range(n):
                if fabs(<double> out[i]) == INFINITY and fabs(y[i]) != INFINITY:
                    return i
        return -1
    else:
        if out_t is int64_t:
            low, high = -9223372036854775808.0, 9223372036854775808.0
        elif out_t is uint64_t:
            low, high = 0.0, 18446744073709551616.0
        else:
            high = <double> (<uint64_t> 1 << (8 * sizeof(out_t)))
            low = 0.0
            if out_t is schar or out_t is short or out_t is int:
                high = high / 2
                low = -high
        for i in range(n):
            if not (low <= y[i] and y[i] < high) or y[i] != floor(y[i]):
                return i
            out[i] = <out_t> y[i]
        return -1


cdef Py_ssize_t store_as(
    const double *y, void *target, Py_ssize_t start, Py_ssize_t n, Out out
) noexcept nogil:
    """`store` into the array `target` from element `start` on; indices count from its beginning."""
    cdef Py_ssize_t bad
    if out == OUT_F32:
        bad = store(y, <float *> target + start, n)
    elif out == OUT_F64:
        bad = store(y, <double *> target + start, n)
    elif out == OUT_I8:
        bad = store(y, <schar *> target + start, n)
    elif out == OUT_U8:
        bad = store(y, <unsigned char *> target + start, n)
    elif out == OUT_I16:
        bad = store(y, <short *> target + start, n)
    elif out == OUT_U16:
        bad = store(y, <unsigned short *> target + start, n)
    elif out == OUT_I32:
        bad = store(y, <int *> target + start, n)
    elif out == OUT_U32:
        bad = store(y, <unsigned int *> target + start, n)
    elif out == OUT_I64:
        bad = store(y, <int64_t *> target + start, n)
    else:
        bad = store(y, <uint64_t *> target + start, n)
    return bad if bad < 0 else start + bad


# --- RLE ----------------------------------------------------------------------------------------

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


# --- blocks -----------------------------------------------------------------------------------

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
    """Cells of a block: whole pixels where RLE segments are joined."""
    return BLOCK if job.planes == NULL else BLOCK - BLOCK % job.planes.samples


cdef inline const void *block(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n, uint8_t *scratch, const Job *job
) noexcept nogil:
    """Where the n cells from `start` on are as machine integers, in `scratch` if need be."""
    cdef int width = width_of(job)
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
    memcpy(scratch, cells + start * width, n * width)
    if width == 2:
        swap_words(<u16 *> scratch, n)
    elif width == 4:
        swap_words(<u32 *> scratch, n)
    else:
        swap_words(<uint64_t *> scratch, n)
    return scratch


cdef bint cut_off(const uint8_t *cells, Py_ssize_t total, const Job *job) noexcept nogil:
    """Whether an RLE segment ends before there are `total` cells: walks all of them, from a fresh
    start. For a value that does not fit has ended the first walk, and may be damage itself."""
    cdef double scratch[BLOCK]
    cdef Py_ssize_t start = 0, n, step = block_cells(job)
    while start < total and not job.planes.short_:
        n = min(step, total - start)
        block(cells, start, n, <uint8_t *> scratch, job)
        start += n
    return job.planes.short_


cdef Py_ssize_t run(
    const uint8_t *cells, Py_ssize_t skip, void *out, Py_ssize_t total, Py_ssize_t itemsize,
    const Job *job
) noexcept nogil:
    cdef double scratch[BLOCK]
    cdef double v[BLOCK]
    cdef double y[BLOCK]
    # Only the cheapest route waits for memory, and gains by sparing the cache its output.
    cdef bint streamed = job.route == EXACT_FLOAT and total * itemsize >= STREAM_FROM
    cdef bint in_place = not (job.swap or job.packed or job.planes != NULL)
    cdef bint whole = in_place and not (streamed or job.route == GENERAL or job.normalized)
    cdef Py_ssize_t start = 0, n, bad = -1, step = total if whole else block_cells(job)
    if streamed and in_place:
        step = sizeof(y) // itemsize
    cdef Py_ssize_t head = (<Py_ssize_t> (-<uintptr_t> out & 63)) // itemsize
    cdef const void *source
    cdef uint8_t *place
    cdef void *target
    while start < total:
        n = min(step, total - start)
        if start == 0 and 0 < head < total and not job.packed and job.planes == NULL:
            n = head  # whole vectors are then stored to whole cache lines
        source = block(cells, skip + start, n, <uint8_t *> scratch, job)
        place = <uint8_t *> out + start * itemsize
        target = y if streamed else <void *> place
        if job.route == EXACT_FLOAT:
            run_exact_float(source, <float *> target, n, job)
        elif job.route == EXACT_INT:
            run_exact_int(source, target, n, job)
        elif job.route == LINEAR:
            if job.out == OUT_F32:
                linear_to(source, <float *> target, n, job)
            else:
                linear_to(source, <double *> target, n, job)
        else:
            load(source, v, n, job)
            modality(v, y, n, job)
            if job.inverted:
                invert(y, n, job.peak)
            if job.normalized:
                normalize(y, n, job.lo, job.hi)
            if job.padded:
                pad(v, y, n, job)
            bad = store_as(y, out, start, n, job.out)
            if bad >= 0:
                return bad
        if streamed:
            fastpix_stream(place, target, n * itemsize)
        start += n
    if streamed:
        fastpix_stream_end()
    return -1


cdef bint is_whole(double x) noexcept nogil:
    return x == floor(x)


cdef void choose_route(Job *job) noexcept nogil:
    """Which route gives the bits of the steps at the lowest cost."""
    cdef double low = 0.0, high, size, y_low, y_high
    job.route = GENERAL
    if job.cell == F32 or job.cell == F64 or job.table != NULL or job.padded:
        return
    high = <double> (<uint64_t> 1 << job.bits) - 1.0
    if job.is_signed:
        low = -<double> (<uint64_t> 1 << (job.bits - 1))
        high = -low - 1.0
    if not (is_whole(job.slope) and is_whole(job.intercept)) or (
        job.inverted and not is_whole(job.peak)
    ):
        if not (job.mirrored or job.inverted or job.normalized) and (
            job.out == OUT_F64
            or (job.out == OUT_F32
                and max(-low, high) * fabs(job.slope) + fabs(job.intercept) < 1e38)
        ):
            job.route = LINEAR
        return
    # Every intermediate of every order of evaluation is below `size`.
    size = max(-low, high) + (fabs(job.mirror) if job.mirrored else 0.0)
    size = size * max(fabs(job.slope), 1.0) + fabs(job.intercept)
    size = size + (fabs(job.peak) if job.inverted else 0.0)
    job.a, job.b = job.slope, job.intercept
    if not size < 2147483648.0:
        return
    if job.mirrored:
        job.b = job.mirror * job.a + job.b
        job.a = -job.a
    if job.inverted:
        job.b = job.peak - job.b
        job.a = -job.a
    y_low = min(job.a * low, job.a * high) + job.b
    y_high = max(job.a * low, job.a * high) + job.b
    if job.out == OUT_F32:
        if job.normalized:
            if not (is_whole(job.lo) and is_whole(job.hi)):
                return
            size += fabs(job.lo) + fabs(job.hi)
        if size < 16777216.0:
            job.route = EXACT_FLOAT
        elif not (job.mirrored or job.inverted or job.normalized):
            job.route = LINEAR
    elif job.out == OUT_F64:
        if not (job.mirrored or job.inverted or job.normalized):
            job.route = LINEAR
    elif not job.normalized and (
        (job.out == OUT_I8 and y_low >= -128 and y_high <= 127)
        or (job.out == OUT_U8 and y_low >= 0 and y_high <= 255)
        or (job.out == OUT_I16 and y_low >= -32768 and y_high <= 32767)
        or (job.out == OUT_U16 and y_low >= 0 and y_high <= 65535)
        or job.out == OUT_I32
    ):
        job.route = EXACT_INT


cdef Cell cell_of(str cell, bint is_signed):
    cdef Py_UCS4 kind = cell[0], size = cell[1]
    if kind == "f":
        return F32 if size == "4" else F64
    if kind == "b" or size == "1":
        return I8 if is_signed else U8
    if size == "2":
        return I16 if is_signed else U16
    return I32 if is_signed else U32


cdef Out out_of(const Py_buffer *buffer) noexcept:
    """The dtype of an output array, from the one letter that the buffer protocol has for it."""
    cdef char kind = buffer.format[0]
    cdef bint is_signed = kind in b"bhilq"
    if kind == b"f":
        return OUT_F32
    if kind == b"d":
        return OUT_F64
    if buffer.itemsize == 1:
        return OUT_I8 if is_signed else OUT_U8
    if buffer.itemsize == 2:
        return OUT_I16 if is_signed else OUT_U16
    if buffer.itemsize == 4:
        return OUT_I32 if is_signed else OUT_U32
    return OUT_I64 if is_signed else OUT_U64


cdef int fill(Job *job, steps) except -1:
    """The numbers of `steps` (see `fastpix.kernel.steps.Steps`) as a C struct."""
    cdef str cell
    cdef bint is_signed
    cdef int allocated, high_bit, bits
    (cell, job.swap, high_bit, bits, is_signed, mirror, table, job.first, job.slope, job.intercept,
     peak, limits, padding) = steps
    cdef const uint8_t[::1] entries
    job.cell = cell_of(cell, is_signed)
    job.packed = cell[0] == "b"
    allocated = 8 if job.packed else 8 * (<int> ord(cell[1]) - 48)
    job.bits = bits
    job.is_signed = is_signed
    job.left = allocated - 1 - high_bit
    job.right = allocated - bits
    if cell[0] == "f":
        job.mask, job.sign = 0, 0  # float cells have neither
    else:
        job.mask = <uint32_t> ((<uint64_t> 1 << bits) - 1)
        job.sign = <uint32_t> ((<uint64_t> 1 << (bits - 1)) if is_signed else 0)
    job.mirrored = mirror is not None
    if job.mirrored:
        job.mirror = mirror
    job.table = NULL
    if table is not None:
        entries = table  # the bytes live as long as `steps`, which the caller holds
        job.table = <const double *> &entries[0]
        job.entries = entries.shape[0] // sizeof(double)
    job.inverted = peak is not None
    if job.inverted:
        job.peak = peak
    job.normalized = limits is not None
    if job.normalized:
        job.lo, job.hi = limits
    job.padded = padding is not None
    if job.padded:
        job.pad_first, job.pad_last, job.pad_value = padding
    return 0


def scale(
    const uint8_t[::1] cells not None, out not None, steps not None, Py_ssize_t skip=0,
    tuple segments=None,
):
    """Cells to values: see `fastpix.kernel.reference.scale`, which returns the same bits."""
    cdef Py_buffer target
    cdef Py_ssize_t bad
    cdef Job job
    cdef Planes planes
    fill(&job, steps)
    fill_planes(&planes, cells, segments, &job)
    PyObject_GetBuffer(out, &target, PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    job.out = out_of(&target)
    choose_route(&job)
    with nogil:
        bad = -1
        if target.len:
            bad = run(&cells[0], skip, target.buf, target.len // target.itemsize, target.itemsize,
                      &job)
            if job.planes != NULL and planes.short_:
                bad = SHORT
    if bad >= 0 and job.planes != NULL:
        fill_planes(&planes, cells, segments, &job)
        if cut_off(&cells[0], target.len // target.itemsize, &job):
            bad = SHORT
    PyBuffer_Release(&target)
    return bad


def scale_files(source not None, list outs not None, steps not None):
    """Fill arrays with values, each from the cells of another file.

    Parameters
    ----------
    source : capsule
        Gives the cells, which are as many as an array holds (src/cells.h).
    outs : list of ndarray
        Alike in shape and dtype, C-contiguous.
    steps : Steps
        Of whole bytes a cell.

    Returns
    -------
    int
        How many are filled: fewer where there are no cells, or a value does not fit.
    """
    cdef fastpix_cells *cells = <fastpix_cells *>PyCapsule_GetPointer(source, FASTPIX_CELLS)
    cdef Py_ssize_t k, done = 0, count = min(len(outs), FILES), total, size
    cdef Py_buffer targets[FILES]
    cdef const uint8_t *data
    cdef Job job
    if not count:
        return 0
    fill(&job, steps)
    job.planes = NULL
    for k in range(count):
        PyObject_GetBuffer(outs[k], &targets[k], PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    size = targets[0].itemsize
    total = targets[0].len // size
    job.out = out_of(&targets[0])
    choose_route(&job)
    with nogil:
        while done < count:
            data = cells.next(cells.state, done)
            if data == NULL or run(data, 0, targets[done].buf, total, size, &job) >= 0:
                break
            done += 1
    for k in range(count):
        PyBuffer_Release(&targets[k])
    return done


# --- the maximum ------------------------------------------------------------------------------

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


cdef double highest_of(const void *cells, Py_ssize_t n, bint lowest, const Job *job) noexcept nogil:
    if job.cell == U16:
        return highest(<const u16 *> cells, n, lowest, job)
    if job.cell == I16:
        return highest(<const i16 *> cells, n, lowest, job)
    if job.cell == U8:
        return highest(<const u8 *> cells, n, lowest, job)
    if job.cell == I8:
        return highest(<const i8 *> cells, n, lowest, job)
    if job.cell == U32:
        return highest(<const u32 *> cells, n, lowest, job)
    return highest(<const i32 *> cells, n, lowest, job)


cdef double peak_of_integers(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job
) noexcept nogil:
    """Rounded multiplication and addition keep the order: the peak is the highest stored value's,
    or the lowest's where the slope is negative or the values are mirrored."""
    cdef double scratch[BLOCK]
    cdef bint lowest = (job.slope < 0) != job.mirrored
    cdef double best = INFINITY if lowest else -INFINITY, x
    cdef Py_ssize_t start = 0, n, step = total
    if job.swap or job.packed or job.planes != NULL:
        step = block_cells(job)
    while start < total:
        n = min(step, total - start)
        x = highest_of(block(cells, skip + start, n, <uint8_t *> scratch, job), n, lowest, job)
        best = min(best, x) if lowest else max(best, x)
        start += n
    if job.mirrored:
        best = job.mirror - best
    return best * job.slope + job.intercept


cdef bint peak_of_values(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job, double *peak
) noexcept nogil:
    """The peak by the steps, NaN and padding left out; whether there was any value."""
    cdef double scratch[BLOCK]
    cdef double v[BLOCK]
    cdef double y[BLOCK]
    cdef double best[8]  # as many running maxima, so that the loop vectorizes
    cdef Py_ssize_t start = 0, n, i, k, step = block_cells(job)
    cdef bint found = False
    for k in range(8):
        best[k] = -INFINITY
    while start < total:
        n = min(step, total - start)
        load(block(cells, skip + start, n, <uint8_t *> scratch, job), v, n, job)
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


def peak(
    const uint8_t[::1] cells not None, Py_ssize_t count, steps not None, Py_ssize_t skip=0,
    tuple segments=None,
):
    """The maximum of y over the cells: see `fastpix.kernel.reference.peak`."""
    cdef Job job
    cdef Planes planes
    cdef double result
    cdef bint found
    if count == 0:
        return None
    fill(&job, steps)
    fill_planes(&planes, cells, segments, &job)
    with nogil:
        if job.cell == F32 or job.cell == F64 or job.table != NULL or job.padded:
            found = peak_of_values(&cells[0], skip, count, &job, &result)
        else:
            result = peak_of_integers(&cells[0], skip, count, &job)
            found = True
    if job.planes != NULL and planes.short_:
        return NAN
    return result if found else None


# --- colour -----------------------------------------------------------------------------------

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
        load(block(cells, c * pixels + start, n, scratch, job), v, n, job)
        for i in range(n):
            samples[3 * i + c] = v[i]


cdef void pairs_to_pixels(
    const uint8_t *cells, Py_ssize_t start, Py_ssize_t n,
    uint8_t *scratch, double *v, double *samples, const Job *job
) noexcept nogil:
    """Y1 Y2 Cb Cr to Y1 Cb Cr, Y2 Cb Cr; start and n are even."""
    cdef Py_ssize_t i
    load(block(cells, 2 * start, 2 * n, scratch, job), v, 2 * n, job)
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
    load(block(cells, start, n, scratch, job), v, n, job)
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
    const uint8_t *cells, Py_ssize_t skip, void *out, Py_ssize_t pixels, Layout layout, bint ybr,
    double half, double top, const Job *job
) noexcept nogil:
    cdef double scratch[BLOCK]
    cdef double v[BLOCK]
    cdef double samples[3 * BLOCK]
    cdef Py_ssize_t start = 0, n, bad, step = BLOCK
    cdef int width = 0 if layout == INDEXED or skip else unchanged_width(job, ybr)
    if width:
        color_integers(
            cells, <uint8_t *> out, pixels, width, layout == PLANAR, layout == SUBSAMPLED, ybr
        )
        return -1
    if layout == INTERLEAVED:
        step = BLOCK // 3
    elif layout == SUBSAMPLED:
        step = BLOCK // 2
    while start < pixels:
        n = min(step, pixels - start)
        if layout == INTERLEAVED:
            load(
                block(cells, skip + 3 * start, 3 * n, <uint8_t *> scratch, job), samples, 3 * n, job
            )
        elif layout == PLANAR:
            planes_to_pixels(
                cells, start, n, pixels, <uint8_t *> scratch, v, samples, job
            )
        elif layout == SUBSAMPLED:
            pairs_to_pixels(cells, start, n, <uint8_t *> scratch, v, samples, job)
        else:
            indices_to_pixels(cells, skip + start, n, <uint8_t *> scratch, v, samples, job)
        if ybr:
            ybr_to_rgb(samples, n, half, top)
        bad = store_as(samples, out, 3 * start, 3 * n, job.out)
        if bad >= 0:
            return bad
        start += n
    return -1


def color(
    const uint8_t[::1] cells not None, out not None, steps not None, Py_ssize_t skip=0,
    tuple segments=None,
):
    """Cells of a colour frame to RGB: see `fastpix.kernel.reference.color`."""
    cdef Py_buffer target
    cdef Py_ssize_t bad, count
    cdef str name
    cdef bint ybr
    cdef double half, top
    cdef Job job
    cdef Planes planes
    samples, name, ybr = steps
    cdef Layout layout = layout_of(name)
    fill(&job, samples)
    fill_planes(&planes, cells, segments, &job)
    job.entries = job.entries // 3
    top = <double> (<uint64_t> 1 << job.bits) - 1.0
    half = (top + 1.0) / 2.0
    PyObject_GetBuffer(out, &target, PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    job.out = out_of(&target)
    with nogil:
        bad = -1
        if target.len:
            bad = run_color(&cells[0], skip, target.buf, target.len // target.itemsize // 3, layout,
                            ybr, half, top, &job)
            if job.planes != NULL and planes.short_:
                bad = SHORT
    if bad >= 0 and job.planes != NULL:
        fill_planes(&planes, cells, segments, &job)
        count = target.len // target.itemsize
        if cut_off(&cells[0], count // 3 if layout == INDEXED else count, &job):
            bad = SHORT
    PyBuffer_Release(&target)
    return bad


def supports(int level):
    """Whether this machine can run kernels of a level: 0 baseline, 1 AVX2, 2 AVX-512."""
    return bool(fastpix_supports(level))
