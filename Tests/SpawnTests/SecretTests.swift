import Glibc
import JSONText
import Testing

@testable import Spawn

/// Secrets on their way to a task: by reference in the spec, by value in memory, masked in what is kept.
@Suite struct SecretTests {
    private let value = "s3cret-\"quoted\"-value"
    private let reference = "\u{0}secret.db\u{0}"

    private func run(_ attempt: TestAttempt, _ secrets: [String: String]) throws -> AttemptResult {
        try attempt.spec.write(to: attempt.directory)
        try waitForEnd(
            of: SupervisorLauncher.start(
                program: products + "/weir-supervise", directory: attempt.directory, secrets: AttemptSecrets(secrets)))
        return try attempt.result()
    }

    @Test func theTaskGetsTheValueAndNoFileDoes() throws {
        var attempt = try TestAttempt(
            #"[ "$A" = "user:$B" ] && [ "$1" = "$B" ] && echo "got <$B>" && read x || echo "no input"; "#
                + #"printf '{"key": "k", "value": "%s"}\n' "$(echo "$B" | sed 's/"/\\"/g')" >$WEIR_OUTPUT"#)
        attempt.spec.argv += ["sh", reference]
        attempt.spec.env["A"] = "user:" + reference
        attempt.spec.env["B"] = reference
        attempt.spec.secrets = ["db"]
        let result = try run(attempt, ["db": value])
        #expect(result.exitCode == 0)
        let stars = String(repeating: "*", count: value.utf8.count)
        #expect(try attempt.log == "got <\(stars)>\nno input\n")
        let output = String(decoding: try File.read(attempt.directory.output), as: UTF8.self)
        #expect(output.hasPrefix("{\"key\": \"k\", \"value\": \"***"), "\(output)")
        for name in try File.list(attempt.directory.path) {
            let bytes = try File.read(attempt.directory.path + "/" + name)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("s3cret"), "\(name)")
        }
    }

    @Test func aReasonIsMaskedToo() throws {
        var attempt = try TestAttempt(argv: [reference])
        attempt.spec.secrets = ["db"]
        let result = try run(attempt, ["db": "no-such-program"])
        #expect(result.outcome == .startFailed)
        #expect(result.reason == "no such program '***************' in PATH (\(Program.defaultPath))")
    }

    @Test func aSecretThatIsNotHandedOverFailsTheStart() throws {
        var attempt = try TestAttempt("true")
        attempt.spec.env["A"] = reference
        attempt.spec.secrets = ["db"]
        let result = try run(attempt, ["other": "x"])
        #expect(result.outcome == .startFailed)
        #expect(result.reason == "the secret 'db' was not handed to the supervisor")
    }

    @Test func aNULThatIsNoReferenceIsRefused() throws {
        for text in ["a\u{0}b", "\u{0}secret.none\u{0}", "\u{0}db\u{0}", "\u{0}secret.db"] {
            #expect(AttemptSecrets(["db": "x"]).resolve(text) == nil, "\(text.debugDescription)")
        }
        #expect(AttemptSecrets(["db": "x"]).resolve("a" + reference + reference + "b") == "axxb")
        let node = try JSONDocument(parsing: #"{"a": ["\u0000secret.db\u0000", 1], "b": "plain"}"#).root
        let resolved = AttemptSecrets(["db": "x"]).resolve(node)
        #expect(resolved["a"]?.array?[0].string == "x")
        #expect(resolved["b"]?.string == "plain")
    }

    @Test func aMaskCoversWhatIsWrittenInPieces() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/log"
        var mask = try #require(SecretMask(["hunter2222", "line one of a key\nline two of a key"]))
        try File.writeAtomically(path, Array("a hunter2222 b hunt".utf8))
        mask.pass(path)
        #expect(String(decoding: try File.read(path), as: UTF8.self) == "a ********** b hunt")
        try File.writeAtomically(path, try File.read(path) + Array("er2222 line two of a key".utf8))
        mask.pass(path)
        let text = String(decoding: try File.read(path), as: UTF8.self)
        #expect(text == "a ********** b ********** " + String(repeating: "*", count: 17))
        #expect(SecretMask(["abc", ""]) == nil, "too short to be told from other text")
    }

    /// Also with what programs put behind a value before they code it.
    @Test func codedValuesAreMasked() throws {
        // Each has other bits at the end of its Base64; the codings are those of base64(1), Python and JavaScript.
        let cases: [(String, [String])] = [
            ("hunter22", ["aHVudGVyMjI=", "aHVudGVyMjI", "hunter22"]),
            ("hunter222", ["aHVudGVyMjIy"]), ("hunter2222", ["aHVudGVyMjIyMg==", "aHVudGVyMjIyMg"]),
            ("p?ss>w~rd?", ["cD9zcz53fnJkPw==", "cD9zcz53fnJkPw", "p%3Fss%3Ew~rd%3F", "p%3fss%3ew~rd%3f"]),
            ("\u{FB}\u{FF}>?>?", ["w7vDvz4_Pj8", "w7vDvz4/Pj8", "%C3%BB%C3%BF%3E%3F%3E%3F"]),
            (
                "a b/c!(d)",
                ["a%20b%2Fc%21%28d%29", "a+b%2Fc%21%28d%29", "a%20b/c%21%28d%29", "a%20b%2Fc!(d)", "a+b%2fc!(d)"]
            ),
        ]
        for (value, forms) in cases {
            let mask = try #require(SecretMask([value]))
            for form in forms {
                #expect(
                    mask.masked("<\(form)>") == "<" + String(repeating: "*", count: form.utf8.count) + ">", "\(form)")
            }
        }
        // `echo value | base64`: at most the last character tells of the value, and not a whole byte.
        for value in ["hunter22", "hunter222", "hunter2222"] {
            let coded = Base64.encoded(Array((value + "\n").utf8))
            let left = try #require(SecretMask([value])).masked(coded).filter { $0 != "*" && $0 != "=" }
            #expect(left.count <= 2, "\(left)")
        }
        #expect(SecretMask(["abc"]) == nil, "what is too short for itself is so in each coding")
    }

    @Test func aMaskCrossesTheBorderOfItsPieces() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/log"
        let secret = "0123456789"
        for shift in [0, 1, 5, 9, 10, 11] {
            let before = [UInt8](repeating: UInt8(ascii: "."), count: (1 << 20) - shift)
            try File.writeAtomically(path, before + Array(secret.utf8) + before)
            try #require(SecretMask([secret])).cover(path)
            #expect(try File.read(path) == before + [UInt8](repeating: UInt8(ascii: "*"), count: 10) + before)
        }
    }
}
