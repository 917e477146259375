import Engine
import JSONText
import Observability
import SchedulerCore
import Spawn

/// `weir validate`: everything that is wrong with DAG files.
enum ValidateCommand {
    static let spec = CommandSpec(
        name: "validate", summary: "check DAG files and say what their schedules mean",
        positionals: [.init(name: "FILE", count: .many, help: "files to check; every file of dags/ when left out")],
        options: [CommandSpec.json],
        examples: [("weir validate dags/alpr_daily.json", "errors as file:line:column: message, or the next runs")]
    ) { arguments, surroundings in
        var files: [LoadedDAGFile]
        let terminal = surroundings.terminal
        if arguments.positionals.isEmpty {
            files = try Session(arguments, surroundings).folder().files
        } else {
            var seen: Set<String> = []
            files = arguments.positionals.filter { seen.insert($0).inserted }
                .map { DAGFolder.read($0, kinds: Session.kinds) }
            DAGFolder.refuseDoubles(&files)
        }
        let shown = files.map { file in
            (file, arguments.positionals.isEmpty ? "dags/" + file.file : file.path)
        }
        if arguments.has("--json") {
            terminal.print(json(shown))
        } else {
            for (file, name) in shown { report(file, name, terminal) }
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

    private static func report(_ file: LoadedDAGFile, _ name: String, _ terminal: Terminal) {
        for problem in file.diagnostics {
            let word = problem.severity == .warning ? "warning: " : ""
            terminal.print("\(name):\(problem.line):\(problem.column): \(word)\(problem.message)")
        }
        guard let dag = file.dag else { return }
        terminal.print(
            "\(name): \(dag.id) is valid, \(dag.tasks.count) task\(dag.tasks.count == 1 ? "" : "s"); \(Schedules.words(dag))"
        )
    }
}

/// Schedules in words.
enum Schedules {
    static func words(_ dag: DAG) -> String {
        guard let timetable = dag.timetable else { return "it has no schedule: it runs when triggered" }
        let next = upcoming(dag, after: Instant(microseconds: WallClock.now()), count: 3)
        let list = next.map { "\($0.interval.start) at \($0.runAfter)" }.joined(separator: ", ")
        return "it runs \(timetable.meaning); next: " + (list.isEmpty ? "never, its end has passed" : list)
    }

    /// The intervals whose runs are due later than `after`.
    static func upcoming(_ dag: DAG, after: Instant, count: Int) -> [(interval: DataInterval, runAfter: Instant)] {
        guard let timetable = dag.timetable else { return [] }
        let shifted = Instant(microseconds: after.microseconds - dag.delay.microseconds)
        // The first interval that ends later than this.
        var interval = timetable.interval(containing: shifted)
        if let start = dag.start, interval.start < start {
            interval = timetable.interval(startingAt: timetable.alignNext(start))
        }
        var found: [(interval: DataInterval, runAfter: Instant)] = []
        while found.count < count {
            if let end = dag.end, interval.start > end { break }
            found.append((interval, interval.end + dag.delay))
            interval = timetable.interval(startingAt: interval.end)
        }
        return found
    }
}
