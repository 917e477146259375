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
        var lookedAt: Int64 = 0
        /// The folders that it looked into.
        var folders: Set<String> = []
        /// Told once for each folder that cannot be read.
        var problem: String?
    }

    private let home: Home
    private let clock: @Sendable () -> Instant
    private let onArrival: @Sendable (_ dag: String, _ upTo: Instant) -> Void
    /// By file of the DAG folder.
    private let watched = Mutex<[String: Watched]>([:])
    /// When something was last told of each folder, by the monotonic clock. What happens while somebody looks would be
    /// forgotten otherwise: in a folder that he has not noted yet, or before he has said when to look next.
    private let told = Mutex<[String: Int64]>([:])
    private let thread = Mutex<WorkerThread?>(nil)
    /// Told when there is something else to watch, or to stop.
    private let mailbox: Mailbox<Void>
    private let isStopped = Atomic<Bool>(false)
    private let watcher = Mutex<ArrivalWatcher?>(nil)

    /// Between two looks at a folder where files keep arriving.
    private static let pause: Int64 = 200_000

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
        watcher.withLock { watcher in
            // Without it the folders are looked at now and then.
            watcher = watcher ?? (try? ArrivalWatcher { [weak self] folder in self?.changed(folder) })
            watcher?.clear()
        }
        told.withLock { $0 = [:] }
        watched.withLock { watched in
            for name in watched.keys { watched[name]?.lookAt = 0 }
        }
        thread.withLock { thread in
            if thread == nil { thread = WorkerThread { [self] in run() } }
        }
        mailbox.put(())
    }

    private func changed(_ folder: String) {
        let now = WallClock.monotonic()
        told.withLock { $0[folder] = now }
        watched.withLock { watched in
            for (name, item) in watched where item.folders.contains(folder) {
                watched[name]?.lookAt = min(item.lookAt, max(now, item.lookedAt + Self.pause))
            }
        }
        mailbox.put(())
    }

    func stop() {
        watcher.withLock { watcher in
            defer { watcher = nil }
            return watcher
        }?.stop()
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
            // A look may have been asked for meanwhile.
            let next = watched.withLock { $0.values.map(\.lookAt).min() } ?? now + 1_000_000
            mailbox.wait(until: WallClock.now() + max(1_000, next - WallClock.monotonic()))
        }
    }

    private func look(_ file: String, _ item: Watched) {
        let folder =
            item.condition.folder.hasPrefix("/") ? item.condition.folder : "\(home.path)/\(item.condition.folder)"
        let began = WallClock.monotonic()
        let now = clock()
        let settled = now - item.condition.settle
        var newest: Instant?
        /// When the next of those that are not settled yet will be.
        var wait = item.condition.every.microseconds
        var folders: Set<String> = []
        var problem: String?
        do throws(SystemError) {
            let parts = item.condition.pattern.split(separator: "/").map(String.init)
            try visit(folder, parts[...], &folders) { changed in
                if changed <= settled {
                    newest = max(newest ?? changed, changed)
                } else {
                    wait = min(wait, max(1_000, (changed - settled).microseconds))
                }
            }
        } catch {
            problem = "\(error)"
        }
        if let problem, problem != item.problem {
            Log.warning("cannot look for files that start a DAG", ["dag": item.dag, "error": problem])
        }
        watched.withLock { watched in
            guard watched[file]?.dag == item.dag else { return }
            let at = WallClock.monotonic()
            watched[file]?.problem = problem
            watched[file]?.folders = folders
            watched[file]?.lookedAt = at
            let isTold = told.withLock { told in folders.contains { told[$0] ?? .min >= began } }
            watched[file]?.lookAt = at + (isTold ? min(wait, Self.pause) : wait)
        }
        if let newest { onArrival(item.dag, newest) }
    }

    /// Calls `body` with the time of the last change of each file that a pattern names, part by part of its path.
    private func visit(
        _ folder: String, _ parts: ArraySlice<String>, _ folders: inout Set<String>, _ body: (Instant) -> Void
    ) throws(SystemError) {
        guard let part = parts.first else { return }
        // Before it is listed: what arrives afterwards is told.
        watcher.withLock { $0?.add(folder) }
        folders.insert(folder)
        for name in try File.list(folder) where fnmatch(part, name, FNM_PERIOD) == 0 {
            let path = "\(folder)/\(name)"
            // A link is not followed, as by the kind that loads them.
            guard let status = File.status(path, followLinks: false) else { continue }
            if parts.count > 1 {
                guard status.kind == .directory else { continue }
                // One that vanished or may not be read does not hide the others.
                try? visit(path, parts.dropFirst(), &folders, body)
            } else if status.kind == .file, let time = File.changeTime(path) {
                body(Instant(microseconds: time))
            }
        }
    }
}
