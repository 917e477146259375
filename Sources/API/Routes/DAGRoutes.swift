import Access
import HTTPServer
import JSONText
import SchedulerCore
import Store

/// DAGs and their versions.
extension APIService.Data {
    var dagRoutes: [Route] {
        let (readers, details, layout) = (readers, details, layout)
        return [
            Route(
                method: .get, path: "/api/v1/dags", name: "list_dags", summary: "the DAGs, by id", role: .viewer,
                query: Page.fields + [
                    .optional("search", .string(), "only those whose id contains this"), .optional("paused", .boolean),
                    .optional("active", .boolean, "whether its file is there"),
                    .optional("last_state", .words(of: RunState.self), "of the last run"),
                    .optional("tag", .array(.string()), "only those with all of these tags; may be repeated"),
                    Self.recent,
                ], answer: .json(Page.schema(DAGJSON.schema))
            ) { request in
                let (limit, after) = (request.limit, request.textCursor())
                let (tags, recent) = (request.texts("tag"), request.integer("recent"))
                let found = try readers.read { reader in
                    var found: [(summary: DAGSummary, dag: DAG?, recent: [RecentRun]?)] = []
                    for summary in try reader.dags() where isWanted(summary, request, after) {
                        let dag = try details.dag(ofVersion: summary.record.version, reader)
                        guard tags.allSatisfy({ dag?.tags.contains($0) ?? false }) else { continue }
                        // The one beyond the limit tells only that there are more.
                        if found.count > limit { break }
                        let runs = try recent.map {
                            try reader.recentRuns(of: summary.record.id, limit: $0)
                        }
                        found.append((summary, dag, runs))
                    }
                    return found
                }
                return Page.answer(found, limit: limit, cursor: { $0.summary.record.id }) {
                    DAGJSON.write($0.summary, $0.dag, recent: $0.recent, to: &$1)
                }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}", name: "get_dag", summary: "a DAG", role: .viewer,
                query: [Self.recent], answer: .json(.named(DAGJSON.schema))
            ) { request in
                let (summary, dag, runs) = try readers.read { reader in
                    let summary = try Self.dag(request.path("dag_id"), reader)
                    return (
                        summary, try details.dag(ofVersion: summary.record.version, reader),
                        try request.integer("recent").map {
                            try reader.recentRuns(of: summary.record.id, limit: $0)
                        }
                    )
                }
                return .json { DAGJSON.write(summary, dag, recent: runs, to: &$0) }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/versions", name: "list_versions",
                summary: "the versions of a DAG, newest first", role: .viewer,
                query: [Page.limit, Page.numberCursor],
                answer: .json(Page.schema(VersionJSON.schema)), isStable: true
            ) { request in
                let (limit, before) = (request.limit, try request.numberCursor())
                let found = try readers.read { reader in
                    _ = try Self.dag(request.path("dag_id"), reader)
                    return try reader.versions(dag: request.path("dag_id"), before: before, limit: limit + 1)
                }
                return Page.answer(found, limit: limit, cursor: { "\($0.id)" }) {
                    VersionJSON.write($0, withText: false, to: &$1)
                }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/versions/{version}", name: "get_version",
                summary: "a version of a DAG, with its text", role: .viewer,
                parameters: ["version": .integer(1...Int64.max)],
                answer: .json(.named(VersionJSON.textSchema)), isStable: true
            ) { request in
                let version = try readers.read { try Self.version(request, "version", $0) }
                return .json { VersionJSON.write(version, withText: true, to: &$0) }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/versions/{version}/structure", name: "get_structure",
                summary: "the tasks and parameters of a version of a DAG", role: .viewer,
                parameters: ["version": .integer(1...Int64.max)], answer: .json(.named(StructureJSON.schema)),
                failures: [422], isStable: true
            ) { request in
                let (dag, _) = try readers.read { try Self.parsed(request, details, $0) }
                return .json { StructureJSON.write(dag, to: &$0) }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/versions/{version}/graph", name: "get_graph",
                summary: "a drawing of a version of a DAG, by graphviz", role: .viewer,
                parameters: ["version": .integer(1...Int64.max)], answer: .json(.named(GraphJSON.schema)),
                failures: [422], lane: .background, isStable: true
            ) { request in
                let (dag, version) = try readers.read { try Self.parsed(request, details, $0) }
                let drawing = try layout.drawing(of: dag, version: version)
                return .json { GraphJSON.write(drawing, dag, to: &$0) }
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/versions/{version}/diff/{other}", name: "diff_versions",
                summary: "how one version became another, line by line", role: .viewer,
                parameters: ["version": .integer(1...Int64.max), "other": .integer(1...Int64.max)],
                answer: .json(
                    .object([
                        .required("version", .integer()), .required("other", .integer()),
                        .required(
                            "lines",
                            .array(
                                .object([
                                    .required("change", .words(["same", "removed", "added"])),
                                    .required("text", .string()),
                                ]))),
                    ])), lane: .slow, isStable: true
            ) { request in
                let (version, other) = try readers.read { reader in
                    (try Self.version(request, "version", reader), try Self.version(request, "other", reader))
                }
                return .json {
                    $0.object { writer in
                        writer.member("version", version.id)
                        writer.member("other", other.id)
                        writer.key("lines")
                        writer.array { writer in
                            for line in LineDiff.lines(version.text, other.text) {
                                writer.object {
                                    $0.member("change", line.change.rawValue)
                                    $0.member("text", line.text)
                                }
                            }
                        }
                    }
                }
            },
        ]
    }

    private static let recent = Field.optional("recent", .integer(0...50), "also the last so many runs of each")

    /// Whether a list of DAGs is to have this one, by what the store tells of it.
    private func isWanted(_ summary: DAGSummary, _ request: APIRequest, _ after: String?) -> Bool {
        let record = summary.record
        return (after.map { record.id > $0 } ?? true)
            && (request.text("search").map { record.id.lowercased().contains($0.lowercased()) } ?? true)
            && (request.text("paused").map { record.paused == ($0 == "true") } ?? true)
            && (request.text("active").map { record.active == ($0 == "true") } ?? true)
            && (request.text("last_state").map { summary.lastRun?.state.rawValue == $0 } ?? true)
    }

    static func dag(_ id: String, _ reader: any StoreReader) throws -> DAGSummary {
        guard let summary = try reader.dag(id) else {
            let near = nearestName(to: id, among: try reader.dags().map(\.record.id))
            throw Problem.notFound("there is no DAG '\(id)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
        }
        return summary
    }

    private static func parsed(
        _ request: APIRequest, _ details: DAGDetails, _ reader: any StoreReader
    ) throws -> (dag: DAG, version: Int64) {
        let version = try version(request, "version", reader)
        guard let dag = try details.dag(ofVersion: version.id, reader) else {
            throw Problem.invalid("version \(version.id) is not valid any more")
        }
        return (dag, version.id)
    }

    private static func version(
        _ request: APIRequest, _ part: String, _ reader: any StoreReader
    ) throws -> DAGVersionRecord {
        let (dag, number) = (request.path("dag_id"), try request.number(part, of: "a version"))
        guard let version = try reader.version(number), version.dagID == dag else {
            throw Problem.notFound("DAG '\(dag)' has no version \(number)")
        }
        return version
    }
}

/// The lines of two texts, side by side.
enum LineDiff {
    enum Change: String { case same, removed, added }

    /// What is removed stands before what is added in its place.
    static func lines(_ old: String, _ new: String) -> [(change: Change, text: String)] {
        let (old, new) = (split(old), split(new))
        var (removed, added) = (Set<Int>(), Set<Int>())
        for change in new.difference(from: old) {
            switch change {
            case .remove(let place, _, _): removed.insert(place)
            case .insert(let place, _, _): added.insert(place)
            }
        }
        var (lines, one, other) = ([(change: Change, text: String)](), 0, 0)
        while one < old.count || other < new.count {
            if removed.contains(one) {
                lines.append((.removed, old[one]))
                one += 1
            } else if added.contains(other) {
                lines.append((.added, new[other]))
                other += 1
            } else {
                lines.append((.same, old[one]))
                one += 1
                other += 1
            }
        }
        return lines
    }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // A line feed ends a line; it does not begin one.
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
