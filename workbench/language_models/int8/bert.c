// The forward pass of BERT on 8-bit weights: texts lie end to end, and each attends to itself.
//
// Source: Devlin et al. 2018, arXiv 1810.04805.

#include "vectors.h"

// ------------------------------------------------------------------ what Python hands over

typedef struct {
    const float *gain, *shift; // (width,)
} Norm;

typedef struct {
    Linear linear;
    const float *ease; // (inputs,). See `multiply_rows`
} Product;

typedef struct {
    Product query_key_value, attention_output, wide, narrow;
    Norm attention_norm, output_norm;
} Layer;

typedef struct {
    const float *words, *positions, *kinds; // (vocabulary, width), (longest text, width), (2, width)
    Norm norm;
    const Layer *layers;
    int32_t layer_count, width, heads, feed_forward;
    float epsilon;
} Bert;

// ------------------------------------------------------------------------------- one pass

// Rows that are taken from attention to attention together: enough to read the weights for,
// few enough for what lies between to stay near the core.
enum { CHUNK_ROWS = 48 };

typedef struct {
    float *x, *mixed, *attended; // of each row: its state, its query, key and value, its heads
    float *keys, *values;        // of one head of one text, as `attend` takes them
    float *scores, *wide, *row_scale;
    float *turned; // one row
    uint8_t *rounded; // a chunk's rows, as they are multiplied
} Room;

static void norm(const Norm *n, int width, float epsilon, float *x) {
    vf total = all(0), squares = all(0);
    for (int i = 0; i < width; i += LANES) total += load(x + i);
    vf mean = all(sum(total) / width);
    for (int i = 0; i < width; i += LANES) {
        vf apart = load(x + i) - mean;
        squares += apart * apart;
    }
    vf scale = all(1.0f / __builtin_sqrtf(sum(squares) / width + epsilon));
    for (int i = 0; i < width; i += LANES)
        store(x + i, (load(x + i) - mean) * scale * load(n->gain + i) + load(n->shift + i));
}

// x times the share of a normal distribution below x, to about one part in a million.
// Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26.
INLINE vf gelu(vf x) {
    vf size = __builtin_elementwise_abs(x), z = size * 0.70710678f;
    vf t = 1.0f / (1.0f + 0.3275911f * z);
    vf p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    vf above = 0.5f * p * t * exponential(-z * z); // the share above `size`
    return __builtin_elementwise_max(x, all(0)) - size * above;
}

// Of every pair of lanes whose numbers differ in one bit, take the sum and the difference.
#define MIX_LANES(v, bit) (__builtin_shufflevector(v, v, LANE_PAIRS(bit)) + (v) * SIGNS(bit))
#define PAIR(i, bit) ((i) ^ (bit))
#define LANE_PAIRS(bit)                                                                                    \
    PAIR(0, bit), PAIR(1, bit), PAIR(2, bit), PAIR(3, bit), PAIR(4, bit), PAIR(5, bit), PAIR(6, bit),      \
        PAIR(7, bit), PAIR(8, bit), PAIR(9, bit), PAIR(10, bit), PAIR(11, bit), PAIR(12, bit),             \
        PAIR(13, bit), PAIR(14, bit), PAIR(15, bit)
#define SIGN(i, bit) ((i) & (bit) ? -1.0f : 1.0f)
#define SIGNS(bit)                                                                                         \
    ((vf){SIGN(0, bit), SIGN(1, bit), SIGN(2, bit), SIGN(3, bit), SIGN(4, bit), SIGN(5, bit),              \
          SIGN(6, bit), SIGN(7, bit), SIGN(8, bit), SIGN(9, bit), SIGN(10, bit), SIGN(11, bit),            \
          SIGN(12, bit), SIGN(13, bit), SIGN(14, bit), SIGN(15, bit)})

// Multiply a row by `ease`, and mix it: channels of the same lane in vectors that are an eighth, a
// quarter or half a row apart, and the lanes of each vector. See `minilm_compiled.turned`.
static void turn(const float *x, const float *ease, int n, float *out) {
    for (int i = 0; i < n; i += LANES) {
        vf v = load(x + i) * load(ease + i);
        v = MIX_LANES(v, 1);
        v = MIX_LANES(v, 2);
        v = MIX_LANES(v, 4);
        v = MIX_LANES(v, 8);
        store(out + i, v);
    }
    for (int h = n / 8; h < n; h *= 2)
        for (int start = 0; start < n; start += 2 * h)
            for (int i = start; i < start + h; i += LANES) {
                vf u = load(out + i), v = load(out + i + h);
                store(out + i, u + v);
                store(out + i + h, u - v);
            }
}

// Multiply rows, and put the result into `out` or add it to what is there. A few of a row's numbers may
// be so large that little is left of the others when they are rounded to bytes. So they are made smaller
// and shared out among all, which the weights undo.
// Sources: Xiao et al. 2022, "SmoothQuant", arXiv 2211.10438; Ashkboos et al. 2024, "QuaRot",
// arXiv 2404.00456.
static void multiply_rows(const Room *room, const Product *p, const float *x, int rows, float *out, int add) {
    const Linear *l = &p->linear;
    for (int row = 0; row < rows; row++) {
        const float *from = x + (size_t)row * l->inputs;
        turn(from, p->ease, l->inputs, room->turned);
        room->row_scale[row] = quantize(room->turned, room->rounded + (size_t)row * l->inputs, l->inputs);
    }
    multiply(l, 0, l->outputs / LANES, room->rounded, room->row_scale, rows, out, add);
}

