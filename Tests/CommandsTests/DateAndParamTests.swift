import Engine
import JSONText
import SchedulerCore
import Testing

@testable import Commands

/// Dates, parameters and settings, as people write them.
@Suite struct DateAndParamTests {
    private let zone: Zone

    init() throws { zone = try #require(SystemZones.zone("America/New_York")) }

    @Test(arguments: [
        ("2022-05-02", "2022-05-02T04:00:00Z", "2022-05-03T03:59:59.999999Z"),
        ("2022-05-02T10:00", "2022-05-02T14:00:00Z", "2022-05-02T14:00:00Z"),
        ("2022-05-02T10:00:00Z", "2022-05-02T10:00:00Z", "2022-05-02T10:00:00Z"),
        ("2022-05-02T10:00:00+02:00", "2022-05-02T08:00:00Z", "2022-05-02T08:00:00Z"),
        // A day of 23 hours and one of 25.
        ("2022-03-13", "2022-03-13T05:00:00Z", "2022-03-14T03:59:59.999999Z"),
        ("2022-11-06", "2022-11-06T04:00:00Z", "2022-11-07T04:59:59.999999Z"),
    ])
    func aDateAloneIsAWholeLocalDay(text: String, first: String, last: String) throws {
        #expect("\(try Dates.instant(text, "--from", zone))" == first)
        #expect("\(try Dates.last(text, "--to", zone))" == last)
    }

    @Test(arguments: [
        "", "yesterday", "2022-13-01", "2022-02-30", "2022-5-2", "02.05.2022", "2022-05-02T25:00", "2022-05-02 x",
    ])
    func whatIsNoDateIsRefused(text: String) {
        let message = "--from is '\(text)'; it must be a date such as 2022-05-02 or 2022-05-02T10:00:00Z"
        #expect(throws: CommandFailure(.usage, message)) { try Dates.instant(text, "--from", zone) }
    }

    // MARK: --param

    private func params(_ texts: String...) throws -> [String: JSONNode] {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        let file = DAGFolder.read(home.path + "/dags/hello.json", kinds: Session.kinds)
        let dag = try #require(file.dag, "\(file.diagnostics)")
        let words = ["hello"] + texts.flatMap { ["--param", $0] }
        return try Params.read(Arguments(words, for: TriggerCommand.spec), dag)
    }

    @Test func aParamHasTheTypeThatItsDAGDeclares() throws {
        let params = try params("count=5", "name=5", "other=[1", "name=a=b ")
        #expect(params["count"]?.integer == 5)
        #expect(params["name"]?.string == "a=b ", "the last one counts")
        #expect(params["other"]?.string == "[1", "the engine refuses an unknown name")
        #expect(try self.params("name=")["name"]?.string == "")
        #expect(try self.params("count=x")["count"]?.string == "x", "the engine says what is wrong with it")
    }

    @Test(arguments: ["count", "=5", ""])
    func aParamWithoutANameOrValueIsRefused(text: String) {
        #expect(throws: CommandFailure(.usage, "--param is '\(text)'; it must be NAME=VALUE")) { try params(text) }
    }

    // MARK: Settings

    private func parallelism(_ text: String?, environment: [String: String] = [:]) throws -> Int {
        let home = try CommandHome()
        if let text { try home.write("weir.json", text) }
        do throws(CommandFailure) {
            return try Settings(Home(path: home.path), { environment[$0] }).parallelism
        } catch {
            // The folder's name is of chance.
            throw CommandFailure(error.status, error.message.replacing(home.path + "/", with: ""))
        }
    }

    @Test func theEnvironmentStandsAboveTheFile() throws {
        #expect(try parallelism(nil) == 16)
        #expect(try parallelism("{}") == 16)
        #expect(try parallelism("{\"parallelism\": 3}") == 3)
        #expect(try parallelism("{\"parallelism\": 3}", environment: ["WEIR_PARALLELISM": "4"]) == 4)
        #expect(try parallelism(nil, environment: ["WEIR_PARALLELISM": "4096"]) == 4096)
    }

    @Test(arguments: [
        ("{\"parallelism\": 0}", "weir.json:1:17: parallelism must be a number from 1 to 4096"),
        ("{\n  \"parallelism\": \"4\"\n}", "weir.json:2:18: parallelism must be a number from 1 to 4096"),
        ("{\n  \"paralelism\": 4}", "weir.json:2:3: unknown setting 'paralelism'; did you mean 'parallelism'?"),
        ("{\"colour\": 4}", "weir.json:1:2: unknown setting 'colour'; `weir config` lists them"),
        ("[]", "weir.json:1:1: must be an object"),
    ])
    func aBadSettingIsNamedWithItsPlace(text: String, message: String) {
        #expect(throws: CommandFailure(.invalid, message)) { try parallelism(text) }
    }

    @Test(arguments: ["{", "{\"parallelism\": 1, \"parallelism\": 2}", ""])
    func aFileThatIsNoJSONIsInvalid(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try parallelism(text) }
        #expect(failure?.status == .invalid)
        #expect(failure?.message.hasPrefix("weir.json:1:") == true, "\(failure?.message ?? "")")
    }

    @Test(arguments: ["0", "4097", "x", "-1", "1.5"])
    func aBadVariableIsRefused(text: String) {
        let message = "WEIR_PARALLELISM is '\(text)'; it must be a number from 1 to 4096"
        #expect(throws: CommandFailure(.invalid, message)) {
            try parallelism(nil, environment: ["WEIR_PARALLELISM": text])
        }
    }
}
