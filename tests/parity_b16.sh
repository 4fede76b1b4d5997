#!/bin/sh
# B/16 at 224 against transformers, both on random weights: embeddings and logits within 1e-4. Not part of CI: needs
# Python with tests/golden/requirements.txt and about 3 GB of memory.
#   tests/parity_b16.sh [BUILD_DIR] [PYTHON]
set -eu
here=$(dirname "$0")
build=${1:-$here/../build}
python=${2:-python3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$python" "$here/compare_transformers.py" make-b16 "$dir/model"
"$python" "$here/compare_transformers.py" inputs "$dir/model" "$dir/in.safetensors" 4
"$build/tests/parity_tool" "$dir/model" "$dir/in.safetensors" "$dir/out.safetensors"
"$python" "$here/compare_transformers.py" check "$dir/model" "$dir/in.safetensors" "$dir/out.safetensors" 1e-4
