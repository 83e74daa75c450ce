# SPDX-License-Identifier: GPL-2.0-only
# Suites whose tests are counted: the host's and the guest's. Sourced by tests/run.

passed=0 failed=0 skipped=0
# What failed, a line for each: told once more at the end, which may be all that is left of a long log.
broken=()

count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    say "    $1 passed, $2 failed, $3 skipped"
}

# read_results KIND NAME WORD...: what results.py says of them, in `told`: counts, and a line for each test that failed.
read_results() {
    mapfile -t told < <("$LAB/enter" python3 -B tests/host/lib/results.py "$@")
    [ ${#told[@]} -gt 0 ] || told=("0 1 0" "$2: its results cannot be read")
    broken+=("${told[@]:1}")
}

# A test of the host is a script: exit 0 passed, 77 skipped (it says why), anything else failed. What a passing one has
# to tell is on its standard output.
host_scripts() {
    local script log said rc
    for script in $(find "$REPO/tests/host" -maxdepth 1 -type f | sort); do
        say "==> host: ${script##*/}: $(sed -n '3s/^# //p' "$script")"
        log=$BUILD/log/host-${script##*/}.log
        rc=0
        said=$("$script" 2>"$log") || rc=$?
        case $rc in
            0) [ -z "$said" ] || sed 's/^/    /' <<<"$said" >&2; count 1 0 0 ;;
            77) say "    SKIP $said$(cat "$log")"; count 0 0 1 ;;
            *)
                { cat "$log"; printf '%s\n' "$said"; } | sed 's/^/    | /' >&2
                broken+=("host: ${script##*/}")
                count 0 1 0
                ;;
        esac
    done
}

cargo_tests() {
    local log=$BUILD/log/cargo-test.log rc=0
    say "==> host: cargo test"
    "$LAB/enter" cargo test --locked --workspace --no-fail-fast -- --show-output >"$log" 2>&1 || rc=$?
    read_results cargo build/log/cargo-test.log "$rc"
    count ${told[0]}
}

# What debug kernels are there for is seen at all; left out where only some tests are asked for.
detectors() {
    [ -z "${TESTS:-}" ] || return 0
    say "==> $1: faults that are put in are seen"
    if "$REPO/tests/detectors" "$1"; then count 1 0 0; else broken+=("$1: detectors"); count 0 1 0; fi
}

# run_name SUITE@FLAVOUR: what it is called, in its files too.
run_name() {
    case $1 in
        guest@*) echo "${1#guest@}" ;;
        work@stock) echo work ;;
        *) echo "${1%@*}-${1#*@}" ;;
    esac
}

# guest_parts SUITE@FLAVOUR: a line for each guest that shares the suite there, 1/2 and 2/2; 1/1 where only some files are asked for.
guest_parts() {
    local parts=1 part
    flavour "${1#*@}"
    case $1 in guest@*) [ -n "${TESTS:-}$suite_tests" ] || parts=$(wc -w <<<"$suite_guests") ;; esac
    for part in $(seq "$parts"); do echo "$part/$parts"; done
}

# guest_log SUITE@FLAVOUR PART: where a guest's files are, in build/.
guest_log() {
    local name
    name=$(run_name "$1")
    case $2 in 1/1) echo "log/suite-$name" ;; *) echo "log/suite-$name-${2%/*}" ;; esac
}

# guest_suite SUITE@FLAVOUR PART: the guest's suite, or a part of it, in one guest; it is told of once it is over.
guest_suite() {
    local log rc=0 start=$SECONDS words=${TESTS:-} options=() cpus
    log=$BUILD/$(guest_log "$@")
    flavour "${1#*@}"
    case $1 in
        # Its clock counts instructions.
        work@*) options=(--icount --memory 2048) words=${words:-test_work} ;;
        guest@*)
            options=(${suite_memory:+--memory "$suite_memory"}) words=${words:-$suite_tests}
            cpus=$(cut -d' ' -f"${2%/*}" <<<"$suite_guests")
            [ "$machine" != qemu ] || options+=(--cpus "$cpus")
            ;;
    esac
    rm -f "$log.end"
    "$LAB/vm" --on "$kind" "${options[@]}" --timeout "${SUITE_TIME:-$suite_time}" \
        "python3 -B tests/guest/suite --json ${words:---part $2}" >"$log.jsonl" 2>"$log.log" || rc=$?
    echo "$rc $((SECONDS - start))" >"$log.end"
}

