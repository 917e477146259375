/// What kind of process runs the engine of a state directory.
public enum EngineRole: String, Sendable, Hashable, CaseIterable {
    /// `weir daemon`: runs schedules, until it is told to stop.
    case daemon
    /// A command that works in the foreground because no daemon runs. Hands over to a daemon that starts.
    case embedded
}
