import Glibc
import Spawn

/// Hands messages to the machine's mail system by `sendmail -t -i`, or, where there is none, to a folder.
public struct Sendmail: Sendable {
    public enum Delivery: Sendable, Hashable {
        /// The mail system took it.
        case sent(program: String)
        /// There is no mail system: the message stands in this file.
        case stored(path: String)
    }

    /// EX_TEMPFAIL of sysexits.h.
    private static let temporaryFailure: Int32 = 75
    private static let timeoutMicroseconds: Int64 = 60_000_000

    private let outbox: String
    private let setting: String?

    /// - Parameters:
    ///   - outbox: the folder for a machine without a mail system.
    ///   - setting: the program, where `outbox` means none; nil or empty: that of the usual places.
    public init(outbox: String, setting: String? = environmentSetting) {
        self.outbox = outbox
        self.setting = setting
    }

    /// `WEIR_SENDMAIL`.
    public static var environmentSetting: String? { getenv("WEIR_SENDMAIL").map { String(cString: $0) } }

    /// The program that messages go to; nil when they go to the outbox.
    public func program() throws(MailError) -> String? {
        guard let setting, !setting.isEmpty else {
            return ["/usr/sbin/sendmail", "/usr/lib/sendmail"].first { Self.isProgram($0) }
        }
        if setting == "outbox" { return nil }
        guard setting.contains("/"), Self.isProgram(setting) else {
            throw MailError(
                "WEIR_SENDMAIL is '\(setting)', which cannot be executed; write the path of a sendmail, or 'outbox'")
        }
        return setting
    }

    private static func isProgram(_ path: String) -> Bool {
        access(path, X_OK) == 0 && File.status(path)?.kind == .file
    }

    /// Why a message was stored and not sent.
    public static var whyNotSent: String {
        getenv("WEIR_SENDMAIL").map { String(cString: $0) } == "outbox"
            ? "WEIR_SENDMAIL is outbox" : "this machine has no sendmail"
    }

    public func send(_ message: MailMessage) throws(MailError) -> Delivery {
        let bytes = try message.encoded()
        guard let program = try program() else { return .stored(path: try store(bytes, message)) }
        let done: ChildProcess.Result
        do throws(StartError) {
            done = try ChildProcess.run(
                [program, "-t", "-i"], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"],
                input: bytes, timeoutMicroseconds: Self.timeoutMicroseconds)
        } catch {
            throw MailError("\(error)", isTemporary: true)
        }
        guard done.status.isSuccess else {
            let words = done.errorText.split(separator: "\n").prefix(3).joined(separator: " | ")
            throw MailError(
                "\(program): \(done.status)\(words.isEmpty ? "" : ": " + words)",
                isTemporary: done.timedOut || done.status == .exited(Self.temporaryFailure))
        }
        return .sent(program: program)
    }

    private func store(_ bytes: [UInt8], _ message: MailMessage) throws(MailError) -> String {
        let path = "\(outbox)/\(MailMessage.token(message.id)).eml"
        do throws(SystemError) {
            try File.makeDirectory(outbox, recursive: true)
            try File.writeAtomically(path, bytes)
        } catch {
            throw MailError("\(error)", isTemporary: true)
        }
        return path
    }
}
