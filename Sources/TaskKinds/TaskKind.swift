import SchedulerCore

/// A kind of task. One file declares what it takes and does it; the registry lists it.
public protocol TaskKind: SendableMetatype {
    /// Its name, its parameters, and how an attempt of it becomes a process.
    static var spec: KindSpec { get }
    /// Does the task's work, in a process of its own. Never called for a kind that is launched as a program.
    static func run(_ context: TaskContext) throws -> TaskOutcome
}

public enum TaskOutcome: Sendable, Hashable {
    case success
    /// There was nothing to do.
    case skipped(String)
    /// What a sensor waits for is not there; a task that is none fails with it.
    case notYet(String)
}

/// Why a task failed: one line for a person, and whether trying again may help.
public struct TaskFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    public var mayRetry: Bool

    public init(_ message: String, mayRetry: Bool = true) {
        self.message = message
        self.mayRetry = mayRetry
    }

    public var description: String { message }
}

/// Every kind there is. A new kind is a file of its own and a line here.
public enum TaskKindRegistry {
    public static let all: [any TaskKind.Type] = [
        CommandKind.self,
        LoadKind.self,
        ConvertKind.self,
        TransformKind.self,
        QualityKind.self,
        ArchiveKind.self,
        RestoreKind.self,
        NotifyKind.self,
        SummaryKind.self,
        SQLExportKind.self,
    ]
}
