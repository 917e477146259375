import Engine
import JSONText
import Observability
import SchedulerCore
import Spawn

/// `weir validate`: everything that is wrong with DAG files.
enum ValidateCommand {
    static let spec = CommandSpec(
        name: "validate", summary: "check DAG files and say what their schedules mean",
        positionals: [
            .init(name: "FILE", count: .many, values: .file, help: "files to check; every file of dags/ when left out")
        ],
        options: [CommandSpec.json],
        examples: [("weir validate dags/alpr_daily.json", "errors as file:line:column: message, or the next runs")]
    ) { arguments, surroundings in
        var files: [LoadedDAGFile]
        let now = Instant(microseconds: WallClock.now())
        let terminal = surroundings.terminal
        if arguments.positionals.isEmpty {
            files = try Session(arguments, surroundings).folder(now: now).files
        } else {
            var seen: Set<String> = []
            let names = try Session(arguments, surroundings).settings.names
            files = arguments.positionals.filter { seen.insert($0).inserted }
                .map { DAGFolder.read($0, kinds: Session.kinds, now: now, names: names) }
            DAGFolder.refuseDoubles(&files)
        }
        let shown = files.map { file in
            (file, arguments.positionals.isEmpty ? "dags/" + file.file : file.path)
        }
        if arguments.has("--json") {
            terminal.print(json(shown))
        } else {
            for (file, name) in shown { report(file, name, terminal, now) }
            if shown.isEmpty { terminal.error("weir: no DAG files in dags/; `weir init` makes an example") }
        }
        return files.contains { !$0.errors.isEmpty } ? .invalid : .done
    }

    private static func json(_ files: [(LoadedDAGFile, String)]) -> String {
        var writer = JSONWriter(indented: true)
        writer.array { writer in
            for (file, name) in files {
                for problem in file.diagnostics {
                    writer.object {
                        $0.member("file", name)
                        $0.member("line", problem.line)
                        $0.member("column", problem.column)
                        $0.member("path", problem.path)
                        $0.member("code", problem.code)
                        $0.member("message", problem.message)
                        $0.member("severity", problem.severity.rawValue)
                    }
                }
            }
        }
        return writer.text
    }

    private static func report(_ file: LoadedDAGFile, _ name: String, _ terminal: Terminal, _ now: Instant) {
        for problem in file.diagnostics {
            let word = problem.severity == .warning ? "warning: " : ""
            terminal.print("\(name):\(problem.line):\(problem.column): \(word)\(problem.message)")
        }
        guard let dag = file.dag else { return }
        let count = "\(dag.tasks.count) task\(dag.tasks.count == 1 ? "" : "s")"
        terminal.print("\(name): \(dag.id) is valid, \(count); \(dag.meaning)")
        for line in Schedules.next(dag, now: now) { terminal.print("  \(line)") }
    }
}
