#!/usr/bin/env python3
"""Follows each document of docs/: runs every line of its ```sh blocks in a home of its own, with a week of the licence-plate lake and
the DAG of `weir init`, so that what is shown really works. docs/tutorial.md is followed by check-tutorial.py.

- A block after a line that ends in "Write `FILE`:" is written to that file of the home.
- A ```text block right below a ```sh block is what that prints, on both channels; in it `…` stands for any text within a line, a line
  of nothing but `…` for any number of lines.
- Each ```json block is JSON, and each that is a whole DAG or a task passes `weir validate`; those of README.md and the tutorial, too.
  One that is written to `wrong.json` is refused by it.

What cannot be as it is written here gets another place: the address, the folders of the system, the id of a token.
Usage: check-docs-commands.py [--weir PROGRAM] [DOCUMENT…]
"""
import argparse
import os
import pathlib
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from markdown_blocks import blocks, example, file_of, output_pattern

ROOT = pathlib.Path(__file__).resolve().parent.parent
# There is no systemd where this runs; ServiceManagerTests stands in for it.
SKIPPED = ["systemctl restart weir"]
# By check-readme.sh and check-tutorial.py.
FOLLOWED_ELSEWHERE = [ROOT / "README.md", ROOT / "docs/tutorial.md"]
PASSWORD = "correct horse battery"


class Failure(Exception):
    pass


