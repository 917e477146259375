import TaskKinds

/// `weir task DIR`: what a supervisor starts for a task of a built-in kind.
enum TaskCommand {
    static let spec = CommandSpec(
        name: "task", summary: "run a built-in task kind; started by a supervisor",
        positionals: [.init(name: "DIR", values: .directory, help: "directory of the attempt")], isHidden: true
    ) { arguments, _ in
        ExitCode(rawValue: TaskProgram.run(attemptDirectory: arguments.required(0)))
    }
}
