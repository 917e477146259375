/// From the queue to an attempt: who may start, by priority and under every limit.
extension Scheduler {
    /// Attempts of tasks that run; those of notifications are not counted.
    var taskAttempts: Int { attempts.count - noticeAttempts }
    private var mayStart: Bool { !configuration.isDraining && taskAttempts < configuration.parallelism }
    private var mayStartNotice: Bool { !configuration.isDraining && noticeAttempts < Self.noticesAtOnce }

    func startTasks(now: Instant) {
        if let hold {
            guard hold.until <= now else { return }
            self.hold = nil
        }
        repeat {
            while mayStartNotice, let next = dueNotices.pop() {
                guard let node = waiting(next.run, next.index, in: .queued), let dag = node.dag else { continue }
                startAttempt(node, dag, next.index, now: now)
            }
            unpark()
            while mayStart, let next = ready.pop() {
                guard let node = waiting(next.run, next.index, in: .queued), let dag = node.dag else { continue }
                if let gate = closedGate(next, node, dag) {
                    let slots = slots(of: node, next.index, at: gate)
                    if slots > gate.capacity {
                        gate.oversized.append(next)
                        sayWhy(node, next.index)
                    } else {
                        gate.parked.push(next)
                    }
                } else {
                    startAttempt(node, dag, next.index, now: now)
                }
            }
            // A task that cannot be rendered ends without a process, which may end its run and let others start.
            startRuns(now: now)
        } while mayStart && !(ready.isEmpty && gatesToUnpark.isEmpty) || mayStartNotice && !dueNotices.isEmpty
    }

    /// What nothing but a person can end is told where the task is shown, for as long as it is so.
    func sayWhy(_ node: RunNode, _ index: Int) {
        let why = node.dag.flatMap { whyStuck(node, $0, index) }
        guard node.instances[index].record.reason != why else { return }
        node.instances[index].record.reason = why
        touch(node, index)
    }

    func isNotice(_ node: RunNode, _ index: Int) -> Bool {
        node.dag.map { node.instances[index].task >= $0.tasks.count } ?? false
    }

    /// Puts a queued instance where it waits for its start.
    func awaitStart(_ node: RunNode, _ index: Int) {
        if isNotice(node, index) {
            dueNotices.push(candidate(node, index))
        } else {
            ready.push(candidate(node, index))
        }
    }

    // MARK: Gates

    /// Every limit that an attempt of the instance counts against; none for a notification.
    private func gates(of node: RunNode, _ index: Int) -> [Gate] {
        guard let dag = node.dag else { return [node.owner.gate] }
        let task = node.instances[index].task
        guard task < dag.tasks.count else { return [] }
        let gates = [node.owner.gate, pool(dag.specs[task].pool)]
        return node.tasks[task].gate.map { gates + [$0] } ?? gates
    }

    private func slots(of node: RunNode, _ index: Int, at gate: Gate) -> Int {
        guard let dag = node.dag else { return 1 }
        let task = node.instances[index].task
        return gate === pool(dag.specs[task].pool) ? dag.specs[task].poolSlots : 1
    }

    /// The first limit that does not let the instance pass; nil when all do.
    func closedGate(_ next: Candidate, _ node: RunNode, _ dag: DAG) -> Gate? {
        for gate in gates(of: node, next.index) {
            let slots = slots(of: node, next.index, at: gate)
            guard slots <= gate.free else { return gate }
            while let first = gate.parked.first, waiting(first.run, first.index, in: .queued) == nil {
                _ = gate.parked.pop()
            }
            if let first = gate.parked.first, first < next {
                // One that is ahead and would fit is offered its place before the end of the turn.
                gatesToUnpark[gate.name] = gate
                return gate
            }
        }
        return nil
    }

    /// The first limit that is in the way of a queued instance: without room, or with somebody ahead.
    func fullGate(_ node: RunNode, _ index: Int) -> Gate? {
        gates(of: node, index).first { gate in
            if slots(of: node, index, at: gate) > gate.free { return true }
            return gate.parked.contains { $0.run == node.run.id && $0.index == index }
        }
    }

    func pool(_ name: String) -> Gate {
        if let gate = pools[name] { return gate }
        let usual = name == Pool.defaultName ? Pool.defaultSlots : 0
        let gate = Gate(name: "pool \(name)", capacity: poolRecords[name]?.slots ?? usual)
        pools[name] = gate
        return gate
    }

    /// Counts an attempt that starts, or that runs since before a restart.
    func takePlaces(_ node: RunNode, _ index: Int) {
        if isNotice(node, index) { noticeAttempts += 1 }
        for gate in gates(of: node, index) { gate.used += slots(of: node, index, at: gate) }
    }

    func freePlaces(_ node: RunNode, _ index: Int) {
        if isNotice(node, index) { noticeAttempts -= 1 }
        for gate in gates(of: node, index) { gate.used -= slots(of: node, index, at: gate) }
        unparkGates(of: node, index)
    }

    func unparkGates(of node: RunNode, _ index: Int) {
        for gate in gates(of: node, index) where !gate.parked.isEmpty { gatesToUnpark[gate.name] = gate }
    }

    /// Offers free places to those that are parked, in order. One too many does no harm: it is parked again.
    private func unpark() {
        while !gatesToUnpark.isEmpty {
            let gates = gatesToUnpark.sorted { $0.key < $1.key }
            gatesToUnpark.removeAll(keepingCapacity: true)
            for (_, gate) in gates {
                var free = gate.free
                while let parked = gate.parked.first {
                    guard let node = waiting(parked.run, parked.index, in: .queued) else {
                        _ = gate.parked.pop()
                        continue
                    }
                    let slots = slots(of: node, parked.index, at: gate)
                    guard slots <= free else { break }
                    _ = gate.parked.pop()
                    ready.push(parked)
                    free -= slots
                }
            }
        }
    }

    /// A limit has changed.
    func setCapacity(_ gate: Gate, _ capacity: Int) {
        guard gate.capacity != capacity else { return }
        gate.capacity = capacity
        for candidate in gate.oversized { ready.push(candidate) }
        gate.oversized = []
        gatesToUnpark[gate.name] = gate
    }

    // MARK: Attempts

    private func startAttempt(_ node: RunNode, _ dag: DAG, _ index: Int, now: Instant) {
        node.instances[index].record.tryNumber += 1
        let launch: AttemptLaunch
        do {
            launch = try self.launch(node, dag, index, attempt: nextAttempt)
        } catch {
            conclude(node, index, .cannotStart, reason: "with\(error.path): \(error.message)", now: now)
            return
        }
        let attempt = Attempt(
            id: nextAttempt, instance: node.instances[index].record.key,
            tryNumber: node.instances[index].record.tryNumber, createdAt: now, rendered: launch.renderedText)
        nextAttempt += 1
        attempts[attempt.id] = attempt
        places[attempt.id] = index
        newAttempts.append(attempt.id)
        move(node, index, .started, reason: nil)
        takePlaces(node, index)
        node.instances[index].record.attempt = attempt.id
        node.instances[index].record.startedAt = now
        node.instances[index].record.endedAt = nil
        node.instances[index].record.outputs = nil
        turn.effects.append(.start(launch))
    }
}
