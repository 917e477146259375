#!/usr/bin/env python3
"""Installs what `make dist` makes on a fresh machine, as operators do: a clean Debian 12 in a folder, and that Debian booted.

The archive: with the packages that docs/install.md names it runs from any folder. The package: apt brings what it depends on; in
a chroot nothing is enabled; under systemd the service starts, a day of the licence-plate lake goes through its daemon, and an
upgrade under a running task loses nothing; remove and purge leave the data. Both are the same bytes when they are made again.

Usage: check-dist.py, as root. It needs debootstrap and systemd-nspawn (`scripts/setup.sh verify`), cgroup v2, and Debian's
mirror. The clean system is kept in .tools/bookworm.tar; remove that to have it made anew.
"""
import contextlib
import gzip
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import live
from live import ROOT, that, until
from markdown_blocks import blocks

BASE = ROOT / ".tools/bookworm.tar"
DAY = "2022-05-02"
WANTED = "/etc/systemd/system/multi-user.target.wants/weir.service"
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLATES = "SELECT count(*) AS n, bit_xor(hash(t)) AS h FROM plate AS t"
# What waits for a file, so that it runs as long as the check wants, and leaves a line each time that it begins.
LONG = {"id": "long", "tasks": [{"id": "wait", "kind": "command", "with": {
    "shell": "echo $$ >>\"$WEIR_HOME/began\"; until [ -e \"$WEIR_HOME/go\" ]; do sleep 0.1; done"}}]}
# Boots in namespaces of its own, below a cgroup of its own: nothing of this machine's is touched.
BOOT = """echo $$ >"$1/cgroup.procs"
exec unshare --mount --cgroup --pid --kill-child --mount-proc sh -euc '
    umount --lazy /sys/fs/cgroup
    mount --types cgroup2 cgroup2 /sys/fs/cgroup
    exec systemd-nspawn --quiet --boot --directory "$1" --machine fresh --register=no --keep-unit --console=passive \
        --resolv-conf=off --timezone=off --drop-capability=CAP_SYS_TIME' sh "$2"
"""


def say(words):
    print(f"  {words}", flush=True)


