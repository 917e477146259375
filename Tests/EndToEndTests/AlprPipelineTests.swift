import Glibc
import JSONText
import Spawn
import Testing

@testable import ObjectStore

/// The licence-plate pipeline from logs to mail, by the built program and the real DuckDB. What must come out is computed
/// by Tests/Oracle/alpr_expected.py, which shares no code with it.
@Suite(.serialized) struct AlprPipelineTests {
    private static let day = "2022-05-02"
    private static let datasets = [
        "bodyStyle", "car", "color", "country", "makeModelYear", "plate", "frame", "candidate",
    ]

    /// A home with the project's DAGs.
    private func home() throws -> WeirHome {
        let home = try WeirHome()
        try home.copy(WeirHome.root + "/dags", to: "dags")
        try File.makeDirectory(home.path + "/state/landing", recursive: true)
        return home
    }

    private func generate(_ home: WeirHome, _ arguments: String...) throws {
        let script = WeirHome.root + "/scripts/generate-logs.py"
        let done = try home.program(["python3", script, "--out", "state/landing", "--from", Self.day] + arguments)
        try #require(done.status == 0, "\(done.err)")
    }

    /// What the oracle says of a day: the row counts, then `equal` or the differences.
    private func compare(_ home: WeirHome, day: String = day) throws -> String {
        let oracle = WeirHome.root + "/Tests/Oracle/alpr_expected.py"
        let duckdb = WeirHome.root + "/.tools/duckdb"
        return try home.program(["python3", oracle, "state/landing", "state/lake", duckdb, day]).out
    }

    private func counts(_ home: WeirHome, day: String = day) throws -> JSONNode {
        try #require(try home.document("state/lake/ultimatealpr/dt=\(day)/_manifest.json")["counts"])
    }

    private func generations(_ home: WeirHome) throws -> [Int64?] {
        try Self.datasets.map {
            try home.document("state/lake/lakestorage/\($0)/dt=\(Self.day)/_manifest.json")["generation"]?.integer
        }
    }

    // MARK: The recognizer's own logs

    private static let samples = WeirHome.samples
    private static let haveSamples: ConditionTrait = .enabled(
        if: samples != nil, "the recognizer's logs are not here: set WEIR_SAMPLES to their folder")

    @Test(haveSamples) func theRealLogsOfADayGoThrough() throws {
        let home = try home()
        try home.copy(try #require(Self.samples), to: "state/landing")
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        try #require(done.status == 0, "\(done.err)")
        let counts = try counts(home)
        #expect(counts["seen"]?.integer == 120)
        #expect(counts["loaded"]?.integer == 120)
        let sizes = "bodyStyle 31, car 31, color 31, country 31, makeModelYear 31, plate 31, frame 120, candidate 620"
        #expect(try compare(home) == "\(sizes)\nequal\n")
        let empty = try home.query("SELECT count(*) AS n FROM lake('frame') WHERE \"plateCount\" = 0")
        #expect(empty.first?["n"]?.integer == 89)
        // What the original system mislabelled.
        let model = try home.query(
            "SELECT make, model, year, \"Confidence\" AS c FROM lake('makeModelYear') WHERE frame_id = 100")
        #expect(model.first?["make"]?.string == "audi")
        #expect(model.first?["model"]?.string == "s5")
        #expect(model.first?["year"]?.string == "0-9")
        #expect(model.first?["c"]?.double == 65.54536)
        let differing = try home.query(
            "SELECT count(*) AS n FROM lake('car') c JOIN lake('plate') p ON car_id = plate_id WHERE c.\"plateText\" <> p.\"plateText\""
        )
        #expect(differing.first?["n"]?.integer == 0)

        // What the checks, the mail and the page say of it.
        #expect(
            try home.weir("quality", "report", "alpr_daily", Self.day).out.contains(
                "50 checks: 2 not_evaluated, 48 pass"))
        let page = home.read("state/lake/reports/alpr_daily/dt=\(Self.day)/index.html")
        for piece in ["74.2 %", "<title>07: 31</title>", "<title>Germany: 9</title>", "<title>silver: 9</title>"] {
            #expect(page.contains(piece), "\(piece)")
        }
        let mail = try mail(home, of: "alpr_daily")
        #expect(mail["subject"]?.string == "alpr_daily \(Self.day): OK")
        #expect(mail["files"]?.array?.map(\.string) == ["alpr_daily-\(Self.day).html"])
        #expect(mail["text"]?.string?.contains("frames without a plate      74.2 %") == true)

        // Again, and again with nothing to do: the same rows, and ids that did not change.
        let again = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--reprocess", "completed")
        #expect(again.status == 0, "\(again.err)")
        #expect(try compare(home) == "\(sizes)\nequal\n")
        let nothing = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        #expect(nothing.status == 0 && nothing.err.contains("nothing to do"), "\(nothing.err)")
        #expect(try generations(home).allSatisfy { $0 == 2 })
    }

