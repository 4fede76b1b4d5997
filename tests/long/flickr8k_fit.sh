#!/usr/bin/env bash
# Trains configs/flickr8k_fit.yaml on a folder of captioned photos and demands image-to-text R@1 >= 0.9 on them: the whole
# chain fits real photos and real language.  tests/long/flickr8k_fit.sh BUILD DIR-WITH-captions.tsv [key=value ...]
# About five minutes on two idle cores; goes on where it was when run again (in $OUT, default /tmp/rins-flickr8k-fit).
set -eu
rins=$(realpath "$1")/tools/rins table=$(realpath "$2")/captions.tsv
config=$(realpath "$(dirname "$0")/../../configs/flickr8k_fit.yaml")
shift 2
out=${OUT:-/tmp/rins-flickr8k-fit}
mkdir -p "$out"
cd "$out"
tail -n +2 "$table" | cut -f2 >captions.txt
"$rins" tokenizer train --input captions.txt --vocab 2000 --out spiece.model
"$rins" train "$config" --out run "data.train=[\"table:$table\"]" "$@"
"$rins" eval retrieval --model run --data "table:$table" --json retrieval.json
awk '{ while (match($0, /"text_retrieval_recall@1": *[0-9.]+/)) { split(substr($0, RSTART, RLENGTH), p, ": *"); r = p[2]; $0 = substr($0, RSTART + RLENGTH) } }
     END { printf "image to text R@1 on its training pairs: %.4f\n", r; exit !(r >= 0.9) }' retrieval.json
