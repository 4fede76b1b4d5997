/* Every backward op against central differences, in double, of its forward formula written out once more here. */
#include "tests/opcheck/opcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 4, MAX_SIZE = 512 };

/* A scalar function of up to four arrays. */
typedef struct Problem {
    RinsDevice *dev;
    int n_inputs;
    size_t size[MAX_INPUTS];
    double x[MAX_INPUTS][MAX_SIZE];
    double weight[MAX_SIZE]; /* of the outputs in the scalar: dout */
    double (*value)(const struct Problem *p);
    float grad[MAX_INPUTS][MAX_SIZE]; /* from the ops */
    int64_t rows, cols, depth, heads; /* as the op needs them */
    RinsAct act;
    bool flag;
    void *live[32];
    int n_live;
} Problem;

static void fill(double *x, size_t n, unsigned seed, double size) {
    uint32_t state = seed * 2654435761u + 12345u;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(((double)(state >> 8) * 0x1p-23 - 1) * size); /* exact in fp32 */
    }
}

static void input(Problem *p, size_t n, double size) {
    p->size[p->n_inputs] = n;
    fill(p->x[p->n_inputs], n, (unsigned)p->n_inputs + 1, size);
    p->n_inputs++;
}

static float *device_space(Problem *p, size_t n) {
    float *data = p->dev->ops->alloc(p->dev, n * sizeof(float));
    p->live[p->n_live++] = data;
    return data;
}

static float *up(Problem *p, const double *x, size_t n) {
    float host[MAX_SIZE], *data = device_space(p, n);
    for (size_t i = 0; i < n; i++) host[i] = (float)x[i];
    p->dev->ops->copy_in(p->dev, data, host, n * sizeof(float));
    return data;
}

static float *up_input(Problem *p, int i) {
    return up(p, p->x[i], p->size[i]);
}

static void down(Problem *p, int i, const float *data) {
    p->dev->ops->copy_out(p->dev, p->grad[i], data, p->size[i] * sizeof(float));
}

/* Largest |difference quotient - gradient| / (|gradient| + rms) over all elements. */
static double worst_error(Problem *p) {
    double worst = 0;
    for (int k = 0; k < p->n_inputs; k++) {
        double square = 0;
        for (size_t i = 0; i < p->size[k]; i++) square += (double)p->grad[k][i] * p->grad[k][i];
        const double rms = sqrt(square / (double)p->size[k]) + 1e-12, h = 1e-4;
        for (size_t i = 0; i < p->size[k]; i++) {
            const double at = p->x[k][i];
            double f[4];
            for (int s = 0; s < 4; s++) {
                p->x[k][i] = at + (s < 2 ? s - 2 : s - 1) * h;
                f[s] = p->value(p);
            }
            p->x[k][i] = at;
            const double slope = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
            const double error = fabs(slope - p->grad[k][i]) / (fabs(p->grad[k][i]) + rms);
            if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
        }
    }
    return worst;
}

static double act(RinsAct kind, double x) {
    if (kind == RINS_ACT_GELU_ERF) return x * 0.5 * erfc(-x / sqrt(2.0));
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * pow(x, 3))));
}

/* y = act(h) W^T + b: h (rows, depth), W (cols, depth) */
static double gemm_value(const Problem *p) {
    double sum = 0;
    for (int64_t m = 0; m < p->rows; m++)
        for (int64_t n = 0; n < p->cols; n++) {
            double y = p->x[2][n];
            for (int64_t k = 0; k < p->depth; k++)
                y += act(p->act, p->x[0][m * p->depth + k]) * p->x[1][n * p->depth + k];
            sum += p->weight[m * p->cols + n] * y;
        }
    return sum;
}

static void gemm_problem(Problem *p) {
    const RinsOps *ops = p->dev->ops;
    p->rows = 7, p->cols = 5, p->depth = 11, p->value = gemm_value;
    input(p, 77, 2), input(p, 55, 1), input(p, 5, 1);
    const RinsTensor h = rins_f32(up_input(p, 0), 7, 11), w = rins_f32(up_input(p, 1), 5, 11);
    const RinsTensor dy = rins_f32(up(p, p->weight, 35), 7, 5), dh = rins_f32(device_space(p, 77), 7, 11);
    const RinsTensor dw = rins_f32(device_space(p, 55), 5, 11), again = rins_f32(device_space(p, 77), 7, 11);
    float *db = device_space(p, 5);
    ops->gemm(p->dev, &(RinsGemm){.a = dy, .b = w, .c = dh, .act = p->act, .act_grad = h, .act_out = again});
    ops->gemm(p->dev, &(RinsGemm){.a = dy, .b = again, .c = dw, .trans_a = true, .a_row_sum = db});
    down(p, 0, dh.data), down(p, 1, dw.data), down(p, 2, db);
}

