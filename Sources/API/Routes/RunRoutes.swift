import Access
import HTTPServer
import JSONText
import SchedulerCore
import Spawn
import Store

/// Runs, task instances, attempts and what they printed.
extension APIService.Data {
    private static let run = "/api/v1/dags/{dag_id}/runs/{run_id}"
    private static let mapIndex = Field.optional("map_index", .integer(-1...1_000_000), "-1: not mapped")

    var runRoutes: [Route] {
        let readers = readers
        return [
            list("/api/v1/runs", "list_runs", "runs of all DAGs, newest logical date first", [.logicalDate]),
            list(
                "/api/v1/dags/{dag_id}/runs", "list_runs_of_dag", "runs of a DAG, newest logical date first",
                RunQuery.Order.allCases),
            Route(
                method: .get, path: "/api/v1/tasks", name: "list_tasks_of_all",
                summary: "task instances of all runs, those of the last created run first", role: .viewer,
                query: [
                    Page.limit, Page.taskCursor,
                    .optional("state", .array(.words(of: TaskState.self)), "only these; may be repeated"),
                    .optional("dag_id", .string()), .optional("from", .instant, "first logical date"),
                    .optional("to", .instant, "last logical date"),
                ], answer: .json(Page.schema(TaskJSON.schema)), lane: .slow
            ) { request in
                let limit = request.limit
                let query = TaskQuery(
                    dag: request.text("dag_id"), states: request.words("state", TaskState.self),
                    from: request.instant("from"), to: request.instant("to"), after: try request.taskCursor(),
                    limit: limit + 1)
                let found = try readers.read { try $0.tasks(query) }
                return Page.answer(
                    found, limit: limit, cursor: { "\($0.position.run).\($0.position.position)" }
                ) { TaskJSON.write($0.instance, $0.run, to: &$1) }
            },
            Route(
                method: .get, path: Self.run, name: "get_run", summary: "a run", role: .viewer,
                answer: .json(.named(RunJSON.schema))
            ) { request in
                let run = try readers.read { try Self.run(request, $0) }
                return .json { RunJSON.write(run, to: &$0) }
            },
            Route(
                method: .get, path: Self.run + "/tasks", name: "list_tasks",
                summary: "the task instances of a run, in the order of the DAG's file", role: .viewer,
                query: [
                    .optional("state", .array(.words(of: TaskState.self)), "only these; may be repeated"),
                    .optional(
                        "sort", .words(["start_date", "-start_date", "duration", "-duration", "state", "-state"]),
                        "the order; - for falling (that of the DAG's file)"),
                ],
                answer: .json(.object([.required("items", .array(.named(TaskJSON.schema)))]))
            ) { request in
                let states = request.words("state", TaskState.self)
                let (run, tasks) = try readers.read { reader in
                    let run = try Self.run(request, reader)
                    return (run, try reader.taskInstances(ofRun: run.id))
                }
                let wanted = tasks.filter { states.isEmpty || states.contains($0.state) }
                return Page.items(Self.sorted(wanted, request.text("sort"))) { TaskJSON.write($0, run, to: &$1) }
            },
            Route(
                method: .get, path: Self.run + "/tasks/{task_id}", name: "get_task", summary: "a task instance",
                role: .viewer, query: [Self.mapIndex], answer: .json(.named(TaskJSON.schema))
            ) { request in
                let (run, task) = try readers.read { try Self.task(request, $0) }
                return .json { TaskJSON.write(task, run, to: &$0) }
            },
            Route(
                method: .get, path: Self.run + "/tasks/{task_id}/attempts", name: "list_attempts",
                summary: "the tries of a task instance, oldest first", role: .viewer, query: [Self.mapIndex],
                answer: .json(.object([.required("items", .array(.named(AttemptJSON.schema)))]))
            ) { request in
                let attempts = try readers.read { try $0.attempts(of: Self.task(request, $0).task.key) }
                return Page.items(attempts) { AttemptJSON.write($0, to: &$1) }
            },
            logRoute(
                "/tasks/{task_id}/log", "get_last_log", "what the last try of a task instance has printed; see get_log"
            ) { request, attempts in
                guard let last = attempts.last else {
                    throw Problem.notFound("task '\(request.path("task_id"))' has not started, so there is no log")
                }
                return last
            },
            logRoute(
                "/tasks/{task_id}/attempts/{attempt_id}/log", "get_log",
                "what a try printed, from an offset on; the header Weir-Next-Offset says where the next part begins",
                parameters: ["attempt_id": .integer(1...Int64.max)]
            ) { request, attempts in
                let wanted = try request.number("attempt_id", of: "an attempt")
                guard let attempt = attempts.first(where: { $0.id == wanted }) else {
                    throw Problem.notFound("task '\(request.path("task_id"))' has no attempt \(wanted)")
                }
                return attempt
            },
            Route(
                method: .get, path: "/api/v1/dags/{dag_id}/grid", name: "get_grid",
                summary: "the last runs of a DAG with the states of their tasks, newest logical date first",
                role: .viewer,
                query: [
                    .optional("limit", .integer(1...500), "runs (50)"),
                    Page.runCursor,
                ], answer: .json(Page.schema(Self.gridSchema)), failures: [422]
            ) { request in
                let (limit, dag) = (request.integer("limit") ?? 50, request.path("dag_id"))
                let query = RunQuery(dag: dag, after: try request.runCursor(), limit: limit + 1)
                let rows = try readers.read { reader in
                    _ = try Self.dag(dag, reader)
                    return try reader.runs(query).map { ($0, try reader.taskInstances(ofRun: $0.id)) }
                }
                return Page.answer(rows, limit: limit, cursor: { query.cursor($0.0) }) { row, writer in
                    writer.object { writer in
                        writer.member("run_id", row.0.runID)
                        writer.member("run_type", row.0.type.rawValue)
                        writer.member("state", row.0.state.rawValue)
                        writer.member("logical_date", "\(row.0.logicalDate)")
                        writer.member("start_date", row.0.startedAt.map { "\($0)" })
                        writer.member("end_date", row.0.endedAt.map { "\($0)" })
                        writer.key("tasks")
                        writer.array { writer in
                            for task in row.1 {
                                writer.object {
                                    $0.member("task_id", task.key.taskID)
                                    $0.member("map_index", task.key.mapIndex)
                                    $0.member("state", task.state.rawValue)
                                    $0.member("try_number", task.tryNumber)
                                    $0.member("duration", task.duration?.seconds)
                                }
                            }
                        }
                    }
                }
            },
        ]
    }

