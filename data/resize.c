#include "data/resize.h"

#include "data/resize_kernels.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_PAIRS = 64 }; /* pair rows kept beyond the tallest filter before old ones are dropped */

/* Sums across: 16 rows at a time. */
typedef struct Across {
    RinsAxisPlan plan;
    uint8_t *rows;            /* (16, stride) */
    uint8_t *packed, *narrow; /* (in / 2, 96), (out, 48) */
    size_t stride;
    int filled; /* rows */
} Across;

/* Sums down: a window of pair rows that moves along. */
typedef struct Down {
    RinsAxisPlan plan;
    uint8_t *pairs; /* (room, stride): from pair `base` on */
    size_t stride;
    int bytes;            /* of one row */
    int room, base, held; /* in pair rows */
    int done;             /* rows that came in */
    int next;             /* output row */
} Down;

struct RinsResizer {
    const RinsResizeKernels *kernels;
    Across across;
    Down down;
    bool down_first;
    int x_skip, rows_in; /* rows in `incoming` */
    size_t row_bytes;
    uint8_t *memory;   /* one allocation for all of the buffers */
    uint8_t *incoming; /* (2, row_bytes) when down goes first */
    uint8_t *split;    /* (8, 2 * out bytes): output pair rows then */
    uint8_t *out;
    int written; /* output rows, when down goes first */
};

/* From Pillow 13 on: where the height shrinks by much more than the width, down goes first. */
static bool down_goes_first(const RinsResizeSpec *spec) {
    return spec->in_height > spec->height &&
           (int64_t)spec->in_height - spec->height > 2 * ((int64_t)spec->in_width - spec->width);
}

RinsStatus rins_resizer_open(RinsResizer **out, const RinsResizeSpec *spec, RinsCpuLevel level) {
    *out = NULL;
    RinsResizer *self = calloc(1, sizeof *self);
    if (!self) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a resize");
    RinsStatus status;
    const double *box = spec->box;
    self->kernels = rins_resize_kernels(level);
    self->down_first = down_goes_first(spec);
    RINS_TRY_DONE(rins_axis_plan(&self->across.plan, spec->in_width, box[0], box[2], spec->width, spec->method));
    RINS_TRY_DONE(rins_axis_plan(&self->down.plan, spec->in_height, box[1], box[3], spec->height, spec->method));
    *out = self;
    self = NULL;
done:
    rins_resizer_close(self);
    return status;
}

void rins_resizer_close(RinsResizer *self) {
    if (!self) return;
    rins_axis_plan_free(&self->across.plan);
    rins_axis_plan_free(&self->down.plan);
    free(self->memory);
    free(self);
}

RinsRegion rins_resizer_region(const RinsResizer *self) {
    return (RinsRegion){self->across.plan.begin, self->down.plan.begin, self->across.plan.end, self->down.plan.end};
}

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

/* Pair rows that must be held at once when `step` come in together. */
static int pairs_room(const RinsAxisPlan *plan, int step) {
    int tallest = 0;
    for (int i = 0; i < plan->out; i++) tallest = plan->count[i] > tallest ? plan->count[i] : tallest;
    const int all = ((plan->end - plan->begin + 1) / 2 + step - 1) / step * step;
    const int room = tallest + step + SPARE_PAIRS;
    return room < all ? room : all;
}