static double gelu_value(const Problem *p) {
    double sum = 0;
    for (size_t i = 0; i < p->size[0]; i++) sum += p->weight[i] * act(p->act, p->x[0][i]);
    return sum;
}

static void gelu_problem(Problem *p) {
    p->value = gelu_value;
    input(p, 100, 4);
    const RinsTensor dx = rins_f32(device_space(p, 100), 4, 25);
    p->dev->ops->gelu_bwd(p->dev, dx, rins_f32(up(p, p->weight, 100), 4, 25), rins_f32(up_input(p, 0), 4, 25), p->act);
    down(p, 0, dx.data);
}

static double layernorm_value(const Problem *p) {
    double sum = 0;
    for (int64_t r = 0; r < p->rows; r++) {
        const double *x = p->x[0] + r * p->cols;
        double mean = 0, var = 0;
        for (int64_t c = 0; c < p->cols; c++) mean += x[c] / (double)p->cols;
        for (int64_t c = 0; c < p->cols; c++) var += (x[c] - mean) * (x[c] - mean) / (double)p->cols;
        for (int64_t c = 0; c < p->cols; c++)
            sum += p->weight[r * p->cols + c] * ((x[c] - mean) / sqrt(var + 1e-6) * p->x[1][c] + p->x[2][c]);
        if (p->flag) /* a skip connection beside it: its gradient is dres */
            for (int64_t c = 0; c < p->cols; c++) sum += p->weight[r * p->cols + c] * x[c];
    }
    return sum;
}

static void layernorm_problem(Problem *p) {
    const int64_t r = 5, d = 19;
    p->rows = r, p->cols = d, p->value = layernorm_value;
    input(p, 95, 2), input(p, 19, 1), input(p, 19, 1);
    const RinsTensor dy = rins_f32(up(p, p->weight, 95), r, d), dx = rins_f32(device_space(p, 95), r, d);
    float *dgamma = device_space(p, 19), *dbeta = device_space(p, 19);
    p->dev->ops->layernorm_bwd(p->dev, dx, p->flag ? dy : (RinsTensor){0}, dgamma, dbeta, false, dy,
                               rins_f32(up_input(p, 0), r, d), up_input(p, 1), 1e-6f);
    down(p, 0, dx.data), down(p, 1, dgamma), down(p, 2, dbeta);
}

enum { AT_BATCH = 2, AT_HEADS = 2, AT_DIM = 5, AT_LQ = 3, AT_LK = 7, AT_WIDTH = AT_HEADS * AT_DIM };

/* One row of attention: adds weight . out. */
static double attention_row(const double *q, const double *k, const double *v, const double *weight) {
    double p[AT_LK], total = 0, sum = 0;
    for (int j = 0; j < AT_LK; j++) {
        double score = 0;
        for (int c = 0; c < AT_DIM; c++) score += q[c] * k[j * AT_WIDTH + c];
        total += p[j] = exp(score / sqrt(AT_DIM));
    }
    for (int j = 0; j < AT_LK; j++)
        for (int c = 0; c < AT_DIM; c++) sum += weight[c] * p[j] / total * v[j * AT_WIDTH + c];
    return sum;
}

/* Without a third input keys are values as well. */
static double attention_value(const Problem *p) {
    const double *values = p->x[p->n_inputs == 2 ? 1 : 2];
    double sum = 0;
    for (int b = 0; b < AT_BATCH; b++)
        for (int h = 0; h < AT_HEADS; h++)
            for (int i = 0; i < AT_LQ; i++) {
                const int col = h * AT_DIM, row = b * AT_LQ + i, kv = b * AT_LK * AT_WIDTH + col;
                sum += attention_row(p->x[0] + (p->flag ? i : row) * AT_WIDTH + col, p->x[1] + kv, values + kv,
                                     p->weight + row * AT_WIDTH + col);
            }
    return sum;
}