    private static let gridSchema = NamedSchema(
        name: "GridRow", help: "a run with the states of its tasks",
        fields: [
            .required("run_id", .string()), .required("run_type", .words(of: RunType.self)),
            .required("state", .words(of: RunState.self)), .required("logical_date", .instant),
            .required("start_date", .nullable(.instant)), .required("end_date", .nullable(.instant)),
            .required(
                "tasks",
                .array(
                    .object([
                        .required("task_id", .string()), .required("map_index", .integer()),
                        .required("state", .words(of: TaskState.self)), .required("try_number", .integer()),
                        .required("duration", .nullable(.number), "seconds that the last try took"),
                    ]))),
        ])

    /// - Parameter choose: the attempt whose log is wanted, of all of a task instance.
    private func logRoute(
        _ path: String, _ name: String, _ summary: String, parameters: [String: Schema] = [:],
        choose: @escaping @Sendable (APIRequest, [Attempt]) throws -> Attempt
    ) -> Route {
        let (readers, folder, streams) = (readers, attemptFolder, streams)
        return Route(
            method: .get, path: Self.run + path, name: name, summary: summary, role: .viewer, parameters: parameters,
            query: [
                Self.mapIndex, .optional("offset", .integer(0...Int64(1) << 40)),
                .optional("limit", .integer(1...4 << 20), "bytes (1 MiB)"),
                .optional("tail", .boolean, "the end instead; without an offset"),
                .optional(
                    "follow", .boolean,
                    "from the offset up to the end, as it is written: the answer ends with the attempt; without a limit"
                ),
            ], answer: .text("text/plain"), lane: .slow,
            headers: [
                ("Weir-Next-Offset", "where the next part begins"),
                ("Weir-Log-Complete", "whether nothing will be added: true or false"),
            ]
        ) { request in
            let attempts = try readers.read { try $0.attempts(of: Self.task(request, $0).task.key) }
            let attempt = try choose(request, attempts)
            let directory = AttemptDirectory(path: folder(attempt.id))
            guard request.bool("follow") else { return try Self.log(attempt, directory, request) }
            let (key, id) = (attempt.instance, attempt.id)
            let follower = LogFollower(
                directory.log, from: Int64(request.integer("offset") ?? 0),
                isRunning: {
                    let attempts = try? readers.read { try $0.attempts(of: key) }
                    return attempts?.contains { $0.id == id && $0.state == .running } ?? true
                }, isLetIn: request.isLetIn)
            return try streams.response("text/plain; charset=utf-8", next: { follower.next() })
        }
    }

