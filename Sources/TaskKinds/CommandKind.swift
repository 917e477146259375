import SchedulerCore

/// `command`: any program, or a line for the shell. The supervisor starts it directly.
enum CommandKind: TaskKind {
    static let spec = KindSpec(
        name: "command", summary: "runs a program, or a line of sh", launch: .program,
        parameters: [
            KindParameter(
                "command", .array, element: .string, help: "the program and its arguments; no shell sees them"),
            KindParameter("shell", .string, help: "a line for `sh -c`; values come as WEIR_* variables"),
        ], exactlyOneOf: [["command", "shell"]])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        throw TaskFailure("a command is started by its supervisor, not by `weir task`", mayRetry: false)
    }
}
