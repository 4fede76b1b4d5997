#!/usr/bin/env bash
# Every command in the pages' code blocks is run as it stands, in a scratch folder where its names (M, photos, shards, configs)
# stand for small things, so that no page shows a command that fails or that there is not. Prints TAP.
#   BUILD=build [RINS_PYTHON=python3] tests/check_docs.sh [PAGE...]         default: README.md docs/recipes.md
# What differs from the page, all of it here:
#   rins train, bench step, bench infer, ablate   end in keys that make the model tiny and the run three steps long
#   rins data synth, tokenizer train              end in flags for a small world, a small vocabulary
#   meson, ninja                                  look at the build at hand and build nothing
#   rins data pack                                its folder is removed first: the stand-in shards are there
#   tools/*.sh                                    must exist and answer --help: they set up and run everything themselves
#   cc, python3                                   cc as it is; python3 is skipped where it lacks transformers
# Blocks of another language than sh (or none) are not commands.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "${BUILD:-$root/build}")
python=${RINS_PYTHON:-python3}
[ $# -gt 0 ] || set -- "$root/README.md" "$root/docs/recipes.md"
pages=$(realpath -- "$@") || exit 2
work=$(mktemp -d)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive RINS_CACHE_DIR=$work/cache PATH="$work/bin:$PATH" LC_ALL=C.UTF-8
. "$(dirname "$0")/tap.sh"
tap_log=$work/log

tiny='model.image.variant=mu model.image.width=null model.image.mlp=null model.image.heads=null model.image.depth=4 model.image.patch=8 model.image.size=16 model.embed_dim=null
    model.text.variant=mu model.text.width=null model.text.mlp=null model.text.heads=null model.text.depth=4 model.text.vocab=200 model.text.length=12 "data.image_pp=decode|resize(16)|value_range(-1,1)"
    train.batch=16 train.micro_batch=0 "train.budget={examples: null, steps: 3, epochs: null, flops: null}" train.checkpoint.every_steps=1 train.schedule.warmup_steps=1'
tiny=$(echo $tiny) # one line

# The commands of a page's blocks, one a line: continued lines joined, comments and prompts' outputs left out.
commands() {
    awk '/^ *```/ { inside = !fenced && ($0 ~ /^ *```(sh)?$/); fenced = !fenced; next }
         inside { sub(/^ +/, ""); if (sub(/\\$/, "")) { held = held $0; next }
                  line = held $0; held = ""; sub(/^ *#.*/, "", line); sub(/ +# .*/, "", line); if (line != "") print line }' "$1"
}

suffix() { # COMMAND: what is appended
    case $1 in
    *"rins train "*open_clip*) echo "--quiet ${tiny//(16)/(20)}" ;; # that model's picture size
    *"rins train "*force_size*) echo "--quiet ${tiny//(16)/(24)} model.image.force_size=24" ;;
    *"rins train "*) echo "--quiet $tiny" ;;
    *"rins bench step"* | *"rins bench infer"*) echo "--batch 4 --steps 1 $tiny" ;;
    *"rins ablate "*) echo "--quiet $tiny" ;;
    *"rins data synth "*) echo "--n 200 --val 8 --per-class 2 --hard 4 --level 1 --size 32" ;;
    *"rins tokenizer train "*) echo "--vocab 200" ;;
    esac
}

stand_ins() { # everything that the pages' commands name
    set -e
    mkdir -p bin && ln -s "$build/tools/rins" bin/rins
    printf '#!/bin/sh\n[ "$1" = setup ] && [ -f "%s/meson.build" ] && exit\nexec %s install -C "%s" --dry-run\n' \
        "$root" "$(command -v meson)" "$build" >bin/meson
    printf '#!/bin/sh\n[ "$1 $2" = "-C build" ] && [ -f "%s/build.ninja" ] && exit\nexec %s "$@"\n' "$build" "$(command -v ninja)" >bin/ninja
    printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "$python" || echo false)" >bin/python3
    chmod +x bin/*
    cp -r "$root/configs" "$root/examples" .
    ln -s "$root/tools" tools
    ln -s "$build" build
    rins data synth --out world --n 200 --val 8 --per-class 2 --hard 4 --level 1 --size 32 --quiet
    rins tokenizer train --input world/captions.txt --vocab 200 --out spiece.model
    cp world/captions.txt captions.txt
    eval "rins train configs/quickstart.yaml --out M --quiet 'data.train=[wds:world/train-*.tar]' $tiny \
        model.image.pool=map model.text.pool=last" >log
    eval "rins train configs/quickstart.yaml --out plain --quiet 'data.train=[wds:world/train-*.tar]' $tiny \
        model.image.pool=map model.text.pool=last model.{image,text}.recursion.signature=A" >>log
    rins export --model plain --out siglip-hf
    for name in photos train val; do cp -r world/heldout $name; done
    { printf 'filepath\tcaption\n' && find photos -type f | sort | sed 's|photos/\(.*\)/\(.*\)|&\t\1|'; } >captions.tsv
    find photos -type f | sort >images.txt
    sed 's/\t.*//; 1d' captions.tsv >list.txt
    cut -f 2 captions.tsv | sed 1d >texts.txt
    sed -e '1!s|^|world/|' world/hard.tsv >hard.tsv
    mkdir shards cc12m
    for i in {00000..00099}; do ln -s "$PWD/world/train-00000.tar" "shards/$i.tar"; done
    for i in {00000..00001}; do ln -s "$PWD/world/train-00000.tar" "cc12m/$i.tar"; done
    printf 'config: configs/quickstart.yaml\nbudget_unit: examples\nbudgets: [64, 96]\nseeds: [0]\nbootstrap: 10
