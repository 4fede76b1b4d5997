#!/usr/bin/env bash
# Runs one cmocka program: cmocka writes a skipped test as "not ok N # SKIP", which TAP readers count as failed.
"$@" | sed -u 's/^not ok \([0-9]* # SKIP\)/ok \1/'
exit "${PIPESTATUS[0]}"
