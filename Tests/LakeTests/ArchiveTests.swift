import Glibc
import JSONText
import SchedulerCore
import Spawn
import Testing

@testable import Lake
@testable import ObjectStore
@testable import TaskKinds

/// Retention, archives and their return, with real files, tar and zstd.
@Suite struct ArchiveTests {
    private let scratch: Scratch
    private static let first = CivilDate(year: 2025, month: 1, day: 1) ?? CivilDate(daysSinceEpoch: 0)

    init() throws {
        scratch = try Scratch()
        try File.makeDirectory(scratch.path + "/landing")
    }

    private func day(_ number: Int) -> String { Self.first.adding(days: number).description }

    private func load(_ texts: [(name: String, text: String)], attempt: Int64 = 1) throws -> RawLoader.Report {
        for (name, text) in texts { try scratch.write("landing/" + name, text) }
        let lake = scratch.lake(attempt: attempt)
        let publisher = Publisher(lake)
        defer { publisher.cleanUp() }
        return try RawLoader(
            lake: lake, bucket: "raw", schema: try Project.alprSchema(), run: "d/r/load", publisher: publisher,
            eventTime: { $0.utf8.count >= 19 ? (String($0.prefix(10)), String($0)) : nil }
        ).load(from: scratch.path + "/landing", day: day(0), remove: false)
    }

