#!/usr/bin/env bash
# The commands that use a trained model, on a tiny one: what they print, write and complain of. Prints TAP.
#   RINS=build/tools/rins tests/check_eval.sh
set -u
. "$(dirname "$0")/tiny_world.sh"

tiny_config ", recursion: {signature: A^2B}" >"$work/c.yaml" 'train:' '  batch: 16' '  budget: {steps: 3}' \
    '  eval: {every_steps: 2, zeroshot: ["world/heldout templates=world/templates.txt"], retrieval: ["wds:world/val-00000.tar"]}'
expect 0 "1" tokenizer encode --model spiece.model --length 4 "a red circle"
expect 0 "run/checkpoints/step-000000003" train c.yaml --out run --quiet
expect 1 "data.tokenizer: 'world/captions.txt' is not a SentencePiece model ('rins tokenizer train' makes one" train c.yaml data.tokenizer=world/captions.txt --out other
expect 2 "'yes' holds no complete checkpoint to go on from; --resume takes auto, never, a run or a checkpoint" train c.yaml --out other --resume yes
expect 2 "train.branch: 'world' holds no complete checkpoint to go on from; give a run or" train c.yaml --out other train.branch=world
mkdir "$work/empty"
expect 1 "cannot open 'none.model'" train c.yaml --out empty data.tokenizer=none.model
[ ! -e "$work/other" ] && [ -d "$work/empty" ] && [ ! -e "$work/empty/checkpoints" ]
verdict "a run that did not begin leaves no folder, and one that was there" $?
expect 2 "train.eval.zeroshot: cannot tell what 'nowhere' is" train c.yaml 'train.eval.zeroshot=[nowhere]' --out other
expect 2 "did you mean openai?" train c.yaml 'train.eval.zeroshot=["world/heldout templates=openia"]' --out other
[ "$(grep -c '"task": "zeroshot_classification"' "$work/run/eval.jsonl")" = 2 ]
verdict "evaluated at step 2 and at the end" $?

