#!/usr/bin/env python3
"""Sends a report through the machine's real mail system and reads it from the mailbox.

A run with odd characters in its subject and data mails root on this machine; the message must arrive, parse as MIME, and
say the same in both of its forms. A page goes along. Then the mail system is one that fails for a while (exit 75): the task is retried.
A run that fails, one that is late, and a day on which nothing ran are told of; what reaches nobody is reported.
"""
import email
import email.policy
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WEIR = ROOT + "/.build/release/weir"
ODD = "Kennzeichen \u00fc\u00df \U0001F697 <b>&amp;"


def weir(home, *arguments, **environment):
    return subprocess.run([WEIR, *arguments], env=dict(os.environ, WEIR_HOME=home, **environment),
                          capture_output=True, text=True)


def mailbox():
    """The messages in root's mailbox."""
    try:
        with open("/var/mail/root", "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    parts = (b"\n" + text).split(b"\nFrom ")[1:]
    return [email.message_from_bytes(part.split(b"\n", 1)[1], policy=email.policy.default) for part in parts]


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"waited in vain for {what}")


def home_with(folder, name, tasks, **more):
    os.makedirs(f"{folder}/dags", exist_ok=True)
    with open(f"{folder}/dags/{name}.json", "w") as file:
        json.dump({"id": name, "tasks": tasks, **more}, file)


class Daemon:
    """A daemon of a home, up as long as the block."""

    def __init__(self, home, **environment):
        self.home, self.environment = home, environment

    def __enter__(self):
        self.process = subprocess.Popen(
            [WEIR, "daemon"], env=dict(os.environ, WEIR_HOME=self.home, **self.environment), stderr=subprocess.DEVNULL)
        wait_for("the daemon", lambda: weir(self.home, "status").returncode == 0)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def received(name):
    return [message for message in mailbox() if name in (message["Message-ID"] or "")]


def arrives(home):
    name = f"mail_{os.getpid()}_{int(time.time())}"
    home_with(home, name, [
        {"id": "odd", "kind": "command", "with": {"shell": f"echo '{ODD}' >&2; exit 98"}},
        {"id": "notify", "kind": "notify", "after": ["odd"], "trigger_rule": "all_done",
         "with": {"to": "root@localhost", "subject": ODD + " " + "x" * 60}}])
    done = weir(home, "trigger", name, "--wait")
    assert done.returncode == 1, done.stderr
    notify = json.loads(weir(home, "tasks", name, "manual", "--json").stdout)[1]
    assert notify["state"] == "success", notify
    found = wait_for("the mail", lambda: [m for m in mailbox() if name in (m["Message-ID"] or "")])
    assert len(found) == 1
    message = found[0]
    assert message["Subject"] == f"{ODD} {'x' * 60}: FAILED", message["Subject"]
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert ODD in text and "odd" in text and "failed" in text, text
    assert "&lt;b&gt;&amp;amp;" in html and "<b>" not in html, html
    assert email.utils.parsedate_to_datetime(message["Date"]).utcoffset() is not None


def carries_a_page(home):
    """A task's page is attached, under a name and with bytes that survive the mail system."""
    name = f"page_{os.getpid()}_{int(time.time())}"
    page = "<!DOCTYPE html>\n<p>" + ODD + "</p>\n.\nFrom here\n" + "x" * 2000 + "\n"
    with open(home + "/page.html", "w") as file:
        file.write(page)
    home_with(home, name, [
        {"id": "quality", "kind": "command", "with": {
            "shell": "printf '{\"key\": \"page\", \"value\": \"%s/page.html\"}\\n' \"$WEIR_HOME\" >>\"$WEIR_OUTPUT\""}},
        {"id": "notify", "kind": "notify", "after": ["quality"], "with": {"to": "root@localhost"}}])
    done = weir(home, "trigger", name, "--wait")
    assert done.returncode == 0, done.stderr
    message = wait_for("the mail", lambda: [m for m in mailbox() if name in (m["Message-ID"] or "")])[0]
    assert message.get_content_type() == "multipart/mixed" and not message.defects, message.defects
    assert "page.html" in message.get_body(("plain",)).get_content()
    assert message.get_body(("html",)) is not None
    files = list(message.iter_attachments())
    assert len(files) == 1 and files[0].get_content_type() == "text/html", files
    assert files[0].get_filename().startswith(name) and files[0].get_filename().endswith(".html")
    assert files[0].get_content() == page


