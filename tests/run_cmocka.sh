#!/usr/bin/env bash
# Runs one cmocka program and makes its output proper TAP: cmocka writes a skipped test as "not ok N # SKIP", which readers
# count as failed, "skipped: WHY" before it goes behind its name, and figures that a test prints become comments.
"$@" | sed -u -e '/^skipped: /{s//: /;h;d}' -e '/ # SKIP/{G;s/\n//;x;s/.*//;x}' -e 's/^not ok \([0-9]* # SKIP\)/ok \1/' -e '/^\(ok\|not ok\|[0-9]*\.\.[0-9]\|#\|Bail out\|TAP version\)/!s/^/# /'
exit "${PIPESTATUS[0]}"
