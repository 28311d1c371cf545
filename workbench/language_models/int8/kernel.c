// The forward pass of a Llama-like model on 8-bit weights, for processors with vectors.
//
// A row is one token of one conversation. Whatever is computed for a row depends on that row
// and on its conversation's cache alone: sums of integers are exact in any order, and every
// sum of floats runs over one row, in an order that company does not change. So an answer is
// the same, to the bit, whoever else is answered at the same time.
//
// Built by clang, whose vector types and builtins it uses; kernel.py says how.

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// For loops whose ends are constants once inlined: only unrolled do their sums stay in registers.
#define UNROLLED _Pragma("clang loop unroll(enable)")
#define INLINE static inline __attribute__((always_inline))

// ---------------------------------------------------------------- sixteen floats at a time

enum { LANES = 16 };
typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint8_t vb __attribute__((vector_size(16)));
typedef vf loose_vf __attribute__((aligned(4), may_alias));
typedef vi loose_vi __attribute__((aligned(4), may_alias));
typedef vb loose_vb __attribute__((aligned(1), may_alias));

INLINE vf load(const float *from) { return *(const loose_vf *)from; }
INLINE void store(float *to, vf v) { *(loose_vf *)to = v; }
INLINE vf all(float x) { return (vf){} + x; }

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
// Weights lie in blocks of sixteen outputs: for every four inputs, the four weights of the
// first output, of the second, and so on: 64 bytes. `dot` adds to each output's sum the
// products of its four weights with four activations. An activation is stored as itself plus
// OFFSET where the instruction wants it unsigned; LEVELS is its largest magnitude.

#if defined(__AVX512VNNI__)
#include <immintrin.h>
enum { LEVELS = 127, OFFSET = 128, TILE_ROWS = 6, TILE_BLOCKS = 4 };
typedef __m512i sums;
INLINE sums dot(sums s, const int8_t *weights, uint32_t four) {
    return _mm512_dpbusd_epi32(s, _mm512_set1_epi32((int)four), _mm512_loadu_si512(weights));
}
INLINE vi lanes(sums s) { return (vi)s; }

#elif defined(__AVX2__)
#include <immintrin.h>
typedef struct { __m256i low, high; } sums;
#if defined(__AVXVNNI__)
enum { LEVELS = 127, OFFSET = 128, TILE_ROWS = 3, TILE_BLOCKS = 2 };
INLINE __m256i dot8(__m256i s, __m256i w, __m256i x) { return _mm256_dpbusd_avx_epi32(s, x, w); }
#else
// Pairs of products are added in 16 bits here: seven bits of activation keep them exact.
enum { LEVELS = 63, OFFSET = 64, TILE_ROWS = 3, TILE_BLOCKS = 2 };
INLINE __m256i dot8(__m256i s, __m256i w, __m256i x) {
    __m256i pairs = _mm256_maddubs_epi16(x, w);
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
enum { LEVELS = 127, OFFSET = 0, TILE_ROWS = 3, TILE_BLOCKS = 2 };
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
enum { LEVELS = 127, OFFSET = 0, TILE_ROWS = 2, TILE_BLOCKS = 1 };
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

int32_t activation_levels(void) { return LEVELS; }

// ------------------------------------------------------------------ what Python hands over

typedef struct {
    const int8_t *weights;   // (outputs / 16, inputs / 4, 16, 4)
    const float *scales;     // (outputs,)
    const int32_t *totals;   // (outputs,): sum of an output's weights
    const float *bias;       // (outputs,) or NULL
    int32_t inputs, outputs; // multiples of 4 and of 16
} Linear;

typedef struct {
    Linear query_key_value, attention_output, gate_and_up, down;
} Layer;

typedef struct {
    const float *embedding;       // (vocabulary, width)
    const float *cosines, *sines; // (positions, head_size / 2)
    const Layer *layers;
    Linear head;
    int32_t layer_count, width, heads, key_heads, head_size, feed_forward;
    int32_t rotated; // size of the Hadamard matrix before `down`
    int32_t vocabulary; // outputs of the head that are tokens
    float epsilon;
} Model;

typedef struct {
    float *keys;   // (layers, key heads, capacity / 16, head_size, 16)
    float *values; // (layers, key heads, capacity, head_size)
    const int32_t *tokens;
    int32_t capacity; // in positions, a multiple of 16
    int32_t length;   // positions filled before this pass
    int32_t count;    // tokens to read now
} Part;

// ------------------------------------------------------------------------- several threads

enum { MOST_THREADS = 64, SPINS = 4000 };
typedef struct Pass Pass;
static void work(Pass *pass);

static struct {
    pthread_mutex_t one_pass, lock;
    pthread_cond_t begun;
    Pass *pass;      // in work, or NULL
    unsigned passes; // so far
    int helpers;
    atomic_int inside; // helpers that may still look at a pass
} team = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
          NULL, 0, 0, 0};

