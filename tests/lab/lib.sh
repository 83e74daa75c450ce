# SPDX-License-Identifier: GPL-2.0-only
# What every script of the lab shares: where things are, how a step is run, told and locked.
# Sourced by bash, with `set -eu` in force.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=$REPO/tests/lab
CACHE=${TLSCONN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tlsconn}
# Debian's release of the build root (DEBIAN=forky: the next one, with compilers, tools and builds of its own), the suite
# that its kernels come from, and the gcc that they are built with.
SUITE=${DEBIAN:-trixie}
case $SUITE in
    trixie) KERNEL_SUITE=trixie-backports GCC=14 BUILD=$REPO/build ;;
    forky) KERNEL_SUITE=forky GCC=16 BUILD=$REPO/build/forky ;;
    *) echo "error: DEBIAN is trixie or forky, not '$SUITE'" >&2; exit 1 ;;
esac
# debian_arch NAME: Debian's name of an architecture that tlsconn is for. NAME may be the kernel's: that of `uname -m`, or of ARCH
# for the kernel's own build system, which many have in their environment.
debian_arch() {
    case $1 in
        amd64|x86_64|x86) echo amd64 ;;
        arm64|aarch64) echo arm64 ;;
        *) return 1 ;;
    esac
}
# What this machine is, and what is built for (ARCH=arm64; default: this machine, or what FLAVOUR says).
HOST_ARCH=$(debian_arch "$(uname -m)") ||
    { echo "error: tlsconn is built on x86-64 and arm64 (64 bits, little-endian), not on $(uname -m)" >&2; exit 1; }
case ${FLAVOUR:-} in *arm64*) ARCH=${ARCH:-arm64} ;; *amd64*) ARCH=${ARCH:-amd64} ;; *) ARCH=${ARCH:-$HOST_ARCH} ;; esac
debian_arch "$ARCH" >/dev/null ||
    { echo "error: ARCH is amd64 (or x86_64, x86) or arm64 (or aarch64), not '$ARCH'" >&2; exit 1; }
ARCH=$(debian_arch "$ARCH")
# What else has a name for it: GNU and Rust.
case $ARCH in amd64) GNU=x86_64-linux-gnu ;; arm64) GNU=aarch64-linux-gnu ;; esac
RUST_TARGET=${GNU%-linux-gnu}-unknown-linux-gnu
FLAVOUR=${FLAVOUR:-cloud-$ARCH}
case $FLAVOUR in *$ARCH*) ;; *) echo "error: FLAVOUR=$FLAVOUR is not one of $ARCH's" >&2; exit 1 ;; esac
# Not empty where this machine does not run what it builds. Such builds have a folder of their own.
CROSS=
if [ "$ARCH" != "$HOST_ARCH" ]; then
    [ "$ARCH" = arm64 ] || { echo "error: on $HOST_ARCH nothing is built for $ARCH" >&2; exit 1; }
    CROSS=$ARCH BUILD=$BUILD/$ARCH
fi
JOBS=$(nproc)
# How this machine reaches the outside, if not directly.
PROXIES=http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# Runs this script again as root, where it is not.
as_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || die "root is needed (chroot and mounts), and there is no sudo: run this as root"
    # The folder above the cache stays its user's.
    mkdir -p "$CACHE" || die "cannot make the cache $CACHE"
    local kept=ARCH,CI,DEBIAN,FLAVOUR,KERNEL,DEBEMAIL,DEBFULLNAME,FUZZ_SECONDS,FUZZ_TARGETS,NO_COLOR,SOURCE_DATE_EPOCH,STACKS_TIME
    kept=$kept,SUITE_TIME,TERM,TESTS,TLSCONN_ACCEL,TLSCONN_CORPUS,TLSCONN_EVERYWHERE,TLSCONN_FULL,TLSCONN_ROOT,GUEST_COMMAND,DESTDIR,PREFIX,KVER
    exec sudo --preserve-env="$kept,XTABLES_DIR,$PROXIES" TLSCONN_CACHE="$CACHE" -- "$0" "$@"
}

