/* Holds every op of a device to the plain C reference, and times both.

   A case is a function that makes its tensors, registers its outputs and calls the op. It runs once on the
   reference device and once on the one under test; both see the same numbers, and what they registered is
   then compared, elements outside the view included (they must stay as they were). */
#ifndef RINS_OPCHECK_H
#define RINS_OPCHECK_H

#include "src/device/device.h"

#include <stdbool.h>

enum { MAX_BUFFERS = 32 };

typedef struct Buffer {
    void *device, *host; /* host: as filled, then as the op left it */
    RinsType type;
    bool f64;
    bool output;
    size_t elements, bytes;
} Buffer;

typedef struct Run {
    RinsDevice *dev;
    const RinsOps *ops;
    bool bench;
    Buffer buffers[MAX_BUFFERS];
    int n;
    uint64_t seed;       /* of the next fill; starts alike on both devices */
    double flops, bytes; /* of one call: set by the case */
    double seconds;      /* of one call: measured */
    double min_seconds;  /* bench: keep calling for so long */
    double cpu_seconds;  /* of one call: processor time of all threads, which other programs do not lengthen */
    double started, cpu_started;
    int calls;
    bool positive; /* fills are not negative */
    bool whole;    /* fills are whole numbers */
    bool bf16;     /* an output is bf16: the limit is its rounding */
} Run;

/* (rows, cols) of the type with `pad` more columns of stride, uniform in [-1, 1) * size. */
RinsTensor make(Run *run, RinsType type, int64_t rows, int64_t cols, int64_t pad, double size);
/* Same, and compared afterwards. */
RinsTensor make_out(Run *run, RinsType type, int64_t rows, int64_t cols, int64_t pad);
float *make_vector(Run *run, int64_t n, double size);
float *make_vector_out(Run *run, int64_t n);
double *make_double_out(Run *run, double value);
/* Copy of host data on the device. */
void *make_copy(Run *run, const void *host, size_t bytes);
float *make_value(Run *run, float value);
/* Compares a buffer that was made as an input: for ops that write in place. */
void also_output(Run *run, const void *device);

/* for (begin(run); more(run);) ops->...: one call in a test, many where timed. */
void begin(Run *run);
bool more(Run *run);

typedef struct OpCheck {
    const char *name;
    double limit; /* of |x - ref| / (|ref| + rms(ref)); bf16 outputs: at least 2^-7, one step of theirs */
    /* Case `index`; false, with nothing done, where there is no such case. */
    bool (*run)(Run *run, int index);
    double steps; /* of bf16 outputs that they may be off by, where kernels round in between; 0: one */
} OpCheck;

extern const OpCheck gemm_check, gemm_bf16_check, gemm_whole_check, gemm_long_check;
extern const OpCheck attention_fwd_check, attention_bwd_check;
extern const OpCheck layernorm_fwd_check, layernorm_bwd_check, gelu_fwd_check, gelu_bwd_check, add_check, scale_check;
extern const OpCheck colsum_check, cast_check, copy_check, zero_check, normalise_check, patchify_check;
extern const OpCheck embed_fwd_check, embed_bwd_check, pool_fwd_check, pool_bwd_check, l2norm_fwd_check;
extern const OpCheck l2norm_bwd_check, siglip_check, softmax_check, sqsum_check, adamw_check;

/* Finite differences in double of each forward op against its backward op on `dev`. Calls report for each. */
void check_gradients(RinsDevice *dev, const char *level, const char *only);
/* Relative error of the activations over their whole range, against double. */
void check_accuracy(RinsDevice *dev, const char *level, const char *only);
/* Extreme inputs: logits of 1e4, a gradient that is not finite, thread counts. */
void check_extremes(RinsDevice *dev, const char *level, const char *only);

/* One TAP line. */
void report(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool selected(const char *name, const char *only);

#endif