printf 'config: c.yaml\nset: ["data.train=[folder:world/heldout]", data.caption_templates=world/templates.txt, "train.eval.zeroshot=[]", train.schedule.name=constant, train.schedule.warmup_steps=1]\nbudgets: [32]\nbudget_unit: examples\narms: [{name: plain}]\nzeroshot: [world/heldout]\n' >"$work/plan.yaml"
expect 0 "zeroshot heldout acc1" ablate plan.yaml --out study --quiet
[ -s "$work/study/figures/zeroshot-heldout-acc1.svg" ]
verdict "a picture of each metric" $?
steps=$(grep -c '"loss"' "$work"/study/runs/plain-s0/b0/metrics.jsonl)
[ "$steps" -gt 0 ] && grep -q "trained,.*\"loss\",[^,]*,$steps\$" "$work/study/results.csv"
verdict "the loss's n is the steps it is a mean over" $?
classes=$(ls "$work/world/heldout" | wc -l)
grep -q "^zeroshot heldout acc1 (chance $(awk -v n="$classes" 'BEGIN { printf "%.3g", 1 / n }'))\$" "$work/study/summary.txt"
verdict "the summary knows chance" $?
(cat "$work/plan.yaml" && echo 'hard: [none.tsv]') >"$work/hardless.yaml"
expect 1 "'hard': cannot open 'none.tsv'" ablate hardless.yaml --out study2 --quiet
cp "$work/world/hard.tsv" "$work/world/again.tsv"
(cat "$work/plan.yaml" && echo 'hard: [world/hard.tsv, world/again.tsv]') >"$work/harder.yaml"
expect 0 "hard again count" ablate harder.yaml --out study3 --quiet
printf 'filepath\tcaption\nbad.jpg\ta dog\nlost.jpg\ta cat\n' >"$work/bad.tsv"
echo no picture >"$work/bad.jpg"
expect 1 "none of 2 images can be read and has a caption; the first: bad.tsv:2" eval retrieval --model run --data bad.tsv
expect 1 "'world/heldout' has no image with a caption" eval retrieval --model run --data world/heldout
expect 0 "is learnt from and evaluated on" eval knn --model run --train world/heldout --data world/heldout
expect 0 "" export --model run --out kept
for run in run run/; do expect 2 "is a run: '--model $run' would then be the export" export --model kept --out $run; done
mkdir "$work/mine" && cp "$work/spiece.model" "$work/mine"
expect 2 "--out 'mine' holds a spiece.model, but no model that rins wrote: it would be replaced or hidden; choose another directory, or remove it" export --model run --out mine
expect 0 "" export --model run --out kept
expect 2 "'kept' holds a model, and a run's models are its checkpoints" train c.yaml --out kept
expect 2 "'run/checkpoints' is where another run keeps its checkpoints" train c.yaml --out run/checkpoints
expect 0 "'mine' is not empty: the run's files go beside what is there" train c.yaml --out mine train.budget.steps=1 train.schedule.warmup_steps=2 train.eval.zeroshot=[] train.eval.retrieval=[]
said "a warm-up beyond the budget is warned of" "warning: the warm-up of 2 steps does not end within the 1 of the budget"
expect 0 "train.batch=4096 is more than the " train c.yaml --out large train.budget.steps=1 train.batch=4096 train.eval.zeroshot=[] train.eval.retrieval=[]
[ ! -e "$work/run/config.json" ]
verdict "a refused export leaves the run alone" $?
sed 's/variant: mu,/variant: mu, pool: POOL,/' "$work/c.yaml" | sed '0,/POOL/s//gap/;s/POOL/mean/' >"$work/pools.yaml"
expect 0 "" train pools.yaml --out pools --quiet "train.eval.zeroshot=[]" "train.eval.retrieval=[]"
expect 1 "image.pool is not map and text.pool is not last; without" export --model pools --out refused --unroll
[ ! -e "$work/refused" ]
verdict "a refused export leaves no folder" $?
expect 0 "SiglipModel cannot: image.pool is not map" export --model pools --out kept-pools
expect 1 "data.tokenizer: cannot open 'lost.model'" train c.yaml --out lost data.tokenizer=lost.model
constant='train.schedule={name: constant, warmup_steps: 1'
quick='train.eval={zeroshot: [], retrieval: []}'
expect 0 "" train c.yaml "$constant, cooldown_fraction: 0.5}" "$quick" "train.budget={steps: 4}" "train.checkpoint={every_steps: 1, keep: 0}" --out trunk --quiet
expect 0 "lies in the cool-down of its run, which began after step 2 of 4 (train.schedule.cooldown_fraction 0.5)" train c.yaml "$constant}" "$quick" \
    "train.budget={steps: 4}" train.branch=trunk/checkpoints/step-000000003 --out late --quiet
expect 0 "" train c.yaml "$constant}" "$quick" "train.budget={steps: 4}" train.branch=trunk/checkpoints/step-000000002 --out early --quiet
! grep -q 'cool-down' "$work/expected"
verdict "a branch off the constant part has no warning" $? "$work/expected"
expect 1 "since the train.schedule's cooldown_fraction hangs on the end" train c.yaml "$constant, cooldown_fraction: 0.5}" "$quick" "train.budget={steps: 8}" \
    "train.checkpoint={every_steps: 1, keep: 0}" --out trunk
