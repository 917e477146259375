/// Pools: named numbers of slots that attempts share.
extension Scheduler {
    func setPool(_ pool: Pool) throws(CommandError) {
        guard isID(pool.name) else {
            throw CommandError(
                .invalid,
                "'\(pool.name)' is no name of a pool: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots")
        }
        guard (0...1_000_000).contains(pool.slots) else {
            throw CommandError(.invalid, "a pool has 0 to 1000000 slots, not \(pool.slots)")
        }
        poolRecords[pool.name] = pool
        turn.changes.append(.putPool(pool))
        setCapacity(self.pool(pool.name), pool.slots)
        renewReasons(pool: pool.name)
    }

    /// What waits for the pool goes on waiting, until there is one of that name again.
    func removePool(_ name: String) throws(CommandError) {
        guard poolRecords.removeValue(forKey: name) != nil else {
            let near = nearestName(to: name, among: poolRecords.keys.sorted()).map { "; did you mean '\($0)'?" }
            throw CommandError(.notFound, "there is no pool '\(name)'" + (near ?? "; `weir pools` lists them"))
        }
        turn.changes.append(.removePool(name: name))
        setCapacity(pool(name), name == Pool.defaultName ? Pool.defaultSlots : 0)
        renewReasons(pool: name)
    }

    /// The pools that somebody has set, and others that tasks hold slots of or wait for, by name.
    public var poolUses: [PoolUse] {
        Set(poolRecords.keys).union(pools.keys).sorted().compactMap { name in
            let gate = pool(name)
            // What was cancelled while it waited is still there until it surfaces.
            let stuck = gate.oversized.count(where: waits)
            let waiting = gate.parked.count(where: waits) + stuck
            guard poolRecords[name] != nil || gate.used > 0 || waiting > 0 else { return nil }
            return PoolUse(name: name, slots: gate.capacity, used: gate.used, waiting: waiting, stuck: stuck)
        }
    }

    private func waits(_ candidate: Candidate) -> Bool {
        waiting(candidate.run, candidate.index, in: .queued) != nil
    }

    /// What was said of why tasks wait for the pool may be true no longer, also where nothing is started now.
    private func renewReasons(pool name: String) {
        for node in runs.values {
            guard let dag = node.dag else { continue }
            for (index, instance) in node.instances.enumerated()
            where instance.record.state == .queued && instance.record.reason != nil && instance.task < dag.tasks.count
                && dag.specs[instance.task].pool == name
            {
                sayWhy(node, index)
            }
        }
    }
}
