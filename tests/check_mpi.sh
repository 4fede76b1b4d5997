#!/usr/bin/env bash
# Training on several processes, started by mpirun: the losses of one process, one set of records, and an end for all where
# one fails. Prints TAP.    RINS=build/tools/rins tests/check_mpi.sh
set -u
rins=$(realpath "${RINS:-$(dirname "$0")/../build/tools/rins}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"
tap_log=$work/log

if ! "$rins" info | grep -q 'mpi=yes'; then
    (cd "$work" && OMPI_COMM_WORLD_SIZE=2 "$rins" train none.yaml --out run) >"$work/log" 2>&1
    [ $? = 1 ] && grep -q 'built without MPI: install libopenmpi-dev' "$work/log"
    verdict "one of several processes says that it was built without MPI" $?
    PMIX_RANK=0 "$rins" train --help 2>&1 | grep -q '^usage: rins train'
    verdict "and still helps" $?
    skip "two processes train as one" "built without MPI"
    finish
fi
if ! command -v mpirun >/dev/null; then
    skip "two processes train as one" "there is no mpirun"
    finish
fi

# As root, on two cores or fewer, in a container: what mpirun would else refuse.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMP_WAIT_POLICY=passive
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" # of MPI's own
mpi() { timeout 60 mpirun --oversubscribe --bind-to none "$@"; }

cd "$work" || exit 1
"$rins" data synth --out data --n 64 --split train --size 16 --quiet >log 2>&1 &&
    "$rins" tokenizer train --input data/captions.txt --vocab 96 --out spiece.model >>log 2>&1
verdict "data are there" $?
cat >c.yaml <<'YAML'
seed: 5
precision: fp32
model:
  image: {width: 16, depth: 2, mlp: 32, heads: 2, patch: 8, size: 16, recursion: {signature: A^2B}}
  text: {width: 16, depth: 2, mlp: 32, heads: 2, vocab: 96, length: 8}
data:
  train: ["wds:data/train-*.tar"]
  tokenizer: spiece.model
  image_pp: decode|inception_crop(16)|flip_lr|value_range(-1,1)
train: {batch: 16, budget: {steps: 10}, optimizer: {lr: 0.003}, schedule: {name: constant, warmup_steps: 2}, checkpoint: {every_steps: 5}}
YAML

"$rins" train c.yaml --out one --threads 1 >log 2>&1 && mpi -n 2 "$rins" train c.yaml --out two --threads 1 >out 2>>log &&
    [ "$(cat out)" = two/checkpoints/step-000000010 ]
verdict "two processes train, and one says where" $?

apart() { # RUN RUN FIRST ALL: losses of the first two and of all ten steps are within these of each other
    jq -en --slurpfile a "$1/metrics.jsonl" --slurpfile b "$2/metrics.jsonl" --argjson first "$3" --argjson all "$4" \
        '[range(10) | $a[.].loss / $b[.].loss - 1 | fabs] | length == 10 and (.[:2] | max) < $first and max < $all' >log 2>&1
}
apart one two 1e-5 1e-5
verdict "their losses are those of one process" $?

# Sums in another order move a weight to the next bf16 now and then: 2^-8 of it.
if "$rins" info | grep -q 'auto means bf16'; then
    "$rins" train c.yaml precision=bf16 --out one-bf16 --threads 1 >log 2>&1 &&
        mpi -n 2 "$rins" train c.yaml precision=bf16 --out two-bf16 --threads 1 >log 2>&1 && apart one-bf16 two-bf16 1e-5 4e-3
    verdict "so they are in bf16, within its rounding" $?
else
    skip "so they are in bf16, within its rounding" "the processor has no bf16"
fi

mpi -n 2 "$rins" train c.yaml train.budget.steps=12 --out one --threads 1 >log 2>&1 && grep -q 'going on from one/checkpoints/step-000000010' log &&
    [ "$(wc -l <one/metrics.jsonl)" = 12 ]
verdict "two go on with what one began" $?

mpi -n 1 "$rins" train c.yaml --out odd --threads 1 : -n 1 "$rins" train c.yaml seed=6 --out odd --threads 1 >log 2>&1
[ $? != 0 ] && grep -q 'rank 1 has another config than rank 0' log && [ -z "$(ls odd/checkpoints)" ]
verdict "processes with different configs do not start" $?

mpi -n 1 "$rins" train c.yaml --out gone --threads 1 : -n 1 "$rins" train gone.yaml --out gone --threads 1 >log 2>&1
got=$?
[ $got != 0 ] && [ $got != 124 ] && grep -q "gone.yaml" log
verdict "one that fails ends the others, which would wait for it" $?

mkdir -p bad/a bad/b && echo no picture | tee bad/a/1.jpg >bad/b/2.jpg
mpi -n 2 "$rins" train c.yaml 'train.eval={every_steps: 3, zeroshot: ["folder:bad"]}' --out unjudged --threads 1 >log 2>&1
got=$?
[ $got = 1 ] && [ "$(grep -c "step 3 is saved, but its evaluation failed .*'folder:bad' has no image to evaluate" log)" = 1 ] && ls unjudged/checkpoints/step-000000003 >>log &&
    mpi -n 2 "$rins" train c.yaml --out unjudged --threads 1 >>log 2>&1 && apart one unjudged 1e-5 1e-5
verdict "an evaluation that fails ends all, and costs no step" $?

mpi -n 2 "$rins" train c.yaml train.btch=8 --out typo --threads 1 >log 2>&1
[ $? = 2 ] && [ "$(grep -c "did you mean 'train.batch'" log)" = 1 ]
verdict "wrong usage is exit code 2, as of one process, and said once" $?

once() { # STATUS PATTERN ARGUMENT...: of three processes with the same error
    local status=$1 pattern=$2 got
    shift 2
    mpi -n 3 "$rins" train "$@" --threads 1 >log 2>&1
    got=$?
    echo "exit status $got" >>log
    [ $got = "$status" ] && [ "$(grep -c "^rins: error: .*$pattern" log)" = 1 ] && [ "$(grep -c '^rins: error' log)" = 1 ]
    verdict "three processes say '$pattern' once" $?
}
once 2 "no flag --outt; did you mean --out" c.yaml --outt lost
once 1 "cannot open 'none.yaml'" none.yaml --out lost
once 1 "cannot open 'none.model'" c.yaml train.batch=15 data.tokenizer=none.model --out lost
once 2 "cannot be shared by 3 processes" c.yaml --out lost
mpi -n 1 "$rins" train none.yaml --out lost --threads 1 : -n 2 "$rins" train nil.yaml --out lost --threads 1 >log 2>&1
got=$?
echo "exit status $got" >>log
[ $got = 1 ] && [ "$(grep -c "^rins: error: .*'none.yaml'" log)" = 1 ] && [ "$(grep -c "^rins: error: .*'nil.yaml'" log)" = 1 ]
verdict "what differs is said by each" $?
mpi -n 3 "$rins" train none.yaml --out lost --threads 999 >log 2>&1
[ "$(grep -c 'warning: --threads 999' log)" = 1 ]
verdict "a warning is said once" $?
finish
