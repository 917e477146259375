#!/usr/bin/env python3
"""Sends a report through the machine's real mail system and reads it from the mailbox.

A run with odd characters in its subject and data mails root on this machine; the message must arrive, parse as MIME, and
say the same in both of its forms. A page goes along. Then the mail system is one that fails for a while (exit 75): the task is retried.
"""
import email
import email.policy
import json
import os
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


def home_with(folder, name, tasks):
    os.makedirs(f"{folder}/dags", exist_ok=True)
    with open(f"{folder}/dags/{name}.json", "w") as file:
        json.dump({"id": name, "tasks": tasks}, file)


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


def main():
    if os.geteuid() != 0:
        raise SystemExit("this check reads root's mailbox: run it as root")
    for check in (arrives, carries_a_page, is_retried):
        with tempfile.TemporaryDirectory() as home:
            check(home)
    print("the report and its page arrived through the mail system, and a mail system that failed for a while was tried again")


if __name__ == "__main__":
    sys.exit(main())
