#!/usr/bin/env python3
"""Measures the REST API over a large store: each list, one client after the other, and prints JSON.

The store is made up: so many DAGs with so many runs of so many tasks, written straight into state/weir.db of a home of its own.
Each figure stands beside the limit of this machine: what the server takes for an answer that never changes (/health/live).

Usage: api.py [--dags N] [--runs N] [--tasks N] [--requests N] [--weir PROGRAM] [--out FILE]
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAY = 86_400_000_000
START = 1_577_836_800_000_000  # 2020-01-01


def fill(home, dags, runs, tasks, most=0):
    """A home with these DAGs, whose store says that they have run; a real daemon made its tables. The first one has run more
    often, where `most` says so."""
    (home / "dags").mkdir(exist_ok=True)
    for number in range(dags):
        (home / f"dags/dag{number:04}.json").write_text(json.dumps({
            "id": f"dag{number:04}", "tasks": [{"id": f"t{i}", "kind": "command", "with": {"command": ["true"]}}
                                               for i in range(tasks)]}))
    daemon = Daemon(home, None)
    daemon.stop()
    store = sqlite3.connect(home / "state/weir.db", isolation_level=None)
    versions = dict(store.execute("SELECT id, version FROM dag"))
    store.execute("PRAGMA synchronous = OFF")
    store.execute("BEGIN")
    rendered = json.dumps({"command": ["true"]}, separators=(",", ":"))
    run = attempt = 0
    for dag, version in versions.items():
        for day in range(max(runs, most) if dag == "dag0000" else runs):
            run += 1
            at = START + day * DAY
            state = "failed" if run % 97 == 0 else "success"
            store.execute(
                "INSERT INTO run (id, dag_id, run_id, type, state, version, logical_date, interval_start, interval_end, run_after,"
                " created_at, started_at, ended_at, params, is_rerun, keeps_finished) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,'{}',0,0)",
                (run, dag, f"scheduled__{time.strftime('%Y-%m-%dT00:00:00Z', time.gmtime(at // 1_000_000))}", "scheduled", state,
                 version, at, at, at + DAY, at + DAY, at + DAY, at + DAY, at + DAY + 60_000_000))
            ends = [state if i == tasks - 1 else "success" for i in range(tasks)]
            store.executemany(
                "INSERT INTO task_instance (run, position, task_id, map_index, state, try_number, max_tries, lost_in_a_row,"
                " started_at, ended_at, attempt) VALUES (?,?,?,-1,?,1,1,0,?,?,?)",
                [(run, i, f"t{i}", end, at + DAY, at + DAY + 1_000_000, attempt + i + 1) for i, end in enumerate(ends)])
            store.executemany(
                "INSERT INTO attempt (id, run, task_id, map_index, try_number, state, created_at, started_at, ended_at, exit_code, cpu_us,"
                " peak_memory, rendered) VALUES (?,?,?,-1,1,?,?,?,?,?,900,3500000,?)",
                [(attempt + i + 1, run, f"t{i}", end, at + DAY, at + DAY, at + DAY + 1_000_000, int(end == "failed"), rendered)
                 for i, end in enumerate(ends)])
            attempt += tasks
    # As if the schedule had come so far: only what lies behind it may ever be pruned.
    store.execute("UPDATE dag SET cursor = ?", (START + max(runs, most) * DAY,))
    store.execute("COMMIT")
    store.execute("ANALYZE")
    store.close()
    return run * tasks


class Daemon:
    def __init__(self, home, weir):
        self.path = home / "daemon.log"
        self.log = open(self.path, "wb")
        environment = dict(os.environ, WEIR_HOME=str(home), WEIR_SENDMAIL="outbox", WEIR_LISTEN="127.0.0.1:0")
        self.process = subprocess.Popen([weir or Daemon.weir, "daemon"], env=environment, stdout=self.log, stderr=self.log)
        found = None
        while found is None:
            if self.process.poll() is not None:
                raise SystemExit(self.path.read_text()[-2000:])
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.path.read_text())
            time.sleep(0.01)
        self.port = int(found.group(1))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def measured(port, target, requests):
    """Milliseconds of requests one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took, size = [], 0
    for _ in range(requests + 3):
        begin = time.perf_counter()
        connection.request("GET", target)
        response = connection.getresponse()
        size = len(response.read())
        took.append((time.perf_counter() - begin) * 1000)
        if response.status != 200:
            raise SystemExit(f"{target}: {response.status}")
    took = sorted(took[3:])
    return {"median_ms": round(statistics.median(took), 2), "p99_ms": round(took[int(len(took) * 0.99)], 2), "bytes": size}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dags", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100, help="of each DAG")
    parser.add_argument("--tasks", type=int, default=10, help="of each run")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--out")
    arguments = parser.parse_args()
    Daemon.weir = arguments.weir
    with tempfile.TemporaryDirectory(prefix="weir-api-bench-") as folder:
        home = pathlib.Path(folder)
        count = fill(home, arguments.dags, arguments.runs, arguments.tasks)
        daemon = Daemon(home, arguments.weir)
        try:
            dag = "/api/v1/dags/dag0007"
            run = f"{dag}/runs/scheduled__2020-02-01T00%3A00%3A00Z"
            targets = ["/health/live", "/api/v1/dags", "/api/v1/dags?limit=1000", "/api/v1/dags?limit=1000&recent=14", "/api/v1/dags?last_state=failed", dag, "/api/v1/runs",
                       "/api/v1/runs?state=failed", "/api/v1/runs?state=cancelled", "/api/v1/runs?sort=logical_date", f"{dag}/runs", f"{dag}/runs?sort=-duration", f"{dag}/runs?state=failed",
                       run, f"{run}/tasks", "/api/v1/tasks", "/api/v1/tasks?state=failed", "/api/v1/tasks?state=running",
                       "/api/v1/tasks?state=failed&dag_id=dag0007", f"{run}/tasks/t3/attempts", f"{dag}/grid", f"{dag}/grid?limit=100",
                       f"{dag}/versions", "/api/v1/backfills", "/api/v1/dag-errors", "/api/v1/audit", "/metrics"]
            lists = {target: measured(daemon.port, target, arguments.requests) for target in targets}
        finally:
            daemon.stop()
    limit = lists["/health/live"]["median_ms"]
    for figures in lists.values():
        figures["ratio"] = round(figures["median_ms"] / limit, 1)
    result = {"date": time.strftime("%Y-%m-%d"), "dags": arguments.dags, "task_instances": count, "lists": lists,
              "worst": {"median_ms": max(one["median_ms"] for one in lists.values()),
                        "p99_ms": max(one["p99_ms"] for one in lists.values())}}
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
