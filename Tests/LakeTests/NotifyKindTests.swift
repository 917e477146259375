import JSONText
import SchedulerCore
import Spawn
import Testing

@testable import TaskKinds

/// What `notify` says, by each channel.
@Suite struct NotifyKindTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let failure =
        #""notice": {"event": "failure", "state": "failed", "reason": "failed: load", "task": null}"#

    private func context(
        _ with: String, taskID: String = "on_failure:1", more: String = failure, tasks: String? = nil
    ) throws -> TaskContext {
        try scratch.write("7/log", "first\nÿ\u{1B}[1m last words\n")
        return try Attempt.context(
            scratch, kind: "notify", day: "2022-05-02", end: "2022-05-03", with: with, taskID: taskID,
            tasks: tasks
                ?? #"""
                [{"task_id": "load", "map_index": 3, "state": "failed", "reason": "exit 1: last words", "attempt": 7,
                  "try_number": 2, "outputs": {}},
                 {"task_id": "convert", "state": "upstream_failed", "reason": "all_success: load failed", "outputs": {}}]
                """#, more: more)
    }

    private func line(_ path: String) throws -> JSONNode {
        try JSONDocument(parsing: try File.read(path)).root
    }

    // MARK: What it says

    @Test func aFailureSaysWhatWhyAndWhatToDo() throws {
        let message = RunMessage(try context(#"{"to": "ann@example.org"}"#))
        #expect(message.subject == "d 2022-05-02: FAILED (load[3])")
        let lines = message.report.text.split(separator: "\n").map(String.init)
        for line in [
            "failed: load", "load[3] failed: exit 1: last words", "  | first", "  | ÿ [1m last words",
            "  weir logs d r load[3]    # all that it printed",
            "  weir clear d r --failed    # run it again, once the cause is mended",
        ] {
            #expect(lines.contains(line), "\(line) in\n\(message.report.text)")
        }
        let html = try HTMLReading(message.report.html)
        #expect(html.problems == [] && html.text.contains("weir clear d r --failed"))
    }

    @Test(arguments: [
        ("failure", "FAILED"), ("deadline", "LATE"), ("retry", "RETRY"), ("task_retry", "RETRY"), ("missed", "MISSED"),
        ("task_failure", "FAILED"), ("success", "OK"),
    ])
    func theVerdictOfAnEvent(event: String, verdict: String) throws {
        let notice = "\"notice\": {\"event\": \"\(event)\", \"state\": \"running\"}"
        let message = RunMessage(try context(#"{"to": "a"}"#, more: notice, tasks: "[]"))
        #expect(message.report.verdict == verdict && message.report.event == event)
    }

    @Test func aMissedDaySaysHowToGoOn() throws {
        let notice = #""notice": {"event": "missed", "state": "failed", "reason": "no run had succeeded by 08:00"}"#
        let text = RunMessage(try context(#"{"to": "a"}"#, taskID: "on_missed:1", more: notice, tasks: "[]")).report
            .text
        for word in ["no run had succeeded by 08:00", "weir runs d", "weir trigger d"] { #expect(text.contains(word)) }
        #expect(!text.contains("Tasks"))
    }

    // MARK: What names it

    @Test func allTriesOfANotificationHaveOneName() throws {
        func id(_ more: String) throws -> String { RunMessage(try context("{}", more: Self.failure + more)).id }
        #expect(try id("") == id(#", "try_number": 4, "first_try": 1"#))
        #expect(try id("") != id(#", "try_number": 4, "first_try": 4"#))
        #expect(try id("") != id(#", "map_index": 1"#))
        #expect(try id(#", "first_try": 2"#) != id(#", "map_index": 2"#))
        #expect(try id("").utf8.allSatisfy { (0x21...0x7E).contains($0) })
    }

    // MARK: Files

    @Test func aFileGetsALineEachTime() throws {
        for _ in 1...2 { #expect(try NotifyKind.run(try context(#"{"file": "state/new/n.jsonl"}"#)) == .success) }
        let path = scratch.path + "/state/new/n.jsonl"
        let lines = String(decoding: try File.read(path), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == lines[1])
        let node = try JSONDocument(parsing: String(lines[0])).root
        #expect(node["event"]?.string == "failure" && node["state"]?.string == "failed")
        #expect(node["failed_tasks"]?.array?.compactMap { $0["task_id"]?.string } == ["load[3]", "convert"])
        #expect(node["text"]?.string?.contains("last words") ?? false)
    }

    @Test func wordsOfOnesOwn() throws {
        _ = try NotifyKind.run(try context(#"{"file": "a", "body": "one line"}"#))
        _ = try NotifyKind.run(try context(#"{"file": "a", "body": {"x": [1, "ü"]}}"#))
        // What a full disk cut.
        try scratch.write("b", "half")
        _ = try NotifyKind.run(try context(#"{"file": "b", "body": "whole\n"}"#))
        #expect(try File.read(scratch.path + "/a") == Array("one line\n{\"x\":[1,\"ü\"]}\n".utf8))
        #expect(try File.read(scratch.path + "/b") == Array("half\nwhole\n".utf8))
    }

    @Test(arguments: ["/dev/null", "/proc/version", "."])
    func whatIsNoFile(path: String) throws {
        let error = #expect(throws: TaskFailure.self) { try NotifyKind.run(try context("{\"file\": \"\(path)\"}")) }
        #expect(error?.message.contains(path == "." ? scratch.path : path) ?? false)
    }

    // MARK: Web hooks

    @Test func aWebhookIsSentTheDocument() throws {
        let peer = try HTTPPeer(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        defer { peer.stop() }
        let with = "{\"webhook\": \"\(peer.url)/hook\", \"headers\": {\"authorization\": \"Bearer x\", \"X-N\": 5}}"
        let context = try context(with)
        #expect(try NotifyKind.run(context) == .success)
        let request = try #require(peer.requests.first).split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        let head = request[0].split(separator: "\r\n").map(String.init)
        for line in [
            "authorization: Bearer x", "X-N: 5", "Content-Type: application/json",
            "Idempotency-Key: \(RunMessage(context).id)",
        ] {
            #expect(head.contains(line), "\(line) in \(head)")
        }
        let node = try JSONDocument(parsing: request[1]).root
        #expect(node["id"]?.string == RunMessage(context).id && node["dag_id"]?.string == "d")
    }

    @Test func whenItIsToBeTriedAgainIsHandedOn() throws {
        let peer = try HTTPPeer([
            "HTTP/1.1 429 Slow\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        ])
        defer { peer.stop() }
        let context = try context("{\"webhook\": \"\(peer.url)\"}")
        var error = #expect(throws: TaskFailure.self) { try NotifyKind.run(context) }
        #expect(error?.mayRetry == true)
        #expect(
            String(decoding: try File.read(context.directory.output), as: UTF8.self)
                == "{\"key\":\"retry_after\",\"value\":90}\n")
        error = #expect(throws: TaskFailure.self) { try NotifyKind.run(context) }
        #expect(error?.mayRetry == false && error?.message.hasSuffix("answered HTTP 403") ?? false)
    }

    @Test func aHeaderIsAText() throws {
        let error = #expect(throws: TaskFailure.self) {
            try NotifyKind.run(try context(#"{"webhook": "http://127.0.0.1:1/", "headers": {"X": [1]}}"#))
        }
        #expect(error == TaskFailure("header \"X\" must be a text, not an array", mayRetry: false))
    }
}