INLINE void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void wait_for(atomic_int *count, int wanted) {
    for (int spins = 0; atomic_load(count) != wanted; spins++) {
        if (spins < SPINS) pause_briefly();
        else sched_yield();
    }
}

static void *helper(void *first_seen) {
    unsigned seen = (unsigned)(uintptr_t)first_seen;
    for (;;) {
        pthread_mutex_lock(&team.lock);
        while (team.passes == seen) pthread_cond_wait(&team.begun, &team.lock);
        seen = team.passes;
        Pass *pass = team.pass;
        if (pass) atomic_fetch_add(&team.inside, 1);
        pthread_mutex_unlock(&team.lock);
        if (!pass) continue; // came too late
        work(pass);
        atomic_fetch_sub(&team.inside, 1);
    }
    return NULL;
}

// Let so many threads work from now on, the caller's included; returns how many do, which is
// never fewer than before.
int32_t use_threads(int32_t threads) {
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    pthread_mutex_lock(&team.one_pass);
    while (team.helpers + 1 < threads) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, helper, (void *)(uintptr_t)team.passes)) break;
        pthread_detach(thread);
        team.helpers++;
    }
    pthread_mutex_unlock(&team.one_pass);
    return team.helpers + 1;
}

// ------------------------------------------------------------------------------- one pass

struct Pass {
    const Model *model;
    const Part *parts;
    int32_t part_count, rows;
    const int32_t *part_of, *position; // of each row
    const int32_t *tile_row;           // first row of each tile of queries
    int32_t tiles;
    const int32_t *last_row;           // of each part
    float *x, *wide, *attended, *row_scale, *scores;
    uint8_t *quantized;
    int32_t longest;      // positions that a row may see, rounded up
    atomic_int *next;     // for each stage, the first piece of its work not yet taken,
    atomic_int *done;     // and how many are done
    atomic_int threads;   // numbered as they come
    float *logits;
    int32_t *chosen;
};

enum { QUERY_ROWS = 4, STAGES_A_LAYER = 10, OTHER_STAGES = 4, PIECES_A_THREAD = 4 };

// A stage's work lies in pieces, which threads take one by one. A stage is over when all its
// pieces are done, whoever did them: a thread that the system has taken off its core for a
// moment is not waited for, unless it holds a piece.
#define EACH_PIECE(PIECE, PIECES, ...) \
    do { \
        int pieces_ = (PIECES), PIECE; \
        while ((PIECE = atomic_fetch_add(&pass->next[stage], 1)) < pieces_) { \
            __VA_ARGS__; \
            atomic_fetch_add(&pass->done[stage], 1); \
        } \
        wait_for(&pass->done[stage], pieces_); \
        stage++; \
    } while (0)

INLINE int smaller(int a, int b) { return a < b ? a : b; }

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

// What a root-mean-square norm multiplies a row with; its gain is in the weights.
INLINE float norm(const float *x, int n, float epsilon) {
    vf squares = all(0);
    for (int i = 0; i < n; i += LANES) squares += load(x + i) * load(x + i);
    return 1.0f / __builtin_sqrtf(sum(squares) / n + epsilon);
}

