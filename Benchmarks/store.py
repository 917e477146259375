#!/usr/bin/env python3
"""Measures what a long history costs: a store of 1,000,000 task instances against one without any, and prints JSON.

The same DAGs twice, once with the history that api.py makes up (an attempt for each task instance, no directories of attempts)
and once without: the size of the file, the start of the daemon after a stop and after a kill, when it looks through the pages,
beside SQLite's look alone; the time from a trigger to the start of its task, and what the command line lists. Then half of the
history goes by `weir db prune` through the daemon: how long that takes beside the same deletion by SQLite alone, how long the
loop was held, and how late a task was meanwhile.

Usage: store.py [--dags N] [--runs N] [--tasks N] [--seconds N] [--weir PROGRAM] [--out FILE]
"""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

import api
import bench
import report
from load import Probe

PROBE = [{"id": "say", "kind": "command", "priority": 100, "with": {"command": ["true"]}}]


def made(weir, dags, runs, tasks):
    home = bench.Home(weir)
    count = api.fill(pathlib.Path(home.path), dags, runs, tasks)
    home.dag("probe", PROBE, schedule="yearly", catchup="none", max_active_runs=8)
    return home, count


def starts(home):
    """Milliseconds until the daemon answers: after a stop, and after a kill, when it looks through the pages of the store first;
    and in which SQLite alone does that. It runs when this is over."""
    stopped = []
    for _ in range(5):
        stopped.append(home.start_daemon() * 1000)
        home.stop_daemon()
    home.start_daemon()
    home.daemon.kill()
    home.daemon.wait()
    begin = time.perf_counter()
    # Read only, so that it leaves the CHECKs of the rows out, too.
    store = sqlite3.connect(f"file:{home.path}/state/weir.db?mode=ro", uri=True)
    assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    store.close()
    alone = time.perf_counter() - begin
    killed = home.start_daemon()
    return {"after_stop_ms": round(statistics.median(stopped), 1), "after_kill_ms": round(killed * 1000, 1),
            "quick_check_by_sqlite_alone_ms": round(alone * 1000, 1),
            "after_kill_ratio": round(killed * 1000 / (statistics.median(stopped) + alone * 1000), 2)}


def probed(home, work):
    """What the work gives back, and how late a triggered task was while it was done."""
    probe = Probe(pathlib.Path(home.path), home.weir)
    probe.start()
    try:
        given = work()
    finally:
        probe.ends.set()
        probe.join()
    lags = sorted(probe.lags)
    return given, {"count": len(lags), "median_ms": round(statistics.median(lags), 1), "max_ms": round(lags[-1], 1)} if lags else None


def command(home, *words, count=11):
    took = []
    for _ in range(count):
        begin = time.perf_counter()
        home.run(*words)
        took.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(took), 1)


def listed(home, run):
    """Milliseconds of commands; those about a run only where there is one."""
    queries = {"runs": ["runs"], "runs of a DAG": ["runs", "dag0001"], "failed runs": ["runs", "--state", "failed"],
               "cancelled runs": ["runs", "--state", "cancelled"], "DAGs": ["dags"], "next of a DAG": ["next", "probe"], "status": ["status"]}
    if run:
        queries |= {"tasks of a run": ["tasks", "dag0001", run], "why a run": ["why", "dag0001", run]}
    return {name: command(home, *words) for name, words in queries.items()}


def file_bytes(home):
    return sum(os.path.getsize(home.path + "/state/weir.db" + end) for end in ("", "-wal") if os.path.exists(home.path + "/state/weir.db" + end))


def deleted_by_sqlite(home, keep, folder):
    """Seconds in which SQLite alone removes the same runs from a copy, in one transaction."""
    copy = folder + "/copy.db"
    subprocess.run([home.weir, "db", "backup", copy], env=home.env, check=True, capture_output=True)
    store = sqlite3.connect(copy, isolation_level=None)
    store.execute("PRAGMA foreign_keys = ON")
    store.execute("PRAGMA journal_mode = WAL")
    before = store.execute("SELECT count(*) FROM run").fetchone()[0]
    begin = time.perf_counter()
    store.execute("DELETE FROM run WHERE id IN (SELECT id FROM (SELECT id, dag_id, row_number() OVER"
                  " (PARTITION BY dag_id ORDER BY logical_date DESC, id DESC) AS n FROM run) WHERE n > ? AND dag_id <> 'probe')", (keep,))
    took = time.perf_counter() - begin
    gone = before - store.execute("SELECT count(*) FROM run").fetchone()[0]
    store.close()
    shutil.rmtree(folder)
    return took, gone


