/* Dot products of rows in half precision with vectors in single precision, in one pass over the rows.

   Every row is cut into segments (the layers of a tile); out[row][segment][vector] is the product of one segment.
   tools/build_kernel.py compiles it; dots.py calls it, or does the same with NumPy where it is not there. */

#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Rows and vectors whose sums stay in registers. */
#define ROWS 4
#define VECTORS 4
/* Bytes that are fetched from memory ahead of their use: the processor alone does not look far enough. */
#define AHEAD 5120

typedef struct {
    const uint16_t *rows; /* of half precision */
    int64_t count, width; /* rows stand beside each other */
    const int64_t *ends;  /* where segments end; each begins where the last one ended */
    int64_t segments;
    const float *vectors; /* (vectors, width) */
    int64_t n_vectors;
    float *out;
} Work;

/* BLOCK multiplies R rows with V vectors over one segment.  LANES numbers at a time; what is left is copied into
   lanes of zeros. */
#define BLOCK(NAME, TARGET, R, V, LANES, LANE, ZERO, WIDEN, LOAD, MULTIPLY_ADD, SUM)                                  \
    TARGET static void NAME(const uint16_t *rows, const float *vectors, int64_t width, int64_t length, float *out,    \
                            int64_t row_step) {                                                                       \
        LANE sums[R][V];                                                                                              \
        for (int r = 0; r < R; r++)                                                                                   \
            for (int v = 0; v < V; v++) sums[r][v] = ZERO;                                                            \
        int64_t at = 0;                                                                                               \
        for (; at + LANES <= length; at += LANES) {                                                                   \
            LANE wide[R];                                                                                             \
            for (int r = 0; r < R; r++) {                                                                             \
                wide[r] = WIDEN(rows + r * width + at);                                                               \
                __builtin_prefetch((const char *)(rows + r * width + at) + AHEAD);                                    \
            }                                                                                                         \
            for (int v = 0; v < V; v++) {                                                                             \
                LANE numbers = LOAD(vectors + v * width + at);                                                        \
                for (int r = 0; r < R; r++) sums[r][v] = MULTIPLY_ADD(wide[r], numbers, sums[r][v]);                  \
            }                                                                                                         \
        }                                                                                                             \
        if (at < length) {                                                                                            \
            uint16_t halves[LANES];                                                                                   \
            float singles[LANES];                                                                                     \
            LANE wide[R];                                                                                             \
            for (int k = 0; k < LANES; k++) halves[k] = 0, singles[k] = 0;                                            \
            for (int r = 0; r < R; r++) {                                                                             \
                for (int64_t k = at; k < length; k++) halves[k - at] = rows[r * width + k];                           \
                wide[r] = WIDEN(halves);                                                                              \
            }                                                                                                         \
            for (int v = 0; v < V; v++) {                                                                             \
                for (int64_t k = at; k < length; k++) singles[k - at] = vectors[v * width + k];                       \
                LANE numbers = LOAD(singles);                                                                         \
                for (int r = 0; r < R; r++) sums[r][v] = MULTIPLY_ADD(wide[r], numbers, sums[r][v]);                  \
            }                                                                                                         \
        }                                                                                                             \
        for (int r = 0; r < R; r++)                                                                                   \
            for (int v = 0; v < V; v++) out[r * row_step + v] = SUM(sums[r][v]);                                      \
    }

#define KERNEL(NAME, TARGET, ...)                                                                                     \
    BLOCK(NAME##_many, TARGET, ROWS, VECTORS, __VA_ARGS__)                                                            \
    BLOCK(NAME##_rows, TARGET, ROWS, 1, __VA_ARGS__)                                                                  \
    BLOCK(NAME##_vectors, TARGET, 1, VECTORS, __VA_ARGS__)                                                            \
    BLOCK(NAME##_one, TARGET, 1, 1, __VA_ARGS__)                                                                      \
    TARGET static void NAME(const Work *w) {                                                                          \
        int64_t step = w->segments * w->n_vectors;                                                                    \
        for (int64_t row = 0; row < w->count;) {                                                                      \
            int several = w->count - row >= ROWS;                                                                     \
            const uint16_t *rows = w->rows + row * w->width;                                                          \
            float *out = w->out + row * step;                                                                         \
            for (int64_t s = 0, begin = 0; s < w->segments; begin = w->ends[s++]) {                                   \
                int64_t length = w->ends[s] - begin;                                                                  \
                for (int64_t v = 0; v < w->n_vectors;) {                                                              \
                    int more = w->n_vectors - v >= VECTORS;                                                           \
                    const float *vectors = w->vectors + v * w->width + begin;                                         \
                    (several ? (more ? NAME##_many : NAME##_rows) : (more ? NAME##_vectors : NAME##_one))(            \
                        rows + begin, vectors, w->width, length, out + s * w->n_vectors + v, step);                   \
                    v += more ? VECTORS : 1;                                                                          \
                }                                                                                                     \
            }                                                                                                         \
            row += several ? ROWS : 1;                                                                                \
        }                                                                                                             \
    }

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx2,f16c,fma")))
#define AVX2 __attribute__((target("avx2,f16c,fma")))

AVX512 static inline __m512 widen_16(const uint16_t *at) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at)); }
AVX2 static inline __m256 widen_8(const uint16_t *at) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at)); }
AVX2 static inline float sum_8(__m256 lanes) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

KERNEL(by_16, AVX512, 16, __m512, _mm512_setzero_ps(), widen_16, _mm512_loadu_ps, _mm512_fmadd_ps, _mm512_reduce_add_ps)
KERNEL(by_8, AVX2, 8, __m256, _mm256_setzero_ps(), widen_8, _mm256_loadu_ps, _mm256_fmadd_ps, sum_8)

/* Asked of the processor itself: what compilers bring for it is not in every library. */
EXPORT int lanes(void) {
    unsigned a, b, c, d, extended, kept;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    int fused = (c >> 12 & 1) && (c >> 29 & 1); /* FMA, F16C */
    if (!fused || !(c >> 27 & 1)) return 0;
    __asm__("xgetbv" : "=a"(kept), "=d"(d) : "c"(0)); /* registers that the operating system keeps */
    if ((kept & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &extended, &c, &d)) return 0;
    int wide = (extended >> 16 & 1) && (extended >> 30 & 1) && (extended >> 31 & 1); /* AVX-512 F, BW, VL */
    if (wide && (kept & 0xe6) == 0xe6) return 16;
    return extended >> 5 & 1 ? 8 : 0; /* AVX2 */
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static inline float32x4_t widen_4(const uint16_t *at) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at))); }
static inline float32x4_t multiply_add(float32x4_t a, float32x4_t b, float32x4_t sum) { return vfmaq_f32(sum, a, b); }

KERNEL(by_4, , 4, float32x4_t, vdupq_n_f32(0), widen_4, vld1q_f32, multiply_add, vaddvq_f32)

EXPORT int lanes(void) { return 4; }
#else
EXPORT int lanes(void) { return 0; }
#endif

/* Multiply with as many lanes as asked for, at most `lanes()`. */
EXPORT void products(const uint16_t *rows, int64_t count, int64_t width, const int64_t *ends, int64_t segments,
                     const float *vectors, int64_t n_vectors, float *out, int by) {
    Work work = {rows, count, width, ends, segments, vectors, n_vectors, out};
#if defined(__x86_64__)
    if (by == 16) by_16(&work);
    if (by == 8) by_8(&work);
#elif defined(__aarch64__)
    if (by == 4) by_4(&work);
#else
    (void)work, (void)by;
#endif
}
