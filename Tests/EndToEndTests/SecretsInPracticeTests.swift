import Glibc
import JSONText
import Spawn
import Testing

/// `env.` and `secret.` from weir.json to a task's process, and nowhere else.
@Suite struct SecretsInPracticeTests {
    private let value = "correct-horse-battery"

    /// The files under a folder that hold a text.
    private func files(under folder: String, with text: String) throws -> [String] {
        let done = try ChildProcess.run(
            ["grep", "-rlaF", "--", text, folder], environment: ["PATH": "/usr/bin:/bin"])
        return done.outputText.split(separator: "\n").map(String.init)
    }

    private func home() throws -> WeirHome {
        let home = try WeirHome()
        try home.write("secrets/db", value + "\n")
        try home.write(
            "weir.json",
            #"{"env": ["LANG", "STAGE"], "secrets": {"db": {"file": "secrets/db"}, "word": {"env": "WORD"}}}"#)
        return home
    }

    private func dag(_ task: String) -> String {
        "{\"id\": \"d\", \"tasks\": [{\"id\": \"t\", \"kind\": \"command\", \(task)}]}"
    }

    @Test func aSecretReachesTheTaskAndNothingThatStays() throws {
        let home = try home()
        try home.write(
            "dags/d.json",
            dag(
                #""env": {"DB": "user:{{ secret.db }}"}, "with": {"shell": "#
                    + #""echo $DB; echo $DB >seen; echo \"{\\\"key\\\": \\\"k\\\", \\\"value\\\": \\\"$DB\\\"}\" >$WEIR_OUTPUT; exit 3", "#
                    + #""command": null}"#
            ).replacing(", \"command\": null", with: ""))
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        #expect(home.read("seen") == "user:\(value)\n")
        #expect(try files(under: home.path + "/state", with: value) == [])
        let task = try #require(try home.tasks("d", "manual").first)
        #expect(task["reason"]?.string == "exit 3: user:" + String(repeating: "*", count: value.count))
        #expect(try home.weir("logs", "d", "manual", "t").out.contains("user:****"))
    }

    @Test func theStoreAndTheSpecHoldReferences() throws {
        let home = try home()
        try home.write(
            "dags/d.json",
            dag(
                #""env": {"DB": "{{ secret.db }}"}, "with": {"shell": "cat state/attempts/*/spec.json >spec; : {{ secret.db }}"}"#
            ))
        #expect(try home.weir("trigger", "d", "--wait").status == 0)
        #expect(home.read("spec").contains(#""secrets":["db"]"#), "\(home.read("spec"))")
        #expect(!home.read("spec").contains(value))
        #expect(try files(under: home.path + "/state", with: "{{ secret.db }}").contains { $0.contains("weir.db") })
        #expect(try files(under: home.path + "/state", with: value) == [])
    }

    @Test func aBuiltInKindResolvesItsParametersItself() throws {
        let home = try home()
        try home.write(
            "dags/d.json",
            #"{"id": "d", "tasks": [{"id": "t", "kind": "notify", "with": {"to": "{{ secret.db }}@example.org"}}]}"#)
        #expect(try home.weir("trigger", "d", "--wait").status == 0)
        // The mail is where the value was to go.
        let found = try files(under: home.path + "/state", with: value)
        #expect(found.count == 1 && found[0].contains("/outbox/"), "\(found)")
    }

    @Test func aFileThatOthersCanReadIsRefused() throws {
        let home = try home()
        try home.write("dags/d.json", dag(#""env": {"DB": "{{ secret.db }}"}, "with": {"command": ["true"]}"#))
        chmod(home.path + "/secrets/db", 0o644)
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        let file = home.path + "/secrets/db"
        #expect(
            try home.tasks("d", "manual").first?["reason"]?.string
                == "the secret 'db' stands in \(file), which others than its owner can use: `chmod 600 \(file)`")
        #expect(try home.weir("doctor").status == 1)
    }

    @Test func envReadsWhatIsAllowedAndDataCannotNameASecret() throws {
        let home = try home()
        try home.write(
            "dags/d.json",
            #"""
            {"id": "d", "params": {"p": {"type": "string", "default": "x"}}, "tasks": [
             {"id": "t", "kind": "command", "env": {"S": "{{ env.STAGE | default(\"none\") }}"},
              "with": {"shell": "echo $S >stage"}}]}
            """#)
        #expect(try home.weir("trigger", "d", "--wait").status == 0)
        #expect(home.read("stage") == "none\n")
        let forged = try home.weir("trigger", "d", "--param", #"p="\u0000secret.db\u0000""#, "--wait")
        #expect(try files(under: home.path, with: value) == [home.path + "/secrets/db"], "\(forged)")
    }
}
