import Glibc
import Observability
import SchedulerCore
import Spawn
import Store

/// The directories of all attempts, `state/attempts/<id>`.
struct AttemptFolders {
    private static let batch = 1_000

    private let home: Home

    init(_ home: Home) { self.home = home }

    private var ids: [Int64] {
        ((try? File.list(home.attempts)) ?? []).compactMap { name in
            // Only names that Weir gives: not 007 or +7.
            Int64(name).flatMap { $0 > 0 && "\($0)" == name ? $0 : nil }
        }.sorted()
    }

    /// The highest number that a directory has; 0 when there is none.
    var highest: Int64 { ids.last ?? 0 }

    func remove(_ attempts: [Int64]) {
        for attempt in attempts {
            // What stays now is an orphan, and is found again.
            try? File.removeTree(home.attempt(attempt))
        }
    }

    /// Removes directories of attempts that the store does not know: their rows were removed before a crash, or are newer
    /// than the backup that the store was restored from. One whose supervisor lives is told to end, and goes next time.
    ///
    /// - Returns: how many were removed.
    func removeOrphans(_ reader: any StoreReader) throws(StoreError) -> Int {
        // The list comes first: a directory is only made once its row is committed.
        var removed = 0
        var ids = ids[...]
        while !ids.isEmpty {
            let some = Array(ids.prefix(Self.batch))
            ids = ids.dropFirst(Self.batch)
            let known = try reader.attemptEnds(of: some)
            for id in some where known[id] == nil {
                let directory = AttemptDirectory(path: home.attempt(id))
                guard AttemptInspector.isAtRest(directory) else {
                    Log.warning("an attempt that the store does not know is ended", ["attempt": "\(id)"])
                    try? directory.revoke()
                    AttemptInspector.kill(directory)
                    continue
                }
                if (try? File.removeTree(directory.path)) != nil { removed += 1 }
            }
        }
        return removed
    }

    /// Removes what attempts printed that ended before a moment. Their rows stay.
    ///
    /// - Returns: how many logs were removed.
    func removeLogs(endedBefore moment: Instant, _ reader: any StoreReader) throws(StoreError) -> Int {
        var removed = 0
        let old = ids.filter { id in
            let log = File.status(AttemptDirectory(path: home.attempt(id)).log)
            return log.map { $0.modified < moment.microseconds } ?? false
        }
        var rest = old[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(Self.batch)
            for (id, end) in try reader.attemptEnds(of: some).sorted(by: { $0.key < $1.key }) {
                guard let end, end < moment, unlink(AttemptDirectory(path: home.attempt(id)).log) == 0 else { continue }
                rmdir(home.attempt(id))
                removed += 1
            }
        }
        return removed
    }
}