def is_retried(home):
    program = home + "/sendmail"
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\ncat >/dev/null\n[ -e {home}/tried ] && exit 0\ntouch {home}/tried\n"
                   "echo 'the queue is full' >&2\nexit 75\n")
    os.chmod(program, 0o755)
    home_with(home, "retried", [
        {"id": "notify", "kind": "notify", "retries": 1, "retry_delay": "100ms", "with": {"to": "root@localhost"}}])
    done = weir(home, "trigger", "retried", "--wait", WEIR_SENDMAIL=program)
    assert done.returncode == 0, done.stderr
    assert "the queue is full" in done.stderr, done.stderr
    notify = json.loads(weir(home, "tasks", "retried", "manual", "--json").stdout)[0]
    assert (notify["state"], notify["try_number"]) == ("success", 2), notify


def tells_of_failure_and_lateness(home):
    """One mail for the run, not one for each task; one more because it was late."""
    name = f"late_{os.getpid()}_{int(time.time())}"
    root = [{"to": "root@localhost"}]
    home_with(home, name, [
        {"id": "slow", "kind": "command", "with": {"shell": f"echo '{ODD}'; sleep 1; exit 98"}},
        {"id": "other", "kind": "command", "with": {"shell": "exit 98"}}],
        deadline="100ms", on_deadline=root, on_failure=root)
    with Daemon(home):
        assert weir(home, "trigger", name, "--wait").returncode == 1
        found = wait_for("two mails", lambda: len(received(name)) == 2 and received(name))
    subjects = sorted(message["Subject"].split(": ", 1)[1] for message in found)
    assert subjects == ["FAILED (slow, other)", "LATE (other)"], subjects
    assert len({message["Message-ID"] for message in found}) == 2
    text = [m for m in found if "FAILED" in m["Subject"]][0].get_body(("plain",)).get_content()
    for words in ("| " + ODD, f"weir logs {name}", f"weir clear {name}", "--failed"):
        assert words in text, text


def reports_an_unreachable_mail_system(home):
    """A mail system that nobody answers at: tried again, shown, and delivered once it is back."""
    name = f"unreachable_{os.getpid()}_{int(time.time())}"
    program = home + "/sendmail"
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\n[ -e {home}/back ] && exec /usr/sbin/sendmail \"$@\"\n"
                   "cat >/dev/null; echo 'connection refused' >&2; exit 75\n")
    os.chmod(program, 0o755)
    home_with(home, name, [{"id": "a", "kind": "command", "with": {"shell": "exit 98"}}],
              on_failure=[{"kind": "notify", "with": {"to": "root@localhost"}, "retry_delay": "1s", "retries": 60}])
    with Daemon(home, WEIR_SENDMAIL=program):
        assert weir(home, "trigger", name).returncode == 0
        line = wait_for("a report of the trouble", lambda: [
            line for line in weir(home, "status").stdout.splitlines() if "being tried again" in line])[0]
        assert "connection refused" in line and name in line, line
        task = json.loads(weir(home, "tasks", name, "manual", "--json").stdout)[-1]
        assert task["state"] in ("up_for_retry", "running", "queued"), task
        open(home + "/back", "w").close()
        wait_for("the mail", lambda: len(received(name)) == 1)
        wait_for("the end", lambda: json.loads(weir(home, "runs", name, "--json").stdout)[0]["state"] == "failed")
        assert "being tried again" not in weir(home, "status").stdout


def tells_of_a_day_without_a_run(home):
    """A daemon that was down at that time tells it when it comes, and once, also when it comes twice."""
    name = f"silent_{os.getpid()}_{int(time.time())}"
    home_with(home, name, [{"id": "a", "kind": "command", "with": {"shell": "sleep 1000"}}], schedule="daily",
              start="2022-05-01", paused=True, expect_by="00:00", on_missed=[{"to": "root@localhost"}])
    with Daemon(home):
        pass
    with sqlite3.connect(home + "/state/weir.db") as store:
        store.execute("UPDATE dag SET expected_through = '2022-06-01' WHERE id = ?", (name,))
    store.close()
    for _ in range(2):
        with Daemon(home):
            wait_for("the run that tells", lambda: [
                run for run in json.loads(weir(home, "runs", name, "--json").stdout) if run["state"] == "failed"])
    found = wait_for("the mail", lambda: received(name))
    assert len(found) == 1 and found[0]["Subject"].endswith(": MISSED"), found[0]["Subject"]
    text = found[0].get_body(("plain",)).get_content()
    assert "the DAG is paused" in text and f"weir trigger {name}" in text, text
    assert len(json.loads(weir(home, "runs", name, "--json").stdout)) == 1


def main():
    if os.geteuid() != 0:
        raise SystemExit("this check reads root's mailbox: run it as root")
    for check in (arrives, carries_a_page, is_retried, tells_of_failure_and_lateness, reports_an_unreachable_mail_system,
                  tells_of_a_day_without_a_run):
        with tempfile.TemporaryDirectory() as home:
            check(home)
    print("the report and its page arrived through the mail system; so did mails of a failure, a late run and a day without one; "
          "a mail system that failed for a while was tried again and reported")


if __name__ == "__main__":
    sys.exit(main())
