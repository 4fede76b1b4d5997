#!/usr/bin/env bash
# The program's manners: exit codes, messages that name the nearest right word, figures that must not move. Prints TAP.
#   RINS=build/tools/rins tests/check_cli.sh
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
rins=$(realpath "${RINS:-$root/build/tools/rins}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"

b16=$root/configs/siglip_b16.yaml
printf 'train:\n  batch: 16\n  optimiser: {lr: 1}\n' >"$work/unknown.yaml"
printf 'train:\n  batch: many\n' >"$work/type.yaml"
printf 'train: {batch: 8\n' >"$work/broken.yaml"

expect 2 "usage: rins COMMAND"
expect 0 "usage: rins COMMAND" --help
expect 0 "rins 0." --version
expect 0 "'rins help keys' lists" --help
for command in train flops ablate "bench step"; do expect 0 "'rins help keys' lists the config's keys" $command --help; done
expect 0 "  train.schedule.name               shape after the warm-up: cosine, constant, rsqrt (cosine)" help keys
expect 0 "  train.batch " help keys train
expect 2 "no key 'train.bath'; 'rins help keys' lists them" help keys train.bath
for command in "data check" "bench data"; do expect 0 "karpathy:FILE.json" $command --help; done
expect 0 "write only this: all, train, val, heldout, hard (all)" data synth --help
"$rins" data synth --help | grep -qE '\(all\): |\(jpg\): '
verdict "values that a flag's help names are not listed again" $((! $?)) # found is wrong
expect 2 "did you mean 'rins info'?" inof
expect 2 "no command 'qqqq'" qqqq
expect 0 "usage: rins info" info --help
expect 0 '"blas_core": "' info --json
expect 2 "did you mean --json?" info --jsn
expect 2 "unexpected argument 'x'; usage: rins info [--json]" info x
expect 2 "unexpected argument 'b'; usage: rins search --model M --images DIR \"query\" [FLAG ...]" search --model M --images D "a" "b"
expect 2 "an argument is missing" flops
for command in flops "train --out $work/run" "ablate --out $work/run"; do
    expect 2 "$([ "${command%% *}" = ablate ] && echo PLAN || echo CONFIG).yaml is missing: 'train.batch=4' sets one of its keys" $command train.batch=4
done
expect 1 "cannot open '/nonexistent.yaml'" flops /nonexistent.yaml
expect 2 "$work/unknown.yaml:3: unknown key 'train.optimiser'; did you mean 'train.optimizer'?" flops "$work/unknown.yaml"
expect 2 "$work/type.yaml:2: 'train.batch': expected a whole number, found 'many'" flops "$work/type.yaml"
expect 2 "$work/broken.yaml:" flops "$work/broken.yaml"
expect 2 "did you mean 'train'?" flops "$b16" trian.batch=3
expect 2 "expected one of mu, Ti, S, M, B, L, So400m, found 'Q'" flops "$b16" model.image.variant=Q
expect 2 "did you mean 'B'?" flops "$b16" model.image.variant=b
expect 2 "--rounds takes image=R,text=R" flops "$b16" --rounds image=x
expect 2 "use depth 10 or 15" flops "$b16" model.image.recursion.signature=A^2BCDE
# 203 M parameters at a vocabulary of 32,000; a pair is 46.4 GFLOP forward.
expect 0 '"parameters": 203155970' flops "$b16" train.batch=2 --json -
expect 0 '"parameters": 92884224' flops "$b16" train.batch=2 --json -
expect 0 '"parameters": 110271744' flops "$b16" train.batch=2 --json -
expect 0 '"training_flops": 139' flops "$b16" train.batch=2 --json -
expect 0 '"executed_steps": 18' flops "$root/configs/rins_b16.yaml" train.batch=2 --json -
expect 0 '"executed_steps": 24' flops "$root/configs/rins_b16.yaml" train.batch=2 --rounds image=3 --json -
# Training runs the signature's own rounds: its FLOPs, memory and what a budget buys are those of no --rounds.
trains() { "$rins" flops "$root/configs/rins_b16.yaml" train.batch=2 "$@" --json - | grep -vE '"(executed_steps|rounds|forward_flops)"'; }
[ "$(trains)" = "$(trains --rounds image=3,text=1)" ] && [ "$(trains | wc -l)" -gt 20 ]
verdict "other rounds at use leave what training costs alone" $?
expect 0 "training FLOPs a pair               158 G         49.6 G          208 G" flops "$root/configs/rins_b16.yaml" --rounds image=3,text=1
expect 0 '"expected_steps": 15.0' flops "$root/configs/rins_b16.yaml" train.batch=2 model.text.recursion.drop=0.5 --json -
cat >"$work/small.yaml" <<'YAML'
model:
  image: {variant: mu, size: 16, patch: 8}
  text: {variant: mu, vocab: 50, length: 4}
YAML
expect 0 '"fraction_of_peak": ' bench step --config "$work/small.yaml" --batch 4 --steps 1 --json -
expect 0 '"images_per_s": ' bench infer --config "$work/small.yaml" --batch 4 --steps 1 --json -
expect 0 '"extra_bytes": ' bench loss --batch 16 --dim 8 --steps 1 --json -
expect 0 "rins: bench loss: 2 steps of batch 16, " bench loss --batch 16 --dim 8 --steps 2
expect 0 "rins: step: 2 steps in " bench step --config "$work/small.yaml" --batch 4 --steps 2
paced() { printf "$1" | "$rins" bench step --config "$work/small.yaml" --batch 4 --steps 9 --paced --quiet --json - 2>&1; }
[ "$(paced '\n\n\n' | grep -c '^{"step_s": [0-9.e-]*}$')" = 3 ] && paced '\n' | grep -q '"pairs_per_s": '
verdict "bench step --paced runs a step for each line" $?
[[ "$(paced '')" == *"--paced: standard input ended before a line asked for a step"* ]]
verdict "bench step --paced says where no line came" $?
expect 2 "--config C is missing" bench step
expect 2 "did you mean 'rins bench step'?" bench stp
expect 2 "did you mean 'rins data check'?" data chek
for n in one two three four five; do echo "a picture of $n red and blue things on a green field"; done >"$work/words.txt"
expect 0 "pieces, not 300: the text offers no more" tokenizer train --input words.txt --vocab 300 --out words.model
[ "$(cd "$work" && "$rins" tokenizer encode --model words.model --clean none "A Dog.")" != "$(cd "$work" && "$rins" tokenizer encode --model words.model "A Dog.")" ]
verdict "tokenizer encode cleans texts as --clean says" $?
expect 2 "configs' is a folder; --model takes the SentencePiece model in it" tokenizer encode --model "$root/configs" x
expect 2 "--clean: no 'lowr'; did you mean 'lower'?" tokenizer decode --model words.model --clean lowr 3
expect 0 "1000 steps cost " flops "$root/configs/siglip_small.yaml" "train.budget={steps: 1000}" # its own is in examples
expect 2 "to put one in the place of another write train.budget={steps: 1000}" train "$work/small.yaml" train.budget.steps=1 train.budget.epochs=1 --out "$work/run"
expect 0 "usage: rins tokenizer ACTION" tokenizer --help
expect 2 "usage: rins eval ACTION" eval
expect 2 "did you mean 'bf16'?" bench step --config "$work/small.yaml" --precision fb16
expect 2 "--jobs takes 1 to 1024" ablate none.yaml --out "$work/study" --jobs 0
script() { # STATUS PATTERN ARGUMENT...: tools/ablate.sh as a user calls it; no case gets as far as drawing anything
    local status=$1 pattern=$2 got
    shift 2
    (cd "$work" && timeout 20 "$root/tools/ablate.sh" "$@" >"$work/script" 2>&1)
    got=$?
    [ "$got" = "$status" ] && grep -qF -- "$pattern" "$work/script" && [ ! -e "$work/--quick" ]
    verdict "tools/ablate.sh $* gives $status and says '$pattern'" $? "$work/script"
}
script 2 "error: --photos needs a value" --photos
script 2 "error: --photos needs a value" --out o --photos ""
script 2 "error: --photos: there is no 'none/captions.tsv'" --photos none --out o
script 2 "error: --out needs a value" --quick --out
script 2 "error: --jobs needs a value" --quick --jobs
script 2 "error: no flag --quik" --quik=1
script 2 "error: no argument quick" quick
script 0 "Where does recursion pay?" --help
expect 2 "--seed: 1e30 does not fit into 64 bits" data synth --out "$work/world" --seed 1e30
expect 2 "--threads takes 0 to 4096, not 99999999999999999999" data check "$work/world" --threads 99999999999999999999
expect 2 "--seed takes 0 or more" data synth --out "$work/world" --seed -1
expect 2 "shards of -5 samples" data synth --out "$work/world" --split train --n 2 --shard -5
expect 0 "" data synth --out "$work/world" --split val --val 3 --size 16 --quiet
expect 2 "--max-bad takes 0 to 1, not 5" data check "$work/world" --max-bad 5
many=$(($(nproc) + 1))
expect 0 "warning: --threads $many is more than the $(nproc) processor" data check "$work/world" --threads $many --quiet
expect 0 "3 samples in 1 shards" data pack "$work/world" --out "$work/packed"
expect 2 "exists already" data pack "$work/world" --out "$work/packed"
expect 2 "--batch takes 1 to 16777216, not 0;" bench step --config none --batch 0
expect 2 "--samples takes 1 or more, not 0;" bench data --data none --samples 0
# What is left out is named, also in a folder that the command itself makes; of nothing but bad samples nothing is made.
tar -xOf "$work"/packed/*00000.tar --wildcards '*0.jpg' >"$work/good.jpg"
printf 'filepath\tcaption\ngood.jpg\ta thing\nlost.jpg\tanother\n' >"$work/half.tsv"
printf 'filepath\tcaption\nlost.jpg\tanother\n' >"$work/lost.tsv"
expect 0 "the first left out: sample 1: " data pack half.tsv --out half --bad half/bad.jsonl
[ "$(jq -r .cause "$work/half/bad.jsonl")" = missing ]
verdict "data pack --bad names it" $?
expect 0 "the first bad one      sample 1: half.tsv:3: " data check half.tsv
expect 1 "none of the 1 samples of 'lost.tsv' can be packed; sample 0: " data pack lost.tsv --out lost --bad lost.jsonl
[ ! -e "$work/lost" ] && [ -s "$work/lost.jsonl" ]
verdict "nothing is packed then, and what was wrong is in --bad" $?
# What a command reads it does not write over.
cp "$work/half.tsv" "$work/kept.tsv" && ln "$work/half.tsv" "$work/linked.tsv"
for out in half.tsv ./half.tsv linked.tsv; do
    expect 2 "--bad '$out' would write over 'table:half.tsv', which the command is given: choose another file" data check table:half.tsv --bad "$out"
done
expect 2 "--json 'half.tsv' would write over 'half.tsv'" data check half.tsv --json half.tsv
expect 2 "--out 'words.txt' would write over 'words.txt'" tokenizer train --input words.txt --vocab 10 --out words.txt
expect 2 "--out 'half.tsv' would write over 'half.tsv'" embed text --model none --input half.tsv --out half.tsv
mkdir -p "$work/inside/sub" && cp "$work/half.tsv" "$work/good.jpg" "$work/inside"
expect 2 "--bad 'inside/half.tsv' would write over 'inside/half.tsv'" data pack inside/half.tsv --out inside --bad inside/half.tsv
cmp "$work/half.tsv" "$work/kept.tsv" && cmp "$work/inside/half.tsv" "$work/kept.tsv"
verdict "nor did it" $?
expect 2 "--bad 'inside/00000.tar' has the name of a shard" data pack half.tsv --out inside --bad inside/00000.tar
expect 2 "--bad 'inside/good.jpg' has the name of an image" data check folder:inside --bad inside/good.jpg
mkdir -p "$work/classed/x" "$work/o" && cp "$work/good.jpg" "$work/classed/x"
for bad in new/classes.txt ./new//classes.txt "$work/new/classes.txt"; do
    expect 2 "is where the names of the classes go" data pack folder:classed --out new --bad "$bad"
done
expect 0 "1 samples in 1 shards" data pack folder:classed --out new --bad classes.txt
expect 0 "1 samples in 1 shards" data pack half.tsv --out ./new2 --bad new2//classes.txt
for other in ./both "$work/both"; do
    expect 2 "--bad and --json are both '$other': choose another name for one of them" data check half.tsv --json "$other" --bad both
done
expect 2 "--out and --bad are both 'X': choose another name" data pack folder:classed --out X --bad X
mkdir -p "$work/tables(1)" && cp "$work"/packed/*00000.tar "$work/tables(1)/" && mkdir "$work/table2:v1" && cp "$work"/packed/*00000.tar "$work/table2:v1/"
for data in 'tables(1)/*.tar' 'table2:v1/*.tar'; do expect 0 "3 samples, 3 good" data check "$data"; done
expect 0 "the first bad one" data check half.tsv --json /dev/null --bad /dev/null
expect 2 "--sheet 'good.jpg' has the name of another kind of image" data synth --out none --sheet good.jpg
expect 2 "--json 'words.model' would write over 'data.tokenizer=words.model'" bench step --config none data.tokenizer=words.model --json words.model
expect 1 "--bad: cannot write 'inside/sub': it is a folder" data pack half.tsv --out inside --bad inside/sub
mkdir -p "$work/run/checkpoints" && touch "$work/run/config.yaml" "$work/run/metrics.jsonl" && ln -s run/metrics.jsonl "$work/link.json"
expect 2 "--json 'run/eval.jsonl' is where a run keeps its record" data check half.tsv --json run/eval.jsonl
expect 2 "--json 'link.json' is where a run keeps its record" data check half.tsv --json link.json
rm -r "$work/run/metrics.jsonl" "$work/run/checkpoints"
expect 0 "the first bad one" data check half.tsv --json run/eval.jsonl
expect 2 "'tabel' is no kind of data in 'tabel:half.tsv'; did you mean table?" data check tabel:half.tsv
expect 0 "warning: 1 of the 2 samples shown are bad; the first: half.tsv:3: " data show half.tsv --html shown.html
expect 2 "--vocab takes 8 to 1048576, not 5" tokenizer train --input words.txt --vocab 5 --out small.model
expect 2 "'decode|flip_lr' does not fix the images' size; end it with a resize or crop" bench data --data half.tsv --pp "decode|flip_lr"
: >"$work/nothing.tsv"
printf 'image\ttext\ngood.jpg\ta thing\n' >"$work/named.tsv"
expect 1 "'nothing.tsv' has no first line, which names the columns" data check nothing.tsv
expect 1 "only: image, text; table(image=COLUMN,caption=COLUMN):FILE gives other names" data check named.tsv
expect 0 "1 good" data check "table(image=image,caption=text):named.tsv"
expect 1 "none of the 1 shards holds a sample; the first: 'words.txt'" data index words.txt
[ ! -e "$work/words.txt.index" ]
verdict "and gets no index" $?
# A download that went wrong: of three shards one is a page and one is empty.
mkdir "$work/shards"
cp "$work"/packed/*00000.tar "$work/shards/0.tar"
echo "<html>404</html>" > "$work/shards/1.tar"
: > "$work/shards/2.tar"
expect 1 "wds:shards': 2 of 3 shards damaged: shards/1.tar: no sample in it, 1 member cut off by the end; shards/2.tar: no sample in it;" data check wds:shards --max-bad 0
expect 0 "shards/2.tar: no sample in it" data check wds:shards --max-bad 0.4
expect 1 "2 of 3 shards hold no sample, more than data.max_bad_fraction = 0.05 allows" train "$work/small.yaml" data.train=wds:shards data.tokenizer=words.model train.budget.steps=1 model.text.vocab=52 "data.image_pp=decode|resize(16)|value_range(-1,1)" --out "$work/no-run"
# Where results cannot go is said before any work, in the words of the command line.
while read -r flag line; do
    expect 1 "--$flag: cannot write 'nodir/x.y': there is no folder 'nodir'; make it first" $line "--$flag" nodir/x.y
done <<'CASES'
json eval zeroshot --model none --data none
html eval zeroshot --model none --data none
json eval retrieval --model none --data none
json eval hard --model none --data none
json eval probe --model none --train none --data none
json eval knn --model none --train none --data none
out embed image --model none --input none
html search --model none --images none query
html report none
json flops none
json bench gemm
json bench step --config none
json bench infer --config none
json bench loss
json bench data --data none
json data check none
bad data check none
html data show none
sheet data synth
out tokenizer train --input none --vocab 10
CASES
[ ! -e "$work/nodir" ]
verdict "nothing is made for what cannot be written" $?
expect 1 "--json: cannot write 'packed': it is a folder, not a file" eval zeroshot --model none --data none --json packed
expect 1 "--json: cannot write 'words.txt/x.json': 'words.txt' is not a folder" bench gemm --json words.txt/x.json
for line in "train none" "ablate none" "export --model none" "data synth" "data pack none"; do
    expect 1 "--out: cannot write 'words.txt/new/x': 'words.txt' is not a folder" $line --out words.txt/new/x
done
expect 2 "--json: cannot write to a file without a name" bench gemm --json ""
expect 2 "--bad does not write to standard output; for a file of that name give './-'" data check packed --bad -
expect 2 "--bad does not write to standard output" data pack packed --out packed2 --bad -
expect 2 "--out does not write to standard output; for a folder of that name" train none --out -
spins() { env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT OMP_DISPLAY_ENV=verbose "$@" "$rins" train --help 2>&1 | sed -n "s/.*GOMP_SPINCOUNT = '\([0-9]*\)'.*/\1/p" | tail -n 1; }
while :; do :; done & # other work
busy=$!
[ "$(spins)" = 0 ] && [ "$(spins OMP_WAIT_POLICY=active)" -gt 1000000 ] && [ "$(spins GOMP_SPINCOUNT=7)" = 7 ]
asleep=$?
kill "$busy"
verdict "threads sleep while they wait where others work, unless the environment says otherwise" $asleep
"$rins" info >/dev/full 2>"$work/full"
[ $? = 1 ] && grep -q 'cannot write to standard output' "$work/full"
verdict "results that cannot be written are a failure" $?
finish
