#!/usr/bin/env python3
"""Checks what people have from `weir completion` and `weir man`, with the real shells and the real man.

- In bash, zsh and fish, each on a terminal of its own, lines are typed and Tab is pressed. The words that the shell then has
  are compared, not what it draws.
- The manual page gives no warning in man and in groff, and has its sections.

Usage: scripts/check-completions.py [--weir PROGRAM]
"""

import argparse
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIME_LIMIT = 20
DAG = {
    "id": "hello", "schedule": "daily", "start": "2022-05-01",
    "params": {"limit": {"type": "integer", "default": 1}},
    "tasks": [{"id": "greet", "kind": "command", "with": {"command": ["/bin/true"]}},
              {"id": "count", "kind": "command", "with": {"command": ["/bin/true"]}}],
}
RUN = "backfill__2022-05-02T00:00:00Z"

# What is typed before Tab, and the words that the shell has then.
CASES = [
    ("weir trig", ["weir", "trigger"]),
    ("weir trigger hel", ["weir", "trigger", "hello"]),
    ("weir lake tab", ["weir", "lake", "tables"]),
    ("weir help lake tab", ["weir", "help", "lake", "tables"]),
    ("weir backfill hello --reproc", ["weir", "backfill", "hello", "--reprocess"]),
    ("weir backfill hello --reprocess f", ["weir", "backfill", "hello", "--reprocess", "failed"]),
    ("weir backfill hello --reprocess=f", ["weir", "backfill", "hello", "--reprocess=failed"]),
    ("weir tasks hello backfill__2022-05-02", ["weir", "tasks", "hello", RUN]),
    ("weir tasks hello backfill__2022-05-02T00:00:", ["weir", "tasks", "hello", RUN]),
    (f"weir logs hello {RUN} gr", ["weir", "logs", "hello", RUN, "greet"]),
    ("weir mark hello 2022-05-02 greet sk", ["weir", "mark", "hello", "2022-05-02", "greet", "skipped"]),
    ("weir trigger hello -p li", ["weir", "trigger", "hello", "-p", "limit="]),
    ("weir validate land", ["weir", "validate", "landing file.json"]),
    ("weir query --out=unus", ["weir", "query", "--out=unusual.csv"]),
    ("weir init fold", ["weir", "init", "folder/"]),
    ("weir --home {home} trig", ["weir", "--home", "{home}", "trigger"]),
    ("weir --home={home} trig", ["weir", "--home={home}", "trigger"]),
    ("weir trigger nobod", ["weir", "trigger", "nobod"]),
]
# What is typed before Tab, and words that the shell shows then.
LISTS = [("weir query --format ", ["table", "json", "csv", "parquet"]), ("weir pools ", ["list", "set", "remove"])]

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], [
        "args() { printf '<'; printf '[%s]' \"$@\"; printf '>\\n'; }",
        "source <(weir completion bash); bind 'set show-all-if-ambiguous on'",
    ]),
    "zsh": (["zsh", "-f", "-i"], [
        "args() { printf '<'; printf '[%s]' \"$@\"; printf '>\\n' }",
        "bindkey -e; unsetopt auto_remove_slash; autoload -Uz compinit; compinit -u -D; source <(weir completion zsh)",
    ]),
    "zsh, from a folder": (["zsh", "-f", "-i"], [
        "args() { printf '<'; printf '[%s]' \"$@\"; printf '>\\n' }",
        "mkdir -p functions; weir completion zsh >functions/_weir; fpath=($PWD/functions $fpath)",
        "bindkey -e; unsetopt auto_remove_slash; autoload -Uz compinit; compinit -u -D",
    ]),
    "fish": (["fish", "-i"], [
        "function args; printf '<'; printf '[%s]' $argv; printf '>\\n'; end",
        "weir completion fish | source",
    ]),
}


