import JSONText
import Lake
import Observability
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
            KindParameter("report", .string, help: "file of the numbers and charts of the day's page (none)"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let checks = try QualityFile.checks(context.path(try context.required("checks")))
        let file = try context.string("report").map { try ReportFile(path: context.path($0)) } ?? ReportFile()
        let day = QualityDay(
            lake: lake, bucket: context.string("datasets", default: "lakestorage"), day: context.ds,
            intervalEnd: context.intervalEnd)
        defer { Publisher(lake, isRevoked: { false }).cleanUp() }
        let duckdb = try DuckDB(
            home: context.home, allowed: lake.readable, temporary: lake.staging + "/duckdb", remote: lake.remote)
        let published = try day.published()
        let runner = QualityRunner(day: day, published: published, duckdb: duckdb, log: context.log)

        let counts = try lake.partition(context.string("raw", default: "ultimatealpr"), context.ds).manifest()?.counts
        let results =
            runner.evaluate(checks)
            + QualityConservation.checks(
                counts, frames: context.string("frames", default: "frame"), published: published,
                found: QualityConservation.rows(of: published, duckdb))
        for result in results {
            context.log("\(result.status.rawValue.uppercased()): \(result.name) (\(result.detail))")
        }
        let queries = ReportQueries(file, runner)
        let report = QualityReport(
            dagID: context.dagID, runID: context.runID, ds: context.ds, at: WallClock.now(), counts: counts,
            rows: published.map { ($0.dataset, $0.rows) }, numbers: queries.numbers, drift: drift(context),
            checks: results)
        try context.output("report", JSONNode(.string(try write(report, lake))))
        try context.output("page", JSONNode(.string(try page(report, title: file.title, queries.charts, lake))))
        let failed = results.filter(\.isFailure)
        try context.output("checks", JSONNode(.integer(Int64(results.count))))
        try context.output("failed", JSONNode(.integer(Int64(failed.count))))
        try context.output("warned", JSONNode(.integer(Int64(results.count(where: \.isWarning)))))
        guard failed.isEmpty else {
            let names = failed.prefix(3).map(\.name).joined(separator: "; ")
            throw TaskFailure("\(failed.count) of \(results.count) checks failed: \(names)", mayRetry: false)
        }
        return .success
    }

    /// Fields that no schema declares, as a task before this one handed them on.
    private static func drift(_ context: TaskContext) -> [(field: String, records: Int64)] {
        let object = context.tasks.lazy.compactMap { $0.outputs["drift"]?.object }.first
        return (object?.members ?? []).compactMap { member in member.node.integer.map { (member.key, $0) } }
    }

    /// The report stays in the lake, one file a run.
    private static func write(_ report: QualityReport, _ lake: LakeRoot) throws -> String {
        var writer = JSONWriter(indented: true)
        report.write(to: &writer)
        let path = QualityHistory.path(lake: lake.path, dag: report.dagID, day: report.ds, run: report.runID)
        try File.makeDirectory(File.parent(of: path), recursive: true)
        try File.writeAtomically(path, writer.bytes + [0x0A])
        return path
    }

    private static let historyDays = 13

    /// The page stands in the lake, one a day. This task writes it and not `notify`, because it has the datasets at hand,
    /// and because a day has its page also when nobody is mailed, or the mail system is down.
    private static func page(
        _ report: QualityReport, title: String?, _ charts: [ReportQueries.Chart], _ lake: LakeRoot
    ) throws -> String {
        // A damaged report of an earlier day is no reason to go without today's page.
        let history =
            (try? QualityHistory(lake: lake.path).latest(of: report.dagID, before: report.ds, count: historyDays)) ?? []
        let page = ReportPage(report: report, title: title, charts: charts, history: history)
        let path = "\(lake.path)/reports/\(report.dagID)/dt=\(report.ds)/index.html"
        try File.makeDirectory(File.parent(of: path), recursive: true)
        try File.writeAtomically(path, Array(page.html.utf8), mode: 0o644)
        return path
    }
}
