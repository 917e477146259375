import Glibc
import JSONText
import Lake
import SchedulerCore
import Spawn

/// What a task is told: the `task` object of its attempt's `spec.json`, and where things stand.
public struct TaskContext: Sendable {
    /// What happened, as the Scheduler saw it when it made this attempt; the words are those of `SchedulerCore.Notice`.
    public struct Notice: Sendable {
        public var event: String
        public var state: String
        public var reason: String?
        public var task: String?
    }

    /// One of the tasks before this one, as it stood when this attempt was made.
    public struct Upstream: Sendable {
        public var taskID: String
        /// -1 for a task that is not mapped.
        public var mapIndex = -1
        public var tryNumber = 0
        /// Its latest attempt; nil when it has none.
        public var attempt: Int64?
        public var state: String
        public var reason: String?
        /// Seconds; nil when it has not run.
        public var duration: Double?
        /// Whether its failure counts as a success.
        public var allowFailure: Bool
        /// An object.
        public var outputs: JSONNode

        /// `load`, or `load[3]`.
        var name: String { mapIndex < 0 ? taskID : "\(taskID)[\(mapIndex)]" }
    }

    public let directory: AttemptDirectory
    /// Id of the attempt, for names that no other attempt has.
    public let attempt: Int64
    public let kind: String
    public let dagID: String
    public let runID: String
    public let taskID: String
    public let tryNumber: Int
    public let mapIndex: Int
    /// The first of the tries that deliver what this one does.
    public let firstTry: Int
    public let runType: String
    /// What a notification tells; nil for any other task.
    public let notice: Notice?
    public let home: String
    /// Date of the data interval's start, in the DAG's zone.
    public let ds: String
    public let logicalDate: String
    public let intervalStart: String
    public let intervalEnd: String
    public let with: JSONNode
    public let tasks: [Upstream]

    public init(directory: AttemptDirectory) throws {
        let spec = try AttemptSpec.read(from: directory)
        guard let task = spec.task else { throw TaskFailure("\(directory.spec) names no task", mayRetry: false) }
        let secrets = spec.secrets.isEmpty ? nil : try AttemptSecrets.read(0)
        try self.init(directory: directory, attempt: spec.attempt, task: task, secrets: secrets)
    }

    /// - Parameter secrets: the values for the references in the parameters.
    public init(
        directory: AttemptDirectory, attempt: Int64, task: JSONNode, secrets: AttemptSecrets? = nil
    ) throws {
        func text(_ key: String) throws -> String {
            guard let value = task[key]?.string else {
                throw TaskFailure("\(directory.spec): task.\(key) is missing", mayRetry: false)
            }
            return value
        }
        self.directory = directory
        self.attempt = attempt
        kind = try text("kind")
        dagID = try text("dag_id")
        runID = try text("run_id")
        taskID = try text("task_id")
        tryNumber = Int(task["try_number"]?.integer ?? 1)
        mapIndex = Int(task["map_index"]?.integer ?? -1)
        firstTry = Int(task["first_try"]?.integer ?? 1)
        runType = task["run_type"]?.string ?? ""
        notice = task["notice"].flatMap { node in
            node["event"]?.string.map {
                Notice(
                    event: $0, state: node["state"]?.string ?? "", reason: node["reason"]?.string,
                    task: node["task"]?.string)
            }
        }
        home = try text("home")
        ds = try text("ds")
        logicalDate = try text("logical_date")
        intervalStart = try text("data_interval_start")
        intervalEnd = try text("data_interval_end")
        let with = task["with"] ?? JSONNode(.object(JSONObject()))
        self.with = secrets?.resolve(with) ?? with
        tasks = (task["tasks"]?.array ?? []).map { node in
            Upstream(
                taskID: node["task_id"]?.string ?? "", mapIndex: Int(node["map_index"]?.integer ?? -1),
                tryNumber: Int(node["try_number"]?.integer ?? 0), attempt: node["attempt"]?.integer,
                state: node["state"]?.string ?? "",
                reason: node["reason"]?.string, duration: node["duration"]?.double,
                allowFailure: node["allow_failure"]?.bool ?? false,
                outputs: node["outputs"] ?? JSONNode(.object(JSONObject())))
        }
    }

    private static let mostDays = 400

    /// The days that lie in the run's interval, at least partly: partitions are days in UTC.
    func days() throws -> [String] {
        guard let start = Instant(rfc3339: intervalStart), let end = Instant(rfc3339: intervalEnd),
            // The end does not belong to it.
            let first = CivilDate(String("\(start)".prefix(10))),
            let last = CivilDate(String("\(max(start, end - TimeAmount(microseconds: 1)))".prefix(10)))
        else {
            throw TaskFailure("the run's interval cannot be read", mayRetry: false)
        }
        guard last.daysSinceEpoch - first.daysSinceEpoch < Self.mostDays else {
            throw TaskFailure("the run's interval has more than \(Self.mostDays) days", mayRetry: false)
        }
        return (first.daysSinceEpoch...last.daysSinceEpoch).map { "\(CivilDate(daysSinceEpoch: $0))" }
    }

    // MARK: Parameters

    public func string(_ name: String) -> String? { with[name]?.string }

    public func string(_ name: String, default value: String) -> String { string(name) ?? value }

    public func required(_ name: String) throws -> String {
        guard let value = string(name), !value.isEmpty else {
            throw TaskFailure("\(kind) needs the parameter '\(name)'", mayRetry: false)
        }
        return value
    }

    public func bool(_ name: String, default value: Bool) -> Bool { with[name]?.bool ?? value }

    public func strings(_ name: String) -> [String] { (with[name]?.array ?? []).compactMap(\.string) }

    /// A path of a parameter; a relative one counts from WEIR_HOME.
    public func path(_ text: String) -> String { text.hasPrefix("/") ? text : home + "/" + text }

    // MARK: Surroundings

    /// The lake: `WEIR_LAKE`, or `state/lake` of the home.
    public var lake: LakeRoot {
        LakeRoot(
            Self.environment("WEIR_LAKE"), home: home,
            // Two homes may share a lake, and count their attempts alike.
            attempt: "\(attempt)-\(SHA256.hex(directory.path).prefix(8))",
            isShared: Self.environment("WEIR_LAKE_WRITERS") != "one", variable: { Self.environment($0) })
    }

    /// The run, as a manifest names it.
    public var lineage: String { "\(dagID)/\(runID)/\(taskID)" }

    /// A variable of the environment; nil when it is not set.
    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    public var isRevoked: Bool { directory.isRevoked }

    /// A line of the attempt's log.
    public func log(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(1, bytes, bytes.count)
    }

    /// Hands a value on to the tasks behind this one.
    public func output(_ key: String, _ value: JSONNode) throws {
        var writer = JSONWriter()
        writer.object {
            $0.member("key", key)
            $0.member("value", value)
        }
        let file = try FileDescriptor.open(directory.output, O_WRONLY | O_CREAT | O_APPEND)
        try file.writeAll(writer.bytes + [0x0A], path: directory.output)
    }
}
