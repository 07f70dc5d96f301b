# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The fused pixel kernel: stored cells to values in one pass over the buffer.

Knows no DICOM: it is handed a buffer, an output array and plain numbers, all checked by its
caller, and it has no error path. `fastpix.kernel.reference` says what every function must return,
bit for bit.

The buffer is walked in blocks that stay in the first-level cache, so each step below is a plain
loop that the compiler vectorizes, and nothing as large as the image exists between cells and
values. RLE segments are expanded side by side, as far as each block needs. Some routes skip the
steps: where all arithmetic is on integers below 2**24, float32 is exact and the whole job is one
multiplication and one addition; where an integer output holds every representable value, the same
is done in int32; where slope and intercept are all there is to do, the same is done in float64;
where cells have few values, these are worked out once and looked up.
src/kernel/tables.pxi says which route covers which job.
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
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove, memset

cdef extern from "platform.h":
    ctypedef signed char i8 "fastpix_i8"
    ctypedef unsigned char u8 "fastpix_u8"
    ctypedef short i16 "fastpix_i16"
    ctypedef unsigned short u16 "fastpix_u16"
    ctypedef int i32 "fastpix_i32"
    ctypedef unsigned int u32 "fastpix_u32"
    ctypedef unsigned long long u64 "fastpix_u64"
    ctypedef float f32 "fastpix_f32"
    ctypedef double f64 "fastpix_f64"
    ctypedef struct Block "fastpix_block":  # BLOCK doubles, from a cache line on
        double values[1024]
    void fastpix_stream(void *target, const void *source, size_t n) nogil
    void fastpix_stream_end() nogil
    double fastpix_floor(double x) nogil
    const uint8_t FASTPIX_BITS[256][8]
    int fastpix_supports(int level) nogil

cdef extern from "cells.h":
    const char *FASTPIX_CELLS
    ctypedef struct fastpix_cells:
        const uint8_t *(*next)(void *state, ptrdiff_t k) noexcept nogil
        void *state

ctypedef signed char schar
ctypedef unsigned char uchar
ctypedef unsigned short ushort
ctypedef unsigned int uint

ctypedef fused cell_t:  # a stored cell, read as the sign that PixelRepresentation gives it
    i8
    u8
    i16
    u16
    i32
    u32

ctypedef fused small_cell_t:  # a cell with few enough values for a table
    i8
    u8
    i16
    u16

ctypedef fused item_t:  # a value that is only moved, by its size
    u8
    u16
    u32
    u64

ctypedef fused real_t:
    float
    double

ctypedef fused float_cell_t:
    f32
    f64

ctypedef fused word_t:  # what has a byte order
    u16
    u32
    u64

ctypedef fused small_t:  # integer outputs that int32 arithmetic can fill
    schar
    uchar
    short
    ushort
    int
    uint

ctypedef fused out_t:
    schar
    uchar
    short
    ushort
    int
    uint
    int64_t
    uint64_t
    float
    double

cdef enum:
    PAIRS = 512  # of pixels, in a block
    FEW = 256  # values, whose table is small beside the first-level cache
    BLOCK = 1024  # cells; a multiple of 8, so that packed bits keep their phase from block to block
    PLANES = 15  # the most segments that an RLE header has room for (PS3.5 G.5)
    RUN = 128  # the most bytes that one PackBits code stands for
    LINE = 64  # bytes of a cache line, and of the widest vector
    FILES = 32  # at a time
    SHORT = -2  # in place of an index: an RLE segment ends before the frame does
    STREAM_FROM = 16 * 1024 * 1024  # bytes of output that no cache is expected to keep

cdef enum Cell:
    I8, U8, I16, U16, I32, U32, F32, F64

cdef enum Out:
    OUT_I8, OUT_U8, OUT_I16, OUT_U16, OUT_I32, OUT_U32, OUT_I64, OUT_U64, OUT_F32, OUT_F64

cdef enum Route:  # from LINEAR_FLOATS on, a block at a time
    EXACT_FLOAT, EXACT_INT, LINEAR, LINEAR_FLOATS, LOOKUP, GENERAL

