# What the checks that need trained models begin with; they source it: $root, $rins, a scratch folder $work that goes with the check,
# tap.sh, and in $work a world of tiny drawings (world), a tokenizer of its captions (spiece.model) and, by
# tiny_config, a config for both.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rins=$(realpath "${RINS:-$root/build/tools/rins}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RINS_CACHE_DIR=$work/cache OMP_WAIT_POLICY=passive
. "$root/tests/tap.sh"

tiny_config() { # TOWER: what both towers have besides, ", key: value"; then lines for the end
    local tower=$1
    shift
    cat <<YAML
model:
  image: {variant: mu, size: 16, patch: 8, depth: 2$tower}
  text: {variant: mu, depth: 2, vocab: 200, length: 12$tower}
data:
  train: ["wds:world/train-*.tar"]
  tokenizer: spiece.model
  image_pp: decode|resize(16)|value_range(-1,1)
YAML
    [ $# = 0 ] || printf '%s\n' "$@"
}

expect 0 "" data synth --out world --n 64 --val 16 --per-class 1 --hard 4 --level 1 --size 16 --quiet
expect 0 "" tokenizer train --input world/captions.txt --vocab 200 --out spiece.model
