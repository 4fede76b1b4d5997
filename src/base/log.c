#include "src/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static RinsLogSink *current_sink;
static void *current_user;
static RinsLogLevel current_level = RINS_LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void rins_log_set(RinsLogSink *sink, void *user, RinsLogLevel max_level) {
    current_sink = sink;
    current_user = user;
    current_level = max_level;
}

void rins_log(RinsLogLevel level, const char *fmt, ...) {
    if (!current_sink || level > current_level) return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&lock);
    current_sink(level, text, current_user);
    pthread_mutex_unlock(&lock);
}
