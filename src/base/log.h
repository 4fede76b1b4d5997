/* Messages for people. The library never prints by itself: it hands lines to the sink the program installed. */
#ifndef RINS_BASE_LOG_H
#define RINS_BASE_LOG_H

typedef enum RinsLogLevel { RINS_LOG_ERROR, RINS_LOG_WARN, RINS_LOG_INFO, RINS_LOG_DEBUG } RinsLogLevel;

/* `text` has no newline. Called from any thread, one call at a time. */
typedef void RinsLogSink(RinsLogLevel level, const char *text, void *user);

/* Default: no sink, everything is dropped. Set once at start, before threads exist. */
void rins_log_set(RinsLogSink *sink, void *user, RinsLogLevel max_level);

void rins_log(RinsLogLevel level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