INLINE void product(const Linear *l, int block, int blocks, const uint8_t *x, const float *row_scale,
                    int rows, float *out, int stride, int add) {
    sums s[TILE_ROWS][TILE_BLOCKS];
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int b = 0; b < blocks; b++) s[r][b] = (sums){};
    const int8_t *weights = l->weights + (size_t)block * LANES * l->inputs;
    for (int k = 0; k < l->inputs; k += 4) {
        UNROLLED for (int r = 0; r < rows; r++) {
            uint32_t four;
            memcpy(&four, x + (size_t)r * l->inputs + k, 4);
            UNROLLED for (int b = 0; b < blocks; b++)
                s[r][b] = dot(s[r][b], weights + ((size_t)b * l->inputs + k) * LANES, four);
        }
    }
    UNROLLED for (int b = 0; b < blocks; b++) {
        int first = (block + b) * LANES;
        vi totals = *(const loose_vi *)(l->totals + first) * OFFSET;
        vf scales = load(l->scales + first), bias = l->bias ? load(l->bias + first) : all(0);
        UNROLLED for (int r = 0; r < rows; r++) {
            float *to = out + (size_t)r * stride + first;
            vf y = __builtin_convertvector(lanes(s[r][b]) - totals, vf) * (scales * row_scale[r]) + bias;
            store(to, add ? load(to) + y : y);
        }
    }
}

// Multiply all quantized rows with a tile of a layer's weights.
static void multiply_tile(const Pass *pass, const Linear *l, int block, int blocks, int rows, float *out, int add) {
    for (int row = 0; row < rows; row += TILE_ROWS) {
        int n = smaller(TILE_ROWS, rows - row);
        const uint8_t *x = pass->quantized + (size_t)row * l->inputs;
        const float *scale = pass->row_scale + row;
        float *to = out + (size_t)row * l->outputs;
        // The sizes are told as constants, so that the sums stay in registers.
#define CASE(N, B) \
    if (n == N && blocks == B) product(l, block, B, x, scale, N, to, l->outputs, add); else
        CASE(TILE_ROWS, TILE_BLOCKS) CASE(1, TILE_BLOCKS) CASE(2, TILE_BLOCKS) CASE(3, TILE_BLOCKS)
        CASE(4, TILE_BLOCKS) CASE(5, TILE_BLOCKS) product(l, block, blocks, x, scale, n, to, l->outputs, add);
#undef CASE
    }
}

static void multiply(const Pass *pass, const Linear *l, int block, int blocks, int rows, float *out, int add) {
    for (int b = 0; b < blocks; b += TILE_BLOCKS)
        multiply_tile(pass, l, block + b, smaller(TILE_BLOCKS, blocks - b), rows, out, add);
}

// Turn queries and keys by their position, and keep keys and values.
static void keep(const Pass *pass, int layer, int row) {
    const Model *m = pass->model;
    const Part *part = &pass->parts[pass->part_of[row]];
    int size = m->head_size, half = size / 2, position = pass->position[row];
    const float *cosine = m->cosines + (size_t)position * half, *sine = m->sines + (size_t)position * half;
    float *qkv = pass->wide + (size_t)row * m->layers[layer].query_key_value.outputs;
    for (int head = 0; head < m->heads + m->key_heads; head++) {
        float *restrict a = qkv + head * size, *restrict b = a + half;
        for (int i = 0; i < half; i++) {
            float u = a[i], v = b[i];
            a[i] = u * cosine[i] - v * sine[i];
            b[i] = v * cosine[i] + u * sine[i];
        }
    }
    for (int head = 0; head < m->key_heads; head++) {
        size_t room = ((size_t)layer * m->key_heads + head) * part->capacity * size;
        const float *key = qkv + (m->heads + head) * size, *value = key + m->key_heads * size;
        float *to = part->keys + room + (size_t)(position / LANES) * size * LANES + position % LANES;
        for (int i = 0; i < size; i++) to[i * LANES] = key[i];
        memcpy(part->values + room + (size_t)position * size, value, size * sizeof(float));
    }
}

