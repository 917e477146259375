import SchedulerCore

/// What starts attempts somewhere and learns how they ended. Every call returns at once; what follows arrives through
/// `onReport`, from any thread.
public protocol Executor: AnyObject, Sendable {
    /// Must be called before anything else.
    func begin(onReport: @escaping @Sendable (ExecutorReport) -> Void) throws(EngineError)
    /// The attempt's row is committed: make its process.
    func start(_ launch: AttemptLaunch)
    /// End the attempt's process tree; how it ended is reported as usual.
    func kill(attempt: Int64)
    /// The attempt's end is committed: remove its files, but for the log.
    func discard(attempt: Int64)
    /// Find out how these attempts stand, which the store says are running: after a start, or after a failed commit.
    /// Attempts that are being watched already are left alone.
    func recover(_ attempts: [Int64])
    /// From now on attempts start with these settings.
    func apply(_ configuration: EngineConfiguration)
    /// Stops watching. Attempts go on under their supervisors.
    func stop()
}

extension Executor {
    public func apply(_ configuration: EngineConfiguration) {}
}

public enum ExecutorReport: Sendable {
    case ended(Int64, AttemptEnd)
    case revoked(Int64)
    case lost(Int64, reason: String)
    case unsupervised(Int64, reason: String)
    /// It was not started, and never will be, because the machine has run out of something.
    case postponed(Int64, reason: String)
}
