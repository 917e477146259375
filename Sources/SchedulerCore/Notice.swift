/// What a notification tells: the event, and how things stand at it. Made when an attempt of the notification is.
public struct Notice: Sendable, Hashable {
    public enum Event: String, Sendable, Hashable, CaseIterable {
        case success, failure, deadline, retry
        /// No run had succeeded by the DAG's `expect_by`.
        case missed
        case taskFailure = "task_failure"
        case taskRetry = "task_retry"
    }

    public var event: Event
    /// The state that the run is in or, when all of its tasks have ended, comes to.
    public var state: RunState
    /// Why, in words; nil for a success.
    public var reason: String?
    /// The task that it is about, `load` or `load[3]`; nil when it is about the run.
    public var task: String?
    /// The tasks that have failed for good and were not allowed to, by name.
    public var failed: [String]

    public init(event: Event, state: RunState, reason: String? = nil, task: String? = nil, failed: [String] = []) {
        self.event = event
        self.state = state
        self.reason = reason
        self.task = task
        self.failed = failed
    }
}

extension Notice {
    /// For templates; empty for what there is none of.
    func text(of field: TemplateName.RunField) -> String {
        switch field {
        case .event: event.rawValue
        case .state: state.rawValue
        case .reason: reason ?? ""
        case .task: task ?? ""
        case .failed: failed.joined(separator: ", ")
        }
    }
}

extension Hook.Moment {
    /// The event that the moment is, as notifications name it.
    public var event: Notice.Event {
        switch self {
        case .runSuccess: .success
        case .runFailure: .failure
        case .runDeadline: .deadline
        case .runRetry: .retry
        case .runMissed: .missed
        case .taskFailure: .taskFailure
        case .taskRetry: .taskRetry
        }
    }

    /// The task that it is about; nil when it is about the run.
    var task: Int? {
        switch self {
        case .taskFailure(let task), .taskRetry(let task): task
        default: nil
        }
    }
}

/// How a notification's facts are found in the Scheduler's memory.
extension Scheduler {
    /// - Returns: nil for a task that is no notification.
    func notice(_ node: RunNode, _ dag: DAG, _ number: Int, mapIndex: Int) -> Notice? {
        guard number >= dag.tasks.count else { return nil }
        let moment = dag.hooks[number - dag.tasks.count].moment
        let failed = failedTasks(node, dag)
        var notice = Notice(event: moment.event, state: .running, failed: failed.map(\.key.name))
        switch moment {
        case .runSuccess, .runFailure: (notice.state, notice.reason) = outcome(node, dag)
        case .runMissed: (notice.state, notice.reason) = (.failed, node.run.reason)
        case .runDeadline:
            notice.reason = dag.deadline.map { "not done \($0) after its start" }
        case .runRetry:
            let tried = node.instances.lazy.filter { $0.task < dag.tasks.count && $0.record.state == .upForRetry }
            notice.reason = Self.words(tried.map(\.record))
        case .taskFailure(let task), .taskRetry(let task):
            let index = node.tasks[task].instances.first { node.instances[$0].record.key.mapIndex == mapIndex }
            guard let record = index.map({ node.instances[$0].record }) else { break }
            notice.task = record.key.name
            notice.reason = record.reason
        }
        return notice
    }

    private func failedTasks(_ node: RunNode, _ dag: DAG) -> [TaskInstance] {
        node.instances.lazy.filter {
            $0.task < dag.tasks.count && !dag.specs[$0.task].allowFailure && $0.record.state == .failed
        }.map(\.record)
    }

    private static func words(_ records: [TaskInstance]) -> String? {
        guard !records.isEmpty else { return nil }
        let more = records.count > 3 ? " and \(records.count - 3) more" : ""
        return records.prefix(3).map { $0.key.name + ": " + ($0.reason ?? $0.state.rawValue) }
            .joined(separator: "; ") + more
    }
}
