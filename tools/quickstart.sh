#!/usr/bin/env bash
# From nothing to a trained image-text model in a few minutes: installs what is missing (Debian), builds, draws a world of
# captioned scenes, trains a tokenizer and a small A^2B model, and classifies pictures of combinations ("checked black
# circle") that no training picture or caption ever had.
#   tools/quickstart.sh [--short] [--out DIR] [--no-install]
# A second run reuses what the first made. --short takes a minute and learns less; BUILD names the build folder.
set -eu -o pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

out=quickstart short='' install=1
while [ $# -gt 0 ]; do
    case $1 in
    --short) short=1 ;;
    --no-install) install= ;;
    --out) [ $# -gt 1 ] || { echo "error: --out needs a folder" >&2; exit 2; }
        shift && out=$1 ;;
    --out=*) out=${1#--out=} ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) echo "error: no flag $1; there are --short, --out DIR and --no-install" >&2 && exit 2 ;;
    esac
    shift
done
build=${BUILD:-build}
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} # threads that spin while they wait starve each other on a busy machine
[ -z "$short" ] || out=$out/short
scenes=60000 mix='' steps=2400 words=16 wanted=5
[ -z "$short" ] || scenes=15000 mix="--mix single=1" steps=450 words=12 wanted=3

say() { printf '\n== %s (%d s)\n' "$1" $SECONDS; }

# once WHAT COMMAND...: makes $out/WHAT, unless it was made before by the same words.
once() {
    local made=$out/$1 stamp=$out/.$1.done asked="$*"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$asked" ]; then
        echo "done before"
        return
    fi
    shift
    rm -rf "$stamp" "$made"
    "$@"
    printf '%s\n' "$asked" >"$stamp"
}

if [ -n "$install" ]; then
    say "packages"
    (install_packages build)
fi
say "build"
[ -f "$build/build.ninja" ] || meson setup "$build" >"/tmp/rins-quickstart-$$.log" 2>&1 || { tail -n 20 "/tmp/rins-quickstart-$$.log"; exit 1; }
rm -f "/tmp/rins-quickstart-$$.log"
ninja -C "$build" tools/rins | tail -n 1
rins=$(cd "$build" && pwd)/tools/rins
config=$PWD/configs/quickstart.yaml
mkdir -p "$out"
out=$(cd "$out" && pwd)

say "a world of $scenes scenes: $out/world"
once world "$rins" data synth --out "$out/world" --n $scenes $mix
say "tokenizer: $out/spiece.model"
once spiece.model "$rins" tokenizer train --input "$out/world/captions.txt" --vocab 128 --out "$out/spiece.model"
say "training: $out/run"
recipe="$steps $words $(cat "$config" "$out"/.*.done | cksum)" # an interrupted run goes on only if nothing else changed
[ "$(cat "$out/.recipe" 2>/dev/null)" = "$recipe" ] || rm -rf "$out/run"
printf '%s\n' "$recipe" >"$out/.recipe"
(cd "$out" && "$rins" train "$config" --out run train.budget.steps=$steps model.text.length=$words \
    "data.train=[wds:world/train-*.tar]" >/dev/null) # its last checkpoint, as seen from there

accuracy() { sed -n 's/.*"acc1": *\([0-9.e-]*\).*/\1/p' "$1" | head -n 1; }
classify() { # PART: zero-shot over its class folders
    "$rins" eval zeroshot --quiet --model "$out/run" --data "folder:$out/world/$1" --templates "$out/world/templates.txt" \
        --json "$out/$1.json" "${@:2}" >/dev/null
}
say "zero-shot"
classify heldout --html "$out/heldout.html" --html-images 48
classify seen
"$rins" eval hard --quiet --model "$out/run" --data "$out/world/hard.tsv"
classes=$(wc -l <"$out/world/heldout-classes.txt")
name=$(head -n 1 "$out/world/heldout-classes.txt")
awk -v name="$name" -v held="$(accuracy "$out/heldout.json")" -v seen="$(accuracy "$out/seen.json")" -v n="$classes" -v wanted=$wanted \
    -v page="$out/heldout.html" -v rins="$rins" -v out="$out" 'BEGIN {
    printf "combinations never seen in training:  %5.1f %% right of %d classes\n", 100 * held, n
    printf "as many that were trained on:         %5.1f %%\n", 100 * seen
    printf "chance:                               %5.1f %%, so %.0f times chance\n", 100 / n, held * n
    printf "\nPictures and what the model calls them: %s\n", page
    printf "The model: %s/run. Try it, or look at its curves:\n", out
    printf "  %s search --model %s/run --images %s/world/heldout \"a %s\" --html search.html\n", rins, out, out, name
    printf "  %s report %s/run --data folder:%s/world/heldout --html report.html\n", rins, out, out
    if (held * n < wanted) { printf "error: below %d times chance: the training went wrong\n", wanted; exit 1 }
}'
