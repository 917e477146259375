"""A real daemon that answers on TCP, for the checks that ask it."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAY = "2022-05-02"
counted = {"passed": 0, "failed": 0}
# Texts that would do harm where they are taken for code.
HOSTILE = ["'", "''", "' OR 1=1 --", "'; DROP TABLE plate; --", '"', "\\", "\0", "\n.shell touch pwned\n", "%' OR '%'='",
           "1) OR (1=1", "/* */", "${HOME}", "{{ env.PATH }}", "x" * 5000, "🚗", "<script>alert(1)</script>"]


def that(what, right, found=""):
    """Counts one check, and tells of it where it is wrong."""
    counted["passed" if right else "failed"] += 1
    if not right:
        print(f"FAILED: {what}: {str(found)[:400]}", file=sys.stderr)


def quoted(text):
    return urllib.parse.quote(text, safe="")


def until(what, look, seconds=30):
    """Looks until it sees something, and gives it back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    that(what, False, "not within half a minute")
    return None


def rest(page):
    """What waits until a page of a browser has asked for nothing for a moment. Playwright's `networkidle` waits for the stream of
    events, too, which pages share."""
    asked = set()
    page.on("request", lambda request: request.resource_type == "fetch" and asked.add(request))
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: asked.discard(request))

    def wait():
        quiet = 0
        for _ in range(300):
            quiet = 0 if asked else quiet + 1
            if quiet == 5:
                return
            page.wait_for_timeout(50)
        that("the page comes to rest", False, [request.url for request in asked])
    return wait


DATASETS = ("bodyStyle", "car", "color", "country", "makeModelYear", "plate", "frame", "candidate")


def digest(weir, environment, tables=DATASETS, where="true"):
    """How many rows each table of a lake has, and a number that is the same for the same rows."""
    sql = " UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS n, bit_xor(hash(t)) AS h FROM {name} AS t WHERE {where}" for name in tables)
    done = subprocess.run([weir, "query", "--sql", sql, "--json"], env=environment, capture_output=True, text=True)
    that("the datasets can be asked", done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def operations(daemon):
    """What the OpenAPI document says that can be asked: method, path, the operation, and the role it is for (or nobody)."""
    for path, methods in daemon.ask("GET", "/api/v1/openapi.json")[2]["paths"].items():
        for method, operation in methods.items():
            role = re.search(r"for the role (\w+)", operation.get("description", ""))
            yield method.upper(), path, operation, role[1] if role else "nobody"


def lake(home, weir, frames=600, days=1):
    """The DAGs of the project in a home, and generated logs in its lake."""
    (home / "state/landing").mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--out", home / "state/landing", "--from", DAY,
                    "--days", str(days), "--frames", str(frames), "--cameras", "2"], check=True, stderr=subprocess.DEVNULL)
    environment = dict(os.environ, WEIR_HOME=str(home), WEIR_SENDMAIL="outbox")
    environment.setdefault("WEIR_DUCKDB", str(ROOT / ".tools/duckdb"))
    os.environ.update(environment)
    last = f"2022-05-{1 + days:02}"
    done = subprocess.run([weir, "backfill", "alpr_daily", "--from", DAY, "--to", last], env=environment, capture_output=True, text=True)
    that("days of the lake", done.returncode == 0, done.stderr)


class Daemon:
    def __init__(self, home, weir, *options, environment=None, prefix=()):
        self.home = home
        self.log = open(home / "daemon.log", "wb")
        given = dict(os.environ, WEIR_HOME=str(home), WEIR_SENDMAIL="outbox", WEIR_LISTEN="127.0.0.1:0", **(environment or {}))
        self.process = subprocess.Popen([*prefix, weir, "daemon", *options], env=given, stdout=self.log, stderr=self.log)
        found = until("the daemon listens", lambda: self.process.poll() is not None
                      or re.search(r"http://[0-9.]+:(\d+)", (home / "daemon.log").read_text()))
        if not found or found is True:
            raise SystemExit("the daemon does not listen: " + (home / "daemon.log").read_text())
        self.port = int(found.group(1))

    def ask(self, method, target, body=None, headers=None, host=None):
        response = self.open(method, target, body, headers, host)
        content = response.read()
        response.connection.close()
        if "json" in response.headers.get("Content-Type", ""):
            content = json.loads(content) if content else None
        return response.status, response.headers, content

    def open(self, method, target, body=None, headers=None, host=None):
        """An answer that is not read yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, target, skip_host=host is not None)
        if host is not None:
            connection.putheader("Host", host)
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        given = {"Content-Type": "application/json"} if body is not None else {}
        for name, value in {**given, **(headers or {})}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        response.connection = connection
        return response

    def stop(self):
        self.process.terminate()
        status = self.process.wait(10)
        self.log.close()
        return status
