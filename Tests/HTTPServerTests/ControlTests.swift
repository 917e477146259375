import API
import Access
import Engine
import JSONText
import SchedulerCore
import Testing

@testable import HTTPServer

/// The command line's client against the daemon's routes, through a socket: every command, reply and refusal comes out as
/// it went in.
@Suite struct ControlTests {
    private let engine = FakeEngine()
    private let server: TestServer
    private let client: ControlClient

    init() throws {
        server = try TestServer(APIService(engine: engine, gate: .open(to: Caller(name: "ann", role: .admin))).router())
        client = ControlClient(socket: server.path)
    }

    private static let time = Instant(microseconds: 1_651_449_600_123_456)
    private static let oddText = "O'Neill \"ü\" 🚗 % / ? ; \\ \u{0}\n\tend"

    static let commands: [EngineCommand] = [
        .status, .reload, .trigger(dag: "alpr_daily", date: nil, params: [:]),
        .trigger(
            dag: "a/b?c ü%2F", date: time,
            params: [
                "text": JSONNode(.string(oddText)), "whole": JSONNode(.integer(.min)), "none": JSONNode(.null),
                "number": JSONNode(.number(1e300, text: "1.0e300")), "yes": JSONNode(.bool(true)),
                "": JSONNode(.array([])),
                "object": JSONNode(
                    .object(JSONObject([JSONMember(key: "k", node: JSONNode(.array([JSONNode(.integer(1))])))]))),
            ]),
        .backfill(BackfillRequest(dag: "a", from: time, to: time)),
        .backfill(
            BackfillRequest(
                dag: oddText, from: Instant(seconds: -1), to: time, reprocess: .completed, maxActive: 7, reverse: true,
                tasks: ["a", oddText], params: ["day": JSONNode(.string("x"))], dryRun: true)),
        .backfill(BackfillRequest(dag: "a", from: time, to: time, reprocess: .failed, maxActive: 1)),
        .cancelRun(dag: "a", runID: "scheduled__2022-05-02T00:00:00Z"), .cancelRun(dag: "..", runID: "a/../b c"),
        .cancelBackfill(1), .cancelBackfill(.max), .pauseBackfill(3, paused: true), .pauseBackfill(4, paused: false),
        .explain(dag: "a/b", runID: "manual__1 %"), .prune(PrunePolicy()), .prune(PrunePolicy(keep: 0)),
        .prune(PrunePolicy(endedBefore: time, keep: 7, auditBefore: Instant(seconds: -1))),
        .clear(ClearRequest(dag: "d", runID: "r")),
        .clear(
            ClearRequest(
                dag: "a/b", runID: "r 1", tasks: ["x", "y/z"], upstream: true, downstream: false, onlyFailed: true,
                latest: true, dryRun: true)),
        .mark(MarkRequest(dag: "d", runID: "r", task: "t/1", state: .failed)),
        .setPaused(dag: "a/b", paused: true), .setPaused(dag: "d", paused: false),
        .setPool(Pool(name: "duck db", slots: 2, description: oddText)), .removePool(name: "duck/db"),
        .drain, .handOver,
    ]

    @Test(arguments: commands.indices)
    func commandsArriveWhole(index: Int) throws {
        let command = Self.commands[index]
        _ = try client.perform(command, actor: "not sent")
        #expect(engine.asked() == ["ann: \(command.text)"], "who asks is whom the socket belongs to")
    }

    private static var pruned: PruneSummary {
        var summary = PruneSummary()
        (summary.runs, summary.attempts, summary.versions) = (1, 2, 3)
        (summary.backfills, summary.auditEntries, summary.orphans, summary.isComplete) = (4, 5, 6, false)
        return summary
    }

