#!/usr/bin/env bash
# A recursive model that has been trained, unrolled by `rins export`, gives in transformers the embeddings that rins gives:
# a few hundred steps of A^3B on both towers in the drawn world, then tests/parity_export.sh. TAP. Needs Python with
# tests/golden/requirements.txt (RINS_PYTHON names it, else python3) and is skipped without.
#   [BUILD=build] [RINS_PYTHON=python3] tests/parity_trained.sh [STEPS]
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "${BUILD:-$root/build}")
python=${RINS_PYTHON:-python3}
steps=${1:-300}
rins=$build/tools/rins
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
name="a trained A^3B computes the same in transformers"
echo "1..1"
if ! "$python" -c 'import torch, transformers, safetensors' 2>/dev/null; then
    echo "ok 1 - $name # SKIP $python has no torch and transformers"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

train() {
    cd "$work" &&
        "$rins" data synth --out world --n 4000 --mix single=1 --val 0 --per-class 0 --hard 0 --quiet &&
        "$rins" tokenizer train --input world/captions.txt --vocab 128 --out spiece.model &&
        "$rins" train "$root/configs/quickstart.yaml" --out run --quiet 'data.train=[wds:world/train-*.tar]' \
            train.budget.steps="$steps" train.checkpoint.every_steps=0 model.image.pool=map model.text.pool=last \
            model.image.recursion.signature=A^3B model.text.recursion.signature=A^3B model.text.length=12
}
if ! (train) >"$work/log" 2>&1; then
    sed 's/^/# /' "$work/log" | tail
    echo "not ok 1 - $name"
    exit 1
fi
loss() { sed -n "$1p" "$work/run/metrics.jsonl" | sed 's/.*"loss": *\([0-9.e+-]*\).*/\1/'; }
"$root/tests/parity_export.sh" "$work/run" "$build" "$python" >"$work/log" 2>&1
status=$?
sed 's/^/# /' "$work/log" | grep -E 'largest|rror' | tail -n 5
echo "# $steps steps, loss $(loss 1) to $(loss '$')"
[ "$status" = 0 ] && echo "ok 1 - $name" || echo "not ok 1 - $name"
exit "$status"
