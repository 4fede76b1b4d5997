#!/usr/bin/env bash
# What `rins ablate` says and does around the training: before it, when stopped, when started again with another plan, and with
# jobs. A tiny model on a tiny world. Prints TAP.
#   RINS=build/tools/rins tests/check_ablate.sh
set -u
. "$(dirname "$0")/tiny_world.sh"

tiny_config "" 'train: {batch: 8, schedule: {name: constant, warmup_steps: 1}}' >"$work/c.yaml"
plan() { # LINE...: the plan of all cases, and what is different in one
    printf '%s\n' 'config: c.yaml' 'budget_unit: examples' 'zeroshot: ["folder:world/heldout"]' 'templates: world/templates.txt' \
        'retrieval: ["wds:world/val-*.tar"]' 'seeds: [0, 3]' 'budgets: [32, 48]' \
        'arms: [{name: plain}, {name: "text A^2B", set: [model.text.recursion.signature=A^2B]}]' "$@" |
        awk -F: '{ if (!($1 in line)) order[n++] = $1; line[$1] = $0 } END { for (i = 0; i < n; i++) print line[order[i]] }'
}
said() { # NAME TEXT...: in the output of the last case of expect
    local name=$1 text status=0
    shift
    for text in "$@"; do grep -qF -- "$text" "$work/expected" || { echo "lacks: $text" >>"$work/expected"; status=1; }; done
    verdict "$name" $status "$work/expected"
}
tap_log=$work/expected

plan >"$work/plan.yaml"

# Before the first step.
mkdir "$work/flat" && cp "$(find "$work/world/heldout" -name '*.png' -o -name '*.jpg' | head -n 1)" "$work/flat"
printf 'filepath\tcaption\tnegative\tskill\nlost.png\ta\tb\tc\n' >"$work/lost.tsv"
while IFS='|' read -r status line says; do
    plan "$line" >"$work/wrong.yaml"
    for jobs in 1 4; do expect "$status" "$says" ablate wrong.yaml --out wrong --jobs "$jobs"; done
done <<'CASES'
1|retrieval: ["table:nosuch.tsv"]|'retrieval': 
1|retrieval: ["folder:world/heldout"]|'retrieval': 'folder:world/heldout' has no image with a caption
1|zeroshot: ["folder:nosuch"]|'zeroshot': 
2|zeroshot: ["folder:flat"]|'zeroshot': 'folder:flat' has no classes
2|templates: nosuch.txt|'templates': 
1|hard: [none.tsv]|'hard': cannot open 'none.tsv'
1|hard: [lost.tsv]|'hard': 'lost.tsv': none of its 1 images is there
CASES
[ ! -e "$work/wrong" ]
verdict "nothing was trained or made before that" $?
plan 'seeds: 2' >"$work/wrong.yaml"
expect 2 "'seeds': expected a list such as [0, 1], found '2'" ablate wrong.yaml --out wrong
sed 's/warmup_steps: 1/&, cooldown_fraction: 0.3/' "$work/c.yaml" >"$work/cools.yaml"
plan 'config: cools.yaml' >"$work/wrong.yaml"
expect 2 "arm 'plain': train.schedule.cooldown_fraction is 0.3 in 'cools.yaml'" ablate wrong.yaml --out wrong
said "and what to do is said" "set train.schedule.cooldown_fraction=0"
plan 'config: cools.yaml' 'set: ["train.schedule={name: constant, warmup_steps: 1}"]' 'zeroshot: []' 'templates: null' 'retrieval: []' >"$work/anew.yaml"
expect 0 "2 branches in " ablate anew.yaml --out anew --only plain:0
[ "$(sed -n 's/.*"lr":\([^,]*\),.*/\1/p' "$work/anew/runs/plain-s0/trunk/metrics.jsonl" | sort -u | wc -l)" = 1 ]
verdict "the rate of a trunk stays, whatever the config's cool-down was" $? "$work/anew/runs/plain-s0/trunk/metrics.jsonl"
expect 1 "nothing to report: 'wrong' has no finished branch of this plan" ablate plan.yaml --out wrong --report
[ ! -e "$work/wrong" ]
verdict "a report of nothing leaves no folder" $?
expect 2 "--only takes ARM:SEED" ablate plan.yaml --out study --only "text A^2C:0"
expect 2 "not 'plian:0'; did you mean 'plain'?" ablate plan.yaml --out study --only plian:0
expect 2 "--only takes ARM:SEED" ablate plan.yaml --out study --only plain:2
RINS_CPU=ref expect 1 "arm 'plain', seed 0: precision bf16: " ablate plan.yaml --out study precision=bf16
[ ! -e "$work/study" ]
verdict "a precision that the processor lacks is refused before anything is trained" $?
expect 1 "4 of 4 jobs failed" ablate plan.yaml --out study --jobs 2 data.tokenizer=none.model
[ "$(grep -c "none.model" "$work/expected")" = 1 ]
verdict "what all jobs complain of is said once" $?
rm -rf "$work/study"

# One arm, by name; then all, by jobs; then nothing is left to do.
expect 0 "rins: ablate: 2 branches in " ablate plan.yaml --out study --only "text A^2B:1"
! grep -qE '\(null\)|h [0-9]+m' "$work/expected"
verdict "one arm has its own bar and clock" $?
expect 0 "study: 2 arms x 2 seeds x 2 budgets: 4 trunks and 8 branches; 2 finished already" ablate plan.yaml --out study --jobs 3
said "the overview has steps and pairs, the end a speed" "4 (32)" "6 (48)" "rins: ablate: 6 branches in " "FLOPs a pair"
expect 0 "8 finished already" ablate plan.yaml --out study
! grep -q ' branches in ' "$work/expected"
verdict "nothing left is nothing done" $?

