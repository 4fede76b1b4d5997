/* A test that cannot run here says what it needs. */
#ifndef RINS_TESTS_SKIP_H
#define RINS_TESTS_SKIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Skips the test that runs; run_cmocka.sh puts the reason behind its name. */
#define SKIP_FOR(why) (print_message("skipped: %s\n", why), skip())

#endif
