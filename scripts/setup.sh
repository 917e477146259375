#!/bin/sh
# Installs what Weir is built and tested with, where it is missing: Debian packages, and DuckDB into .tools/.
#
# Usage: scripts/setup.sh [verify]
#   verify  also what only `make verify` needs (a mail system, a terminal, shells and man, a browser, proxies, a
#          validator of JSON Schema, readers of Parquet)
set -eu
cd "$(dirname "$0")/.."

duckdb_version=1.5.5
jsonschema_version=4.26.0
pyarrow_version=26.0.1
pandas_version=3.1.1
duckdb_module_version=2.0.1
pyspark_version=4.3.0
schemathesis_version=4.32.5
playwright_version=1.65.2
moto_version=5.2.5
botocore_version=1.44.8
flask_version=3.1.3
flask_cors_version=6.0.5
pyyaml_version=6.0.4
partiql_version=0.6.3
axe_version=0.1.8
# What Weir needs, and then what the Swift toolchain itself needs to run and to link.
packages="libsqlite3-dev libmicrohttpd-dev libssl-dev libzstd-dev libsodium-dev libcurl4-openssl-dev libexpat1-dev tzdata zstd curl
    python3 python3-pip python3-venv ca-certificates binutils gcc libc6-dev libstdc++-12-dev libcurl4 libncurses6 libxml2 zlib1g-dev graphviz"
[ "${1:-}" = verify ] && verify=yes || verify=no
[ "$verify" = no ] ||
    packages="$packages openjdk-17-jre-headless tmux zsh fish man-db groff-base chromium fonts-dejavu-core nginx-light caddy
    openssl"

fail() {
    echo "setup: $1" >&2
    exit 1
}

installed() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# As root directly, otherwise through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: run as root: $*"
    fi
}

install_packages() {
    echo "setup: installing $*"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if ! { as_root apt-get update -q && as_root apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}

command -v swift >/dev/null ||
    fail "there is no 'swift' in PATH: install the Swift 6.3 toolchain (https://www.swift.org/install/linux) first"
if ! command -v dpkg-query >/dev/null; then
    fail "this system has no dpkg; only Debian 12 is known. Install by hand what README.md lists under Requirements"
fi
missing=
for package in $packages; do
    installed "$package" || missing="$missing $package"
done
# Any mail system will do; dma is the smallest that delivers to a mailbox of this machine.
[ "$verify" = yes ] && [ ! -x /usr/sbin/sendmail ] && missing="$missing dma"
if [ -n "$missing" ]; then
    # shellcheck source=/dev/null
    id=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}")
    [ "$id" = "debian 12" ] ||
        fail "'$id' is a system that it does not know (it knows Debian 12); install these packages or their like:$missing"
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing
fi

swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
case "$swift_version" in
    6.[2-9] | 6.[1-9][0-9] | [7-9].*) ;;
    *) fail "Swift is '$swift_version'; Weir needs 6.2 or later, and is tested with 6.3" ;;
esac

if [ "$(.tools/duckdb -noheader -list -c 'SELECT version()' 2>/dev/null)" != "v$duckdb_version" ]; then
    case "$(uname -m)" in
        x86_64) sha256=2dda43dbd9d112e5d7c6ffca4d226403696812a79fbb19342c2afa6312974f33 ;;
        aarch64) sha256=3948b25f14b4f32a66dbed35259726e0cedbb204298e2b8a9ada5fc7b5a9982d ;;
        *) fail "there is no DuckDB $duckdb_version program for $(uname -m)" ;;
    esac
    echo "setup: fetching DuckDB $duckdb_version from PyPI"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: -d "$work" \
        "duckdb-cli==$duckdb_version" >"$work/log" 2>&1 || {
        tail -n 5 "$work/log" >&2
        fail "pip could not fetch duckdb-cli $duckdb_version"
    }
    wheel=$(echo "$work"/*.whl)
    echo "$sha256  $wheel" | sha256sum --check --status || fail "$(basename "$wheel") is not the file that was pinned"
    python3 -m zipfile -e "$wheel" "$work/wheel"
    mkdir -p .tools
    chmod 755 "$work/wheel/duckdb_cli/duckdb"
    # By rename: a setup that is cut off leaves no half program.
    mv "$work/wheel/duckdb_cli/duckdb" .tools/duckdb.new
    mv .tools/duckdb.new .tools/duckdb
fi

# environment NAME PACKAGE==VERSION…: Python packages from PyPI, in a virtual environment of their own, .tools/NAME.
environment() {
    name=$1
    shift
    [ "$(".tools/$name/bin/python" -c 'import importlib.metadata as all, sys
print(*(package + "==" + all.version(package) for package in (word.split("==")[0] for word in sys.argv[1:])))' \
        "$@" 2>/dev/null)" != "$*" ] || return 0
    echo "setup: fetching $* from PyPI"
    log=$(mktemp)
    rm -rf ".tools/$name" ".tools/$name.new"
    mkdir -p .tools
    if ! { python3 -m venv ".tools/$name.new" &&
        ".tools/$name.new/bin/python" -m pip install -q --disable-pip-version-check "$@"; } \
        >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        fail "pip could not install $*"
    fi
    rm -f "$log"
    mv ".tools/$name.new" ".tools/$name"
}

# A server of S3 for the tests, with the parts of moto that this takes, and the signer that checks what it is sent.
environment s3 "moto==$moto_version" "botocore==$botocore_version" "flask==$flask_version" "flask-cors==$flask_cors_version" \
    "pyyaml==$pyyaml_version" "py-partiql-parser==$partiql_version"

if [ "$verify" = yes ]; then
    # A validator that others wrote, so that docs/dag.schema.json means to editors what it means here.
    environment jsonschema "jsonschema==$jsonschema_version"
    # It asks the API whatever its document allows, and what it does not.
    environment schemathesis "schemathesis==$schemathesis_version"
    # A real browser drives the page, and rules that others wrote look at it.
    environment browser "playwright==$playwright_version" "axe-playwright-python==$axe_version"
    # Readers of Parquet that others wrote, so that the lake means to them what it means here.
    environment spark "pyspark==$pyspark_version"
    environment lake "pyarrow==$pyarrow_version" "pandas==$pandas_version" "duckdb==$duckdb_module_version"
fi
echo "setup: everything is there"