def pruned(home, runs, tasks):
    keep = runs // 2
    folder = home.path + "/copy"
    os.mkdir(folder)
    alone, expected = deleted_by_sqlite(home, keep, folder)
    size = file_bytes(home)
    # So that the longest turn is one of these.
    home.stop_daemon()
    home.start_daemon()
    rested = json.loads(home.run("status", "--json"))["longest_turn_us"] / 1000
    begin = time.perf_counter()
    said, lag = probed(home, lambda: json.loads(home.run("db", "prune", "--keep", str(keep), "--json")))
    took = time.perf_counter() - begin
    if said["runs"] < expected:
        raise SystemExit(f"{said} was pruned, and not {expected} runs")
    status = json.loads(home.run("status", "--json"))
    gone = said["runs"] * tasks
    return {
        "said": said, "seconds": round(took, 2), "us_per_task_instance": round(took / gone * 1e6, 1), "by_sqlite_alone_seconds": round(alone, 2),
        "ratio": round(took / alone, 2), "longest_turn_ms": round(status["longest_turn_us"] / 1000, 1), "longest_turn_before_ms": round(rested, 1),
        "lag": lag, "file_mib_before": round(size / 2**20, 1), "file_mib_after": round(file_bytes(home) / 2**20, 1),
        "backup_mib_after": round(backup(home) / 2**20, 1),
    }


def backup(home):
    home.run("db", "backup", home.path + "/backup.db")
    return os.path.getsize(home.path + "/backup.db")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dags", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100, help="of each DAG")
    parser.add_argument("--tasks", type=int, default=10, help="of each run")
    parser.add_argument("--seconds", type=float, default=5, help="of triggers, in each of the two stores")
    parser.add_argument("--weir", default=bench.ROOT + "/.build/release/weir")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    api.Daemon.weir = arguments.weir
    version, true = bench.start_up(arguments.weir)
    # Commands beside the start of the program, tasks beside that of a process.
    result = {**report.about(), "version_ms": round(version, 2), "bin_true_ms": round(true, 2)}
    for name, runs in ("empty", 0), ("full", arguments.runs):
        home, count = made(arguments.weir, arguments.dags, runs, arguments.tasks)
        try:
            figures = {"task_instances": count, "file_mib": round(file_bytes(home) / 2**20, 1), "ready": starts(home),
                       "commands_ms": listed(home, "2020-01-01" if runs else None)}
            figures["commands_ratio"] = {name: round(took / version, 1) for name, took in figures["commands_ms"].items()}
            figures["pss_mib"] = round(bench.memory_kib(home.daemon.pid) / 1024, 1)
            _, figures["lag"] = probed(home, lambda: time.sleep(arguments.seconds))
            figures["lag"]["ratio"] = round(figures["lag"]["median_ms"] / true, 1)
            if runs:
                figures["prune"] = pruned(home, runs, arguments.tasks)
            home.stop_daemon()
        finally:
            home.remove()
        result[name] = figures
    empty, full = result["empty"], result["full"]
    full["bytes_per_task_instance"] = round((full["file_mib"] - empty["file_mib"]) * 2**20 / full["task_instances"])
    full["ratio_to_empty"] = {
        "ready": round(full["ready"]["after_stop_ms"] / empty["ready"]["after_stop_ms"], 2),
        "lag": round(full["lag"]["median_ms"] / empty["lag"]["median_ms"], 2),
        **{name: round(took / empty["commands_ms"][name], 2) for name, took in full["commands_ms"].items() if name in empty["commands_ms"]},
    }
    report.give(result, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