def call(*words, status=0, **more):
    """A command, which must end so, and counts where it does not; its standard output, then its standard error."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, **more)
    if done.returncode != status:
        that(f"{shlex.join(str(word) for word in words)} exits {status}", False,
             f"{done.returncode}: {done.stderr[-300:]}{done.stdout[-100:]}")
    return done.stdout, done.stderr


def children(process):
    """The processes that a process has started, with their names. Some end while this looks."""
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split():
            yield child, pathlib.Path(f"/proc/{child}/comm").read_text().strip()


def mirror():
    """Where this machine gets Debian 12 from."""
    out, _ = call("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages")
    found = [line.split()[1] for line in out.splitlines() if line.split()[:1] == ["bookworm"] and "debian" in line]
    return found[0] if found else "http://deb.debian.org/debian"


class System:
    """A clean Debian 12 in a folder, with the mounts that programs expect."""

    def __init__(self, folder):
        self.path = folder
        if not BASE.exists():
            source = mirror()
            say(f"debootstrap of Debian 12 from {source}")
            made = folder.with_name("base")
            call("debootstrap", "--variant=minbase", "bookworm", made, source)
            call("tar", "--create", "--numeric-owner", "--xattrs", "--file", f"{BASE}.new", "--directory", made, ".")
            os.rename(f"{BASE}.new", BASE)
        folder.mkdir()
        call("tar", "--extract", "--numeric-owner", "--xattrs", "--file", BASE, "--directory", folder)
        for kind, place in (("proc", folder / "proc"), ("tmpfs", folder / "tmp")):
            call("mount", "--types", kind, kind, place)
        call("mount", "--bind", "/dev", folder / "dev")
        self.entry = ["chroot", str(folder)]
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        self.run("apt-get", "update", "-q")

    def boot(self, cgroup):
        """Starts its systemd, beside which commands run from here on; the process that holds it."""
        for place in ("proc", "tmp", "dev"):
            call("umount", self.path / place)
        log = self.path.with_name("boot.log")
        with open(log, "wb") as file:
            holder = subprocess.Popen(["sh", "-euc", BOOT, "sh", cgroup, self.path], stdin=subprocess.DEVNULL, stdout=file,
                                      stderr=file)

        def systemd():
            return [child for nspawn, _ in children(holder.pid) for child, name in children(nspawn) if name == "systemd"]
        found = until("systemd starts", lambda: holder.poll() is not None or systemd())
        if found in (None, True):
            raise SystemExit("the clean system does not boot: " + log.read_text(errors="replace"))
        self.entry = ["nsenter", f"--target={found[0]}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
                      "--wdns=/"]

        def state():
            # Its socket comes a moment after the process. What fails of a system in a folder is not Weir's.
            done = subprocess.run(self.words(["systemctl", "is-system-running", "--wait"]), capture_output=True, text=True,
                                  check=False)
            return done.stdout.strip() in ("running", "degraded")
        until("the system is up", state)
        return holder

    def file(self, path):
        return self.path / str(path).lstrip("/")

    def words(self, command, user=None, folder="/", variables=None):
        """The command line that runs it in there, with nothing of this process's environment."""
        words = list(self.entry)
        if user is not None:
            groups = "--init-groups" if user == "weir" else "--clear-groups"
            words += ["setpriv", f"--reuid={user}", f"--regid={user}", groups]
        given = {"PATH": PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": folder, **(variables or {})}
        return words + ["env", "-i", f"--chdir={folder}", *(f"{name}={value}" for name, value in given.items()),
                        *(str(word) for word in command)]

    def run(self, *command, status=0, **more):
        return call(*self.words(command, **more), status=status)

    def apt(self, *words):
        return self.run("apt-get", *words[:1], "-y", "-q", "--no-install-recommends", *words[1:])

    def weir(self, *command, status=0):
        """A command of the operator: as the user weir, in its home."""
        return self.run("weir", *command, status=status, user="weir", folder="/var/lib/weir",
                        variables={"WEIR_HOME": "/var/lib/weir"})[0]

    def rows(self):
        return json.loads(self.weir("query", "--sql", PLATES, "--json"))


def unit(system, name):
    """What systemd says about the service."""
    return system.run("systemctl", "show", "--value", f"--property={name}", "weir")[0].strip()


def installed(system, version):
    """What the package has put where."""
    for path in ("/usr/bin/weir", "/usr/lib/weir/weir-supervise", "/usr/lib/weir/duckdb", "/usr/lib/weir/httpfs.duckdb_extension",
                 "/usr/lib/weir/sqlite_scanner.duckdb_extension",
                 "/usr/share/weir/dag.schema.json", "/usr/share/doc/weir/copyright", "/usr/share/doc/weir/docs/install.md",
                 "/usr/share/doc/weir/examples/dags/alpr_daily.json", "/etc/default/weir"):
        that(f"{path} is there", os.path.lexists(system.file(path)))
    out, _ = system.run("weir", "version")
    that("the version", out == f"weir {version}\n", out)
    out, _ = system.run("dpkg-query", "-W", "-f", "${Status} ${Version}", "weir")
    that("dpkg's version", out == f"install ok installed {version}", out)
    page = gzip.decompress(system.file("/usr/share/man/man1/weir.1.gz").read_bytes()).decode()
    that("the manual page's version", f'.TH WEIR 1 "" "weir {version}"' in page, page[:200])
    changes = gzip.decompress(system.file("/usr/share/doc/weir/changelog.gz").read_bytes()).decode()
    that("the changelog's version", changes.startswith(f"weir ({version}) "), changes)
    for shell, path in (("bash", "bash-completion/completions/weir"), ("zsh", "zsh/vendor-completions/_weir"),
                        ("fish", "fish/vendor_completions.d/weir.fish")):
        out, _ = system.run("weir", "completion", shell)
        that(f"the completion of {shell}", system.file(f"/usr/share/{path}").read_text() == out)
    for program in ("weir", "duckdb"):
        out, _ = system.run("ldd", f"/usr/lib/weir/{program}")
        that(f"{program} has its libraries", "not found" not in out and "libc.so" in out, out)
    out, _ = system.run("stat", "--format=%U:%G %a", "/var/lib/weir", "/var/lib/weir/dags", "/var/lib/weir/state")
    that("the home", out.split("\n")[:3] == ["weir:weir 755", "weir:weir 755", "weir:weir 750"], out)
    out, _ = system.run("getent", "passwd", "weir")
    that("the user can't log in", out.strip().endswith(":/var/lib/weir:/usr/sbin/nologin"), out)


def healthy(system):
    """`weir doctor` finds no fault, and DuckDB without being told where it is."""
    findings = {each["check"]: each for each in json.loads(system.weir("doctor", "--json"))}
    duckdb = findings["duckdb"]
    that("DuckDB is found", duckdb["status"] == "ok" and "/usr/lib/weir/duckdb" in duckdb["message"], duckdb)
    that("nothing is wrong", not [each for each in findings.values() if each["status"] == "fail"], findings)
    say("doctor: " + ", ".join(f"{each['check']} {each['status']}" for each in findings.values()))
    for name in "httpfs", "sqlite_scanner":
        out, _ = system.run("/usr/lib/weir/duckdb", "-no-init", "-c", f"LOAD '/usr/lib/weir/{name}.duckdb_extension'", user="weir")
        that(f"DuckDB takes its extension {name}", out == "", out)


def prepare(system):
    """The examples' daily DAG and a day of logs, as an operator lays them there; the schedule is left out of it."""
    home = system.file("/var/lib/weir")
    system.run("cp", "-r", "/usr/share/doc/weir/examples/dags/alpr", "/usr/share/doc/weir/examples/dags/alpr_daily.json",
               "/var/lib/weir/dags/", user="weir")
    call(sys.executable, ROOT / "scripts/generate-logs.py", "--out", home / "state/landing", "--from", DAY, "--days", "1",
         "--frames", "100")
    (home / "dags/long.json").write_text(json.dumps(LONG))
    system.run("chown", "-R", "weir:weir", "/var/lib/weir/state/landing", "/var/lib/weir/dags/long.json")
    system.weir("validate")
    system.weir("pause", "alpr_daily")


def next_version(system, package, version):
    """The same package under a later number, as the next release would be."""
    tree = system.path.with_name("next")
    call("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {version}\n", f"Version: {version}+next\n"))
    call("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, system.file("/root/next.deb"))


def long_task(system, state):
    """The attempt that waits, once it is in that state."""
    def look():
        tasks = json.loads(system.weir("tasks", "long", "manual", "--json"))
        return tasks[0] if tasks[0]["state"] == state else None
    return until(f"the long task is {state}", look)


def answers(system, before):
    """Another daemon than the one before answers, which systemd knows as the service's; its process."""
    pid = json.loads(system.weir("status", "--json"))["pid"]
    that("another daemon", pid != before and unit(system, "MainPID") == str(pid), (pid, before, unit(system, "MainPID")))
    return pid


def of_package(folder, package, archive, version, cgroup):
    system = System(folder / "p")
    system.apt("install", "systemd-sysv", "man-db")
    before = set(system.run("dpkg-query", "-W", "-f", "${Package}\n")[0].split())
    shutil.copy(package, system.file("/root/weir.deb"))
    system.apt("install", "/root/weir.deb")
    brought = set(system.run("dpkg-query", "-W", "-f", "${Package}\n")[0].split()) - before
    say(f"apt brought {', '.join(sorted(brought))}")
    installed(system, version)
    that("nothing is enabled in a chroot", not os.path.lexists(system.file(WANTED)))
    said = "".join(system.apt("purge", "weir"))
    that("where nothing is left, nothing is said", "stays" not in said and not system.file("/var/lib/weir").exists(), said)

    holder = system.boot(cgroup)
    system.apt("install", "/root/weir.deb")
    that("the service is there at each boot", os.path.lexists(system.file(WANTED)))
    that("the service runs", unit(system, "ActiveState") == "active" and "0 of 16 tasks" in unit(system, "StatusText"),
         unit(system, "StatusText"))
    healthy(system)
    out, err = system.run("systemd-analyze", "verify", "/lib/systemd/system/weir.service")
    that("systemd-analyze has nothing to say", out + err == "", out + err)
    out, _ = system.run("man", "-w", "weir")
    that("man finds the page", out == "/usr/share/man/man1/weir.1.gz\n", out)

    system.run("systemctl", "stop", "weir")
    prepare(system)
    defaults = system.file("/etc/default/weir")
    defaults.write_text(defaults.read_text() + "WEIR_PARALLELISM=3\n")
    system.run("systemctl", "start", "weir")
    pid = answers(system, None)
    that("the default file counts", json.loads(system.weir("status", "--json"))["parallelism"] == 3)
    system.run("systemctl", "reload", "weir")
    system.weir("trigger", "alpr_daily", "--date", DAY, "--wait")
    runs = json.loads(system.weir("runs", "alpr_daily", "--json"))
    that("the day ran", [run["state"] for run in runs] == ["success"], runs)
    rows = system.rows()
    that("there are plates", rows[0]["n"] > 50, rows)
    say(f"{DAY} went through the daemon: {rows[0]['n']} plates")

    system.weir("trigger", "long")
    long_task(system, "running")
    system.apt("install", "--reinstall", "/root/weir.deb")
    pid = answers(system, pid)
    next_version(system, package, version)
    system.apt("install", "/root/next.deb")
    pid = answers(system, pid)
    out, _ = system.run("dpkg-query", "-W", "-f", "${Version}", "weir")
    that("the next version is there", out == f"{version}+next", out)
    that("what the operator has set stays", "WEIR_PARALLELISM=3" in defaults.read_text())
    that("the long task runs on", long_task(system, "running") is not None)
    that("the rows are the same", system.rows() == rows)
    system.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "weir")
    until("a killed daemon is replaced",
          lambda: unit(system, "MainPID") not in ("0", str(pid)) and unit(system, "ActiveState") == "active")
    answers(system, pid)
    that("the long task still runs", long_task(system, "running") is not None)
    system.run("touch", "/var/lib/weir/go", user="weir")
    that("it ends well", long_task(system, "success") is not None)
    began = system.file("/var/lib/weir/began").read_text().split()
    that("it began once", len(began) == 1, began)
    say("a task ran through a reinstallation, an upgrade and a kill of the daemon")

    system.run("systemctl", "disable", "--now", "weir")
    system.apt("install", "--reinstall", "/root/next.deb")
    that("a service that was disabled stays so",
         unit(system, "ActiveState") == "inactive" and not os.path.lexists(system.file(WANTED)))
    system.run("systemctl", "enable", "--now", "weir")
    answers(system, None)
    system.apt("remove", "weir")
    that("a removal stops the service", unit(system, "ActiveState") == "inactive", unit(system, "ActiveState"))
    for path in ("/usr/bin/weir", "/usr/lib/weir", "/lib/systemd/system/weir.service", "/usr/share/man/man1/weir.1.gz"):
        that(f"{path} is gone", not os.path.lexists(system.file(path)))
    that("a removal leaves what was set", defaults.exists())
    said = "".join(system.apt("purge", "weir"))
    that("a purge says what stays", "/var/lib/weir stays" in said, said)
    left = list(system.file("/etc").rglob("*weir*"))
    that("a purge leaves nothing in /etc", left == [], left)
    system.apt("install", "/root/weir.deb")
    answers(system, None)
    that("a new installation finds the lake", system.rows() == rows)
    say("removed and purged: the lake stayed, and a new installation found it")

    # The archive as a service: as docs/install.md says, but for the user, who is there.
    system.apt("purge", "weir")
    name = archive.name.removesuffix(".tar.gz")
    call("tar", "-xzf", archive, "-C", system.file("/root"))
    system.run("cp", "-r", *(f"/root/{name}/{each}" for each in ("bin", "lib", "share")), "/usr/local/")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "enable", "--now", "weir")
    answers(system, None)
    that("it is the archive's", "/usr/local/bin/weir" in unit(system, "ExecStart"), unit(system, "ExecStart"))
    that("the archive finds the lake", system.rows() == rows)
    say("the archive serves as the service, too")
    system.run("systemctl", "poweroff")
    that("the system ends in good order", holder.wait(60) == 0, holder.returncode)


