# What the checks in this folder share; they source it. Prints TAP.
number=0
failed=0
tap_log= # what a failed verdict quotes where it names no log of its own

verdict() { # NAME STATUS [LOG]
    local log=${3:-$tap_log}
    number=$((number + 1))
    if [ "$2" = 0 ]; then echo "ok $number - $1"; else
        echo "not ok $number - $1"
        [ -z "$log" ] || tail -n 20 "$log" | sed 's/^/# /'
        failed=1
    fi
}

skip() { # NAME WHY
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

# expect STATUS PATTERN COMMAND...: $rins, run in $work: the exit status, and a text that standard output or error must hold.
expect() {
    local status=$1 pattern=$2 out got
    shift 2
    out=$(cd "$work" && "$rins" "$@" 2>&1 </dev/null)
    got=$?
    echo "exit status $got: $out" >"$work/expected"
    [ "$got" = "$status" ] && grep -qF -- "$pattern" <<<"$out"
    verdict "rins $* gives $status and says '$pattern'" $? "$work/expected"
}

finish() {
    echo "1..$number"
    exit $failed
}
