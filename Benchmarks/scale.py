#!/usr/bin/env python3
"""Measures what many DAGs cost, and how late a run starts when all of them are due in the same second; prints JSON.

For each number of DAGs, a file with one `true` task each and nothing due: the time from the start of the daemon until it answers
and until it lists all of them, beside the start with one DAG and Python's json reading the same files; what the daemon holds
and uses when it rests, beside a daemon with one DAG; and how soon a file that was changed is seen.

Then so many DAGs are due at one instant. The lag is the time from that instant to the start of the task's process. Its limit is
what this machine takes to start as many processes and nothing else.

Usage: scale.py [--dags N,N…] [--due N] [--parallelism N,N…] [--idle-seconds N] [--repeat N] [--weir PROGRAM] [--out FILE]
"""
import argparse
import json
import os
import statistics
import sys
import time
from datetime import datetime, timezone

import bench
import report
from load import UnixConnection

TASKS = [{"id": "t", "kind": "command", "with": {"command": ["true"]}}]


def ask(home, target):
    connection = UnixConnection(home.path + "/state/weir.sock")
    connection.request("GET", "/api/v1/" + target)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def read_alone(home):
    """Seconds in which Python reads all DAG files of a home."""
    begin = time.perf_counter()
    for entry in os.scandir(home.path + "/dags"):
        with open(entry.path) as file:
            json.load(file)
    return time.perf_counter() - begin


def changed(home, name):
    """Milliseconds until a changed file is what the daemon has."""
    said = f"changed at {time.time()}"
    begin = time.perf_counter()
    home.dag(name, TASKS, schedule="yearly", catchup="none", description=said)
    while ask(home, "dags/" + name).get("description") != said:
        time.sleep(0.001)
    return (time.perf_counter() - begin) * 1000


def many(weir, count, seconds):
    """A daemon with so many DAGs of which none is due."""
    home = bench.Home(weir)
    try:
        for number in range(count):
            home.dag(f"dag{number:05}", TASKS, schedule="yearly", catchup="none")
        alone = read_alone(home)
        begin = time.perf_counter()
        ready = home.start_daemon()
        while len(json.loads(home.run("dags", "--json"))) < count:
            pass
        listed = time.perf_counter() - begin
        changes = [changed(home, f"dag{count // 2:05}") for _ in range(5)]
        # A span that lets it come to rest, and one that is observed: neither is a wait for a result.
        time.sleep(1)
        before = bench.cpu_seconds(home.daemon.pid)
        time.sleep(seconds)
        cpu, pss = bench.cpu_seconds(home.daemon.pid) - before, bench.memory_kib(home.daemon.pid)
        turn = json.loads(home.run("status", "--json"))["longest_turn_us"]
        stop = home.stop_daemon()
        begin = time.perf_counter()
        home.start_daemon()
        again = time.perf_counter() - begin
        home.stop_daemon()
        return {
            "dags": count, "ready_ms": round(ready * 1000, 1), "listed_ms": round(listed * 1000, 1), "ready_again_ms": round(again * 1000, 1),
            "read_by_python_ms": round(alone * 1000, 1), "pss_mib": round(pss / 1024, 1),
            "cpu_percent": round(cpu / seconds * 100, 3), "changed_ms": round(statistics.median(changes), 1),
            "longest_turn_ms": round(turn / 1000, 1), "stop_ms": round(stop * 1000, 1),
        }
    finally:
        home.remove()


def together(weir, count, parallelism):
    """Milliseconds from the instant at which so many DAGs are due to the start of each one's task, in order."""
    home = bench.Home(weir)
    try:
        if parallelism:
            home.env["WEIR_PARALLELISM"] = str(parallelism)
        # The end of the first interval; far enough that the daemon has long come to rest.
        due = int(time.time()) + 5 + count // 500
        start = datetime.fromtimestamp(due - 365 * 86400, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number in range(count):
            home.dag(f"dag{number:05}", TASKS, schedule={"every": "365d"}, start=start, catchup="none")
        home.start_daemon()
        if time.time() > due - 1:
            raise SystemExit("the machine is too slow: the runs were due before the daemon rested")
        time.sleep(due - time.time())
        while True:
            time.sleep(0.5)
            status = json.loads(home.run("status", "--json"))
            if time.time() > due + 1 and status["active_runs"] + status["queued_runs"] + status["running_attempts"] == 0:
                break
        items, cursor = [], ""
        while cursor is not None:
            page = ask(home, "tasks?limit=1000" + cursor)
            items += page["items"]
            cursor = f"&cursor={page['next_cursor']}" if page.get("next_cursor") else None
        assert len(items) == count and all(item["state"] == "success" for item in items), len(items)
        home.stop_daemon()
        return sorted((bench.when(item["start_date"]) - due) * 1000 for item in items), status
    finally:
        home.remove()


def lags(weir, count, parallelism, repeat):
    rounds = []
    for _ in range(repeat):
        before = bench.bare_rate(max(count, 500))
        sample, status = together(weir, count, parallelism)
        limit = count * 2000 / (before + bench.bare_rate(max(count, 500)))
        p99 = sample[int(len(sample) * 0.99)]
        rounds.append({
            "dags": count, "parallelism": status["parallelism"], "first_ms": round(sample[0], 1), "p50_ms": round(statistics.median(sample), 1),
            "p99_ms": round(p99, 1), "max_ms": round(sample[-1], 1), "bare_starts_of_all_ms": round(limit, 1), "ratio": round(p99 / limit, 2),
            "longest_turn_ms": round(status["longest_turn_us"] / 1000, 1),
        })
    return sorted(rounds, key=lambda one: one["ratio"])[len(rounds) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=bench.ROOT + "/.build/release/weir")
    parser.add_argument("--dags", default="100,1000,10000", help="the numbers of DAGs of which none is due")
    parser.add_argument("--due", type=int, default=1000, help="DAGs that are due at one instant")
    parser.add_argument("--parallelism", default="0", help="for these, one after the other; 0 is the default")
    parser.add_argument("--idle-seconds", type=float, default=10)
    parser.add_argument("--repeat", type=int, default=1, help="so often those that are due; the middle counts")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    sizes = [1] + [int(size) for size in arguments.dags.split(",")]
    figures = [many(arguments.weir, size, arguments.idle_seconds) for size in sizes]
    for one in figures[1:]:
        one["ready_ratio"] = round(one["ready_ms"] / (figures[0]["ready_ms"] + one["read_by_python_ms"]), 2)
        one["kib_per_dag"] = round((one["pss_mib"] - figures[0]["pss_mib"]) * 1024 / one["dags"], 2)
    report.give({
        **report.about(), "none_due": figures,
        "due_at_once": [lags(arguments.weir, arguments.due, int(parallelism), arguments.repeat)
                        for parallelism in arguments.parallelism.split(",")],
    }, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
