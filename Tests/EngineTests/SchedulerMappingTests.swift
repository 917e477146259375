import SchedulerCore
import Simulation
import Testing

/// `for_each`: one instance per element.
@Suite struct SchedulerMappingTests {
    private let world = SchedulerWorld()

    private func load(_ mapping: String, more: String = "") throws {
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "list", "kind": "command", "with": {"command": ["true"]}},
              {"id": "each", "kind": "command", "after": ["list"], "for_each": \(mapping),
               "with": {"command": ["true"]}\(more)},
              {"id": "last", "kind": "command", "after": ["each"], "with": {"command": ["true"]}}]}
            """)
        try world.request(.trigger(dag: "d", date: nil, params: [:]))
    }

    private func end(_ task: String, mapIndex: Int = -1, exitCode: Int = 0, outputs: String? = nil) throws {
        let attempt = try #require(world.attempt(of: task, mapIndex: mapIndex), "\(task)[\(mapIndex)] does not run")
        try world.end(attempt, exitCode: exitCode, outputs: outputs)
    }

    private func states() throws -> [String: TaskState] { try world.states(try #require(try world.runs("d").first)) }

    @Test func aLiteralListGivesAnInstanceForEachElement() throws {
        try load(#"["a", {"k": 1}]"#)
        try end("list")
        #expect(
            try states() == [
                "list": .success, "each": .removed, "each[0]": .running, "each[1]": .running, "last": .none,
            ])
        let values = world.started.filter { $0.taskID == "each" }.map { launch in
            launch.env.filter { ["WEIR_MAP_INDEX", "WEIR_EACH_VALUE"].contains($0.name) }.map(\.value)
        }
        #expect(values == [["0", "a"], ["1", #"{"k":1}"#]])
        try end("each", mapIndex: 1)
        #expect(try states()["last"] == TaskState.none, "it waits for all")
        try end("each", mapIndex: 0)
        try end("last")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func anOutputIsTheList() throws {
        try load(#""{{ outputs.list.files }}""#)
        try end("list", outputs: #"{"files": [1, 2, 3]}"#)
        #expect(Set(world.live.values.map(\.mapIndex)) == [0, 1, 2])
        try world.restart()
        #expect(Set(world.live.values.map(\.mapIndex)) == [0, 1, 2], "a restart makes none and loses none")
        for index in 0..<3 { try end("each", mapIndex: index, exitCode: index == 1 ? 1 : 0) }
        #expect(try states()["last"] == .upstreamFailed, "one failed")
        #expect(try world.runs("d").first?.reason == "failed: each[1] (exit 1)")
    }

    @Test func anEmptyListSkips() throws {
        try load("[]")
        try end("list")
        #expect(try states() == ["list": .success, "each": .skipped, "last": .skipped])
    }

    @Test(arguments: [
        (#"{"files": 5}"#, "for_each: the list must be an array, not an integer"),
        (#"{"files": [1,2,3]}"#, "for_each: the list has 3 elements; its limit is 2"),
        ("{}", #"for_each: task "list" has handed on no "files"; it has handed on nothing"#),
    ])
    func aListThatCannotBeUsedFails(outputs: String, reason: String) throws {
        try load(#"{"in": "{{ outputs.list.files }}", "limit": 2}"#)
        try end("list", outputs: outputs)
        let run = try #require(try world.runs("d").first)
        #expect(try world.instance("each", run).state == .failed)
        #expect(try world.instance("each", run).reason == reason)
        #expect(run.state == .failed)
    }

    @Test func soManyAtOnce() throws {
        try load(#"{"in": [1, 2, 3], "max_active": 2}"#)
        try end("list")
        #expect(Set(world.live.values.map(\.mapIndex)) == [0, 1])
        let run = try #require(try world.runs("d").first)
        #expect(
            world.scheduler.whyNotRunning(dag: "d", runID: run.runID, task: "each", mapIndex: 2)
                == "max_active of for_each is reached (2 of 2)")
        try end("each", mapIndex: 0)
        #expect(Set(world.live.values.map(\.mapIndex)) == [1, 2])
    }

    @Test func soManyAtOnceAlsoAfterARestart() throws {
        try load(#"{"in": [1, 2, 3, 4], "max_active": 2}"#)
        try end("list")
        try world.restart()
        #expect(Set(world.live.values.map(\.mapIndex)) == [0, 1])
        try end("each", mapIndex: 0)
        #expect(Set(world.live.values.map(\.mapIndex)) == [1, 2])
    }

    @Test func aTaskAfterGetsAListOfWhatEachHandedOn() throws {
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "each", "kind": "command", "for_each": [1, 2, 3], "with": {"command": ["true"]}},
              {"id": "last", "kind": "command", "after": ["each"], "for_each": "{{ outputs.each.n }}",
               "with": {"command": ["true"]}}]}
            """)
        try world.request(.trigger(dag: "d", date: nil, params: [:]))
        for index in [2, 0, 1] { try end("each", mapIndex: index, outputs: index == 1 ? "{}" : "{\"n\": \(index)}") }
        let values = world.started.filter { $0.taskID == "last" }.map { launch in
            launch.env.first { $0.name == "WEIR_EACH_VALUE" }?.value
        }
        #expect(values == ["0", "null", "2"])
    }

    /// The list has become shorter: what is beyond its end goes, however it ended before.
    @Test(arguments: [TaskState.success, .failed, .skipped, .cancelled, .upstreamFailed])
    func aListThatShrinks(before: TaskState) throws {
        try load(#""{{ outputs.list.files }}""#)
        try end("list", outputs: #"{"files": [1, 2, 3]}"#)
        let run = try #require(try world.runs("d").first)
        switch before {
        case .success, .failed, .skipped:
            for index in 0..<3 {
                try end("each", mapIndex: index, exitCode: before == .success ? 0 : before == .failed ? 1 : 99)
            }
        case .cancelled:
            try world.request(.cancelRun(dag: "d", runID: run.runID))
            for index in 0..<3 { try end("each", mapIndex: index) }
        default:
            for index in 0..<3 { try end("each", mapIndex: index) }
            try end("last")
            try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["list"]))
            try end("list", exitCode: 1)
        }
        while let attempt = world.live.keys.min() { try world.end(attempt) }
        #expect(try world.states(run)["each[2]"] == before)
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["list"], downstream: false))
        try end("list", outputs: #"{"files": [7]}"#)
        while let attempt = world.live.keys.min() { try world.end(attempt) }
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["each[0]"]))
        try end("each", mapIndex: 0)
        #expect(try world.states(run)["each[1]"] == .removed)
        #expect(try world.states(run)["each[2]"] == .removed)
        try end("last")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func anElementThatComesBackRunsAgain() throws {
        try load(#""{{ outputs.list.files }}""#)
        for files in ["[1, 2, 3]", "[1]", "[1, 2]"] {
            try end("list", outputs: "{\"files\": \(files)}")
            let count = files.split(separator: ",").count
            #expect(world.live.values.map(\.mapIndex).sorted() == Array(0..<count), "\(files)")
            for index in 0..<count { try end("each", mapIndex: index) }
            try end("last")
            let run = try #require(try world.runs("d").first)
            #expect(run.state == .success)
            try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["list"]))
        }
    }

    @Test func anElementThatGoesAsTheLastLetsThoseAfterItGoOn() throws {
        try load(#""{{ outputs.list.files }}""#)
        try end("list", outputs: #"{"files": [1, 2]}"#)
        let run = try #require(try world.runs("d").first)
        let killed = try #require(world.attempt(of: "each", mapIndex: 1))
        try end("each", mapIndex: 0)
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["list"]))
        try end("list", outputs: #"{"files": [1]}"#)
        try end("each", mapIndex: 0)
        #expect(try states()["last"] == TaskState.none, "the old attempt of each[1] still runs")
        try world.end(killed)
        #expect(try states()["each[1]"] == .removed)
        try end("last")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func aTaskThatIsNoLongerMappedRunsAsOne() throws {
        try load("[1, 2]")
        try end("list")
        for index in 0..<2 { try end("each", mapIndex: index, exitCode: 1) }
        let run = try #require(try world.runs("d").first)
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "list", "kind": "command", "with": {"command": ["true"]}},
              {"id": "each", "kind": "command", "after": ["list"], "with": {"command": ["true"]}},
              {"id": "last", "kind": "command", "after": ["each"], "with": {"command": ["true"]}}]}
            """)
        try world.clear(ClearRequest(dag: "d", runID: run.runID, latest: true))
        try end("list")
        #expect(
            try states() == [
                "list": .success, "each": .running, "each[0]": .removed, "each[1]": .removed, "last": .none,
            ])
        try end("each")
        try end("last")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func oneInstanceIsClearedAndMarked() throws {
        try load("[1, 2]")
        try end("list")
        for index in 0..<2 { try end("each", mapIndex: index, exitCode: 1) }
        let run = try #require(try world.runs("d").first)
        #expect(run.state == .failed)
        try world.mark(run, "each[0]", .success)
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["each[1]"]))
        #expect(world.live.values.map(\.mapIndex) == [1], "only that one runs again")
        try end("each", mapIndex: 1)
        try end("last")
        #expect(try world.runs("d").first?.state == .success)
        guard case .refused(let error) = try world.mark(run, "each[7]", .success) else {
            Issue.record("there is no such instance")
            return
        }
        #expect(error.message == "task 'each' of run '\(run.runID)' has no instance 7")
    }
}
