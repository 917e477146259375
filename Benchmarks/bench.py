#!/usr/bin/env python3
"""Measures Weir against this machine's own limits, in one run, and prints JSON.

Every figure that depends on the machine comes with a ratio to a limit measured beside it, so that two machines can be
compared. On ext4 creating files slows down with those that were removed lately: TMPDIR=/dev/shm puts the homes into memory.
Usage: bench.py [--weir PROGRAM] [--tasks N] [--many N] [--chain N] [--repeat N] [--out FILE]
"""
import argparse
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import report
from datetime import date, datetime, timedelta

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is wanted: of bare process starts, and milliseconds from one task's end to the next one's start.
WIDE, GAP = 0.35, 5


def true_starts(count):
    for _ in range(count):
        os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)


def bare_rate(count):
    """posix_spawn and wait of /bin/true on all cores: process starts per second, the limit of any task runner."""
    cores = os.cpu_count()
    with multiprocessing.Pool(cores) as pool:
        pool.map(true_starts, [10] * cores)
        begin = time.perf_counter()
        pool.map(true_starts, [count // cores] * cores, chunksize=1)
        return count / (time.perf_counter() - begin)


def remove_home(path):
    """Removes a WEIR_HOME with what runs in it: tasks outlive their daemon, and those of a benchmark nobody takes over."""
    end = time.monotonic() + 15
    while subprocess.run(["pkill", "-TERM", "-f", f"weir-supervise {path}/"]).returncode == 0 and time.monotonic() < end:
        time.sleep(0.05)
    shutil.rmtree(path, ignore_errors=True)


class Home:
    def __init__(self, weir):
        self.weir = weir
        self.path = tempfile.mkdtemp(prefix="weir-bench-")
        os.makedirs(self.path + "/dags")
        self.env = dict(os.environ, WEIR_HOME=self.path)

    def dag(self, name, tasks, **fields):
        text = json.dumps({"id": name, "max_active_tasks": 64, "tasks": tasks, **fields})
        with open(f"{self.path}/dags/{name}.json", "w") as file:
            file.write(text)

    def run(self, *arguments):
        done = subprocess.run([self.weir, *arguments], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"weir {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start_daemon(self):
        begin = time.perf_counter()
        self.daemon = subprocess.Popen(
            [self.weir, "daemon"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while subprocess.run([self.weir, "status"], env=self.env, capture_output=True).returncode != 0:
            if self.daemon.poll() is not None:
                raise SystemExit("the daemon ended")
        return time.perf_counter() - begin

    def stop_daemon(self):
        begin = time.perf_counter()
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        return time.perf_counter() - begin

    def remove(self):
        remove_home(self.path)


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def finished_run(home, dag):
    home.run("trigger", dag, "--wait")
    run = json.loads(home.run("runs", dag, "--json"))[0]
    assert run["state"] == "success", run
    return run, json.loads(home.run("tasks", dag, run["run_id"], "--json"))


def wide(home, count):
    home.dag("wide", [{"id": f"t{i}", "kind": "command", "with": {"command": ["true"]}} for i in range(count)])
    run, tasks = finished_run(home, "wide")
    assert len(tasks) == count and all(task["state"] == "success" for task in tasks)
    return count / (when(run["end_date"]) - when(run["start_date"]))


def chain(home, count):
    tasks = [{"id": "t0", "kind": "command", "with": {"command": ["true"]}}]
    tasks += [
        {"id": f"t{i}", "kind": "command", "with": {"command": ["true"]}, "after": [f"t{i - 1}"]}
        for i in range(1, count)
    ]
    home.dag("chain", tasks)
    _, rows = finished_run(home, "chain")
    rows.sort(key=lambda row: row["start_date"])
    return [
        (when(later["start_date"]) - when(earlier["end_date"])) * 1000 for earlier, later in zip(rows, rows[1:])
    ]


def restart(weir, count):
    """Milliseconds from the start of a daemon to the first task that it starts, when its predecessor was killed with so
    many task instances running or queued."""
    home = Home(weir)
    try:
        task = {"kind": "command", "with": {"shell": "echo $WEIR_TASK_ID >> ledger; sleep 0.2"}}
        home.dag("many", [dict(task, id=f"t{i}") for i in range(count)])
        home.start_daemon()
        home.run("trigger", "many")
        ledger = home.path + "/ledger"
        while not os.path.exists(ledger) or os.path.getsize(ledger) < 100:
            time.sleep(0.005)
        home.daemon.kill()
        home.daemon.wait()
        # What runs goes on and adds its lines: let it end, so that the next line is the new daemon's.
        size = -1
        while size != os.path.getsize(ledger):
            size = os.path.getsize(ledger)
            time.sleep(0.5)
        begin = time.perf_counter()
        daemon = subprocess.Popen([weir, "daemon"], env=home.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while os.path.getsize(ledger) == size:
            time.sleep(0.001)
        took = time.perf_counter() - begin
        daemon.kill()
        daemon.wait()
        return took * 1000
    finally:
        time.sleep(0.5)
        home.remove()


def backfill(weir, days, with_daemon):
    """A backfill of so many days of six command tasks: seconds of wall time, as a user waits for it."""
    home = Home(weir)
    try:
        tasks = [{"id": "t0", "kind": "command", "with": {"command": ["true"]}}]
        tasks += [{"id": f"t{i}", "kind": "command", "with": {"command": ["true"]}, "after": [f"t{(i - 1) // 2}"]}
                  for i in range(1, 6)]
        home.dag("days", tasks, schedule="daily", start="2010-01-01", catchup="none")
        if with_daemon:
            home.start_daemon()
        last = date(2010, 1, 1) + timedelta(days=days - 1)
        begin = time.perf_counter()
        home.run("backfill", "days", "--from", "2010-01-01", "--to", str(last))
        took = time.perf_counter() - begin
        progress = json.loads(home.run("backfills", "list", "--json"))[0]
        assert progress["states"]["success"] == days, progress
        if with_daemon:
            home.stop_daemon()
        return took
    finally:
        home.remove()


def backfill_figures(weir, days, with_daemon, repeat):
    took, limits = [], []
    for _ in range(repeat):
        limits.append(bare_rate(1000))
        took.append(backfill(weir, days, with_daemon))
    seconds, rate = statistics.median(took), days * 6 / statistics.median(took)
    return {
        "tasks": days * 6,
        "wall_seconds": round(seconds, 2),
        "tasks_per_second": round(rate, 1),
        "bare_starts_per_second": round(statistics.median(limits), 1),
        "ratio": round(rate / statistics.median(limits), 3),
    }


def memory_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_up(weir, count=40):
    """Milliseconds of `weir version`, and of /bin/true started in the same way."""
    def one(command):
        begin = time.perf_counter()
        os.waitpid(os.posix_spawn(command[0], command, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]), 0)
        return (time.perf_counter() - begin) * 1000

    pairs = [(one([weir, "version"]), one(["/bin/true"])) for _ in range(count)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def cold_start(weir):
    """Milliseconds from the start of a daemon in a home without a store to the end of the first task, of a DAG that is due."""
    home = Home(weir)
    try:
        home.dag("first", [{"id": "t", "kind": "command", "with": {"command": ["touch", home.path + "/done"]}}],
                 schedule="daily", start="2020-01-01")
        begin = time.time()
        home.daemon = subprocess.Popen([weir, "daemon"], env=home.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(home.path + "/done"):
            time.sleep(0.001)
        # Not before: asking would take from the processor that is measured.
        run = {}
        while run.get("state") != "success":
            run = json.loads(home.run("runs", "first", "--json"))[0]
        ended = when(json.loads(home.run("tasks", "first", run["run_id"], "--json"))[0]["end_date"])
        home.stop_daemon()
        return (ended - begin) * 1000
    finally:
        home.remove()


def core(program):
    """Figures of the scheduler's core alone, which `swift build -c release --product core-bench` makes."""
    return json.loads(subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", default=ROOT + "/.build/release/weir")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000, help="tasks of one more run, once; 0: none")
    parser.add_argument("--chain", type=int, default=200)
    parser.add_argument("--queued", type=int, default=1000, help="task instances at the kill of a daemon")
    parser.add_argument("--days", type=int, default=365, help="days of a backfill")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--idle-seconds", type=float, default=10)
    parser.add_argument("--core", help="the program core-bench, to measure the scheduler's core alone too")
    parser.add_argument("--out")
    arguments = parser.parse_args()

    result = {
        **report.about(),
    }
    version, true = start_up(arguments.weir)
    result["version_ms"] = round(version, 2)
    result["bin_true_ms"] = round(true, 2)

    cold = statistics.median(cold_start(arguments.weir) for _ in range(arguments.repeat * 3))
    result["cold_start"] = {"first_task_ended_ms": round(cold, 1), "in_bin_true_starts": round(cold / true, 1)}

    rates, limits, gaps, loops = [], [], [], []
    for _ in range(arguments.repeat):
        home = Home(arguments.weir)
        try:
            home.start_daemon()
            limits.append(bare_rate(arguments.tasks * 2))
            rates.append(wide(home, arguments.tasks))
            loops.append(json.loads(home.run("status", "--json")))
            gaps += chain(home, arguments.chain)
            home.stop_daemon()
        finally:
            home.remove()
    ratios = [rate / limit for rate, limit in zip(rates, limits)]
    result["wide"] = {
        "tasks": arguments.tasks,
        "tasks_per_second": round(statistics.median(rates), 1),
        "bare_starts_per_second": round(statistics.median(limits), 1),
        "ratio": round(statistics.median(ratios), 3), "target": WIDE, "met": statistics.median(ratios) >= WIDE,
    }
    if arguments.many:
        home = Home(arguments.weir)
        try:
            home.start_daemon()
            limit = bare_rate(arguments.tasks * 2)
            rate = wide(home, arguments.many)
            limit = (limit + bare_rate(arguments.tasks * 2)) / 2
            result["many"] = {"tasks": arguments.many, "tasks_per_second": round(rate, 1), "bare_starts_per_second": round(limit, 1),
                              "ratio": round(rate / limit, 3)}
            home.stop_daemon()
        finally:
            home.remove()
    loop = sorted(loops, key=lambda status: status["turn_us"])[len(loops) // 2]
    result["loop"] = {
        "commits_per_task": round(loop["commits"] / arguments.tasks, 3),
        "events_per_turn": round(loop["events"] / loop["turns"], 2),
        "mean_turn_ms": round(loop["turn_us"] / loop["turns"] / 1000, 3),
        "longest_turn_ms": round(loop["longest_turn_us"] / 1000, 2),
    }
    if arguments.core:
        result["core"] = core(arguments.core)
    result["backfill_embedded"] = backfill_figures(arguments.weir, arguments.days, False, arguments.repeat)
    result["backfill_by_daemon"] = backfill_figures(arguments.weir, arguments.days, True, arguments.repeat)
    result["restart"] = {
        "task_instances": arguments.queued,
        "first_start_ms": round(statistics.median(
            restart(arguments.weir, arguments.queued) for _ in range(arguments.repeat)), 1),
    }
    result["chain"] = {
        "tasks": arguments.chain,
        "median_gap_ms": round(statistics.median(gaps), 2),
        "p90_gap_ms": round(statistics.quantiles(gaps, n=10)[8], 2),
        "gap_in_bin_true_starts": round(statistics.median(gaps) / true, 2),
        "target_ms": GAP, "met": statistics.median(gaps) <= GAP,
    }

    home = Home(arguments.weir)
    try:
        home.dag("idle", [{"id": "t", "kind": "command", "with": {"command": ["true"]}}])
        ready = home.start_daemon()
        before = cpu_seconds(home.daemon.pid)
        # An observation over a span of time, not a wait for a result.
        time.sleep(arguments.idle_seconds)
        result["idle"] = {
            "pss_mib": round(memory_kib(home.daemon.pid) / 1024, 1),
            "cpu_percent": round((cpu_seconds(home.daemon.pid) - before) / arguments.idle_seconds * 100, 3),
            "ready_ms": round(ready * 1000, 1),
            "stop_ms": round(home.stop_daemon() * 1000, 1),
        }
    finally:
        home.remove()

    home = Home(arguments.weir)
    try:
        # Eight that run, the others queued: a stop takes as long however much there is to do.
        shell = f"until test -e {home.path}/go; do sleep 0.1; done"
        home.dag("busy", [
            {"id": f"t{i}", "kind": "command", "with": {"shell": shell}} for i in range(arguments.tasks)])
        home.env["WEIR_PARALLELISM"] = "8"
        home.start_daemon()
        home.run("trigger", "busy")
        while json.loads(home.run("status", "--json"))["running_attempts"] < 8:
            pass
        result["busy"] = {"queued": arguments.tasks - 8, "stop_ms": round(home.stop_daemon() * 1000, 1)}
        open(home.path + "/go", "w").close()
    finally:
        home.remove()

    report.give(result, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