expect 1 "put that back, or begin in another directory (--out)" train c.yaml --out run train.batch=8
expect 0 "acc1 " eval zeroshot --model run --data world/heldout --templates world/templates.txt --json z.json --html z.html
jq -e '.metrics.acc1 >= 0 and .metrics.acc5 <= 1 and .n == .classes and .rounds.image == 2' "$work/z.json" >"$work/jq.out"
verdict "the JSON has the metrics" $?
grep -q 'data:image/jpeg' "$work/z.html"
verdict "the page holds its pictures" $?
expect 0 "image rounds  text rounds" eval zeroshot --model run --data world/heldout --templates class_name_only --rounds image=1..3
expect 0 "image rounds  text rounds" eval zeroshot --model run --data world/heldout --templates class_name_only --rounds text=1..4 --json t.json
expect 0 "" train c.yaml --out flat --quiet model.image.recursion.signature=A train.budget.steps=1 "train.eval.zeroshot=[]" "train.eval.retrieval=[]"
expect 2 "image=2 rounds: signature 'A' has no recursive group" eval zeroshot --model flat --data world/heldout --rounds image=1..2,text=1
jq -e '[.[].rounds.text] == [1, 2, 3, 4] and ([.[].rounds.image] | unique) == [2] and ([.[].flops.image] | unique | length) == 1
    and ([.[].flops.text] | . == (unique | sort) and length == 4) and all(.[].metrics.acc1; . >= 0 and . <= 1)' "$work/t.json" >"$work/jq.out"
verdict "text rounds 1 to 4 give an accuracy each, at rising FLOPs of the text" $?
expect 0 "recall@1" eval retrieval --model run --data wds:world/val-00000.tar
expect 0 "hard negatives told apart" eval hard --model run --data table:world/hard.tsv
expect 1 "cannot open 'none.tsv'" eval hard --model run --data table:none.tsv
expect 0 '"text_retrieval_recall@10"' eval retrieval --model run --data wds:world/val-00000.tar --quiet --json -
# Frozen features: "other" draws the same classes again, two pictures each, of which one class has another name and one
# picture is broken.
expect 0 "" data synth --out other --n 1 --val 1 --per-class 2 --hard 1 --level 1 --size 16 --seed 1 --split heldout --quiet
classes=$(ls "$work/world/heldout" | wc -l)
expect 0 "into $classes classes, learnt from $((2 * classes)) images" eval probe --model run --train other/heldout --data world/heldout --json p.json
jq -e --argjson c "$classes" '.task == "linear_probe" and .n == $c and .classes == $c and .metrics.acc1 >= 0 and .metrics.acc5 <= 1
    and .acc1_interval[0] <= .metrics.acc1 and .metrics.mean_per_class_recall == .metrics.acc1 and .rounds.image == 2
    and .flops.image > 0 and .held_out == ($c * 2 + 9) / 10 - ($c * 2 + 9) % 10 / 10 and (.sweep | length) > 2
    and (.l2 | IN(input.sweep[].l2)) and .unseen.images == 0 and .train.n == 2 * $c' "$work/p.json" "$work/p.json" >"$work/jq.out"
