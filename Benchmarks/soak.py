#!/usr/bin/env python3
"""An hour of mixed load on one daemon: runs every second, files that arrive, retries, backfills, the licence-plate lake, many who ask, old
history removed. Looks at what must not grow: memory, descriptors, threads, processes, the store and its WAL, the disk.

The second quarter of the time is held against the last: what grows for good is larger then. Prints JSON; exits 1 when something
grew by more than it may, or anything went wrong.

Usage: soak.py [--minutes N] [--weir PROGRAM] [--out FILE]
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import report

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
import live  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAYS = [f"2022-05-0{day}" for day in range(2, 8)]
# By how much the last quarter may be larger than the second, and what is too little to count.
MAY_GROW = {"pss_mib": (1.15, 4), "descriptors": (1.2, 8), "threads": (1.2, 4), "processes": (1.5, 8), "store_mib": (1.25, 4),
            "wal_mib": (1.5, 4), "disk_mib": (1.25, 16), "files": (1.25, 300)}


def dags(folder):
    def dag(name, schedule, tasks, **fields):
        (folder / f"{name}.json").write_text(json.dumps(dict({"id": name, "schedule": schedule, "tasks": tasks, "catchup": False}, **fields)))

    def shell(name, line, *after, **fields):
        return dict({"id": name, "kind": "command", "after": list(after), "with": {"shell": line}}, **fields)

    dag("tick", {"every": "1s"}, [shell("a", "echo $WEIR_DS"), shell("b", "echo '{\"key\": \"n\", \"value\": 1}' >> $WEIR_OUTPUT", "a"), shell("c", "true", "b")])
    dag("flaky", {"every": "5s"}, [shell("once", "test $WEIR_TRY_NUMBER -gt 1", retries=1, retry_delay="1s"), shell("over", "head -c 20000 /dev/zero | tr '\\0' x", "once")])
    dag("arrive", {"files": {"folder": "in", "settle": "0s", "batch": {"files": 20, "age": "2s"}}}, [shell("take", "cat in/* | wc -c; find in -type f -mmin +0.02 -delete")])
    dag("past", "daily", [shell("one", "true"), shell("two", "true", "one")], start="1990-01-01")


def pids_of(home):
    """The processes of a home: those that have its path among their words, or in their environment."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{name}/cmdline").read_bytes() + pathlib.Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        if home.encode() in words and int(name) != os.getpid():
            found.append(int(name))
    return found


def tree(path):
    """MiB and number of the files below a folder."""
    size = count = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                size += os.lstat(os.path.join(folder, name)).st_blocks * 512
                count += 1
            except OSError:
                pass
    return size / 2**20, count


