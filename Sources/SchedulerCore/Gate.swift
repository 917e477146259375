/// A limit that several attempts share: a DAG's `max_active_tasks`, a pool's slots, a mapped task's `max_active`. What
/// finds no room waits here, in order; nobody who comes later passes by one that is ahead, so that a task that needs many
/// slots gets them.
final class Gate {
    /// Unique, for an order that does not depend on memory: `dag d`, `pool p`, `map 7/load`.
    let name: String
    var capacity: Int
    var used = 0
    var parked = Heap<Candidate>()
    /// Those that need more than there is at all. They hold nobody back.
    var oversized: [Candidate] = []

    init(name: String, capacity: Int) {
        self.name = name
        self.capacity = capacity
    }

    var free: Int { capacity - used }
}
