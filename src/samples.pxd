# cython: language_level=3, cdivision=True
"""The samples of 8, 16 or 32 bits of a colour pixel, moved and converted as integers.

This is the way of cells that are neither masked nor swapped, to an output that is as wide.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy

cdef extern from "platform.h":  # at any address
    ctypedef unsigned char u8 "fastpix_u8"
    ctypedef unsigned short u16 "fastpix_u16"
    ctypedef unsigned int u32 "fastpix_u32"

ctypedef fused sample_t:
    u8
    u16
    u32

cdef enum:
    PIXELS = 1024  # that are converted at a time; an even number


cdef inline uint8_t clipped(int32_t x) noexcept nogil:
    x = 0 if x < 0 else x
    return <uint8_t> (255 if x > 255 else x)


cdef inline void ybr_to_rgb_bytes(
    const uint8_t *ybr, uint8_t *rgb, Py_ssize_t pixels
) noexcept nogil:
    """YBR_FULL to RGB: see `fastpix.kernel.reference.ybr_to_rgb`.

    Every numerator is made positive by a multiple of its denominator, so that the unsigned division
    is a floor, and the compiler makes a multiplication of it.
    """
    cdef Py_ssize_t i
    cdef int32_t y, cb, cr
    cdef uint32_t r, g, b
    for i in range(pixels):
        y, cb, cr = ybr[3 * i], <int32_t> ybr[3 * i + 1] - 128, <int32_t> ybr[3 * i + 2] - 128
        r = <uint32_t> (1000 * (y + 256) + 1402 * cr + 500) // 1000
        g = <uint32_t> (587000 * (y + 256) - 202008 * cb - 419198 * cr + 293500) // 587000
        b = <uint32_t> (1000 * (y + 256) + 1772 * cb + 500) // 1000
        rgb[3 * i] = clipped(<int32_t> r - 256)
        rgb[3 * i + 1] = clipped(<int32_t> g - 256)
        rgb[3 * i + 2] = clipped(<int32_t> b - 256)


cdef inline void gather(
    const sample_t *cells, sample_t *out, Py_ssize_t start, Py_ssize_t n, Py_ssize_t pixels,
    bint planar, bint paired,
) noexcept nogil:
    """Put together the samples of `n` of all pixels, from pixel `start` on."""
    cdef Py_ssize_t i
    cdef const sample_t *first = cells + start
    cdef const sample_t *second = first + pixels
    cdef const sample_t *third = second + pixels
    cdef const sample_t *pairs = cells + 2 * start
    if planar:
        for i in range(n):
            out[3 * i], out[3 * i + 1], out[3 * i + 2] = first[i], second[i], third[i]
    elif paired:  # Y1 Y2 Cb Cr to Y1 Cb Cr, Y2 Cb Cr
        for i in range(n // 2):
            out[6 * i], out[6 * i + 3] = pairs[4 * i], pairs[4 * i + 1]
            out[6 * i + 1] = out[6 * i + 4] = pairs[4 * i + 2]
            out[6 * i + 2] = out[6 * i + 5] = pairs[4 * i + 3]
    else:
        memcpy(out, cells + 3 * start, 3 * n * sizeof(sample_t))


cdef inline void color_integers(
    const uint8_t *cells, uint8_t *out, Py_ssize_t pixels, int width, bint planar, bint paired,
    bint ybr,
) noexcept nogil:
    """The samples of all pixels, `width` bytes each; of 8 bits from YBR_FULL to RGB if `ybr`.

    By way of a block that nothing else points to, so that the compiler can make vectors of loops.
    """
    cdef uint32_t block[3 * PIXELS]
    cdef Py_ssize_t start = 0, n
    while start < pixels:
        n = min(<Py_ssize_t> PIXELS, pixels - start)
        if width == 1:
            gather(<const u8 *> cells, <u8 *> block, start, n, pixels, planar, paired)
        elif width == 2:
            gather(<const u16 *> cells, <u16 *> block, start, n, pixels, planar, paired)
        else:
            gather(<const u32 *> cells, <u32 *> block, start, n, pixels, planar, paired)
        if ybr:
            ybr_to_rgb_bytes(<const uint8_t *> block, out + 3 * start, n)
        else:
            memcpy(out + 3 * start * width, block, 3 * n * width)
        start += n