def look(home, pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    store = pathlib.Path(home) / "state/weir.db"
    wal = pathlib.Path(f"{store}-wal")
    disk, files = tree(home + "/state")
    return {"pss_mib": round(int(rollup.split("Pss:")[1].split()[0]) / 1024, 1), "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(status.split("Threads:")[1].split()[0]), "processes": len(pids_of(home)),
            "store_mib": round(store.stat().st_size / 2**20, 2), "wal_mib": round(wal.stat().st_size / 2**20, 2) if wal.exists() else 0,
            "disk_mib": round(disk, 1), "files": files}


class Load:
    """Threads that each do one thing again and again until it is over."""

    def __init__(self):
        self.over, self.problems, self.threads, self.done = threading.Event(), [], [], {}

    def every(self, seconds, name, work):
        def run():
            while not self.over.wait(seconds):
                try:
                    work()
                    self.done[name] = self.done.get(name, 0) + 1
                except Exception as error:  # Whatever it is, it is to be told.
                    self.problems.append(f"{name}: {error}"[:300])
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    home = tempfile.mkdtemp(prefix="weir-soak-")
    folder = pathlib.Path(home)
    shutil.copytree(ROOT / "dags", folder / "dags")
    (folder / "in").mkdir()
    (folder / "state/landing").mkdir(parents=True)
    dags(folder / "dags")
    subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--out", folder / "state/landing", "--from", DAYS[0], "--days", str(len(DAYS)),
                    "--frames", "60"], check=True, stderr=subprocess.DEVNULL)
    environment = dict(os.environ, WEIR_HOME=home, WEIR_SENDMAIL="outbox", WEIR_DUCKDB=str(ROOT / ".tools/duckdb"))

    def weir(*words, wanted=(0,)):
        done = subprocess.run([arguments.weir, *words], env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode not in wanted:
            raise RuntimeError(f"weir {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()[-200:]}")
        return done.stdout

    daemon = live.Daemon(folder, arguments.weir, environment={"WEIR_DUCKDB": environment["WEIR_DUCKDB"]})
    weir("pause", "alpr_monthly")
    weir("pause", "alpr_weekly")

    def ask(path):
        status = daemon.ask("GET", path)[0]
        if status != 200:
            raise RuntimeError(f"{path}: {status}")

    load, numbers, days = Load(), iter(range(10**9)), iter(range(0, 10**9, 20))

    def arrive():
        name = next(numbers)
        (folder / f"in/.{name}").write_text("x" * 500)
        (folder / f"in/.{name}").rename(folder / f"in/{name}")

    # New runs each time: the attempts of a run that is made again stay as long as the run.
    def lake():
        for day in DAYS:
            weir("trigger", "alpr_daily", "--date", day, "--wait")
        ask("/api/v1/lake/tables/country/rows?limit=10")

    def backfill():
        first = datetime.date(1990, 1, 1) + datetime.timedelta(next(days))
        weir("backfill", "past", "--from", str(first), "--to", str(first + datetime.timedelta(19)))

    def sent():
        for mail in (folder / "state/outbox").glob("*"):
            mail.unlink()

    load.every(0.2, "files that arrived", arrive)
    load.every(20, "weeks of the lake", lake)
    load.every(15, "backfills", backfill)
    # What was mailed lies in a folder here.
    load.every(60, "prunes", lambda: [weir("db", "prune", "--older-than", "4m", "--keep", "50"), sent()])
    for path in ("/api/v1/dags?recent=14", "/api/v1/runs?limit=100", "/api/v1/dags/tick/grid", "/metrics"):
        load.every(0.5, "requests", lambda path=path: ask(path))
    samples, begin = [], time.monotonic()
    pause = max(1, min(15, arguments.minutes * 60 / 100))
    while time.monotonic() - begin < arguments.minutes * 60 and daemon.process.poll() is None:
        time.sleep(pause)
        samples.append(look(home, daemon.process.pid))
    load.end()
    died = daemon.process.poll() is not None
    figures, grown = {}, []
    for name, (factor, little) in MAY_GROW.items():
        values = [sample[name] for sample in samples]
        quarter = max(1, len(values) // 4)
        then, now = statistics.median(values[quarter:2 * quarter] or values), statistics.median(values[-quarter:])
        figures[name] = {"second_quarter": then, "last_quarter": now, "most": max(values)}
        if now > then * factor and now - then > little:
            grown.append(name)
    if not died:
        daemon.stop()
    end = time.monotonic() + 60
    while pids_of(home) and time.monotonic() < end:
        time.sleep(0.1)
    left = len(pids_of(home))
    checked = subprocess.run([arguments.weir, "db", "check"], env=environment, capture_output=True, text=True)
    result = dict(report.about(), minutes=arguments.minutes, done=load.done, figures=figures, grown=grown, problems=load.problems[:20],
                  processes_left=left, daemon_died=died, store_is_good=checked.returncode == 0)
    report.give(result, arguments.out)
    bad = grown or load.problems or left or died or checked.returncode != 0
    if bad:
        print(f"kept: {home}", file=sys.stderr)
    else:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
