/* LayerNorm over the width, eps 1e-6 as SiglipModel has it. */
#ifndef RINS_NN_NORM_H
#define RINS_NN_NORM_H

#include "src/nn/pass.h"

/* Parameter indices, both (D). */
typedef struct RinsNorm {
    int gamma, beta;
} RinsNorm;

/* Adds PREFIX.weight (1) and PREFIX.bias (0). */
RinsStatus rins_norm_add(RinsParams *params, RinsTower tower, bool frozen, int64_t width, RinsNorm *norm,
                         const char *prefix);

/* x (M, D) fp32 -> y (M, D) fp32 or act type. */
void rins_norm_fwd(const RinsPass *pass, RinsNorm norm, RinsTensor y, RinsTensor x);
/* dx = gradient through the norm + dres (absent: 0; may be dx itself); gamma's and beta's gradients (+)=. x as in the
   forward pass. */
void rins_norm_bwd(const RinsPass *pass, RinsNorm norm, RinsTensor dx, RinsTensor dres, RinsTensor dy, RinsTensor x,
                   bool accumulate);

#endif
