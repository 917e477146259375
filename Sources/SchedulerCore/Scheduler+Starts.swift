import JSONText

/// Runs that are started by something that happened: files that arrived, datasets that were published.
extension Scheduler {
    /// A new start waits while an earlier one has not begun: what arrives until then belongs to it.
    private func mayStartByEvent(_ node: DAGNode) -> Bool {
        configuration.runsSchedules && node.record.active && !node.record.paused
            && !node.runsByName.values.contains { runs[$0]?.run.type == .triggered && runs[$0]?.run.state == .queued }
    }

    func filesArrived(_ id: String, _ arrival: FileArrival, now: Instant) {
        guard let node = dags[id], let dag = node.dag, case .files(let condition) = dag.startedBy,
            mayStartByEvent(node)
        else { return }
        let since = since(node, dag)
        guard arrival.upTo > since, arrival.upTo <= dag.end ?? .distantFuture else { return }
        if let batch = condition.batch {
            // What was counted before the last start says nothing of what has come since.
            guard arrival.since == since, batch.isReached(by: arrival, now: now) else { return }
        }
        trigger(node, DataInterval(start: since, end: arrival.upTo), now: now)
    }

    /// How far a DAG that files start has come; nil for another.
    public func fileProgress(_ id: String) -> FileProgress? {
        guard let node = dags[id], let dag = node.dag, case .files = dag.startedBy else { return nil }
        let first = max(node.record.firstSeen, dag.start ?? .distantPast)
        return FileProgress(started: since(node, dag), done: max(node.record.succeededThrough ?? first, first))
    }

    /// Where the interval of the next run that something starts begins.
    private func since(_ node: DAGNode, _ dag: DAG) -> Instant {
        max(node.record.cursor ?? node.record.firstSeen, dag.start ?? .distantPast)
    }

    /// The outputs of a task that has succeeded, or skipped itself; those with a reserved name are for the Scheduler.
    func takeIn(_ outputs: String?, of node: RunNode, now: Instant) {
        guard let outputs, let root = (try? JSONDocument(parsing: outputs))?.root else { return }
        if let names = root["datasets"]?.array { publish(names, now: now) }
        if let generation = root["consumed"]?.integer { noteConsumed(generation, by: node) }
        if let days = root["reprocess"]?.object { noteLate(days, found: node, now: now) }
    }

    /// The datasets that a task says it has published, in its reserved output `datasets`.
    private func publish(_ names: [JSONNode], now: Instant) {
        let published = Set(names.compactMap(\.string))
        for node in dags.values.sorted(by: { $0.record.id < $1.record.id }) {
            guard let dag = node.dag, case .datasets(let wanted) = dag.startedBy else { continue }
            let arrived = node.record.arrived.union(published.intersection(wanted))
            guard arrived != node.record.arrived else { continue }
            node.record.arrived = arrived
            turn.changes.append(.putDAG(node.record))
            startByDatasets(node, now: now)
        }
    }

    /// Starts a run when each of the datasets was published since the last start.
    func startByDatasets(_ node: DAGNode, now: Instant) {
        guard let dag = node.dag, case .datasets(let wanted) = dag.startedBy,
            node.record.arrived.isSuperset(of: wanted),
            mayStartByEvent(node), now >= dag.start ?? .distantPast, now <= dag.end ?? .distantFuture
        else { return }
        let since = since(node, dag)
        node.record.arrived = []
        // After a clock that was set back the span is as short as can be.
        trigger(node, DataInterval(start: since, end: max(now, since + TimeAmount(microseconds: 1))), now: now)
    }

    /// Each interval ends later than the one before, so its end names the run.
    private func trigger(_ node: DAGNode, _ interval: DataInterval, now: Instant) {
        node.record.cursor = interval.end
        turn.changes.append(.putDAG(node.record))
        create(
            .triggered, node, interval: interval, runAfter: now, params: nil,
            runID: "triggered__\(interval.end)", now: now)
    }

    /// Two runs of one microsecond still get two names, whatever the clock does between them.
    func freeName(_ type: String, _ node: DAGNode, now: Instant) -> String {
        var moment = now
        while node.usedNames.contains("\(type)__\(moment)") { moment = moment + TimeAmount(microseconds: 1) }
        let name = "\(type)__\(moment)"
        node.usedNames.insert(name)
        return name
    }
}
