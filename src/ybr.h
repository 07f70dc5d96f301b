/* YBR_FULL of 8 bits to RGB, 32 pixels at a time in the registers of AVX2.

   The same integers as src/kernel/ybr.pxi, which says what they are; compilers miss two things about
   its loops: that bytes three apart are one shuffle, and that all products fit 16 bits. Green is a sum
   of two products of 20 bits there. Here its coefficients are split into three digits, from 1410 and
   2925 down to units of 2**-20, and the sum is shifted after each: floor(floor(x / a) / b) is
   floor(x / (a * b)). Each function returns how many pixels it has done: the others are left. */
#ifndef FASTPIX_YBR_H
#define FASTPIX_YBR_H

#include <stddef.h>
#include <stdint.h>

#include "platform.h"

#if defined(__AVX2__)

/* A factor that the compiler must not take apart into shifts and additions, which take longer. */
static inline __m256i fastpix_factor(short value) {
    __m256i factor = _mm256_set1_epi16(value);
#if defined(__GNUC__)
    __asm__("" : "+x"(factor));
#endif
    return factor;
}

typedef struct {
    __m256i blue_cb, blue_scale, red_scale, cb[2], cr[3];
} fastpix_ybr_factors;

static inline fastpix_ybr_factors fastpix_factors(void) {
    fastpix_ybr_factors f;
    f.red_scale = fastpix_factor(6587);
    f.blue_cb = fastpix_factor(124);
    f.blue_scale = fastpix_factor(408);
    f.cb[0] = fastpix_factor(106);
    f.cb[1] = fastpix_factor(-44);
    f.cr[0] = fastpix_factor(-27);
    f.cr[1] = fastpix_factor(-13);
    f.cr[2] = fastpix_factor(-91);
    return f;
}

/* 16 pixels as words; the sums may leave 0..255, and are clipped when they become bytes. */
static inline void fastpix_words_to_rgb(__m256i y, __m256i cb, __m256i cr, __m256i rgb[3],
                                        const fastpix_ybr_factors *f) {
    __m256i middle = _mm256_set1_epi16(128), scaled, green, twice;
    cb = _mm256_sub_epi16(cb, middle);
    cr = _mm256_sub_epi16(cr, middle);
    scaled = _mm256_add_epi16(_mm256_slli_epi16(cr, 2), _mm256_set1_epi16(5));
    scaled = _mm256_mulhi_epi16(scaled, f->red_scale);
    rgb[0] = _mm256_add_epi16(_mm256_add_epi16(y, cr), scaled);
    scaled = _mm256_add_epi16(_mm256_mullo_epi16(cb, f->blue_cb), _mm256_set1_epi16(81));
    scaled = _mm256_mulhi_epi16(scaled, f->blue_scale);
    rgb[2] = _mm256_add_epi16(_mm256_add_epi16(y, cb), scaled);
    green = _mm256_add_epi16(_mm256_mullo_epi16(cb, f->cb[0]), _mm256_mullo_epi16(cr, f->cr[0]));
    green = _mm256_srai_epi16(_mm256_add_epi16(green, _mm256_set1_epi16(12)), 8);
    twice = _mm256_add_epi16(cb, cb);
    green = _mm256_add_epi16(green, _mm256_mullo_epi16(cr, f->cr[1]));
    green = _mm256_sub_epi16(_mm256_add_epi16(green, _mm256_set1_epi16(2048)), twice);
    green = _mm256_srai_epi16(green, 5);
    green = _mm256_add_epi16(green, _mm256_mullo_epi16(cb, f->cb[1]));
    green = _mm256_add_epi16(green, _mm256_mullo_epi16(cr, f->cr[2]));
    rgb[1] = _mm256_add_epi16(y, _mm256_srai_epi16(green, 7));
}

/* The same mask for either half of a register; NO: a zero. */
#define FASTPIX_MASK(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
    _mm256_broadcastsi128_si256(                                     \
        _mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))
#define NO (-1)

static inline __m256i fastpix_merged(__m256i a, __m256i b, __m256i c, __m256i from_a,
                                     __m256i from_b, __m256i from_c) {
    return _mm256_or_si256(
        _mm256_or_si256(_mm256_shuffle_epi8(a, from_a), _mm256_shuffle_epi8(b, from_b)),
        _mm256_shuffle_epi8(c, from_c));
}

static inline __m256i fastpix_halves(const uint8_t *low, const uint8_t *high) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
        _mm_loadu_si128((const __m128i *)high), 1);
}

static inline void fastpix_store_halves(uint8_t *low, uint8_t *high, __m256i value) {
    _mm_storeu_si128((__m128i *)low, _mm256_castsi256_si128(value));
    _mm_storeu_si128((__m128i *)high, _mm256_extracti128_si256(value, 1));
}

