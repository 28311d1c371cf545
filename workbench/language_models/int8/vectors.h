// What the passes over 8-bit weights are made of: sixteen floats at a time, products of bytes,
// attention.
//
// A row is one token of one text. Whatever is computed for a row depends on that row and on its
// text alone: sums of integers are exact in any order, and every sum of floats runs over one row,
// in an order that company does not change. So what is said of a text is the same, to the bit,
// whatever else is read at the same time.
//
// Built by clang, whose vector types and builtins it uses; kernel.py says how.

#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// For loops whose ends are constants once inlined: only unrolled do their sums stay in registers.
#define UNROLLED _Pragma("clang loop unroll(enable)")
#define INLINE static inline __attribute__((always_inline))

INLINE int smaller(int a, int b) { return a < b ? a : b; }


// ---------------------------------------------------------------- sixteen floats at a time

enum { LANES = 16 };
typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint8_t vb __attribute__((vector_size(16)));
typedef vf loose_vf __attribute__((aligned(4), may_alias));
typedef float loose_half __attribute__((vector_size(32), aligned(4), may_alias));
typedef vi loose_vi __attribute__((aligned(4), may_alias));
typedef vb loose_vb __attribute__((aligned(1), may_alias));

INLINE vf load(const float *from) { return *(const loose_vf *)from; }
INLINE void store(float *to, vf v) { *(loose_vf *)to = v; }
INLINE vf all(float x) { return (vf){} + x; }

// Room for so many floats, from where a vector lies in one line of the cache; NULL where there is none.
static inline float *floats_for(size_t count) {
    return aligned_alloc(sizeof(vf), (count * sizeof(float) + sizeof(vf) - 1) / sizeof(vf) * sizeof(vf));
}

INLINE float largest(vf v) { return __builtin_reduce_max(v); }

INLINE float sum(vf v) {
    float s[LANES];
    store(s, v);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
}

// e to the x, to about one part in ten million: a power of two times a polynomial.
INLINE vf exponential(vf x) {
    x = __builtin_elementwise_max(x, all(-87.0f));
    x = __builtin_elementwise_min(x, all(88.0f));
    vf n = __builtin_elementwise_roundeven(x * 1.44269504f);
    vf r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vf p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    vi power = (__builtin_convertvector(n, vi) + 127) << 23;
    return p * (vf)power;
}

// ------------------------------------------------- products of bytes, sixteen sums at a time
//
// Weights lie in tiles of TILE_BLOCKS blocks of sixteen outputs, in the order in which they are
// read, so that memory is fetched ahead: for every four inputs, the four weights of the first
// output, of the second, and so on, 64 bytes a block. The last tile may have fewer blocks. `dot`
// adds to each output's sum the products of its four weights with four activations. No weight and no
// activation is larger than LEVELS; an activation is stored as itself plus OFFSET where the
// instruction wants it unsigned. TILE_ROWS is how many rows' sums stay in registers.

enum { TILE_BLOCKS = 3, LEVELS = 127 };

#if defined(__AVX512VNNI__)
#include <immintrin.h>
enum { OFFSET = 128, TILE_ROWS = 8 };
typedef __m512i sums;
INLINE sums dot(sums s, const int8_t *weights, uint32_t four) {
    return _mm512_dpbusd_epi32(s, _mm512_set1_epi32((int)four), _mm512_loadu_si512(weights));
}
INLINE vi lanes(sums s) { return (vi)s; }

