# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The loops behind pydicom's pixel functions: windows, tables and colour matrices.

Knows no DICOM and has no error path: lengths, kinds and contiguity are settled by the caller.
`fastpix.interop.pydicom_pixels.loops_reference` says what every function must return, bit for bit.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "platform.h":
    ctypedef signed char i8 "fastpix_i8"
    ctypedef unsigned char u8 "fastpix_u8"
    ctypedef short i16 "fastpix_i16"
    ctypedef unsigned short u16 "fastpix_u16"
    ctypedef int i32 "fastpix_i32"
    ctypedef unsigned int u32 "fastpix_u32"
    ctypedef long long i64 "fastpix_i64"
    ctypedef float f32 "fastpix_f32"
    ctypedef double f64 "fastpix_f64"

ctypedef fused cell_t:
    i8
    u8
    i16
    u16
    i32
    u32
    i64
    f32
    f64

cdef enum Kind:
    I8, U8, I16, U16, I32, U32, I64, F32, F64


cdef Kind kind_of(str kind):
    """What a cell is, from the letter and the size that NumPy has for it: ``"u2"``."""
    cdef Py_UCS4 letter = kind[0], size = kind[1]
    if letter == "f":
        return F32 if size == "4" else F64
    if size == "1":
        return I8 if letter == "i" else U8
    if size == "2":
        return I16 if letter == "i" else U16
    if size == "4":
        return I32 if letter == "i" else U32
    return I64


# --- windows ----------------------------------------------------------------------------------

