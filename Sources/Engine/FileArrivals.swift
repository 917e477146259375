import Glibc
import Observability
import SchedulerCore
import Spawn
import Synchronization

/// Looks into the folders of the DAGs that files start, on a thread of its own, and tells of the newest file that is
/// complete. It remembers nothing: which files are new the Scheduler knows, by the end of the DAG's last interval.
final class FileArrivals: Sendable {
    private struct Watched: Sendable {
        var dag: String
        var condition: FileCondition
        var lookAt: Int64 = 0
        /// Told once for each folder that cannot be read.
        var problem: String?
    }

    private let home: Home
    private let clock: @Sendable () -> Instant
    private let onArrival: @Sendable (_ dag: String, _ upTo: Instant) -> Void
    /// By file of the DAG folder.
    private let watched = Mutex<[String: Watched]>([:])
    private let thread = Mutex<WorkerThread?>(nil)
    /// Told when there is something else to watch, or to stop.
    private let mailbox: Mailbox<Void>
    private let isStopped = Atomic<Bool>(false)

    init(
        _ home: Home, clock: @escaping @Sendable () -> Instant,
        onArrival: @escaping @Sendable (_ dag: String, _ upTo: Instant) -> Void
    ) throws(SystemError) {
        self.home = home
        self.clock = clock
        self.onArrival = onArrival
        mailbox = try Mailbox()
    }

    /// Takes over which DAGs are watched. The thread begins with the first of them.
    func watch(_ contents: DAGFolderContents) {
        let hasSome = watched.withLock { watched in
            let names = Set(contents.files.map(\.file))
            watched = watched.filter { names.contains($0.key) }
            // A file that is in error now keeps its last good version.
            for file in contents.files {
                guard let dag = file.dag else { continue }
                guard case .files(let condition) = dag.startedBy else {
                    watched[file.file] = nil
                    continue
                }
                let known = watched[file.file]
                if known?.dag != dag.id || known?.condition != condition {
                    watched[file.file] = Watched(dag: dag.id, condition: condition)
                }
            }
            return !watched.isEmpty
        }
        guard hasSome else { return }
        thread.withLock { thread in
            if thread == nil { thread = WorkerThread { [self] in run() } }
        }
        mailbox.put(())
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        mailbox.put(())
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func run() {
        while !isStopped.load(ordering: .acquiring) {
            _ = mailbox.take(limit: .max)
            let now = WallClock.monotonic()
            let due = watched.withLock { watched in
                watched.filter { $0.value.lookAt <= now }.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
            }
            for (file, item) in due { look(file, item) }
            let next = watched.withLock { $0.values.map(\.lookAt).min() } ?? now + 1_000_000
            mailbox.wait(until: WallClock.now() + max(1_000, next - WallClock.monotonic()))
        }
    }

    private func look(_ file: String, _ item: Watched) {
        let folder =
            item.condition.folder.hasPrefix("/") ? item.condition.folder : "\(home.path)/\(item.condition.folder)"
        let settled = clock() - item.condition.settle
        var newest: Instant?
        var problem: String?
        do throws(SystemError) {
            for name in try File.list(folder) where fnmatch(item.condition.pattern, name, FNM_PERIOD) == 0 {
                // A link is not followed, as by the kind that loads them.
                guard let status = File.status("\(folder)/\(name)", followLinks: false), status.kind == .file,
                    let time = File.changeTime("\(folder)/\(name)")
                else { continue }
                let changed = Instant(microseconds: time)
                if changed <= settled { newest = max(newest ?? changed, changed) }
            }
        } catch {
            problem = "\(error)"
        }
        if let problem, problem != item.problem {
            Log.warning("cannot look for files that start a DAG", ["dag": item.dag, "error": problem])
        }
        watched.withLock { watched in
            guard watched[file]?.dag == item.dag else { return }
            watched[file]?.problem = problem
            watched[file]?.lookAt = WallClock.monotonic() + item.condition.every.microseconds
        }
        if let newest { onArrival(item.dag, newest) }
    }
}
