#!/usr/bin/env bash
# The manual page and the completions: made from the program's own tables, clean, and complete. Prints TAP.
#   BUILD=build tests/check_shell.sh
set -u
build=$(realpath "${BUILD:-$(dirname "$0")/../build}")
rins=$build/tools/rins
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"
tap_log=$work/log

# The manual as plain words: roff's escapes undone.
sed -e 's/\\(aq/'"'"'/g; s/\\(ha/^/g; s/\\(ti/~/g; s/\\&//g; s/\\f[IBR]//g; s/\\-/-/g; s/\\e/\\/g' "$build/tools/rins.1" >"$work/plain"

# Every command that some --help lists, with its actions: "train", "eval zeroshot".
listed() { "$rins" "$@" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'; }
for command in $(listed); do
    if "$rins" "$command" --help | grep -q "^usage: rins $command ACTION"; then
        for action in $(listed "$command"); do echo "$command $action"; done
    else echo "$command"; fi
done >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 20 ]
verdict "commands are found" $?

: >"$work/log"
while read -r command; do
    grep -qxF ".SS rins $command" "$work/plain" || echo "the manual lacks rins $command"
    sed -n "/^\.SS rins $command\$/,/^\.S/p" "$work/plain" >"$work/section"
    for flag in $("$rins" $command --help | grep -oE '^  --[a-z0-9-]+' | grep -v '^  --help'); do
        grep -qE "^\.B $flag( |\$)" "$work/section" || echo "the manual lacks rins $command $flag"
    done
done <"$work/commands" >>"$work/log"
[ ! -s "$work/log" ]
verdict "every command and every flag is in the manual" $?

printf 'model: {image: {variant: mu, size: 16}, text: {variant: mu, vocab: 50}}\n' >"$work/c.yaml"
"$rins" flops "$work/c.yaml" nosuchsection.key=1 >"$work/log" 2>&1 # a wrong key proves that keys are checked
[ $? = 2 ]
verdict "a key that is none is refused" $?
: >"$work/log"
for key in $(sed -n '/^\.SH CONFIGURATION/,/^\.SH ENV/s/^\.B //p' "$work/plain"); do
    "$rins" flops "$work/c.yaml" "$key=[" 2>&1 | grep -q 'unknown key' && echo "the manual names $key, which is none"
done >"$work/log"
[ ! -s "$work/log" ] && [ "$(grep -c '^\.B [a-z_]*\.[a-z_.0-9]*$' "$work/plain")" -ge 60 ]
verdict "every key in the manual is one" $?

sed -n '/^\.SH CONFIGURATION/,/^\.SH ENV/s/^\.B //p' "$work/plain" >"$work/in-manual"
"$rins" help keys | sed -n 's/^  \([a-z_.0-9]*\) .*/\1/p' | diff - "$work/in-manual" >"$work/log"
verdict "rins help keys lists the manual's keys" $?

if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=100 man --warnings -l "$build/tools/rins.1" 2>"$work/log" >"$work/page"
    [ ! -s "$work/log" ] && grep -q 'EXIT STATUS' "$work/page"
    verdict "man has no complaint" $?
elif command -v groff >/dev/null; then
    groff -man -Tutf8 -ww "$build/tools/rins.1" 2>"$work/log" >"$work/page"
    [ ! -s "$work/log" ] && grep -q 'EXIT' "$work/page"
    verdict "groff has no complaint" $?
else skip "man has no complaint" "neither man nor groff"; fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$build/tools/rins.1" 2>&1 | grep -vE 'missing date' >"$work/log"
    [ ! -s "$work/log" ]
    verdict "mandoc has no complaint" $?
else skip "mandoc has no complaint" "no mandoc"; fi

# What bash offers for a line, as it would call: words cut at spaces, '=' and ':'.
cat >"$work/offer.bash" <<'SH'
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$(sed 's/[=:]/ & /g' <<<"$2")"
case $2 in *[[:space:]=:]) [ "${2: -1}" = ' ' ] || COMP_WORDS+=(""); [ "${2: -1}" != ' ' ] || COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
complete -p rins >/dev/null || exit 1
_rins && echo "${COMPREPLY[*]}"
SH
offers() { # LINE WANTED: all that is offered
    bash --norc "$work/offer.bash" "$build/tools/rins.bash" "$1" >"$work/log" 2>&1
    [ "$(cat "$work/log")" = "$2" ]
    verdict "bash: '$1' offers '$2'" $?
}
includes() { # LINE WORD
    bash --norc "$work/offer.bash" "$build/tools/rins.bash" "$1" >"$work/log" 2>&1
    grep -qE "(^| )$2( |\$)" "$work/log"
    verdict "bash: '$1' offers $2" $?
}
offers "rins ev" "eval"
includes "rins " "train"
includes "rins eval " "retrieval"
offers "rins eval zer" "zeroshot"
offers "rins eval zeroshot --per" "--per-class"
offers "rins eval zeroshot --precision " "fp32 bf16 auto"
offers "rins eval zeroshot --precision=b" "bf16"
offers "rins embed im" "image"
offers "rins embed image --sk" "--skip-bad"
offers "rins train " "" # a file
offers "rins train c.yaml model.te" "$(sed -n "s/.*\(model\.text\.[a-z_.]*=\) .*/&/p" "$build/tools/rins.bash" | grep -oE '\bmodel\.text\.[a-z_.]*= ' | tr -d ' ' | paste -sd' ')"
includes "rins train c.yaml model.te" "model.text.recursion.signature="
includes "rins train c.yaml --out run model.text.var" "model.text.variant="
offers "rins train c.yaml train.loss=" "sigmoid softmax"
offers "rins train c.yaml train.loss=so" "softmax"
offers "rins train c.yaml --out " "" # a file
offers "rins train c.yaml data.train=wds:x seed" "seed="
offers "rins flops c.yaml train.bat" "train.batch="
offers "rins bench step --config c.yaml --prec" "--precision"
offers "rins nosuch " ""

if command -v zsh >/dev/null; then
    cat >"$work/offer.zsh" <<'SH'
autoload -Uz compinit && compinit -D -u
_bash_complete() { :; } # the file's last line completes at once, which needs an editor
source "$1" 2>/dev/null
emulate -L sh; setopt kshglob noshglob braceexpand shwordsplit
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=(${=2}) COMPREPLY=()
case $2 in *' ') COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_rins; echo "${COMPREPLY[*]% }"
SH
    for case in "rins ev:eval" "rins train c.yaml train.lo:train.loss=" "rins train c.yaml train.loss=so:train.loss=softmax" \
        "rins eval zeroshot --precision b:bf16"; do
        zsh -f "$work/offer.zsh" "$build/tools/_rins" "${case%:*}" >"$work/log" 2>&1
        [ "$(cat "$work/log")" = "${case##*:}" ]
        verdict "zsh: '${case%:*}' offers '${case##*:}'" $?
    done
else skip "zsh completes" "no zsh"; fi
finish
