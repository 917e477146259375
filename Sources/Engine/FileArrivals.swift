import Glibc
import Observability
import SchedulerCore
import Spawn
import Synchronization

/// Looks into the folders of the DAGs that files start, on a thread of its own, and tells which complete files have come since
/// the last start. It remembers nothing: how far a DAG has come the Scheduler knows.
final class FileArrivals: Sendable {
    private struct Watched: Sendable {
        var dag: String
        var condition: FileCondition
        var progress: FileProgress
        var backlog: FileBacklog
        var lookAt: Int64 = 0
        var lookedAt: Int64 = 0
        /// How long the last look took, by the monotonic clock.
        var cost: Int64 = 0
        /// The folders that it looked into.
        var folders: Set<String> = []

        /// When it may be looked at again though files keep arriving: a large folder does not keep a core busy.
        var pause: Int64 { max(FileArrivals.pause, 10 * cost) }
    }

    private let home: Home
    private let clock: @Sendable () -> Instant
    private let onArrival: @Sendable (_ dag: String, _ arrival: FileArrival) -> Void
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
        onArrival: @escaping @Sendable (_ dag: String, _ arrival: FileArrival) -> Void
    ) throws(SystemError) {
        self.home = home
        self.clock = clock
        self.onArrival = onArrival
        mailbox = try Mailbox()
    }

    /// What has arrived for each DAG, as it was last looked at, by DAG.
    var backlogs: [FileBacklog] {
        let now = clock()
        return watched.withLock { $0.values.map(\.backlog) }.sorted { $0.dag < $1.dag }.map { backlog in
            var backlog = backlog
            backlog.lag = max(.zero, now - (backlog.oldest ?? now))
            return backlog
        }
    }

    /// Takes over how far a DAG has come. What waits is counted anew.
    func note(_ progress: FileProgress, of dag: String) {
        let now = WallClock.monotonic()
        let isNews = watched.withLock { watched in
            guard let (name, item) = watched.first(where: { $0.value.dag == dag }), item.progress != progress else {
                return false
            }
            watched[name]?.progress = progress
            watched[name]?.lookAt = min(item.lookAt, max(now, item.lookedAt + item.pause))
            return true
        }
        if isNews { mailbox.put(()) }
    }

    /// Takes over which DAGs are watched, and how far each has come. The thread begins with the first of them.
    func watch(_ contents: DAGFolderContents, progress: (_ dag: String) -> FileProgress?) {
        let hasSome = watched.withLock { watched in
            let names = Set(contents.files.map(\.file))
            watched = watched.filter { names.contains($0.key) }
            // A file that is in error now keeps its last good version.
            for file in contents.files {
                guard let dag = file.dag else { continue }
                guard case .files(let condition) = dag.startedBy, let progress = progress(dag.id) else {
                    watched[file.file] = nil
                    continue
                }
                let known = watched[file.file]
                if known?.dag != dag.id || known?.condition != condition {
                    watched[file.file] = Watched(
                        dag: dag.id, condition: condition, progress: progress,
                        backlog: FileBacklog(dag: dag.id))
                }
                watched[file.file]?.progress = progress
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
                watched[name]?.lookAt = min(item.lookAt, max(now, item.lookedAt + item.pause))
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
        var arrival: FileArrival?
        var backlog = FileBacklog(dag: item.dag)
        /// When the next of those that are not settled yet will be.
        var wait = item.condition.every.microseconds
        var folders: Set<String> = []
        do throws(SystemError) {
            let parts = item.condition.pattern.split(separator: "/").map(String.init)
            try visit(folder, parts[...], &folders) { changed, size in
                if changed > item.progress.done {
                    backlog.files += 1
                    backlog.bytes += size
                    backlog.oldest = min(backlog.oldest ?? changed, changed)
                }
                if changed > settled {
                    wait = min(wait, max(1_000, (changed - settled).microseconds))
                } else if changed > item.progress.started {
                    let before = arrival
                    arrival = FileArrival(
                        since: item.progress.started, upTo: max(before?.upTo ?? changed, changed),
                        files: (before?.files ?? 0) + 1, bytes: (before?.bytes ?? 0) + size,
                        oldest: min(before?.oldest ?? changed, changed))
                }
            }
        } catch {
            backlog.problem = "\(error)"
        }
        if let problem = backlog.problem, problem != item.backlog.problem {
            Log.warning("cannot look for files that start a DAG", ["dag": item.dag, "error": problem])
        }
        if let arrival, let batch = item.condition.batch, !batch.isReached(by: arrival, now: now) {
            wait = min(wait, max(1_000, (arrival.oldest + batch.age - now).microseconds))
        }
        watched.withLock { watched in
            guard var latest = watched[file], latest.dag == item.dag, latest.condition == item.condition else { return }
            latest.lookedAt = WallClock.monotonic()
            latest.backlog = backlog
            latest.folders = folders
            latest.cost = latest.lookedAt - began
            let isTold =
                latest.progress != item.progress
                || told.withLock { told in folders.contains { told[$0] ?? .min >= began } }
            latest.lookAt = latest.lookedAt + (isTold ? min(wait, latest.pause) : wait)
            watched[file] = latest
        }
        if let arrival { onArrival(item.dag, arrival) }
    }

    /// Calls `body` with the time of the last change, and the size, of each file that a pattern names, part by part of its path.
    private func visit(
        _ folder: String, _ parts: ArraySlice<String>, _ folders: inout Set<String>,
        _ body: (_ changed: Instant, _ size: Int64) -> Void
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
                body(Instant(microseconds: time), status.size)
            }
        }
    }
}
