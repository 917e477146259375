import API
import Engine
import JSONText
import SchedulerCore
import Store
import Synchronization

@testable import HTTPServer

/// An engine that answers as the test says and keeps what it was asked.
final class FakeEngine: EngineService {
    private struct State {
        var asked: [(command: EngineCommand, actor: String)] = []
        var answer: Result<EngineReply, CommandError> = .success(.done)
    }

    private let state = Mutex(State())

    func perform(_ command: EngineCommand, actor: String, key: RequestKey?) throws(CommandError) -> EngineReply {
        let answer = state.withLock { state in
            state.asked.append((command, actor))
            return state.answer
        }
        return try answer.get()
    }

    func answer(_ answer: Result<EngineReply, CommandError>) { state.withLock { $0.answer = answer } }

    /// What was asked since the last call, as text.
    func asked() -> [String] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked.map { "\($0.actor): \($0.command.text)" }
        }
    }
}

extension EngineCommand {
    /// Every field, to compare.
    var text: String {
        switch self {
        case .status: "status"
        case .reload: "reload"
        case .drain: "drain"
        case .handOver: "hand over"
        case .trigger(let dag, let date, let params): "trigger \(dag) \(date.map { "\($0)" } ?? "-") \(json(params))"
        case .backfill(let request):
            "backfill \(request.dag) \(request.from) \(request.to) \(request.reprocess) "
                + "\(request.maxActive.map { "\($0)" } ?? "-") \(request.reverse) \(request.tasks) \(request.dryRun) "
                + json(request.params)
        case .cancelRun(let dag, let runID): "cancel \(dag) \(runID)"
        case .prune(let policy): "prune \(policy)"
        case .cancelBackfill(let id): "cancel backfill \(id)"
        case .pauseBackfill(let id, let paused): "\(paused ? "pause" : "resume") backfill \(id)"
        case .explain(let dag, let runID): "explain \(dag) \(runID)"
        case .clear(let request): "\(request)"
        case .mark(let request): "\(request)"
        case .setPaused(let dag, let paused): "\(paused ? "pause" : "unpause") \(dag)"
        case .setPool(let pool): "\(pool)"
        case .removePool(let name): "remove pool \(name)"
        }
    }

    private func json(_ params: [String: JSONNode]) -> String {
        var writer = JSONWriter()
        writer.object { for (key, value) in params.sorted(by: { $0.key < $1.key }) { $0.member(key, value) } }
        return writer.text
    }
}

extension EngineReply {
    /// Every field, to compare.
    var text: String {
        switch self {
        case .done: "done"
        case .run(let run): "\(run)"
        case .backfill(let id, let plan): "\(id.map { "\($0)" } ?? "-") \(plan)"
        case .pruned(let summary): "\(summary)"
        case .status(let status): "\(status)"
        case .tasks(let names): "tasks \(names)"
        case .replayed(let answer): "again: \(answer)"
        case .explanation(let why): "\(why.run ?? "-") \(why.tasks.sorted { $0.key < $1.key })"
        }
    }
}

/// A store in which nothing stands.
struct EmptyReaders: StoreReaders {
    func read<Value>(_ body: (any StoreReader) throws -> Value) throws -> Value { try body(InMemoryStore()) }
}
