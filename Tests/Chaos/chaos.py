#!/usr/bin/env python3
"""Kills Weir in every way that can be thought of, and looks into an outside ledger at what really ran.

Every task takes a lock of its own, writes an intent, works, and writes an effect. Where nothing but the daemon was killed
each task must stand in the ledger exactly once; where supervisors were killed, at least once; and never two at a time,
which the lock would show. Afterwards the store passes its checks. A run prints its seed; the same seed gives the same
choices.

Usage: chaos.py [--bin DIR] [--seed N] [--short] [--cycles N] [SCENARIO ...]
"""
import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What a task does. The lock is inherited by everything that it starts, so that a leftover of a former try would show.
TASK = r"""
exec 9>>"$WEIR_HOME/locks/$WEIR_RUN_ID.$WEIR_TASK_ID"
flock -n 9 || echo "overlap $WEIR_RUN_ID $WEIR_TASK_ID $WEIR_ATTEMPT_TOKEN" >>"$WEIR_HOME/ledger"
echo "intent $WEIR_RUN_ID $WEIR_TASK_ID $WEIR_ATTEMPT_TOKEN" >>"$WEIR_HOME/ledger"
%s
echo "effect $WEIR_RUN_ID $WEIR_TASK_ID $WEIR_ATTEMPT_TOKEN" >>"$WEIR_HOME/ledger"
"""


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def wait_for(what, condition, seconds=60, home=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    said = f"; the daemon says: {home.said()}" if home else ""
    raise Failure(f"waited in vain for {what}{said}")


class Home:
    """A WEIR_HOME, its daemon and its ledger."""

    def __init__(self, binaries, path=None, parallelism=8):
        self.bin = binaries
        self.own = path is None
        self.path = path or tempfile.mkdtemp(prefix="weir-chaos-")
        self.daemon = None
        for folder in ("dags", "locks"):
            os.makedirs(f"{self.path}/{folder}", exist_ok=True)
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.env = dict(keep, WEIR_HOME=self.path, WEIR_PARALLELISM=str(parallelism), WEIR_SENDMAIL="outbox")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.kill()
        for pid, _ in self.supervisors():
            send(pid, signal.SIGTERM)
        if self.own:
            try:
                wait_for("the last supervisors to end", lambda: not self.supervisors(), 20)
            except Failure:
                pass
            if kind is None or not os.environ.get("WEIR_CHAOS_KEEP"):
                shutil.rmtree(self.path, ignore_errors=True)
        if os.path.exists(self.path + ".daemon.log"):
            os.unlink(self.path + ".daemon.log")

    # The daemon

    def start(self, fault=None, wait=True, prefix=(), **environment):
        env = dict(self.env, **environment)
        if fault:
            env["WEIR_FAULT"] = fault
        self.log = open(self.path + ".daemon.log", "ab")
        self.daemon = subprocess.Popen([*prefix, f"{self.bin}/weir", "daemon"], env=env, stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log)
        if wait:
            wait_for("the daemon to answer", lambda: self.weir("status").returncode == 0, home=self)

    def kill(self, number=signal.SIGKILL):
        if self.daemon:
            send(self.daemon.pid, number)
            self.daemon.wait()
            self.daemon = None

    def died(self):
        return self.daemon is not None and self.daemon.poll() is not None

    def said(self):
        try:
            with open(self.path + ".daemon.log", "rb") as file:
                return file.read()[-1500:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def weir(self, *arguments):
        return subprocess.run([f"{self.bin}/weir", *arguments], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)

    def json(self, *arguments):
        done = self.weir(*arguments, "--json")
        check(done.returncode == 0, f"weir {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)

    def supervisors(self):
        """(pid, attempt directory) of each living supervisor of this home."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue
                # A session leader: its child looks the same until it executes the task.
                if (words[0].endswith(b"weir-supervise") and words[1].startswith(self.path.encode() + b"/")
                        and leads_session(int(name))):
                    found.append((int(name), words[1].decode()))
        return found

    def warm(self):
        """The process that makes the daemon's supervisors; None before the first of them."""
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        serves = file.read().split(b"\0")[1:2] == [b"--serve"]
                    with open(f"/proc/{name}/stat") as file:
                        parent = int(file.read().rsplit(")", 1)[1].split()[1])
                except OSError:
                    continue
                if serves and parent == self.daemon.pid:
                    return int(name)
        return None

    # DAGs and the ledger

    def dag(self, name, tasks, **fields):
        write(f"{self.path}/dags/{name}.json", json.dumps(dict({"id": name, "tasks": tasks}, **fields)))

    def ledger(self):
        try:
            with open(f"{self.path}/ledger") as file:
                return [line.split() for line in file.read().splitlines()]
        except FileNotFoundError:
            return []

    def executions(self):
        return sum(line[0] == "intent" for line in self.ledger())

    def unfinished(self):
        return [run for run in self.json("runs", "-n", "100000") if run["state"] in ("queued", "running")]

    def finish(self, seconds=120):
        wait_for("all runs to end", lambda: not self.unfinished(), seconds, self)

    def check_ledger(self, expected, exactly_once):
        """`expected`: the (run, task) pairs that must have run."""
        counts = {kind: collections.Counter() for kind in ("intent", "effect", "overlap")}
        for kind, run, task, _ in self.ledger():
            counts[kind][run, task] += 1
        check(not counts["overlap"], f"ran twice at the same time: {dict(counts['overlap'])}")
        for pair in expected:
            effects, intents = counts["effect"][pair], counts["intent"][pair]
            check(effects >= 1, f"{pair} never ran to its end ({intents} starts)")
            if exactly_once:
                check((intents, effects) == (1, 1), f"{pair} started {intents} and ended {effects} times")
        strange = set(counts["intent"]) - set(expected)
        check(not strange, f"ran although nobody asked for it: {sorted(strange)[:5]}")

    def check_store(self):
        """The store says of itself that it is whole, and its rows agree with each other."""
        done = self.weir("db", "check")
        check(done.returncode == 0, f"weir db check: {done.stdout}{done.stderr}")
        with sqlite3.connect(f"file:{self.path}/state/weir.db?mode=ro", uri=True) as store:
            def one(sql):
                return store.execute(sql).fetchone()[0]

            check(one("PRAGMA integrity_check") == "ok", "integrity_check")
            check(not store.execute("PRAGMA foreign_key_check").fetchall(), "foreign_key_check")
            check(one("SELECT count(*) FROM attempt WHERE state = 'running'") == 0, "attempts still running")
            check(one("SELECT count(*) FROM task_instance JOIN run ON run.id = run WHERE run.state = 'success' AND "
                      "task_instance.state NOT IN ('success', 'skipped', 'removed')") == 0, "a green run with other tasks")
            check(one("SELECT count(*) FROM (SELECT 1 FROM attempt WHERE state = 'success' GROUP BY run, task_id, "
                      "map_index HAVING count(*) > 1)") == 0, "a task that succeeded twice in one execution")


def leads_session(pid):
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def task(name, after=(), work="sleep 0.03", **fields):
    return dict({"id": name, "kind": "command", "after": list(after), "with": {"shell": TASK % work}}, **fields)


def pairs(home):
    """Every (run, task) of the store."""
    return [(run["run_id"], row["task_id"]) for run in home.json("runs", "-n", "100000")
            for row in home.json("tasks", run["dag_id"], run["run_id"])]


# Scenarios. Each gets the settings and a source of random numbers, and returns a line about what it did.

POINTS = [
    "committed.dag", "committed.run", "committed.queued", "committed.attempt", "committed.result", "committed.run_end",
    "turn.before_commit", "turn.effects_half_done", "start.directory_made", "start.spec_written", "start.spawned",
    "end.result_unread", "end.result_read", "reload.read", "migrate.before_commit",
]


def points(settings, rng):
    """The daemon dies at each named point, is started again after each delay, and goes on."""
    chosen = rng.sample(POINTS, 4) if settings.short else POINTS
    died, alive = 0, []
    for point in chosen:
        for delay in [0] if settings.short else [0, 0.05, 0.5]:
            with Home(settings.bin, parallelism=2) as home:
                home.dag("d", [task(f"t{i}", [f"t{i - 3}"] if i > 2 else []) for i in range(6)], catchup="none")
                home.start(fault=point, wait=False)
                wait_for("an answer, or the death",
                         lambda: home.died() or home.weir("status").returncode == 0, home=home)
                home.weir("trigger", "d")
                over = lambda: any(run["state"] == "success" for run in home.json("runs"))
                wait_for("the death, or the end", lambda: home.died() or over(), home=home)
                # The end may be seen in the store a moment before the daemon dies of it.
                grace = time.monotonic() + 1
                while not home.died() and time.monotonic() < grace:
                    time.sleep(0.01)
                died += home.died()
                if not home.died():
                    alive.append(point)
                home.kill()
                time.sleep(delay)
                home.start()
                if not home.json("runs"):
                    check(home.weir("trigger", "d").returncode == 0, "the second trigger")
                home.finish()
                home.check_ledger([(home.json("runs")[0]["run_id"], f"t{i}") for i in range(6)], True)
                home.check_store()
    check(not alive, f"these points are not reached any more: {alive}")
    return f"{len(chosen)} points, {died} daemons died"


def random_kills(settings, rng):
    """SIGKILL of daemons, of what makes their supervisors, and of supervisors, at random moments under load."""
    cycles = settings.cycles or (6 if settings.short else 200)
    daemons = supervisors = makers = executions = given_up = 0
    while daemons < cycles:
        kills_supervisors = rng.random() < 0.4
        with Home(settings.bin, parallelism=8) as home:
            shape = [task(f"a{i}", work=f"sleep 0.0{rng.randrange(1, 9)}") for i in range(5)]
            shape += [task(f"b{i}", [f"a{i}", f"a{(i + 1) % 5}"], work="true") for i in range(5)]
            shape += [task("c", [f"b{i}" for i in range(5)], work="(sleep 0.02; true) & wait")]
            home.dag("d", shape, schedule="daily", start="2022-01-01", catchup="none", max_active_runs=4)
            home.start()
            days = rng.randrange(8, 16)
            done = home.weir("backfill", "d", "--from", "2022-01-01", "--to", f"2022-01-{days:02}", "--detach")
            check(done.returncode == 0, done.stderr)
            while home.unfinished():
                time.sleep(rng.uniform(0.02, 0.4))
                for _ in range(rng.randrange(0, 4)):
                    pid = home.warm()
                    if pid:
                        send(pid, signal.SIGKILL)
                        makers += 1
                    time.sleep(rng.uniform(0, 0.03))
                if kills_supervisors:
                    alive = home.supervisors()
                    for pid, _ in rng.sample(alive, min(len(alive), rng.randrange(0, 4))):
                        send(pid, signal.SIGKILL)
                        supervisors += 1
                home.kill()
                daemons += 1
                time.sleep(rng.choice([0, 0, 0.02, 0.2]))
                home.start()
            home.finish()
            given_up += clear_given_up(home)
            wanted = [(run["run_id"], shape_task["id"]) for run in home.json("runs", "-n", "1000") for shape_task in shape]
            check(len(wanted) == days * len(shape), f"{len(wanted)} task instances, not {days * len(shape)}")
            home.check_ledger(wanted, exactly_once=not kills_supervisors)
            home.kill(signal.SIGTERM)
            home.check_store()
            executions += home.executions()
    check(settings.short or executions >= 25 * cycles, f"only {executions} executions: the load is too small")
    return (f"{daemons} daemons, {makers} makers of supervisors and {supervisors} supervisors killed, {executions} task executions, "
            f"{given_up} given up as lost four times in a row and cleared")


def clear_given_up(home):
    """A task whose supervisor was killed four times in a row has failed, as promised: a person clears it. No other may fail."""
    count = 0
    while True:
        failed = [run for run in home.json("runs", "-n", "1000") if run["state"] != "success"]
        if not failed:
            return count
        for run in failed:
            for row in home.json("tasks", "d", run["run_id"]):
                if row["state"] == "failed":
                    check((row["reason"] or "").startswith("lost 4 times in a row"), f"{row['task_id']}: {row['reason']}")
                    count += 1
            done = home.weir("clear", "d", run["run_id"], "--failed")
            check(done.returncode == 0, done.stderr)
        home.finish()


def backup(settings, rng):
    """A backup is killed half-way beside a working daemon, and made again; the copy is whole."""
    with Home(settings.bin) as home:
        home.dag("d", [task(f"t{i}", [f"t{i - 1}"] if i else []) for i in range(12)])
        home.start()
        check(home.weir("trigger", "d").returncode == 0, "trigger")
        wait_for("some work", lambda: home.executions() > 1, home=home)
        copy = f"{home.path}/copy.db"
        killed = subprocess.run([f"{home.bin}/weir", "db", "backup", copy], env=dict(home.env, WEIR_FAULT="backup.half"),
                                stdin=subprocess.DEVNULL, capture_output=True)
        check(killed.returncode == -signal.SIGKILL, f"the backup was not killed: {killed.returncode}")
        check(not os.path.exists(copy), "half a backup stands under the name of a whole one")
        done = home.weir("db", "backup", copy)
        check(done.returncode == 0, done.stderr)
        with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as store:
            check(store.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "integrity_check of the copy")
            check(store.execute("SELECT count(*) FROM run").fetchone()[0] == 1, "the copy has no run")
        home.finish()
        home.check_ledger(pairs(home), True)
        home.check_store()
    return "killed half-way and made again"


def dag_files(settings, rng):
    """The file of a running DAG is rewritten, made invalid and removed."""
    with Home(settings.bin) as home:
        gate = 'while [ ! -e "$WEIR_HOME/go" ]; do sleep 0.02; done'
        first = [task("a", work=gate), task("b", ["a"], work="true")]
        home.dag("d", first)
        home.start()
        check(home.weir("trigger", "d").returncode == 0, "trigger")
        wait_for("a to start", lambda: home.executions() == 1, home=home)
        home.dag("d", [task("other", work="true")])
        check(home.weir("trigger", "d").returncode == 0, "a trigger of the new version")
        wait_for("the new version", lambda: any(line[2] == "other" for line in home.ledger()), home=home)
        write(f"{home.path}/dags/d.json", "{ broken")
        wait_for("the error", lambda: home.weir("validate").returncode == 3, home=home)
        os.unlink(f"{home.path}/dags/d.json")
        home.kill()
        home.start()
        write(f"{home.path}/go", "")
        home.finish()
        old, new = sorted(home.json("runs"), key=lambda run: run["start_date"])
        home.check_ledger([(old["run_id"], "a"), (old["run_id"], "b"), (new["run_id"], "other")], True)
        home.check_store()
    return "each run kept its version"


@contextlib.contextmanager
def tmpfs(size):
    """A file system of its own, of so many bytes."""
    with tempfile.TemporaryDirectory(prefix="weir-chaos-") as mount:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount], check=True)
        try:
            yield mount
        finally:
            subprocess.run(["umount", "-l", mount], check=False)


def full_disk(settings, rng):
    """The file system of the state runs full under load, and has room again."""
    with tmpfs("24m") as mount:
        with Home(settings.bin, path=mount) as home:
            home.dag("d", [task(f"t{i}", work="sleep 0.1") for i in range(200)], max_active_tasks=8)
            home.start()
            check(home.weir("trigger", "d").returncode == 0, "trigger")
            wait_for("some work", lambda: home.executions() > 5, home=home)
            ballast = os.open(f"{mount}/ballast", os.O_WRONLY | os.O_CREAT)
            try:
                while True:
                    os.write(ballast, b"\0" * 4096)
            except OSError:
                os.close(ballast)
            wait_for("the daemon to say that it stands still",
                     lambda: home.json("status")["stopped_because"] or home.died(), 30, home)
            check(not home.died(), f"the daemon died: {home.said()}")
            check(home.weir("status").returncode == 0, "it does not answer")
            os.unlink(f"{mount}/ballast")
            home.finish()
            run = home.json("runs")[0]
            # A task whose own ledger line could not be written has failed: that is the task's own affair.
            check(run["state"] in ("success", "failed"), run["state"])
            succeeded = [(run["run_id"], row["task_id"]) for row in home.json("tasks", "d", run["run_id"])
                         if row["state"] == "success"]
            effects = collections.Counter((line[1], line[2]) for line in home.ledger() if line[0] == "effect")
            check(all(effects[pair] == 1 for pair in succeeded), "a task that succeeded did not run exactly once")
            check(len(succeeded) > 150, f"only {len(succeeded)} of 200 tasks succeeded")
            home.kill(signal.SIGTERM)
            home.check_store()
    return "it stood still, said why, and went on"


def read_only_store(settings, rng):
    """The file system of the state becomes read-only, and writable again."""
    with tmpfs("64m") as mount:
        with Home(settings.bin, path=mount) as home:
            home.dag("d", [{"id": "a", "kind": "command", "with": {"shell": "true"}}])
            home.start()
            check(home.weir("trigger", "d", "--wait").returncode == 0, "trigger")
            home.kill(signal.SIGTERM)
            wait_for("the supervisors to end", lambda: not home.supervisors())
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
            done = home.weir("trigger", "d")
            check(done.returncode in (1, 5) and done.stderr.count("\n") <= 3, f"{done.returncode}: {done.stderr}")
            check(home.weir("runs").returncode == 0, "reading needs no writing")
            subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
            home.start()
            check(home.weir("trigger", "d", "--wait").returncode == 0, "a trigger after that")
            home.kill(signal.SIGTERM)
            home.check_store()
    return "one clear error, and work afterwards"


def busy_store(settings, rng):
    """Another process holds the store's write lock for ten seconds."""
    seconds = 2 if settings.short else 10
    with Home(settings.bin) as home:
        home.dag("d", [task(f"t{i}", [f"t{i - 1}"] if i else []) for i in range(8)])
        home.start()
        check(home.weir("trigger", "d").returncode == 0, "trigger")
        wait_for("some work", lambda: home.executions() > 1, home=home)
        store = sqlite3.connect(f"{home.path}/state/weir.db", isolation_level=None, timeout=30)
        store.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        store.execute("ROLLBACK")
        store.close()
        home.finish()
        check(home.json("runs")[0]["state"] == "success", "the run")
        home.check_ledger(pairs(home), True)
        home.check_store()
    return f"held for {seconds} s, nothing lost"


def few_descriptors(settings, rng):
    """The daemon may open only few files while it has many tasks to start."""
    rounds = 1 if settings.short else 3
    for _ in range(rounds):
        limit = rng.randrange(38, 46)
        with Home(settings.bin, parallelism=64) as home:
            home.dag("d", [task(f"t{i}", retries=20, retry_delay="100ms") for i in range(60)], max_active_tasks=64)
            home.start(prefix=("prlimit", f"--nofile={limit}:{limit}"))
            check(home.weir("trigger", "d").returncode == 0, "trigger")
            home.finish(300)
            check(home.json("runs")[0]["state"] == "success", home.json("runs")[0]["reason"])
            home.check_ledger(pairs(home), True)
            check(not home.died(), home.said())
            home.check_store()
    return f"{rounds} times 60 tasks at once with some 40 descriptors"


def clock(settings, rng):
    """The daemon's clock is set two hours ahead, three back, and ahead again, and the daemon is killed in between."""
    step = 600
    with Home(settings.bin) as home:
        offset = f"{home.path}/offset"
        write(offset, "0")
        home.env["WEIR_CLOCK_OFFSET"] = offset
        start = int(time.time()) // step * step - 6 * step
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
        home.dag("d", [task("t")], schedule="*/10 * * * *", start=text, catchup=True)

        def set_clock(seconds):
            write(offset, str(seconds * 1_000_000))
            send(home.daemon.pid, signal.SIGHUP)

        def ended(count):
            runs = home.json("runs", "-n", "1000")
            return len(runs) >= count and all(run["state"] == "success" for run in runs)

        home.start()
        wait_for("the runs of an hour", lambda: ended(6), home=home)
        set_clock(7200)
        wait_for("the runs of two hours more", lambda: ended(18), home=home)
        set_clock(-3600)
        home.kill()
        home.start()
        check(home.weir("trigger", "d", "--wait").returncode == 0, "a trigger while the clock is behind")
        set_clock(7200)
        check(home.weir("trigger", "d", "--wait").returncode == 0, "a trigger after that")
        home.finish()
        runs = [run for run in home.json("runs", "-n", "1000") if run["run_type"] == "scheduled"]
        dates = sorted(run["logical_date"] for run in runs)
        wanted = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + i * step)) for i in range(len(dates))]
        check(dates == wanted, f"{len(dates)} runs, not one for each interval: {dates[:3]} … {dates[-3:]}")
        check(18 <= len(dates) <= 19, f"{len(dates)} runs in three hours of ten minutes")
        home.check_ledger(pairs(home), True)
        home.check_store()
    return f"{len(dates)} intervals, each once"