/* 32 pixels as bytes, 16 in either half. */
static inline void fastpix_bytes_to_rgb(__m256i y, __m256i cb, __m256i cr, uint8_t *out,
                                        const fastpix_ybr_factors *f) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i low[3], high[3], r, g, b;
    fastpix_words_to_rgb(_mm256_unpacklo_epi8(y, zero), _mm256_unpacklo_epi8(cb, zero),
                         _mm256_unpacklo_epi8(cr, zero), low, f);
    fastpix_words_to_rgb(_mm256_unpackhi_epi8(y, zero), _mm256_unpackhi_epi8(cb, zero),
                         _mm256_unpackhi_epi8(cr, zero), high, f);
    r = _mm256_packus_epi16(low[0], high[0]);
    g = _mm256_packus_epi16(low[1], high[1]);
    b = _mm256_packus_epi16(low[2], high[2]);
    fastpix_store_halves(
        out, out + 48,
        fastpix_merged(r, g, b,
                       FASTPIX_MASK(0, NO, NO, 1, NO, NO, 2, NO, NO, 3, NO, NO, 4, NO, NO, 5),
                       FASTPIX_MASK(NO, 0, NO, NO, 1, NO, NO, 2, NO, NO, 3, NO, NO, 4, NO, NO),
                       FASTPIX_MASK(NO, NO, 0, NO, NO, 1, NO, NO, 2, NO, NO, 3, NO, NO, 4, NO)));
    fastpix_store_halves(
        out + 16, out + 64,
        fastpix_merged(r, g, b,
                       FASTPIX_MASK(NO, NO, 6, NO, NO, 7, NO, NO, 8, NO, NO, 9, NO, NO, 10, NO),
                       FASTPIX_MASK(5, NO, NO, 6, NO, NO, 7, NO, NO, 8, NO, NO, 9, NO, NO, 10),
                       FASTPIX_MASK(NO, 5, NO, NO, 6, NO, NO, 7, NO, NO, 8, NO, NO, 9, NO, NO)));
    fastpix_store_halves(
        out + 32, out + 80,
        fastpix_merged(
            r, g, b, FASTPIX_MASK(NO, 11, NO, NO, 12, NO, NO, 13, NO, NO, 14, NO, NO, 15, NO, NO),
            FASTPIX_MASK(NO, NO, 11, NO, NO, 12, NO, NO, 13, NO, NO, 14, NO, NO, 15, NO),
            FASTPIX_MASK(10, NO, NO, 11, NO, NO, 12, NO, NO, 13, NO, NO, 14, NO, NO, 15)));
}

/* Samples in three planes. */
static inline ptrdiff_t fastpix_planes_to_rgb(const uint8_t *y, const uint8_t *cb,
                                              const uint8_t *cr, uint8_t *rgb, ptrdiff_t n) {
    const fastpix_ybr_factors f = fastpix_factors();
    ptrdiff_t i;
    for (i = 0; i + 32 <= n; i += 32)
        fastpix_bytes_to_rgb(_mm256_loadu_si256((const __m256i *)(y + i)),
                             _mm256_loadu_si256((const __m256i *)(cb + i)),
                             _mm256_loadu_si256((const __m256i *)(cr + i)), rgb + 3 * i, &f);
    return i;
}

/* Y Cb Cr. */
static inline ptrdiff_t fastpix_pixels_to_rgb(const uint8_t *ybr, uint8_t *rgb, ptrdiff_t n) {
    const fastpix_ybr_factors f = fastpix_factors();
    ptrdiff_t i;
    for (i = 0; i + 32 <= n; i += 32) {
        const uint8_t *at = ybr + 3 * i;
        const __m256i a = fastpix_halves(at, at + 48), b = fastpix_halves(at + 16, at + 64),
                      c = fastpix_halves(at + 32, at + 80);
        const __m256i y = fastpix_merged(
            a, b, c,
            FASTPIX_MASK(0, 3, 6, 9, 12, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, 2, 5, 8, 11, 14, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 1, 4, 7, 10, 13));
        const __m256i cb = fastpix_merged(
            a, b, c,
            FASTPIX_MASK(1, 4, 7, 10, 13, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, 0, 3, 6, 9, 12, 15, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 2, 5, 8, 11, 14));
        const __m256i cr = fastpix_merged(
            a, b, c,
            FASTPIX_MASK(2, 5, 8, 11, 14, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, 1, 4, 7, 10, 13, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 0, 3, 6, 9, 12, 15));
        fastpix_bytes_to_rgb(y, cb, cr, rgb + 3 * i, &f);
    }
    return i;
}

/* Y1 Y2 Cb Cr: pairs of pixels that share their chroma. */
static inline ptrdiff_t fastpix_pairs_to_rgb(const uint8_t *pairs, uint8_t *rgb, ptrdiff_t n) {
    const fastpix_ybr_factors f = fastpix_factors();
    const __m256i none = _mm256_set1_epi8(NO);
    ptrdiff_t i;
    for (i = 0; i + 32 <= n; i += 32) {
        const uint8_t *at = pairs + 2 * i;
        const __m256i a = fastpix_halves(at, at + 32), b = fastpix_halves(at + 16, at + 48);
        const __m256i y = fastpix_merged(
            a, b, a, FASTPIX_MASK(0, 1, 4, 5, 8, 9, 12, 13, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, 0, 1, 4, 5, 8, 9, 12, 13), none);
        const __m256i cb = fastpix_merged(
            a, b, a, FASTPIX_MASK(2, 2, 6, 6, 10, 10, 14, 14, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, 2, 2, 6, 6, 10, 10, 14, 14), none);
        const __m256i cr = fastpix_merged(
            a, b, a, FASTPIX_MASK(3, 3, 7, 7, 11, 11, 15, 15, NO, NO, NO, NO, NO, NO, NO, NO),
            FASTPIX_MASK(NO, NO, NO, NO, NO, NO, NO, NO, 3, 3, 7, 7, 11, 11, 15, 15), none);
        fastpix_bytes_to_rgb(y, cb, cr, rgb + 3 * i, &f);
    }
    return i;
}
#undef NO

#else

static inline ptrdiff_t fastpix_planes_to_rgb(const uint8_t *y, const uint8_t *cb,
                                              const uint8_t *cr, uint8_t *rgb, ptrdiff_t n) {
    return 0;
}

static inline ptrdiff_t fastpix_pixels_to_rgb(const uint8_t *ybr, uint8_t *rgb, ptrdiff_t n) {
    return 0;
}

static inline ptrdiff_t fastpix_pairs_to_rgb(const uint8_t *pairs, uint8_t *rgb, ptrdiff_t n) {
    return 0;
}

#endif

#endif
