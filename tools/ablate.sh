#!/usr/bin/env bash
# Where does recursion pay? Draws the synthetic world, trains every arm of the study and writes the report.
#   tools/ablate.sh [--quick | --precision | --photos DIR] [--out DIR] [--jobs N] [key=value ...]
# --quick: four arms in a few minutes (configs/ablate_quick.yaml); --precision: the plain towers in fp32 and in bf16
# (configs/ablate_precision.yaml); --photos: four arms on DIR/captions.tsv and its photos (configs/ablate_photos.yaml);
# without any of them the study of the towers, which takes hours (configs/ablate_towers.yaml).
# Killed and started again, it goes on where it was. key=value overrides every arm's config.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
plan=ablate_towers scenes=250000 level=3 out="" photos="" vocab=256 jobs=$(nproc)
overrides=()
fail() { echo "error: $*" >&2 && exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
    --photos | --out | --jobs) [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 needs a value"
        set -- "$1=$2" "${@:3}" && continue ;;
    --quick) plan=ablate_quick scenes=40000 level=2 ;;
    --precision) plan=ablate_precision ;;
    --photos=*) plan=ablate_photos vocab=1000 photos=${1#*=} ;;
    --out=*) out=${1#*=} ;;
    --jobs=*) jobs=${1#*=} ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) fail "no flag $1; there are --quick, --precision, --photos DIR, --out DIR and --jobs N" ;;
    *=*) overrides+=("$1") ;;
    *) fail "no argument $1; overrides are written key=value" ;;
    esac
    shift
done
if [ -n "$photos" ]; then
    [ -f "$photos/captions.tsv" ] || fail "--photos: there is no '$photos/captions.tsv'"
    photos=$(realpath "$photos")
fi
out=${out:-$root/runs/$plan}
rins=$root/build/tools/rins
if [ ! -x "$rins" ]; then
    . "$root/tools/packages.sh"
    (cd "$root" && install_packages build && meson setup build >/dev/null && ninja -C build >/dev/null)
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$out"
if [ -n "$photos" ]; then
    # Every eighth photo is for testing.
    awk -F '\t' -v OFS='\t' -v dir="$photos" '
        NR == 1 { print >"train.tsv"; print >"test.tsv"; next }
        $1 != last { last = $1; n++ }
        { $1 = dir "/" $1; print >(n % 8 ? "train.tsv" : "test.tsv") }' "$photos/captions.tsv"
    tail -n +2 train.tsv | cut -f2 >captions.txt
else
    [ -f world/world.json ] || "$rins" data synth --out world --n "$scenes" --size 32 --level "$level" --hard 512
    ln -sf world/captions.txt captions.txt
fi
[ -f spiece.model ] || "$rins" tokenizer train --input captions.txt --vocab "$vocab" --out spiece.model
# One thread an arm and as many arms as cores: models this small leave more on the table inside a step than between steps.
"$rins" ablate "$root/configs/$plan.yaml" "${overrides[@]}" --out "$out/study" --jobs "$jobs" --threads 1