def flood(settings, rng):
    """A task prints far more than its log may hold."""
    size = 200 if settings.short else 5000
    with Home(settings.bin) as home:
        home.dag("d", [{"id": "loud", "kind": "command", "with": {"shell": f"yes 'a line of output' | head -c {size}M"}}])
        home.start()
        check(home.weir("trigger", "d").returncode == 0, "trigger")
        wait_for("the supervisor", home.supervisors, home=home)
        highest = {"daemon": 0, "supervisor": 0}
        while home.unfinished():
            for who, pid in [("daemon", home.daemon.pid)] + [("supervisor", pid) for pid, _ in home.supervisors()]:
                try:
                    with open(f"/proc/{pid}/smaps_rollup") as file:
                        pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
                except (OSError, StopIteration):
                    continue
                highest[who] = max(highest[who], pss)
            time.sleep(0.05)
        check(home.json("runs")[0]["state"] == "success", home.json("runs")[0]["reason"])
        check(max(highest.values()) < 30 * 1024, f"{highest} KiB")
        attempt = next(os.scandir(f"{home.path}/state/attempts"))
        blocks = os.stat(f"{attempt.path}/log").st_blocks * 512
        check(blocks < 128 << 20, f"the log takes {blocks} bytes of disk")
        shown = home.weir("logs", "d", "manual", "loud").stdout
        check("bytes dropped" in shown, "no mark in the log")
    return f"{size} MB printed; PSS at most {highest['daemon']} KiB (daemon), {highest['supervisor']} KiB (supervisor)"