    @Test(haveSamples) func twoBackfillsOfOneDayAtOnceGiveItsRowsOnce() throws {
        let home = try home()
        try home.copy(try #require(Self.samples), to: "state/landing")
        try home.startDaemon()
        for _ in 1...2 {
            let done = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--detach")
            #expect(done.status == 0, "\(done.err)")
        }
        // The daemon also makes the scheduled run of yesterday.
        func runs() throws -> [JSONNode] {
            try home.runs("alpr_daily").filter { $0["logical_date"]?.string == "\(Self.day)T00:00:00Z" }
        }
        try home.wait(for: "the run to end") { try runs().first?["state"]?.string == "success" }
        #expect(try runs().count == 1, "the second backfill follows the run of the first")
        #expect(try compare(home).hasSuffix("\nequal\n"))
        #expect(try generations(home).allSatisfy { $0 == 1 })
    }

    // MARK: Generated logs

    @Test func everyFaultIsSetAsideWithItsReasonAndTheCountsAddUp() throws {
        let home = try home()
        try generate(home, "--days", "2", "--frames", "40", "--faults", "--expect", "expected.json")
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--to", "2022-05-03")
        try #require(done.status == 0, "\(done.err)")
        for day in [Self.day, "2022-05-03"] {
            let expected = try #require(try home.document("expected.json")[day])
            let counts = try counts(home, day: day)
            for key in ["seen", "loaded", "duplicates", "quarantined"] {
                #expect(counts[key]?.integer == expected[key]?.integer, "\(day) \(key)")
            }
            let reasons = expected["reasons"]?.object?.members ?? []
            #expect(counts["reasons"]?.object?.members.count == reasons.count)
            for reason in reasons {
                #expect(counts["reasons"]?[reason.key]?.integer == reason.node.integer, "\(day) \(reason.key)")
            }
            #expect(try compare(home, day: day).hasSuffix("\nequal\n"), "\(day)")
            // Each stands in quarantine with its reason; all but the directory with its content.
            let aside = try File.list("\(home.path)/state/lake/quarantine/dt=\(day)")
            #expect(aside.count { $0.hasSuffix(".reason.json") } == expected["quarantined"]?.integer.map(Int.init))
        }
        let mails = try File.list(home.path + "/state/outbox").filter { $0.hasSuffix(".eml") }
        #expect(mails.count == 2)
    }

    @Test func aDayThatIsLoadedInPiecesEqualsOneThatIsLoadedAtOnce() throws {
        let home = try home()
        try generate(home, "--frames", "30", "--cameras", "1")
        #expect(try home.weir("backfill", "alpr_daily", "--from", Self.day).status == 0)
        // More cameras, and the first one's files once more: known by the ledger, or by their content when it is gone.
        try generate(home, "--frames", "30", "--cameras", "3")
        try? File.removeTree(home.path + "/state/lake/.ledger")
        let again = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--reprocess", "completed")
        #expect(again.status == 0, "\(again.err)")
        #expect(try counts(home)["seen"]?.integer == 90)
        #expect(try counts(home)["duplicates"]?.integer == 0)
        #expect(try compare(home).hasSuffix("\nequal\n"))
    }

    @Test func recordsOfOtherDaysMakeExactlyTheseDaysRunOnceEach() throws {
        let home = try home()
        let days = ["2022-05-02", "2022-05-03", "2022-05-04"]
        func generations() throws -> [Int64?] {
            try days.map { day in
                let file = "state/lake/lakestorage/plate/dt=\(day)/_manifest.json"
                guard File.exists(home.path + "/" + file) else { return nil }
                return try home.document(file)["generation"]?.integer
            }
        }
        func waitForAll(_ wanted: Int64) throws {
            try home.wait(for: "generation \(wanted) of each day") {
                let status = try home.json("status")
                return try generations() == [wanted, wanted, wanted]
                    && status["active_runs"]?.integer == 0 && status["queued_runs"]?.integer == 0
            }
        }
        try generate(home, "--days", "3", "--frames", "20", "--cameras", "1")
        // The run of yesterday finds them: each of their days gets its run.
        try home.startDaemon()
        try waitForAll(1)
        // A second camera's frames of the same days come late.
        try generate(home, "--days", "3", "--frames", "20", "--cameras", "2")
        #expect(try home.weir("trigger", "alpr_daily", "--wait").status == 0)
        try waitForAll(2)
        // Nothing new: nothing happens.
        #expect(try home.weir("trigger", "alpr_daily", "--wait").status == 0)
        try waitForAll(2)
        for day in days {
            let load = try home.tasks("alpr_daily", day).first
            #expect(load?["try_number"]?.integer == 2, "\(day) ran twice in all")
            #expect(try compare(home, day: day).hasSuffix("\nequal\n"), "\(day)")
        }
    }

    @Test func aDayWithoutRecordsIsSkippedAndReported() throws {
        let home = try home()
        try generate(home, "--frames", "5")
        let done = try home.weir("backfill", "alpr_daily", "--from", "2022-06-01")
        #expect(done.status == 0, "\(done.err)")
        let run = try #require(try home.runs("alpr_daily").first?["run_id"]?.string)
        let states = try home.tasks("alpr_daily", run).map {
            "\($0["task_id"]?.string ?? "") \($0["state"]?.string ?? "")"
        }
        #expect(
            states == ["load skipped", "convert skipped", "transform skipped", "quality skipped", "notify success"])
        #expect(try home.runs("alpr_daily").count == 1)
    }

