#!/usr/bin/env bash
# 1,000 random mutations of every tar of a folder (default: the hostile ones beside the source tree) through the tar
# reader: no crash, no hang, nothing written. Usage: tests/long/tar_mutations.sh [BUILD] [TARS] [ROUNDS]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
tars=${2:-${RINS_SHARED:-$root/../shared}/data/hostile/tar}
rounds=${3:-1000}
[ -d "$tars" ] || { echo "no folder '$tars': name one with tars"; exit 77; }
exec "$build/tests/mutate_tars" "$rounds" "$tars" "$root/tests/fuzz/corpus/tar"
