import Glibc

/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// By itself, with a code from 0 to 255.
    case exited(Int32)
    /// By this signal.
    case signaled(Int32)

    /// Reads what wait(2) tells of a process that has ended.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signaled(signal)
    }

    public var isSuccess: Bool { self == .exited(0) }

    public var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signaled(let signal): "signal \(signal) (\(Self.name(ofSignal: signal)))"
        }
    }

    /// The system's words for a signal, for example "Segmentation fault".
    static func name(ofSignal signal: Int32) -> String {
        guard let text = strsignal(signal) else { return "unknown" }
        return String(cString: text)
    }
}
