import SchedulerCore

/// Everything that an engine is told when it is made.
public struct EngineConfiguration: Sendable {
    public var home: Home
    /// Absolute path of `weir`, which runs the built-in task kinds.
    public var weirProgram: String
    /// Absolute path of `weir-supervise`.
    public var supervisorProgram: String
    public var kinds: [KindSpec]
    /// Attempts at once over all DAGs.
    public var parallelism: Int
    /// False for an embedded run: no schedule makes runs, and the DAG folder is read once.
    public var runsSchedules: Bool
    /// True from the start: only what runs already is waited for.
    public var isDraining: Bool
    public var version: String
    /// Between TERM and KILL.
    public var grace: TimeAmount
    /// Past this size the middle of an attempt's log is given back to the disk.
    public var logCapBytes: Int64
    /// What the daemon removes of the history by itself.
    public var retention: Retention
    /// Environment that every attempt gets besides PATH, HOME, LANG, TZ and what its DAG declares.
    public var environment: [String: String]
    /// What templates may read of Weir's own environment by `env.`; nil: nobody knows.
    public var templateEnvironment: [String: String]?
    public var secrets: Secrets
    /// What DAG files may name by `env.` and `secret.`; nil: there is no configuration to look it up in.
    public var names: ConfiguredNames?

    public init(
        home: Home, weirProgram: String, supervisorProgram: String, kinds: [KindSpec], parallelism: Int = 16,
        runsSchedules: Bool = true, isDraining: Bool = false, version: String,
        grace: TimeAmount = TimeAmount(seconds: 10), logCapBytes: Int64 = 64 << 20, retention: Retention = Retention(),
        environment: [String: String] = [:], templateEnvironment: [String: String]? = nil,
        secrets: Secrets = Secrets(), names: ConfiguredNames? = nil
    ) {
        self.templateEnvironment = templateEnvironment
        self.secrets = secrets
        self.names = names
        self.home = home
        self.weirProgram = weirProgram
        self.supervisorProgram = supervisorProgram
        self.kinds = kinds
        self.parallelism = parallelism
        self.runsSchedules = runsSchedules
        self.isDraining = isDraining
        self.version = version
        self.grace = grace
        self.logCapBytes = logCapBytes
        self.retention = retention
        self.environment = environment
    }
}