#elif defined(__AVX2__)
#include <immintrin.h>
typedef struct { __m256i low, high; } sums;
#if defined(__AVXVNNI__)
enum { OFFSET = 128, TILE_ROWS = 2 };
INLINE __m256i dot8(__m256i s, __m256i w, __m256i x) { return _mm256_dpbusd_avx_epi32(s, x, w); }
#else
enum { OFFSET = 0, TILE_ROWS = 2 };
// The instruction multiplies an unsigned byte with a signed one, and adds pairs of products in 16 bits.
// Magnitudes of activations and weights with the activations' signs keep pairs within 2 * 127 * 127.
INLINE __m256i dot8(__m256i s, __m256i w, __m256i x) {
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
    return _mm256_add_epi32(s, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#endif
INLINE sums dot(sums s, const int8_t *weights, uint32_t four) {
    __m256i x = _mm256_set1_epi32((int)four);
    s.low = dot8(s.low, _mm256_loadu_si256((const __m256i *)weights), x);
    s.high = dot8(s.high, _mm256_loadu_si256((const __m256i *)(weights + 32)), x);
    return s;
}
INLINE vi lanes(sums s) {
    vi v;
    memcpy(&v, &s, sizeof v);
    return v;
}

#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
enum { OFFSET = 0, TILE_ROWS = 2 };
typedef struct { int32x4_t part[4]; } sums;
INLINE sums dot(sums s, const int8_t *weights, uint32_t four) {
    int8x16_t x = vreinterpretq_s8_u32(vdupq_n_u32(four));
    for (int i = 0; i < 4; i++)
        s.part[i] = vdotq_s32(s.part[i], vld1q_s8(weights + 16 * i), x);
    return s;
}
INLINE vi lanes(sums s) {
    vi v;
    memcpy(&v, &s, sizeof v);
    return v;
}

#else
enum { OFFSET = 0, TILE_ROWS = 1 };
typedef vi sums;
INLINE sums dot(sums s, const int8_t *weights, uint32_t four) {
    int8_t x[4];
    memcpy(x, &four, 4);
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++) s[i] += weights[4 * i + j] * x[j];
    return s;
}
INLINE vi lanes(sums s) { return s; }
#endif

// --------------------------------------------------------------------------- linear layers

typedef struct {
    const int8_t *weights;   // of each tile (inputs / 4, outputs, 4)
    const float *scales;     // (outputs,)
    const int32_t *totals;   // (outputs,): sum of an output's weights
    const float *bias;       // (outputs,) or NULL
    int32_t inputs, outputs; // multiples of 4 and of 16
} Linear;

// Round a row to bytes; returns what one level is worth.
INLINE float quantize(const float *x, uint8_t *to, int n) {
    vf most = all(0);
    for (int i = 0; i < n; i += LANES)
        most = __builtin_elementwise_max(most, __builtin_elementwise_abs(load(x + i)));
    float peak = largest(most);
    if (!(peak > 1e-30f)) peak = 1e-30f;
    float levels = LEVELS / peak;
    for (int i = 0; i < n; i += LANES) {
        vi rounded = __builtin_convertvector(__builtin_elementwise_roundeven(load(x + i) * levels), vi);
        *(loose_vb *)(to + i) = __builtin_convertvector(rounded + OFFSET, vb);
    }
    return peak / LEVELS;
}

INLINE void product(const Linear *l, int block, int blocks, const uint8_t *x, const float *row_scale,
                    int rows, float *out, int add) {
    size_t inputs = l->inputs;
    const int8_t *weights = l->weights + block * LANES * inputs;
    sums s[TILE_ROWS][TILE_BLOCKS];
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int b = 0; b < blocks; b++) s[r][b] = (sums){};
    for (size_t k = 0; k < inputs; k += 4)
        UNROLLED for (int r = 0; r < rows; r++) {
            uint32_t four;
            memcpy(&four, x + r * inputs + k, 4);
            UNROLLED for (int b = 0; b < blocks; b++)
                s[r][b] = dot(s[r][b], weights + (k * blocks + b * 4) * LANES, four);
        }
    UNROLLED for (int b = 0; b < blocks; b++) {
        int first = (block + b) * LANES;
        vi totals = *(const loose_vi *)(l->totals + first) * OFFSET;
        vf bias = l->bias ? load(l->bias + first) : all(0);
        UNROLLED for (int r = 0; r < rows; r++) {
            vf y = __builtin_convertvector(lanes(s[r][b]) - totals, vf) * (load(l->scales + first) * row_scale[r]);
            float *to = out + (size_t)r * l->outputs + first;
            store(to, add ? load(to) + (y + bias) : y + bias);
        }
    }
}

