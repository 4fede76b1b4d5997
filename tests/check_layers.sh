#!/usr/bin/env bash
# Holds the tree to its layers. Prints TAP, one test per rule; what breaks a rule is named below it.
#   tests/check_layers.sh [ROOT [RULE-NUMBER]]
set -u
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
only=${2:-}
cd "$root" || exit 2
cc=${CC:-cc} # maybe with words before it, such as ccache
number=0
failed=0
code=$(mktemp)
trap 'rm -f "$code"' EXIT

# rule NAME CHECK...: what the check prints are complaints; none is a pass.
rule() {
    local complaints name=$1
    shift
    number=$((number + 1))
    [ -z "$only" ] || [ "$only" = "$number" ] || return 0
    complaints=$("$@")
    if [ -z "$complaints" ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        printf '%s\n' "$complaints" | sed 's/^/# /'
        failed=1
    fi
}

list() { # FIND-EXPRESSION: files of the tree, sorted, without builds and hidden folders
    find . \( -path './.*' -o -path './build*' -o -path './subprojects' -o -path './runs' -o -path './quickstart' \) -prune \
        -o -type f "$@" -print | sed 's|^\./||' | LC_ALL=C sort
}
code_files() { list \( -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.inc' \); }
# A file with a main is a program of the build (a generator), not part of the library.
library_files() { code_files | grep -E '^(src|data|eval|text|vision|include)/' | xargs grep -LE '^int main\('; }

# Code without comments and texts, to look for calls.
stripped() { $cc -fpreprocessed -dD -E -P -x c "$1" 2>/dev/null | sed 's/"[^"]*"/""/g'; }

# What each layer may include, itself first.
allowed() {
    case $1 in
    include | examples) echo "rins" ;;
    src/base) echo "src/base rins" ;;
    src/device) echo "src/device src/base rins" ;;
    src/nn) echo "src/nn src/device src/base rins" ;;
    vision) echo "vision src/nn src/device src/base rins" ;;
    text) echo "text src/nn src/device src/base rins" ;;
    src/model) echo "src/model vision text src/nn src/device src/base rins" ;;
    data) echo "data src/base rins" ;;
    eval) echo "eval src/model vision text src/nn src/device src/base data rins" ;;
    src/api) echo "src/api eval src/model vision text src/nn src/device src/base data rins" ;;
    src/train) echo "src/train src/model vision text src/nn src/device src/base data rins" ;;
    src/study) echo "src/study src/train eval src/model vision text src/nn src/device src/base data rins" ;;
    tools) echo "tools src data eval text vision rins" ;;
    tests | bench) echo "$1 tools tests bench src data eval text vision rins" ;;
    esac
}

layer_of() { # path -> layer
    case $1 in
    src/*/*) echo "$1" | cut -d/ -f1,2 ;;
    *) echo "${1%%/*}" ;;
    esac
}

check_includes() {
    local file layer may target ok prefix
    code_files | while read -r file; do
        layer=$(layer_of "$file")
        may=$(allowed "$layer")
        if [ -z "$may" ]; then
            echo "$file: the folder '$layer' is in no layer; add it to tests/check_layers.sh"
            continue
        fi
        sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" | while read -r target; do
            ok=
            for prefix in $may; do
                case $target in "$prefix"/*) ok=1 ;; esac
            done
            [ -n "$ok" ] || echo "$file: includes \"$target\", which $layer may not"
        done
    done
}

check_private_headers() { # PATTERN OWNER: only files under OWNER include <PATTERN>
    local file
    code_files | grep -v "^$2/" | while read -r file; do
        grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" "$file" | sed "s|^|$file:|"
    done
}

# The library's code without comments and texts, each line after its file's name. Made once: it is the slow part.
library_code() {
    local file
    library_files | while read -r file; do stripped "$file" | sed "s|^|$file: |"; done
}

check_calls() { # PATTERN: no library file has it
    [ -s "$code" ] || library_code >"$code"
    [ -s "$code" ] || echo "'$cc' gives no code to look at"
    grep -E "^[^:]*: (.*[^A-Za-z0-9_])?($1)" "$code"
}

check_names() {
    list \( -name '*.[ch]' -o -name '*.cc' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.inc' -o -name '*.sh' -o -name '*.py' \) |
        awk -F/ '{ if ($NF in seen) print $0 ": same name as " seen[$NF]; else seen[$NF] = $0 }'
}

check_headers_alone() {
    local file errors
    code_files | grep '\.h$' | grep -v '^src/device/cuda/' | while read -r file; do
        errors=$(printf '#include "%s"\n' "${file#include/}" |
            $cc -std=gnu11 -fsyntax-only -w -I. -Iinclude -x c - 2>&1) ||
            echo "$file: does not compile alone: $(grep -m1 'error:' <<<"$errors")"
    done
}

check_sizes() {
    local file lines
    code_files | while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 600 ] || echo "$file: $lines lines; two subjects share a room (at most 600)"
    done
}

[ -n "$only" ] || echo "1..8"
rule "includes are written from the root and point down" check_includes
rule "only src/device/cpu sees BLAS" \
    check_private_headers 'cblas|lapack|openblas|f77blas|mkl' src/device/cpu
rule "only text sees SentencePiece" check_private_headers 'sentencepiece' text
rule "only the program ends the process" check_calls '(exit|_exit|_Exit|quick_exit|abort)[[:space:]]*\('
rule "the library prints nothing" check_calls '((v?printf|puts|putchar|perror)[[:space:]]*\(|stdout|stderr)'
rule "file names are unique in the whole tree" check_names
rule "every header compiles alone" check_headers_alone
rule "no file is longer than 600 lines" check_sizes
exit $failed
