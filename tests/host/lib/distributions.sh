# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Run in the build root by tests/host/distributions; KERNEL_DIR is the stock kernel in the cache.
#   distributions.sh                     all cases
#   distributions.sh FUNCTION WORD...    one, in a mount namespace of its own, with /usr, /boot and /etc/os-release as it likes
set -eu

die() { echo "error: $*" >&2; exit 1; }
TO=/tmp/to
here=$(gcc -dumpmachine)

# tree FOLDER COMPILER: a kernel's headers, the real ones, as a kernel of another name has them. `rust` has what Rust modules are
# built with and nothing else, as Arch's and Ubuntu's packages have it.
tree() {
    mkdir -p "$1/rust"
    for file in arch include kernel scripts source tools Module.symvers; do ln -s "$KERNEL_DIR/build/$file" "$1/"; done
    sed "s|^export KBUILD_OUTPUT = .*|export KBUILD_OUTPUT = $1|" "$KERNEL_DIR/build/Makefile" >"$1/Makefile"
    sed "s|^CONFIG_CC_VERSION_TEXT=\"[^ ]*|CONFIG_CC_VERSION_TEXT=\"$2|" "$KERNEL_DIR/build/.config" >"$1/.config"
    ln -s "$KERNEL_DIR"/build/rust/*.{rmeta,so} "$1/rust/"
}
# os_release ID ID_LIKE
os_release() { printf 'NAME="x y"\nID=%s\nID_LIKE="%s"\n' "$1" "$2" >/usr/lib/os-release; }
without_apt() { rm /usr/bin/apt-get; }

# The layouts: as the packages of the kernel, of its headers, and of the compilers leave a machine. R is the release, T the tree.
# A comment names where that was read.
modules() { mkdir -p "/usr/lib/modules/$R"; }
layout() {
    case $1 in
        debian) # linux-headers, and linux-rust-metadata as `make kernel-devel` makes it
            R=7.3.4+deb13-cloud-amd64 T=/usr/src/linux-headers-$R
            modules; tree "$T" "$here-gcc-14"; ln -s "$T" "/usr/lib/modules/$R/build"; cp "$T/.config" "/boot/config-$R"
            ;;
        ubuntu) # debian/rules.d/2-binary-arch.mk
            R=7.3.0-14-generic T=/usr/src/linux-headers-$R
            modules; tree "$T" "$here-gcc-14"; ln -s "$T" "/usr/lib/modules/$R/build"; cp "$T/.config" "/boot/config-$R"
            mkdir "/usr/src/linux-lib-rust-$R"; mv "$T/rust" "/usr/src/linux-lib-rust-$R/"
            ln -s "/usr/src/linux-lib-rust-$R/rust" "$T/rust"
            os_release ubuntu debian
            ;;
        ubuntu-hwe) # likewise, as its newer kernels for an older release are: the link leads nowhere, compilers have versions
            layout ubuntu
            ln -sfn "/usr/src/linux-hwe-7.3-lib-rust-$R/rust" "$T/rust"
            mv /usr/bin/rustc /usr/bin/rustc-1.85; mv /usr/bin/bindgen /usr/bin/bindgen-0.71
            ;;
        arch) # PKGBUILD of linux
            R=7.3.4-arch1-1 T=/usr/lib/modules/$R/build
            modules; tree "$T" gcc; echo linux >"/usr/lib/modules/$R/pkgbase"
            os_release arch ''; without_apt
            ;;
        arch-lts) # likewise
            R=7.3.4-1-lts T=/usr/lib/modules/$R/build
            modules; tree "$T" gcc; echo linux-lts >"/usr/lib/modules/$R/pkgbase"
            os_release cachyos arch; without_apt
            ;;
        fedora) # kernel.spec
            R=7.3.4-200.fc44.x86_64 T=/usr/src/kernels/$R
            modules; tree "$T" gcc; ln -s "$T" "/usr/lib/modules/$R/build"; cp "$T/.config" "/usr/lib/modules/$R/config"
            os_release fedora ''; without_apt
            ;;
        fedora-rt) # likewise
            layout fedora
            mv "/usr/lib/modules/$R" "/usr/lib/modules/$R+rt"; R=$R+rt
            ;;
        opensuse) # rpm/kernel-binary.spec.in
            R=7.3.4-1-default T=/usr/src/linux-7.3.4-1-obj/x86_64/default
            modules; tree "$T" gcc; ln -s "$T" "/usr/lib/modules/$R/build"; cp "$T/.config" "/boot/config-$R"
            os_release opensuse-tumbleweed "opensuse suse"; without_apt
            ;;
        other) # a distribution that nothing is known of
            R=7.3.4 T=/usr/src/linux
            modules; tree "$T" gcc; ln -s "$T" "/usr/lib/modules/$R/build"; cp "$T/.config" "/boot/config-$R"
            os_release other ''; without_apt
            ;;
    esac
}

# without THING: that is not there.
without() {
    case $1 in
        headers) rm -rf "$T" "/usr/src/linux-lib-rust-$R" ;;
        metadata) rm -rf "$T/rust" "/usr/src/linux-lib-rust-$R" ;;
        rustc) rm -f /usr/bin/rustc /usr/bin/rustc-1.85 ;;
        cc) rm -f "/usr/bin/gcc" "/usr/bin/$here-gcc-14" /usr/bin/gcc-14 ;;
        bindgen) rm -f /usr/bin/bindgen /usr/bin/bindgen-0.71 ;;
        libclang) rm -f /usr/lib/*-linux-gnu/libclang-*.so* /usr/lib/*-linux-gnu/libclang.so* /usr/lib/llvm-*/lib/libclang*.so* ;;
        pkg-config) rm -f /usr/bin/pkg-config /usr/bin/pkgconf ;;
        xtables) rm -f /usr/lib/*-linux-gnu/pkgconfig/xtables.pc ;;
        cargo) rm -f /usr/bin/cargo ;;
        everything) for thing in headers metadata rustc cc bindgen libclang pkg-config xtables cargo; do without $thing; done ;;
    esac
}

# with SED: the kernel is configured otherwise.
with() {
    for file in "$T/.config" "/boot/config-$R" "/usr/lib/modules/$R/config"; do [ ! -e "$file" ] || sed -i "$1" "$file"; done
}

# ends LAYOUT COMMAND WORDS...: such a machine, and what is not as it should be there (COMMAND); make install there ends with a
# line that has these words (and none after a last one that ends with $), and has neither built nor installed anything.
ends() {
    local layout=$1 command=$2 said words
    shift 2
    layout "$layout"
    eval "$command"
    if said=$(DESTDIR=$TO KVER=$R packaging/install 2>&1); then die "$layout, $command: installed: $said"; fi
    for words in "$@"; do
        grep -qF -- "$words" <<<"${said##*$'\n'}\$" || die "$layout, $command: does not say '$words': $said"
    done
    ! grep -q building <<<"$said" || die "$layout, $command: builds something: $said"
    [ ! -e $TO ] || die "$layout, $command: half installed: $(find $TO)"
}

# builds LAYOUT [COMMAND]: all is there. The kernel's build system does not know Debian's name of the architecture.
builds() {
    layout "$1"
    eval "${2:-}"
    ARCH=amd64 DESTDIR=$TO KVER=$R packaging/install >/tmp/said 2>&1 || die "$1: $(cat /tmp/said)"
    for file in "lib/modules/$R/updates/xt_tlsconn.ko" usr/local/sbin/tlsconnctl usr/local/share/man/man8/tlsconnctl-pin.8 \
        "$(pkg-config --variable=xtlibdir xtables | cut -c2-)/libxt_tlsconn.so"; do
        [ -s "$TO/$file" ] || die "$1: no $file: $(find $TO -type f)"
    done
    rm -rf "build/kmod-$R"
}

# on FUNCTION WORD...: that, on a machine of its own.
on() { unshare --mount bash "$0" "$@" </dev/null; }
if [ $# -gt 0 ]; then
    mount -t tmpfs tmp /tmp
    mkdir /tmp/up /tmp/work
    mount -t overlay overlay -o lowerdir=/usr,upperdir=/tmp/up,workdir=/tmp/work /usr
    mount -t tmpfs boot /boot
    "$@"
    exit
fi

# listed DISTRIBUTION THING: what packaging/distributions has there, for the kernels above.
listed() {
    awk -v who="$1" -v need="$2" '$1 == "need" { for (i = 2; i <= NF; i++) if ($i == who) column = i } $1 == need { print $column }' \
        packaging/distributions | sed "s/@RUSTC@/1.85/; s/@CC@/$3/"
}

# Each thing alone: its package is named, and no other.
while read -r layout distribution command cc things; do
    for thing in $things; do
        packages=$(listed "$distribution" "$thing" "$cc")
        # What cannot be asked is missing too.
        [ "$thing" != pkg-config ] || packages="$packages $(listed "$distribution" xtables "$cc")"
        on ends "$layout" "without $thing" ". Try: ${command//_/ } $packages\$"
    done
done <<'TABLE'
debian     debian   apt-get_install gcc-14 rustc cc bindgen libclang pkg-config xtables
ubuntu     ubuntu   apt-get_install gcc-14 rustc cc bindgen libclang pkg-config xtables
ubuntu-hwe ubuntu   apt-get_install gcc-14 rustc cc bindgen
arch       arch     pacman_-S       gcc    rustc cc bindgen libclang pkg-config xtables cargo
arch-lts   arch     pacman_-S       gcc    rustc
fedora     fedora   dnf_install     gcc    rustc cc bindgen libclang pkg-config xtables cargo
opensuse   opensuse zypper_install  gcc    rustc cc bindgen libclang pkg-config xtables cargo
TABLE

# Nothing but the kernel itself: all packages in one command, as far as the kernel's configuration is there.
on ends ubuntu "without everything" ". Try: apt-get install linux-headers-7.3.0-14-generic linux-lib-rust-7.3.0-14-generic rustc-1.85 \
gcc-14 bindgen pkg-config libxtables-dev\$"
on ends arch "without everything" "its configuration. Try: pacman -S linux-headers\$"
on ends arch-lts "without everything" "its configuration. Try: pacman -S linux-lts-headers\$"
on ends fedora "without everything" \
    ". Try: dnf install kernel-devel-7.3.4-200.fc44.x86_64 rust gcc bindgen-cli cargo pkgconf-pkg-config iptables-devel\$"
on ends fedora-rt "without headers" ". Try: dnf install kernel-rt-devel-7.3.4-200.fc44.x86_64\$"
on ends opensuse "without everything" \
    ". Try: zypper install kernel-default-devel=7.3.4-1 rust gcc rust-bindgen cargo pkgconf-pkg-config libxtables-devel\$"
on ends other "without everything" "its headers" "rustc 1.85" "cargo" "pkg-config" ". Install what brings it, and run this again\$"

# Headers without the metadata: a package where one is known, else how to make it.
on ends ubuntu "without metadata" ". Try: apt-get install linux-lib-rust-7.3.0-14-generic\$"
on ends arch "without metadata" ". Try: pacman -S linux-headers\$"
for layout in fedora opensuse other; do on ends $layout "without metadata" "Rust metadata" "packaging/kernel-devel"; done

# Metadata that this machine's compilers did not make, or cannot run.
on ends fedora "with 's/^CONFIG_RUSTC_VERSION_TEXT=.*/CONFIG_RUSTC_VERSION_TEXT=\"rustc 1.85.1 (Fedora 1.85.1-1.fc44)\"/'" \
    "'rustc 1.85.1 (Fedora 1.85.1-1.fc44)', with which it was built (here: rustc 1.85.1 (" \
    "until both are of one build). Install what brings it, and run this again\$"