static void solve_attention(Problem *p, bool one) {
    const size_t nq = AT_BATCH * AT_LQ * AT_WIDTH, nk = AT_BATCH * AT_LK * AT_WIDTH;
    p->value = attention_value;
    input(p, p->flag ? nq / AT_BATCH : nq, 2), input(p, nk, 2);
    if (!one) input(p, nk, 1);
    const int64_t rq = AT_BATCH * AT_LQ, rk = AT_BATCH * AT_LK, w = AT_WIDTH;
    RinsAttention a = {.q = rins_f32(up_input(p, 0), p->flag ? AT_LQ : rq, w),
                       .k = rins_f32(up_input(p, 1), rk, w),
                       .out = rins_f32(device_space(p, nq), rq, w),
                       .q_shared = p->flag,
                       .lse = device_space(p, AT_BATCH * AT_HEADS * AT_LQ),
                       .batch = AT_BATCH,
                       .heads = AT_HEADS,
                       .head_dim = AT_DIM,
                       .lq = AT_LQ,
                       .lk = AT_LK,
                       .scale = (float)(1 / sqrt(AT_DIM))};
    a.v = one ? a.k : rins_f32(up_input(p, 2), rk, w);
    p->dev->ops->attention_fwd(p->dev, &a);
    a.dout = rins_f32(up(p, p->weight, nq), rq, w);
    a.dq = rins_f32(device_space(p, nq), rq, w);
    a.dk = rins_f32(device_space(p, nk), rk, w), a.dv = one ? a.dk : rins_f32(device_space(p, nk), rk, w);
    p->dev->ops->attention_bwd(p->dev, &a);
    if (p->flag) { /* rows of all batch elements belong to the one query */
        float *sum = device_space(p, nq / AT_BATCH);
        p->dev->ops->colsum(p->dev, sum, rins_f32(a.dq.data, AT_BATCH, AT_LQ * w), false);
        a.dq.data = sum;
    }
    down(p, 0, a.dq.data), down(p, 1, a.dk.data);
    if (!one) down(p, 2, a.dv.data);
}

static void attention_problem(Problem *p) {
    solve_attention(p, false);
}

static void one_attention_problem(Problem *p) {
    solve_attention(p, true);
}

static double l2norm_value(const Problem *p) {
    double sum = 0;
    for (int r = 0; r < 4; r++) {
        double square = 0;
        for (int c = 0; c < 13; c++) square += p->x[0][r * 13 + c] * p->x[0][r * 13 + c];
        for (int c = 0; c < 13; c++) sum += p->weight[r * 13 + c] * p->x[0][r * 13 + c] / sqrt(square);
    }
    return sum;
}

static void l2norm_problem(Problem *p) {
    p->value = l2norm_value;
    input(p, 52, 2);
    const RinsTensor y = rins_f32(device_space(p, 52), 4, 13), dx = rins_f32(device_space(p, 52), 4, 13);
    float *inv_norm = device_space(p, 4);
    p->dev->ops->l2norm_fwd(p->dev, y, inv_norm, rins_f32(up_input(p, 0), 4, 13));
    p->dev->ops->l2norm_bwd(p->dev, dx, rins_f32(up(p, p->weight, 52), 4, 13), y, inv_norm);
    down(p, 0, dx.data);
}

static double pool_value(const Problem *p) {
    double sum = 0;
    for (int b = 0; b < 3; b++)
        for (int l = 0; l < 5; l++)
            for (int c = 0; c < 7; c++)
                sum += p->weight[b * 7 + c] * p->x[0][(b * 5 + l) * 7 + c] * (p->flag ? l == 2 : 0.2);
    return sum;
}

static void pool_problem(Problem *p) {
    p->value = pool_value;
    input(p, 105, 1);
    float *dx = device_space(p, 105);
    p->dev->ops->pool_bwd(p->dev, rins_f32(dx, 15, 7), rins_f32(up(p, p->weight, 21), 3, 7), 5, p->flag ? 2 : -1);
    down(p, 0, dx);
}

static const int32_t token_ids[12] = {0, 3, 3, 1, 0, 0, 5, 3, 2, 0, 1, 0};

static double embed_value(const Problem *p) {
    double sum = 0;
    for (int r = 0; r < 12; r++)
        for (int c = 0; c < 9; c++)
            sum += p->weight[r * 9 + c] * (p->x[0][token_ids[r] * 9 + c] + p->x[1][r % 4 * 9 + c]);
    return sum;
}

static void embed_problem(Problem *p) {
    p->value = embed_value;
    input(p, 54, 1), input(p, 36, 1);
    float *dtable = device_space(p, 54), *dpos = device_space(p, 36);
    int32_t *ids = (int32_t *)device_space(p, 12);
    p->dev->ops->copy_in(p->dev, ids, token_ids, sizeof token_ids);
    p->dev->ops->embed_bwd(p->dev, rins_f32(dtable, 6, 9), rins_f32(dpos, 4, 9), rins_f32(up(p, p->weight, 108), 12, 9),
                           ids, false);
    down(p, 0, dtable), down(p, 1, dpos);
}

