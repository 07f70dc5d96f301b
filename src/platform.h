/* What the kernel needs from the compiler and the processor, and Cython cannot say. */
#ifndef FASTPIX_PLATFORM_H
#define FASTPIX_PLATFORM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Pixel data starts wherever the header before it ended, so cells have no alignment to rely on.
   These types say so: a plain uint16_t * would let the vectorizer assume even addresses. */
#if defined(__GNUC__)
#define FASTPIX_UNALIGNED __attribute__((aligned(1), may_alias))
#else
#define FASTPIX_UNALIGNED
#endif
typedef int8_t fastpix_i8;
typedef uint8_t fastpix_u8;
typedef int16_t FASTPIX_UNALIGNED fastpix_i16;
typedef uint16_t FASTPIX_UNALIGNED fastpix_u16;
typedef int32_t FASTPIX_UNALIGNED fastpix_i32;
typedef uint32_t FASTPIX_UNALIGNED fastpix_u32;
typedef int64_t FASTPIX_UNALIGNED fastpix_i64;
typedef uint64_t FASTPIX_UNALIGNED fastpix_u64;
typedef float FASTPIX_UNALIGNED fastpix_f32;
typedef double FASTPIX_UNALIGNED fastpix_f64;

/* A block of doubles on the stack. It starts at a cache line, so that no vector straddles two. */
#if defined(__GNUC__)
typedef struct __attribute__((aligned(64))) { double values[1032]; } fastpix_block;
#elif defined(_MSC_VER)
typedef struct __declspec(align(64)) { double values[1032]; } fastpix_block;
#else
typedef struct { double values[1032]; } fastpix_block;
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define FASTPIX_X86 1
#include <immintrin.h>
#endif

/* Non-temporal copy: the destination goes to memory without being read into the cache first.
   Worth it only where the output is larger than the cache, that is, for whole large images. 32 bytes
   at a time at most: wider loads would wait for the narrower stores that filled `source`. */
static inline void fastpix_stream(void *target, const void *source, size_t n) {
#if defined(FASTPIX_X86)
    char *out = (char *)target;
    const char *in = (const char *)source;
    size_t head = (size_t)(-(uintptr_t)out & 63);
    if (head > n) head = n;
    memcpy(out, in, head);
    out += head;
    in += head;
    n -= head;
    for (; n >= 64; n -= 64, out += 64, in += 64) {
#if defined(__AVX2__)
        __m256i a = _mm256_loadu_si256((const __m256i *)in);
        __m256i b = _mm256_loadu_si256((const __m256i *)(in + 32));
        _mm256_stream_si256((__m256i *)out, a);
        _mm256_stream_si256((__m256i *)(out + 32), b);
#else
        __m128i a = _mm_loadu_si128((const __m128i *)in);
        __m128i b = _mm_loadu_si128((const __m128i *)(in + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(in + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(in + 48));
        _mm_stream_si128((__m128i *)out, a);
        _mm_stream_si128((__m128i *)(out + 16), b);
        _mm_stream_si128((__m128i *)(out + 32), c);
        _mm_stream_si128((__m128i *)(out + 48), d);
#endif
    }
    memcpy(out, in, n);
#else
    memcpy(target, source, n);
#endif
}

/* Streamed stores are weakly ordered: other threads may look only after this. */
static inline void fastpix_stream_end(void) {
#if defined(FASTPIX_X86)
    _mm_sfence();
#endif
}

/* Eight packed bits as eight bytes of 0 or 1, the least significant bit first, for each byte. */
#define FASTPIX_BITS1(k) \
    {(k) & 1, (k) >> 1 & 1, (k) >> 2 & 1, (k) >> 3 & 1, (k) >> 4 & 1, (k) >> 5 & 1, (k) >> 6 & 1, \
     (k) >> 7 & 1}
#define FASTPIX_BITS4(k) \
    FASTPIX_BITS1(k), FASTPIX_BITS1((k) + 1), FASTPIX_BITS1((k) + 2), FASTPIX_BITS1((k) + 3)
#define FASTPIX_BITS16(k) \
    FASTPIX_BITS4(k), FASTPIX_BITS4((k) + 4), FASTPIX_BITS4((k) + 8), FASTPIX_BITS4((k) + 12)
#define FASTPIX_BITS64(k) \
    FASTPIX_BITS16(k), FASTPIX_BITS16((k) + 16), FASTPIX_BITS16((k) + 32), FASTPIX_BITS16((k) + 48)
static const uint8_t FASTPIX_BITS[256][8] = {
    FASTPIX_BITS64(0), FASTPIX_BITS64(64), FASTPIX_BITS64(128), FASTPIX_BITS64(192)};

/* The floor of a number below 2**51: a function call, as `floor` may be, is slow in a loop. */
static inline double fastpix_floor(double x) {
#if defined(__SSE4_1__) || defined(__aarch64__)
    return floor(x); /* an instruction */
#else
    const double shift = 6755399441055744.0; /* 1.5 * 2**52: no fraction has room beside it */
    double nearest = (x + shift) - shift;
    return nearest > x ? nearest - 1.0 : nearest;
#endif
}

/* Eight bytes as a number, the most significant first; compilers make one load and one swap of it. */
static inline uint64_t fastpix_big_endian_64(const uint8_t *at) {
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | (uint64_t)at[7];
}

/* Whether processor and operating system support the instructions of a kernel: 0 is the
   platform's baseline, 1 AVX2, 2 AVX-512 (F, BW, DQ, VL). */
static inline int fastpix_supports(int level) {
    if (level == 0) return 1;
#if defined(FASTPIX_X86) && defined(__GNUC__)
    __builtin_cpu_init();
    if (level == 1) return __builtin_cpu_supports("avx2") != 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

#endif