// A few queries over the positions that each may see, which are most[i] or fewer.
INLINE void attend(int n, const float *const *queries, float *const *outs, const int *seen,
                   const float *keys, const float *values, int size, float *scores, int stride) {
    int most = 0;
    for (int i = 0; i < n; i++) most = seen[i] > most ? seen[i] : most;
    int padded = (most + LANES - 1) / LANES * LANES;
    float inverse_root = 1.0f / __builtin_sqrtf(size);
    for (int p = 0; p < padded; p += LANES) {
        vf s[QUERY_ROWS] = {}, t[QUERY_ROWS] = {};
        const float *block = keys + (size_t)p * size;
        for (int d = 0; d < size; d += 2) {
            vf k = load(block + d * LANES), l = load(block + (d + 1) * LANES);
            UNROLLED for (int i = 0; i < n; i++) s[i] += k * queries[i][d];
            UNROLLED for (int i = 0; i < n; i++) t[i] += l * queries[i][d + 1];
        }
        for (int i = 0; i < n; i++) store(scores + i * stride + p, (s[i] + t[i]) * inverse_root);
    }
    float share[QUERY_ROWS];
    for (int i = 0; i < n; i++) {
        float *row = scores + i * stride;
        vf most_lanes = all(-3e38f), total = all(0);
        for (int p = seen[i]; p < padded; p++) row[p] = -3e38f;
        for (int p = 0; p < padded; p += LANES)
            most_lanes = __builtin_elementwise_max(most_lanes, load(row + p));
        float peak = largest(most_lanes);
        for (int p = 0; p < padded; p += LANES) store(row + p, exponential(load(row + p) - peak));
        for (int p = seen[i]; p < padded; p++) row[p] = 0;
        for (int p = 0; p < padded; p += LANES) total += load(row + p);
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
    MIX(1)
#undef MIX
}

// Attend for one tile of rows and one key head.
static void attention(const Pass *pass, int layer, int tile, int key_head, float *scores) {
    const Model *m = pass->model;
    int size = m->head_size, group = m->heads / m->key_heads;
    int outputs = m->layers[layer].query_key_value.outputs;
    int first = pass->tile_row[tile], rows = pass->tile_row[tile + 1] - first;
    const Part *part = &pass->parts[pass->part_of[first]];
    size_t room = ((size_t)layer * m->key_heads + key_head) * part->capacity * size;
    const float *queries[QUERY_ROWS];
    float *outs[QUERY_ROWS];
    int seen[QUERY_ROWS], n = 0, left = rows * group;
    for (int head = key_head * group; head < (key_head + 1) * group; head++)
        for (int row = first; row < first + rows; row++) {
            queries[n] = pass->wide + (size_t)row * outputs + head * size;
            outs[n] = pass->attended + ((size_t)row * m->heads + head) * size;
            seen[n++] = pass->position[row] + 1;
            left--;
            if (n < QUERY_ROWS && left) continue;
#define CASE(N) \
    if (n == N) attend(N, queries, outs, seen, part->keys + room, part->values + room, size, scores, pass->longest);
            CASE(1) CASE(2) CASE(3) CASE(4)
#undef CASE
            n = 0;
        }
}

// Gate the feed-forward's channels, and mix them with a Hadamard matrix of size m->rotated:
// channel c of the mix takes part in all channels that leave the same rest by feed / rotated.
static void gate(const Pass *pass, int row) {
    const Model *m = pass->model;
    int n = m->feed_forward, apart = n / m->rotated;
    float *g = pass->wide + (size_t)row * 2 * n, *up = g + n;
    for (int i = 0; i < n; i += LANES) {
        vf x = load(g + i);
        store(g + i, x / (1.0f + exponential(-x)) * load(up + i));
    }
    for (int h = apart; h < n; h *= 2)
        for (int start = 0; start < n; start += 2 * h) {
            float *restrict a = g + start, *restrict b = a + h;
            for (int i = 0; i < h; i++) {
                float u = a[i], v = b[i];
                a[i] = u + v;
                b[i] = u - v;
            }
        }
    pass->row_scale[row] = quantize(g, pass->quantized + (size_t)row * n, n) / __builtin_sqrtf(m->rotated);
}

static void read_token(const Pass *pass, int row) {
    const Model *m = pass->model;
    const Part *part = &pass->parts[pass->part_of[row]];
    int32_t token = part->tokens[pass->position[row] - part->length];
    memcpy(pass->x + (size_t)row * m->width, m->embedding + (size_t)token * m->width, m->width * sizeof(float));
}

static void quantize_normed(const Pass *pass, int row, int to) {
    const Model *m = pass->model;
    const float *x = pass->x + (size_t)row * m->width;
    float level = quantize(x, pass->quantized + (size_t)to * m->width, m->width);
    pass->row_scale[to] = level * norm(x, m->width, m->epsilon);
}

static void quantize_attended(const Pass *pass, int row) {
    int n = pass->model->heads * pass->model->head_size;
    size_t at = (size_t)row * n;
    pass->row_scale[row] = quantize(pass->attended + at, pass->quantized + at, n);
}

// The most likely next token; the first of equals.
static void choose(const Pass *pass, int part) {
    const float *logits = pass->logits + (size_t)part * pass->model->head.outputs;
    int n = pass->model->vocabulary, whole = n / LANES * LANES, best = 0;
    vf most = all(-INFINITY);
    for (int i = 0; i < whole; i += LANES) most = __builtin_elementwise_max(most, load(logits + i));
    float peak = largest(most);
    for (int i = whole; i < n; i++) peak = logits[i] > peak ? logits[i] : peak;
    while (best < n - 1 && logits[best] != peak) best++;
    pass->chosen[part] = best;
}

static void work(Pass *pass) {
    const Model *m = pass->model;
    int me = atomic_fetch_add(&pass->threads, 1), rows = pass->rows, stage = 0;
    float *scores = pass->scores + (size_t)me * QUERY_ROWS * pass->longest;
#define MULTIPLY(LINEAR, ROWS, OUT, ADD) \
    do { \
        const Linear *l_ = (LINEAR); \
        /* A long piece is read from memory faster, but a thread must not be left with it alone. */ \
        int blocks_ = l_->outputs / LANES, tiles_ = (blocks_ + TILE_BLOCKS - 1) / TILE_BLOCKS; \
        int share_ = tiles_ / (PIECES_A_THREAD * (team.helpers + 1)); \
        int wide_ = (share_ ? share_ : 1) * TILE_BLOCKS; \
        EACH_PIECE(piece, (blocks_ + wide_ - 1) / wide_, \
                   multiply(pass, l_, piece * wide_, smaller(wide_, blocks_ - piece * wide_), ROWS, OUT, ADD)); \
    } while (0)
    EACH_PIECE(row, rows, read_token(pass, row));
    for (int layer = 0; layer < m->layer_count; layer++) {
        const Layer *l = &m->layers[layer];
        EACH_PIECE(row, rows, quantize_normed(pass, row, row));
        MULTIPLY(&l->query_key_value, rows, pass->wide, 0);
        EACH_PIECE(row, rows, keep(pass, layer, row));
        // The longest come first, so that no thread is left with one at the end.
        EACH_PIECE(piece, pass->tiles * m->key_heads,
                   attention(pass, layer, pass->tiles - 1 - piece / m->key_heads, piece % m->key_heads, scores));
        EACH_PIECE(row, rows, quantize_attended(pass, row));
        MULTIPLY(&l->attention_output, rows, pass->x, 1);
        EACH_PIECE(row, rows, quantize_normed(pass, row, row));
        MULTIPLY(&l->gate_and_up, rows, pass->wide, 0);
        EACH_PIECE(row, rows, gate(pass, row));
        MULTIPLY(&l->down, rows, pass->x, 1);
    }
    // Only the last row of each part is asked what comes next.
    EACH_PIECE(part, pass->part_count, quantize_normed(pass, pass->last_row[part], part));
    MULTIPLY(&m->head, pass->part_count, pass->logits, 0);
    EACH_PIECE(part, pass->part_count, choose(pass, part));
#undef MULTIPLY
}

// Read the next tokens of several conversations; write each one's logits, (part_count, head
// outputs), and its most likely next token. Returns 0, or 1 where memory ran out.
int32_t forward(const Model *m, const Part *parts, int32_t part_count, float *logits, int32_t *chosen) {
    int rows = 0, longest = 0, tiles = 0, qkv = 0;
    for (int i = 0; i < part_count; i++) {
        int end = parts[i].length + parts[i].count;
        rows += parts[i].count;
        tiles += (parts[i].count + QUERY_ROWS - 1) / QUERY_ROWS;
        longest = end > longest ? end : longest;
    }
    for (int i = 0; i < m->layer_count; i++)
        if (m->layers[i].query_key_value.outputs > qkv) qkv = m->layers[i].query_key_value.outputs;
    longest = (longest + LANES - 1) / LANES * LANES;
    int attended = m->heads * m->head_size, wide = 2 * m->feed_forward > qkv ? 2 * m->feed_forward : qkv;
    int most_inputs = m->feed_forward > m->width ? m->feed_forward : m->width;
    if (attended > most_inputs) most_inputs = attended;
    int stages = OTHER_STAGES + STAGES_A_LAYER * m->layer_count;
    pthread_mutex_lock(&team.one_pass);
    int32_t *numbers = malloc(sizeof(int32_t) * (2 * (size_t)rows + tiles + 1 + part_count));
    atomic_int *next = calloc(2 * (size_t)stages, sizeof(atomic_int));
    uint8_t *quantized = malloc((size_t)(rows + part_count) * most_inputs);
    float *floats = malloc(sizeof(float) * ((size_t)rows * (m->width + wide + attended + 1) + part_count +
                                            (team.helpers + 1) * (size_t)QUERY_ROWS * longest));
    int failed = !numbers || !next || !quantized || !floats;
    if (!failed) {
        int32_t *part_of = numbers, *position = part_of + rows, *tile_row = position + rows,
                *last_row = tile_row + tiles + 1;
        float *x = floats, *wide_rows = x + (size_t)rows * m->width,
              *attended_rows = wide_rows + (size_t)rows * wide,
              *row_scale = attended_rows + (size_t)rows * attended,
              *scores = row_scale + rows + part_count;
        int row = 0, tile = 0;
        for (int i = 0; i < part_count; i++) {
            for (int j = 0; j < parts[i].count; j++, row++) {
                if (j % QUERY_ROWS == 0) tile_row[tile++] = row;
                part_of[row] = i;
                position[row] = parts[i].length + j;
            }
            last_row[i] = row - 1;
        }
        tile_row[tile] = rows;
        Pass pass = {m, parts, part_count, rows, part_of, position, tile_row, tiles, last_row, x,
                     wide_rows, attended_rows, row_scale, scores, quantized, longest, next,
                     next + stages, 0, logits, chosen};
        pthread_mutex_lock(&team.lock);
        team.pass = &pass;
        team.passes++;
        pthread_cond_broadcast(&team.begun);
        pthread_mutex_unlock(&team.lock);
        work(&pass);
        pthread_mutex_lock(&team.lock);
        team.pass = NULL; // who comes now comes too late
        pthread_mutex_unlock(&team.lock);
        wait_for(&team.inside, 0);
    }
    pthread_mutex_unlock(&team.one_pass);
    free(numbers);
    free(next);
    free(quantized);
    free(floats);
    return failed;
}