# tell_suite SUITE@FLAVOUR: what has come of it.
tell_suite() {
    local name part log rc seconds
    name=$(run_name "$1")
    say "==> $name: the suite in the guest"
    for part in $(guest_parts "$1"); do
        log=$(guest_log "$1" "$part")
        # Without it the run of the guest was ended itself.
        read -r rc seconds 2>/dev/null <"$BUILD/$log.end" || rc=1 seconds='?'
        read_results suite "$name" "build/$log.jsonl" "build/$log.log" "$rc"
        say "    $seconds s, log: $BUILD/$log.log"
        count ${told[0]}
    done
}

# What was asked for, in `runs`: host, guest@FLAVOUR, work@FLAVOUR.
read_words() {
    local word
    runs=()
    [ $# -gt 0 ] || set -- host uml stock work
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
            host) runs+=(host) ;;
            guest|work)
                [ "${1:-}" = --on ] || set -- --on stock "$@"
                while [ "${1:-}" = --on ]; do
                    flavour "${2:?}"
                    runs+=("$word@$kind")
                    shift 2
                done
                ;;
            *)
                [ -e "$LAB/flavours/$word/flavour" ] ||
                    die "usage: run [host|guest|work|bench|beside|stacks [--on FLAVOUR]...]...; FLAVOUR: $(flavours)"
                runs+=("guest@$word")
                ;;
        esac
    done
    [ "$(printf '%s\n' "${runs[@]}" | sort | uniq -d)" = "" ] || die "the same twice: ${runs[*]}"
}

counted() {
    local one part kinds=() together=() apart=() guests host=
    read_words "$@"
    only_one "$BUILD/.tests"
    for one in "${runs[@]}"; do
        case $one in
            host) host=yes; kinds+=(stock) ;;
            *)
                flavour "${one#*@}"
                kinds+=("$kind")
                if [ -n "$alone" ]; then apart+=("$one"); else together+=("$one"); fi
                ;;
        esac
    done
    "$LAB/build" $(printf '%s\n' "${kinds[@]}" | sort -u)
    # The suite says what it leaves out where they cannot be had.
    case " ${runs[*]} " in *" guest@"*) ( "$LAB/iptables-tests" ) || true; "$LAB/ynl" ;; esac
    for one in "${apart[@]}"; do
        [ ! -e "$LAB/flavours/${one#*@}/faults" ] || detectors "${one#*@}"
    done
    # Before the guests, whose tests know of time, and so do some of these.
    [ -z "$host" ] || { cargo_tests; "$LAB/crates" keep || say "    what cargo built is not kept for other checkouts"; host_scripts; }
    guests=("${together[@]}" "${apart[@]}")
    [ ${#guests[@]} = 0 ] || say "==> the suite in the guest:$(for one in "${guests[@]}"; do printf ' %s' "$(run_name "$one")"; done)"
    for one in "${together[@]}"; do
        for part in $(guest_parts "$one"); do guest_suite "$one" "$part" & done
    done
    wait
    # What KCSAN sees depends on the time that it gets.
    for one in "${apart[@]}"; do
        for part in $(guest_parts "$one"); do guest_suite "$one" "$part" & done
        wait
    done
    for one in "${guests[@]}"; do tell_suite "$one"; done
    [ ${#broken[@]} = 0 ] || { echo; printf 'failed: %s\n' "${broken[@]}"; }
    printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" = 0 ]
}
