#!/usr/bin/env bash
# Proof that stopping leaves no trace: a run of 50 steps gives the same bytes of weights, moments and metrics
#   1. in one piece,
#   2. as 50 processes, each resuming for one step,
#   3. killed with SIGKILL at random times and started again until it is done,
#   4. the same with SIGTERM (which finishes the step and saves).
# Usage: tests/long/resume_every_step.sh [BUILD_DIR]      about two minutes on 2 cores
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rins=${1:-$root/build}/tools/rins
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
steps=50

"$rins" data synth --out "$work/data" --n 256 --split train --size 32 --quiet
[ -s "$work/data/captions.txt" ] || { echo "no captions to train a tokenizer on"; exit 1; }
"$rins" tokenizer train --input "$work/data/captions.txt" --vocab 128 --out "$work/spiece.model" > /dev/null

cat > "$work/config.yaml" <<YAML
seed: 5
model:
  image: {width: 32, depth: 2, mlp: 64, heads: 2, patch: 8, size: 32, recursion: {signature: A^2B, drop: 0.3}}
  text: {width: 32, depth: 2, mlp: 64, heads: 2, vocab: 128, length: 16, recursion: {signature: A^3B, drop: 0.5}}
data:
  train: ["wds:$work/data/train-*.tar"]
  tokenizer: $work/spiece.model
  image_pp: decode|inception_crop(32)|flip_lr|value_range(-1,1)
train:
  batch: 24
  budget: {steps: $steps}
  optimizer: {lr: 0.003}
  schedule: {name: constant, warmup_steps: 10}
  checkpoint: {every_steps: 3, keep: 2}
  eval: {every_steps: 0}
YAML

train() { # RUN [key=value ...]
    local run=$1
    shift
    "$rins" train "$work/config.yaml" "$@" --out "$work/$run" --threads 2 --quiet > /dev/null
}

same() { # RUN
    local end="checkpoints/step-$(printf %09d $steps)" file
    for file in "$end/model.safetensors" "$end/optimizer.safetensors" "$end/train_state.json" metrics.jsonl; do
        cmp "$work/whole/$file" "$work/$1/$file" || { echo "FAILED: $1"; exit 1; }
    done
    [ "$(wc -l < "$work/$1/metrics.jsonl")" = $steps ] || { echo "FAILED: $1 has another number of records"; exit 1; }
    echo "ok: $1 ($2)"
}

# Starts the run again and again, sending SIGNAL after 20 to 420 ms, until it ends by itself.
harass() { # RUN SIGNAL
    local starts=0 pid code
    RANDOM=7
    while :; do
        starts=$((starts + 1))
        "$rins" train "$work/config.yaml" --out "$work/$1" --threads 2 --quiet > /dev/null 2>&1 &
        pid=$!
        sleep "0.$(printf %03d $((20 + RANDOM % 400)))"
        kill "-$2" "$pid" 2> /dev/null || true
        code=0
        wait "$pid" 2> /dev/null || code=$?
        [ $code = 0 ] && break
        [ $starts -lt 2000 ] || { echo "FAILED: $1 never got to its end"; exit 1; }
    done
    same "$1" "$starts starts"
}

train whole
echo "whole: $(cksum < "$work/whole/checkpoints/step-$(printf %09d $steps)/model.safetensors")"
for ((step = 1; step <= steps; step++)); do train pieces "train.budget.steps=$step"; done
same pieces "$steps processes"
harass killed KILL
harass stopped TERM
echo "passed"
