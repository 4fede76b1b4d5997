#!/usr/bin/env bash
# What is installed can be used: programs build outside the tree against the installed header and library through
# pkg-config, and the library shows what its header declares and nothing else. Prints TAP.
#   BUILD=build tests/check_install.sh
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "${BUILD:-$root/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
. "$(dirname "$0")/tap.sh"
tap_log=$work/log

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" 2>&1
verdict "meson install" $?
pc=$(find "$work/root" -name rins.pc)
prefix=$work/root$(sed -n 's/^prefix=//p' "$pc")
lib=${pc%/pkgconfig/rins.pc}
folder=${pc#"$work/root"}
folder=${folder%/*}
case $folder in
/usr/*)
    [[ ":$(pkg-config --variable pc_path pkg-config):" == *":$folder:"* ]]
    verdict "pkg-config looks into $folder by itself" $?
    ;;
*) skip "pkg-config looks into $folder by itself" "another prefix was chosen" ;;
esac
export PKG_CONFIG_PATH=${pc%/*} LD_LIBRARY_PATH=$lib
rins=$prefix/bin/rins
"$rins" --version >"$work/log" 2>&1
verdict "the installed program runs" $?
ls "$prefix"/share/man/man1/rins.1 "$prefix"/share/bash-completion/completions/rins.bash \
    "$prefix"/share/zsh/site-functions/_rins >"$work/log" 2>&1
verdict "the manual and the completions are where man, bash and zsh look" $?

cat >"$work/tiny.yaml" <<'YAML'
model:
  image: {variant: mu, size: 16, patch: 8, depth: 2, recursion: {signature: A^2B}}
  text: {variant: mu, depth: 2, vocab: 200, length: 12}
data: {train: ["wds:world/train-00000.tar"], tokenizer: spiece.model, image_pp: "decode|resize(16)|value_range(-1,1)"}
train: {batch: 16, budget: {steps: 2}}
YAML
(cd "$work" && "$rins" data synth --out world --n 64 --val 4 --per-class 1 --level 1 --size 16 --quiet &&
    "$rins" tokenizer train --input world/captions.txt --vocab 200 --out spiece.model &&
    "$rins" train tiny.yaml --out run --quiet) >"$work/log" 2>&1
verdict "a tiny model is trained" $?
photo=$(find "$work/world/heldout" -type f | head -n 1)

flags() { pkg-config --define-variable=prefix="$prefix" "$@" rins; }
cc=${CC:-cc}
cp "$root/examples/classify.c" "$work/example.c"
(cd "$work" && $cc -Wall -Wextra -Werror example.c -o example $(flags --cflags --libs) && ./example run "$photo" "a dog" "a red circle") \
    >"$work/log" 2>&1
verdict "examples/classify.c builds with pkg-config and runs" $?
[ "$(grep -cE '^ *[0-9.]+ %  (a dog|a red circle)$' "$work/log")" = 2 ]
verdict "it prints a share for every name" $?
(cd "$work" && ./example run "$work/tiny.yaml" "a dog") >"$work/log" 2>&1
[ $? = 1 ] && grep -q '^classify: image 1: .*tiny.yaml' "$work/log"
verdict "it names a photo that is none" $?
printf '#include <rins/rins.h>\nint main() { return rins_version()[0] == 0; }\n' >"$work/user.cc"
(cd "$work" && ${CXX:-c++} -Wall -Wextra -Wpedantic -Werror user.cc -o user $(flags --cflags --libs) && ./user) >"$work/log" 2>&1
verdict "the header serves C++" $?
printf '#include <rins/rins.h>\nint main(void) { return RINS_OK; }\n' >"$work/strict.c"
$cc -std=c99 -Wall -Wextra -Wpedantic -Werror -c "$work/strict.c" -o "$work/strict.o" $(flags --cflags) >"$work/log" 2>&1
verdict "the header is strict C99" $?

declared=$(grep -oE '\brins_[a-z_]+\(' "$root/include/rins/rins.h" | tr -d '(')
if [ -f "$lib/librins.so" ]; then
    diff <(sort -u <<<"$declared") <(nm -D --defined-only "$lib/librins.so" | awk '{ print $3 }' | sort -u) >"$work/log" 2>&1
    verdict "the shared library exports what the header declares and nothing else" $?
    readelf -d "$lib/librins.so" >"$work/log" 2>&1 && grep -q 'soname: \[librins.so.0\]' "$work/log"
    verdict "its soname is librins.so.0" $?
else
    skip "the shared library exports what the header declares and nothing else" "built without shared libraries"
    skip "its soname is librins.so.0" "built without shared libraries"
fi
if [ -f "$lib/librins.a" ]; then
    needed=$(pkg-config --print-requires --print-requires-private rins | awk '{ print $1 }')
    (cd "$work" && $cc example.c -o static $(flags --cflags) "$lib/librins.a" $(pkg-config --libs $needed) -fopenmp -lstdc++ -lm &&
        ./static run "$photo" "a dog") >"$work/log" 2>&1
    verdict "the static library serves too" $?
else
    skip "the static library serves too" "built without static libraries"
fi
finish
