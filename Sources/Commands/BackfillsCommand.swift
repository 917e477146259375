import API
import Engine
import JSONText
import SchedulerCore
import Store

/// `weir backfills`: what became of backfills, and steering those that run.
enum BackfillsCommand {
    static let spec = CommandSpec.group(
        "backfills", "list backfills with their progress; pause, resume, cancel or follow one",
        [list, show, pause, resume, cancel, follow])

    private static let id = CommandSpec.Positional(name: "ID", values: .backfill, help: "number of the backfill")

    private static let list = CommandSpec(
        name: "backfills list", summary: "list backfills, newest first",
        positionals: [.init(name: "DAG", count: .optional, values: .anyDAG, help: "only this DAG's")],
        options: [
            .flag("--running", "only those that have not ended"),
            .value("--limit", short: "-n", "N", values: .number, "at most so many (100)"), CommandSpec.json,
        ],
        examples: [("weir backfills list --running", "what is under way, and how far it is")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let limit = try arguments.integer("--limit", in: 1...1_000_000) ?? 100
        let isOnlyRunning = arguments.has("--running")
        var found =
            try session.reader()?.backfills(dag: arguments[0], limit: isOnlyRunning ? 1_000_000 : limit) ?? []
        if isOnlyRunning { found = Array(found.filter { !$0.backfill.state.isFinal }.prefix(limit)) }
        if found.isEmpty, let dag = arguments[0] { _ = try session.isKnown(dag) }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in for progress in found { BackfillJSON.write(progress, to: &writer) } }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("ID", "DAG", "FROM", "TO", "STATE", "RUNS", "FAILED", "CANCELLED", "LEFT", "CREATED")
        table.colour = Table.stateColour
        for progress in found {
            let backfill = progress.backfill
            let zone = (try? session.dag(backfill.dagID).dag.zone) ?? .utc
            table.rows.append([
                "\(backfill.id)", backfill.dagID, "\(zone.date(at: backfill.from))", "\(zone.date(at: backfill.to))",
                backfill.word, "\(progress.ended)/\(progress.total)", "\(progress.runs[.failed] ?? 0)",
                "\(progress.runs[.cancelled] ?? 0)",
                backfill.state.isFinal ? "" : progress.timeLeft.map { Text.estimate($0) } ?? "",
                "\(backfill.createdAt.seconds)",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static let show = CommandSpec(
        name: "backfills show", summary: "show one backfill, and the state of each of its runs",
        positionals: [id], options: [CommandSpec.json],
        examples: [("weir backfills show 3", "which days of it have failed")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let reader = try session.existingReader()
        let progress = try progress(number(arguments), reader)
        let backfill = progress.backfill
        let runs = try reader.runs(RunQuery(backfill: backfill.id, limit: 1_000_000))
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            BackfillJSON.write(progress, runs: runs, to: &writer)
            session.terminal.print(writer.text)
            return .done
        }
        let terminal = session.terminal
        let order = backfill.reverse ? ", newest first" : ""
        terminal.print("backfill \(backfill.id) of \(backfill.dagID): \(backfill.word)")
        terminal.print("from \(backfill.from) to \(backfill.to), reprocess \(backfill.reprocess.rawValue)\(order)")
        if !backfill.tasks.isEmpty { terminal.print("only the tasks \(backfill.tasks.joined(separator: ", "))") }
        terminal.print("at most \(RunChanges.count(backfill.maxActive, "run")) at once; \(counts(progress))")
        if !backfill.state.isFinal, let left = progress.timeLeft { terminal.print("\(Text.estimate(left)) left") }
        terminal.print("")
        var table = Table("RUN", "STATE", "TOOK", "REASON")
        table.colour = Table.stateColour
        for run in backfill.reverse ? runs : runs.reversed() {
            let took = run.startedAt.flatMap { start in run.endedAt.map { Text.duration($0 - start) } }
            table.rows.append([run.runID, run.state.rawValue, took ?? "", run.reason ?? ""])
        }
        terminal.write(table.text(terminal))
        return .done
    }

    private static let pause = steering(
        "pause", "start no further run of a backfill; what runs of it goes on", paused: true,
        example: ("weir backfills pause 3", "to make room, or before its DAG is changed"))
    private static let resume = steering(
        "resume", "let a paused backfill go on", paused: false, example: ("weir backfills resume 3", "it goes on"))

    private static func steering(
        _ verb: String, _ summary: String, paused: Bool, example: (String, String)
    ) -> CommandSpec {
        CommandSpec(
            name: "backfills \(verb)", summary: summary, positionals: [id], options: [CommandSpec.json],
            examples: [(line: example.0, meaning: example.1)]
        ) { arguments, surroundings in
            let session = try Session(arguments, surroundings, settings: .optional)
            let id = try number(arguments)
            let access = try EngineAccess(session, startsNothing: true)
            defer { access.close() }
            _ = try access.perform(.pauseBackfill(id, paused: paused))
            let progress = try progress(id, try session.existingReader())
            if arguments.has("--json") {
                var writer = JSONWriter(indented: true)
                BackfillJSON.write(progress, to: &writer)
                session.terminal.print(writer.text)
            } else {
                session.terminal.print("backfill \(id) is \(progress.backfill.word): \(counts(progress))")
            }
            if !paused, access.isEmbedded {
                session.terminal.error(
                    "weir: nothing starts until a daemon runs (`weir backfills follow \(id)` runs it here)")
            }
            return .done
        }
    }

    private static let cancel = CommandSpec(
        name: "backfills cancel", summary: "cancel a backfill: kill what runs of it, drop the rest",
        positionals: [id],
        options: [.flag("--wait", "wait until what is killed has ended")],
        examples: [
            ("weir backfills cancel 3", "pause it first and wait, to let finish what runs"),
            ("weir cancel --backfill 3", "the same"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        return try CancelCommand.cancel(
            backfill: number(arguments), arguments, session, try session.existingReader())
    }

    private static let follow = CommandSpec(
        name: "backfills follow", summary: "follow a backfill to its end, and exit 1 when a run of it failed",
        positionals: [id],
        examples: [("weir backfills follow 3", "the bar of a backfill that was left to the daemon")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let id = try number(arguments)
        let known = try progress(id, try session.existingReader())
        guard !known.backfill.state.isFinal else {
            session.terminal.error("backfill \(id) has ended: \(known.backfill.state.rawValue), \(counts(known))")
            return known.backfill.state == .success ? .done : .failed
        }
        let access = try EngineAccess(session)
        defer { access.close() }
        return try Follower(session: session, access: access).follow(backfill: id)
    }

    // MARK: Parts

    private static func number(_ arguments: Arguments) throws(CommandFailure) -> Int64 {
        guard let id = Int64(arguments.required(0)) else {
            throw arguments.usage(
                "ID is '\(arguments.required(0))'; it must be a number, as `weir backfills list` shows")
        }
        return id
    }

    private static func progress(_ id: Int64, _ reader: any StoreReader) throws(CommandFailure) -> BackfillProgress {
        do throws(StoreError) {
            if let progress = try reader.backfill(id) { return progress }
        } catch { throw CommandFailure(error) }
        throw CommandFailure(.notFound, "no backfill \(id); `weir backfills list` lists them")
    }

    private static func counts(_ progress: BackfillProgress) -> String {
        let states = RunState.allCases.compactMap { state in progress.runs[state].map { "\($0) \(state.rawValue)" } }
        return "\(progress.ended) of \(progress.total) runs have ended"
            + (states.isEmpty ? "" : " (\(states.joined(separator: ", ")))")
    }
}

extension Backfill {
    /// Its state for people, to whom a paused one does not run.
    var word: String { paused ? "paused" : state.rawValue }
}
