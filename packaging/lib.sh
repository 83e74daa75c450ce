# SPDX-License-Identifier: GPL-2.0-only
# What the makers of Debian packages share. Sourced by bash, after tests/lab/lib.sh.

VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' "$REPO/Cargo.toml")
MAINTAINER="${DEBFULLNAME:-The tlsconn developers} <${DEBEMAIL:-tlsconn@example.org}>"
# Of the sources: the same sources make the same packages.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$REPO" log -1 --format=%ct 2>/dev/null || date +%s)}
PACKAGES=$BUILD/deb
YEAR=$(date -ud "@$SOURCE_DATE_EPOCH" +%Y)
export VERSION SOURCE_DATE_EPOCH

# The releases that packages are made for, if none are named: the newest of each flavour.
newest_releases() {
    local flavour
    for flavour in cloud-$ARCH $ARCH; do cat "$(FLAVOUR=$flavour "$LAB/kernel")/release"; done
}

# The folder of that kernel in the cache, its metadata made.
kernel_of() { KERNEL=$1 FLAVOUR=${1#*+deb*-} "$LAB/kernel"; }

# changelog SOURCE VERSION TEXT [SUITE]
changelog() {
    printf '%s (%s) %s; urgency=medium\n\n  * %s\n\n -- %s  %s\n' "$1" "$2" "${4:-unstable}" "$3" "$MAINTAINER" \
        "$(date -Rud "@$SOURCE_DATE_EPOCH")"
}

# fill TREE SCRIPT: puts in what the files of its debian/ folder leave open, by a sed script.
fill() {
    find "$1/debian" -maxdepth 1 -type f -exec sed -i "s/@MAINTAINER@/$MAINTAINER/; s/@YEAR@/$YEAR/; s/@ARCH@/$ARCH/; $2" {} +
}

# package TREE: makes the packages of a tree with a debian/ folder, beside it.
package() {
    TLSCONN_ROOT=deb "$LAB/enter" env VERSION="$VERSION" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
        sh -c 'cd "$1" && exec dpkg-buildpackage --build=binary --no-sign --no-check-builddeps' sh "/src/build${1#"$BUILD"}"
}
