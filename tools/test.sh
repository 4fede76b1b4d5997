#!/usr/bin/env bash
# Runs every test: installs what they need, builds, runs the unit tests and the checks of the tree, the same tests again
# under the address and undefined-behaviour sanitizers (but the slow ones), and the quickstart's short preset.
#   tools/test.sh [--no-install] [--no-sanitize] [--no-quickstart]
# The last line is "N passed, N failed" (", N skipped" where some were); the exit status is 0 only where none failed.
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

install=1 sanitize=1 quickstart=1
for flag in "$@"; do
    case $flag in
    --no-install) install= ;;
    --no-sanitize) sanitize= ;;
    --no-quickstart) quickstart= ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) echo "error: no flag $flag; there are --no-install, --no-sanitize and --no-quickstart" >&2 && exit 2 ;;
    esac
done

passed=0 failed=0 skipped=0
began=$SECONDS

say() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - began)); }

finish() {
    local line="$passed passed, $failed failed"
    [ "$skipped" = 0 ] || line="$line, $skipped skipped"
    printf '\n%s\n' "$line"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
    exit
}

is_debian_12() { grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; }

# build DIR MESON-OPTION...: configures once and builds; a failure counts as one failed test.
build() {
    local dir=$1
    shift
    local log=$dir.log
    if { [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"; } >"$log" 2>&1 && ninja -C "$dir" >>"$log" 2>&1; then
        if grep -q 'warning:' "$log"; then
            echo "$dir: warnings"
            grep 'warning:' "$log" | sort -u | head -n 20
            is_debian_12 && failed=$((failed + 1)) # other compilers may find more
        fi
        return 0
    fi
    tail -n 40 "$log"
    echo "not ok - $dir: the build failed"
    failed=$((failed + 1))
    return 1
}

# run_tests DIR MESON-ARGUMENT...: runs the tests and adds up their subtests.
run_tests() {
    local dir=$1 status p f s broken logs=$1/meson-logs
    shift
    rm -f "$logs"/testlog.*
    meson test -C "$dir" --no-rebuild --print-errorlogs "$@"
    status=$?
    # A program that crashed or hung has no failed subtest to its name: it counts as one failure itself.
    read -r p f s < <(cat "$logs/testlog.junit.xml" "$logs/testlog.json" 2>/dev/null | sed 's/<testsuite /\n&/g' | awk '
        function number(name) { return match($0, " " name "=\"[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
        function text(start) { return match($0, start "[^\"]*") ? substr($0, RSTART + length(start), RLENGTH - length(start)) : "" }
        /^<testsuite / {
            bad = number("errors") + number("failures"); skip = number("skipped")
            if (bad > 0) named[text(" name=\"")] = 1
            passed += number("tests") - bad - skip; failed += bad; skipped += skip
        }
        /"result": "(ERROR|TIMEOUT|INTERRUPT)"/ {
            found = 0
            for (suite in named) if (index(suite, text("\"name\": \"")) > 0) found = 1
            failed += !found
        }
        END { print passed + 0, failed + 0, skipped + 0 }')
    [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    grep -hE '^ok .*# SKIP' "$logs/testlog.txt" 2>/dev/null | sed -E 's/^ok [0-9]+ # SKIP /skipped: /; s/^ok [0-9]+ - (.*) # SKIP /skipped: \1: /' | sort -u
}

if [ -n "$install" ]; then
    say "packages"
    (install_packages build test) || { failed=1; finish; }
fi
say "build"
if build build-test -Dtests=enabled; then
    say "tests"
    run_tests build-test
fi
if [ -n "$sanitize" ]; then
    say "build with sanitizers"
    if build build-sanitize -Dtests=enabled -Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fno-sanitize-recover=undefined -Dcpp_args=-fno-sanitize-recover=undefined; then
        say "tests with sanitizers"
        UBSAN_OPTIONS=print_stacktrace=1 run_tests build-sanitize --no-suite slow --no-suite tree --timeout-multiplier 4
    fi
fi
if [ -n "$quickstart" ] && [ -x tools/quickstart.sh ]; then
    say "quickstart, short preset"
    rm -rf build-test/quickstart # else it would go on with a run that is done
    if BUILD=build-test tools/quickstart.sh --short --no-install --out build-test/quickstart; then passed=$((passed + 1)); else
        echo "not ok - tools/quickstart.sh --short"
        failed=$((failed + 1))
    fi
fi
say "done"
finish
