/* The plain C reference of every op: clear first, parallel, and never deleted. opcheck holds the overrides to these. */
#ifndef RINS_CPU_REF_OPS_H
#define RINS_CPU_REF_OPS_H

#include "src/device/device.h"

void rins_gemm_ref(RinsDevice *dev, const RinsGemm *g);
void rins_layernorm_fwd_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                            float eps);
void rins_layernorm_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta,
                            bool accumulate, RinsTensor dy, RinsTensor x, const float *gamma, float eps);
void rins_attention_fwd_ref(RinsDevice *dev, const RinsAttention *a);
void rins_attention_bwd_ref(RinsDevice *dev, const RinsAttention *a);
void rins_copy_ref(RinsDevice *dev, RinsTensor to, RinsTensor from);
void rins_zero_ref(RinsDevice *dev, void *data, size_t bytes);
void rins_gelu_fwd_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act);
void rins_gelu_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act);
void rins_add_ref(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b);
void rins_scale_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, float s);
void rins_colsum_ref(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate);
void rins_cast_ref(RinsDevice *dev, RinsTensor to, RinsTensor from);
void rins_normalise_u8_ref(RinsDevice *dev, RinsTensor out, const uint8_t *in, const float scale[3],
                           const float offset[3]);
void rins_patchify_ref(RinsDevice *dev, RinsTensor out, RinsTensor in, int64_t size, int64_t patch);
void rins_embed_fwd_ref(RinsDevice *dev, RinsTensor out, const int32_t *ids, RinsTensor table, RinsTensor pos);
void rins_embed_bwd_ref(RinsDevice *dev, RinsTensor dtable, RinsTensor dpos, RinsTensor dout, const int32_t *ids,
                        bool accumulate);
void rins_pool_fwd_ref(RinsDevice *dev, RinsTensor out, RinsTensor x, int64_t length, int64_t row);
void rins_pool_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dout, int64_t length, int64_t row);
void rins_l2norm_fwd_ref(RinsDevice *dev, RinsTensor y, float *inv_norm, RinsTensor x);
void rins_l2norm_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor y, const float *inv_norm);
void rins_siglip_ref(RinsDevice *dev, const RinsPairLoss *loss);
void rins_softmax_loss_ref(RinsDevice *dev, const RinsPairLoss *loss);
void rins_sqsum_finite_ref(RinsDevice *dev, double *sum, const float *x, int64_t n);
void rins_adamw_ref(RinsDevice *dev, const RinsAdamW *step);

#endif
