/// `depends_on_past`: a task waits until the same task of the run before has succeeded or was skipped. The run before is the
/// run of an interval with the latest earlier logical date.
extension Scheduler {
    /// Whether the past holds a task back. Asks the store for the past when it is not known yet.
    func isHeldByPast(_ node: RunNode, _ dag: DAG, _ task: Int) -> Bool {
        guard dag.specs[task].dependsOnPast else { return false }
        if let backfill = governor(of: node), backfill.first == node.run.id { return false }
        guard let past = node.past else {
            if !node.loadingPast {
                node.loadingPast = true
                turn.effects.append(
                    .loadPast(run: node.run.id, dag: dag.id, before: node.run.logicalDate))
            }
            return true
        }
        return !isGood(past, dag.specs[task].id)
    }

    private func isGood(_ past: PastRun, _ taskID: String) -> Bool {
        guard let run = past.run else { return true }
        if let node = runs[run] {
            // What is queued to run again as a whole has not begun: how it ended before does not count.
            return node.tasks.isEmpty ? false : Self.isGood(node, taskID)
        }
        // A task that the run before did not have cannot hold anything back.
        return past.isGood[taskID] ?? true
    }

    /// Whether every instance of a task has succeeded or was skipped; true for a task that the run does not have.
    private static func isGood(_ node: RunNode, _ taskID: String) -> Bool {
        guard let dag = node.dag, let task = dag.tasks.firstIndex(where: { $0.id == taskID }) else { return true }
        return node.tasks[task].instances.allSatisfy {
            let state = node.instances[$0].record.state
            return state == .success || state == .skipped || state == .removed
        }
    }

    private static func goodTasks(_ instances: some Sequence<TaskInstance>) -> [String: Bool] {
        var good: [String: Bool] = [:]
        for instance in instances where instance.state != .removed {
            let isGood = instance.state == .success || instance.state == .skipped
            good[instance.key.taskID] = (good[instance.key.taskID] ?? true) && isGood
        }
        return good
    }

    /// What the store knows of the run before.
    func learnPast(_ id: Int64, _ past: StoredRun?, now: Instant) {
        guard let node = runs[id], node.loadingPast else { return }
        node.loadingPast = false
        node.owner.knowingPast.insert(id)
        guard let past else {
            node.past = PastRun()
            judgeHeld(node, now: now)
            return
        }
        var known = PastRun(
            run: past.run.id, runID: past.run.runID, logicalDate: past.run.logicalDate,
            isGood: Self.goodTasks(past.instances))
        // It may have ended since it was read.
        if let ended = dirtyRunNodes[past.run.id], !ended.instances.isEmpty {
            known.isGood = Self.goodTasks(ended.instances.lazy.map(\.record))
        }
        node.past = known
        followers[past.run.id, default: []].insert(id)
        dagsToStart.insert(node.owner.record.id)
        judgeHeld(node, now: now)
    }

    private func judgeHeld(_ node: RunNode, now: Instant) {
        guard node.run.state == .running, let dag = node.dag else { return }
        for task in dag.tasks.indices where dag.specs[task].dependsOnPast { judge(node, task, now: now) }
        endIfDone(node, now: now)
    }

    /// A task has ended: the same task of the runs after may go on.
    func tellFollowers(_ node: RunNode, _ task: Int) {
        guard let waiting = followers[node.run.id], let dag = node.dag, task < dag.tasks.count else { return }
        for run in waiting.sorted() {
            guard let follower = runs[run], let other = follower.dag else { continue }
            let id = dag.specs[task].id
            if let same = other.specs.firstIndex(where: { $0.id == id }), other.specs[same].dependsOnPast {
                pastToJudge.append((run, same))
            }
        }
    }

    /// The run begins with a version that may lack what runs after it wait for.
    func tellFollowers(_ node: RunNode) {
        for run in followers[node.run.id, default: []].sorted() {
            guard let dag = runs[run]?.dag else { continue }
            for task in dag.tasks.indices where dag.specs[task].dependsOnPast { pastToJudge.append((run, task)) }
        }
    }

    /// The run has ended and leaves the memory: what follows it keeps how it stood.
    func leavePast(_ node: RunNode) {
        for run in followers[node.run.id] ?? [] {
            runs[run]?.past?.isGood = Self.goodTasks(node.instances.lazy.map(\.record))
        }
        node.owner.knowingPast.remove(node.run.id)
        if let past = node.past?.run {
            followers[past]?.remove(node.run.id)
            if followers[past]?.isEmpty == true { followers[past] = nil }
        }
    }

    /// A run was made between one that runs and the one that it took for its past.
    func reconsiderPast(of owner: DAGNode, since made: Run) {
        guard made.type.isOfInterval else { return }
        // Not all of its runs: a backfill makes thousands at once.
        for id in owner.knowingPast.sorted() {
            guard let node = runs[id], let past = node.past, node.run.logicalDate > made.logicalDate,
                past.run == nil || past.logicalDate < made.logicalDate
            else { continue }
            if let before = past.run { followers[before]?.remove(id) }
            node.past = nil
            guard let dag = node.dag else { continue }
            for task in dag.tasks.indices where dag.specs[task].dependsOnPast { pastToJudge.append((id, task)) }
        }
    }

    func judgePast(now: Instant) {
        let tasks = pastToJudge
        pastToJudge = []
        for (run, task) in tasks {
            guard let node = runs[run], node.run.state == .running else { continue }
            judge(node, task, now: now)
            endIfDone(node, now: now)
        }
    }
}
