import Engine
import JSONText
import Observability
import SchedulerCore
import Store

/// `weir why`: why something does not run, or ended as it did.
enum WhyCommand {
    static let spec = CommandSpec(
        name: "why", summary: "say why a DAG, a run or a task does not run, or ended as it did",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(
                name: "RUN", count: .optional, values: .run,
                help: "id of the run, or its date where that is enough to tell it"),
            .init(
                name: "TASK", count: .optional, values: .task,
                help: "id of the task; load[3] for one instance of a mapped task"),
        ],
        options: [CommandSpec.json],
        examples: [
            ("weir why alpr_daily", "why no run of it starts, and when the next one does"),
            ("weir why alpr_daily 2022-05-02", "each of its tasks that does not run, or has failed"),
            ("weir why alpr_daily 2022-05-02 quality", "that task; and what failed before it, when that is why"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let role = try session.engineRole()
        let answer: WhyAnswer
        if let id = arguments[1] {
            let reader = try session.existingReader()
            let run = try session.run(arguments.required(0), id, reader)
            answer = try RunReasons(session, reader, run).answer(task: arguments[2])
        } else {
            answer = try DAGReasons(session, hasEngine: role != nil).answer(arguments.required(0))
        }
        if arguments.has("--json") {
            session.terminal.print(answer.json(engine: role))
            return .done
        }
        if role == nil, answer.isOpen {
            session.terminal.print("no daemon runs here: nothing will start; `weir daemon` starts one")
        }
        for line in answer.lines { session.terminal.print(line) }
        return .done
    }
}

/// What `weir why` found.
struct WhyAnswer {
    struct Reason {
        /// The run or task instance that it is about.
        var subject: String
        var state: String
        var why: String?
        /// A line of advice.
        var hint: String?
    }

    var dag: String
    var run: Run?
    /// What was asked about first, then what it is because of.
    var reasons: [Reason]
    /// Whether something could still start.
    var isOpen: Bool

    var lines: [String] {
        reasons.flatMap { reason in
            let hint = reason.hint.map { ["  \($0)"] } ?? []
            // "none" is the name of a state, for programs.
            guard reason.state == TaskState.none.rawValue else {
                return ["\(reason.subject) is \(Text.outcome(reason.state, reason.why))"] + hint
            }
            let why = reason.why ?? "has not begun"
            return [
                "\(reason.subject) " + (why.hasPrefix("waits ") || reason.why == nil ? why : "has not begun: \(why)")
            ] + hint
        }
    }

    func json(engine: EngineRole?) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("dag_id", dag)
            writer.member("run_id", run?.runID)
            writer.member("engine", engine?.rawValue)
            writer.key("reasons")
            writer.array { writer in
                for reason in reasons {
                    writer.object {
                        $0.member("subject", reason.subject)
                        $0.member("state", reason.state)
                        $0.member("reason", reason.why)
                    }
                }
            }
        }
        return writer.text
    }
}
