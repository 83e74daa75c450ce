# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What there is to build the module with for the kernel RELEASE, on whatever distribution, and what is missing. Sourced by
# packaging/install, after tests/lab/lib.sh.

MODULES=/lib/modules/$RELEASE
tree=$MODULES/build
OS_RELEASE=/etc/os-release

# An option of the kernel's configuration, wherever it is to be found; "?" where it is nowhere.
config() {
    local file
    for file in "$tree/.config" "/boot/config-$RELEASE" "$MODULES/config"; do
        [ -r "$file" ] || continue
        sed -n "s/^$1=//p" "$file" | tr -d '"'
        return
    done
    if [ "$RELEASE" = "$(uname -r)" ] && [ -r /proc/config.gz ]; then
        zcat /proc/config.gz | sed -n "s/^$1=//p" | tr -d '"'
        return
    fi
    echo "?"
}

# Debian's kernels are told by their names: their metadata can be made again on any distribution.
debian_kernel() { case $RELEASE in *+deb*-*) return 0 ;; *) return 1 ;; esac; }

# Where the metadata of the kernel's crates and its proc macros are; nothing where they are not. The second is Ubuntu's, whose
# headers have a link to it, which in some of its kernels leads nowhere.
metadata() {
    local folder
    for folder in "$tree/rust" "/usr/src/linux-lib-rust-$RELEASE/rust"; do
        if [ -e "$folder/libkernel.rmeta" ] && [ -e "$folder/libmacros.so" ]; then
            echo "$folder"
            return
        fi
    done
}

# This machine's distribution, or one that it is like: a column of packaging/distributions. Nothing where it has none.
distribution() {
    local name
    [ -r $OS_RELEASE ] || return 0
    # shellcheck disable=SC1090
    for name in $(. $OS_RELEASE && echo "${ID:-} ${ID_LIKE:-}"); do
        # openSUSE's editions have an ID each.
        case $name in
            opensuse*|suse) name=opensuse ;;
            debian|ubuntu|arch|fedora) ;;
            *) continue ;;
        esac
        echo "$name"
        return
    done
}

# installs PACKAGE...: the distribution's command for that.
installs() {
    case $(distribution) in
        debian|ubuntu) echo "apt-get install $*" ;;
        arch) echo "pacman -S $*" ;;
        fedora) echo "dnf install $*" ;;
        opensuse) echo "zypper install $*" ;;
    esac
}

# 1.85 of the rustc with which the kernel was built, from 108501.
rustc_series() {
    local rustc
    rustc=$(config CONFIG_RUSTC_VERSION)
    [ -z "${rustc//[0-9]/}" ] && [ -n "$rustc" ] || return 0
    echo "$((rustc / 100000)).$((rustc / 100 % 1000))"
}

# brings NEED: the package of this distribution that brings it, by packaging/distributions; nothing where none is known.
brings() {
    local who name variant='' version=$RELEASE base=linux cc
    who=$(distribution)
    name=$(awk -v need="$1" -v who="$who" '/^#/ { next } $1 == "need" { for (i = 2; i <= NF; i++) if ($i == who) column = i }
        column && $1 == need { print $column }' "$REPO/packaging/distributions")
    [ "$name" != - ] || return 0
    case $who in
        arch) [ ! -r "$MODULES/pkgbase" ] || base=$(cat "$MODULES/pkgbase") ;;
        fedora) case $RELEASE in *+*) variant=${RELEASE#*+}- version=${RELEASE%%+*} ;; esac ;;
        opensuse) variant=${RELEASE##*-} version=${RELEASE%-*} ;;
    esac
    cc=$(compiler)
    sed "s|@ARCH@|$ARCH|; s|@RELEASE@|$RELEASE|; s|@VARIANT@|$variant|; s|@VERSION@|$version|; s|@BASE@|$base|
        s|@RUSTC@|$(rustc_series)|; s|@CC@|${cc##*-linux-gnu-}|" <<<"$name"
}

# The C compiler that the kernel was built with. Clang's text may begin with the distribution's name.
compiler() {
    if [ "$(config CONFIG_CC_IS_CLANG)" = y ]; then echo clang; else config CONFIG_CC_VERSION_TEXT | cut -d' ' -f1; fi
}

# lacks NEED WORDS: that is missing. Told once all is known.
missing='' packages=()
lacks() {
    local package
    package=$(brings "$1")
    missing=${missing:+$missing; }$2
    [ -z "$package" ] || case " ${packages[*]} " in *" $package "*) ;; *) packages+=("$package") ;; esac
}
tell_missing() {
    [ -n "$missing" ] || return 0
    [ ${#packages[@]} -gt 0 ] || die "missing for kernel $RELEASE: $missing. Install what brings it, and run this again"
    die "missing for kernel $RELEASE: $missing. Try: $(installs "${packages[@]}")"
}

# Where there are kernels that will do.
newer() {
    case $(distribution) in
        debian)
            echo "Debian's are from 7.2 on: with trixie-backports among apt's sources (docs/packages.md says how)," \
                "apt-get install -t trixie-backports $(brings kernel), boot it, and run this again"
            ;;
        "") echo "boot one, and run this again (docs/kernels.md)" ;;
        *) echo "if this distribution has one: $(installs "$(brings kernel)"), boot it, and run this again (docs/kernels.md)" ;;
    esac
}