    private func frame(_ id: Int, _ day: String) -> (name: String, text: String) {
        ("\(day)-\(id).json", #"{"frame_id": \#(id), "timestamp": "\#(day)T07:00:00.000000"}"#)
    }

    /// What convert, transform and quality leave of a day, as far as retention looks at it.
    private func process(_ day: String, failedChecks: Int = 0) throws {
        let lake = scratch.lake()
        let publisher = Publisher(lake)
        defer { publisher.cleanUp() }
        var input = try #require(try lake.partition("raw", day).manifest())
        for (bucket, from) in [("staging", "raw"), ("sets/plate", "staging"), ("sets/frame", "staging")] {
            let partition = lake.partition(bucket, day)
            let staged = try publisher.stage(partition)
            try File.writeAtomically(staged + "/data.parquet", Array("data".utf8))
            let made = try publisher.publish(
                staged, as: partition,
                Manifest(
                    files: [.init(name: "data.parquet", rows: input.rows, bytes: 4, sha256: "x")], run: "d/r/t",
                    inputs: [.init(partition: lake.partition(from, day).name, generation: input.generation)]))
            if bucket == "staging" { input = made }
        }
        let checks = Array(repeating: #"{"severity":"error","status":"fail"}"#, count: failedChecks)
        try scratch.write(
            "state/lake/quality/d/dt=\(day)/r.json", "{\"checks\":[\(checks.joined(separator: ","))]}")
    }

    private func retention(_ today: Int, staging: Int? = nil) throws -> LakeRetention {
        let today = Self.first.adding(days: today)
        func before(_ days: Int) -> String { today.adding(days: -days).description }
        return LakeRetention(
            scratch.lake(),
            .init(
                raw: "raw", staging: "staging", datasets: "sets", archiveBefore: before(31),
                deleteBefore: before(365), expireStagingBefore: staging.map(before)), try archiver().0)
    }

    /// Where the archives are, and with what.
    private var place = "archive"
    private var remote = RemoteArchive { throw LakeError("nobody speaks to S3 here") }

    private func archiver(_ attempt: Int64 = 1) throws -> (Archiver, Publisher) {
        let lake = scratch.lake(attempt: attempt)
        let publisher = Publisher(lake)
        let archiver = try Archiver(
            lake: lake, raw: "raw", archive: place, publisher: publisher, run: "d/r/a", remote: remote)
        return (archiver, publisher)
    }

    private func perform(_ retention: LakeRetention) throws {
        let publisher = Publisher(scratch.lake())
        defer { publisher.cleanUp() }
        for step in try retention.plan() { try retention.perform(step, publisher) }
    }

    private func days(_ steps: [LakeRetention.Step], _ action: LakeRetention.Action) -> [String] {
        steps.filter { $0.action == action }.map(\.day)
    }

    private func files(_ day: String) throws -> [String: String] {
        let folder = scratch.lake().partition("raw", day).path
        return Dictionary(
            uniqueKeysWithValues: try File.list(folder).filter { $0 != Partition.manifestName }.map {
                ($0, String(decoding: try File.read(folder + "/" + $0), as: UTF8.self))
            })
    }

    // MARK: Retention

    /// Fourteen months, a retention run each month: 31 days stay, a year of archives stays, the rest is gone.
    @Test func fourteenMonthsEndAsTheyShould() throws {
        // A day in six: each day costs two processes and some fsyncs.
        let all = stride(from: 0, to: 425, by: 6)
        _ = try load(all.map { frame(1, day($0)) })
        for number in all { try process(day(number)) }
        var ends: [Int] = []
        var month = CivilDate.firstOfMonth(year: 2025, month: 2)
        while month.daysSinceEpoch - Self.first.daysSinceEpoch <= 425 {
            ends.append(month.daysSinceEpoch - Self.first.daysSinceEpoch)
            month =
                month.month == 12
                ? CivilDate.firstOfMonth(year: month.year + 1, month: 1)
                : CivilDate.firstOfMonth(year: month.year, month: month.month + 1)
        }
        for today in ends { try perform(try retention(today, staging: 60)) }
        let today = try #require(ends.last)
        let lake = scratch.lake()
        for number in all {
            let raw = try #require(try lake.partition("raw", day(number)).manifest())
            let isOld = number < today - 31
            #expect((raw.archived != nil) == isOld, "\(day(number))")
            #expect(raw.rows == (isOld ? 0 : 1))
            #expect(raw.counts["loaded"]?.integer == 1, "what was counted stays known")
            #expect(File.exists(lake.partition("archive/raw", day(number)).path) == (isOld && number >= today - 365))
            #expect(try lake.partition("staging", day(number)).manifest()?.isExpired == (number < today - 60))
            #expect(File.exists(lake.partition("sets/plate", day(number)).data), "datasets stay")
        }
        #expect(try retention(today, staging: 60).plan().isEmpty, "a second run has nothing to do")
    }

    @Test func whatIsNotProcessedOrHeldStays() throws {
        _ = try load((0..<7).map { frame(1, day($0)) } + [("0_01.08.2025.07.00.00.000000.json", "")])
        for number in [0, 2, 3, 4, 5, 6] { try process(day(number), failedChecks: number == 2 ? 2 : 0) }
        // Late data that no run has consumed; a dataset that was not made anew; a hold.
        _ = try load([frame(2, day(3))])
        try process(day(4))
        try File.removeTree(scratch.lake().partition("sets/frame", day(4)).path)
        try scratch.write(
            "state/lake/sets/frame/dt=\(day(4))/_manifest.json",
            #"{"generation":1,"files":[],"run":"r","inputs":[{"partition":"staging/dt=\#(day(4))","generation":1}]}"#)
        try LegalHolds.add(.init(from: day(5), to: day(5), reason: "case 17"), scratch.lake())
        let plan = try retention(100).plan()
        #expect(days(plan, .archive) == [day(0), day(6), day(7)], "the last has nothing to be processed")
        #expect(
            plan.filter { $0.action == .keep }.map { "\($0.day): \($0.detail)" } == [
                "\(day(1)): staging/dt=\(day(1)) was never made from it",
                "\(day(2)): 2 quality checks of d failed",
                "\(day(3)): staging/dt=\(day(3)) has consumed generation 1 of 2",
                "\(day(4)): no dataset of sets was made from generation 2 of staging/dt=\(day(4))",
                "\(day(5)): on hold: case 17",
            ])
        #expect(try LegalHolds.lift(from: day(5), to: day(5), scratch.lake()))
        #expect(try !LegalHolds.lift(from: day(5), to: day(5), scratch.lake()))
        #expect(try days(retention(100).plan(), .archive).contains(day(5)))
    }

    @Test func holdsThatCannotBeReadKeepEverything() throws {
        _ = try load([frame(1, day(0))])
        try process(day(0))
        try scratch.write("state/lake/holds.json", "{")
        #expect(throws: LakeError.self) { try retention(100).plan() }
    }

    // MARK: There and back

    @Test func aWeekComesBackAsItWas() throws {
        _ = try load((0..<7).flatMap { number in (0..<5).map { frame($0, day(number)) } })
        for number in 0..<7 { try process(day(number)) }
        let before = try (0..<7).map { try files(day($0)) }
        let manifests = try (0..<7).map { try scratch.lake().partition("raw", day($0)).manifest()?.files }
        try perform(try retention(100))
        #expect(try files(day(3)).isEmpty)
        let (archiver, publisher) = try archiver(2)
        defer { publisher.cleanUp() }
        for number in 0..<7 {
            #expect(try archiver.restore(day(number)) == .restored(rows: 5))
            #expect(try archiver.restore(day(number)) == .notArchived, "once is enough")
        }
        #expect(try (0..<7).map { try files(day($0)) } == before)
        #expect(try (0..<7).map { try scratch.lake().partition("raw", day($0)).manifest()?.files } == manifests)
        // And there again: nothing that was processed has to be processed again for it.
        #expect(try days(retention(100).plan(), .archive).count == 7)
    }

    @Test func theArchiveOfTheSameDataIsTheSameFile() throws {
        _ = try load([frame(1, day(0))])
        try process(day(0))
        func sha() throws -> String? {
            try scratch.lake().partition("archive/raw", day(0)).manifest()?.files.first?.sha256
        }
        let (archiver, _) = try archiver()
        try archiver.store(day(0))
        let first = try sha()
        try archiver.restore(day(0))
        try archiver.store(day(0))
        #expect(try sha() == first)
    }

    @Test func anArchiveIsNoTableToAsk() throws {
        _ = try load([frame(1, day(0))])
        try process(day(0))
        try perform(try retention(100))
        let service = QueryService(home: scratch.path, lake: scratch.lake())
        defer { service.stop() }
        let runner = QueryRunner(home: scratch.path, lake: scratch.lake())
        let problem = CatalogueProblem(
            .badValue,
            "archive/raw holds packed archives, which have no rows to ask for; `weir lake restore` brings a day back")
        #expect(throws: problem) { _ = try service.answer(.table(LakeQuery(table: "archive/raw")), .values) }
        #expect(throws: problem) { _ = try runner.answer(.table(LakeQuery(table: "archive/raw")), .values) }
    }

    @Test func aDamagedArchiveIsNotRestored() throws {
        _ = try load([frame(1, day(0))])
        try process(day(0))
        let (archiver, _) = try archiver()
        try archiver.store(day(0))
        let file = scratch.lake().partition("archive/raw", day(0)).path + "/" + Archiver.fileName
        var bytes = try File.read(file)
        bytes[bytes.count / 2] ^= 1
        try File.writeAtomically(file, bytes)
        #expect(throws: LakeError("\(file) is damaged: its SHA-256 is not that of its manifest")) {
            try archiver.restore(day(0))
        }
        try archiver.delete(day(0))
        #expect(
            throws: LakeError("archive/raw/dt=\(day(0)) is not there any more: archives are deleted when they are old")
        ) { try archiver.restore(day(0)) }
        #expect(throws: LakeError.self) { try archiver.restore(day(1)) }
    }