verdict "the probe's JSON has the metrics of zero-shot, the sweep and the training set" $?
expect 0 "embeddings kept from before" eval probe --model run --train other/heldout --data world/heldout --threads 1 --json q.json
cmp -s "$work/p.json" "$work/q.json"
verdict "one thread and embeddings kept from before give the same probe" $?
expect 0 "k 3, temperature 0.1" eval knn --model run --train other/heldout --data world/heldout --k 3 --temperature 0.1 --per-class --json n.json
jq -e '.task == "knn" and .k == 3 and .temperature == 0.1 and (.per_class | length) == .classes' "$work/n.json" >"$work/jq.out"
verdict "the neighbours' JSON has k and the classes" $?
expect 0 "image rounds  image GFLOP" eval knn --model run --train other/heldout --data world/heldout --rounds image=1..3 --json n.json
jq -e '[.[].rounds.image] == [1, 2, 3] and .[0].flops.image < .[1].flops.image and .[1].flops.image < .[2].flops.image' "$work/n.json" >"$work/jq.out"
verdict "a sweep over rounds gives one object each, with rising FLOPs" $?
expect 0 "  image GFLOP    acc1    acc5  mean_per_class_recall      l2" eval probe --model run --train other/heldout --data world/heldout --l2 1e-3 --rounds image=1..3
expect 1 "every class has one training image only" eval probe --model run --train world/heldout --data other/heldout
expect 1 "have no class in common" eval knn --model run --train world/heldout --data world/seen
expect 1 "has no classes" eval knn --model run --train wds:world/train-00000.tar --data world/heldout
expect 2 "k is 1 to $classes (the training images)" eval knn --model run --train world/heldout --data other/heldout --k 5000
expect 2 "--l2 takes a number above 0 or sweep, not 'x'" eval probe --model run --train world/heldout --data other/heldout --l2 x
expect 2 "--temperature takes a number above 0" eval knn --model run --train world/heldout --data other/heldout --temperature 0
expect 2 "--rounds takes image=R only" eval knn --model run --train world/heldout --data other/heldout --rounds text=2
first=$(ls "$work/other/heldout" | head -n 1)
mv "$work/other/heldout/$first" "$work/other/heldout/unheard_of"
printf 'no picture' >"$(find "$work/other/heldout" -name '*.jpg' | sort | head -n 1)"
expect 0 "left out: 2 images of 1 classes that training does not have" eval knn --model run --train world/heldout --data other/heldout --json n.json
jq -e --argjson c "$classes" '.bad == 1 and .unseen == {images: 2, classes: 1} and .n == 2 * $c - 3' "$work/n.json" >"$work/jq.out"
verdict "bad images and unseen classes are counted" $?
find "$work/world/heldout" -name '*.jpg' -printf '%P\n' | sort | head -n 6 | jq -Rn '{images: [inputs | {filename: ., split: "test", sentences: [{raw: .}, {raw: "a circle"}]}]}' >"$work/k.json"
expect 0 "retrieval among 6 images and 12 texts" eval retrieval --model run --data "karpathy(images=world/heldout):k.json"
expect 2 "no image of split 'val', only: test (6)" eval retrieval --model run --data "karpathy(split=val):k.json"
expect 0 "world/heldout/" search --model run --images world/heldout "a red circle" --top 2 --html s.html
expect 0 "world/heldout/" search --model run --images world/heldout "a blue square" --top 2

expect 0 "" report run --html r.html --images 3
grep -q '<figure>' "$work/r.html" && grep -q 'zeroshot_classification world/heldout' "$work/r.html" && ! grep -q 'http' "$work/r.html"
verdict "a run's own evaluation set gives the report its pictures" $?
# Labels of files: the report knows them as the evaluation does, and they are looked at before the first step.
(cd "$work" && mkdir wnids && i=0 && for id in n01440764 n01443537 n01484850; do i=$((i + 1)) && cp "$(find world/heldout -name '*.jpg' | sort | sed -n ${i}p)" wnids/${id}_$i.jpg; done)
expect 0 "3 images into 1000 classes" eval zeroshot --model run --data folder:wnids --labels wnid --templates class_name_only
expect 0 "" report run --html r.html --data "folder:wnids labels=wnid templates=class_name_only" --images 3
grep -q tench "$work/r.html" && grep -q 'great white shark' "$work/r.html"
verdict "the report names the classes that labels=wnid gives" $?
expect 2 "--images takes a folder alone, such as 'wnids', not 'folder:wnids'" search --model run --images folder:wnids "a dog"
expect 2 "data.image_pp: 'decode' does not fix the images' size" train c.yaml --out unlabelled data.image_pp=decode
expect 1 "'label=': did you mean labels=?" train c.yaml --out unlabelled "train.eval.zeroshot=[folder:wnids label=wnid]"
expect 1 "cannot open 'none.tsv'" train c.yaml --out unlabelled "train.eval.zeroshot=[folder:wnids labels=none.tsv]"
[ ! -e "$work/unlabelled" ]
verdict "labels that are not there are found out before the first step" $?
# A bad caption spoils no picture where captions do not matter.
mkdir "$work/mute"
i=0
(cd "$work" && find world/heldout -name '*.jpg' | sort | head -n 4) | while read -r photo; do
    cp "$work/$photo" "$work/mute/$i.jpg"
    : >"$work/mute/$i.txt"
    echo "$i" >"$work/mute/$i.cls"
    i=$((i + 1))
