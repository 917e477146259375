#!/bin/sh
# Makes what is given to others of what is built: an archive for any place, a package for Debian, and their checksums.
#
# Usage: scripts/dist.sh [FOLDER]; without it dist/. The same commit gives the same bytes, by the same toolchain.
set -eu
cd "$(dirname "$0")/.."
out=${1:-dist}
umask 022
LC_ALL=C
export LC_ALL

fail() {
    echo "dist: $1" >&2
    exit 1
}

version=$(scripts/version.sh)
built=.build/release
[ "$($built/weir version)" = "weir $version" ] || fail "$built/weir is not Weir $version: run make build"
# A machine without the Swift toolchain has none of its libraries.
! ldd $built/weir | grep -q 'libswift\|libFoundation' || fail "$built/weir needs libraries of Swift: build it by scripts/build.sh"
command -v dpkg-shlibdeps >/dev/null || fail "there is no dpkg-shlibdeps: run scripts/setup.sh dist"
architecture=$(dpkg --print-architecture)
archive=weir-$version-linux-$(uname -m)
package=weir_${version}_$architecture.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-$(git log -1 --format=%an)} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# mktemp's own mode is for nobody else, and must not get into the package.
mkdir "$work/root" "$work/$archive"

# prefix FOLDER ZSH: what stands below /usr or /usr/local; ZSH is where zsh looks for completions there.
prefix() {
    install -d "$1/bin" "$1/lib/weir"
    # The programs find each other beside the file that runs, which is no link (/proc/self/exe).
    ln -s ../lib/weir/weir "$1/bin/weir"
    for name in weir weir-supervise; do
        strip -o "$1/lib/weir/$name" "$built/$name"
    done
    install .tools/duckdb "$1/lib/weir/duckdb"
    install -m 644 .tools/httpfs.duckdb_extension .tools/sqlite_scanner.duckdb_extension "$1/lib/weir/"
    install -d "$1/share/man/man1" "$1/share/bash-completion/completions" "$1/share/zsh/$2" "$1/share/fish/vendor_completions.d"
    "$1/bin/weir" man >"$1/share/man/man1/weir.1"
    gzip -9n "$1/share/man/man1/weir.1"
    "$1/bin/weir" completion bash >"$1/share/bash-completion/completions/weir"
    "$1/bin/weir" completion zsh >"$1/share/zsh/$2/_weir"
    "$1/bin/weir" completion fish >"$1/share/fish/vendor_completions.d/weir.fish"
    install -D -m 644 docs/dag.schema.json "$1/share/weir/dag.schema.json"
    install -D -m 644 packaging/copyright "$1/share/doc/weir/copyright"
}

# documents FOLDER FILE…: these files of the project, as they lie there.
documents() {
    folder=$1
    shift
    git ls-files -coz --exclude-standard "$@" | xargs -0 cp --parents -t "$folder"
}

# As old as the commit, whenever it was made, and open to all.
settle() {
    chmod -R u=rwX,go=rX "$1"
    find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# The archive: the prefix, and beside it the documents and the DAGs, so that links between them hold.
prefix "$work/$archive" site-functions
documents "$work/$archive" README.md CHANGELOG.md LICENSE docs dags packaging/weir.service
install -D -m 644 packaging/weir.service "$work/$archive/lib/systemd/system/weir.service"
settle "$work/$archive"

# The package.
root=$work/root
documentation=$root/usr/share/doc/weir
prefix "$root/usr" vendor-completions
install -d "$documentation/examples" "$root/lib/systemd/system" "$root/DEBIAN"
documents "$documentation" README.md CHANGELOG.md docs
ln -sf ../../../weir/dag.schema.json "$documentation/docs/dag.schema.json"
documents "$documentation/examples" dags
# Wherever they are copied to from there.
find "$documentation/examples" -name '*.json' -exec sed -i 's|"\.\./docs/dag\.schema\.json"|"/usr/share/weir/dag.schema.json"|' {} +
printf 'weir (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" "$maintainer" \
    "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" | gzip -9n >"$documentation/changelog.gz"
sed 's|/usr/local/bin/|/usr/bin/|' packaging/weir.service >"$root/lib/systemd/system/weir.service"
install -D -m 644 packaging/default "$root/etc/default/weir"
install -D -m 644 packaging/deb/lintian-overrides "$root/usr/share/lintian/overrides/weir"
# Which packages have the libraries, and from which version on. dpkg-shlibdeps asks for a source package.
mkdir -p "$work/source/debian"
printf 'Source: weir\n\nPackage: weir\nArchitecture: any\n' >"$work/source/debian/control"
libraries=$(cd "$work/source" && dpkg-shlibdeps --warnings=0 -O -e"$root/usr/lib/weir/weir" -e"$root/usr/lib/weir/duckdb" \
    -e"$root/usr/lib/weir/httpfs.duckdb_extension" -e"$root/usr/lib/weir/sqlite_scanner.duckdb_extension" | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || fail "dpkg-shlibdeps names no library"
size=$(du -sk --apparent-size "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@LIBRARIES@/$libraries/" \
    -e "s/@MAINTAINER@/$maintainer/" packaging/deb/control >"$root/DEBIAN/control"
echo /etc/default/weir >"$root/DEBIAN/conffiles"
install packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$root/DEBIAN/"
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
settle "$root"

mkdir -p "$out"
rm -f "$out"/weir-*.tar.gz "$out"/weir_*.deb "$out/SHA256SUMS"
tar --create --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --file "$work/archive.tar" --directory "$work" "$archive"
gzip -n <"$work/archive.tar" >"$out/$archive.tar.gz"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/$package" >/dev/null
(cd "$out" && sha256sum "$archive.tar.gz" "$package" >SHA256SUMS)
echo "dist: $out/ has $archive.tar.gz, $package and SHA256SUMS"
