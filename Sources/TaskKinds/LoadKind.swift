import JSONText
import Lake
import SchedulerCore
import Spawn

/// `load`: new files of a landing folder into the raw bucket, by the date of their events.
enum LoadKind: TaskKind {
    static let spec = KindSpec(
        name: "load", summary: "takes new files into the raw bucket, each record once, by event date",
        parameters: [
            KindParameter(
                "from", .string, required: true,
                help: "landing folder, or s3://BUCKET/PREFIX; one folder below it per camera"),
            KindParameter("to", .string, default: "ultimatealpr", help: "raw bucket"),
            KindParameter("schema", .string, required: true, help: "file of the declared record schema"),
            KindParameter("source_timezone", .string, default: "UTC", help: "zone of stamps that name none"),
            KindParameter(
                "after_load", .string, allowed: ["keep", "remove"],
                default: "keep", help: "what becomes of files that are safely loaded"),
            KindParameter(
                "when_empty", .string, allowed: ["skip", "ok", "fail"],
                default: "skip", help: "when the run's day has no records"),
            KindParameter(
                "max_bad", .string,
                help: "records of the day that may be set aside, as a number (100) or a share (5%); any when left out"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let bucket = context.string("to", default: "ultimatealpr")
        let schema = try RecordSchema(path: context.path(try context.required("schema")))
        let zoneName = context.string("source_timezone", default: "UTC")
        guard let zone = Zone.system(zoneName, read: { try? File.read($0, limit: 1 << 20) }) else {
            throw TaskFailure("source_timezone '\(zoneName)' is no zone of this system", mayRetry: false)
        }
        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }
        let loader = RawLoader(
            lake: lake, bucket: bucket, schema: schema, run: context.lineage, publisher: publisher,
            eventTime: { eventTime($0, zone) })
        let report = try load(loader, context)
        context.log("\(report.newFiles) new file\(report.newFiles == 1 ? "" : "s")")
        for (day, manifest) in report.days.sorted(by: { $0.key < $1.key }) {
            context.log("\(bucket)/dt=\(day): generation \(manifest.generation), \(describe(manifest.counts))")
        }
        for (day, count) in report.closed.sorted(by: { $0.key < $1.key }) {
            context.log("\(bucket)/dt=\(day) is archived: \(count) records were set aside (after_retention)")
        }
        let others = report.days.filter { $0.key != context.ds }.sorted { $0.key < $1.key }.map {
            JSONMember(key: $0.key, node: JSONNode(.integer($0.value.counts["loaded"]?.integer ?? 0)))
        }
        if !others.isEmpty { try context.output("other_days", JSONNode(.object(JSONObject(others)))) }
        // What the scheduler holds against what the runs of these days have consumed.
        let late = report.generations.filter { $0.key != context.ds }.sorted { $0.key < $1.key }.map {
            JSONMember(key: $0.key, node: JSONNode(.integer($0.value)))
        }
        if !late.isEmpty { try context.output("reprocess", JSONNode(.object(JSONObject(late)))) }
        return try outcome(context, lake.partition(bucket, context.ds))
    }

    private static func load(_ loader: RawLoader, _ context: TaskContext) throws -> RawLoader.Report {
        let from = try context.required("from")
        let remove = context.string("after_load", default: "keep") == "remove"
        // A folder of that name would hardly be meant, and looked for in vain.
        guard from.lowercased().hasPrefix("s3:") else {
            return try loader.load(from: context.path(from), day: context.ds, remove: remove)
        }
        guard let landing = S3Landing(from) else {
            throw TaskFailure(
                "from is '\(from)', which is no place in S3; write s3://BUCKET/PREFIX, BUCKET of 3 to 63 small letters, digits, '-' and '.'",
                mayRetry: false)
        }
        guard !remove else {
            throw TaskFailure(
                "after_load is 'remove', and from is in S3: leave it out, and let a lifecycle rule of the bucket remove them",
                mayRetry: false)
        }
        return try loader.load(from: landing, day: context.ds) { TaskContext.environment($0) }
    }

    /// What the run's own day holds, whoever loaded it.
    private static func outcome(_ context: TaskContext, _ partition: Partition) throws -> TaskOutcome {
        let manifest = try partition.manifest()
        if let manifest {
            try context.output("counts", manifest.counts)
            try context.output("generation", JSONNode(.integer(manifest.generation)))
        }
        if let limit = context.string("max_bad") { try check(limit, manifest?.counts, context.ds) }
        guard manifest?.counts["loaded"]?.integer ?? 0 == 0 else { return .success }
        let message = "there are no records for \(context.ds)"
        switch context.string("when_empty", default: "skip") {
        case "ok": return .success
        case "fail": throw TaskFailure(message)
        default: return .skipped(message)
        }
    }

    /// Everything is stored and counted by now: a person looks at it, and runs the task again or sets the limit higher.
    private static func check(_ limit: String, _ counts: JSONNode?, _ day: String) throws {
        let seen = counts?["seen"]?.integer ?? 0
        let bad = counts?["quarantined"]?.integer ?? 0
        let isTooMuch: Bool
        if limit.hasSuffix("%"), let share = Double(limit.dropLast()), (0...100).contains(share) {
            isTooMuch = Double(bad) * 100 > share * Double(seen)
        } else if let most = Int64(limit), most >= 0 {
            isTooMuch = bad > most
        } else {
            throw TaskFailure(
                "max_bad is '\(limit)'; it must be a number such as 100 or a share such as 5%", mayRetry: false)
        }
        guard isTooMuch else { return }
        let reasons = (counts?["reasons"]?.object?.members ?? []).map { "\($0.key) \($0.node.integer ?? 0)" }
        throw TaskFailure(
            "\(bad) of \(seen) records of \(day) were set aside, more than max_bad (\(limit)): "
                + reasons.joined(separator: ", "), mayRetry: false)
    }

    private static func eventTime(_ text: String, _ zone: Zone) -> (day: String, utc: String)? {
        guard let stamp = EventStamp.normalized(text), let parsed = Instant.parse(stamp, in: zone) else { return nil }
        let utc = parsed.instant.description
        // In another zone the year may be one that four digits do not hold.
        guard utc.utf8.dropFirst(4).first == UInt8(ascii: "-"), !utc.hasPrefix("0000") else { return nil }
        return (String(utc.prefix(10)), String(utc.dropLast()))
    }

    private static func describe(_ counts: JSONNode) -> String {
        ["seen", "loaded", "duplicates", "quarantined"]
            .map { "\($0) \(counts[$0]?.integer ?? 0)" }.joined(separator: ", ")
    }
}
