# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The loops behind statistics of a job: histograms and sums of stored integers and of floats.

Knows no DICOM and has no error path: lengths, kinds and contiguity are settled by the caller.
`fastpix.job.statistics.counting_reference` says what every function must return.

Neighbours in an image are often equal, and a counter cannot be incremented before the store of its
last increment has come back. So neighbours are counted in different lanes, each a histogram of its
own, which are added at the end. Only the bins between the minimum and the maximum are touched.
"""

from libc.math cimport INFINITY, fabs
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "platform.h":
    ctypedef signed char i8 "fastpix_i8"
    ctypedef unsigned char u8 "fastpix_u8"
    ctypedef short i16 "fastpix_i16"
    ctypedef unsigned short u16 "fastpix_u16"
    ctypedef int i32 "fastpix_i32"
    ctypedef unsigned int u32 "fastpix_u32"

ctypedef fused cell_t:
    i8
    u8
    i16
    u16
    i32
    u32

cdef enum Kind:
    I8, U8, I16, U16, I32, U32

cdef enum:
    LANES = 4
    BINS = 65536
    APART = 16  # counters between lanes: bins of one value never share a cache set for that reason

cdef struct Range:
    int64_t low, high

cdef struct Sums:
    int64_t low, high, padding, count
    int64_t total
    uint64_t upper, lower  # the sum of squares is upper * 2**32 + lower


cdef Kind kind_of(str kind):
    """What a cell is, from the letter and the size that NumPy has for it: ``"u2"``."""
    cdef Py_UCS4 letter = kind[0], size = kind[1]
    if size == "1":
        return I8 if letter == "i" else U8
    if size == "2":
        return I16 if letter == "i" else U16
    return I32 if letter == "i" else U32


# --- integers of few values -------------------------------------------------------------------

cdef Range range_of(const cell_t *cells, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef cell_t low = cells[0], high = cells[0]
    cdef Range found
    for i in range(n):
        low = cells[i] if cells[i] < low else low
        high = cells[i] if cells[i] > high else high
    found.low, found.high = low, high
    return found


cdef void fill_lanes(
    const cell_t *cells, Py_ssize_t n, int64_t base, uint32_t *lanes, Py_ssize_t stride
) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i + LANES <= n:
        lanes[cells[i] - base] += 1
        lanes[cells[i + 1] - base + stride] += 1
        lanes[cells[i + 2] - base + 2 * stride] += 1
        lanes[cells[i + 3] - base + 3 * stride] += 1
        i += LANES
    while i < n:
        lanes[cells[i] - base] += 1
        i += 1


cdef bint count_range(
    const cell_t *cells, Py_ssize_t n, uint32_t *lanes, uint32_t *counts, Range *found
) noexcept nogil:
    """Count cells by value in `counts`, the minimum first; False: they have too many values."""
    cdef Py_ssize_t k, width, stride
    found[0] = range_of(cells, n)
    if found[0].high - found[0].low >= BINS:
        return False
    width = found[0].high - found[0].low + 1
    stride = width + APART
    fill_lanes(cells, n, found[0].low, lanes, stride)
    for k in range(width):
        counts[k] = (
            lanes[k] + lanes[stride + k] + lanes[2 * stride + k] + lanes[3 * stride + k]
        )
    for k in range(LANES * stride):
        lanes[k] = 0
    return True


def count_values(
    const uint8_t[::1] cells not None, str kind not None, uint32_t[::1] lanes not None,
    uint32_t[::1] counts not None, int64_t first, int64_t last,
):
    """Integers by value: see `counting_reference.count_values`."""
    cdef Kind cell = kind_of(kind)
    cdef Py_ssize_t n = cells.shape[0] // (1 if cell <= U8 else 2 if cell <= U16 else 4)
    cdef const void *source = &cells[0]
    cdef uint32_t *into = &counts[0]
    cdef Py_ssize_t k, width, low = 0, high
    cdef bint few
    cdef Range found
    cdef uint64_t count = 0, total = 0, squares = 0
    with nogil:
        if cell == U16:
            few = count_range(<const u16 *> source, n, &lanes[0], into, &found)
        elif cell == I16:
            few = count_range(<const i16 *> source, n, &lanes[0], into, &found)
        elif cell == U8:
            few = count_range(<const u8 *> source, n, &lanes[0], into, &found)
        elif cell == I8:
            few = count_range(<const i8 *> source, n, &lanes[0], into, &found)
        elif cell == U32:
            few = count_range(<const u32 *> source, n, &lanes[0], into, &found)
        else:
            few = count_range(<const i32 *> source, n, &lanes[0], into, &found)
        if few:
            width = found.high - found.low + 1
            for k in range(max(first - found.low, 0), min(last - found.low + 1, width)):
                into[k] = 0
            for k in range(width):
                count += into[k]
                total += <uint64_t> into[k] * <uint32_t> k
                squares += into[k] * (<uint64_t> <uint32_t> k * <uint32_t> k)
            high = width - 1
            if count:
                while not into[low]:
                    low += 1
                while not into[high]:
                    high -= 1
    if not few:
        return None
    return found.low, width, low, high, count, total, squares


# --- integers of many values ------------------------------------------------------------------

cdef void add_many(
    const cell_t *cells, Py_ssize_t n, int64_t first, int64_t last, Sums *sums
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t v
    cdef uint64_t square
    for i in range(n):
        v = cells[i]
        if first <= v <= last:
            sums[0].padding += 1
            continue
        sums[0].low = v if v < sums[0].low else sums[0].low
        sums[0].high = v if v > sums[0].high else sums[0].high
        sums[0].count += 1
        sums[0].total += v
        square = <uint64_t> (v if v >= 0 else -v)
        square = square * square
        sums[0].upper += square >> 32
        sums[0].lower += square & <uint64_t> 0xFFFFFFFF


def sum_many(
    const uint8_t[::1] cells not None, str kind not None, int64_t first, int64_t last
):
    """Sums of 32-bit integers: see `counting_reference.sum_many`."""
    cdef Kind cell = kind_of(kind)
    cdef Py_ssize_t n = cells.shape[0] // 4
    cdef const void *source = &cells[0]
    cdef Sums sums
    sums.low, sums.high = <int64_t> 1 << 62, -(<int64_t> 1 << 62)
    sums.padding = sums.count = sums.total = 0
    sums.upper = sums.lower = 0
    with nogil:
        if cell == U32:
            add_many(<const u32 *> source, n, first, last, &sums)
        else:
            add_many(<const i32 *> source, n, first, last, &sums)
    squares = (int(sums.upper) << 32) + int(sums.lower)
    return sums.low, sums.high, sums.count, sums.padding, sums.total, squares


# --- floats -----------------------------------------------------------------------------------

cdef inline uint32_t bin_of(double y) noexcept nogil:
    """The upper half of a float32, so turned that its order is the order of numbers."""
    cdef float rounded
    cdef uint32_t bits
    # What float32 cannot hold becomes its largest number.
    y = 3.4028234663852886e38 if y > 3.4028234663852886e38 else y
    y = -3.4028234663852886e38 if y < -3.4028234663852886e38 else y
    rounded = <float> y
    memcpy(&bits, &rounded, sizeof(bits))
    # All bits of a negative number are turned, and the sign of another one; without a branch.
    return (bits ^ (<uint32_t> (0 - (bits >> 31)) | <uint32_t> 0x80000000)) >> 16


def count_floats(
    const double[::1] values not None, const int64_t[::1] weights, int64_t[::1] bins not None
):
    """Floats by the upper half of float32: see `counting_reference.count_floats`."""
    cdef Py_ssize_t i, n = values.shape[0]
    cdef bint weighted = weights is not None
    cdef int64_t weight = 1, count = 0, left_out = 0
    cdef double low = INFINITY, high = -INFINITY, total = 0.0, spread = 0.0, mean = 0.0, y
    with nogil:
        for i in range(n):
            y = values[i] + 0.0  # -0 becomes 0
            if weighted:
                weight = weights[i]
            if not fabs(y) < INFINITY:
                left_out += weight
                continue
            low = y if y < low else low
            high = y if y > high else high
            count += weight
            total += y * weight
            bins[bin_of(y)] += weight
        if count:
            mean = total / count
            for i in range(n):
                y = values[i]
                if fabs(y) < INFINITY:
                    y -= mean
                    spread += y * y * (weights[i] if weighted else 1)
    return count, left_out, low, high, mean, spread
