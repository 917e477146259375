#!/usr/bin/env python3
"""Gives the readers of what comes from outside whatever libFuzzer thinks of (Tests/Fuzz/Fuzz.swift): each for some seconds, from the
corpus of Tests/Fuzz/corpus/READER on. What it finds stands in .build/fuzz/found; once mended, put it into the corpus, where it is
tried first each time.

Usage: fuzz.py [--seconds N] [--seed N] [READER…]; without readers all of them, a quick run of each when seconds are few.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "Tests/Fuzz/corpus"
WORK = ROOT / ".build/fuzz"


def build():
    """The program; debug, because it looks into the modules."""
    command = ["swift", "build", "--sanitize", "fuzzer", "--scratch-path", str(WORK / "build"), "--product", "weir-fuzz"]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, WEIR_FUZZ="1"), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"fuzz: it does not build\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return WORK / "build/debug/weir-fuzz"


def readers():
    source = (ROOT / "Tests/Fuzz/Fuzz.swift").read_text()
    body = source[source.index("enum Subject"):source.index("// A promise")]
    return [name for name in re.findall(r"\w+", body[body.index("{"):]) if name != "case"]


def fuzz(program, reader, seconds, seed):
    """True when nothing was found."""
    grown, found = WORK / "corpus" / reader, WORK / "found"
    grown.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    command = [str(program), str(grown), str(CORPUS / reader), f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=10",
               "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1", f"-artifact_prefix={found}/{reader}-"]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, WEIR_FUZZ_SUBJECT=reader), capture_output=True, text=True)
    figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
    if done.returncode == 0:
        print(f"  {reader}: {int(figures.get('number_of_executed_units', 0)):,} inputs", flush=True)
        return True
    print(f"FAILED: {reader}\n{done.stderr[-2500:]}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="0 for another one each time")
    arguments = parser.parse_args()
    known = readers()
    for name in arguments.readers:
        if name not in known:
            parser.error(f"there is no reader {name}; there are {' '.join(known)}")
    missing = [name for name in known if not any((CORPUS / name).glob("*"))]
    if missing:
        sys.exit(f"fuzz: no corpus for {' '.join(missing)}")
    program = build()
    wanted = arguments.readers or known
    good = [fuzz(program, name, arguments.seconds, arguments.seed) for name in wanted]
    print(f"{sum(good)} of {len(good)} readers took all that came" + ("" if all(good) else f"; {len(good) - sum(good)} did not"))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
