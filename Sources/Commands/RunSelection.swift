import Engine
import SchedulerCore
import Store

/// Which runs a command is about: the one that is named, or those of a range of dates or in a state.
struct RunSelection {
    var runs: [Run]
    /// Chosen by range or state. Such a command shows what it would do, and asks before it does.
    var isBulk: Bool

    /// The states of runs that have not ended.
    static let unfinished = Set(RunState.allCases.filter { !$0.isFinal })
    /// The states of runs whose tasks are there.
    static let begun = Set(RunState.allCases).subtracting([.queued])

    /// - Parameter states: those in which the command makes sense.
    static func options(of states: Set<RunState>) -> [CommandSpec.Option] {
        [
            .value(
                "--from", "DATE", values: .runDay, "instead of RUN: the runs of this logical date and later"),
            .value("--to", "DATE", values: .runDay, "the last logical date, inclusive; the first when left out"),
            .value(
                "--state", "STATE", values: .words(RunState.allCases.filter(states.contains).map(\.rawValue)),
                repeats: true, "instead of RUN: the runs in this state; with --from those in both"),
            .flag("--yes", short: "-y", "do not ask; needed for more than one RUN where nobody can be asked"),
        ]
    }

    /// Whether no RUN is to be named.
    static func isBulk(_ arguments: Arguments) -> Bool {
        arguments.value("--from") != nil || arguments.value("--to") != nil || !arguments.all("--state").isEmpty
    }

    /// - Parameters:
    ///   - usual: the states that are meant when none is named.
    ///   - possible: the states in which the command makes sense.
    init(
        _ arguments: Arguments, _ session: Session, _ reader: any StoreReader, usual: Set<RunState>,
        possible: Set<RunState>
    ) throws(CommandFailure) {
        isBulk = Self.isBulk(arguments)
        guard isBulk else {
            guard let id = arguments[1] else {
                throw arguments.usage("name a run, or give --from, --to or --state: \(arguments.command.usage)")
            }
            runs = [try session.run(arguments.required(0), id, reader)]
            return
        }
        let dag = arguments.required(0)
        _ = try session.isKnown(dag)
        var query = RunQuery(dag: dag, states: try Self.states(arguments, possible) ?? usual, limit: 1_000_000)
        let zone = (try? session.dag(dag).dag.zone) ?? .utc
        if let from = arguments.value("--from") {
            let to = arguments.value("--to") ?? from
            query.from = try Dates.instant(from, "--from", zone)
            query.to = try Dates.last(to, "--to", zone)
            if let first = query.from, let last = query.to, first > last {
                throw arguments.usage("the range is empty: --from \(from) is after --to \(to)")
            }
        } else if let to = arguments.value("--to") {
            throw arguments.usage("--to is \(to), but there is no --from: the first date")
        }
        do throws(StoreError) { runs = try reader.runs(query).reversed() } catch { throw CommandFailure(error) }
        if runs.isEmpty {
            let states = query.states.map(\.rawValue).sorted().joined(separator: " or ")
            throw CommandFailure(
                .notFound, "no run of '\(dag)' in that range is \(states); `weir runs \(dag)` lists its runs")
        }
        try arguments.checkConsent(RunChanges.count(runs.count, "run"), session)
    }

    private static func states(
        _ arguments: Arguments, _ possible: Set<RunState>
    ) throws(CommandFailure) -> Set<RunState>? {
        let texts = arguments.all("--state")
        var states: Set<RunState> = []
        for text in texts {
            guard let state = RunState(rawValue: text), possible.contains(state) else {
                let words = RunState.allCases.filter(possible.contains).map(\.rawValue).joined(separator: ", ")
                throw arguments.usage("--state is '\(text)'; it must be one of \(words)")
            }
            states.insert(state)
        }
        return states.isEmpty ? nil : states
    }
}

extension Arguments {
    /// Refuses what is done to many when nobody can be asked and `--yes` was not given; before anything is touched.
    func checkConsent(_ many: String, _ session: Session) throws(CommandFailure) {
        guard !has("--yes"), !has("--dry-run"), !session.terminal.canAsk else { return }
        let look = command.options.contains { $0.name == "--dry-run" } ? "; --dry-run only shows them" : ""
        throw usage("this is about \(many), and nobody is there to ask: give --yes\(look)")
    }

    /// Asks before something is done to many, unless `--yes` was given.
    ///
    /// - Parameters:
    ///   - what: what is about to be done: "cancel 7 runs".
    ///   - preview: shown before the question.
    /// - Returns: whether to go on.
    func confirms(_ what: String, _ session: Session, preview: () -> Void) throws(CommandFailure) -> Bool {
        if has("--yes") { return true }
        preview()
        Interrupts.catchThem(asking: true)
        switch session.terminal.ask(what + "?") {
        case true?: return true
        case false?:
            session.terminal.error("weir: nothing was done")
            return false
        case nil: throw CommandFailure(.interrupted, "nothing was done")
        }
    }
}
