/// Makes a failing scenario small: whatever can be left out without the failure going away is left out.
enum Shrinker {
    static func shrink(_ scenario: Scenario) -> Scenario {
        guard let failure = failure(scenario) else { return scenario }
        var least = scenario
        var hasShrunk = true
        while hasShrunk {
            hasShrunk = false
            for smaller in candidates(least) where self.failure(smaller) == failure {
                least = smaller
                hasShrunk = true
                break
            }
        }
        return least
    }

    /// What goes wrong, without what differs from one scenario to the other: names, numbers, times. Nil: nothing does.
    private static func failure(_ scenario: Scenario) -> String? {
        do {
            try Player(scenario).play()
            return nil
        } catch {
            if error is WrongSketch { return nil }
            let text = "\(error)".split(separator: "): ").last.map(String.init) ?? ""
            return text.split(separator: " ").filter { $0.allSatisfy(\.isLetter) }.joined(separator: " ")
        }
    }

    /// From bold to timid.
    private static func candidates(_ scenario: Scenario) -> [Scenario] {
        var found: [Scenario] = []
        func add(_ change: (inout Scenario) -> Void) {
            var next = scenario
            change(&next)
            found.append(next)
        }
        var length = scenario.actions.count / 2
        while length > 0 {
            for start in stride(from: scenario.actions.count - length, through: 0, by: -length) {
                add { $0.actions.removeSubrange(start..<(start + length)) }
            }
            length /= 2
        }
        for index in scenario.others.indices { add { $0.others.remove(at: index) } }
        if scenario.versions.count > 1 { add { $0.versions.removeLast() } }
        for version in scenario.versions.indices {
            let sketch = scenario.versions[version]
            for task in sketch.tasks.indices where sketch.tasks.count > 1 {
                let id = sketch.tasks[task].id
                let isNeeded = sketch.tasks.contains { $0.fields.contains { $0.contains("outputs.\(id).") } }
                if !isNeeded { add { $0.versions[version].tasks.remove(at: task) } }
            }
            for field in sketch.fields {
                // In every version: the schedule of a DAG does not change within a scenario.
                add { for index in $0.versions.indices { $0.versions[index].fields.removeAll { $0 == field } } }
            }
            for (task, value) in sketch.tasks.enumerated() {
                for field in value.fields.indices { add { $0.versions[version].tasks[task].fields.remove(at: field) } }
                for edge in value.after.indices where !value.fields.contains(where: { $0.contains("outputs.") }) {
                    add { $0.versions[version].tasks[task].after.remove(at: edge) }
                }
            }
        }
        // A sketch that is no valid DAG any more fails too, for another reason.
        return found.filter { $0.versions.allSatisfy { !$0.tasks.isEmpty && $0.isWhole } }
    }

    static func text(_ scenario: Scenario) -> String {
        let dags = (scenario.versions + scenario.others).map(\.text)
        let actions = scenario.actions.enumerated().map { "\($0): \($1)" }
        let player = Player(scenario)
        player.isTracing = true
        try? player.play()
        return
            (["parallelism \(scenario.parallelism), pool p \(scenario.poolSlots)"] + dags + actions
            + player.trace.suffix(80))
            .joined(separator: "\n")
    }
}

extension DAGSketch {
    /// Whether what the fields need is there.
    var isWhole: Bool {
        let usesParams = tasks.contains { $0.fields.contains { $0.contains("params.") } }
        let hasStart = fields.contains { $0.hasPrefix("\"start\"") }
        return hasStart && (!usesParams || fields.contains { $0.hasPrefix("\"params\"") })
    }
}