# The bar of jobs; without a terminal the same text is a line every ten seconds.
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    (cd "$work" && script -qec "stty cols 200; $rins ablate plan.yaml --out seen --jobs 2" /dev/null </dev/null) >"$work/expected" 2>&1
    grep -qE '[0-8]/8  [^|]*, seed [03], budget (32|48): ' "$work/expected"
    verdict "jobs say what they do and how many branches are done" $?
    for columns in 40 60 80 200; do
        (cd "$work" && script -qec "stty cols $columns; $rins ablate plan.yaml --out seen$columns --jobs 4" /dev/null </dev/null) 2>&1 |
            tr '\r' '\n' | grep -E '^ablate .*[0-9]/8  ' >"$work/bars"
        [ -s "$work/bars" ] && awk -v most=$((columns - 1)) 'length($0) > most { exit 1 }' "$work/bars" && case $columns in
        40) grep -qE 'plain:0[^|]*\| \+3 more$' ;;
        60) grep -qE 'plain:0[^|]*\| text A\^2B:0[^|]*\| (plain:1[^|]*\| )?\+[12] more$' ;;
        80) grep -qE 'plain:0[^|]*\| text A\^2B:0[^|]*\| plain:1[^|]*\| text A\^2B:1' ;;
        200) grep -qE 'ablate \[[#.]{6,24}\] [0-8]/8 .*, seed [03]: starting' ;;
        esac <"$work/bars"
        verdict "at $columns columns the bar has as many jobs as fit, and counts the rest" $? "$work/bars"
    done
else skip "jobs say what they do and how many branches are done" "no script, or no terminal for it"; fi

# Other evaluations: measured again without training, and said so.
plan 'hard: [world/hard.tsv]' >"$work/more.yaml"
rm -rf "$work/study/runs/plain-s0/trunk"
expect 0 "0 finished already, 8 are trained and only evaluated" ablate more.yaml --out study
said "the branches are counted that are evaluated again" "rins: ablate: 8 branches in " "hard count"
[ ! -e "$work/study/runs/plain-s0/trunk" ]
verdict "an evaluation trains nothing" $?

# Another arm: refused, and what to remove is named; the report is of the others.
plan 'hard: [world/hard.tsv]' 'arms: [{name: plain, set: [train.optimizer.lr=3.0e-3]}, {name: "text A^2B", set: [model.text.recursion.signature=A^2B]}]' >"$work/edited.yaml"
for jobs in 1 2; do
    expect 1 "to train arm 'plain' anew, remove 'study/runs/plain-s0' 'study/runs/plain-s3'" ablate edited.yaml --out study --jobs $jobs
done
said "the key is named" "train.optimizer.lr was "
sed 's/signature=A^2B/signature=A^3B/' "$work/edited.yaml" >"$work/both.yaml"
expect 1 "2 arms were trained with other keys ('plain', 'text A^2B'); the first: arm 'plain', seed 0: cannot go on" ablate both.yaml --out study
expect 0 "branches are not finished: the report shows the others" ablate edited.yaml --out study --report
said "the report is of the arm that is complete, and names the other" "against 'text A^2B'" "not finished:" "study/report.html"
expect 0 "" ablate edited.yaml --out study --only "text A^2B:0"
rm -rf "$work/study/runs/plain-s0" "$work/study/runs/plain-s3"
expect 0 "best: " ablate edited.yaml --out study --quiet
! grep -q 'study:' "$work/expected"
verdict "--quiet has no overview" $?
expect 0 "8 finished already" ablate edited.yaml --out study
sed 's/^budgets: .*/budgets: [32, 48, 96]/' "$work/edited.yaml" >"$work/larger.yaml"
expect 0 "4 trunks and 12 branches; 8 finished already" ablate larger.yaml --out study --jobs 2
sed 's/^budgets: .*/budgets: [16, 32]/' "$work/edited.yaml" >"$work/smaller.yaml"
expect 1 "budgets can only be added behind the others" ablate smaller.yaml --out study
said "and what to do is said" "to train arm 'plain' anew, remove 'study/runs/plain-s0'"
sed 's/^config: .*/&\ncooldown_fraction: 0.5/' "$work/edited.yaml" >"$work/cooler.yaml"
expect 1 "cooldown_fraction was 0.2" ablate cooler.yaml --out study

# Too short a trunk for the warm-up.
expect 0 "arm 'plain': the warm-up of 4 steps is longer than the trunk of budget 32 (3 of its 4 steps)" ablate plan.yaml --out slow train.schedule.warmup_steps=4 --quiet
[ "$(grep -c 'warm-up' "$work/expected")" = 2 ]
verdict "one warning for every arm" $?

# Stopped, and gone on with.
stop() { # NAME JOBS WHOM: to the program, or to its whole group
    local pid got
    (cd "$work" && exec setsid "$rins" ablate long.yaml --out "$1" --jobs "$2" >"$work/expected" 2>&1) &
    pid=$!
    for _ in $(seq 200); do
        [ -n "$(find "$work/$1/runs" -path '*trunk*' -name metrics.jsonl 2>/dev/null)" ] && break
        sleep 0.05
    done
    sleep 0.5
    if [ "$3" = group ]; then kill -TERM -- -$pid; else kill -INT $pid; fi
    wait $pid
    got=$?
    [ $got = 1 ] && grep -qE "^rins: stopped: arm '[^']*', seed 0, after step [0-9]+ of 100000 \(saved\).*; the same command goes on from there$" "$work/expected" &&
        ! grep -q 'error' "$work/expected"
    verdict "a stop with $2 jobs, of $3, says where it is and is no error" $? "$work/expected"
}
plan 'budgets: [1000000]' >"$work/long.yaml"
stop one 1 program
stop two 2 program
stop all 2 group
finish