enum { PAIRS = 9, EMBED = 6 };

static double logit(const Problem *p, int i, int j) {
    double sum = 0;
    for (int c = 0; c < EMBED; c++) sum += p->x[0][i * EMBED + c] * p->x[1][j * EMBED + c];
    return exp(p->x[2][0]) * sum + (p->flag ? 0 : p->x[3][0]);
}

static double siglip_value(const Problem *p) {
    double sum = 0;
    for (int i = 0; i < PAIRS; i++)
        for (int j = 0; j < PAIRS; j++) sum += log(1 + exp(i == j ? -logit(p, i, j) : logit(p, i, j)));
    return sum / PAIRS;
}

static double softmax_value(const Problem *p) {
    double sum = 0;
    for (int i = 0; i < PAIRS; i++) {
        double row = 0, column = 0;
        for (int j = 0; j < PAIRS; j++) row += exp(logit(p, i, j)), column += exp(logit(p, j, i));
        sum += log(row) + log(column) - 2 * logit(p, i, i);
    }
    return sum / (2 * PAIRS);
}

static void loss_problem(Problem *p) {
    p->value = p->flag ? softmax_value : siglip_value;
    input(p, PAIRS * EMBED, 0.6), input(p, PAIRS * EMBED, 0.6), input(p, 1, 1), input(p, 1, 1);
    RinsPairLoss l = {.x = rins_f32(up_input(p, 0), PAIRS, EMBED),
                      .y = rins_f32(up_input(p, 1), PAIRS, EMBED),
                      .t = up_input(p, 2),
                      .b = up_input(p, 3),
                      .loss = device_space(p, 1),
                      .dx = rins_f32(device_space(p, PAIRS * EMBED), PAIRS, EMBED),
                      .dy = rins_f32(device_space(p, PAIRS * EMBED), PAIRS, EMBED),
                      .dt = device_space(p, 1),
                      .db = device_space(p, 1)};
    if (p->flag)
        p->dev->ops->softmax_loss_fwd_bwd(p->dev, &l);
    else
        p->dev->ops->siglip_fwd_bwd(p->dev, &l);
    down(p, 0, l.dx.data), down(p, 1, l.dy.data), down(p, 2, l.dt), down(p, 3, l.db);
}

typedef struct Entry {
    const char *name;
    void (*solve)(Problem *p);
    bool flag;
    RinsAct act;
} Entry;

static const Entry entries[] = {
    {"gemm, gelu_tanh", gemm_problem, false, RINS_ACT_GELU_TANH},
    {"gemm, gelu_erf", gemm_problem, false, RINS_ACT_GELU_ERF},
    {"gelu_bwd, tanh", gelu_problem, false, RINS_ACT_GELU_TANH},
    {"gelu_bwd, erf", gelu_problem, false, RINS_ACT_GELU_ERF},
    {"layernorm_bwd", layernorm_problem, false, RINS_ACT_NONE},
    {"layernorm_bwd with residual", layernorm_problem, true, RINS_ACT_NONE},
    {"attention_bwd", attention_problem, false, RINS_ACT_NONE},
    {"attention_bwd, shared query", attention_problem, true, RINS_ACT_NONE},
    {"attention_bwd, keys as values", one_attention_problem, true, RINS_ACT_NONE},
    {"l2norm_bwd", l2norm_problem, false, RINS_ACT_NONE},
    {"pool_bwd, mean", pool_problem, false, RINS_ACT_NONE},
    {"pool_bwd, row", pool_problem, true, RINS_ACT_NONE},
    {"embed_bwd", embed_problem, false, RINS_ACT_NONE},
    {"siglip", loss_problem, false, RINS_ACT_NONE},
    {"softmax_loss", loss_problem, true, RINS_ACT_NONE},
};

void check_gradients(RinsDevice *dev, const char *level, const char *only) {
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        const Entry *e = &entries[i];
        if (!selected(e->name, only)) continue;
        Problem *p = calloc(1, sizeof *p);
        p->dev = dev, p->flag = e->flag, p->act = e->act;
        fill(p->weight, MAX_SIZE, 99, 1);
        e->solve(p);
        const bool clean = dev->ops->sync(dev) == RINS_OK;
        const double error = worst_error(p);
        report(clean && error <= 2e-5, "%s, %s: gradient against finite differences, error %.2e (limit 2e-05)", e->name,
               level, error);
        for (int k = 0; k < p->n_live; k++) dev->ops->free(dev, p->live[k]);
        free(p);
    }
}