def two_daemons(settings, rng):
    """A second daemon is refused; a stopped one is taken over, and writes nothing more when it wakes."""
    with Home(settings.bin) as home, Home(settings.bin, path=home.path) as second:
        second.own = False
        home.dag("d", [task(f"t{i}", [f"t{i - 1}"] if i else []) for i in range(5)])
        home.start()
        refused = home.weir("daemon")
        check(refused.returncode == 5 and str(home.daemon.pid) in refused.stderr, refused.stderr)
        check(home.weir("trigger", "d").returncode == 0, "trigger")
        wait_for("some work", lambda: home.executions() > 1, home=home)
        send(home.daemon.pid, signal.SIGSTOP)
        over = subprocess.Popen([f"{home.bin}/weir", "daemon", "--take-over"], env=home.env, stdin=subprocess.DEVNULL,
                                stdout=home.log, stderr=home.log)
        try:
            wait_for("the old daemon to be gone", home.died, home=home)
            wait_for("the new one to answer", lambda: home.weir("status").returncode == 0, home=home)
            home.finish()
            home.check_ledger(pairs(home), True)
        finally:
            send(over.pid, signal.SIGTERM)
            over.wait()
        home.check_store()
    return "refused, taken over, nothing twice"


SCENARIOS = [points, random_kills, backup, dag_files, full_disk, read_only_store, busy_store, few_descriptors, clock, flood,
             two_daemons]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/.build/release")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--short", action="store_true", help="a minute instead of many")
    parser.add_argument("--cycles", type=int, help="daemons to kill at random")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    settings = parser.parse_args()
    names = {scenario.__name__: scenario for scenario in SCENARIOS}
    for name in settings.scenarios:
        if name not in names:
            parser.error(f"no scenario '{name}'; there are {', '.join(names)}")
    print(f"chaos: seed {settings.seed}", flush=True)
    passed = failed = 0
    for name in settings.scenarios or names:
        begin = time.monotonic()
        try:
            line = names[name](settings, random.Random(f"{settings.seed}/{name}"))
            passed += 1
            print(f"  {name}: {line} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Failure as failure:
            failed += 1
            print(f"  {name}: FAILED with seed {settings.seed}: {failure}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
