#!/usr/bin/env python3
"""Runs the licence-plate pipeline with its lake in S3 while the server is killed and comes back; what must come out is what a lake in a
folder has.

The server is rclone's `serve s3` over a folder, so that what was written is there after a kill.

Usage: check-s3.py [--weir PROGRAM]; it needs .tools/rclone, which `scripts/setup.sh verify` installs.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import live
from live import ROOT, digest, that

sys.path.insert(0, str(ROOT / "Benchmarks"))
from s3 import KEYS, Server  # noqa: E402


def home(folder, name, variables):
    """A home with the project's DAGs, some hundred logs of two days, and its environment."""
    place = folder / name
    (place / "state/landing").mkdir(parents=True)
    shutil.copytree(ROOT / "dags", place / "dags")
    subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--out", place / "state/landing", "--from", live.DAY, "--days", "2",
                    "--frames", "100", "--cameras", "2"], check=True, stderr=subprocess.DEVNULL)
    return dict(os.environ, WEIR_HOME=str(place), WEIR_SENDMAIL="outbox", WEIR_DUCKDB=str(ROOT / ".tools/duckdb"), **variables)


def backfill(weir, environment):
    return subprocess.Popen([weir, "backfill", "alpr_daily", "--from", live.DAY, "--to", "2022-05-03"], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-s3-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        local = home(folder, "local", {})
        done = backfill(arguments.weir, local)
        that("the lake in a folder", done.wait() == 0, done.stderr.read())
        expected = digest(arguments.weir, local)

        server = Server(str(folder / "served"))
        port = server.endpoint.rsplit(":", 1)[1]
        (folder / "credentials").write_text(f"[default]\naws_access_key_id = {KEYS[0]}\naws_secret_access_key = {KEYS[1]}\n")
        where = {"AWS_ENDPOINT_URL": server.endpoint, "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "WEIR_LAKE_WRITERS": "one"}

        # rclone's keeps no conditions of writes, so it is not for many.
        many = home(folder, "many", {**where, "WEIR_LAKE": "s3://bench/many", "WEIR_LAKE_WRITERS": "many"})
        subprocess.run([arguments.weir, "trigger", "alpr_daily", "--date", live.DAY, "--wait"], env=many, capture_output=True)
        said = "".join(path.read_text(errors="replace") for path in (folder / "many/state/attempts").rglob("log*") if path.is_file())
        that("it is refused where many may write", "set lake_writers to one" in said, said[-400:])

        # Killed and started again, as long as the pipeline works.
        troubled = home(folder, "troubled", {**where, "WEIR_LAKE": "s3://bench/troubled"})
        over, kills = threading.Event(), [0]

        def trouble():
            nonlocal server
            while not over.is_set():
                time.sleep(0.25)
                server.stop()
                kills[0] += 1
                time.sleep(0.15)
                server = Server(str(folder / "served"), port)
        thread = threading.Thread(target=trouble)
        thread.start()
        done = backfill(arguments.weir, troubled)
        status = done.wait(300)
        over.set()
        thread.join()
        that("the run ends right", status == 0, done.stderr.read())
        that("the server was killed meanwhile", kills[0] > 1, kills)
        that("the rows are the same", digest(arguments.weir, troubled) == expected)
        server.stop()
    passed, failed = live.counted.values()
    print(f"the lake in S3: {passed} checks passed, the server killed {kills[0]} times" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
