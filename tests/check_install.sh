#!/usr/bin/env bash
# What is installed can be used: a C program builds against the installed header and library through pkg-config. TAP.
#   BUILD=build tests/check_install.sh
set -u
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # NUMBER NAME STATUS
    if [ "$3" = 0 ]; then echo "ok $1 - $2"; else
        echo "not ok $1 - $2"
        sed 's/^/# /' "$work/log" | tail -n 20
        failed=1
    fi
}
failed=0
echo "1..3"

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" 2>&1
verdict 1 "meson install" $?

pc=$(find "$work/root" -name rins.pc)
prefix=$work/root$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH=${pc%/*}
cat >"$work/user.c" <<'C'
#include <rins/rins.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    printf("rins %s %s\n", RINS_VERSION, rins_status_name(RINS_ERR_IO));
    return strcmp(rins_last_error(), "") != 0;
}
C
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs rins)
{ ${CC:-cc} "$work/user.c" -o "$work/user" $flags && LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$work/user"; } >"$work/log" 2>&1
verdict 2 "a program builds and runs against the installed library" $?

"$prefix/bin/rins" --version >"$work/log" 2>&1
verdict 3 "the installed program runs" $?
exit $failed
