import Glibc

extension Terminal {
    /// More than a password may have.
    private static let longestLine = 8192

    /// A new password: asked for twice at the terminal, without showing it, or the first line of standard input.
    ///
    /// - Parameter fromInput: whether it is on standard input, as `--password-stdin` says.
    func newPassword(of user: String, fromInput: Bool) throws(CommandFailure) -> String {
        if fromInput {
            guard let line = try passwordLine(nil), !line.isEmpty else {
                throw CommandFailure(.usage, "--password-stdin: standard input has no password in its first line")
            }
            return line
        }
        guard canAsk else {
            throw CommandFailure(
                .usage, "there is no terminal to ask for the password; give it on standard input, with --password-stdin"
            )
        }
        return try hidden { () throws(CommandFailure) in
            guard let first = try passwordLine("new password of \(user): "),
                let second = try passwordLine("once more: ")
            else { throw CommandFailure(.interrupted, "nothing is changed") }
            guard first == second else {
                throw CommandFailure(.usage, "the two passwords differ; nothing is changed")
            }
            return first
        }
    }

    /// What is typed meanwhile is not shown; also after Ctrl-C it is again.
    private func hidden<Value>(_ body: () throws(CommandFailure) -> Value) throws(CommandFailure) -> Value {
        var before = termios()
        guard tcgetattr(0, &before) == 0 else { return try body() }
        Interrupts.catchThem(asking: true)
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &quiet)
        defer { tcsetattr(0, TCSAFLUSH, &before) }
        return try body()
    }

    /// Nil at the end of the input, or after Ctrl-C.
    private func passwordLine(_ question: String?) throws(CommandFailure) -> String? {
        if let question { writeError(question) }
        defer { if question != nil { writeError("\n") } }
        return try line(heard: 0, limit: Self.longestLine)
    }
}
