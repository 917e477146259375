import SchedulerCore

/// Removing history, by the same rules as the SQLite store.
extension InMemoryStore {
    public func prunableRuns(_ policy: PrunePolicy) throws(StoreError) -> [PrunableRun] {
        guard policy.removesRuns else { return [] }
        var found: [PrunableRun] = []
        for dag in contents.dags.keys.sorted() {
            let runs = newestFirst(dag)
            for run in runs.dropFirst(policy.keep ?? 0).reversed() {
                guard let ended = run.endedAt, ended < policy.endedBefore ?? .distantFuture, !mustStay(run) else {
                    continue
                }
                found.append(PrunableRun(id: run.id, dagID: dag, endedAt: ended))
            }
        }
        return found
    }

    private func newestFirst(_ dag: String) -> [Run] {
        contents.runs.values.filter { $0.dagID == dag }.sorted { ($0.logicalDate, $0.id) > ($1.logicalDate, $1.id) }
    }

    private func mustStay(_ run: Run) -> Bool {
        guard run.state.isFinal else { return true }
        if contents.attempts.values.contains(where: { $0.instance.run == run.id && $0.state == .running }) {
            return true
        }
        let cursor = contents.dags[run.dagID]?.cursor ?? Instant(microseconds: .min)
        if run.type.isOfInterval, run.logicalDate >= cursor { return true }
        for (id, entries) in contents.entries where entries.contains(where: { $0.run == run.id }) {
            if contents.backfills[id]?.state == .running { return true }
        }
        let runs = newestFirst(run.dagID)
        return run.id == contents.runs.keys.max()
            || run.id == contents.attempts.max { $0.key < $1.key }?.value.instance.run
            || run.id == runs.first?.id || run.id == runs.first { $0.type.isOfInterval }?.id
    }

    public func leftovers(_ policy: PrunePolicy) throws(StoreError) -> PruneOrder {
        var order = PruneOrder()
        if policy.removesRuns {
            order.versions = contents.versions.values
                .filter { $0.loadedAt < policy.endedBefore ?? .distantFuture && isUnused(version: $0.id) }
                .map(\.id).sorted()
            order.backfills = contents.backfills.keys.filter(isEmpty).sorted()
        }
        if let before = policy.auditBefore {
            let count = contents.audit.firstIndex { $0.at >= before } ?? contents.audit.count
            if count > 0 { order.auditThrough = Int64(contents.auditRemoved + count) }
        }
        return order
    }

    private func isUnused(version: Int64) -> Bool {
        version != contents.versions.keys.max() && !contents.dags.values.contains { $0.version == version }
            && !contents.runs.values.contains { $0.version == version }
    }

    private func isEmpty(backfill: Int64) -> Bool {
        contents.backfills[backfill]?.state != .running && backfill != contents.backfills.keys.max()
            && (contents.entries[backfill] ?? []).isEmpty
    }

    public func attemptEnds(of ids: [Int64]) throws(StoreError) -> [Int64: Instant?] {
        var ends: [Int64: Instant?] = [:]
        for id in ids {
            if let attempt = contents.attempts[id] { ends[id] = .some(attempt.endedAt) }
        }
        return ends
    }

    public func prune(_ order: PruneOrder, limit: Int) throws(StoreError) -> PruneStep {
        var step = PruneStep()
        var left = limit
        for wanted in order.runs {
            guard let run = contents.runs[wanted.id], run.endedAt == wanted.endedAt, !mustStay(run) else { continue }
            guard left > 0 else {
                step.isComplete = false
                break
            }
            let attempts = contents.attempts.values.filter { $0.instance.run == run.id }.map(\.id).sorted()
            left -= 1 + (contents.instances[run.id]?.count ?? 0) + attempts.count
            for attempt in attempts { contents.attempts[attempt] = nil }
            contents.instances[run.id] = nil
            contents.runs[run.id] = nil
            contents.runNames[RunName(dag: run.dagID, runID: run.runID)] = nil
            if run.type.isOfInterval {
                contents.intervalDates.remove(IntervalDate(dag: run.dagID, logicalDate: run.logicalDate))
            }
            step.attempts += attempts
            step.summary.runs += 1
            let backfills = contents.entries.filter { $0.value.contains { $0.run == run.id } }.map(\.key).sorted()
            for backfill in backfills {
                contents.entries[backfill]?.removeAll { $0.run == run.id }
                remove(backfill: backfill, &step)
            }
        }
        for id in order.backfills { remove(backfill: id, &step) }
        for id in order.versions where contents.versions[id] != nil && isUnused(version: id) {
            contents.versions[id] = nil
            step.summary.versions += 1
        }
        if let through = order.auditThrough {
            let count = max(0, min(contents.audit.count, Int(through) - contents.auditRemoved))
            contents.audit.removeFirst(count)
            contents.auditRemoved += count
            step.summary.auditEntries = count
        }
        step.summary.attempts = step.attempts.count
        return step
    }

    private func remove(backfill: Int64, _ step: inout PruneStep) {
        guard contents.backfills[backfill] != nil, isEmpty(backfill: backfill) else { return }
        contents.backfills[backfill] = nil
        contents.entries[backfill] = nil
        step.summary.backfills += 1
    }

    public func close() throws(StoreError) {}
}
