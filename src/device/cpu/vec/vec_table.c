#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_ops.h"

#ifdef RINS_VEC_BF16

/* The operands say which: two of bf16 are multiplied as such, all others in fp32. */
static void gemm_by_type(RinsDevice *dev, const RinsGemm *g) {
    if (g->a.type == RINS_BF16 && g->b.type == RINS_BF16)
        RINS_VEC(rins_gemm)(dev, g);
    else
        RINS_VEC_FP32(rins_gemm)(dev, g);
}

static bool attends_in_bf16(const RinsAttention *a) {
    return a->q.type == RINS_BF16 && a->lq >= FEWEST_QUERIES;
}

static void attention_fwd_by_type(RinsDevice *dev, const RinsAttention *a) {
    if (attends_in_bf16(a))
        RINS_VEC(rins_attention_fwd)(dev, a);
    else
        RINS_VEC_FP32(rins_attention_fwd)(dev, a);
}

static void attention_bwd_by_type(RinsDevice *dev, const RinsAttention *a) {
    if (attends_in_bf16(a))
        RINS_VEC(rins_attention_bwd)(dev, a);
    else
        RINS_VEC_FP32(rins_attention_bwd)(dev, a);
}

void RINS_VEC(rins_fill)(RinsOps *ops) {
    RINS_VEC_FP32(rins_fill)(ops);
    ops->gemm = gemm_by_type;
    ops->attention_fwd = attention_fwd_by_type;
    ops->attention_bwd = attention_bwd_by_type;
    ops->layernorm_fwd = RINS_VEC(rins_layernorm_fwd);
    ops->cast = RINS_VEC(rins_cast);
}

#else

void RINS_VEC(rins_fill)(RinsOps *ops) {
    ops->gemm = RINS_VEC(rins_gemm);
    ops->layernorm_fwd = RINS_VEC(rins_layernorm_fwd);
    ops->layernorm_bwd = RINS_VEC(rins_layernorm_bwd);
    ops->attention_fwd = RINS_VEC(rins_attention_fwd);
    ops->attention_bwd = RINS_VEC(rins_attention_bwd);
    ops->gelu_fwd = RINS_VEC(rins_gelu_fwd);
    ops->gelu_bwd = RINS_VEC(rins_gelu_bwd);
    ops->add = RINS_VEC(rins_add);
    ops->scale = RINS_VEC(rins_scale);
    ops->cast = RINS_VEC(rins_cast);
    ops->colsum = RINS_VEC(rins_colsum);
    ops->siglip_fwd_bwd = RINS_VEC(rins_siglip);
    ops->softmax_loss_fwd_bwd = RINS_VEC(rins_softmax_loss);
    ops->sqsum_finite = RINS_VEC(rins_sqsum_finite);
    ops->adamw = RINS_VEC(rins_adamw);
}

#endif
