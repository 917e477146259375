import JSONText
import SchedulerCore
import Spawn

/// Why a web hook did not take what it was sent.
struct WebhookError: Error, Sendable, Hashable, CustomStringConvertible {
    var description: String
    /// Whether a later try may succeed.
    var isTemporary = false
    /// Seconds that the other side asked to be left alone for.
    var retryAfter: Int?
}

/// One HTTP request, by the program curl: see docs/decisions/0013.
struct Webhook {
    static let methods = ["POST", "PUT", "PATCH"]

    let url: String
    let method: String
    private(set) var headers: [(name: String, value: String)]
    let body: String
    var timeout = TimeAmount(seconds: 30)
    /// The program; looked up in PATH when it has no slash.
    var program = "curl"

    init(url: String, method: String, headers: [(String, String)], body: String) {
        self.url = url
        self.method = method
        self.headers = headers.map { (name: $0.0, value: $0.1) }
        self.body = body
    }

    /// Sets a header, in place of one of that name.
    mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        headers.append((name, value))
    }

    /// The URL as it may be shown: what follows the host often is a secret.
    var host: String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let authority = parts.count > 2 ? parts[2] : ""
        return "\(parts.first ?? "")//\(authority.split(separator: "@").last ?? authority)"
    }

    // MARK: Sending

    /// - Returns: the status, 200 to 299.
    func send() throws(WebhookError) -> Int {
        let input = Array(try config().utf8)
        let done: ChildProcess.Result
        do throws(StartError) {
            done = try ChildProcess.run(
                // No file of the user's is read, and nothing of the request stands where other processes see it.
                [program, "-q", "--config", "-"], environment: Self.environment, input: input,
                output: .capture(limit: 4096), errors: .capture(limit: 64 << 10),
                timeoutMicroseconds: timeout.microseconds + 5_000_000)
        } catch {
            throw WebhookError(description: "\(error); web hooks need the program curl", isTemporary: true)
        }
        return try judge(done)
    }

    /// Marks the line that curl writes for us.
    private static let mark = "weir-answer:"

    private func config() throws(WebhookError) -> String {
        var lines = [
            "silent", "show-error", "globoff", "url = \(Self.quoted(url))", "request = \(Self.quoted(method))",
            // Nothing else than HTTP, and no redirect: it could lead what was meant for one host to another.
            "proto = \"=http,https\"", "max-redirs = 0",
            "connect-timeout = \(seconds)", "max-time = \(seconds)", "header = \"Expect:\"",
            "write-out = \"%{stderr}\\n\(Self.mark)%{http_code}|%header{retry-after}\\n\"",
        ]
        for (name, value) in headers {
            guard Self.isToken(name) else {
                throw WebhookError(description: "\"\(Markup.oneLine(name))\" is no name of an HTTP header")
            }
            guard !value.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F }) else {
                throw WebhookError(
                    description: "the value of header \"\(name)\" has a line break or a control character")
            }
            // curl takes "Name:" as the wish to leave the header out.
            lines.append("header = " + Self.quoted(value.isEmpty ? "\(name);" : "\(name): \(value)"))
        }
        guard !body.utf8.contains(0) else { throw WebhookError(description: "\"body\" has a NUL character") }
        let quoted = Self.quoted(body)
        guard quoted.utf8.count <= Self.largestBody else {
            throw WebhookError(
                description: "\"body\" has \(body.utf8.count) bytes; a web hook is sent at most about 64 KiB")
        }
        lines.append("data-raw = " + quoted)
        return lines.joined(separator: "\n") + "\n"
    }

    /// curl reads lines of at most 100 KiB.
    private static let largestBody = 96 << 10

    private var seconds: String {
        let milliseconds = max(1, timeout.microseconds / 1000)
        return "\(milliseconds / 1000).\(padded(milliseconds % 1000))"
    }

    private func padded(_ number: Int64) -> String { String("00\(number)".suffix(3)) }

    /// A token of RFC 9110, 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || "!#$%&'*+-.^_`|~".utf8.contains($0)
            }
    }

    /// A value of curl's configuration, see "-K, --config" of curl(1).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// What a machine needs to reach the outside: a proxy, and whose certificates it believes.
    private static var environment: [String: String] {
        var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C"]
        for name in [
            "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
            "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
        ] {
            environment[name] = TaskContext.environment(name)
        }
        return environment
    }

    // MARK: Answers

    private func judge(_ done: ChildProcess.Result) throws(WebhookError) -> Int {
        let lines = done.errorText.split(separator: "\n").map(String.init)
        let answer = lines.last { $0.hasPrefix(Self.mark) }?.dropFirst(Self.mark.count).split(
            separator: "|", omittingEmptySubsequences: false)
        let status = answer?.first.flatMap { Int($0) } ?? 0
        guard done.status.isSuccess, status > 0 else {
            let words = lines.first { !$0.hasPrefix(Self.mark) } ?? "curl: \(done.status)"
            var code: Int32 = 0
            if case .exited(let number) = done.status { code = number }
            throw WebhookError(
                description: done.timedOut ? "\(host): no answer within \(timeout)" : "\(host): \(words)",
                isTemporary: !Self.lasting.contains(code))
        }
        if (200...299).contains(status) { return status }
        let said = excerpt(done.output)
        let words = "\(host) answered HTTP \(status)" + (said.isEmpty ? "" : ": \(said)")
        if (300...399).contains(status) {
            throw WebhookError(description: words + "; redirects are not followed: write the URL that it leads to")
        }
        guard status == 408 || status == 425 || status == 429 || status >= 500 else {
            throw WebhookError(description: words)
        }
        let after = answer.flatMap { $0.count > 1 ? String($0[1]) : nil }
        throw WebhookError(
            description: words, isTemporary: true, retryAfter: after.flatMap { HTTPDate.seconds(in: $0) })
    }

    /// Exit codes of curl that a later try gives again: wrong options, a protocol, a URL.
    private static let lasting: Set<Int32> = [1, 2, 3, 4, 26, 27, 43]

    /// The beginning of what it said, in one line.
    private func excerpt(_ bytes: [UInt8]) -> String {
        let text = Markup.oneLine(String(decoding: bytes.prefix(300), as: UTF8.self))
        return text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
}
