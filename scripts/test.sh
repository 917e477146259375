#!/bin/sh
# The deterministic suite: builds the tests without a warning and runs them all.
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh --build-tests
# One limit for all, against a test that hangs: a test's own would count the time that it waits for its turn as well.
# What hangs is what has started and not passed.
minutes=${WEIR_TEST_MINUTES:-15}
[ $# -eq 0 ] || minutes=${WEIR_TEST_MINUTES:-300}
timeout --foreground --signal=INT --kill-after=10s "${minutes}m" swift test --skip-build "$@" || {
    status=$?
    [ $status -ne 124 ] || echo "test: stopped after $minutes minutes; what hangs has started and not passed" >&2
    exit $status
}
# With a filter only what it names is wanted.
[ $# -gt 0 ] || Tests/Chaos/chaos.py --short --bin .build/debug
