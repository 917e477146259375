#!/usr/bin/env python3
"""Measures the lake in a bucket against the lake in a folder, by the same tasks on the same logs in turn, and prints JSON.

The server is rclone's `serve s3` on this machine, over a folder beside the other lake: what is measured is what the protocol
costs, not a network. It keeps no conditions of writes, so the lake has one writer. CPU seconds are those of Weir with all that it
starts; the server's own are told apart. The query counts the plates of each country and day, cold, by the command.

Usage: s3.py [--scale SHARE] [--repeat N] [--weir PROGRAM] [--out FILE]
It needs .tools/rclone, which `scripts/setup.sh verify` installs.
"""
import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import lake
import report

KEYS = ("BENCHMARK", "benchmark-secret")
STEPS = ("load", "convert", "transform")
QUERY = ("query", "--sql", "SELECT countryName, dt, count(*) AS n FROM plate GROUP BY ALL ORDER BY ALL", "--limit", "all")


class Server:
    """rclone's server of S3 over a folder."""

    def __init__(self, folder, port=None):
        os.makedirs(folder + "/bench", exist_ok=True)
        port = port or 9000 + os.getpid() % 1000
        self.process = subprocess.Popen([lake.ROOT + "/.tools/rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(KEYS),
                                         "--config", folder + "/none", folder], stderr=subprocess.DEVNULL)
        self.endpoint = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(self.endpoint)
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("rclone does not serve")

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.kill()
        self.process.wait()


def measured(home, repeat):
    """The tasks once each, those that can be repeated the middle of some, and a query."""
    own = {"load": home.task("load")}
    for name in STEPS[1:]:
        own[name] = lake.middle(lambda: home.task(name, "--reprocess", "completed"), repeat)
    query = lake.middle(lambda: lake.measured([home.weir, *QUERY], home.env)["usage"], repeat)
    answer = subprocess.run([home.weir, *QUERY, "--json"], env=home.env, capture_output=True, text=True, check=True).stdout
    return {**lake.total(own.values()), **own, "query": query}, json.loads(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=lake.ROOT + "/.build/release/weir")
    parser.add_argument("--duckdb", default=lake.ROOT + "/.tools/duckdb")
    parser.add_argument("--scale", type=float, default=1, help="share of the 266,440 plates, for a short run")
    parser.add_argument("--repeat", type=int, default=3, help="so often each step, but load; the middle counts (3)")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    local, remote = (lake.Home(arguments.weir, arguments.duckdb) for _ in range(2))
    server = None
    try:
        plates = max(1, round(lake.PLATES * arguments.scale))
        for home in local, remote:
            home.generate("--plates", plates, "--cameras", 4, "--runs", 24, "--format", "ndjson")
        server = Server(remote.path + "/served")
        with open(remote.path + "/credentials", "w") as file:
            file.write(f"[default]\naws_access_key_id = {KEYS[0]}\naws_secret_access_key = {KEYS[1]}\n")
        remote.env.update({"AWS_ENDPOINT_URL": server.endpoint, "AWS_SHARED_CREDENTIALS_FILE": remote.path + "/credentials",
                           "WEIR_LAKE": "s3://bench/lake", "WEIR_LAKE_WRITERS": "one"})
        folder, expected = measured(local, arguments.repeat)
        before = server.cpu()
        bucket, found = measured(remote, arguments.repeat)
        if found != expected:
            raise SystemExit("the lake in the bucket has other plates than the lake in the folder")
        result = {
            **report.about(),
            "plates": plates, "folder": folder, "bucket": bucket, "server_cpu_seconds": round(server.cpu() - before, 2),
            "ratio": {key: round(bucket[key] / folder[key], 2) for key in ("cpu_seconds", "wall_seconds", "peak_mib")},
        }
    finally:
        if server:
            server.stop()
        for home in local, remote:
            home.remove()
    report.give(result, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
