import JSONText
import Lake
import SchedulerCore
import Spawn

/// `quality`: checks of a day's datasets, with a report that a mail can carry.
enum QualityKind: TaskKind {
    static let spec = KindSpec(
        name: "quality", summary: "checks a day's datasets and writes a report",
        parameters: [
            KindParameter("checks", .string, required: true, help: "file of the checks"),
            KindParameter("datasets", .string, default: "lakestorage", help: "bucket of the datasets"),
            KindParameter("raw", .string, default: "ultimatealpr", help: "raw bucket, whose counts must add up"),
            KindParameter("frames", .string, default: "frame", help: "dataset with a row for each loaded record"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let bucket = context.string("datasets", default: "lakestorage")
        let checks = try declared(context.path(try context.required("checks")))
        defer { Publisher(lake, isRevoked: { false }).cleanUp() }
        let duckdb = try DuckDB(home: context.home, allowed: [lake.path], temporary: lake.staging + "/duckdb")

        var results = evaluate(checks, lake, bucket, context.ds, duckdb)
        let counts = try lake.partition(context.string("raw", default: "ultimatealpr"), context.ds).manifest()?.counts
        let frames = try lake.partition(bucket + "/" + context.string("frames", default: "frame"), context.ds)
            .manifest()
        results += conservation(counts, frames?.rows)

        for result in results {
            context.log("\(result.status.rawValue.uppercased()): \(result.name) (\(result.detail))")
        }
        let report = try write(results, counts, context, lake)
        let failed = results.filter { $0.status == .fail || $0.status == .notEvaluated && $0.severity == .error }
        let warned = results.count { $0.status == .warn || $0.status == .notEvaluated && $0.severity == .warn }
        try context.output("report", JSONNode(.string(report)))
        try context.output("checks", JSONNode(.integer(Int64(results.count))))
        try context.output("failed", JSONNode(.integer(Int64(failed.count))))
        try context.output("warned", JSONNode(.integer(Int64(warned))))
        guard failed.isEmpty else {
            let names = failed.prefix(3).map(\.name).joined(separator: "; ")
            throw TaskFailure("\(failed.count) of \(results.count) checks failed: \(names)", mayRetry: false)
        }
        return .success
    }

    private static func declared(_ path: String) throws -> [QualityCheck] {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: try File.read(path, limit: 1 << 20))
        } catch let error as JSONSyntaxError {
            throw TaskFailure(
                "\(path):\(error.position.line):\(error.position.column): \(error.message)", mayRetry: false)
        }
        guard let list = document.root["checks"]?.array, !list.isEmpty else {
            throw TaskFailure("\(path) has no 'checks'", mayRetry: false)
        }
        return try list.map { node in
            let position = document.position(at: node.offset)
            return try QualityCheck(node, place: "\(path):\(position.line):\(position.column)")
        }
    }

    /// All checks in one call; when that fails, each by itself, so that one that cannot be asked does not hide the rest.
    private static func evaluate(
        _ checks: [QualityCheck], _ lake: LakeRoot, _ bucket: String, _ day: String, _ duckdb: DuckDB
    ) -> [QualityCheck.Result] {
        let wanted = Set(checks.flatMap(\.datasets))
        let present = wanted.filter { File.exists(lake.partition("\(bucket)/\($0)", day).data) }
        let views = present.sorted().map { name in
            let file = SQL.text(lake.partition("\(bucket)/\(name)", day).data)
            return "CREATE TEMP VIEW \(SQL.name(name)) AS SELECT * FROM read_parquet(\(file));\n"
        }.joined()
        let askable = checks.enumerated().filter { $0.element.datasets.allSatisfy(present.contains) }
        var answers: [Int: Result<(Int64, Int64), LakeError>] = [:]
        func ask(_ some: [(offset: Int, element: QualityCheck)]) throws {
            let union = some.map { "SELECT \($0.offset) AS place, * FROM (\($0.element.sql)) AS c (failing, total)" }
            for row in try duckdb.run(views + union.joined(separator: "\nUNION ALL\n") + ";") {
                guard let place = row["place"]?.integer, let failing = row["failing"]?.integer,
                    let total = row["total"]?.integer
                else { continue }
                answers[Int(place)] = .success((failing, total))
            }
        }
        do {
            if !askable.isEmpty { try ask(askable) }
        } catch {
            for check in askable {
                do { try ask([check]) } catch { answers[check.offset] = .failure(LakeError("\(error)")) }
            }
        }
        return checks.enumerated().map { place, check in
            switch answers[place] {
            case .success((let failing, let total)): return check.judge(failing: failing, total: total)
            case .failure(let error): return check.notEvaluated(error.description)
            case nil:
                let missing = check.datasets.filter { !present.contains($0) }
                return check.notEvaluated(
                    missing.isEmpty
                        ? "it gave no answer" : "\(missing.joined(separator: ", ")) has no partition of \(day)")
            }
        }
    }

    /// Nothing is lost between the files and the datasets: seen = loaded + duplicates + quarantined, loaded = frames.
    private static func conservation(_ counts: JSONNode?, _ frames: Int64?) -> [QualityCheck.Result] {
        func result(_ name: String, _ left: Int64?, _ right: Int64?, _ detail: String) -> QualityCheck.Result {
            guard let left, let right else {
                return .init(
                    name: name, dataset: "raw", severity: .error, status: .notEvaluated, failing: nil, total: nil,
                    detail: "the day has no raw manifest, or no frames")
            }
            return .init(
                name: name, dataset: "raw", severity: .error, status: left == right ? .pass : .fail,
                failing: abs(left - right), total: left, detail: detail)
        }
        let seen = counts?["seen"]?.integer
        let loaded = counts?["loaded"]?.integer
        let duplicates = counts?["duplicates"]?.integer
        let quarantined = counts?["quarantined"]?.integer
        let sum = loaded.flatMap { loaded in duplicates.flatMap { d in quarantined.map { loaded + d + $0 } } }
        func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "?" }
        return [
            result(
                "every record seen is accounted for", seen, sum,
                "\(text(seen)) seen = \(text(loaded)) loaded + \(text(duplicates)) duplicates + \(text(quarantined)) quarantined"
            ),
            result(
                "every loaded record is a frame", loaded, frames, "\(text(loaded)) loaded, \(text(frames)) frames"),
        ]
    }

    /// The report stays in the lake, one file a run.
    private static func write(
        _ results: [QualityCheck.Result], _ counts: JSONNode?, _ context: TaskContext, _ lake: LakeRoot
    ) throws -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("dag_id", context.dagID)
            writer.member("run_id", context.runID)
            writer.member("ds", context.ds)
            writer.key("counts")
            if let counts { writer.node(counts) } else { writer.null() }
            writer.key("checks")
            writer.array { writer in
                for result in results {
                    writer.object {
                        $0.member("name", result.name)
                        $0.member("dataset", result.dataset)
                        $0.member("severity", result.severity.rawValue)
                        $0.member("status", result.status.rawValue)
                        $0.member("failing", result.failing)
                        $0.member("total", result.total)
                        $0.member("detail", result.detail)
                    }
                }
            }
        }
        let folder = "\(lake.path)/quality/\(context.dagID)/dt=\(context.ds)"
        try File.makeDirectory(folder, recursive: true)
        let name = String(
            context.runID.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
        let path = "\(folder)/\(name).json"
        try File.writeAtomically(path, writer.bytes + [0x0A])
        return path
    }
}
