#!/usr/bin/env python3
"""Breaks Weir on purpose and looks whether the tests notice.

Tests/Mutants/NN-NAME.patch is a plausible bug each: what it is and what a user would suffer, then the diff of Sources.
They are applied one after the other to a copy of the working tree in .build/mutants/tree, which is kept, so that each
costs an incremental build and the quick suites. A mutant that does not build is an error of the mutant; one that
survives is a test that is missing. What a build or the tests said is in .build/mutants/NAME.log.

Usage: scripts/mutants.py [--check] [NAME…]; NAME is that of a patch or its number; without names all of them.
"""

import argparse
import filecmp
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / ".build/mutants"
TREE = HOME / "tree"
SUITES = r"^(SchedulerCoreTests|EngineTests|StoreTests|SimulationTests)\."
# Enough for the simulation to be a witness; the tests of each part are to be the first to notice.
ENVIRONMENT = os.environ | {"WEIR_SIMULATE_WORLDS": "1500"}
SECONDS = 900


def apply(patch, *options):
    return subprocess.run(["git", "apply", *options, str(patch)], cwd=ROOT, capture_output=True, text=True)


def check(patches):
    """What is wrong with the patches, without a build."""
    for patch in patches:
        about, _, diff = patch.read_text().partition("\n--- a/")
        targets = re.findall(r"^\+\+\+ (\S+)", diff, re.M)
        if not about.strip():
            yield f"{patch.name}: say before the diff what the bug is and what a user would suffer"
        if not targets or not all(target.startswith("b/Sources/") for target in targets):
            yield f"{patch.name}: it must change Sources/, and nothing else"
        result = apply(patch, "--check")
        if result.returncode != 0:
            yield f"{patch.name} does not fit Sources any more: {result.stderr.strip()}"


def copy_tree():
    """Makes the copy what the working tree is, also after a run that was interrupted; what is equal keeps its time."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    names = {name for name in listed if name and (ROOT / name).is_file()}
    for folder, folders, files in os.walk(TREE):
        folders[:] = [name for name in folders if name != ".build"]
        for file in files:
            path = pathlib.Path(folder, file)
            if str(path.relative_to(TREE)) not in names:
                path.unlink()
    for name in sorted(names):
        source, target = ROOT / name, TREE / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def run(log, *command):
    """The exit status and what was said, which is added to the log; None for what had to be ended."""
    process = subprocess.Popen(
        command, cwd=TREE, env=ENVIRONMENT, text=True, errors="replace", start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=SECONDS)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, status = process.communicate()[0], None
    with log.open("a") as file:
        file.write(said)
    return status, said


def test(name):
    """Builds and tests the copy: the names of the tests that failed, and why there is no verdict, if so."""
    log = HOME / f"{name}.log"
    log.write_text("")
    status, _ = run(log, "scripts/build.sh", "--build-tests")
    if status != 0:
        return [], f"it does not build; see {log.relative_to(ROOT)}"
    status, said = run(log, "swift", "test", "--skip-build", "--filter", SUITES)
    failed = dict.fromkeys(re.findall(r"✘ Test (\w+)\(.*\) (?:failed|recorded an issue)", said))
    if status is None:
        return [], f"the tests had not ended after {SECONDS} seconds; see {log.relative_to(ROOT)}"
    if status != 0 and not failed:
        return [], f"the tests ended without a verdict; see {log.relative_to(ROOT)}"
    # What the simulation notices is worth less than a test that says what is wrong.
    return sorted(failed, key=lambda test: test == "everythingHoldsWhateverHappens"), None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only look whether each patch still fits")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    patches = sorted((ROOT / "Tests/Mutants").glob("*.patch"))
    for name in arguments.names:
        if not any(name in (patch.stem, patch.stem.split("-")[0]) for patch in patches):
            parser.error(f"there is no mutant {name} in Tests/Mutants")
    if arguments.names:
        patches = [p for p in patches if p.stem in arguments.names or p.stem.split("-")[0] in arguments.names]

    problems = list(check(patches))
    for problem in problems:
        print(f"Tests/Mutants/{problem}", file=sys.stderr)
    if problems or arguments.check:
        return 1 if problems else 0

    TREE.mkdir(parents=True, exist_ok=True)
    killed = 0
    for patch in [None, *patches]:
        begin = time.monotonic()
        copy_tree()
        name = patch.stem if patch else "unchanged"
        if patch:
            apply(patch, "--directory", str(TREE.relative_to(ROOT))).check_returncode()
        failed, problem = test(name)
        took = f"{time.monotonic() - begin:.0f} s"
        if not patch:
            if failed or problem:
                print(f"without a mutant: {problem or 'failed: ' + ', '.join(failed)}", file=sys.stderr)
                return 1
            print(f"{name}: green, {took}", flush=True)
        elif problem:
            print(f"{name}: ERROR: {problem}, {took}", flush=True)
        elif failed:
            killed += 1
            more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
            print(f"{name}: killed by {', '.join(failed[:3])}{more}, {took}", flush=True)
        else:
            print(f"{name}: SURVIVED, {took}", flush=True)
    copy_tree()
    print(f"{len(patches)} mutants, {killed} killed")
    return 0 if killed == len(patches) else 1


if __name__ == "__main__":
    sys.exit(main())