class Terminal:
    """A shell on a terminal that is wide enough for every line."""

    def __init__(self, command, folder, environment):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        self.text = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, pattern):
        """What was printed up to the pattern, whose match is taken away with it."""
        end = time.monotonic() + TIME_LIMIT
        while not (found := re.search(pattern, self.text, re.S)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise TimeoutError(f"no {pattern!r} in {self.text[-2000:]!r}")
            # Without what moves the cursor and colours.
            self.text = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>])", " ", self.text + os.read(self.master, 65536).decode(errors="replace"))
        before, self.text = self.text[: found.end()], self.text[found.end():]
        return before, found

    def command(self, line):
        """Runs a command to its end."""
        self.type(line + "\r")
        self.type("args d''one\r")
        self.wait(r"<\[done\]>")

    def words(self, line):
        """The words of a line after Tab."""
        # To the beginning of the line: what is there becomes arguments of a function that prints them.
        self.type(line + "\t\x01args \r")
        return re.findall(r"\[(.*?)\]", self.wait(r"<((?:\[[^<>]*?\])+)>")[1][1])

    def shown(self, line, words):
        self.type(line + "\t")
        for word in words:
            self.wait(r"\b" + re.escape(word) + r"\b")
        # The line is thrown away, and the shell is asked for a sign of life.
        self.type("\x03")
        self.command("args x")

    def close(self):
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.master)
        os.waitpid(self.pid, 0)


def check_shell(name, home, environment):
    command, preparation = SHELLS[name]
    problems = 0
    terminal = Terminal(command, home, environment)
    try:
        for line in preparation:
            terminal.command(line)
        for line, wanted in CASES:
            line = line.format(home=home)
            wanted = [word.format(home=home) for word in wanted]
            words = terminal.words(line)
            if words != wanted:
                print(f"{name}: {line!r} and Tab: the words are {words}, not {wanted}", file=sys.stderr)
                problems += 1
        for line, wanted in LISTS:
            terminal.shown(line, wanted)
    except TimeoutError as error:
        print(f"{name}: {error}", file=sys.stderr)
        problems += 1
    finally:
        terminal.close()
    if not problems:
        print(f"{name}: {len(CASES) + len(LISTS)} lines")
    return problems


def check_page(weir, environment):
    page = subprocess.run([weir, "man"], check=True, capture_output=True, text=True).stdout
    problems = 0
    for command in (["man", "--warnings", "-l", "-"], ["groff", "-man", "-ww", "-Tutf8"], ["groff", "-man", "-ww", "-Tascii"]):
        done = subprocess.run(command, input=page, capture_output=True, text=True,
                              env={**environment, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
        if done.returncode or done.stderr:
            print(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}", file=sys.stderr)
            problems += 1
        text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
        sections = "NAME SYNOPSIS DESCRIPTION OPTIONS COMMANDS ENVIRONMENT SETTINGS FILES EXIT.STATUS SEE.ALSO"
        for wanted in [*(f"^{section}$" for section in sections.split()), "^ +weir lake tables", r"DAY\|RUN", r"^ +--reprocess "]:
            if not re.search(wanted, text, re.M):
                print(f"{' '.join(command)}: the page has no {wanted!r}", file=sys.stderr)
                problems += 1
    if not problems:
        print(f"weir(1): {len(page.splitlines())} lines without a warning")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=ROOT / ".build/release/weir", type=pathlib.Path)
    weir = parser.parse_args().weir.resolve()
    # fish may still write its own completions there, in the background.
    with tempfile.TemporaryDirectory(prefix="weir-completions-", ignore_cleanup_errors=True) as folder:
        home = os.path.join(folder, "home")
        os.makedirs(home + "/dags")
        os.makedirs(home + "/folder")
        environment = {"PATH": f"{weir.parent}:/usr/bin:/bin", "HOME": folder, "XDG_CONFIG_HOME": folder, "WEIR_HOME": home,
                       "TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "$ ", "HISTFILE": ""}
        pathlib.Path(home, "dags/hello.json").write_text(json.dumps(DAG))
        for name in ("landing file.json", "unusual.csv", "folder file"):
            pathlib.Path(home, name).write_text("")
        subprocess.run([weir, "backfill", "hello", "--from", "2022-05-02", "--to", "2022-05-03"], check=True, capture_output=True,
                       env=environment)
        problems = sum(check_shell(name, home, environment) for name in SHELLS) + check_page(weir, environment)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
