import Engine
import Glibc
import JSONText
import Spawn
import Testing

@testable import Commands

/// The settings: where each may stand, which place counts, and what is said of mistakes.
@Suite struct ConfigCommandTests {
    private let home: CommandHome

    init() throws { home = try CommandHome() }

    private func value(_ name: String, _ words: [String] = [], _ environment: [String: String] = [:]) -> String {
        var environment = environment
        environment["WEIR_HOME"] = home.path
        return run(["config", name] + words, environment: environment).out
    }

    /// A valid value of each setting but the usual one: as JSON, then as the text of a flag or a variable, and as shown.
    private static let samples: [String: (json: String, text: String, other: String)] = [
        "parallelism": ("3", "3", "4"), "kill_grace": ("\"5s\"", "5s", "6s"),
        "log_limit": ("\"1MiB\"", "1MiB", "2MiB"), "log_level": ("\"debug\"", "debug", "error"),
        "trusted_proxies": ("[\"127.0.0.1\", \"10.0.0.0/8\"]", "127.0.0.1,10.0.0.0/8", "::1"),
        "rate_limit": ("50", "50", "60"),
        "listen": ("\"127.0.0.1:8080\"", "127.0.0.1:8080", "[::1]:80"),
        "retention.runs": ("\"90d\"", "90d", "80d"), "retention.keep": ("7", "7", "8"),
        "retention.logs": ("\"30d\"", "30d", "20d"), "lake": ("\"/l1\"", "/l1", "/l2"),
        "lake_writers": ("\"one\"", "one", "many"),
        "sendmail": ("\"/bin/true\"", "/bin/true", "outbox"), "duckdb": ("\"/d1\"", "/d1", "/d2"),
        "env": ("[\"STAGE\", \"TIER\"]", "STAGE,TIER", "STAGE"),
        "secrets": ("{\"a\": {\"env\": \"A\"}}", "a: env A", "b: env B"),
    ]

    @Test(arguments: Setting.all.map(\.name))
    func everySettingHasOnePrecedence(name: String) throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        let sample = try #require(Self.samples[name], "the new setting needs a sample here")
        let parts = name.split(separator: ".")
        let inner = "\"\(parts[parts.count - 1])\": \(sample.json)"
        try home.write("weir.json", parts.count == 2 ? "{\"\(parts[0])\":\n{\(inner)}}" : "{\n\(inner)}")
        #expect(value(name) == sample.text + "\n")
        let given = name == "secrets" ? "{\"b\": {\"env\": \"B\"}}" : sample.other
        #expect(value(name, [], [setting.variable: given]) == sample.other + "\n")
        let fromFlag = value(name, [setting.flag, given], [setting.variable: name == "secrets" ? "{}" : sample.text])
        #expect(fromFlag == sample.other + "\n")

