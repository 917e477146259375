import Glibc
import Synchronization

/// Places at which a test can kill this process by SIGKILL, as a power loss or an operator would, or make it hang.
///
/// `WEIR_FAULT=NAME` in the environment makes it die when it comes to that place, `NAME:3` when it comes there for the
/// third time; with `NAME:3:hang` the thread that comes there stays there. Tasks do not inherit the variable.
public enum Fault {
    private static let wanted: (name: String, count: Int, hangs: Bool)? = {
        guard let text = getenv("WEIR_FAULT").map({ String(cString: $0) }), !text.isEmpty else { return nil }
        let parts = text.split(separator: ":", maxSplits: 2).map(String.init)
        return (parts[0], parts.count > 1 ? Int(parts[1]) ?? 1 : 1, parts.last == "hang")
    }()
    private static let arrivals = Atomic<Int>(0)

    /// Whether any place is armed; for callers that have to work to find out where they are.
    public static var isArmed: Bool { wanted != nil }

    public static func point(_ name: String) {
        guard let wanted, wanted.name == name else { return }
        guard arrivals.add(1, ordering: .relaxed).newValue >= wanted.count else { return }
        if !wanted.hangs { kill(getpid(), SIGKILL) }
        // The signal may be delivered to another thread first; this one goes no further.
        while true { pause() }
    }
}
