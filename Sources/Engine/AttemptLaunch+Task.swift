import JSONText
import SchedulerCore

extension AttemptLaunch {
    /// The `task` object of `spec.json`, which a built-in kind reads.
    func task(home: String) -> JSONNode {
        func text(_ value: String) -> JSONNode { JSONNode(.string(value)) }
        func whole(_ value: Int) -> JSONNode { JSONNode(.integer(Int64(value))) }
        func member(_ key: String, _ node: JSONNode) -> JSONMember { JSONMember(key: key, node: node) }
        return JSONNode(
            .object(
                JSONObject([
                    member("kind", text(kind)),
                    member("dag_id", text(dagID)),
                    member("run_id", text(run.runID)),
                    member("run_type", text(run.type.rawValue)),
                    member("task_id", text(taskID)),
                    member("map_index", whole(mapIndex)),
                    member("try_number", whole(tryNumber)),
                    member("first_try", whole(firstTry)),
                    member("notice", notice.map(Self.node) ?? JSONNode(.null)),
                    member("home", text(home)),
                    member("ds", text(ds)),
                    member("logical_date", text("\(run.logicalDate)")),
                    member("data_interval_start", text("\(run.interval.start)")),
                    member("data_interval_end", text("\(run.interval.end)")),
                    member("with", with),
                    member("tasks", JSONNode(.array(upstream.map(summary)))),
                ])))
    }

    private static func node(_ notice: Notice) -> JSONNode {
        func text(_ value: String?) -> JSONNode { value.map { JSONNode(.string($0)) } ?? JSONNode(.null) }
        return JSONNode(
            .object(
                JSONObject([
                    JSONMember(key: "event", node: text(notice.event.rawValue)),
                    JSONMember(key: "state", node: text(notice.state.rawValue)),
                    JSONMember(key: "reason", node: text(notice.reason)),
                    JSONMember(key: "task", node: text(notice.task)),
                ])))
    }

    private func summary(_ instance: TaskInstance) -> JSONNode {
        var members = [
            JSONMember(key: "task_id", node: JSONNode(.string(instance.key.taskID))),
            JSONMember(key: "state", node: JSONNode(.string(instance.state.rawValue))),
            JSONMember(key: "reason", node: instance.reason.map { JSONNode(.string($0)) } ?? JSONNode(.null)),
            JSONMember(key: "allow_failure", node: JSONNode(.bool(allowedToFail.contains(instance.key.taskID)))),
            JSONMember(key: "map_index", node: JSONNode(.integer(Int64(instance.key.mapIndex)))),
            JSONMember(key: "try_number", node: JSONNode(.integer(Int64(instance.tryNumber)))),
            JSONMember(key: "attempt", node: instance.attempt.map { JSONNode(.integer($0)) } ?? JSONNode(.null)),
            JSONMember(
                key: "start_date", node: instance.startedAt.map { JSONNode(.string("\($0)")) } ?? JSONNode(.null)),
            JSONMember(key: "end_date", node: instance.endedAt.map { JSONNode(.string("\($0)")) } ?? JSONNode(.null)),
        ]
        if let start = instance.startedAt, let end = instance.endedAt {
            let seconds = (end - start).seconds
            members.append(JSONMember(key: "duration", node: JSONNode(.number(seconds, text: "\(seconds)"))))
        } else {
            members.append(JSONMember(key: "duration", node: JSONNode(.null)))
        }
        let outputs = instance.outputs.flatMap { try? JSONDocument(parsing: $0).root }
        members.append(JSONMember(key: "outputs", node: outputs ?? JSONNode(.object(JSONObject()))))
        return JSONNode(.object(JSONObject(members)))
    }
}
