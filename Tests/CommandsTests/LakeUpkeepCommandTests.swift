import JSONText
import Spawn
import Testing

@testable import Commands
@testable import ObjectStore

/// Archive, restore, holds and a proposed schema, by hand.
@Suite struct LakeUpkeepCommandTests {
    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write("state/landing/cam/1.json", #"{"frame_id":1,"timestamp":"2022-05-02T07:00:00","duration":7}"#)
        try home.write("state/landing/cam/2.json", #"{"frame_id":2,"timestamp":"2022-05-02T07:00:00","duration":7}"#)
        let schema = File.parent(of: File.parent(of: File.parent(of: #filePath))) + "/dags/alpr/record_schema.json"
        try home.write(
            "dags/d.json",
            #"{"id":"d","schedule":"daily","start":"2022-05-01","tasks":[{"id":"load","kind":"load","with":{"from":"#
                + #""state/landing","schema":"\#(schema)"}},{"id":"convert","kind":"convert","after":["load"],"#
                + #""with":{"schema":"\#(schema)"}},{"id":"sets","kind":"transform","after":["convert"],"#
                + #""with":{"sql":"sql"}}]}"#)
        try home.write("sql/frame.sql", "SELECT frame_id FROM staging")
        let done = home.weir("backfill", "d", "--from", "2022-05-02")
        try #require(done.status == 0, "\(done.err)")
        return home
    }

    @Test func thereAndBack() throws {
        let home = try home()
        let plan = home.weir("lake", "archive", "--today", "2022-06-02", "--dry-run")
        #expect(plan.out.isEmpty || !plan.out.contains("archive"), "31 days stay: \(plan.out)")
        #expect(plan.err == "nothing is old enough\n")
        let dry = home.weir("lake", "archive", "--today", "2022-06-03", "--dry-run")
        #expect(dry.out.contains("2022-05-02  archive  2 records"), "\(dry.out)")
        #expect(
            home.weir("lake", "hold", "--from", "2022-05-01", "--to", "2022-05-03", "--reason", "case 17").status == 0)
        #expect(home.weir("lake", "archive", "--today", "2022-06-03").out.contains("keep  on hold: case 17"))
        #expect(try home.json("lake", "holds").array?.first?["reason"]?.string == "case 17")
        #expect(home.weir("lake", "release", "--from", "2022-05-01", "--to", "2022-05-03").status == 0)
        #expect(try home.json("lake", "archive", "--today", "2022-06-03").array?.first?["action"]?.string == "archive")
        let raw = "state/lake/ultimatealpr/dt=2022-05-02"
        #expect(try !File.list(home.path + "/" + raw).contains("segment-000001.ndjson.zst"))
        #expect(home.weir("lake", "restore", "--from", "2022-05-02", "--dry-run").out.contains("would come back"))
        #expect(home.weir("lake", "restore", "--from", "2022-05-02").out.contains("2022-05-02  restored, 2 records"))
        #expect(home.weir("lake", "restore", "--from", "2022-05-02").out.contains("2022-05-02  is there"))
        #expect(try File.list(home.path + "/" + raw).contains("segment-000001.ndjson.zst"))
    }

    @Test func thereAndBackByABucketOfASlowClass() throws {
        let home = try home()
        let server = try TestServer()
        let store = try server.store()
        let place = "s3://\(store.bucket)/old"
        let keys = [
            "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_ACCESS_KEY_ID": TestServer.keys.id,
            "AWS_SECRET_ACCESS_KEY": TestServer.keys.secret, "AWS_REGION": "eu-central-1",
        ]
        func weir(_ words: String...) -> CommandHome.Output {
            run(["lake"] + words, environment: keys.merging(["WEIR_HOME": home.path]) { $1 })
        }
        let done = weir("archive", "--today", "2022-06-03", "--into", place, "--storage-class", "GLACIER")
        #expect(done.out.contains("2022-05-02  archive  2 records"), "\(done.err)")
        #expect(weir("archive", "--today", "2022-06-03", "--into", place).err == "nothing is old enough\n")
        // Without keys nobody gets at it, and is told what is missing.
        let locked = run(
            ["lake", "restore", "--from", "2022-05-02"],
            environment: ["WEIR_HOME": home.path, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"])
        #expect(locked.status == 1 && locked.err.contains("set AWS_ACCESS_KEY_ID"), "\(locked.err)")
        let asked = weir("restore", "--from", "2022-05-02", "--tier", "Bulk")
        #expect(asked.status == 1)
        #expect(asked.out.contains("2022-05-02  asked for (Bulk); come again, or --wait"), "\(asked.out)\(asked.err)")
        var back = weir("restore", "--from", "2022-05-02")
        if back.status == 1 { back = weir("restore", "--from", "2022-05-02") }
        #expect(back.out.contains("2022-05-02  restored, 2 records"), "\(back.out)\(back.err)")
        #expect(try server.requests(store).allSatisfy { $0.refused == nil })
    }

    @Test func rulesForTheOwnerOfABucket() throws {
        let printed = run([
            "lake", "lifecycle", "--into", "s3://my-archive/alpr/", "--storage-class", "GLACIER", "--after", "3",
        ])
        let rules = try #require(try JSONDocument(parsing: printed.out).root["Rules"]?.array)
        #expect(rules.count == 2)
        #expect(rules[0]["Filter"]?["Prefix"]?.string == "alpr/")
        #expect(rules[0]["AbortIncompleteMultipartUpload"]?["DaysAfterInitiation"]?.integer == 7)
        #expect(rules[0]["Expiration"]?["Days"]?.integer == 400)
        #expect(rules[1]["Filter"]?["And"]?["ObjectSizeGreaterThan"]?.integer == 131_072)
        #expect(rules[1]["Transitions"]?.array?.first?["Days"]?.integer == 3)
        let whole = run(["lake", "lifecycle", "--into", "s3://my-archive", "--archive-days", "30"])
        #expect(try JSONDocument(parsing: whole.out).root["Rules"]?.array?.first?["Filter"]?["Prefix"]?.string == "")
    }

    @Test func aSchemaIsProposedAndNeverReplacesOne() throws {
        let home = try CommandHome()
        try home.write("a.json", #"{"took":5,"id":1,"at":"2022-05-02T07:00:00Z","list":[]}"#)
        try home.write(
            "b.ndjson", "{\"took\":5,\"id\":2,\"at\":\"2022-05-02T07:00:00Z\",\"list\":[\"x\"]}\n\n{\n")
        let files = [home.path + "/a.json", home.path + "/b.ndjson"]
        let printed = home.weir("lake", "infer", files[0], files[1])
        #expect(printed.status == 0)
        let schema = try JSONDocument(parsing: printed.out).root
        #expect(schema["key"]?.string == "id", "the first integer repeats itself")
        #expect(schema["event_time"]?.string == "at")
        #expect(printed.err.contains("b.ndjson#3: passed over: at 1:2"), "\(printed.err)")
        #expect(printed.err.contains("note: rank is 'list'"))
        #expect(home.weir("lake", "infer", files[0], "--out", home.path + "/s.json").status == 0)
        let again = home.weir("lake", "infer", files[0], "--out", home.path + "/s.json")
        #expect(again.status == 1)
        #expect(again.err.contains("is there already"))
    }

    @Test func wrongInputIsNamed() throws {
        let home = try CommandHome()
        let cases: [([String], Int32, String)] = [
            (["restore"], 2, "--from is missing: the first day"),
            (["restore", "--from", "soon"], 2, "--from is 'soon'; it must be a day such as 2022-05-02"),
            (["restore", "--from", "2022-05-02", "--to", "2022-05-01"], 2, "--from is later than --to"),
            (["restore", "--from", "2022-05-02"], 4, "ultimatealpr has no day from 2022-05-02 to 2022-05-02"),
            (
                ["archive", "--keep-days", "9", "--archive-days", "9"], 2,
                "--archive-days must be more than --keep-days"
            ),
            (
                ["archive", "--storage-class", "GLACIER"], 2,
                "--storage-class is for archives in S3: --into s3://BUCKET/PREFIX"
            ),
            (
                ["archive", "--into", "s3://A"], 1,
                "'s3://A' names no bucket of S3; it is s3://BUCKET or s3://BUCKET/PREFIX"
            ),
            (
                ["restore", "--from", "2022-05-02", "--tier", "Fast"], 2,
                "--tier is 'Fast'; it is Expedited, Standard or Bulk"
            ),
            (["lifecycle"], 2, "--into is missing: s3://BUCKET or s3://BUCKET/PREFIX"),
            (["lifecycle", "--into", "archive"], 2, "--into is 'archive'; it is s3://BUCKET or s3://BUCKET/PREFIX"),
            (
                ["lifecycle", "--into", "s3://my-archive", "--after", "3"], 2,
                "--after says when --storage-class begins"
            ),
            (["release", "--from", "2022-05-02"], 4, "there is no hold from 2022-05-02 to 2022-05-02"),
            (["infer"], 2, "FILE is missing"), (["infer", "/no/such.json"], 4, "/no/such.json: No such file"),
            (["restor"], 2, "no command 'lake restor'; did you mean 'restore'?"),
        ]
        for (words, status, message) in cases {
            let output = run(["lake"] + words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            #expect(output.err.contains(message), "\(words): \(output.err)")
        }
        try home.write("state/lake/holds.json", "{")
        #expect(home.weir("lake", "archive").status == 1)
    }
}
