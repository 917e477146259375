import Engine
import JSONText
import SQLiteStore
import Store

/// `weir db check`: whether the store is sound.
enum DBCheckCommand {
    static let spec = CommandSpec(
        name: "db check", summary: "look through the store for damage and contradictions",
        options: [CommandSpec.json],
        examples: [("weir db check", "exit 0 when all is well, 1 when not; also beside a running daemon")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let problems: [StoreProblem]
        do throws(StoreError) {
            problems = try StoreCheck.problems(path: session.home.database)
        } catch {
            throw error.code == .missing ? CommandFailure(.notFound, error.message) : CommandFailure(error)
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for problem in problems {
                    writer.object {
                        $0.member("code", problem.code.rawValue)
                        $0.member("message", problem.message)
                        $0.member("remedy", problem.remedy)
                    }
                }
            }
            session.terminal.print(writer.text)
        } else {
            for problem in problems { session.terminal.print("\(problem.message); \(problem.remedy)") }
            if problems.isEmpty { session.terminal.print("\(session.home.database): all is well") }
        }
        return problems.isEmpty ? .done : .failed
    }
}
