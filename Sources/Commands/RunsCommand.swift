import API
import Engine
import JSONText
import SchedulerCore
import Store

/// `weir runs`: the runs, those of the newest dates first.
enum RunsCommand {
    static let spec = CommandSpec(
        name: "runs", summary: "list runs, newest logical date first",
        positionals: [.init(name: "DAG", count: .optional, values: .anyDAG, help: "only this DAG's")],
        options: [
            .value(
                "--date", "DAY", values: .runDay,
                "only those of this logical date: a day in the zone of the DAG, or a time"),
            .value("--from", "DATE", values: .runDay, "only those of this logical date and later"),
            .value("--to", "DATE", values: .runDay, "only those up to this logical date, inclusive"),
            .value(
                "--state", "STATE", values: .words(of: RunState.self), repeats: true,
                "only those that are queued, running, success, failed or cancelled"),
            .value("--limit", short: "-n", "N", values: .number, "at most so many (100)"), CommandSpec.json,
        ],
        examples: [
            ("weir runs alpr_daily --state failed", "what went wrong"),
            ("weir runs --date 2022-05-02", "all runs that are about that day"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        var states: Set<RunState> = []
        for text in arguments.all("--state") {
            guard let state = RunState(rawValue: text) else {
                let words = RunState.allCases.map(\.rawValue).joined(separator: ", ")
                throw arguments.usage("--state is '\(text)'; it must be one of \(words)")
            }
            states.insert(state)
        }
        let limit = try arguments.integer("--limit", in: 1...1_000_000) ?? 100
        let runs = try runs(RunQuery(dag: arguments[0], states: states, limit: limit), LogicalDates(arguments), session)
        if runs.isEmpty, let id = arguments[0] { _ = try session.isKnown(id) }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in for run in runs { RunRows.write(run, to: &writer) } }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("DAG", "DATE", "RUN", "STATE", "STARTED", "TOOK", "REASON")
        table.colour = Table.stateColour
        for run in runs {
            let took = run.startedAt.flatMap { start in run.endedAt.map { Text.duration($0 - start) } }
            table.rows.append([
                run.dagID, run.logicalDate.day, run.runID, run.state.rawValue,
                run.startedAt.map { "\($0.seconds)" } ?? "", took ?? "",
                run.reason ?? "",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    /// The widest distance between the same local time of any zone and of UTC.
    private static let farthestZone = TimeAmount(seconds: 16 * 3600)

    private static func runs(_ query: RunQuery, _ dates: LogicalDates, _ session: Session) throws -> [Run] {
        var query = query
        // Without dates nobody's zone is asked for: that would read the whole folder of DAGs.
        let zone = dates.isOpen ? .utc : query.dag.flatMap { try? session.dag($0).dag.zone } ?? .utc
        let wide = try dates.bounds(zone)
        guard let reader = try session.reader() else { return [] }
        if query.dag != nil {
            (query.from, query.to) = wide
            return try reader.runs(query)
        }
        guard !dates.isOpen else { return try reader.runs(query) }
        // Each DAG has its own days.
        let limit = query.limit
        query.limit = 1_000_000
        query.from = wide.from.map { $0 - farthestZone }
        query.to = wide.to.map { $0 + farthestZone }
        let files = (try? session.folder().files) ?? []
        var bounds: [String: LogicalDates.Bounds] = [:]
        for dag in files.compactMap(\.dag) { bounds[dag.id] = try dates.bounds(dag.zone) }
        let found = try reader.runs(query).filter { run in
            let (from, to) = bounds[run.dagID] ?? wide
            return from.map { $0 <= run.logicalDate } ?? true && to.map { run.logicalDate <= $0 } ?? true
        }
        return Array(found.prefix(limit))
    }
}

/// Which logical dates `--date`, `--from` and `--to` mean.
private struct LogicalDates {
    /// Both inclusive; nil for any.
    typealias Bounds = (from: Instant?, to: Instant?)

    private let first: (text: String, option: String)?
    private let last: (text: String, option: String)?

    init(_ arguments: Arguments) throws(CommandFailure) {
        if let date = arguments.value("--date") {
            guard arguments.value("--from") == nil, arguments.value("--to") == nil else {
                throw arguments.usage("--date stands for --from and --to of one day")
            }
            (first, last) = ((date, "--date"), (date, "--date"))
        } else {
            first = arguments.value("--from").map { ($0, "--from") }
            last = arguments.value("--to").map { ($0, "--to") }
        }
    }

    var isOpen: Bool { first == nil && last == nil }

    func bounds(_ zone: Zone) throws(CommandFailure) -> Bounds {
        var bounds: Bounds = (nil, nil)
        if let first { bounds.from = try Dates.instant(first.text, first.option, zone) }
        if let last { bounds.to = try Dates.last(last.text, last.option, zone) }
        if let from = bounds.from, let to = bounds.to, to < from {
            throw CommandFailure(
                .usage, "the range is empty: --from \(first?.text ?? "") is after --to \(last?.text ?? "")")
        }
        return bounds
    }
}

/// A run as a line of `--json`.
enum RunRows {
    static func write(_ run: Run, to writer: inout JSONWriter) { RunJSON.write(run, to: &writer) }
}

extension Instant {
    /// Without its fraction, for tables.
    var seconds: Instant { Instant(microseconds: microseconds - microseconds % 1_000_000) }

    /// The date in UTC; with the time when it is not midnight there.
    var day: String {
        let text = "\(seconds)"
        return text.hasSuffix("T00:00:00Z") ? String(text.dropLast("T00:00:00Z".count)) : text
    }
}

extension Session {
    /// Makes sure that a DAG is known, in the folder or in the store.
    func isKnown(_ dag: String) throws(CommandFailure) -> Bool {
        if try record(dag) != nil { return true }
        return try self.dag(dag).dag.id == dag
    }
}