    private func list(_ path: String, _ name: String, _ summary: String, _ orders: [RunQuery.Order]) -> Route {
        let readers = readers
        return Route(
            method: .get, path: path, name: name, summary: summary, role: .viewer,
            query: [
                Page.limit, Page.runCursor, Page.sort(orders.map(\.rawValue)),
                .optional("state", .array(.words(of: RunState.self)), "only these; may be repeated"),
                .optional("run_type", .array(.words(of: RunType.self)), "only these; may be repeated"),
                .optional("from", .instant, "first logical date"), .optional("to", .instant, "last logical date"),
                .optional("backfill_id", .integer(1...Int64.max), "only those of this backfill"),
                .optional(
                    "standing", .boolean, "without failed runs where a later one of the same logical date has succeeded"
                ),
            ], answer: .json(Page.schema(RunJSON.schema)), failures: [422]
        ) { request in
            let dag = request.http.parameters["dag_id"]
            let limit = request.limit
            var query = RunQuery(
                dag: dag, states: request.words("state", RunState.self), types: request.words("run_type", RunType.self),
                from: request.instant("from"), to: request.instant("to"),
                backfill: request.integer("backfill_id").map(Int64.init), after: try request.runCursor(),
                limit: limit + 1)
            query.failuresThatStand = request.bool("standing")
            if let sort = request.text("sort") {
                query.isRising = !sort.hasPrefix("-")
                query.order = RunQuery.Order(rawValue: String(sort.drop { $0 == "-" })) ?? .logicalDate
            }
            let runs = try readers.read { [query] reader in
                if let dag { _ = try Self.dag(dag, reader) }
                return try reader.runs(query)
            }
            let sort = request.text("sort")
            return Page.answer(runs, limit: limit, cursor: { query.cursor($0, sort: sort) }) {
                RunJSON.write($0, to: &$1)
            }
        }
    }

    /// In the order of a `sort`; those that are equal stay in theirs.
    private static func sorted(_ tasks: [TaskInstance], _ sort: String?) -> [TaskInstance] {
        func place(_ task: TaskInstance) -> Int64 {
            switch sort.map({ $0.drop { $0 == "-" } }) {
            case "start_date": task.startedAt?.microseconds ?? 0
            case "duration": task.duration?.microseconds ?? 0
            case "state": Int64(TaskState.allCases.firstIndex(of: task.state) ?? 0)
            default: 0
            }
        }
        let isFalling = sort?.hasPrefix("-") ?? false
        let placed = tasks.enumerated().map { (place: place($0.element), index: $0.offset, task: $0.element) }
        return placed.sorted {
            $0.place == $1.place ? $0.index < $1.index : isFalling ? $0.place > $1.place : $0.place < $1.place
        }.map(\.task)
    }

    private static func run(_ request: APIRequest, _ reader: any StoreReader) throws -> Run {
        let (dag, id) = (request.path("dag_id"), request.path("run_id"))
        guard let run = try reader.run(dag: dag, runID: id) else {
            throw Problem.notFound("DAG '\(dag)' has no run '\(id)'")
        }
        return run
    }

    private static func task(
        _ request: APIRequest, _ reader: any StoreReader
    ) throws -> (run: Run, task: TaskInstance) {
        let run = try run(request, reader)
        let (id, index) = (request.path("task_id"), request.integer("map_index") ?? -1)
        guard
            let task = try reader.taskInstances(ofRun: run.id)
                .first(where: { $0.key.taskID == id && $0.key.mapIndex == index })
        else { throw Problem.notFound("run '\(run.runID)' has no task '\(id)'" + (index < 0 ? "" : " \(index)")) }
        return (run, task)
    }

    private static func log(
        _ attempt: Attempt, _ directory: AttemptDirectory, _ request: APIRequest
    ) throws -> HTTPResponse {
        var headers = [("Content-Type", "text/plain; charset=utf-8")]
        guard File.exists(directory.log) else {
            guard attempt.state == .running else {
                throw Problem.notFound("what attempt \(attempt.id) printed is gone")
            }
            headers.append(("Weir-Next-Offset", "0"))
            return HTTPResponse(headers: headers)
        }
        let limit = request.integer("limit") ?? 1 << 20
        let chunk =
            request.bool("tail") && request.integer("offset") == nil
            ? try AttemptLog.tail(directory.log, limit: limit)
            : try AttemptLog.read(directory.log, from: Int64(request.integer("offset") ?? 0), limit: limit)
        headers.append(("Weir-Next-Offset", "\(chunk.nextOffset)"))
        headers.append(("Weir-Log-Complete", chunk.atEnd && attempt.state != .running ? "true" : "false"))
        return HTTPResponse(headers: headers, body: chunk.bytes)
    }
}
