/* Shared by the actions of `rins bench`: timing, figures and their report. */
#ifndef RINS_TOOLS_BENCH_H
#define RINS_TOOLS_BENCH_H

#include "tools/command.h"
#include "tools/common.h"
#include "tools/flags.h"
#include "tools/progress.h"

/* Figures of one benchmark; those at 0 (or NULL) do not apply and are left out. */
typedef struct RinsBenchResult {
    const char *name, *config, *precision;
    int64_t batch, dim, samples, bad;
    const char *rate_name; /* "pairs_per_s" */
    double rate;
    double step_s;      /* median */
    double gflops;      /* nominal */
    double peak_gflops; /* sgemm in the same process: the best of six runs, before and after */
    double sgemm[96];   /* GFLOP/s of runs of sgemm between the steps */
    int n_sgemm;
    int64_t peak_rss_bytes, extra_bytes;
    double parameters, loss; /* loss: of the last step, to see that it ran */
    int threads;
} RinsBenchResult;

int64_t rins_bench_peak_rss(void);
int64_t rins_bench_rss(void);                    /* what is resident now; 0 where /proc does not say */
double rins_bench_median(double *values, int n); /* sorts them */

/* Half of the six sgemm runs: called before and after what is measured, the best one counts. */
RinsStatus rins_bench_peak(RinsBenchResult *result);
/* Three more, between the steps that are measured, as long as there is room for them: on a machine that drifts their
   median is what to compare the steps' median with. */
RinsStatus rins_bench_between(RinsBenchResult *result);

/* Says how large a step is, since one may take minutes, and starts the bar of `steps` of them. */
RinsProgress rins_bench_bar(const RinsBenchResult *result, int64_t steps);

/* Prints the figures, and writes them as JSON to `json` where not NULL ("-": standard output, alone but for the lines of
   --paced). */
RinsStatus rins_bench_report(RinsBenchResult *result, const char *json);

int rins_bench_gemm(int argc, char **argv);
int rins_bench_step(int argc, char **argv);
int rins_bench_infer(int argc, char **argv);
int rins_bench_loss(int argc, char **argv);
int rins_bench_data(int argc, char **argv);

#endif