def of_archive(folder, archive, sums, version):
    system = System(folder / "a")
    text = "".join(block.text for block in blocks(ROOT / "docs/install.md"))
    needed = re.search(r"apt-get install ((?:lib\S+ )+.*)", text).group(1).split()
    system.apt("install", *needed)
    say(f"docs/install.md says that it needs {', '.join(needed)}")
    place = system.file("/srv/person")
    place.mkdir()
    for file in (archive, sums):
        shutil.copy(file, place)
    os.chown(place, 1000, 1000)

    def run(*words, **more):
        return system.run(*words, user=1000, folder="/srv/person", **more)[0]

    out = run("sha256sum", "--check", "--ignore-missing", sums.name)
    that("the checksum", out == f"{archive.name}: OK\n", out)
    run("tar", "-xzf", archive.name)
    name = archive.name.removesuffix(".tar.gz")
    weir = f"/srv/person/{name}/bin/weir"
    that("the archive's version", run(weir, "version") == f"weir {version}\n")
    run(weir, "init", "x")
    out = run(weir, "--home", "x", "trigger", "hello", "--wait")
    runs = json.loads(run(weir, "--home", "x", "runs", "hello", "--json"))
    that("hello ran", [each["state"] for each in runs] == ["success"], out)
    findings = {each["check"]: each for each in json.loads(run(weir, "--home", "x", "doctor", "--json"))}
    that("the archive's DuckDB", findings["duckdb"]["message"].endswith(f"/{name}/lib/weir/duckdb"), findings["duckdb"])
    for file in ("README.md", "CHANGELOG.md", "LICENSE", "docs/install.md", "docs/dag.schema.json", "dags/alpr_daily.json",
                 "packaging/weir.service", "share/man/man1/weir.1.gz", "share/bash-completion/completions/weir",
                 "share/zsh/site-functions/_weir", "share/fish/vendor_completions.d/weir.fish", "lib/systemd/system/weir.service"):
        that(f"the archive has {file}", (place / name / file).is_file())
    # As docs/install.md says: its folders into /usr/local.
    system.run("cp", "-r", *(f"/srv/person/{name}/{each}" for each in ("bin", "lib", "share")), "/usr/local/")
    out, _ = system.run("/usr/local/bin/weir", "--home", "/srv/person/x", "tasks", "hello", "manual", user=1000)
    that("it runs in /usr/local, too", out.count("success") >= 2, out)
    say("the archive runs in a person's folder and in /usr/local")