done
(cd "$work/mute" && tar -cf ../mute.tar -- *.*)
printf 'red circle\nblue square\ngreen star\ngrey ring\n' >"$work/four.txt"
expect 0 "acc1 " eval zeroshot --model run --data wds:mute.tar --classes four.txt --templates class_name_only --html m.html
[ "$(grep -o 'data:image/jpeg' "$work/m.html" | wc -l)" = 4 ]
verdict "the page shows pictures with an empty caption" $?
(cd "$work" && printf 'filepath\tcaption\n' && find mute -name '*.jpg' | sort | sed 's/$/\ta red circle/; 2s/a red circle//; 3s/a red circle//') >"$work/mute.tsv"
expect 0 "" report run --html r.html --images 4 --data mute.tsv
[ "$(grep -c '<figure>' "$work/r.html")" -ge 1 ] && [ "$(grep -o 'data:image/jpeg' "$work/r.html" | wc -l)" = 4 ]
verdict "so does a report" $?
expect 0 "" embed image --model run --input mute.tsv --out mute.npy --quiet
echo mute/0.jpg | tee "$work/paths.csv" "$work/paths.json" >"$work/again.bad.jsonl"
for list in paths.csv paths.json; do
    expect 1 "'$list' is taken for a data source by its ending; a list of paths needs another name" embed image --model run --input $list --out no.npy
