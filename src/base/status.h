/* Error reporting: status codes travel up by return value, the text travels beside them per thread. */
#ifndef RINS_BASE_STATUS_H
#define RINS_BASE_STATUS_H

#include "rins/rins.h"

/* Records file, line and a formatted message for this thread and yields `code`:
       return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
       status = RINS_FAIL(...); goto done;                                              */
#define RINS_FAIL(code, ...) rins_fail((code), __FILE__, __LINE__, __VA_ARGS__)

/* Forwards a failure to the caller. For functions with nothing to release. */
#define RINS_TRY(expr)                                                                                                 \
    do {                                                                                                               \
        RinsStatus try_status_ = (expr);                                                                               \
        if (try_status_ != RINS_OK) return try_status_;                                                                \
    } while (0)

/* Same, for functions with the one exit `done:` and a local `status`. */
#define RINS_TRY_DONE(expr)                                                                                            \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != RINS_OK) goto done;                                                                              \
    } while (0)

RinsStatus rins_fail(RinsStatus code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " before this thread's message and yields `code` again:
   a caller adds the file it was reading to a parser's complaint. */
RinsStatus rins_fail_context(RinsStatus code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Source file and line of this thread's last failure, "file.c:123"; for --verbose and bug reports. */
const char *rins_last_error_where(void);

#endif