class Home:
    def __init__(self, folder, weir):
        self.work = pathlib.Path(folder)
        self.path = self.work / "home"
        self.path.mkdir()
        (self.work / "bin").mkdir()
        (self.work / "backup").mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.environment = dict(
            os.environ, WEIR_HOME=str(self.path), WEIR_SENDMAIL="outbox", HOME=folder, MANPAGER="cat", PAGER="cat",
            PATH=f"{weir.parent}:{os.environ['PATH']}", WEIR_DUCKDB=os.environ.get("WEIR_DUCKDB", str(ROOT / ".tools/duckdb")))
        self.daemons, self.token = [], ""
        (self.path / ".build").mkdir()
        (self.path / ".build/release").symlink_to(weir.parent)

    def sh(self, line, wanted=(0,)):
        done = subprocess.run(["sh", "-euc", line], cwd=self.path, env=self.environment, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode not in wanted:
            raise Failure(f"exit {done.returncode}: {done.stdout[-900:]}")
        return done.stdout

    def prepare(self):
        self.sh("weir init .")
        shutil.copytree(ROOT / "dags", self.path / "dags", dirs_exist_ok=True)
        landing = self.path / "state/landing"
        landing.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--out", landing, "--from", "2022-05-02", "--days", "7",
                        "--frames", "60"], check=True, stderr=subprocess.DEVNULL)
        self.sh("weir backfill alpr_daily --from 2022-05-02 --to 2022-05-08")

    def daemon(self, line):
        """A daemon in the background, until it answers."""
        before = self.pid()
        process = subprocess.Popen(["sh", "-c", "exec " + line], cwd=self.path, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.daemons.append(process)
        end = time.monotonic() + 30
        while self.pid() in (before, None):
            if process.poll() is not None or time.monotonic() > end:
                raise Failure("it does not answer")
            time.sleep(0.05)

    def pid(self):
        done = subprocess.run(["weir", "status", "--json"], env=self.environment, capture_output=True, text=True)
        found = re.search(r'"pid": *(\d+)', done.stdout)
        return found and found.group(1)

    def terminal(self, line):
        """A command that asks for a password, twice, on a terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.path)
            os.execvpe("sh", ["sh", "-c", line], self.environment)
        shown, answered = "", 0
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            shown += chunk.decode(errors="replace")
            prompts = len(re.findall(r"(?:password of \w+|once more): ", shown))
            while answered < prompts:
                answered += 1
                os.write(terminal, (PASSWORD + "\n").encode())
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0 or PASSWORD in shown:
            raise Failure(f"exit {status}: {shown}")

    def wait_for(self, dag, state):
        """Until the run of 3 May is in a state."""
        end = time.monotonic() + 60
        while "2022-05-03" not in self.sh(f"weir runs {dag} --date 2022-05-03 --state {state}"):
            if time.monotonic() > end:
                raise Failure(f"the run of 2022-05-03 is never {state}")
            time.sleep(0.05)

    def run(self, line):
        line = line.replace("127.0.0.1:8080", self.address).replace("/usr/local/bin/", f"{self.work}/bin/")
        line = line.replace("/backup/", f"{self.work}/backup/")
        line = re.sub(r"\b[0-9a-f]{12}\b", self.token or "no-token", line) if "revoke" in line else line
        if line.startswith("weir daemon"):
            return self.daemon(line)
        if re.match(r"weir user (add|passwd)", line):
            return self.terminal(line)
        if re.match(r"weir (retry|mark)", line):
            # So that there is something to mend.
            self.wait_for("alpr_daily", "success")
            self.sh("weir mark alpr_daily 2022-05-03 quality failed")
            self.wait_for("alpr_daily", "failed")
            # A person would be asked.
            line += " --yes"
        # No run happens to wait for its turn.
        out = self.sh(line, wanted=(0, 4) if "--state queued" in line else (0,))
        if line.startswith("weir token create"):
            self.token = re.search(r"weir_([0-9a-f]{12})_", out).group(1)
        return out

    def end(self):
        for process in self.daemons:
            process.terminate()
            process.wait()


def lines(text):
    """The command lines of a text, those that go on joined."""
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"\s+#.*", "", line).strip()
        if line and not line.startswith("#"):
            yield line


class Follower:
    """Follows documents and counts."""

    def __init__(self):
        self.ran = self.dags = self.compared = self.failed = 0

    def fail(self, document, what, failure):
        self.failed += 1
        print(f"FAILED: {document.name}: {what}: {failure}", file=sys.stderr)

    def validate(self, document, found, folder, weir):
        """Each DAG of the document by itself, in a home that has no settings."""
        home = pathlib.Path(folder) / "validated"
        home.mkdir(exist_ok=True)
        for block in found:
            if block.language != "json":
                continue
            where = f"the JSON at line {block.line}"
            try:
                text = example(block)
            except ValueError as error:
                self.fail(document, where, error)
                continue
            if text is None:
                continue
            self.dags += 1
            file = home / f"{document.stem}-{block.line}.json"
            file.write_text(text, encoding="utf-8")
            done = subprocess.run([weir, "validate", "--home", home, file], capture_output=True, text=True, timeout=60)
            if done.returncode != (3 if file_of(block) == "wrong.json" else 0):
                self.fail(document, where, f"`weir validate` exits with {done.returncode}: {done.stdout}{done.stderr}")

    def follow(self, document, found, home):
        for number, block in enumerate(found):
            name = file_of(block)
            if name and block.language != "sh":
                target = home.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text, encoding="utf-8")
            if block.language != "sh":
                continue
            printed, whole = "", True
            for command in lines(block.text):
                if command in SKIPPED:
                    continue
                self.ran += 1
                try:
                    printed += home.run(command) or ""
                except Failure as failure:
                    whole = False
                    self.fail(document, command, failure)
            after = found[number + 1] if number + 1 < len(found) else None
            if whole and after and after.language == "text" and not after.before:
                self.compared += 1
                if not output_pattern(after.text).fullmatch(printed):
                    self.fail(document, f"line {after.line}", f"this is expected\n{after.text}\nand this was printed\n{printed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", type=pathlib.Path, default=ROOT / ".build/release/weir")
    parser.add_argument("documents", nargs="*", type=lambda name: pathlib.Path(name).resolve(), help="only these")
    arguments = parser.parse_args()
    weir = arguments.weir.absolute()
    follower = Follower()
    for document in arguments.documents or [ROOT / "README.md"] + sorted((ROOT / "docs").rglob("*.md")):
        found = blocks(document)
        with tempfile.TemporaryDirectory(prefix="weir-docs-", ignore_cleanup_errors=True) as folder:
            follower.validate(document, found, folder, weir)
            commands = "".join(block.text for block in found if block.language == "sh")
            if document in FOLLOWED_ELSEWHERE or not commands:
                continue
            home = Home(folder, weir)
            home.prepare()
            try:
                if "8080" in commands:
                    home.daemon(f"weir daemon --listen {home.address}")
                follower.follow(document, found, home)
            finally:
                home.end()
    print(f"docs/: {follower.ran} command lines ran, {follower.compared} outputs compared, {follower.dags} DAGs validated"
          + (f", {follower.failed} failed" if follower.failed else ""))
    too_few = not arguments.documents and (follower.ran < 60 or follower.compared < 10 or follower.dags < 15)
    return 1 if follower.failed or too_few else 0


if __name__ == "__main__":
    sys.exit(main())
