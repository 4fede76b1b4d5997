/* rins: image-text encoders with recursive inference scaling. The only installed header. */
#ifndef RINS_RINS_H
#define RINS_RINS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINS_VERSION "0.1.0"

/* Every fallible call returns one of these: 0 is OK, negative is an error whose text is rins_last_error(). */
typedef enum RinsStatus {
    RINS_OK = 0,
    RINS_ERR_ARG = -1,         /* the caller's argument is wrong */
    RINS_ERR_IO = -2,          /* the operating system refused (missing file, no space, permission) */
    RINS_ERR_FORMAT = -3,      /* a file's contents are malformed or damaged */
    RINS_ERR_MEMORY = -4,      /* out of memory */
    RINS_ERR_UNSUPPORTED = -5, /* valid, but not supported here (a CPU feature, a format variant) */
    RINS_ERR_CONFIG = -6,      /* the configuration is wrong: unknown key, bad value, contradiction */
    RINS_ERR_MISMATCH = -7,    /* two things that must agree do not (checkpoint and model, tokenizer and vocabulary) */
    RINS_ERR_LIMIT = -8,       /* a safety limit was reached (pixels, memory, scans, bad samples) */
    RINS_ERR_NONFINITE = -9,   /* a loss or gradient is NaN or infinite */
    RINS_ERR_INTERNAL = -10,   /* a defect in rins */
    RINS_ERR_INTERRUPTED = -11 /* stopped by the user; state was saved */
} RinsStatus;

/* Message of this thread's last error, "" if none: what, where, what to do. Valid until the next failing call
   on this thread; owned by the library. */
const char *rins_last_error(void);

/* Name of a status code, such as "RINS_ERR_IO"; never NULL. */
const char *rins_status_name(RinsStatus status);

#ifdef __cplusplus
}
#endif
#endif