        let shown = try home.json("config", name)["settings"]?.array?.first
        #expect(shown?["source"]?.string == "weir.json:2")
        #expect(shown?["variable"]?.string == setting.variable)
        try home.write("weir.json", "{}")
        let usual = try home.json("config", name)["settings"]?.array?.first
        #expect(usual?["source"]?.string == "default")
    }

    @Test func theDaemonTakesEverySettingAsAFlag() {
        let flags = Set(DaemonCommand.spec.options.map(\.name))
        #expect(Setting.all.allSatisfy { flags.contains($0.flag) })
    }

    @Test func theTableSaysWhereEachComesFrom() throws {
        try home.write("weir.json", "{\n \"log_limit\": \"1MiB\"\n}")
        let output = home.weir(
            "config", "--kill-grace", "3s",
            environment: ["WEIR_PARALLELISM": "5", "WEIR_PARALELISM": "9", "WEIR_TASK_ID": "x", "WEIR_PARAM_A": "y"])
        #expect(output.status == 0)
        let rows = output.out.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(rows.contains("log_limit 1MiB weir.json:2"))
        #expect(rows.contains("parallelism 5 WEIR_PARALLELISM"))
        #expect(rows.contains("kill_grace 3s --kill-grace"))
        #expect(rows.contains("log_level info default"))
        #expect(rows.contains("home \(home.path) WEIR_HOME"))
        #expect(
            output.err == "weir: WEIR_PARALELISM is set, and nothing reads it; did you mean WEIR_PARALLELISM?\n")
    }

    @Test func theHomeIsShownWithItsSource() throws {
        let path = try #require(realpath(home.path, nil).map { String(cString: $0) })
        #expect(home.weir("config", "home").out == path + "\n")
        let flag = run(["config", "--home", home.path, "--json"], environment: ["WEIR_HOME": "/nowhere"])
        let root = try JSONDocument(parsing: flag.out).root
        #expect(root["home"]?.string == path && root["home_source"]?.string == "--home")
        let here = try JSONDocument(parsing: run(["config", "--json"]).out).root
        #expect(here["home_source"]?.string == "current directory")
        let slip = home.weir("config", "hom")
        #expect(slip.status == 4 && slip.err.contains("did you mean 'home'?"), "\(slip.err)")
    }

    @Test(arguments: [
        (
            "{\"log_level\": \"inf\"}",
            "1:15: log_level must be one of debug, info, warning, error; did you mean 'info'?"
        ),
        ("{\"log_limit\": 5}", "1:15: log_limit must be a number of bytes such as \"64MiB\", from 64KiB to 1024GiB"),
        ("{\"env\": [\"A\", \"a-b\"]}", "1:15: env must hold names of variables; 'a-b' is none"),
        ("{\"env\": \"A\"}", "1:9: env must be a list of names of variables"),
        (
            "{\"secrets\": {\"db\": {\"fille\": \"x\"}}}",
            "1:21: secrets cannot take 'db' from 'fille'; did you mean 'file'?"
        ),
        (
            "{\"secrets\": {\"db\": \"x\"}}",
            "1:20: secrets must say of 'db' one place, such as {\"file\": \"secrets/db\"} or {\"env\": \"VARIABLE\"}"
        ),
        (
            "{\"secrets\": {\"a.b\": {\"env\": \"x\"}}}",
            "1:14: secrets cannot have the name 'a.b'; it is made of letters, digits, _ and -"
        ),
        ("{\"retention.keep\": 4}", "1:2: unknown setting 'retention.keep'; write it as \"keep\" in \"retention\""),
    ])
    func aMistakeIsToldWithItsPlace(text: String, message: String) throws {
        try home.write("weir.json", text)
        let output = home.weir("config")
        #expect(output.status == 3)
        #expect(output.err == "weir: \(home.path)/weir.json:\(message)\n")
    }

    @Test func aWrongFlagOrNameIsTold() {
        #expect(home.weir("config", "--log-level", "loud").status == 2)
        let unknown = home.weir("config", "paralelism")
        #expect(unknown.status == 4)
        #expect(unknown.err == "weir: no setting 'paralelism'; did you mean 'parallelism'?\n")
    }

    @Test func theDocumentationHasEverySetting() throws {
        let folder = File.parent(of: File.parent(of: File.parent(of: #filePath)))
        let text = String(decoding: try File.read(folder + "/docs/configuration.md"), as: UTF8.self)
        for setting in Setting.all {
            let row =
                "| `\(setting.name)` | `\(setting.variable)` | `\(setting.flag)` | \(setting.type.words) | "
                + "\(setting.usualText) | \(setting.help) |"
            #expect(text.contains(row), "docs/configuration.md lacks the line\n\(row)")
        }
    }

    // MARK: What DAG files name

    private let dag = """
        {"id": "d", "schedule": "daily", "start": "2022-05-01",
         "tasks": [{"id": "t", "kind": "command", "env": {"A": "{{ env.STAGE }}", "B": "{{ secret.db }}"},
         "with": {"command": ["true"]}}]}
        """

    @Test func validateKnowsTheNames() throws {
        try home.write("dags/d.json", dag)
        let unchecked = home.weir("validate")
        #expect(unchecked.status == 0)
        #expect(unchecked.out.contains("warning: env.STAGE cannot be checked: there is no weir.json here"))
        #expect(unchecked.out.contains("warning: secret.db cannot be checked"))
        try home.write("weir.json", "{\"env\": [\"STAGES\"], \"secrets\": {\"other\": {\"env\": \"X\"}}}")
        let unknown = home.weir("validate")
        #expect(unknown.status == 3)
        #expect(
            unknown.out.contains(
                "weir.json does not let templates read STAGE of the environment; did you mean \"STAGES\"?"))
        #expect(unknown.out.contains("weir.json has no secret \"db\"; add it to its \"secrets\""))
        try home.write("weir.json", "{\"env\": [\"STAGE\"], \"secrets\": {\"db\": {\"file\": \"secrets/db\"}}}")
        #expect(home.weir("validate").status == 0)
        #expect(home.weir("simulate", "d", "--from", "2022-05-01", "--to", "2022-05-02").status == 0)
    }

    @Test(arguments: [
        (
            #""with": {"shell": "echo {{ secret.db }}"}"#,
            "warning: every user of this machine can see the secret \"db\""
        ),
        (#""when": "secret.db == 'x'", "with": {"command": ["true"]}"#, "\"when\" cannot use secrets"),
        (
            #""for_each": ["{{ secret.db }}"], "with": {"command": ["true"]}"#,
            "\"for_each\" cannot use secrets: its elements are stored"
        ),
        (
            #""env": {"A": "{{ secret.db | json }}"}, "with": {"command": ["true"]}"#,
            "a secret takes no filter: its value is put in when the process of the task is made"
        ),
    ])
    func secretsHaveTheirPlaces(keys: String, message: String) throws {
        try home.write("weir.json", "{\"secrets\": {\"db\": {\"file\": \"secrets/db\"}}}")
        try home.write("dags/d.json", "{\"id\": \"d\", \"tasks\": [{\"id\": \"t\", \"kind\": \"command\", \(keys)}]}")
        let output = home.weir("validate")
        #expect(output.out.contains(message), "\(output.out)")
        #expect(output.status == (message.hasPrefix("warning") ? 0 : 3))
    }
}
