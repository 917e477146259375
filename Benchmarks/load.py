#!/usr/bin/env python3
"""200 clients at once on a real daemon, by wrk, while a backfill works; prints JSON.

The home has a week of generated logs in its lake, and DAGs whose backfill keeps the scheduler busy. wrk asks for a static answer
(/health/live: the machine's own limit), for lists, for lake queries that are answered from memory, and for such that are not
(each with a filter of its own). No request may fail. Beside each stands how late the scheduler was: a DAG that is triggered every
20 ms from the control socket tells how long it takes until its task runs; and the engine's longest turn.

The daemon runs in a cpu cgroup of its own, as packaging/weir.service gives it one, where cgroups can be made; wrk has a session
of its own. With --plain neither: then the kernel groups all that started in this terminal (sched(7), autogroup), as for a daemon
that somebody starts by hand in the shell that also starts the load.

Usage: load.py [--clients N] [--seconds N] [--plain] [--weir PROGRAM] [--out FILE]
It needs wrk (Debian's package).
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
import live  # noqa: E402
from live import DAY, ROOT, Daemon, quoted  # noqa: E402

UNCACHED = """
local n = 0
function setup(thread) n = n + 1; thread:set("id", n) end
function init() count = 0; math.randomseed(id * 7919 + os.time()) end
function request()
  count = count + 1
  local body = string.format('{"table_name":"plate","filters":["frame_id >= %d"],"columns":["plateText","frame_id"],"limit":10}',
    (id * 1000003 + count * 17) % 1000000000)
  return wrk.format("POST", "/api/v1/lake/query", {["Content-Type"]="application/json"}, body)
end
"""
CACHED = """
function request()
  return wrk.format("POST", "/api/v1/lake/query", {["Content-Type"]="application/json"}, '{"table_name":"country","filters":{"country":"Germany"},"limit":10}')
