#!/usr/bin/env python3
"""Runs the daily pipeline with convert and transform on a real Spark cluster, a master and two workers on this machine, and holds the
datasets against those of DuckDB; then a worker dies in the middle, then the submit, then somebody cancels.

Usage: check-spark.py [--weir PROGRAM]; it needs .tools/spark, which `make setup-spark` and `scripts/setup.sh verify` install.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import live
from live import ROOT, Daemon, that, until

SPARK = next((ROOT / ".tools/spark/lib").glob("python*/site-packages/pyspark"))
LOCAL = {"SPARK_LOCAL_IP": "127.0.0.1"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """A master and workers, by the classes that spark-class starts."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}
        port, self.page = free_port(), free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self.start("master", "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(self.page))
        if not until("the master answers", lambda: self.state() is not None, 60):
            raise SystemExit((folder / "master.log").read_text()[-1000:])
        for name in "one", "two":
            self.worker(name)
        until("the workers are there", lambda: self.alive() == 2, 60)

    def worker(self, name):
        self.start(name, "worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", str(free_port()),
                   "--work-dir", str(self.folder / f"work-{name}"), self.url)

    def start(self, name, what, *words):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen([SPARK / "bin/spark-class", "org.apache.spark.deploy." + what, *words], stdout=log, stderr=log,
                                                    env=dict(os.environ, SPARK_HOME=str(SPARK), **LOCAL), start_new_session=True)

    def state(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/json/") as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def alive(self):
        return sum(worker["state"] == "ALIVE" for worker in (self.state() or {}).get("workers", []))

    def applications(self):
        return (self.state() or {}).get("activeapps", [])

    def kill(self, name):
        process = self.processes.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        for name in list(self.processes):
            self.kill(name)


def home(folder, name):
    place = folder / name
    (place / "state/landing").mkdir(parents=True)
    shutil.copytree(ROOT / "dags", place / "dags")
    file = place / "dags/alpr_daily.json"
    file.write_text(file.read_text().replace('"retry_delay": "30s"', '"retry_delay": "1s"'))
    subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--out", place / "state/landing", "--from", live.DAY, "--days", "1",
                    "--frames", "300", "--cameras", "2", "--faults"], check=True, stderr=subprocess.DEVNULL)
    return place


def environment(place):
    return dict(os.environ, WEIR_HOME=str(place), WEIR_SENDMAIL="outbox", WEIR_DUCKDB=str(ROOT / ".tools/duckdb"), **LOCAL)


def weir(program, place, *words):
    return subprocess.run([program, *words], env=environment(place), capture_output=True, text=True)


def digest(program, place):
    """Of that day: a daemon runs others, too, for which records have come."""
    return live.digest(program, environment(place), (*live.DATASETS, "ultimatealpr_staging"), f"dt = '{live.DAY}'")


def submits(place):
    """The processes of spark-submit for a home."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if b"org.apache.spark.deploy.SparkSubmit" in words and any(str(place).encode() in word for word in words):
            found.append(int(folder.name))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    program = parser.parse_args().weir
    with tempfile.TemporaryDirectory(prefix="weir-spark-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        duckdb, spark = home(folder, "duckdb"), home(folder, "spark")
        done = weir(program, duckdb, "backfill", "alpr_daily", "--from", live.DAY)
        that("the day", done.returncode == 0, done.stderr)
        expected = digest(program, duckdb)
        cluster = Cluster(folder)
        try:
            (spark / "spark.properties").write_text(f"spark.master {cluster.url}\nspark.driver.host 127.0.0.1\nspark.executor.memory 600m\n")
            os.environ.update(LOCAL, WEIR_DUCKDB=str(ROOT / ".tools/duckdb"))
            daemon = Daemon(spark, program)
            path = "/api/v1/dags/alpr_daily/runs/"

            def start():
                return daemon.ask("POST", "/api/v1/dags/alpr_daily/runs", {"logical_date": live.DAY + "T00:00:00Z", "params": {"engine": "spark"}})[2]["run"]["run_id"]

            def run(run_id):
                return daemon.ask("GET", path + live.quoted(run_id))[2]

            def ended(run_id):
                return until("it ends", lambda: (run(run_id)["state"] in ("success", "failed", "cancelled")) and run(run_id), 180)

            def compare(when):
                found = digest(program, spark)
                that(f"the rows are the same {when}", found == expected, [(one, other) for one, other in zip(found, expected) if one != other])

            def log(run_id):
                return daemon.ask("GET", path + live.quoted(run_id) + "/tasks/transform/log")[2].decode()

            # As it should be: on the cluster, with the same rows.
            first = start()
            that("the run ends right", ended(first)["state"] == "success", run(first)["reason"])
            said = log(first)
            that("on the cluster", re.search(r"spark: app-\d+-\d+ at " + re.escape(cluster.url) + ", http://", said), said[-600:])
            compare("on the cluster")

            # A worker dies while it works for the job.
            second = start()
            until("an application", lambda: cluster.applications() and cluster.applications()[0]["state"] == "RUNNING", 120)
            time.sleep(1)
            cluster.kill("one")
            that("it ends right without a worker", ended(second)["state"] == "success", run(second)["reason"])
            compare("without a worker")
            cluster.worker("three")
            until("another worker", lambda: cluster.alive() == 2, 60)

            # The submit dies: the next try does it.
            third = start()
            until("an application", lambda: cluster.applications(), 120)
            for pid in submits(spark):
                os.kill(pid, signal.SIGKILL)
            that("it ends right by another try", ended(third)["state"] == "success", run(third)["reason"])
            tries = [task["try_number"] for task in daemon.ask("GET", path + live.quoted(third) + "/tasks")[2]["items"]]
            that("with a second try", max(tries) > 1, tries)
            compare("by another try")

            # Somebody cancels: the application is gone from the cluster, and nothing was published.
            before = weir(program, spark, "lake", "partitions", "plate", "--json").stdout
            fourth = start()
            until("an application", lambda: cluster.applications(), 120)
            daemon.ask("POST", path + live.quoted(fourth) + "/cancel", {})
            that("it is cancelled", ended(fourth)["state"] == "cancelled", run(fourth))
            until("the application ends", lambda: not cluster.applications() and not submits(spark), 60)
            that("nothing was published", weir(program, spark, "lake", "partitions", "plate", "--json").stdout == before)

            # A mistake in the SQL is told with its file, and is not tried again.
            (spark / "dags/alpr/sql/color.spark.sql").write_text("SELECT nothing FROM plates")
            fifth = start()
            that("it fails", ended(fifth)["state"] == "failed", run(fifth))
            reason = daemon.ask("GET", path + live.quoted(fifth) + "/tasks/transform")[2]
            that("with the file and the reason", "color.spark.sql: " in reason["reason"] and "nothing" in reason["reason"] and reason["try_number"] == 1, reason)
            that("nothing was published", weir(program, spark, "lake", "partitions", "plate", "--json").stdout == before)
            that("the daemon ends", daemon.stop() == 0)
        finally:
            cluster.stop()
    passed, failed = live.counted.values()
    print(f"Spark: {passed} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
