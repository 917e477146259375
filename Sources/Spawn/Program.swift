import CPosix
import Glibc

/// A program that could not be started; the description is one line for a person.
public struct StartError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    /// The error number behind it, as in errno(3); nil when no system call failed.
    public var code: Int32?

    init(description: String, code: Int32? = nil) {
        self.description = description
        self.code = code
    }
}

/// Whether an error says that the machine has run out of something, and not that what was asked for is wrong: it may well
/// work a moment later.
public enum Shortage {
    /// - Parameter error: a `SystemError` or `StartError`; any other is no shortage.
    public static func isBehind(_ error: any Error) -> Bool {
        let code = (error as? SystemError)?.code ?? (error as? StartError)?.code
        return code.map { [EMFILE, ENFILE, EAGAIN, ENOMEM, ENOSPC, EDQUOT, EROFS, ECONNRESET, ETIMEDOUT].contains($0) }
            ?? false
    }
}

/// A program with its arguments and its whole environment: the search in PATH, and the words for what can go wrong.
struct Program {
    var argv: [String]
    var environment: [String: String]
    /// Working directory; nil keeps the caller's.
    var directory: String?

    static let defaultPath = "/usr/local/bin:/usr/bin:/bin"

    private var name: String { argv.first ?? "" }

    /// Where the program stands. A name with a slash is taken as it is, any other is looked up in the PATH of its own
    /// environment, as execvp(3) does.
    func find() throws(StartError) -> String {
        if name.isEmpty { throw StartError(description: "no program is named") }
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let path = environment["PATH"] ?? Self.defaultPath
        var notExecutable: String?
        for part in path.split(separator: ":", omittingEmptySubsequences: false) {
            var folder = part.isEmpty ? "." : String(part)
            // The child looks from its own directory.
            if !folder.hasPrefix("/"), let directory { folder = directory + "/" + folder }
            let candidate = folder + "/" + name
            guard File.status(candidate)?.kind == .file else { continue }
            if access(candidate, X_OK) == 0 { return candidate }
            notExecutable = notExecutable ?? candidate
        }
        if let notExecutable { throw StartError(description: "\(notExecutable) is not executable (chmod +x)") }
        throw StartError(description: "no such program '\(name)' in PATH (\(path))")
    }

    /// Calls with the C form of this program; its pointers are valid during the call only.
    func withC<Value>(
        path: String, stdio: (Int32, Int32, Int32), _ body: (UnsafePointer<weir_program>) -> Value
    ) -> Value {
        let variables = environment.sorted { $0.key < $1.key }.map { $0.key + "=" + $0.value }
        return Self.withStrings(argv) { argv in
            Self.withStrings(variables) { envp in
                path.withCString { path in
                    Self.withOptionalString(directory) { directory in
                        var program = weir_program(path: path, argv: argv, envp: envp, cwd: directory, stdio: stdio)
                        return body(&program)
                    }
                }
            }
        }
    }

    /// Why `path` could not be started.
    func explain(_ code: Int32, path: String, step: weir_step = WEIR_STEP_EXEC) -> StartError {
        let directory = directory ?? "."
        if step == WEIR_STEP_CHDIR || (step == WEIR_STEP_EXEC && File.status(directory)?.kind != .directory) {
            switch File.status(directory)?.kind {
            case nil where code == ENOENT:
                return StartError(description: "the working directory \(directory) does not exist")
            case .file, .other: return StartError(description: "the working directory \(directory) is not a directory")
            default:
                return StartError(
                    description: "the working directory \(directory) cannot be entered: \(SystemError.text(code))")
            }
        }
        if step == WEIR_STEP_LIMITS {
            return StartError(description: "its resource limits cannot be set: \(SystemError.text(code))")
        }
        guard step == WEIR_STEP_EXEC else {
            return StartError(description: "cannot start a process: \(SystemError.text(code))", code: code)
        }
        switch code {
        case ENOENT where File.exists(path):
            return StartError(description: "cannot start \(path): the interpreter in its first line does not exist")
        case ENOENT: return StartError(description: "no such program '\(path)'")
        case EACCES: return StartError(description: "\(path) is not executable (chmod +x)")
        case ENOEXEC:
            return StartError(
                description: "\(path) is neither a program for this machine nor a script that begins with #!")
        case E2BIG: return StartError(description: "cannot start \(path): arguments and environment are too long")
        default: return StartError(description: "cannot start \(path): \(SystemError.text(code))", code: code)
        }
    }

    /// posix_spawn with these as descriptors 0, 1 and 2, an empty signal mask and nothing else inherited.
    ///
    /// - Returns: the pid.
    func spawn(_ group: weir_group, stdio: (Int32, Int32, Int32)) throws(StartError) -> Int32 {
        let path = try find()
        var pid: Int32 = -1
        let error = withC(path: path, stdio: stdio) { weir_spawn($0, group, &pid) }
        if error != 0 { throw explain(error, path: path) }
        return pid
    }

    private static func withStrings<Value>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            // The array holds at least its closing nil, so there is a base address.
            body(buffer.baseAddress!)
        }
    }

    private static func withOptionalString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
        guard let text else { return body(nil) }
        return text.withCString(body)
    }
}