    static let replies: [EngineReply] = [
        .done, .pruned(PruneSummary()), .pruned(pruned), .explanation(Explanation()),
        .explanation(Explanation(run: oddText, tasks: ["load[3]": "pool duckdb is full (2 of 2)", "": oddText])),
        .run(
            Run(
                id: 0, dagID: "a", runID: "manual__1", type: .manual, version: 0, logicalDate: time,
                interval: DataInterval(start: time, end: time), runAfter: time, createdAt: time)),
        .run(
            Run(
                id: 0, dagID: "a", runID: oddText, type: .triggered, state: .failed, version: 0, logicalDate: time,
                interval: DataInterval(start: time, end: Instant(seconds: 1_700_000_000)), runAfter: time,
                createdAt: time, startedAt: Instant(seconds: 5), endedAt: Instant(microseconds: -5),
                params: "{\"landing\":\"state/ü\",\"n\":[1,2.5,null]}", reason: oddText)),
        .backfill(id: nil, plan: []), .backfill(id: 12, plan: []),
        .backfill(
            id: 3,
            plan: BackfillEntry.Disposition.allCases.map {
                BackfillPlanEntry(
                    logicalDate: time, interval: DataInterval(start: time, end: Instant(seconds: 1_700_000_000)),
                    runID: "backfill__\($0)", disposition: $0)
            }),
        .status(
            EngineStatus(
                pid: 4711, startedAt: time, version: "1.0", parallelism: 16, runningAttempts: 1, queuedTasks: 2,
                activeRuns: 3, queuedRuns: 4, stoppedBecause: nil)),
        .status(
            EngineStatus(
                pid: 1, startedAt: time, version: oddText, parallelism: 2, runningAttempts: 5, queuedTasks: 6,
                activeRuns: 7, queuedRuns: 8, stoppedBecause: oddText, role: .embedded, isDraining: true,
                pools: [PoolUse(name: "heavy", slots: 2, used: 1, waiting: 7, stuck: 3)],
                arrivals: [
                    FileBacklog(
                        dag: "d", files: 12, bytes: 1 << 40, oldest: Instant(seconds: 5), lag: TimeAmount(seconds: 7)),
                    FileBacklog(dag: "e", problem: "gone"),
                ])),
    ]

    @Test(arguments: replies.indices)
    func repliesComeBackWhole(index: Int) throws {
        let reply = Self.replies[index]
        engine.answer(.success(reply))
        #expect(try client.perform(.reload, actor: "").text == reply.text)
    }

    @Test func aRunOfEveryTypeAndState() throws {
        for type in RunType.allCases {
            for state in RunState.allCases {
                let run = Run(
                    id: 0, dagID: "a", runID: "r", type: type, state: state, version: 0, logicalDate: Self.time,
                    interval: DataInterval(start: Self.time, end: Self.time), runAfter: Self.time, createdAt: Self.time)
                engine.answer(.success(.run(run)))
                #expect(try client.perform(.reload, actor: "").text == EngineReply.run(run).text)
            }
        }
    }

    @Test(arguments: [
        (CommandError.Code.notFound, 404), (.invalid, 422), (.conflict, 409), (.unavailable, 503), (.stopping, 503),
    ])
    func refusalsComeBackWhole(code: CommandError.Code, status: Int) throws {
        let refusal = CommandError(code, "no: \(Self.oddText)")
        engine.answer(.failure(refusal))
        for command in Self.commands {
            #expect(throws: refusal) { try client.perform(command, actor: "") }
        }
        let response = try server.client.send("GET", "/api/v1/status")
        #expect(response.status == status)
        #expect(response.header("Content-Type") == "application/problem+json")
        let problem = try JSONDocument(parsing: response.body).root
        #expect(problem["status"]?.integer == Int64(status))
        #expect(problem["code"]?.string == code.rawValue)
    }

    // MARK: When there is no such daemon

    @Test func nobodyThere() {
        let client = ControlClient(socket: server.folder.path + "/none.sock")
        let error = #expect(throws: CommandError.self) { try client.perform(.status, actor: "") }
        #expect(error?.code == .stopping, "nothing was done, so that another engine can be asked")
        #expect(error?.message.hasPrefix("the daemon cannot be reached: ") ?? false)
    }

    @Test func aDaemonOfAnotherVersion() throws {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/api/v1/status") { _ in .json(Array("{\"status\": {\"pid\": 1}}".utf8)) }
        router.on("POST", "/api/v1/reload") { _ in HTTPResponse(status: 500) }
        let other = try TestServer(router)
        let client = ControlClient(socket: other.path)
        func error(_ command: EngineCommand) -> CommandError? {
            #expect(throws: CommandError.self) { try client.perform(command, actor: "") }
        }
        #expect(error(.status)?.code == .unavailable)
        #expect(error(.status)?.message.contains("are they of one version?") ?? false)
        #expect(error(.reload) == CommandError(.unavailable, "the daemon answered with status 500"))
        #expect(error(.cancelBackfill(1)) == CommandError(.invalid, "the daemon answered with status 404"))
    }

    @Test func aBodyThatIsTooLarge() throws {
        let params = ["text": JSONNode(.string(String(repeating: "x", count: HTTPServer.bodyLimit)))]
        let error = #expect(throws: CommandError.self) {
            try client.perform(.trigger(dag: "a", date: nil, params: params), actor: "")
        }
        #expect(error == CommandError(.invalid, "a body has at most 1048576 bytes"))
        #expect(engine.asked().isEmpty)
    }
}