    // MARK: In S3

    /// Sets the place to a bucket of its own.
    private mutating func useS3(_ storageClass: String? = nil) throws -> S3Store {
        let server = try Self.server.get()
        let store = try server.store()
        place = "s3://\(store.bucket)/old"
        remote = RemoteArchive { store.settings }
        remote.storageClass = storageClass
        return store
    }

    private static let server = Result { try TestServer() }

    @Test mutating func aWeekGoesToABucketAndComesBack() throws {
        let store = try useS3()
        _ = try load((0..<7).flatMap { number in (0..<5).map { frame($0, day(number)) } })
        for number in 0..<7 { try process(day(number)) }
        let before = try (0..<7).map { try files(day($0)) }
        try perform(try retention(100))
        #expect(try files(day(3)).isEmpty)
        let keys = try store.all("").objects.map(\.key)
        #expect(keys.count == 14)
        let sha = try #require(keys.first { $0.hasSuffix(".tar.zst") }.flatMap { try store.head($0)?.sha256 })
        #expect(keys.prefix(2) == ["old/raw/dt=\(day(0))/_manifest.json", "old/raw/dt=\(day(0))/raw-\(sha).tar.zst"])
        let closed = try #require(try scratch.lake().partition("raw", day(3)).manifest()?.archived)
        #expect(closed.partition == "\(place)/raw/dt=\(day(3))")
        // Whoever brings it back needs not to know where it is.
        place = "archive"
        let (archiver, publisher) = try archiver(2)
        defer { publisher.cleanUp() }
        for number in 0..<7 { #expect(try archiver.restore(day(number)) == .restored(rows: 5)) }
        #expect(try (0..<7).map { try files(day($0)) } == before)
        // A year later nothing is left.
        place = "s3://\(store.bucket)/old"
        try perform(try retention(400))
        #expect(try store.all("").objects.isEmpty)
    }

    @Test mutating func anArchiveInASlowClassIsAskedForAndAwaited() throws {
        let store = try useS3("DEEP_ARCHIVE")
        _ = try load([frame(1, day(0))])
        try process(day(0))
        try perform(try retention(100))
        let objects = try store.all("").objects
        #expect(
            objects.map(\.storageClass) == ["STANDARD", "DEEP_ARCHIVE"], "what says that it counts can be read at once")
        let (archiver, publisher) = try archiver(2)
        defer { publisher.cleanUp() }
        #expect(try archiver.restore(day(0)) == .requested)
        let sent = try Self.server.get().requests(store)
        #expect(sent.last?.method == "POST" && sent.last?.target.hasSuffix("?restore=") == true)
        // moto's retrieval takes until somebody has looked.
        var result = try archiver.restore(day(0))
        if result == .awaited { result = try archiver.restore(day(0)) }
        #expect(result == .restored(rows: 1))
        #expect(sent.allSatisfy { $0.refused == nil })
    }

