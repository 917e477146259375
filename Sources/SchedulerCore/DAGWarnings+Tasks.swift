import JSONText

/// Tasks: keys that do nothing beside the others, and tasks that never run.
extension DAGWarnings {
    func checkTasks() {
        let readers = (reader["tasks"]?.array ?? []).enumerated().compactMap { index, node in
            ObjectReader(node, path: "\(reader.path("tasks"))[\(index)]", what: "a task", problems: problems)
        }
        guard readers.count == dag.tasks.count else { return }
        for (task, reader) in zip(dag.tasks, readers) {
            if task.upstream.isEmpty, Self.isSet("trigger_rule", in: reader), task.triggerRule != .allSuccess,
                task.triggerRule != .always
            {
                useless("trigger_rule", in: reader, "without \"after\" the task starts with the run")
            }
            checkRetries([task], reader, "the task has no \"retries\"")
            checkPolling([task], reader, "without \"poll_interval\" the task is no sensor")
        }
        if let node = reader["defaults"],
            let defaults = ObjectReader(
                node, path: reader.path("defaults"), what: "\"defaults\"", problems: problems)
        {
            checkRetries(dag.tasks, defaults, "no task has \"retries\"")
            checkPolling(dag.tasks, defaults, "no task has \"poll_interval\"")
        }
        checkEmptyLists(readers)
    }

    // MARK: Keys

    /// - Parameter tasks: those for which the keys of this object may count.
    private func checkRetries(_ tasks: [TaskSpec], _ reader: ObjectReader, _ why: String) {
        guard tasks.contains(where: { $0.retries > 0 }) else {
            for key in ["retry_delay", "retry_backoff", "max_retry_delay"] where Self.isSet(key, in: reader) {
                useless(key, in: reader, why)
            }
            return
        }
        let keys = ["max_retry_delay", "retry_delay"].filter { Self.isSet($0, in: reader) }
        guard let key = keys.first else { return }
        let retrying = tasks.filter { $0.retries > 0 }
        // Of defaults: only when no task mends it by a key of its own.
        guard
            let longest = retrying.first?.maxRetryDelay,
            retrying.allSatisfy({ $0.maxRetryDelay == longest && longest < $0.retryDelay })
        else { return }
        let delay = retrying[0].retryDelay
        problems.warning(
            .shortMaxDelay, at: reader[key]?.offset ?? reader.offset, reader.path(key),
            "\"max_retry_delay\" (\(longest)) is shorter than \"retry_delay\" (\(delay)), so every wait is \(longest)")
    }

    private func checkPolling(_ tasks: [TaskSpec], _ reader: ObjectReader, _ why: String) {
        guard Self.isSet("poll_timeout", in: reader), tasks.allSatisfy({ $0.pollInterval == nil }) else { return }
        useless("poll_timeout", in: reader, why)
    }

    // MARK: What never runs

    private enum Fate {
        /// Always `skipped`.
        case skipped
        /// `skipped`, or `upstream_failed` after a failure before it.
        case neverRun
    }

    /// A task with an empty list is skipped in every run, and so is what cannot do without it.
    private func checkEmptyLists(_ readers: [ObjectReader]) {
        let empty = dag.tasks.map { $0.mapping?.list.array?.isEmpty == true }
        guard empty.contains(true) else { return }
        var fates = [Fate?](repeating: nil, count: dag.tasks.count)
        for task in inOrder() {
            let spec = dag.tasks[task]
            if empty[task] {
                let alwaysGetsThere = spec.upstream.isEmpty || [.always, .allDone].contains(spec.triggerRule)
                fates[task] = alwaysGetsThere ? .skipped : .neverRun
                guard let node = readers[task]["for_each"] else { continue }
                problems.warning(
                    .neverRuns, at: (node["in"] ?? node).offset, readers[task].path("for_each"),
                    "task \"\(spec.id)\" never runs: its list is empty, so it is skipped")
            } else if let fate = fate(of: spec, fates) {
                fates[task] = fate
                warn(spec, readers[task], fates)
            }
        }
    }

    private func fate(of spec: TaskSpec, _ fates: [Fate?]) -> Fate? {
        var counts = UpstreamCounts(total: spec.upstream.count)
        counts.skipped = spec.upstream.count { fates[$0] == .skipped }
        if case .end(let state) = spec.triggerRule.decide(counts) {
            return counts.done == counts.total && state == .skipped ? .skipped : .neverRun
        }
        return spec.triggerRule == .allSuccess && spec.upstream.contains { fates[$0] == .neverRun } ? .neverRun : nil
    }

    private func warn(_ spec: TaskSpec, _ reader: ObjectReader, _ fates: [Fate?]) {
        guard let cause = spec.upstream.first(where: { fates[$0] != nil }),
            let entries = reader["after"]?.array,
            let index = entries.firstIndex(where: { $0.string == dag.tasks[cause].id })
        else { return }
        problems.warning(
            .neverRuns, at: entries[index].offset, "\(reader.path("after"))[\(index)]",
            "task \"\(spec.id)\" never runs: \"\(dag.tasks[cause].id)\" before it never does, and its trigger rule is "
                + spec.triggerRule.rawValue)
    }

    /// The tasks, each behind those before it.
    private func inOrder() -> [Int] {
        var waitsFor = dag.tasks.map(\.upstream.count)
        var order = dag.tasks.indices.filter { waitsFor[$0] == 0 }
        var next = 0
        while next < order.count {
            for task in dag.tasks[order[next]].downstream {
                waitsFor[task] -= 1
                if waitsFor[task] == 0 { order.append(task) }
            }
            next += 1
        }
        return order
    }
}
