import Access
import HTTPServer
import JSONText
import Lake
import SchedulerCore
import TaskKinds

/// What the quality checks of the lake found.
extension APIService.Data {
    var qualityRoutes: [Route] {
        let history = QualityHistory(lake: lake.path)
        let dag = "/api/v1/quality/{dag_id}"
        return [
            Route(
                method: .get, path: "/api/v1/quality", name: "list_quality",
                summary: "the DAGs that have quality reports",
                role: .viewer, answer: .json(.object([.required("items", .array(.named(QualityJSON.summary)))])),
                lane: .slow
            ) { _ in
                let found = try history.dags.sorted().map { dag in
                    (dag: dag, days: history.days(of: dag), last: try history.latest(of: dag, count: 1).last)
                }
                return Page.items(found) { QualityJSON.write($0.dag, $0.days, $0.last, to: &$1) }
            },
            Route(
                method: .get, path: dag + "/checks", name: "list_checks", summary: "the checks of a DAG, by day",
                role: .viewer,
                query: [
                    .optional("days", .integer(1...1000), "the last so many that have a report (14)"),
                    .optional("check", .string(), "only this one"),
                ], answer: .json(.object([.required("items", .array(.named(QualityJSON.check)))])), lane: .slow
            ) { request in
                let dag = try Self.known(request, history)
                let reports = try history.latest(of: dag, count: request.integer("days") ?? 14)
                let names = QualityJSON.names(reports).filter { name in request.text("check").map { $0 == name } ?? true
                }
                return Page.items(names) { QualityJSON.write($0, reports, to: &$1) }
            },
            Route(
                method: .get, path: dag + "/reports/{day}", name: "get_quality_report",
                summary: "the latest report of a day, with some of the rows that fail", role: .viewer,
                parameters: ["day": .day], query: [.optional("run_id", .string(), "that of this run instead")],
                answer: .json(.named(QualityJSON.report)), lane: .slow
            ) { request in
                let (dag, day) = (try Self.known(request, history), request.path("day"))
                // It becomes part of a path.
                let reports = CivilDate(day) == nil ? [] : try history.reports(of: dag, day: day)
                let wanted = request.text("run_id")
                guard let report = reports.last(where: { report in wanted.map { report.runID == $0 } ?? true }) else {
                    throw Problem.notFound("DAG '\(dag)' has no quality report of '\(day)'")
                }
                return .json { report.write(to: &$0, isFile: false) }
            },
        ]
    }

    /// A DAG that has reports: nothing else becomes part of a path.
    private static func known(_ request: APIRequest, _ history: QualityHistory) throws(Problem) -> String {
        let dag = request.path("dag_id")
        guard history.dags.contains(dag) else {
            throw Problem.notFound("there are no quality reports of DAG '\(dag)'")
        }
        return dag
    }
}
