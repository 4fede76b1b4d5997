#include "src/nn/encoder.h"

#include <stdio.h>
#include <stdlib.h>

static RinsStatus add_adapters(RinsParams *params, RinsTower tower, bool frozen, int64_t width, RinsEncoder *encoder,
                               const char *prefix) {
    const RinsParamSpec kernel = {.shape = {width, width}, .init = RINS_INIT_CONST, .decay = true};
    const RinsParamSpec bias = {.shape = {width}, .init = RINS_INIT_CONST};
    for (int i = 0; i < encoder->n_adapters; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s.adapters.%d", prefix, i);
        encoder->adapter_param[i] = params->n;
        RINS_TRY(rins_linear_add(params, tower, frozen, kernel, bias, &encoder->adapters[i], name));
    }
    return RINS_OK;
}

RinsStatus rins_encoder_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                            const RinsPlan *plan, RinsEncoder *encoder, const char *prefix) {
    *encoder = (RinsEncoder){
        .n_blocks = plan->n_blocks, .n_adapters = plan->n_adapters, .width = size->width, .max_steps = plan->n_steps};
    encoder->blocks = calloc((size_t)plan->n_blocks, sizeof *encoder->blocks);
    encoder->saved = calloc((size_t)plan->n_steps, sizeof *encoder->saved);
    encoder->adapters = calloc((size_t)plan->n_adapters + 1, sizeof *encoder->adapters);
    encoder->adapter_param = calloc((size_t)plan->n_adapters + 1, sizeof *encoder->adapter_param);
    if (!encoder->blocks || !encoder->saved || !encoder->adapters || !encoder->adapter_param)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for an encoder of %d blocks", plan->n_blocks);
    RINS_TRY(add_adapters(params, tower, frozen, size->width, encoder, prefix));
    for (int i = plan->n_blocks - 1; i >= 0; i--) {
        char name[96];
        snprintf(name, sizeof name, "%s.layers.%d", prefix, i);
        RINS_TRY(rins_block_add(params, tower, frozen, size, &encoder->blocks[i], name));
    }
    return RINS_OK;
}

void rins_encoder_free(RinsEncoder *encoder) {
    free(encoder->blocks);
    free(encoder->saved);
    free(encoder->adapters);
    free(encoder->adapter_param);
    *encoder = (RinsEncoder){0};
}

/* Only the last step may leave rows out: every other one feeds keys and values of the next. */
static RinsSeq seq_of_step(const RinsPlan *plan, int step, RinsSeq seq) {
    if (step < plan->n_steps - 1) seq.query = -1;
    return seq;
}

/* One step from x to y, through its adapter where it has one. */
static void step_fwd(const RinsPass *pass, RinsEncoder *encoder, const RinsStep *step, RinsSeq seq, RinsTensor y,
                     RinsTensor x, struct RinsStepSaved *saved) {
    RinsBlockSaved *block_saved = saved ? &saved->block : NULL;
    const RinsBlock *block = &encoder->blocks[step->block];
    if (step->adapter < 0) {
        rins_block_fwd(pass, block, seq, y, x, block_saved);
        return;
    }
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor plain = rins_push(pass, RINS_F32, y.rows, y.cols);
    rins_block_fwd(pass, block, seq, plain, x, block_saved);
    const size_t cast_mark = rins_arena_mark(pass->arena);
    rins_linear_fwd(pass, encoder->adapters[step->adapter], y, rins_as_act(pass, plain),
                    (RinsLinearExtra){.residual = plain});
    if (saved) saved->adapted = plain;
    rins_arena_release(pass->arena, saved ? cast_mark : mark);
}

void rins_encoder_fwd(const RinsPass *pass, RinsEncoder *encoder, const RinsPlan *plan, RinsSeq seq, RinsTensor y,
                      RinsTensor x, bool save) {
    assert(!save || plan->n_steps <= encoder->max_steps);
    const size_t mark = rins_arena_mark(pass->arena);
    RinsTensor spare[2] = {RINS_ABSENT, RINS_ABSENT};
    /* Both at once: what is planned for one number of rounds then holds for any. */
    for (int i = 0; i < 2 && !save; i++) spare[i] = rins_push(pass, RINS_F32, x.rows, x.cols);
    for (int i = 0; i < plan->n_steps; i++) {
        const bool last = i == plan->n_steps - 1;
        RinsTensor out = last ? y : spare[i % 2];
        if (!out.data) out = spare[i % 2] = rins_push(pass, RINS_F32, x.rows, x.cols);
        if (save) spare[i % 2] = RINS_ABSENT; /* each step's input stays */
        struct RinsStepSaved *saved = save && !pass->recompute ? &encoder->saved[i] : NULL;
        if (save) encoder->saved[i].block.x = x;
        step_fwd(pass, encoder, &plan->steps[i], seq_of_step(plan, i, seq), out, x, saved);
        x = out;
    }
    if (!save) rins_arena_release(pass->arena, mark);
}