on ends fedora "rm /usr/bin/clang
    with 's/^CONFIG_CC_VERSION_TEXT=.*/CONFIG_CC_VERSION_TEXT=\"Fedora clang version 21.1.0\"\nCONFIG_CC_IS_CLANG=y/'" \
    "missing for kernel 7.3.4-200.fc44.x86_64: clang, with which it was built" ". Try: dnf install clang\$"
on ends arch "cp --remove-destination $KERNEL_DIR/build/rust/libmacros.so \"\$T/rust/\"
    printf '\\267' | dd of=\"\$T/rust/libmacros.so\" bs=1 seek=18 conv=notrunc status=none" "made on another architecture"

# Kernels that the module cannot be built for, whosever they are; and where there are others.
while read -r layout words; do
    on ends "$layout" "with /^CONFIG_RUST=/d" "was built without CONFIG_RUST" "$words"
    on ends "$layout" "mv /usr/lib/modules/\$R /usr/lib/modules/7.1.9; R=7.1.9" "7.1.9 is too old: tlsconn needs 7.2" "$words"
done <<'TABLE'
debian   apt-get install -t trixie-backports linux-image-amd64, boot it
ubuntu   apt-get install linux-image-generic, boot it
arch     pacman -S linux, boot it
fedora   dnf install kernel, boot it
opensuse zypper install kernel-default, boot it
other    boot one
TABLE
on ends fedora "with s/^CONFIG_64BIT=y/CONFIG_X86_32=y/" "is a 32-bit kernel" "64-bit one"
on ends fedora "with 's/^CONFIG_X86_64=y/CONFIG_ARM64=y/; s/^CONFIG_64BIT=y/&\nCONFIG_CPU_BIG_ENDIAN=y/'" "is big-endian" "little-endian kernel"
on ends fedora "with s/^CONFIG_X86_64=y/CONFIG_ARM64=y/" "is not one for amd64: run this on a machine that it is for"

# Where all is there it builds, by what this machine has.
on builds arch
# No root is made within a root, so the rest is built by the machine's own cargo there too.
[ -z "${TLSCONN_FULL:-}" ] || on builds ubuntu-hwe "without_apt; export RUSTC=rustc-1.85"
