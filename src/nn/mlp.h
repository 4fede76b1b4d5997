/* The second half of a pre-LN block, y = x + fc2(act(fc1(LN(x)))): every block's, and the MAP head's. */
#ifndef RINS_NN_MLP_H
#define RINS_NN_MLP_H

#include "src/nn/linear.h"
#include "src/nn/norm.h"

typedef struct RinsMlp {
    RinsNorm norm;
    RinsLinear fc1, fc2;
    int64_t hidden;
} RinsMlp;

/* Adds PREFIX.fc1 and PREFIX.fc2 and the norm NORM. Kernels Xavier-uniform, biases normal(1e-6), as big_vision. */
RinsStatus rins_mlp_add(RinsParams *params, RinsTower tower, bool frozen, int64_t width, int64_t hidden, RinsMlp *mlp,
                        const char *prefix, const char *norm);

/* x, y (M, D) fp32. pre (M, F) act type receives fc1's output where given, for the backward pass. y absent: only pre
   is wanted. */
void rins_mlp_fwd(const RinsPass *pass, const RinsMlp *mlp, RinsTensor y, RinsTensor x, RinsTensor pre);

/* dy (M, D) fp32 enters as the gradient of y and leaves as that of x. x and pre as in the forward pass. */
void rins_mlp_bwd(const RinsPass *pass, const RinsMlp *mlp, RinsTensor dy, RinsTensor x, RinsTensor pre,
                  bool accumulate);

#endif
