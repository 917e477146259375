import SchedulerCore

/// What one event costs the Scheduler while many task instances are active: an attempt ends, its success is taken in, the
/// task after it starts. Pairs of tasks in 100 DAGs keep the number of active ones as it is.
func eventFigures() -> [Figure] {
    let sizes = [1_000, 10_000, 40_000]
    let costs = sizes.map { (active: $0, times: eventTimes(active: $0)) }
    let step = yardstick()
    keep(step.sum)
    var figures: [Figure] = []
    for cost in costs {
        let name = "event_with_\(cost.active)_active"
        figures.append(Figure(name: name + "_us_median", value: cost.times.quantile(0.5) / 1000))
        figures.append(Figure(name: name + "_us_p99", value: cost.times.quantile(0.99) / 1000))
        figures.append(
            Figure(name: name + "_integer_steps", value: cost.times.quantile(0.5) / step.nanosecondsPerStep))
    }
    return figures
}

private func eventTimes(active: Int) -> [UInt64] {
    let dags = 100
    let player = Player(parallelism: active)
    player.turn(.request(ticket: 0, .setPool(Pool(name: Pool.defaultName, slots: active)), actor: "bench"))
    let pairs = (0..<active / dags).map { number in
        #"{"id":"a\#(number)","kind":"noop"},{"id":"b\#(number)","kind":"noop","after":["a\#(number)"]}"#
    }.joined(separator: ",")
    for number in 0..<dags {
        let text = #"{"id":"d\#(number)","max_active_tasks":10000,"tasks":[\#(pairs)]}"#
        guard let dag = parsed(text) else { return stop("the benchmark's DAG is no DAG") }
        player.turn(
            .dagLoaded(dag, file: "d\(number).json", text: text, sha256: text, known: nil, occupied: []))
        player.turn(.request(ticket: 0, .trigger(dag: dag.id, date: nil, params: [:]), actor: "bench"))
    }
    guard player.started.count == active else { return stop("only \(player.started.count) attempts have started") }
    // The first tasks of all pairs end, each in a turn of its own, and their successors start.
    let firsts = player.started
    return sortedTimes(min(firsts.count, 5_000)) { number in player.end(firsts[number]) }
}

/// A Scheduler whose effects are only counted.
private final class Player {
    private let scheduler: Scheduler
    private(set) var started: [Int64] = []
    private var now = Instant(seconds: 1_700_000_000)

    init(parallelism: Int) {
        scheduler = Scheduler(configuration: .init(parallelism: parallelism), snapshot: Snapshot(), now: now) { _ in nil
        }
    }

    func turn(_ event: SchedulerEvent) {
        now = now + TimeAmount(microseconds: 1_000)
        scheduler.handle(event, now: now)
        for case .start(let launch) in scheduler.endTurn(now: now).effects { started.append(launch.attempt) }
    }

    func end(_ attempt: Int64) {
        turn(.attemptEnded(attempt, AttemptEnd(outcome: .exited, exitCode: 0, startedAt: now, endedAt: now)))
    }
}

/// What reading and starting one large DAG costs: layers of 100 tasks, each after three of the layer before.
func largeDAGFigures() -> [Figure] {
    let sizes = [1_250, 2_500, 5_000, 10_000]
    let costs = sizes.map { (size: $0, cost: largeDAG($0)) }
    var figures = costs.flatMap { size, cost in
        [
            Figure(name: "dag_of_\(size)_validate_ms", value: cost.validate / 1e6),
            Figure(name: "dag_of_\(size)_start_ms", value: cost.start / 1e6),
        ]
    }
    // 8 when the cost grows as the tasks do.
    if let first = costs.first?.cost, let last = costs.last?.cost {
        figures.append(Figure(name: "dag_validate_growth_for_8_times_the_tasks", value: last.validate / first.validate))
        figures.append(Figure(name: "dag_start_growth_for_8_times_the_tasks", value: last.start / first.start))
    }
    return figures
}

private func largeDAG(_ size: Int) -> (validate: Double, start: Double) {
    let width = 100
    let tasks = (0..<size).map { number in
        let above = (0..<3).map { number / width * width - width + (number * 7 + $0 * 31) % width }
        let after =
            number < width ? "" : #","after":[\#(Set(above).sorted().map { "\"t\($0)\"" }.joined(separator: ","))]"#
        return #"{"id":"t\#(number)","kind":"noop","env":{"DAY":"{{ ds }}"}\#(after)}"#
    }
    let text = #"{"id":"d","schedule":"daily","tasks":[\#(tasks.joined(separator: ","))]}"#
    var validate = Double.infinity
    var start = Double.infinity
    for _ in 0..<5 {
        let before = nanoseconds()
        guard let dag = parsed(text) else { return stop("the benchmark's DAG is no DAG") }
        validate = min(validate, Double(nanoseconds() - before))
        let player = Player(parallelism: 16)
        player.turn(.dagLoaded(dag, file: "d.json", text: text, sha256: text, known: nil, occupied: []))
        let planned = nanoseconds()
        player.turn(.request(ticket: 0, .trigger(dag: "d", date: nil, params: [:]), actor: "bench"))
        start = min(start, Double(nanoseconds() - planned))
    }
    return (validate, start)
}

private func parsed(_ text: String) -> DAG? {
    let context = DAGValidationContext(
        kinds: [KindSpec(name: "noop", summary: "", launch: .program, parameters: [])], zone: { _ in nil })
    return DAGParser.parse(Array(text.utf8), context: context).dag
}
