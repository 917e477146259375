import JSONText
import Lake
import SchedulerCore

/// `archive`: old raw data to verified archives, old archives away.
enum ArchiveKind: TaskKind {
    static let spec = KindSpec(
        name: "archive", summary: "archives old raw data, and deletes old archives",
        parameters: [
            KindParameter("raw", .string, default: "ultimatealpr", help: "raw bucket"),
            KindParameter(
                "to", .string, default: "archive",
                help: "bucket of the archives: one of the lake, or s3://BUCKET/PREFIX"),
            KindParameter(
                "storage_class", .string,
                help: "of archives in S3: GLACIER, DEEP_ARCHIVE …; the bucket's usual one when left out"),
            KindParameter("staging", .string, default: "ultimatealpr_staging", help: "bucket made from the raw one"),
            KindParameter("datasets", .string, default: "lakestorage", help: "bucket of the datasets"),
            KindParameter("keep_days", .integer, default: "31", help: "raw days that stay, before the interval's end"),
            KindParameter("archive_days", .integer, default: "365", help: "days after which an archive is deleted"),
            KindParameter(
                "staging_days", .integer, help: "days after which staged data is removed; never when left out"),
            KindParameter("dry_run", .boolean, default: "false", help: "only say what would be done"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        guard let end = Instant.parse(context.intervalEnd, in: .utc)?.instant else {
            throw TaskFailure("the run's interval has no end", mayRetry: false)
        }
        let policy = try policy(context, today: Zone.utc.date(at: end))
        let lake = context.lake
        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }
        let archiver = try archiver(context, lake, policy.raw, publisher)
        let retention = LakeRetention(lake, policy, archiver)
        let isDry = context.bool("dry_run", default: false)
        var counts: [String: Int64] = [:]
        for step in try retention.plan() {
            if context.isRevoked { throw TaskFailure("this attempt was revoked; nothing more is removed") }
            let detail = step.detail.isEmpty ? "" : " (\(step.detail))"
            context.log("\(isDry ? "would " : "")\(step.action.rawValue) \(step.day)\(detail)")
            if !isDry { try retention.perform(step, publisher) }
            counts[step.action.rawValue, default: 0] += 1
        }
        if counts.isEmpty { context.log("nothing is old enough") }
        let members = counts.sorted { $0.key < $1.key }.map {
            JSONMember(key: $0.key, node: JSONNode(.integer($0.value)))
        }
        try context.output("retention", JSONNode(.object(JSONObject(members))))
        return .success
    }

    private static func archiver(
        _ context: TaskContext, _ lake: LakeRoot, _ raw: String, _ publisher: Publisher
    ) throws -> Archiver {
        let place = context.string("to", default: "archive")
        var remote = RemoteArchive { TaskContext.environment($0) }
        remote.storageClass = context.with["storage_class"]?.string
        guard remote.storageClass == nil || place.hasPrefix("s3://") || lake.remote != nil else {
            throw TaskFailure(
                "storage_class is for archives in S3, and to is '\(place)'; leave it out, or let to be s3://BUCKET/PREFIX",
                mayRetry: false)
        }
        return try Archiver(
            lake: lake, raw: raw, archive: place, publisher: publisher, run: context.lineage, remote: remote)
    }

    /// - Parameter today: the first day that is not in the past: days are counted back from it.
    private static func policy(_ context: TaskContext, today: CivilDate) throws -> LakeRetention.Policy {
        func days(_ name: String, _ value: Int64?) throws -> Int? {
            guard let days = context.with[name]?.integer ?? value else { return nil }
            guard (1...36_500).contains(days) else {
                throw TaskFailure("\(name) is \(days); it must be a number of days from 1 to 36500", mayRetry: false)
            }
            return Int(days)
        }
        func before(_ days: Int) -> String { today.adding(days: -days).description }
        let keep = try days("keep_days", 31) ?? 31
        let archived = try days("archive_days", 365) ?? 365
        guard archived > keep else {
            throw TaskFailure(
                "archive_days (\(archived)) must be more than keep_days (\(keep)): an archive would be deleted at once",
                mayRetry: false)
        }
        return LakeRetention.Policy(
            raw: context.string("raw", default: "ultimatealpr"),
            staging: context.string("staging", default: "ultimatealpr_staging"),
            datasets: context.string("datasets", default: "lakestorage"), archiveBefore: before(keep),
            deleteBefore: before(archived), expireStagingBefore: try days("staging_days", nil).map(before))
    }
}
