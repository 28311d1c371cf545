// The forward pass of a Llama-like model on 8-bit weights, for processors with vectors.

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "vectors.h"

// ------------------------------------------------------------------ what Python hands over

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

enum { STAGES_A_LAYER = 10, OTHER_STAGES = 4, PIECES_A_THREAD = 4 };

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

// What a root-mean-square norm multiplies a row with; its gain is in the weights.
INLINE float norm(const float *x, int n, float epsilon) {
    vf squares = all(0);
    for (int i = 0; i < n; i += LANES) squares += load(x + i) * load(x + i);
    return 1.0f / __builtin_sqrtf(sum(squares) / n + epsilon);
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
            attend(n, queries, outs, seen, part->keys + room, part->values + room, size, scores, pass->longest);
            n = 0;
        }
}

// Let sums and differences take the place of numbers that are h apart, then of those 2 h apart, and
// so on, as long as that is less than `many` h.
INLINE void mix(int many, float *x, int n, int h) {
#define MIX(V) \
    for (int start = 0; start < n; start += many * h) \
        for (int i = start; i < start + h; i += sizeof(V) / sizeof(float)) { \
            V v[8]; \
            UNROLLED for (int a = 0; a < many; a++) v[a] = *(const V *)(x + i + a * h); \
            UNROLLED for (int bit = 1; bit < many; bit *= 2) \
                UNROLLED for (int a = 0; a < many; a++) \
                    if (!(a & bit)) { \
                        V one = v[a], other = v[a + bit]; \
                        v[a] = one + other; \
                        v[a + bit] = one - other; \
                    } \
            UNROLLED for (int a = 0; a < many; a++) *(V *)(x + i + a * h) = v[a]; \
        }
    if (h % LANES == 0) MIX(loose_vf)
    else if (h % (LANES / 2) == 0) MIX(loose_half)
    else MIX(float)
#undef MIX
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
    int h = apart;
    for (; 8 * h <= n; h *= 8) mix(8, g, n, h); // three rounds at once: memory is slower than sums
    for (; h < n; h *= 2) mix(2, g, n, h);
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
                   multiply(l_, piece * wide_, smaller(wide_, blocks_ - piece * wide_), \
                            pass->quantized, pass->row_scale, ROWS, OUT, ADD)); \
    } while (0)
    // Rows side by side write to the same lines of the caches of keys.
    int near = 1 + rows / (PIECES_A_THREAD * (team.helpers + 1));
    if (near > LANES) near = LANES;
    EACH_PIECE(row, rows, read_token(pass, row));
    for (int layer = 0; layer < m->layer_count; layer++) {
        const Layer *l = &m->layers[layer];
        EACH_PIECE(row, rows, quantize_normed(pass, row, row));
        MULTIPLY(&l->query_key_value, rows, pass->wide, 0);
        EACH_PIECE(piece, (rows + near - 1) / near,
                   for (int row = piece * near; row < smaller(rows, (piece + 1) * near); row++)
                       keep(pass, layer, row));
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
    size_t scores_of_all = (team.helpers + 1) * (size_t)QUERY_ROWS * longest;
    float *floats = floats_for((size_t)rows * (m->width + wide + attended + 1) + part_count + scores_of_all);
    int failed = !numbers || !next || !quantized || !floats;
    if (!failed) {
        int32_t *part_of = numbers, *position = part_of + rows, *tile_row = position + rows,
                *last_row = tile_row + tiles + 1;
        float *x = floats, *wide_rows = x + (size_t)rows * m->width,
              *attended_rows = wide_rows + (size_t)rows * wide,
              *scores = attended_rows + (size_t)rows * attended,
              *row_scale = scores + scores_of_all;
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