/* dy enters as the gradient of the adapter's output and leaves as that of its input. */
static void adapter_bwd(const RinsPass *pass, RinsEncoder *encoder, int adapter, RinsTensor dy, RinsTensor input) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsLinear layer = encoder->adapters[adapter];
    const RinsTensor dy_act = rins_as_act(pass, dy);
    const RinsTensor through = rins_push(pass, RINS_F32, dy.rows, dy.cols);
    rins_linear_bwd_weight(pass, layer, dy_act, rins_as_act(pass, input), pass->accumulate);
    rins_linear_bwd_input(pass, layer, through, dy_act, false, RINS_ABSENT, RINS_ABSENT);
    pass->dev->ops->add(pass->dev, dy, dy, through);
    rins_arena_release(pass->arena, mark);
    rins_grads_done(pass, encoder->adapter_param[adapter], encoder->adapter_param[adapter] + 1);
}

/* An adapter that this plan does not visit has no gradient; its range must not keep an older step's. */
static void zero_unused_adapters(const RinsPass *pass, const RinsEncoder *encoder, const RinsPlan *plan) {
    if (pass->accumulate) return;
    for (int a = 0; a < encoder->n_adapters; a++) {
        bool used = false;
        for (int i = 0; i < plan->n_steps; i++) used = used || plan->steps[i].adapter == a;
        for (int p = encoder->adapter_param[a]; !used && p < encoder->adapter_param[a] + 2; p++)
            pass->dev->ops->zero(pass->dev, rins_grad(pass, p), (size_t)pass->params->list[p].count * sizeof(float));
    }
}

/* Computes again what the forward pass did not keep. The step's output is needed only by an adapter. */
static void step_recompute(const RinsPass *pass, RinsEncoder *encoder, const RinsStep *step, RinsSeq seq,
                           struct RinsStepSaved *saved) {
    RinsTensor y = RINS_ABSENT;
    if (step->adapter >= 0) saved->adapted = y = rins_push(pass, RINS_F32, rins_seq_rows(seq), encoder->width);
    rins_block_fwd(pass, &encoder->blocks[step->block], seq, y, saved->block.x, &saved->block);
}

void rins_encoder_bwd(const RinsPass *pass, RinsEncoder *encoder, const RinsPlan *plan, RinsSeq seq, RinsTensor dx,
                      RinsTensor dy) {
    zero_unused_adapters(pass, encoder, plan);
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        const RinsStep *step = &plan->steps[i];
        const RinsBlock *block = &encoder->blocks[step->block];
        const RinsSeq step_seq = seq_of_step(plan, i, seq);
        const size_t mark = rins_arena_mark(pass->arena);
        if (pass->recompute) step_recompute(pass, encoder, step, step_seq, &encoder->saved[i]);
        if (step->adapter >= 0) adapter_bwd(pass, encoder, step->adapter, dy, encoder->saved[i].adapted);
        rins_block_bwd(pass, block, step_seq, dx, dy, &encoder->saved[i].block, pass->accumulate || !step->first_grad);
        rins_arena_release(pass->arena, mark);
        if (step->last_grad) rins_grads_done(pass, block->first_param, block->last_param);
        dy = dx;
    }
}

double rins_encoder_flops(const RinsEncoderSize *size, const RinsPlan *plan, double length) {
    const double width = (double)size->width, mlp = (double)size->mlp;
    const double block = 2 * length * (4 * width * width + 2 * width * mlp) + 4 * length * length * width;
    double flops = 0;
    for (int i = 0; i < plan->n_steps; i++)
        flops += block + (plan->steps[i].adapter >= 0 ? 2 * length * width * width : 0);
    return flops;
}
