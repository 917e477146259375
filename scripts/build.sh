#!/bin/sh
# Builds the programs: .build/release/weir and .build/release/weir-supervise.
#
# Usage: scripts/build.sh [options of `swift build`]; without options a release build.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- -c release --static-swift-stdlib
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
swift build "$@" >"$log" 2>&1 || status=$?
# The linker's remark about dlopen in a fully static program is known and says nothing about this one.
grep -v "Using 'dlopen' in statically linked applications" "$log" | grep -v '^\[' || true
exit "$status"