cdef struct Plane:  # one RLE segment, expanded as far as the block at hand needs
    const uint8_t *at
    const uint8_t *end
    Py_ssize_t held  # bytes expanded and not yet used
    uint8_t bytes[BLOCK + RUN + 16]  # a code is expanded whole, and copied 16 bytes at a time

cdef struct Planes:
    int samples, width  # of a pixel, and bytes of a sample; the most significant one comes first
    bint short_  # a segment has ended too early
    Plane plane[PLANES]

cdef struct Job

# Specialisations for the types of a job. A table below holds each kind; `choose_loops` picks once.
ctypedef void (*Load)(const void *cells, double *out, Py_ssize_t n, const Job *job) noexcept nogil
ctypedef bint (*Convert)(const void *cells, void *out, Py_ssize_t n, const Job *job) noexcept nogil
ctypedef void (*Places)(const void *cells, u16 *at, Py_ssize_t n, const Job *job) noexcept nogil
ctypedef Py_ssize_t (*Store)(const double *y, void *out, Py_ssize_t n) noexcept nogil
ctypedef double (*Highest)(
    const void *cells, Py_ssize_t n, bint lowest, const Job *job
) noexcept nogil

cdef struct Job:
    Load load  # cells to doubles
    # Cells to output in one loop: NULL in the route GENERAL. True: a value does not fit, and the
    # steps are to say where it is.
    Convert convert
    Store store  # doubles to output
    Highest highest  # NULL for float cells
    Highest highest_kept  # of cells up to 16 bits; else NULL
    Places places  # cells to where their values stand in `values`, in the route LOOKUP
    void *values  # items of the output, one for each stored value from `low` to `low + last`
    int low, last
    Planes *planes  # NULL unless the cells are RLE encoded
    Cell cell
    Out out
    Py_ssize_t itemsize  # bytes of a value of the output
    Route route
    bint packed
    bint swap
    int bits
    int shift  # lower bits that are left out; `bits` has none of them
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

include "kernel/cells.pxi"
include "kernel/routes.pxi"
include "kernel/steps.pxi"
include "kernel/rle.pxi"
include "kernel/blocks.pxi"
include "kernel/lookup.pxi"
include "kernel/job.pxi"
include "kernel/peak.pxi"
include "kernel/ybr.pxi"
include "kernel/color.pxi"
include "kernel/tables.pxi"
include "kernel/files.pxi"
include "kernel/frames.pxi"


