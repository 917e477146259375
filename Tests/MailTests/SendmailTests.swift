import Glibc
import Spawn
import Testing

@testable import Mail

/// Handing over to a mail system that a script stands in for.
@Suite struct SendmailTests {
    private let folder: TemporaryDirectory
    private var outbox: String { folder.path + "/state/outbox" }

    init() throws { folder = try TemporaryDirectory() }

    /// A program that keeps its arguments and its input, and then does what `end` says.
    private func program(_ end: String) throws -> String {
        let path = folder.path + "/sendmail"
        let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" >'\(folder.path)/argv'\ncat >'\(folder.path)/input'\n\(end)\n"
        try File.writeAtomically(path, Array(script.utf8), mode: 0o700)
        return path
    }

    private func failure(_ body: () throws(MailError) -> Void) -> MailError? {
        do throws(MailError) {
            try body()
            return nil
        } catch { return error }
    }

    @Test func theMailSystemGetsTheMessage() throws {
        let program = try program("exit 0")
        let mail = message(text: String(repeating: "a long text\n", count: 20_000))
        #expect(try Sendmail(outbox: outbox, setting: program).send(mail) == .sent(program: program))
        #expect(try File.read(folder.path + "/argv") == Array("-t\n-i\n".utf8))
        let isWhole = try File.read(folder.path + "/input") == mail.encoded()
        #expect(isWhole)
        #expect(!File.exists(outbox))
    }

    @Test(arguments: [(75, true), (1, false), (64, false), (67, false), (127, false)])
    func refusals(code: Int, isTemporary: Bool) throws {
        let program = try program("echo 'queue is full' >&2; echo 'try later' >&2; exit \(code)")
        let error = failure { () throws(MailError) in
            _ = try Sendmail(outbox: outbox, setting: program).send(message())
        }
        #expect(error?.isTemporary == isTemporary)
        #expect(error?.description.hasPrefix(program) ?? false)
        #expect(error?.description.hasSuffix(": queue is full | try later") ?? false)
    }

    @Test func aProgramThatReadsNothing() throws {
        let path = folder.path + "/sendmail"
        try File.writeAtomically(path, Array("#!/bin/sh\nexit 75\n".utf8), mode: 0o700)
        let mail = message(text: String(repeating: "x", count: 1_000_000))
        let error = failure { () throws(MailError) in _ = try Sendmail(outbox: outbox, setting: path).send(mail) }
        #expect(error?.isTemporary == true)
    }

    @Test func settingsThatNameNoProgram() throws {
        let plain = folder.path + "/plain"
        try File.writeAtomically(plain, [65], mode: 0o600)
        for setting in ["/none/sendmail", plain, folder.path, "sendmail"] {
            let error = failure { () throws(MailError) in
                _ = try Sendmail(outbox: outbox, setting: setting).send(message())
            }
            #expect(
                error
                    == MailError(
                        "WEIR_SENDMAIL is '\(setting)', which cannot be executed; write the path of a sendmail, or 'outbox'"
                    ))
        }
    }

    @Test func withoutAMailSystemTheMailIsStored() throws {
        let sendmail = Sendmail(outbox: outbox, setting: "outbox")
        let mail = message(id: "alpr_daily.scheduled__2022-05-02T00:00:00Z." + String(repeating: "t", count: 300))
        guard case .stored(let path) = try sendmail.send(mail) else {
            Issue.record("it was not stored")
            return
        }
        #expect(File.parent(of: path) == outbox && path.hasSuffix(".eml"))
        #expect(try File.read(path) == mail.encoded())
        #expect(try sendmail.send(mail) == .stored(path: path), "a second sending replaces the first")
        #expect(try File.list(outbox).count == 1)
        _ = try sendmail.send(message(id: "../../escape"))
        #expect(try File.list(outbox).count == 2 && File.list(folder.path) == ["state"])
    }

    @Test func anOutboxThatCannotBeWritten() throws {
        try File.writeAtomically(folder.path + "/state", [65])
        let error = failure { () throws(MailError) in
            _ = try Sendmail(outbox: outbox, setting: "outbox").send(message())
        }
        #expect(error?.isTemporary == true)
    }

    @Test func aMessageThatIsNoneIsNotSent() throws {
        let program = try program("exit 0")
        let error = failure { () throws(MailError) in
            _ = try Sendmail(outbox: outbox, setting: program).send(message(to: ["a b"]))
        }
        #expect(error?.isTemporary == false)
        #expect(!File.exists(folder.path + "/argv"))
    }
}