arms:\n  - {name: plain}\n  - {name: both, set: [model.text.recursion.signature=A^2B]}
set: ["data.train=[wds:world/train-*.tar]", train.batch=16, train.schedule.cooldown_fraction=0]
zeroshot: ["folder:world/heldout"]\ntemplates: world/templates.txt\nretrieval: ["wds:world/val-*.tar"]\nhard: [world/hard.tsv]\n' >plan.yaml
    rins tokenizer train --input captions.txt --vocab 48 --out c4_en.model
    cp -r "$root/tests/golden/open_clip_tiny" open_clip && cp c4_en.model open_clip/spiece.model
    cp "$root/tests/golden/big_vision_tiny.npz" big_vision.npz
    cp world/train-00000.tar packed.tar && mkdir packed && mv packed.tar packed/00000.tar
    image_sets
}

# Two classes of twelve pictures in the layouts of ImageNet and its kin, and COCO's test split.
image_sets() {
    local set class n=0 picture dir
    for set in imagenet/val imagenet/train imagenet-r imagenet-a sketch imagenetv2-matched-frequency-format-val objectnet-1.0/images; do
        for class in n01440764 n01443537; do
            case $set in *v2*) dir=$((n++ % 2)) ;; objectnet*) dir=class_$class ;; *) dir=$class ;; esac
            mkdir -p "$set/$dir"
            for picture in {01..12}; do cp "$(sed -n "${picture}p" images.txt)" "$set/$dir/$picture.jpg"; done
        done
    done
    mkdir -p imagenetv2-matched-frequency-format-val/{0..999}
    mkdir -p imagenet/flat coco/val2014
    n=0
    for picture in $(head -n 4 images.txt); do
        n=$((n + 1))
        cp "$picture" "$(printf imagenet/flat/ILSVRC2012_val_%08d.jpg $n)"
        cp "$picture" coco/val2014/$n.jpg
    done
    echo '[[0], [1, 2], [], [3]]' >imagenet/real.json
    for n in 1 2 3 4; do
        echo "{\"filepath\": \"val2014\", \"filename\": \"$n.jpg\", \"split\": \"test\", \"sentences\": [{\"raw\": \"a dog $n\"}, {\"raw\": \"no dog\"}]}"
    done | paste -sd, | sed 's/.*/{"images": [&]}/' >coco/dataset_coco.json
}

cd "$work" || exit 1
(stand_ins) >"$work/log" 2>&1
verdict "stand-ins are made" $?
[ "$failed" = 0 ] || finish

run() { # COMMAND: runs it, with its suffix
    local more
    case $1 in
    tools/*.sh*) [ -x "${1%% *}" ] && "${1%% *}" --help >"$work/log" 2>&1 && return ;;
    esac
    case $1 in
    "rins data pack "*--out*) rm -rf "$(sed 's/.*--out \([^ ]*\).*/\1/' <<<"$1")" ;;
    esac
    more=$(suffix "$1")
    timeout 120 bash -c "$1 $more" >"$work/log" 2>&1 </dev/null
}

for page in $pages; do
    commands "$page" >"$work/commands"
    while IFS= read -r command; do
        name="${page##*/}: ${command//#/ }"
        case $command in
        "rins "* | "meson "* | "tools/"*.sh* | "cc "* | "mkdir "* | "find "* | "for "*) ;;
        "python3 "*)
            if ! python3 -c 'import transformers, torch' 2>/dev/null; then
                skip "$name" "no transformers"
                continue
            fi
            ;;
        *)
            echo "the page's command is not known to this check" >"$work/log"
            verdict "$name" 1
            continue
            ;;
        esac
        run "$command"
        verdict "$name" $?
    done <"$work/commands"
    [ -s "$work/commands" ]
    verdict "${page##*/} has commands" $?
done
finish
