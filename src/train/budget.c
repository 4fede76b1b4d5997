#include "src/train/budget.h"

#include <math.h>

RinsStatus rins_budget_steps(const RinsBudgetConfig *budget, int64_t batch, int64_t epoch_size, double flops_per_pair,
                             int64_t *steps) {
    if (rins_budgets_set(budget) != 1)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.budget: set exactly one of examples, steps, epochs and flops, not %d",
                         rins_budgets_set(budget));
    double wanted = 0;
    if (budget->examples != RINS_INT_NULL) wanted = (double)(budget->examples / batch);
    if (budget->steps != RINS_INT_NULL) wanted = (double)budget->steps;
    if (!isnan(budget->epochs)) wanted = floor(budget->epochs * (double)epoch_size / (double)batch);
    if (!isnan(budget->flops)) wanted = round(budget->flops / (flops_per_pair * (double)batch));
    if (!(wanted >= 1))
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "train.budget: it is less than one step (batch %lld, %lld samples, %.4g FLOPs a step)",
                         (long long)batch, (long long)epoch_size, flops_per_pair * (double)batch);
    if (wanted > 1e15) return RINS_FAIL(RINS_ERR_CONFIG, "train.budget: %g steps are out of range", wanted);
    *steps = (int64_t)wanted;
    return RINS_OK;
}