cdef void window_cells(
    const cell_t *cells, double *out, Py_ssize_t n,
    double center, double width, double y_min, double y_max, double y_range,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double low = center - width / 2, high = center + width / 2, x, y
    for i in range(n):
        x = <double> cells[i]
        y = ((x - center) / width + 0.5) * y_range + y_min
        y = y_max if x > high else y
        out[i] = y_min if x <= low else y


def window(
    const uint8_t[::1] cells not None, str kind not None, double[::1] out not None,
    double center, double width, double y_min, double y_max, double y_range,
):
    """A linear window: see `loops_reference.window`."""
    cdef Kind cell = kind_of(kind)
    cdef Py_ssize_t n = out.shape[0]
    cdef const void *source
    if n == 0:
        return
    source = &cells[0]
    with nogil:
        if cell == F64:
            window_cells(<const f64 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == F32:
            window_cells(<const f32 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == U16:
            window_cells(<const u16 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == I16:
            window_cells(<const i16 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == U8:
            window_cells(<const u8 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == I8:
            window_cells(<const i8 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == U32:
            window_cells(<const u32 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        elif cell == I32:
            window_cells(<const i32 *> source, &out[0], n, center, width, y_min, y_max, y_range)
        else:
            window_cells(<const i64 *> source, &out[0], n, center, width, y_min, y_max, y_range)


cdef void exponent_of(
    const cell_t *cells, double *out, Py_ssize_t n, double center, double width
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = -4.0 * (<double> cells[i] - center) / width


def exponent(
    const uint8_t[::1] cells not None, str kind not None, double[::1] out not None,
    double center, double width,
):
    """What a sigmoid takes the exponential of: see `loops_reference.exponent`."""
    cdef Kind cell = kind_of(kind)
    cdef Py_ssize_t n = out.shape[0]
    cdef const void *source
    if n == 0:
        return
    source = &cells[0]
    with nogil:
        if cell == F64:
            exponent_of(<const f64 *> source, &out[0], n, center, width)
        elif cell == F32:
            exponent_of(<const f32 *> source, &out[0], n, center, width)
        elif cell == U16:
            exponent_of(<const u16 *> source, &out[0], n, center, width)
        elif cell == I16:
            exponent_of(<const i16 *> source, &out[0], n, center, width)
        elif cell == U8:
            exponent_of(<const u8 *> source, &out[0], n, center, width)
        elif cell == I8:
            exponent_of(<const i8 *> source, &out[0], n, center, width)
        elif cell == U32:
            exponent_of(<const u32 *> source, &out[0], n, center, width)
        elif cell == I32:
            exponent_of(<const i32 *> source, &out[0], n, center, width)
        else:
            exponent_of(<const i64 *> source, &out[0], n, center, width)


def logistic(double[::1] values not None, double y_min, double y_range):
    """A sigmoid from its exponentials, in place: see `loops_reference.logistic`."""
    cdef Py_ssize_t i, n = values.shape[0]
    cdef double *x
    if n == 0:
        return
    x = &values[0]
    with nogil:
        for i in range(n):
            x[i] = y_range / (1.0 + x[i]) + y_min


# --- tables -----------------------------------------------------------------------------------

cdef inline Py_ssize_t place(cell_t cell, int64_t first, Py_ssize_t last) noexcept nogil:
    """Which entry a cell takes: cell - first, towards zero, in 0..last; NaN takes the first."""
    cdef int64_t k
    cdef uint64_t far
    if cell_t is f32:
        if not cell >= <float> first:
            return 0
        return last if cell - <float> first >= <float> last else <Py_ssize_t> (cell - <float> first)
    elif cell_t is f64:
        if not cell >= <double> first:
            return 0
        return last if cell - first >= <double> last else <Py_ssize_t> (cell - first)
    elif cell_t is i64:
        far = <uint64_t> cell - <uint64_t> first
        return 0 if cell < first else (last if far > <uint64_t> last else <Py_ssize_t> far)
    else:
        k = <int64_t> cell - first
        k = 0 if k < 0 else k
        return last if k > last else k


cdef inline void take(
    const cell_t *cells, const uint8_t *entries, uint8_t *out, Py_ssize_t n,
    int64_t first, Py_ssize_t last, Py_ssize_t size,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(out + i * size, entries + place(cells[i], first, last) * size, size)


cdef void take_entries(
    const cell_t *cells, const uint8_t *entries, uint8_t *out, Py_ssize_t n,
    int64_t first, Py_ssize_t last, Py_ssize_t size,
) noexcept nogil:
    """A loop for each size of an entry, so that its copy is one or two moves."""
    if size == 1:
        take(cells, entries, out, n, first, last, 1)
    elif size == 2:
        take(cells, entries, out, n, first, last, 2)
    elif size == 3:
        take(cells, entries, out, n, first, last, 3)
    elif size == 4:
        take(cells, entries, out, n, first, last, 4)
    elif size == 6:
        take(cells, entries, out, n, first, last, 6)
    elif size == 8:
        take(cells, entries, out, n, first, last, 8)
    else:
        take(cells, entries, out, n, first, last, size)


def look_up(
    const uint8_t[::1] cells not None, str kind not None, uint8_t[:, ::1] out not None,
    const uint8_t[:, ::1] entries not None, int64_t first,
):
    """Entries of a table: see `loops_reference.look_up`."""
    cdef Kind cell = kind_of(kind)
    cdef Py_ssize_t n = out.shape[0], size = entries.shape[1], last = entries.shape[0] - 1
    cdef const void *source
    cdef const uint8_t *table
    cdef uint8_t *target
    if n == 0:
        return
    source, table, target = &cells[0], &entries[0, 0], &out[0, 0]
    with nogil:
        if cell == U16:
            take_entries(<const u16 *> source, table, target, n, first, last, size)
        elif cell == I16:
            take_entries(<const i16 *> source, table, target, n, first, last, size)
        elif cell == U8:
            take_entries(<const u8 *> source, table, target, n, first, last, size)
        elif cell == I8:
            take_entries(<const i8 *> source, table, target, n, first, last, size)
        elif cell == U32:
            take_entries(<const u32 *> source, table, target, n, first, last, size)
        elif cell == I32:
            take_entries(<const i32 *> source, table, target, n, first, last, size)
        elif cell == I64:
            take_entries(<const i64 *> source, table, target, n, first, last, size)
        elif cell == F64:
            take_entries(<const f64 *> source, table, target, n, first, last, size)
        else:
            take_entries(<const f32 *> source, table, target, n, first, last, size)


# --- colour -----------------------------------------------------------------------------------
# Every numerator below is made positive by a multiple of its denominator, so that the unsigned
# division is a floor, and the compiler makes a multiplication of it. The way back, from YBR to RGB,
# is the kernel's.

cdef inline uint8_t clipped(uint32_t x) noexcept nogil:
    return <uint8_t> (255 if x > 255 else x)


cdef void convert_rgb(const uint8_t *rgb, uint8_t *ybr, Py_ssize_t pixels) noexcept nogil:
    cdef Py_ssize_t i
    cdef int32_t r, g, b
    cdef uint32_t y, cb, cr
    for i in range(pixels):
        r, g, b = rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]
        y = <uint32_t> (299 * r + 587 * g + 114 * b + 500) / 1000
        cb = <uint32_t> (886 * b - 299 * r - 587 * g + 128 * 1772 + 886) / 1772
        cr = <uint32_t> (701 * r - 587 * g - 114 * b + 128 * 1402 + 701) / 1402
        ybr[3 * i] = <uint8_t> y
        ybr[3 * i + 1] = clipped(cb)
        ybr[3 * i + 2] = clipped(cr)


def rgb_to_ybr(const uint8_t[::1] rgb not None, uint8_t[::1] ybr not None):
    """RGB to YBR_FULL: see `loops_reference.rgb_to_ybr`."""
    cdef Py_ssize_t pixels = rgb.shape[0] // 3
    if pixels == 0:
        return
    with nogil:
        convert_rgb(&rgb[0], &ybr[0], pixels)
