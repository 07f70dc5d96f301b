# YBR_FULL to RGB: PS3.3 C.7.6.3.1.2 solved for R, G and B, rounded half up and clipped.
#
# `fastpix.kernel.reference.ybr_to_rgb` has the solution, whose coefficients are ratios of integers.
# Samples of 8 bits are converted in fixed point: Y is a whole number, so that only what Cb and Cr
# add to it is rounded. The constants below give the very integers of the reference for all 256 Cr,
# all 256 Cb and all 65,536 pairs (tests/kernel/test_ybr.py). Red and blue take products of 16 bits,
# of which the compiler needs only the upper half. Other samples are converted in doubles.
#
# Kernels for AVX2 take 32 pixels at a time (src/ybr.h); the loops below take what is left, and are
# all there is elsewhere.

cdef extern from "ybr.h":
    Py_ssize_t fastpix_planes_to_rgb(
        const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *rgb, Py_ssize_t n
    ) nogil
    Py_ssize_t fastpix_pixels_to_rgb(const uint8_t *ybr, uint8_t *rgb, Py_ssize_t n) nogil
    Py_ssize_t fastpix_pairs_to_rgb(const uint8_t *pairs, uint8_t *rgb, Py_ssize_t n) nogil

cdef enum:
    RED_CR = 4, RED_HALF = 5, RED_SCALE = 6587
    BLUE_CB = 124, BLUE_HALF = 81, BLUE_SCALE = 408
    GREEN_CB = -360854, GREEN_CR = -748827, GREEN_HALF = 524300, GREEN_BITS = 20


cdef void add_of_chroma(
    const uint8_t *cb, const uint8_t *cr, short *red, short *green, short *blue, Py_ssize_t n
) noexcept nogil:
    """What Cb and Cr add to Y in R, G and B. A negative number shifted right is rounded down."""
    cdef Py_ssize_t i
    cdef short x, scaled
    for i in range(n):
        x = <short> (cr[i] - 128)
        scaled = <short> (RED_CR * x + RED_HALF)
        red[i] = <short> (x + <short> ((<int> scaled * RED_SCALE) >> 16))
    for i in range(n):
        x = <short> (cb[i] - 128)
        scaled = <short> (BLUE_CB * x + BLUE_HALF)
        blue[i] = <short> (x + <short> ((<int> scaled * BLUE_SCALE) >> 16))
    for i in range(n):
        green[i] = <short> (
            (GREEN_CB * (<int> cb[i] - 128) + GREEN_CR * (<int> cr[i] - 128) + GREEN_HALF)
            >> GREEN_BITS
        )


cdef void add_to_luma(
    const uint8_t *y, const short *chroma, uint8_t *color, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    cdef short x
    for i in range(n):
        x = <short> (y[i] + chroma[i])
        x = 0 if x < 0 else x
        color[i] = <uint8_t> (255 if x > 255 else x)


cdef void luma_to_rgb(
    const uint8_t *y, const short *red, const short *green, const short *blue,
    uint8_t *rgb, Py_ssize_t n,
) noexcept nogil:
    cdef uint8_t r[BLOCK]
    cdef uint8_t g[BLOCK]
    cdef uint8_t b[BLOCK]
    add_to_luma(y, red, r, n)
    add_to_luma(y, green, g, n)
    add_to_luma(y, blue, b, n)
    interleave(<const u8 *> r, <const u8 *> g, <const u8 *> b, <u8 *> rgb, n)


cdef void planes_to_rgb(
    const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *rgb, Py_ssize_t n
) noexcept nogil:
    """At most BLOCK pixels whose samples lie in three planes."""
    cdef short red[BLOCK]
    cdef short green[BLOCK]
    cdef short blue[BLOCK]
    cdef Py_ssize_t done = fastpix_planes_to_rgb(y, cb, cr, rgb, n)
    add_of_chroma(cb + done, cr + done, red, green, blue, n - done)
    luma_to_rgb(y + done, red, green, blue, rgb + 3 * done, n - done)


cdef void pixels_to_rgb(const uint8_t *ybr, uint8_t *rgb, Py_ssize_t n) noexcept nogil:
    """At most BLOCK pixels: Y Cb Cr."""
    cdef uint8_t y[BLOCK]
    cdef uint8_t cb[BLOCK]
    cdef uint8_t cr[BLOCK]
    cdef Py_ssize_t i, done = fastpix_pixels_to_rgb(ybr, rgb, n)
    ybr, rgb, n = ybr + 3 * done, rgb + 3 * done, n - done
    for i in range(n):
        y[i], cb[i], cr[i] = ybr[3 * i], ybr[3 * i + 1], ybr[3 * i + 2]
    planes_to_rgb(y, cb, cr, rgb, n)


cdef void pairs_to_rgb(const uint8_t *pairs, uint8_t *rgb, Py_ssize_t n) noexcept nogil:
    """At most BLOCK pixels, in pairs that share their chroma: Y1 Y2 Cb Cr."""
    cdef uint8_t y[BLOCK]
    cdef uint8_t cb[PAIRS]
    cdef uint8_t cr[PAIRS]
    cdef short half_red[PAIRS]
    cdef short half_green[PAIRS]
    cdef short half_blue[PAIRS]
    cdef short red[BLOCK]
    cdef short green[BLOCK]
    cdef short blue[BLOCK]
    cdef Py_ssize_t i, done = fastpix_pairs_to_rgb(pairs, rgb, n)
    pairs, rgb, n = pairs + 2 * done, rgb + 3 * done, n - done
    for i in range(n // 2):
        y[2 * i], y[2 * i + 1] = pairs[4 * i], pairs[4 * i + 1]
        cb[i], cr[i] = pairs[4 * i + 2], pairs[4 * i + 3]
    add_of_chroma(cb, cr, half_red, half_green, half_blue, n // 2)
    for i in range(n // 2):
        red[2 * i] = red[2 * i + 1] = half_red[i]
        green[2 * i] = green[2 * i + 1] = half_green[i]
        blue[2 * i] = blue[2 * i + 1] = half_blue[i]
    luma_to_rgb(y, red, green, blue, rgb, n)


cdef inline double ratio(double numerator, double denominator, double top) noexcept nogil:
    """The quotient of two integers, rounded half up and clipped. Exact: below 2**53, a quotient
    that is no integer is further from one than its rounding error."""
    cdef double x = fastpix_floor((numerator + denominator / 2) / denominator)
    x = 0.0 if x < 0.0 else x
    return top if x > top else x


cdef void ybr_to_rgb(double *samples, Py_ssize_t n, int bits) noexcept nogil:
    """Samples of any width, in place."""
    cdef double y, cb, cr, top = <double> (<uint64_t> 1 << bits) - 1.0, half = (top + 1.0) / 2.0
    cdef Py_ssize_t i
    for i in range(n):
        y = samples[3 * i]
        cb = samples[3 * i + 1] - half
        cr = samples[3 * i + 2] - half
        samples[3 * i] = ratio(1000 * y + 1402 * cr, 1000, top)
        samples[3 * i + 1] = ratio(587000 * y - 202008 * cb - 419198 * cr, 587000, top)
        samples[3 * i + 2] = ratio(1000 * y + 1772 * cb, 1000, top)
