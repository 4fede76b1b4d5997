/* The ops of this folder, each declared once per level: rins_gemm_avx2, rins_layernorm_fwd_avx512, ... The levels
   with bf16 products have a gemm, attentions, layernorm_fwd and cast of their own: these write bf16, which they round
   in one instruction. All else they share with the level beneath. */
#ifndef RINS_VEC_OPS_H
#define RINS_VEC_OPS_H

#include "src/device/cpu/vec/vec.h"
#include "src/device/device.h"

/* With fewer query rows packing keys and values costs more than the products. */
enum { FEWEST_QUERIES = 4 };

/* Of bf16 operands where built for them. */
void RINS_VEC(rins_gemm)(RinsDevice *dev, const RinsGemm *g);
void RINS_VEC(rins_attention_fwd)(RinsDevice *dev, const RinsAttention *a);
void RINS_VEC(rins_attention_bwd)(RinsDevice *dev, const RinsAttention *a);
#ifdef RINS_VEC_BF16
void RINS_VEC_FP32(rins_gemm)(RinsDevice *dev, const RinsGemm *g);
void RINS_VEC_FP32(rins_attention_fwd)(RinsDevice *dev, const RinsAttention *a);
void RINS_VEC_FP32(rins_attention_bwd)(RinsDevice *dev, const RinsAttention *a);
#endif
void RINS_VEC(rins_layernorm_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                                  float eps);
void RINS_VEC(rins_layernorm_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta,
                                  bool accumulate, RinsTensor dy, RinsTensor x, const float *gamma, float eps);
void RINS_VEC(rins_gelu_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act);
void RINS_VEC(rins_gelu_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act);
void RINS_VEC(rins_add)(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b);
void RINS_VEC(rins_scale)(RinsDevice *dev, RinsTensor y, RinsTensor x, float s);
void RINS_VEC(rins_cast)(RinsDevice *dev, RinsTensor to, RinsTensor from);
void RINS_VEC(rins_colsum)(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate);
void RINS_VEC(rins_siglip)(RinsDevice *dev, const RinsPairLoss *loss);
void RINS_VEC(rins_softmax_loss)(RinsDevice *dev, const RinsPairLoss *loss);
void RINS_VEC(rins_sqsum_finite)(RinsDevice *dev, double *sum, const float *x, int64_t n);
void RINS_VEC(rins_adamw)(RinsDevice *dev, const RinsAdamW *step);

#endif
