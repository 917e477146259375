import Glibc
import SchedulerCore

/// The command line: finds the command, runs it, and turns what went wrong into one line and an exit status.
public enum Program {
    /// The one place that says which version this is.
    public static let version = "0.1.0"

    /// What it is, in half a line.
    static let summary = "run data pipelines on one machine"

    /// What it is, in sentences.
    static let description = [
        "Weir runs data pipelines: DAGs of tasks, written in JSON, on a schedule, by hand or for past dates.",
        "WEIR_HOME (default: the current directory) holds dags/ and state/.",
    ]

    static let commands: [CommandSpec] = [
        InitCommand.spec, ValidateCommand.spec, DagsCommand.spec, ShowCommand.spec, NextCommand.spec,
        SimulateCommand.spec,
        TriggerCommand.spec, BackfillCommand.spec, BackfillsCommand.spec, RunsCommand.spec, TasksCommand.spec,
        LogsCommand.spec, WhyCommand.spec, ClearCommand.spec, ClearCommand.retrySpec, MarkCommand.spec,
        CancelCommand.spec, DaemonCommand.spec, StatusCommand.spec,
        ReloadCommand.spec, DrainCommand.spec, ConfigCommand.spec, DoctorCommand.spec, PauseCommand.spec,
        PauseCommand.unpauseSpec, PoolsCommand.spec,
        LakeCommand.spec, QueryCommand.spec, QualityCommand.spec,
        UserCommand.spec, TokenCommand.spec,
        DBCommand.spec, VersionCommand.spec, SchemaCommand.spec, CompletionCommand.spec, ManCommand.spec,
        TaskCommand.spec, CompletionCommand.answerSpec,
    ]

    /// Runs the program with the process's own arguments; the exit status.
    public static func run() -> Int32 {
        // A reader that goes away (`weir runs | head`) ends the writing, not with a signal but with an error.
        signal(SIGPIPE, SIG_IGN)
        return run(Array(CommandLine.arguments.dropFirst()), Surroundings())
    }

    static func run(_ words: [String], _ surroundings: Surroundings) -> Int32 {
        let terminal = surroundings.terminal
        do {
            let status = try dispatch(words, surroundings)
            // A reader that has left has seen what it wanted; a full disk has not taken what it should.
            if status == .done, let code = terminal.outputFailure, code != EPIPE {
                terminal.error("weir: the output could not be written: \(String(cString: strerror(code)))")
                return ExitCode.failed.rawValue
            }
            return status.rawValue
        } catch let failure as CommandFailure {
            terminal.error("weir: \(failure.message)")
            return failure.status.rawValue
        } catch {
            terminal.error("weir: \(error)")
            return ExitCode.failed.rawValue
        }
    }

    private static func dispatch(_ words: [String], _ surroundings: Surroundings) throws -> ExitCode {
        let terminal = surroundings.terminal
        var words = words
        // `weir --home DIR command …` as well as `weir command --home DIR …`.
        var leading: [String] = []
        while let first = words.first, first.hasPrefix("--home") {
            leading.append(words.removeFirst())
            if first == "--home", !words.isEmpty { leading.append(words.removeFirst()) }
        }
        guard let name = words.first else {
            terminal.print(overview)
            return .usage
        }
        if ["--help", "-h"].contains(name) || name == "help" && words.count == 1 {
            terminal.print(overview)
            return .done
        }
        if name == "--version" {
            return try VersionCommand.spec.run(Arguments([], for: VersionCommand.spec), surroundings)
        }
        let wanted = name == "help" ? words[1] : name
        guard let named = commands.first(where: { $0.name == wanted }) else {
            let names = commands.filter { !$0.isHidden }.map(\.name)
            let near = nearestName(to: wanted, among: names).map { "; did you mean '\($0)'?" }
            throw CommandFailure(.usage, "no command '\(wanted)'" + (near ?? "; `weir help` lists them"))
        }
        let (command, rest) = try named.resolve(Array(words.dropFirst(name == "help" ? 2 : 1)))
        if name == "help" {
            terminal.print(command.help)
            return .done
        }
        let arguments = try Arguments(leading + rest, for: command)
        if arguments.has("--help") {
            terminal.print(command.help)
            return .done
        }
        return try command.run(arguments, surroundings)
    }

    static var overview: String {
        let rows = commands.filter { !$0.isHidden }.map { ($0.name, $0.summary) }
        return """
            \(description[0])

            Usage: weir COMMAND [options]

            Commands:
            \(CommandSpec.columns(rows).joined(separator: "\n"))

            `weir COMMAND --help` explains a command. \(description[1])

            """
    }
}
