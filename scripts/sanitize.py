#!/usr/bin/env python3
"""Runs the test suites under a sanitizer of the toolchain: threads (data races), or addresses (memory that is not there, leaks apart).

ThreadSanitizer does not know Swift's Mutex, whose code is not instrumented: a report of which both sides are inside of a
`withLock` is about what that lock protects, and is counted, not failed for. Any other one fails.
A test of how deep a stack goes, and those that let the stand-in of Spark start weir, mean nothing under them.
Suites that start `weir` as a program (CommandsTests, EndToEndTests) are for `make test`: it would be instrumented, too, and slow.

Usage: sanitize.py thread|address [--filter REGEX]
"""
import argparse
import glob
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = "SpawnTests|EngineTests|HTTPServerTests|StoreTests|ObjectStoreTests|AccessTests|JSONTextTests|MailTests|LakeTests|SchedulerCoreTests"

SKIPPED = "theThousandthReportGoesNoDeeperThanTheFirst|SparkEngineTests"


def reports(folder):
    """(kind, whether both sides hold a lock, the report)."""
    for name in glob.glob(f"{folder}/report.*"):
        for block in open(name, errors="replace").read().split("=" * 18):
            kind = re.search(r"WARNING: ThreadSanitizer: (.*?) \(pid|ERROR: (AddressSanitizer.*?) on", block)
            if not kind:
                continue
            stacks = [part for part in block.split("\n\n") if "#0" in part and re.search(r"(?i)\b(read|write|access)", part)][:2]
            # A closure with an inout sending parameter: what Mutex.withLock takes.
            yield kind.group(1) or kind.group(2), len(stacks) == 2 and all("YuYTXE" in stack for stack in stacks), block


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sanitizer", choices=["thread", "address"])
    parser.add_argument("--filter", default=SUITES)
    arguments = parser.parse_args()
    scratch = ROOT / ".build/sanitize" / arguments.sanitizer
    options = ["--sanitize", arguments.sanitizer, "--scratch-path", str(scratch)]
    with tempfile.TemporaryDirectory(prefix="weir-sanitize-") as folder:
        environment = dict(
            os.environ, WEIR_SANITIZE=arguments.sanitizer, WEIR_DUCKDB=str(ROOT / ".tools/duckdb"), TSAN_OPTIONS=f"exitcode=0 log_path={folder}/report",
            ASAN_OPTIONS=f"detect_leaks=0 log_path={folder}/report")
        built = subprocess.run(["swift", "build", "--build-tests", *options], cwd=ROOT, env=environment, capture_output=True, text=True)
        if built.returncode != 0:
            sys.exit(f"sanitize: it does not build\n{built.stdout[-3000:]}")
        done = subprocess.run(["swift", "test", "--skip-build", *options, "--filter", arguments.filter, "--skip", SKIPPED], cwd=ROOT, env=environment,
                              capture_output=True, text=True, errors="replace")
        found = list(reports(folder))
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if line.startswith("✘") and " started" not in line:
            print(line[:300])
    closing = [line for line in done.stdout.splitlines() if "Test run with" in line]
    print(closing[-1] if closing else done.stdout[-2000:] + done.stderr[-2000:])
    bad = [report for report in found if not report[1]]
    for kind, _, block in bad:
        print(f"FAILED: {kind}{block[:3000]}")
    print(f"{arguments.sanitizer}: {len(found)} reports, {len(found) - len(bad)} of them about what a lock protects")
    return 1 if bad or done.returncode != 0 or not closing else 0


if __name__ == "__main__":
    sys.exit(main())
