import API
import Engine
import JSONText
import Observability
import SQLiteStore
import SchedulerCore
import Store

/// `weir db prune`: removes ended runs with all that belongs to them.
enum DBPruneCommand {
    static let spec = CommandSpec(
        name: "db prune", summary: "remove ended runs with their tasks, attempts and logs",
        options: [
            .value("--older-than", "AGE", "those that ended longer ago, such as 90d; audit entries of that age too"),
            .value("--keep", "N", values: .number, "those that are not among the N newest of their DAG"),
            .flag("--dry-run", "only say what would go"), CommandSpec.json,
        ],
        examples: [
            ("weir db prune --older-than 400d --keep 1000", "a run goes only when both rules let it go"),
            ("weir db prune --dry-run", "by the rules of \"retention\" in weir.json"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let policy = try policy(arguments, session)
        let reader = try session.existingReader()
        if arguments.has("--dry-run") {
            try say(try reader.prunableRuns(policy), arguments, session)
            return .done
        }
        let client = ControlClient(socket: session.home.socket)
        let isAnswered = (try? client.perform(.status, actor: Session.actor)) != nil
        let summary = isAnswered ? try ask(client, policy) : try prune(policy, session)
        if arguments.has("--json") {
            var writer = JSONWriter()
            PruneJSON.write(summary, to: &writer)
            session.terminal.print(writer.text)
        } else {
            session.terminal.print(
                "removed: \(summary.runs) runs, \(summary.attempts) attempts, \(summary.versions) DAG versions, "
                    + "\(summary.backfills) backfills, \(summary.auditEntries) audit entries, "
                    + "\(summary.orphans) stray directories")
        }
        return .done
    }

    private static func policy(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> PrunePolicy {
        let keep = try arguments.integer("--keep", in: 0...1_000_000_000)
        let now = WallClock.now()
        var policy = PrunePolicy(keep: keep)
        if let text = arguments.value("--older-than") {
            guard let age = TimeAmount(parsing: text) else {
                throw arguments.usage("--older-than is '\(text)'; it must be a length of time such as 90d")
            }
            policy.endedBefore = Instant(microseconds: now - age.microseconds)
            policy.auditBefore = policy.endedBefore
        } else if keep == nil {
            policy = session.settings.retention.policy(at: Instant(microseconds: now))
        }
        guard policy.removesRuns else {
            throw arguments.usage("say what may go: --older-than AGE, --keep N, or \"retention\" in weir.json")
        }
        return policy
    }

    /// A daemon alone writes to its store.
    private static func ask(_ client: ControlClient, _ policy: PrunePolicy) throws(CommandFailure) -> PruneSummary {
        var sum = PruneSummary()
        while true {
            let reply: EngineReply
            do throws(CommandError) { reply = try client.perform(.prune(policy), actor: Session.actor) } catch {
                throw CommandFailure(error)
            }
            guard case .pruned(let part) = reply else {
                throw CommandFailure(.failed, "the daemon gave another answer than how much it removed")
            }
            sum += part
            if part.isComplete || part.isNothing { return sum }
        }
    }

    /// Without an engine: nothing that is unfinished is to be started by the way.
    private static func prune(_ policy: PrunePolicy, _ session: Session) throws(CommandFailure) -> PruneSummary {
        let lock: StateLock
        do throws(EngineError) { lock = try StateLock.acquire(session.home) } catch { throw CommandFailure(error) }
        defer { withExtendedLifetime(lock) {} }
        do throws(StoreError) {
            let store = try SQLiteStore(path: session.home.database, hooks: EngineAccess.hooks)
            let pruner = Pruner(
                home: session.home, reader: try SQLiteReader(path: session.home.database), seconds: 1_000_000,
                remove: { (order, limit) throws(StoreError) in try store.prune(order, limit: limit) })
            let summary = try pruner.prune(policy)
            try store.close()
            return summary
        } catch {
            throw CommandFailure(error)
        }
    }

    private static func say(_ runs: [PrunableRun], _ arguments: Arguments, _ session: Session) throws {
        let byDAG = Dictionary(grouping: runs, by: \.dagID).sorted { $0.key < $1.key }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("runs", runs.count)
                writer.key("dags")
                writer.object { for (dag, runs) in byDAG { $0.member(dag, runs.count) } }
            }
            session.terminal.print(writer.text)
            return
        }
        for (dag, runs) in byDAG {
            let ends = runs.map(\.endedAt)
            let span = (ends.min() ?? .distantPast).seconds, last = (ends.max() ?? .distantPast).seconds
            session.terminal.print("\(dag): \(runs.count) runs that ended from \(span) to \(last)")
        }
        session.terminal.print(runs.isEmpty ? "nothing would go" : "\(runs.count) runs would go")
    }
}
