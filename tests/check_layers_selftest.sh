#!/usr/bin/env bash
# Proves that tests/check_layers.sh can fail: a tree with one fault at a time, and the rule that must name it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/tap.sh"
tap_log=$work/log

fresh_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{include/rins,src/base,src/device/cpu,src/nn,src/model,src/train,vision,text,data,eval,tools,tests}
    echo '#include <stddef.h>' >"$work/tree/include/rins/rins.h"
    echo '#include "rins/rins.h"' >"$work/tree/src/base/status.h"
    printf '#include "src/base/status.h"\n/* exit(1) in a comment is no call */\nint f(void);\n' >"$work/tree/src/nn/block.h"
    echo '#include "src/nn/block.h"' >"$work/tree/src/model/two.h"
    echo 'int vit(void);' >"$work/tree/vision/vit.h"
    printf '#include <stdlib.h>\nint main(void) { exit(0); }\n' >"$work/tree/tools/rins.c"
}

catches() { # RULE-NUMBER NAME FILE TEXT
    fresh_tree
    mkdir -p "$(dirname "$work/tree/$3")"
    printf '%b\n' "$4" >"$work/tree/$3"
    "$here/check_layers.sh" "$work/tree" "$1" >"$work/log"
    [ $? = 1 ] && grep -q "^not ok $1 " "$work/log" && grep -qF "$3" "$work/log"
    verdict "$2" $?
}

fresh_tree
"$here/check_layers.sh" "$work/tree" >"$work/log"
verdict "a clean tree passes" $?
catches 1 "nn includes model" src/nn/up.c '#include "src/model/two.h"'
catches 1 "text includes vision" text/side.c '#include "vision/vit.h"'
catches 1 "base includes nn" src/base/up.c '  #  include "src/nn/block.h"'
catches 1 "data includes model" data/up.c '#include "src/model/two.h"'
catches 1 "eval includes train" eval/up.c '#include "src/train/x.h"'
catches 1 "include without the root" src/nn/near.c '#include "block.h"'
catches 1 "a folder in no layer" extra/new.c 'int x;'
catches 2 "BLAS outside src/device/cpu" src/nn/blas.c '#include <cblas.h>'
catches 3 "SentencePiece outside text" tools/spm.cc '#include <sentencepiece_processor.h>'
catches 4 "exit in the library" data/quit.c '#include <stdlib.h>\nvoid q(void) { exit (1); }'
catches 5 "printing in the library" data/talk.c '#include <stdio.h>\nvoid q(void) { fprintf( stderr, "x"); }'
catches 6 "two files of one name" data/rins.c 'int x;'
catches 7 "a header that needs another" data/needy.h 'size_t x(void);'
catches 8 "a file too long" data/long.c "$(yes 'int f(void);' | head -601 | sed 's/$/\\n/' | tr -d '\n')"
finish