def scale(
    const uint8_t[::1] cells not None, out not None, steps not None, Py_ssize_t skip=0,
    tuple segments=None,
):
    """Cells to values: see `fastpix.kernel.reference.scale`, which returns the same bits."""
    cdef Py_buffer target
    cdef Py_ssize_t bad, total
    cdef Job job
    cdef Planes planes
    fill(&job, steps)
    fill_planes(&planes, cells, segments, &job)
    PyObject_GetBuffer(out, &target, PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    set_output(&job, &target)
    with nogil:
        bad = -1
        total = target.len // job.itemsize
        if total:
            tabulate(&job, total)
            bad = run(&cells[0], skip, target.buf, total, &job)
            free(job.values)
            if job.planes != NULL and planes.short_:
                bad = SHORT
    if bad >= 0 and job.planes != NULL:
        fill_planes(&planes, cells, segments, &job)
        if cut_off(&cells[0], total, &job):
            bad = SHORT
    PyBuffer_Release(&target)
    return bad


def scale_files(
    source not None, list outs not None, steps not None, const int64_t[::1] starts not None,
    Py_ssize_t all_cells=0,
):
    """Fill arrays with values, each from the cells of another file.

    Parameters
    ----------
    source : capsule
        Gives the cells (src/cells.h).
    outs : list of ndarray
        Alike in shape and dtype, C-contiguous.
    steps : Steps
        Of whole bytes a cell.
    starts : ndarray of int64
        The cells of a file that the parts of its array are made of, all as long: where they begin.
    all_cells : int
        How many cells a file has, where values are inverted by the maximum of y over all of them;
        0: they are not.

    Returns
    -------
    int
        How many are filled: fewer where there are no cells, or a value does not fit.
    """
    cdef fastpix_cells *cells = <fastpix_cells *>PyCapsule_GetPointer(source, FASTPIX_CELLS)
    cdef Py_ssize_t k, done = 0, count = min(len(outs), FILES)
    cdef Py_buffer targets[FILES]
    cdef const uint8_t *data
    cdef Wanted wanted
    cdef Job job
    if not (count and starts.shape[0]):
        return 0
    fill(&job, steps)
    job.planes = NULL
    for k in range(count):
        PyObject_GetBuffer(outs[k], &targets[k], PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    set_output(&job, &targets[0])
    wanted.starts, wanted.parts = &starts[0], starts.shape[0]
    wanted.size = targets[0].len // job.itemsize // wanted.parts
    wanted.all = all_cells
    with nogil:
        if not wanted.all:
            tabulate(&job, count * wanted.parts * wanted.size)
        while done < count:
            data = cells.next(cells.state, done)
            if data == NULL or not scale_file(data, &wanted, targets[done].buf, &job):
                break
            done += 1
        free(job.values)
    for k in range(count):
        PyBuffer_Release(&targets[k])
    return done


def scale_frames(
    const uint8_t[::1] cells not None, out not None, steps not None,
    const int64_t[::1] starts not None, const int64_t[::1] places not None,
    const double[::1] slopes not None, const double[::1] intercepts not None,
):
    """Cells of frames to values: see `fastpix.kernel.reference.scale_frames`."""
    cdef Py_buffer target
    cdef FrameColumns frames
    cdef Py_ssize_t bad = -1
    cdef Job job
    frames.count, frames.rescales = starts.shape[0], slopes.shape[0]
    fill(&job, steps)
    job.planes = NULL
    PyObject_GetBuffer(out, &target, PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    set_output(&job, &target)
    if frames.count and target.len:
        frames.starts, frames.places = &starts[0], &places[0]
        frames.slopes, frames.intercepts = &slopes[0], &intercepts[0]
        with nogil:
            bad = run_frames(&cells[0], &frames, <uint8_t *> target.buf, target.shape[1], &job)
            free(job.values)
    PyBuffer_Release(&target)
    return bad


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
        found = peak_of(&cells[0], skip, count, &job, &result)
    if job.planes != NULL and planes.short_:
        return NAN
    return result if found else None


def color(
    const uint8_t[::1] cells not None, out not None, steps not None, Py_ssize_t skip=0,
    tuple segments=None,
):
    """Cells of a colour frame to RGB: see `fastpix.kernel.reference.color`."""
    cdef Py_buffer target
    cdef Py_ssize_t bad, pixels
    cdef str name
    cdef bint ybr
    cdef Job job
    cdef Planes planes
    samples, name, ybr = steps
    cdef Layout layout = layout_of(name)
    fill(&job, samples)
    fill_planes(&planes, cells, segments, &job)
    job.mirrored = job.inverted = job.normalized = job.padded = False
    if layout == INDEXED:
        job.entries = job.entries // 3
    if ybr or layout == INDEXED:  # YBR is converted before bits are dropped, an index has them all
        take_all_bits(&job)
    PyObject_GetBuffer(out, &target, PyBUF_FORMAT | PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)
    set_output(&job, &target)
    choose_color_route(&job, ybr)
    with nogil:
        bad = -1
        pixels = target.len // job.itemsize // 3
        if pixels:
            if layout == INDEXED:
                tabulate_palette(&job, pixels)
            bad = run_color(&cells[0], skip, target.buf, pixels, layout, ybr, &job)
            free(job.values)
            if job.planes != NULL and planes.short_:
                bad = SHORT
    if bad >= 0 and job.planes != NULL:
        fill_planes(&planes, cells, segments, &job)
        if cut_off(&cells[0], pixels if layout == INDEXED else 3 * pixels, &job):
            bad = SHORT
    PyBuffer_Release(&target)
    return bad


def supports(int level):
    """Whether this machine can run kernels of a level: 0 baseline, 1 AVX2, 2 AVX-512."""
    return bool(fastpix_supports(level))