// Let the first tokens of a text, `asking` of them, attend to all of it.
static void attend_text(const Bert *m, const Room *room, const float *mixed, int count, int asking, float *out) {
    int width = m->width, size = width / m->heads, stride = (count + LANES - 1) / LANES * LANES;
    for (int head = 0; head < m->heads; head++) {
        const float *query = mixed + head * size, *key = query + width, *value = key + width;
        for (int p = 0; p < count; p++) {
            float *to = room->keys + (size_t)(p / LANES) * size * LANES + p % LANES;
            for (int i = 0; i < size; i++) to[i * LANES] = key[(size_t)p * 3 * width + i];
            memcpy(room->values + (size_t)p * size, value + (size_t)p * 3 * width, size * sizeof(float));
        }
        for (int p = 0; p < asking; p += QUERY_ROWS) {
            const float *queries[QUERY_ROWS];
            float *outs[QUERY_ROWS];
            int seen[QUERY_ROWS], n = smaller(QUERY_ROWS, asking - p);
            for (int i = 0; i < n; i++) {
                queries[i] = query + (size_t)(p + i) * 3 * width;
                outs[i] = out + (size_t)(p + i) * width + head * size;
                seen[i] = count;
            }
            attend(n, queries, outs, seen, room->keys, room->values, size, room->scores, stride);
        }
    }
}

// Finish a layer for some rows, from what their attention made of them.
static void finish(const Bert *m, const Layer *l, const Room *room, const float *attended, int rows, float *x) {
    multiply_rows(room, &l->attention_output, attended, rows, x, 1);
    for (int row = 0; row < rows; row++) norm(&l->attention_norm, m->width, m->epsilon, x + (size_t)row * m->width);
    multiply_rows(room, &l->wide, x, rows, room->wide, 0);
    for (size_t i = 0; i < (size_t)rows * m->feed_forward; i += LANES)
        store(room->wide + i, gelu(load(room->wide + i)));
    multiply_rows(room, &l->narrow, room->wide, rows, x, 1);
    for (int row = 0; row < rows; row++) norm(&l->output_norm, m->width, m->epsilon, x + (size_t)row * m->width);
}

// Read texts of `counts` tokens, the last of which are of the second kind from `seconds` on.
// Of each text write the state of its first token, or the mean of all: (texts, width).
// Returns 0, or 1 where memory ran out.
int32_t read_texts(const Bert *m, const int32_t *tokens, const int32_t *counts, const int32_t *seconds,
                   int32_t texts, int32_t first_only, float *out) {
    int rows = 0, longest = 0, width = m->width, size = width / m->heads;
    for (int i = 0; i < texts; i++) {
        rows += counts[i];
        longest = counts[i] > longest ? counts[i] : longest;
    }
    longest = (longest + LANES - 1) / LANES * LANES;
    int widest = m->feed_forward > width ? m->feed_forward : width;
    float *floats = floats_for((size_t)rows * 5 * width + (size_t)longest * (2 * size + QUERY_ROWS) +
                               CHUNK_ROWS * ((size_t)m->feed_forward + 1) + widest);
    uint8_t *bytes = malloc((size_t)CHUNK_ROWS * widest);
    int failed = !floats || !bytes;
    if (!failed) {
        Room room = {.x = floats, .rounded = bytes};
        room.mixed = room.x + (size_t)rows * width;
        room.attended = room.mixed + (size_t)rows * 3 * width;
        room.keys = room.attended + (size_t)rows * width;
        room.values = room.keys + (size_t)longest * size;
        room.scores = room.values + (size_t)longest * size;
        room.wide = room.scores + (size_t)longest * QUERY_ROWS;
        room.row_scale = room.wide + (size_t)CHUNK_ROWS * m->feed_forward;
        room.turned = room.row_scale + CHUNK_ROWS;

        float *x = room.x;
        for (int text = 0; text < texts; text++)
            for (int p = 0; p < counts[text]; p++, x += width) {
                const float *word = m->words + (size_t)*tokens++ * width, *place = m->positions + (size_t)p * width;
                const float *kind = m->kinds + (p >= seconds[text] ? width : 0);
                for (int i = 0; i < width; i += LANES) store(x + i, load(word + i) + load(place + i) + load(kind + i));
                norm(&m->norm, width, m->epsilon, x);
            }
        for (int layer = 0; layer < m->layer_count; layer++) {
            const Layer *l = &m->layers[layer];
            for (int row = 0; row < rows; row += CHUNK_ROWS)
                multiply_rows(&room, &l->query_key_value, room.x + (size_t)row * width,
                              smaller(CHUNK_ROWS, rows - row), room.mixed + (size_t)row * 3 * width, 0);
            // What only the first states come from is all that the last layer makes.
            int last = first_only && layer == m->layer_count - 1, start = 0, kept = 0;
            for (int text = 0; text < texts; text++) {
                int asking = last ? 1 : counts[text];
                attend_text(m, &room, room.mixed + (size_t)start * 3 * width, counts[text], asking,
                            room.attended + (size_t)kept * width);
                if (last) memmove(room.x + (size_t)kept * width, room.x + (size_t)start * width, width * sizeof(float));
                start += counts[text];
                kept += asking;
            }
            for (int row = 0; row < kept; row += CHUNK_ROWS)
                finish(m, l, &room, room.attended + (size_t)row * width, smaller(CHUNK_ROWS, kept - row),
                       room.x + (size_t)row * width);
        }
        x = room.x;
        for (int text = 0; text < texts; text++, out += width) {
            int count = first_only ? 1 : counts[text];
            memset(out, 0, width * sizeof(float));
            for (int p = 0; p < count; p++, x += width)
                for (int i = 0; i < width; i += LANES) store(out + i, load(out + i) + load(x + i));
            for (int i = 0; i < width; i += LANES) store(out + i, load(out + i) / (float)count);
        }
    }
    free(floats);
    free(bytes);
    return failed;
}
