import JSONText

/// Reads `on_failure` and its like: arrays of notifications. Each is either what the kind `notify`
/// takes, or a small task of any kind: `{"kind": …, "with": {…}}`.
struct HookReader {
    static let usualKind = "notify"
    static let keys = ["kind", "with", "timeout", "retries", "retry_delay"]

    let kinds: [KindSpec]
    let params: [Parameter]

    /// One notification as read, with where its parameters stand.
    struct Draft {
        var id: String
        var kind: String
        var with: JSONNode
        var path: String
        var timeout: TimeAmount?
        var retries: Int?
        var retryDelay: TimeAmount?
    }

    /// - Parameter prefix: begins the ids of the notifications: `load:` for those of a task, else empty.
    func read(_ key: String, of owner: ObjectReader, prefix: String = "") -> [Draft] {
        guard let node = owner[key] else { return [] }
        guard let nodes = node.array else {
            owner.error(.wrongType, key, "\"\(key)\" must be an array of notifications, not \(node.typeName)")
            return []
        }
        return nodes.enumerated().compactMap { index, node in
            draft(
                node, id: "\(prefix)\(key):\(index + 1)", path: "\(owner.path(key))[\(index)]", problems: owner.problems
            )
        }
    }

    private func draft(_ node: JSONNode, id: String, path: String, problems: DiagnosticCollector) -> Draft? {
        guard let reader = ObjectReader(node, path: path, what: "a notification", problems: problems) else {
            return nil
        }
        guard reader["kind"] != nil else {
            // In the short form everything is a parameter of `notify`.
            for key in Self.keys where key != "with" && reader[key] != nil {
                reader.error(
                    .unknownKey, key,
                    "\"\(key)\" belongs to the long form: "
                        + "{\"kind\": \"\(Self.usualKind)\", \"with\": {…}, \"\(key)\": …}")
                return nil
            }
            check(Self.usualKind, node, path: path, reader)
            return Draft(id: id, kind: Self.usualKind, with: node, path: path)
        }
        reader.refuseUnknownKeys(Self.keys, of: "a notification")
        let timeout = reader.duration("timeout", positive: true) ?? nil
        let retries = reader.integer("retries", 0...1000)
        let retryDelay = reader.duration("retry_delay") ?? nil
        guard let kind = reader.string("kind") else { return nil }
        check(kind, reader["with"], path: reader.path("with"), reader)
        return Draft(
            id: id, kind: kind, with: reader["with"] ?? JSONNode(.object(JSONObject())), path: reader.path("with"),
            timeout: timeout, retries: retries, retryDelay: retryDelay)
    }

    private func check(_ name: String, _ with: JSONNode?, path: String, _ reader: ObjectReader) {
        guard let kind = kinds.first(where: { $0.name == name }) else {
            let names = kinds.map(\.name)
            let remedy = reader.problems.suggestion(
                for: name, among: names, otherwise: "; one of \(names.joined(separator: ", "))")
            reader.error(.unknownKind, "kind", "there is no task kind \"\(name)\"\(remedy)")
            return
        }
        let types = Dictionary(params.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
        KindChecker(kind: kind, paramTypes: types, problems: reader.problems)
            .check(with, path: path, taskOffset: reader.offset)
    }
}

extension HookReader.Draft {
    /// A notification is tried again for a quarter of an hour, which most troubles of a mail system are over in.
    func hook(_ moment: Hook.Moment) -> Hook {
        Hook(
            moment: moment,
            spec: TaskSpec(
                id: id, kind: kind, description: "", upstream: [], downstream: [], with: with, triggerRule: .always,
                retries: retries ?? Retries.ofNotifications.count,
                retryDelay: retryDelay ?? Retries.ofNotifications.delay,
                retryBackoff: Retries.ofNotifications.backoff, maxRetryDelay: nil,
                timeout: timeout ?? TimeAmount(seconds: 600), priority: 0, pool: Pool.defaultName, poolSlots: 1,
                dependsOnPast: false, mapping: nil, condition: nil, onLost: .retry, pollInterval: nil,
                pollTimeout: TaskSpec.defaultPollTimeout, allowFailure: true, env: [], limits: TaskLimits(),
                workingDirectory: nil, umask: nil))
    }
}