// Multiply rounded rows with some of a layer's tiles, from the one on that begins with `block`.
static inline void multiply(const Linear *l, int block, int blocks, const uint8_t *rounded,
                            const float *row_scale, int rows, float *out, int add) {
    for (int end = block + blocks; block < end; block += TILE_BLOCKS)
        for (int row = 0; row < rows; row += TILE_ROWS) {
            int n = smaller(TILE_ROWS, rows - row), wide = smaller(TILE_BLOCKS, end - block);
            const uint8_t *x = rounded + (size_t)row * l->inputs;
            const float *scale = row_scale + row;
            float *to = out + (size_t)row * l->outputs;
            // The sizes are told as constants, so that the sums stay in registers.
#define CASE(N, B) \
    if (N <= TILE_ROWS && n == N && wide == B) product(l, block, B, x, scale, N, to, add); else
#define CASES(B) CASE(1, B) CASE(2, B) CASE(3, B) CASE(4, B) CASE(5, B) CASE(6, B) CASE(7, B) CASE(8, B)
            _Static_assert(TILE_ROWS <= 8 && TILE_BLOCKS == 3, "each size needs its case");
            CASES(3) CASES(2) CASES(1) {}
#undef CASES
#undef CASE
        }
}

// ------------------------------------------------------------------------------- attention

enum { QUERY_ROWS = 4 };

INLINE void attend_some(int n, const float *const *queries, float *const *outs, const int *seen,
                        const float *keys, const float *values, int size, float *scores, int stride) {
    int most = 0;
    for (int i = 0; i < n; i++) most = seen[i] > most ? seen[i] : most;
    int padded = (most + LANES - 1) / LANES * LANES;
    float inverse_root = 1.0f / __builtin_sqrtf(size);
    int p = 0;
#define SCORE(WIDE) \
    for (; p + WIDE * LANES <= padded; p += WIDE * LANES) { \
        vf s[QUERY_ROWS][WIDE] = {}; \
        const float *block = keys + (size_t)p * size; \
        for (int d = 0; d < size; d++) \
            UNROLLED for (int w = 0; w < WIDE; w++) { \
                vf k = load(block + (w * size + d) * LANES); \
                /* Values are wanted next, as many of them. */ \
                __builtin_prefetch(values + (size_t)p * size + (w * size + d) * LANES, 0, 2); \
                UNROLLED for (int i = 0; i < n; i++) s[i][w] += k * queries[i][d]; \
            } \
        for (int i = 0; i < n; i++) \
            for (int w = 0; w < WIDE; w++) store(scores + i * stride + p + w * LANES, s[i][w] * inverse_root); \
    }
    SCORE(2)
    SCORE(1)
#undef SCORE
    float share[QUERY_ROWS];
    for (int i = 0; i < n; i++) {
        float *row = scores + i * stride;
        vf most_lanes = all(-3e38f), total = all(0);
        for (int p = seen[i]; p < padded; p++) row[p] = -3e38f;
        for (int p = 0; p < padded; p += LANES)
            most_lanes = __builtin_elementwise_max(most_lanes, load(row + p));
        float peak = largest(most_lanes);
        for (int p = 0; p < padded; p += LANES) {
            vf e = exponential(load(row + p) - peak);
            store(row + p, e);
            total += e; // to which what is not seen adds nothing that a float can hold
        }
        for (int p = seen[i]; p < padded; p++) row[p] = 0;
        share[i] = 1.0f / sum(total);
    }
    int d = 0;
#define MIX(WIDE) \
    for (; d + WIDE * LANES <= size; d += WIDE * LANES) { \
        vf s[QUERY_ROWS][WIDE] = {}; \
        for (int p = 0; p < most; p++) \
            for (int w = 0; w < WIDE; w++) { \
                vf v = load(values + (size_t)p * size + d + w * LANES); \
                for (int i = 0; i < n; i++) s[i][w] += v * scores[i * stride + p]; \
            } \
        for (int i = 0; i < n; i++) \
            for (int w = 0; w < WIDE; w++) store(outs[i] + d + w * LANES, s[i][w] * share[i]); \
    }
    MIX(4)
    MIX(2)
    MIX(1)
#undef MIX
}

// Let up to QUERY_ROWS queries attend to the first seen[i] of the positions.
static inline void attend(int n, const float *const *queries, float *const *outs, const int *seen,
                          const float *keys, const float *values, int size, float *scores, int stride) {
#define CASE(N) if (n == N) attend_some(N, queries, outs, seen, keys, values, size, scores, stride);
    CASE(1) CASE(2) CASE(3) CASE(4)
#undef CASE
}
