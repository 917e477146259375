#!/usr/bin/env python3
"""Puts the nginx and the Caddy of docs/examples in front of a real daemon, and asks through them over TLS.

Usage: check-proxy.py [--weir PROGRAM]
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

import live
from live import ROOT, Daemon, quoted, that, until

PASSWORD = "correct horse battery"
HOST = "weir.example.org"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Client:
    """Somebody with an address of this machine, who speaks TLS."""

    def __init__(self, port, address, secure=True):
        self.port = port
        self.address = address
        self.context = ssl.create_default_context() if secure else None
        if secure:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def open(self, method, target, body=None, headers=None):
        source = (self.address, 0)
        if self.context:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, source_address=source, context=self.context, timeout=30)
            raw = socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=source)
            connection.sock = self.context.wrap_socket(raw, server_hostname=HOST)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, source_address=source, timeout=30)
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        given = {"Host": HOST, **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        connection.request(method, target, data, given)
        response = connection.getresponse()
        response.connection = connection
        return response

    def ask(self, *arguments, **named):
        response = self.open(*arguments, **named)
        content = response.read()
        response.connection.close()
        if "json" in response.headers.get("Content-Type", ""):
            content = json.loads(content)
        return response.status, response.headers, content


def start(name, folder, backend, port):
    """The proxy of the example, with other places."""
    text = (ROOT / "docs/examples" / {"nginx": "nginx.conf", "caddy": "Caddyfile"}[name]).read_text()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{backend}").replace("/etc/ssl/", f"{folder}/")
    if name == "nginx":
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"daemon off;\nuser root;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}\n}}\n")
        command = ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    else:
        text = text.replace(f"{HOST} {{", f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/weir.crt {folder}/weir.key", 1)
        (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
        command = ["/usr/bin/caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    log = open(folder / f"{name}.log", "wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))

    def answers():
        if process.poll() is not None:
            raise SystemExit(f"{name} ended: " + (folder / f"{name}.log").read_text() + (folder / "error.log").read_text())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False
    until(f"{name} listens", answers)
    return process


def through(name, port, daemon, tokens, run):
    client = Client(port, "127.0.0.2")
    status, headers, answer = client.ask("POST", "/api/v1/session", {"name": "ada", "password": PASSWORD}, {"Origin": f"https://{HOST}"})
    that(f"{name}: signed in", status == 200, (status, answer))
    that(f"{name}: the cookie is for TLS only", "; Secure" in (headers["Set-Cookie"] or ""), headers["Set-Cookie"])
    token = {"Authorization": "Bearer " + tokens.pop(), "X-Forwarded-For": "203.0.113.9"}
    that(f"{name}: a token", client.ask("GET", "/api/v1/dags", headers=token)[0] == 200)

    def address(of):
        found = json.loads(run("token", "list", "--json"))
        return next(one["last_address"] for one in found if one["id"] == of.split("_")[1])

    that(f"{name}: the client is known, and what it says of itself does not count", address(token["Authorization"]) == "127.0.0.2",
         address(token["Authorization"]))
    direct = {"Authorization": "Bearer " + tokens.pop(), "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    outside = Client(daemon.port, "127.0.0.3", secure=False)
    that(f"{name}: past the proxy", outside.ask("GET", "/api/v1/dags", headers=direct)[0] == 200)
    that(f"{name}: nobody else is believed", address(direct["Authorization"]) == "127.0.0.3", address(direct["Authorization"]))
    # One client is locked out, and not all of the proxy's.
    for _ in range(5):
        client.ask("POST", "/api/v1/session", {"name": f"victim-{name}", "password": "wrong"})
    good = {"name": f"victim-{name}", "password": PASSWORD}
    that(f"{name}: locked out", client.ask("POST", "/api/v1/session", good)[0] == 401)
    that(f"{name}: others are not", Client(port, "127.0.0.4").ask("POST", "/api/v1/session", good)[0] == 200)
    # As it happens.
    stream = client.open("GET", "/api/v1/events?kind=run", headers=token)
    that(f"{name}: a stream", stream.headers["Content-Type"] == "text/event-stream", dict(stream.headers))
    that(f"{name}: it is ready", b"retry" in stream.readline())
    client.ask("POST", "/api/v1/dags/quick/runs", {}, token)
    for line in stream:
        if b'"state":"success"' in line:
            break
    that(f"{name}: the end of a run, as it happens", b'"dag_id":"quick"' in line, line)
    stream.connection.close()
    run_id = client.ask("GET", "/api/v1/dags/quick/runs?limit=1", headers=token)[2]["items"][0]["run_id"]
    path = f"/api/v1/dags/quick/runs/{quoted(run_id)}/tasks/say/attempts"
    attempt = client.ask("GET", path, headers=token)[2]["items"][0]["attempt_id"]
    that(f"{name}: a log that is followed", client.ask("GET", f"{path}/{attempt}/log?follow=true", headers=token)[2] == b"hello\n")
    that(f"{name}: too large a body", client.ask("POST", "/api/v1/dags/quick/runs", b" " * ((1 << 20) + 1), token)[0] == 413)
    page = client.ask("GET", "/")
    that(f"{name}: the page", page[0] == 200 and b"<title>Weir" in page[2] and "default-src 'none'" in page[1]["Content-Security-Policy"])
    # Limited by itself: another client goes on. More than five seconds' worth, as fast as it goes.
    statuses = []
    greedy = Client(daemon.port, "127.0.0.1", secure=False)
    # Until it is limited, however slow this machine is beside the hundred a second that come back.
    while len(statuses) < 5000 and statuses.count(429) <= 20:
        statuses.append(greedy.ask("GET", "/api/v1/openapi.json", headers={"X-Forwarded-For": f"198.51.100.{len(name)}"})[0])
    that(f"{name}: too many requests", statuses.count(429) > 20 and statuses[0] == 200, statuses.count(429))
    probe = greedy.ask("GET", "/health/live", headers={"X-Forwarded-For": f"198.51.100.{len(name)}"})[0]
    that(f"{name}: the daemon is watched over all the same", probe == 200, probe)
    that(f"{name}: of one client only", client.ask("GET", "/api/v1/openapi.json")[0] == 200)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-proxy-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        home = folder / "home"
        (home / "dags").mkdir(parents=True)
        (home / "dags/quick.json").write_text(json.dumps({"id": "quick", "tasks": [{"id": "say", "kind": "command", "with": {"command": ["echo", "hello"]}}]}))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
                        "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", folder / "weir.key", "-out", folder / "weir.crt"], check=True, stderr=subprocess.DEVNULL)
        environment = dict(os.environ, WEIR_HOME=str(home), WEIR_SENDMAIL="outbox")

        def run(*words, given=None, status=0):
            done = subprocess.run([arguments.weir, *words], capture_output=True, text=True, input=given, env=environment)
            that(" ".join(words), done.returncode == status, done.stderr)
            return done.stdout + (done.stderr if status else "")

        # Where nobody signs in a proxy is no way in.
        daemon = Daemon(home, arguments.weir)
        that("a proxy that nobody told of", daemon.ask("GET", "/api/v1/dags", headers={"X-Forwarded-For": "203.0.113.9"})[0] == 403)
        daemon.stop()
        said = run("daemon", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", status=1)
        that("not without a user", "there is no user who could sign in" in said, said)
        for user in ("ada", "victim-nginx", "victim-caddy"):
            run("user", "add", user, "--role", "admin", "--password-stdin", given=PASSWORD + "\n")
        tokens = [run("token", "create", "ada", "--name", f"n{number}").split()[-1] for number in range(4)]
        daemon = Daemon(home, arguments.weir, "--trusted-proxies", "127.0.0.1")
        running = True
        try:
            for name in ("nginx", "caddy"):
                port = free_port()
                proxy = start(name, folder, daemon.port, port)
                try:
                    through(name, port, daemon, tokens, run)
                    if name == "caddy":
                        daemon.stop()
                        running = False
                        that(f"{name}: while the daemon is away", Client(port, "127.0.0.2").ask("GET", "/health/live")[0] == 502)
                finally:
                    proxy.terminate()
                    proxy.wait(20)
        finally:
            if running:
                daemon.stop()
    passed, failed = live.counted.values()
    print(f"proxies: {passed} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