RinsStatus rins_resizer_start(RinsResizer *self, size_t row_bytes, int x_skip, uint8_t *out) {
    Across *across = &self->across;
    Down *down = &self->down;
    const size_t width = (size_t)(across->plan.end - across->plan.begin), chunk = RINS_RESIZE_CHUNK;
    const size_t units = round_up((size_t)across->plan.out * 3, chunk); /* of a finished row */
    self->row_bytes = round_up(row_bytes + RINS_RESIZE_SLACK, 64);
    across->stride = self->down_first ? round_up(width * 3 + RINS_RESIZE_SLACK, 64) : self->row_bytes;
    down->bytes = (int)(self->down_first ? width * 3 : (size_t)across->plan.out * 3);
    down->stride = 2 * round_up((size_t)down->bytes, chunk);
    down->room = pairs_room(&down->plan, self->down_first ? 1 : RINS_RESIZE_ROWS / 2);
    const size_t sizes[] = {RINS_RESIZE_ROWS * across->stride,
                            (width + 3) / 4 * 4 * chunk,
                            units * RINS_RESIZE_ROWS,
                            (size_t)down->room * down->stride,
                            self->down_first ? 2 * self->row_bytes : 0,
                            self->down_first ? RINS_RESIZE_ROWS * units : 0};
    uint8_t **const parts[] = {&across->rows, &across->packed, &across->narrow,
                               &down->pairs,  &self->incoming, &self->split};
    size_t total = 0;
    for (int i = 0; i < 6; i++) total += round_up(sizes[i], 64);
    self->memory = aligned_alloc(64, total);
    if (!self->memory) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a resize of rows of %zu bytes", row_bytes);
    total = 0;
    for (int i = 0; i < 6; i++) {
        *parts[i] = self->memory + total;
        total += round_up(sizes[i], 64);
    }
    /* Slack and rows missing from a last block are read, and weighed with 0. */
    memset(across->rows, 0, sizes[0]);
    memset(across->narrow, 0, sizes[2]);
    if (self->down_first) memset(self->incoming, 0, sizes[4]);
    self->x_skip = x_skip;
    self->out = out;
    return RINS_OK;
}

uint8_t *rins_resizer_row(RinsResizer *self) {
    if (self->down_first) return self->incoming + (size_t)self->rows_in * self->row_bytes;
    return self->across.rows + (size_t)self->across.filled * self->across.stride;
}

/* The place of the next `step` pair rows, after dropping those that no later output needs if there is no room. */
static uint8_t *next_pairs(Down *down, int step) {
    if (down->held + step > down->room) {
        int drop = down->next < down->plan.out ? down->plan.first[down->next] - down->base : down->held;
        if (drop > down->held) drop = down->held;
        down->held -= drop;
        down->base += drop;
        memmove(down->pairs, down->pairs + (size_t)drop * down->stride, (size_t)down->held * down->stride);
    }
    uint8_t *at = down->pairs + (size_t)down->held * down->stride;
    down->held += step;
    return at;
}

static bool row_is_ready(const Down *down) {
    return down->next < down->plan.out && down->plan.last[down->next] <= down->done;
}

static void sum_down(const RinsResizeKernels *kernels, Down *down, uint8_t *to) {
    const int first = down->plan.first[down->next] - down->base;
    kernels->row(&down->plan, down->next, down->pairs + (size_t)first * down->stride, down->stride, to, down->bytes);
    down->next++;
}

/* The block of rows, from pixel x_skip on, to 8 pair rows. */
static void sum_across(const RinsResizeKernels *kernels, Across *across, int x_skip, uint8_t *pairs, size_t stride) {
    kernels->pack(across->rows + (size_t)x_skip * 3, across->stride, across->plan.end - across->plan.begin,
                  across->packed);
    kernels->columns(&across->plan, across->packed, across->narrow);
    kernels->unpack(across->narrow, (int)(stride / 2), pairs, stride);
    across->filled = 0;
}

static void push_across_first(RinsResizer *self) {
    Across *across = &self->across;
    Down *down = &self->down;
    const int total = down->plan.end - down->plan.begin;
    across->filled++;
    if (across->filled < RINS_RESIZE_ROWS && down->done + across->filled < total) return;
    down->done += across->filled;
    sum_across(self->kernels, across, self->x_skip, next_pairs(down, RINS_RESIZE_ROWS / 2), down->stride);
    while (row_is_ready(down)) sum_down(self->kernels, down, self->out + (size_t)down->next * (size_t)down->bytes);
}

