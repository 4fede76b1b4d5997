#!/usr/bin/env bash
# The C code is as .clang-format says. Versions of clang-format differ among themselves, so that this is Debian 12's: 14.
# Prints TAP; skipped where there is none. To mend what it names: git ls-files '*.c' '*.h' | xargs clang-format-14 -i
set -u
cd "$(dirname "$0")/.." || exit 2
echo 1..1
formatter=$(command -v clang-format-14) || { echo "ok 1 # SKIP needs clang-format-14"; exit 0; }
files=$(find src vision text data eval tools tests include examples -name '*.[ch]' | LC_ALL=C sort)
complaints=$(printf '%s\n' $files | xargs "$formatter" --dry-run 2>&1 | grep -E '^[^ ]+:[0-9]+:[0-9]+: ')
if [ -z "$complaints" ]; then
    echo "ok 1 - $(printf '%s\n' $files | wc -l) files are as .clang-format says"
else
    echo "not ok 1 - $(printf '%s\n' "$complaints" | cut -d: -f1 | sort -u | wc -l) files are not as .clang-format says"
    printf '%s\n' "$complaints" | cut -d: -f1,2 | head -40 | sed 's/^/# /'
fi
