#!/usr/bin/env python3
"""What a person sees on a screen: drives the built weir in real panes of tmux, and reads what stands there.

Usage: check-terminal.py [FOLDER OF THE PROGRAMS], which is .build/release when left out.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIME_LIMIT = 60
# Each run waits for its turn: a file that the check makes.
DAG = {
    "id": "a_dag_with_a_long_name",
    "schedule": "daily",
    "start": "2022-05-01",
    "max_active_runs": 2,
    "tasks": [{
        "id": "wait_for_it",
        "kind": "command",
        "with": {"shell": "until [ -e go/$WEIR_DS ] || [ ! -d go ]; do sleep 0.02; done; [ $WEIR_DS != 2022-05-02 ]"},
    }],
}
BACKFILL = "weir backfill a_dag_with_a_long_name --from 2022-05-01 --to 2022-05-12"
QUESTION = "(Ctrl-C again leaves it running)"


class Mistake(Exception):
    """What stands on the screen is not what should."""


class Pane:
    """A terminal of tmux of its own, with a shell in a home."""

    def __init__(self, work, programs, columns, rows=24):
        self.home = tempfile.mkdtemp(prefix="home-", dir=work)
        self.tmux_command = ["tmux", "-L", os.path.basename(self.home), "-f", "/dev/null"]
        os.makedirs(f"{self.home}/dags")
        os.makedirs(f"{self.home}/go")
        with open(f"{self.home}/dags/d.json", "w", encoding="utf-8") as file:
            json.dump(DAG, file)
        self.environment = {
            "PATH": f"{programs}:/usr/bin:/bin", "HOME": self.home, "WEIR_HOME": self.home, "LANG": "C.UTF-8",
            "TMUX_TMPDIR": work, "TERM": "xterm-256color",
        }
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", self.home, "sh")
        try:
            self.wait("the prompt", self.is_at_prompt)
        except Mistake:
            self.close()
            raise

    def tmux(self, *words):
        return subprocess.run(
            [*self.tmux_command, *words], env=self.environment, check=True, text=True, stdout=subprocess.PIPE,
            timeout=TIME_LIMIT).stdout

    def close(self):
        subprocess.run([*self.tmux_command, "kill-server"], env=self.environment, check=False, timeout=TIME_LIMIT)

    def lines(self, *words):
        """What stands on the screen and above it, without the empty lines at the end. One that was wrapped is several."""
        return self.tmux("capture-pane", "-p", "-S", "-", *words).rstrip().split("\n")

    def rows(self, text):
        return [line for line in self.lines() if text in line]

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def key(self, name):
        self.tmux("send-keys", name)

    def is_at_prompt(self):
        # The shell of root has the other one.
        return self.lines()[-1] in ("$", "#")

    def go(self, day):
        """Lets the run of a day end."""
        with open(f"{self.home}/go/2022-05-{day:02}", "w", encoding="utf-8"):
            pass

    def wait(self, what, condition):
        deadline = time.monotonic() + TIME_LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise Mistake(f"waited in vain for {what}; on the screen stands:\n" + "\n".join(self.lines()[-30:]))
            # tmux tells nobody that a screen has changed.
            time.sleep(0.02)

    def wait_for(self, text):
        self.wait(f"'{text}'", lambda: self.rows(text))

    def run(self, command):
        """Runs a command to its end: the lines that it shows."""
        self.tmux("send-keys", "-R")
        self.tmux("clear-history")
        self.type(command + "; echo the end: $?")
        self.key("Enter")
        self.wait(f"the end of {command}", lambda: any(re.match(r"the end: \d", line) for line in self.lines()))
        return self.lines()

    def weir(self, *words):
        """A command beside the terminal."""
        return subprocess.run(
            ["weir", *words], env=self.environment, check=False, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=TIME_LIMIT)


def expect(fact, message, pane):
    if not fact:
        raise Mistake(f"{message}; on the screen stands:\n" + "\n".join(pane.lines("-e")[-30:]))


def bars(pane):
    """Lines of the bar, and of what is left of one."""
    return [line for line in pane.lines() if "█" in line or "░" in line or re.search(r"\d+/12 runs", line)]


def check_bar(pane, columns):
    """It is drawn again in its line, asks at Ctrl-C, and goes on at 'n'."""
    pane.type(BACKFILL)
    pane.key("Enter")
    pane.wait_for("0/12 runs, 2 running")
    pane.go(1)
    pane.wait_for("1/12 runs")
    pane.go(2)
    pane.wait_for("2/12 runs, 1 failed")
    expect(len(bars(pane)) == 1, "the bar is not drawn again in one line", pane)
    expect(columns < 80 or "█" in bars(pane)[0], "there is no bar beside the words", pane)
    expect(len(bars(pane)[0]) < columns, "the bar fills its line", pane)

    pane.key("C-c")
    pane.wait_for(QUESTION[-12:])
    pane.type("n")
    pane.key("Enter")
    pane.wait("the bar below the question", lambda: len(bars(pane)) == 2)
    pane.go(3)
    pane.wait_for("3/12 runs")
    expect(len(bars(pane)) == 2 and "2/12" in bars(pane)[0], "the bar goes on elsewhere than below the question", pane)


def check_resize(pane):
    """A screen that becomes narrower and wider again while the bar is drawn keeps one bar."""
    expect(len(bars(pane)) == 2, "there is no bar to resize", pane)
    for number, columns in enumerate([50, 30, 100, 40], 4):
        pane.tmux("resize-window", "-x", str(columns))
        pane.go(number)

        def is_alone():
            above, bar = pane.lines()[-2:]
            return f"{number}/12 runs" in bar and len(bar) < columns and above.endswith("] n")

        # tmux breaks the lines first, and tells the size a moment later.
        pane.wait(f"nothing but the bar below the question, on {columns} columns", is_alone)


def check_leaving(pane):
    """A second Ctrl-C leaves what runs; the next command takes it over."""
    asked = len(pane.rows("y/N"))
    pane.key("C-c")
    pane.wait("the question", lambda: len(pane.rows("y/N")) > asked)
    pane.key("C-c")
    pane.wait_for("weir: stopped. Running tasks go on")
    pane.wait("the prompt", pane.is_at_prompt)
    running = json.loads(pane.weir("runs", "--state", "running", "--json").stdout)
    expect(len(running) == 2, f"{len(running)} runs go on, not 2", pane)
    for day in range(1, 13):
        pane.go(day)
    lines = pane.run("weir backfills follow 1")
    expect(any("12/12 runs" in line for line in lines) and "the end: 1" in lines, "the backfill does not go on", pane)


def check_table(pane, columns):
    for command in ["weir runs", "weir tasks a_dag_with_a_long_name 2022-05-02", "weir dags", "weir config"]:
        lines = pane.run(command)
        head = next(index for index, line in enumerate(lines) if re.match(r"(DAG|TASK|SETTING)\b|[A-Z]", line))
        expect(all(len(line) <= columns for line in lines), f"{command} is wider than the screen", pane)
        rows = int(pane.weir(*command.split()[1:]).stdout.count("\n"))
        end = next(index for index, line in enumerate(lines) if line.startswith("the end: "))
        expect(end - head == rows, f"{command} takes {end - head} lines for {rows} rows: some are wrapped", pane)


def check_colour(pane):
    """On a terminal, and nowhere else."""
    def coloured(command):
        pane.run(command)
        return "\x1b[" in pane.tmux("capture-pane", "-p", "-e", "-S", "-")

    expect(coloured("weir runs"), "a terminal has no colours", pane)
    for command in ["NO_COLOR=1 weir runs", "weir runs | cat", "TERM=dumb weir runs"]:
        expect(not coloured(command), f"{command} has colours", pane)
    expect(coloured("NO_COLOR= weir runs"), "an empty NO_COLOR takes the colours away", pane)


def main():
    programs = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/.build/release")
    if not shutil.which("tmux"):
        raise Mistake("there is no tmux; `scripts/setup.sh verify` installs it")
    with tempfile.TemporaryDirectory(prefix="weir-terminal-") as work:
        for columns in [80, 40]:
            pane = Pane(work, programs, columns)
            try:
                check_bar(pane, columns)
                if columns == 80:
                    check_resize(pane)
                    pane.tmux("resize-window", "-x", "80")
                check_leaving(pane)
                check_table(pane, columns)
                if columns == 80:
                    check_colour(pane)
            finally:
                for day in range(1, 13):
                    pane.go(day)
                pane.close()
    print("on screens of 80 and 40 columns: the bar, Ctrl-C, tables and colours are as they should be")


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.exit(f"check-terminal: {mistake}")
