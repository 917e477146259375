/// The dependencies of a DAG's tasks, by index. Every function is linear in tasks and dependencies.
struct TaskGraph {
    /// For each task the tasks that wait for it.
    let downstream: [[Int]]

    init(upstream: [[Int]]) {
        var downstream = [[Int]](repeating: [], count: upstream.count)
        for (task, waitsFor) in upstream.enumerated() {
            for other in waitsFor { downstream[other].append(task) }
        }
        self.downstream = downstream
    }

    /// Which tasks come after one, directly or indirectly; the task itself only when it lies on a cycle.
    func tasks(after start: Int) -> [Bool] {
        var reached = [Bool](repeating: false, count: downstream.count)
        var waiting = [start]
        while let task = waiting.popLast() {
            for next in downstream[task] where !reached[next] {
                reached[next] = true
                waiting.append(next)
            }
        }
        return reached
    }

    /// A shortest cycle through the first task of each knot of tasks that wait for each other. Each begins with that
    /// task and goes on with the one that waits for it; the last is the one for which the first waits.
    func cycles() -> [[Int]] {
        knots().map { knot in
            let start = knot.min() ?? 0
            let members = Set(knot)
            var cameFrom: [Int: Int] = [:]
            var queue = [start]
            var head = 0
            while head < queue.count {
                let task = queue[head]
                head += 1
                for next in downstream[task] where members.contains(next) {
                    if next == start {
                        var cycle = [task]
                        while let last = cycle.last, last != start, let before = cameFrom[last] { cycle.append(before) }
                        return cycle.reversed()
                    }
                    if cameFrom[next] == nil {
                        cameFrom[next] = task
                        queue.append(next)
                    }
                }
            }
            return [start]
        }
    }

    /// The sets of more than one task that are all after each other: strongly connected components, by Tarjan's
    /// algorithm without recursion, because a chain of tasks may be longer than the stack is deep.
    private func knots() -> [[Int]] {
        let count = downstream.count
        var order = [Int](repeating: -1, count: count)
        var low = [Int](repeating: 0, count: count)
        var isOpen = [Bool](repeating: false, count: count)
        var open: [Int] = []
        var nextOrder = 0
        var knots: [[Int]] = []
        var calls: [(task: Int, edge: Int)] = []

        func enter(_ task: Int) {
            order[task] = nextOrder
            low[task] = nextOrder
            nextOrder += 1
            open.append(task)
            isOpen[task] = true
            calls.append((task, 0))
        }
        for root in 0..<count where order[root] < 0 {
            enter(root)
            while let (task, edge) = calls.last {
                if edge < downstream[task].count {
                    calls[calls.count - 1].edge += 1
                    let next = downstream[task][edge]
                    if order[next] < 0 {
                        enter(next)
                    } else if isOpen[next] {
                        low[task] = min(low[task], order[next])
                    }
                    continue
                }
                calls.removeLast()
                if let caller = calls.last?.task { low[caller] = min(low[caller], low[task]) }
                guard low[task] == order[task] else { continue }
                var knot: [Int] = []
                while let member = open.popLast() {
                    isOpen[member] = false
                    knot.append(member)
                    if member == task { break }
                }
                if knot.count > 1 { knots.append(knot) }
            }
        }
        return knots
    }
}
