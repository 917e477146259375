import Glibc
import SchedulerCore
import Simulation
import Spawn
import Store
import Synchronization
import Testing

@testable import Engine

/// A turn: one commit, then the effects; and what happens when the commit fails.
struct EngineLoopTests {
    private let full = StoreError(.io, "the disk is full")

    @Test func nothingStartsBeforeItsRowIsCommitted() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        let run = try world.trigger()
        try world.end("a")
        try wait(for: "the run's end") { try world.state(run) == .success }
        #expect(world.early.all.isEmpty)
        let journal = world.journal.all
        let start = try #require(journal.firstIndex(of: "start a"))
        #expect(journal[..<start].contains("commit"))
        #expect(journal.last == "discard 1")
        #expect(journal.dropLast().last == "commit", "the files go away only after the end is committed: \(journal)")
    }

    @Test func aFailedCommitDoesNothingAndTheEngineGoesOn() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        try world.waitForDAG()
        world.store.failNext(full)
        #expect(throws: CommandError(.unavailable, "not done: the disk is full")) { try world.trigger() }
        #expect(!world.journal.all.contains("start a"))
        let run = try world.trigger()
        try world.end("a")
        try wait(for: "the run's end") { try world.state(run) == .success }
        #expect(try world.status().stoppedBecause == nil)
        #expect(world.journal.all.count { $0 == "start a" } == 1)
    }

    @Test func aResultThatCouldNotBeCommittedIsFoundAgain() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        let run = try world.trigger()
        world.store.failNext(full)
        try world.end("a")
        try wait(for: "the run's end") { try world.state(run) == .success }
        #expect(world.journal.all.contains("recover [1]"))
        #expect(world.journal.all.count { $0 == "start a" } == 1, "the task ran twice")
    }

    @Test func aStoreThatStaysBrokenIsSaidAndMendedByItself() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        let run = try world.trigger()
        let before = world.store.commits
        world.store.setBroken(full)
        try world.end("a")
        try wait(for: "the second failure") { world.store.commits >= before + 2 }
        // Standing still, it answers questions and refuses changes.
        #expect(try world.status().stoppedBecause == "the disk is full")
        let error = #expect(throws: CommandError.self) { try world.trigger() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("the disk is full") == true)
        #expect(world.store.commits - before < 6, "it tries again and again without a pause")
        world.store.setBroken(nil)
        try wait(for: "the run's end") { try world.state(run) == .success }
        #expect(try world.status().stoppedBecause == nil)
        let audit = try world.store.reading { (store) throws(StoreError) in try store.audit(limit: 10) }
        #expect(audit.contains { $0.action == "recover" && $0.details == #"{"error":"the disk is full"}"# })
    }

    private func key(_ name: String, _ fingerprint: String = "f", caller: String = "ann") -> RequestKey {
        RequestKey(caller: caller, key: name, fingerprint: fingerprint) { reply in
            if case .run(let run) = reply { run.runID } else { "another answer" }
        }
    }

    /// The first answer comes again, and nothing is done; also by the next engine on the same store.
    @Test func aRequestWithAKeyIsCarriedOutOnce() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        try world.waitForDAG()
        let trigger = EngineCommand.trigger(dag: "d", date: nil, params: [:])
        guard case .run(let first) = try world.engine.perform(trigger, actor: "ann", key: key("k")) else {
            Issue.record("no run")
            return
        }
        let commits = world.store.commits
        guard case .replayed(let again) = try world.engine.perform(trigger, actor: "ann", key: key("k")) else {
            Issue.record("it was done again")
            return
        }
        #expect(again == first.runID && world.store.commits == commits)
        let error = #expect(throws: CommandError.self) {
            try world.engine.perform(trigger, actor: "ann", key: key("k", "other"))
        }
        #expect(error?.code == .invalid && error?.message == "the key 'k' was used for another request")
        let kept = try world.store.keptAnswer(caller: "ann", key: "k")
        #expect(kept?.answer == first.runID)
        // Of somebody else, and another one, they are other requests.
        for other in [key("k", caller: "bob"), key("l")] {
            guard case .run(let run) = try world.engine.perform(trigger, actor: "ann", key: other) else {
                Issue.record("no run")
                return
            }
            #expect(run.runID != first.runID)
        }
    }

    /// Neither a refusal nor what was not committed is kept.
    @Test func whatWasNotDoneIsTriedAgain() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        try world.waitForDAG()
        let trigger = EngineCommand.trigger(dag: "d", date: nil, params: [:])
        world.store.failNext(full)
        #expect(throws: CommandError(.unavailable, "not done: the disk is full")) {
            try world.engine.perform(trigger, actor: "ann", key: key("k"))
        }
        let wrong = EngineCommand.trigger(dag: "none", date: nil, params: [:])
        #expect(throws: CommandError.self) { try world.engine.perform(wrong, actor: "ann", key: key("k")) }
        #expect(try world.store.keptAnswer(caller: "ann", key: "k") == nil)
        guard case .run = try world.engine.perform(trigger, actor: "ann", key: key("k")) else {
            Issue.record("no run")
            return
        }
    }

    @Test func anEngineWithABrokenStoreCanBeStopped() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        _ = try world.trigger()
        let before = world.store.commits
        world.store.setBroken(full)
        try world.end("a")
        try wait(for: "the second failure") { world.store.commits >= before + 2 }
        world.engine.stop()
        #expect(world.endings.all == ["end"])
    }

    @Test func whatIsCommittedIsAnsweredThoughTheStoreFailsAfterIt() throws {
        let daily = simpleDAG.replacing(
            "\"id\": \"d\"", with: "\"id\": \"d\", \"schedule\": \"daily\", \"start\": \"2022-05-01\"")
        let world = try EngineWorld(dags: ["d.json": daily])
        let day = try #require(Instant(rfc3339: "2022-05-02T00:00:00Z"))
        _ = try world.engine.perform(.backfill(BackfillRequest(dag: "d", from: day, to: day)), actor: "test")
        try world.end("a")
        try wait(for: "the backfill's end") { try world.backfill(1)?.state == .success }
        world.store.failNextLoading()
        let again = BackfillRequest(dag: "d", from: day, to: day, reprocess: .completed)
        guard case .backfill(let id, _) = try world.engine.perform(.backfill(again), actor: "test") else { return }
        #expect(id == 2)
        try world.end("a")
        try wait(for: "the second backfill's end") { try world.backfill(2)?.state == .success }
    }

    @Test func aFencedEngineEndsAndAnswersEverybody() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        try world.waitForDAG()
        world.store.failNext(StoreError(.fenced, "another daemon took over"))
        #expect(throws: CommandError.self) { try world.trigger() }
        try wait(for: "the end") { world.endings.all == ["end"] }
        #expect(world.engine.failure?.message == "another daemon took over")
        // Nobody takes from the mailbox any more.
        #expect(throws: CommandError(.stopping, "the daemon is stopping")) { try world.trigger() }
        #expect(throws: CommandError.self) { try world.engine.perform(.reload, actor: "test") }
    }

    @Test func stopAnswersWhoWaits() throws {
        let world = try EngineWorld(dags: ["d.json": simpleDAG])
        try world.waitForDAG()
        let engine = world.engine
        let answers = Journal()
        let asking = Journal()
        var threads: [WorkerThread] = []
        // While the commit of the first command waits, the others and the stop wait in the mailbox.
        world.store.gate.withLock { _ in
            for number in 0..<4 {
                threads.append(
                    WorkerThread {
                        asking.note("ask")
                        do throws(CommandError) {
                            _ = try engine.perform(.trigger(dag: "d", date: nil, params: [:]), actor: "\(number)")
                            answers.note("done")
                        } catch {
                            answers.note(error.code.rawValue)
                        }
                    })
            }
            while asking.all.count < 4 { usleep(1000) }
            threads.append(WorkerThread { engine.stop() })
        }
        for thread in threads { thread.join() }
        #expect(answers.all.count == 4)
        #expect(Set(answers.all).isSubset(of: ["done", "stopping"]))
        #expect(throws: CommandError(.stopping, "the daemon is stopping")) { try world.trigger() }
    }
}

extension EngineWorld {
    func backfill(_ id: Int64) throws -> Backfill? {
        try store.reading { (store) throws(StoreError) in try store.backfill(id)?.backfill }
    }
}
