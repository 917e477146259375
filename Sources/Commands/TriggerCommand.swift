import Engine
import JSONText
import Observability
import SchedulerCore

/// `weir trigger`: a manual run.
enum TriggerCommand {
    static let spec = CommandSpec(
        name: "trigger", summary: "start a run of a DAG now",
        positionals: [.init(name: "DAG", values: .dag, help: "id of the DAG")],
        options: [
            .value(
                "--date", "DATE", values: .date,
                "the interval that begins on this day or contains this time; usually the last complete one"),
            .value(
                "--param", short: "-p", "NAME=VALUE", values: .parameter, repeats: true, "set a parameter of the DAG"),
            .flag("--wait", "follow the run to its end, and exit 1 when it fails"), CommandSpec.json,
        ],
        examples: [
            ("weir trigger alpr_daily", "run yesterday's interval"),
            ("weir trigger alpr_daily --date 2022-05-02 --wait", "run that day's and wait for it"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let (_, dag) = try session.dag(arguments.required(0))
        let date = try arguments.value("--date").map { text throws(CommandFailure) in
            let (instant, isDateOnly) = try Dates.parse(text, "--date", dag.zone)
            // A day is the day of its `ds`, also where the schedule does not tick at midnight.
            guard isDateOnly, let timetable = dag.timetable else { return instant }
            return timetable.interval(of: dag.zone.date(at: instant)).start
        }
        let params = try Params.read(arguments, dag)
        let access = try EngineAccess(session)
        defer { access.close() }
        guard case .run(let run) = try access.perform(.trigger(dag: dag.id, date: date, params: params)) else {
            throw CommandFailure(.failed, "the engine gave another answer than a run")
        }
        if date != nil, let warning = warning(run.interval, dag) { session.terminal.error("weir: warning: \(warning)") }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            RunRows.write(run, to: &writer)
            session.terminal.print(writer.text)
        } else {
            session.terminal.print(run.runID)
        }
        guard access.isEmbedded || arguments.has("--wait") else { return .done }
        return try Follower(session: session, access: access).follow(run: run)
    }
}

extension TriggerCommand {
    /// What a person may not have meant: a run by hand may be about any interval, also one that no schedule makes a run for.
    private static func warning(_ interval: DataInterval, _ dag: DAG) -> String? {
        if let start = dag.start, interval.start < start {
            return "this run is about \(interval.start), and '\(dag.id)' starts at \(start)"
        }
        if let end = dag.end, interval.start > end {
            return "this run is about \(interval.start), and '\(dag.id)' ends at \(end)"
        }
        guard dag.timetable != nil, interval.end > Instant(microseconds: WallClock.now()) else { return nil }
        return "the interval of this run is not over yet: it ends at \(interval.end)"
    }
}

/// `--param name=value`.
enum Params {
    static func read(_ arguments: Arguments, _ dag: DAG) throws(CommandFailure) -> [String: JSONNode] {
        var params: [String: JSONNode] = [:]
        for text in arguments.all("--param") {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw arguments.usage("--param is '\(text)'; it must be NAME=VALUE")
            }
            let name = String(text[..<equals])
            let value = String(text[text.index(after: equals)...])
            // An unknown name is refused by the engine, which tells the nearest one.
            let declared = dag.params.first { $0.name == name }
            params[name] = declared?.value(fromText: value) ?? JSONNode(.string(value))
        }
        return params
    }
}

/// Dates as people write them.
enum Dates {
    static func parse(
        _ text: String, _ option: String, _ zone: Zone
    ) throws(CommandFailure) -> (instant: Instant, isDateOnly: Bool) {
        guard let parsed = Instant.parse(text, in: zone) else {
            throw CommandFailure(
                .usage, "\(option) is '\(text)'; it must be a date such as 2022-05-02 or 2022-05-02T10:00:00Z")
        }
        return parsed
    }

    static func instant(_ text: String, _ option: String, _ zone: Zone) throws(CommandFailure) -> Instant {
        try parse(text, option, zone).instant
    }

    /// The first instant that a text no longer means: the beginning of the next local day for a date alone.
    static func end(_ text: String, _ option: String, _ zone: Zone) throws(CommandFailure) -> Instant {
        let (instant, isDateOnly) = try parse(text, option, zone)
        return isDateOnly ? zone.startOfDay(zone.date(at: instant).adding(days: 1)) : instant
    }

    /// The last instant that a text means: the end of the local day for a date alone.
    static func last(_ text: String, _ option: String, _ zone: Zone) throws(CommandFailure) -> Instant {
        let (instant, isDateOnly) = try parse(text, option, zone)
        return isDateOnly ? zone.endOfDay(zone.date(at: instant)) : instant
    }
}