class Cgroup:
    """A cgroup for the system that is booted; its path in this process's mounts."""

    def __init__(self, folder):
        tree = folder / "cgroups"
        tree.mkdir()
        call("mount", "--types", "cgroup2", "cgroup2", tree)
        self.path = tree / folder.name

    def __enter__(self):
        self.path.mkdir()
        return self.path

    def __exit__(self, *_):
        (self.path / "cgroup.kill").write_text("1")
        events = self.path / "cgroup.events"
        until("nothing is left of the system", lambda: "populated 0" in events.read_text())
        for each, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(each)


def inside(folder):
    version = call(ROOT / "scripts/version.sh")[0].strip()
    out = ROOT / "dist"
    call(ROOT / "scripts/dist.sh")
    sums = out / "SHA256SUMS"
    names = [line.split()[1] for line in sums.read_text().splitlines()]
    archive, package = (next(out / name for name in names if name.endswith(end)) for end in (".tar.gz", ".deb"))
    that("the names", archive.name.startswith(f"weir-{version}-linux-") and package.name.startswith(f"weir_{version}_"), names)
    call("sha256sum", "--check", "SHA256SUMS", cwd=out)
    say(f"made {archive.name} ({archive.stat().st_size >> 20} MiB) and {package.name} ({package.stat().st_size >> 20} MiB)")
    call(ROOT / "scripts/dist.sh", folder / "again")
    again = (folder / "again/SHA256SUMS").read_text()
    that("made again they are the same", again == sums.read_text(), again + sums.read_text())
    of_archive(folder, archive, sums, version)
    with Cgroup(folder) as cgroup:
        of_package(folder, package, archive, version, cgroup)
    passed, failed = live.counted.values()
    print(f"the package and the archive: {passed} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


def main():
    if sys.argv[1:2] == ["--inside"]:
        # The first process of its namespace: no signal ends it unless it is handled.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return inside(pathlib.Path(sys.argv[2]))
    if len(sys.argv) > 1:
        raise SystemExit(__doc__)
    if os.geteuid() != 0:
        raise SystemExit("this check makes a system in a folder and mounts in it: run it as root")
    with tempfile.TemporaryDirectory(prefix="weir-dist-") as folder:
        os.chmod(folder, 0o755)
        # In namespaces of its own: its mounts and processes are gone with it, however it ends, before the folder is removed.
        return subprocess.run(["unshare", "--mount", "--propagation=private", "--pid", "--kill-child", "--mount-proc",
                               sys.executable, __file__, "--inside", folder], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
