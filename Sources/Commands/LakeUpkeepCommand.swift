import Glibc
import JSONText
import Lake
import SchedulerCore
import Spawn
import TaskKinds

/// What a person does to the lake by hand: archive, restore, hold, and propose a schema.
enum LakeUpkeepCommand {
    static let specs = [archive, restore, holds, hold, release, infer]

    private static let rawOption = CommandSpec.Option.value(
        "--raw", "BUCKET", values: .table, "raw bucket (ultimatealpr)")

    /// Those of Amazon S3 that archives may be put into to cost less.
    static let storageClasses = ["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]

    // MARK: Archive

    private static let archive = CommandSpec(
        name: "lake archive", summary: "archive old raw data and delete old archives, as the task kind does",
        options: [
            .value("--keep-days", "N", values: .number, "days of raw data that stay (31)"),
            .value("--archive-days", "N", values: .number, "days after which an archive is deleted (365)"),
            .value(
                "--staging-days", "N", values: .number, "days after which staged data is removed; never when left out"),
            .value("--into", "PLACE", "bucket of the archives (archive), or s3://BUCKET/PREFIX"),
            .value(
                "--storage-class", "CLASS", values: .words(storageClasses),
                "of archives in S3, such as GLACIER; the bucket's usual one when left out"),
            .value("--today", "DATE", values: .date, "count back from this day; today in UTC when left out"), rawOption,
            .flag("--dry-run", "only print what would be done"), CommandSpec.json,
        ],
        examples: [("weir lake archive --dry-run", "what is old enough, and what stays for which reason")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let keep = try arguments.integer("--keep-days", in: 1...36_500) ?? 31
        let archived = try arguments.integer("--archive-days", in: 1...36_500) ?? 365
        guard archived > keep else {
            throw arguments.usage("--archive-days must be more than --keep-days, or an archive is deleted at once")
        }
        let staging = try arguments.integer("--staging-days", in: 1...36_500)
        let today =
            try arguments.value("--today").map { text throws(CommandFailure) in try day(text, "--today") }
            ?? session.today
        func before(_ days: Int) -> String { today.adding(days: -days).description }
        let policy = LakeRetention.Policy(
            raw: arguments.value("--raw") ?? "ultimatealpr", staging: "ultimatealpr_staging",
            datasets: "lakestorage", archiveBefore: before(keep), deleteBefore: before(archived),
            expireStagingBefore: staging.map(before))
        let isDry = arguments.has("--dry-run")
        let place = arguments.value("--into") ?? "archive"
        var remote = RemoteArchive(variable: surroundings.environment)
        remote.storageClass = arguments.value("--storage-class")
        let isInS3 = place.hasPrefix("s3://") || session.lake(attempt: "command").remote != nil
        guard remote.storageClass == nil || isInS3 else {
            throw arguments.usage("--storage-class is for archives in S3: --into s3://BUCKET/PREFIX")
        }
        return try session.changingTheLake { lake, publisher in
            let archiver = try Archiver(
                lake: lake, raw: policy.raw, archive: place, publisher: publisher, run: session.byHand, remote: remote)
            let retention = LakeRetention(lake, policy, archiver)
            let steps = try retention.plan()
            for step in steps where !isDry { try retention.perform(step, publisher) }
            show(steps, isDry: isDry, arguments, session)
            return .done
        }
    }

    private static func show(
        _ steps: [LakeRetention.Step], isDry: Bool, _ arguments: Arguments, _ session: Session
    ) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for step in steps {
                    writer.object {
                        $0.member("action", step.action.rawValue)
                        $0.member("day", step.day)
                        $0.member("detail", step.detail)
                    }
                }
            }
            session.terminal.print(writer.text)
            return
        }
        var table = Table("DAY", isDry ? "WOULD" : "DONE", "DETAIL")
        for step in steps { table.rows.append([step.day, step.action.rawValue, step.detail]) }
        if steps.isEmpty { session.terminal.error("nothing is old enough") }
        session.terminal.write(table.text(session.terminal))
    }

    // MARK: Restore

    /// How fast S3 brings back what is in a slow class (Amazon S3 User Guide, "Archive retrieval options").
    private static let tiers = ["Expedited", "Standard", "Bulk"]

    private static let restore = CommandSpec(
        name: "lake restore", summary: "bring archived raw data back, verified",
        options: [
            .value("--from", "DATE", values: .date, "first day"),
            .value("--to", "DATE", values: .date, "last day; the first when left out"),
            rawOption,
            .value(
                "--tier", "TIER", values: .words(tiers),
                "how fast what is in a slow class of S3 is wanted: Expedited, Standard (default) or Bulk"),
            .value("--days", "N", values: .number, "days that it can be read then (7)"),
            .flag("--wait", "ask again every minute until all has come back"),
            .flag("--dry-run", "only print what would come back"), CommandSpec.json,
        ],
        examples: [
            ("weir lake restore --from 2022-05-02 --to 2022-05-08", "a week, as it was when it was archived"),
            ("weir lake restore --from 2022-05-02 --tier Bulk --wait", "a day, from an archive that takes half a day"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let (from, to) = try span(arguments)
        let raw = arguments.value("--raw") ?? "ultimatealpr"
        var remote = RemoteArchive(variable: surroundings.environment)
        if let days = try arguments.integer("--days", in: 1...36_500) { remote.days = days }
        if let tier = arguments.value("--tier") {
            guard tiers.contains(tier) else {
                throw arguments.usage("--tier is '\(tier)'; it is Expedited, Standard or Bulk")
            }
            remote.tier = tier
        }
        return try session.changingTheLake { lake, publisher in
            let archiver = try Archiver(
                lake: lake, raw: raw, archive: "archive", publisher: publisher, run: session.byHand, remote: remote)
            let days = try lake.days(raw).filter { from.description <= $0 && $0 <= to.description }
            if arguments.has("--dry-run") {
                let rows = try days.map { day in
                    let isThere = try lake.partition(raw, day).manifest()?.archived == nil
                    return (day, isThere ? "is there" : "would come back")
                }
                try show(rows, from, to, raw, arguments, session)
                return .done
            }
            var results = try days.map { ($0, try archiver.restore($0)) }
            // All are asked for before the first one is waited for.
            while arguments.has("--wait"), results.contains(where: { $0.1.isAwaited }) {
                sleep(60)
                results = try results.map { ($0.0, $0.1.isAwaited ? try archiver.restore($0.0) : $0.1) }
            }
            let rows = results.map { day, result in
                switch result {
                case .restored(let count): (day, "restored, \(count) records")
                case .notArchived: (day, "is there")
                case .requested: (day, "asked for (\(remote.tier)); come again, or --wait")
                case .awaited: (day, "not there yet; come again, or --wait")
                }
            }
            try show(rows, from, to, raw, arguments, session)
            return results.contains { $0.1.isAwaited } ? .failed : .done
        }
    }

    private static func show(
        _ rows: [(day: String, what: String)], _ from: CivilDate, _ to: CivilDate, _ raw: String,
        _ arguments: Arguments, _ session: Session
    ) throws(CommandFailure) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for row in rows {
                    writer.object {
                        $0.member("day", row.day)
                        $0.member("result", row.what)
                    }
                }
            }
            session.terminal.print(writer.text)
            return
        }
        guard !rows.isEmpty else {
            throw CommandFailure(.notFound, "\(raw) has no day from \(from) to \(to)")
        }
        var table = Table("DAY", "RAW DATA")
        for row in rows { table.rows.append([row.day, row.what]) }
        session.terminal.write(table.text(session.terminal))
    }

    // MARK: Holds

    private static let holds = CommandSpec(
        name: "lake holds", summary: "list the days that retention leaves alone", options: [CommandSpec.json],
        examples: [("weir lake holds", "each hold with its reason")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        return try session.changingTheLake { lake, _ in
            let holds = try LegalHolds(lake).holds
            if arguments.has("--json") {
                var writer = JSONWriter(indented: true)
                writer.array { writer in
                    for hold in holds {
                        writer.object {
                            $0.member("from", hold.from)
                            $0.member("to", hold.to)
                            $0.member("reason", hold.reason)
                        }
                    }
                }
                session.terminal.print(writer.text)
                return .done
            }
            var table = Table("FROM", "TO", "REASON")
            for hold in holds { table.rows.append([hold.from, hold.to, hold.reason]) }
            session.terminal.write(table.text(session.terminal))
            return .done
        }
    }

    private static let dayOptions: [CommandSpec.Option] = [
        .value("--from", "DATE", values: .date, "first day"),
        .value("--to", "DATE", values: .date, "last day; the first when left out"),
    ]

    private static let hold = CommandSpec(
        name: "lake hold", summary: "keep the raw data and archives of days, whatever retention says",
        options: dayOptions + [.value("--reason", "TEXT", "why, for people")],
        examples: [("weir lake hold --from 2022-05-02 --to 2022-05-08 --reason 'case 17'", "until it is released")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let (from, to) = try span(arguments)
        return try session.changingTheLake { lake, _ in
            let reason = arguments.value("--reason") ?? ""
            try LegalHolds.add(.init(from: from.description, to: to.description, reason: reason), lake)
            session.terminal.print("\(from) to \(to) is on hold")
            return .done
        }
    }

    private static let release = CommandSpec(
        name: "lake release", summary: "lift a hold",
        options: dayOptions, examples: [("weir lake release --from 2022-05-02 --to 2022-05-08", "as it was set")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let (from, to) = try span(arguments)
        return try session.changingTheLake { lake, _ in
            guard try LegalHolds.lift(from: from.description, to: to.description, lake) else {
                throw CommandFailure(.notFound, "there is no hold from \(from) to \(to); `weir lake holds` lists them")
            }
            session.terminal.print("\(from) to \(to) is released")
            return .done
        }
    }

    // MARK: Infer

    private static let infer = CommandSpec(
        name: "lake infer", summary: "propose a record schema for a new source from some of its files",
        positionals: [
            .init(
                name: "FILE", count: .many, values: .file,
                help: "*.json with one record, *.ndjson or *.jsonl with one a line")
        ],
        options: [.value("--out", "FILE", values: .file, "write the schema there instead of printing it")],
        examples: [("weir lake infer samples/*.json --out dags/mine/record_schema.json", "then read it, and mend it")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        guard !arguments.positionals.isEmpty else { throw arguments.usage("FILE is missing: name some files") }
        var inference = SchemaInference { Instant.parse($0, in: .utc)?.isDateOnly == false }
        for file in arguments.positionals {
            let bytes: [UInt8]
            do { bytes = try File.read(file, limit: 1 << 30) } catch { throw CommandFailure(.notFound, "\(error)") }
            let isLines = file.hasSuffix(".ndjson") || file.hasSuffix(".jsonl")
            let records =
                isLines ? bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init) : [bytes]
            for (number, record) in records.enumerated() where record.contains(where: { $0 > 0x20 }) {
                if let problem = inference.add(record) {
                    session.terminal.error("\(file)\(isLines ? "#\(number + 1)" : ""): passed over: \(problem)")
                }
            }
        }
        guard inference.records > 0 else { throw CommandFailure(.failed, "none of these files has a record") }
        let (schema, notes) = inference.proposal()
        for note in notes { session.terminal.error("note: \(note)") }
        if let out = arguments.value("--out") {
            do {
                guard try File.create(out, Array(schema.utf8), mode: 0o644) else {
                    throw CommandFailure(.failed, "\(out) is there already; remove it first, or name another file")
                }
            } catch let error as SystemError { throw CommandFailure(.failed, "\(error)") }
            session.terminal.error("wrote \(out) from \(inference.records) records")
        } else {
            session.terminal.write(schema)
        }
        return .done
    }

    // MARK: Days

    private static func day(_ text: String, _ option: String) throws(CommandFailure) -> CivilDate {
        guard let day = CivilDate(text) else {
            throw CommandFailure(.usage, "\(option) is '\(text)'; it must be a day such as 2022-05-02")
        }
        return day
    }

    private static func span(_ arguments: Arguments) throws(CommandFailure) -> (from: CivilDate, to: CivilDate) {
        guard let text = arguments.value("--from") else { throw arguments.usage("--from is missing: the first day") }
        let from = try day(text, "--from")
        let to = try arguments.value("--to").map { text throws(CommandFailure) in try day(text, "--to") } ?? from
        guard from <= to else { throw arguments.usage("--from is later than --to") }
        return (from, to)
    }
}
