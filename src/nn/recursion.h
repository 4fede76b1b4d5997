/* The recursion plan: a tower's execution order as data (RINS, arXiv 2502.07503).

   A signature's letters split the blocks into equal contiguous groups in order of first appearance; exponents and
   parentheses repeat: A^2B over 4 blocks runs 0 1 0 1 2 3. Explicit sizes: "A:4 B:8", "A:4^2 B:8" or "(A:1B:3)^2". */
#ifndef RINS_NN_RECURSION_H
#define RINS_NN_RECURSION_H

#include "src/base/status.h"

#include <stdbool.h>

typedef enum RinsAdapter { RINS_ADAPTER_NONE, RINS_ADAPTER_EXIT, RINS_ADAPTER_ROUND } RinsAdapter;

typedef struct RinsStep {
    int block;       /* which block's parameters */
    int adapter;     /* adapter applied to this step's output (before the next step), -1: none */
    bool first_grad; /* backward: the first visit to this block writes the gradient, later ones accumulate */
    bool last_grad;  /* backward: after this visit the block's gradient is complete */
} RinsStep;

typedef struct RinsPlan {
    RinsStep *steps;
    int n_steps, n_blocks, n_adapters;
    int rounds; /* exponent in force of the outermost first recursive group; 1 where there is none */
} RinsPlan;

/* The plan of `signature` over `depth` blocks. rounds 0: the signature's own exponents; else the exponent of the
   outermost first recursive group is replaced. RINS_ERR_CONFIG names what is wrong and, where groups must be equal
   and the depth does not divide, the depths that would. Adapters: exit and round need a signature with r > 1 rounds, of
   which r - 1 adapters exist, and allow no more than those. The caller frees the plan (rins_plan_free). */
RinsStatus rins_plan_make(RinsPlan *plan, const char *signature, int depth, int rounds, RinsAdapter adapter);
void rins_plan_free(RinsPlan *plan);

/* The signature's own r: exponent of the outermost first recursive group, 1 where there is none. */
RinsStatus rins_signature_rounds(const char *signature, int depth, int *rounds);

#endif
