import JSONText
import Lake
import SchedulerCore

/// `restore`: archived raw data back into the lake. A sensor, where the archive is in a storage class that takes hours.
enum RestoreKind: TaskKind {
    static let spec = KindSpec(
        name: "restore", summary: "brings archived raw data back; a sensor where that takes its time",
        parameters: [
            KindParameter("raw", .string, default: "ultimatealpr", help: "raw bucket"),
            KindParameter("from", .string, help: "first day; the run's own when left out"),
            KindParameter("to", .string, help: "last day; the first when left out"),
            KindParameter(
                "tier", .string, allowed: ["Expedited", "Standard", "Bulk"], default: "Standard",
                help: "how fast S3 is to bring back what is in a slow storage class"),
            KindParameter("days", .integer, default: "7", help: "days that it can be read there then"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let raw = context.string("raw", default: "ultimatealpr")
        let from = try day(context, "from") ?? context.ds
        let to = try day(context, "to") ?? from
        guard from <= to else { throw TaskFailure("from (\(from)) is later than to (\(to))", mayRetry: false) }
        var remote = RemoteArchive { TaskContext.environment($0) }
        remote.tier = context.string("tier", default: "Standard")
        let kept = context.with["days"]?.integer ?? 7
        guard (1...36_500).contains(kept) else {
            throw TaskFailure("days is \(kept); it must be from 1 to 36500", mayRetry: false)
        }
        remote.days = Int(kept)

        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }
        let archiver = try Archiver(
            lake: lake, raw: raw, archive: "archive", publisher: publisher, run: context.lineage, remote: remote)
        let days = try lake.days(raw).filter { from <= $0 && $0 <= to }
        guard !days.isEmpty else {
            throw TaskFailure("\(raw) has no day from \(from) to \(to)", mayRetry: false)
        }
        var (restored, awaited): (Int64, [String]) = (0, [])
        for day in days {
            switch try archiver.restore(day) {
            case .restored(let rows):
                context.log("\(day) is back, \(rows) records")
                restored += 1
            case .notArchived: break
            case .requested:
                context.log("\(day) was asked for (\(remote.tier))")
                awaited.append(day)
            case .awaited: awaited.append(day)
            }
        }
        if let first = awaited.first {
            return .notYet("\(awaited.count) of \(days.count) days are not there yet, from \(first) on")
        }
        // Success also when all was there: what comes after this task wants the data.
        if restored == 0 { context.log("nothing from \(from) to \(to) is archived") }
        try context.output("restored", JSONNode(.integer(restored)))
        return .success
    }

    private static func day(_ context: TaskContext, _ name: String) throws -> String? {
        guard let text = context.with[name]?.string else { return nil }
        guard CivilDate(text) != nil else {
            throw TaskFailure("\(name) is '\(text)'; it must be a day such as 2022-05-02", mayRetry: false)
        }
        return text
    }
}
