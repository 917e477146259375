import Access
import Engine
import HTTPServer
import JSONText
import SchedulerCore
import Spawn
import Store
import Synchronization
import Testing

@testable import API

/// What watchers are told, and those who come back.
@Suite struct EventFeedTests {
    private let feed = EventFeed(readers: EmptyReaders(), epoch: Instant(microseconds: 7))

    private func watch(
        after last: String? = nil, _ kinds: Set<EventFeed.Kind> = Set(EventFeed.Kind.allCases), dags: Set<String> = [],
        isLetIn: Bool = true
    ) -> EventStream {
        let stream = EventStream(feed, after: last, kinds: kinds, dags: dags) { isLetIn }
        feed.subscribe(stream) {}
        return stream
    }

    private func run(_ id: Int64, _ dag: String = "a") -> Run {
        let at = Instant(microseconds: 0)
        return Run(
            id: id, dagID: dag, runID: "r\(id)", type: .manual, state: .running, version: 1, logicalDate: at,
            interval: DataInterval(start: at, end: at), runAfter: at, createdAt: at)
    }

    private func pool(_ name: String) -> Change { .putPool(Pool(name: name, slots: 1)) }

    /// What a stream says until it has nothing more to say; the events told before it is called come.
    private func said(_ stream: EventStream, until text: String) throws -> String {
        var all = ""
        try wait(for: "'\(text)'") {
            if case .bytes(let bytes) = stream.next() { all += String(decoding: bytes, as: UTF8.self) }
            return all.contains(text)
        }
        return all
    }

    @Test func whatIsCommittedIsTold() throws {
        let stream = watch()
        #expect(try said(stream, until: "ready") == "retry: 2000\nid: 7-0\nevent: ready\ndata: {}\n\n")
        feed.publish([.insertRun(run(1)), pool("p")])
        let text = try said(stream, until: "pool")
        #expect(text.hasPrefix("id: 7-1\nevent: run\ndata: {\"dag_id\":\"a\",\"run_id\":\"r1\""))
        #expect(text.hasSuffix("id: 7-2\nevent: pool\ndata: {\"name\":\"p\"}\n\n"))
    }

    @Test func tasksAreToldWithTheirRun() throws {
        let stream = watch([.task])
        let key = TaskInstanceKey(run: 1, taskID: "t", mapIndex: -1)
        feed.publish([.insertRun(run(1)), .insertTaskInstance(TaskInstance(key: key, state: .none))])
        #expect(try said(stream, until: "event: task").contains(#""dag_id":"a","run_id":"r1","task_id":"t""#))
    }

    @Test func whatChangesBesideTheEngineIsTold() throws {
        let tables = Mutex<[String: [Int64]]?>(["a": [1], "b": [1]])
        feed.add(
            EventFeed.Outside(.lake) {
                guard let now = tables.withLock({ $0 }) else { throw StoreError(.conflict, "not now") }
                return now
            } write: {
                $1.member("table", $0)
            })
        let stream = watch([.lake])
        feed.lookOutside()
        // Nothing is told of what was there, nor of a look that fails.
        tables.withLock { $0 = nil }
        feed.lookOutside()
        tables.withLock { $0 = ["b": [2], "c": [1]] }
        feed.lookOutside()
        let text = try said(stream, until: #""c""#)
        let told = text.split(separator: "\n").filter { $0.hasPrefix("data: {\"") }
        #expect(told == [#"data: {"table":"a"}"#, #"data: {"table":"b"}"#, #"data: {"table":"c"}"#])
    }

    @Test func thatSomebodyDidSomethingIsToldAndNotWhat() throws {
        let stream = watch([.audit])
        feed.publish([.audit(AuditEntry(at: Instant(microseconds: 0), actor: "ada", action: "pause", subject: "a"))])
        #expect(try said(stream, until: "event: audit").hasSuffix("event: audit\ndata: {}\n\n"))
    }

    @Test func onlyWhatWasAskedFor() throws {
        let stream = watch([.run], dags: ["b"])
        feed.publish([.insertRun(run(1, "a")), pool("p"), .insertRun(run(2, "b"))])
        let text = try said(stream, until: "r2")
        #expect(!text.contains("r1") && !text.contains("pool"))
        #expect(text.contains("id: 7-3\n"), "numbers count all events")
    }

    @Test func whoComesBackMissesNothing() throws {
        let first = watch()
        feed.publish([pool("p"), pool("q"), pool("r")])
        _ = try said(first, until: "\"r\"")
        feed.unsubscribe(first)
        let second = watch(after: "7-2")
        let text = try said(second, until: "\"r\"")
        #expect(text.contains("event: ready") && !text.contains("\"q\""))
        // Up to date: nothing comes twice.
        let third = watch(after: "7-3")
        feed.publish([pool("s")])
        #expect(try !said(third, until: "\"s\"").contains("\"r\""))
    }

    /// Of another daemon, of a time that is forgotten, or no name at all.
    @Test(arguments: ["8-1", "7-99", "7", "x", "7--1", "", "7-18446744073709551615"])
    func whoComesBackTooLateIsTold(last: String) throws {
        let first = watch()
        feed.publish([pool("p")])
        _ = try said(first, until: "pool")
        #expect(try said(watch(after: last), until: "reset").contains("id: 7-1\nevent: reset\n"))
    }

    @Test func whatNobodyWatchedIsForgotten() throws {
        feed.publish([pool("p")])
        let late = watch(after: "7-0")
        #expect(try said(late, until: "\n\n").contains("reset"))
    }

    @Test func whoIsTooSlowIsTold() throws {
        let slow = watch()
        _ = try said(slow, until: "ready")
        let count = EventFeed.kept * 2
        feed.publish((0..<count).map { pool("p\($0)") })
        try wait(for: "all of them") { feed.next == UInt64(count + 1) }
        #expect(try said(slow, until: "reset").contains("event: reset"))
    }
}

/// How many requests a client may send.
@Suite struct RateLimitTests {
    private final class Time: Sendable {
        private let now = Mutex(ContinuousClock.now)
        func pass(_ seconds: Double) { now.withLock { $0 += .seconds(seconds) } }
        var value: ContinuousClock.Instant { now.withLock { $0 } }
    }

    @Test func aBucketFillsWithTime() {
        let time = Time()
        let limit = RateLimit(perSecond: 10) { time.value }
        for number in 0..<50 { #expect(limit.wait("1.2.3.4") == nil, "\(number)") }
        #expect(limit.wait("1.2.3.4") == 1)
        #expect(limit.wait("1.2.3.5") == nil, "another client")
        time.pass(0.2)
        #expect(limit.wait("1.2.3.4") == nil && limit.wait("1.2.3.4") == nil && limit.wait("1.2.3.4") == 1)
        time.pass(3600)
        for _ in 0..<50 { #expect(limit.wait("1.2.3.4") == nil) }
        #expect(limit.wait("1.2.3.4") == 1, "no more than five seconds' worth")
    }

    @Test func guessingIsSlow() {
        let time = Time()
        let limit = RateLimit(perSecond: 10) { time.value }
        var guesses = 0
        for _ in 0..<100 where limit.wait("1.2.3.4") == nil {
            limit.refused("1.2.3.4")
            guesses += 1
        }
        #expect(guesses == 5)
        time.pass(1)
        #expect(limit.wait("1.2.3.4") == nil)
    }

    @Test func manyClientsFillNoMemoryAndLockNobodyOut() {
        let limit = RateLimit(perSecond: 1) { [now = ContinuousClock.now] in now }
        for number in 0..<30_000 { #expect(limit.wait("\(number)") == nil) }
    }
}
