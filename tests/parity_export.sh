#!/bin/sh
# A recursive model (a run, a checkpoint) unrolled by `rins export` computes the same in transformers: within 1e-5.
# Not part of CI: needs Python with tests/golden/requirements.txt.
#   tests/parity_export.sh MODEL [BUILD_DIR] [PYTHON]
set -eu
[ $# -ge 1 ] || { echo "usage: $0 MODEL [BUILD_DIR] [PYTHON]" >&2; exit 2; }
here=$(dirname "$0")
model=$1
build=${2:-$here/../build}
python=${3:-python3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$build/tools/rins" export --model "$model" --out "$dir/plain" --unroll
"$python" "$here/compare_transformers.py" inputs "$dir/plain" "$dir/in.safetensors" 4
"$build/tests/parity_tool" "$model" "$dir/in.safetensors" "$dir/out.safetensors"
"$python" "$here/compare_transformers.py" check "$dir/plain" "$dir/in.safetensors" "$dir/out.safetensors" 1e-5