end
"""
ENDS = """
function done(summary, latency, requests)
  local bad = 0
  io.write(string.format('{"requests":%d,"seconds":%.3f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}', summary.requests,
    summary.duration / 1e6, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
"""


class Share:
    """A cpu cgroup, as a unit with CPUWeight= has; `kind` is None where none can be made."""

    def __init__(self, wanted):
        self.folder = self.kind = None
        roots = ("v1", "/sys/fs/cgroup/cpu"), ("v2", "/sys/fs/cgroup")
        for kind, root in roots if wanted else ():
            root = pathlib.Path(root)
            if kind == "v2" and "cpu" not in read(root / "cgroup.subtree_control").split():
                continue
            try:
                folder = root / f"weir-load-{os.getpid()}"
                folder.mkdir()
                self.folder, self.kind = folder, kind
                return
            except OSError:
                continue

    def enter(self, process):
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(process))

    def end(self):
        if self.folder:
            live.until("the group is empty", lambda: not read(self.folder / "cgroup.procs"))
            self.folder.rmdir()


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""


def wrk(port, target, clients, seconds, script="", plain=False):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + ENDS)
        file.flush()
        # Its clients would be other machines: they must not take the processor from the scheduler.
        done = subprocess.run([*([] if plain else ["setsid", "-w"]), "nice", "-n", "15", "wrk", "-t2", f"-c{clients}", f"-d{seconds}s", "--timeout", "10s", "-s", file.name, f"http://127.0.0.1:{port}{target}"],
                              capture_output=True, text=True)
    found = re.search(r"\{.*\}", done.stdout)
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    figures = json.loads(found[0])
    figures["per_second"] = round(figures["requests"] / figures["seconds"], 1)
    return figures


class Probe(threading.Thread):
    """Triggers a run again and again and looks how long it takes until its task has begun."""

    def __init__(self, home, weir):
        super().__init__()
        self.home, self.weir, self.lags, self.ends = home, weir, [], threading.Event()

    def run(self):
        while not self.ends.is_set():
            mark = self.home / "probe"
            mark.unlink(missing_ok=True)
            connection = UnixConnection(str(self.home / "state/weir.sock"))
            begin = time.time()
            connection.request("POST", "/api/v1/dags/probe/runs", b"{}", {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            connection.close()
            run = answer["run"]["run_id"]
            # The engine's own clock: when the task began against when the run was asked for.
            while not self.ends.is_set():
                connection = UnixConnection(str(self.home / "state/weir.sock"))
                connection.request("GET", f"/api/v1/dags/probe/runs/{quoted(run)}/tasks/say")
                task = json.loads(connection.getresponse().read())
                connection.close()
                if task.get("end_date"):
                    begun = instant(task["start_date"])
                    self.lags.append((begun - begin) * 1000)
                    break
                time.sleep(0.02)
            time.sleep(0.02)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("weir", timeout=60)
        self.path = path

    def connect(self):
        import socket
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def instant(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def latency(port, body, count, token=None, each=False):
    """Milliseconds of one client on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took = []
    for number in range(count + 5):
        text = body.replace("@", str(number)) if each else body
        headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
        begin = time.perf_counter()
        connection.request("POST", "/api/v1/lake/query", text, headers)
        response = connection.getresponse()
        response.read()
        took.append((time.perf_counter() - begin) * 1000)
        if response.status != 200:
            raise SystemExit(f"{response.status}")
    took = sorted(took[5:])
    return {"median_ms": round(statistics.median(took), 3), "p99_ms": round(took[int(len(took) * 0.99)], 3)}


def turns(daemon):
    text = daemon.ask("GET", "/metrics")[2].decode()
    return float(re.search(r"^weir_longest_turn_seconds (\S+)$", text, re.M)[1]) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--plain", action="store_true", help="no cgroup for the daemon, no session for wrk")
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("load.py needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="weir-load-", ignore_cleanup_errors=True) as folder:
        home = pathlib.Path(folder)
        shutil.copytree(ROOT / "dags", home / "dags")
        # Twenty at once, so that the backfill uses what is left of the machine and no more.
        (home / "dags/work.json").write_text(json.dumps({"id": "work", "schedule": "daily", "start": "2000-01-01", "catchup": False, "max_active_runs": 2,
            "tasks": [{"id": f"t{number}", "kind": "command", "after": [f"t{number - 1}"] if number else [], "with": {"command": ["sleep", "0.05"]}} for number in range(3)]}))
        (home / "dags/probe.json").write_text(json.dumps({"id": "probe", "max_active_runs": 8, "tasks": [
            {"id": "say", "kind": "command", "priority": 100, "with": {"command": ["true"]}}]}))
        live.lake(home, arguments.weir, days=7)
        share = Share(not arguments.plain)
        daemon = Daemon(home, arguments.weir)
        share.enter(daemon.process.pid)
        result = {"date": time.strftime("%Y-%m-%d"), "clients": arguments.clients, "seconds": arguments.seconds,
                  "autogroup": read("/proc/sys/kernel/sched_autogroup_enabled") == "1", "cpu_cgroup": share.kind}
        try:
            query = '{"table_name":"country","filters":{"country":"Germany"},"limit":10}'
            other = '{"table_name":"plate","filters":["frame_id >= @"],"columns":["plateText"],"limit":10}'
            result["one_client"] = {"cached query": latency(daemon.port, query, 2000), "uncached query": latency(daemon.port, other, 300, each=True)}
            status, _, answer = daemon.ask("POST", "/api/v1/backfills", {"dag_id": "work", "from": "2001-01-01T00:00:00Z", "to": "2003-12-31T00:00:00Z"})
            if status != 200:
                raise SystemExit(answer)
            result["load"] = {}
            for name, target, script in (
                    ("static", "/health/live", ""), ("cached query", "/api/v1/lake/query", CACHED), ("uncached query", "/api/v1/lake/query", UNCACHED),
                    ("runs", "/api/v1/runs?limit=50", ""), ("grid", "/api/v1/dags/work/grid?limit=50", ""), ("DAGs", "/api/v1/dags?recent=14", ""),
                    ("idle", None, "")):
                probe = Probe(home, arguments.weir)
                probe.start()
                if target:
                    figures = wrk(daemon.port, target, arguments.clients, arguments.seconds, script, arguments.plain)
                else:
                    time.sleep(arguments.seconds)
                    figures = {}
                probe.ends.set()
                probe.join()
                lags = sorted(probe.lags)
                figures["scheduler_lag_ms"] = {"count": len(lags), "median": round(statistics.median(lags), 1), "p99": round(lags[int(len(lags) * 0.99)], 1), "max": round(lags[-1], 1)} if lags else None
                result["load"][name] = figures
            limit = result["load"]["static"]["per_second"]
            for figures in result["load"].values():
                if "per_second" in figures:
                    figures["ratio"] = round(figures["per_second"] / limit, 3)
            result["longest_turn_ms"] = round(turns(daemon), 1)
            work = daemon.ask("GET", "/api/v1/backfills")[2]["items"][0]
            result["backfill"] = {"state": work["state"], "ended": work["ended"], "failed": work["states"]["failed"]}
            subprocess.run([arguments.weir, "user", "add", "ada", "--role", "admin", "--password-stdin"], input="correct horse battery\n", text=True,
                           env=dict(os.environ, WEIR_HOME=folder), check=True, stdout=subprocess.DEVNULL)
            token = subprocess.run([arguments.weir, "token", "create", "ada", "--name", "load"], capture_output=True, text=True, check=True,
                                   env=dict(os.environ, WEIR_HOME=folder)).stdout.split()[-1]
            daemon.ask("POST", f"/api/v1/backfills/{work['backfill_id']}/cancel", {}, {"Authorization": "Bearer " + token})
            result["one_client"]["cached query with a token"] = latency(daemon.port, query, 2000, token)
        finally:
            daemon.stop()
            share.end()
    result["errors"] = sum(figures.get("errors", 0) for figures in result["load"].values())
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text + "\n")
    return 0 if result["errors"] == 0 and result["backfill"]["failed"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
