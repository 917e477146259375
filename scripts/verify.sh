#!/bin/sh
# The slower checks, each with the real parts: prints what it does, and at the end how many passed.
#
# Usage: scripts/verify.sh [NAME…]; without names all of them.
set -eu
cd "$(dirname "$0")/.."
passed=0
failed=0
wanted=" $* "

check() {
    name=$1
    shift
    case "$wanted" in "  " | *" $name "*) ;; *) return 0 ;; esac
    echo "== $name: $*"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name" >&2
    fi
}

scripts/build.sh
check demo scripts/demo.sh
check readme scripts/check-readme.sh
check tutorial scripts/check-tutorial.py
check docs scripts/check-docs-commands.py
check terminal scripts/check-terminal.py
check schema .tools/jsonschema/bin/python scripts/check-schema.py
check chaos Tests/Chaos/chaos.py
check mail scripts/check-mail.py
check completions scripts/check-completions.py
check api scripts/check-api.py
check security scripts/check-security.py
check proxy scripts/check-proxy.py
check page scripts/check-page.py
check lake .tools/lake/bin/python scripts/check-lake.py
bench() {
    scripts/build.sh -c release --static-swift-stdlib --product core-bench &&
        Benchmarks/bench.py --core .build/release/core-bench --tasks 100 --many 200 --chain 10 --queued 100 --repeat 1 --idle-seconds 1 &&
        Benchmarks/growth.py --days 10,40 --repeat 1 &&
        Benchmarks/scale.py --dags 100 --due 100 --idle-seconds 1 &&
        Benchmarks/store.py --dags 20 --runs 20 --tasks 3 --seconds 1 &&
        Benchmarks/lake.py --scale 0.01 --growth 1,2 --repeat 1
}
check fuzz scripts/fuzz.py --seconds 3
check s3 scripts/check-s3.py
check spark scripts/check-spark.py
check dist scripts/check-dist.py
check bench bench

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
