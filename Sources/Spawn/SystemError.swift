import Glibc

/// A system call that failed: which one, on what, and why.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error number, as in errno(3).
    public var code: Int32
    /// The name of the call, for example `open`.
    public var call: String
    /// What the call was about; nil when it has no path.
    public var path: String?

    public init(_ call: String, path: String? = nil, code: Int32 = errno) {
        self.code = code
        self.call = call
        self.path = path
    }

    /// The system's words for the code, for example "No such file or directory".
    public var message: String { Self.text(code) }

    public var description: String {
        if let path { "\(path): \(message) (\(call))" } else { "\(call): \(message)" }
    }

    /// The system's words for an error number.
    public static func text(_ code: Int32) -> String {
        // strerror's buffer is per thread since glibc 2.32.
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}
