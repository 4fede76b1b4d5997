#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_ops.h"

void rins_fill_ref(RinsOps *ops) {
    ops->copy = rins_copy_ref;
    ops->zero = rins_zero_ref;
    ops->gemm = rins_gemm_ref;
    ops->layernorm_fwd = rins_layernorm_fwd_ref;
    ops->layernorm_bwd = rins_layernorm_bwd_ref;
    ops->attention_fwd = rins_attention_fwd_ref;
    ops->attention_bwd = rins_attention_bwd_ref;
    ops->gelu_fwd = rins_gelu_fwd_ref;
    ops->gelu_bwd = rins_gelu_bwd_ref;
    ops->add = rins_add_ref;
    ops->scale = rins_scale_ref;
    ops->colsum = rins_colsum_ref;
    ops->cast = rins_cast_ref;
    ops->normalise_u8 = rins_normalise_u8_ref;
    ops->patchify = rins_patchify_ref;
    ops->embed_fwd = rins_embed_fwd_ref;
    ops->embed_bwd = rins_embed_bwd_ref;
    ops->pool_fwd = rins_pool_fwd_ref;
    ops->pool_bwd = rins_pool_bwd_ref;
    ops->l2norm_fwd = rins_l2norm_fwd_ref;
    ops->l2norm_bwd = rins_l2norm_bwd_ref;
    ops->siglip_fwd_bwd = rins_siglip_ref;
    ops->softmax_loss_fwd_bwd = rins_softmax_loss_ref;
    ops->sqsum_finite = rins_sqsum_finite_ref;
    ops->adamw = rins_adamw_ref;
}
