#!/bin/sh
# The deterministic suite: builds the tests without a warning and runs them all.
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh --build-tests
swift test --skip-build "$@"
# With a filter only what it names is wanted.
[ $# -gt 0 ] || Tests/Chaos/chaos.py --short --bin .build/debug