done
expect 2 "'again.bad.jsonl', the input, has the name of a file beside 'again.npy'" embed image --model run --input again.bad.jsonl --out again.npy --skip-bad
[ "$(cat "$work/again.bad.jsonl")" = mute/0.jpg ]
verdict "and is as it was" $?
expect 2 "'mute/0.jpg' is an image, not a list: " embed image --model run --input mute/0.jpg --out no.npy
expect 0 "'/dev/null' has no line: 'no.npy' has no row" embed image --model run --input /dev/null --out no.npy
expect 1 "'world' is not a run" report world --html r.html
(cd "$work" && find world/heldout -name '*.jpg' | sort | head -n 5 >list.txt)
head -n 3 "$work/world/captions.txt" >"$work/texts.txt"
"$rins" tokenizer encode --model "$work/spiece.model" --length 12 <"$work/texts.txt" >"$work/ids.txt"
expect 0 "" embed image --model run --input list.txt --out i.npy --quiet
expect 0 "" embed text --model run --input texts.txt --out t.npy --quiet
expect 0 "" embed text --model run --input ids.txt --ids --out u.npy --quiet
cmp -s "$work/t.npy" "$work/u.npy"
verdict "ids give what their texts give" $?
[ "$(stat -c %s "$work/i.npy")" = $((128 + 5 * 32 * 4)) ]
verdict "one float32 row an image" $?
echo missing.jpg >>"$work/list.txt"
expect 1 "'list.txt' line 6: cannot open 'missing.jpg'" embed image --model run --input list.txt --out bad.npy
[ ! -e "$work/bad.npy" ]
verdict "nothing is written after a failure" $?
expect 0 "1 of 6 images are bad" embed image --model run --input list.txt --skip-bad --out i.npy
printf 'a red\rcircle\r\na red\n' >"$work/returns.txt"
expect 0 "" embed text --model run --input returns.txt --out r.npy --quiet
cmp -s <(tail -c +129 "$work/r.npy" | head -c 128) <(tail -c 128 "$work/r.npy")
[ $? = 1 ]
verdict "a carriage return inside a line does not end it" $?
printf '1 2 3\n' >"$work/short.txt"
expect 1 "'short.txt' line 1: 3 token ids, the text tower takes 12" embed text --model run --input short.txt --ids --out bad.npy
printf 'a\xff\n' >"$work/latin.txt"
expect 1 "'latin.txt' line 1: text is not valid UTF-8 at byte 1" embed text --model run --input latin.txt --out bad.npy
expect 2 "rins embed takes image or text" embed video --model run --input list.txt --out bad.npy
expect 2 "--model M is missing" eval zeroshot --data world/heldout
expect 2 "did you mean 'rins eval zeroshot'?" eval zeroshoot
expect 1 "no model at 'nomodel'" eval zeroshot --model nomodel --data world/heldout
expect 2 "did you mean clip_paper?" eval zeroshot --model run --data world/heldout --templates clip_papr
expect 1 "names 3 classes" eval zeroshot --model run --data world/heldout --classes world/templates.txt
expect 0 "acc1 " eval zeroshot --model run --data world/heldout --templates world/templates.txt --precision auto
(cd "$work" && "$rins" embed text --model run --input - --out p.npy <texts.txt 2>err.txt) && grep -q "texts: 3 done" "$work/err.txt"
verdict "what comes through a pipe is counted" $? "$work/err.txt"
RINS_CPU=ref expect 1 "precision bf16: " eval zeroshot --model run --data world/heldout --precision bf16
expect 2 "or a range such as 1..4" eval zeroshot --model run --data world/heldout --rounds text=4..1
expect 2 "the query is empty" search --model run --images world/heldout " "
expect 1 "no .jpg, .jpeg, .png or .webp file under 'cache'" search --model run --images cache "x"
# A pipe that stays open, killed when two shards are there; started again it goes on to the bytes of the one file.
for _ in 1 2 3 4 5 6 7 8; do head -n 5 "$work/list.txt"; done >"$work/long.txt"
expect 0 "" embed image --model run --batch 1 --input long.txt --out whole.npy --quiet
mkfifo "$work/pipe"
(cd "$work" && exec "$rins" embed image --model run --batch 1 --threads 1 --input pipe --shard-size 4 --out parts.npy --quiet) &
embedding=$!
exec 3>"$work/pipe"
head -n 30 "$work/long.txt" >&3
for _ in $(seq 300); do [ -e "$work/parts-00001.npy" ] && break || sleep 0.1; done
kill -KILL $embedding
wait $embedding 2>"$work/killed"
exec 3>&-
[ -e "$work/parts-00001.npy" ] && ! [ -e "$work/parts-00009.npy" ]
verdict "a pipe is embedded while it is being written" $?
(cd "$work" && timeout 60 "$rins" embed image --model run --batch 1 --input - --shard-size 4 --out parts.npy <long.txt 2>err.txt) &&
    grep -q "rows were there already" "$work/err.txt"
verdict "a killed run goes on" $?
cmp -s <(tail -c +129 "$work/whole.npy") <(for part in "$work"/parts-*.npy; do tail -c +129 "$part"; done)
verdict "its shards are the one file" $?
sed 's/0/1/' "$work/long.txt" | (cd "$work" && "$rins" embed image --model run --batch 1 --input - --shard-size 4 --out parts.npy 2>err.txt)
[ $? = 1 ] && grep -q "'-' has changed: rows 0 to 3" "$work/err.txt"
verdict "another list is an error" $?
npz=$root/tests/golden/big_vision_tiny.npz
expect 1 "give one with --tokenizer F" embed text --model "$npz" --input texts.txt --out n.npy
expect 1 "no tokenizer at 'nowhere'" embed text --model "$npz" --tokenizer nowhere --input texts.txt --out n.npy
expect 0 "" tokenizer train --input world/captions.txt --vocab 64 --out small.model
expect 0 "" embed text --model "$npz" --tokenizer small.model --input texts.txt --out n.npy --quiet
expect 0 "acc1 " eval zeroshot --model "$npz" --tokenizer small.model --data world/heldout --templates world/templates.txt
expect 0 "has no tokenizer" export --model "$npz" --out bare
expect 0 "" export --model "$npz" --tokenizer small.model --out dressed
cmp -s "$work/small.model" "$work/dressed/spiece.model"
verdict "an export carries the tokenizer given" $?
finish
