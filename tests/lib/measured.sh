# SPDX-License-Identifier: GPL-2.0-only
# Suites that measure something and write it down: one at a time. Sourced by tests/run.

# measure NAME FLAVOUR VM-OPTION... COMMAND: what a guest finds, in OUT/NAME.jsonl once it is whole.
measure() {
    local name=$1 kernel=$2
    shift 2
    "$LAB/vm" --on "$kernel" "$@" >"$OUT/.$name"
    mv "$OUT/.$name" "$OUT/$name.jsonl"
}

# measured SUITE [--on FLAVOUR] [WORD...]: tests/SUITE/suite says on which flavours it runs (suite_flavours), and what it does
# (the function `suite`): with the kernel `on`, into the folder OUT.
measured() {
    local name=$1 words=()
    on=stock OUT=$BUILD/$1
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --on) on=${2:?}; shift ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    . "$REPO/tests/$name/suite"
    case " $suite_flavours " in *" $on "*) ;; *) die "$name runs on: $suite_flavours" ;; esac
    mkdir -p "$OUT"
    only_one "$OUT/.run"
    suite "${words[@]}"
}