# By the release's name, if it is Debian's, and by its configuration, as far as that is to be found.
check_architecture() {
    local option
    ! debian_kernel || case $RELEASE in
        *$ARCH*) ;;
        *) die "kernel $RELEASE is not one for $ARCH: run this on a machine that it is for" ;;
    esac
    [ "$(config CONFIG_RUST)" != "?" ] || return 0
    case $ARCH in amd64) option=CONFIG_X86_64 ;; arm64) option=CONFIG_ARM64 ;; esac
    [ "$(config CONFIG_64BIT)" = y ] ||
        die "kernel $RELEASE is a 32-bit kernel: tlsconn needs a 64-bit one, of x86-64 or arm64; boot one, and run this again"
    [ "$(config CONFIG_CPU_BIG_ENDIAN)" != y ] ||
        die "kernel $RELEASE is big-endian: tlsconn needs a little-endian kernel, of x86-64 or arm64; boot one, and run this again"
    [ "$(config $option)" = y ] || die "kernel $RELEASE is not one for $ARCH: run this on a machine that it is for"
}

# The kernel is one that the module can be built for at all.
check_kernel() {
    # The first kernel that has what the module is built on.
    [ "$(printf '%s\n' 7.2 "${RELEASE%%[-+]*}" | sort -V | head -n 1)" = 7.2 ] ||
        die "kernel $RELEASE is too old: tlsconn needs 7.2 or newer, built with Rust; $(newer)"
    check_architecture
    case $(config CONFIG_RUST) in
        y) ;;
        \?)
            debian_kernel || { lacks headers "its headers ($tree), and with them its configuration"; tell_missing; }
            ;;
        *) die "kernel $RELEASE was built without CONFIG_RUST: tlsconn needs 7.2 or newer, built with Rust; $(newer)" ;;
    esac
    [ -d "$MODULES" ] || [ -n "$DESTDIR" ] ||
        die "there is no $MODULES: kernel $RELEASE is not installed here. Boot the new one if it was just updated; KVER=RELEASE chooses another"
}

# What the module is built against.
check_metadata() {
    local machine
    if [ -z "$(metadata)" ]; then
        [ -e "$tree/Makefile" ] || lacks headers "its headers ($tree)"
        if [ -n "$(brings metadata)" ]; then
            lacks metadata "its Rust metadata ($tree/rust/libkernel.rmeta, libmacros.so)"
        elif [ -z "$missing" ]; then
            die "the headers of kernel $RELEASE come without its Rust metadata ($tree/rust/libkernel.rmeta, libmacros.so), and no" \
                "package is known to bring it: make it from the kernel's own source (packaging/kernel-devel SOURCE $tree $RELEASE OUT), and link $tree to OUT"
        fi
        return
    fi
    # Proc macros are programs: those that another architecture's compilers made are of no use here.
    case $HOST_ARCH in amd64) machine=62 ;; arm64) machine=183 ;; esac
    [ "$(od -An -tu2 --endian=little -j18 -N2 "$(metadata)/libmacros.so" | tr -d ' ')" = $machine ] ||
        die "the Rust metadata of kernel $RELEASE ($(metadata)) was made on another architecture, whose programs do not run here:" \
            "install it for $HOST_ARCH, or make it here with packaging/kernel-devel"
    [ -z "$CROSS" ] || die "the module for kernel $RELEASE is built on a machine of $CROSS, where its headers and their metadata are"
}

# The compilers are part of the symbols' names, and of the metadata: they have to be those that the kernel was built with. Sets
# RUSTC and BINDGEN.
check_compilers() {
    local text name cc series
    text=$(config CONFIG_RUSTC_VERSION_TEXT)
    series=$(rustc_series)
    RUSTC=
    for name in rustc "rustc-$series"; do
        if [ -z "$RUSTC" ] && [ -n "$text" ] && [ "$("$name" --version 2>/dev/null)" = "$text" ]; then RUSTC=$name; fi
    done
    if [ -z "$RUSTC" ]; then
        text="'$text', with which it was built"
        case $(brings rustc) in
            rust|rustc)
                # The package is there already, in another version.
                ! command -v rustc >/dev/null || {
                    missing="${missing:+$missing; }$text (here: $(rustc --version): update rustc, or the kernel, until both are of one build)"
                    RUSTC=rustc
                }
                ;;
        esac
        [ -n "$RUSTC" ] || lacks rustc "$text (here: $(rustc --version 2>/dev/null || echo none))"
    fi
    cc=$(compiler)
    command -v "$cc" >/dev/null || lacks cc "$cc, with which it was built"
    if [ "$(config CONFIG_CC_IS_CLANG)" = y ]; then
        command -v ld.lld >/dev/null || lacks lld lld
        command -v llvm-nm >/dev/null || lacks llvm "LLVM's tools"
    fi
    BINDGEN=bindgen
    command -v bindgen >/dev/null || BINDGEN=bindgen-$(config CONFIG_BINDGEN_VERSION_TEXT | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    if ! command -v "$BINDGEN" >/dev/null; then
        lacks bindgen bindgen
    # It looks for libclang when it reads its first header, and panics without it.
    elif ! "$BINDGEN" "$REPO/kmod/uapi/xt_tlsconn.h" >/dev/null 2>&1; then
        lacks libclang "libclang, without which bindgen cannot read C headers"
    fi
}

# Extension and tool are built in a root with Debian's compilers where there is apt-get, which such a root is made with; elsewhere
# with what this machine has.
in_root() { command -v apt-get >/dev/null; }

# What the extension and the tool need. The first says too where iptables looks for extensions.
check_user_space() {
    in_root || command -v cargo >/dev/null || lacks cargo cargo
    [ -z "${XTABLES_DIR:-}" ] || ! in_root || return 0
    if ! command -v pkg-config >/dev/null; then
        lacks pkg-config pkg-config
        lacks xtables "iptables' development files"
    elif ! pkg-config --exists xtables; then
        lacks xtables "iptables' development files"
    fi
}

check() {
    check_kernel
    if [ -n "$(metadata)" ] || ! debian_kernel; then
        check_metadata
        check_compilers
    fi
    check_user_space
    tell_missing
}