# step NAME WHAT COMMAND...: runs a long command with its output in a log, tells every half minute that it lives,
# says how long it took, and when it fails says why as far as the log tells.
step() {
    local name=$1 what=$2 log start rc=0 pid beat=0
    shift 2
    mkdir -p "$CACHE/log" || die "step '$name': cannot write to $CACHE"
    log=$CACHE/log/$name.$$.log
    start=$SECONDS
    say "==> $name: $what"
    # errexit holds in there, unless this is called where a failure is caught (`if`, `||`): bash ignores it then.
    ( set -e; "$@" ) >"$log" 2>&1 </dev/null &
    pid=$!
    trap "kill_tree $pid; exit 143" TERM HUP
    while kill -0 $pid 2>/dev/null; do
        sleep 0.2
        beat=$((beat + 1))
        if [ $((beat % 150)) = 0 ]; then
            say "    … $name, $((SECONDS - start)) s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
        fi
    done
    wait $pid || rc=$?
    trap - TERM HUP
    if [ $rc != 0 ]; then
        tail -n 15 "$log" | sed 's/^/    | /' >&2
        local why="it ended with status $rc" told
        if grep -qiE 'no space left on device|enough free space|disk quota exceeded' "$log" || disk_is_full; then
            why="the disk is full ($(df -h --output=avail "$CACHE" | tail -n 1 | tr -d ' ') free at $CACHE): make room"
        elif grep -qiE 'failed to fetch|could not resolve|unable to connect|connection (refused|timed out)|failed to download|network is unreachable|could not connect' "$log"; then
            why="a download failed: see that this machine reaches its Debian mirror and the crate registry"
        else
            # What the step itself says of it, if it does; more of the same would not help then.
            told=$(sed -n 's/^error: //p' "$log" | tail -n 1)
            [ -z "$told" ] || die "step '$name' failed after $((SECONDS - start)) s: $told (log: $log)"
        fi
        die "step '$name' failed after $((SECONDS - start)) s: $why; then run it again, what is done is kept (log: $log)"
    fi
    rm -f "$log"
    say "    $name: done in $((SECONDS - start)) s"
}

# Less than 64 MiB are left where the cache is. A log on a full disk does not tell.
disk_is_full() { [ "$(df --output=avail "$CACHE" | tail -n 1)" -lt 65536 ]; }

# Ends a process and all that it has started.
kill_tree() {
    local child
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do kill_tree "$child"; done
    kill "$1" 2>/dev/null || true
}

# Removes from the cache what was made of that kind and not used for a month.
prune() { find "$CACHE" -maxdepth 1 -name "$1*" -mtime +30 -exec rm -rf --one-file-system {} +; }

# locked NAME COMMAND...: one run at a time makes a thing in the cache; the others wait for it and find it there.
locked() {
    local name=$1
    shift
    mkdir -p "$CACHE/lock" 2>/dev/null || die "cannot write to the cache $CACHE: no room, or not ours"
    (
        if ! flock -n 9; then
            say "    waiting: another run is making '$name'"
            flock 9
        fi
        "$@"
    ) 9>"$CACHE/lock/$name"
}

# The guests' kernels: a folder each.
flavours() { (cd "$LAB/flavours" && printf '%s ' *); }

# flavour NAME: what tests/lab/flavours/NAME/flavour says of that guest's kernel, in these variables.
flavour() {
    [ -e "$LAB/flavours/$1/flavour" ] || die "no guest's kernel is called '$1': $(flavours)"
    kind=$1
    # qemu, or uml: an executable, User Mode Linux. How much memory a guest has, in MiB, and what its kernel is told at boot.
    machine= memory=1024 boot=
    # A kernel that make-kernel builds: the flavours whose files `config` it has, the compiler (gcc or clang), and about
    # how long that takes on two idle cores. Without configs it is Debian's.
    configs= compiler=gcc minutes=
    # The guest's suite there: memory, seconds that it may take, files ('': all), the guests that share it, each by its number of
    # processors, and whether no other flavour's guest runs meanwhile.
    suite_memory= suite_time=4000 suite_tests= suite_guests=2 alone=
    . "$LAB/flavours/$kind/flavour"
    case $machine in qemu|uml) ;; *) die "tests/lab/flavours/$kind/flavour: machine is qemu or uml" ;; esac
}

# The folder of that kernel in the cache; made where it is not there.
flavour_kernel() {
    [ -n "$configs" ] || { "$LAB/kernel"; return; }
    [ "$ARCH" = amd64 ] || die "the kernel '$kind' is made for amd64 only"
    "$LAB/make-kernel" "$kind"
}

# kernel_options FOLDER: what the kernel's own build system is told when it builds a module for that kernel (a folder of the cache).
kernel_options() {
    local config=$1/build/.config
    echo "KERNELRELEASE=$(cat "$1/release")"
    [ -z "$CROSS" ] || echo "ARCH=$CROSS CROSS_COMPILE=$GNU-"
    # The compiler that the kernel was built with: another one makes modules that it refuses.
    if grep -qx CONFIG_CC_IS_CLANG=y "$config"; then
        echo LLVM=1
    else
        sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/CC=\1/p' "$config"
    fi
}

# What a thing was made from, as a short key.
key_of() { sha256sum | cut -c1-12; }
