import JSONText
import SchedulerCore

/// What a DAG would do in a span of time: when each run and task would start and end, what would wait and why, and what
/// would be skipped. Deterministic: it is the real Scheduler that decides, and only the work is made up.
public struct Forecast: Sendable {
    /// What is assumed of a task.
    public struct Assumption: Sendable, Hashable {
        /// How long each try takes.
        public var takes: TimeAmount
        /// What it hands on: a JSON object; nil for nothing.
        public var outputs: String?

        public init(takes: TimeAmount, outputs: String? = nil) {
            self.takes = takes
            self.outputs = outputs
        }
    }

    /// What the forecast is about, and in which surroundings.
    public struct Question: Sendable {
        public var dag: DAG
        /// When the DAG is loaded for the first time; what is due before, its `catchup` decides.
        public var from: Instant
        /// Runs that are due before this are told of, until they are done.
        public var to: Instant
        /// Attempts at once.
        public var parallelism: Int
        /// Pools that are set; the default one exists besides.
        public var pools: [Pool]
        public var kinds: [KindSpec]
        /// What `env` in templates stands for; nil: for itself.
        public var environment: [String: String]?
        /// By task.
        public var assumptions: [String: Assumption]
        /// What is assumed of any other task.
        public var otherwise: Assumption

        public init(
            dag: DAG, from: Instant, to: Instant, parallelism: Int, pools: [Pool] = [], kinds: [KindSpec] = [],
            environment: [String: String]? = nil, assumptions: [String: Assumption] = [:], otherwise: Assumption
        ) {
            self.environment = environment
            self.dag = dag
            self.from = from
            self.to = to
            self.parallelism = parallelism
            self.pools = pools
            self.kinds = kinds
            self.assumptions = assumptions
            self.otherwise = otherwise
        }
    }

    /// A task instance, as it would end.
    public struct Task: Sendable {
        public var instance: TaskInstance
        /// Between the moment from which it could have started and its first start.
        public var waited: TimeAmount
        /// What it waited for at first; nil when it did not wait.
        public var reason: String?
    }

    public struct ForecastRun: Sendable {
        public var run: Run
        public var tasks: [Task]
        /// Between the moment at which it was due and its start; nil when it never starts.
        public var waited: TimeAmount?
        public var reason: String?
    }

    /// Intervals that get no run.
    public struct Skip: Sendable, Hashable {
        public var from: Instant
        public var to: Instant
        public var intervals: Int
        public var reason: SkippedSpan.Reason
    }

    /// In order of their logical dates.
    public var runs: [ForecastRun] = []
    public var skips: [Skip] = []
    /// Ids of the runs that tell of days without a success.
    public var missed: [String] = []
    /// The most of each at one moment.
    public var peakTasks = 0
    public var peakRuns = 0
    /// Slots by pool, of the pools that the DAG uses, and how many there are.
    public var peakSlots: [String: Int] = [:]
    public var slots: [String: Int] = [:]
    /// Runs that were due, and not done, at the end of the span.
    public var openAtEnd = 0
    /// Those of them that had not even started.
    var waitingHalfWay = 0
    public var waitingAtEnd = 0
    /// Outputs of which nothing is known, as `task.key`: a list was taken to have one element, a condition to hold.
    public var unknownOutputs: [String] = []
    /// The forecast was given up at this instant with runs that had not ended.
    public var givenUpAt: Instant?

    /// Between the moment at which a run was due and its end, for those that have ended, shortest first.
    public var lateness: [TimeAmount] {
        runs.compactMap { run in run.run.endedAt.map { $0 - run.run.runAfter } }.sorted()
    }

    /// Whether more runs wait for their start at the end than half-way, and more than one.
    public var fallsBehind: Bool { waitingAtEnd > max(waitingHalfWay, 1) }
}

/// Why there is no forecast.
public struct ForecastError: Error, Sendable, Hashable {
    public var message: String
}

extension Forecast {
    /// Task instances of one forecast; more is a mistake in the dates rather than a question.
    static let most = 1_000_000

    /// Plays the span through. Attempts take what is assumed, or as long as their `timeout` lets them, and succeed.
    public static func make(_ question: Question) throws -> Forecast {
        guard question.dag.timetable != nil else {
            throw ForecastError(
                message: "DAG '\(question.dag.id)' has no schedule by time, so there is nothing to foresee")
        }
        guard question.from < question.to else {
            throw ForecastError(message: "the span from \(question.from) to \(question.to) is empty")
        }
        try refuseTooMany(question)
        var question = question
        let unknown = question.assumeOutputs()
        var forecast = try Forecaster(question).play()
        forecast.unknownOutputs = unknown
        return forecast
    }

    /// A span that cannot be played through is refused before hours are spent on it.
    private static func refuseTooMany(_ question: Question) throws {
        guard let timetable = question.dag.timetable else { return }
        let tasks = max(question.dag.tasks.count, 1)
        var tick = timetable.next(after: question.from)
        var runs = 0
        while tick < question.to, tick < .distantFuture {
            runs += 1
            guard runs * tasks <= most else {
                throw ForecastError(
                    message: "until \(tick) alone there are \(runs) runs of \(tasks) tasks, and the span goes on to "
                        + "\(question.to); ask about a shorter one")
            }
            tick = timetable.next(after: tick)
        }
    }
}

extension Forecast.Question {
    /// Makes up the outputs that tasks use and nothing is known of: a list has one element, a condition holds.
    /// - Returns: what was made up, as `task.key`.
    mutating func assumeOutputs() -> [String] {
        var known: [String: JSONObject] = [:]
        for (task, assumption) in assumptions {
            known[task] = assumption.outputs.flatMap { (try? JSONDocument(parsing: $0))?.root.object }
        }
        let unknown = dag.usedOutputs.filter { known[$0.task]?[$0.key] == nil }
        for output in unknown.sorted(by: { ($0.task, $0.key) < ($1.task, $1.key) }) {
            let some = JSONNode(.string("?"))
            var members = known[output.task]?.members ?? []
            // One that is a list somewhere is a list everywhere.
            if members.contains(where: { $0.key == output.key }), !output.isList { continue }
            members.removeAll { $0.key == output.key }
            members.append(JSONMember(key: output.key, node: output.isList ? JSONNode(.array([some])) : some))
            known[output.task] = JSONObject(members)
        }
        for (task, object) in known {
            var writer = JSONWriter()
            writer.node(JSONNode(.object(object)))
            var assumption = assumptions[task] ?? otherwise
            assumption.outputs = writer.text
            assumptions[task] = assumption
        }
        var named = Set(unknown.map { "\($0.task).\($0.key)" })
        dag = dag.assumingConditions { task, key in
            // What was made up for something else is no answer to a question.
            let isKnown = known[task]?[key] != nil && !named.contains("\(task).\(key)")
            if !isKnown { named.insert("\(task).\(key)") }
            return isKnown
        }
        return named.sorted()
    }
}
