import Engine
import Glibc
import Observability
import SchedulerCore
import Spawn
import Store

/// `weir logs`: what a task printed, try by try.
enum LogsCommand {
    static let spec = CommandSpec(
        name: "logs", summary: "show what a task printed",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(name: "RUN", values: .run, help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", values: .task, help: "id of the task; load[3] for one instance of a mapped task"),
        ],
        options: [
            .value("--try", "N", values: .number, "only this try"),
            .value(
                "--tail", "N", values: .number,
                "only the last N lines of the latest try; with --follow all that comes after them"),
            .flag(
                "--follow", short: "-f", "go on through all tries until the task has ended, and exit 1 when it failed"),
        ],
        examples: [
            ("weir logs alpr_daily 2022-05-02 convert", "all tries of that task"),
            ("weir logs -f --tail 20 alpr_daily 2022-05-02 convert", "what it prints now, until it has ended"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let reader = try session.existingReader()
        let run = try session.run(arguments.required(0), arguments.required(1), reader)
        let taskID = arguments.required(2)
        let task = try TaskChoice.instance(taskID, try reader.taskInstances(ofRun: run.id), run)
        let only = try arguments.integer("--try", in: 1...1_000_000)
        let tail = try arguments.integer("--tail", in: 0...1_000_000)
        let follows = arguments.has("--follow")
        Interrupts.catchThem()
        let watch = EngineWatch(session)
        var shown: Set<Int64> = []
        while true {
            // Before its attempts: a try that ends after this look is seen in the next one.
            let current = try reader.taskInstances(ofRun: run.id).first { $0.key == task.key } ?? task
            let attempts = try reader.attempts(of: task.key).filter { only == nil || $0.tryNumber == only }
            if attempts.isEmpty, !follows || current.state.isFinal {
                let wanted = only.map { "no try \($0)" } ?? (current.state.isFinal ? "no log" : "no try yet")
                let reason = current.reason.map { ": \($0)" } ?? ""
                let state = current.state == .none ? "has not begun" : "is \(current.state.rawValue)"
                throw CommandFailure(.notFound, "task '\(taskID)' \(state) and has \(wanted)\(reason)")
            }
            if tail != nil, shown.isEmpty { shown = Set(attempts.dropLast().map(\.id)) }
            for attempt in attempts where !shown.contains(attempt.id) {
                let isFirst = attempt.id == attempts.last?.id && tail != nil && shown.count == attempts.count - 1
                shown.insert(attempt.id)
                try show(attempt, session, reader, tail: isFirst ? tail : nil, watch: follows ? watch : nil)
            }
            let isOver = current.state.isFinal && attempts.allSatisfy { shown.contains($0.id) }
            if !follows { return .done }
            if isOver { return Self.status(current, attempts, only: only) }
            if let only, current.tryNumber > only { return Self.status(current, attempts, only: only) }
            if Interrupts.happened { return .interrupted }
            if session.terminal.outputFailure != nil { return .done }
            try watch.look(isRunning: current.state == .running)
            usleep(100_000)
        }
    }

    /// How the task, or the try that was asked for, has ended.
    private static func status(_ task: TaskInstance, _ attempts: [Attempt], only: Int?) -> ExitCode {
        if only != nil, let last = attempts.last { return [.success, .skipped].contains(last.state) ? .done : .failed }
        return [.success, .skipped].contains(task.state) ? .done : .failed
    }

    /// - Parameters:
    ///   - tail: lines; nil: the whole log.
    ///   - watch: nil: only what is there now.
    private static func show(
        _ attempt: Attempt, _ session: Session, _ reader: any StoreReader, tail: Int?, watch: EngineWatch?
    ) throws {
        let reason = attempt.reason.map { ": \($0)" } ?? ""
        session.terminal.print(
            "==> try \(attempt.tryNumber) (attempt \(attempt.id)): \(attempt.state.rawValue)\(reason) <==")
        let directory = AttemptDirectory(path: session.home.attempt(attempt.id))
        let path = directory.log
        var offset: Int64 = 0
        if let tail, File.exists(path) { offset = try start(ofLast: tail, path) }
        while true {
            let isRunning = try reader.attempts(of: attempt.instance).first { $0.id == attempt.id }?.state == .running
            // Before the log is read to its end: what was written until then is shown.
            let hasResult = File.exists(directory.result)
            while File.exists(path) {
                let chunk = try AttemptLog.read(path, from: offset)
                session.terminal.write(chunk.bytes)
                offset = chunk.nextOffset
                if chunk.atEnd { break }
            }
            if !isRunning, attempt.startedAt != nil, !File.exists(path) {
                session.terminal.print("(what it printed is gone: removed as \"retention\" says, or by hand)")
            }
            guard let watch, isRunning, !Interrupts.happened, session.terminal.outputFailure == nil else { return }
            try watch.look(isRunning: !hasResult)
            usleep(100_000)
        }
    }

    /// Where the last lines of a log begin.
    private static func start(ofLast lines: Int, _ path: String) throws -> Int64 {
        // Starts of the last lines, in a ring: a log has up to 64 MiB.
        var starts: [Int64] = [0]
        var offset: Int64 = 0
        while true {
            let chunk = try AttemptLog.read(path, from: offset)
            // A gap in the middle of the log shows as a line, whose place is not that of its bytes.
            let base = chunk.nextOffset - Int64(chunk.bytes.count)
            for (index, byte) in chunk.bytes.enumerated() where byte == UInt8(ascii: "\n") {
                starts.append(max(base, offset) + Int64(index) + 1)
                if starts.count > 2 * (lines + 2) { starts.removeFirst(starts.count - lines - 2) }
            }
            offset = chunk.nextOffset
            if chunk.atEnd { break }
        }
        // What comes after the last line feed is a line only when there is something.
        let isEnded = starts.last == offset
        let wanted = starts.count - lines - (isEnded ? 1 : 0)
        return lines == 0 ? offset : starts[max(wanted, 0)]
    }
}

/// Whether somebody records ends and starts what comes next, while a command only looks on.
final class EngineWatch {
    private let session: Session
    private var lookedAt: Int64 = 0
    private var hasTold = false

    private static let lookMicroseconds: Int64 = 1_000_000
    /// One command hands over to the next; a daemon restarts.
    private static let patience: Int64 = 3_000_000
    private var absentSince: Int64?

    init(_ session: Session) { self.session = session }

    /// - Parameter isRunning: whether there is something to see all the same: a process that runs.
    /// - Throws: when nothing will happen any more.
    func look(isRunning: Bool) throws(CommandFailure) {
        let now = WallClock.monotonic()
        guard now - lookedAt >= Self.lookMicroseconds else { return }
        lookedAt = now
        guard try session.engineRole() == nil else {
            absentSince = nil
            hasTold = false
            return
        }
        let since = absentSince ?? now
        absentSince = since
        guard now - since >= Self.patience else { return }
        guard isRunning else {
            throw CommandFailure(
                .unavailable,
                "no daemon runs here: nothing will start, and no end is recorded; `weir daemon` starts one")
        }
        if !hasTold {
            hasTold = true
            session.terminal.error("weir: no daemon runs here; the task goes on, and the next one records its end")
        }
    }
}