    /// Neither would be another at the second try.
    @Test func whatAPersonHasToPutRightIsNotTriedAgain() throws {
        let home = try WeirHome()
        try File.makeDirectory(home.path + "/state/landing")
        #expect(try home.task(attempt: 1, kind: "load", day: Self.day, with: ["schema": "none.json"]) == .exited(98))
        try home.write("broken.json", "{")
        #expect(try home.task(attempt: 2, kind: "load", day: Self.day, with: ["schema": "broken.json"]) == .exited(98))
        home.extraEnvironment["WEIR_DUCKDB"] = "/nowhere"
        #expect(
            try home.task(attempt: 3, kind: "quality", day: Self.day, with: ["checks": "none.json"]) == .exited(98))
    }

    @Test func aMistakeInAnSQLFileIsToldWithItsNameAndPublishesNothing() throws {
        let home = try home()
        try generate(home, "--frames", "5")
        try home.write("dags/alpr/sql/color.sql", "SELECT nothing FROM plates -- a comment at the end")
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        #expect(done.status == 1)
        let run = try #require(try home.runs("alpr_daily").first?["run_id"]?.string)
        let transform = try #require(try home.tasks("alpr_daily", run).first { $0["task_id"]?.string == "transform" })
        let reason = transform["reason"]?.string ?? ""
        #expect(reason.contains("sql/color.sql") && reason.contains("nothing"), "\(reason)")
        #expect(try home.task(attempt: 99, kind: "transform", day: Self.day, with: ["sql": "none"]) == .exited(98))
        #expect(!File.exists(home.path + "/state/lake/lakestorage"))
    }

    @Test func aDayOfAnotherFormatIsTheSameDay() throws {
        let home = try home()
        try generate(home, "--frames", "50", "--format", "ndjson")
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        try #require(done.status == 0, "\(done.err)")
        let other = try self.home()
        try generate(other, "--frames", "50")
        #expect(try other.weir("backfill", "alpr_daily", "--from", Self.day).status == 0)
        // All but the name of the file they came from.
        for dataset in Self.datasets {
            let statement = "SELECT * EXCLUDE \"sourceFile\" FROM lake('\(dataset)') ORDER BY ALL"
            #expect(try home.query(statement).map(\.jsonText) == other.query(statement).map(\.jsonText), "\(dataset)")
        }
    }

    // MARK: Mails

    private static let reader = """
        import email, email.policy, json, sys
        m = email.message_from_bytes(open(sys.argv[1], "rb").read(), policy=email.policy.default)
        json.dump({"subject": m["Subject"], "text": m.get_body(("plain",)).get_content(),
            "defects": [repr(d) for p in m.walk() for d in p.defects],
            "files": [f.get_filename() for f in m.iter_attachments()] if m.get_content_subtype() == "mixed" else [],
            "content": [f.get_content() for f in m.iter_attachments()] if m.get_content_subtype() == "mixed" else []}, sys.stdout)
        """

    /// The first mail of a DAG in the outbox, as Python reads it.
    private func mail(_ home: WeirHome, of dag: String) throws -> JSONNode {
        let folder = home.path + "/state/outbox/"
        let name = try #require(try File.list(folder).first { $0.hasPrefix(dag + ".") })
        let done = try home.program(["python3", "-c", Self.reader, folder + name])
        try #require(done.status == 0, "\(done.err)")
        let message = try JSONDocument(parsing: done.out).root
        #expect(message["defects"]?.array?.isEmpty == true)
        return message
    }

    @Test func aDayAndItsWeekAreMailed() throws {
        let home = try home()
        try generate(home, "--frames", "10")
        // One row fails a check, so that it is seen in the mail.
        try home.write(
            "dags/alpr/checks.json",
            """
            {"keys": {"*": ["frame_id"]}, "checks": [{"type": "range", "dataset": "frame", "columns": ["frame_id"], "min": 1}]}
            """)
        #expect(try home.weir("backfill", "alpr_daily", "--from", Self.day).status == 1)
        let day = try mail(home, of: "alpr_daily")
        #expect(day["subject"]?.string == "alpr_daily \(Self.day): FAILED")
        #expect(day["text"]?.string?.contains("\n      frame_id=0\n") == true, "\(day["text"]?.string ?? "")")
        let page = home.read("state/lake/reports/alpr_daily/dt=\(Self.day)/index.html")
        #expect(day["content"]?.array?.map(\.string) == [page])
        #expect(try home.weir("quality", "report", "alpr_daily").status == 1)

        let done = try home.weir("backfill", "alpr_weekly", "--from", "2022-05-01")
        #expect(done.status == 0, "\(done.err)")
        let week = try mail(home, of: "alpr_weekly")
        #expect(week["subject"]?.string == "alpr_weekly 2022-05-01 to 2022-05-07: FAILED")
        let lines = week["text"]?.string?.split(separator: "\n").map(String.init) ?? []
        #expect(lines.count { $0.contains("  missing  ") } == 6, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("  \(Self.day)  fail  frame.frame_id is within its range") })
    }

    // MARK: Kills

    /// The task dies at each of these points, as in a power loss; then it runs again.
    @Test(arguments: [
        "load.before_publish", "load.before_ledger", "load.before_removal", "publish.before_rename",
        "publish.after_rename",
    ])
    func aLoadThatDiesCountsEachRecordOnce(point: String) throws {
        let home = try home()
        try generate(home, "--days", "2", "--frames", "20", "--faults", "--expect", "expected.json")
        let died = try home.task(
            attempt: 1, kind: "load", day: Self.day,
            with: ["from": "state/landing", "schema": "dags/alpr/record_schema.json"], fault: point)
        #expect(died == .signaled(SIGKILL))
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--to", "2022-05-03")
        #expect(done.status == 0, "\(done.err)")
        for day in [Self.day, "2022-05-03"] {
            let expected = try #require(try home.document("expected.json")[day])
            for key in ["seen", "loaded", "duplicates", "quarantined"] {
                #expect(try counts(home, day: day)[key]?.integer == expected[key]?.integer, "\(day) \(key)")
            }
            #expect(try compare(home, day: day).hasSuffix("\nequal\n"))
        }
    }

    private static let parameters: [String: [String: String]] = [
        "load": ["from": "state/landing", "schema": "dags/alpr/record_schema.json"],
        "convert": ["schema": "dags/alpr/record_schema.json"], "transform": ["sql": "dags/alpr/sql"], "archive": [:],
    ]

    private func task(_ home: WeirHome, _ number: Int64, _ kind: String, day: String = day, fault: String = "") throws
        -> Spawn.ExitStatus
    {
        try home.task(attempt: number, kind: kind, day: day, with: Self.parameters[kind] ?? [:], fault: fault)
    }

    @Test(arguments: [
        "convert publish.before_rename", "convert publish.after_rename", "transform publish.before_rename:1",
        "transform publish.before_rename:4", "transform publish.after_rename:8",
    ])
    func aDayWhoseTaskDiesEndsAsOneThatWasNotDisturbed(what: String) throws {
        let words = what.split(separator: " ").map(String.init)
        let home = try home()
        try generate(home, "--frames", "20")
        let steps = ["load", "convert", "transform"]
        for (number, kind) in steps.enumerated() {
            let status = try task(home, Int64(number + 1), kind, fault: kind == words[0] ? words[1] : "")
            #expect(status == (kind == words[0] ? .signaled(SIGKILL) : .exited(0)), "\(kind)")
            if kind == words[0] { break }
        }
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        #expect(done.status == 0, "\(done.err)")
        #expect(try compare(home).hasSuffix("\nequal\n"))
    }

    @Test(arguments: [
        "archive.before_publish", "publish.before_rename:1", "publish.after_rename:1", "archive.before_removal",
        "publish.before_rename:2", "publish.after_rename:2", "archive.after_removal",
    ])
    func anArchiveThatDiesLosesNothing(point: String) throws {
        let home = try home()
        try generate(home, "--frames", "20")
        #expect(try home.weir("backfill", "alpr_daily", "--from", Self.day).status == 0)
        let raw = try home.document("state/lake/ultimatealpr/dt=\(Self.day)/_manifest.json")["files"]?.jsonText
        #expect(try task(home, 1, "archive", day: "2022-07-01", fault: point) == .signaled(SIGKILL))
        // Whatever is there by now: the raw data, or an archive of all of it.
        let between = try home.document("state/lake/ultimatealpr/dt=\(Self.day)/_manifest.json")
        let archive = "state/lake/archive/ultimatealpr/dt=\(Self.day)"
        #expect(between["files"]?.jsonText == raw || File.exists(home.path + "/" + archive))
        #expect(try task(home, 2, "archive", day: "2022-07-01") == .exited(0))
        let closed = try home.document("state/lake/ultimatealpr/dt=\(Self.day)/_manifest.json")
        #expect(closed["archived"]?["partition"]?.string == "archive/ultimatealpr/dt=\(Self.day)")
        let list = try home.program(["tar", "--zstd", "-tf", archive + "/raw.tar.zst"])
        #expect(list.out.contains("segment-000001.ndjson.zst"), "\(list.err)")
        // Datasets stay, and a rerun of the day says what to do.
        #expect(try compare(home).hasSuffix("\nequal\n"))
        let again = try home.weir("backfill", "alpr_daily", "--from", Self.day, "--reprocess", "completed")
        #expect(again.status == 1)
        #expect(try compare(home).hasSuffix("\nequal\n"))
    }

    @Test(arguments: [
        "archive.before_publish", "archive.before_manifest", "archive.before_removal", "archive.after_removal",
    ])
    func anArchiveForABucketThatDiesLosesNothing(point: String) throws {
        let home = try home()
        let server = try TestServer()
        let store = try server.store()
        home.extraEnvironment = [
            "AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": TestServer.keys.id, "AWS_REGION": "eu-central-1",
            "AWS_SECRET_ACCESS_KEY": TestServer.keys.secret,
        ]
        try generate(home, "--frames", "20")
        #expect(try home.weir("backfill", "alpr_daily", "--from", Self.day).status == 0)
        let manifest = "state/lake/ultimatealpr/dt=\(Self.day)/_manifest.json"
        let raw = try home.document(manifest)["files"]?.jsonText
        let with = ["to": "s3://\(store.bucket)/old", "storage_class": "GLACIER"]
        let folder = "old/ultimatealpr/dt=\(Self.day)/"
        #expect(
            try home.task(attempt: 1, kind: "archive", day: "2022-07-01", with: with, fault: point)
                == .signaled(SIGKILL))
        let isThere = try store.head(folder + "_manifest.json") != nil
        #expect(try home.document(manifest)["files"]?.jsonText == raw || isThere)
        // Once more, by a server that is in trouble.
        try server.fail(["503", "pass", "lost", "pass", "gone", "lost"], store)
        #expect(try home.task(attempt: 2, kind: "archive", day: "2022-07-01", with: with) == .exited(0))
        #expect(try store.all("").objects.count == 2)
        #expect(
            try home.document(manifest)["archived"]?["partition"]?.string == "s3://\(store.bucket)/\(folder.dropLast())"
        )
        // It is asked for, awaited, and back; 97 is a sensor's "not yet".
        func restore(_ number: Int64, _ with: [String: String]) throws -> Spawn.ExitStatus {
            try home.task(attempt: number, kind: "restore", day: "2022-07-01", with: with)
        }
        #expect(try restore(3, ["from": Self.day, "tier": "Bulk"]) == .exited(97))
        #expect(try server.requests(store).last?.target.hasSuffix("?restore=") == true)
        // moto's retrieval takes until somebody has looked.
        var (number, status): (Int64, Spawn.ExitStatus) = (4, try restore(4, ["from": Self.day]))
        while status == .exited(97) {
            number += 1
            status = try restore(number, ["from": Self.day])
        }
        #expect(status == .exited(0))
        #expect(try restore(number + 1, ["from": Self.day]) == .exited(0), "it is there")
        for (place, wrong) in [["from": "soon"], ["to": "2022-01-01"], [:]].enumerated() {
            #expect(try restore(number + 2 + Int64(place), wrong) == .exited(98), "\(wrong)")
        }
        #expect(try home.document(manifest)["files"]?.jsonText == raw)
        #expect(try server.requests(store).allSatisfy { $0.refused == nil })
    }
}
