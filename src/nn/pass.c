#include "src/nn/pass.h"

RinsTensor rins_as_act(const RinsPass *pass, RinsTensor t) {
    if (t.type == pass->act_type) return t;
    RinsTensor copy = rins_push_act(pass, t.rows, t.cols);
    pass->dev->ops->cast(pass->dev, copy, t);
    return copy;
}

void rins_grads_done(const RinsPass *pass, int first, int last) {
    if (!pass->complete || pass->params->list[first].frozen) return;
    const RinsParam *end = &pass->params->list[last];
    const int64_t from = pass->params->list[first].offset;
    pass->dev->ops->sqsum_finite(pass->dev, pass->sqsum, pass->params->g + from, end->offset + end->count - from);
}