/* The block's rows to the output. */
static void finish_block(RinsResizer *self) {
    const int rows = self->across.filled, n = self->across.plan.out * 3;
    const size_t stride = 2 * round_up((size_t)n, RINS_RESIZE_CHUNK);
    sum_across(self->kernels, &self->across, 0, self->split, stride);
    for (int r = 0; r < rows; r += 2) {
        uint8_t *to = self->out + (size_t)(self->written + r) * (size_t)n;
        uint8_t *second = r + 1 < rows ? to + n : self->across.narrow; /* nobody reads that one */
        self->kernels->separate(self->split + (size_t)(r / 2) * stride, n, to, second);
    }
    self->written += rows;
}

static void push_down_first(RinsResizer *self) {
    Across *across = &self->across;
    Down *down = &self->down;
    const int total = down->plan.end - down->plan.begin;
    if (++self->rows_in < 2 && down->done + self->rows_in < total) return;
    down->done += self->rows_in;
    self->rows_in = 0;
    const uint8_t *first = self->incoming + (size_t)self->x_skip * 3;
    self->kernels->interleave(first, first + self->row_bytes, down->bytes, next_pairs(down, 1));
    while (row_is_ready(down)) {
        sum_down(self->kernels, down, across->rows + (size_t)across->filled * across->stride);
        if (++across->filled == RINS_RESIZE_ROWS || down->next == down->plan.out) finish_block(self);
    }
}

void rins_resizer_push(RinsResizer *self) {
    if (self->down_first)
        push_down_first(self);
    else
        push_across_first(self);
}

static RinsStatus check(const RinsImage *from, const double box[4], int width, int height) {
    if (!from->pixels || from->width < 1 || from->height < 1 || width < 1 || height < 1)
        return RINS_FAIL(RINS_ERR_ARG, "cannot resize a %dx%d picture to %dx%d", from->width, from->height, width,
                         height);
    if (!(box[0] >= 0 && box[1] >= 0 && box[2] <= from->width && box[3] <= from->height && box[0] < box[2] &&
          box[1] < box[3]))
        return RINS_FAIL(RINS_ERR_ARG, "box %g,%g..%g,%g is not inside the %dx%d picture", box[0], box[1], box[2],
                         box[3], from->width, from->height);
    return RINS_OK;
}

static RinsStatus resize_smooth(const RinsImage *from, const RinsResizeSpec *spec, uint8_t *out) {
    RinsCpu cpu;
    RinsResizer *resizer;
    RinsStatus status;
    RINS_TRY(rins_cpu_detect(&cpu));
    RINS_TRY(rins_resizer_open(&resizer, spec, cpu.level));
    const RinsRegion region = rins_resizer_region(resizer);
    const size_t bytes = (size_t)(region.x1 - region.x0) * 3;
    RINS_TRY_DONE(rins_resizer_start(resizer, bytes, 0, out));
    for (int y = region.y0; y < region.y1; y++) {
        const size_t at = ((size_t)y * (size_t)from->width + (size_t)region.x0) * 3;
        memcpy(rins_resizer_row(resizer), from->pixels + at, bytes);
        rins_resizer_push(resizer);
    }
done:
    rins_resizer_close(resizer);
    return status;
}

RinsStatus rins_image_resize(const RinsImage *from, const double box[4], int width, int height, RinsResizeMethod method,
                             bool antialias, RinsImage *to) {
    *to = (RinsImage){0};
    RINS_TRY(check(from, box, width, height));
    uint8_t *out = malloc((size_t)width * (size_t)height * 3);
    if (!out) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a %dx%d picture", width, height);
    const RinsResizeSpec spec = {from->width, from->height, {box[0], box[1], box[2], box[3]}, width, height, method};
    const RinsStatus status = antialias && method != RINS_RESIZE_NEAREST ? resize_smooth(from, &spec, out)
                                                                         : rins_resize_point(from, &spec, out);
    if (status == RINS_OK)
        *to = (RinsImage){out, width, height};
    else
        free(out);
    return status;
}
