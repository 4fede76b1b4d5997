#include "src/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };
static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local char where[256];

RinsStatus rins_fail(RinsStatus code, const char *file, int line, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char text[MESSAGE_SIZE]; /* fmt's arguments may include the old message */
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(message, text, sizeof message);
    snprintf(where, sizeof where, "%s:%d", file, line);
    return code;
}

RinsStatus rins_fail_context(RinsStatus code, const char *fmt, ...) {
    char context[MESSAGE_SIZE], joined[2 * MESSAGE_SIZE + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    snprintf(joined, sizeof joined, "%s: %s", context, message);
    memcpy(message, joined, sizeof message - 1); /* a longer text loses its end, not its beginning */
    message[sizeof message - 1] = 0;
    return code;
}

const char *rins_last_error(void) {
    return message;
}
const char *rins_last_error_where(void) {
    return where;
}

const char *rins_status_name(RinsStatus status) {
    switch (status) {
    case RINS_OK: return "RINS_OK";
    case RINS_ERR_ARG: return "RINS_ERR_ARG";
    case RINS_ERR_IO: return "RINS_ERR_IO";
    case RINS_ERR_FORMAT: return "RINS_ERR_FORMAT";
    case RINS_ERR_MEMORY: return "RINS_ERR_MEMORY";
    case RINS_ERR_UNSUPPORTED: return "RINS_ERR_UNSUPPORTED";
    case RINS_ERR_CONFIG: return "RINS_ERR_CONFIG";
    case RINS_ERR_MISMATCH: return "RINS_ERR_MISMATCH";
    case RINS_ERR_LIMIT: return "RINS_ERR_LIMIT";
    case RINS_ERR_NONFINITE: return "RINS_ERR_NONFINITE";
    case RINS_ERR_INTERNAL: return "RINS_ERR_INTERNAL";
    case RINS_ERR_INTERRUPTED: return "RINS_ERR_INTERRUPTED";
    }
    return "unknown status";
}