    @Test mutating func anArchivingThatWasCutOffIsDoneAgainAndLeavesNothingBehind() throws {
        let store = try useS3()
        _ = try load([frame(1, day(0))])
        try process(day(0))
        // What another attempt has left: an object that no manifest names.
        try store.write("old/raw/dt=\(day(0))/raw-0.tar.zst", [1])
        try perform(try retention(100))
        let keys = try store.all("").objects.map(\.key)
        #expect(keys.count == 2 && !keys.contains { $0.hasSuffix("raw-0.tar.zst") })
        // The same bytes are not sent twice.
        let (archiver, _) = try archiver(2)
        try archiver.restore(day(0))
        let before = try Self.server.get().requests(store).count
        try archiver.store(day(0))
        let sent = try Self.server.get().requests(store).dropFirst(before)
        #expect(!sent.contains { $0.method == "PUT" && $0.target.hasSuffix(".tar.zst") })
        #expect(try store.all("").objects.map(\.key) == keys)
    }

    @Test mutating func whoIsSecondIsToldAndDestroysNothing() throws {
        let store = try useS3()
        _ = try load([frame(1, day(0))])
        try process(day(0))
        let key = "old/raw/dt=\(day(0))/_manifest.json"
        // Between the look at the manifest and its writing another lake writes its own.
        try Self.server.get().race(key, put: #"{"generation":1,"files":[],"run":"another"}"#, store)
        let (archiver, publisher) = try archiver()
        defer { publisher.cleanUp() }
        #expect(throws: LakeError.self) { try archiver.store(day(0)) }
        #expect(try store.contents(key).map { String(decoding: $0.bytes, as: UTF8.self) }?.contains("another") == true)
        #expect(try scratch.lake().partition("raw", day(0)).manifest()?.archived == nil, "the raw data stays")
    }

    /// A server that fails three times in ten, in all the ways it knows: the same end, and nothing twice.
    @Test(arguments: 1...3) mutating func aBadServerChangesNothing(seed: UInt64) throws {
        let store = try useS3("GLACIER_IR")
        _ = try load((0..<3).flatMap { number in (0..<5).map { frame($0, day(number)) } })
        for number in 0..<3 { try process(day(number)) }
        let before = try (0..<3).map { try files(day($0)) }
        // SplitMix64, so that a seed is the same faults everywhere.
        let faults = (1...300).map { number in
            var word = (seed &* 1000 &+ UInt64(number)) &* 0x9E37_79B9_7F4A_7C15
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            let kinds = ["500", "503", "429", "gone", "lost", "cut"]
            return word >> 32 & 1023 < 307 ? kinds[Int((word >> 44) % 6)] : "pass"
        }
        try Self.server.get().fail(faults, store)
        try perform(try retention(100))
        let (archiver, publisher) = try archiver(2)
        defer { publisher.cleanUp() }
        for number in 0..<3 { #expect(try archiver.restore(day(number)) == .restored(rows: 5)) }
        try Self.server.get().fail([], store)
        #expect(try (0..<3).map { try files(day($0)) } == before)
        #expect(try store.all("").objects.count == 6)
        let met = Set(try Self.server.get().requests(store).map(\.fault))
        #expect(met.count > 4, "\(met)")
    }

    @Test func placesThatAreNone() {
        for place in ["s3://", "s3://UPPER", "s3://a/b"] {
            #expect(throws: LakeError.self) {
                try Archiver(
                    lake: scratch.lake(), raw: "raw", archive: place, publisher: Publisher(scratch.lake()), run: "r",
                    remote: remote)
            }
        }
    }

    // MARK: Late data

    @Test func whatComesForAnArchivedDayIsSetAsideAndDestroysNothing() throws {
        _ = try load([frame(1, day(0)), frame(2, day(0))])
        try process(day(0))
        try perform(try retention(100))
        let late = try load([frame(3, day(0)), frame(1, day(40))])
        #expect(late.closed == [day(0): 1])
        #expect(Array(late.days.keys) == [day(40)], "an archived day is no day that has to run again")
        let closed = try #require(try scratch.lake().partition("raw", day(0)).manifest())
        #expect(closed.generation == 1)
        #expect(closed.archived != nil)
        #expect(closed.counts["seen"]?.integer == 3)
        #expect(closed.counts["loaded"]?.integer == 2)
        #expect(closed.counts["reasons"]?["after_retention"]?.integer == 1)
        #expect(try File.list(scratch.path + "/state/lake/quarantine/dt=\(day(0))").count == 2)
        // The same file again is not counted again; a restored day knows of it.
        try File.removeTree(scratch.path + "/state/lake/.ledger")
        _ = try load([])
        let (archiver, publisher) = try archiver(2)
        defer { publisher.cleanUp() }
        try archiver.restore(day(0))
        let restored = try #require(try scratch.lake().partition("raw", day(0)).manifest())
        #expect(restored.counts["seen"]?.integer == 3)
        #expect(restored.counts["quarantined"]?.integer == 1)
        #expect(restored.rows == 2)
        // From now on the day takes records again.
        _ = try load([frame(4, day(0))], attempt: 3)
        #expect(try scratch.lake().partition("raw", day(0)).manifest()?.counts["loaded"]?.integer == 3)
    }

    @Test func aRunOfAnArchivedDayFailsWithTheCommandToUse() throws {
        _ = try load([frame(1, day(0))])
        try process(day(0))
        try perform(try retention(100, staging: 60))
        let schema = Project.root + "/dags/alpr/record_schema.json"
        let convert = try Attempt.context(
            scratch, kind: "convert", day: day(0), with: #"{"from":"raw","to":"staging","schema":"\#(schema)"}"#)
        #expect(
            throws: TaskFailure(
                "raw/dt=\(day(0)) is archived; `weir lake restore --from \(day(0))` brings it back", mayRetry: false)
        ) { try ConvertKind.run(convert) }
        try File.removeTree(scratch.path + "/attempt")
        let transform = try Attempt.context(
            scratch, kind: "transform", day: day(0), with: #"{"from":"staging","to":"sets","sql":"x"}"#)
        #expect(throws: TaskFailure.self) { try TransformKind.run(transform) }
    }

    @Test func theKindCountsBackFromTheEndOfTheInterval() throws {
        _ = try load([frame(1, day(0)), frame(1, day(40))])
        for number in [0, 40] { try process(day(number)) }
        func run(_ more: String = "") throws -> TaskOutcome {
            if File.exists(scratch.path + "/attempt") { try File.removeTree(scratch.path + "/attempt") }
            // The context's interval ends on its own day.
            return try ArchiveKind.run(
                try Attempt.context(
                    scratch, kind: "archive", day: day(50),
                    with: #"{"raw":"raw","to":"archive","staging":"staging","datasets":"sets"\#(more)}"#))
        }
        #expect(try run(#","dry_run":true"#) == .success)
        #expect(try scratch.lake().days("archive/raw").isEmpty)
        #expect(try run() == .success)
        #expect(try scratch.lake().days("archive/raw") == [day(0)])
        #expect(throws: TaskFailure.self) { try run(#","keep_days":31,"archive_days":31"#) }
        #expect(throws: TaskFailure.self) { try run(#","keep_days":0"#) }
    }
}
