import API
import Access
import CPosix
import Engine
import Glibc
import Lake
import Observability
import SQLiteStore
import SchedulerCore
import Spawn
import Store

/// The state directory: its disk, who may use it, who holds it, and the store in it.
enum StateChecks {
    static func all(_ patient: Patient) -> [Finding] {
        let home = patient.session.home
        guard File.exists(home.state) else {
            return [.ok("state", "\(home.state) is not there yet; the first run makes it")]
        }
        return [access(home), disk(home.state), exchange(patient), daemon(home), store(home), users(home)]
    }

    private static func access(_ home: Home) -> Finding {
        var status = stat()
        guard stat(home.state, &status) == 0 else {
            return .fail("state", "\(home.state) cannot be looked at", "see its permissions")
        }
        let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(status.st_uid)"
        guard Glibc.access(home.state, R_OK | W_OK | X_OK) == 0 else {
            if errno == EROFS {
                return .fail(
                    "state",
                    "\(home.state) is on a file system that is mounted read-only: it can be looked at, no more",
                    "mount it for writing")
            }
            return .fail(
                "state", "\(home.state) belongs to \(owner), and \(Session.actor) may not write there",
                "work as \(owner), or `chown -R \(Session.actor) \(home.state)`")
        }
        if status.st_uid != geteuid() {
            return .warn(
                "state", "\(home.state) belongs to \(owner), not to \(Session.actor)",
                "work as \(owner): what another user makes there it cannot use")
        }
        if status.st_mode & 0o022 != 0 {
            return .warn(
                "state", "others than its owner may write to \(home.state)", "`chmod go-w \(home.state)`")
        }
        return .ok("state", "\(home.state) is \(owner)'s")
    }

    private static let leastFree: Int64 = 100_000_000
    private static let scarceFree: Int64 = 1_000_000_000

    private static func disk(_ path: String) -> Finding {
        var status = statvfs()
        guard let free = File.freeBytes(path), statvfs(path, &status) == 0 else {
            return .warn("disk", "the free space of \(path) cannot be told", "see `df \(path)`")
        }
        let text = "\(ByteAmount.words(free)) are free on the disk of \(path)"
        let remedy = "make room: `weir db prune`, shorter \"retention\", old archives"
        if status.f_files > 0, status.f_favail < 1000 {
            return .fail("disk", "only \(status.f_favail) more files fit on the disk of \(path)", remedy)
        }
        if free < leastFree { return .fail("disk", text, remedy) }
        if free < scarceFree { return .warn("disk", text, remedy) }
        return .ok("disk", text)
    }

    /// The magic numbers of statfs(2) of file systems that can exchange two folders.
    private static let able: [Int64: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x0102_1994: "tmpfs", 0xF2F5_2010: "f2fs",
    ]

    private static func exchange(_ patient: Patient) -> Finding {
        let lake = patient.settings.lake(attempt: "doctor", patient.session.surroundings.environment)
        if let remote = lake.remote {
            do { try remote.check() } catch {
                return .fail("lake", "\(error)", "see docs/s3.md: the endpoint, the keys and what they may do")
            }
            return .ok("lake", "\(lake.place) answers")
        }
        var path = lake.path
        while !File.exists(path), path != "/" { path = File.parent(of: path) }
        let type = weir_filesystem_type(path)
        guard type >= 0 else {
            return .warn("lake", "the file system of \(path) cannot be told", "see `df \(path)`")
        }
        if let name = able[type] { return .ok("lake", "\(lake.path), on \(name)") }
        return .warn(
            "lake", "\(path) stands on a file system that may not be able to exchange two folders",
            "put the lake on ext4, xfs, btrfs or tmpfs")
    }

    private static func daemon(_ home: Home) -> Finding {
        let holder = StateHolder.read(home)
        var status: EngineStatus?
        var problem: String?
        do throws(CommandError) {
            if case .status(let answer) = try ControlClient(socket: home.socket, timeout: 5)
                .perform(.status, actor: Session.actor)
            {
                status = answer
            }
        } catch { problem = error.code == .stopping ? nil : error.message }
        if let status {
            let who = status.role == .daemon ? "daemon \(status.version)" : "a command in the foreground"
            if let reason = status.stoppedBecause {
                return .fail("daemon", "\(who), process \(status.pid): the queue stands still: \(reason)", "mend that")
            }
            if status.role == .daemon, status.version != Program.version {
                return .warn(
                    "daemon", "\(who), process \(status.pid), is not this program's \(Program.version)",
                    "restart it: running tasks go on")
            }
            return .ok("daemon", "\(who), process \(status.pid), answers")
        }
        guard let holder else {
            return .ok("daemon", "none runs; commands work in the foreground until `weir daemon` starts one")
        }
        if HeldProcess(holder.identity) != nil {
            return .fail(
                "daemon",
                "process \(holder.identity.pid) holds \(home.lock), and does not answer"
                    + (problem.map { ": \($0)" } ?? ""),
                "`weir daemon --take-over` ends it and goes on in its place; running tasks go on")
        }
        if holder.identity.bootID != ProcessIdentity.currentBootID(), isLocked(home.lock) {
            return .fail(
                "daemon", "\(home.lock) is held from another machine or container",
                "find its holder, for example with `fuser \(home.lock)`")
        }
        return .ok("daemon", "none runs; the last one has not stopped in good order, which the next one makes up for")
    }

    /// By /proc/locks, without touching the lock.
    private static func isLocked(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, let locks = try? File.read("/proc/locks") else { return false }
        return String(decoding: locks, as: UTF8.self).contains(":\(status.st_ino) ")
    }

    private static func users(_ home: Home) -> Finding {
        guard File.exists(home.accessDatabase) else { return .ok("users", "nobody may sign in yet") }
        if let problem = AccessFile.problem(home.accessDatabase) {
            return .fail("users", problem.message, problem.remedy)
        }
        return .ok("users", "\(home.accessDatabase) is its owner's alone")
    }

    private static func store(_ home: Home) -> Finding {
        do throws(StoreError) {
            let (format, newest, damage) = try StoreCheck.quick(path: home.database)
            if let first = damage.first {
                return .fail(
                    "store", "\(home.database) is damaged: \(first)",
                    "put a backup in its place, see \"Restoring\" in docs/operations.md")
            }
            if format > newest {
                return .fail(
                    "store", "\(home.database) has format \(format), made by a newer Weir", "use the newer program")
            }
            if format < newest {
                return .warn(
                    "store", "\(home.database) has format \(format), this Weir's is \(newest)",
                    "`weir db migrate`, or a start of the daemon, brings it up to date")
            }
            return .ok("store", "\(home.database) is sound, format \(format)")
        } catch {
            if error.code == .missing { return .ok("store", "nothing has run here yet") }
            return .fail("store", error.message, "see \"Restoring\" in docs/operations.md")
        }
    }
}
